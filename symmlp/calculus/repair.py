"""Repair by measurement: where a form of one variable still fails, give it asymptotic branches and a series.

The form is compared with the exact value on a grid of hostile points. Where it fails for large arguments, the
function is replaced by what it tends to, a·x^k + b, infinity or the limit at ±∞, beyond the point from which on the
two cannot be told apart, and the form's own argument is clipped there, so that nothing overflows. Where it fails around
0, 1 or -1, the function is replaced by a polynomial through Chebyshev points, computed to 40 digits, on the smallest
interval outside of which the form is accurate; at a removable singularity by its limit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

from symmlp.calculus.accuracy import compiled, errors, expected_values, hostile_grid
from symmlp.calculus.numeric import evaluate
from symmlp.calculus.primitives import outside
from symmlp.calculus.putting import put
from symmlp.calculus.series import far_series, series
from symmlp.calculus.tails import NEGLIGIBLE, Tail, limit_tail, number, tail
from symmlp.catalog.extremes import larger, smaller
from symmlp.matrix import Node

GOOD = 16.0
"""Errors up to this many units in the last place are left alone."""

FINE = 3.0
"""Where something is mended, the pieces meet where the form is this accurate, as far as that can be had."""

WARNED = 2.0**20
"""What a floating-point warning counts as, in units in the last place."""

_LARGE = 16.0
"""From here on a failure is one for large arguments."""

_RADII = (2.0**-2, 2.0**-1, 1.0, 2.0, 4.0)
_STARTS = (2, 4, 6, 8, 12, 16, 32)
"""Where series around infinity may start."""

_CENTRES = (0, 1, -1)
"""Where removable singularities and cancelling roots are looked for."""

_VANISHED = 1e-20
"""Where a function that is zero here, too, is zero between."""

_TINY = sp.Rational(1, 2**500)
_ASIDE = sp.Rational(1, 2**20)
"""How far beside another centre a form is evaluated in its place: a float32 holds centre + 2^-20 exactly."""


@dataclass(frozen=True)
class Repair:
    """A repaired form, what was done to it, and the worst error before and after, in units in the last place."""

    form: sp.Expr
    actions: tuple[str, ...]
    before: float
    after: float
    worst_at: float


_SCREEN = (
    0.0,
    *(sign * size for size in (1e-9, 1e-3, 0.3, 3.0, 30.0, 100.0, 745.0, 1e30, 1e200, 1e270) for sign in (1, -1)),
)
"""Points at which nearly every failing form fails."""


def seems_accurate(expr: sp.Expr, form: sp.Expr, x: sp.Symbol) -> bool:
    """Return whether `form` is accurate at a few points, and without a floating-point warning."""
    node, expected = compiled(form, (x,)), expected_values(expr, x, _SCREEN)
    return _worst(errors(node, x, expected))[1] <= GOOD and not _warns(node, x, _finite(expected))


def _finite(expected: Mapping[float, Any]) -> list[float]:
    largest = float(np.finfo(np.float64).max)
    return [at for at, value in expected.items() if abs(at) < np.inf and abs(value) < largest]


def _found(form: sp.Expr, x: sp.Symbol, expected: Mapping[float, Any]) -> dict[float, float]:
    """Return the error at each point; a large one at which the form warns, though its value is finite, is WARNED."""
    node = compiled(form, (x,))
    found = errors(node, x, expected)
    finite = [at for at in _finite(expected) if abs(at) >= _LARGE]
    if _warns(node, x, finite):
        found |= {at: max(found[at], WARNED) for at in finite if _warns(node, x, [at])}
    return found


def _warns(node: Node, x: sp.Symbol, points: list[float]) -> bool:
    try:
        with np.errstate(all="raise", under="ignore"):
            evaluate(node, {x.name: np.array(points)})
    except FloatingPointError:
        return True
    return False


def repaired(expr: sp.Expr, form: sp.Expr, x: sp.Symbol, *, infinite: bool) -> Repair:
    """Return `form`, an accurate way to compute `expr` in most places, repaired where it is not.

    With `infinite`, the limits at ±∞ are part of the promise.
    """
    points = [*hostile_grid(), *((np.inf, -np.inf) if infinite else ())]
    expected = expected_values(expr, x, points)
    before = _found(form, x, expected)
    if _worst(before)[1] <= GOOD:
        return Repair(form, (), _worst(before)[1], _worst(before)[1], _worst(before)[0])
    actions: list[str] = []
    candidate = _with_tails(expr, form, x, before, actions)
    for centre in _CENTRES:
        candidate = _with_series(expr, candidate, x, expected, actions, centre)
    after = _found(candidate, x, expected)
    if _total(after) >= _total(before):
        return Repair(form, (), _worst(before)[1], _worst(before)[1], _worst(before)[0])
    at, worst = _worst(after)
    return Repair(candidate, tuple(actions), _worst(before)[1], worst, at)


def _worst(found: Mapping[float, float]) -> tuple[float, float]:
    return max(found.items(), key=lambda item: item[1], default=(0.0, 0.0))


def _total(found: Mapping[float, float]) -> float:
    """Return a measure of all errors: their number beyond GOOD first, then their size."""
    return sum(min(each, 2.0**53) / 2.0**53 + 1 for each in found.values() if each > GOOD)


def _with_tails(
    expr: sp.Expr, form: sp.Expr, x: sp.Symbol, found: Mapping[float, float], actions: list[str]
) -> sp.Expr:
    tails = [each for sign in (1, -1) for each in _tails(expr, x, sign, found)]
    clipped: sp.Expr = x
    for each in tails:
        clipped = each.kept_off(clipped)
        actions.append(each.text)
    if not tails:
        return form
    pieces = ((each.formula, each.holds(x)) for each in tails)
    return sp.Piecewise(*pieces, (put(form, x, clipped), True), evaluate=False)


def _tails(expr: sp.Expr, x: sp.Symbol, sign: int, found: Mapping[float, float]) -> list[Tail]:
    """Return what mends the failures for large arguments of one sign: a tail, or only the limit at infinity."""
    nearest = min((abs(at) for at, error in found.items() if error > GOOD and sign * at >= _STARTS[0]), default=np.inf)
    failing = [abs(point) for point, error in found.items() if error > GOOD and sign * point >= _LARGE]
    if not failing:
        return []
    beyond = tail(expr, x, sign)
    if beyond is None or (min(failing) == np.inf and beyond.start.is_infinite):
        beyond = limit_tail(expr, x, sign) if max(failing) == np.inf else None
    if nearest < (np.inf if beyond is None else abs(beyond.start)):
        far = _far_series(expr, x, sign, nearest)
        beyond = far or beyond
    return [] if beyond is None else [beyond]


def _far_series(expr: sp.Expr, x: sp.Symbol, sign: int, nearest: float) -> Tail | None:
    """Return a series around infinity as a tail, one that starts before the nearest failing point if there is one."""
    for start in sorted(_STARTS, key=lambda each: (each > nearest, abs(each - nearest))):
        found = far_series(expr, x, sign, start)
        if found is not None:
            formula, name = found
            where = f"for x > {start}" if sign > 0 else f"for x < {-start}"
            return Tail(sign, sp.Integer(sign * start), formula, f"series in {name} {where}")
    return None


# Around a point


def _with_series(
    expr: sp.Expr, form: sp.Expr, x: sp.Symbol, expected: Mapping[float, Any], actions: list[str], centre: int
) -> sp.Expr:
    found = {point - centre: error for point, error in errors(compiled(form, (x,)), x, expected).items()}
    wrong = [abs(point) for point, error in found.items() if error > GOOD and abs(point) <= _reach(centre)]
    if not wrong:
        return form
    if max(wrong) == 0 and expected[centre] != 0:
        return _with_limit(form, x, float(expected[centre]), actions, centre)
    for radius in _radii(expr, form, x, centre, wrong):
        inner = series(expr, x, radius, centre)
        if inner is None:
            continue
        near = sp.Abs(sp.Add(x, -centre)) < number(radius)
        away = _put_away(form, x, near, centre, number(radius))
        candidate = sp.Piecewise((_put_near(inner, x, centre, number(radius)), near), (away, True), evaluate=False)
        if _total(errors(compiled(candidate, (x,)), x, expected)) < _total(found):
            actions.append(
                f"series around {centre} for |x{-centre:+d}| < {radius:g}" if centre else _around_zero(radius)
            )
            return candidate
    if min(wrong) == 0 and expected[centre] == 0:
        return _with_zero(form, x, centre, expected, actions)
    return form


def _with_zero(form: sp.Expr, x: sp.Symbol, centre: int, expected: Mapping[float, Any], actions: list[str]) -> sp.Expr:
    """Return the form with 0 around a point where it vanishes faster than any power, as exp(-1/x²) at 0."""
    if centre != 0 or any(abs(expected.get(at, 1.0)) > NEGLIGIBLE for at in (_VANISHED, -_VANISHED)):
        return _with_limit(form, x, 0.0, actions, centre)
    near = sp.Abs(x) < number(_VANISHED)
    actions.append(f"limit 0 for |x| < {_VANISHED:g}")
    return sp.Piecewise((sp.Integer(0), near), (put(form, x, outside(x, number(_VANISHED))), True), evaluate=False)


def _reach(centre: int) -> float:
    return 0.5 if centre else _RADII[-1]


def _around_zero(radius: float) -> str:
    return f"series around 0 for |x| < {radius:g}"


def _with_limit(form: sp.Expr, x: sp.Symbol, limit: float, actions: list[str], centre: int) -> sp.Expr:
    """Return the form with its limit at a removable singularity."""
    actions.append(f"limit {limit:g} at x = {centre}")
    there = sp.Eq(x, centre, evaluate=False)
    away = _put_away(form, x, there, centre, _TINY if centre == 0 else _ASIDE)
    return sp.Piecewise((number(limit), there), (away, True), evaluate=False)


def _put_near(inner: sp.Expr, x: sp.Symbol, centre: int, radius: sp.Expr) -> sp.Expr:
    """Return a series that is asked within its radius only: its powers of other arguments overflow."""
    return put(inner, x, larger(smaller(x, centre + radius), centre - radius))


def _put_away(form: sp.Expr, x: sp.Symbol, near: sp.Basic, centre: int, distance: sp.Expr) -> sp.Expr:
    """Return the form, computed beside the centre where x is `near` it; any other x is taken as it is."""
    if centre == 0:
        return put(form, x, outside(x, distance))
    return _put_in_values(form, x, sp.Piecewise((centre + distance, near), (x, True), evaluate=False))


def _put_in_values(form: sp.Basic, x: sp.Symbol, beside: sp.Expr) -> sp.Basic:
    """Return the form with `beside` for x, but in no condition: what a branch is chosen by is x itself."""
    if form == x:
        return beside
    if isinstance(form, sp.Piecewise):
        branches = ((_put_in_values(value, x, beside), condition) for value, condition in form.args)
        return sp.Piecewise(*branches, evaluate=False)
    if not form.has(x):
        return form
    return form.func(*(_put_in_values(argument, x, beside) for argument in form.args))


def _radii(expr: sp.Expr, form: sp.Expr, x: sp.Symbol, centre: int, wrong: list[float]) -> list[float]:
    """Return the radii to try: first those beyond which the form is accurate at once, then any beyond what is wrong."""
    possible = [radius for radius in _RADII if radius <= _reach(centre)]
    beyond = [radius for radius in possible if radius >= max(wrong)] or possible[-1:]
    fine = [radius for radius in beyond if _is_fine_beyond(expr, form, x, centre, radius)]
    return [*fine, *(radius for radius in beyond if radius not in fine)]


def _is_fine_beyond(expr: sp.Expr, form: sp.Expr, x: sp.Symbol, centre: int, radius: float) -> bool:
    """Return whether the form is accurate at points between the radius and twice that."""
    sizes = [radius * (1 + step / 12) for step in range(12)]
    expected = expected_values(expr, x, [centre + sign * size for size in sizes for sign in (1, -1)])
    return all(error <= FINE for error in errors(compiled(form, (x,)), x, expected).values())
