"""max and min of expressions, as they are written down."""

from __future__ import annotations

import sympy as sp


def larger(*parts: sp.Expr | int) -> sp.Expr:
    """Return the maximum of `parts`, which are not compared with each other first: that takes SymPy 10 ms a time."""
    return sp.Max(*map(_exact, parts), evaluate=False)


def smaller(*parts: sp.Expr | int) -> sp.Expr:
    """Return the minimum of `parts`; see `larger`."""
    return sp.Min(*map(_exact, parts), evaluate=False)


def _exact(part: sp.Expr | int) -> sp.Expr:
    return sp.Integer(part) if isinstance(part, int) else part
