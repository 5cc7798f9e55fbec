"""Weights of classes, and labels to be ignored: targets that stand for those of a loss of classes.

A loss of classes is linear in its targets, so each class's weight multiplies its targets, and the mean is one over the
weights of all targets, as PyTorch has it: T = w Y / S with S = Σ w Y, of which the loss is the plain sum.
"""

from __future__ import annotations

import sympy as sp

from symmlp.catalog.extremes import larger
from symmlp.catalog.layers import Op
from symmlp.catalog.parameters import exact
from symmlp.catalog.sample_weights import TOTAL as SAMPLE_TOTAL
from symmlp.catalog.sample_weights import omega
from symmlp.notation import N, Y, array, batch, column, n

c = array("c")
"""The weight of each class, a number of the spec."""


def total_op(least: float | None, *, weighted: bool, columns: bool, of_sample: sp.Expr) -> Op:
    """Return S, the weight of all targets, `of_sample` being what a sample's are multiplied by.

    Of a batch without any it is the `least` weight, which divides zeros.
    """
    entry = of_sample * (c[column] * Y[batch, column] if weighted else Y[batch, column])
    ranges = ((column, 1, n),) if columns else ((batch, 1, N), (column, 1, n))
    total = sp.Sum(entry, *ranges)
    value = total if least is None else larger(exact(least), total)
    return Op(f"target_total, {value}", {}, "S", (), value, given=_given(value, weighted=weighted))


def weighted_op(target: sp.Expr, *, weighted: bool, divisor: sp.Expr) -> Op:
    """Return T: the target, written in Y, times its class's weight, over a divisor that is S, N, Ω or 1."""
    value = (c[column] * target if weighted else target) / divisor
    given = _given(value, weighted=weighted) | {each.name: () for each in (TOTAL, SAMPLE_TOTAL) if divisor == each}
    return Op(f"weighted_target, {value}", {}, "T", (batch, column), value, given=given)


def of_class_op() -> Op:
    """Return S for a loss of a whole row: the weight of each sample's class, as PyTorch's multi_margin_loss has it."""
    value = sp.Sum(c[column] * Y[batch, column], (column, 1, n))
    return Op("class_weight", {}, "S", (batch,), value, given=_given(value, weighted=True))


OF_CLASS = array("S")
"""S as a number of each sample."""


def _given(value: sp.Expr, *, weighted: bool) -> dict[str, tuple[sp.Symbol, ...]]:
    given = {"Y": (batch, column)} | ({"c": (column,)} if weighted else {})
    return given | ({"omega": (batch,)} if value.has(omega) else {})


TOTAL = sp.Symbol("S", real=True)
"""S as a number."""
