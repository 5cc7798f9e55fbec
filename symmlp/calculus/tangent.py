"""Derivatives along a direction: every array V moves as V + ε V̇, and the change at ε = 0 is brought to matrix form.

The tangent of an op follows from its defining equation, that of a backward rule from the rule's own index form, so the
second derivatives come from the same forward definitions as the first ones. (Pearlmutter, 1994, calls the operator R.)
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

import sympy as sp

from symmlp.calculus.directions import EACH, in_each_direction, knowing_directions, places_of_all, shape_of_all
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
from symmlp.errors import UnsupportedError
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


def tangent_rule(op: Op, *, columns: bool = False, in_rows: bool = False, resting: Collection[str] = ()) -> TangentRule:
    """Return the tangent of an op's output, given those of its operands that are not `resting`.

    In the layout of columns, `in_rows` takes several directions at once, a row for each.
    """
    moving = tuple(name for name in op.operands if name not in resting)
    form = knowing_tangents(matrix_form(op, op.axes, op.axes, columns=columns))
    output = entry(op.output + DOT, op.axes)
    change = along_direction(op.value, moving)
    start = Partial(moved(op.value, moving), epsilon)
    steps = [
        RuleStep("along the direction: every array V moves as V + ε V̇, at ε = 0", output, start),
        RuleStep(f"{rules_used(op.value)}: differentiate {{{op.output}}}", start, change),
    ]
    folded = fold(op, change, dict(SIZES))
    if folded != change:
        steps.append(RuleStep(f"simplification: insert {{{op.output}}}", change, folded))
    node, last = _written(folded, form, places(op.axes, op.axes, columns), op.axes if in_rows else None)
    return TangentRule(node, (*steps, *last))


def _written(
    expr: sp.Expr, form: MatrixForm, place: tuple[Index | None, Index | None], axes: tuple[Index, ...] | None
) -> tuple[Node, tuple[RuleStep, ...]]:
    """Return the matrix form of an expression with tangents; with `axes`, that of all directions, a row for each."""
    if axes is None:
        node = form.of(expr, *place)
        return node, (RuleStep("matrix form", expr, node),)
    tangents = [name for name in form.shapes if name.endswith(DOT)]
    rows = in_each_direction(expr, tangents)
    node = knowing_directions(form, tangents).of(rows, *places_of_all(axes))
    return node, (RuleStep(f"{EACH} direction", expr, rows), RuleStep("matrix form", rows, node))


def second_rule(
    rule: BackwardRule, *, columns: bool = False, in_rows: bool = False, resting: Collection[str] = ()
) -> TangentRule:
    """Return how the cotangent of an operand changes, by the derivative of its backward rule along the direction.

    Operands that are `resting` do not move. In the layout of columns, `in_rows` takes several directions at once, a row
    for each.

    Raises:
        UnsupportedError: the change has no matrix form, as that of a matrix along all directions.
    """
    axes = rule.op.operands[rule.operand]
    form = knowing_tangents(matrix_form(rule.op, axes, rule.indices, columns=columns))
    change, steps = changed_rule(rule, resting)
    place = places(axes, rule.indices, columns)
    node, last = _written(change, form, place, rule.indices if in_rows else None)
    shape = form.shapes[rule.operand]
    return TangentRule(filled(node, shape_of_all(shape) if in_rows else shape), (*steps, *last))


def changed_rule(rule: BackwardRule, resting: Collection[str] = ()) -> tuple[sp.Expr, tuple[RuleStep, ...]]:
    """Return the index form of how the cotangent of an operand changes, and the steps to it."""
    names = tuple(name for name in (*rule.op.operands, rule.op.output, "G") if name not in resting)
    return _along(entry(rule.operand, rule.indices), rule.index_form, names, _sizes(rule))


def change_per_entry(rule: BackwardRule, moving: str, *, columns: bool = False) -> TangentRule | None:
    """Return D if the cotangent of an operand changes by D ∘ V̇ as the operand V, `moving`, moves alone; None if by 0.

    Raises:
        UnsupportedError: an entry of the cotangent changes with other entries of V than its own.
    """
    axes, sizes = rule.op.operands[rule.operand], _sizes(rule)
    change, steps = _along(entry(rule.operand, rule.indices), rule.index_form, (moving,), sizes)
    if change == 0:
        return None
    own = entry(moving + DOT, rule.indices)
    factor = rebuilt(terms(change.xreplace({own: sp.Integer(1)})), sizes)
    if factor.has(array(moving + DOT).label, sp.Symbol(moving + DOT, real=True)):
        raise UnsupportedError(f"no matrix form for the change of {rule.operand} with {moving}: {change}")
    form = matrix_form(rule.op, axes, rule.indices, columns=columns)
    node = filled(form.of(factor, *places(axes, rule.indices, columns)), form.shapes[rule.operand])
    return TangentRule(node, (*steps, RuleStep("what each entry's change is multiplied by", change, node)))


def _sizes(rule: BackwardRule) -> dict[Index, sp.Expr]:
    axes = rule.op.operands[rule.operand]
    return {**SIZES, **{index: SIZES[axis] for index, axis in zip(rule.indices, axes, strict=True)}}


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
    axes: tuple[Index, ...] | None = None,
) -> tuple[Node, tuple[RuleStep, ...]]:
    """Return the matrix form of the derivative along the direction of ∂L/∂wanted, an index form, and the steps.

    With the `axes` of what is wanted it is that of all directions, a row for each.
    """
    change, steps = _along(wanted, index_form, names, sizes)
    node, last = _written(change, form, place, axes)
    return node, (*steps, *last)


def _along(
    wanted: sp.Expr, index_form: sp.Expr, names: Iterable[str], sizes: dict[Index, sp.Expr]
) -> tuple[sp.Expr, tuple[RuleStep, ...]]:
    """Return the index form of the derivative along the direction of ∂L/∂wanted, and the steps to it."""
    names = tuple(names)
    start = Partial(moved(index_form, names), epsilon)
    change = _change(index_form, names, sizes)
    gradient = Partial(Partial(sp.Symbol("L"), wanted), epsilon)
    return change, (
        RuleStep("along the direction: every array V moves as V + ε V̇, at ε = 0", gradient, start),
        RuleStep(f"{rules_used(index_form)}: differentiate", start, change),
    )


def knowing_tangents(form: MatrixForm) -> MatrixForm:
    """Return a recogniser that knows the tangents, too: each has the shape of its array."""
    shapes = {**form.shapes, **{name + DOT: shape for name, shape in form.shapes.items()}}
    numbers: dict[sp.Symbol, Node] = {
        sp.Symbol(name + DOT, real=True): Var(name + DOT, ()) for name, shape in form.shapes.items() if not shape
    }
    return replace(form, shapes=shapes, names={**form.names, **numbers})
