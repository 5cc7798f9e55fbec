"""Gaussian noise and Gaussian dropout: normal numbers that training draws, and that prediction does without."""

from __future__ import annotations

import numpy as np
import pytest

from symmlp.errors import SpecError
from symmlp.generation import generate
from symmlp.spec import Network
from symmlp.verification import check_module
from tests.generated_modules import executed

NETWORK = Network.parse("4 -> gaussian_noise(deviation=0.25) -> 3 tanh -> gaussian_dropout(rate=0.2) -> 2 | mse")


@pytest.mark.parametrize("style", ["plain", "buffered"])
def test_every_oracle_agrees_and_numbers_of_another_deviation_are_refused(style: str) -> None:
    source = str(generate(NETWORK, style=style))
    assert check_module(source, NETWORK).ok
    # √(0.2 / 0.8) is 1/2.
    broken = source.replace("rng.normal(1.0, 0.5,", "rng.normal(1.0, 0.6,")
    assert broken != source
    assert not check_module(broken, NETWORK).ok


def test_prediction_draws_nothing_and_training_draws_anew_for_each_batch() -> None:
    module = executed(generate(NETWORK))
    rng = np.random.default_rng(0)
    inputs, targets, theta = rng.normal(size=(5, 4)), rng.normal(size=(5, 2)), module.init_params(1)
    named = module.unpack(theta)
    expected = np.tanh(inputs @ named.W2.T + named.b2) @ named.W4.T + named.b4
    np.testing.assert_allclose(module.forward(theta, inputs), expected, rtol=1e-13)
    masks = module.draw_masks(rng, 5)
    noised = np.tanh((inputs + masks[0]) @ named.W2.T + named.b2) * masks[1] @ named.W4.T + named.b4
    assert module.loss(theta, inputs, targets, masks) == pytest.approx(((noised - targets) ** 2).mean(), rel=1e-13)
    assert not np.array_equal(masks[0], module.draw_masks(rng, 5)[0])


@pytest.mark.parametrize(
    ("layer", "told"),
    [
        ("gaussian_noise(deviation=-1)", r"layers\[1\]\.deviation: expected the standard deviation, .*; got -1"),
        ("gaussian_dropout(rate=1)", r"layers\[1\]\.rate: expected a probability from 0 to less than 1; got 1"),
    ],
)
def test_numbers_out_of_range_are_refused_in_one_line(layer: str, told: str) -> None:
    with pytest.raises(SpecError, match=told):
        Network.parse(f"4 -> {layer} -> 2 | mse")
