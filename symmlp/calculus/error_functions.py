"""erf and erfc for modules that have NumPy alone: polynomials whose coefficients are computed here.

On [0, 1], erf(x) = x·p(x²). From 1/2 on, erfc(x) = exp(-x²)·q((x - 2)/(x + 2))/(1 + 2x), where q varies little; the
same scaling as in S. G. Johnson's Faddeeva package. p and q are Chebyshev interpolants, turned into powers at 50
digits.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import cache

import numpy as np
from mpmath import mp, mpf
from numpy.typing import NDArray

Array = NDArray[np.floating]

DIGITS = 50
CENTRE = 2
SCALED_DEGREE = 26
"""Of q over all of x >= 0, for float64."""

FAR = 28
"""erfc(28) is below the smallest float64."""


@cache
def near_coefficients() -> tuple[float, ...]:
    """Return the coefficients of p, highest power first."""
    with mp.workdps(DIGITS):
        return interpolant(lambda s: mp.erf(mp.sqrt(s)) / mp.sqrt(s) if s else 2 / mp.sqrt(mp.pi), mpf(0), mpf(1), 14)


@cache
def far_coefficients() -> tuple[float, ...]:
    """Return the coefficients of q, highest power first."""
    with mp.workdps(DIGITS):
        lowest, highest = ((x - CENTRE) / (x + CENTRE) for x in (mpf(1) / 2, mpf(FAR)))
        return interpolant(_scaled_tail, lowest, highest, 23)


@cache
def scaled_tail_coefficients(degree: int) -> tuple[float, ...]:
    """Return the coefficients of q over all of x >= 0, highest power first."""
    with mp.workdps(DIGITS):
        return interpolant(_scaled_tail, mpf(-1), mpf(1), degree)


@cache
def distance_tail_coefficients(degree: int, largest: Fraction) -> tuple[float, ...]:
    """Return the coefficients of r in erfc(x) = exp(-x²)·w·r(w), w = 1/(x + 2), on [0, `largest`], highest first."""
    with mp.workdps(DIGITS):
        lowest = 1 / (mpf(largest.numerator) / largest.denominator + CENTRE)
        return interpolant(_tail_by_distance, lowest, mpf(1) / CENTRE, degree)


@cache
def scaled_tail_quotient(above: int, below: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return p and q, highest power first, in exp(x²) erfc(x) = w·p(w)/q(w), w = 1/(x + 2), over all of x >= 0.

    The quotient meets the function at Chebyshev points of w; q begins with 1.
    """
    count = above + below + 1
    with mp.workdps(DIGITS):
        half = mpf(1) / CENTRE / 2
        points = [half + half * mp.cos(mp.pi * (2 * k + 1) / (2 * count)) for k in range(count)]
        values = [_tail_by_distance(w) for w in points]
        rows = [
            [w**power for power in range(above, -1, -1)] + [-value * w**power for power in range(below - 1, -1, -1)]
            for w, value in zip(points, values, strict=True)
        ]
        found = mp.lu_solve(
            mp.matrix(rows), mp.matrix([value * w**below for w, value in zip(points, values, strict=True)])
        )
        numbers = [float(each) for each in found]
    return tuple(numbers[: above + 1]), (1.0, *numbers[above + 1 :])


def _tail_by_distance(w: mpf) -> mpf:
    x = 1 / w - CENTRE
    return mp.exp(x * x) * mp.erfc(x) / w


def _scaled_tail(q: mpf) -> mpf:
    if q >= 1:
        return 2 / mp.sqrt(mp.pi)
    x = CENTRE * (1 + q) / (1 - q)
    return mp.exp(x * x) * mp.erfc(x) * (1 + 2 * x)


def interpolant(function: Callable[[mpf], mpf], low: mpf, high: mpf, degree: int) -> tuple[float, ...]:
    """Return the polynomial through `degree` + 1 Chebyshev points, in powers, highest first, as float64."""
    count = degree + 1
    angles = [mp.pi * (2 * k + 1) / (2 * count) for k in range(count)]
    values = [function((low + high) / 2 + (high - low) / 2 * mp.cos(angle)) for angle in angles]
    series = [
        2 / mpf(count) * mp.fsum(value * mp.cos(order * angle) for value, angle in zip(values, angles, strict=True))
        for order in range(count)
    ]
    series[0] /= 2
    scale, shift = 2 / (high - low), -(high + low) / (high - low)
    before, current = [mpf(1)], [shift, scale]
    powers = [series[0] * each for each in before]
    for coefficient in series[1:]:
        powers = _plus(powers, [coefficient * each for each in current])
        twice = _plus([2 * shift * each for each in current], [mpf(0), *(2 * scale * each for each in current)])
        before, current = current, _plus(twice, [-each for each in before])
    return tuple(float(each) for each in reversed(powers))


def _plus(left: list[mpf], right: list[mpf]) -> list[mpf]:
    longer, shorter = (left, right) if len(left) >= len(right) else (right, left)
    return [each + (shorter[at] if at < len(shorter) else 0) for at, each in enumerate(longer)]


def erf(x: Array) -> Array:
    """Return the error function of x as a generated module computes it, in the dtype of x."""
    wide = x.astype(np.result_type(x, np.float64))
    size = np.abs(wide)
    near = wide * _polynomial(near_coefficients(), np.minimum(size, 1) ** 2)
    far = np.sign(wide) * (1 - _far(np.maximum(size, 1)))
    return np.where(size < 1, near, far).astype(x.dtype)


def erfc(x: Array) -> Array:
    """Return the complementary error function of x as a generated module computes it, in the dtype of x."""
    wide = x.astype(np.result_type(x, np.float64))
    size = np.abs(wide)
    near = 1 - wide * _polynomial(near_coefficients(), np.minimum(size, 1) ** 2)
    far = _far(np.maximum(size, 0.5))
    return np.where(size < 0.5, near, np.where(wide > 0, far, 2 - far)).astype(x.dtype)


def erfcx(x: Array) -> Array:
    """Return exp(x²)·erfc(x) for x >= 0 as a generated module computes it, in the dtype of x."""
    wide = x.astype(np.result_type(x, np.float64))
    scaled = _polynomial(scaled_tail_coefficients(SCALED_DEGREE), (wide - CENTRE) / (wide + CENTRE))
    return (scaled / (wide + 0.5) / 2).astype(x.dtype)


def _far(x: Array) -> Array:
    x = np.minimum(x, FAR)
    h = np.round(x * 4096) / 4096
    scaled = _polynomial(far_coefficients(), (x - CENTRE) / (x + CENTRE)) / (1 + 2 * x)
    value: Array = np.exp(-h * h) * np.exp(-(x - h) * (x + h)) * scaled
    return value


def _polynomial(coefficients: tuple[float, ...], x: Array) -> Array:
    value = np.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        value = value * x + coefficient
    return value
