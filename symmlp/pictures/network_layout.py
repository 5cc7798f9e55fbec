"""The network's layout: layers from left to right, the units of a layer one below the other.

From the top: lanes for edges that skip layers, what each layer computes, the weights, the units, their number, the
cotangents that pass back from layer to layer, and those that stay in a layer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise, product

from symmlp.pictures.geometry import GAP, LINE, PADDING, TWIN, Box, Line, Piece, Point, Route, Sheet, stacked, width_of
from symmlp.pictures.labels import formula_lines, head_line, name_piece, shape_piece, word_lines
from symmlp.pictures.lanes import lanes
from symmlp.pictures.record import Picture, PictureEdge, PictureNode

UNITS_IN_FULL = 8
"""A layer of so many units is drawn completely; of a wider one the first and last few."""

FIRST_UNITS, LAST_UNITS = 5, 2
UNIT_PITCH = 28.0
UNIT_RADIUS = 10.0
LEAST_PITCH = 104.0
LANE = 2 * LINE
FORMULA_CHARACTERS = 26
WORD_CHARACTERS = 8
CLEAR = 6.0


def network_layout(picture: Picture) -> Sheet:
    """Return a network with a place for everything."""
    return _NetworkLayout(picture).sheet()


@dataclass(frozen=True)
class _NetworkLayout:
    picture: Picture

    def sheet(self) -> Sheet:
        last = self.picture.nodes[-1].id
        width = self.columns[last] + self._wide(self.picture.nodes[-1]) / 2 + GAP
        routes = tuple(self._route(edge) for edge in self.picture.edges)
        kept = max((len(self._cotangents(node)) for node in self.picture.nodes), default=0)
        height = self.back + (LINE + 3 * CLEAR if self.picture.has_backward else 0.0) + kept * LINE + GAP
        return Sheet(self.picture, tuple(self.boxes.values()), routes, width, height)

    @cached_property
    def numbers(self) -> dict[str, int]:
        """The place of every node, from the left."""
        return {node.id: number for number, node in enumerate(self.picture.nodes)}

    @cached_property
    def columns(self) -> dict[str, float]:
        """The middle of every node, from the left."""
        found = {self.picture.nodes[0].id: GAP + self._wide(self.picture.nodes[0]) / 2}
        for before, node in pairwise(self.picture.nodes):
            apart = (self._wide(before) + self._wide(node)) / 2 + GAP
            labels = [width_of(self._label(edge)) + GAP for edge in self._between(before, node)]
            found[node.id] = found[before.id] + max(LEAST_PITCH, apart, *labels)
        return found

    def _between(self, first: PictureNode, second: PictureNode) -> list[PictureEdge]:
        return [edge for edge in self.picture.edges if {edge.source, edge.target} == {first.id, second.id}]

    def _wide(self, node: PictureNode) -> float:
        if is_framed(node):
            return width_of(self._framed(node)) + 2 * PADDING
        return width_of([*self._header(node), *self._cotangents(node), _units(node)])

    def _framed(self, node: PictureNode) -> list[Line]:
        lines = [] if node.parts else word_lines(node.label.words, WORD_CHARACTERS)
        for part in node.parts:
            lines += [head_line(part.equation, part.label), *formula_lines(part.label, FORMULA_CHARACTERS)]
        return lines

    def _header(self, node: PictureNode) -> list[Line]:
        """Return what stands above a layer: its name, its equations, what it gives."""
        computed = [head_line(part.equation, part.label) for part in node.parts if not part.label.is_cotangent]
        given = (name_piece(node.label, "formula"), shape_piece(node.label))
        return [*word_lines(node.label.words, FORMULA_CHARACTERS), *computed, given]

    def _cotangents(self, node: PictureNode) -> list[Line]:
        """Return the cotangents that stay in a layer."""
        return [head_line(part.equation, part.label) for part in node.parts if part.label.is_cotangent]

    def _label(self, edge: PictureEdge) -> list[Line]:
        if edge.direction == "backward":
            return [head_line(edge.equations[0], edge.label)]
        if edge.is_dense:
            return [(name_piece(edge.label, "formula"), shape_piece(edge.label))]
        return [] if self._is_adjacent(edge) else [(name_piece(edge.label, "formula"),)]

    @cached_property
    def lanes(self) -> dict[str, int]:
        """The lane of every edge that skips layers; the innermost, 0, is the lowest."""
        skips = [edge for edge in self.picture.edges if not self._is_adjacent(edge)]
        spans = [(min(ends), max(ends)) for ends in (self._ends(edge) for edge in skips)]
        return {edge.id: lane for edge, lane in zip(skips, lanes(spans), strict=True)}

    def _ends(self, edge: PictureEdge) -> tuple[int, int]:
        return self.numbers[edge.source], self.numbers[edge.target]

    def _is_adjacent(self, edge: PictureEdge) -> bool:
        source, target = self._ends(edge)
        return abs(source - target) == 1

    @property
    def head(self) -> float:
        """Where the lanes end and the headers begin."""
        return GAP + LANE * (1 + max(self.lanes.values(), default=-1))

    @property
    def weights(self) -> float:
        """Where the headers end and the weights' labels begin."""
        return self.head + LINE * max(len(self._header(node)) for node in self.picture.nodes if not is_framed(node))

    @property
    def top(self) -> float:
        """Where the units begin."""
        return self.weights + LINE + 2 * CLEAR

    @property
    def bottom(self) -> float:
        """Where the units end."""
        return self.top + max(self._tall(node) for node in self.picture.nodes)

    @property
    def back(self) -> float:
        """Where the numbers of units end and the cotangents begin."""
        return self.bottom + LINE + CLEAR

    def _tall(self, node: PictureNode) -> float:
        return LINE * len(self._framed(node)) + PADDING if is_framed(node) else UNIT_PITCH * len(slots(node.units))

    @cached_property
    def boxes(self) -> dict[str, Box]:
        """Every node at its place."""
        return {node.id: self._frame(node) if is_framed(node) else self._layer(node) for node in self.picture.nodes}

    def _frame(self, node: PictureNode) -> Box:
        lines, width, height = self._framed(node), self._wide(node), self._tall(node)
        x, middle = self.columns[node.id], (self.top + self.bottom) / 2
        texts = stacked(lines, x, middle - LINE * len(lines) / 2, "middle")
        return Box(node, x - width / 2, middle - height / 2, width, height, texts)

    def _layer(self, node: PictureNode) -> Box:
        x, height = self.columns[node.id], self._tall(node)
        top = (self.top + self.bottom - height) / 2
        places = {slot: (x, top + UNIT_PITCH * (number + 0.5)) for number, slot in enumerate(slots(node.units))}
        units = tuple(place for slot, place in places.items() if slot is not None)
        header = self._header(node)
        texts = (
            *stacked(header, x, self.weights - LINE * len(header), "middle"),
            *stacked([_units(node)], x, self.bottom, "middle"),
            *stacked(self._cotangents(node), x, self.back + LINE + 3 * CLEAR, "middle"),
        )
        gap = places.get(None)
        return Box(node, x - UNIT_RADIUS, top, 2 * UNIT_RADIUS, height, texts, units, gap)

    def _route(self, edge: PictureEdge) -> Route:
        if edge.id in self.lanes:
            return self._skip(edge)
        if edge.direction == "backward":
            return self._passed_back(edge)
        x = (self.columns[edge.source] + self.columns[edge.target]) / 2
        texts = stacked(self._label(edge), x, self.weights + CLEAR, "middle")
        return Route(edge, tuple(self._strands(edge)), texts, has_head=False)

    def _strands(self, edge: PictureEdge) -> Iterator[tuple[Point, ...]]:
        """Yield a line from every unit to every unit that it meets: all, or the one of its number."""
        sources, targets = _ports(self.boxes[edge.source], 1), _ports(self.boxes[edge.target], -1)
        for (number, start), (other, end) in product(sources, targets):
            if edge.is_dense or None in (number, other) or number == other:
                yield start, end

    def _passed_back(self, edge: PictureEdge) -> Route:
        y = self.back + LINE / 4
        source, target = self.columns[edge.source], self.columns[edge.target]
        inset = CLEAR if source > target else -CLEAR
        texts = stacked(self._label(edge), (source + target) / 2, y + CLEAR, "middle")
        return Route(edge, (((source - inset, y), (target + inset, y)),), texts)

    def _crown(self, id: str) -> float:
        """Return where a lane meets a layer: above its header."""
        node = self.picture.nodes[self.numbers[id]]
        return self.boxes[id].top if is_framed(node) else self.weights - LINE * len(self._header(node)) - CLEAR

    def _skip(self, edge: PictureEdge) -> Route:
        # A cotangent's lane lies outside its array's, so its ends do, too.
        shift = TWIN if self.numbers[edge.source] < self.numbers[edge.target] else -TWIN
        outward = -shift if edge.direction == "backward" else shift
        source, target = self.columns[edge.source] + outward, self.columns[edge.target] - outward
        y = self.head - CLEAR - LANE * (self.lanes[edge.id] + 0.5)
        path = ((source, self._crown(edge.source)), (source, y), (target, y), (target, self._crown(edge.target)))
        return Route(edge, (path,), stacked(self._label(edge), (source + target) / 2, y - LINE - 2, "middle"))


def is_framed(node: PictureNode) -> bool:
    """Tell whether a node is drawn as a frame: it has no units."""
    return node.units == 0


def slots(units: int) -> list[int | None]:
    """Return the numbers of the units that are drawn, with None where some are left out.

    >>> slots(3), slots(16)
    ([1, 2, 3], [1, 2, 3, 4, 5, None, 15, 16])
    """
    if units <= UNITS_IN_FULL:
        return list(range(1, units + 1))
    return [*range(1, FIRST_UNITS + 1), None, *range(units - LAST_UNITS + 1, units + 1)]


def _units(node: PictureNode) -> Line:
    return (Piece("1 unit" if node.units == 1 else f"{node.units:,} units", "words"),)


def _ports(box: Box, side: int) -> list[tuple[int | None, Point]]:
    """Return where lines meet a box on its right (1) or its left (-1), and the number of the unit there."""
    if not box.units:
        return [(None, (box.right if side > 0 else box.left, box.middle[1]))]
    numbers = [slot for slot in slots(box.node.units) if slot is not None]
    return [(number, (x + side * UNIT_RADIUS, y)) for number, (x, y) in zip(numbers, box.units, strict=True)]
