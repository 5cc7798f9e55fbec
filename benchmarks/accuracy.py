"""Every elementwise function of the catalogue, measured: the worst error of value and slopes, in units in the last place.

    .venv/bin/python -m benchmarks.accuracy [points] [minutes]        writes docs/accuracy_catalogue.md; many minutes

Of the 1300 points every k-th is taken if fewer are asked for. What is measured is kept in build/, with a hash of the code
that it is about: with a limit of time, calls measure what is left, and the one that finds nothing left writes the page.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tests.catalogue_accuracy import COUNT, ENTRIES, GOAL, PROMISES, Worst, promised, source, worst

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "accuracy_catalogue.md"
KINDS = (np.float64, np.float32)

HEAD = """# Accuracy of the catalogue

The largest error of each function and of each of its slopes over {points} points, in units in the last place: half of them
evenly spread over [-40, 40], half logarithmically over ±[10⁻¹², 10^2.85]; losses get targets of their kind beside. The
code is the text that a generated module holds; the exact value is the definition evaluated by mpmath, the exact slope its
central difference with some hundred digits. Results that are no normal number are left out. Within 1/2 of a root an error
is measured against 2⁻⁶ or the number itself, whichever is larger: there the last bit of the argument decides.

The goal is {goal:g} units. What is promised beyond it is in bold, with the reason below; a test holds every cell to its promise.

Written by `python -m benchmarks.accuracy`, not by hand.

| function | slope in | value, float64 | slope, float64 | value, float32 | slope, float32 |
| --- | --- | --- | --- | --- | --- |
"""


Row = dict[str, Any]
COLUMNS = ("value, float64", "slope, float64", "value, float32", "slope, float32")


def measured(key: str, points: int, until: float) -> Row | None:
    """Return the errors of an entry with the hash of its code, or None if the time is over."""
    if time.time() > until:
        return None
    found = [each for kind in KINDS for each in worst(key, kind, points)]
    return {"code": digest(key), "errors": [[each.ulps, each.at] for each in found]}


def digest(key: str) -> str:
    return hashlib.sha256(source(key).encode()).hexdigest()


def completed(kept: dict[str, Row], points: int, until: float) -> dict[str, Row]:
    """Return the rows that are kept and still of today's code, and those that are measured in the time that is left."""
    found = {key: kept[key] for key in ENTRIES if key in kept and kept[key]["code"] == digest(key)}
    left = [key for key in ENTRIES if key not in found]
    with ProcessPoolExecutor(2) as pool:
        rows = pool.map(partial(measured, points=points, until=until), left)
        return found | {key: row for key, row in zip(left, rows, strict=True) if row is not None}


def page(results: dict[str, list[Worst]], points: int) -> str:
    lines = []
    for key, found in results.items():
        name, wrt = key.split(" in ")
        cells = (_cell(key, place, each) for place, each in enumerate(found))
        lines.append(f"| {name} | {wrt} | {' | '.join(cells)} |")
    reasons = dict.fromkeys(f"- {', '.join(sorted(promise.names))}: {promise.reason}." for promise in PROMISES)
    return (
        HEAD.format(points=points, goal=GOAL)
        + "\n".join(lines)
        + "\n\n## Beyond the goal\n\n"
        + "\n".join(reasons)
        + "\n"
        + _missed(results)
    )


def _missed(results: dict[str, list[Worst]]) -> str:
    """Return what exceeds its promise at these points, as a section of the page, or nothing."""
    found = [
        f"- {key}, {COLUMNS[place]}: {each.ulps:.3g} units at {each.at}, promised {promised(key, place):g}."
        for key, errors in results.items()
        for place, each in enumerate(errors)
        if each.ulps > promised(key, place)
    ]
    return (
        "\n## Missed\n\nWhat exceeds its promise at these points, and is to be mended:\n\n" + "\n".join(found) + "\n"
        if found
        else ""
    )


def _cell(key: str, place: int, found: Worst) -> str:
    text = "exact" if found.ulps < 1e-9 else f"{found.ulps:.2g}"
    return f"**{text}**" if promised(key, place) > GOAL else text


def results_of(rows: Mapping[str, Row]) -> dict[str, list[Worst]]:
    return {key: [Worst(ulps, at) for ulps, at in rows[key]["errors"]] for key in ENTRIES}


def main() -> None:
    """Measure every entry, as far as the time goes, and write the page when all are measured."""
    points = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    until = time.time() + 60 * float(sys.argv[2]) if len(sys.argv) > 2 else float("inf")
    store = ROOT / "build" / f"accuracy_{points}.json"
    store.parent.mkdir(exist_ok=True)
    rows = completed(json.loads(store.read_text()) if store.exists() else {}, points, until)
    store.write_text(json.dumps(rows), encoding="utf-8")
    if len(rows) < len(ENTRIES):
        print(f"{len(rows)} of {len(ENTRIES)} measured; the page is written when all are")
        return
    results = results_of(rows)
    PAGE.write_text(page(results, points), encoding="utf-8")
    print(_missed(results) or "nothing exceeds its promise")


if __name__ == "__main__":
    main()
