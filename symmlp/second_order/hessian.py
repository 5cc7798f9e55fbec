"""Blocks of the Hessian ∂²L/∂V∂W as matrix formulas: every sample by itself, its directions given all at once.

A parameter W moves the loss through one array Z, that of the op that reads it. Each sample stands once for each unit of
Z, and the rows of Ż are those of the identity; so row (p, u) of V̇ is ∂V/∂Z[p,u]. The tangents and the changes of the
cotangents follow as in a Hessian-vector product, and ∂L/∂V, its sum over samples taken apart, changes by row (p, u) of
dV_dot. With the rows of ∂Z/∂W that the backward rule of W gives for the cotangent Ż,

    ∂²L/∂V∂W = (ḋV)ᵀ ∂Z/∂W + diag(D)

for every V that is read by the same op or by a later one; the other blocks are the transposes of these. D is there
where W itself stands in ∂L/∂V, as a learned number of an activation does, and a weight that has a penalty: D ∘ Ẇ is how
∂L/∂V changes with W while Z rests. Of one sample, which is a column, every row belongs to one unit u.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import sympy as sp

from symmlp.calculus.directions import ROWS
from symmlp.calculus.index_notation import PRIME, Partial
from symmlp.calculus.tangent import DOT, TangentRule, change_per_entry, changed_rule
from symmlp.calculus.vanishing import is_zero, without_zeros
from symmlp.calculus.vjp import RuleStep, array_shapes
from symmlp.derivation import Equation, Source
from symmlp.graph import GraphNode
from symmlp.matrix import (
    Add,
    Diagonal,
    MatMul,
    Node,
    Product,
    Shape,
    Transpose,
    Var,
    shape_of,
    substitute,
    variables,
)
from symmlp.second_order.jacobian import apart, in_directions, in_rows, row_length
from symmlp.second_order.walking import DirectionWalker

BLOCK = "H_"
"""Begins the name of a block of the Hessian: H_W2__b1 is ∂²L/∂W2∂b1."""


def block_name(second: str, first: str) -> str:
    """Return the name of the block with the rows of one parameter and the columns of another."""
    return f"{BLOCK}{second}__{first}"


def parameters_of(block: str) -> tuple[str, str]:
    """Return the parameters of a block's rows and of its columns.

    >>> parameters_of("H_W2__b1")
    ('W2', 'b1')
    """
    second, _, first = block.removeprefix(BLOCK).partition("__")
    return second, first


@dataclass(frozen=True)
class Direct:
    """How a gradient changes with a parameter that it contains: D, a factor for every entry, and the steps to it."""

    factor: Node
    source: Source


@dataclass(frozen=True)
class BlockWalker(DirectionWalker):
    """A walker whose directions are the units of one array."""

    @property
    def pivots(self) -> tuple[GraphNode, ...]:
        """The ops that read parameters, the last one first."""
        return tuple(node for node in reversed(self.graph.network_nodes) if self.parameters_of(node))

    def parameters_of(self, node: GraphNode) -> dict[str, str]:
        """Return the parameters that a node reads, by operand, in the order of theta."""
        own = {operand: name for operand, name in node.operands.items() if name in self.graph.parameters}
        return dict(sorted(own.items(), key=lambda pair: self.graph.parameters.index(pair[1])))

    def from_pivot(self, pivot: GraphNode) -> BlockWalker:
        """Return a walker that knows of no tangent yet, for the directions of this op's output."""
        nodes = self.graph.network_nodes
        later = {node.output for node in nodes[nodes.index(pivot) :]}
        resting = {name for node in nodes for name in node.operands.values()} - later
        rows = self.graph.shapes[pivot.output][0] if self.columns else None
        return replace(self, still={f"{name}{DOT}" for name in resting}, rows=rows)

    def resting(self, node: GraphNode) -> frozenset[str]:
        """Return the operands that are parameters: what moves is an array, and what is computed from it."""
        return frozenset(self.parameters_of(node))

    def _derived_second(self, node: GraphNode, operand: str) -> TangentRule:
        """Return how a cotangent changes; that of a parameter has a row for each sample and direction."""
        if node.operands[operand] not in self.graph.parameters:
            return super()._derived_second(node, operand)
        rule = self.rules.backward(node.op, operand)
        change, steps = changed_rule(rule, self.resting(node))
        if self.columns:
            moving = tuple(name + DOT for name in (*rule.op.operands, rule.op.output, "G"))
            form, last = in_directions(rule, change, moving, "unit")
            return TangentRule(form, (*steps, *last))
        form = in_rows(rule, change, with_tangents=True)
        words = "samples apart: a row for each sample and direction, in the order of theta"
        return TangentRule(form, (*steps, RuleStep(words, change, form)))

    def _change_shape(self, array: str, *, cotangent: bool) -> Shape:
        shape = self.graph.shapes[array]
        if cotangent and array in self.graph.parameters:
            return (ROWS if self.rows is None else self.rows, row_length(shape))
        return super()._change_shape(array, cotangent=cotangent)

    def blocks(self, pivot: GraphNode, changes: Mapping[str, Equation]) -> Iterator[Equation]:
        """Yield the blocks whose columns belong to the op's parameters, V in the order of theta."""
        skipped: set[str] = set()
        for operand, first in self.parameters_of(pivot).items():
            seeded = self._seeded(pivot, operand)
            for second in self.graph.parameters:
                change, direct = changes.get(f"d{second}{DOT}"), tuple(self._direct(pivot, second, first))
                if second not in skipped and (change is not None or direct):
                    yield self._block(pivot, (second, first), change, seeded, direct)
            skipped.add(first)

    def _direct(self, pivot: GraphNode, second: str, first: str) -> Iterator[Direct]:
        """Yield how ∂L/∂V, V being `second`, changes with the parameter `first` of the op while its output rests."""
        for node in (pivot, *self.graph.penalties):
            operands = {name: operand for operand, name in node.operands.items()}
            if second not in operands or first not in operands:
                continue
            rule = self.rules.backward(node.op, operands[second])
            found = change_per_entry(rule, operands[first], columns=self.columns)
            if found is None:
                continue
            form, steps = (found.matrix_form, found.steps) if node is not pivot else self._once(node, found)
            factor = without_zeros(self._here(form, node))
            if not is_zero(factor):
                own = (*steps, *self._curvature_steps(factor))
                yield Direct(factor, Source(own, self._names(node), self._sizes(node)))

    def _once(self, pivot: GraphNode, found: TangentRule) -> tuple[Node, tuple[RuleStep, ...]]:
        """Return D of an op that reads samples: where each stands once for each unit, Ż lets it count for its own."""
        if self.columns:
            return found.matrix_form, found.steps
        output = pivot.op.output
        shape = array_shapes(pivot.op)[output]
        own = Product((Var("G", shape), Var(f"{output}{DOT}", shape)))
        form = substitute(found.matrix_form, {"G": own}, {}, {})
        words = f"a sample stands once for each unit, and counts for its own one, where {{{output}{DOT}}} is 1"
        return form, (*found.steps, RuleStep(words, found.matrix_form, form))

    def _block(
        self,
        pivot: GraphNode,
        names: tuple[str, str],
        change: Equation | None,
        seeded: tuple[Node, Source],
        direct: tuple[Direct, ...],
    ) -> Equation:
        rows, seed = seeded
        through = () if change is None else (MatMul(Transpose(Var(change.target, change.shape)), rows),)
        terms = (*map(without_zeros, through), *(Diagonal(each.factor) for each in direct))
        value = terms[0] if len(terms) == 1 else Add(terms)
        words = ["the change along each unit, times what moves that unit, summed over samples"] * len(through)
        words += ["what changes with the parameter itself, an entry with its own"] * bool(direct)
        chain = RuleStep(f"chain rule: {'; '.join(words)}", second_gradient(*names), value)
        sources = (*([seed] if through else []), *(each.source for each in direct), Source((chain,)))
        target = block_name(*names)
        return Equation("", "hessian", target, value, value, shape_of(value), pivot.layer, "", (), sources)

    def _seeded(self, pivot: GraphNode, operand: str) -> tuple[Node, Source]:
        """Return the rows of ∂Z/∂W: what the backward rule of W makes of the cotangent Ż, and the steps."""
        rule = self.rules.backward(pivot.op, operand)
        names, sizes = self._seed_names(pivot), self._sizes(pivot)
        if self.columns:
            form, steps = in_directions(rule, rule.index_form, ("G",), "unit")
        else:
            form, step = apart(rule)
            steps = (replace(step, rule="samples apart: a row for each sample and unit, in the order of theta"),)
        own = {plain: name for plain, name in names.items() if not plain.startswith("f")}
        called = self._function_names(pivot) if pivot.function else {}
        opaque = called | {f"{plain}{PRIME}": f"{name}{PRIME}" for plain, name in called.items()}
        return self._written(self._renamed(form, own, sizes, opaque)), Source(steps, names, sizes)

    def _seed_names(self, pivot: GraphNode) -> dict[str, str]:
        return {**self._names(pivot), "G": f"{pivot.output}{DOT}", "L": pivot.output}


def second_gradient(second: str, first: str) -> sp.Expr:
    """Return ∂²L/∂V∂W for the names of V and W."""
    return Partial(Partial(sp.Symbol("L"), sp.Symbol(second)), sp.Symbol(first))


def needed_for(changes: list[Equation], wanted: set[str], tangents: list[Equation]) -> list[Equation]:
    """Return those of the tangents and changes, in their order, that the wanted ones are computed from."""
    kept: list[Equation] = []
    wanted = set(wanted)
    for equation in reversed([*tangents, *changes]):
        if equation.target in wanted:
            kept.append(equation)
            wanted |= variables(equation.value)
    return kept[::-1]
