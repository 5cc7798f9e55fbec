"""The derivation's matrix equations against SymPy's scalar derivatives, written out entry by entry at small sizes.

Each window of layers is expanded twice: the equations from their nodes, and the loss from the forward definitions,
which SymPy differentiates as a scalar. The differences are evaluated in 60 digits at random rational points, where only
zero is that small, and short ones are also proven zero by algebra. It is the equations' textbook form that is compared;
what code makes of it is the numerical oracles' concern.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import sympy as sp

from symmlp.matrix import Node, Var, sizes_used, walk
from symmlp.spec import Network
from symmlp.verification.comparison import relative, worse
from symmlp.verification.evaluation import Evaluation, Function, NotRealError, Number, is_real, precise
from symmlp.verification.expansion import Entries, Expander, Meaning, entries
from symmlp.verification.held import unfolded
from symmlp.verification.polynomials import is_zero_polynomial
from symmlp.verification.report import Check
from symmlp.verification.windows import Window, free_symbols, tree_size, windows

DIGITS, MORE_DIGITS = 60, 400
"""Digits of the evaluation, and of a second one where the first does not suffice."""

PROMISE = 1e-50
"""Largest difference relative to the array's largest entry."""

POINTS, ATTEMPTS = 2, 12
"""Random rational points that have to agree, and points tried until so many have a real loss."""

MOST_WINDOWS = 12
"""Of a deep network the first and last layers are expanded; the numerical oracles look at all."""

DENOMINATOR = 2**20
RANGES = ((-(2**20), 2**20), (1, 2**20))
"""Numerators, in turn: of numbers of either sign, and of numbers between 0 and 1, where logarithms are real."""

SLOPES = 3
"""Entries of each array by which the scalar is differentiated."""

PROVABLE_NODES = 1500
"""Size of a difference up to which algebra is asked for a proof: a bound on its time, the same on every machine."""


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
    """That the equations' array `target` has at some entries what the window's forward definitions make them."""

    target: str
    layer: int | None
    places: tuple[tuple[int, ...], ...]
    found: tuple[sp.Expr, ...]
    expected: tuple[sp.Expr, ...]

    @classmethod
    def at(cls, target: str, found: Entries, expected: Mapping[tuple[int, ...], sp.Expr]) -> Claim:
        """Return the claim about the entries that `expected` names."""
        return cls(
            target,
            layer_of(target),
            tuple(expected),
            tuple(found[place] for place in expected),
            tuple(expected.values()),
        )

    def is_proven(self) -> bool:
        """Tell whether algebra shows the first entry's difference to be zero."""
        return _vanishes(self.found[0] - self.expected[0])


def check_equations(network: Network, equations: Sequence[MatrixEquation], seed: int) -> Iterator[Check]:
    """Yield the checks of the loss, of the last layers with the loss, and of every other layer; none without equations.

    Raises:
        UnsupportedError: a node or function has no expansion.
        NotRealError: the loss is not real at any of the points tried.
    """
    if not equations:
        return
    loss, tail, *others = windows(network)
    yield _check_window(loss, equations, seed)
    yield _check_window(tail, equations, seed)
    kept = others if len(others) <= MOST_WINDOWS else others[: MOST_WINDOWS // 2] + others[-MOST_WINDOWS // 2 :]
    checks = [_check_window(window, equations, seed) for window in kept]
    if checks:
        worst = max(checks, key=lambda check: (not check.ok, worse(check.error)))
        left_out = f"; {len(others) - len(kept)} inner layers left out" if len(kept) < len(others) else ""
        yield replace(
            worst, name="symbolic, other layers", note=f"{len(kept)} layers one by one; {worst.note}{left_out}"
        )


def _check_window(window: Window, equations: Sequence[MatrixEquation], seed: int) -> Check:
    name = f"symbolic, {window.name}"
    arrays = _expanded(window, equations)
    claims = []
    for target, (shape, expected) in _targets(window).items():
        if target not in arrays:
            return _failed(name, target, f"no equation gives {target}")
        if arrays[target].shape != shape:
            return _failed(name, target, f"{target} expands to the shape {arrays[target].shape}; expected {shape}")
        claims.append(Claim.at(target, arrays[target], expected))
    worst = _worst(name, window, claims, seed, DIGITS)
    if not worst.ok:
        # Cancellation costs digits, and more digits show whether that was all: a true difference stays.
        worst = _worst(name, window, claims, seed, MORE_DIGITS)
    proven, looked_at = sum(claim.is_proven() for claim in claims), sum(len(claim.places) for claim in claims)
    sizes = ", ".join(f"{size} for {actual}" for actual, size in window.sizes.items())
    proofs = f"{proven} of {len(claims)} arrays also proven"
    return replace(worst, note=f"{looked_at} entries at {POINTS} rational points, {proofs}; sizes {sizes}")


def _failed(name: str, target: str, note: str) -> Check:
    return Check(name, target, (), layer_of(target), math.inf, PROMISE, False, note)


def layer_of(target: str) -> int | None:
    """Return the layer in an array's name: 12 for dW12 and for Z12_2, None for L."""
    digits = re.match(r"[A-Za-z_]+?(\d+)", target)
    return int(digits[1]) if digits else None


def _expanded(window: Window, equations: Sequence[MatrixEquation]) -> dict[str, Entries]:
    """Return what the equations make of the window's arrays; equations that need other arrays are left out.

    Cotangents that come from outside the window are taken for zero: what is left is the window's own part. What else
    stands beside them in the equation of an array that the window reads is then of no account.
    """
    arrays, outside = dict(window.given), set[str]()
    wanted = {f"d{name}" for name in window.differentiated}
    expander = Expander(arrays, window.sizes, Meaning(window.network))
    for equation in equations:
        if equation.target in arrays or not sizes_used(equation.value) <= window.sizes.keys() | {0, 1}:
            continue
        unknown = [part for part in walk(equation.value) if isinstance(part, Var) and part.name not in arrays]
        is_expandable = all(_is_cotangent(each) or equation.target in wanted for each in unknown)
        if is_expandable and all(set(each.shape) <= window.sizes.keys() for each in unknown):
            arrays |= {each.name: _from_outside(each, window) for each in unknown}
            outside |= {each.name for each in unknown}
            arrays[equation.target] = expander.of(equation.value)
    return {name: array for name, array in arrays.items() if name not in outside}


def _is_cotangent(array: Var) -> bool:
    return array.name.startswith("d")


def _from_outside(array: Var, window: Window) -> Entries:
    """Return zeros for a cotangent, free symbols for any other array."""
    shape = [window.sizes[size] for size in array.shape]
    return np.full(shape, sp.Integer(0)) if _is_cotangent(array) else free_symbols(array.name, *shape)


def _targets(window: Window) -> dict[str, tuple[tuple[int, ...], dict[tuple[int, ...], sp.Expr]]]:
    """Return shape and entries of what the equations have to give: activations, the loss, gradients."""
    whole = {window.activation_name(layer): window.forward[window.activation_name(layer)] for layer in window.layers}
    if window.ends_in_loss:
        whole["L"] = entries(window.scalar)
    targets = {
        name: (array.shape, {place: array[place] for place in np.ndindex(array.shape)}) for name, array in whole.items()
    }
    for name in window.differentiated:
        shape = window.given[name].shape
        targets[f"d{name}"] = (shape, {place: window.slope(name, place) for place in spread(shape)})
    return targets


def spread(shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Return up to SLOPES entries, no two in one row or one column; the last rows and columns are among them."""
    count = min(SLOPES, *shape)
    return [tuple(size - 1 - (number + axis) % size for axis, size in enumerate(shape)) for number in range(count)]


def _worst(name: str, window: Window, claims: Sequence[Claim], seed: int, digits: int) -> Check:
    """Return the check of the entry that is farthest, at one of the points, from what it should be."""
    checks = []
    for numbers in _at_points(claims, window, seed, digits):
        remaining = iter(numbers)
        for claim in claims:
            found, expected = ([next(remaining) for _ in claim.places] for _ in range(2))
            checks.append(_compared(name, claim, found, expected))
    return max(checks, key=lambda check: worse(check.error))


def _compared(name: str, claim: Claim, found: Sequence[Number], expected: Sequence[Number]) -> Check:
    scale = float(max(abs(number) for number in expected))
    errors = [relative(float(left - right), scale) for left, right in zip(found, expected, strict=True)]
    place = max(range(len(errors)), key=lambda each: worse(errors[each]))
    return Check(name, claim.target, claim.places[place], claim.layer, errors[place], PROMISE, errors[place] <= PROMISE)


def _at_points(claims: Sequence[Claim], window: Window, seed: int, digits: int) -> Iterator[list[Number]]:
    """Yield the numbers of every claim, found and expected, at POINTS random rational points where all are real."""
    evaluation, symbols = Evaluation(precise(digits), shared=True), window.symbols
    exprs = [expr for claim in claims for side in (claim.found, claim.expected) for expr in side]
    functions = evaluation.functions(exprs, symbols)
    generator = np.random.Generator(np.random.PCG64(seed))
    found = 0
    for attempt in range(ATTEMPTS):
        low, high = RANGES[attempt % len(RANGES)]
        numerators = generator.integers(low, high, len(symbols))
        values = [evaluation.context.mpf(int(over)) / DENOMINATOR for over in numerators]
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
    return numbers if all(is_real(number, context) for number in numbers) else None


def _vanishes(difference: sp.Expr) -> bool:
    """Tell whether `difference` is zero by expansion, its exponentials and other functions standing as variables."""
    if difference == 0:
        return True
    if tree_size(difference) > PROVABLE_NODES or tree_size(written := unfolded(difference)) > PROVABLE_NODES:
        return False
    numerator, _ = sp.fraction(sp.together(written))
    return is_zero_polynomial(numerator) or bool(sp.expand(numerator) == 0)
