"""Every matrix-level formula of a page, printed in each style, reads back to the number that it stands for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import pytest

from symmlp.derivation import Formula
from symmlp.document import PrintableDerivation
from symmlp.document.page import EquationRow, GradientOf, Page, Shown, StepRow
from symmlp.graph import Layout
from symmlp.matrix import Node, Number, Product, variables
from symmlp.printing.formula import FormulaPrinter
from symmlp.printing.latex import LatexStyle
from symmlp.printing.mathml import MathmlStyle
from symmlp.printing.text import TextStyle
from tests.document.derivations import LAYOUTS, NETWORKS, Functions, derivation_of, functions_of, values_of
from tests.printing import test_latex, test_mathml
from tests.printing.evaluation import Value, evaluate
from tests.printing.reading import read

Worth = Callable[[Formula, dict[str, Value], Functions], Value]


def _as_a_tree(formula: Formula, values: dict[str, Value], functions: Functions) -> Value:
    assert isinstance(formula.content, Node)
    return evaluate(formula.content, values, functions)


def _as_text(formula: Formula, values: dict[str, Value], functions: Functions) -> Value:
    return read(FormulaPrinter(TextStyle()).formula(formula), values, functions)


def _as_latex(formula: Formula, values: dict[str, Value], functions: Functions) -> Value:
    return read(test_latex.plain(FormulaPrinter(LatexStyle()).formula(formula)), values, functions)


def _as_mathml(formula: Formula, values: dict[str, Value], functions: Functions) -> Value:
    return read(test_mathml.plain(FormulaPrinter(MathmlStyle()).formula(formula)), values, functions)


READINGS: dict[str, Worth] = {"text": _as_text, "latex": _as_latex, "mathml": _as_mathml}

CASES = [(name, layout) for name in NETWORKS for layout in LAYOUTS]

TINY = 1e-30
"""The complex step: its square is lost in rounding, so nothing of the derivative is cut off."""


@dataclass(frozen=True)
class Judge:
    """Tells which equations and steps are not worth what they stand for."""

    derivation: PrintableDerivation
    worth: Worth

    def disagreements(self, page: Page) -> list[str]:
        """Return the ids of the wrong equations and steps."""
        values, functions = values_of(self.derivation), functions_of(self.derivation)
        rows = [row for row in page.equations if not row.is_update]
        return [id for row in rows for id in self._wrong(row, values, functions)]

    def _wrong(self, row: EquationRow, values: dict[str, Value], functions: Functions) -> Iterator[str]:
        """Yield the ids of an equation and of its steps that are wrong; terms that are taken apart must add up."""
        whole, added = values[row.target], []
        if not self._agrees(row.value, whole, values, functions):
            yield row.id
        for block in _blocks(row):
            expected = whole
            if block[0].before != row.head:
                last = block[-1].after
                assert isinstance(last, Formula)
                expected = np.broadcast_to(self.worth(last, values, functions), np.shape(whole))
                added.append(expected)
            parts = [(block[0].id, block[0].before)] if block[0].before != row.head else []
            for id, part in (*parts, *((step.id, step.after) for step in block)):
                if not self._agrees(part, expected, values, functions):
                    yield id
        if added and not np.allclose(sum(added), whole, rtol=1e-10, atol=1e-14):
            yield row.id

    def _agrees(self, part: Shown, expected: Value, values: dict[str, Value], functions: Functions) -> bool:
        if isinstance(part, GradientOf):
            return self._slope_agrees(part, expected, values, functions)
        assert isinstance(part, Formula)
        return bool(np.allclose(self.worth(part, values, functions), expected, rtol=1e-10, atol=1e-14))

    def _slope_agrees(self, part: GradientOf, expected: Value, values: dict[str, Value], functions: Functions) -> bool:
        """Return whether the number changes along a direction as ⟨expected, direction⟩ says."""
        direction = np.random.default_rng(7).normal(size=np.shape(values[part.wrt]))
        moved = {**values, part.wrt: values[part.wrt] + 1j * TINY * direction}
        if part.wrt not in variables(part.of):
            moved |= self._readers(part.wrt, moved, functions)
        slope = np.imag(self.worth(Formula(part.of), moved, functions)) / TINY
        return bool(np.isclose(slope, np.sum(expected * direction), rtol=1e-9, atol=1e-13))

    def _readers(self, wrt: str, moved: dict[str, Value], functions: Functions) -> dict[str, Value]:
        """Return what reads the array, moved with it: the chain rule names it without its definition."""
        reading = [equation for equation in self.derivation.forward if wrt in variables(equation.value)]
        return {equation.target: evaluate(equation.value, moved, functions) for equation in reading}


def _blocks(row: EquationRow) -> list[list[StepRow]]:
    """Return the steps in runs, each step of which begins with what the one before has come to."""
    blocks: list[list[StepRow]] = []
    for step in row.matrix_steps:
        if not blocks or blocks[-1][-1].after != step.before:
            blocks.append([])
        blocks[-1].append(step)
    return blocks


@pytest.mark.parametrize(("name", "layout"), CASES)
def test_every_equation_and_step_is_worth_what_it_stands_for(name: str, layout: Layout) -> None:
    derivation = derivation_of(name, layout)
    assert Judge(derivation, _as_a_tree).disagreements(derivation.page()) == []


@pytest.mark.parametrize("style", READINGS)
@pytest.mark.parametrize(("name", "layout"), CASES)
def test_every_printed_formula_is_worth_what_it_stands_for(name: str, layout: Layout, style: str) -> None:
    derivation = derivation_of(name, layout)
    assert Judge(derivation, READINGS[style]).disagreements(derivation.page()) == []


@pytest.mark.parametrize("worth", [_as_a_tree, *READINGS.values()])
def test_a_wrong_formula_is_found(worth: Worth) -> None:
    derivation = derivation_of("classes")
    page = derivation.page()
    broken = replace(
        page, sections=tuple(replace(s, equations=tuple(map(_doubled, s.equations))) for s in page.sections)
    )
    assert Judge(derivation, worth).disagreements(broken) == ["B3", "B3.b"]


def _doubled(row: EquationRow) -> EquationRow:
    """Return the equation of ∂L/∂W2 with its value, and the number in its second step, doubled; others as they are."""
    if row.target != "dW2":
        return row
    first, second, *rest = row.matrix_steps
    assert isinstance(second.after, GradientOf)
    assert isinstance(row.value.content, Node)
    wrong = replace(second, after=GradientOf(_twice(second.after.of), "W2"))
    return replace(row, value=Formula(_twice(row.value.content)), matrix_steps=(first, wrong, *rest))


def _twice(node: Node) -> Node:
    return Product((Number(Fraction(2)), node))
