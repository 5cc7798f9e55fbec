"""The computational tree: leaves are variables, inner nodes are ops, the root is the loss."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from symmlp.derivation import Derivation, Equation
from symmlp.document import symbols
from symmlp.graph import GraphNode
from symmlp.pictures.record import Label, Picture, PictureEdge, PictureNode, Role
from symmlp.pictures.words import described, op_words


def tree(derivation: Derivation, *, backward: bool = False) -> Picture:
    """Return the computational tree of a derivation, with the cotangents on their way back if `backward` is set."""
    view = TreeView(derivation)
    edges = (*view.forward(), *view.backward()) if backward else tuple(view.forward())
    title, description = described(derivation, "Computational tree", backward=backward)
    return Picture("tree", title, description, tuple(view.nodes()), edges)


@dataclass(frozen=True)
class TreeView:
    """Reads the nodes and edges of a tree off a derivation; an array and the node that makes it share their id."""

    derivation: Derivation

    @cached_property
    def made(self) -> dict[str, Equation]:
        """The equation that makes each array."""
        return {equation.target: equation for equation in (*self.derivation.forward, *self.derivation.losses)}

    @cached_property
    def cotangents(self) -> dict[str, Equation]:
        """The equation of the cotangent of each array."""
        return {equation.target.removeprefix("d"): equation for equation in self.derivation.backward}

    @cached_property
    def meanings(self) -> dict[str, str]:
        """What each leaf is: inputs, weights, bias, targets."""
        return {name: role.partition(" of ")[0] for name, _, role in symbols(self.derivation)}

    def nodes(self) -> Iterator[PictureNode]:
        """Yield every op in topological order, before it the leaves that it is the first to read."""
        seen: set[str] = set()
        for node in self.derivation.graph.nodes:
            for array in read_by(node):
                if array not in self.made and array not in seen:
                    seen.add(array)
                    yield self._leaf(array, node)
            yield self._op(node)

    def forward(self) -> Iterator[PictureEdge]:
        """Yield an edge from every array to every op that reads it."""
        for node in self.derivation.graph.nodes:
            for array in read_by(node):
                label = Label(array, shape=self.derivation.graph.shapes[array])
                ids = (self.made[node.output].id,)
                yield PictureEdge(f"{array}-{node.output}", array, node.output, "forward", node.layer, label, ids)

    def backward(self) -> Iterator[PictureEdge]:
        """Yield the cotangents' edges, from every op back to the arrays it reads."""
        for node in reversed(self.derivation.graph.nodes):
            for array in read_by(node):
                if array in self.cotangents:
                    yield self._cotangent(array, node)

    @cached_property
    def _first_readers(self) -> dict[str, GraphNode]:
        return {array: node for node in reversed(self.derivation.graph.nodes) for array in read_by(node)}

    def _cotangent(self, array: str, node: GraphNode) -> PictureEdge:
        """Return an edge; of an array that several ops read, the first one's edge has the formula, a sum over all."""
        equation = self.cotangents[array]
        value = equation.value if node is self._first_readers[array] else None
        label = Label(array, value=value, shape=equation.shape, is_cotangent=True)
        ids = (equation.id,)
        return PictureEdge(f"d{array}-{node.output}", node.output, array, "backward", node.layer, label, ids)

    def _leaf(self, array: str, reader: GraphNode) -> PictureNode:
        role = self._role(array, reader)
        label = Label(array, self.meanings.get(array, role), shape=self.derivation.graph.shapes[array])
        return PictureNode(array, role, reader.layer, label)

    def _role(self, array: str, reader: GraphNode) -> Role:
        if array in self.derivation.graph.parameters:
            return "parameter"
        if array not in reader.given.values():
            return "inputs"
        return "targets" if array == self.derivation.graph.targets else "given"

    def _op(self, node: GraphNode) -> PictureNode:
        equation = self.made[node.output]
        role: Role = "loss" if equation is self.derivation.loss else "op"
        label = Label(node.output, op_words(self.derivation, node), equation.value, equation.shape)
        return PictureNode(node.output, role, node.layer, label, (equation.id,))


def read_by(node: GraphNode) -> tuple[str, ...]:
    """Return the arrays that an op reads, each once."""
    return tuple(dict.fromkeys((*node.operands.values(), *node.given.values())))
