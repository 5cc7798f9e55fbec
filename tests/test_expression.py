"""The expression language: what it means, what it refuses and how it says so, and that no text is executed."""

from __future__ import annotations

import contextlib
import math
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import sympy as sp
from sympy.codegen.cfunctions import Cbrt, expm1, log1p

from symmlp.errors import ExpressionError, SymmlpError
from symmlp.expression import names_in, parse
from symmlp.expression.real import rounded, value_at
from symmlp.expression.syntax import MAX_DEPTH, MAX_LENGTH, MAX_NODES

x, y, k = (sp.Symbol(name, real=True) for name in ("x", "y", "k"))

POINTS = ((0.7, 1.9, 3.0), (-1.3, 0.4, 2.0), (2.1, -0.8, 4.0))
"""Values of x, y, k at which meanings are compared."""


def meaning(text: str, at: tuple[float, ...]) -> float:
    """Return the value of `text` at a point of x, y, k."""
    point = {symbol: Fraction(number) for symbol, number in zip((x, y, k), at, strict=True)}
    return float(rounded(value_at(parse(text, ("x", "y"), parameters=("k",)), point)))


def means(text: str, reference: Callable[[float, float, float], float]) -> bool:
    """Tell whether `text` has the value of `reference` at all points, to the rounding of Python's floats."""
    return all(math.isclose(meaning(text, at), reference(*at), rel_tol=1e-14, abs_tol=1e-15) for at in POINTS)


def sigmoid(u: float) -> float:
    return 1 / (1 + math.exp(-u))


ACCEPTED: tuple[tuple[str, Callable[[float, float, float], float]], ...] = (
    ("x + y*2 - 3", lambda x, y, k: x + y * 2 - 3),
    ("-x**2", lambda x, y, k: -(x**2)),
    ("(-x)**2/y", lambda x, y, k: x * x / y),
    ("x/y/2", lambda x, y, k: x / y / 2),
    ("x - y - 1", lambda x, y, k: x - y - 1),
    ("2**-3*x", lambda x, y, k: x / 8),
    ("+x - -y", lambda x, y, k: x + y),
    ("x**3", lambda x, y, k: x**3),
    ("abs(x)**0.5", lambda x, y, k: abs(x) ** 0.5),
    ("abs(x)**-1.5", lambda x, y, k: abs(x) ** -1.5),
    ("abs(y)**pi", lambda x, y, k: abs(y) ** math.pi),
    ("x**k", lambda x, y, k: x**k),
    ("x**-k", lambda x, y, k: x**-k),
    ("x**(1 + 1)", lambda x, y, k: x * x),
    ("pi*x + e", lambda x, y, k: math.pi * x + math.e),
    ("1.5e-1*x + .5 + 2.", lambda x, y, k: 0.15 * x + 2.5),
    ("1_000*x", lambda x, y, k: 1000 * x),
    ("  x\n + y\t", lambda x, y, k: x + y),
    ("exp(x)", lambda x, y, k: math.exp(x)),
    ("expm1(x)", lambda x, y, k: math.expm1(x)),
    ("log(abs(x))", lambda x, y, k: math.log(abs(x))),
    ("log1p(x**2)", lambda x, y, k: math.log1p(x * x)),
    ("sqrt(abs(x))", lambda x, y, k: math.sqrt(abs(x))),
    ("cbrt(x)", lambda x, y, k: math.copysign(abs(x) ** (1 / 3), x)),
    ("sin(x)", lambda x, y, k: math.sin(x)),
    ("cos(x)", lambda x, y, k: math.cos(x)),
    ("tan(x)", lambda x, y, k: math.tan(x)),
    ("asin(x/3)", lambda x, y, k: math.asin(x / 3)),
    ("acos(x/3)", lambda x, y, k: math.acos(x / 3)),
    ("atan(x)", lambda x, y, k: math.atan(x)),
    ("sinh(x)", lambda x, y, k: math.sinh(x)),
    ("cosh(x)", lambda x, y, k: math.cosh(x)),
    ("tanh(x)", lambda x, y, k: math.tanh(x)),
    ("asinh(x)", lambda x, y, k: math.asinh(x)),
    ("acosh(2 + x**2)", lambda x, y, k: math.acosh(2 + x * x)),
    ("atanh(x/3)", lambda x, y, k: math.atanh(x / 3)),
    ("erf(x)", lambda x, y, k: math.erf(x)),
    ("erfc(x)", lambda x, y, k: math.erfc(x)),
    ("abs(x)", lambda x, y, k: abs(x)),
    ("sign(x)", lambda x, y, k: math.copysign(1, x)),
    ("max(x, y)", lambda x, y, k: max(x, y)),
    ("min(x, y, 1, 0.5)", lambda x, y, k: min(x, y, 0.5)),
    ("max(x, max(y, 1), 0)", lambda x, y, k: max(x, y, 1)),
    ("max(-1, min(1, x))", lambda x, y, k: max(-1, min(1, x))),
    ("where(x > 0, x, exp(x) - 1)", lambda x, y, k: x if x > 0 else math.exp(x) - 1),
    ("where(x <= y, x, 2*y)", lambda x, y, k: x if x <= y else 2 * y),
    ("where(1 < x, x, 3)", lambda x, y, k: x if x > 1 else 3),
    ("where(2 >= x, where(y < 0, 5, 6), 7)", lambda x, y, k: (5 if y < 0 else 6) if x <= 2 else 7),
    ("where(2 > 1, x, y)", lambda x, y, k: x),
    ("where(x + 1 < x, x, y)", lambda x, y, k: y),
    ("sigmoid(x)", lambda x, y, k: sigmoid(x)),
    ("softplus(x)", lambda x, y, k: math.log(1 + math.exp(x))),
    ("logsumexp(x, y, 0)", lambda x, y, k: math.log(math.exp(x) + math.exp(y) + 1)),
    ("x*tanh(softplus(x))", lambda x, y, k: x * math.tanh(math.log(1 + math.exp(x)))),
    ("x*sigmoid(1.702*x)", lambda x, y, k: x * sigmoid(1.702 * x)),
)


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


EXACT = (
    ("0.044715", sp.Rational(8943, 200000)),
    ("1.6732632423543772848170429916717", sp.Rational(16732632423543772848170429916717, 10**31)),
    ("0.1", sp.Rational(1, 10)),
    ("1e30", sp.Integer(10) ** 30),
    ("5e-324", sp.Rational(5, 10**324)),
    ("0e999999999", sp.Integer(0)),
    ("1/3", sp.Rational(1, 3)),
    ("9007199254740993", sp.Integer(9007199254740993)),
    ("cbrt(-8)", sp.Integer(-2)),
    ("max(2, 3)", sp.Integer(3)),
    ("log(1)", sp.Integer(0)),
)


@pytest.mark.parametrize(("text", "value"), EXACT)
def test_a_constant_keeps_every_digit(text: str, value: sp.Rational) -> None:
    assert parse(text, ("x",)) == value


FORMS = (
    ("expm1(x) + log1p(y)", expm1(x) + log1p(y)),
    ("cbrt(x)", Cbrt(x)),
    ("sigmoid(x)", 1 / (1 + sp.exp(-x))),
    ("softplus(x)", sp.log(1 + sp.exp(x))),
    ("logsumexp(x, y)", sp.log(sp.exp(x) + sp.exp(y))),
    ("max(0, x)", sp.Max(0, x)),
    ("max(x, max(x, 0))", sp.Max(0, x)),
    ("where(0 < x, x, y)", sp.Piecewise((x, x > 0), (y, True), evaluate=False)),
    ("where(x > y, x, x)", sp.Piecewise((x, x > y), (x, True), evaluate=False)),
    ("where(2 > 1, x, y)", x),
    ("where(x + 1 < x, x, y)", y),
    ("(exp(x) - exp(-x))/(exp(x) + exp(-x))", (sp.exp(x) - sp.exp(-x)) / (sp.exp(x) + sp.exp(-x))),
    ("erfc(-x)", sp.erfc(-x, evaluate=False)),
    ("tan(x + pi/2)", sp.tan(x + sp.pi / 2, evaluate=False)),
)


@pytest.mark.parametrize(("text", "form"), FORMS)
def test_an_expression_keeps_the_form_it_is_written_in(text: str, form: sp.Expr) -> None:
    assert parse(text, ("x", "y")) == form


def test_a_constant_that_sympy_misjudges_keeps_its_value() -> None:
    assert sp.sin(sp.acos(sp.erf(sp.pi ** sp.Rational(3, 2)))) == 0  # it is about 8e-8
    assert math.isclose(meaning("sin(acos(erf(pi**1.5)))", POINTS[0]), 8.26165575295157e-8, rel_tol=1e-10)


REFUSED: tuple[tuple[object, str], ...] = (
    # what would be executed, or reach what can be
    ("__import__('os').system('id')", "unknown function '__import__' at column 1"),
    ("__import__('pathlib').Path('F').touch()", "unknown function '__import__' at column 1"),
    ("open('F','w').write('x')", "unknown function 'open' at column 1"),
    ("eval('x')", "unknown function 'eval' at column 1"),
    ("exec('x')", "unknown function 'exec' at column 1"),
    ("getattr(x, 'y')", "unknown function 'getattr' at column 1"),
    ("globals()", "unknown function 'globals' at column 1"),
    ("print(x)", "unknown function 'print' at column 1"),
    ("S('x')", "unknown function 'S' at column 1"),
    ("x.__class__.__mro__", "attribute access at column 2 is not allowed"),
    ("x.diff.__globals__['__builtins__']['__import__']('os').system('id')", "an index at column 1 is not allowed"),
    ("().__class__.__bases__[0].__subclasses__()", "an index at column 1 is not allowed"),
    ("().__class__", "a tuple at column 1 is not allowed"),
    ("exp.__call__(x)", "attribute access at column 4 is not allowed"),
    ("np.exp(x)", "attribute access at column 3 is not allowed; write exp(x), not np.exp(x)"),
    ("x.real", "attribute access at column 2 is not allowed"),
    ("(lambda: 1)()", "a lambda at column 2 is not allowed"),
    ("lambda x: x", "a lambda at column 1 is not allowed"),
    ("[x for x in y]", "a comprehension at column 1 is not allowed"),
    ("(x for x in y)", "a comprehension at column 1 is not allowed"),
    ("{x: 1 for x in y}", "a comprehension at column 1 is not allowed"),
    ("(x := 1)", "an assignment at column 2 is not allowed"),
    ("f'{x}'", "an f-string at column 1 is not allowed"),
    ("await x", "'await' at column 1 is not allowed"),
    ("yield x", "a yield at column 1 is not allowed"),
    ("x if x>0 else 0", "use where(condition, a, b)"),
    ("x>0 and x", "use where(condition, a, b)"),
    ("not x", "operator 'not' at column 1 is not allowed; use where(condition, a, b)"),
    ("x if x>0", "'if' at column 3 is not allowed; use where(condition, a, b)"),
    ("x > 0", "a comparison outside where at column 1 is not allowed"),
    ("x == 0", "a comparison outside where at column 1 is not allowed"),
    ("x[0]", "an index at column 1 is not allowed"),
    ("x, x", "a tuple at column 1 is not allowed"),
    ("()", "a tuple at column 1 is not allowed"),
    ("[x]", "a list at column 1 is not allowed"),
    ("{x}", "a set at column 1 is not allowed"),
    ("{}", "a dict at column 1 is not allowed"),
    ("max(*x, *x)", "unpacking at column 5 is not allowed"),
    ("exp(x=1)", "keyword arguments, at column 7, are not allowed"),
    ("max(**x)", "keyword arguments, at column 7, are not allowed"),
    ("'a'", "'a' at column 1 is not a number"),
    ("b'a'*x", "b'a' at column 1 is not a number"),
    ("None", "None at column 1 is not a number"),
    ("x**True", "True at column 4 is not a number"),
    ("...", "Ellipsis at column 1 is not a number"),
    ("1j*x", "cannot parse a number followed by 'j' at column 2"),
    ("import os", "cannot parse"),
    ("x; x", "cannot parse at column 2"),
    ("x = 1", "cannot parse"),
    ("x # comment", "character '#' at column 3 is not allowed"),
    ("x\\\n+1", "character '\\\\' at column 2 is not allowed"),
    ("x\0", "character '\\x00' at column 2 is not allowed"),
    ("x\x0b+1", "character '\\x0b' at column 2 is not allowed"),
    # names and functions
    ("y*2", "unknown name 'y' at column 1; allowed: x, pi, e"),
    ("2*xx", "unknown name 'xx' at column 3"),
    ("__builtins__", "unknown name '__builtins__' at column 1"),
    ("nan", "unknown name 'nan' at column 1"),
    ("oo", "unknown name 'oo' at column 1"),
    ("I*x", "unknown name 'I' at column 1"),
    ("exp", "exp at column 1 is a function; write exp(...)"),
    ("exp(x,x)", "exp at column 1 takes 1 argument, got 2"),
    ("exp()", "exp at column 1 takes 1 argument, got 0"),
    ("max(x)", "max at column 1 takes 2 or more arguments, got 1"),
    ("where(x>0,x)", "where at column 1 takes 3 arguments, got 2"),
    ("x(x+1)", "x at column 1 is not a function; write x*(...) for a product"),
    ("pi(2)", "pi at column 1 is not a function"),
    ("floor(x)", "unknown function 'floor' at column 1; allowed: abs, acos,"),
    ("factorial(x)", "unknown function 'factorial' at column 1; allowed: "),
    ("gamma(x)", "unknown function 'gamma' at column 1; allowed: "),
    ("1 + tanhh(x)", "unknown function 'tanhh' at column 5"),
    ("ln(x)", "write log(u)"),
    # powers and operators
    ("9**9**9", "exponent '9**9' at column 4 must be a constant, at most 16 in size"),
    ("x**x", "exponent 'x' at column 4 must be a constant"),
    ("(1 + x**2)**x", "exponent 'x' at column 13 must be a constant"),
    ("x**-x", "exponent '-x' at column 4 must be a constant"),
    ("x**1e9", "exponent '1e9' at column 4 must be a constant"),
    ("x**-17", "exponent '-17' at column 4 must be a constant"),
    ("x**(x+1)", "exponent 'x+1' at column 5 must be a constant"),
    ("2**x", "a constant with a variable exponent at column 4 is not allowed; write exp(x*log(2))"),
    ("e**x", "a constant with a variable exponent at column 4 is not allowed; write exp(x)"),
    ("((x**16)**16)**16", "has the combined exponent 4096; expected at most 256"),
    ("x^2", "operator '^' at column 2 is not allowed; use ** for powers"),
    ("x//2", "operator '//' at column 2 is not allowed; use / for division"),
    ("(x) @ x", "operator '@' at column 5 is not allowed"),
    ("x % 2", "operator '%' at column 3 is not allowed"),
    ("x << 2", "operator '<<' at column 3 is not allowed"),
    ("~x", "operator '~' at column 1 is not allowed"),
    # text that is no expression
    ("2x", "cannot parse a number followed by 'x' at column 2; write 2*x for a product"),
    ("1if x else 2", "cannot parse a number followed by 'i' at column 2"),
    ("0xff", "cannot parse a number followed by 'x' at column 2"),
    ("x y", "cannot parse at column 3, where an operator is missing"),
    ("exp x", "cannot parse at column 5, where an operator is missing"),
    ("2(x)", "an operator is missing at column 2; write * between factors"),
    ("(x+1)(x-1)", "an operator is missing at column 6"),
    ("x +", "cannot parse at column 3"),
    ("x..y", "cannot parse at column 3"),
    ("$x", "cannot parse at column 1"),
    (")x(", "bracket ')' at column 1 was never opened"),
    ("((x)", "bracket '(' at column 1 is never closed"),
    ("", "expression is empty"),
    (" \n\t", "expression is empty"),
    (None, "must be a text, got None"),
    (3, "must be a text, got 3"),
    (["x"], "must be a text, got ['x']"),
    (b"x", "must be a text, got b'x'"),
    ("\uff45xp(x)", "non-ASCII character U+FF45 at column 1"),
    ("2*\u0445", "non-ASCII character U+0445 at column 3"),
    ("x\u202e", "non-ASCII character U+202E at column 2"),
    ("\ud800", "non-ASCII character U+D800 at column 1"),
    # beyond a limit
    ("1" * 5000, "5000 characters are too long; expected at most 2000"),
    ("-" * 100_000 + "1", "100001 characters are too long"),
    ("-" * 1990 + "x", "too deeply nested; expected at most 40 levels"),
    ("(" * 300 + "x" + ")" * 300, "too deeply nested at column 41; expected at most 40 open brackets"),
    ("**".join("x" * 600), "too deeply nested"),
    ("+".join("x" * 900), "too deeply nested"),
    ("max(" + "x," * 600 + "x)", "more than 500 names, numbers and operations"),
    ("9" * 400, "overflows float64"),
    ("1e999", "number '1e999' at column 1 overflows float64"),
    ("1e-999", "number '1e-999' at column 1 underflows float64"),
    ("1e999999999", "overflows float64"),
    ("1e-999999999*x", "underflows float64"),
    ("1e308*x*1e308", "'1e308*x*1e308' at column 1 has a constant that overflows float64"),
    ("x*1e-200*1e-200", "has a constant that underflows float64"),
    ("(((2*x)**16)**16)**16", "has a constant that overflows float64"),
    ("((((1.0000001**16)**16)**16)**16)**16*x", "has a constant of more than 8192 bits"),
    ("exp(exp(exp(9)))", "'exp(exp(9))' at column 5 is beyond float64"),
    ("exp(1e30*log(3))*x", "beyond"),
    ("exp(x + 1e30*log(3))", "has a multiple of a logarithm beyond 10000"),
    ("exp(x*sin(1e30*x*log(3)))", "has a multiple of a logarithm beyond 10000"),
    ("cosh(800)", "overflows float64"),
    ("erfc(1e300) - x", "underflows float64"),
    ("sin(1e300)*x", "is not known to 50 digits"),
    # constants that are no finite real number
    ("log(0)", "'log(0)' at column 1 is not a finite real number"),
    ("1/0", "'1/0' at column 1 is not a finite real number"),
    ("x/(x-x)", "'x/(x-x)' at column 1 is not a finite real number"),
    ("0**-1 + x", "'0**-1' at column 1 is not a finite real number"),
    ("2*sqrt(-1)", "'sqrt(-1)' at column 3 is not a finite real number"),
    ("x + asin(2)", "'asin(2)' at column 5 is not a finite real number"),
    ("log(-1)*x", "'log(-1)' at column 1 is not a finite real number"),
    ("(-8)**(1/3)", "'(-8)**(1/3)' at column 1 is not a finite real number"),
    ("tan(pi/2)", "'tan(pi/2)' at column 1 is not a finite real number"),
    ("atanh(1)", "'atanh(1)' at column 1 is not a finite real number"),
    ("sqrt(-x**2)", "'sqrt(-x**2)' at column 1 is not a finite real number"),
    ("(-exp(x))**(1/3)", "'(-exp(x))**(1/3)' at column 1 is not a finite real number"),
    # where
    ("where(x,x,x)", "the condition of where at column 7 must be one comparison"),
    ("where(0<x<1,x,x)", "the condition of where at column 7 must be one comparison"),
    ("where(x==0,x,x)", "the condition of where at column 7 must be one comparison"),
    ("where(x!=0,x,x)", "the condition of where at column 7 must be one comparison"),
    ("where(x>0 and x<1,x,x)", "the condition of where at column 7 must be one comparison"),
    ("where(where(x>0,1,x)>0,x,x)", "the condition of where at column 7 must not contain another where"),
)
"""Texts outside the language, and what their message says."""


@pytest.mark.parametrize(("text", "expected"), REFUSED, ids=[ascii(text)[:40] for text, _ in REFUSED])
def test_a_text_outside_the_language_is_refused_with_its_reason(text: object, expected: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text, ("x",), field="layers[2].activation")
    assert expected in str(caught.value)


@pytest.mark.parametrize("text", [text for text, _ in REFUSED], ids=[ascii(text)[:40] for text, _ in REFUSED])
def test_a_refusal_is_one_ascii_line_that_names_the_field(text: object) -> None:
    with pytest.raises(SymmlpError) as caught:
        parse(text, ("x",), field="layers[2].activation")
    message = str(caught.value)
    assert message.startswith("layers[2].activation: ")
    assert message.isascii()
    assert message.isprintable()
    assert len(message) < 400


def test_all_refusals_together_take_less_than_a_second() -> None:
    start = time.process_time()
    for text, _ in REFUSED:
        with pytest.raises(ExpressionError):
            parse(text, ("x",))
    assert time.process_time() - start < 1


@pytest.mark.parametrize(
    ("text", "hint"),
    [("sofplus(x)", "did you mean 'softplus'?"), ("sigmod(x)", "did you mean 'sigmoid'?")],
)
def test_a_misspelt_function_gets_a_suggestion(text: str, hint: str) -> None:
    with pytest.raises(ExpressionError, match=hint):
        parse(text, ("x",))


def test_a_misspelt_name_gets_a_suggestion() -> None:
    with pytest.raises(ExpressionError, match="did you mean 'target'?"):
        parse("(p - tagret)**2", ("p", "target"))


def test_a_column_counts_from_the_start_of_the_text_with_its_spaces_and_lines() -> None:
    with pytest.raises(ExpressionError, match="'q' at column 8"):
        parse("  x\n + q", ("x",))


@pytest.mark.parametrize("name", ["", "2x", "x y", "__class__", "a.b", "x" * 65, "\uff45", "x\n"])
def test_a_variable_with_an_unsafe_name_is_refused(name: str) -> None:
    with pytest.raises(ExpressionError, match="must match"):
        parse("1", (name,))


@pytest.mark.parametrize(
    ("fits", "exceeds"),
    [
        ("x" + " " * (MAX_LENGTH - 3) + "+x", "x" + " " * (MAX_LENGTH - 2) + "+x"),
        ("(" * MAX_DEPTH + "x" + ")" * MAX_DEPTH, "(" * (MAX_DEPTH + 1) + "x" + ")" * (MAX_DEPTH + 1)),
        ("-" * (MAX_DEPTH - 1) + "x", "-" * MAX_DEPTH + "x"),
        ("max(" + "x," * (MAX_NODES - 3) + "x)", "max(" + "x," * (MAX_NODES - 2) + "x)"),
        ("x**16", "x**17"),
        ("1.7976931348623157e308", "1.7976931348623159e308"),
    ],
)
def test_a_limit_is_reached_but_not_exceeded(fits: str, exceeds: str) -> None:
    parse(fits, ("x",))
    with pytest.raises(ExpressionError):
        parse(exceeds, ("x",))


@pytest.mark.parametrize("error", [ValueError, MemoryError, RecursionError])
def test_a_parser_that_gives_up_is_a_refusal(error: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    def give_up(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("symmlp.expression.syntax.ast.parse", give_up)
    with pytest.raises(ExpressionError, match="too deeply nested"):
        parse("x", ("x",))


DEEP = {
    "exp": "exp(" * 38 + "x" + ")" * 38,
    "abs": "abs(" * 19 + "x" + "-1)" * 19,
    "sigmoid": "sigmoid(" * 38 + "x" + ")" * 38,
    "max": "max(sin(x)," * 19 + "x" + ")" * 19,
    "maximum of many": "max(" + ",".join(f"{n}*x+{n}" for n in range(90)) + ")",
    "where": "where(x>0,x," * 30 + "x" + ")" * 30,
    "cancelling roots": "abs(sqrt(2)+sqrt(3)-sqrt(5+2*sqrt(6)))*x",
    "powers of logarithms": "exp(500*log(3)+x)*exp(500*log(5)-x)",
}


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP)
def test_a_deep_expression_is_answered_quickly(text: str) -> None:
    start = time.perf_counter()
    with contextlib.suppress(ExpressionError):
        parse(text, ("x",))
    assert time.perf_counter() - start < 3


def harmful(sentinel: Path) -> tuple[str, ...]:
    """Return texts that create the file `sentinel` when they are evaluated."""
    return (
        f"open('{sentinel}', 'w').close()",
        f"__import__('pathlib').Path('{sentinel}').touch()",
        f"__import__('os').system('touch {sentinel}')",
        f"[c for c in ().__class__.__base__.__subclasses__()] and open('{sentinel}', 'w').close()",
        f"(lambda: open('{sentinel}', 'w').close())()",
        f"max(1, open('{sentinel}', 'w').close() or 2)",
        f"f\"{{open('{sentinel}', 'w').close()}}\"",
    )


def test_a_harmful_text_is_not_executed(tmp_path: Path) -> None:
    sentinel = tmp_path / "sentinel"
    for text in harmful(sentinel):
        with pytest.raises(ExpressionError):
            parse(text, ("x",))
        with pytest.raises(ExpressionError):
            parse("x + " + text, ("x",))
    assert not sentinel.exists()


def test_the_harmful_texts_are_harmful_where_text_is_evaluated(tmp_path: Path) -> None:
    for number, text in enumerate(harmful(tmp_path / "sentinel")):
        sentinel = tmp_path / f"sentinel{number}"
        exec(text.replace(str(tmp_path / "sentinel"), str(sentinel)))
        assert sentinel.exists()


_watched: list[str] | None = None


def _watch(event: str, _arguments: tuple[Any, ...]) -> None:
    if _watched is not None and threading.current_thread() is threading.main_thread():
        _watched.append(event)


sys.addaudithook(_watch)


@pytest.fixture
def events() -> Iterator[list[str]]:
    """The audit events of the interpreter during the test."""
    global _watched
    found: list[str] = []
    _watched = found
    yield found
    _watched = None


def parse_all(texts: Iterable[object]) -> None:
    for text in texts:
        with contextlib.suppress(ExpressionError):
            parse(text, ("x", "y", "k"))


def test_parsing_opens_imports_and_runs_nothing(tmp_path: Path, events: list[str]) -> None:
    texts = [*harmful(tmp_path / "sentinel"), *(text for text, _ in REFUSED), *(text for text, _ in ACCEPTED)]
    parse_all(texts)  # SymPy imports modules of its own on first use
    events.clear()
    parse_all(texts)
    assert set(events) <= {"compile"}  # of ast.parse, which makes a tree and no code


def test_the_watch_sees_an_open_file(tmp_path: Path, events: list[str]) -> None:
    (tmp_path / "file").write_text("")
    assert "open" in events


@pytest.fixture
def no_reading_by_sympy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make SymPy's reader of text, which `sympify` ends in, raise."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("SymPy was given a text to read")

    monkeypatch.setattr("sympy.parsing.sympy_parser.parse_expr", refuse)
    monkeypatch.setattr("sympy.parsing.sympy_parser.eval_expr", refuse)


@pytest.mark.usefixtures("no_reading_by_sympy")
def test_sympy_is_never_given_a_text() -> None:
    parse_all(row[0] for table in (ACCEPTED, EXACT, FORMS, REFUSED) for row in table)


@pytest.mark.usefixtures("no_reading_by_sympy")
def test_the_guard_sees_a_text_that_sympy_is_given() -> None:
    with pytest.raises(AssertionError, match="a text to read"):
        sp.sympify("x + 1")
    with pytest.raises(AssertionError, match="a text to read"):
        x.subs(x, "y + 1")
