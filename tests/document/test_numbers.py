"""Every formula that a document prints, read back from the document itself, is the number that the module computes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from symmlp.document import PrintableDerivation
from symmlp.generation import generate
from symmlp.pictures import picture
from symmlp.reporting import report
from tests.document.derivations import NETWORKS, derivation_of, functions_of
from tests.generated_modules import batch, executed
from tests.printing import test_latex, test_mathml
from tests.printing.evaluation import Value
from tests.printing.reading import read
from tests.ties import ID

Formulas = dict[str, str]
"""Right sides by id, in the notation of the reader."""


@cache
def module_numbers(name: str, broken: tuple[str, str] = ("", "")) -> dict[str, Value]:
    """Return every array that the generated module computes on its way to the gradient, by name.

    `broken` is a piece of the module's text and what is written instead.
    """
    source = generate(NETWORKS[name])
    assert broken[0] in source
    spied, count = re.subn(r"return L, pack\(.*\)", "return locals()", source.replace(*broken, 1), count=1)
    assert count == 1
    module = executed(spied)
    theta = np.random.default_rng(3).uniform(0.3, 0.9, size=module.N_PARAMS)
    X, Y = batch(NETWORKS[name], 5)
    masks = [module.draw_masks(np.random.default_rng(4), 5)] if hasattr(module, "draw_masks") else []
    found: dict[str, Value] = module._loss_and_grad(theta, X, module.as_targets(Y, 5), None, *masks)
    return {**module.unpack(theta)._asdict(), **{name: value for name, value in found.items() if name != "parameters"}}


def from_text(derivation: PrintableDerivation, ids: str = ID) -> Formulas:
    """Read the Unicode text."""
    found = re.findall(rf"^  ({ids})  .*? = (.*)  \([^()]*\)(?:  assuming .*)?$", derivation.text(), re.MULTILINE)
    return dict(found)


def from_tags(text: str, ids: str = ID) -> Formulas:
    """Read LaTeX or Markdown."""
    rows = re.findall(rf"^ *.*? &?= (.*?) \\tag\{{({ids})\}}", text, re.MULTILINE)
    return {id: test_latex.plain(formula) for formula, id in rows}


def from_page(text: str, ids: str = ID) -> Formulas:
    """Read the MathML of a page of HTML: the first formula after an id."""
    rows = re.findall(rf'<div class="equation" id="({ids})">.*?<math[^>]*>(.*?)</math>', text, re.DOTALL)
    return {id: _right(formula) for id, formula in rows}


def _right(mathml: str) -> str:
    root = ET.fromstring(f"<math>{mathml}</math>")  # noqa: S314 - symmlp's own output
    parts = list(root)
    at = next(number for number, part in enumerate(parts) if part.text == "=")
    return test_mathml.plain("".join(ET.tostring(part, encoding="unicode") for part in parts[at + 1 :]))


def from_json(derivation: PrintableDerivation, key: str) -> Formulas:
    """Read one of the three forms in JSON."""
    rows = [row for row in json.loads(str(derivation.formatted("json")))["equations"] if row["kind"] != "update"]
    if key == "text":
        return {
            row["id"]: re.sub(r"  \([^()]*\)(  assuming .*)?$", "", row["text"]).partition(" = ")[2] for row in rows
        }
    if key == "latex":
        return {row["id"]: test_latex.plain(row["latex"].partition(" = ")[2]) for row in rows}
    return {row["id"]: _right(row["mathml"]) for row in rows}


def from_svg(derivation: PrintableDerivation) -> Formulas:
    """Read the tooltips of a drawing."""
    root = ET.fromstring(picture(derivation, backward=True))  # noqa: S314 - the text is our own
    told = (re.fullmatch(rf"({ID})  .*? = (.*)", each.text or "") for each in root.iter() if each.tag.endswith("title"))
    return {found[1]: found[2] for found in told if found}


def from_module(source: str, ids: str = ID) -> Formulas:
    """Read the comments of the module."""
    rows = re.findall(rf"^ *# ({ids})  .*? = (.*(?:\n *#     .*)*)", source, re.MULTILINE)
    return {id: re.sub(r"\n *#", " ", formula) for id, formula in rows}


READERS: dict[str, Callable[[PrintableDerivation], Formulas]] = {
    "text": from_text,
    "LaTeX": lambda derivation: from_tags(derivation.latex(steps="none")),
    "a LaTeX document": lambda derivation: from_tags(unfitted(derivation.latex(steps="none", standalone=True))),
    "Markdown": lambda derivation: from_tags(derivation.markdown(steps="none")),
    "HTML": lambda derivation: from_page(derivation.html(steps="none")),
    "the report": lambda derivation: from_page(report(derivation, steps="none")),
    "JSON, text": lambda derivation: from_json(derivation, "text"),
    "JSON, LaTeX": lambda derivation: from_json(derivation, "latex"),
    "JSON, MathML": lambda derivation: from_json(derivation, "mathml"),
    "SVG": from_svg,
    "comments of the module": lambda derivation: from_module(generate(derivation.network)),
}


def unfitted(document: str) -> str:
    """Return a document's formulas as they are without being made to fit a line."""
    return re.sub(r"\\fitted\{(.*)\} \\tag", r"\1 \\tag", document)


def disagreements(name: str, formulas: Formulas, numbers: dict[str, Value]) -> list[str]:
    """Return the ids whose formula is not the module's number; an array that it does not compute is computed here."""
    derivation = derivation_of(name)
    known, functions, wrong = dict(numbers), functions_of(derivation), []
    for equation in (*derivation.forward, derivation.loss, *derivation.backward):
        if equation.id not in formulas:
            if equation.target in numbers:
                wrong.append(equation.id)
            continue
        found: Any = read(formulas[equation.id], known, functions)
        expected = known.setdefault(equation.target, np.asarray(found))
        if not _agree(found, expected):
            wrong.append(equation.id)
    return wrong


def _agree(found: Value, expected: Value) -> bool:
    try:
        return bool(np.allclose(np.broadcast_to(found, np.shape(expected)), expected, rtol=1e-11, atol=1e-15))
    except ValueError:
        return False


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("name", NETWORKS)
def test_every_printed_formula_is_the_number_that_the_module_computes(name: str, reader: str) -> None:
    formulas = READERS[reader](derivation_of(name))
    assert disagreements(name, formulas, module_numbers(name)) == []


@pytest.mark.parametrize("reader", READERS)
def test_a_module_that_computes_something_else_is_noticed(reader: str) -> None:
    numbers = module_numbers("classes", ("dW2 = dZ2.T @ A1", "dW2 = 2 * dZ2.T @ A1"))
    assert disagreements("classes", READERS[reader](derivation_of("classes")), numbers) == ["B3"]


@pytest.mark.parametrize("reader", READERS)
def test_a_formula_that_says_something_else_is_noticed(reader: str) -> None:
    formulas = READERS[reader](derivation_of("classes"))
    assert disagreements("classes", formulas | {"B6": formulas["B7"]}, module_numbers("classes")) != []
    del formulas["B3"]
    assert disagreements("classes", formulas, module_numbers("classes")) == ["B3"]
