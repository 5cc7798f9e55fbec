"""The table of hostile inputs with their exact values, as committed, and what makes a result right.

.venv/bin/python -m tests.hostile_table           writes tests/cases/further_cases.json anew; some minutes
.venv/bin/python -m tests.hostile_table wider     writes wider_cases.json
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import mpmath
import numpy as np

import symmlp
from tests.hostile_expressions import FURTHER, GIVEN, WIDER, Expression
from tests.hostile_oracle import CONTEXT, expected

CASES = Path(__file__).parent / "cases"
GIVEN_FILE, FURTHER_FILE, WIDER_FILE = (CASES / f"{name}_cases.json" for name in ("hostile", "further", "wider"))
MOST_POINTS = 32
"""Of an expression in several variables this many points are kept, evenly over all combinations."""

DTYPES: dict[str, Any] = {"float64": np.float64, "float32": np.float32}
ATOL = {"float64": "4e-321", "float32": "1e-43"}


@dataclass(frozen=True)
class Claim:
    """What one function must return at one point: a value if `what` is "value", else the slope in `wrt`."""

    expression: str
    wrt: str
    what: str
    dtype: str
    point: tuple[tuple[str, float], ...]
    expected: str
    rtol: float
    atol: str

    def found(self) -> Any:
        """Return what symmlp computes."""
        fn = function(self.expression, self.wrt)
        arguments = {name: DTYPES[self.dtype](number) for name, number in self.point}
        return fn(**arguments) if self.what == "value" else fn.grad(**arguments)

    def is_met_by(self, found: float) -> bool:
        """Return whether `found` is right."""
        return is_right(found, self.expected, self.rtol, self.atol, DTYPES[self.dtype])

    def miss(self, found: float) -> str:
        """Return what is wrong with `found`, in one word."""
        if math.isnan(found):
            return "NaN"
        if math.isinf(found):
            return "overflow"
        return "zero" if found == 0 else "digits"

    def text(self, found: object) -> str:
        """Return the claim and what was found, in one line."""
        where = ", ".join(f"{name}={number!r}" for name, number in self.point)
        return f"{self.dtype} {self.what} at {where}: got {found}, expected {self.expected}"


@cache
def function(text: str, wrt: str) -> symmlp.Elementwise:
    """Return the elementwise function, derived once a process."""
    return symmlp.elementwise(text, wrt=wrt)


def is_right(found: float, expected: str, rtol: float, atol: str, dtype: type[np.floating[Any]]) -> bool:
    """Return whether `found` is `expected` to the tolerance: infinities exactly, NaN only for NaN.

    What is beyond the dtype's largest number is infinite in it.
    """
    exact, largest = mpmath.mpf(expected), float(np.finfo(dtype).max)
    if mpmath.isnan(exact) or math.isnan(found):
        return mpmath.isnan(exact) and math.isnan(found)
    if abs(exact) > largest:
        return bool(found == float(mpmath.sign(exact)) * math.inf)
    if math.isinf(found):
        return False
    with mpmath.workdps(60):
        return bool(abs(mpmath.mpf(found) - mpmath.mpf(expected)) <= mpmath.mpf(atol) + rtol * abs(exact))


def given_claims() -> Iterator[tuple[str, Claim]]:
    """Yield the claims of hostile_cases.json with their ids."""
    for case in json.loads(GIVEN_FILE.read_text(encoding="utf-8")):
        dtype = case["dtype"]
        point = tuple((name, float(DTYPES[dtype](value))) for name, value in case["inputs"].items())
        tolerance = float(case["suggested_rtol"]), str(case["suggested_atol"])
        wrts = list(case["expected_gradient"])
        yield (
            f"{case['id']}-value",
            Claim(case["expr"], wrts[0], "value", dtype, point, case["expected_value"], *tolerance),
        )
        for wrt, slope in case["expected_gradient"].items():
            yield f"{case['id']}-slope-{wrt}", Claim(case["expr"], wrt, "slope", dtype, point, slope, *tolerance)


def further_claims(file: Path = FURTHER_FILE) -> Iterator[tuple[Claim, str]]:
    """Yield the claims of a file, further_cases.json, each with how symmlp is known to miss it, or nothing."""
    for row in json.loads(file.read_text(encoding="utf-8")):
        for dtype, what, point, number, *miss in row["claims"]:
            named = tuple(zip(row["variables"], map(float, point), strict=True))
            rtol = row["rtol"][list(DTYPES).index(dtype)]
            yield Claim(row["expr"], row["wrt"], what, dtype, named, number, rtol, ATOL[dtype]), "".join(miss)


def printed(number: Any) -> str:
    """Return 20 digits of an exact number; what no float can tell from infinity or zero is that."""
    if abs(number) > mpmath.mpf(10) ** 330:
        return "inf" if number > 0 else "-inf"
    return "0" if abs(number) < mpmath.mpf(10) ** -330 else str(CONTEXT.nstr(number, 20))


def _row(expression: Expression, wrt: str) -> dict[str, Any]:
    """Return the expression's claims in one variable, each exact to 20 digits and marked if it is missed."""
    claims = []
    for dtype, kind in DTYPES.items():
        for point in _kept(list(expression.points(kind))):
            exact = expected(expression.reference or expression.text, wrt, point)
            for what, number in (("value", exact.value), ("slope", exact.slope)):
                if number is None or (what == "slope" and (exact.value is None or CONTEXT.isnan(exact.value))):
                    continue
                text = printed(number)
                rtol = expression.rtol[list(DTYPES).index(dtype)]
                claim = Claim(expression.text, wrt, what, dtype, tuple(point.items()), text, rtol, ATOL[dtype])
                found = float(claim.found())
                missed = [] if claim.is_met_by(found) else [claim.miss(found)]
                claims.append([dtype, what, [repr(each) for each in point.values()], text, *missed])
    return {
        "expr": expression.text,
        "wrt": wrt,
        "variables": list(expression.values),
        "rtol": list(expression.rtol),
        "claims": claims,
    }


def _kept(points: Sequence[dict[str, float]]) -> Sequence[dict[str, float]]:
    if len(points) <= MOST_POINTS:
        return points
    # A stride that shares no factor with the table's sides, or whole columns of it would be left out.
    stride = next(each for each in range(len(points) // MOST_POINTS, 100) if each % 2 and each % 3 and each % 5)
    return points[::stride][:MOST_POINTS]


def _lines(rows: Sequence[dict[str, Any]]) -> str:
    """Return the rows as JSON, one claim a line, so that a difference can be read."""
    blocks = []
    for row in rows:
        head = ", ".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in row.items() if key != "claims")
        claims = ",\n  ".join(json.dumps(claim) for claim in row["claims"])
        blocks.append(f'{{{head}, "claims": [\n  {claims}\n]}}')
    return "[\n" + ",\n".join(blocks) + "\n]\n"


def main() -> None:
    """Write a committed table."""
    file, expressions = (WIDER_FILE, WIDER) if "wider" in sys.argv else (FURTHER_FILE, (*GIVEN, *FURTHER))
    pairs = [(expression, wrt) for expression in expressions for wrt in expression.wrt]
    with ProcessPoolExecutor(2) as pool:
        rows = list(pool.map(_row, *zip(*pairs, strict=True)))
    file.write_text(_lines(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
