"""The page of a derivation: conventions, paths, steps at each depth; every format shows the same ones."""

from __future__ import annotations

import re

import pytest

from symmlp.document import PrintableDerivation, derive
from symmlp.document.page import Depth
from symmlp.errors import SymmlpError
from symmlp.graph import Layout
from symmlp.spec import Network
from tests.document.derivations import LAYOUTS, NETWORKS, derivation_of

IDS = {
    "text": r"^ +([FLB]\d+(?:\.\w+)?)  ",
    "latex": r"\\tag\{([FLB]\d+(?:\.\w+)?)\}",
    "markdown": r"\\tag\{([FLB]\d+(?:\.\w+)?)\}",
    "html": r'id="([FLB]\d+(?:\.\w+)?)"',
}
"""How each format shows the id of an equation or step."""


def ids_shown(derivation: PrintableDerivation, format: str, depth: Depth) -> set[str]:
    """Return the ids of the equations and steps that a format shows."""
    page = derivation.formatted(format, steps=depth)
    assert isinstance(page, str)
    return set(re.findall(IDS[format], page, re.MULTILINE))


@pytest.mark.parametrize("depth", ["none", "brief", "full", "index"])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", NETWORKS)
def test_every_format_shows_the_same_equations_and_steps(name: str, layout: Layout, depth: Depth) -> None:
    derivation = derivation_of(name, layout)
    rows = [row for row in derivation.page().equations if not row.is_update]
    expected = {row.id for row in rows} | {step.id for row in rows for step in row.steps(depth)}
    for format in IDS:
        assert ids_shown(derivation, format, depth) == expected


def test_the_convention_is_stated_first_and_set_against_the_other() -> None:
    lines = derivation_of("classes").text().splitlines()
    assert lines[2] == "Convention  dV stands for ∂L/∂V and has the shape of V (denominator layout)"
    assert lines[3] == "Contrast    numerator layout writes ∂L/∂W1 like W1ᵀ, shape (3, 4) instead of (4, 3)"


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("classes", "W1 → Z1 → A1 → Z2 → P → L; there by F1 to F4, L1, back by B2, B5 to B7"),
        ("classes", "b2 → Z2 → P → L; there by F3, F4, L1, back by B2, B4"),
        ("one layer", "W1 → Z1 → P → L; there by F1, F2, L1, back by B1 to B3"),
    ],
)
def test_the_way_of_a_parameter_names_the_arrays_and_the_equations(name: str, line: str) -> None:
    assert f"  {line}\n" in derivation_of(name).text(steps=False)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", NETWORKS)
def test_every_parameter_has_a_way_that_the_graph_has_too(name: str, layout: Layout) -> None:
    derivation = derivation_of(name, layout)
    paths = derivation.page().paths
    assert tuple(path.parameter for path in paths) == derivation.graph.parameters
    reads = {(array, node.output) for node in derivation.graph.nodes for array in node.operands.values()}
    for path in paths:
        assert set(zip(path.arrays, path.arrays[1:], strict=False)) <= reads
        assert path.arrays[-1] == "L"
        assert path.backward[-1] == next(each.id for each in derivation.backward if each.target == f"d{path.parameter}")


def test_an_array_that_is_read_more_than_once_is_named_on_the_way() -> None:
    (path, *_) = derivation_of("layers").page().paths
    assert path.branches == ("A1", "C2", "A6")


def test_the_way_through_many_layers_is_shortened_to_its_ends() -> None:
    deep = derive(Network.parse(f"3 -> {' -> '.join(['4 tanh'] * 30)} -> 2 | mse"))
    line = next(line for line in deep.text(steps=False).splitlines() if line.startswith("  W1 → "))
    assert line.startswith(
        "  W1 → Z1 → A1 → Z2 → A2 → Z3 → … → A29 → Z30 → A30 → Z31 → P → L; there by F1 to F62, L1, "
    )
    assert len(deep.page().paths[0].arrays) == 64


def test_only_the_ways_to_the_wanted_gradients_are_shown() -> None:
    assert [path.parameter for path in derivation_of("classes").page(wrt=["W2"]).paths] == ["W2"]


def test_a_brief_line_names_what_arrives_and_the_rules_used() -> None:
    text = derivation_of("classes").text(steps="brief")
    chain = "from dZ2 (B2) through F3: chain rule, sum rule, product rule, matrix form"
    assert f"  B3  ∂L/∂W2 = dZ2ᵀ A1  (2, 4)    [{chain}]\n" in text
    assert all(re.search(r"^  B\d+  .*\[from .*\]$", line) for line in text.splitlines() if line.startswith("  B"))


def test_full_steps_can_be_followed_from_the_chain_rule_to_the_matrix_form() -> None:
    text = derivation_of("classes").text()
    shown = text[text.index("B3.a  =") : text.index("  B4  ")]
    assert [line.strip() for line in shown.splitlines()] == [
        "B3.a  = ∂/∂W2 sum(dZ2 ∘ Z2)    [chain rule: W2 is read by Z2; dZ2 (B2) arrives, and is held fixed; see B3.1]",
        "B3.b  = ∂/∂W2 sum(dZ2 ∘ (A1 W2ᵀ + 1 b2ᵀ))    [definition of Z2 (F3)]",
        "B3.c  = ∂/∂W2 sum(dZ2 ∘ (A1 W2ᵀ))    [sum rule: the gradient of a term without W2 is zero]",
        "B3.d  = ∂/∂W2 sum((dZ2ᵀ A1) ∘ W2)    [matrix form: the same sum, grouped around W2; see B3.2 to B3.4]",
        "B3.e  = dZ2ᵀ A1    [constant factor rule: the gradient of sum(C ∘ W2) is C]",
    ]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", NETWORKS)
def test_every_gradient_has_full_steps_and_they_start_from_the_chain(name: str, layout: Layout) -> None:
    for row in derivation_of(name, layout).page().sections[2].equations:
        assert row.matrix_steps
        assert str(row.matrix_steps[0].rule[0]).startswith(("chain rule: ", "definition of "))


def test_the_assumption_is_stated_in_the_words_of_the_layout() -> None:
    assert "assuming that rows of Y sum to 1" in derivation_of("classes").text()
    assert "assuming that the entries of y sum to 1" in derivation_of("classes", "sample").text()


def test_true_and_false_mean_full_and_none() -> None:
    derivation = derivation_of("classes")
    assert derivation.text(steps=True) == derivation.text(steps="full") == derivation.text()
    assert derivation.text(steps=False) == derivation.text(steps="none")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"format": "text", "steps": "fulll"}, "^steps: expected one of none, brief, full, index, got 'fulll'; did"),
        ({"format": "word"}, "^format: expected one of text, latex, markdown, html, json, pdf, got 'word'$"),
        ({"format": "html", "standalone": True}, "^standalone: expected the format latex, got 'html'$"),
    ],
)
def test_what_is_not_known_is_refused_in_one_line(options: dict[str, object], message: str) -> None:
    with pytest.raises(SymmlpError, match=message):
        derivation_of("one layer").formatted(**options)  # type: ignore[arg-type]


def test_an_equation_is_found_by_its_id() -> None:
    assert derivation_of("classes")["L1"].text() == "L1  L = −sum(Y ∘ log(P)) / N  ()"
    with pytest.raises(SymmlpError, match="^equation: no id 'B99'; expected one of F1, F2"):
        derivation_of("classes")["B99"]


def test_latex_on_one_line_keeps_the_marks_between_columns() -> None:
    derivation = derivation_of("layers")
    joined = r"A_{6} = \begin{bmatrix} A_{5} & X \end{bmatrix}"
    assert derivation["F13"].latex() == joined
    assert joined in [row["latex"] for row in derivation.as_dict()["equations"]]
