"""Differences that cancel and have a name of their own: rewritten before an expression is looked at for anything else.

c e^v - c is c·expm1(v), c - c cos v is 2c sin²(v/2); max(u, 0) + q u is (1 + q)·max(u, 0) + q·min(u, 0), where 1 + q
may be zero without cancelling first; q + R(e^u) for large u is (q + c) + (R - c) with the limit c of R.
"""

from __future__ import annotations

import sympy as sp

from symmlp.calculus.exponentials import EXPONENTIAL, E
from symmlp.calculus.identities import identity


def with_named_differences(expr: sp.Expr) -> sp.Expr:
    """Return `expr` with c - c cos v as 2c sin²(v/2), and c e^v - c as c·expm1(v) where e^v is e to a power of e."""
    if not expr.has(sp.cos) and not expr.has(sp.exp):
        return expr
    return expr.replace(lambda part: isinstance(part, sp.Add), _named)


def _named(*terms: sp.Expr) -> sp.Expr:
    total = sp.Add(*terms)
    constant, rest = total.as_coeff_Add()
    for term in sp.Add.make_args(rest) if constant != 0 else ():
        coefficient, function = term.as_coeff_Mul()
        if isinstance(function, sp.cos) and abs(coefficient) == abs(constant):
            name = "one_minus_cosine" if coefficient == -constant else "one_plus_cosine"
            return constant * identity(name).of(u=function.args[0]) + (rest - term)
        if isinstance(function, sp.exp) and coefficient == -constant and function.args[0].has(*EXPONENTIAL):
            return coefficient * identity("expm1").of(u=function.args[0]) + (rest - term)
    return total


def with_lines_joined(expr: sp.Expr) -> sp.Expr:
    """Return a sum with max(u, 0) + q u as (1 + q)·max(u, 0) + q·min(u, 0): near q = -1 nothing of u cancels.

    max(z, 0) - y z + log1p(e^-|z|)  =>  (1 - y)·max(z, 0) - y·min(z, 0) + log1p(e^-|z|)
    """
    if isinstance(expr, sp.Piecewise):
        return sp.Piecewise(*((with_lines_joined(each), condition) for each, condition in expr.args), evaluate=False)
    lines = [term for term in expr.args if _half_line(term) is not None] if isinstance(expr, sp.Add) else []
    for line in lines:
        joined = _joined(line, [term for term in expr.args if term is not line])
        if joined is not None:
            return joined
    return expr


def _half_line(term: sp.Expr) -> sp.Symbol | None:
    """Return u of a number times max(u, 0) or min(u, 0), or None."""
    line = term.as_coeff_Mul()[1]
    if not isinstance(line, sp.Max | sp.Min) or len(line.args) != 2 or 0 not in line.args:
        return None
    u = next(argument for argument in line.args if argument != 0)
    return u if u.is_Symbol else None


def _joined(line: sp.Expr, others: list[sp.Expr]) -> sp.Expr | None:
    u, number = _half_line(line), line.as_coeff_Mul()[0]
    slopes = {term: sp.cancel(term / u) for term in others if term.is_polynomial() and u in term.free_symbols}
    slopes = {term: q for term, q in slopes.items() if q.free_symbols and q.is_polynomial() and u not in q.free_symbols}
    if not slopes:
        return None
    share = sp.expand(sp.Add(*slopes.values()))
    name = "half_line_above" if line.has(sp.Max) else "half_line_below"
    sides = identity(name).of(c=number, q=share, u=u).args
    return sp.Add(*sides, *(term for term in others if term not in slopes), evaluate=False)


def with_rest_inside(expr: sp.Add) -> sp.Expr | None:
    """Return r + where(c, a, b) as where(c, r + a, r + b) for a rest r without exponentials, or None."""
    pieces = [term for term in expr.args if isinstance(term, sp.Piecewise) and term.has(*EXPONENTIAL)]
    rest = sp.Add(*(term for term in expr.args if term not in pieces))
    if len(pieces) != 1 or rest.has(*EXPONENTIAL, sp.log, sp.Piecewise) or not rest.free_symbols:
        return None
    return sp.Piecewise(*((rest + branch, condition) for branch, condition in pieces[0].args), evaluate=False)


def limits_of(rational: sp.Expr) -> tuple[sp.Expr, sp.Expr] | None:
    """Return the limits of a rational function of E for E to 0 and to infinity, or None if one is infinite."""
    top, bottom = (sp.Poly(side, E) for side in sp.fraction(sp.cancel(sp.together(rational))))
    if bottom.degree() < top.degree() or bottom.degree() == 0 or bottom.eval(0) == 0:
        return None
    far = top.LC() / bottom.LC() if top.degree() == bottom.degree() else sp.Integer(0)
    return top.eval(0) / bottom.eval(0), far
