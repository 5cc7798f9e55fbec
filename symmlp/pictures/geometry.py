"""Where the parts of a picture stand, in pixels: x to the right, y down; and how wide its texts are at most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from symmlp.pictures.record import Picture, PictureEdge, PictureNode

FONT_SIZE = 13.0
LINE = 17.0
"""Height of a line of text."""

CHARACTER = 0.61 * FONT_SIZE
"""Width of a character: of the usual fixed-width fonts the widest has 0.602 em."""

SIGN = 1.2
"""How much wider a character outside ASCII may be, because another font lends it."""

PADDING = 12.0
GAP = 26.0
TWIN = 5.0
"""How far an array's line and its cotangent's line stand from the middle between them."""

Point = tuple[float, float]
Anchor = Literal["start", "middle", "end"]
Tone = Literal["id", "words", "formula", "shape", "cotangent"]


@dataclass(frozen=True)
class Piece:
    """A run of text in one tone, and its LaTeX if it is mathematics: the first line of a formula has that of all."""

    text: str
    tone: Tone
    latex: str | None = None


Line = tuple[Piece, ...]


@dataclass(frozen=True)
class Text:
    """A line of text at a place: `x` is its start, middle or end, `y` its baseline; `rise` is its height."""

    line: Line
    x: float
    y: float
    anchor: Anchor

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of the text, generously."""
        wide = line_width(self.line)
        left = self.x - {"start": 0.0, "middle": wide / 2, "end": wide}[self.anchor]
        return left, self.y - 0.8 * LINE, left + wide, self.y + 0.25 * LINE


@dataclass(frozen=True)
class Box:
    """A node at its place; a layer of the network is drawn as its units instead of a frame."""

    node: PictureNode
    left: float
    top: float
    width: float
    height: float
    texts: tuple[Text, ...]
    units: tuple[Point, ...] = ()
    gap: Point | None = None

    @property
    def right(self) -> float:
        """The right edge."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """The lower edge."""
        return self.top + self.height

    @property
    def middle(self) -> Point:
        """The centre."""
        return self.left + self.width / 2, self.top + self.height / 2


@dataclass(frozen=True)
class Route:
    """An edge at its place: one path with an arrowhead, or the strands between units, which have none."""

    edge: PictureEdge
    paths: tuple[tuple[Point, ...], ...]
    texts: tuple[Text, ...]
    has_head: bool = True


@dataclass(frozen=True)
class Sheet:
    """A picture with a place for everything; `texts` belong to no part, as a legend."""

    picture: Picture
    boxes: tuple[Box, ...]
    routes: tuple[Route, ...]
    width: float
    height: float
    texts: tuple[Text, ...] = ()


def line_width(line: Line) -> float:
    """Return how wide a line is at most; pieces stand two characters apart."""
    signs = sum(1.0 if character.isascii() else SIGN for piece in line for character in piece.text)
    return CHARACTER * (signs + 2 * max(0, len(line) - 1))


def width_of(lines: Sequence[Line]) -> float:
    """Return the width of the widest line."""
    return max((line_width(line) for line in lines), default=0.0)


def stacked(lines: Sequence[Line], x: float, top: float, anchor: Anchor) -> tuple[Text, ...]:
    """Return lines one below the other."""
    return tuple(Text(line, x, top + LINE * (number + 0.78), anchor) for number, line in enumerate(lines))


def legend(x: float, top: float) -> tuple[Text, ...]:
    """Return the two lines that tell arrays from cotangents."""
    forward: Line = (Piece("──▶", "shape"), Piece("forward: an array and its shape", "shape"))
    backward: Line = (Piece("╌╌▷", "cotangent"), Piece("backward: the cotangent of an array", "cotangent"))
    return stacked((forward, backward), x, top, "start")
