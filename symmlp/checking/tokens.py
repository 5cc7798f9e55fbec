"""A candidate's text in tokens: numbers, signs, and names as code has them, each with its column.

A name may be one that formulas print in other letters, such as δ2 or an author's own ŷ and W^(1).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from symmlp.errors import ExpressionError, shown

SLOPE = "_slope"
"""Ends the name of a function whose slope is meant, as tanh′."""

_SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹"
_NAME = "[A-Za-z_α-ωΑ-Ω][A-Za-z0-9_α-ωΑ-Ω₀-₉\N{COMBINING CIRCUMFLEX ACCENT}]*"
_SIGNS = r"\*\*|\^∘|[<>=!]=|[-+−*/@∘⊙⊘×·^ᵀ√|(){}\[\],.;:<>≤≥=]"


@dataclass(frozen=True)
class Token:
    """A part of the text, the column (from 1) at which it begins, and whether there is a space before it."""

    kind: str
    text: str
    column: int
    spaced: bool


def tokens(text: str, printed: Mapping[str, str], field: str) -> list[Token]:
    """Return the tokens of a text; `printed` holds the names that formulas print in other letters, with those of code.

    Raises:
        ExpressionError: a character of no meaning, or a name that nothing has.
    """
    pattern = _pattern(named(printed), partial(printed))
    made, place, end = list[Token](), 0, 0
    while place < len(text):
        if text[place].isspace():
            place += 1
            continue
        found = pattern.match(text, place)
        if found is None:
            raise ExpressionError(f"{field}: character {shown(text[place])} at column {place + 1} is not allowed")
        made.append(_in_code(_token(found, spaced=place > end), printed, field))
        place = end = found.end()
    return made


def named(printed: Iterable[str]) -> str:
    """Return the pattern of a name: those that are no words of letters first, the longest before the shorter ones."""
    special = sorted((name for name in printed if not re.fullmatch(_NAME, name)), key=lambda name: (-len(name), name))
    return "|".join((*(re.escape(name) + (r"(?!\w)" if name[-1].isalnum() else "") for name in special), _NAME))


def partial(printed: Mapping[str, str]) -> str:
    """Return the pattern of what stands before a name in ∂L/∂W1, whatever the loss is called."""
    losses = "|".join(map(re.escape, sorted({"L", *(name for name, own in printed.items() if own == "L")})))
    return f"(?:∂(?:{losses})/∂|d(?:{losses})/d)"


@lru_cache(maxsize=32)
def _pattern(name: str, before: str) -> re.Pattern[str]:
    return re.compile(
        rf"(?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+−-]?\d+)?)"
        rf"|(?P<subscripts>(?P<quote>['\"])[a-z, ]*->[a-z ]*(?P=quote))"
        rf"|{before}(?P<partial>{name})|(?P<name>{name})(?P<prime>[′']?)"
        rf"|(?P<superscript>[{_SUPERSCRIPTS}]+)|(?P<sign>{_SIGNS})",
        re.ASCII,
    )


def _in_code(token: Token, printed: Mapping[str, str], field: str) -> Token:
    """Return a name as code has it: Python would take other letters for the same name."""
    if token.kind != "name":
        return token
    prefix = "d" if token.text not in printed and token.text[1:] in printed and token.text[0] == "d" else ""
    name = printed.get(token.text.removeprefix(prefix))
    if name is None and token.text.isascii():
        return token
    if name is None:
        raise ExpressionError(f"{field}: unknown name {shown(token.text)} at column {token.column}")
    return replace(token, text=prefix + name)


def _token(found: re.Match[str], *, spaced: bool) -> Token:
    column, kind = found.start() + 1, found.lastgroup or ""
    if found["subscripts"]:
        return Token("subscripts", found["subscripts"], column, spaced)
    if found["partial"]:
        return Token("name", f"d{found['partial']}", column, spaced)
    if found["name"] == "π":
        return Token("name", "pi", column, spaced)
    if found["name"]:
        return Token("name", found["name"] + (SLOPE if found["prime"] else ""), column, spaced)
    if found["superscript"]:
        digits = "".join(str(_SUPERSCRIPTS.index(digit)) for digit in found["superscript"])
        return Token("postfix", f"**{digits}", column, spaced)
    if found["sign"] == "ᵀ":
        return Token("postfix", ".T", column, spaced)
    return Token(kind, found.group().replace("−", "-") if kind == "number" else found.group(), column, spaced)
