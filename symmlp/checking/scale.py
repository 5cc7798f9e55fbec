"""A constant between a candidate and an array: its sign, its power of N, and what is left of it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from symmlp.checking.evaluating import Array

ALIKE = 1e-8
"""Relative agreement that a hypothesis must reach at every point."""

ROUNDING = 1e-13
"""What is smaller than this, relative to the gradient, is zero."""


def is_zero(value: Array, gradient: Array) -> bool:
    """Return whether an array is nothing but rounding beside the gradient."""
    return float(np.max(np.abs(value))) <= ROUNDING * float(np.max(np.abs(gradient)))


@dataclass(frozen=True)
class Scale:
    """sign · N^samples · constant."""

    sign: int = 1
    samples: int = 0
    constant: float = 1.0

    @property
    def is_one(self) -> bool:
        """Whether nothing is scaled."""
        return self == Scale()


@dataclass(frozen=True)
class Factors:
    """A scale as a product: sign · N^samples · 2^twos · K^outputs."""

    sign: int
    samples: int
    twos: int
    outputs: int


def ratio(found: Array, expected: Array) -> float | None:
    """Return the number r with found = r · expected, or None if there is none but zero."""
    if found.shape != expected.shape:
        return None
    norm = float(np.vdot(expected, expected))
    number = float(np.vdot(expected, found)) / norm if norm > 0 else 0.0
    if not math.isfinite(number) or number == 0:
        return None
    left_over = np.max(np.abs(found - number * expected), initial=0.0)
    return number if left_over <= ALIKE * np.max(np.abs(found), initial=0.0) else None


def scale_of(ratios: Sequence[float], samples: Sequence[int]) -> Scale | None:
    """Return the scale that all ratios have in common, each found with its number of samples."""
    others = [place for place, size in enumerate(samples) if size != samples[0]]
    power = 0
    if others:
        grown = abs(ratios[others[0]] / ratios[0])
        power = round(math.log(grown) / math.log(samples[others[0]] / samples[0]))
    constants = [number / size**power for number, size in zip(ratios, samples, strict=True)]
    if any(not math.isclose(each, constants[0], rel_tol=ALIKE) for each in constants):
        return None
    size = abs(constants[0])
    return Scale(1 if constants[0] > 0 else -1, power, 1.0 if math.isclose(size, 1, rel_tol=ALIKE) else size)


def factors_of(scale: Scale, outputs: int, *, averaged: bool) -> list[Factors]:
    """Return the ways to write a scale with few factors 2, K and N, the shortest first; none for other constants.

    `averaged` says whether the loss is a mean over outputs: if it is not, no factor 1/K can be missing.
    """
    if abs(scale.samples) > 1:
        return []
    found = [
        Factors(scale.sign, scale.samples, twos, units)
        for twos, units in itertools.product((0, 1, -1), (0, 1, -1) if outputs > 1 else (0,))
        if units <= averaged and math.isclose(2.0**twos * float(outputs) ** units, scale.constant, rel_tol=ALIKE)
    ]
    least = min((abs(each.twos) + abs(each.outputs) for each in found), default=0)
    return [each for each in found if abs(each.twos) + abs(each.outputs) == least]
