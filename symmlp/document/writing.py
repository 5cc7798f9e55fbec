"""Writes the parts of a page in one style: formulas, names, words with mathematics among them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from symmlp.document.page import (
    Depth,
    EquationRow,
    FunctionAt,
    GradientOf,
    Name,
    PathRow,
    Prose,
    Reference,
    Shown,
    StepRow,
)
from symmlp.document.runs import ends_of, runs
from symmlp.matrix import Reduce
from symmlp.printing.formula import FormulaPrinter
from symmlp.printing.style import Style


@dataclass(frozen=True)
class Writer:
    """Prints what a page shows; `math` sets a formula among words, `words` makes text harmless, `link` shows an id."""

    style: Style
    math: Callable[[str], str] = str
    words: Callable[[str], str] = str
    link: Callable[[str], str] = str

    def shown(self, part: Shown, *, entrywise: bool = False) -> str:
        """Return a formula."""
        match part:
            case GradientOf():
                return self._gradient(part)
            case FunctionAt(name, arguments, indices):
                value = self.style.call(name, [self.style.name(each) for each in arguments])
                return self.style.placed(value, indices) if indices else value
            case _:
                return FormulaPrinter(self.style, entrywise=entrywise).formula(part)

    def sides(self, equation: EquationRow) -> tuple[str, str]:
        """Return the two sides of an equation or an update."""
        return self.shown(equation.head), self.shown(equation.value, entrywise=equation.is_update)

    def steps(self, equation: EquationRow, depth: Depth) -> Iterator[tuple[StepRow, str, str]]:
        """Yield each step with what it was applied to, if that has not just been shown, and what came out."""
        last = self.shown(equation.head)
        for step in equation.steps(depth):
            before, after = self.shown(step.before), self.shown(step.after)
            yield step, "" if before == last else before, after
            last = after

    def name(self, array: str) -> str:
        """Return the name of an array."""
        return self.style.name(array)

    def way(self, row: PathRow, arrow: str, dots: str) -> str:
        """Return the arrays of a way, in mathematics."""
        parts = (arrow.join(map(self.name, part)) for part in ends_of(row.arrays))
        return f"{arrow}{dots}{arrow}".join(parts)

    def passed(self, row: PathRow) -> str:
        """Return the equations that a way passes there and back, and where it branches."""
        there, back = self._linked(row.forward), self._linked(row.backward)
        branches = ", ".join(self.math(self.name(name)) for name in row.branches)
        return f"there by {there}, back by {back}" + (f"; read more than once: {branches}" if branches else "")

    def _linked(self, ids: tuple[str, ...]) -> str:
        return ", ".join(" to ".join(map(self.link, run)) for run in runs(ids))

    def prose(self, prose: Prose) -> str:
        """Return words with the mathematics among them."""
        return "".join(map(self._part, prose))

    def _part(self, part: str | Name | Reference | Shown) -> str:
        match part:
            case str():
                return self.words(part)
            case Name(array):
                return self.math(self.name(array))
            case Reference(id):
                return self.link(id)
            case _:
                return self.math(self.shown(part))

    def _gradient(self, part: GradientOf) -> str:
        number = FormulaPrinter(self.style).node(part.of)
        if not isinstance(part.of, Reduce):
            number = self.style.parens(number)
        return self.style.times(self.style.partial("", self.name(part.wrt)), number)
