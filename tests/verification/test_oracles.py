"""Every oracle accepts a right module, and is seen to fail on copies with one mistake each."""

from __future__ import annotations

import functools
import math

import pytest

from symmlp.spec import Network
from symmlp.verification import Check, Report, check_module
from tests.verification.modules import (
    CLASSIFICATION,
    CLASSIFICATION_MODULE,
    GRADIENT_MISTAKES,
    NOT_A_NUMBER,
    OTHER_ACTIVATION,
    REGRESSION,
    REGRESSION_MODULE,
    RELU,
    RELU_MODULE,
    SINGLE_ENTRY,
    SMALL_MISTAKE,
    SWAPPED_UNITS,
    WRONG_LOSS,
    WRONG_LOSS_AND_GRADIENT,
    replaced,
)

GRADIENT_ORACLES = ("differences", "complex step", "direction", "high precision")

ALL_BUT_SYMBOLIC = (
    "contract",
    "differences",
    "complex step",
    "direction",
    "prediction",
    "loss value",
    "high precision",
)


@functools.cache
def report(source: str) -> Report:
    return check_module(source, RELU if source == RELU_MODULE else REGRESSION)


def broken(*changes: tuple[str, str]) -> Report:
    return report(replaced(REGRESSION_MODULE, *changes))


def failed(found: Report) -> set[str]:
    return {check.name for check in found.checks if check.ok is False}


def named(found: Report, name: str) -> Check:
    return next(check for check in found.checks if check.name == name)


@pytest.mark.parametrize("source", [REGRESSION_MODULE, RELU_MODULE], ids=["regression", "relu"])
def test_a_right_module_is_verified_by_every_oracle(source: str) -> None:
    found = report(source)
    assert found.ok
    assert tuple(check.name for check in found.checks if check.ok) == ALL_BUT_SYMBOLIC


def test_a_right_classification_is_verified_with_labels_and_with_probabilities() -> None:
    found = check_module(CLASSIFICATION_MODULE, CLASSIFICATION)
    assert found.ok
    assert {check.name for check in found.checks} >= {"high precision, labels", "high precision, probabilities"}


@pytest.mark.parametrize("mistake", GRADIENT_MISTAKES)
def test_every_oracle_of_the_gradient_sees_a_wrong_gradient(mistake: str) -> None:
    assert failed(broken(GRADIENT_MISTAKES[mistake])) == set(GRADIENT_ORACLES)


@pytest.mark.parametrize("mistake", GRADIENT_MISTAKES)
def test_a_wrong_gradient_is_not_verified(mistake: str) -> None:
    assert not broken(GRADIENT_MISTAKES[mistake]).ok


def test_a_relative_error_of_1e_9_is_seen_by_the_oracles_that_are_exact_to_rounding() -> None:
    assert failed(broken(SMALL_MISTAKE)) >= {"complex step", "direction", "high precision"}


def test_an_error_of_1e_9_in_one_entry_is_seen_by_the_oracles_that_are_exact_to_rounding() -> None:
    # Differences are too coarse for it: they promise an order of convergence, and truncation hides 1e-9.
    assert failed(broken(SINGLE_ENTRY)) == {"complex step", "direction", "high precision"}


@pytest.mark.parametrize("oracle", ["complex step", "high precision"])
def test_the_entry_that_is_wrong_is_named(oracle: str) -> None:
    check = named(broken(SINGLE_ENTRY), oracle)
    assert (check.parameter, check.entry, check.layer) == ("W1", (1, 2), 1)


@pytest.mark.parametrize("oracle", [*GRADIENT_ORACLES, "contract"])
def test_nan_in_the_gradient_fails(oracle: str) -> None:
    assert oracle in failed(broken(NOT_A_NUMBER))


@pytest.mark.parametrize("oracle", ["differences", "complex step", "high precision"])
def test_the_entry_that_is_nan_is_named(oracle: str) -> None:
    check = named(broken(NOT_A_NUMBER), oracle)
    assert (check.place, math.isnan(check.error)) == ("W1[2, 3]", True)


def test_infinity_in_the_gradient_fails_every_oracle_of_the_gradient() -> None:
    assert failed(broken(("dW1 = dZ1.T @ X", "dW1 = dZ1.T @ X; dW1[2, 3] = np.inf"))) >= set(GRADIENT_ORACLES)


def test_nan_as_the_loss_fails() -> None:
    assert "loss value" in failed(broken(("return L, _flat", "return float('nan'), _flat")))


def test_a_loss_that_the_gradient_does_not_belong_to_fails() -> None:
    assert failed(broken(WRONG_LOSS)) == {"differences", "complex step", "direction", "loss value"}


def test_a_wrong_loss_beside_a_gradient_that_is_right_for_it_is_seen_in_high_precision() -> None:
    assert failed(broken(*WRONG_LOSS_AND_GRADIENT)) == {"loss value", "high precision"}


def test_another_activation_with_its_own_gradient_is_seen_in_high_precision() -> None:
    assert failed(broken(*OTHER_ACTIVATION)) == {"prediction", "loss value", "high precision"}


def test_parameters_in_another_order_are_seen_in_high_precision() -> None:
    assert failed(broken(*SWAPPED_UNITS)) == {"prediction", "loss value", "high precision"}


def test_a_wrong_prediction_beside_a_right_loss_fails() -> None:
    found = broken(
        ("def loss(theta, X, Y):\n    P = forward", "def loss(theta, X, Y):\n    P = -forward"),
        ("p.W2.T + p.b2", "-(p.W2.T) - p.b2"),
    )
    assert "prediction" in failed(found)


def test_a_loss_of_the_gradient_function_that_differs_from_the_loss_fails() -> None:
    assert failed(broken(("L = loss(theta, X, Y)", "L = loss(theta, X, Y) + 1e-9"))) == {"loss value"}


def test_a_gradient_wrong_for_labels_only_fails_for_labels_only() -> None:
    source = replaced(
        CLASSIFICATION_MODULE,
        ("dZ2 = (P - _rows(Y, len(X)))", "dZ2 = (P * (1 + 1e-6 * (Y.ndim == 1)) - _rows(Y, len(X)))"),
    )
    assert failed(check_module(source, CLASSIFICATION)) == {
        "complex step, labels",
        "direction, labels",
        "high precision, labels",
    }


def test_a_function_that_raises_fails_every_oracle_that_calls_it() -> None:
    found = broken(("    dP = 2", "    raise RuntimeError('two\\nlines')\n    dP = 2"))
    assert failed(found) >= {"contract", *GRADIENT_ORACLES}


def test_the_note_of_a_function_that_raises_is_one_line() -> None:
    found = broken(("    dP = 2", "    raise RuntimeError('two\\nlines')\n    dP = 2"))
    assert named(found, "complex step").note == "loss_and_grad raised RuntimeError: two lines"


def test_a_loss_that_drops_the_imaginary_part_leaves_the_complex_step_undecided() -> None:
    found = broken((".sum() / P.size).item()", ".sum() / P.size).real.item()"))
    assert (named(found, "complex step").ok, named(found, "direction").ok) == (None, None)


def test_what_an_oracle_cannot_decide_is_said_in_its_note() -> None:
    found = broken((".sum() / P.size).item()", ".sum() / P.size).real.item()"))
    assert named(found, "complex step").note == "loss turns a complex theta into a float"


def test_oracles_that_decide_nothing_do_not_spoil_the_verdict_of_others() -> None:
    assert broken((".sum() / P.size).item()", ".sum() / P.size).real.item()")).ok


def test_a_module_that_no_oracle_can_judge_is_not_verified() -> None:
    found = check_module(REGRESSION_MODULE, Network.parse("4 -> 3 tanh -> 2 | {log(p - 40)}"))
    assert not found.ok
    assert [(check.name, check.ok) for check in found.checks] == [("sample", None)]


def test_a_function_that_raises_leaves_the_checks_before_it() -> None:
    found = broken(("    dP = 2", "    raise RuntimeError\n    dP = 2"))
    assert named(found, "prediction").ok


def test_the_same_seed_gives_the_same_report() -> None:
    assert check_module(REGRESSION_MODULE, REGRESSION, seed=5) == check_module(REGRESSION_MODULE, REGRESSION, seed=5)


@pytest.mark.parametrize("seed", range(1, 6))
def test_a_right_module_is_verified_whatever_the_seed(seed: int) -> None:
    assert check_module(RELU_MODULE, RELU, seed=seed).ok
