"""Backward rules from an op's defining equation: differentiate, contract the deltas, recognise the matrix form."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import sympy as sp

from symmlp.calculus.index_notation import Index, Partial, contract, contractions, rebuilt, renamed, slope_of, terms
from symmlp.calculus.matrix_form import MatrixForm
from symmlp.catalog.layers import SIZES, Axes, Op
from symmlp.matrix import Node, Shape, Var, filled, spread
from symmlp.notation import array, batch, column_of_wrt, row_of_wrt

DEFINITION_OF_LOSS = "definition of the loss"
"""The rule by which the gradient of the loss in what it is made of begins: nothing arrives there."""


@dataclass(frozen=True)
class RuleStep:
    """One step in the op's own names: the rule used, and the formula before and after it."""

    rule: str
    before: sp.Expr | Node
    after: sp.Expr | Node


@dataclass(frozen=True)
class BackwardRule:
    """How the cotangent of an op's output becomes that of one operand."""

    op: Op
    operand: str
    indices: tuple[Index, ...]
    index_form: sp.Expr
    matrix_form: Node
    steps: tuple[RuleStep, ...]


def one_sample(op: Op) -> Op:
    """Return the op for a single sample: the batch axis is dropped from every array and every sum."""
    operands = {name: tuple(axis for axis in axes if axis != batch) for name, axes in op.operands.items()}
    given = {name: tuple(axis for axis in axes if axis != batch) for name, axes in op.given.items()}
    axes = tuple(axis for axis in op.axes if axis != batch)
    return Op(op.name, operands, op.output, axes, drop_batch(op.value), given)


def drop_batch(expr: sp.Expr) -> sp.Expr:
    """Return `expr` without its batch axis."""
    if isinstance(expr, sp.Indexed):
        kept = [index for index in expr.indices if index != batch]
        return expr.base[tuple(kept)] if kept else sp.Symbol(str(expr.base.label), real=True)
    if isinstance(expr, sp.Sum):
        limits = [limit for limit in expr.limits if limit[0] != batch]
        body = drop_batch(expr.function)
        return sp.Sum(body, *limits) if limits else body
    return expr.func(*(drop_batch(argument) for argument in expr.args)) if expr.args else expr


def array_shapes(op: Op) -> dict[str, Shape]:
    """Return the symbolic shapes of the op's operands, output and cotangent."""
    axes = {**op.operands, **op.given, op.output: op.axes, "G": op.axes}
    return {name: _shape(own) for name, own in axes.items()}


def _shape(axes: Axes) -> Shape:
    """Return the shape of an array with these axes; one number a sample is a column."""
    return (str(SIZES[batch]), 1) if axes == (batch,) else tuple(str(SIZES[axis]) for axis in axes)


@lru_cache(maxsize=512)
def backward_rule(op: Op, operand: str, *, columns: bool = False) -> BackwardRule:
    """Return the derived rule for the cotangent of `operand`.

    `columns` takes the one-sample layout, where arrays with one axis are columns. A process derives each rule once.

    Raises:
        UnsupportedError: the derivative has no matrix form.
    """
    axes = op.operands[operand]
    indices = (row_of_wrt, column_of_wrt)[: len(axes)]
    size = {**SIZES, **{index: SIZES[axis] for index, axis in zip(indices, axes, strict=True)}}
    wanted = entry(operand, indices)
    steps = list(_differentiated(op, wanted, size))
    contracted = tuple(contractions(steps[-1].after, size))
    derived = contracted[-1].after if contracted else contract(steps[-1].after, size)
    for contraction in contracted:
        rule = f"delta contraction {contraction.replaced} := {contraction.by}"
        steps.append(RuleStep(rule, steps[-1].after, contraction.after))
    folded = fold(op, derived, size)
    if folded != derived:
        steps.append(RuleStep(f"simplification: insert {{{op.output}}}", derived, folded))
    form = matrix_form(op, axes, indices, columns=columns)
    shape = form.shapes[operand]
    node = filled(form.of(folded, *places(axes, indices, columns)), shape)
    steps.append(RuleStep("matrix form", folded, spread(node, shape)))
    return BackwardRule(op, operand, indices, folded, node, tuple(steps))


def entry(name: str, indices: tuple[Index, ...]) -> sp.Expr:
    """Return the entry of an array at these indices; an array without axes is a number."""
    return array(name)[indices] if indices else sp.Symbol(name, real=True)


def matrix_form(op: Op, axes: Axes, indices: tuple[Index, ...], *, columns: bool) -> MatrixForm:
    """Return the recogniser for expressions in the op's arrays, its free indices running over these axes."""
    shapes = array_shapes(op)
    ranges = {**SIZES, **dict(zip(indices, (SIZES[axis] for axis in axes), strict=True))}
    if columns:
        shapes = {name: (shape[0], 1) if len(shape) == 1 else shape for name, shape in shapes.items()}
    numbers: dict[sp.Symbol, Node] = {
        sp.Symbol(name, real=True): Var(name, ()) for name, shape in shapes.items() if not shape
    }
    return MatrixForm(shapes, ranges, columns, numbers)


def places(axes: Axes, indices: tuple[Index, ...], columns: bool) -> tuple[Index | None, Index | None]:
    """Return (row axis, column axis) of an array with these axes.

    One axis of units lies along a row, or is a column in the one-sample layout; one of samples is a column.
    """
    if len(indices) == 2:
        return indices[0], indices[1]
    if not indices:
        return None, None
    return (indices[0], None) if columns or axes == (batch,) else (None, indices[0])


def _differentiated(op: Op, wanted: sp.Expr, size: dict[Index, sp.Expr]) -> list[RuleStep]:
    """Return the chain rule, or the definition of a loss, and the differentiated defining equation as steps."""
    is_loss = op.output == "L"
    start = Partial(sp.Symbol("L"), wanted)
    slope = without_derivatives(sp.diff(op.value, wanted))
    if is_loss:
        rule, written, product = DEFINITION_OF_LOSS, Partial(op.value, wanted), slope
    else:
        sum_over = tuple((axis, 1, SIZES[axis]) for axis in op.axes)
        cotangent, output = entry("G", op.axes), entry(op.output, op.axes)
        rule = "chain rule"
        written, product = (
            sp.Sum(each, *sum_over) if sum_over else each
            for each in (cotangent * Partial(output, wanted), cotangent * slope)
        )
    return [
        RuleStep(rule, start, written),
        RuleStep(f"{rules_used(op.value)}: differentiate {{{op.output}}}", written, product),
    ]


def rules_used(value: sp.Expr) -> str:
    """Return the names of the rules by which `value` is differentiated."""
    used = []
    if value.has(sp.Add, sp.Sum):
        used.append("sum rule")
    if value.has(sp.Mul) or any(isinstance(part, sp.Pow) for part in sp.preorder_traversal(value)):
        used.append("product rule")
    return ", ".join(used) or "slope of the function"


def without_derivatives(expr: sp.Expr) -> sp.Expr:
    """Return `expr` with SymPy's Derivative and Subs of an opaque function written as `slope_of`."""

    def written(part: sp.Basic) -> sp.Basic:
        if isinstance(part, sp.Subs):
            # Replaced from the inside out: the derivative below is a slope_of already.
            return part.expr.xreplace(dict(zip(part.variables, part.point, strict=True)))
        (variable,) = part.variables
        place = part.expr.args.index(variable)
        return slope_of(part.expr, sp.Integer(place)) if place else slope_of(part.expr)

    return expr.replace(lambda part: isinstance(part, sp.Derivative | sp.Subs), written)


def fold(op: Op, expr: sp.Expr, size: dict[Index, sp.Expr]) -> sp.Expr:
    """Return `expr` with the op's output inserted where its defining quotient occurs, common factors taken out.

    An output A that is a quotient num/den gives num = A · den, a logarithm log(num/den) gives num = exp(A) · den; where
    the denominators do not cancel, nothing is inserted.
    """
    if not op.axes:
        return expr
    numerator, denominator, quotient = _quotient(op)
    if not denominator.has(sp.Indexed):
        return expr
    opened = rebuilt(terms(expr), size)
    for part, written in (
        (denominator, _level(op, denominator)),
        (numerator, quotient * _level(op, denominator)),
    ):
        opened = opened.xreplace(
            {_placed(op, part, places): _placed(op, written, places) for places in _places_in(op, opened)}
        )
    flat = rebuilt(terms(sp.expand(opened)), size)
    folded = sp.factor_terms(_pulled_out(flat, size))
    return expr if LEVEL.label in folded.free_symbols else folded


def _quotient(op: Op) -> tuple[sp.Expr, sp.Expr, sp.Expr]:
    """Return (num, den, num/den in the op's output) if the output is a quotient or the logarithm of one."""
    output = array(op.output)[op.axes]
    subtracted = [-term for term in sp.Add.make_args(op.value) if isinstance(-term, sp.log)]
    if len(subtracted) == 1:
        return sp.exp(op.value + subtracted[0]), subtracted[0].args[0], sp.exp(output)
    numerator, denominator = sp.fraction(op.value, exact=True)
    return numerator, denominator, output


LEVEL = array("S")
"""Stands for the denominator of an op's defining quotient while it cancels."""


def _level(op: Op, denominator: sp.Expr) -> sp.Expr:
    """Return the symbol of the denominator, with the axes that it depends on."""
    axes = tuple(axis for axis in op.axes if axis in denominator.free_symbols)
    return LEVEL[axes] if axes else LEVEL.label


def _places_in(op: Op, expr: sp.Expr) -> list[tuple[Index, ...]]:
    """Return the index tuples at which arrays with the output's axes occur in `expr`."""
    found = {part.indices for part in expr.atoms(sp.Indexed) if len(part.indices) == len(op.axes)}
    return sorted(found, key=sp.default_sort_key)


def _placed(op: Op, expr: sp.Expr, places: tuple[Index, ...]) -> sp.Expr:
    """Return `expr` with the op's axes at `places`."""
    apart = tuple(sp.Dummy(integer=True) for _ in op.axes)
    for axis, by in (*zip(op.axes, apart, strict=True), *zip(apart, places, strict=True)):
        expr = renamed(expr, axis, by)
    return expr


def _pulled_out(expr: sp.Expr, size: dict[Index, sp.Expr]) -> sp.Expr:
    return sp.Add(*(rebuilt(terms(term), size) for term in sp.Add.make_args(expr)))
