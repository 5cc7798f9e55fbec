"""Drawn texts: whatever is typed, an expression or an ExpressionError comes back, soon, and it means what it says."""

from __future__ import annotations

import contextlib
import operator
import time
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import mpmath
import pytest
import sympy as sp
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from symmlp.errors import ExpressionError
from symmlp.expression import names_in, parse, require_real
from symmlp.expression.real import NotReal, Singular, is_known, rounded, value_at

LONGEST = 2.0
"""Seconds within which any text is answered."""

WORDS = (
    "x y k e pi exp log sqrt tanh abs sign max min where sigmoid erf cbrt softplus logsumexp 1 2 0 0.5 1e308 1e-300 16 "
    "+ - * / ** ( ) ( ) , , . < > <= >= == != = ^ % // @ ~ ! : ; [ ] { } ' \" # \\ _ __import__ lambda if else and or "
    "not for in is None True await yield x.real 2x 1j 0x1 \n \t é \x00"
).split(" ")

texts = st.one_of(
    st.text(max_size=60),
    st.text(alphabet="xye0123456789.+-*/(),<>= \n", max_size=60),
    st.lists(st.sampled_from(WORDS), max_size=25).map("".join),
    st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join),
)


def answer(text: object) -> sp.Expr | None:
    """Return the expression of `text`, or None if it is refused as it should be."""
    try:
        return parse(text, ("x", "y"), parameters=("k",), field="activation")
    except ExpressionError as error:
        message = str(error)
        assert message.startswith("activation: ")
        assert message.isascii()
        assert message.isprintable()
        return None


@given(texts)
@settings(max_examples=400)
def test_any_text_gives_an_expression_or_a_clear_refusal_in_time(text: str) -> None:
    start = time.perf_counter()
    value = answer(text)
    assert time.perf_counter() - start < LONGEST
    assert value is None or isinstance(value, sp.Expr)


@given(st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.binary(), st.lists(st.text())))
def test_anything_that_is_no_text_is_refused(value: object) -> None:
    assert answer(value) is None


@given(texts)
@settings(max_examples=200)
def test_the_names_of_any_text_are_identifiers_and_come_once(text: str) -> None:
    names: tuple[str, ...] = ()
    with contextlib.suppress(ExpressionError):
        names = names_in(text)
    assert all(name.isidentifier() for name in names)
    assert len(set(names)) == len(names)


def _legal(children: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    functions = (
        "exp expm1 log log1p sqrt cbrt sin tan asin atan cosh tanh acosh atanh erf erfc abs sign sigmoid softplus"
    )
    powers = ("2", "3", "16", "0.5", "-1", "(1/3)", "-1.5", "k", "-k", "pi")
    return st.one_of(
        st.builds("{}({})".format, st.sampled_from(functions.split()), children),
        st.builds("({}{}{})".format, children, st.sampled_from("+-*/"), children),
        st.builds("({})**{}".format, children, st.sampled_from(powers)),
        st.builds("{}({},{})".format, st.sampled_from(("max", "min", "logsumexp")), children, children),
        st.builds("where({}{}{},{},{})".format, children, st.sampled_from(("<", ">=")), children, children, children),
        st.builds("(-{})".format, children),
    )


constants = ("0", "1", "2", "0.5", "1e30", "1e300", "1e-300", "pi", "e", "log(3)", "0.044715", "7")
legal_texts = st.recursive(st.sampled_from(("x", "y", "k", "x", "y", *constants)), _legal, max_leaves=25)


@given(legal_texts)
@settings(max_examples=400)
def test_a_text_of_the_language_is_answered_in_time(text: str) -> None:
    start = time.perf_counter()
    value = answer(text)
    assert time.perf_counter() - start < LONGEST
    if value is not None:
        assert value.free_symbols <= {sp.Symbol(name, real=True) for name in "xyk"}
        assert not value.has(sp.I, sp.nan, sp.zoo, sp.oo, -sp.oo)


@given(legal_texts)
@settings(max_examples=200)
def test_the_check_of_any_expression_ends_in_time_with_a_verdict(text: str) -> None:
    value = answer(text)
    assume(value is not None)
    start = time.perf_counter()
    verdict = "activation: real"
    try:
        require_real(value, {"x": "real", "y": "somewhere", "k": "somewhere"}, field="activation")
    except ExpressionError as error:
        verdict = str(error)
    assert time.perf_counter() - start < 2 * LONGEST
    assert verdict.startswith("activation: ")
    assert verdict.isascii()


oracle = mpmath.MPContext()
oracle.prec = 300
Meaning = tuple[str, Callable[[Any], Any]]
"""A text and, built beside it, the function that computes it with mpmath in the reals."""


def _real(name: str) -> Callable[[Any], Any]:
    def compute(u: Any) -> Any:
        # Beyond that, the oracle would fill the memory.
        if not oracle.isfinite(u) or abs(u) > 1e4:
            raise ValueError("beyond the oracle")
        value = getattr(oracle, name)(u)
        if not isinstance(value, oracle.mpf):
            raise ValueError("not real")
        return value

    return compute


def _of(name: str, inner: Meaning) -> Meaning:
    compute = _real(name)
    return f"{name}({inner[0]})", lambda u: compute(inner[1](u))


OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}


def _between(symbol: str, a: Meaning, b: Meaning) -> Meaning:
    compute = OPERATIONS[symbol]
    return f"({a[0]}{symbol}{b[0]})", lambda u: compute(a[1](u), b[1](u))


def _power(inner: Meaning, exponent: int) -> Meaning:
    return f"({inner[0]})**{exponent}", lambda u: inner[1](u) ** exponent


def _where(a: Meaning, b: Meaning) -> Meaning:
    return f"where(x > 1/7, {a[0]}, {b[0]})", lambda u: (a if u > oracle.mpf(1) / 7 else b)[1](u)


def _number(number: int) -> Meaning:
    return str(number), lambda _: oracle.mpf(number)


SMOOTH = "exp expm1 log log1p sqrt sin cos atan asinh sinh cosh tanh erf erfc asin acos acosh atanh".split()


def _meanings(children: st.SearchStrategy[Meaning]) -> st.SearchStrategy[Meaning]:
    return st.one_of(
        st.builds(_of, st.sampled_from(SMOOTH), children),
        st.builds(_between, st.sampled_from("+-*/"), children, children),
        st.builds(_power, children, st.sampled_from((2, 3, -1, -2))),
        st.builds(_where, children, children),
    )


variable: Meaning = ("x", lambda u: u)
meanings = st.recursive(st.one_of(st.just(variable), st.integers(0, 9).map(_number)), _meanings, max_leaves=8)


def compare(text: str, compute: Callable[[Any], Any], point: Fraction) -> bool | None:
    """Return whether `text` has the value of `compute` at x, or None where one of them has no value."""
    try:
        expected = compute(oracle.mpf(point.numerator) / point.denominator)
        found = value_at(parse(text, ("x",)), {sp.Symbol("x", real=True): point})
    except (ExpressionError, NotReal, Singular, ArithmeticError, ValueError):
        return None
    # A cancellation leaves the oracle 300 bits of noise, and the expression an exact zero.
    if not is_known(found) or not oracle.isfinite(expected) or not 1e-30 < abs(expected) < 1e200:
        return None
    return bool(abs(oracle.mpf(rounded(found)) - expected) < 1e-12 * abs(expected))


@given(meanings, st.sampled_from((Fraction(3, 10), Fraction(-6, 5), Fraction(5, 2))))
@settings(max_examples=300)
def test_an_expression_has_the_value_of_its_text(meaning: Meaning, point: Fraction) -> None:
    verdict = compare(*meaning, point)
    assume(verdict is not None)
    assert verdict


@pytest.mark.parametrize(
    ("text", "wrong"),
    [("x - 2", lambda u: 2 - u), ("(x)**2", lambda u: u**3), ("exp(x)*(1 + 1e-11)", lambda u: oracle.exp(u))],
)
def test_the_comparison_sees_a_wrong_value(text: str, wrong: Callable[[Any], Any]) -> None:
    assert compare(text, wrong, Fraction(3, 10)) is False
