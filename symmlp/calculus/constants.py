"""Constants folded, each to the nearest float64, so that code reads one literal and rounds once."""

from __future__ import annotations

import sympy as sp

LARGEST = 2**24
"""Numerators and denominators up to here are exact in float32 too; p·x/q with larger ones would round or overflow."""


def _is_short(number: sp.Expr) -> bool:
    return bool(number.is_Rational) and abs(number.p) <= LARGEST and number.q <= LARGEST


def fold_constants(expr: sp.Expr) -> sp.Expr:
    """Return `expr` with irrational numbers evaluated, each to the nearest float64, so that code reads one literal.

    A product's or sum's numbers are taken together first, so that only one rounding is made.
    """
    if isinstance(expr, sp.Expr) and expr.is_number:
        return expr if _is_short(expr) else expr.evalf(30)
    if isinstance(expr, sp.Mul | sp.Add):
        numbers = [argument for argument in expr.args if argument.is_number]
        rest = [fold_constants(argument) for argument in expr.args if not argument.is_number]
        constant = expr.func(*numbers)
        if _is_short(constant):
            return expr.func(*numbers, *rest, evaluate=False) if numbers else expr.func(*rest, evaluate=False)
        return expr.func(constant.evalf(30), *rest, evaluate=False)
    if isinstance(expr, sp.Pow):
        return sp.Pow(fold_constants(expr.base), expr.exp, evaluate=False)
    if not expr.args or isinstance(expr, sp.logic.boolalg.BooleanAtom):
        return expr
    if isinstance(expr, sp.Piecewise):
        pairs = ((fold_constants(value), fold_constants(condition)) for value, condition in expr.args)
        return sp.Piecewise(*pairs, evaluate=False)
    if isinstance(expr, sp.core.relational.Relational):
        return expr.func(*map(fold_constants, expr.args), evaluate=False)
    return expr.func(*(fold_constants(argument) for argument in expr.args), evaluate=False)
