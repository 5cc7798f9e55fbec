"""Mermaid: a flowchart for Markdown pages.

A layer is one node, because Mermaid refuses more than 500 edges. The cotangent of a leaf has a node of its own, because
Mermaid lays out every edge downwards: an edge back to the leaf would put the leaf below the op that reads it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from symmlp.pictures.dot import COLOURS, edge_lines, node_lines
from symmlp.pictures.record import Picture, PictureEdge, PictureNode, Role

FRAMES: Mapping[Role, tuple[str, str]] = {
    **{"inputs": ("([", "])"), "parameter": ("([", "])"), "targets": ("([", "])"), "given": ("([", "])")},
    **{"op": ("[", "]"), "layer": ("[", "]"), "loss": ("[[", "]]"), "more": ("{{", "}}")},
}
"""Leaves are round, ops are rectangles, the loss has double sides."""

SAFE = frozenset(" ()[],.=+-*/'′∂∘⊘·−ᵀΣ√≤≥¹²³⁴⁵⁶⁷⁸⁹⁰⁽⁾∇…_")


def mermaid(picture: Picture) -> str:
    """Return a picture as a flowchart."""
    return "\n".join(_lines(picture)) + "\n"


def _lines(picture: Picture) -> Iterator[str]:
    yield f"flowchart {'TB' if picture.kind == 'tree' else 'LR'}"
    yield f"  accTitle: {picture.title}"
    yield f"  accDescr: {picture.description}"
    for node in picture.nodes:
        opening, closing = FRAMES[node.role]
        yield f'  {_id(picture, node.id)}{opening}"{_label(_node_lines(node))}"{closing}:::{node.role}'
    leaves = {node.id for node in picture.nodes if node.role == "parameter"}
    for edge in picture.edges:
        yield "  " + _edge(picture, edge, leaves)
    yield from _styles(picture)


def _node_lines(node: PictureNode) -> list[str]:
    return [*node_lines(node), f"{node.units} units"] if node.units else node_lines(node)


def _edge(picture: Picture, edge: PictureEdge, leaves: set[str]) -> str:
    source, target, label = _id(picture, edge.source), _id(picture, edge.target), _label(edge_lines(edge))
    if edge.direction == "forward":
        return f'{source} -->|"{label}"| {target}'
    if edge.target in leaves:
        target = f'{_id(picture, edge.id)}(["{escaped(edge.label.naming.shown(f"d{edge.target}"))}"])'
    return f'{source} -.->|"{label}"| {target}'


def _styles(picture: Picture) -> Iterator[str]:
    """Yield the colours of frames and of cotangents; fills are left to the theme, which may be light or dark."""
    for role in dict.fromkeys(node.role for node in picture.nodes):
        stroke = f"stroke:{COLOURS.get(role, '#57606a')},stroke-width:{3 if role == 'loss' else 2}px"
        yield f"  classDef {role} {stroke}{',stroke-dasharray:4' if role == 'more' else ''}"
    backward = [str(number) for number, edge in enumerate(picture.edges) if edge.direction == "backward"]
    if backward:
        yield f"  linkStyle {','.join(backward)} stroke:{COLOURS['cotangent']}"


def _id(picture: Picture, id: str) -> str:
    """Return an id of letters, digits and underscores; the kind in front of it keeps it from being a keyword."""
    letters = (letter if letter.isascii() and letter.isalnum() else f"_{ord(letter):x}_" for letter in id)
    return f"{picture.kind}_{''.join(letters)}"


def _label(lines: Sequence[str]) -> str:
    return "<br/>".join(escaped(line) for line in lines if line)


def escaped(text: str) -> str:
    """Return `text` for a quoted label: signs that Mermaid or HTML would act on are written by number."""
    return "".join(sign if sign.isalnum() or sign in SAFE else f"#{ord(sign)};" for sign in text)
