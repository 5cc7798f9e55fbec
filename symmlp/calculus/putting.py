"""Put an expression in the place of a symbol without SymPy rearranging what is around it."""

from __future__ import annotations

import sympy as sp


def put(expr: sp.Basic, symbol: sp.Symbol, value: sp.Expr) -> sp.Basic:
    """Return `expr` with `symbol` written as `value`; sums, products and branches keep their form."""
    if expr == symbol:
        return value
    if not expr.args or symbol not in expr.free_symbols:
        return expr
    if isinstance(expr, sp.Piecewise):
        pairs = ((put(branch, symbol, value), put(condition, symbol, value)) for branch, condition in expr.args)
        return sp.Piecewise(*pairs, evaluate=False)
    args = [put(argument, symbol, value) for argument in expr.args]
    if isinstance(expr, sp.Add | sp.Mul | sp.Pow | sp.core.relational.Relational):
        return expr.func(*args, evaluate=False)
    return expr.func(*args)
