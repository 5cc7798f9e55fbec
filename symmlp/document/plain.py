"""The page as plain data, for JSON; docs/derivation.schema.json describes it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from symmlp.document.building import CONVENTION
from symmlp.document.html import mathml_writer
from symmlp.document.latex import latex_equation, latex_writer
from symmlp.document.page import EquationRow, FunctionRow, Page, Section, Shown, StepRow
from symmlp.document.text import equation_line
from symmlp.document.writing import Writer
from symmlp.printing.naming import Naming
from symmlp.printing.text import TextStyle


def plain_page(page: Page, naming: Naming, notation: Mapping[str, str]) -> dict[str, Any]:
    """Return a page as dictionaries, lists, texts and numbers."""
    writers = _Writers(Writer(TextStyle(naming)), latex_writer(naming), mathml_writer(naming))
    return {
        "spec": page.spec,
        "layout": page.layout,
        "convention": CONVENTION,
        "notation": dict(notation),
        "symbols": [
            {"name": row.name, "shown": writers.text.name(row.name), "shape": list(row.shape), "role": row.role}
            for row in page.symbols
        ],
        "functions": [writers.function(function) for function in page.functions],
        "paths": [
            {
                "parameter": row.parameter,
                "arrays": list(row.arrays),
                "forward": list(row.forward),
                "backward": list(row.backward),
                "branches": list(row.branches),
            }
            for row in page.paths
        ],
        "equations": [
            *(writers.equation(each) for section in page.sections for each in section.equations),
            *(writers.equation(each, _optimizer(section)) for section in page.updates for each in section.equations),
        ],
    }


def _optimizer(section: Section) -> str:
    return section.title.removeprefix("Update: ")


@dataclass(frozen=True)
class _Writers:
    text: Writer
    latex: Writer
    mathml: Writer

    def equation(self, equation: EquationRow, optimizer: str | None = None) -> dict[str, Any]:
        left, right = self.mathml.sides(equation)
        return {
            "id": equation.id,
            "kind": equation.kind,
            "target": equation.target,
            "text": equation_line(equation, self.text).removeprefix(f"{equation.id}  "),
            "latex": latex_equation(equation, self.latex),
            "mathml": f"{left}<mo>{'←' if equation.is_update else '='}</mo>{right}",
            "shape": list(equation.shape),
            "assumptions": [self.text.prose(each) for each in equation.assumptions],
            "chain": self.text.prose(equation.chain),
            "matrix_steps": [self.step(step) | {"proof": list(step.proof)} for step in equation.matrix_steps],
            "steps": [self.step(step) for step in equation.index_steps],
        } | ({} if optimizer is None else {"optimizer": optimizer})

    def step(self, step: StepRow) -> dict[str, Any]:
        return {
            "id": step.id,
            "rule": self.text.prose(step.rule),
            **self._shown("before", step.before),
            **self._shown("after", step.after),
        }

    def _shown(self, key: str, part: Shown) -> dict[str, str]:
        return {key: self.text.shown(part), f"{key}_latex": self.latex.shown(part)}

    def function(self, function: FunctionRow) -> dict[str, Any]:
        labels: Iterable[tuple[str, str]] = (
            (self.text.shown(line.label) + (", stable" if line.is_stable else ""), self.text.shown(line.formula))
            for line in function.lines
        )
        return {
            "name": function.name,
            "formulas": dict(labels),
            "kinks": [self.text.prose(kink) for kink in function.kinks],
        }
