"""A derivation as something to read: text, LaTeX, Markdown, HTML, PDF and JSON of the same page."""

from __future__ import annotations

from collections.abc import Iterator

from symmlp.calculus.functions import ElementFunction, RowFunction
from symmlp.calculus.kinks import Kink
from symmlp.derivation import Equation
from symmlp.document.building import CONVENTION, bare_row, element_lines, kink_prose, row_line, symbols
from symmlp.document.latex import latex_equation
from symmlp.document.notation import Notation
from symmlp.document.page import Depth, Page
from symmlp.document.pdf import pdf
from symmlp.document.printable import PrintableDerivation, derive
from symmlp.document.text import equation_line
from symmlp.document.view import EquationView
from symmlp.document.writing import Writer
from symmlp.printing.latex import LatexStyle
from symmlp.printing.style import Style
from symmlp.printing.text import TextStyle


def equation_text(equation: Equation) -> str:
    """Return an equation on one line, as `B3  ∂L/∂W2 = dZ2ᵀ A1  (3, 16)`."""
    return equation_line(bare_row(equation), Writer(TextStyle()))


def equation_latex(equation: Equation) -> str:
    """Return an equation for a notebook, as mathematics on a line of its own."""
    return f"$${latex_equation(bare_row(equation), Writer(LatexStyle()))}$$"


def kink_text(kink: Kink) -> str:
    """Return a kink as `where x = 0 the slope is any of [0, 1]; taken: 0`."""
    return Writer(TextStyle()).prose(kink_prose(kink))


def function_formulas(name: str, function: ElementFunction | RowFunction, style: Style) -> Iterator[tuple[str, str]]:
    """Yield (name, formula) of a function's definition, its slope, and their stable forms where they differ."""
    writer = Writer(style)
    lines = [row_line(name, function)] if isinstance(function, RowFunction) else element_lines(name, function)
    for line in lines:
        yield writer.shown(line.label) + (", stable" if line.is_stable else ""), writer.shown(line.formula)


__all__ = [
    "CONVENTION",
    "Depth",
    "EquationView",
    "Notation",
    "Page",
    "PrintableDerivation",
    "derive",
    "equation_latex",
    "equation_text",
    "function_formulas",
    "kink_text",
    "pdf",
    "symbols",
]
