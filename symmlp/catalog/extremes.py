"""max and min of expressions, as they are written down, and the largest entry over an index."""

from __future__ import annotations

import sympy as sp


class largest_of(sp.Function):  # type: ignore[misc]  # noqa: N801 - reads as a function in formulas
    """The largest value of an entry over an index: largest_of(Z[p, j], j) is the maximum of row p."""

    nargs = 2


def larger(*parts: sp.Expr | int) -> sp.Expr:
    """Return the maximum of `parts`, which are not compared with each other first: that takes SymPy 10 ms a time."""
    return sp.Max(*map(_exact, parts), evaluate=False)


def smaller(*parts: sp.Expr | int) -> sp.Expr:
    """Return the minimum of `parts`; see `larger`."""
    return sp.Min(*map(_exact, parts), evaluate=False)


def _exact(part: sp.Expr | int) -> sp.Expr:
    return sp.Integer(part) if isinstance(part, int) else part
