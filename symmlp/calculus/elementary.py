"""exp and tanh for targets whose compiler turns polynomials, but not library calls, into vector instructions.

exp(x) = 2^k e^r with r = x - k·ln 2 in two parts and e^r = 1 + r + r²·p(r); tanh(x) = x + x³·q(x²) near 0 and
1 - 2/(exp(2x) + 1) beyond. p and q are Chebyshev interpolants of the definitions at 50 digits.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from mpmath import mp, mpf

from symmlp.calculus.error_functions import DIGITS, interpolant

Dtype = Literal["float64", "float32"]
TANH_NEAR = mpf(11) / 20
"""Up to here tanh has a polynomial of its own."""

_EXP_DEGREE = {"float64": 10, "float32": 5}
_TANH_DEGREE = {"float64": 10, "float32": 5}
_HIGH_BITS = {"float64": 32, "float32": 12}
"""Bits of ln 2's first part: times k, of at most 11 or 8 bits, it stays exact."""


@dataclass(frozen=True)
class Elementary:
    """Coefficients, highest power first, and constants of exp and tanh in one dtype.

    exp is zero below `lowest` and infinite above `highest`; `rounder`, added and subtracted, leaves a whole number.
    """

    exp: tuple[float, ...]
    tanh: tuple[float, ...]
    log2_e: float
    ln2_high: float
    ln2_low: float
    lowest: float
    highest: float
    rounder: float
    near: float
    mantissa: int
    bias: int


@cache
def elementary(dtype: Dtype) -> Elementary:
    """Return the constants of exp and tanh for a dtype."""
    kind = np.finfo(dtype)
    with mp.workdps(DIGITS):
        half = mp.log(2) / 2
        high = mp.floor(mp.log(2) * 2 ** _HIGH_BITS[dtype]) / 2 ** _HIGH_BITS[dtype]
        return Elementary(
            exp=interpolant(_exp_rest, -half * mpf("1.01"), half * mpf("1.01"), _EXP_DEGREE[dtype]),
            tanh=interpolant(_tanh_rest, mpf(0), TANH_NEAR**2, _TANH_DEGREE[dtype]),
            log2_e=float(1 / mp.log(2)),
            ln2_high=float(high),
            ln2_low=float(mp.log(2) - high),
            lowest=float(mp.log(mpf(float(kind.smallest_subnormal))) - 1),
            highest=float(mp.log(mpf(float(kind.max))) + 1),
            rounder=1.5 * 2.0**kind.nmant,
            near=float(TANH_NEAR),
            mantissa=int(kind.nmant),
            bias=int(kind.maxexp) - 1,
        )


def _exp_rest(r: mpf) -> mpf:
    # Near 0 the difference has no digits left, and the next term of the series is below 1e-21.
    return (mp.exp(r) - 1 - r) / r**2 if abs(r) > mpf("1e-10") else mpf(1) / 2 + r / 6


def _tanh_rest(s: mpf) -> mpf:
    return (mp.tanh(mp.sqrt(s)) / mp.sqrt(s) - 1) / s if s else -mpf(1) / 3
