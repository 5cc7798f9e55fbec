"""Hostile inputs side by side: symmlp, SymPy's lambdify, PyTorch and JAX, each in a process of its own.

    .venv/bin/python -m benchmarks.hostile         writes docs/accuracy_hostile.md

Peers that are not installed are left out of the table. Every contestant gets the text of the formula and nothing else.
"""

from __future__ import annotations

import ast
import json
import math
import operator
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from tests.hostile_table import GIVEN_FILE, is_right

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "accuracy_hostile.md"
OUTCOMES = ("right", "wrong", "zero", "inf", "NaN", "error")
CONTESTANTS = {"symmlp": "symmlp", "SymPy": "sympy", "PyTorch": "torch", "JAX": "jax"}
Case = Mapping[str, Any]
Found = dict[str, str]

HEAD = """# Hostile inputs

Inputs at which formulas as they are written overflow, cancel or divide nothing by nothing. Each contestant gets the text
of the formula: `symmlp.elementwise`; `sympy.lambdify(..., "numpy")` with SymPy's derivative, on arrays, which its printed
erf does not take; PyTorch and JAX with their automatic differentiation of the formula as it stands. Their own fused
functions (`torch.nn.functional.softplus`, `jax.nn.gelu`) know some of these formulas and do better; a formula of one's
own has none.

A result is right within the tolerance of its case (2·10⁻¹⁵ relative for most in float64, 5·10⁻⁷ in float32), an infinity
only where the exact result is infinite or beyond the type. What is not right is `NaN`, `inf`, a false `zero`, an `error`,
or else `wrong`. A cell holds the value's outcome and, after the slash, that of each partial derivative in the order shown.

Written by `python -m benchmarks.hostile`, not by hand.
"""


def worker(name: str) -> None:
    """Print what one contestant returns for each case that stands on the standard input."""
    compute: Callable[[Case], Found] = {"symmlp": _symmlp, "SymPy": _sympy, "PyTorch": _torch, "JAX": _jax}[name]
    print(json.dumps([_attempted(compute, case) for case in json.load(sys.stdin)]))


def _attempted(compute: Callable[[Case], Found], case: Case) -> Found:
    try:
        with np.errstate(all="ignore"):
            return compute(case)
    except Exception:  # whatever a contestant raises is its outcome
        return dict.fromkeys(("value", *case["expected_gradient"]), "error")


def _symmlp(case: Case) -> Found:
    import symmlp

    kind = np.dtype(case["dtype"]).type
    arguments = {name: kind(number) for name, number in case["inputs"].items()}
    slopes = {wrt: symmlp.elementwise(case["expr"], wrt=wrt) for wrt in case["expected_gradient"]}
    value = next(iter(slopes.values()))(**arguments)
    return {"value": repr(float(value)), **{wrt: repr(float(fn.grad(**arguments))) for wrt, fn in slopes.items()}}


def _sympy(case: Case) -> Found:
    import sympy as sp

    symbols = {name: sp.Symbol(name, real=True) for name in case["inputs"]}
    formula = sp.sympify(case["expr_sympy"], locals=symbols)  # noqa: TID251  the text is a file of this repository
    # Two entries, because a function of arrays is asked for.
    arguments = [np.full(2, float(number), case["dtype"]) for number in case["inputs"].values()]
    found = {}
    for name, expr in (("value", formula), *((wrt, formula.diff(symbols[wrt])) for wrt in case["expected_gradient"])):
        try:
            result = sp.lambdify(list(symbols.values()), expr, "numpy")(*arguments)  # noqa: TID251  as above
            found[name] = repr(float(np.broadcast_to(np.asarray(result, dtype=case["dtype"]), 2)[0]))
        except Exception:  # whatever a contestant raises is its outcome
            found[name] = "error"
    return found


def _torch(case: Case) -> Found:
    import torch

    kind = getattr(torch, case["dtype"])
    arguments = {
        name: torch.tensor(float(number), dtype=kind, requires_grad=name in case["expected_gradient"])
        for name, number in case["inputs"].items()
    }
    names = {**_shared(torch), "where": torch.where, "max": torch.maximum, "min": torch.minimum}
    value = _evaluated(case["expr"], arguments, names, lambda number: torch.tensor(number, dtype=kind))
    value.backward()
    slopes = {wrt: repr(float(arguments[wrt].grad)) for wrt in case["expected_gradient"]}
    return {"value": repr(float(value.detach())), **slopes}


def _jax(case: Case) -> Found:
    import jax

    jax.config.update("jax_enable_x64", True)
    jnp = jax.numpy
    arguments = {name: jnp.asarray(float(number), dtype=case["dtype"]) for name, number in case["inputs"].items()}
    names = {**_shared(jnp), "erf": jax.scipy.special.erf, "max": jnp.maximum, "min": jnp.minimum, "where": jnp.where}

    def value(given: Mapping[str, Any]) -> Any:
        return _evaluated(case["expr"], given, names, lambda number: jnp.asarray(number, dtype=case["dtype"]))

    slopes = jax.grad(value)(arguments)
    return {
        "value": repr(float(value(arguments))),
        **{wrt: repr(float(slopes[wrt])) for wrt in case["expected_gradient"]},
    }


def _shared(module: Any) -> dict[str, Callable[..., Any]]:
    """Return the functions that a framework calls by the names of the expression language."""
    return {name: getattr(module, name) for name in "exp log sqrt tanh cosh erf abs".split() if hasattr(module, name)}


OPERATIONS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.LtE: operator.le,
}


def _evaluated(
    text: str,
    arguments: Mapping[str, Any],
    functions: Mapping[str, Callable[..., Any]],
    array: Callable[[float], Any],
) -> Any:
    """Return the formula's value as a user of the framework would write it: numbers stay Python's own."""

    def of(node: ast.expr) -> Any:
        match node:
            case ast.Constant(int() | float() as number):
                return number
            case ast.Name("pi"):
                return math.pi
            case ast.Name(name):
                return arguments[name]
            case ast.UnaryOp(ast.USub(), operand):
                return -of(operand)
            case ast.BinOp(left, operation, right):
                return OPERATIONS[type(operation)](of(left), of(right))
            case ast.Compare(left, [relation], [right]):
                return OPERATIONS[type(relation)](of(left), of(right))
            case ast.Call(ast.Name(name), given):
                values = [of(each) for each in given]
                if all(isinstance(each, int | float) for each in values):
                    return getattr(math, name)(*values)
                return functions[name](*(array(each) if isinstance(each, int | float) else each for each in values))
        raise AssertionError(ast.dump(node))

    return of(ast.parse(text, mode="eval").body)


def outcome(found: str, expected: str, case: Case) -> str:
    """Return what became of one number: right, or how it is not."""
    if found == "error":
        return "error"
    number = float(found)
    kind = np.dtype(case["dtype"]).type
    if is_right(number, expected, float(case["suggested_rtol"]), str(case["suggested_atol"]), kind):
        return "right"
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "inf"
    return "zero" if number == 0 else "wrong"


def outcomes(contestant: str, cases: list[Case]) -> list[list[str]]:
    """Return for each case the outcome of its value and of each partial derivative, from a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.hostile", contestant],
        input=json.dumps(cases),
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    found = json.loads(done.stdout.splitlines()[-1])
    return [
        [outcome(result[name], expected, case) for name, expected in _expectations(case).items()]
        for result, case in zip(found, cases, strict=True)
    ]


def _expectations(case: Case) -> dict[str, str]:
    return {"value": case["expected_value"], **case["expected_gradient"]}


def installed() -> dict[str, str]:
    """Return the version of every contestant that is here."""
    found = {}
    for name, distribution in CONTESTANTS.items():
        try:
            found[name] = version(distribution)
        except PackageNotFoundError:
            continue
    return found


def page(cases: list[Case], results: Mapping[str, list[list[str]]], versions: Mapping[str, str]) -> str:
    """Return the page: totals first, then every case."""
    missing = [name for name in CONTESTANTS if name not in results]
    lines = [HEAD, "Contestants: " + ", ".join(f"{name} {versions[name]}" for name in results) + "."]
    lines += [f"Not installed: {', '.join(missing)}."] if missing else []
    lines += ["", "## Totals", "", _row("", "", *OUTCOMES), _row(*["---"] * (2 + len(OUTCOMES)))]
    for name, rows in results.items():
        for what, found in (
            ("values", [row[0] for row in rows]),
            ("partial derivatives", [each for row in rows for each in row[1:]]),
        ):
            counts = Counter(found)
            lines.append(_row(name, what, *(str(counts[each]) for each in OUTCOMES)))
    lines += ["", "## Cases", "", _row("case", "formula", "type", "at", "derivatives in", *results)]
    lines.append(_row(*["---"] * (5 + len(results))))
    for number, case in enumerate(cases):
        at = ", ".join(f"{name} = {value}" for name, value in case["inputs"].items())
        cells = [f"{rows[number][0]} / {', '.join(rows[number][1:])}" for rows in results.values()]
        wrt = ", ".join(case["expected_gradient"])
        lines.append(_row(case["id"], f"`{case['expr']}`", case["dtype"], at, wrt, *cells))
    return "\n".join(lines) + "\n"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Measure every contestant that is installed and write the page."""
    cases = json.loads(GIVEN_FILE.read_text(encoding="utf-8"))
    versions = installed()
    results = {name: outcomes(name, cases) for name in versions}
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(cases, results, versions), encoding="utf-8")
    for name, rows in results.items():
        print(f"{name:<8} {Counter(each for row in rows for each in row)}")


if __name__ == "__main__":
    worker(sys.argv[1]) if len(sys.argv) > 1 else main()
