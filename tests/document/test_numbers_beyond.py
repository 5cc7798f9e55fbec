"""Every formula beyond the gradient, read back from what is printed, is the number that the module computes."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any
from unicodedata import normalize

import numpy as np
import pytest

from symmlp.calculus.tangent import DOT, HAT
from symmlp.derivation import Equation
from symmlp.document import PrintableDerivation, derive
from symmlp.generation import generate
from symmlp.graph import Layout
from symmlp.printing.text import TextStyle
from symmlp.reporting import report
from symmlp.spec import Dense, Network
from tests.document.derivations import Functions, functions_of
from tests.document.test_numbers import Formulas, from_json, from_module, from_page, from_tags, from_text, unfitted
from tests.generated_modules import batch, executed
from tests.printing.evaluation import Value
from tests.printing.reading import read
from tests.second_order.values import Functions as NumberFunctions
from tests.second_order.values import Values, computed, is_right

ALL = ("jvp", "hvp", "gauss_newton", "jacobian", "hessian")
IDS = r"[TRGJH]\d+"
NETWORKS = {
    "classes": Network.parse("3 -> 4 tanh -> 2 softmax | cross_entropy"),
    "split at the prediction": Network.parse("3 -> 4 {x*sigmoid(x)} -> 2 sigmoid | log_cosh"),
    "a residual connection": Network.parse("3 -> 4 tanh -> 4 softplus -> add(layer=1) -> 2 | mse"),
    "weights with a penalty": Network(
        inputs=3, layers=[Dense(4, "tanh"), Dense(2)], loss="mse", penalty="half_l2_per_sample"
    ),
    "normalized rows": Network.parse("3 -> 4 tanh -> layer_norm -> add(layer=1) -> 2 softmax | cross_entropy"),
}

READERS: dict[str, Callable[[PrintableDerivation], Formulas]] = {
    "text": lambda derivation: from_text(derivation, IDS),
    "LaTeX": lambda derivation: from_tags(derivation.latex(steps="none"), IDS),
    "a LaTeX document": lambda derivation: from_tags(unfitted(derivation.latex(steps="none", standalone=True)), IDS),
    "Markdown": lambda derivation: from_tags(derivation.markdown(steps="none"), IDS),
    "HTML": lambda derivation: from_page(derivation.html(steps="none"), IDS),
    "the report": lambda derivation: from_page(report(derivation, steps="none"), IDS),
    "JSON, text": lambda derivation: _own(from_json(derivation, "text")),
    "JSON, LaTeX": lambda derivation: _own(from_json(derivation, "latex")),
    "JSON, MathML": lambda derivation: _own(from_json(derivation, "mathml")),
}


def _own(formulas: Formulas) -> Formulas:
    return {id: formula for id, formula in formulas.items() if re.fullmatch(IDS, id)}


@cache
def derivation_of(name: str, layout: Layout = "batch") -> PrintableDerivation:
    return derive(NETWORKS[name], layout=layout, second=ALL)


ROUTINES = {"T": "_jvp", "R": "_hvp", "G": "_gauss_newton", "J": "_jacobian_of_parameters"}


class _Spy(ast.NodeTransformer):
    """Lets the routines beyond the gradient give back all their arrays."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        if node.name in ROUTINES.values():
            node.body = [
                ast.parse("return locals()").body[0] if isinstance(each, ast.Return) else each for each in node.body
            ]
        return node


@cache
def module_numbers(name: str) -> dict[str, dict[str, Value]]:
    """Return every array that the module computes in each of its routines, by the letter of the equations' ids."""
    network = NETWORKS[name]
    tree = ast.fix_missing_locations(_Spy().visit(ast.parse(generate(network, with_=ALL))))
    module = executed(ast.unparse(tree))
    generator = np.random.default_rng(3)
    theta, v = generator.uniform(0.3, 0.9, size=(2, module.N_PARAMS))
    X, Y = batch(network, 5)
    targets = module.as_targets(Y, 5)
    units = np.tile(np.eye(module.OUTPUTS), (5, 1))
    found = {
        "T": module._jvp(theta, X, v),
        "R": module._hvp(theta, X, targets, v),
        "G": module._gauss_newton(theta, X, targets, v),
        "J": module._jacobian_of_parameters(theta, np.repeat(X, module.OUTPUTS, axis=0), units),
    }
    given = {
        **module.unpack(theta)._asdict(),
        **{f"{key}_dot": part for key, part in module.unpack(v)._asdict().items()},
    }
    return {letter: {**given, **arrays} for letter, arrays in found.items()}


def printed_names(arrays: dict[str, Value]) -> dict[str, Value]:
    style = TextStyle()
    return {normalize("NFC", style.name(name)): value for name, value in arrays.items()}


def printed_functions(derivation: PrintableDerivation) -> Functions:
    return {name.replace("′′", "″"): function for name, function in functions_of(derivation).items()}


def disagreements(name: str, formulas: Formulas, numbers: dict[str, dict[str, Value]]) -> list[str]:
    """Return the ids whose formula is not the module's number, or that are not printed."""
    derivation, wrong = derivation_of(name), []
    functions = printed_functions(derivation)
    known = {letter: printed_names(arrays) for letter, arrays in numbers.items()}
    for group in derivation.second.values():
        for equation in group:
            letter = equation.id[0]
            if letter == "H":
                continue
            if equation.id not in formulas:
                wrong.append(equation.id)
                continue
            found = read(normalize("NFC", formulas[equation.id]), known[letter], functions)
            # What the module does not need, such as ∂P/∂X beside ∂P/∂θ, is computed here.
            expected: Value = known[letter].setdefault(normalize("NFC", TextStyle().name(equation.target)), found)
            if not np.allclose(np.broadcast_to(found, np.shape(expected)), expected, rtol=1e-11, atol=1e-15):
                wrong.append(equation.id)
    return wrong


STYLES = ("text", "LaTeX", "HTML")
"""One reader for each way of writing a formula."""


@cache
def formulas_of(name: str, reader: str, layout: Layout = "batch") -> Formulas:
    return READERS[reader](derivation_of(name, layout))


@pytest.mark.parametrize(
    ("name", "reader"), [(name, reader) for name in NETWORKS for reader in (READERS if name == "classes" else STYLES)]
)
def test_every_printed_formula_is_the_number_that_the_module_computes(name: str, reader: str) -> None:
    assert disagreements(name, formulas_of(name, reader), module_numbers(name)) == []


def test_the_comments_of_the_module_are_the_numbers_that_it_computes() -> None:
    formulas = from_module(generate(NETWORKS["classes"], with_=ALL), r"[TRGJ]\d+")
    computed = {each.id for group in derivation_of("classes").second.values() for each in group if each.id[0] != "H"}
    assert formulas.keys() == computed
    assert disagreements("classes", formulas, module_numbers("classes")) == []


@pytest.mark.parametrize("id", ["T3", "R5", "G4", "J2"])
def test_a_formula_that_says_something_else_is_noticed(id: str) -> None:
    formulas = formulas_of("classes", "LaTeX")
    assert disagreements("classes", formulas | {id: f"2 ({formulas[id]})"}, module_numbers("classes")) == [id]


LAYOUTS: tuple[Layout, ...] = ("batch", "sample")
COLUMNS = ("classes", "a residual connection", "weights with a penalty", "normalized rows")
READ = [("sample", name, reader) for name in COLUMNS for reader in (READERS if name == "classes" else STYLES)]


@cache
def values_of(name: str, layout: Layout) -> Values:
    return Values.of(derivation_of(name, layout), with_=ALL)


@dataclass
class Read:
    """Computes equations as they are printed; `wrong` are the ids of those that are something else than they should."""

    derivation: PrintableDerivation
    formulas: Formulas
    wrong: list[str] = field(default_factory=list)

    def computing(self, equation: Equation, arrays: Mapping[str, Any], functions: NumberFunctions) -> Value:
        """Return what the printed formula of an equation is worth."""
        style, expected = TextStyle(self.derivation.naming), computed(equation, arrays, functions)
        names = {normalize("NFC", style.name(name)): value for name, value in arrays.items()}
        names["I"] = np.eye(len(expected)) if np.ndim(expected) else 1.0
        own = {each.replace("′′", "″"): function for each, function in functions.items()}
        found = read(normalize("NFC", self.formulas.get(equation.id, "0")), names, own)
        if np.shape(found) != np.shape(expected):
            found = np.broadcast_to(found, np.shape(expected)) if np.size(found) <= np.size(expected) else np.nan
        if not np.allclose(found, expected, rtol=1e-12, atol=1e-15):
            self.wrong.append(equation.id)
        return found


def read_through(layout: Layout, name: str, formulas: Formulas) -> tuple[Read, Values]:
    """Return what reads a derivation's formulas, and the numbers that they make."""
    given = values_of(name, layout)
    reader = Read(derivation_of(name, layout), formulas)
    return reader, replace(given, computing=reader.computing)


def wrong_ends(values: Values) -> list[str]:
    """Return which of the printed products, Jacobians and blocks are not the module's numbers."""
    subject, sample = values.subject, values.sample
    direction = np.random.default_rng(4).normal(size=subject.layout.count)
    arrays, wrong = values.products(direction), []
    tangent = subject.of_inputs("jvp", sample, sample.theta, direction)
    found = {"jvp": np.ravel(arrays[f"{values.derivation.graph.prediction}_dot"])}
    expected = {"jvp": np.ravel(tangent)}
    for product, mark in (("hvp", DOT), ("gauss_newton", HAT)):
        found[product] = values.flat(arrays, mark)
        expected[product] = subject.at(product, sample, sample.theta, direction)
    for product, exact in expected.items():
        if not np.allclose(found[product], exact, rtol=1e-11, atol=1e-14):
            wrong.append(product)
    if not is_right(values.errors_of_jacobians()):
        wrong.append("jacobian")
    if not is_right(values.errors_of_blocks()):
        wrong.append("hessian")
    return wrong


@pytest.mark.parametrize(("layout", "name", "reader"), READ)
def test_every_printed_formula_is_what_it_says_and_ends_at_the_numbers_of_the_module(
    layout: Layout, name: str, reader: str
) -> None:
    reading, values = read_through(layout, name, formulas_of(name, reader, layout))
    assert wrong_ends(values) == []
    assert reading.wrong == []


@pytest.mark.parametrize("id", ["T3", "R5", "G4", "J2", "H12", "H20"])
def test_a_formula_of_one_sample_that_says_something_else_is_noticed(id: str) -> None:
    formulas = formulas_of("classes", "text", "sample")
    reader, values = read_through("sample", "classes", formulas | {id: f"2 ({formulas[id]})"})
    assert wrong_ends(values)
    assert reader.wrong == [id]


@pytest.mark.parametrize("reader", STYLES)
def test_every_printed_block_is_that_of_the_hessian(reader: str) -> None:
    reading, values = read_through("batch", "classes", formulas_of("classes", reader))
    assert is_right(values.errors_of_blocks())
    assert reading.wrong == []
