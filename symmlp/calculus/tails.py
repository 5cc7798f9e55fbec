"""Tails: what a function of one variable is, to within rounding, for large arguments, found by measuring it.

Beyond some point it may be a power of x plus a number, slope·x^power + offset; or it may be beyond the largest float;
or only its limit at ±∞ itself is known.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mpmath
import sympy as sp
from mpmath import mpf

from symmlp.calculus.exact import exact

NEGLIGIBLE = mpf(2) ** -1080
LARGEST = mpf(2) ** 1024
"""The first power of two that no float64 holds."""

LAST_FLOAT = sp.Float(float.fromhex("0x1.fffffffffffffp+1023"), 17)
"""What only an infinite argument is beyond."""

DIGITS = 120
_FAR = (60, 80)
_QUARTERS = 130
"""Tails start at powers of √2 up to √2^130."""


@dataclass(frozen=True)
class Tail:
    """What the function is for arguments beyond `start` on the side of `sign`: `formula`; `text` says it."""

    sign: int
    start: sp.Expr
    formula: sp.Expr
    text: str

    def holds(self, x: sp.Symbol) -> sp.Basic:
        """Return the condition under which the tail is taken."""
        return x > self.start if self.sign > 0 else x < self.start

    def kept_off(self, x: sp.Expr) -> sp.Expr:
        """Return x clipped to where another form is used."""
        return sp.Min(x, self.start) if self.sign > 0 else sp.Max(x, self.start)


def number(value: float) -> sp.Expr:
    """Return a float as SymPy holds it: an integer if it is one."""
    if float(value) in (float("inf"), float("-inf")):
        return sp.oo if value > 0 else -sp.oo
    return sp.Integer(int(value)) if float(value).is_integer() and abs(value) < 2**53 else sp.Float(value, 17)


def tail(expr: sp.Expr, x: sp.Symbol, sign: int) -> Tail | None:
    """Return the tail of `expr` towards sign·∞ that starts soonest, or None if none is recognised."""

    def value(size: Any) -> Any:
        return exact(expr, {x.name: sign * size})

    with mpmath.workdps(DIGITS):
        far = [value(mpf(10) ** exponent) for exponent in _FAR]
        if any(mpmath.isnan(each) for each in far):
            return None
        if all(abs(each) >= LARGEST for each in far):
            return _overflowing(value, sign)
        if all(abs(each) < NEGLIGIBLE for each in far):
            return _starting(value, sign, 0, mpf(0), mpf(0), x)
        return _power_law(value, sign, far, x)


def limit_tail(expr: sp.Expr, x: sp.Symbol, sign: int) -> Tail | None:
    """Return the limit of `expr` at sign·∞ as a tail that only an infinite argument reaches, or None."""
    limit = exact(expr, {x.name: sign * mpmath.inf})
    if mpmath.isnan(limit):
        return None
    return Tail(sign, sign * LAST_FLOAT, number(float(limit)), f"limit {float(limit):g} at x = {_infinity(sign)}")


def _infinity(sign: int) -> str:
    return "∞" if sign > 0 else "−∞"


def _overflowing(value: Callable[[Any], Any], sign: int) -> Tail | None:
    """Return the tail beyond which the function is no float, or None if it changes its sign there."""
    side = mpmath.sign(value(mpf(10) ** _FAR[0]))
    found = _first(lambda size: bool(value(size) * side >= LARGEST))
    # An infinity there is a logarithm of what cancelled to zero, not a number that is too large.
    if found is None or not mpmath.isfinite(value(found)):
        return None
    start = number(sign * found)
    return Tail(sign, start, side * sp.oo, f"beyond the largest number from x = {sign * found:g} on")


def _power_law(value: Callable[[Any], Any], sign: int, far: list[Any], x: sp.Symbol) -> Tail | None:
    if any(each == 0 or mpmath.isinf(each) for each in far):
        return None
    growth = 2 * mpmath.log10(abs(far[1] / far[0])) / (_FAR[1] - _FAR[0])
    doubled = int(mpmath.nint(growth))
    if abs(growth - doubled) > mpf(10) ** -10 or not -16 <= doubled <= 16:
        return None
    slope = far[0] / _power(sign, mpf(10) ** _FAR[0], doubled)
    offset = mpf(0)
    if doubled == 2:
        offset = value(mpf(10) ** 20) - slope * sign * mpf(10) ** 20
        offset = offset if abs(offset) > mpf(10) ** -12 else mpf(0)
    return _starting(value, sign, doubled, slope, offset, x)


def _power(sign: int, size: Any, doubled: int) -> Any:
    """Return (sign·size)^(doubled/2), or size^(doubled/2) if that is no whole power."""
    return (sign * size) ** (doubled // 2) if doubled % 2 == 0 else mpmath.sqrt(size) ** doubled


def _starting(
    value: Callable[[Any], Any], sign: int, doubled: int, slope: Any, offset: Any, x: sp.Symbol
) -> Tail | None:
    """Return the tail from the first power of √2 on beyond which it is right to half a unit in the last place."""

    def close(size: Any) -> bool:
        found = value(size)
        if slope == 0 and offset == 0:
            return bool(abs(found) < NEGLIGIBLE)
        return bool(abs(found - slope * _power(sign, size, doubled) - offset) <= abs(found) * mpf(2) ** -55)

    start = _first(close)
    if start is None:
        return None
    formula = _formula(x, sign, doubled, float(slope), float(offset))
    return Tail(sign, number(sign * start), formula, f"asymptote towards {_named(sign)} from x = {sign * start:g} on")


def _named(sign: int) -> str:
    return "+∞" if sign > 0 else "−∞"


def _first(holds: Callable[[Any], bool]) -> float | None:
    """Return the first power of √2, rounded up, from which on a property holds, or None."""

    def at(quarter: int) -> bool:
        return holds(mpf(2) ** (mpf(quarter) / 2))

    low, high = 0, _QUARTERS
    if not at(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if at(middle) else (middle, high)
    if not all(at(quarter) for quarter in range(high, _QUARTERS, 16)):
        return None
    return float(mpmath.ceil(mpf(2) ** (mpf(high) / 2)))


def _formula(x: sp.Symbol, sign: int, doubled: int, slope: float, offset: float) -> sp.Expr:
    """Return the tail as a formula in x; a negative power is one of 1/x, which does not overflow."""
    if slope == 0 or doubled == 0:
        return number(offset if doubled else slope)
    size: sp.Expr = x if doubled % 2 == 0 else sp.Abs(x)
    exponent = sp.Rational(abs(doubled), 2)
    power = size**exponent if doubled > 0 else sp.Pow(sp.Pow(size, -1), exponent, evaluate=False)
    scaled = power if slope == 1 else sp.Mul(number(slope), power, evaluate=False)
    return scaled if offset == 0 else sp.Add(scaled, number(offset), evaluate=False)
