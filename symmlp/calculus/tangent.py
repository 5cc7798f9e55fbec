"""Derivatives along a direction: every array V moves as V + ε V̇, and the change at ε = 0 is brought to matrix form.

The tangent of an op follows from its defining equation, that of a backward rule from the rule's own index form, so the
second derivatives come from the same forward definitions as the first ones. (Pearlmutter, 1994, calls the operator R.)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import sympy as sp

from symmlp.calculus.index_notation import Index, Partial, rebuilt, terms
from symmlp.calculus.matrix_form import MatrixForm
from symmlp.calculus.vjp import (
    BackwardRule,
    RuleStep,
    entry,
    fold,
    matrix_form,
    places,
    rules_used,
    without_derivatives,
)
from symmlp.catalog.layers import SIZES, Op
from symmlp.matrix import Node, Var, filled
from symmlp.notation import array

DOT = "_dot"
"""Ends the name of an array's tangent."""

HAT = "_hat"
"""Ends the name of a Gauss-Newton product: what is left of a cotangent's tangent when the network is linearized."""

epsilon = sp.Symbol("eps", real=True)
"""How far along the direction."""


@dataclass(frozen=True)
class TangentRule:
    """How an array changes along a direction, in the arrays that it is computed from and their tangents."""

    matrix_form: Node
    steps: tuple[RuleStep, ...]


def moved(expr: sp.Expr, names: Iterable[str]) -> sp.Expr:
    """Return `expr` with each entry of these arrays V written as V + ε V̇."""
    moving = frozenset(names)

    def is_moving(part: sp.Basic) -> bool:
        label = part.base.label if isinstance(part, sp.Indexed) else part
        return isinstance(part, sp.Indexed | sp.Symbol) and str(label) in moving

    def along(part: sp.Expr) -> sp.Expr:
        if isinstance(part, sp.Indexed):
            return part + epsilon * array(f"{part.base.label}{DOT}")[part.indices]
        return part + epsilon * sp.Symbol(part.name + DOT, real=True)

    def walked(part: sp.Basic) -> sp.Basic:
        # By hand: SymPy's own replacement would also look for the label inside an Indexed.
        if is_moving(part):
            return along(part)
        if isinstance(part, sp.Indexed) or not part.args:
            return part
        if isinstance(part, sp.Sum):
            return sp.Sum(walked(part.function), *part.limits)
        return part.func(*map(walked, part.args))

    return walked(expr)


def along_direction(expr: sp.Expr, names: Iterable[str]) -> sp.Expr:
    """Return the derivative of `expr` where these arrays move: d/dε at ε = 0, sums distributed."""
    change = without_derivatives(sp.diff(moved(expr, names), epsilon)).xreplace({epsilon: sp.Integer(0)})
    return rebuilt(terms(sp.expand_mul(change, deep=False)), SIZES)


def tangent_rule(op: Op, *, columns: bool = False) -> TangentRule:
    """Return the tangent of an op's output, given those of its operands."""
    form = knowing_tangents(matrix_form(op, op.axes, op.axes, columns=columns))
    output = entry(op.output + DOT, op.axes)
    change = along_direction(op.value, op.operands)
    start = Partial(moved(op.value, op.operands), epsilon)
    steps = [
        RuleStep("along the direction: every array V moves as V + ε V̇, at ε = 0", output, start),
        RuleStep(f"{rules_used(op.value)}: differentiate {{{op.output}}}", start, change),
    ]
    folded = fold(op, change, dict(SIZES))
    if folded != change:
        steps.append(RuleStep(f"simplification: insert {{{op.output}}}", change, folded))
    node = form.of(folded, *places(op.axes, op.axes, columns))
    return TangentRule(node, (*steps, RuleStep("matrix form", folded, node)))


def second_rule(rule: BackwardRule, *, columns: bool = False) -> TangentRule:
    """Return how the cotangent of an operand changes, by the derivative of its backward rule along the direction."""
    op, axes = rule.op, rule.op.operands[rule.operand]
    form = knowing_tangents(matrix_form(op, axes, rule.indices, columns=columns))
    names = (*op.operands, op.output, "G")
    shape = form.shapes[rule.operand]
    sizes = {**SIZES, **{index: SIZES[axis] for index, axis in zip(rule.indices, axes, strict=True)}}
    wanted = entry(rule.operand, rule.indices)
    node, steps = along_rule(wanted, rule.index_form, names, form, places(axes, rule.indices, columns), sizes)
    return TangentRule(filled(node, shape), steps)


def changed_rule(rule: BackwardRule) -> sp.Expr:
    """Return the index form of how the cotangent of an operand changes."""
    op = rule.op
    sizes = {**SIZES, **dict(zip(rule.indices, (SIZES[axis] for axis in op.operands[rule.operand]), strict=True))}
    return _change(rule.index_form, (*op.operands, op.output, "G"), sizes)


def _change(index_form: sp.Expr, names: Iterable[str], sizes: dict[Index, sp.Expr]) -> sp.Expr:
    raw = without_derivatives(sp.diff(moved(index_form, names), epsilon)).xreplace({epsilon: sp.Integer(0)})
    return rebuilt(terms(sp.expand_mul(raw, deep=False)), sizes)


def along_rule(
    wanted: sp.Expr,
    index_form: sp.Expr,
    names: Iterable[str],
    form: MatrixForm,
    place: tuple[Index | None, Index | None],
    sizes: dict[Index, sp.Expr],
) -> tuple[Node, tuple[RuleStep, ...]]:
    """Return the matrix form of the derivative along the direction of ∂L/∂wanted, an index form, and the steps."""
    names = tuple(names)
    gradient = Partial(sp.Symbol("L"), wanted)
    start = Partial(moved(index_form, names), epsilon)
    change = _change(index_form, names, sizes)
    node = form.of(change, *place)
    steps = (
        RuleStep("along the direction: every array V moves as V + ε V̇, at ε = 0", Partial(gradient, epsilon), start),
        RuleStep(f"{rules_used(index_form)}: differentiate", start, change),
        RuleStep("matrix form", change, node),
    )
    return node, steps


def knowing_tangents(form: MatrixForm) -> MatrixForm:
    """Return a recogniser that knows the tangents, too: each has the shape of its array."""
    shapes = {**form.shapes, **{name + DOT: shape for name, shape in form.shapes.items()}}
    numbers: dict[sp.Symbol, Node] = {
        sp.Symbol(name + DOT, real=True): Var(name + DOT, ()) for name, shape in form.shapes.items() if not shape
    }
    return replace(form, shapes=shapes, names={**form.names, **numbers})
