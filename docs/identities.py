"""Writes docs/identities.md: `.venv/bin/python -m docs.identities`."""

from __future__ import annotations

from pathlib import Path

import sympy as sp

from symmlp.calculus.identities import TABLE, Identity
from symmlp.derivation import Formula
from symmlp.printing.formula import FormulaPrinter
from symmlp.printing.text import TextStyle

FILE = Path(__file__).parent / "identities.md"
HEAD = """# The identities of stable forms

What is computed in the place of what people write. The rewriting of a value, and separately that of its derived slope,
takes the right-hand sides from this table (`symmlp/calculus/identities.py`): max, |·| and branches enter here and are
never differentiated through. `tests/calculus/test_identities.py` proves each row with mpmath at 1000 digits over the
whole range of its letters, sees broken copies of it fail, and sees the rewriting change when the row does.

A polynomial in e^u of any degree is rewritten as those of degree 1 to 4 are here; so is every function that is rational
in e^u, its numerator and denominator being such polynomials, e^u − 1 being expm1(u). From that follow, for example,
σ′(u) = t / (1 + t)² and 1 − tanh² u = 4 t² / (1 + t²)² with t = exp(−|u|).

Written by `python -m docs.identities`, not by hand.

| name | as written | as computed | where | what goes wrong as written |
| --- | --- | --- | --- | --- |
"""


def page() -> str:
    """Return the page's text."""
    return HEAD + "\n".join(_line(row) for row in TABLE.values()) + "\n"


def _line(row: Identity) -> str:
    where = ", ".join(_printed(condition) for condition in row.holds) or "everywhere"
    cells = (row.name, f"`{_printed(row.plain)}`", f"`{_printed(row.of())}`", where, row.reason)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _printed(part: sp.Basic) -> str:
    return FormulaPrinter(TextStyle()).formula(Formula(part))


if __name__ == "__main__":
    FILE.write_text(page(), encoding="utf-8")
