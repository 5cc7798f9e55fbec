"""The page in LaTeX: aligned equations tagged and labelled with their ids, or a document of its own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from symmlp.document.page import Depth, EquationRow, FunctionRow, Page, Section
from symmlp.document.text import proof_text
from symmlp.document.writing import Writer
from symmlp.matrix import shape_text
from symmlp.printing.latex import LatexStyle
from symmlp.printing.naming import Naming

_SPECIAL = {
    **{"\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "_": r"\_", "%": r"\%"},
    **{"^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}"},
    **{"|": r"\textbar{}", '"': r"\textquotedbl{}", "∂": r"$\partial$", ":=": "$:=$"},
    **{"ε": r"$\varepsilon$", "θ": r"$\theta$", "ᵀ": r"$^{\top}$", "•": r"$\bullet$", "⊗": r"$\otimes$"},
}
_MARKED = re.compile("([A-Za-z]\N{COMBINING DOT ABOVE})")
"""A letter with a tangent's dot."""

WordsAndRow = tuple[str, str]
"""What is said before a row of an alignment, or nothing, and the row."""

PREAMBLE = r"""\documentclass[10pt, fleqn]{article}
\usepackage[a4paper, margin=20mm]{geometry}
\usepackage{amsmath, amssymb, graphicx}
\allowdisplaybreaks
\setlength{\parindent}{0pt}
\setlength{\mathindent}{2em}
\setcounter{secnumdepth}{0}
\newsavebox{\formulabox}
% A formula wider than the page is scaled down to it.
\newcommand{\fitted}[1]{\sbox{\formulabox}{$\displaystyle #1$}%
  \ifdim\wd\formulabox>0.82\linewidth\resizebox{0.82\linewidth}{!}{\usebox{\formulabox}}\else\usebox{\formulabox}\fi}
\newcommand{\rulename}[1]{\raggedright\small #1}
\begin{document}
\abovedisplayskip=4pt \belowdisplayskip=4pt \abovedisplayshortskip=4pt \belowdisplayshortskip=4pt
\raggedbottom"""


def latex_page(page: Page, naming: Naming, depth: Depth, *, comment: bool = True) -> str:
    """Return the equations of a page, with their steps, for a document that loads amsmath."""
    lines = LatexPage(page, latex_writer(naming), depth).equations()
    return "\n".join(["% needs amsmath and amssymb", *lines] if comment else lines) + "\n"


def latex_document(page: Page, naming: Naming, depth: Depth) -> str:
    """Return a page as a whole document: convention, symbols, paths, equations, functions."""
    lines = LatexPage(page, latex_writer(naming), depth, fit=True).document()
    return "\n".join([PREAMBLE, *lines, r"\end{document}"]) + "\n"


def latex_writer(naming: Naming) -> Writer:
    """Return the writer of LaTeX."""
    return Writer(LatexStyle(naming), math=lambda formula: f"${formula}$", words=escaped)


def escaped(text: str) -> str:
    r"""Return words with the characters that LaTeX reads as commands made harmless.

    >>> print(escaped("50% of leaky_relu"))
    50\% of leaky\_relu
    """
    marked = _MARKED.split(text)
    return "".join(
        rf"$\dot{{{part[0]}}}$" if place % 2 else "".join(_SPECIAL.get(character, character) for character in part)
        for place, part in enumerate(marked)
    )


def typewriter(text: str) -> str:
    r"""Return ASCII text in typewriter letters, which have every character; signs are given by their numbers.

    >>> print(typewriter("4 -> 2"))
    \texttt{4 \char45{}\char62{} 2}
    """
    shown = (letter if letter.isalnum() or letter == " " else rf"\char{ord(letter)}{{}}" for letter in text)
    return rf"\texttt{{{''.join(shown)}}}"


def latex_equation(equation: EquationRow, writer: Writer) -> str:
    """Return an equation on a line, without dollar signs."""
    left, sign, right = latex_sides(equation, writer)
    return f"{left} {sign} {right}"


def latex_sides(equation: EquationRow, writer: Writer) -> tuple[str, str, str]:
    """Return the left side of an equation, its sign and its right side."""
    left, right = writer.sides(equation)
    return left, r"\leftarrow" if equation.is_update else "=", right


@dataclass(frozen=True)
class LatexPage:
    """Lays a page out in LaTeX; with `fit`, formulas wider than the line are scaled down."""

    page: Page
    writer: Writer
    depth: Depth
    fit: bool = False

    def equations(self) -> Iterator[str]:
        """Yield the equations, then the steps of each, then the functions and the updates."""
        chosen = [equation for section in self.page.sections for equation in section.equations]
        yield from self._aligned(chosen)
        for equation in chosen:
            yield from self._steps(equation)
        yield from self._definitions()
        for section in self.page.updates:
            yield from self._aligned(section.equations)

    def document(self) -> Iterator[str]:
        """Yield the body of a document."""
        yield r"\section{Derivation}"
        yield rf"\rulename{{{typewriter(self.page.network)}}}\par"
        yield from (rf"\rulename{{{label}: {self.writer.prose(fact)}.}}\par" for label, fact in self.page.facts)
        yield from self._symbols()
        yield from self._paths()
        for section in self.page.sections:
            yield from self._section(section)
        if self.page.functions:
            yield r"\section{Functions}"
            yield from self._definitions()
        for section in self.page.updates:
            yield rf"\section{{{escaped(section.title)}}}"
            yield from self._aligned(section.equations)

    def _symbols(self) -> Iterator[str]:
        rows = [
            f"${self.writer.name(row.name)}$ & {shape_text(row.shape)} & {escaped(row.role)}"
            for row in self.page.symbols
        ]
        yield from _table("Symbols", "lll", rows)
        signs = [f"${self.writer.shown(sign)}$ & {escaped(meaning)}" for sign, meaning in self.page.signs]
        yield from _table("Signs", "ll", signs)
        if self.depth == "index":
            yield rf"\rulename{{Indices: {self.writer.prose(self.page.indices)}.}}\par"

    def _paths(self) -> Iterator[str]:
        yield r"\section{Paths}"
        for row in self.page.paths:
            way = self.writer.way(row, r" \to ", r"\dots")
            yield rf"\rulename{{${way}$; {self.writer.passed(row)}.}}\par"

    def _section(self, section: Section) -> Iterator[str]:
        yield rf"\section{{{escaped(section.title)}}}"
        if self.depth in ("none", "brief"):
            yield from self._aligned(section.equations)
            return
        for equation in section.equations:
            yield from self._aligned([equation])
            yield from self._steps(equation)

    def _aligned(self, equations: Iterable[EquationRow]) -> Iterator[str]:
        yield from self._align([(self._words(equation), self._row(equation)) for equation in equations])

    def _row(self, equation: EquationRow) -> str:
        left, sign, value = latex_sides(equation, self.writer)
        label = "" if equation.is_update else rf" \label{{eq:{equation.id}}}"
        return rf"{left} &{sign} {self._fitted(value)} \tag{{{equation.id}}}{label}"

    def _words(self, equation: EquationRow) -> str:
        """Return what is said before an equation: its chain, its assumptions."""
        assumed = [f"assuming that {self.writer.prose(each)}" for each in equation.assumptions]
        chain = [self.writer.prose(equation.chain)] if self.depth == "brief" and equation.chain else []
        return "; ".join([*chain, *assumed])

    def _steps(self, equation: EquationRow) -> Iterator[str]:
        rows: list[WordsAndRow] = []
        for step, before, after in self.writer.steps(equation, self.depth):
            if before:
                rows.append(("", rf"& {self._fitted(before)} \notag"))
            rule = self.writer.prose(step.rule) + escaped(proof_text(step))
            rows.append((rule, rf"&= {self._fitted(after)} \tag{{{step.id}}} \label{{eq:{step.id}}}"))
        yield from self._align(rows)

    def _definitions(self) -> Iterator[str]:
        rows = [row for function in self.page.functions for row in self._function(function)]
        yield from self._align(rows, "align*")

    def _function(self, function: FunctionRow) -> Iterator[WordsAndRow]:
        for line in function.lines:
            label, formula = self.writer.shown(line.label), self.writer.shown(line.formula)
            yield "stable form" if line.is_stable else "", f"& {self._fitted(f'{label} = {formula}')}"
        for kink in function.kinks:
            told = rf"\text{{kink: {self.writer.prose(kink)}}}"
            yield "", f"& {self._fitted(told)}"

    def _align(self, rows: Sequence[WordsAndRow], environment: str = "align") -> Iterator[str]:
        """Yield an environment of rows; words before the first row stand above it."""
        if not rows:
            return
        if rows[0][0]:
            yield self._said(rows[0][0]) + r"\par"
        yield rf"\begin{{{environment}}}"
        for place, (words, row) in enumerate(rows, start=1):
            if words and place > 1:
                yield rf"  \intertext{{{self._said(words)}}}"
            yield "  " + row + (r" \\" if place < len(rows) else "")
        yield rf"\end{{{environment}}}"

    def _said(self, words: str) -> str:
        return rf"\rulename{{{words}}}" if self.fit else words

    def _fitted(self, formula: str) -> str:
        return rf"\fitted{{{formula}}}" if self.fit else formula


def _table(title: str, columns: str, rows: Iterable[str]) -> Iterator[str]:
    yield rf"\section{{{title}}}"
    yield rf"\begin{{tabular}}{{{columns}}}"
    yield from (rf"  {row} \\" for row in rows)
    yield r"\end{tabular}\par"
