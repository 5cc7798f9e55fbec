"""Functions that SymPy holds: it differentiates through them by the chain rule, but does not evaluate or fold them.

SymPy looks into the arguments of exp, tanh or a piecewise expression for special values, asks whether they are real or
even, and folds branches within branches; in a chain of layers that takes minutes. Here a definition in one or two
variables is a function of its own: its derivative is the definition's, its value is evaluated from the definition.
"""

from __future__ import annotations

import hashlib
from functools import cache

import sympy as sp

from symmlp.errors import UnsupportedError, shown

Variables = tuple[sp.Symbol, ...]

NUMBERS = sp.symbols("u v w0:6", real=True)
u, v = NUMBERS[:2]


class Held(sp.Function):  # type: ignore[misc]  # SymPy has no types
    """A function of numbers; each subclass has its definition, in u, v and so on."""

    definition: sp.Expr
    variables: Variables

    @property
    def is_elementary(self) -> bool:
        """Whether the definition is a single function of the variables: exp(u), not 1/u or u·exp(u)."""
        return isinstance(self.definition, sp.Function) and self.definition.args == self.variables

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        """Return the derivative by an argument, held as well."""
        return slope_of(self.definition, self.variables, argindex - 1)(*self.args)


def held(definition: sp.Expr, variables: Variables) -> type[Held]:
    """Return the function of `variables` that has this definition.

    Definitions that are equal but for their variables' names give the same function.
    """
    own = NUMBERS[: len(variables)]
    return _held(definition.xreplace(dict(zip(variables, own, strict=True))), own)


@cache
def _held(definition: sp.Expr, variables: Variables) -> type[Held]:
    digest = hashlib.sha256(sp.srepr((definition, variables)).encode()).hexdigest()
    content = {"definition": definition, "variables": variables, "nargs": len(variables)}
    made: type[Held] = type(sp.Function)(f"held_{digest[:16]}", (Held,), content)
    return made


@cache
def slope_of(definition: sp.Expr, variables: Variables, place: int = 0) -> type[Held]:
    """Return the derivative of a definition by one of its variables, by SymPy's own rules."""
    return held(sp.diff(branched(definition), variables[place]), variables)


def hold_functions(expr: sp.Expr) -> sp.Expr:
    """Return `expr` with its branches apart and every function of one argument held."""
    return branched(expr).replace(
        lambda part: isinstance(part, sp.Function) and len(part.args) == 1 and not isinstance(part, Held),
        lambda part: held(part.func(u), (u,))(*part.args),
    )


def unfolded(expr: sp.Expr) -> sp.Expr:
    """Return `expr` with held definitions written out down to elementary functions, which stay held."""
    return expr.replace(
        lambda part: isinstance(part, Held) and not part.is_elementary,
        lambda part: hold_functions(part.definition).xreplace(dict(zip(part.variables, part.args, strict=True))),
    )


class _Chosen(sp.Function):  # type: ignore[misc]  # SymPy has no types
    """The third argument where the first two satisfy a relation, the fourth elsewhere."""

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
        UnsupportedError: another relation than >, >=, <, <=, ==.
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
        case "==":
            return chosen_from(left, right, chosen_from(right, left, holds, fails), fails)
        case _:
            raise UnsupportedError(f"no branches for the relation {relation}")


def branched(expr: sp.Expr) -> sp.Expr:
    """Return a definition with its piecewise parts and absolute values written as `chosen`.

    SymPy would differentiate an absolute value through the real part of its argument.
    """
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
