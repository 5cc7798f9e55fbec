"""Weights of samples: a number of each, an input of the graph; a mean over the samples, or over their weights."""

from __future__ import annotations

from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from symmlp.errors import SpecError
from symmlp.generation import generate
from symmlp.spec import Network
from symmlp.spec_preset import PresetName
from symmlp.verification import check_module
from tests.generated_modules import executed

TEXTS = ("4 -> 5 tanh -> 3 softmax | cross_entropy", "4 -> 5 tanh -> 3 | mse", "4 -> 5 tanh -> 3 | multi_margin")


def network_of(text: str = TEXTS[0], sample_weights: Any = "weights", **fields: object) -> Network:
    return Network.model_validate({**Network.parse(text).as_dict(), "sample_weights": sample_weights, **fields})


PENALIZED = network_of(penalty="sklearn(alpha=0.1)", class_weights=[1, 2, 3])


@cache
def source_of(network: Network, style: str = "plain", target: str = "numpy") -> str:
    return str(generate(network, style=style, target=target))


def module_of(network: Network, style: str = "plain", target: str = "numpy") -> ModuleType:
    return executed(source_of(network, style, target))


def data(network: Network, samples: int = 7) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(1)
    inputs, weights = rng.normal(size=(samples, 4)), rng.uniform(size=samples)
    targets = rng.normal(size=(samples, 3)) if network.loss == "mse" else np.arange(samples) % 3
    return inputs, targets, weights


@pytest.mark.parametrize("kind", ["samples", "weights"])
def test_every_oracle_agrees_and_a_weight_left_out_is_refused(kind: str) -> None:
    network = network_of("4 -> 3 softmax | cross_entropy", kind, penalty="sklearn(alpha=0.1)")
    source = source_of(network)
    assert check_module(source, network).ok
    assert "omega * " in source or " * omega" in source
    assert not check_module(source.replace("omega * ", "").replace(" * omega", ""), network).ok


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("kind", ["samples", "weights"])
def test_a_sample_of_weight_two_counts_as_two(text: str, kind: str) -> None:
    network = network_of(text, kind)
    module, plain = module_of(network), module_of(network_of(text, "none"))
    inputs, targets, _ = data(network)
    weights = np.array([1, 2, 1, 0, 1, 2, 1])
    twice = np.repeat(np.arange(7), weights)
    factor = len(twice) / 7 if kind == "samples" else 1
    theta = module.init_params(0)
    loss, gradient = module.loss_and_grad(theta, inputs, targets, sample_weight=weights)
    expected, slopes = plain.loss_and_grad(theta, inputs[twice], targets[twice])
    assert loss == pytest.approx(expected * factor, rel=1e-14)
    np.testing.assert_allclose(gradient, slopes * factor, rtol=1e-12, atol=1e-16)


@pytest.mark.parametrize(
    ("style", "target"), [("buffered", "numpy"), pytest.param("plain", "numba", marks=pytest.mark.slow)]
)
def test_every_style_fits_the_same_parameters(style: str, target: str) -> None:
    inputs, targets, weights = data(PENALIZED)
    weights[3:6] = 0
    settings = {"epochs": 3, "batch_size": 3, "shuffle": False, "sample_weight": weights}
    fits = [module.fit(inputs, targets, **settings) for module in (module_of(PENALIZED), module_of(PENALIZED, style))]
    np.testing.assert_allclose(fits[1].theta, fits[0].theta, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(fits[1].history, fits[0].history, rtol=1e-12)


def test_without_weights_each_sample_counts_one() -> None:
    module, (inputs, targets, _) = module_of(PENALIZED), data(PENALIZED)
    theta = module.init_params(0)
    ones = np.ones(7)
    assert module.loss(theta, inputs, targets) == module.loss(theta, inputs, targets, sample_weight=ones)
    assert module.check_gradients().ok


@pytest.mark.parametrize(
    ("weights", "told"),
    [
        ([1, 2], r"sample_weight: expected shape \(7,\), got \(2,\)"),
        ([1, 1, -0.5, 1, 1, 1, 1], "sample_weight: -0.5 at row 2 .*expected finite numbers from 0 on"),
        ([1, 1, 1, 1, np.inf, 1, 1], "sample_weight: inf at row 4 .*expected finite numbers from 0 on"),
        ([0] * 7, "sample_weight: all are 0; expected one above 0"),
        (["a"] * 7, "sample_weight: expected real numbers"),
    ],
)
def test_weights_that_are_none_are_refused_in_one_line(weights: Any, told: str) -> None:
    module, (inputs, targets, _) = module_of(PENALIZED), data(PENALIZED)
    with pytest.raises(ValueError, match=told):
        module.fit(inputs, targets, sample_weight=weights)


@pytest.mark.parametrize(("preset", "kind"), [("pytorch", "samples"), ("keras", "samples"), ("sklearn", "weights")])
def test_true_takes_the_mean_of_the_preset(preset: PresetName, kind: str) -> None:
    assert network_of(TEXTS[0], True, preset=preset).sample_weights == kind
    assert network_of(TEXTS[0], False, preset=preset).sample_weights == "none"


def test_another_kind_of_weights_is_refused_in_one_line() -> None:
    with pytest.raises(SpecError, match="sample_weights: expected 'none', 'samples' or 'weights', got 'some'"):
        network_of(TEXTS[0], "some")


def test_a_network_without_weights_takes_none() -> None:
    module = module_of(network_of(TEXTS[0], "none"))
    with pytest.raises(TypeError, match="sample_weight"):
        module.loss(module.init_params(0), np.ones((2, 4)), [0, 1], sample_weight=[1, 1])
