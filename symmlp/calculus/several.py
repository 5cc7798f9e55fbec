"""Functions of several variables, measured: their error on hostile points, and their limits at infinity, put in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import mpmath
import numpy as np
import sympy as sp

from symmlp.calculus.accuracy import compiled, ulps
from symmlp.calculus.exact import exact
from symmlp.calculus.numeric import evaluate
from symmlp.calculus.tails import LAST_FLOAT, number
from symmlp.matrix import Node

Point = dict[str, float]

_VALUES = (0.3, -20.0, 1.0, 700.0, 0.0, -1e4, 1e-8, 88.0, -0.7, 1e30, 3.0, -745.0)
"""What each variable is given; the first ones where there are many variables."""

_BESIDE = (0.3, 1.0, -2.0, 20.0, 0.0)
"""What the other variables are where one is infinite."""

_MOST = 150
"""Points that are measured; fewer of a long expression."""


@dataclass(frozen=True)
class Measured:
    """The largest error in units in the last place, where it is, and the expression's digits there."""

    ulps: float
    at: tuple[tuple[str, float], ...]


def worst_of(expr: sp.Expr, form: sp.Expr) -> Measured:
    """Return the largest error of `form` as a way to compute `expr` on hostile points of its variables."""
    symbols = sorted(expr.free_symbols, key=sp.default_sort_key)
    points = _points([symbol.name for symbol in symbols], max(24, _MOST * 40 // (40 + int(expr.count_ops()))))
    found = _values(compiled(form, symbols), points)
    worst = Measured(0.0, tuple(points[0].items()))
    for point, value in zip(points, found, strict=True):
        expected = exact(expr, point)
        if not mpmath.isnan(expected):
            error = ulps(float(value), expected, np.float64)
            if error > worst.ulps:
                worst = Measured(error, tuple(point.items()))
    return worst


def _points(names: Sequence[str], most: int) -> list[Point]:
    count = max(2, int(most ** (1 / len(names))))
    return [dict(zip(names, chosen, strict=True)) for chosen in product(_VALUES[:count], repeat=len(names))][:most]


def _values(node: Node, points: Sequence[Point]) -> np.ndarray[Any, Any]:
    arrays = {name: np.array([point[name] for point in points]) for name in points[0]}
    with np.errstate(all="ignore"):
        return np.broadcast_to(np.asarray(evaluate(node, arrays), dtype=np.float64), len(points))


def with_limits(expr: sp.Expr, form: sp.Expr) -> tuple[sp.Expr, tuple[str, ...]]:
    """Return `form` with the limits for one infinite argument where it gives NaN and the limit is always the same."""
    pieces, actions = [], []
    for symbol, sign, limit in _missing_limits(expr, form):
        value = number(limit)
        for other in sorted(expr.free_symbols - {symbol}, key=sp.default_sort_key):
            value = sp.Piecewise((value, sp.Abs(other) <= LAST_FLOAT), (form, True), evaluate=False)
        pieces.append((value, symbol > LAST_FLOAT if sign > 0 else symbol < -LAST_FLOAT))
        actions.append(f"limit {limit:g} at {symbol} = {'∞' if sign > 0 else '−∞'}")
    return (sp.Piecewise(*pieces, (form, True), evaluate=False) if pieces else form), tuple(actions)


def _missing_limits(expr: sp.Expr, form: sp.Expr) -> Iterator[tuple[sp.Symbol, int, float]]:
    symbols = sorted(expr.free_symbols, key=sp.default_sort_key)
    node = compiled(form, symbols)
    for symbol, sign in product(symbols, (1, -1)):
        others = [other.name for other in symbols if other != symbol]
        chosen = list(product(_BESIDE, repeat=len(others)))[:: max(1, len(others) ** 2)]
        points = [{symbol.name: sign * np.inf, **dict(zip(others, each, strict=True))} for each in chosen]
        if not np.isnan(_values(node, points)).any():
            continue
        limits = [exact(expr, point) for point in points]
        known = {float(limit) for limit in limits if not mpmath.isnan(limit)}
        if len(known) == 1:
            yield symbol, sign, known.pop()
