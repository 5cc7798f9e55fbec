"""Every elementwise function of the catalogue, measured: the worst error of value and slopes, in units in the last place.

    .venv/bin/python -m benchmarks.accuracy [points]        writes docs/accuracy_catalogue.md; many minutes

Of the 1300 points every k-th is taken if fewer are asked for.
"""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from tests.catalogue_accuracy import COUNT, ENTRIES, GOAL, PROMISES, Worst, promised, worst

PAGE = Path(__file__).parents[1] / "docs" / "accuracy_catalogue.md"
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


def measured(key: str, points: int = COUNT) -> list[Worst]:
    return [each for kind in KINDS for each in worst(key, kind, points)]


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
    )


def _cell(key: str, place: int, found: Worst) -> str:
    text = "exact" if found.ulps < 1e-9 else f"{found.ulps:.2g}"
    return f"**{text}**" if promised(key, place) > GOAL else text


def main() -> None:
    """Measure every entry and write the page."""
    points = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    with ProcessPoolExecutor(2) as pool:
        results = dict(zip(ENTRIES, pool.map(partial(measured, points=points), ENTRIES), strict=True))
    PAGE.write_text(page(results, points), encoding="utf-8")
    for key, found in results.items():
        for place, each in enumerate(found):
            if each.ulps > promised(key, place):
                print(f"{key}, column {place}: {each.ulps:.3g} units at {each.at}, promised {promised(key, place):g}")


if __name__ == "__main__":
    main()
