"""What must hold for a picture, its layout and its texts; each checker returns what is wrong."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations, pairwise
from xml.etree import ElementTree as ET

from symmlp.derivation import Derivation
from symmlp.pictures.geometry import Box, Point, Route, Sheet, Text
from symmlp.pictures.record import Picture

Rectangle = tuple[float, float, float, float]
Segment = tuple[Point, Point]

SVG = "{http://www.w3.org/2000/svg}"


def expected_ids(derivation: Derivation, *, backward: bool) -> set[str]:
    """Return the ids that a picture must show: forward and loss, and the backward ones if they are drawn."""
    ids = {equation.id for equation in (*derivation.forward, *derivation.losses)}
    return ids | {equation.id for equation in derivation.backward} if backward else ids


def wrong_ids(picture: Picture, expected: set[str]) -> list[str]:
    """Return the ids that are missing from a picture and those that were made up."""
    shown = {id for part in picture.parts for id in part.equations}
    return [f"missing {id}" for id in sorted(expected - shown)] + [f"made up {id}" for id in sorted(shown - expected)]


def overlaps(sheet: Sheet) -> list[str]:
    """Return the pairs of boxes and texts that share a place, a text in its own box excepted."""
    rectangles = list(_rectangles(sheet))
    return [
        f"{first} and {second}"
        for (first, home, one), (second, other, two) in combinations(rectangles, 2)
        if home != other and _meet(one, two)
    ] + [f"{name} is off the sheet" for name, _, place in rectangles if not _inside(place, sheet)]


def _rectangles(sheet: Sheet) -> Iterator[tuple[str, str, Rectangle]]:
    """Yield (name, part, place) of every box and text; texts of one route or of the legend are parts of their own."""
    for box in sheet.boxes:
        yield box.node.id, box.node.id, (box.left, box.top, box.right, box.bottom)
        yield from (_named(text, box.node.id) for text in box.texts)
    for route in sheet.routes:
        yield from (_named(text, route.edge.id) for text in route.texts)
    yield from (_named(text, "legend") for text in sheet.texts)


def _named(text: Text, part: str) -> tuple[str, str, Rectangle]:
    return " ".join(piece.text for piece in text.line), part, text.box


def _meet(one: Rectangle, two: Rectangle) -> bool:
    return one[0] < two[2] and two[0] < one[2] and one[1] < two[3] and two[1] < one[3]


def _inside(place: Rectangle, sheet: Sheet) -> bool:
    return place[0] >= 0 and place[1] >= 0 and place[2] <= sheet.width and place[3] <= sheet.height


def lines_through(sheet: Sheet) -> list[str]:
    """Return where a line runs through a box that it does not belong to, or through a text."""
    return [
        f"{route.edge.id} through {name}"
        for route in sheet.routes
        for name, part, place in _rectangles(sheet)
        if part not in (route.edge.source, route.edge.target) or name != part
        for segment in _segments(route)
        if _passes(segment, place)
    ]


def _segments(route: Route) -> Iterator[Segment]:
    for path in route.paths:
        yield from pairwise(path)


def _passes(segment: Segment, place: Rectangle) -> bool:
    """Tell whether a segment enters the inside of a rectangle, by cutting it off at its four sides in turn."""
    (x, y), (to_x, to_y) = segment
    start, end = 0.0, 1.0
    for step, low, high in ((to_x - x, place[0] - x, place[2] - x), (to_y - y, place[1] - y, place[3] - y)):
        if step == 0:
            if not low < 0 < high:
                return False
        else:
            first, last = sorted((low / step, high / step))
            start, end = max(start, first), min(end, last)
    return end - start > 1e-9


def crossings(sheet: Sheet) -> list[str]:
    """Return the pairs of edges that cross."""
    return [
        f"{one.edge.id} and {two.edge.id}"
        for one, two in combinations(sheet.routes, 2)
        if any(_cross(first, second) for first in _segments(one) for second in _segments(two))
    ]


def _cross(one: Segment, two: Segment) -> bool:
    return _sides(one, two) and _sides(two, one)


def _sides(line: Segment, points: Segment) -> bool:
    """Tell whether two points lie on different sides of a line."""
    (x, y), (to_x, to_y) = line
    turns = [(to_x - x) * (point[1] - y) - (to_y - y) * (point[0] - x) for point in points]
    return turns[0] * turns[1] < 0


def svg_faults(text: str, expected: set[str]) -> list[str]:
    """Return what is wrong with an SVG document: ids, names for those who do not see it, references to the outside."""
    root = ET.fromstring(text)  # noqa: S314 - the text is our own
    elements = list(root.iter())
    ids = Counter(element.get("id") for element in elements if element.get("id"))
    shown = {id for element in elements for id in (element.get("data-id") or "").split()}
    faults = [f"id {id} is used {count} times" for id, count in ids.items() if count > 1]
    faults += [f"data-id {id}" for id in sorted(shown ^ expected)]
    faults += [f"no <{name}>" for name in ("title", "desc") if root.find(f"{SVG}{name}") is None]
    faults += [f"refers to {found}" for found in re.findall(r"href|url\(|@import|<image|<script|<foreignObject", text)]
    faults += [f"{each} names nothing" for each in _labels(root) if each not in ids]
    if "prefers-color-scheme: dark" not in text:
        faults.append("has one colour scheme")
    return faults


def _labels(root: ET.Element) -> list[str]:
    return [root.get("aria-labelledby", "nothing"), root.get("aria-describedby", "nothing")]


@dataclass(frozen=True)
class Flowchart:
    """What a Mermaid text says: labels by node, and edges as (source, target, label, is dashed)."""

    nodes: dict[str, str]
    edges: tuple[tuple[str, str, str, bool], ...]


_LABEL = r'"(?P<label>(?:[^"<>{}|#&`;\\]|<br/>|#\d+;)*)"'
_NODE = re.compile(
    r"(?P<id>[A-Za-z]\w*)(?:\(\[|\[\[|\{\{|\[)" + _LABEL + r"(?:\]\)|\]\]|\}\}|\]):::(?P<role>\w+)", re.A
)
_EDGE = re.compile(
    r"(?P<source>[A-Za-z]\w*) (?P<arrow>-->|-\.->)\|"
    + _LABEL
    + r'\| (?P<target>[A-Za-z]\w*)(?:\(\["(?P<leaf>\w+)"\]\))?',
    re.A,
)
_REST = re.compile(
    r"acc(?:Title|Descr): [^\n:;#]+|classDef (?P<style>\w+) [\w#:,-]+|linkStyle (?P<links>\d+(?:,\d+)*) [\w#:]+"
)


def read_mermaid(text: str) -> Flowchart:
    """Return what a flowchart says; raises ValueError for a line that is no Mermaid, or an end that is no node."""
    header, *lines = text.splitlines()
    if not re.fullmatch("flowchart (?:TB|LR)", header):
        raise ValueError(f"header {header}")
    nodes: dict[str, str] = {}
    edges: list[tuple[str, str, str, bool]] = []
    roles, styles = set(), set()
    for line in map(str.strip, lines):
        if node := _NODE.fullmatch(line):
            nodes[node["id"]] = _unescaped(node["label"])
            roles.add(node["role"])
        elif edge := _EDGE.fullmatch(line):
            if edge["leaf"]:
                nodes[edge["target"]] = edge["leaf"]
            edges.append((edge["source"], edge["target"], _unescaped(edge["label"]), edge["arrow"] == "-.->"))
        elif rest := _REST.fullmatch(line):
            styles |= {rest["style"]} - {None}
            if rest["links"] and max(map(int, rest["links"].split(","))) >= len(edges):
                raise ValueError(f"{line}: there are {len(edges)} edges")
        else:
            raise ValueError(f"no Mermaid: {line}")
    _check_ends(nodes, [(source, target) for source, target, *_ in edges])
    if roles - styles:
        raise ValueError(f"no style for {roles - styles}")
    return Flowchart(nodes, tuple(edges))


def _unescaped(label: str) -> str:
    return re.sub(r"#(\d+);", lambda found: chr(int(found[1])), label.replace("<br/>", "\n"))


def _check_ends(nodes: Iterable[str], edges: Iterable[tuple[str, str]]) -> None:
    for ends in edges:
        for end in ends:
            if end not in nodes:
                raise ValueError(f"edge {ends} ends at {end}, which is no node")


@dataclass(frozen=True)
class Digraph:
    """What a DOT text says: attributes by node and by (source, target, id)."""

    nodes: dict[str, dict[str, str]]
    edges: dict[tuple[str, str, str], dict[str, str]]


_DOT_TOKEN = re.compile(r'\s*(?:"(?P<quoted>(?:[^"\\\n]|\\.)*)"|(?P<word>[A-Za-z_]\w*|\d+)|(?P<sign>->|[\[\]{}=,;]))')


def read_dot(text: str) -> Digraph:
    """Return what a digraph says; raises ValueError for a text that is no DOT, or an end that is no node."""
    tokens = list(_tokens(text))
    if tokens[0] != "digraph" or tokens[2] != "{" or tokens[-1] != "}":
        raise ValueError("no digraph")
    nodes: dict[str, dict[str, str]] = {}
    edges: dict[tuple[str, str, str], dict[str, str]] = {}
    for statement in _split(tokens[3:-1], ";"):
        names, attributes = _statement(statement)
        match names:
            case ["graph" | "node" | "edge"]:
                pass
            case [node]:
                nodes[node] = attributes
            case [source, "->", target]:
                edges[source, target, attributes["id"]] = attributes
            case _:
                raise ValueError(f"no statement: {statement}")
    _check_ends(nodes, [(source, target) for source, target, _ in edges])
    return Digraph(nodes, edges)


def _tokens(text: str) -> Iterator[str]:
    place = 0
    while place < len(text.rstrip()):
        found = _DOT_TOKEN.match(text, place)
        if found is None:
            raise ValueError(f"no DOT: {text[place : place + 40]!r}")
        place = found.end()
        # A quoted sign is a name, so it is told from a bare one by a space in front, which no bare token has.
        yield " " + found["quoted"] if found["quoted"] is not None else found["word"] or found["sign"]


def _split(tokens: list[str], sign: str) -> Iterator[list[str]]:
    part: list[str] = []
    for token in tokens:
        if token == sign:
            yield part
            part = []
        else:
            part.append(token)
    if part:
        raise ValueError(f"no {sign} after {part}")


def _statement(tokens: list[str]) -> tuple[list[str], dict[str, str]]:
    """Return the names before the brackets and the attributes in them."""
    if "[" not in tokens or tokens[-1] != "]":
        raise ValueError(f"no attributes: {tokens}")
    start = tokens.index("[")
    attributes = {}
    for part in _split([*tokens[start + 1 : -1], ","], ","):
        if len(part) != 3 or part[1] != "=":
            raise ValueError(f"no attribute: {part}")
        attributes[part[0]] = part[2].removeprefix(" ")
    return [token.removeprefix(" ") for token in tokens[:start]], attributes


def latex_faults(text: str) -> list[str]:
    """Return what is wrong with the structure of a LaTeX document: braces, dollars, environments, TikZ's semicolons."""
    body = re.sub(r"(?<!\\)%.*", "", text)
    bare = re.sub(r"\\[\\{}$%]", "", body)
    faults = [] if bare.count("{") == bare.count("}") else ["braces"]
    faults += [] if bare.count("$") % 2 == 0 else ["dollars"]
    begun, ended = (Counter(re.findall(rf"\\{word}\{{(\w+)\}}", body)) for word in ("begin", "end"))
    faults += [] if begun == ended else ["environments"]
    drawing = re.findall(r"^\\(?:node|draw).*$", body, re.M)
    return faults + [f"no semicolon: {line}" for line in drawing if not line.rstrip().endswith(";")]


def moved(box: Box, right: float, down: float) -> Box:
    """Return a box somewhere else, for layouts that are broken on purpose."""
    return Box(box.node, box.left + right, box.top + down, box.width, box.height, (), box.units, box.gap)
