"""Deep networks: the first and the last layers are drawn, one node stands for those between."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from symmlp.pictures.record import Label, Picture, PictureEdge, PictureNode

LAYERS_IN_FULL = 12
"""A network of so many layers is drawn completely."""

LAYERS_KEPT = 3
"""Of a deeper one, so many are drawn at either end."""

MORE = "more"


def shorten(picture: Picture, in_full: int = LAYERS_IN_FULL) -> Picture:
    """Return `picture`, if deeper than `in_full`, with its middle layers as one node that has their ids.

    X → 1 → 2 → 3 → 4 → … → 197 → 198 → 199 → 200 → L   =>   X → 1 → 2 → 3 → (… 194 more layers) → 198 → 199 → 200 → L
    """
    depth = max(node.layer for node in picture.nodes)
    return _Cut(picture, depth).made() if depth > in_full else picture


@dataclass(frozen=True)
class _Cut:
    picture: Picture
    depth: int

    def made(self) -> Picture:
        edges = tuple(self._edges())
        return replace(self.picture, nodes=tuple(self._nodes(edges)), edges=edges)

    def _is_cut(self, node: PictureNode) -> bool:
        return LAYERS_KEPT < node.layer <= self.depth - LAYERS_KEPT

    def _nodes(self, edges: tuple[PictureEdge, ...]) -> Iterator[PictureNode]:
        is_open = False
        for node in self.picture.nodes:
            if not self._is_cut(node):
                yield node
            elif not is_open:
                is_open = True
                yield self._more(edges)

    def _more(self, edges: tuple[PictureEdge, ...]) -> PictureNode:
        drawn = [node.equations for node in self.picture.nodes if not self._is_cut(node)]
        kept = {id for ids in (*drawn, *(edge.equations for edge in edges)) for id in ids}
        ids = dict.fromkeys(id for part in self.picture.parts for id in part.equations)
        words = f"… {self.depth - 2 * LAYERS_KEPT} more layers"
        return PictureNode(MORE, "more", LAYERS_KEPT + 1, Label(words=words), tuple(id for id in ids if id not in kept))

    def _edges(self) -> Iterator[PictureEdge]:
        """Yield the edges with at least one end that is drawn, once for each array and pair of ends."""
        ends = {node.id: MORE if self._is_cut(node) else node.id for node in self.picture.nodes}
        seen = set()
        for edge in self.picture.edges:
            source, target = ends[edge.source], ends[edge.target]
            key = (source, target, edge.direction, edge.label.array)
            if source != target and key not in seen:
                seen.add(key)
                yield replace(edge, source=source, target=target)
