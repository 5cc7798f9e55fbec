"""What a verification found: one `Check` an oracle, its worst entry, and the tables and plain data made of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from rich.table import Table
from rich.text import Text

from symmlp.showing import html_table

HEADINGS = ("check", "worst entry", "layer", "error", "promise", "verdict", "note")


@dataclass(frozen=True)
class Check:
    """What one oracle found: its worst entry, the error there, and the error that was promised.

    `ok` is None where the oracle could decide nothing; the note says why. `parameter` is empty where the claim is about
    no single parameter.
    """

    name: str
    parameter: str = ""
    entry: tuple[int, ...] = ()
    layer: int | None = None
    error: float = 0.0
    promise: float = 0.0
    ok: bool | None = True
    note: str = ""

    @property
    def place(self) -> str:
        """The worst entry as Python would index it: `W1[2, 0]`, or an empty text."""
        if not self.entry:
            return self.parameter
        return f"{self.parameter}[{', '.join(map(str, self.entry))}]"

    @property
    def verdict(self) -> str:
        """`ok`, `FAILED` or `not applicable`."""
        if self.ok is None:
            return "not applicable"
        return "ok" if self.ok else "FAILED"

    def cells(self) -> tuple[str, ...]:
        """Return the check as a row of texts, one a heading."""
        decided = self.ok is not None and (self.error != 0 or self.promise != 0)
        numbers = (_number(self.error), _number(self.promise)) if decided else ("", "")
        layer = "" if self.layer is None else str(self.layer)
        return (self.name, self.place, layer, *numbers, self.verdict, self.note)

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for JSON; numbers that JSON does not know (NaN, infinity) become texts."""
        return {
            "name": self.name,
            "parameter": self.parameter,
            "entry": list(self.entry),
            "layer": self.layer,
            "error": self.error if math.isfinite(self.error) else str(self.error),
            "promise": self.promise,
            "ok": self.ok,
            "note": self.note,
        }


@dataclass(frozen=True)
class Report:
    """All checks of one module; `ok` only if none failed and at least one oracle compared the gradient."""

    ok: bool
    checks: tuple[Check, ...]

    def table(self, *, notes: bool = True) -> Table:
        """Return the report as a table for the terminal, with or without the column of notes."""
        headings = HEADINGS if notes else HEADINGS[:-1]
        table = Table(*headings, title="verified" if self.ok else "NOT verified")
        for check in self.checks:
            colour = {True: "green", False: "bold red", None: "yellow"}[check.ok]
            # Text, not str: a text's square brackets would be read as markup.
            cells = [Text(cell) for cell in check.cells()][: len(headings)]
            cells[HEADINGS.index("verdict")].stylize(colour)
            table.add_row(*cells)
        return table

    def text(self) -> str:
        """Return the report as a plain text table whose last line is the verdict."""
        rows = [HEADINGS, *(check.cells() for check in self.checks)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        lines.insert(1, "  ".join("-" * width for width in widths))
        return "\n".join([*lines, "verified" if self.ok else "NOT verified"])

    def _repr_html_(self) -> str:
        verdict = "verified" if self.ok else "NOT verified"
        return html_table(verdict, HEADINGS, (check.cells() for check in self.checks))

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {"ok": self.ok, "checks": [check.as_dict() for check in self.checks]}


def _number(value: float) -> str:
    return f"{value:.1e}" if math.isfinite(value) else str(value)
