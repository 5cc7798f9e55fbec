"""Branches that stay apart: `where` and absolute values as functions whose conditions SymPy does not look into.

SymPy folds a piecewise expression in another one's condition into all combinations of their branches, and
differentiates an absolute value through its real part; a chain of layers would grow with the number of branches to the
power of its depth.
"""

from __future__ import annotations

import sympy as sp

from symmlp.errors import UnsupportedError, shown


class _Chosen(sp.Function):  # type: ignore[misc]  # SymPy has no types
    """The third argument where the first two satisfy the relation, the fourth elsewhere."""

    nargs = 4

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        """Return the derivative by an argument: which branch holds does not change."""
        left, right, *_ = self.args
        return self.func(left, right, int(argindex == 3), int(argindex == 4)) if argindex > 2 else sp.Integer(0)


class chosen_above(_Chosen):  # noqa: N801 - named as SymPy names functions
    """The third argument where the first is greater than the second, the fourth elsewhere."""


class chosen_from(_Chosen):  # noqa: N801 - named as SymPy names functions
    """The third argument where the first is at least the second, the fourth elsewhere."""


def chosen(relation: str, left: sp.Expr, right: sp.Expr, holds: sp.Expr, fails: sp.Expr) -> sp.Expr:
    """Return `holds` where `left relation right`, `fails` elsewhere, as one function.

    Raises:
        UnsupportedError: another relation than >, >=, <, <=.
    """
    match relation:
        case ">":
            return chosen_above(left, right, holds, fails)
        case ">=":
            return chosen_from(left, right, holds, fails)
        case "<":
            return chosen_above(right, left, holds, fails)
        case "<=":
            return chosen_from(right, left, holds, fails)
        case _:
            raise UnsupportedError(f"no branches for the relation {relation}")


def branched(expr: sp.Expr) -> sp.Expr:
    """Return a definition with its piecewise parts and absolute values written as `chosen`."""
    if not expr.args:
        return expr
    if isinstance(expr, sp.Piecewise):
        return _piecewise([(branched(value), condition) for value, condition in expr.args])
    arguments = [branched(argument) for argument in expr.args]
    if isinstance(expr, sp.Abs):
        (value,) = arguments
        return chosen(">", value, sp.Integer(0), value, -value)
    return expr.func(*arguments)


def _piecewise(pairs: list[tuple[sp.Expr, sp.Basic]]) -> sp.Expr:
    (value, condition), *others = pairs
    if condition == sp.true:
        return value
    if not others or not isinstance(condition, sp.core.relational.Relational):
        raise UnsupportedError(f"no branches for the condition {shown(str(condition))}")
    return chosen(condition.rel_op, branched(condition.lhs), branched(condition.rhs), value, _piecewise(others))
