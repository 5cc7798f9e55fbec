"""The complex step through NumPy's functions: values and derivatives are those of the real functions."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest

from symmlp.verification.holomorphic import LIFTED, HolomorphicNumPy

STEP = 1e-30
POINTS = np.array([-7.5, -1.2, -0.3, -1e-9, 1e-9, 0.4, 1.7, 9.0])
POSITIVE = np.abs(POINTS)
NEAR_ONE = np.array([-0.9, -0.4, -1e-9, 1e-9, 0.2, 0.8])

np_ = HolomorphicNumPy()

SMOOTH: dict[str, tuple[np.ndarray[Any, Any], Any]] = {
    "exp": (POINTS, mpmath.exp),
    "expm1": (POINTS, mpmath.expm1),
    "log": (POSITIVE, mpmath.log),
    "log1p": (POSITIVE, mpmath.log1p),
    "sqrt": (POSITIVE, mpmath.sqrt),
    "cbrt": (POINTS, lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x))),
    "square": (POINTS, lambda x: x * x),
    "sin": (POINTS, mpmath.sin),
    "cos": (POINTS, mpmath.cos),
    "tan": (NEAR_ONE, mpmath.tan),
    "arcsin": (NEAR_ONE, mpmath.asin),
    "arccos": (NEAR_ONE, mpmath.acos),
    "arctan": (POINTS, mpmath.atan),
    "sinh": (POINTS, mpmath.sinh),
    "cosh": (POINTS, mpmath.cosh),
    "tanh": (POINTS, mpmath.tanh),
    "arcsinh": (POINTS, mpmath.asinh),
    "arccosh": (1 + POSITIVE, mpmath.acosh),
    "arctanh": (NEAR_ONE, mpmath.atanh),
    "abs": (POINTS, abs),
    "absolute": (POINTS, abs),
    "fabs": (POINTS, abs),
    "sign": (POINTS, mpmath.sign),
}

PAIRS: dict[str, Any] = {
    "logaddexp": lambda x: mpmath.log(mpmath.exp(x) + mpmath.exp(mpmath.mpf("0.3"))),
    "hypot": lambda x: mpmath.sqrt(x * x + mpmath.mpf("0.3") ** 2),
    "maximum": lambda x: max(x, mpmath.mpf("0.3")),
    "minimum": lambda x: min(x, mpmath.mpf("0.3")),
}


def stepped(name: str, points: np.ndarray[Any, Any], *others: Any) -> np.ndarray[Any, Any]:
    return np.asarray(getattr(np_, name)(points + 1j * STEP, *others))


def assert_derivative(found: np.ndarray[Any, Any], points: np.ndarray[Any, Any], function: Any) -> None:
    with mpmath.workdps(60):
        exact = [mpmath.diff(function, mpmath.mpf(float(point)), h=mpmath.mpf(10) ** -20) for point in points]
        values = [function(mpmath.mpf(float(point))) for point in points]
    np.testing.assert_allclose(np.imag(found) / STEP, np.array(exact, dtype=float), rtol=1e-13, atol=1e-18)
    np.testing.assert_allclose(np.real(found), np.array(values, dtype=float), rtol=4e-15)


@pytest.mark.parametrize("name", SMOOTH)
def test_the_complex_step_through_a_function_is_its_derivative(name: str) -> None:
    points, function = SMOOTH[name]
    assert_derivative(stepped(name, points), points, function)


@pytest.mark.parametrize("name", PAIRS)
def test_the_complex_step_through_a_function_of_two_numbers_is_its_derivative(name: str) -> None:
    assert_derivative(stepped(name, POINTS, 0.3), POINTS, PAIRS[name])


def test_copysign_takes_magnitude_from_one_and_sign_from_the_other() -> None:
    found = np_.copysign(np.array([-2.0, 3.0]) + 1j, np.array([1.0, -1.0]) - 1j)
    np.testing.assert_array_equal(found, [2 - 1j, -3 - 1j])


@pytest.mark.parametrize(
    "name", ["heaviside", "signbit", "floor", "ceil", "trunc", "rint", "isfinite", "isnan", "isinf"]
)
def test_steps_and_questions_look_at_the_real_part(name: str) -> None:
    others = (0.5,) if name == "heaviside" else ()
    np.testing.assert_array_equal(stepped(name, POINTS, *others), getattr(np, name)(POINTS, *others))


@pytest.mark.parametrize("name", sorted(LIFTED))
def test_real_arguments_meet_numpy_s_own_function(name: str) -> None:
    others = (np.full_like(POSITIVE, 0.5),) if name in ("heaviside", "copysign", "logaddexp", "hypot") else ()
    found, expected = getattr(np_, name)(POSITIVE, *others), getattr(np, name)(POSITIVE, *others)
    np.testing.assert_array_equal(found, expected)


def test_a_stable_softplus_has_the_derivative_of_softplus() -> None:
    z = POINTS + 1j * STEP
    found = np_.maximum(z, 0) + np_.log1p(np_.exp(-np_.abs(z)))
    assert_derivative(found, POINTS, lambda x: mpmath.log1p(mpmath.exp(x)))


def test_numpy_s_own_absolute_value_would_lose_the_derivative() -> None:
    z = POINTS + 1j * STEP
    assert not np.iscomplexobj(np.maximum(z, 0).real + np.log1p(np.exp(-np.abs(z))))


def test_a_stable_softmax_has_the_derivative_of_softmax() -> None:
    Z = np.array([[0.3, 2.0, -1.0]]) + 1j * STEP * np.array([[0.0, 1.0, 0.0]])
    D = np_.exp(Z - np_.max(Z, axis=1, keepdims=True))
    P = D / D.sum(axis=1, keepdims=True)
    exact = P.real * (np.array([[0.0, 1.0, 0.0]]) - P.real[0, 1])
    np.testing.assert_allclose(P.imag / STEP, exact, rtol=1e-14)


def test_out_receives_the_lifted_value() -> None:
    out = np.empty(len(POINTS), dtype=complex)
    assert np_.abs(POINTS + 1j * STEP, out=out) is out
    np.testing.assert_array_equal(out.imag / STEP, np.sign(POINTS))


def test_where_leaves_the_other_entries_of_out_alone() -> None:
    out = np.zeros(len(POINTS), dtype=complex)
    np_.abs(POINTS + 1j * STEP, out=(out,), where=POINTS > 0)
    np.testing.assert_array_equal(out.real, np.maximum(POINTS, 0))


def test_a_tie_is_decided_by_the_direction_of_the_step() -> None:
    towards = [np_.abs(np.array([0.0]) + 1j * sign * STEP).imag[0] / STEP for sign in (1, -1)]
    assert towards == [1.0, 1.0]


def test_attributes_of_a_lifted_function_are_numpy_s() -> None:
    assert np_.abs.nin == np.abs.nin
