"""The Jacobian of the prediction: the backward rules, begun with unit cotangents, every sample by itself.

In a batch each sample stands K times in X, once for each unit of the prediction: row (p, k) of J_V is ∂P[p,k]/∂V for
sample p. The rules of arrays work on rows anyway; a parameter's rule sums over samples, and here the terms of that sum
stay apart. Of one sample, row k of J_V is ∂P[k]/∂V, and the sample itself remains a column.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import sympy as sp

from symmlp.calculus.directions import EACH, in_each_direction, knowing_directions, shape_of_all
from symmlp.calculus.index_notation import Index, rebuilt, terms
from symmlp.calculus.matrix_form import MatrixForm
from symmlp.calculus.tangent import DOT, knowing_tangents
from symmlp.calculus.vjp import BackwardRule, RuleStep, matrix_form
from symmlp.catalog.layers import SIZES
from symmlp.derivation import Equation
from symmlp.errors import UnsupportedError
from symmlp.graph import GraphNode
from symmlp.matrix import Add, Kronecker, Node, RowProduct, Shape, Size
from symmlp.notation import batch, direction
from symmlp.walker import Walker

ROWS = "J_"
"""Begins the name of a Jacobian."""


@dataclass(frozen=True)
class JacobianWalker(Walker):
    """A walker whose cotangents are rows of the Jacobian."""

    def equations(self) -> Iterator[Equation]:
        """Yield the Jacobians of all arrays, from the last pre-activation to the inputs, parameters of each sample."""
        prediction = self.graph.prediction
        inputs = self.graph.inputs
        yield from self.chain(
            self.graph.network_nodes, {prediction}, needed={*self.graph.needs_gradient(), inputs, *self._outputs}
        )

    @property
    def _outputs(self) -> set[str]:
        return {node.output for node in self.graph.network_nodes}

    @property
    def units(self) -> Size:
        """How many units the prediction of one sample has."""
        return self.graph.shapes[self.graph.prediction][0 if self.rules.columns else 1]

    def _cotangent(self, array: str, uses: list[tuple[GraphNode, str]]) -> Equation:
        found = super()._cotangent(array, uses)
        if array in self.graph.parameters and not self.rules.columns:
            found = self._of_each_sample(found, uses)
        return replace(found, kind="jacobian", target=ROWS + array, subject="")

    def _rule(self, node: GraphNode, operand: str) -> BackwardRule:
        """Return the backward rule; of one sample, its form for all units of the prediction, a row for each."""
        rule = super()._rule(node, operand)
        if not self.rules.columns:
            return rule
        form, last = in_directions(rule, rule.index_form, ("G",), "unit of the prediction")
        return replace(rule, matrix_form=form, steps=(*rule.steps[:-1], *last))

    def _cotangent_shape(self, array: str) -> Shape:
        shape = super()._cotangent_shape(array)
        if not self.rules.columns:
            return shape
        return (self.units, row_length(shape)) if array in self.graph.parameters else shape_of_all(shape, self.units)

    def _of_each_sample(self, whole: Equation, uses: list[tuple[GraphNode, str]]) -> Equation:
        """Return the equation of a parameter with the sum over samples taken apart: one row for each sample."""
        ((node, operand),), (source,) = uses, whole.sources
        form, step = apart(self.rules.backward(node.op, operand))
        value = self._here(form, node)
        steps = (*(each for each in source.steps if each.rule != "matrix form"), step)
        rows: Shape = ("N", row_length(whole.shape))
        return replace(whole, value=value, stable=value, shape=rows, sources=(replace(source, steps=steps),))

    def _names(self, node: GraphNode) -> dict[str, str]:
        return {**super()._names(node), "G": ROWS + node.output, "L": self.graph.prediction}

    def _sizes(self, node: GraphNode) -> dict[Size, Size]:
        own = super()._sizes(node)
        return {**own, "N": self.units} if self.rules.columns else own

    def _shape(self, name: str) -> Shape:
        if name.startswith(ROWS):
            return self._cotangent_shape(name.removeprefix(ROWS))
        return super()._shape(name)


def row_length(shape: Shape) -> int:
    """Return how many entries a parameter of this shape has."""
    count = 1
    for size in shape:
        count *= int(size)
    return count


def apart(rule: BackwardRule) -> tuple[Node, RuleStep]:
    """Return the rows that a parameter's rule adds up, as a matrix with a row for each sample.

    Σ_p G[p,a] X[p,c]  =>  row p holds G[p,a] X[p,c] for all a, c
    """
    node = in_rows(rule, rule.index_form)
    return node, RuleStep("samples apart: a row for each sample, in the order of theta", rule.index_form, node)


def in_rows(rule: BackwardRule, index_form: sp.Expr, *, with_tangents: bool = False) -> Node:
    """Return the terms of a parameter's sum over samples as the rows of a matrix."""
    open_terms = [
        replace(term, bound=tuple(each for each in term.bound if each != batch)) for term in terms(index_form)
    ]
    form = _form(rule, columns=False)
    form = knowing_tangents(form) if with_tangents else form
    axes = rule.op.operands[rule.operand]
    sizes = {**SIZES, **{index: SIZES[axis] for index, axis in zip(rule.indices, axes, strict=True)}}
    return _rows(rebuilt(open_terms, sizes), rule.indices, form, batch)


def in_directions(
    rule: BackwardRule, index_form: sp.Expr, moving: tuple[str, ...], each: str
) -> tuple[Node, tuple[RuleStep, ...]]:
    """Return an index form of one sample along several directions as a matrix with a row for each, and the steps.

    `moving` are the arrays that differ from one direction to the next; what one is, is told in the step.
    """
    form = _form(rule, columns=True)
    form = knowing_tangents(form) if any(name.endswith(DOT) for name in moving) else form
    rows = in_each_direction(index_form, moving)
    node = _rows(rows, rule.indices, knowing_directions(form, moving), direction)
    order = ", in the order of theta" if len(rule.indices) == 2 else ""
    return node, (
        RuleStep(f"{EACH} {each}{order}", index_form, rows),
        RuleStep("matrix form", rows, node),
    )


def _form(rule: BackwardRule, *, columns: bool) -> MatrixForm:
    return matrix_form(rule.op, rule.op.operands[rule.operand], rule.indices, columns=columns)


def _rows(rows: sp.Expr, indices: tuple[Index, ...], form: MatrixForm, row: Index) -> Node:
    """Return the matrix whose rows hold an expression for all values of the indices."""
    if len(indices) != 2:
        return form.of(rows, row, indices[0] if indices else None)
    products = tuple(_outer(part, indices, form, row) for part in sp.Add.make_args(rows))
    return products[0] if len(products) == 1 else Add(products)


def _outer(rows: sp.Expr, indices: tuple[Index, ...], form: MatrixForm, row: Index) -> Node:
    """Return the products of two factors' entries in each row; a factor that is the same in all rows has but one."""
    first, second = indices
    factors = sp.Mul.make_args(rows)
    left = [factor for factor in factors if factor.has(first)]
    right = [factor for factor in factors if factor not in left]
    if any(factor.has(second) for factor in left):
        raise UnsupportedError(f"no matrix form for the rows of {rows}")
    one, other = form.of(sp.Mul(*left), row, first), form.of(sp.Mul(*right), row, second)
    both = all(any(factor.has(row) for factor in side) for side in (left, right))
    return RowProduct(one, other) if both or not form.columns else Kronecker(one, other)
