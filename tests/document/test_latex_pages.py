"""LaTeX pages: balanced, labelled once, and compiled without a warning where LaTeX is installed."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from pathlib import Path

import pytest

from symmlp.document import PrintableDerivation, derive, pdf
from symmlp.document.latex import escaped
from symmlp.document.page import Depth
from symmlp.document.pdf import COMPILERS, compiled
from symmlp.errors import OutputError
from symmlp.graph import Layout
from symmlp.spec import Network
from tests.document.derivations import LAYOUTS, NETWORKS, derivation_of

DEPTHS: tuple[Depth, ...] = ("none", "brief", "full", "index")
NEEDS_LATEX = pytest.mark.skipif(
    not any(map(shutil.which, COMPILERS)), reason=f"no LaTeX: none of {', '.join(COMPILERS)} is installed"
)
FRAGMENT = "\\documentclass[fleqn]{article}\n\\usepackage{amsmath, amssymb}\n\\begin{document}\n%s\\end{document}\n"


def faults(text: str) -> list[str]:
    """Return what LaTeX would stumble over: braces, environments, sizes of brackets, labels, letters beyond ASCII."""
    wrong = [] if text.isascii() else ["letters beyond ASCII"]
    bare = re.sub(r"\\[{}]", "", text)
    if bare.count("{") != bare.count("}"):
        wrong.append("braces")
    if len(re.findall(r"\\left(?![a-z])", text)) != len(re.findall(r"\\right(?![a-z])", text)):
        wrong.append("brackets")
    wrong += [f"label {name}" for name, times in Counter(re.findall(r"\\label\{(.*?)\}", text)).items() if times > 1]
    return wrong + _open_environments(text)


def _open_environments(text: str) -> list[str]:
    inside: list[str] = []
    for kind, name in re.findall(r"\\(begin|end)\{(\w+\*?)\}", text):
        if kind == "begin":
            inside.append(name)
        elif not inside or inside.pop() != name:
            return [f"environment {name}"]
    return [f"environment {name}" for name in inside]


@pytest.mark.parametrize("standalone", [True, False])
@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", NETWORKS)
def test_a_page_is_well_formed(name: str, layout: Layout, depth: Depth, standalone: bool) -> None:
    assert faults(derivation_of(name, layout).latex(steps=depth, standalone=standalone)) == []


@pytest.mark.parametrize(
    ("found", "broken", "fault"),
    [
        ("}", "", "braces"),
        (r"\right)", ")", "brackets"),
        (r"\end{align}", "", "environment align"),
        ("eq:B2}", "eq:B1}", "label eq:B1"),
        ("P", "Π", "letters beyond ASCII"),
    ],
)
def test_a_broken_page_is_noticed(found: str, broken: str, fault: str) -> None:
    text = derivation_of("classes").latex(steps=False)
    assert found in text
    assert fault in faults(text.replace(found, broken, 1))


def test_every_equation_and_step_is_tagged_and_labelled_with_its_id() -> None:
    derivation = derivation_of("classes")
    text, page = derivation.latex(), derivation.page()
    rows = [row for row in page.equations if not row.is_update]
    ids = {row.id for row in rows} | {step.id for row in rows for step in row.matrix_steps}
    assert set(re.findall(r"\\label\{eq:(.*?)\}", text)) == ids
    assert ids <= set(re.findall(r"\\tag\{(.*?)\}", text))


def _warnings(log: str) -> list[str]:
    return [line for line in log.splitlines() if re.search(r"Warning|Overfull|Underfull|Missing|undefined", line)]


@NEEDS_LATEX
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "layout", "depth"),
    [("classes", "batch", "index"), ("probabilities", "sample", "full"), ("layers", "batch", "full")],
)
def test_a_document_compiles_without_a_warning(name: str, layout: Layout, depth: Depth, tmp_path: Path) -> None:
    derivation = derivation_of(name, layout, notation={"cotangent": "δ", "pre_activation": "ψ"})
    assert _warnings(compiled(derivation.latex(steps=depth, standalone=True), tmp_path)) == []
    assert (tmp_path / "derivation.pdf").read_bytes().startswith(b"%PDF")


@NEEDS_LATEX
def test_a_small_document_compiles_without_a_warning(tmp_path: Path) -> None:
    letters = {"prediction": "ŷ", "weights": "V̄^(l)", "pre_activation": "z^[l]", "cotangent": "∇", "loss": "ℒ"}
    derivation = derive(Network.parse("3 -> 2 sigmoid | dice"), notation=letters)
    assert _warnings(compiled(derivation.latex(steps="full", standalone=True), tmp_path)) == []


EVERY_KIND = {
    "batch normalization": "4 -> 5 -> batch_norm -> tanh -> 3 | mse",
    "layer normalization, dropout": "4 -> 5 -> layer_norm -> relu -> dropout(rate=0.2) -> 3 sigmoid | bce",
    "skips": "4 -> 5 tanh -> 5 leaky_relu -> add(layer=1) -> concat(layer=0) -> 3 | mae",
    "gates and long numbers": "4 -> 5 -> rms_norm -> selu -> 4 swiglu -> 3 | huber",
    "learned numbers": "4 -> 5 srelu -> randomized_relu -> 6 maxout -> 3 | multi_margin",
    "given numbers": "4 -> standardize(mean=1, scale=2) -> 5 -> alpha_dropout(rate=0.1) -> 3 | cosine_similarity",
    "an expression with cases": "3 -> 4 {x*tanh(log(1 + exp(x)))} -> 2 | {where(abs(p - y) < 1, (p - y)**2/2, p)}",
    "a projection": "4 -> 5 sparsemax -> 3 sigmoid | tversky",
}


@NEEDS_LATEX
@pytest.mark.slow
@pytest.mark.parametrize("depth", ["full", "index"])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", EVERY_KIND)
def test_every_kind_of_layer_compiles_without_a_warning(
    name: str, layout: Layout, depth: Depth, tmp_path: Path
) -> None:
    if layout == "sample" and name == "batch normalization":
        pytest.skip("it needs a batch")
    document = derive(Network.parse(EVERY_KIND[name]), layout=layout).latex(steps=depth, standalone=True)
    assert _warnings(compiled(document, tmp_path)) == []


def beyond_the_gradient(layout: Layout) -> str:
    """Return a document with everything of second order that there is in a layout, in index notation."""
    asked = ("hvp", "gauss_newton", *(("jacobian", "hessian") if layout == "batch" else ()))
    network = Network.parse("4 -> 5 tanh -> 3 softmax | cross_entropy")
    return derive(network, layout=layout, second=asked).latex(steps="index", standalone=True)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_page_beyond_the_gradient_is_well_formed(layout: Layout) -> None:
    text = beyond_the_gradient(layout)
    assert faults(text) == []
    # TeX takes the braces off an accent alone, whose subscript would then be one of two.
    assert not re.search(r"\{\\dot\{\w\}_\{\d\}\}_", text)
    assert re.search(r"\{\{\}\\dot\{\w\}_\{\d\}\}_", text)


@NEEDS_LATEX
@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_page_beyond_the_gradient_compiles_without_a_warning(layout: Layout, tmp_path: Path) -> None:
    assert _warnings(compiled(beyond_the_gradient(layout), tmp_path)) == []


@NEEDS_LATEX
@pytest.mark.slow
def test_the_equations_compile_in_a_document_with_amsmath(tmp_path: Path) -> None:
    compiled(FRAGMENT % derivation_of("classes").latex(), tmp_path)


@NEEDS_LATEX
@pytest.mark.slow
def test_a_warning_and_an_error_are_noticed(tmp_path: Path) -> None:
    wide = derivation_of("classes").latex(steps="index")
    assert _warnings(compiled(FRAGMENT % wide, tmp_path)) != []
    with pytest.raises(OutputError, match="^pdf: .* failed: CalledProcessError$"):
        pdf(FRAGMENT % r"\undefinedcommand")


@NEEDS_LATEX
@pytest.mark.slow
def test_a_pdf_has_the_same_bytes_again() -> None:
    derivation = derivation_of("one layer")
    assert _pdf(derivation) == _pdf(derivation)


def _pdf(derivation: PrintableDerivation) -> bytes:
    found = derivation.formatted("pdf", steps="brief")
    assert isinstance(found, bytes)
    return found


def test_without_latex_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(OutputError, match="^pdf: no LaTeX found; install tectonic or latexmk or pdflatex, or write "):
        pdf(derivation_of("one layer").latex(standalone=True))


@pytest.mark.parametrize("text", [r"\input{/etc/passwd}", "a_b^c", "50%", "$x$", "~#&"])
def test_words_never_become_commands(text: str) -> None:
    bare = re.sub(r"\\[{}$&#_%]|\\text[a-z]+\{\}", "", escaped(text))
    assert not re.search(r"[\\{}$&#_%^~]", bare)
