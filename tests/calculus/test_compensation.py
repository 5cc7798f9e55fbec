"""Exponents put right: equal to what they replace in exact arithmetic, and accurate where that is off by hundreds."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from random import Random
from typing import Any

import numpy as np
import pytest
from mpmath import mp, mpf

from symmlp.calculus.accuracy import compiled
from symmlp.calculus.compensation import LEADING
from symmlp.calculus.constants import fold_constants
from symmlp.calculus.matrix_form import MatrixForm
from symmlp.calculus.numeric import evaluate
from symmlp.calculus.splitting import leading
from symmlp.expression import names_in, parse
from symmlp.matrix import Add, Call, Divide, Node, Number, Power, Product, Real, Var, walk
from tests.calculus.precise import value

ROUNDED = (
    "exp(-x**2/2)",
    "exp(-x**2/3)",
    "exp(-x**3)",
    "exp(-1.702*abs(x))",
    "exp(-pi*abs(x))",
    "exp(x-1)",
    "exp(-abs(x*y))",
    "exp(-abs(x-y))",
    "exp(x*y)",
    "exp(-2*sqrt(2/pi)*abs(x+0.044715*x**3))",
    "exp((x-y)**2/-7)",
)
EXACT = ("exp(x)", "exp(-abs(x))", "exp(-2*abs(x))", "exp(max(x,0)/4)", "exp(x/y)", "x*y")


def _node(text: str, *, right: bool = True) -> Node:
    expr = parse(text, names_in(text))
    symbols = sorted(expr.free_symbols, key=str)
    if right:
        return compiled(expr, symbols)
    return MatrixForm({}, {}, names={each: Var(each.name, ()) for each in symbols}).of(fold_constants(expr), None, None)


def _exactly(node: Node, at: Mapping[str, Any], random: Random) -> Any:
    """Return the node's value in high precision, `leading` being any number, of which the result is independent."""

    def of(part: Node) -> Any:
        match part:
            case Var(name, _):
                return at[name]
            case Number(number):
                return mpf(number.numerator) / number.denominator
            case Real(number, rest):
                return mpf(number) + mpf(rest)
            case Add(terms):
                return mp.fsum(map(of, terms))
            case Product(factors):
                return mp.fprod(map(of, factors))
            case Divide(top, bottom):
                return of(top) / of(bottom)
            case Power(base, exponent):
                return of(base) ** int(of(exponent))
            case Call(name, arguments):
                return CALLS[name](*map(of, arguments))
        raise AssertionError(part)

    halves: dict[Any, Any] = {}
    functions = {"abs": abs, "max": max, "min": min, "sign": mp.sign, "exp": mp.exp}
    CALLS = {**functions, LEADING: lambda number: halves.setdefault(number, mpf(random.uniform(-50, 50)))}
    return of(node)


@pytest.mark.parametrize("text", ROUNDED)
def test_what_is_put_right_is_the_same_in_exact_arithmetic(text: str) -> None:
    node, plain, random = _node(text), _node(text, right=False), Random(text)
    assert any(isinstance(part, Call) and part.function == LEADING for part in walk(node)) or "-" in text
    with mp.workdps(60):
        for _ in range(10):
            at = {"x": mpf(random.uniform(-5, 5)), "y": mpf(random.uniform(-5, 5))}
            found, expected = _exactly(node, at, random), _exactly(plain, at, random)
            # Numbers that are no floats are held in two parts, the first of 11 binary digits.
            assert abs(found - expected) <= mpf(2) ** -60 * abs(expected)


@pytest.mark.parametrize("text", EXACT)
def test_an_exponent_that_is_exact_gets_no_correction(text: str) -> None:
    assert not any(isinstance(part, Call) and part.function == LEADING for part in walk(_node(text)))


def _worst(text: str, node: Node, dtype: type) -> float:
    """Return the largest error in units in the last place where the exponential is a normal number."""
    expr, random = parse(text, names_in(text)), np.random.default_rng(7)
    largest = 0.0
    for scale in (1.0, 3.0, 9.0, 27.0, 500.0):
        arrays: dict[str, Any] = {name: random.uniform(-scale, scale, 40).astype(dtype) for name in ("x", "y")}
        arrays["y"] = arrays["y"] / dtype(scale) * dtype(min(scale, 4.0))
        with np.errstate(all="ignore"):
            found = evaluate(node, arrays)
        assert found.dtype == dtype
        for at, number in enumerate(found):
            with mp.workdps(60):
                exact = value(expr, {name: mpf(float(array[at])) for name, array in arrays.items()})
            if mpf(float(np.finfo(dtype).tiny)) < exact < mpf(float(np.finfo(dtype).max)):
                largest = max(largest, float(abs(mpf(float(number)) - exact) / float(np.spacing(dtype(float(exact))))))
    return largest


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("text", ROUNDED)
def test_exponentials_are_right_to_three_units(text: str, dtype: type) -> None:
    assert _worst(text, _node(text), dtype) <= 3


def test_without_it_they_are_off_by_hundreds() -> None:
    assert _worst("exp(-x**2/3)", _node("exp(-x**2/3)", right=False), np.float64) > 100


@pytest.mark.parametrize("text", ROUNDED)
def test_infinite_huge_and_nan_arguments_come_out_as_they_should(text: str) -> None:
    names = names_in(text)
    for size in (1e30, 1e200, -1e200, 1e308):
        arrays = {name: np.array([size if name == "x" else 0.5]) for name in names}
        with np.errstate(all="ignore"):
            found = evaluate(_node(text), arrays)[0]
            plain = evaluate(_node(text, right=False), arrays)[0]
        assert found == plain
    arrays = {name: np.array([np.nan]) for name in names}
    assert np.isnan(evaluate(_node(text), arrays)[0])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_products_of_first_halves_are_exact(dtype: type) -> None:
    numbers: Any = np.random.default_rng(3).normal(size=200).astype(dtype) * np.logspace(-8, 8, 200).astype(dtype)
    halves = leading(numbers)
    assert np.all(np.abs(numbers - halves) <= np.abs(numbers) * 2.0 ** (-26 if dtype is np.float64 else -11))
    for one, other in zip(halves, halves[::-1], strict=True):
        assert Fraction(float(one)) * Fraction(float(other)) == Fraction(float(dtype(one * other)))
