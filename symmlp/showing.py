"""How objects show themselves in notebooks: tables and texts as small pieces of HTML, everything escaped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from typing import Any

Shower = Callable[[Any], str | None]
"""Shows an object in some format, or returns None if it cannot be shown so."""

_SHOWERS: dict[str, Shower] = {}


def show_with(showers: Mapping[str, Shower]) -> None:
    """Say what shows objects by rooms above theirs: a network is drawn by a room that knows derivations."""
    _SHOWERS.update(showers)


def shown_by(name: str, subject: object) -> str | None:
    """Return `subject` shown by what has been named so, or None if nothing has."""
    return _SHOWERS[name](subject) if name in _SHOWERS else None


def html_table(caption: str, headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table.

    >>> html_table("sizes", ["name"], [["a<b"]])
    '<table><caption>sizes</caption><tr><th>name</th></tr><tr><td>a&lt;b</td></tr></table>'
    """
    lines = [_row("th", headings), *(_row("td", row) for row in rows)]
    return f"<table><caption>{escape(caption)}</caption>{''.join(lines)}</table>"


def _row(tag: str, cells: Sequence[object]) -> str:
    return f"<tr>{''.join(f'<{tag}>{escape(str(cell))}</{tag}>' for cell in cells)}</tr>"


def html_text(text: str) -> str:
    """Return a text with its lines and columns kept.

    >>> html_text("a < b")
    '<pre>a &lt; b</pre>'
    """
    return f"<pre>{escape(text)}</pre>"


class CodeText(str):
    """A program or a table as text: a notebook keeps its lines and columns."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        return html_text(self)


class MarkdownText(str):
    """A page of Markdown, which a notebook sets."""

    __slots__ = ()

    def _repr_markdown_(self) -> str:
        return str(self)


class PageText(str):
    """A page of HTML, which a notebook shows in a frame of its own."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        style = "width: 100%; height: 45rem; border: 1px solid"
        return f'<iframe srcdoc="{escape(self)}" sandbox="allow-scripts" title="report" style="{style}"></iframe>'
