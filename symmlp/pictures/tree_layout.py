"""The tree's layout: ops stand in one column from the inputs down to the loss, an op's own leaves beside the op before.

So an op's operands are all one row above it. Below every row come first the labels of the edges that leave it, each
under its node, then the bends of these edges on their way into the next op. An edge that skips rows runs in a lane on
the left. Ops being in topological order, any graph fits, and no node, label or edge of a row meets another: of a chain
with leaves a general layered layout makes less.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from symmlp.pictures.geometry import GAP, LINE, TWIN, Box, Point, Route, Sheet, Text, legend, stacked
from symmlp.pictures.record import Picture, PictureEdge, PictureNode
from symmlp.pictures.tree_grid import CLEAR, LEVEL, PORT, Ends, TreeGrid


def tree_layout(picture: Picture) -> Sheet:
    """Return a tree with a place for everything."""
    return _TreeLayout(TreeGrid(picture)).sheet()


@dataclass(frozen=True)
class _TreeLayout:
    grid: TreeGrid

    def sheet(self) -> Sheet:
        columns, rows = self.grid.columns, self.grid.rows
        last = columns[max(columns)]
        height = rows[-1].end + GAP
        told = legend(GAP, height) if self.grid.picture.has_backward else ()
        height += 2 * LINE + GAP if told else 0.0
        width = last.x + last.right + GAP
        return Sheet(self.grid.picture, tuple(self.boxes.values()), tuple(self._routes()), width, height, told)

    @cached_property
    def boxes(self) -> dict[str, Box]:
        """Every node at its place, standing on the lower edge of its row."""
        return {node.id: self._box(node) for node in self.grid.picture.nodes}

    def _box(self, node: PictureNode) -> Box:
        row, column = self.grid.places[node.id]
        width, height = self.grid.sizes[node.id]
        x, bottom = self.grid.columns[column].x, self.grid.rows[row].bottom
        lines = self.grid.lines[node.id]
        texts = stacked(lines, x, bottom - height / 2 - LINE * len(lines) / 2, "middle")
        return Box(node, x - width / 2, bottom - height, width, height, texts)

    def _routes(self) -> Iterator[Route]:
        for ends, pair in self.grid.pairs.items():
            if pair.forward is not None:
                path = self._path(ends, -1)
                yield Route(pair.forward, (path,), self._label(pair.forward, ends, -1))
            if pair.backward is not None:
                path = self._path(ends, 1)
                yield Route(pair.backward, (path[::-1],), self._label(pair.backward, ends, 1))

    def _label(self, edge: PictureEdge, ends: Ends, side: int) -> tuple[Text, ...]:
        """Return the label of an edge, below the row that it leaves: a cotangent's on the right, in a lane the left."""
        side = side if self.grid.column(ends) >= 0 else -side
        x = self.grid.columns[self.grid.column(ends)].x + side * (TWIN + CLEAR)
        top = self.grid.rows[self.grid.places[ends[0]][0]].bottom + CLEAR
        return stacked(self.grid.lines[edge.id], x, top, "end" if side < 0 else "start")

    def _path(self, ends: Ends, side: int) -> tuple[Point, ...]:
        """Return the way from what is read to what reads it, on one side of the middle between the twins."""
        column = self.grid.column(ends)
        shift = side * TWIN if self.grid.picture.has_backward else 0.0
        source, target = self.boxes[ends[0]], self.boxes[ends[1]]
        x = self.grid.columns[column].x
        if column == 0:
            return ((x + shift, source.bottom), (x + shift, target.top))
        number = self.grid.entering(ends[1], 1 if column > 0 else -1).index(ends)
        level = self.grid.rows[self.grid.spine[ends[1]] - 1].bend + LEVEL * (number + 0.5) + shift
        # From the left the twins are mirrored, so that they do not cross in their bends.
        outward = 1 if column > 0 else -1
        port = self.grid.columns[0].x + outward * (PORT * (number + 1) + shift)
        down = ((x + outward * shift, level), (port, level), (port, target.top))
        if column > 0:
            return ((x + shift, source.bottom), *down)
        return (*self._exit(source, ends, x - shift, shift), *down)

    def _exit(self, source: Box, ends: Ends, x: float, shift: float) -> tuple[Point, ...]:
        """Return the way out of a box into a lane; outer lanes leave higher up."""
        leaving = self.grid.leaving(ends[0])
        y = source.bottom - source.height * (leaving.index(ends) + 1) / (len(leaving) + 1) - shift
        return ((source.left, y), (x, y))
