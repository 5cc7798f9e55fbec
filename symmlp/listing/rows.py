"""Rows of a list: a label, and text of at most 100 columns behind it."""

from __future__ import annotations

import textwrap

import sympy as sp

from symmlp.derivation import Formula
from symmlp.printing.formula import FormulaPrinter
from symmlp.printing.text import TextStyle

WIDTH = 100
INDENT = 10


def printed(expr: sp.Expr) -> str:
    """Return a formula in text."""
    return FormulaPrinter(TextStyle()).formula(Formula(expr))


def row(label: str, text: str) -> list[str]:
    """Return the lines of a label and its text."""
    head = f"  {label:<{INDENT - 2}} "
    return textwrap.wrap(text, WIDTH, initial_indent=head, subsequent_indent=" " * (INDENT + 3), break_long_words=False)
