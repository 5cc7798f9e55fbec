"""The errors that symmlp raises on purpose: each message is one line: what was found, what was expected."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class SymmlpError(ValueError):
    """Base of every error that bad input can cause; the command line turns it into exit code 2."""


class SpecError(SymmlpError):
    """A network specification that does not describe a network."""


class ExpressionError(SymmlpError):
    """An expression text that is outside the expression language."""


class DataError(SymmlpError):
    """Samples or targets that cannot be trained on: the message names row and column."""


class OutputError(SymmlpError):
    """A file that cannot be written where it was asked for."""


class UnsupportedError(SymmlpError):
    """A mathematical object for which symmlp has no rule or no printed form."""


class ProgramError(SymmlpError):
    """A program whose shapes, order or assignments contradict each other."""


def did_you_mean(found: str, known: Iterable[str]) -> str:
    """Return `; did you mean 'relu'?` for the closest known word, or an empty text."""
    close = difflib.get_close_matches(found, list(known), n=1, cutoff=0.6)
    return f"; did you mean '{close[0]}'?" if close else ""


def shown(value: object, limit: int = 60) -> str:
    """Return `value` as a short, single-line, ASCII text for an error message."""
    text = ascii(value)
    return text if len(text) <= limit else text[: limit - 3] + "..."
