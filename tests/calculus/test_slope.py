"""Derived slopes: mpmath's numerical derivative away from kinks, for the catalogue and for expressions of users."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import sympy as sp
from mpmath import mp, mpf

from symmlp.calculus.slope import slope
from symmlp.catalog.activations import TABLE as ACTIVATIONS
from symmlp.catalog.activations import x
from symmlp.catalog.losses import TABLE as LOSSES
from symmlp.catalog.losses import p, y
from symmlp.expression import parse
from tests.calculus.precise import derivative, relative_error, value

TOLERANCE = mpf("1e-12")
LINE = tuple(sp.Rational(number, 1000) for number in (-20_650, *range(-5_987, 6_000, 367), 19_850))
"""Points between kinks: no switch of the expressions below is zero at any of them."""
POSITIVE = tuple(sp.Rational(number, 1000) for number in range(37, 8_000, 251))
UNIT = tuple(sp.Rational(number, 997) for number in range(13, 990, 31))
BALL = tuple(sp.Rational(number, 997) for number in range(-983, 990, 61))

ACTIVATION_TEXTS: dict[str, Sequence[sp.Rational]] = {
    "x*tanh(log(1 + exp(x)))": LINE,
    "x*min(max(x + 3, 0), 6)/6": LINE,
    "min(max(x/6 + 1/2, 0), 1)": LINE,
    "max(-1, min(1, x))": LINE,
    "where(x > 0.5, x - 0.5, where(x < -0.5, x + 0.5, 0*x))": LINE,
    "where(abs(x) > 1/2, x, 0*x)": LINE,
    "where(x > 1, x**2, where(x > -1, where(x > 0, x, 2*x), sin(x)))": LINE,
    "x - tanh(x)": LINE,
    "x/(1 + abs(x))": LINE,
    "abs(x)*abs(x - 1)": LINE,
    "abs(x)*sign(x)*x": LINE,
    "abs(abs(x) - 2)": LINE,
    "max(x, 0)**2 + min(x, 0)**3": LINE,
    "max(x, 2*x, 3*x - 1)": LINE,
    "max(min(x, 1), -1)*exp(-x**2)": LINE,
    "log(cosh(x))": LINE,
    "sqrt(1 + x**2) - 1": LINE,
    "(x + sqrt(x**2 + 4))/2": LINE,
    "exp(-x**2)*cos(3*x)": LINE,
    "atan(x) + asinh(x) + erf(x)": LINE,
    "erfc(x)*sigmoid(x) + softplus(x)": LINE,
    "logsumexp(x, 2*x, 0)": LINE,
    "expm1(x)*where(x > 1/2, x, 1/(1 + x**2))": LINE,
    "where(x > 0, sqrt(abs(x) + 1), exp(x))*abs(x)": LINE,
    "cbrt(x) + x**(-3)": LINE,
    "x**2.5 + sqrt(x) + log(x)": POSITIVE,
    "tan(x) + asin(x) + acos(x/2) + atanh(x)": BALL,
    "acosh(1 + x) + log1p(x)": POSITIVE,
}

LOSS_TEXTS: dict[str, Sequence[sp.Rational]] = {
    "where(abs(p - y) <= 1, (p - y)**2/2, abs(p - y) - 1/2)": LINE,
    "max(0.9*(y - p), 0.1*(p - y))": LINE,
    "log(cosh(p - y))": LINE,
    "sqrt(1 + (p - y)**2) - 1": LINE,
    "max(0, 1 - y*p)": LINE,
    "max(0, 1 - y*p)**2": LINE,
    "abs((p - y)/y)": LINE,
    "log(1 + exp(-y*p))": LINE,
    "exp(p) - y*p": LINE,
    "softplus(p) - y*p": LINE,
    "max(p, y) - min(p, y)": LINE,
    "abs(p)*abs(y) + abs(p*y)": LINE,
    "-y*log(p) - (1 - y)*log(1 - p)": UNIT,
    "y*(log(y) - log(p))": POSITIVE,
    "p - y*log(p)": POSITIVE,
}


def assert_slope_is_numerical_derivative(
    expr: sp.Expr, wrt: sp.Symbol, points: Sequence[dict[str, sp.Rational]]
) -> None:
    found = slope(expr, wrt)
    assert len(points) >= 30
    for point in points:
        # Far out the slope of gelu_tanh is what is left of 1 + tanh(-340).
        with mp.workdps(50 if all(abs(number) < 10 for number in point.values()) else 400):
            at = {name: mpf(int(number.p)) / int(number.q) for name, number in point.items()}
            assert all(abs(value(switch, at)) > 1e-6 for switch in found.switches), f"{at} is at a kink"
            assert relative_error(value(found.derivative, at), derivative(expr, wrt.name, at)) < TOLERANCE, at


def pairs(points: Sequence[sp.Rational]) -> list[dict[str, sp.Rational]]:
    """Return predictions and targets that differ from each other."""
    turned = [*points[11:], *points[:11]]
    return [{"p": first, "y": second} for first, second in zip(points, turned, strict=True)]


@pytest.mark.parametrize(
    "name", [name for name, each in ACTIVATIONS.items() if each.acts_on == "entry" and each.variables == (x,)]
)
def test_the_slope_of_a_catalogued_activation_is_the_numerical_derivative(name: str) -> None:
    assert_slope_is_numerical_derivative(ACTIVATIONS[name].value, x, [{"x": point} for point in LINE])


@pytest.mark.parametrize("name", [name for name, row in LOSSES.items() if not row.totals])
def test_the_slope_of_a_catalogued_loss_is_the_numerical_derivative(name: str) -> None:
    points = LINE if "real" in LOSSES[name].accepts else UNIT
    assert_slope_is_numerical_derivative(LOSSES[name].value, p, pairs(points))


@pytest.mark.parametrize("text", ACTIVATION_TEXTS)
def test_the_slope_of_a_users_activation_is_the_numerical_derivative(text: str) -> None:
    points = [{"x": point} for point in ACTIVATION_TEXTS[text]]
    assert_slope_is_numerical_derivative(parse(text, ("x",)), x, points)


@pytest.mark.parametrize("text", LOSS_TEXTS)
def test_the_slope_of_a_users_loss_is_the_numerical_derivative(text: str) -> None:
    assert_slope_is_numerical_derivative(parse(text, ("p", "y")), p, pairs(LOSS_TEXTS[text]))


@pytest.mark.parametrize("text", LOSS_TEXTS)
def test_the_slope_in_the_target_is_the_numerical_derivative_too(text: str) -> None:
    assert_slope_is_numerical_derivative(parse(text, ("p", "y")), y, pairs(LOSS_TEXTS[text]))


@pytest.mark.parametrize(
    "wrong",
    [
        sp.Integer(0),
        2 * sp.tanh(x),
        1 - sp.tanh(x),
        1 + sp.tanh(x) ** 2,
        (1 - sp.tanh(x) ** 2) * (1 + sp.Rational(1, 10**11)),
    ],
    ids=str,
)
def test_the_comparison_refuses_a_wrong_slope(wrong: sp.Expr) -> None:
    with mp.workdps(50):
        at = {"x": mpf("0.7")}
        assert relative_error(value(wrong, at), derivative(sp.tanh(x), "x", at)) > TOLERANCE


def test_the_comparison_refuses_nan() -> None:
    assert not relative_error(mp.nan, mpf(1)) < TOLERANCE
    assert not relative_error(mp.nan, mp.nan) < TOLERANCE


def test_a_point_at_a_kink_is_noticed() -> None:
    with pytest.raises(AssertionError, match="is at a kink"):
        assert_slope_is_numerical_derivative(sp.Abs(x), x, [{"x": sp.Integer(0)}] * 30)


# What the slope is written as

WRITTEN = {
    "x**2": 2 * x,
    "3*x - 2": sp.Integer(3),
    "tanh(x)": 1 - sp.tanh(x) ** 2,
    "abs(x)": sp.sign(x),
}


@pytest.mark.parametrize("text", WRITTEN)
def test_a_simple_slope_is_written_as_in_a_table_of_derivatives(text: str) -> None:
    assert slope(parse(text, ("x",)), x).derivative == WRITTEN[text]


def test_a_derivative_has_no_distribution_of_sympys() -> None:
    texts = [*ACTIVATION_TEXTS]
    derived = [slope(parse(text, ("x",)), x).derivative for text in texts]
    unwanted = (sp.Heaviside, sp.DiracDelta, sp.Derivative, sp.Subs)
    assert not [text for text, each in zip(texts, derived, strict=True) if each.has(*unwanted)]


def test_the_slope_of_the_cube_root_is_real_for_negative_arguments() -> None:
    assert value(slope(parse("cbrt(x)", ("x",)), x).derivative, {"x": -8}) == mpf(1) / 12


def test_an_expression_without_the_variable_has_slope_zero() -> None:
    assert slope(y**2, p).derivative == 0


def test_a_smooth_expression_has_no_switch() -> None:
    assert slope(sp.exp(x) * sp.tanh(x), x).switches == ()
