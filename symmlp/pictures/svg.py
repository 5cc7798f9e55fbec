"""SVG: self-contained, light or dark as the reader prefers, text as text, every part with the ids of its equations.

It is written with the standard library: the shapes are five, and a drawing library would add nothing but a dependency.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from xml.etree import ElementTree as ET

from symmlp.pictures.geometry import FONT_SIZE, Box, Piece, Point, Route, Sheet, Text
from symmlp.pictures.labels import TEXT
from symmlp.pictures.network_layout import UNIT_RADIUS
from symmlp.pictures.record import PictureEdge, PictureNode

RADIUS = 7.0
"""Of the bends of an edge."""

ARROW = 8.0

LIGHT = {
    **{"surface": "#ffffff", "ink": "#1f2328", "muted": "#57606a", "line": "#57606a"},
    **{"op": "#0b57b0", "op-fill": "#eaf2fd", "loss": "#a33d00", "loss-fill": "#fff0e6"},
    **{"parameter": "#1c6b33", "parameter-fill": "#ebf7ee", "backward": "#8a2da8"},
}
DARK = {
    **{"surface": "#0f141b", "ink": "#e6edf3", "muted": "#a3adb8", "line": "#8b96a3"},
    **{"op": "#79b0ff", "op-fill": "#16263d", "loss": "#ff9d5c", "loss-fill": "#3a2213"},
    **{"parameter": "#6bc985", "parameter-fill": "#14291b", "backward": "#dc9cf2"},
}
"""The colours; text has a contrast of at least 4.5 on the surface and on every fill."""

RULES = f"""
.symmlp-picture {{ %s }}
@media (prefers-color-scheme: dark) {{ .symmlp-picture {{ %s }} }}
.symmlp-picture text {{
  font: {FONT_SIZE:g}px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; fill: var(--ink);
}}
.symmlp-picture .surface {{ fill: var(--surface); }}
.symmlp-picture .id {{ font-weight: bold; }}
.symmlp-picture .words, .symmlp-picture .shape {{ fill: var(--muted); }}
.symmlp-picture .cotangent, .symmlp-picture .backward .id {{ fill: var(--backward); }}
.symmlp-picture .frame {{ fill: var(--surface); stroke: var(--line); stroke-width: 1.5; }}
.symmlp-picture .op .frame, .symmlp-picture .layer .frame {{ fill: var(--op-fill); stroke: var(--op); }}
.symmlp-picture .loss .frame {{ fill: var(--loss-fill); stroke: var(--loss); stroke-width: 2.5; }}
.symmlp-picture .parameter .frame {{ fill: var(--parameter-fill); stroke: var(--parameter); }}
.symmlp-picture .more .frame {{ stroke-dasharray: 2 4; }}
.symmlp-picture .path {{ fill: none; stroke: var(--line); stroke-width: 1.6; }}
.symmlp-picture .head {{ fill: var(--line); stroke: var(--line); stroke-width: 1.6; stroke-linejoin: round; }}
.symmlp-picture .strands {{ fill: none; stroke: var(--line); stroke-width: 0.7; opacity: 0.65; }}
.symmlp-picture .backward .path {{ stroke: var(--backward); stroke-dasharray: 6 4; }}
.symmlp-picture .backward .head {{ fill: var(--surface); stroke: var(--backward); }}
"""


def svg(sheet: Sheet, *, linked: bool = False) -> str:
    """Return a sheet as a complete SVG document; if `linked`, what shows an id is a link to it on the page around."""
    picture = sheet.picture
    root = ET.Element("svg", _root(sheet))
    if linked:
        root.set("role", "group")
        root.set("style", f"--width: {root.attrib['width']}px; --height: {root.attrib['height']}px")
    title, desc = (f"{picture.kind}-{part}" for part in ("title", "desc"))
    ET.SubElement(root, "title", {"id": title}).text = picture.title
    ET.SubElement(root, "desc", {"id": desc}).text = picture.description
    root.attrib |= {"aria-labelledby": title, "aria-describedby": desc}
    ET.SubElement(root, "style").text = RULES % (_variables(LIGHT), _variables(DARK))
    ET.SubElement(root, "rect", {"class": "surface", "width": "100%", "height": "100%", "rx": "10"})
    for route in sheet.routes:
        _draw_route(root, route, picture.kind, linked)
    for box in sheet.boxes:
        _draw_box(root, box, picture.kind, linked)
    for text in sheet.texts:
        _draw_text(root, text)
    return ET.tostring(root, encoding="unicode") + "\n"


def _root(sheet: Sheet) -> dict[str, str]:
    width, height = (f"{math.ceil(side)}" for side in (sheet.width, sheet.height))
    return {
        "xmlns": "http://www.w3.org/2000/svg",
        "class": "symmlp-picture",
        "role": "graphics-document document",
        "width": width,
        "height": height,
        "viewBox": f"0 0 {width} {height}",
    }


def _variables(colours: Mapping[str, str]) -> str:
    return " ".join(f"--{name}: {colour};" for name, colour in colours.items())


def _group(root: ET.Element, part: PictureNode | PictureEdge, role: str, kind: str, is_link: bool) -> ET.Element:
    """Return the group of a part, which carries its ids and, as a tooltip, its whole formula."""
    group = ET.SubElement(root, "a" if is_link else "g", {"id": f"{kind}-{part.id}", "class": role})
    if is_link:
        group.set("href", f"#{part.equations[0]}")
    if part.equations:
        group.set("data-id", " ".join(part.equations))
    if part.label.array:
        group.set("data-array", part.label.array)
    ET.SubElement(group, "title").text = _tooltip(part)
    return group


def _tooltip(part: PictureNode | PictureEdge) -> str:
    if isinstance(part, PictureNode) and part.parts:
        return "\n".join(f"{each.equation}  {TEXT.formula(each.label)}" for each in part.parts)
    formula = TEXT.formula(part.label) if part.label.array else part.label.words
    return f"{part.equations[0]}  {formula}" if part.label.value is not None else formula


def _draw_box(root: ET.Element, box: Box, kind: str, linked: bool) -> None:
    group = _group(root, box.node, box.node.role, kind, linked and bool(box.node.equations))
    for x, y in box.units:
        ET.SubElement(group, "circle", {"class": "frame", "cx": _at(x), "cy": _at(y), "r": _at(UNIT_RADIUS)})
    if not box.units:
        leaf = box.node.role in ("inputs", "parameter", "targets", "given")
        corner = box.height / 2 if leaf else 4.0
        place = {"x": box.left, "y": box.top, "width": box.width, "height": box.height, "rx": corner}
        ET.SubElement(group, "rect", {"class": "frame"} | {name: _at(value) for name, value in place.items()})
    if box.gap is not None:
        x, y = box.gap
        _draw_text(group, Text((Piece("⋮", "words"),), x, y + 0.35 * FONT_SIZE, "middle"))
    for text in box.texts:
        _draw_text(group, text)


def _draw_route(root: ET.Element, route: Route, kind: str, linked: bool) -> None:
    # An array on its way forward is part of the equation of the box that it enters, which is linked already.
    is_link = linked and route.edge.label.value is not None
    group = _group(root, route.edge, route.edge.direction, kind, is_link)
    ways = " ".join(_way(path) for path in route.paths)
    ET.SubElement(group, "path", {"class": "path" if route.has_head else "strands", "d": ways})
    if route.has_head:
        for path in route.paths:
            ET.SubElement(group, "path", {"class": "head", "d": _head(*path[-2:])})
    for text in route.texts:
        _draw_text(group, text)


def _draw_text(parent: ET.Element, text: Text) -> None:
    element = ET.SubElement(parent, "text", {"x": _at(text.x), "y": _at(text.y), "text-anchor": text.anchor})
    for number, piece in enumerate(text.line):
        span = ET.SubElement(element, "tspan", {"class": piece.tone})
        span.text = piece.text
        if number:
            span.set("dx", _at(FONT_SIZE))


def _way(path: tuple[Point, ...]) -> str:
    """Return the path through `path`, its bends rounded."""
    steps = [f"M{_pair(path[0])}"]
    for before, bend, after in zip(path, path[1:], path[2:], strict=False):
        steps.append(f"L{_pair(_towards(bend, before, RADIUS))} Q{_pair(bend)} {_pair(_towards(bend, after, RADIUS))}")
    return " ".join([*steps, f"L{_pair(path[-1])}"])


def _towards(start: Point, end: Point, step: float) -> Point:
    """Return the point `step` away from `start`, at most half way to `end`."""
    length = math.dist(start, end)
    share = min(step / length, 0.5) if length else 0.0
    return start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])


def _head(before: Point, tip: Point) -> str:
    """Return the triangle of an arrowhead."""
    length = math.dist(before, tip)
    along = ((tip[0] - before[0]) / length, (tip[1] - before[1]) / length)
    foot = (tip[0] - ARROW * along[0], tip[1] - ARROW * along[1])
    corners = ((foot[0] + side * along[1], foot[1] - side * along[0]) for side in (ARROW / 2, -ARROW / 2))
    return f"M{_pair(tip)} " + " ".join(f"L{_pair(corner)}" for corner in corners) + " Z"


def _pair(point: Point) -> str:
    return f"{_at(point[0])} {_at(point[1])}"


def _at(value: float) -> str:
    return f"{round(value, 2):g}"
