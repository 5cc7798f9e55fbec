"""The derivation's matrix equations against SymPy's scalar derivatives, written out entry by entry at small sizes.

Each window of layers is expanded twice: the equations from their nodes, and the loss from the forward definitions,
which SymPy differentiates as a scalar. The differences are evaluated in 60 digits at random rational points, where only
zero is that small, and short ones are also proven zero by algebra. It is the equations' textbook form that is compared;
what code makes of it is the numerical oracles' concern.
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Protocol

import numpy as np
import sympy as sp

from symmlp.matrix import Filled, Node, Number, Part, Var, rebuild, shape_of, sizes_used, walk
from symmlp.spec import Network
from symmlp.verification.claims import PROMISE, Claim, decided, layer_of, spread
from symmlp.verification.comparison import worse
from symmlp.verification.expansion import Entries, Expander, Meaning, entries
from symmlp.verification.report import Check
from symmlp.verification.windows import Window, free_symbols, windows

MOST_WINDOWS = 12
"""Of a deep network the first and last layers are expanded; the numerical oracles look at all."""


class MatrixEquation(Protocol):
    """An equation between arrays: the name of what it defines, and its value."""

    @property
    def target(self) -> str:
        """Name of the array, such as `dW1`."""

    @property
    def value(self) -> Node:
        """Its value in terms of arrays defined before."""


def check_equations(network: Network, equations: Sequence[MatrixEquation], seed: int) -> Iterator[Check]:
    """Yield the checks of the loss, of the last layers with the loss, and of every other layer; none without equations.

    Raises:
        UnsupportedError: a node or function has no expansion.
        NotRealError: the loss is not real at any of the points tried.
    """
    if not equations:
        return
    (loss, tail, *kept), left_out = some_windows(network)
    yield _check_window(loss, equations, seed)
    yield _check_window(tail, equations, seed)
    checks = [_check_window(window, equations, seed) for window in kept]
    if checks:
        worst = max(checks, key=lambda check: (not check.ok, worse(check.error)))
        omitted = f"; {left_out} inner layers left out" if left_out else ""
        yield replace(
            worst, name="symbolic, other layers", note=f"{len(kept)} layers one by one; {worst.note}{omitted}"
        )


def some_windows(network: Network) -> tuple[list[Window], int]:
    """Return the loss, the last layers with it and the first and last other ones, and how many are left out."""
    loss, tail, *others = windows(network)
    kept = others if len(others) <= MOST_WINDOWS else others[: MOST_WINDOWS // 2] + others[-MOST_WINDOWS // 2 :]
    return [loss, tail, *kept], len(others) - len(kept)


def _check_window(window: Window, equations: Sequence[MatrixEquation], seed: int) -> Check:
    name = f"symbolic, {window.name}"
    arrays = expanded(window, equations)
    claims = []
    for target, (shape, expected) in _targets(window).items():
        if target not in arrays:
            return _failed(name, target, f"no equation gives {target}")
        if arrays[target].shape != shape:
            return _failed(name, target, f"{target} expands to the shape {arrays[target].shape}; expected {shape}")
        claims.append(Claim.at(target, arrays[target], expected))
    found = decided(name, claims, window.symbols, seed)
    sizes = ", ".join(f"{size} for {actual}" for actual, size in window.sizes.items())
    return replace(found, note=f"{found.note}; sizes {sizes}")


def _failed(name: str, target: str, note: str) -> Check:
    return Check(name, target, (), layer_of(target), math.inf, PROMISE, False, note)


def expanded(window: Window, equations: Sequence[MatrixEquation]) -> dict[str, Entries]:
    """Return what the equations make of the window's arrays; equations that need other arrays are left out.

    Cotangents that come from outside the window are taken for zero: what is left is the window's own part. What else
    stands beside them in the equation of an array that the window reads is then of no account.
    """
    arrays, outside = dict(window.given), set[str]()
    wanted = {f"d{name}" for name in window.differentiated}
    expander = Expander(arrays, window.sizes, Meaning(window.network))
    for equation in equations:
        value = within(equation.value, arrays)
        if equation.target in arrays or not sizes_used(value) <= window.sizes.keys() | {0, 1}:
            continue
        unknown = [part for part in walk(value) if isinstance(part, Var) and part.name not in arrays]
        is_expandable = all(_is_cotangent(each) or equation.target in wanted for each in unknown)
        if is_expandable and all(set(each.shape) <= window.sizes.keys() for each in unknown):
            arrays |= {each.name: _from_outside(each, window) for each in unknown}
            outside |= {each.name for each in unknown}
            arrays[equation.target] = expander.of(value)
    return {name: array for name, array in arrays.items() if name not in outside}


def within(node: Node, known: Container[str]) -> Node:
    """Return a value with zeros for parts of cotangents from outside, whose whole size the window need not have."""
    if isinstance(node, Part) and isinstance(node.operand, Var) and node.operand.name not in known:
        return Filled(Number(Fraction(0)), shape_of(node))
    return rebuild(node, lambda part: within(part, known))


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
