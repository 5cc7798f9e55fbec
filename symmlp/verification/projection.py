"""The projection of a row on the simplex, from its definition as a nearest point: for numbers and for expressions.

Of all rows of nonnegative numbers that sum to 1 the projection is the nearest one: max(0, z - u) for the only u with
which that sums to 1. For numbers, u is found by adding entries from the largest on (Held, Wolfe and Crowder, 1974); for
expressions, every entry is asked whether those above it exceed it by less than 1 in total.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy as sp

from symmlp.verification.evaluation import Evaluation, Number
from symmlp.verification.held import chosen


def projected(row: Sequence[Number], evaluation: Evaluation) -> list[Number]:
    """Return the projection of a row of numbers; `watch` is told how far each entry is from the support's border."""
    total, threshold = evaluation.context.mpf(0), None
    for count, entry in enumerate(sorted(row, reverse=True), start=1):
        total = total + entry
        candidate = (total - 1) / count
        if threshold is not None and entry <= threshold:
            break
        threshold = candidate
    assert threshold is not None
    for entry in row:
        evaluation.watch(abs(entry - threshold))
    return [entry - threshold if entry > threshold else evaluation.context.mpf(0) for entry in row]


def support_expressions(row: Sequence[sp.Expr]) -> list[sp.Expr]:
    """Return, for each entry of a row of expressions, what is 1 if it is in the projection's support, else 0."""
    one, zero = sp.Integer(1), sp.Integer(0)

    def excess(entry: sp.Expr) -> sp.Expr:
        return sp.Add(*(chosen(">", other, entry, other - entry, zero) for other in row if other != entry))

    return [chosen("<", excess(entry), one, one, zero) for entry in row]


def projected_expressions(row: Sequence[sp.Expr]) -> list[sp.Expr]:
    """Return the projection of a row of expressions."""
    inside = support_expressions(row)
    total: Any = sp.Add(*(mark * entry for mark, entry in zip(inside, row, strict=True))) - 1
    threshold = total / sp.Add(*inside)
    return [mark * (entry - threshold) for mark, entry in zip(inside, row, strict=True)]
