"""`picture`: a network or its derivation drawn as a tree or as layers, in one of four formats."""

from __future__ import annotations

from typing import Literal, Self, get_args

from symmlp.derivation import Derivation
from symmlp.deriving import derive
from symmlp.document import PrintableDerivation
from symmlp.errors import SymmlpError, shown
from symmlp.graph import Layout
from symmlp.pictures.dot import dot
from symmlp.pictures.mermaid import mermaid
from symmlp.pictures.network import network
from symmlp.pictures.network_layout import network_layout
from symmlp.pictures.record import Kind, Picture
from symmlp.pictures.shortening import shorten
from symmlp.pictures.svg import svg
from symmlp.pictures.tikz import tikz
from symmlp.pictures.tree import tree
from symmlp.pictures.tree_layout import tree_layout
from symmlp.printing.naming import AS_IN_THE_GRAPH, Naming
from symmlp.spec import Network

LAYERS_ON_A_PAGE = 40
"""A page that scrolls draws a network of so many layers completely."""

Format = Literal["mermaid", "dot", "tikz", "svg"]

SUFFIXES: dict[str, Format] = {".mmd": "mermaid", ".dot": "dot", ".gv": "dot", ".tex": "tikz", ".svg": "svg"}
"""The format that a file's name asks for."""


class Drawing(str):
    """The text of a picture in its format; a notebook shows SVG and Mermaid as pictures."""

    markup: Format

    def __new__(cls, text: str, markup: Format) -> Self:
        """Return a text that knows what it is written in."""
        drawing = super().__new__(cls, text)
        drawing.markup = markup
        return drawing

    def _repr_svg_(self) -> str | None:
        return str(self) if self.markup == "svg" else None

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        types = {"svg": "image/svg+xml", "mermaid": "text/vnd.mermaid"}
        return {types.get(self.markup, "text/plain"): str(self), "text/plain": str(self)}


def picture(
    subject: Network | Derivation,
    *,
    format: Format = "svg",
    kind: Kind = "tree",
    backward: bool = False,
    layout: Layout = "batch",
) -> Drawing:
    """Return the picture of a network, or of a derivation that was made before.

    `kind` is `tree` (variables, ops and the loss) or `network` (layers of units). With `backward` the cotangents are
    drawn on their way back. Every node and edge has the ids of its equations; of a deep network one node stands for the
    middle layers. `layout` is that of the derivation, if a network is given. Arrays are called what the derivation
    calls them: `picture(derive(network, notation=...))`.

    Raises:
        SymmlpError: an unknown format or kind, or an activation or a loss that has no matrix form.
    """
    _check("format", format, get_args(Format))
    _check("kind", kind, get_args(Kind))
    derivation = derive(subject, layout=layout) if isinstance(subject, Network) else subject
    whole = tree(derivation, backward=backward) if kind == "tree" else network(derivation, backward=backward)
    return Drawing(_printed(shorten(whole).named(_naming(derivation)), format), format)


def shown_picture(subject: Network | Derivation) -> str | None:
    """Return what a notebook shows of a network, its layers, or of a derivation, its tree with the cotangents.

    What has no derivation has no picture.
    """
    try:
        if isinstance(subject, Network):
            return str(picture(subject, kind="network"))
        return str(picture(subject, backward=True))
    except SymmlpError:
        return None


def tree_svg(derivation: Derivation) -> str:
    """Return the tree with its cotangents for a page of HTML: every part that shows an id is a link to it."""
    whole = tree(derivation, backward=True)
    return svg(tree_layout(shorten(whole, LAYERS_ON_A_PAGE).named(_naming(derivation))), linked=True)


def _naming(derivation: Derivation) -> Naming:
    """Return what an author calls the arrays of a derivation."""
    return derivation.naming if isinstance(derivation, PrintableDerivation) else AS_IN_THE_GRAPH


def _printed(picture: Picture, format: Format) -> str:
    if format == "mermaid":
        return mermaid(picture)
    if format == "dot":
        return dot(picture)
    sheet = tree_layout(picture) if picture.kind == "tree" else network_layout(picture)
    return svg(sheet) if format == "svg" else tikz(sheet)


def format_of(path: str | None, wanted: Format | None = None) -> Format:
    """Return the format that is wanted, or else the one of a file's suffix; for the terminal (None) it is Mermaid.

    Raises:
        SymmlpError: no format has that suffix, or another than the one that is wanted.
    """
    if path is None:
        return wanted or "mermaid"
    suffixes = [suffix for suffix, format in SUFFIXES.items() if wanted in (None, format)]
    for suffix in suffixes:
        if path.lower().endswith(suffix):
            return SUFFIXES[suffix]
    raise SymmlpError(f"output: expected a file name ending in {', '.join(suffixes)}, got {shown(path)}")


def _check(field: str, found: str, known: tuple[str, ...]) -> None:
    if found not in known:
        raise SymmlpError(f"{field}: expected {', '.join(known)}, got {shown(found)}")
