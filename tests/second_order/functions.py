"""Functions of numbers for tests, by the names that equations give them: their definitions, their slopes as derived."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import sympy as sp

from symmlp.calculus.functions import ElementFunction
from tests.printing.evaluation import FUNCTIONS


def of_numbers(functions: Iterable[ElementFunction]) -> dict[str, Callable[..., Any]]:
    """Return each function and its slope, written out for arrays."""
    modules = [{name: FUNCTIONS[name] for name in ("erf", "erfc")}, "numpy"]
    found: dict[str, Callable[..., Any]] = {}
    for function in functions:
        found[function.name] = sp.lambdify(function.variables, function.value, modules)
        found[f"{function.name}′"] = sp.lambdify(function.variables, function.derivative, modules)
    return found
