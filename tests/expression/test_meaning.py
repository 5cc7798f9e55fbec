"""What a text of the expression language means."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from fractions import Fraction

import pytest
import sympy as sp

from symmlp.expression import names_in, parse
from symmlp.expression.real import rounded, value_at
from tests.expression.accepted import ACCEPTED, EXACT, FORMS, k, x, y

POINTS = ((0.7, 1.9, 3.0), (-1.3, 0.4, 2.0), (2.1, -0.8, 4.0))
"""Values of x, y, k at which meanings are compared."""


def meaning(text: str, at: tuple[float, ...]) -> float:
    """Return the value of `text` at a point of x, y, k."""
    point = {symbol: Fraction(number) for symbol, number in zip((x, y, k), at, strict=True)}
    return float(rounded(value_at(parse(text, ("x", "y"), parameters=("k",)), point)))


def means(text: str, reference: Callable[[float, float, float], float]) -> bool:
    """Tell whether `text` has the value of `reference` at all points, to the rounding of Python's floats."""
    return all(math.isclose(meaning(text, at), reference(*at), rel_tol=1e-14, abs_tol=1e-15) for at in POINTS)


@pytest.mark.parametrize(("text", "reference"), ACCEPTED, ids=[text for text, _ in ACCEPTED])
def test_an_expression_means_what_the_same_python_means(
    text: str, reference: Callable[[float, float, float], float]
) -> None:
    assert means(text, reference)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("-x**2", lambda x, y, k: (-x) ** 2),
        ("x - y - 1", lambda x, y, k: x - (y - 1)),
        ("where(x <= y, x, 2*y)", lambda x, y, k: x if x > y else 2 * y),
        ("cbrt(x)", lambda x, y, k: abs(x) ** (1 / 3)),
    ],
)
def test_the_comparison_of_meanings_sees_a_wrong_one(text: str, wrong: Callable[[float, float, float], float]) -> None:
    assert not means(text, wrong)


HOSTILE_TO_FLOATS = (
    ("x*tanh(log(1+exp(x)))", "x"),
    ("1/(1+exp(-x))", "x"),
    ("log(1/(1+exp(-x)))", "x"),
    ("log(1+exp(1e30*x))/1e30", "x"),
    ("x*(1+erf(x/sqrt(2)))/2", "x"),
    ("x*(1+tanh(sqrt(2/pi)*(x+(44715/1000000)*x**3)))/2", "x"),
    (
        "where(x>0, x, 1.6732632423543772848170429916717*(exp(x)-1))*1.0507009873554804934193349852946",
        "x",
    ),
    ("where(x>=0, x, (1/1000)*(exp(1000*x)-1))", "x"),
    ("(x+sqrt(x**2+4))/2", "x"),
    ("(exp(x)-1)/x", "x"),
    ("where(x>0, sqrt(x), x)", "x"),
    ("sqrt(x**2)", "x"),
    ("x**k", "xk"),
    ("x*log(x)", "x"),
    ("max(x,y)", "xy"),
    ("-y*log(1/(1+exp(-z)))-(1-y)*log(1-1/(1+exp(-z)))", "zy"),
    ("-log(exp(u)/(exp(u)+exp(v)))", "uv"),
    ("-((1/20)*log(exp(u)/(exp(u)+exp(v)))+(19/20)*log(exp(v)/(exp(u)+exp(v))))", "uv"),
    ("where(abs(r)<=1, r**2/2, abs(r)-(1/2))", "r"),
    ("(z+(m-t)**2*exp(-z))/2", "mzt"),
    ("-(1-1/(1+exp(-z)))**g*log(1/(1+exp(-z)))", "zg"),
    ("max(0,1-t*z)**2", "zt"),
    ("abs((x-t)/t)", "xt"),
    (
        "-(exp(u)/(exp(u)+exp(v)))*log(exp(u)/(exp(u)+exp(v)))-(exp(v)/(exp(u)+exp(v)))*log(exp(v)/(exp(u)+exp(v)))",
        "uv",
    ),
)


@pytest.mark.parametrize(("text", "names"), HOSTILE_TO_FLOATS)
def test_an_expression_that_is_hard_on_floats_is_parsed_in_its_own_variables(text: str, names: str) -> None:
    assert {symbol.name for symbol in parse(text, tuple(names)).free_symbols} == set(names)


@pytest.mark.parametrize(("text", "names"), HOSTILE_TO_FLOATS)
def test_the_names_of_an_expression_are_found_without_being_told(text: str, names: str) -> None:
    assert set(names_in(text)) == set(names)


def test_usual_expressions_are_parsed_in_milliseconds() -> None:
    texts = [text for text, _ in ACCEPTED]
    for text in texts:
        parse(text, ("x", "y", "k"))  # SymPy imports on first use
    start = time.perf_counter()
    for text in texts:
        parse(text, ("x", "y", "k"))
    assert (time.perf_counter() - start) / len(texts) < 0.05


def test_names_come_in_the_order_of_the_text_and_once() -> None:
    assert names_in("where(p > q, log(p)*pi, a)") == ("p", "q", "a")


def test_symbols_are_real() -> None:
    assert parse("sqrt(x**2)", ("x",)) == sp.Abs(x)


def test_a_declared_name_hides_a_constant() -> None:
    assert parse("e*x", ("x", "e")) == x * sp.Symbol("e", real=True)


@pytest.mark.parametrize(("text", "value"), EXACT)
def test_a_constant_keeps_every_digit(text: str, value: sp.Rational) -> None:
    assert parse(text, ("x",)) == value


@pytest.mark.parametrize(("text", "form"), FORMS)
def test_an_expression_keeps_the_form_it_is_written_in(text: str, form: sp.Expr) -> None:
    assert parse(text, ("x", "y")) == form


def test_a_constant_that_sympy_misjudges_keeps_its_value() -> None:
    assert sp.sin(sp.acos(sp.erf(sp.pi ** sp.Rational(3, 2)))) == 0  # it is about 8e-8
    assert math.isclose(meaning("sin(acos(erf(pi**1.5)))", POINTS[0]), 8.26165575295157e-8, rel_tol=1e-10)
