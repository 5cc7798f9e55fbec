"""The report is valid HTML, complete in itself, safe, and the same bytes always; its columns have the same ids."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import fields, replace
from pathlib import Path

import html5lib
import pytest

from symmlp.cli import run
from symmlp.document import Depth, derive
from symmlp.errors import SymmlpError
from symmlp.generation import generate
from symmlp.graph import Layout
from symmlp.reporting import report
from symmlp.reporting.page import ReportContext, report_context
from symmlp.spec import Network
from symmlp.templating import filled, template_variables
from tests.reporting.pages import SPECS, XHTML, page, pane, parsed, text_of, tied

DEPTHS: tuple[Depth, ...] = ("none", "brief", "full", "index")
FETCHING = ("src", "srcset", "data", "action", "poster", "xlink:href")
FETCHED = re.compile(r"url\(|@import|https?:(?!//www\.w3\.org/2000/svg)")
HOSTILE = "<script>alert(1)</script> & \"</style>' --> </title>"


def faults(text: str) -> list[str]:
    """Return what is wrong with a page beyond its syntax: doubled ids, links to nowhere, what is fetched or run."""
    elements = list(parsed(text).iter())
    ids = [each.attrib["id"] for each in elements if "id" in each.attrib]
    links = [each.attrib["href"] for each in elements if "href" in each.attrib]
    wrong = [f"id {id} stands twice" for id in sorted({id for id in ids if ids.count(id) > 1})]
    wrong += [f"{link} leads nowhere" for link in links if link.removeprefix("#") not in ids]
    wrong += [f"{name} fetches" for each in elements for name in each.attrib if name in FETCHING]
    wrong += [f"{name} runs" for each in elements for name in each.attrib if str(name).startswith("on")]
    scripts = [each for each in elements if each.tag == f"{XHTML}script"]
    (policy,) = (each.attrib["content"] for each in elements if "Content-Security" in each.get("http-equiv", ""))
    own = [_digest(text_of(each)) in policy for each in scripts] == [True] and "default-src 'none'" in policy
    wrong += [] if own else ["not the page's own script"]
    return wrong + (["something is fetched"] if FETCHED.search(text) else [])


def _digest(script: str) -> str:
    return f"script-src 'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


@pytest.mark.parametrize(("name", "steps"), [*(("shallow", steps) for steps in DEPTHS), ("layers", "full")])
def test_a_page_is_valid_and_needs_nothing_else(name: str, steps: Depth) -> None:
    assert faults(page(name, steps)) == []


def test_a_page_of_twenty_layers_and_one_of_columns_are_valid() -> None:
    assert faults(page("twenty layers")) == []
    assert faults(page("one layer", layout="sample")) == []


@pytest.mark.parametrize(
    ("right", "wrong", "fault"),
    [
        ('id="B2"', 'id="B1"', "id B1 stands twice"),
        ('id="B2"', "", "#B2 leads nowhere"),
        ("<h1>", '<h1 onclick="x">', "onclick runs"),
        ("<h1>", '<img alt="" src="x"><h1>', "src fetches"),
        ("<h1>", "<script>1</script><h1>", "not the page's own script"),
        ("use strict", "use Strict", "not the page's own script"),
        ("* {", "@import x; * {", "something is fetched"),
    ],
)
def test_a_fault_in_a_broken_copy_is_noticed(right: str, wrong: str, fault: str) -> None:
    text = page("shallow")
    assert right in text
    assert fault in faults(text.replace(right, wrong, 1))


@pytest.mark.parametrize(("right", "wrong"), [("</section>", ""), ("</h2>", "</h1>"), ("<!DOCTYPE html>", "")])
def test_a_page_that_is_no_html_is_noticed(right: str, wrong: str) -> None:
    with pytest.raises(html5lib.html5parser.ParseError):
        parsed(page("shallow").replace(right, wrong, 1))


def test_what_users_write_stays_text() -> None:
    derivation = derive(Network.parse(SPECS["one layer"]))
    context = report_context(derivation, "full")
    hostile = replace(context, network=HOSTILE)
    text = filled("html/report.html.j2", {field.name: getattr(hostile, field.name) for field in fields(hostile)})
    assert faults(text) == []
    assert text.count("<script>") == 1
    (title,) = parsed(text).iter(f"{XHTML}title")
    assert text_of(title) == f"Formulas, code and tree of {HOSTILE}"


def test_the_expressions_of_the_user_stay_text_in_the_code() -> None:
    text = report(Network.parse("3 -> 2 {where(x < 0, x, 2*x)} | mse"))
    assert faults(text) == []
    assert "where(x < 0" not in text
    assert "where(x &lt; 0, x, 2*x)" in text


@pytest.mark.parametrize("name", SPECS)
def test_the_code_of_the_page_is_the_generated_module_line_by_line(name: str) -> None:
    code = pane(parsed(page(name)), "code")
    lines = [each for each in code.iter(f"{XHTML}span") if each.get("class") == "line"]
    assert "".join(map(text_of, lines)) == generate(Network.parse(SPECS[name]))
    assert [each.get("data-n") for each in lines] == [str(number) for number in range(1, len(lines) + 1)]


@pytest.mark.parametrize(("name", "layout"), [*((name, "batch") for name in SPECS), ("one layer", "sample")])
def test_the_columns_light_up_with_the_same_ids(name: str, layout: Layout) -> None:
    root = parsed(page(name, layout=layout))
    formulas, code, tree = (tied(root, column) for column in ("formulas", "code", "tree"))
    derivation = derive(Network.parse(SPECS[name]))
    equations = {each.id for each in (*derivation.forward, derivation.loss, *derivation.backward)}
    updates = {each.id for found in derivation.updates.values() for each in found}
    assert tree == equations
    assert {id for id in formulas if not id.startswith("fn-")} == equations | updates
    assert code <= formulas
    assert updates <= code


def test_an_equation_without_a_line_of_code_says_so() -> None:
    root = parsed(page("shallow"))
    silent = tied(root, "formulas") - tied(root, "code")
    assert {id for id in silent if not id.startswith("fn-")} == {"B1"}
    (section,) = (each for each in pane(root, "formulas").iter() if each.get("id") == "B1")
    assert "no line of code of its own" in text_of(section)


def test_the_template_uses_what_it_is_given() -> None:
    assert template_variables("html/report.html.j2") == {field.name for field in fields(ReportContext)}


def test_the_page_has_the_same_bytes_again() -> None:
    assert report(Network.parse(SPECS["shallow"])) == page("shallow")


def test_a_derivation_made_before_is_shown_in_its_own_letters() -> None:
    own = derive(Network.parse(SPECS["one layer"]), notation={"weights": "V"})
    assert "<msub><mi>V</mi><mn>1</mn></msub>" in report(own)


def test_unknown_steps_are_refused_in_one_line() -> None:
    with pytest.raises(SymmlpError, match="^steps: expected one of none, brief, full, index, got 'half'"):
        report(Network.parse(SPECS["one layer"]), steps="half")  # type: ignore[arg-type]


def test_the_command_writes_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "page.html"
    assert run(["report", SPECS["one layer"], "-o", str(output), "--steps", "index", "--layout", "sample"]) == 0
    assert output.read_text(encoding="utf-8") == page("one layer", "index", "sample")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["3 -> 2 | mse", "-o", "page.txt"], "output: expected a file name ending in .html, got 'page.txt'"),
        (["3 -> 2 | mse", "-o", "kept.html"], "output: 'kept.html' already exists; use --force to overwrite it"),
        (["3 -> 2 | mse"], "Missing option"),
        (["3 -> 2 tnah | mse", "-o", "page.html"], "layers[1].activation: unknown activation 'tnah'"),
        (["3 -> 2 | mse", "-o", "page.html", "--steps", "half"], "'half' is not one of"),
    ],
)
def test_what_is_wrong_is_told_in_one_line_and_nothing_is_written(
    arguments: list[str],
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("kept.html").write_text("kept", encoding="utf-8")
    assert run(["report", *arguments]) == 2
    found = capsys.readouterr().err
    assert found.count("\n") == 1
    assert told in found
    assert [path.read_text(encoding="utf-8") for path in tmp_path.iterdir()] == ["kept"]
