"""The network: layers of units, and the weights between them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from symmlp.derivation import Derivation
from symmlp.graph import GraphNode
from symmlp.pictures.record import Label, Part, Picture, PictureEdge, PictureNode
from symmlp.pictures.tree import TreeView, read_by
from symmlp.pictures.words import described, op_words


def network(derivation: Derivation, *, backward: bool = False) -> Picture:
    """Return the layers of a derivation's network, with the cotangents of each layer if `backward` is set."""
    view = NetworkView(derivation, backward)
    edges = (*view.forward(), *view.backward()) if backward else tuple(view.forward())
    title, description = described(derivation, "Layers", backward=backward)
    return Picture("network", title, description, tuple(view.nodes()), edges)


@dataclass(frozen=True)
class NetworkView:
    """Reads the layers and what passes between them off a derivation; a layer's id is the array that it gives."""

    derivation: Derivation
    has_backward: bool

    @cached_property
    def tree(self) -> TreeView:
        """The tree of the same derivation."""
        return TreeView(self.derivation)

    @cached_property
    def layers(self) -> dict[int, list[GraphNode]]:
        """The ops of each layer, by its number; the loss belongs to none."""
        found: dict[int, list[GraphNode]] = {}
        for node in self.derivation.graph.network_nodes:
            found.setdefault(node.layer, []).append(node)
        return found

    @cached_property
    def homes(self) -> dict[str, str]:
        """The picture node that each array belongs to: an input to itself, all else to the layer that makes it."""
        made = {node.output: ops[-1].output for ops in self.layers.values() for node in ops}
        inputs = {node.id: node.id for node in self.tree.nodes() if node.role == "inputs"}
        return {**inputs, **made, **{node.output: self._loss.output for node in self.derivation.graph.loss_nodes}}

    @property
    def _loss(self) -> GraphNode:
        return self.derivation.graph.nodes[-1]

    def nodes(self) -> Iterator[PictureNode]:
        """Yield the inputs, the layers and the loss."""
        for node in self.tree.nodes():
            if node.role == "inputs":
                yield PictureNode(node.id, "inputs", 0, node.label, units=self._units(node.id))
        for number, ops in self.layers.items():
            yield self._layer(number, ops)
        loss = self._loss
        label = Label(loss.output, "loss", shape=())
        parts = tuple(self._parts(self.derivation.graph.loss_nodes))
        yield PictureNode(loss.output, "loss", loss.layer, label, tuple(part.equation for part in parts), parts)

    def _layer(self, number: int, ops: list[GraphNode]) -> PictureNode:
        output = ops[-1].output
        label = Label(output, f"layer {number}", shape=self.derivation.graph.shapes[output])
        parts = tuple(self._parts(ops))
        ids = tuple(part.equation for part in parts)
        return PictureNode(output, "layer", number, label, ids, parts, self._units(output))

    def _units(self, array: str) -> int:
        shape = self.derivation.graph.shapes[array]
        return int(shape[-1] if self.derivation.layout == "batch" else shape[0])

    def _parts(self, ops: Sequence[GraphNode]) -> Iterator[Part]:
        """Yield what a layer computes: its equations, then the cotangents that do not leave it."""
        for node in ops:
            equation = self.tree.made[node.output]
            words = op_words(self.derivation, node)
            yield Part(equation.id, Label(node.output, words, equation.value, equation.shape))
        if not self.has_backward:
            return
        kept = {array for node in ops for array in read_by(node) if self._stays(array, node)}
        for equation in self.derivation.backward:
            array = equation.target.removeprefix("d")
            if array in kept:
                yield Part(equation.id, Label(array, "", equation.value, equation.shape, is_cotangent=True))

    def _stays(self, array: str, reader: GraphNode) -> bool:
        """Tell whether an array belongs to the layer that reads it: a parameter, or made there."""
        return self.homes.get(array) in (None, self.homes[reader.output])

    def forward(self) -> Iterator[PictureEdge]:
        """Yield an edge for every array that passes from one layer to another, labelled with its weights if any."""
        for edge in self._between_layers(self.tree.forward()):
            weights = self._weights(edge)
            yield edge if weights is None else replace(edge, label=weights, is_dense=True)

    def backward(self) -> Iterator[PictureEdge]:
        """Yield an edge for every cotangent that passes from one layer to another."""
        yield from self._between_layers(self.tree.backward())

    def _between_layers(self, edges: Iterable[PictureEdge]) -> Iterator[PictureEdge]:
        """Yield the edges whose ends are in two layers; what several ops of a layer read passes once."""
        found: dict[tuple[str, str, str], PictureEdge] = {}
        for edge in edges:
            source, target = self.homes.get(edge.source), self.homes.get(edge.target)
            if source is None or target is None or source == target:
                continue
            key = (source, target, edge.label.array)
            ids = (*found[key].equations, *edge.equations) if key in found else edge.equations
            found[key] = replace(edge, source=source, target=target, equations=tuple(dict.fromkeys(ids)))
        yield from found.values()

    def _weights(self, edge: PictureEdge) -> Label | None:
        """Return the label of the matrix W that an op multiplies by, if it does."""
        array = self._reader[edge.equations[-1]].operands.get("W")
        return None if array is None else Label(array, shape=self.derivation.graph.shapes[array])

    @cached_property
    def _reader(self) -> dict[str, GraphNode]:
        """The op of each forward equation."""
        return {self.tree.made[node.output].id: node for node in self.derivation.graph.nodes}
