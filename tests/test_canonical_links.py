"""A user's own expressions meet as catalogued names do: the gradient of the pre-activation has the same equation.

Where an output activation is the inverse of the loss's canonical link, that is a difference such as P − Y.
"""

from __future__ import annotations

import re

import pytest

import symmlp

BINARY = "(P − Y) / (N·3)"
PAIRS: tuple[tuple[str, str], ...] = (
    *(
        (f"{output} | {loss}", BINARY)
        for output in ("sigmoid", "{sigmoid(x)}", "{1/(1+exp(-x))}", "{exp(x)/(1+exp(x))}", "{(1+tanh(x/2))/2}")
        for loss in ("bce", "{-y*log(p)-(1-y)*log(1-p)}", "{-(y*log(p)+(1-y)*log(1-p))}")
    ),
    *(
        (f"{output} | {loss}", "(P − Y) / (N·3)")
        for output in ("exponential", "{exp(x)}")
        for loss in ("poisson", "{p-y*log(p)}")
    ),
    ("tanh | {-(1+y)/2*log(1+p)-(1-y)/2*log(1-p)}", "(P − Y) / (N·3)"),
    ("{tanh(x)} | {-(1+y)*log(1+p)-(1-y)*log(1-p)}", "2 (P − Y) / (N·3)"),
    ("softmax | cross_entropy", "(P − Y) / N"),
    ("log_softmax | nll", "(exp(P) − Y) / N"),
)


def gradient_line(network: str, array: str) -> str:
    """Return the printed equation of the gradient of an array."""
    start = f"∂L/∂{array} = "
    lines = symmlp.derive(symmlp.Network.parse(network)).text().splitlines()
    (found,) = [line.split(start)[1] for line in lines if line.strip().startswith("B") and f"  {start}" in f"  {line}"]
    return found.split("  ")[0]


@pytest.mark.parametrize(("ending", "expected"), PAIRS)
def test_a_canonical_link_comes_out_simplified(ending: str, expected: str) -> None:
    assert gradient_line(f"4 -> 3 {ending}", "Z1") == expected


SLOPES = (
    ("mse", "2 (p − y)"),
    ("{(p-y)**2}", "2 (p − y)"),
    ("{(y-p)**2}", "2 (p − y)"),
    ("bce_with_logits", "1 / (1 + exp(−p)) − y"),
    ("{softplus(p)-y*p}", "exp(p) / (1 + exp(p)) − y"),
    ("{log(1+exp(p))-y*p}", "exp(p) / (1 + exp(p)) − y"),
    ("poisson_nll", "exp(p) − y"),
    ("{exp(p)-y*p}", "exp(p) − y"),
)
"""Losses of the pre-activation itself: the link is in the loss, and its slope is the difference."""


@pytest.mark.parametrize(("loss", "expected"), SLOPES)
def test_the_slope_of_a_loss_with_its_link_is_a_difference(loss: str, expected: str) -> None:
    text = symmlp.derive(symmlp.Network.parse(f"4 -> 3 | {loss}")).text()
    assert re.findall(r"′\(p, y\) = ([^\]\n]+)", text)[-1] == expected


def test_a_link_that_is_not_canonical_is_no_difference() -> None:
    assert gradient_line("4 -> 3 tanh | mse", "Z1") != "(P − Y) / (N·3)"
