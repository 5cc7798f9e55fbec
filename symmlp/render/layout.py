"""Lines of code, broken as formatters break them, and plain data as literals."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

WIDTH = 88
"""Longest line of code in a generated module, as formatters have it by default."""


def comment_lines(text: str) -> list[str]:
    """Return a comment, broken where it would be too long."""
    return textwrap.wrap(
        text, WIDTH - 4, initial_indent="# ", subsequent_indent="#     ", break_long_words=False, break_on_hyphens=False
    )


def call_lines(head: str, call: str) -> list[str]:
    """Return a call on one line, or its arguments on a line between, as formatters lay it out."""
    if len(head) + len(call) + 4 <= WIDTH:
        return [head + call]
    name, _, arguments = call.removesuffix(")").partition("(")
    return [f"{head}{name}(", f"    {arguments}", ")"]


def broken_call(line: str, room: int) -> list[str]:
    """Return a call on one line, its arguments on a line between, or one a line, as formatters lay it out."""
    if len(line) <= room:
        return [line]
    name, _, arguments = line.removesuffix(")").partition("(")
    if len(arguments) + 4 <= room:
        return [f"{name}(", f"    {arguments}", ")"]
    return [f"{name}(", *(f"    {each}," for each in arguments.split(", ")), ")"]


def tuple_lines(head: str, names: Sequence[str]) -> list[str]:
    """Return a tuple on one line, or one name a line where it would be too long, as formatters lay it out."""
    one = head + (", ".join(names) if len(names) > 1 else f"({names[0]},)")
    if len(one) + 4 <= WIDTH:
        return [one]
    return [f"{head}(", *(f"    {name}," for name in names), ")"]


def assignment(names: Sequence[str], value: str, indent: int = 4) -> list[str]:
    """Return the assignment of a tuple of names, one name a line where it would be too long."""
    one = ", ".join(names) if len(names) > 1 else f"({names[0]},)"
    if len(one) + len(value) + 3 + indent <= WIDTH:
        return [f"{one} = {value}"]
    return ["(", *(f"    {name}," for name in names), f") = {value}"]


def literal(value: Any, indent: int = 0) -> str:
    """Return plain data as a Python literal in ASCII, laid out as formatters do."""
    one = ascii(value).replace("'", '"') if _plain_quotes(value) else ascii(value)
    if not isinstance(value, dict | list) or not value:
        return one
    pad = " " * (indent + 4)
    if isinstance(value, dict):
        items = [f"{pad}{_quoted(key)}: {literal(item, indent + 4)}," for key, item in value.items()]
        return "{\n" + "\n".join(items) + "\n" + " " * indent + "}"
    return "[\n" + "\n".join(f"{pad}{literal(item, indent + 4)}," for item in value) + "\n" + " " * indent + "]"


def _quoted(text: str) -> str:
    quoted = ascii(text)
    return f'"{quoted[1:-1]}"' if '"' not in quoted and "\\" not in quoted else quoted


def _plain_quotes(value: Any) -> bool:
    return isinstance(value, str) and '"' not in ascii(value)[1:-1] and "\\" not in ascii(value) and "'" not in value


def product_lines(head: str, text: str, indent: int) -> list[str]:
    """Return an assignment, a factor a line in parentheses where a product would be too long."""
    if indent + len(head) + len(text) <= WIDTH:
        return [head + text]
    parts, depth, start = [], 0, 0
    for at, character in enumerate(text):
        depth += (character in "([") - (character in ")]")
        if depth == 0 and text[at : at + 3] in (" * ", " / "):
            parts.append(text[start:at])
            start = at + 1
    return [f"{head}(", *(f"    {part}" for part in [*parts, text[start:]]), ")"]


def table_lines(name: str, value: Any) -> list[str]:
    """Return `NAME = value` for tuples, dicts, texts and numbers, broken as formatters do where it is too long."""
    return _value_text(value, f"{name} = ", "", 0).split("\n")


def _value_text(value: Any, before: str, after: str, indent: int) -> str:
    one = f"{before}{_one_line(value)}{after}"
    if indent + len(one) <= WIDTH or not isinstance(value, tuple | dict) or not value:
        return one
    pad = " " * (indent + 4)
    opening, closing = ("(", ")") if isinstance(value, tuple) else ("{", "}")
    pairs = [("", item) for item in value] if isinstance(value, tuple) else list(_labelled(value))
    items = [pad + _value_text(item, label, ",", indent + 4) for label, item in pairs]
    return "\n".join([before + opening, *items, " " * indent + closing + after])


def _labelled(value: dict[str, Any]) -> list[tuple[str, Any]]:
    return [(f"{_quoted(key)}: ", item) for key, item in value.items()]


def _one_line(value: Any) -> str:
    match value:
        case str():
            return _quoted(value)
        case tuple():
            inner = ", ".join(map(_one_line, value))
            return f"({inner},)" if len(value) == 1 else f"({inner})"
        case dict():
            return "{" + ", ".join(f"{label}{_one_line(item)}" for label, item in _labelled(value)) + "}"
        case _:
            return repr(value)
