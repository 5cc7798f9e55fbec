"""The page as Unicode text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from symmlp.document.page import Depth, EquationRow, FunctionRow, Page, Section, StepRow
from symmlp.document.writing import Writer
from symmlp.matrix import shape_text
from symmlp.printing.naming import Naming
from symmlp.printing.text import TextStyle


def text_page(page: Page, naming: Naming, depth: Depth) -> str:
    """Return a page as text."""
    return "\n".join(TextPage(page, Writer(TextStyle(naming)), depth).lines()) + "\n"


@dataclass(frozen=True)
class TextPage:
    """Lays a page out in lines."""

    page: Page
    writer: Writer
    depth: Depth

    def lines(self) -> Iterator[str]:
        """Yield the lines of the page."""
        facts = [("Network", self.page.network), *((label, self.writer.prose(fact)) for label, fact in self.page.facts)]
        width = max(len(label) for label, _ in facts)
        yield from (f"{label:<{width}}  {fact}" for label, fact in facts)
        yield from self._symbols()
        yield from self._paths()
        for section in self.page.sections:
            yield from self._section(section)
        if self.page.functions:
            yield from ("", "Functions")
            for function in self.page.functions:
                yield from self._function(function)
        for section in self.page.updates:
            yield from self._section(section)

    def _symbols(self) -> Iterator[str]:
        yield from ("", "Symbols")
        rows = [(self.writer.name(row.name), shape_text(row.shape), row.role) for row in self.page.symbols]
        names, shapes = (max(len(row[at]) for row in rows) for at in (0, 1))
        yield from (f"  {name:<{names}}  {shape:<{shapes}}  {role}" for name, shape, role in rows)
        yield from ("", "Signs")
        signs = [(self.writer.shown(sign), meaning) for sign, meaning in self.page.signs]
        width = max(len(sign) for sign, _ in signs)
        yield from (f"  {sign:<{width}}  {meaning}" for sign, meaning in signs)
        if self.depth == "index":
            yield f"  Indices: {self.writer.prose(self.page.indices)}"

    def _paths(self) -> Iterator[str]:
        yield from ("", "Paths")
        yield from (f"  {self.writer.way(row, ' → ', '…')}; {self.writer.passed(row)}" for row in self.page.paths)

    def _section(self, section: Section) -> Iterator[str]:
        yield from ("", section.title)
        for equation in section.equations:
            yield f"  {equation_line(equation, self.writer)}{self._chain(equation)}"
            yield from (f"      {line}" for line in self._steps(equation))

    def _chain(self, equation: EquationRow) -> str:
        chain = self.writer.prose(equation.chain)
        return f"    [{chain}]" if self.depth == "brief" and chain else ""

    def _steps(self, equation: EquationRow) -> Iterator[str]:
        for step, before, after in self.writer.steps(equation, self.depth):
            if before:
                yield before
            yield f"{step.id}  = {after}    [{self.writer.prose(step.rule)}{proof_text(step)}]"

    def _function(self, function: FunctionRow) -> Iterator[str]:
        for line in function.lines:
            stable = ", stable" if line.is_stable else ""
            yield f"  {self.writer.shown(line.label)}{stable} = {self.writer.shown(line.formula)}"
        yield from (f"    kink: {self.writer.prose(kink)}" for kink in function.kinks)


def equation_line(equation: EquationRow, writer: Writer) -> str:
    """Return an equation on one line, as `B3  ∂L/∂W2 = dZ2ᵀ A1  (2, 4)`."""
    left, right = writer.sides(equation)
    if equation.is_update:
        return f"{equation.id}  {left} ← {right}"
    assumed = f"  assuming that {', '.join(map(writer.prose, equation.assumptions))}" if equation.assumptions else ""
    return f"{equation.id}  {left} = {right}  {shape_text(equation.shape)}{assumed}"


def proof_text(step: StepRow) -> str:
    """Return where a step is proven in index notation: `; see B3.2 to B3.4`."""
    if not step.proof:
        return ""
    return "; see " + " to ".join(dict.fromkeys((step.proof[0], step.proof[-1])))
