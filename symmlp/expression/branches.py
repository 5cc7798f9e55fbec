"""Whether each branch of a `where` is real somewhere where it is taken."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import product
from typing import Any

import sympy as sp

from symmlp.errors import ExpressionError
from symmlp.expression.real import NotReal, Point, Singular, value_at

_SIZES = (Fraction(1, 100), Fraction(3, 10), Fraction(9, 10), 1, Fraction(5, 2), 20, 10**3, 10**6)
_SAMPLES = tuple(sign * Fraction(size) for size in _SIZES for sign in (1, -1))
_MOST = 400
"""Points that are tried; of several variables fewer samples each."""

_ENOUGH = 3
"""A branch that is taken at fewer of the points is not judged."""


def require_real_branches(value: sp.Expr, *, field: str) -> None:
    """Check that no branch is without a real value wherever its condition chooses it: log(-x) for x > 0 is.

    Raises:
        ExpressionError: there is such a branch.
    """
    symbols = sorted(value.free_symbols, key=lambda symbol: symbol.name)
    for piece in sorted(value.atoms(sp.Piecewise), key=sp.default_sort_key):
        numbered = sp.Piecewise(*((sp.Integer(k), each) for k, (_, each) in enumerate(piece.args)), evaluate=False)
        taken: dict[int, list[Point]] = {k: [] for k in range(len(piece.args))}
        for point in _points(symbols):
            number = _value_or_none(numbered, point)
            if number is not None:
                taken[int(number)].append(point)
        for (branch, _), points in zip(piece.args, taken.values(), strict=True):
            if len(points) >= _ENOUGH and all(_value_or_none(branch, point) is None for point in points):
                where = ", ".join(f"{symbol.name} = {float(number):g}" for symbol, number in points[0].items())
                raise ExpressionError(
                    f"{field}: a branch of where has no real value wherever it is taken, as at {where}; "
                    "expected one that has"
                )


def _points(symbols: list[sp.Symbol]) -> Iterator[Point]:
    count = len(_SAMPLES)
    while count > 2 and count ** len(symbols) > _MOST:
        count -= 2
    for chosen in product(_SAMPLES[:count], repeat=len(symbols)):
        yield dict(zip(symbols, chosen, strict=True))


def _value_or_none(value: sp.Expr, point: Point) -> Any:
    """Return the value, or None where it is not real; what is infinite or too large to tell is a value."""
    try:
        return value_at(value, point)
    except NotReal:
        return None
    except (Singular, ArithmeticError):
        return 0
