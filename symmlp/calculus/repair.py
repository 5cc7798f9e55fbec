"""Repair by measurement: where a form of one variable still fails, give it asymptotic branches and a series.

The form is compared with the exact value on a grid of hostile points. Where it fails for large arguments, the
function is replaced by what it tends to, a·x^k + b, beyond the point from which on the two cannot be told apart, and
the form's own argument is clipped there, so that nothing overflows. Where it fails around 0, the function is replaced
by a polynomial through Chebyshev points, computed to 40 digits, on the smallest interval outside of which the form is
accurate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np
import sympy as sp
from mpmath import mpf

from symmlp.calculus.accuracy import compiled, errors, expected_values, hostile_grid
from symmlp.calculus.exact import exact
from symmlp.calculus.numeric import evaluate
from symmlp.calculus.putting import put
from symmlp.calculus.stability import outside

GOOD = 16.0
"""Errors up to this many units in the last place are left alone."""

_RADII = (2.0**-2, 2.0**-1, 1.0, 2.0, 4.0)
_MAX_TERMS = 26
_NEGLIGIBLE = mpf(2) ** -1080


@dataclass(frozen=True)
class Tail:
    """What the function is, to within rounding, for arguments beyond `start` on one side: slope·x^power + offset."""

    start: float
    power: int
    slope: float
    offset: float

    def formula(self, x: sp.Symbol) -> sp.Expr:
        """Return the tail as a formula in x; a negative power is one of 1/x, which does not overflow."""
        if self.slope == 0 or self.power == 0:
            return _number(self.offset if self.power else self.slope)
        power = x**self.power if self.power > 0 else sp.Pow(sp.Pow(x, -1), -self.power, evaluate=False)
        scaled = power if self.slope == 1 else sp.Mul(_number(self.slope), power, evaluate=False)
        return scaled if self.offset == 0 else sp.Add(scaled, _number(self.offset), evaluate=False)


@dataclass(frozen=True)
class Repair:
    """A repaired form, what was done to it, and the worst error before and after, in units in the last place."""

    form: sp.Expr
    actions: tuple[str, ...]
    before: float
    after: float
    worst_at: float


_SCREEN = (0.0, *(sign * size for size in (1e-9, 1e-3, 0.3, 3.0, 30.0, 100.0, 745.0, 1e30, 1e200) for sign in (1, -1)))
"""Points at which nearly every failing form fails."""


def seems_accurate(expr: sp.Expr, form: sp.Expr, x: sp.Symbol) -> bool:
    """Return whether `form` is accurate at a few points, and without a floating-point warning."""
    node, expected = compiled(form, (x,)), expected_values(expr, x, _SCREEN)
    if _worst(errors(node, x, expected))[1] > GOOD:
        return False
    finite = np.array([point for point, value in expected.items() if abs(value) < float(np.finfo(np.float64).max)])
    try:
        with np.errstate(all="raise", under="ignore"):
            evaluate(node, {x.name: finite})
    except FloatingPointError:
        return False
    return True


def repaired(expr: sp.Expr, form: sp.Expr, x: sp.Symbol, *, infinite: bool) -> Repair:
    """Return `form`, an accurate way to compute `expr` in most places, repaired where it is not.

    With `infinite`, the limits at ±∞ are part of the promise.
    """
    points = [*hostile_grid(), *((np.inf, -np.inf) if infinite else ())]
    expected = expected_values(expr, x, points)
    before = errors(compiled(form, (x,)), x, expected)
    if _worst(before)[1] <= GOOD:
        return Repair(form, (), _worst(before)[1], _worst(before)[1], _worst(before)[0])
    actions: list[str] = []
    candidate = _with_tails(expr, form, x, before, actions)
    candidate = _with_series(expr, candidate, x, expected, actions)
    after = errors(compiled(candidate, (x,)), x, expected)
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
    pieces: list[tuple[sp.Expr, sp.Basic]] = []
    clipped: sp.Expr = x
    for sign, name in ((1, "+∞"), (-1, "−∞")):
        if not any(error > GOOD and sign * point >= 16 for point, error in found.items()):
            continue
        tail = _tail(expr, x, sign)
        if tail is None:
            continue
        start = _number(sign * tail.start)
        pieces.append((tail.formula(x), x > start if sign > 0 else x < start))
        clipped = sp.Min(clipped, start) if sign > 0 else sp.Max(clipped, start)
        actions.append(f"asymptote towards {name} from x = {sign * tail.start:g} on")
    if not pieces:
        return form
    inner = put(form, x, clipped)
    return sp.Piecewise(*pieces, (inner, True), evaluate=False)


def _tail(expr: sp.Expr, x: sp.Symbol, sign: int) -> Tail | None:
    def value(size: Any) -> Any:
        return exact(expr, {x.name: sign * size})

    far = [value(mpf(10) ** exponent) for exponent in (60, 80)]
    if any(mpmath.isnan(each) or mpmath.isinf(each) for each in far):
        return None
    if all(abs(each) < _NEGLIGIBLE for each in far):
        return _starting(value, sign, 0, mpf(0), mpf(0))
    if abs(far[1]) == 0 or abs(far[0]) == 0:
        return None
    growth = mpmath.log10(abs(far[1] / far[0])) / 20
    power = int(mpmath.nint(growth))
    if abs(growth - power) > mpf(10) ** -10 or not -3 <= power <= 3:
        return None
    slope = far[0] / (sign * mpf(10) ** 60) ** power
    offset = mpf(0)
    if power == 1:
        with mpmath.workdps(120):
            offset = value(mpf(10) ** 20) - slope * sign * mpf(10) ** 20
            offset = offset if abs(offset) > mpf(10) ** -12 else mpf(0)
    return _starting(value, sign, power, slope, offset)


def _starting(value: Callable[[Any], Any], sign: int, power: int, slope: Any, offset: Any) -> Tail | None:
    """Return the tail from the first power of √2 on beyond which it is right to half a unit in the last place."""

    def close(quarter: int) -> bool:
        size = mpf(2) ** (mpf(quarter) / 2)
        found = value(size)
        if slope == 0 and offset == 0:
            return bool(abs(found) < _NEGLIGIBLE)
        return bool(abs(found - slope * (sign * size) ** power - offset) <= abs(found) * mpf(2) ** -55)

    low, high = 0, 130
    if not close(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if close(middle) else (middle, high)
    if not all(close(quarter) for quarter in range(high, 130, 16)):
        return None
    return Tail(float(mpmath.ceil(mpf(2) ** (mpf(high) / 2))), power, float(slope), float(offset))


def _number(value: float) -> sp.Expr:
    return sp.Integer(int(value)) if float(value).is_integer() and abs(value) < 2**53 else sp.Float(value, 17)


# A series around 0


def _with_series(
    expr: sp.Expr, form: sp.Expr, x: sp.Symbol, expected: Mapping[float, Any], actions: list[str]
) -> sp.Expr:
    found = errors(compiled(form, (x,)), x, expected)
    wrong = [abs(point) for point, error in found.items() if error > GOOD and abs(point) <= _RADII[-1]]
    if not wrong:
        return form
    for radius in _RADII:
        if radius < max(wrong) and radius != _RADII[-1] and not _few_beyond(found, radius):
            continue
        series = _series(expr, x, radius)
        if series is None:
            continue
        inside = sp.Abs(x) < _number(radius)
        candidate = sp.Piecewise((series, inside), (put(form, x, outside(x, _number(radius))), True), evaluate=False)
        if _total(errors(compiled(candidate, (x,)), x, expected)) < _total(found):
            actions.append(f"series around 0 for |x| < {radius:g}")
            return candidate
    return form


def _few_beyond(found: Mapping[float, float], radius: float) -> bool:
    """Return whether the form is accurate outside of the radius, up to the largest one."""
    return not any(error > GOOD and radius <= abs(point) <= _RADII[-1] for point, error in found.items())


def _series(expr: sp.Expr, x: sp.Symbol, radius: float) -> sp.Expr | None:
    """Return x^m·p(x), or x^m·p(x²) for an even or odd function, on |x| < radius; None if no polynomial is close."""
    with mpmath.workdps(60):
        order = _order_of_zero(expr, x)
        if order is None:
            return None

        def rest(at: Any) -> Any:
            return exact(expr, {x.name: at}) / mpf(at) ** order

        samples = (mpf(radius) / 3, mpf(radius) * 2 / 3)
        even = all(abs(rest(at) - rest(-at)) <= abs(rest(at)) * mpf(10) ** -25 for at in samples)
        for terms in range(4, _MAX_TERMS, 2):
            coefficients = _coefficients(rest, radius, terms, even)
            if coefficients is None:
                return None
            if _close(rest, coefficients, radius, even):
                return _horner(coefficients, x, order, even)
    return None


def _order_of_zero(expr: sp.Expr, x: sp.Symbol) -> int | None:
    """Return m with expr ~ c·x^m at 0, or None."""
    near, nearer = (exact(expr, {x.name: mpf(10) ** -exponent}) for exponent in (20, 30))
    if mpmath.isnan(near) or mpmath.isnan(nearer) or near == 0 or nearer == 0:
        return None
    growth = mpmath.log10(abs(near / nearer)) / 10
    order = int(mpmath.nint(growth))
    return order if abs(growth - order) < mpf(10) ** -8 and order >= 0 else None


def _coefficients(rest: Callable[[Any], Any], radius: float, terms: int, even: bool) -> list[Any] | None:
    """Return the polynomial through Chebyshev points, lowest power first; in x² if the function is even."""
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


def _horner(coefficients: list[Any], x: sp.Symbol, order: int, even: bool) -> sp.Expr:
    inner = sp.Pow(x, 2, evaluate=False) if even else x
    value: sp.Expr = _number(float(coefficients[-1]))
    for coefficient in reversed(coefficients[:-1]):
        product = sp.Mul(inner, value, evaluate=False)
        value = sp.Add(_number(float(coefficient)), product, evaluate=False)
    return value if order == 0 else sp.Mul(sp.Pow(x, order), value, evaluate=False)
