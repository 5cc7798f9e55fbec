"""Slopes at kinks: the documented values, and the smallest subgradient found from one-sided slopes."""

from __future__ import annotations

from typing import Any

import pytest
import sympy as sp
from mpmath import mp, mpf

from symmlp.calculus.kinks import Policy, smallest_subgradient
from symmlp.calculus.slope import slope
from symmlp.catalog.activations import activation, x
from symmlp.catalog.losses import loss, p
from symmlp.expression import parse
from tests.calculus.precise import value

DOCUMENTED: dict[tuple[str, float], float] = {
    ("relu", 0): 0,
    ("leaky_relu", 0): 0.01,
    ("elu", 0): 1,
    ("abs(x)", 0): 0,
    ("sqrt(x**2)", 0): 0,
    ("abs(x) + x", 0): 1,
    ("max(-1, min(1, x))", -1): 0,
    ("max(-1, min(1, x))", 1): 0,
    ("min(max(x, 0), 6)", 0): 0,
    ("min(max(x, 0), 6)", 6): 0,
    ("min(max(x/6 + 1/2, 0), 1)", -3): 0,
    ("min(max(x/6 + 1/2, 0), 1)", 3): 0,
    ("where(x > 0, x, 0.2*x)", 0): 0.2,
    ("where(x >= 0, x, 0.2*x)", 0): 1,
    ("where(x > 0, x, 1.75*(exp(x) - 1))", 0): 1.75,
    ("where(x > 0, 3, 2)*x", 0): 2,
}
"""PyTorch's choices: a smooth term beside a kink keeps its own slope; for `where` the branch that holds decides."""


def slope_at(text: str, point: float) -> Any:
    """Return the derived slope of a catalogued activation, or of an expression in x, at a point."""
    return value(slope(activation(text).value, x).derivative, {"x": mpf(point)})


@pytest.mark.parametrize(("text", "point"), DOCUMENTED)
def test_the_slope_at_a_kink_is_the_documented_one(text: str, point: float) -> None:
    assert float(slope_at(text, point)) == DOCUMENTED[text, point]


KINKED: dict[str, tuple[float, ...]] = {
    "relu": (0,),
    "leaky_relu": (0,),
    "abs(x)": (0,),
    "-abs(x - 2)": (2,),
    "abs(abs(x) - 2)": (-2, 0, 2),
    "abs(x**2 - 1)": (-1, 1),
    "abs(x)*abs(x - 1)": (0, 1),
    "abs(sin(x))": (0,),
    "x*abs(x)": (0,),
    "max(-x, -2*x)": (0,),
    "max(x, 2*x)": (0,),
    "min(x, 2*x)": (0,),
    "max(x, 0, -x/2)": (0,),
    "max(x, x**2)": (0, 1),
    "max(exp(x) - 1, x)": (0,),
    "max(abs(x), 1)": (-1, 0, 1),
    "min(x**2, 1)": (-1, 1),
    "max(1 - x, 0)": (1,),
    "max(1 - x, 0)**2": (1,),
    "max(min(x, 1), -1)": (-1, 1),
    "x*min(max(x + 3, 0), 6)/6": (-3, 3),
    "max(x, 0)/(1 + abs(x))": (0,),
    "exp(-abs(x))": (0,),
    "max(where(x > 1, x**2, x), 0)": (0,),
    "abs(where(x > 1, x**2, x) - 1/2)": (0.5,),
    "where(max(x, 0) > 1, x**2, abs(x))": (0,),
    "x**3*sign(x)": (0,),
}
"""Expressions with max, min and abs, and points at which left and right slope may differ."""


def one_sided_slopes(expr: sp.Expr, point: float) -> list[Any]:
    """Return the slopes just left and just right of a point, good to about 25 digits."""
    with mp.workdps(80):
        here, step = value(expr, {"x": point}), mpf(10) ** -30
        return [(value(expr, {"x": point + side * step}) - here) / (side * step) for side in (-1, 1)]


def nearest_to_zero(left: Any, right: Any) -> Any:
    """Return the number of smallest magnitude between two."""
    return mpf(0) if left * right <= 0 else min(left, right, key=abs)


@pytest.mark.parametrize(("text", "point"), [(text, point) for text, points in KINKED.items() for point in points])
def test_max_min_and_abs_take_the_smallest_subgradient(text: str, point: float) -> None:
    with mp.workdps(80):
        expected = nearest_to_zero(*one_sided_slopes(activation(text).value, point))
        assert abs(slope_at(text, point) - expected) < mpf("1e-20")


def test_the_comparison_refuses_the_other_ends_of_the_subdifferential() -> None:
    left, right = one_sided_slopes(activation("leaky_relu").value, 0)
    assert abs(right - nearest_to_zero(left, right)) > 0.5
    assert abs((left + right) / 2 - nearest_to_zero(left, right)) > 0.4


@pytest.mark.parametrize("text", KINKED)
def test_every_switch_is_an_expression_in_x(text: str) -> None:
    assert all(switch.free_symbols == {x} for switch in slope(activation(text).value, x).switches)


def test_every_kink_of_relu6_is_reported() -> None:
    switches = slope(parse("min(max(x, 0), 6)", ("x",)), x).switches
    assert {point for point in (0, 6, 3) for switch in switches if switch.xreplace({x: sp.Integer(point)}) == 0} == {
        0,
        6,
    }


@pytest.mark.parametrize(("text", "slopes"), [("max(p, y)", (0.5, 0.5)), ("min(p, y)", (0.5, 0.5)), ("mae", (0, 0))])
def test_a_tie_is_shared(text: str, slopes: tuple[float, float]) -> None:
    tie = {"p": mpf(3), "y": mpf(3)}
    expr = loss(text).value
    assert tuple(float(value(slope(expr, wrt).derivative, tie)) for wrt in sp.symbols("p y", real=True)) == slopes


@pytest.mark.parametrize(
    ("text", "tie", "expected"),
    [
        ("max(0, 1 - y*p)", {"p": 2.0, "y": 0.5}, 0.0),
        ("max(0.9*(y - p), 0.1*(p - y))", {"p": 3.0, "y": 3.0}, 0.0),
        ("where(abs(p - y) <= 1, (p - y)**2/2, abs(p - y) - 1/2)", {"p": 3.0, "y": 2.0}, 1.0),
        ("where(abs(p - y) <= 1, (p - y)**2/2, abs(p - y) - 1/2)", {"p": 2.0, "y": 3.0}, -1.0),
    ],
)
def test_a_losses_slope_at_its_kink_is_the_documented_one(text: str, tie: dict[str, float], expected: float) -> None:
    assert float(value(slope(loss(text).value, p).derivative, tie)) == expected


CHOSEN: dict[tuple[str, float, Policy], float] = {
    ("relu", 0, "left"): 0,
    ("relu", 0, "right"): 1,
    ("relu", 0, "middle"): 0.5,
    ("relu", 0, 0.25): 0.25,
    ("abs(x)", 0, "left"): -1,
    ("abs(x)", 0, "right"): 1,
    ("abs(x)", 0, "middle"): 0,
    ("abs(x)", 0, 0.25): -0.5,
    ("max(1 - x, 0)", 1, "left"): -1,
    ("max(1 - x, 0)", 1, "right"): 0,
    ("max(1 - x, 0)", 1, 0.25): -0.75,
    ("min(max(x, 0), 6)", 6, "left"): 1,
    ("min(max(x, 0), 6)", 6, "right"): 0,
    ("where(x > 0, x, 0.2*x)", 0, "right"): 0.2,
    ("where(x >= 0, x, 0.2*x)", 0, "left"): 1,
}


@pytest.mark.parametrize(("text", "point", "policy"), CHOSEN)
def test_a_policy_takes_its_part_of_the_subdifferential(text: str, point: float, policy: Policy) -> None:
    derived = slope(activation(text).value, x, policy).derivative
    assert float(value(derived, {"x": mpf(point)})) == CHOSEN[text, point, policy]


@pytest.mark.parametrize("policy", ["left", "right", "middle", 0.25])
def test_a_policy_changes_nothing_away_from_the_kink(policy: Policy) -> None:
    plain, chosen = (slope(activation("leaky_relu").value, x, each).derivative for each in ("smallest", policy))
    for point in (-2, -1e-9, 1e-9, 3):
        assert value(chosen, {"x": point}) == value(plain, {"x": point})


@pytest.mark.parametrize(
    ("below", "above", "chosen"), [(0, 1, 0), (-1, 1, 0), (2, 3, 2), (-3, -2, -2), (5, 5, 5), (1, 0, 0), (-2, -7, -2)]
)
def test_the_smallest_subgradient_of_numbers_is_the_one_next_to_zero(below: int, above: int, chosen: int) -> None:
    assert smallest_subgradient(sp.Integer(below), sp.Integer(above)) == chosen


@pytest.mark.parametrize("point", [-3, -0.5, 0, 0.25, 4])
def test_the_smallest_subgradient_of_expressions_is_the_one_next_to_zero(point: float) -> None:
    below, above = x**2 - 1, 2 * x
    chosen = smallest_subgradient(below, above)
    at = {"x": mpf(point)}
    assert value(chosen, at) == nearest_to_zero(value(below, at), value(above, at))
