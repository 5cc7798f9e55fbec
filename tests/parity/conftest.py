"""The parity table: every comparison leaves its errors in its report, and they are printed together at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from tests.parity.comparison import Agreement
from tests.strategies import Case

PROPERTY = "parity"
Record = Callable[[str, Case, Agreement], None]


@pytest.fixture
def record(record_property: Callable[[str, object], None]) -> Record:
    """Record an agreement with a framework for the table, before anything is asserted about it."""

    def add(framework: str, case: Case, found: Agreement) -> None:
        name, error = found.worst
        record_property(PROPERTY, [framework, case.network.short(), case.batch, found.loss, error, name])

    return add


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print one line a comparison, and the worst of each framework."""
    rows = sorted(_rows(terminalreporter), key=lambda row: row[0])
    if not rows:
        return
    terminalreporter.section("parity: relative errors in float64")
    terminalreporter.write_line(f"{'against':<8} {'loss':>8} {'gradient':>8}  {'at':<3} {'batch':>5}  network")
    for framework, network, batch, loss, error, name in rows:
        terminalreporter.write_line(f"{framework:<8} {loss:8.1e} {error:8.1e}  {name:<3} {batch:>5}  {network}")
    for framework in dict.fromkeys(row[0] for row in rows):
        errors = [error for row in rows if row[0] == framework for error in row[3:5]]
        # np.max, because max() may pass over a NaN.
        terminalreporter.write_line(
            f"{framework}: {len(errors) // 2} comparisons, worst relative error {np.max(errors):.1e}"
        )


def _rows(terminalreporter: Any) -> Iterator[list[Any]]:
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, ()):
            yield from (value for name, value in report.user_properties if name == PROPERTY and report.when == "call")
