"""Series: the polynomial through Chebyshev points that a function of one variable is around a centre, to 40 digits."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import mpmath
import sympy as sp
from mpmath import mpf

from symmlp.calculus.exact import exact
from symmlp.calculus.tails import number
from symmlp.catalog.extremes import larger, smaller

_MAX_TERMS = 26


def series(expr: sp.Expr, x: sp.Symbol, radius: float, centre: int = 0) -> sp.Expr | None:
    """Return h^m·p(h) in h = x - centre, or h^m·p(h²) for an even or odd function; None if none is close.

    It is close on |h| < radius.
    """
    with mpmath.workdps(60):

        def function(at: Any) -> Any:
            return exact(expr, {x.name: centre + at})

        order = _order_of_zero(function)
        if order is None:
            return None

        def rest(at: Any) -> Any:
            return function(at) / mpf(at) ** order

        samples = (mpf(radius) / 3, mpf(radius) * 2 / 3)
        even = all(abs(rest(at) - rest(-at)) <= abs(rest(at)) * mpf(10) ** -25 for at in samples)
        for terms in range(4, _MAX_TERMS, 2):
            coefficients = _coefficients(rest, radius, terms, even)
            if coefficients is None:
                return None
            if _close(rest, coefficients, radius, even):
                return _horner(coefficients, sp.Add(x, -centre), order, even)
    return None


def _order_of_zero(function: Callable[[Any], Any], lowest: int = 0) -> int | None:
    """Return m >= lowest with function ~ c·h^m at 0, or None."""
    near, nearer = (function(mpf(10) ** -exponent) for exponent in (14, 20))
    if not (mpmath.isfinite(near) and mpmath.isfinite(nearer)) or near == 0 or nearer == 0:
        return None
    growth = mpmath.log10(abs(near / nearer)) / 6
    order = int(mpmath.nint(growth))
    return order if abs(growth - order) < mpf(10) ** -8 and order >= lowest else None


def _coefficients(rest: Callable[[Any], Any], radius: float, terms: int, even: bool) -> list[Any] | None:
    """Return the polynomial through Chebyshev points, lowest power first; in h² if the function is even."""
    nodes = [mpmath.cos(mpmath.pi * (2 * k + 1) / (2 * terms)) for k in range(terms)]
    if even:
        nodes = [(1 + node) / 2 * mpf(radius) ** 2 for node in nodes]
        values = [rest(mpmath.sqrt(node)) for node in nodes]
    else:
        nodes = [node * mpf(radius) for node in nodes]
        values = [rest(node) for node in nodes]
    if any(mpmath.isnan(value) for value in values):
        return None
    return _newton_to_powers(nodes, values)


def _newton_to_powers(nodes: list[Any], values: list[Any]) -> list[Any]:
    """Return the interpolating polynomial's coefficients by divided differences."""
    table = list(values)
    for level in range(1, len(nodes)):
        for at in range(len(nodes) - 1, level - 1, -1):
            table[at] = (table[at] - table[at - 1]) / (nodes[at] - nodes[at - level])
    powers = [table[-1]]
    for at in range(len(nodes) - 2, -1, -1):
        shifted = [mpf(0), *powers]
        for place, coefficient in enumerate(powers):
            shifted[place] -= nodes[at] * coefficient
        shifted[0] += table[at]
        powers = shifted
    return powers


def _close(rest: Callable[[Any], Any], coefficients: list[Any], radius: float, even: bool) -> bool:
    points = [mpf(radius) * (2 * k + 1) / 24 for k in range(12)]
    points = points if even else [*points, *(-each for each in points)]
    return all(
        abs(mpmath.polyval(coefficients[::-1], each**2 if even else each) - rest(each))
        <= abs(rest(each)) * mpf(2) ** -56
        for each in points
    )


def _horner(coefficients: list[Any], h: sp.Expr, order: int, even: bool) -> sp.Expr:
    inner = sp.Pow(h, 2, evaluate=False) if even else h
    value: sp.Expr = number(float(coefficients[-1]))
    for coefficient in reversed(coefficients[:-1]):
        product = sp.Mul(inner, value, evaluate=False)
        value = sp.Add(number(float(coefficient)), product, evaluate=False)
    return value if order == 0 else sp.Mul(sp.Pow(h, order), value, evaluate=False)


_FAR_TERMS = (8, 14, 20, 26)


def far_series(expr: sp.Expr, x: sp.Symbol, sign: int, start: int) -> tuple[sp.Expr, str] | None:
    """Return what `expr` is for sign·x > start as a polynomial in h times a power of h, and h's name; None if none is.

    h is 1/x, or e^-|x|; of a function of 1/x that is even or odd, the polynomial is one in h².
    """
    size = larger(x, start) if sign > 0 else -smaller(x, -start)
    inverse = sp.Pow(size, -1, evaluate=False)

    def of_inverse(at: Any) -> Any:
        return exact(expr, {x.name: sign / at})

    def of_exponential(at: Any) -> Any:
        return exact(expr, {x.name: -sign * mpmath.log(at)})

    kinds = (
        (inverse, "1/x", of_inverse, 1 / start, True),
        (sp.exp(-size), "exp(-|x|)", of_exponential, math.exp(-start), False),
        (inverse, "1/x", of_inverse, 1 / start, False),
    )
    for h, name, function, radius, inner in kinds:
        with mpmath.workdps(60):
            found = _in_small(function, radius, inner)
        if found is not None:
            coefficients, order = found
            return _horner(coefficients, h, order, inner), name
    return None


def _in_small(function: Callable[[Any], Any], radius: float, in_square: bool) -> tuple[list[Any], int] | None:
    """Return the coefficients and the order of a function of h on 0 < h < radius, or None if it is not close to any."""
    order = _order_of_zero(function, -8)
    if order is None:
        return None

    def rest(at: Any) -> Any:
        return function(at) / mpf(at) ** order

    last = mpf(radius) ** (2 if in_square else 1)
    points = [mpf(radius) * mpf(each) for each in ("1", "0.93", "0.71", "0.4", "0.17", "0.02", "0.0001")]
    for terms in _FAR_TERMS:
        nodes = [(1 + mpmath.cos(mpmath.pi * (2 * k + 1) / (2 * terms))) / 2 * last for k in range(terms)]
        values = [rest(mpmath.sqrt(node) if in_square else node) for node in nodes]
        if not all(map(mpmath.isfinite, values)):
            return None
        coefficients = _newton_to_powers(nodes, values)
        wanted = [(at, rest(at)) for at in points]
        if all(
            abs(mpmath.polyval(coefficients[::-1], at**2 if in_square else at) - value) <= abs(value) * mpf(2) ** -56
            for at, value in wanted
        ):
            return coefficients, order
    return None
