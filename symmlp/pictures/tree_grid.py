"""The rows and columns of a tree: which node stands where, and how much room rows and columns take."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from symmlp.pictures.geometry import GAP, LINE, PADDING, TWIN, Line, width_of
from symmlp.pictures.labels import formula_lines, head_line, name_piece, right_lines, shape_piece, word_lines
from symmlp.pictures.lanes import lanes
from symmlp.pictures.record import Picture, PictureEdge, PictureNode

Ends = tuple[str, str]
"""What is read, and what reads it."""

FORMULA_CHARACTERS = 44
COTANGENT_CHARACTERS = 26
PORT = 26.0
"""How far apart two operands enter an op."""

LEVEL = 20.0
"""How far apart their bends are."""

HEAD = 18.0
"""Room for an arrowhead above an op."""

CLEAR = 7.0
"""Distance of a label from its line, and from what is above it."""


@dataclass(frozen=True)
class Column:
    """Where a column's lines run, and how far it reaches to either side."""

    x: float
    left: float
    right: float


@dataclass(frozen=True)
class Row:
    """The heights of a row: its boxes, the labels below them, and below those the bends."""

    top: float
    boxes: float
    labels: float
    bends: float

    @property
    def bottom(self) -> float:
        """Where the boxes end and the labels begin."""
        return self.top + self.boxes

    @property
    def bend(self) -> float:
        """Where the labels end and the bends begin."""
        return self.bottom + self.labels

    @property
    def end(self) -> float:
        """Where the next row begins."""
        return self.bend + self.bends


@dataclass(frozen=True)
class Pair:
    """The edges between a node and one that reads it: the array's, and its cotangent's if that is drawn."""

    forward: PictureEdge | None
    backward: PictureEdge | None

    @property
    def edges(self) -> tuple[PictureEdge, ...]:
        """Those that there are."""
        return tuple(edge for edge in (self.forward, self.backward) if edge is not None)


@dataclass(frozen=True)
class TreeGrid:
    """Gives every node of a tree a row and a column, and every pair that skips rows a lane: column -1, -2, ..."""

    picture: Picture

    @cached_property
    def pairs(self) -> dict[Ends, Pair]:
        """The edges between two nodes."""
        forward = {(edge.source, edge.target): edge for edge in self.picture.edges if edge.direction == "forward"}
        backward = {(edge.target, edge.source): edge for edge in self.picture.edges if edge.direction == "backward"}
        return {ends: Pair(forward.get(ends), backward.get(ends)) for ends in {**forward, **backward}}

    @cached_property
    def spine(self) -> dict[str, int]:
        """The row of each node in the middle column: inputs, ops, and leaves that several ops read."""
        chosen = [node.id for node in self.picture.nodes if not self._is_side(node)]
        return {id: row for row, id in enumerate(chosen)}

    def _is_side(self, node: PictureNode) -> bool:
        readers = [target for source, target in self.pairs if source == node.id]
        return node.role in ("parameter", "targets", "given") and len(readers) == 1

    @cached_property
    def places(self) -> dict[str, tuple[int, int]]:
        """The (row, column) of every node: a leaf of one op stands in the row above it, to the right."""
        found = {id: (row, 0) for id, row in self.spine.items()}
        taken: dict[int, int] = {}
        for source, target in self.pairs:
            if source not in self.spine:
                row = self.spine[target] - 1
                taken[row] = taken.get(row, 0) + 1
                found[source] = (row, taken[row])
        return found

    @cached_property
    def lanes(self) -> dict[Ends, int]:
        """The lane of every pair that skips rows."""
        skips = [ends for ends in self.pairs if self._skips(*ends)]
        chosen = lanes([(self.spine[source], self.spine[target]) for source, target in skips])
        return {ends: -1 - lane for ends, lane in zip(skips, chosen, strict=True)}

    def _skips(self, source: str, target: str) -> bool:
        return source in self.spine and self.spine[target] > self.spine[source] + 1

    def column(self, ends: Ends) -> int:
        """Return the column in which a pair runs down."""
        return self.lanes.get(ends, self.places[ends[0]][1])

    def entering(self, target: str, side: int) -> list[Ends]:
        """Return the pairs that enter a node from the right (1) or from the left (-1), the innermost first."""
        found = [ends for ends in self.pairs if ends[1] == target and self.column(ends) * side > 0]
        return sorted(found, key=lambda ends: abs(self.column(ends)))

    def leaving(self, source: str) -> list[Ends]:
        """Return the pairs that leave a node for a lane, the innermost first."""
        found = [ends for ends in self.lanes if ends[0] == source]
        return sorted(found, key=lambda ends: abs(self.lanes[ends]))

    @cached_property
    def lines(self) -> dict[str, list[Line]]:
        """What is written at each node and edge."""
        return {part.id: list(_lines(part)) for part in self.picture.parts}

    @cached_property
    def sizes(self) -> dict[str, tuple[float, float]]:
        """Width and height of every box."""
        return {node.id: self._size(node.id) for node in self.picture.nodes}

    def _size(self, id: str) -> tuple[float, float]:
        lines = self.lines[id]
        ports = max(len(self.entering(id, side)) for side in (1, -1))
        wide = 2 * PORT * (ports + 1) if ports else 0.0
        return max(width_of(lines) + 2 * PADDING, wide), LINE * len(lines) + PADDING

    @cached_property
    def columns(self) -> dict[int, Column]:
        """Every column and lane, from the left; the first begins at the margin."""
        reaches: dict[int, tuple[float, float]] = {}
        for id, (_, column) in self.places.items():
            reaches[column] = _wider(reaches.get(column), (self.sizes[id][0] / 2, self.sizes[id][0] / 2))
        for ends, pair in self.pairs.items():
            reaches[self.column(ends)] = _wider(reaches.get(self.column(ends)), self._reach(ends, pair))
        return _side_by_side(reaches)

    def _reach(self, ends: Ends, pair: Pair) -> tuple[float, float]:
        """Return how far the labels of a pair reach to the left and to the right of its middle."""
        first, second = (width_of(self.lines[edge.id]) if edge else 0.0 for edge in (pair.forward, pair.backward))
        left, right = (first, second) if self.column(ends) >= 0 else (second, first)
        return left + TWIN + CLEAR, right + TWIN + CLEAR

    @cached_property
    def rows(self) -> list[Row]:
        """Every row, from the top."""
        found: list[Row] = []
        for row in range(len(self.spine)):
            found.append(self._row(row, found[-1].end if found else GAP))
        return found

    def _row(self, row: int, top: float) -> Row:
        boxes = max(self.sizes[id][1] for id, (at, _) in self.places.items() if at == row)
        leaving = [pair for ends, pair in self.pairs.items() if self.places[ends[0]][0] == row]
        lines = max((len(self.lines[edge.id]) for pair in leaving for edge in pair.edges), default=0)
        following = next((id for id, at in self.spine.items() if at == row + 1), None)
        if following is None:
            return Row(top, boxes, 0.0, 0.0)
        bends = max(len(self.entering(following, side)) for side in (1, -1))
        return Row(top, boxes, LINE * lines + 2 * CLEAR, LEVEL * bends + HEAD)


def _lines(part: PictureNode | PictureEdge) -> Iterator[Line]:
    """Yield the lines of a node's or an edge's label: id and words, then the formula, or the shape."""
    label = part.label
    if isinstance(part, PictureEdge):
        yield from _edge_lines(part)
    elif part.role == "more":
        yield from word_lines(label.words, FORMULA_CHARACTERS)
    elif part.equations:
        yield head_line(part.equations[0], label)
        yield from formula_lines(label, FORMULA_CHARACTERS)
    else:
        yield (name_piece(label, "formula"),)
        yield from word_lines(label.words, FORMULA_CHARACTERS)


def _edge_lines(edge: PictureEdge) -> Iterator[Line]:
    if edge.direction == "forward":
        yield (shape_piece(edge.label),)
    else:
        yield head_line(edge.equations[0], edge.label)
        yield from right_lines(edge.label, COTANGENT_CHARACTERS)


def _wider(known: tuple[float, float] | None, found: tuple[float, float]) -> tuple[float, float]:
    return found if known is None else (max(known[0], found[0]), max(known[1], found[1]))


def _side_by_side(reaches: dict[int, tuple[float, float]]) -> dict[int, Column]:
    found: dict[int, Column] = {}
    edge = 0.0
    for column in sorted(reaches):
        left, right = reaches[column]
        found[column] = Column(edge + GAP + left, left, right)
        edge += GAP + left + right
    return found
