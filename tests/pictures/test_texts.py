"""Mermaid, DOT and TikZ: valid, complete, and safe whatever a label says."""

from __future__ import annotations

import html
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from symmlp.pictures import picture
from symmlp.pictures.dot import dot
from symmlp.pictures.mermaid import mermaid
from symmlp.pictures.network_layout import network_layout
from symmlp.pictures.record import Kind, Picture, PictureNode
from symmlp.pictures.svg import svg
from symmlp.pictures.tikz import plain, tikz
from symmlp.pictures.tree_layout import tree_layout
from tests.pictures.checkers import expected_ids, latex_faults, read_dot, read_mermaid
from tests.pictures.examples import SPECS, derivation, picture_of

KINDS: tuple[Kind, ...] = ("tree", "network")
HOSTILE = 'a<b>&"c"; d} ]{|#e` --> \\f$%_^~ ("]'


def ids_in(text: str) -> set[str]:
    """Return the equation ids at the beginnings of lines."""
    return set(re.findall(r"^([FLB]\d+)\b", text, re.M))


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", SPECS)
def test_mermaid_is_valid_and_tells_every_id_of_the_picture(name: str, kind: Kind, backward: bool) -> None:
    found = read_mermaid(picture(derivation(name), format="mermaid", kind=kind, backward=backward))
    told = ids_in("\n".join([*found.nodes.values(), *(label for _, _, label, _ in found.edges)]))
    assert told == _drawn_ids(name, kind, backward)
    assert any(dashed for *_, dashed in found.edges) == backward


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", SPECS)
def test_dot_is_valid_and_tells_every_id_as_a_class(name: str, kind: Kind, backward: bool) -> None:
    found = read_dot(picture(derivation(name), format="dot", kind=kind, backward=backward))
    parts = [*found.nodes.values(), *found.edges.values()]
    told = {word for part in parts for word in part["class"].split()[1:]}
    assert told == expected_ids(derivation(name), backward=backward)
    assert len({part["id"] for part in parts}) == len(parts)


def _drawn_ids(name: str, kind: Kind, backward: bool) -> set[str]:
    found = picture_of(name, kind, backward=backward)
    drawn = [part for part in found.parts if part.id != "more"]
    return {id for part in drawn for id in part.equations if id[0] != "F" or isinstance(part, PictureNode)}


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("flowchart TB", "flowchart UP"),
        ('"X<br/>inputs"', '"X<br/>"inputs"'),
        ("tree_X -->", "nowhere -->"),
        ("linkStyle 10,", "linkStyle 99,"),
        ("classDef op ", "classDef opp "),
        ("= dZ2 W2", "= dZ2 | W2"),
        ("-.->", "-.->>"),
    ],
)
def test_the_reader_of_mermaid_refuses_a_broken_copy(right: str, wrong: str) -> None:
    text = picture(derivation("shallow"), format="mermaid", backward=True)
    assert right in text
    with pytest.raises(ValueError, match="."):
        read_mermaid(text.replace(right, wrong, 1))


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("digraph", "graph"),
        ('label="F1  dense', 'label="F1 "dense'),
        ('"X" ->', '"nowhere" ->'),
        ('"X" ->', '"X" -'),
        ('class="op F1",', 'class="op F1"'),
        ("];\n}", "]\n}"),
    ],
)
def test_the_reader_of_dot_refuses_a_broken_copy(right: str, wrong: str) -> None:
    text = picture(derivation("shallow"), format="dot", backward=True)
    assert right in text
    with pytest.raises(ValueError, match="."):
        read_dot(text.replace(right, wrong, 1))


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
@pytest.mark.parametrize("kind", KINDS)
def test_graphviz_draws_the_dot_text_and_keeps_its_ids(kind: Kind) -> None:
    text = picture(derivation("expressions"), format="dot", kind=kind, backward=True)
    done = subprocess.run(["dot", "-Tsvg"], input=text, capture_output=True, text=True, check=True)  # noqa: S607
    assert done.stderr == ""
    assert {f"{kind}-P-L", f"{kind}-dP-L"} <= set(re.findall(r'<g id="([^"]*)"', html.unescape(done.stdout)))


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", SPECS)
def test_the_tikz_document_is_balanced(name: str, kind: Kind, backward: bool) -> None:
    assert latex_faults(picture(derivation(name), format="tikz", kind=kind, backward=backward)) == []


@pytest.mark.parametrize(
    ("right", "wrong", "fault"),
    [
        (r"\textbf{F1}", r"\textbf{F1", "braces"),
        ("$", "", "dollars"),
        (r"\end{tikzpicture}", "", "environments"),
        ("};\n", "}\n", "no semicolon"),
    ],
)
def test_the_check_of_latex_finds_a_fault_in_a_broken_copy(right: str, wrong: str, fault: str) -> None:
    text = picture(derivation("shallow"), format="tikz")
    head, start, body = text.partition(r"\begin{tikzpicture}")
    assert any(found.startswith(fault) for found in latex_faults(head + start + body.replace(right, wrong, 1)))


def has_tikz() -> bool:
    """Tell whether LaTeX and what the document needs are installed."""
    if shutil.which("pdflatex") is None or shutil.which("kpsewhich") is None:
        return False
    needed = ["tikz.sty", "geometry.sty", "amsmath.sty", "amssymb.sty"]
    return subprocess.run(["kpsewhich", *needed], capture_output=True, check=False).returncode == 0  # noqa: S607


@pytest.mark.skipif(not has_tikz(), reason="pdflatex with TikZ is not installed")
@pytest.mark.parametrize("kind", KINDS)
def test_the_tikz_document_compiles_to_one_page(kind: Kind, tmp_path: Path) -> None:
    (tmp_path / "picture.tex").write_text(
        picture(derivation("expressions"), format="tikz", kind=kind, backward=True), encoding="utf-8"
    )
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "picture.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    log = done.stdout.decode("utf-8", "replace")
    assert done.returncode == 0, log[-2000:]
    assert "(1 page" in log


def hostile() -> Picture:
    """Return a picture whose title and words are full of signs that the formats act on."""
    found = picture_of("shallow", "tree", backward=True)
    nodes = tuple(replace(node, label=replace(node.label, words=HOSTILE)) for node in found.nodes)
    return replace(found, nodes=nodes)


def test_mermaid_says_hostile_words_as_they_are() -> None:
    text = mermaid(hostile())
    assert HOSTILE in read_mermaid(text).nodes["tree_X"]
    assert "<b>" not in text


def test_dot_says_hostile_words_as_they_are() -> None:
    label = read_dot(dot(hostile())).nodes["X"]["label"]
    assert re.sub(r"\\(.)", r"\1", label).endswith(HOSTILE)


def test_svg_says_hostile_words_as_they_are() -> None:
    text = svg(tree_layout(hostile()))
    root = ET.fromstring(text)  # noqa: S314 - the text is our own
    words = "".join("".join(root.itertext()).split())
    assert "".join(HOSTILE.split()) in words
    assert "<b>" not in text


def test_tikz_escapes_hostile_words() -> None:
    assert latex_faults(tikz(tree_layout(hostile()))) == []
    assert plain(r"\input{x} $a_b^c$ %&#~") == (
        r"\textbackslash{}input\{x\} \$a\_b\textasciicircum{}c\$ \%\&\#\textasciitilde{}"
    )


def test_a_record_of_dot_escapes_what_would_divide_it() -> None:
    found = picture_of("shallow", "network", backward=False)
    nodes = tuple(replace(node, label=replace(node.label, words="a|b {c} <d>")) for node in found.nodes)
    label = read_dot(dot(replace(found, nodes=nodes))).nodes["A1"]["label"]
    assert label.startswith(r"a\|b\ \{c\}\ \<d\>")


@pytest.mark.parametrize("kind", KINDS)
def test_no_text_of_a_user_reaches_a_picture(kind: Kind) -> None:
    for format in ("mermaid", "dot", "tikz", "svg"):
        text = picture(derivation("expressions"), format=format, kind=kind, backward=True)
        for written in ("where(", "sigmoid", "**", "x < 0"):
            assert written not in text


def test_both_layouts_are_drawn_by_one_printer() -> None:
    trees, layers = (picture_of("shallow", kind, backward=True) for kind in KINDS)
    assert "<circle" not in svg(tree_layout(trees))
    assert svg(network_layout(layers)).count("<circle") == 4 + 7 + 3
