"""Randomized leaky relu: both modes against NumPy's and PyTorch's arithmetic with the same slopes."""

from __future__ import annotations

from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from symmlp import Network, generate
from symmlp.verification.loading import load_module

TEXT = "4 -> 6 -> randomized_relu -> 3 | mse"
STYLES = ("plain", "buffered")
Arrays = tuple[np.ndarray[Any, np.dtype[np.float64]], ...]


@cache
def module(style: str) -> ModuleType:
    """Return the module of a style."""
    return load_module(generate(Network.parse(TEXT), style=style))


@cache
def point() -> Arrays:
    """Return theta, X, Y and slopes."""
    rng = np.random.default_rng(5)
    own = module("plain")
    return own.init_params(1), rng.normal(size=(20, 4)), rng.normal(size=(20, 3)), own.draw_masks(rng, 20)[0]


@pytest.mark.parametrize("style", STYLES)
def test_training_multiplies_negative_entries_by_the_drawn_slopes(style: str) -> None:
    theta, X, Y, slopes = point()
    p = module(style).unpack(theta)
    before = X @ p.W1.T + p.b1
    P = np.where(before < 0, slopes * before, before) @ p.W3.T + p.b3
    found = module(style).loss(theta, X, Y, masks=(slopes,))
    assert found == pytest.approx(np.mean((P - Y) ** 2), rel=1e-13)
    assert found != pytest.approx(module(style).loss(theta, X, Y), rel=1e-6)


@pytest.mark.parametrize("style", STYLES)
def test_the_gradient_is_pytorchs_with_the_same_slopes(style: str) -> None:
    torch = pytest.importorskip("torch")
    theta, X, Y, slopes = point()
    W1, b1, W3, b3 = (torch.tensor(each, requires_grad=True) for each in module(style).unpack(theta))
    before = torch.tensor(X) @ W1.T + b1
    P = torch.where(before < 0, torch.tensor(slopes) * before, before) @ W3.T + b3
    torch.nn.functional.mse_loss(P, torch.tensor(Y)).backward()
    expected = np.concatenate([each.grad.numpy().ravel() for each in (W1, b1, W3, b3)])
    _, gradient = module(style).loss_and_grad(theta, X, Y, masks=(slopes,))
    np.testing.assert_allclose(gradient, expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("style", STYLES)
def test_prediction_takes_pytorchs_mean_slope(style: str) -> None:
    torch = pytest.importorskip("torch")
    theta, X, *_ = point()
    p = module(style).unpack(theta)
    after = torch.nn.functional.rrelu(torch.tensor(X @ p.W1.T + p.b1), training=False).numpy()
    np.testing.assert_allclose(module(style).forward(theta, X), after @ p.W3.T + p.b3, rtol=1e-12, atol=1e-15)


def test_slopes_are_drawn_anew_from_the_whole_interval() -> None:
    first, second = (module("plain").draw_masks(np.random.default_rng(seed), 2000)[0] for seed in (0, 1))
    assert not np.array_equal(first, second)
    assert 1 / 8 <= first.min() < 0.126
    assert 0.332 < first.max() <= 1 / 3


def test_training_repeats_itself_with_the_same_seed() -> None:
    theta, X, Y, _ = point()
    same, other = (module("plain").fit(X, Y, theta=theta.copy(), epochs=2, seed=seed).history for seed in (0, 0))
    assert same == other
    assert module("plain").fit(X, Y, theta=theta.copy(), epochs=2, seed=1).history != same
