"""How accurate a form is: its floating-point value against the exact one, in units in the last place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import mpmath
import numpy as np
import sympy as sp

from symmlp.calculus.computed import computed
from symmlp.calculus.constants import fold_constants
from symmlp.calculus.exact import exact
from symmlp.calculus.matrix_form import MatrixForm
from symmlp.calculus.numeric import evaluate
from symmlp.matrix import Node, Var

Array = np.ndarray[Any, Any]

WORST = 2.0**53
"""Error, in units in the last place, of a result with no correct digit."""


@dataclass(frozen=True)
class Accuracy:
    """The largest error over some points, in units in the last place of the exact value, and where it is."""

    ulps: float
    at: float
    found: float
    expected: float


@cache
def hostile_grid(count: int = 48) -> tuple[float, ...]:
    """Return points at which formulas fail: small, large, around 1, both signs, evenly and logarithmically spaced."""
    magnitudes = np.concatenate(
        [
            np.logspace(-12, 2.85, count // 2),
            np.linspace(0.1, 42, count // 2),
            [
                1e-30,
                1e-20,
                0.5,
                1 - 1e-8,
                1.0,
                1 + 1e-8,
                2.0,
                88.0,
                90.0,
                700.0,
                745.0,
                1e4,
                1e8,
                1e16,
                1e30,
                1e200,
                1e270,
            ],
        ]
    )
    both = np.concatenate([magnitudes, -magnitudes, [0.0]])
    return tuple(float(each) for each in np.unique(both))


def compiled(form: sp.Expr, variables: Iterable[sp.Symbol]) -> Node:
    """Return the form as the node that code is printed from."""
    names = {symbol: Var(symbol.name, ()) for symbol in variables}
    return computed(MatrixForm({}, {}, names=names).of(fold_constants(form), None, None))


def values_of(node: Node, variable: sp.Symbol, points: Array) -> Array:
    """Return the node's floating-point values at the points, in their dtype."""
    with np.errstate(all="ignore"):
        found = evaluate(node, {variable.name: points})
    return np.broadcast_to(np.asarray(found, dtype=points.dtype), points.shape)


def expected_values(expr: sp.Expr, variable: sp.Symbol, points: Iterable[float]) -> dict[float, Any]:
    """Return the exact value at each point, as far as the expression is real there."""
    values = {point: exact(expr, {variable.name: point}) for point in points}
    return {point: value for point, value in values.items() if not mpmath.isnan(value)}


def errors(
    node: Node, variable: sp.Symbol, expected: Mapping[float, Any], dtype: type = np.float64, *, wide: bool = False
) -> dict[float, float]:
    """Return for each point the error in units in the last place; infinite for NaN or a wrong infinity.

    Below the smallest normal number the unit is 64 times the smallest subnormal: e^-745 itself has one bit.
    With `wide` the arithmetic is float64's, and the result is rounded to the dtype.
    """
    points: Array = np.array(list(expected), dtype=np.float64 if wide else dtype)
    with np.errstate(over="ignore"):
        found: Array = values_of(node, variable, points).astype(dtype)
    return {point: ulps(float(value), expected[point], dtype) for point, value in zip(expected, found, strict=True)}


def ulps(found: float, expected: Any, dtype: type) -> float:
    """Return the error of `found` in units in the last place; a number beyond the dtype's largest is infinite."""
    limits = np.finfo(dtype)
    if abs(expected) > float(limits.max):
        return 0.0 if found == float(mpmath.sign(expected)) * np.inf or abs(found) == float(limits.max) else np.inf
    if not np.isfinite(found):
        return np.inf
    unit = max(float(np.spacing(dtype(abs(float(expected))))), 64 * float(limits.smallest_subnormal))
    return float(abs(mpmath.mpf(found) - expected) / unit)


def worst_error(
    expr: sp.Expr, form: sp.Expr, variable: sp.Symbol, dtype: type = np.float64, *, wide: bool = False
) -> tuple[float, float]:
    """Return the largest error of `form` as a way to compute `expr`, over the hostile points, and where it is."""
    points = [point for point in hostile_grid() if abs(point) < float(np.finfo(dtype).max)]
    rounded = [float(dtype(point)) for point in points]
    found = errors(compiled(form, (variable,)), variable, expected_values(expr, variable, rounded), dtype, wide=wide)
    at, worst = max(found.items(), key=lambda item: item[1], default=(0.0, 0.0))
    return worst, at


def naive_failure(expr: sp.Expr, variable: sp.Symbol) -> str | None:
    """Return what goes wrong when `expr` is computed as it stands: NaN, overflow or lost digits, and where first."""
    expected = expected_values(expr, variable, hostile_grid())
    points = np.array(list(expected))
    found = values_of(compiled(expr, (variable,)), variable, points)
    wrong = errors(compiled(expr, (variable,)), variable, expected)
    for kind, fails in (
        ("NaN", np.isnan(found)),
        ("an overflow", np.isinf(found)),
        ("no correct digit", np.array([each >= WORST / 4 for each in wrong.values()])),
        ("lost digits", np.array([each > 64 for each in wrong.values()])),
    ):
        bad = sorted(
            (point for point, failed in zip(points, fails, strict=True) if failed and wrong[point] > 64), key=abs
        )
        if bad:
            where = f"first at {variable.name} = {bad[0]:.3g}"
            return f"the naive form gives {kind}, {where} ({len(bad)} of {len(points)} points)"
    return None
