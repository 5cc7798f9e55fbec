"""`report`: formulas, code and tree on one self-contained page, where what has the same id lights up together."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, fields
from itertools import chain

from symmlp.derivation import Derivation
from symmlp.document import Depth, PrintableDerivation, derive
from symmlp.document.html import EquationMarkup, FunctionMarkup, HtmlContext, html_context
from symmlp.document.printable import checked_depth
from symmlp.generation import generate
from symmlp.graph import Layout
from symmlp.pictures.drawing import tree_svg
from symmlp.pictures.svg import DARK, LIGHT
from symmlp.reporting.code import Chunk, Listing
from symmlp.showing import PageText
from symmlp.spec import Network
from symmlp.templating import filled

POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'"
"""Content security policy: nothing is fetched or sent, and no script runs but the page's own, known by its hash."""


@dataclass(frozen=True)
class Entry:
    """An equation, and whether the code names it."""

    equation: EquationMarkup
    is_coded: bool


@dataclass(frozen=True)
class Part:
    """Equations under a title."""

    title: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class FunctionEntry:
    """A function that equations call."""

    key: str
    function: FunctionMarkup


@dataclass(frozen=True)
class ReportContext:
    """Everything that the template uses. Of text fields `network` and the lines of code may hold a user's words."""

    network: str
    facts: tuple[tuple[str, str], ...]
    symbols: tuple[tuple[str, str, str], ...]
    signs: tuple[tuple[str, str], ...]
    indices: str
    paths: tuple[tuple[str, str], ...]
    parts: tuple[Part, ...]
    functions: tuple[FunctionEntry, ...]
    chunks: tuple[Chunk, ...]
    tree: str
    style: str
    script: str
    policy: str


def report(subject: Network | PrintableDerivation, *, steps: Depth = "full", layout: Layout = "batch") -> PageText:
    """Return a page of HTML that needs no network: formulas with their steps, generated code and computational tree.

    Pointing at a step, a line of code or a part of the tree lights up what has the same id. Without a script the page
    is a document with links. `layout` is that of formulas and tree if a network is given; code has a sample a row.

    Raises:
        SymmlpError: `steps` or `layout` is unknown, or the network cannot be derived.
    """
    derivation = derive(subject, layout=layout) if isinstance(subject, Network) else subject
    values = report_context(derivation, steps)
    page = filled("html/report.html.j2", {field.name: getattr(values, field.name) for field in fields(values)})
    return PageText(page)


def report_context(derivation: PrintableDerivation, steps: Depth) -> ReportContext:
    """Return what the template prints."""
    depth, page = checked_depth(steps), derivation.page()
    shown = html_context(page, derivation.naming, depth)
    listing = listing_of(derivation)
    coded = set(listing.keys.values())
    script = filled("html/report.js.j2", {})
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    return ReportContext(
        network=shown.network,
        facts=shown.facts,
        symbols=shown.symbols,
        signs=shown.signs,
        indices=shown.indices,
        paths=tuple((path.arrays, path.passed) for path in shown.paths),
        parts=tuple(_parts(shown, coded)),
        functions=tuple(
            FunctionEntry(f"fn-{row.name}", markup) for row, markup in zip(page.functions, shown.functions, strict=True)
        ),
        chunks=tuple(listing.chunks()),
        tree=tree_svg(derivation),
        style=filled("html/report.css.j2", {"light": LIGHT, "dark": DARK}),
        script=script,
        policy=POLICY.format(digest),
    )


def listing_of(derivation: PrintableDerivation) -> Listing:
    """Return the reader of the network's generated module."""
    written = derivation if derivation.layout == "batch" else derive(derivation.network)
    return Listing(generate(derivation.network), dict(_targets(written)), tuple(derivation.functions))


def _targets(derivation: Derivation) -> Iterator[tuple[str, str]]:
    for equation in (*derivation.computed, *chain(*derivation.updates.values())):
        yield equation.id, equation.target


def _parts(shown: HtmlContext, coded: set[str]) -> Iterator[Part]:
    for section in (*shown.sections, *shown.updates):
        yield Part(section.title, tuple(Entry(each, each.id in coded) for each in section.equations))
