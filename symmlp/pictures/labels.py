"""Labels to text: formulas in any style, and lines of pieces that know their text and their LaTeX."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from dataclasses import dataclass

from symmlp.matrix import shape_text
from symmlp.pictures.geometry import Line, Piece, Tone
from symmlp.pictures.record import Label
from symmlp.printing.formula import FormulaPrinter
from symmlp.printing.latex import LatexStyle
from symmlp.printing.naming import Naming
from symmlp.printing.style import PRODUCT, Style
from symmlp.printing.text import TextStyle


@dataclass(frozen=True)
class LabelPrinter:
    """Prints the formulas of labels in one style, whose names are those of each label."""

    style: Callable[[Naming], Style]

    def name(self, label: Label) -> str:
        """Return what a label's array is called."""
        return self.style(label.naming).name(label.array)

    def head(self, label: Label) -> str:
        """Return the left side of a label's equation: `Z1`, or `∂L/∂Z1` of a cotangent."""
        style = self.style(label.naming)
        return style.partial(style.name("L"), self.name(label)) if label.is_cotangent else self.name(label)

    def right(self, label: Label) -> str:
        """Return the right side of a label's equation with its sign, or an empty text."""
        return "" if label.value is None else f"= {FormulaPrinter(self.style(label.naming)).node(label.value)}"

    def formula(self, label: Label) -> str:
        """Return a label's equation: `Z1 = X W1ᵀ + 1 b1ᵀ`, or just the name."""
        return f"{self.head(label)} {self.right(label)}".rstrip()


class LineStyle(LatexStyle):
    """LaTeX mathematics for a line of text: quotients are written with a slash."""

    def quotient(self, top: str, bottom: str, *, arrays: bool) -> tuple[str, int]:
        """Return a quotient that is as high as its parts."""
        return super().quotient(top, bottom, arrays=arrays) if arrays else (f"{top} / {bottom}", PRODUCT)

    def partial(self, of: str, wrt: str) -> str:
        """Return a partial derivative that is as high as its parts."""
        return rf"\partial {of} / \partial {wrt}"


TEXT, LATEX = LabelPrinter(TextStyle), LabelPrinter(LineStyle)


def head_line(equation: str, label: Label) -> Line:
    """Return the first line of an equation: its id, then what a cotangent is of, or what an op is called."""
    named = name_piece(label, "cotangent") if label.is_cotangent else Piece(label.words, "words")
    return (Piece(equation, "id"), named)


def name_piece(label: Label, tone: Tone) -> Piece:
    """Return the left side of a label's equation."""
    return Piece(TEXT.head(label), tone, LATEX.head(label))


def formula_lines(label: Label, characters: int) -> list[Line]:
    """Return a label's equation in lines of so many characters."""
    return _broken(TEXT.formula(label), LATEX.formula(label), "formula", characters)


def right_lines(label: Label, characters: int) -> list[Line]:
    """Return the right side of a cotangent's equation in lines of so many characters."""
    return _broken(TEXT.right(label), LATEX.right(label), "cotangent", characters)


def word_lines(words: str, characters: int) -> list[Line]:
    """Return words in lines of so many characters."""
    return [(Piece(row, "words"),) for row in textwrap.wrap(words, characters)]


def shape_piece(label: Label) -> Piece:
    """Return the shape of a label's array as Python writes it."""
    return Piece("" if label.shape is None else shape_text(label.shape), "shape")


def _broken(text: str, latex: str, tone: Tone, characters: int, lines: int = 3) -> list[Line]:
    """Return a formula as at most `lines` lines, the last ending in … if something is left out."""
    rows = textwrap.wrap(text, characters, subsequent_indent="  ", max_lines=lines, placeholder=" …")
    return [(Piece(row, tone, "" if number else latex),) for number, row in enumerate(rows)]
