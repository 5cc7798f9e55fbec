"""The Jacobian of the prediction: the backward rules, begun with unit cotangents, every sample by itself.

Each sample stands K times in X, once for each unit of the prediction: row (p, k) of J_V is ∂P[p,k]/∂V for sample p. The
rules of arrays work on rows anyway; a parameter's rule sums over samples, and here the terms of that sum stay apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import sympy as sp

from symmlp.calculus.index_notation import Index, rebuilt, terms
from symmlp.calculus.matrix_form import MatrixForm
from symmlp.calculus.tangent import knowing_tangents
from symmlp.calculus.vjp import BackwardRule, RuleStep, matrix_form
from symmlp.catalog.layers import SIZES
from symmlp.derivation import Equation
from symmlp.errors import UnsupportedError
from symmlp.graph import GraphNode
from symmlp.matrix import Add, Node, RowProduct, Shape
from symmlp.notation import batch
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

    def _cotangent(self, array: str, uses: list[tuple[GraphNode, str]]) -> Equation:
        found = super()._cotangent(array, uses)
        if array in self.graph.parameters:
            found = self._of_each_sample(found, uses)
        return replace(found, kind="jacobian", target=ROWS + array, subject="")

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

    def _shape(self, name: str) -> Shape:
        return super()._shape(name.removeprefix(ROWS))


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
    op, axes = rule.op, rule.op.operands[rule.operand]
    open_terms = [
        replace(term, bound=tuple(each for each in term.bound if each != batch)) for term in terms(index_form)
    ]
    sizes = {**SIZES, **{index: SIZES[axis] for index, axis in zip(rule.indices, axes, strict=True)}}
    form = matrix_form(op, axes, rule.indices, columns=False)
    form = knowing_tangents(form) if with_tangents else form
    rows = rebuilt(open_terms, sizes)
    if len(rule.indices) != 2:
        return form.of(rows, batch, rule.indices[0])
    products = tuple(_outer(part, rule.indices, form) for part in sp.Add.make_args(rows))
    return products[0] if len(products) == 1 else Add(products)


def _outer(rows: sp.Expr, indices: tuple[Index, ...], form: MatrixForm) -> Node:
    """Return the products of two factors' entries in each row."""
    first, second = indices
    factors = sp.Mul.make_args(rows)
    left = [factor for factor in factors if factor.has(first)]
    right = [factor for factor in factors if factor not in left]
    if any(factor.has(second) for factor in left):
        raise UnsupportedError(f"no matrix form for the rows of {rows}")
    return RowProduct(form.of(sp.Mul(*left), batch, first), form.of(sp.Mul(*right), batch, second))
