"""Expressions evaluated with mpmath to as many digits as are asked for, and their numerical derivatives.

Every function is named here once more, and only the branch that holds is evaluated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import mpmath
import sympy as sp
from mpmath import mp, mpf
from sympy.codegen.cfunctions import Cbrt, expm1, hypot, log1p

from symmlp.calculus.primitives import complementary_error, erfcx, outside

DIGITS = 60


def _cube_root(u: Any) -> Any:
    return mp.sign(u) * mp.cbrt(abs(u))


FUNCTIONS: dict[type[sp.Basic], Callable[..., Any]] = {
    sp.exp: mp.exp,
    sp.log: mp.log,
    sp.sin: mp.sin,
    sp.cos: mp.cos,
    sp.tan: mp.tan,
    sp.asin: mp.asin,
    sp.acos: mp.acos,
    sp.atan: mp.atan,
    sp.sinh: mp.sinh,
    sp.cosh: mp.cosh,
    sp.tanh: mp.tanh,
    sp.asinh: mp.asinh,
    sp.acosh: mp.acosh,
    sp.atanh: mp.atanh,
    sp.erf: mp.erf,
    sp.erfc: mp.erfc,
    complementary_error: mp.erfc,
    erfcx: lambda u: mp.exp(u * u) * mp.erfc(u),
    outside: lambda u, radius: u if abs(u) >= radius else radius,
    sp.Abs: abs,
    sp.sign: mp.sign,
    sp.Max: max,
    sp.Min: min,
    sp.Add: lambda *terms: mp.fsum(terms),
    sp.Mul: lambda *factors: mp.fprod(factors),
    expm1: mp.expm1,
    log1p: mp.log1p,
    hypot: mp.hypot,
    Cbrt: _cube_root,
    sp.StrictGreaterThan: lambda left, right: left > right,
    sp.GreaterThan: lambda left, right: left >= right,
    sp.StrictLessThan: lambda left, right: left < right,
    sp.LessThan: lambda left, right: left <= right,
    sp.Equality: lambda left, right: left == right,
}


def value(expr: sp.Basic, at: Mapping[str, Any]) -> Any:
    """Return the value of `expr` in the current precision; `at` gives the value of each symbol by name."""
    match expr:
        case sp.Symbol():
            return mpf(at[expr.name])
        case sp.Rational():
            return mpf(int(expr.p)) / int(expr.q)
        case sp.Float():
            return mpf(expr)
        case sp.Piecewise():
            return next(value(branch, at) for branch, condition in expr.args if _holds(condition, at))
        case sp.Pow():
            return _power(expr, at)
        case _ if expr in (sp.pi, sp.E):
            return +mp.pi if expr == sp.pi else +mp.e
        case _:
            return FUNCTIONS[expr.func](*(value(argument, at) for argument in expr.args))


def _holds(condition: sp.Basic, at: Mapping[str, Any]) -> bool:
    return condition == sp.true or bool(value(condition, at))


def _power(expr: sp.Pow, at: Mapping[str, Any]) -> Any:
    base = value(expr.base, at)
    return base ** int(expr.exp) if expr.exp.is_Integer else base ** value(expr.exp, at)


def derivative(expr: sp.Expr, wrt: str, at: Mapping[str, Any]) -> Any:
    """Return ∂expr/∂wrt by mpmath's numerical differentiation, good to about as many digits as the precision has."""
    return mp.diff(lambda moved: value(expr, {**at, wrt: moved}), mpf(at[wrt]))


def relative_error(found: Any, expected: Any) -> Any:
    """Return |found - expected| relative to the expected value, absolute where that is zero; NaN is never small."""
    error = abs(found - expected) / (abs(expected) or 1)
    return mp.inf if mpmath.isnan(error) else error
