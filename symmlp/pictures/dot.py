"""DOT, the language of Graphviz: `dot -Tsvg` keeps the ids and, as classes, the ids of the equations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from symmlp.pictures.labels import TEXT, shape_piece
from symmlp.pictures.network_layout import slots
from symmlp.pictures.record import Label, Picture, PictureEdge, PictureNode, Role

COLOURS = {"op": "#0b57b0", "layer": "#0b57b0", "loss": "#a33d00", "parameter": "#1c6b33", "cotangent": "#8a2da8"}

SHAPES: Mapping[Role, str] = {"op": "box", "layer": "box", "loss": "box", "more": "box"}
"""Leaves are ellipses."""


def dot(picture: Picture) -> str:
    """Return a picture as a directed graph."""
    return "\n".join(_lines(picture)) + "\n"


def _lines(picture: Picture) -> Iterator[str]:
    yield f"digraph {picture.kind} {{"
    ranks = "TB" if picture.kind == "tree" else "LR"
    yield f'  graph [rankdir={ranks}, label="{quoted(picture.title)}", labelloc=t, fontname="sans-serif"];'
    yield '  node [fontname="monospace", fontsize=11];'
    yield '  edge [fontname="monospace", fontsize=10];'
    for node in picture.nodes:
        yield f'  "{quoted(node.id)}" {_attributes(_node(node, picture))};'
    for edge in picture.edges:
        yield f'  "{quoted(edge.source)}" -> "{quoted(edge.target)}" {_attributes(_edge(edge, picture))};'
    yield "}"


def _node(node: PictureNode, picture: Picture) -> dict[str, str]:
    found = {"id": f"{picture.kind}-{node.id}", "class": _classes(node.role, node.equations)}
    found["color"] = COLOURS.get(node.role, "#57606a")
    if node.units:
        return {**found, "shape": "record", "label": _record(node)}
    style = {"more": "dashed", "loss": "bold"}.get(node.role)
    if style:
        found["style"] = style
    return {**found, "shape": SHAPES.get(node.role, "ellipse"), "label": "\\n".join(map(quoted, node_lines(node)))}


def _edge(edge: PictureEdge, picture: Picture) -> dict[str, str]:
    found = {"id": f"{picture.kind}-{edge.id}", "class": _classes(edge.direction, edge.equations)}
    found["label"] = "\\n".join(map(quoted, edge_lines(edge)))
    if edge.direction == "backward":
        # The ranks follow the forward edges alone.
        colour = COLOURS["cotangent"]
        found |= {"style": "dashed", "color": colour, "fontcolor": colour, "arrowhead": "empty", "constraint": "false"}
    return found


def _record(node: PictureNode) -> str:
    """Return a record's label: what the layer computes, its units, their number."""
    units = "|".join("⋮" if slot is None else str(slot) for slot in slots(node.units))
    lines = "\\n".join(map(_field, node_lines(node)))
    return f"{lines}|{{{units}}}|{node.units} units"


def node_lines(node: PictureNode) -> list[str]:
    """Return the lines of a node's label; a layer names what it computes, an op and the loss have their formula."""
    if node.role == "layer":
        return [node.label.words, *(_named(part.equation, part.label) for part in node.parts)]
    if node.role == "more" or not node.equations:
        return [text for text in (TEXT.name(node.label), node.label.words) if text]
    label = node.parts[0].label if node.parts else node.label
    return [_named(node.equations[0], label), TEXT.formula(label)]


def edge_lines(edge: PictureEdge) -> list[str]:
    """Return the lines of an edge's label: an array's shape, or the id and equation of a cotangent."""
    if edge.direction == "backward":
        return [_named(edge.equations[0], edge.label), TEXT.right(edge.label)]
    return [_named_shape(edge.label) if edge.is_dense else shape_piece(edge.label).text]


def _named(equation: str, label: Label) -> str:
    return f"{equation}  {TEXT.head(label) if label.is_cotangent else label.words}"


def _named_shape(label: Label) -> str:
    return f"{TEXT.name(label)}  {shape_piece(label).text}"


def _classes(role: str, equations: tuple[str, ...]) -> str:
    return " ".join((role, *equations))


def _attributes(found: Mapping[str, str]) -> str:
    return "[" + ", ".join(f'{name}="{value}"' for name, value in found.items()) + "]"


def quoted(text: str) -> str:
    r"""Return `text` as it stands between quotes: a backslash and a quote are escaped."""
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _field(text: str) -> str:
    """Return `text` as it stands in a record's field, where braces, bars and angles mean something."""
    return "".join(f"\\{sign}" if sign in "{}|<> " else sign for sign in quoted(text))
