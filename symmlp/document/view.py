"""One equation of a derivation, as notebooks show it."""

from __future__ import annotations

from dataclasses import dataclass

from symmlp.document.html import equation_fragment
from symmlp.document.latex import latex_equation, latex_writer
from symmlp.document.page import EquationRow
from symmlp.document.text import equation_line
from symmlp.document.writing import Writer
from symmlp.printing.naming import Naming
from symmlp.printing.text import TextStyle


@dataclass(frozen=True)
class EquationView:
    """An equation that prints itself: in notebooks as mathematics with its steps, elsewhere on one line."""

    row: EquationRow
    naming: Naming

    def __str__(self) -> str:
        return self.text()

    def text(self) -> str:
        """Return the equation on one line."""
        return equation_line(self.row, Writer(TextStyle(self.naming)))

    def latex(self) -> str:
        """Return the equation in LaTeX, without dollar signs."""
        return latex_equation(self.row, latex_writer(self.naming))

    def _repr_latex_(self) -> str:
        return f"$${self.latex()}$$"

    def _repr_html_(self) -> str:
        return equation_fragment(self.row, self.naming)
