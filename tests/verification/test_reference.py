"""The exact reference: its loss is the definitions' loss, and a changed entry gives the loss computed anew."""

from __future__ import annotations

from dataclasses import replace

import mpmath
import numpy as np
import pytest

from symmlp.spec import Dense, Network
from symmlp.verification import Check
from symmlp.verification.evaluation import Evaluation, NotRealError, precise
from symmlp.verification.high_precision import Costs, Exact, check_high_precision, exact_point
from symmlp.verification.layout import Array, Layout
from symmlp.verification.loading import load_module
from symmlp.verification.reference import Definitions, Reference
from symmlp.verification.sample import Sample, draw_sample
from symmlp.verification.subject import Subject
from tests.verification.modules import (
    CLASSIFICATION,
    CLASSIFICATION_MODULE,
    REGRESSION,
    REGRESSION_MODULE,
    RELU,
    RELU_MODULE,
    replaced,
)

MODULES = {"regression": (REGRESSION_MODULE, REGRESSION), "relu": (RELU_MODULE, RELU)}
MODULES["classification"] = (CLASSIFICATION_MODULE, CLASSIFICATION)

DEEP = Network(
    inputs=3,
    layers=(Dense(4, "tanh"), Dense(2, "softmax", bias=False), Dense(6, "gelu"), Dense(5, "relu"), Dense(7, "sigmoid")),
    loss="bce",
    reduction="batch_mean",
)


def reference(network: Network, sample: Sample, digits: int = 30) -> Reference:
    definitions = Definitions.of(network, Evaluation(precise(digits)))
    return Reference.at(definitions, sample.theta, sample.inputs, sample.dense_targets(network.outputs))


@pytest.mark.parametrize("name", MODULES)
def test_the_loss_is_that_of_a_module_written_by_hand(name: str) -> None:
    source, network = MODULES[name]
    sample = draw_sample(network, 0)
    expected = load_module(source).loss(sample.theta, sample.inputs, sample.targets)
    assert float(reference(network, sample).loss().value) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("name", MODULES)
def test_floats_give_the_same_loss_as_many_digits(name: str) -> None:
    _, network = MODULES[name]
    sample = draw_sample(network, 0)
    definitions = Definitions.of(network, Evaluation(mpmath.fp))
    inexact = Reference.at(definitions, sample.theta, sample.inputs, sample.dense_targets(network.outputs)).loss()
    assert float(reference(network, sample).loss().value) == pytest.approx(inexact.value, rel=1e-14)


@pytest.mark.parametrize(
    ("reduction", "loss", "factor"),
    [("sum", "mse", 1), ("mean", "mse", 1 / 15), ("batch_mean", "mse", 1 / 5), ("mean", "mae", 1 / 15)],
)
def test_the_reduction_is_what_the_spec_says(reduction: str, loss: str, factor: float) -> None:
    network = Network.model_validate({"inputs": 4, "layers": [{"units": 3}], "loss": loss, "reduction": reduction})
    sample = draw_sample(network, 0)
    views = Layout.of(network).views(sample.theta)
    errors = sample.inputs @ views["W1"].T + views["b1"] - sample.targets
    entries = errors**2 if loss == "mse" else np.abs(errors)
    assert float(reference(network, sample).loss().value) == pytest.approx(entries.sum() * factor, rel=1e-14)


def test_cross_entropy_is_averaged_over_samples() -> None:
    network = Network.parse("4 -> 3 softmax | cross_entropy")
    sample = draw_sample(network, 0)
    views = Layout.of(network).views(sample.theta)
    Z = sample.inputs @ views["W1"].T + views["b1"]
    entries = -sample.targets * (Z - np.log(np.exp(Z).sum(axis=1, keepdims=True)))
    assert float(reference(network, sample).loss().value) == pytest.approx(entries.sum() / 5, rel=1e-14)


def test_the_magnitude_adds_what_the_loss_subtracts() -> None:
    network = Network.parse("4 -> 3 | {p}")
    sample = draw_sample(network, 0)
    found = reference(network, sample).loss()
    assert found.magnitude > abs(found.value)


@pytest.mark.parametrize("parameter", Layout.of(DEEP).parameters, ids=lambda parameter: parameter.name)
def test_a_changed_entry_gives_the_loss_computed_anew(parameter: object) -> None:
    sample = draw_sample(DEEP, 0)
    part = next(each for each in Layout.of(DEEP).parameters if each == parameter)
    for place in (part.start, part.stop - 1):
        theta = sample.theta.copy()
        theta[place] += 0.25
        found = reference(DEEP, sample).loss_at(part, part.entry(place), 0.25)
        expected = reference(DEEP, replace(sample, theta=theta)).loss().value
        assert abs(found - expected) < 1e-27


def test_a_step_along_a_direction_gives_the_loss_computed_anew() -> None:
    sample, direction = draw_sample(DEEP, 0), draw_sample(DEEP, 1)
    along = reference(DEEP, replace(sample, theta=direction.theta)).point
    found = reference(DEEP, sample).loss_along(along, 0.5)
    expected = reference(DEEP, replace(sample, theta=sample.theta + 0.5 * direction.theta)).loss().value
    assert abs(found - expected) < 1e-27


@pytest.mark.parametrize("text", ["3 -> 2 | {log(p + 40)}", "3 -> 2 | {sqrt(p + 40)}", "3 -> 2 | {exp(exp(-p))}"])
def test_a_loss_that_is_no_finite_real_number_is_noticed(text: str) -> None:
    network = Network.parse(text)
    sample = draw_sample(network, 0)
    definitions = Definitions.of(network, Evaluation(mpmath.fp))
    theta = sample.theta - 1e3 * (np.arange(8) >= 6)
    with pytest.raises(NotRealError):
        Reference.at(definitions, theta, sample.inputs, sample.targets).loss()


def exact(network: Network, sample: Sample) -> Exact:
    return Exact.at(exact_point(network, sample), sample)


def test_slopes_are_exact_to_the_last_bit_of_a_float() -> None:
    # L = (w·x + b - y)² has ∂L/∂b = 2 (w·x + b - y), which small integers give without rounding.
    network = Network(inputs=2, layers=(Dense(1),), loss="mse")
    sample = Sample(np.array([3.0, -2.0, 5.0]), np.array([[4.0, 7.0]]), np.array([[1.0]]), "real")
    assert [exact(network, sample).slope(place) for place in range(3)] == [16.0, 28.0, 4.0]


def test_the_slope_along_a_direction_is_the_sum_of_slopes() -> None:
    sample = draw_sample(REGRESSION, 0)
    direction: Array = draw_sample(REGRESSION, 1).theta
    found = exact(REGRESSION, sample)
    expected = sum(found.slope(place) * direction[place] for place in range(23))
    assert found.slope_along(direction) == pytest.approx(expected, rel=1e-14)


BIG = Network(inputs=30, layers=(Dense(20, "tanh"), Dense(10)), loss="mse")
BIG_MODULE = replaced(
    REGRESSION_MODULE,
    ('"inputs": 4', '"inputs": 30'),
    ('"units": 3, "activation"', '"units": 20, "activation"'),
    ('"units": 2}', '"units": 10}'),
    ("(3, 4)", "(20, 30)"),
    ("(3,)", "(20,)"),
    ("(2, 3)", "(10, 20)"),
    ("(2,)", "(10,)"),
    ("N_PARAMS = 23", "N_PARAMS = 830"),
)


def in_high_precision(source: str) -> list[Check]:
    return list(check_high_precision(Subject.of(source, BIG), {"": draw_sample(BIG, 0)}, 0))


def test_a_larger_network_is_sampled_and_checked_along_a_direction() -> None:
    checks = in_high_precision(BIG_MODULE)
    assert [check.name for check in checks] == [
        "prediction",
        "loss value",
        "high precision",
        "high precision, direction",
    ]
    assert all(check.ok for check in checks)


def test_a_mistake_outside_the_sampled_entries_is_seen_along_the_direction() -> None:
    sampled = in_high_precision(BIG_MODULE)[2].note
    assert "of 830 entries, 2 samples" in sampled
    wrong = replaced(BIG_MODULE, ("dW1 = dZ1.T @ X", "dW1 = dZ1.T @ X; dW1 += 1e-9 * (np.abs(dW1) < 1e-3)"))
    checks = in_high_precision(wrong)
    assert checks[3].ok is False


def test_deeper_entries_cost_more_and_are_planned_for() -> None:
    costs = Costs(DEEP, 5).of_entries()
    assert costs[0] > costs[-1] > 0
    assert Costs(DEEP, 5).of_pass() > Costs(DEEP, 2).of_pass()
