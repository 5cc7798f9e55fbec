"""Reports: a table for people, plain data for programs, and nothing lost between them."""

from __future__ import annotations

import io
import json
import math

import pytest
from rich.console import Console

from symmlp.verification import Check, Report

CHECKS = (
    Check("complex step", "W1", (2, 0), 1, 3.2e-14, 1e-11, True, "all 83 entries"),
    Check("high precision", "b2", (1,), 2, math.nan, 1e-12, False, ""),
    Check("direction", "W2", (), 2, 0.5, 1e-11, False, "3 random directions"),
    Check("symbolic", ok=None, note="no definition for the function [bold]f[/bold]"),
)

REPORT = Report(False, CHECKS)


def printed(report: Report) -> str:
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(report.table())
    return console.export_text()


@pytest.mark.parametrize(
    "word", ["complex step", "W1[2, 0]", "3.2e-14", "1.0e-11", "b2[1]", "nan", "FAILED", "W2 ", "not applicable"]
)
def test_the_text_names_oracle_entry_error_and_verdict(word: str) -> None:
    assert word in REPORT.text()


@pytest.mark.parametrize(
    "word", ["complex step", "W1[2, 0]", "3.2e-14", "b2[1]", "FAILED", "[bold]f[/bold]", "NOT verified"]
)
def test_the_table_holds_the_same_and_reads_no_markup(word: str) -> None:
    assert word in printed(REPORT)


def test_the_text_is_a_table_of_equal_columns() -> None:
    heading, rule, *rows, _ = REPORT.text().splitlines()
    assert heading.index("verdict") == rows[0].index("ok") == rows[1].index("FAILED")
    assert set(rule) == {"-", " "}


@pytest.mark.parametrize(("ok", "last"), [(True, "verified"), (False, "NOT verified")])
def test_the_last_line_is_the_verdict(ok: bool, last: str) -> None:
    assert Report(ok, CHECKS).text().splitlines()[-1] == last


def test_plain_data_can_be_written_as_strict_json() -> None:
    data = json.loads(json.dumps(REPORT.as_dict(), allow_nan=False))
    assert data["checks"][0] == {
        "name": "complex step",
        "parameter": "W1",
        "entry": [2, 0],
        "layer": 1,
        "error": 3.2e-14,
        "promise": 1e-11,
        "ok": True,
        "note": "all 83 entries",
    }


def test_an_error_that_is_not_finite_is_a_text_in_plain_data() -> None:
    assert REPORT.as_dict()["checks"][1]["error"] == "nan"


def test_what_was_not_decided_is_null_in_plain_data() -> None:
    assert REPORT.as_dict()["checks"][3]["ok"] is None


def test_an_undecided_check_shows_no_error() -> None:
    assert CHECKS[3].cells()[3:5] == ("", "")
