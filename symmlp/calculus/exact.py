"""The value of a formula at a point, to 30 digits: the reference that stable forms are measured against."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import mpmath
import sympy as sp
from sympy.codegen.cfunctions import Cbrt, expm1, hypot, log1p

from symmlp.calculus.primitives import complementary_error
from symmlp.errors import UnsupportedError

PRECISIONS = (160, 500, 2000)
"""Bits that are tried until two in a row agree; what 2000 bits cannot tell from zero is zero to any float."""

AGREED = 30
_LARGEST_BITS = 1200
"""The exponential of a larger argument is infinite or zero: only nested exponentials come so far."""
_ASYMPTOTIC = 10**30

Value = Any
Context = Any


def exact(expr: sp.Expr, point: Mapping[str, float]) -> Value:
    """Return `expr` at `point` as an mpf of 30 digits; NaN where it has no real value.

    An infinite coordinate stands for the limit there.
    """
    if any(mpmath.isinf(value) for value in point.values()):
        return _limit(expr, point)
    try:
        return _settled(expr, point)
    except NotReal:
        return mpmath.mpf("nan")
    except ArithmeticError:
        return _removed(expr, point)


def _settled(expr: sp.Expr, point: Mapping[str, float]) -> Value:
    """Return the value to which higher and higher precisions settle."""
    last = None
    for bits in PRECISIONS:
        value = _at(expr, point, bits)
        if last is not None and _agree(last, value, bits):
            return value
        last = value
    return last


def _beside(expr: sp.Expr, point: Mapping[str, Value]) -> Value:
    """Return the value at a point so near a zero of a divisor that only high precisions tell them apart."""
    return _at(expr, point, PRECISIONS[-1])


def _at(expr: sp.Expr, point: Mapping[str, Value], bits: int) -> Value:
    context = _context(bits)
    return _Evaluation(context, {name: context.mpf(number) for name, number in point.items()}).of(expr)


def _removed(expr: sp.Expr, point: Mapping[str, float]) -> Value:
    """Return what both sides tend to where a formula of one variable divides by zero, or NaN."""
    if len(point) != 1:
        return mpmath.mpf("nan")
    ((name, number),) = point.items()
    with mpmath.workdps(150):
        steps = [sign * mpmath.mpf(10) ** -exponent for exponent in (60, 80) for sign in (1, -1)]
        try:
            beside = [_beside(expr, {name: number + step}) for step in steps]
        except (ArithmeticError, NotReal):
            return mpmath.mpf("nan")
        last = beside[-1]
        if all(abs(value) < mpmath.mpf(10) ** -50 for value in beside):
            return mpmath.mpf(0)
        same = all(abs(value - last) <= abs(last) * mpmath.mpf(10) ** -AGREED for value in beside)
        return last if same else mpmath.mpf("nan")


@cache
def _context(bits: int) -> Context:
    """Return the arithmetic of one precision; making one takes as long as dozens of evaluations."""
    context = mpmath.MPContext()
    context.prec = bits
    return context


def _agree(first: Value, second: Value, bits: int) -> bool:
    """Return whether two evaluations, the second at `bits`, are the same; a rest near zero may be a cancellation's."""
    if not (mpmath.isfinite(first) and mpmath.isfinite(second)):
        return bits == PRECISIONS[-1] or (mpmath.isnan(first) and mpmath.isnan(second))
    if abs(second) < mpmath.mpf(2) ** -(bits // 2):
        return bits > 1000
    return bool(abs(first - second) <= abs(first) * mpmath.mpf(10) ** -AGREED)


def _limit(expr: sp.Expr, point: Mapping[str, float]) -> Value:
    """Return what `expr` tends to when the infinite coordinates grow, or NaN if that is not clear."""
    values = []
    for exponent in (60, 150, 300):
        far = {name: _far(number, exponent) for name, number in point.items()}
        values.append(exact(expr, far))
    first, middle, last = values
    if any(mpmath.isnan(value) for value in values):
        return mpmath.mpf("nan")
    if abs(last) > mpmath.mpf(10) ** 20 and abs(last) > abs(middle) >= abs(first):
        return mpmath.inf * mpmath.sign(last)
    if abs(last) < mpmath.mpf(10) ** -20:
        return mpmath.mpf(0)
    return last if abs(last - middle) <= abs(last) * mpmath.mpf(10) ** -25 else mpmath.mpf("nan")


def _far(number: float, exponent: int) -> Any:
    return mpmath.sign(number) * mpmath.mpf(10) ** exponent if mpmath.isinf(number) else number


class NotReal(Exception):
    """The formula has no real value at the point."""


class _Evaluation:
    """One evaluation at one precision."""

    def __init__(self, context: Context, point: Mapping[str, Value]) -> None:
        self.context, self.point = context, point
        self.known: dict[sp.Basic, Value] = {}

    def of(self, expr: sp.Basic) -> Value:
        """Return the value of a formula, of each of its parts only once."""
        if expr not in self.known:
            self.known[expr] = self._of(expr)
        return self.known[expr]

    def _of(self, expr: sp.Basic) -> Value:
        match expr:
            case sp.Symbol():
                return self.point[expr.name]
            case sp.Rational():
                return self.context.mpf(int(expr.p)) / int(expr.q)
            case sp.Float():
                return self.context.mpf(str(expr))
            case sp.Add():
                return self.context.fsum(self.of(term) for term in expr.args)
            case sp.Mul():
                return self._product([self.of(factor) for factor in expr.args])
            case sp.Pow():
                return self._power(self.of(expr.base), expr.exp)
            case sp.Piecewise():
                return self._branch(expr)
            case _:
                return self._call(expr)

    def _product(self, factors: list[Value]) -> Value:
        if any(factor == 0 for factor in factors):
            return self.context.mpf(0)
        return self.context.fprod(factors)

    def _power(self, base: Value, exponent: sp.Expr) -> Value:
        if exponent.is_Integer:
            return base ** int(exponent)
        power = self.of(exponent)
        if base < 0 and power != int(power):
            raise NotReal
        return base**power

    def _branch(self, expr: sp.Piecewise) -> Value:
        for value, condition in expr.args:
            if condition == sp.true or self._holds(condition):
                return self.of(value)
        raise NotReal

    def _holds(self, condition: sp.Basic) -> bool:
        if isinstance(condition, sp.And):
            return all(self._holds(part) for part in condition.args)
        if isinstance(condition, sp.Or):
            return any(self._holds(part) for part in condition.args)
        difference = self.of(condition.lhs) - self.of(condition.rhs)
        return bool(_HOLDS[condition.rel_op](difference))

    def _call(self, expr: sp.Basic) -> Value:
        rule = _RULES.get(expr.func if expr.args else type(expr))
        if rule is None:
            raise UnsupportedError(f"no value for {type(expr).__name__}: {expr}")
        return rule(self.context, *(self.of(argument) for argument in expr.args))


_HOLDS: dict[str, Callable[[Any], bool]] = {
    ">": lambda difference: difference > 0,
    ">=": lambda difference: difference >= 0,
    "<": lambda difference: difference < 0,
    "<=": lambda difference: difference <= 0,
    "==": lambda difference: difference == 0,
    "!=": lambda difference: difference != 0,
}


def _exponential(context: Context, u: Value) -> Value:
    if u and context.mag(u) > _LARGEST_BITS:
        return context.inf if u > 0 else context.mpf(0)
    return context.exp(u)


def _hyperbolic(sign: int) -> Callable[[Context, Value], Value]:
    def rule(context: Context, u: Value) -> Value:
        if abs(u) < 1:
            return context.cosh(u) if sign > 0 else context.sinh(u)
        return (_exponential(context, u) + sign * _exponential(context, -u)) / 2

    return rule


def _logarithm(context: Context, u: Value) -> Value:
    if u < 0:
        raise NotReal
    return -context.inf if u == 0 else context.log(u)


def _complement(context: Context, u: Value) -> Value:
    """Return erfc(u); for large u by its asymptotic series, whose first missing term is below 10⁻⁷⁰⁰ there."""
    if abs(u) < _ASYMPTOTIC:
        return context.erfc(u)
    if u < 0:
        return context.mpf(2)
    terms = [context.mpf(1)]
    for k in range(1, 12):
        terms.append(-terms[-1] * (2 * k - 1) / (2 * u**2))
    return _exponential(context, -(u**2)) / (u * context.sqrt(context.pi)) * context.fsum(terms)


def _tanh(context: Context, u: Value) -> Value:
    return context.tanh(max(min(u, 20_000), -20_000))


def _plain(name: str) -> Callable[..., Value]:
    def rule(context: Context, u: Value) -> Value:
        value = getattr(context, name)(u)
        if isinstance(value, context.mpc):
            raise NotReal
        return value

    return rule


_RULES: dict[type[sp.Basic], Callable[..., Value]] = {
    type(sp.pi): lambda context: +context.pi,
    type(sp.E): lambda context: +context.e,
    sp.exp: _exponential,
    sp.log: _logarithm,
    expm1: lambda context, u: _exponential(context, u) - 1 if abs(u) > 1 else context.expm1(u),
    log1p: lambda context, u: _logarithm(context, 1 + u),
    sp.Abs: lambda context, u: abs(u),
    sp.sign: lambda context, u: context.sign(u),
    sp.Max: lambda context, *values: max(values),
    sp.Min: lambda context, *values: min(values),
    hypot: lambda context, *values: context.hypot(*values),
    Cbrt: lambda context, u: context.sign(u) * context.cbrt(abs(u)),
    complementary_error: _complement,
    sp.erfc: _complement,
    sp.erf: lambda context, u: context.erf(max(min(u, 10**9), -(10**9))),
    sp.tanh: _tanh,
    sp.sinh: _hyperbolic(-1),
    sp.cosh: _hyperbolic(1),
    **{
        kind: _plain(name)
        for kind, name in (
            (sp.sin, "sin"),
            (sp.cos, "cos"),
            (sp.tan, "tan"),
            (sp.asin, "asin"),
            (sp.acos, "acos"),
            (sp.atan, "atan"),
            (sp.asinh, "asinh"),
            (sp.acosh, "acosh"),
            (sp.atanh, "atanh"),
        )
    },
}
