"""How wide a MathML formula is, in letters: enough to tell which ones a line of paper does not hold."""

from __future__ import annotations

import xml.etree.ElementTree as ET

SMALL = 0.7
"""Size of subscripts and superscripts."""

_STACKED = frozenset({"mfrac", "munder", "mtable"})
_RAISED = frozenset({"msub", "msup"})


def width(markup: str) -> float:
    """Return the width of a formula: what is stacked counts once, what is raised or lowered is small.

    >>> width("<mi>a</mi><mfrac><mi>bcd</mi><mn>2</mn></mfrac>")
    4.0
    """
    return _width(ET.fromstring(f"<math>{markup}</math>"))  # noqa: S314 - symmlp's own markup


def _width(element: ET.Element) -> float:
    widths = [_width(child) for child in element]
    if not widths:
        return float(len(element.text or ""))
    if element.tag in _STACKED:
        return max(widths)
    if element.tag in _RAISED:
        return widths[0] + SMALL * sum(widths[1:])
    return sum(widths)
