"""Stable forms: the same function to 50 digits, and in float64 within the units in the last place that are promised."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import sympy as sp
from mpmath import mp, mpf
from sympy.codegen.cfunctions import expm1, log1p

from symmlp.calculus.constants import fold_constants
from symmlp.calculus.functions import ElementFunction
from symmlp.calculus.matrix_form import MatrixForm
from symmlp.calculus.slope import slope
from symmlp.calculus.stability import stable
from symmlp.catalog.activations import TABLE as ACTIVATIONS
from symmlp.catalog.activations import activation, x
from symmlp.catalog.losses import TABLE as LOSSES
from symmlp.catalog.losses import loss, p, y
from symmlp.matrix import Node, Var
from tests.calculus.entries import World
from tests.calculus.precise import value

TEXTS = (
    "x*tanh(log(1 + exp(x)))",
    "log(1/(1 + exp(-x)))",
    "log(1 + exp(5*x))/5",
    "log(1 - 1/(1 + exp(-x)))",
    "x/(1 + exp(-x))",
    "x/(1 + exp(-1.5*x))",
    "x*(1 + erf(x/sqrt(2)))/2",
    "exp(x**2)*erfc(x)",
    "exp(-x**2/2)/erfc(-x/sqrt(2))",
    "where(x > 0, x, exp(x) - 1)",
    "where(x > 0, x, 1.6732632423543772*(exp(x) - 1))*1.0507009873554805",
    "max(0, x) + min(0, 2*(exp(x/2) - 1))",
    "where(x <= 0, exp(x), 1 + x)",
    "(exp(x) - exp(-x))/(exp(x) + exp(-x))",
    "(1 - exp(-x))/(1 + exp(-x))",
    "sinh(x)/cosh(x)",
    "log(cosh(x))",
    "tanh(x)**2",
    "exp(x)/(1 + exp(x))**2",
    "(1 - 1/(1 + exp(-x)))**2*log(1/(1 + exp(-x)))",
    "exp(-x**2)",
    "sqrt(1 + x**2) - 1",
    "(x + sqrt(x**2 + 4))/2",
    "(sqrt(x**2 + 1) - 1)/2 + x",
    "1/(1 + exp(-x)) - 1/(1 + exp(-2*x))",
    "log(2 + exp(x))*sigmoid(-x)",
    "exp(x) - 2*x",
)
"""Expressions that fail in floating point as they are written, or that come close to it."""

PAIRS = {
    "-y*log(1/(1 + exp(-p))) - (1 - y)*log(1 - 1/(1 + exp(-p)))": ("p", "y"),
    "log(1 + exp(-y*p))": ("p", "y"),
    "log(cosh(p - y))": ("p", "y"),
    "sqrt(1 + (p - y)**2) - 1": ("p", "y"),
    "-log(exp(p)/(exp(p) + exp(y)))": ("p", "y"),
    "-y*log(exp(p)/(exp(p) + exp(y))) - (1 - y)*log(exp(y)/(exp(p) + exp(y)))": ("p", "y"),
    "logsumexp(p, y)": ("p", "y"),
    "exp(p) - y*p": ("p", "y"),
    "softplus(p) - y*p": ("p", "y"),
    "(p + (y - 2)**2*exp(-p))/2": ("p", "y"),
}

NEAR = sorted({sign * size for sign in (-1, 1) for size in (*np.logspace(-12, 1.3, 40), *np.arange(0.25, 20, 1.25))})
FAR = (-1e30, -1e8, -1e4, -745.0, -700.0, -90.0, -88.0, -30.0, 30.0, 88.0, 90.0, 700.0, 745.0, 1e4, 1e8, 1e30)
LINE = (*NEAR, *FAR)


DIGITS = {2.0: 90, 7.0: 150, 20.0: 330, 1000.0: 400, np.inf: 200}
"""Digits with which points up to some size are evaluated: the slope of gelu_tanh at -20 is what 261 nines leave."""


def reference(expr: sp.Expr, at: Mapping[str, float]) -> Any:
    """Return the value of an expression as it is written, infinite where it divides by zero."""
    try:
        return value(expr, at)
    except ZeroDivisionError:
        return mp.inf


def agrees(found: sp.Expr, expected: sp.Expr, points: Sequence[Mapping[str, float]]) -> bool:
    """Return whether two expressions agree to 50 digits, the second evaluated with enough digits to lose some.

    Where |x| > 20 the difference may be 1e-50 absolutely; where |x| > 1000 points are left out at which `expected`,
    as it is written, loses all of 200 digits.
    """
    for at in points:
        size = max(abs(number) for number in at.values())
        with mp.workdps(next(digits for limit, digits in DIGITS.items() if size <= limit)):
            one, other = value(found, at), reference(expected, at)
            if size > 1000 and mp.isinf(other):
                continue
            if not abs(one - other) <= mpf("1e-50") * (abs(other) if size <= 20 else max(1, abs(other))):
                return False
    return True


def on_line() -> list[dict[str, float]]:
    """Return values of x."""
    return [{"x": float(point)} for point in LINE]


def on_plane(expr: sp.Expr) -> list[dict[str, float]]:
    """Return values of p and y; a target is 0 now and then, unless the expression divides by it."""
    divides = any(part.base == y and part.exp.is_negative for part in expr.atoms(sp.Pow))
    first = [float(each) for each in LINE if abs(each) <= 1e4]
    second = [0.5 if divides else 0.0, 1.0, 0.25, -3.0, 17.0, -650.0]
    return [{"p": one, "y": second[place % len(second)]} for place, one in enumerate(first)]


@pytest.mark.parametrize(
    "text",
    [*(name for name, row in ACTIVATIONS.items() if row.acts_on == "entry" and row.variables == (x,)), *TEXTS],
)
@pytest.mark.parametrize("what", ["value", "slope"])
def test_the_stable_form_of_an_activation_is_the_same_function(text: str, what: str) -> None:
    expr = activation(text).value
    expr = expr if what == "value" else slope(expr, x).derivative
    assert len(LINE) > 100
    assert agrees(stable(expr), expr, on_line())


@pytest.mark.parametrize(
    "text", [*(name for name, row in LOSSES.items() if "real" in row.accepts and not row.totals), *PAIRS]
)
@pytest.mark.parametrize("what", ["value", "slope"])
def test_the_stable_form_of_a_loss_is_the_same_function(text: str, what: str) -> None:
    expr = loss(text).value
    expr = expr if what == "value" else slope(expr, p).derivative
    assert len(on_plane(expr)) > 100
    assert agrees(stable(expr), expr, on_plane(expr))


@pytest.mark.parametrize("text", [name for name, row in LOSSES.items() if "real" not in row.accepts and not row.totals])
@pytest.mark.parametrize("what", ["value", "slope"])
def test_the_stable_form_of_a_loss_of_positive_predictions_is_the_same_function(text: str, what: str) -> None:
    expr = LOSSES[text].value
    expr = expr if what == "value" else slope(expr, p).derivative
    inside = [float(each) for each in (*np.logspace(-12, -1, 40), *np.linspace(0.11, 0.99, 61))]
    points = [{"p": one, "y": other} for one, other in zip(inside, inside[17:] + inside[:17], strict=True)]
    assert agrees(stable(expr), expr, points)


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        (sp.Max(x, 0) + log1p(sp.exp(-sp.Abs(x))) * (1 + sp.Rational(1, 10**40)), "softplus"),
        (sp.Max(x, 0) + log1p(sp.exp(-x)), "softplus"),
        (1 / (1 + sp.exp(x)), "sigmoid"),
        (sp.Piecewise((x, x > 0), (expm1(x) + sp.Rational(1, 10**60), True)), "elu"),
        (2 * sp.tanh(x), "tanh"),
    ],
)
def test_the_comparison_refuses_another_function(wrong: sp.Expr, right: str) -> None:
    assert not agrees(wrong, activation(right).value, on_line())


# Units in the last place

NUMPY: Mapping[str, Callable[..., Any]] = {
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "tanh": np.tanh,
    "sqrt": np.sqrt,
    "hypot": np.hypot,
    "abs": np.abs,
    "sign": np.sign,
    "max": np.maximum,
    "min": np.minimum,
}


@dataclass(frozen=True)
class Promise:
    """The largest error in units in the last place of a value and of its slope.

    A slope with a root is a difference of numbers around 1/4, whose rounding decides near the root; its errors are in
    units of numbers of the size `least_slope` at least, which is 16 times smaller.
    """

    value: float
    slope: float
    least_slope: float = 0.0


PROMISED: dict[str, Promise] = {
    "sigmoid": Promise(2, 4),
    "log(1/(1 + exp(-x)))": Promise(2, 2),
    "softplus": Promise(2, 2),
    "tanh": Promise(2, 3),
    "x*tanh(log(1 + exp(x)))": Promise(4, 16, 2.0**-6),
    "silu": Promise(4, 16, 2.0**-6),
    "elu": Promise(2, 2),
    "where(x > 0, x, 1.6732632423543772*(exp(x) - 1))*1.0507009873554805": Promise(2, 3),
    "max(0, x) + min(0, 2*(exp(x/2) - 1))": Promise(2, 2),
}


def normal_points(count: int = 600) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return points of both signs, evenly in [-40, 40] and logarithmically from 1e-12 to 700."""
    rng = np.random.default_rng(7)
    magnitudes = 10 ** rng.uniform(-12, 2.845, count // 2)
    return np.concatenate([rng.uniform(-40, 40, count // 2), magnitudes * rng.choice([-1, 1], count // 2)])


def compiled(form: sp.Expr, symbols: Sequence[sp.Symbol]) -> Node:
    """Return the node that code is printed from."""
    names = {symbol: Var(symbol.name, ()) for symbol in symbols}
    return MatrixForm({}, {}, names=names).of(fold_constants(form), None, None)


def floats(form: sp.Expr, arrays: Mapping[str, np.ndarray[Any, Any]]) -> Any:
    """Return the form's float64 values, operation by operation as code computes it; only underflow goes unnoticed."""
    node = compiled(form, [sp.Symbol(name, real=True) for name in arrays])
    with np.errstate(all="raise", under="ignore"):
        return World(arrays, functions=NUMPY, number=float).node(node)


def worst_ulps(form: sp.Expr, exact: sp.Expr, arrays: Mapping[str, np.ndarray[Any, Any]], least: float = 0.0) -> float:
    """Return the largest error of `form` in units in the last place of the exact value, subnormal values left out."""
    found = np.broadcast_to(floats(form, arrays), next(iter(arrays.values())).shape)
    worst = 0.0
    for place, computed in enumerate(found):
        at = {name: float(each[place]) for name, each in arrays.items()}
        with mp.workdps(60 if abs(max(at.values(), key=abs)) < 30 else 700):
            expected = value(exact, at)
            if abs(expected) >= np.finfo(np.float64).tiny:
                unit = float(np.spacing(max(abs(float(expected)), least)))
                worst = max(worst, float(abs(mpf(float(computed)) - expected) / unit))
    return worst


@pytest.mark.parametrize("text", PROMISED)
def test_the_stable_value_keeps_its_promise(text: str) -> None:
    expr = activation(text).value
    assert worst_ulps(stable(expr), expr, {"x": normal_points()}) <= PROMISED[text].value


@pytest.mark.parametrize("text", PROMISED)
def test_the_stable_slope_keeps_its_promise(text: str) -> None:
    derived = slope(activation(text).value, x).derivative
    promise = PROMISED[text]
    assert worst_ulps(stable(derived), derived, {"x": normal_points()}, promise.least_slope) <= promise.slope


@pytest.mark.parametrize("target", [0.0, 1.0])
def test_binary_cross_entropy_of_logits_keeps_its_promise(target: float) -> None:
    logits = normal_points(300)
    arrays = {"p": logits, "y": np.full(logits.shape, target)}
    function = ElementFunction.derive("bce_with_logits", LOSSES["bce_with_logits"].value, (p, y))
    assert worst_ulps(function.stable_value, function.value, arrays) <= 2
    assert worst_ulps(function.stable_derivative, slope(function.value, p).derivative, arrays) <= 2


@pytest.mark.parametrize("text", ["softplus", "log(1/(1 + exp(-x)))", "elu", "tanh"])
def test_the_measurement_sees_that_a_form_as_written_loses_digits(text: str) -> None:
    exact = activation(text).value
    naive = exact if text != "tanh" else slope(exact, x).derivative
    points = normal_points(200)
    assert worst_ulps(naive, naive, {"x": points[np.abs(points) < 300]}) > 1e6


def test_the_measurement_refuses_a_warning() -> None:
    with pytest.raises(FloatingPointError, match="overflow"):
        floats(sp.log(1 + sp.exp(x)), {"x": np.array([2.0, 1000.0])})
