"""The record of a picture: nodes and edges with their labels and the ids of their equations, in no format yet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

from symmlp.errors import ProgramError
from symmlp.matrix import Node, Shape
from symmlp.printing.naming import AS_IN_THE_GRAPH, Naming

Kind = Literal["tree", "network"]
Role = Literal["inputs", "parameter", "targets", "given", "op", "loss", "layer", "more"]
Direction = Literal["forward", "backward"]


@dataclass(frozen=True)
class Label:
    """What is written at a node or an edge; each format prints names and formulas in its own style.

    `array` is the array that is made or that flows; of a cotangent it is the array that L is differentiated by.
    `naming` is what the arrays are called.
    """

    array: str = ""
    words: str = ""
    value: Node | None = None
    shape: Shape | None = None
    is_cotangent: bool = False
    naming: Naming = AS_IN_THE_GRAPH


@dataclass(frozen=True)
class Part:
    """One equation of a layer: its id and its label."""

    equation: str
    label: Label


@dataclass(frozen=True)
class PictureNode:
    """A leaf, an op, a layer, or what stands for layers left out; `equations` are the ids of what it computes."""

    id: str
    role: Role
    layer: int
    label: Label
    equations: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()
    units: int = 0


@dataclass(frozen=True)
class PictureEdge:
    """An array on its way to the op that reads it, or a cotangent on its way back; `equations` are what it is part of.

    `is_dense` says that every unit of a layer meets every unit of the next.
    """

    id: str
    source: str
    target: str
    direction: Direction
    layer: int
    label: Label
    equations: tuple[str, ...]
    is_dense: bool = False


@dataclass(frozen=True)
class Picture:
    """A picture of one derivation; `nodes` are in topological order."""

    kind: Kind
    title: str
    description: str
    nodes: tuple[PictureNode, ...]
    edges: tuple[PictureEdge, ...]

    def __post_init__(self) -> None:
        """Prove that ids are unique and that edges end at nodes."""
        known = {node.id for node in self.nodes}
        for id, count in Counter(part.id for part in self.parts).items():
            if count > 1:
                raise ProgramError(f"{id} is drawn {count} times")
        for edge in self.edges:
            for end in (edge.source, edge.target):
                if end not in known:
                    raise ProgramError(f"edge {edge.id} ends at {end}, which is not drawn")

    @property
    def parts(self) -> Iterator[PictureNode | PictureEdge]:
        """All nodes, then all edges."""
        yield from self.nodes
        yield from self.edges

    @property
    def has_backward(self) -> bool:
        """Whether cotangents are drawn."""
        return any(edge.direction == "backward" for edge in self.edges)

    def named(self, naming: Naming) -> Picture:
        """Return the picture with the arrays called otherwise; ids stay."""
        nodes = (replace(_named(node, naming), parts=_all_named(node.parts, naming)) for node in self.nodes)
        return replace(self, nodes=tuple(nodes), edges=_all_named(self.edges, naming))


Labelled = TypeVar("Labelled", PictureNode, PictureEdge, Part)


def _all_named(parts: Iterable[Labelled], naming: Naming) -> tuple[Labelled, ...]:
    return tuple(_named(part, naming) for part in parts)


def _named(part: Labelled, naming: Naming) -> Labelled:
    return replace(part, label=replace(part.label, naming=naming))
