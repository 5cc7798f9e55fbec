"""The derivation's matrix equations against SymPy's scalar derivatives, written out entry by entry at small sizes.

Each window of layers is expanded twice: the equations from their nodes, and the loss from the forward definitions, which SymPy
differentiates by every parameter as a scalar. The differences are evaluated in 50 digits at random rational points, where
only zero can be that small, and the small ones are also proven zero by algebra.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import sympy as sp

from symmlp.matrix import Node, variables
from symmlp.spec import Network
from symmlp.verification.comparison import relative, worse
from symmlp.verification.evaluation import Evaluation, Function, NotRealError, Number, precise
from symmlp.verification.expansion import Entries, Expander, Meaning, entries
from symmlp.verification.report import Check
from symmlp.verification.windows import Window, windows

DIGITS = 60
PROMISE = 1e-50
"""Largest difference relative to the array's largest entry, evaluated in 60 digits."""

POINTS, ATTEMPTS = 2, 12
"""Random rational points that have to agree, and points tried until so many have a real loss."""

MOST_WINDOWS = 12
"""Of a deep network the first and last layers are expanded; the numerical oracles look at all."""

RANGES = ((-90, 91), (1, 64))
"""Numerators over 64, in turn: numbers of either sign, and numbers between 0 and 1, where logarithms are real."""

PROVABLE_OPERATIONS = 120
"""Size of a difference up to which algebra is asked for a proof; a bound on its time that does not depend on the machine."""


class MatrixEquation(Protocol):
    """An equation between arrays: the name of what it defines, and its value."""

    @property
    def target(self) -> str:
        """Name of the array, such as `dW1`."""

    @property
    def value(self) -> Node:
        """Its value in terms of arrays defined before."""


@dataclass(frozen=True)
class Claim:
    """That the equations' array `target` is what the window's forward definitions make it."""

    target: str
    layer: int | None
    found: Entries
    expected: Entries

    def differences(self) -> Iterator[sp.Expr]:
        """Yield found - expected for every entry."""
        yield from (found - expected for found, expected in zip(self.found.flat, self.expected.flat, strict=True))


def check_equations(network: Network, equations: Sequence[MatrixEquation], seed: int) -> Iterator[Check]:
    """Yield one check for every window of layers; none without equations.

    Raises:
        UnsupportedError: a node or function has no expansion.
        NotRealError: the loss is not real at any of the points tried.
    """
    if not equations:
        return
    found = windows(network)
    kept = found if len(found) <= MOST_WINDOWS else found[: MOST_WINDOWS // 2] + found[-MOST_WINDOWS // 2 :]
    for window in kept:
        yield _check_window(window, equations, seed)
    if len(found) > len(kept):
        yield Check("symbolic", ok=None, note=f"{len(found) - len(kept)} inner layers are not expanded")


def _check_window(window: Window, equations: Sequence[MatrixEquation], seed: int) -> Check:
    name = f"symbolic, {window.name}"
    arrays = _expanded(window, equations)
    missing = next((target for target in _targets(window) if target not in arrays), None)
    if missing is not None:
        return Check(name, missing, ok=False, promise=PROMISE, note=f"no equation gives {missing}")
    claims = []
    for target, expected in _targets(window).items():
        if arrays[target].shape != expected.shape:
            shapes = f"{arrays[target].shape}; expected {expected.shape}"
            return Check(name, target, ok=False, promise=PROMISE, note=f"{target} expands to the shape {shapes}")
        claims.append(Claim(target, _layer(target), arrays[target], expected))
    worst = _worst(name, window, claims, seed)
    proven, total = _proven(claims)
    sizes = ", ".join(f"{size} for {actual}" for actual, size in window.sizes.items())
    note = f"{total} entries at {POINTS} rational points, {proven} also proven; sizes {sizes}"
    return replace(worst, note=note)


def _expanded(window: Window, equations: Sequence[MatrixEquation]) -> dict[str, Entries]:
    """Return what the equations make of the window's arrays; equations that need other arrays are left out."""
    arrays = dict(window.given)
    expander = Expander(arrays, window.sizes, Meaning(window.network))
    for equation in equations:
        if equation.target not in arrays and variables(equation.value) <= arrays.keys():
            arrays[equation.target] = expander.of(equation.value)
    return arrays


def _targets(window: Window) -> Mapping[str, Entries]:
    """Return what the equations have to give: activations, the loss, and the gradients, as the definitions make them."""
    targets = {window.activation_name(layer): window.forward[window.activation_name(layer)] for layer in window.layers}
    if window.ends_in_loss:
        targets["L"] = entries(window.scalar)
    return targets | {f"d{name}": window.slopes(name) for name in window.differentiated}


def _layer(target: str) -> int | None:
    digits = target.lstrip("dWbZA")
    return int(digits) if digits.isdigit() else None


def _worst(name: str, window: Window, claims: Sequence[Claim], seed: int) -> Check:
    """Return the check of the entry that is farthest, at one of the points, from what it should be."""
    checks = []
    for numbers in _at_points(claims, window, seed):
        remaining = iter(numbers)
        for claim in claims:
            found, expected = ([next(remaining) for _ in range(claim.expected.size)] for _ in range(2))
            checks.append(_compared(name, claim, found, expected))
    return max(checks, key=lambda check: worse(check.error))


def _compared(name: str, claim: Claim, found: Sequence[Number], expected: Sequence[Number]) -> Check:
    scale = float(max(abs(number) for number in expected))
    errors = [relative(float(left - right), scale) for left, right in zip(found, expected, strict=True)]
    place = max(range(len(errors)), key=lambda each: worse(errors[each]))
    entry = tuple(int(index) for index in np.unravel_index(place, claim.expected.shape))
    return Check(name, claim.target, entry, claim.layer, errors[place], PROMISE, errors[place] <= PROMISE)


def _at_points(claims: Sequence[Claim], window: Window, seed: int) -> Iterator[list[Number]]:
    """Yield the numbers of every claim, found and expected, at POINTS random rational points where all are real."""
    evaluation, symbols = Evaluation(precise(DIGITS), shared=True), window.symbols
    exprs = [expr for claim in claims for side in (claim.found, claim.expected) for expr in side.flat]
    functions = evaluation.functions(exprs, symbols)
    generator = np.random.Generator(np.random.PCG64(seed))
    found = 0
    for attempt in range(ATTEMPTS):
        low, high = RANGES[attempt % len(RANGES)]
        values = [evaluation.context.mpf(int(over)) / 64 for over in generator.integers(low, high, len(symbols))]
        numbers = _real(functions, values, evaluation.context)
        if numbers is not None:
            found += 1
            yield numbers
        if found == POINTS:
            return
    raise NotRealError(f"the loss is real at {found} of {ATTEMPTS} random rational points; expected {POINTS}")


def _real(functions: Sequence[Function], values: list[Number], context: Any) -> list[Number] | None:
    """Return the functions' values, or None if one is not a finite real number."""
    try:
        numbers = [function(values) for function in functions]
    except (ArithmeticError, TypeError, ValueError):
        return None
    return numbers if all(not isinstance(number, context.mpc) and context.isfinite(number) for number in numbers) else None


def _proven(claims: Sequence[Claim]) -> tuple[int, int]:
    """Return (number of differences that algebra shows to be zero, number of all)."""
    differences = [difference for claim in claims for difference in claim.differences()]
    return sum(map(_vanishes, differences)), len(differences)


def _vanishes(difference: sp.Expr) -> bool:
    """Tell whether `difference` is zero by expansion, its exponentials and other functions standing as variables."""
    if difference == 0:
        return True
    if difference.count_ops() > PROVABLE_OPERATIONS:
        return False
    numerator, _ = sp.fraction(sp.together(difference))
    return bool(sp.expand(numerator) == 0)
