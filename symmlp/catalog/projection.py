"""The ops of sparsemax: the Euclidean projection of a row on the simplex (Martins and Astudillo, 2016).

The projection takes a threshold off the entries in its support, and is 0 elsewhere. Which entries those are is held
fixed, as the mask of a relu is: the slope is that of the piece on which the row lies. The row's maximum is held fixed,
too, because the projection does not change when a row is shifted; it keeps large entries from losing their digits.
"""

from __future__ import annotations

import sympy as sp

from symmlp.catalog.extremes import larger, largest_of
from symmlp.catalog.layers import Op
from symmlp.notation import C, H, M, S, U, V, Z, batch, column, n, other

SUPPORT = "simplex_support"
"""The function of a row that is 1 where an entry is in the support, 0 elsewhere; targets have it in their library."""

ROW_MAXIMUM = Op("row_maximum", {}, "M", (batch,), largest_of(Z[batch, other], other), given={"Z": (batch, column)})
BELOW_MAXIMUM = Op(
    "below_maximum",
    {"Z": (batch, column)},
    "H",
    (batch, column),
    Z[batch, column] - M[batch],
    given={"M": (batch,)},
)
SIMPLEX_SUPPORT = Op(
    "simplex_support", {}, "S", (batch, column), sp.Function(SUPPORT)(H[batch, column]), given={"H": (batch, column)}
)
SUPPORT_SIZE = Op(
    "support_size", {}, "C", (batch,), sp.Sum(S[batch, column], (column, 1, n)), given={"S": (batch, column)}
)
SUPPORT_SUM = Op(
    "support_sum",
    {"H": (batch, column)},
    "V",
    (batch,),
    sp.Sum(S[batch, column] * H[batch, column], (column, 1, n)),
    given={"S": (batch, column)},
)
THRESHOLD = Op("threshold", {"V": (batch,)}, "U", (batch,), (V[batch] - 1) / C[batch], given={"C": (batch,)})
PROJECTED = Op(
    "projected",
    {"H": (batch, column), "U": (batch,)},
    "A",
    (batch, column),
    S[batch, column] * (H[batch, column] - U[batch]),
    given={"S": (batch, column)},
)


def _in_support(index: sp.Symbol) -> sp.Expr:
    """Return 1 where the entries above entry `index` exceed it by less than 1 in total, else 0."""
    excess = sp.Sum(larger(0, Z[batch, other] - Z[batch, index]), (other, 1, n))
    return sp.Piecewise((1, excess < 1), (0, True), evaluate=False)


def projection() -> sp.Expr:
    """Return entry i of the projection in one formula, for readers: the ops above compute it."""
    inside = sp.Function("s")
    total = sp.Sum(inside(Z[batch, other]) * Z[batch, other], (other, 1, n)) - 1
    return inside(Z[batch, column]) * (Z[batch, column] - total / sp.Sum(inside(Z[batch, other]), (other, 1, n)))


def in_support() -> sp.Expr:
    """Return what s stands for in `projection`."""
    return _in_support(column)
