"""Blocks of the Hessian ∂²L/∂V∂W as matrix formulas: every sample by itself, its directions given all at once.

A parameter W moves the loss through one array Z, that of the op that reads it. Each sample stands once for each unit of
Z, and the rows of Ż are those of the identity; so row (p, u) of V̇ is ∂V/∂Z[p,u]. The tangents and the changes of the
cotangents follow as in a Hessian-vector product, and ∂L/∂V, its sum over samples taken apart, changes by row (p, u) of
dV_dot. With the rows of ∂Z/∂W that the backward rule of W gives for the cotangent Ż,

    ∂²L/∂V∂W = (ḋV)ᵀ ∂Z/∂W

for every V that is read by the same op or by a later one; the other blocks are the transposes of these.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import sympy as sp

from symmlp.calculus.index_notation import Partial
from symmlp.calculus.tangent import DOT, changed_rule
from symmlp.calculus.vanishing import is_zero, without_zeros
from symmlp.calculus.vjp import RuleStep
from symmlp.derivation import Equation, Source
from symmlp.errors import UnsupportedError
from symmlp.graph import GraphNode
from symmlp.matrix import MatMul, Node, Shape, Transpose, Var, shape_of, variables
from symmlp.second_order.jacobian import apart, in_rows, row_length
from symmlp.second_order.walking import DirectionWalker
from symmlp.walker import uses_of

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
class BlockWalker(DirectionWalker):
    """A walker whose directions are the units of one array."""

    @property
    def pivots(self) -> tuple[GraphNode, ...]:
        """The ops that read parameters, the last one first."""
        return tuple(node for node in reversed(self.graph.network_nodes) if self.parameters_of(node))

    def parameters_of(self, node: GraphNode) -> dict[str, str]:
        """Return the parameters that a node reads, by operand."""
        return {operand: name for operand, name in node.operands.items() if name in self.graph.parameters}

    def from_pivot(self, pivot: GraphNode) -> BlockWalker:
        """Return a walker that knows of no tangent yet, for the directions of this op's output.

        Raises:
            UnsupportedError: the gradient of one of the op's parameters contains a parameter of the op.
        """
        nodes = self.graph.network_nodes
        later = {node.output for node in nodes[nodes.index(pivot) :]}
        resting = {name for node in nodes for name in node.operands.values()} - later
        own = replace(self, still={f"{name}{DOT}" for name in resting})
        own._refuse_what_is_not_linear(pivot)
        return own

    def _refuse_what_is_not_linear(self, pivot: GraphNode) -> None:
        names = self.parameters_of(pivot)
        walker = replace(self, still={f"{name}{DOT}" for name in pivot.operands.values() if name not in names.values()})
        walker.still.add(f"d{pivot.output}{DOT}")
        for operand, name in names.items():
            change = walker._changed(name, [(pivot, walker._second_rule(pivot, operand))], "second", cotangent=True)
            if not is_zero(change.value):
                raise UnsupportedError(
                    f"hessian: the gradient of {name} in layer {pivot.layer} contains a parameter of the same op, "
                    f"for which no block is written; hvp gives its product with a vector"
                )

    def gradients_apart(self, pivot: GraphNode, nodes: tuple[GraphNode, ...], known: set[str]) -> Iterator[Equation]:
        """Yield how cotangents change, those of parameters as a row for each sample and direction."""
        uses = uses_of(nodes)
        for equation in self.changes(nodes, known):
            array = equation.target.removeprefix("d").removesuffix(DOT)
            if array not in self.graph.parameters:
                yield equation
                continue
            ((node, operand),) = uses[array]
            yield self._rows_of(equation, node, operand)

    def _rows_of(self, whole: Equation, node: GraphNode, operand: str) -> Equation:
        rule = self.rules.backward(node.op, operand)
        change = changed_rule(rule)
        form = in_rows(rule, change, with_tangents=True)
        shape: Shape = ("N", row_length(whole.shape))
        written = self._here(form, node)
        value = self.without_still(written, shape)
        (source, *_) = whole.sources
        step = RuleStep("samples apart: a row for each sample and direction, in the order of theta", change, form)
        kept = tuple(each for each in source.steps if each.rule != "matrix form")
        sources = [replace(source, steps=(*kept, step))]
        if value != written:
            sources.append(Source((RuleStep("terms with a tangent or a slope that is zero vanish", written, value),)))
        return replace(whole, value=value, stable=value, shape=shape, sources=tuple(sources))

    def blocks(self, pivot: GraphNode, changes: dict[str, Equation]) -> Iterator[Equation]:
        """Yield the blocks whose columns belong to the op's parameters, V in the order of theta."""
        columns = [(name, *self._seeded(pivot, operand)) for operand, name in self._in_order(pivot).items()]
        for place, (first, rows, step) in enumerate(columns):
            skipped = {name for name, *_ in columns[:place]}
            for second in self.graph.parameters:
                change = changes.get(f"d{second}{DOT}")
                if change is not None and second not in skipped:
                    yield self._block(pivot, second, first, change, rows, step)

    def _in_order(self, pivot: GraphNode) -> dict[str, str]:
        own = self.parameters_of(pivot)
        return dict(sorted(own.items(), key=lambda pair: self.graph.parameters.index(pair[1])))

    def _block(
        self, pivot: GraphNode, second: str, first: str, change: Equation, rows: Node, step: RuleStep
    ) -> Equation:
        gradient = Var(change.target, change.shape)
        value = without_zeros(MatMul(Transpose(gradient), rows))
        chain = RuleStep(
            "chain rule: the change along each unit, times what moves that unit, summed over samples",
            second_gradient(second, first),
            value,
        )
        sources = (Source((step,), self._seed_names(pivot), self._sizes(pivot)), Source((chain,)))
        target = block_name(second, first)
        return Equation("", "hessian", target, value, value, shape_of(value), pivot.layer, "", (), sources)

    def _seeded(self, pivot: GraphNode, operand: str) -> tuple[Node, RuleStep]:
        """Return the rows of ∂Z/∂W: what the backward rule of W makes of the cotangent Ż."""
        form, step = apart(self.rules.backward(pivot.op, operand))
        names = {own: name for own, name in self._seed_names(pivot).items() if not own.startswith("f")}
        own = self._function_names(pivot)
        written = self._written(self._renamed(form, names, self._sizes(pivot), own if pivot.function else {}))
        return written, replace(step, rule="samples apart: a row for each sample and unit, in the order of theta")

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
