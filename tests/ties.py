r"""Reads every form of a derivation back: which id stands at which gradient or array, told as letters only.

`\frac{\partial L}{\partial W_{2}}`, `∂L/∂W2` and the same in MathML all read `∂L∂W2`. Each reader knows its own form
and nothing of symmlp's renderers.
"""

from __future__ import annotations

import html
import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from xml.etree import ElementTree as ET

from symmlp.document import PrintableDerivation
from symmlp.generation import generate
from symmlp.pictures import picture
from symmlp.reporting import report
from tests.pictures.checkers import SVG, read_dot, read_mermaid
from tests.reporting.pages import XHTML, pane, parsed, text_of

Ties = set[tuple[str, str]]
"""Pairs of an id and what stands there."""

ID = r"[FLB]\d+"


def bare(head: str) -> str:
    """Return the letters and digits of a left side, Greek letters by their names, subscripts as digits."""
    plain = re.sub(r"\\(?:frac|mathrm|operatorname)|\\(?=[a-z])", "", head.replace(r"\partial", "∂"))
    letters = unicodedata.normalize("NFKC", plain)
    return "".join(_letter(each) for each in letters if each.isalnum() or each == "∂")


def _letter(character: str) -> str:
    name = unicodedata.name(character)
    return name.removeprefix("GREEK SMALL LETTER ").lower() if name.startswith("GREEK SMALL") else character


def expected(derivation: PrintableDerivation) -> Ties:
    """Return the ids of the derivation's equations with what they are equations for."""
    rows = [each for each in derivation.equations if each.kind != "update"]
    heads = [f"∂L∂{each.target[1:]}" if each.kind == "backward" else each.target for each in rows]
    return {(each.id, bare(head)) for each, head in zip(rows, heads, strict=True)}


def _lines(text: str, pattern: str) -> Ties:
    return {(id, bare(head)) for id, head in re.findall(pattern, text, re.MULTILINE)}


def text_ties(text: str) -> Ties:
    """Read the Unicode text."""
    return _lines(text, rf"^  ({ID})  (.*?) = ")


def tagged_ties(text: str) -> Ties:
    """Read LaTeX or Markdown: an equation ends with its tag."""
    return {
        (id, head)
        for head, id in ((bare(h), i) for h, i in re.findall(rf"^ *(.*?) &?= .*?\\tag\{{({ID})\}}", text, re.M))
    }


def json_ties(text: str) -> Ties:
    """Read JSON; what the target is, is said twice."""
    rows = [row for row in json.loads(text)["equations"] if row["kind"] != "update"]
    heads = {(row["id"], bare(row["text"].partition(" = ")[0])) for row in rows}
    names = {(row["id"], row["target"]) for row in rows}
    assert {(id, bare(f"∂L∂{name[1:]}" if id[0] == "B" else name)) for id, name in names} == heads
    return heads


def html_ties(text: str) -> Ties:
    """Read the page of `derive --format html`, or the formulas of a report."""
    return set(_heads(parsed(text)))


def _heads(root: ET.Element) -> Iterator[tuple[str, str]]:
    for part in root.iter(f"{XHTML}div"):
        if re.fullmatch(ID, part.get("id", "")):
            formula = next(each for each in part.iter() if each.tag.endswith("}math") or each.tag == "math")
            yield part.attrib["id"], bare("".join(formula.itertext()).partition("=")[0])


def svg_ties(text: str) -> Ties:
    """Read a drawing by the tooltips of its parts, which must have the id that the part carries."""
    return _tooltips(ET.fromstring(text))  # noqa: S314 - the text is our own


def _tooltips(root: ET.Element) -> Ties:
    found = set()
    for element in root.iter():
        title = element.find(f"{SVG}title")
        told = re.match(rf"({ID})  (.*?) =", "" if title is None else title.text or "")
        if told:
            found.add((element.get("data-id", ""), bare(told[2])))
            assert element.get("href", f"#{told[1]}") == f"#{told[1]}"
            found.add((told[1], bare(told[2])))
    return found


def mermaid_ties(text: str) -> Ties:
    """Read a flowchart by its labels."""
    chart = read_mermaid(text)
    return _labels([*chart.nodes.values(), *(label for _, _, label, _ in chart.edges)])


def dot_ties(text: str) -> Ties:
    """Read a digraph by its labels, which must have the id that is the part's class."""
    graph = read_dot(text)
    parts = [*graph.nodes.values(), *graph.edges.values()]
    labelled = [part for part in parts if re.match(ID, part.get("label", ""))]
    for part in labelled:
        assert part["class"].split()[1:] == [part["label"].split()[0]]
    return _labels([part["label"].replace("\\n", "\n") for part in labelled])


def _labels(labels: list[str]) -> Ties:
    """Read labels: of an op `F1  dense` over `Z1 = …`, of a cotangent `B1  ∂L/∂P` over `= …`."""
    found = set()
    for label in map(html.unescape, labels):
        told = re.match(rf"({ID})  (\S+).*\n(.*?)=", label)
        if told:
            found.add((told[1], bare(told[3] if told[3].strip() else told[2])))
    return found


def tikz_ties(text: str) -> Ties:
    """Read a TikZ picture: of an op the formula below its id, of a cotangent the formula beside it."""
    found, rows = set(), text.splitlines()
    for at, row in enumerate(rows):
        told = re.search(rf"\\textbf\{{({ID})\}}(.*)", row)
        if told:
            beside = re.search(r"\$(.*?)\$", told[2])
            formula = beside or re.search(r"\$(.*?)\$", rows[at + 1])
            assert formula is not None
            found.add((told[1], bare(formula[1].partition("=")[0])))
    return found


def code_ties(text: str) -> Ties:
    """Read the comments of a module, and the name that the code below assigns: both must say the same."""
    found = set()
    for block in re.split(r"^ *(?=# [FLBU]\d+  )", text, flags=re.MULTILINE)[1:]:
        told = re.match(rf"# ({ID})  (.*?) =", block)
        if told:
            assigned = re.findall(r"^ *(\w+) = ", block, re.MULTILINE)
            name = next(each for each in assigned if each != "slope")
            head = f"∂L∂{name[1:]}" if told[1][0] == "B" else name
            found |= {(told[1], bare(told[2])), (told[1], bare(head))}
    return found


def report_ties(text: str) -> Ties:
    """Read the formulas and the tree of a report, and prove that its code says nothing else."""
    root = parsed(text)
    found = set(_heads(root)) | _tooltips(pane(root, "tree"))
    blocks = [each for each in pane(root, "code").iter(f"{XHTML}a") if re.fullmatch(ID, each.get("data-id", ""))]
    told = [(each.attrib["data-id"], tie) for each in blocks for tie in code_ties(text_of(each))]
    return found | {(id, head) for id, (_, head) in told} | {tie for _, tie in told}


FORMS: dict[str, tuple[Callable[[PrintableDerivation], str], Callable[[str], Ties]]] = {
    "text": (lambda derivation: derivation.text(), text_ties),
    "latex": (lambda derivation: derivation.latex(steps="none"), tagged_ties),
    "markdown": (lambda derivation: derivation.markdown(), tagged_ties),
    "json": (lambda derivation: str(derivation.formatted("json")), json_ties),
    "html": (lambda derivation: derivation.html(), html_ties),
    "svg": (lambda derivation: picture(derivation, format="svg", backward=True), svg_ties),
    "mermaid": (lambda derivation: picture(derivation, format="mermaid", backward=True), mermaid_ties),
    "dot": (lambda derivation: picture(derivation, format="dot", backward=True), dot_ties),
    "tikz": (lambda derivation: picture(derivation, format="tikz", backward=True), tikz_ties),
    "report": (report, report_ties),
}
"""Every form that shows all equations: what writes it, and what reads it."""


def module_text(derivation: PrintableDerivation) -> str:
    """Return the generated module."""
    return generate(derivation.network)
