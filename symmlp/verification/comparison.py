"""How far a gradient is from an oracle's: errors relative to a stated scale, and the entry where they are largest."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from symmlp.verification.layout import Array, Layout
from symmlp.verification.report import Check

SMALL_ENTRY = 1e-3
"""An entry below this part of its parameter's largest is a difference of larger terms, known only to their rounding."""

ZERO_PARAMETER = 1e-3
"""A parameter whose gradient is zero is compared on this part of the whole gradient's largest entry."""


@dataclass(frozen=True)
class Scale:
    """What an error is divided by.

    An entry's error is divided by max(|g|, `small_entry` · the parameter's largest |g|): with `small_entry` = 1 by the
    parameter's largest. A parameter whose largest |g| is below `zero` times the whole gradient's largest is taken for
    zero, and its entries are compared with ZERO_PARAMETER times the latter. All |g| are the oracle's, never the
    module's, so that a wrong gradient cannot enlarge what it is measured by.
    """

    small_entry: float
    zero: float

    def of(self, layout: Layout, places: Sequence[int], expected: Array) -> Array:
        """Return the divisor for each of the `places`, whose oracle's values are `expected`."""
        magnitude = np.abs(expected)
        whole = float(magnitude.max(initial=0.0))
        numbers = np.searchsorted([parameter.stop for parameter in layout.parameters], places, side="right")
        scale = np.empty_like(magnitude)
        for number in np.unique(numbers):
            own = numbers == number
            largest = float(magnitude[own].max())
            zero = largest <= self.zero * whole
            scale[own] = ZERO_PARAMETER * whole if zero else np.maximum(magnitude[own], self.small_entry * largest)
        return scale


def relative(difference: float, scale: float) -> float:
    """Return |difference| / scale, where 0/0 is 0; NaN stays NaN."""
    if difference == 0:
        return 0.0
    return abs(difference) / scale if scale > 0 else math.inf if not math.isnan(difference) else math.nan


def worse(error: float) -> float:
    """Return a sort key in which NaN is worse than everything."""
    return math.inf if math.isnan(error) else error


def compare(
    name: str,
    layout: Layout,
    places: Sequence[int] | Array,
    found: Array,
    expected: Array,
    scale: Scale,
    promise: float,
    note: str = "",
) -> Check:
    """Return the check that `found` agrees with `expected` at `places`; anything that is not finite fails it."""
    places = [int(place) for place in places]
    divisors = scale.of(layout, places, expected)
    with np.errstate(invalid="ignore"):
        differences = found - expected
    errors = [relative(float(difference), float(by)) for difference, by in zip(differences, divisors, strict=True)]
    worst = max(range(len(errors)), key=lambda number: worse(errors[number]))
    return at_entry(layout, places[worst], name, errors[worst], promise, note)


def at_entry(layout: Layout, place: int, name: str, error: float, promise: float, note: str = "") -> Check:
    """Return a check whose worst entry lies at `place` in theta; NaN is no error within any promise."""
    parameter = layout.parameter_at(place)
    ok = error <= promise
    return Check(name, parameter.name, parameter.entry(place), parameter.layer, error, promise, ok, note)
