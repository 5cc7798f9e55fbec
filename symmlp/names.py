"""Names that people give: what they may look like, so that they can be written anywhere without harm."""

from __future__ import annotations

import keyword
import re

from symmlp.errors import SpecError, shown

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_RESERVED = frozenset({"np", "math", "fit", "forward", "loss", "predict", "self", "con", "prn", "aux", "nul"})


def check_name(text: str, field: str) -> str:
    """Return `text` if it is a safe name: a letter, then letters, digits or underscores, 64 at most, not reserved.

    Raises:
        SpecError: it is anything else.
    """
    if len(text) > 64:
        raise SpecError(f"{field}: name of {len(text)} characters is too long; expected at most 64")
    if not _NAME.fullmatch(text):
        raise SpecError(f"{field}: {shown(text)} must match [A-Za-z][A-Za-z0-9_]*")
    if keyword.iskeyword(text) or keyword.issoftkeyword(text) or text.lower() in _RESERVED:
        raise SpecError(f"{field}: {shown(text)} is a reserved word; expected another name")
    return text
