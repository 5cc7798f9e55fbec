"""TikZ: a document that compiles as it is with LaTeX's base packages, amsmath, amssymb and TikZ; a pixel is 0.75 pt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from symmlp.pictures.geometry import Anchor, Box, Piece, Point, Route, Sheet, Text, width_of
from symmlp.pictures.network_layout import UNIT_RADIUS

PIXEL = 0.75
"""Points a pixel."""

ANCHORS: dict[Anchor, str] = {"start": "base west", "middle": "base", "end": "base east"}

PREAMBLE = r"""\documentclass[10pt]{article}
\usepackage[papersize={%(width)spt,%(height)spt},margin=0pt]{geometry}
\usepackage{amsmath}
\usepackage{amssymb}
\usepackage{tikz}
\usetikzlibrary{arrows.meta}
\pagestyle{empty}
\setlength{\parindent}{0pt}
\setlength{\topskip}{0pt}
\definecolor{op}{HTML}{0B57B0}
\definecolor{loss}{HTML}{A33D00}
\definecolor{parameter}{HTML}{1C6B33}
\definecolor{cotangent}{HTML}{8A2DA8}
\definecolor{muted}{HTML}{57606A}
%% A formula that is wider than its room is made smaller.
\newcommand{\fitted}[2]{\sbox0{#2}\ifdim\wd0>#1\resizebox{#1}{!}{\usebox0}\else\usebox0\fi}
\begin{document}
\begin{tikzpicture}[
  x=%(pixel)spt, y=-%(pixel)spt, font=\small, line width=0.8pt,
  every node/.style={inner sep=0pt},
  frame/.style={draw=muted, fill=white},
  leaf/.style={frame, rounded corners=12pt}, inputs/.style=leaf, targets/.style=leaf, given/.style=leaf,
  parameter/.style={leaf, draw=parameter, fill=parameter!8},
  op/.style={frame, rounded corners=2pt, draw=op, fill=op!8}, layer/.style=op,
  loss/.style={op, draw=loss, fill=loss!8, line width=1.4pt},
  more/.style={frame, rounded corners=2pt, dotted},
  forward/.style={draw=muted, rounded corners=4pt, -{Latex[length=5pt]}},
  backward/.style={draw=cotangent, dashed, rounded corners=4pt, -{Latex[length=5pt, open]}},
  strands/.style={draw=muted, line width=0.3pt},
]
\useasboundingbox (0,0) rectangle (%(right)s,%(bottom)s);"""

_PLAIN = {
    **{"\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_"},
    **{"^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}"},
    **{"|": r"\textbar{}", '"': r"\textquotedbl{}", "…": r"\dots{}"},
    **{"─": "", "╌": "", "▶": r"$\longrightarrow$", "▷": r"$\dashrightarrow$"},
}


def tikz(sheet: Sheet) -> str:
    """Return a sheet as a complete LaTeX document."""
    return "\n".join(_lines(sheet)) + "\n"


def _lines(sheet: Sheet) -> Iterator[str]:
    sizes = {"right": _at(sheet.width), "bottom": _at(sheet.height), "pixel": f"{PIXEL:g}"}
    # A hair more paper than picture: else LaTeX puts the picture on a second page.
    paper = {"width": _at(PIXEL * sheet.width + 1), "height": _at(PIXEL * sheet.height + 1)}
    yield PREAMBLE % (sizes | paper)
    for route in sheet.routes:
        yield from _route(route)
    for box in sheet.boxes:
        yield from _box(box)
    yield from _texts(sheet.texts)
    yield r"\end{tikzpicture}"
    yield r"\end{document}"


def _route(route: Route) -> Iterator[str]:
    edge = route.edge
    yield f"% {' '.join(edge.equations)}: {edge.id}"
    ways = " ".join(" -- ".join(_pair(point) for point in path) for path in route.paths)
    yield rf"\draw[{edge.direction if route.has_head else 'strands'}] {ways};"
    yield from _texts(route.texts)


def _box(box: Box) -> Iterator[str]:
    node = box.node
    yield f"% {' '.join((*node.equations[:1], *node.equations[1:][-1:])) or 'leaf'}: {node.id}"
    for unit in box.units:
        yield rf"\draw[{node.role}] {_pair(unit)} circle[radius={_at(PIXEL * UNIT_RADIUS)}pt];"
    if box.gap is not None:
        yield rf"\node at {_pair(box.gap)} {{$\vdots$}};"
    if not box.units:
        yield rf"\draw[{node.role}] {_pair((box.left, box.top))} rectangle {_pair((box.right, box.bottom))};"
    yield from _texts(box.texts)


def _texts(texts: Sequence[Text]) -> Iterator[str]:
    """Yield a node for every line; a formula of several lines is one node in their middle."""
    for text, *rest in _formulas(texts):
        content = r"\enspace ".join(_piece(piece) for piece in text.line)
        if rest:
            room = PIXEL * width_of([text.line, *(each.line for each in rest)])
            content = rf"\fitted{{{_at(room)}pt}}{{{content}}}"
        y = (text.y + rest[-1].y) / 2 if rest else text.y
        yield rf"\node[anchor={ANCHORS[text.anchor]}] at {_pair((text.x, y))} {{{content}}};"


def _formulas(texts: Sequence[Text]) -> list[list[Text]]:
    """Return the lines in groups: those that continue a formula go with its first."""
    groups: list[list[Text]] = []
    for text in texts:
        if text.line[0].latex == "":
            groups[-1].append(text)
        else:
            groups.append([text])
    return groups


def _piece(piece: Piece) -> str:
    content = plain(piece.text) if piece.latex is None else f"${piece.latex}$"
    match piece.tone:
        case "id":
            return rf"\textbf{{{content}}}"
        case "cotangent":
            return rf"\textcolor{{cotangent}}{{{content}}}"
        case "words" | "shape":
            return rf"\textcolor{{muted}}{{{content}}}"
        case _:
            return content


def plain(text: str) -> str:
    """Return `text` with everything escaped that LaTeX would act on."""
    return "".join(_PLAIN.get(character, character) for character in text)


def _pair(point: Point) -> str:
    return f"({_at(point[0])},{_at(point[1])})"


def _at(value: float) -> str:
    return f"{round(value, 2):g}"
