"""Series: the polynomial through Chebyshev points that a function of one variable is around a centre, to 40 digits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import sympy as sp
from mpmath import mpf

from symmlp.calculus.exact import exact
from symmlp.calculus.tails import number

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


def _order_of_zero(function: Callable[[Any], Any]) -> int | None:
    """Return m with function ~ c·h^m at 0, or None."""
    near, nearer = (function(mpf(10) ** -exponent) for exponent in (20, 30))
    if mpmath.isnan(near) or mpmath.isnan(nearer) or near == 0 or nearer == 0:
        return None
    growth = mpmath.log10(abs(near / nearer)) / 10
    order = int(mpmath.nint(growth))
    return order if abs(growth - order) < mpf(10) ** -8 and order >= 0 else None


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
