"""Symbols, axes and names: the notation of the founding document, written down once.

Rows of a batch are samples: `Z = X Wᵀ + 1 bᵀ` with W of shape (out, in). In index notation the axes are
p (sample), i (unit of this layer), k (unit of the layer before), j (a second unit of the same layer).
"""

from __future__ import annotations

import sympy as sp

batch, column, inner, other, beside = sp.symbols("p i k j l", integer=True)
"""Axes of a defining equation: sample p, unit i, unit k of the layer before, summed unit j, unit l of a second one."""

row_of_wrt, column_of_wrt = sp.symbols("a c", integer=True)
"""Axes of the quantity that is differentiated with respect to."""

direction = sp.Symbol("d", integer=True)
"""Axis of arrays that are computed along several directions at once."""


def array(name: str) -> sp.IndexedBase:
    """Return the real array called `name`, to be indexed in defining equations."""
    return sp.IndexedBase(name, real=True)


X, Y, W, b, Z, A, P, G = (array(name) for name in ("X", "Y", "W", "b", "Z", "A", "P", "G"))
"""Arrays of the defining equations; G is the cotangent that arrives at an op's output."""

U, C, V, R, H, M, S, g, K = (array(name) for name in ("U", "C", "V", "R", "H", "M", "S", "g", "K"))
"""Mean, centred entries, variance, its root, normalized entries, factor and shift of a dropout, gain, where largest."""

n, m, N, q = sp.symbols("n m N q", integer=True, positive=True)
"""Units of this layer, units of the layer before, samples, units of a second layer before."""
