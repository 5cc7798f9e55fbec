"""How objects show themselves in notebooks: tables and texts as small pieces of HTML, everything escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape


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
    """The text of a program, which a notebook shows in lines."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        return html_text(self)


class PageText(str):
    """A page of HTML, which a notebook shows in a frame of its own."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        style = "width: 100%; height: 45rem; border: 1px solid"
        return f'<iframe srcdoc="{escape(self)}" sandbox="allow-scripts" title="report" style="{style}"></iframe>'
