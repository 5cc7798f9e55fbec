"""Values and slopes at removable singularities, and outside the domain of a function."""

from __future__ import annotations

import numpy as np
import pytest

from symmlp import elementwise

LIMITS = {
    "x/(exp(x) - 1)": (0.0, 1.0, -0.5),
    "x/(1 - exp(-x))": (0.0, 1.0, 0.5),
    "x/log(1 + x)": (0.0, 1.0, 0.5),
    "sin(x)/x": (0.0, 1.0, 0.0),
    "(1 - cos(x))/x**2": (0.0, 0.5, 0.0),
    "(sqrt(1 + x) - 1)/x": (0.0, 0.5, -0.125),
    "1/x - 1/(exp(x) - 1)": (0.0, 0.5, -1 / 12),
    "(x**2 - 1)/(x - 1)": (1.0, 2.0, 1.0),
    "(x - 1)/log(x)": (1.0, 1.0, 0.5),
    "log(x)/(x - 1)": (1.0, 1.0, -0.5),
}
"""Where the formula divides zero by zero, and what value and slope tend to there, by hand."""


@pytest.mark.parametrize("text", LIMITS)
def test_a_removable_singularity_has_the_limit_for_its_value_and_slope(text: str) -> None:
    at, value, slope = LIMITS[text]
    function = elementwise(text)
    assert function(at) == pytest.approx(value, rel=1e-15)
    assert function.grad(at) == pytest.approx(slope, rel=1e-15, abs=1e-300)


@pytest.mark.parametrize(("text", "at_three"), [("(x - 1)/log(x)", 2 / np.log(3)), ("log(x)/(x - 1)", np.log(3) / 2)])
def test_a_singularity_at_one_is_mended_and_nothing_else_moved(text: str, at_three: float) -> None:
    function = elementwise(text)
    assert function(1.0) == 1.0
    assert function(np.array([1 + 2.0**-52, 3.0])) == pytest.approx([1.0, at_three], rel=1e-15)


def test_a_pole_and_a_jump_have_no_limit() -> None:
    with np.errstate(all="ignore"):
        assert np.isinf(elementwise("1/x")(0.0))
        assert np.isnan(elementwise("abs(x)/x")(0.0))


@pytest.mark.parametrize(
    ("text", "inside", "outside"), [("atanh(x)", 0.5, 1.5), ("asin(x)", 0.5, 1.5), ("acosh(x)", 2, 0)]
)
def test_a_function_is_no_number_outside_its_domain(text: str, inside: float, outside: float) -> None:
    function = elementwise(text)
    with np.errstate(all="ignore"):
        assert np.isfinite(function(inside))
        assert np.isnan(function(outside))
