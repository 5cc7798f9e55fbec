"""Branches that one formula covers: what is computed where it is not taken may have a pole, or overflow."""

from __future__ import annotations

import sympy as sp

from symmlp.calculus.putting import put


def without_branch(expr: sp.Expr) -> sp.Expr:
    """Return f(|x|) for f(x) where x > 0 and f(-x) elsewhere, f being rational, and q·min(s, 0) for 0 or q·s.

    Neither has a side that is computed where it is not taken, with a pole or an overflow.
    """
    if not isinstance(expr, sp.Piecewise) or len(expr.args) != 2:
        return expr
    (above, condition), (below, _) = expr.args
    if above == 0 and isinstance(condition, sp.StrictGreaterThan) and condition.rhs == 0 and below.is_polynomial():
        share = sp.cancel(below / condition.lhs)
        return share * sp.Min(condition.lhs, 0) if share.is_polynomial() else expr
    symbols = sorted(expr.free_symbols, key=sp.default_sort_key)
    if len(symbols) != 1 or condition not in (symbols[0] > 0, symbols[0] >= 0):
        return expr
    (x,) = symbols
    rational = above.is_rational_function(x) and below.is_rational_function(x)
    if not rational or above.is_polynomial(x):
        return expr
    return put(above, x, sp.Abs(x)) if sp.cancel(above.xreplace({x: -x}) - below) == 0 else expr
