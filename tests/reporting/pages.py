"""Reports to look at, and what stands in them: ids of formulas, code and tree."""

from __future__ import annotations

from functools import cache
from xml.etree import ElementTree as ET

import html5lib

from symmlp.document import Depth
from symmlp.graph import Layout
from symmlp.reporting import report
from symmlp.spec import Network

HIDDEN = " -> ".join(["6 tanh"] * 19)
SPECS = {
    "shallow": "4 -> 16 tanh -> 3 softmax | cross_entropy",
    "one layer": "3 -> 2 | mse",
    "twenty layers": f"5 -> {HIDDEN} -> 3 softmax | cross_entropy",
    "layers": "8 -> 6 tanh -> layer_norm -> 6 {x*sigmoid(3*x/2)} -> dropout(rate=0.5) -> add(layer=1) -> rms_norm -> "
    "concat(layer=0) -> 4 swiglu -> 5 prelu -> 3 softmax | {sqrt(1 + (p - y)**2) - 1}",
}
XHTML = "{http://www.w3.org/1999/xhtml}"


@cache
def page(name: str, steps: Depth = "full", layout: Layout = "batch") -> str:
    """Return the report of a spec in SPECS."""
    return report(Network.parse(SPECS[name]), steps=steps, layout=layout)


@cache
def parsed(text: str) -> ET.Element:
    """Return the elements of a page, read by the rules of the HTML standard.

    Raises:
        html5lib.html5parser.ParseError: the page breaks one of them.
    """
    root = html5lib.HTMLParser(strict=True).parse(text)
    assert isinstance(root, ET.Element)
    return root


def pane(root: ET.Element, name: str) -> ET.Element:
    """Return a column of the page: formulas, code or tree."""
    (found,) = (each for each in root.iter(f"{XHTML}section") if each.get("id") == name)
    return found


def tied(root: ET.Element, name: str) -> set[str]:
    """Return the ids that parts of a column light up with."""
    return {id for each in pane(root, name).iter() for id in each.get("data-id", "").split()}


def text_of(element: ET.Element) -> str:
    """Return all text in an element."""
    return "".join(element.itertext())
