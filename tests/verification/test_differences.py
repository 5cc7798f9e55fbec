"""Central differences: a right slope is met with order 2, a wrong one is not, kinks are noticed and not blamed."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from symmlp.verification.differences import PROMISE, STEPS, Stencil

Function = Callable[[float], float]

SMOOTH: dict[str, tuple[Function, Function]] = {
    "exp": (math.exp, math.exp),
    "tanh": (math.tanh, lambda x: 1 - math.tanh(x) ** 2),
    "square": (lambda x: x * x, lambda x: 2 * x),
    "cube": (lambda x: x**3, lambda x: 3 * x * x),
    "line": (lambda x: 3 * x, lambda x: 3.0),
    "constant": (lambda x: 2.0, lambda x: 0.0),
    "sine, fast": (lambda x: math.sin(9 * x), lambda x: 9 * math.cos(9 * x)),
    "difference of large numbers": (lambda x: 1000 + math.sin(x), math.cos),
}

POINTS = (-1.3, -0.2, 0.0, 0.7, 2.1)


def stencil(function: Function, point: float) -> Stencil:
    above, below = (np.array([function(point + sign * step) for step in STEPS]) for sign in (1, -1))
    return Stencil(function(point), above, below, rounding=32 * 2.0**-53 * max(1.0, abs(function(point))))


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("point", POINTS)
def test_a_right_slope_is_accepted(name: str, point: float) -> None:
    function, slope = SMOOTH[name]
    assert stencil(function, point).excess(slope(point))[0] <= PROMISE


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("error", [1e-3, -1e-3, 1.0, math.nan, math.inf])
def test_a_wrong_slope_is_refused(name: str, point: float, error: float) -> None:
    function, slope = SMOOTH[name]
    assert not stencil(function, point).excess(slope(point) + error)[0] <= PROMISE


@pytest.mark.parametrize("error", [1e-7, -1e-7])
def test_errors_of_1e_7_show_in_the_order(error: float) -> None:
    assert stencil(math.exp, 0.7).excess(math.exp(0.7) + error)[0] > PROMISE


def test_the_observed_order_of_a_right_slope_is_two() -> None:
    distance, dominates = stencil(math.exp, 0.7).excess(math.exp(0.7))
    assert distance < 1e-3
    assert dominates


def test_a_slope_without_third_derivative_is_judged_by_rounding() -> None:
    assert stencil(lambda x: x * x, 0.7).excess(1.4) == (0.0, False)


def test_an_odd_point_where_the_error_shrinks_faster_is_accepted() -> None:
    # x⁵ at 0 has no x³ term: the error is of order 4, and what the differences themselves show.
    function = stencil(lambda x: x**5 + x, 0.0)
    assert function.excess(1.0)[0] == 0.0
    assert function.excess(1.0 + 1e-7)[0] > PROMISE


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("point", POINTS)
def test_a_smooth_function_crosses_no_kink(name: str, point: float) -> None:
    assert not stencil(SMOOTH[name][0], point).crosses_kink()


@pytest.mark.parametrize("distance", [0.0, 1e-5, 4e-4, 9e-4, 1.9e-3, 3e-3, -1e-4, -3e-3])
def test_a_kink_within_the_step_is_noticed(distance: float) -> None:
    assert stencil(lambda x: abs(x - 0.7), 0.7 + distance).crosses_kink()


def test_a_kink_at_the_point_itself_is_noticed_when_slopes_bend_too() -> None:
    assert stencil(lambda x: abs(x) + math.exp(x), 0.0).crosses_kink()


def test_a_kink_outside_the_step_is_of_no_concern() -> None:
    assert not stencil(lambda x: abs(x - 0.7), 0.71).crosses_kink()
