"""The page in HTML with MathML: one file that needs no network and no script."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from html import escape

from symmlp.document.page import Depth, EquationRow, FunctionRow, Page, PathRow, Prose, Section
from symmlp.document.text import proof_text
from symmlp.document.writing import Writer
from symmlp.matrix import shape_text
from symmlp.printing.mathml import MathmlStyle
from symmlp.printing.naming import Naming
from symmlp.printing.width import width
from symmlp.templating import filled

PRINTED_LETTERS = 80
"""Letters of a formula that fit on a line of paper."""


@dataclass(frozen=True)
class StepMarkup:
    """A step: its rule in words, and what it was applied to if that has not just been shown."""

    id: str
    rule: str
    before: str
    after: str


@dataclass(frozen=True)
class EquationMarkup:
    """An equation and its steps; `anchor` is unique on the page, or empty for what is not linked to."""

    id: str
    anchor: str
    formula: str
    shape: str
    assumptions: tuple[str, ...]
    chain: str
    steps: tuple[StepMarkup, ...]


@dataclass(frozen=True)
class SectionMarkup:
    """Equations under a title."""

    title: str
    equations: tuple[EquationMarkup, ...]


@dataclass(frozen=True)
class FunctionMarkup:
    """A function: (words before the formula, the formula) of each line, and its kinks."""

    lines: tuple[tuple[str, str], ...]
    kinks: tuple[str, ...]


@dataclass(frozen=True)
class PathMarkup:
    """A way through the graph: the arrays as mathematics, the equations as links."""

    arrays: str
    passed: str


@dataclass(frozen=True)
class HtmlContext:
    """Everything that the templates of a page use. Of text fields only `network` comes from the user."""

    network: str
    facts: tuple[tuple[str, str], ...]
    symbols: tuple[tuple[str, str, str], ...]
    signs: tuple[tuple[str, str], ...]
    indices: str
    paths: tuple[PathMarkup, ...]
    sections: tuple[SectionMarkup, ...]
    functions: tuple[FunctionMarkup, ...]
    updates: tuple[SectionMarkup, ...]


def html_page(page: Page, naming: Naming, depth: Depth) -> str:
    """Return a page as a whole file."""
    return _filled("html/derivation.html.j2", html_context(page, naming, depth))


def html_fragment(page: Page, naming: Naming, depth: Depth) -> str:
    """Return a page as an element, for notebooks: it takes its colours from where it stands."""
    return _filled("html/fragment.html.j2", html_context(page, naming, depth))


def equation_fragment(equation: EquationRow, naming: Naming) -> str:
    """Return one equation with its matrix-level steps as an element."""
    markup = HtmlWriter(mathml_writer(naming), "full").equation(equation, anchored=False)
    return filled("html/equation.html.j2", {"equation": markup})


def html_context(page: Page, naming: Naming, depth: Depth) -> HtmlContext:
    """Return what the templates print."""
    known = {each for equation in page.equations for each in _anchors(equation, depth)}
    writer = HtmlWriter(mathml_writer(naming, known), depth)
    return HtmlContext(
        network=page.network,
        facts=tuple((label, writer.prose(fact)) for label, fact in page.facts),
        symbols=tuple((writer.math(writer.writer.name(s.name)), shape_text(s.shape), s.role) for s in page.symbols),
        signs=tuple((writer.math(writer.writer.shown(sign)), meaning) for sign, meaning in page.signs),
        indices=writer.prose(page.indices) if depth == "index" else "",
        paths=tuple(map(writer.path, page.paths)),
        sections=tuple(map(writer.section, page.sections)),
        functions=tuple(map(writer.function, page.functions)),
        updates=tuple(map(writer.section, page.updates)),
    )


def mathml_writer(naming: Naming, anchors: Iterable[str] = ()) -> Writer:
    """Return the writer of MathML; ids among `anchors` become links."""
    known = frozenset(anchors)

    def link(id: str) -> str:
        return f'<a href="#{id}">{id}</a>' if id in known else id

    return Writer(MathmlStyle(naming), math=inline, words=escape, link=link)


def inline(formula: str) -> str:
    """Return a formula as an element among words."""
    return f"<math>{formula}</math>"


def display(formula: str) -> str:
    """Return a formula as an element on a line of its own; `--fit` is how much smaller paper needs it."""
    letters = width(formula)
    fit = f' style="--fit: {PRINTED_LETTERS / letters:.2f}"' if letters > PRINTED_LETTERS else ""
    return f'<math display="block"{fit}>{formula}</math>'


def _anchors(equation: EquationRow, depth: Depth) -> Iterator[str]:
    if not equation.is_update:
        yield equation.id
        yield from (step.id for step in equation.steps(depth))


def _filled(name: str, context: HtmlContext) -> str:
    return filled(name, {field.name: getattr(context, field.name) for field in fields(context)})


@dataclass(frozen=True)
class HtmlWriter:
    """Turns the rows of a page into markup."""

    writer: Writer
    depth: Depth

    def math(self, formula: str) -> str:
        """Return a formula among words."""
        return self.writer.math(formula)

    def prose(self, prose: Prose) -> str:
        """Return words with mathematics among them."""
        return self.writer.prose(prose)

    def path(self, row: PathRow) -> PathMarkup:
        """Return a way through the graph."""
        return PathMarkup(self.math(self.writer.way(row, "<mo>→</mo>", "<mo>…</mo>")), self.writer.passed(row))

    def section(self, section: Section) -> SectionMarkup:
        """Return a section."""
        return SectionMarkup(section.title, tuple(map(self.equation, section.equations)))

    def equation(self, equation: EquationRow, *, anchored: bool = True) -> EquationMarkup:
        """Return an equation with the steps of the page's depth."""
        left, right = self.writer.sides(equation)
        return EquationMarkup(
            id=equation.id,
            anchor=equation.id if anchored and not equation.is_update else "",
            formula=display(f"{left}<mo>{'←' if equation.is_update else '='}</mo>{right}"),
            shape="" if equation.is_update else shape_text(equation.shape),
            assumptions=tuple(map(self.writer.prose, equation.assumptions)),
            chain=self.writer.prose(equation.chain) if self.depth == "brief" else "",
            steps=tuple(self._steps(equation)),
        )

    def _steps(self, equation: EquationRow) -> Iterator[StepMarkup]:
        for step, before, after in self.writer.steps(equation, self.depth):
            rule = self.writer.prose(step.rule) + escape(proof_text(step))
            start = display(before) if before else ""
            yield StepMarkup(step.id, rule, start, display(f"<mo>=</mo>{after}"))

    def function(self, function: FunctionRow) -> FunctionMarkup:
        """Return a function's definition, slope, stable forms and kinks."""
        lines = tuple(
            (
                "stable form" if line.is_stable else "",
                display(f"{self.writer.shown(line.label)}<mo>=</mo>{self.writer.shown(line.formula)}"),
            )
            for line in function.lines
        )
        return FunctionMarkup(lines, tuple(map(self.writer.prose, function.kinks)))
