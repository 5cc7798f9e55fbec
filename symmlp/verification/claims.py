"""Claims that two expressions are the same, decided in many digits at random rational points: only zero is that small.

Short differences are also proven to be zero by algebra.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import sympy as sp

from symmlp.verification.comparison import relative, worse
from symmlp.verification.evaluation import Evaluation, Function, NotRealError, Number, is_real, precise
from symmlp.verification.expansion import Entries
from symmlp.verification.held import unfolded
from symmlp.verification.polynomials import is_zero_polynomial
from symmlp.verification.report import Check
from symmlp.verification.windows import tree_size

DIGITS, MORE_DIGITS = 60, 400
"""Digits of the evaluation, and of a second one where the first does not suffice."""

PROMISE = 1e-50
"""Largest difference relative to the array's largest entry."""

POINTS, ATTEMPTS = 2, 12
"""Random rational points that have to agree, and points tried until so many have a real loss."""

DENOMINATOR = 2**20
RANGES = ((-(2**20), 2**20), (1, 2**20))
"""Numerators, in turn: of numbers of either sign, and of numbers between 0 and 1, where logarithms are real."""

SLOPES = 3
"""Entries of each array by which the scalar is differentiated."""

PROVABLE_NODES = 1500
"""Size of a difference up to which algebra is asked for a proof: a bound on its time, the same on every machine."""


Along = Mapping[sp.Symbol, sp.Expr]
"""Symbols that move, and how fast."""


@dataclass(frozen=True)
class Claim:
    """That the equations' array `target` has at some entries what the window's forward definitions make them.

    With `along`, for each entry the symbols that move and how fast, it has the derivatives of what is expected, which
    are central differences of so small a step that all digits looked at are theirs.
    """

    target: str
    layer: int | None
    places: tuple[tuple[int, ...], ...]
    found: tuple[sp.Expr, ...]
    expected: tuple[sp.Expr, ...]
    along: tuple[Along, ...] = ()

    @classmethod
    def at(
        cls,
        target: str,
        found: Entries,
        expected: Mapping[tuple[int, ...], sp.Expr],
        along: Mapping[tuple[int, ...], Along] | None = None,
    ) -> Claim:
        """Return the claim about the entries that `expected` names."""
        return cls(
            target,
            layer_of(target),
            tuple(expected),
            tuple(found[place] for place in expected),
            tuple(expected.values()),
            () if along is None else tuple(along[place] for place in expected),
        )

    def is_proven(self) -> bool:
        """Tell whether algebra shows the first entry's difference to be zero."""
        return not self.along and _vanishes(self.found[0] - self.expected[0])

    @property
    def sides(self) -> tuple[tuple[sp.Expr, Along | None], ...]:
        """What is found and what is expected, each with what it is the derivative along."""
        along = self.along or (None,) * len(self.expected)
        return (*((expr, None) for expr in self.found), *zip(self.expected, along, strict=True))


def decided(name: str, claims: Sequence[Claim], symbols: Sequence[sp.Symbol], seed: int) -> Check:
    """Return the check of the claims, whose expressions are made of these symbols.

    Raises:
        NotRealError: an expression is not real at any of the points tried.
    """
    worst = _worst(name, symbols, claims, seed, DIGITS)
    if not worst.ok:
        # Cancellation costs digits, and more digits show whether that was all: a true difference stays.
        worst = _worst(name, symbols, claims, seed, MORE_DIGITS)
    proven, looked_at = sum(claim.is_proven() for claim in claims), sum(len(claim.places) for claim in claims)
    proofs = f"{proven} of {len(claims)} arrays also proven"
    return replace(worst, note=f"{looked_at} entries at {POINTS} rational points, {proofs}")


def layer_of(target: str) -> int | None:
    """Return the layer in an array's name: 12 for dW12 and for Z12_2, None for L."""
    digits = re.match(r"[A-Za-z_]+?(\d+)", target)
    return int(digits[1]) if digits else None


def spread(shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Return up to SLOPES entries, no two in one row or one column; the last rows and columns are among them."""
    count = min(SLOPES, *shape)
    return [tuple(size - 1 - (number + axis) % size for axis, size in enumerate(shape)) for number in range(count)]


def _worst(name: str, symbols: Sequence[sp.Symbol], claims: Sequence[Claim], seed: int, digits: int) -> Check:
    """Return the check of the entry that is farthest, at one of the points, from what it should be."""
    checks = []
    for numbers in _at_points(claims, symbols, seed, digits):
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


def _at_points(claims: Sequence[Claim], symbols: Sequence[sp.Symbol], seed: int, digits: int) -> Iterator[list[Number]]:
    """Yield the numbers of every claim, found and expected, at POINTS random rational points where all are real."""
    sides = [side for claim in claims for side in claim.sides]
    # A difference by a step of 1e-60 loses 60 digits of those that it is computed with, and is off by 1e-120.
    moves = any(along is not None for _, along in sides)
    evaluation = Evaluation(precise(3 * digits if moves else digits), shared=True)
    derivatives = _Derivatives(evaluation, symbols, sides, digits)
    generator = np.random.Generator(np.random.PCG64(seed))
    found = 0
    for attempt in range(ATTEMPTS):
        low, high = RANGES[attempt % len(RANGES)]
        numerators = generator.integers(low, high, len(symbols))
        values = [evaluation.context.mpf(int(over)) / DENOMINATOR for over in numerators]
        numbers = _real(derivatives, values, evaluation.context)
        if numbers is not None:
            found += 1
            yield numbers
        if found == POINTS:
            return
    raise NotRealError(f"the loss is real at {found} of {ATTEMPTS} random rational points; expected {POINTS}")


class _Derivatives:
    """The values of expressions, or of their derivatives along what moves."""

    def __init__(
        self,
        evaluation: Evaluation,
        symbols: Sequence[sp.Symbol],
        sides: Sequence[tuple[sp.Expr, Along | None]],
        digits: int,
    ) -> None:
        self.step = evaluation.context.mpf(10) ** -digits
        self.functions = evaluation.functions([expr for expr, _ in sides], symbols)
        self.places = {symbol: place for place, symbol in enumerate(symbols)}
        self.along: dict[int, tuple[list[tuple[int, Function]], list[int]]] = {}
        for number, (_, along) in enumerate(sides):
            if along is not None:
                if id(along) not in self.along:
                    speeds = evaluation.functions(list(along.values()), symbols)
                    self.along[id(along)] = ([*zip(map(self.places.__getitem__, along), speeds, strict=True)], [])
                self.along[id(along)][1].append(number)

    def at(self, values: list[Number]) -> list[Number]:
        """Return the numbers at a point; what shares a direction is computed together."""
        moved = {number for _, numbers in self.along.values() for number in numbers}
        found = [None if number in moved else function(values) for number, function in enumerate(self.functions)]
        for speeds, numbers in self.along.values():
            above, below = (self._shifted(values, speeds, sign) for sign in (1, -1))
            ups, downs = ([self.functions[number](point) for number in numbers] for point in (above, below))
            for number, up, down in zip(numbers, ups, downs, strict=True):
                found[number] = (up - down) / (2 * self.step)
        return found

    def _shifted(self, values: list[Number], speeds: Sequence[tuple[int, Function]], sign: int) -> list[Number]:
        shifted = list(values)
        for place, speed in speeds:
            shifted[place] += sign * self.step * speed(values)
        return shifted


def _real(derivatives: _Derivatives, values: list[Number], context: Any) -> list[Number] | None:
    """Return the numbers at a point, or None if one is not a finite real number."""
    try:
        numbers = derivatives.at(values)
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
