"""The comparison itself: it accepts what is equal to rounding and refuses everything else; no framework is needed."""

from __future__ import annotations

import numpy as np
import pytest

from symmlp.spec import Network
from tests.parity.comparison import Array, Result, agreement, framework, parameters, relative_error

REFERENCE = Result(0.75, {"W1": np.array([[1.0, -8.0, 2.0], [0.5, 3.0, 4.0]]), "b1": np.array([0.25, -1e-3])})


def flat(result: Result) -> Array:
    return np.concatenate([part.ravel() for part in result.gradients.values()])


def changed(entry: int, value: float) -> Array:
    gradient = flat(REFERENCE)
    gradient[entry] = value
    return gradient


def test_an_equal_gradient_is_accepted() -> None:
    assert agreement(0.75, flat(REFERENCE), REFERENCE).holds


def test_a_gradient_equal_to_rounding_is_accepted() -> None:
    assert agreement(np.nextafter(0.75, 1), flat(REFERENCE) * (1 + 4e-16), REFERENCE).holds


@pytest.mark.parametrize("entry", [1, 6], ids=["W1", "b1"])
def test_an_error_of_1e_10_in_one_parameter_is_refused(entry: int) -> None:
    gradient = changed(entry, float(flat(REFERENCE)[entry]) * (1 + 1e-10))
    assert not agreement(0.75, gradient, REFERENCE).holds


def test_the_worst_error_names_its_parameter() -> None:
    name, error = agreement(0.75, changed(6, 0.25 * (1 + 1e-10)), REFERENCE).worst
    assert name == "b1"
    assert error == pytest.approx(1e-10, rel=1e-3)


def test_a_loss_that_is_wrong_in_the_tenth_digit_is_refused() -> None:
    assert not agreement(0.75 * (1 + 1e-10), flat(REFERENCE), REFERENCE).holds


@pytest.mark.parametrize("entry", range(8))
def test_nan_is_refused_wherever_it_stands(entry: int) -> None:
    assert not agreement(0.75, changed(entry, np.nan), REFERENCE).holds


def test_nan_does_not_equal_nan() -> None:
    broken = Result(np.nan, {"W1": np.full((2, 3), np.nan)})
    assert not agreement(np.nan, flat(broken), broken).holds


def test_nan_is_the_worst_error() -> None:
    assert agreement(0.75, changed(7, np.nan), REFERENCE).worst[0] == "b1"


def test_a_transposed_weight_gradient_is_refused() -> None:
    parts = REFERENCE.gradients
    gradient = np.concatenate([parts["W1"].T.ravel(), parts["b1"]])
    assert not agreement(0.75, gradient, REFERENCE).holds


def test_a_gradient_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="7"):
        agreement(0.75, flat(REFERENCE)[:-1], REFERENCE)


def test_a_gradient_that_should_be_zero_must_be_zero() -> None:
    assert relative_error(np.zeros(3), np.zeros(3)) == 0
    assert relative_error(np.array([0.0, 1e-200, 0.0]), np.zeros(3)) > 1e99


def test_shapes_do_not_broadcast() -> None:
    with pytest.raises(ValueError, match="compared"):
        relative_error(np.ones((3, 2)), np.ones(2))


def test_parameters_are_laid_out_by_layer_with_weights_first() -> None:
    named = parameters(Network.parse("4 -> 3 tanh -> 2 | mse"), np.arange(23.0))
    assert {name: part.shape for name, part in named.items()} == {"W1": (3, 4), "b1": (3,), "W2": (2, 3), "b2": (2,)}
    assert named["b1"].tolist() == [12, 13, 14]


def test_a_missing_framework_skips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SYMMLP_PARITY", raising=False)
    with pytest.raises(pytest.skip.Exception, match="make parity"):
        framework("a_framework_nobody_has")


def test_a_missing_framework_fails_where_parity_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYMMLP_PARITY", "1")
    with pytest.raises(ModuleNotFoundError):
        framework("a_framework_nobody_has")
