"""The page in Markdown, formulas between dollar signs, as GitHub, Jupyter and Pandoc read it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from symmlp.document.page import Depth, EquationRow, FunctionRow, Page
from symmlp.document.text import proof_text
from symmlp.document.writing import Writer
from symmlp.matrix import shape_text
from symmlp.printing.latex import LatexStyle
from symmlp.printing.naming import Naming

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|$])")


def markdown_page(page: Page, naming: Naming, depth: Depth) -> str:
    """Return a page in Markdown."""
    writer = Writer(LatexStyle(naming), math=lambda formula: f"${formula}$", words=escaped)
    return "\n".join(MarkdownPage(page, writer, depth).lines()) + "\n"


def escaped(text: str) -> str:
    r"""Return words with the characters that Markdown reads as marks made harmless.

    >>> print(escaped("leaky_relu"))
    leaky\_relu
    """
    return _SPECIAL.sub(r"\\\1", text)


@dataclass(frozen=True)
class MarkdownPage:
    """Lays a page out in Markdown."""

    page: Page
    writer: Writer
    depth: Depth

    def lines(self) -> Iterator[str]:
        """Yield the lines of the page."""
        yield from ("# Derivation", "", f"`{self.page.network}`", "")
        yield from (f"- {label}: {self.writer.prose(fact)}" for label, fact in self.page.facts)
        yield from self._symbols()
        yield from self._paths()
        for section in (*self.page.sections, *self.page.updates):
            yield from ("", f"## {escaped(section.title)}")
            for equation in section.equations:
                yield from self._equation(equation)
        if self.page.functions:
            yield from ("", "## Functions")
            for function in self.page.functions:
                yield from self._function(function)

    def _symbols(self) -> Iterator[str]:
        yield from ("", "## Symbols", "", "| symbol | shape | role |", "|---|---|---|")
        for row in self.page.symbols:
            yield f"| ${self.writer.name(row.name)}$ | {shape_text(row.shape)} | {row.role} |"
        yield from ("", "| sign | meaning |", "|---|---|")
        yield from (f"| ${self.writer.shown(sign)}$ | {escaped(meaning)} |" for sign, meaning in self.page.signs)
        if self.depth == "index":
            yield from ("", f"Indices: {self.writer.prose(self.page.indices)}")

    def _paths(self) -> Iterator[str]:
        yield from ("", "## Paths", "")
        for row in self.page.paths:
            way = self.writer.way(row, r" \to ", r"\dots")
            yield f"- ${way}$; {self.writer.passed(row)}"

    def _equation(self, equation: EquationRow) -> Iterator[str]:
        left, right = self.writer.sides(equation)
        assumed = "".join(f", assuming that {self.writer.prose(each)}" for each in equation.assumptions)
        chain = f": {self.writer.prose(equation.chain)}" if self.depth == "brief" and equation.chain else ""
        shape = "" if equation.is_update else f" {shape_text(equation.shape)}"
        yield from ("", f"**{equation.id}**{shape}{assumed}{chain}")
        sign = r"\leftarrow" if equation.is_update else "="
        yield from _display(rf"{left} {sign} {right} \tag{{{equation.id}}}")
        yield from self._steps(equation)

    def _steps(self, equation: EquationRow) -> Iterator[str]:
        for step, before, after in self.writer.steps(equation, self.depth):
            yield from ("", f"*{step.id}* {self.writer.prose(step.rule)}{proof_text(step)}")
            yield from _display(rf"{before} = {after} \tag{{{step.id}}}".lstrip())

    def _function(self, function: FunctionRow) -> Iterator[str]:
        for line in function.lines:
            if line.is_stable:
                yield from ("", "Stable form:")
            yield from _display(f"{self.writer.shown(line.label)} = {self.writer.shown(line.formula)}")
        for kink in function.kinks:
            yield from ("", f"Kink: {self.writer.prose(kink)}")


def _display(formula: str) -> list[str]:
    return ["", "$$", formula, "$$"]
