"""Weights of samples: a number of each, given with the batch, that its loss is multiplied by.

The sum of the weighted losses is divided by the number of samples, as PyTorch's and Keras's means are, or by the sum of
the weights, as scikit-learn's is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import sympy as sp

from symmlp.catalog.layers import ENTRYWISE_LOSS, Op, entry_loss, scale
from symmlp.notation import N, P, Y, array, batch, column, n

SampleWeights = Literal["none", "samples", "weights"]
"""Whether samples are weighted, and what the sum is divided by."""

omega = array("omega")
"""The weight of each sample."""

NUMBER = sp.Symbol("omega", real=True)
"""The weight of the sample, where there is one."""

TOTAL = sp.Symbol("Omega", real=True)
"""The sum of the weights, as a number."""


def total_op() -> Op:
    """Return the sum of all samples' weights, which is above 0."""
    return Op("sample_total", {}, TOTAL.name, (), sp.Sum(omega[batch], (batch, 1, N)), given={"omega": (batch,)})


WEIGHTED_LOSS = replace(
    ENTRYWISE_LOSS,
    name="weighted_loss",
    value=scale * sp.Sum(omega[batch] * entry_loss(P[batch, column], Y[batch, column]), (batch, 1, N), (column, 1, n)),
    given={**ENTRYWISE_LOSS.given, "omega": (batch,)},
)
"""The loss of entries, each times the weight of its sample."""


def samples_of(weights: SampleWeights, *, columns: bool) -> sp.Expr:
    """Return what a mean over samples divides by; in the layout of one column there is one sample.

    Its weight divided by the sum of the weights is 1.
    """
    if columns:
        return sp.Integer(1)
    return TOTAL if weights == "weights" else N


def is_weighted(weights: SampleWeights, *, columns: bool) -> bool:
    """Return whether the loss of a sample is multiplied by its weight."""
    return weights != "none" and not (columns and weights == "weights")


def weight_at(index: sp.Symbol, weights: SampleWeights, *, columns: bool) -> sp.Expr:
    """Return what the loss of the sample at an index is multiplied by."""
    if not is_weighted(weights, columns=columns):
        return sp.Integer(1)
    return NUMBER if columns else omega[index]
