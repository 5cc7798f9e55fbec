"""A line as `derive` prints it, or as generated code has it, down to its formula."""

from __future__ import annotations

import re
from collections.abc import Mapping

from symmlp.checking.tokens import named, partial
from symmlp.errors import ExpressionError, shown

_ID = re.compile(r"^\s*[BL]\d+\s+(?=∂|d)")
_TAIL = re.compile(r"(?:\s{2,}\([\w, ]*\)(?:\s+assuming that .*)?|\s*#.*)$")


def formula_of(text: object, array: str, aliases: Mapping[str, str]) -> object:
    """Return the right side of `B3  ∂L/∂W2 = dZ2ᵀ A1  (3, 16)` or `dW2 = dZ2.T @ A1  # (3, 16)`, any other text as is.

    Raises:
        ExpressionError: the line is of another array's gradient.
    """
    if not isinstance(text, str):
        return text
    line = " ".join(text.splitlines()) if "\n" in text or "\r" in text else text
    line = _ID.sub("", line)
    letters = named(aliases)
    found = re.match(rf"\s*(?:{partial(aliases)}|d)({letters})\s*=(?!=)\s*", line)
    name = aliases.get(found[1], found[1]) if found else ""
    if found is None or name.startswith("d"):
        # A cotangent that has letters of its own, as δ2.
        found = re.match(rf"\s*({letters})\s*=(?!=)\s*", line)
        if found is None or not aliases.get(found[1], "").startswith("d"):
            return line
        name = aliases[found[1]].removeprefix("d")
    if name != array:
        raise ExpressionError(f"formula: is for {shown(found[1])}, asked for is {array}")
    return _TAIL.sub("", line[found.end() :])
