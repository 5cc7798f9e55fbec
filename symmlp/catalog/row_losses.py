"""Losses of a whole row: numbers of each sample, summed over its entries, and what is made of them."""

from __future__ import annotations

import sympy as sp

from symmlp.catalog.activations import Outputs
from symmlp.catalog.entries import Maker
from symmlp.catalog.extremes import larger
from symmlp.catalog.loss import PROBABILITIES, SCORES, Decision, Loss, Targets, Total, p, y
from symmlp.catalog.parameters import Family, Parameter

alpha, beta, margin, power, smooth, epsilon = sp.symbols("alpha beta margin power smooth epsilon", real=True)
q, r, t, u, v = sp.symbols("q r t u v", real=True)


def _family(
    name: str,
    definition: sp.Expr,
    totals: tuple[Total, ...],
    *parameters: Parameter,
    accepts: tuple[Outputs, ...] = SCORES,
    targets: Targets = "real",
    decides: Decision = "values",
    note: str = "",
) -> Loss:
    """Return the loss with its parameters at their defaults; of the totals the definitions are kept."""
    family = Family(definition, parameters)
    value = family.member(name, {}, name)
    return Loss(name, value, "samples", accepts, targets, decides=decides, family=family, note=note, totals=totals)


ROW_LOSSES: dict[str, Maker[Loss]] = {
    "cosine_similarity": lambda name: _family(
        name,
        -t / (sp.sqrt(u) * sp.sqrt(v)),
        (
            Total(t, p * y, "product of prediction and target"),
            Total(q, p**2, "square of the prediction"),
            Total(r, y**2, "square of the target"),
            Total(u, larger(q, epsilon**2), "square of the prediction, limited below", "each"),
            Total(v, larger(r, epsilon**2), "square of the target, limited below", "each"),
        ),
        Parameter("epsilon", 1e-8, above=0),
        accepts=(*SCORES, "unit interval", "simplex", "log simplex"),
        note="the negative cosine of the angle between prediction and target; norms are epsilon at least",
    ),
    "dice": lambda name: _family(
        name,
        1 - (2 * t + smooth) / (q + r + smooth + epsilon),
        (
            Total(t, p * y, "overlap"),
            Total(q, p, "sum of the prediction"),
            Total(r, y, "sum of the target"),
        ),
        Parameter("smooth", 0, at_least=0),
        Parameter("epsilon", 1e-7, above=0),
        accepts=PROBABILITIES,
        targets="unit interval",
        decides="above half",
        note="of each sample's row; Keras sums over the whole batch unless it is told the axis",
    ),
    "tversky": lambda name: _family(
        name,
        1 - (t + smooth) / v,
        (
            Total(t, p * y, "overlap"),
            Total(q, p * (1 - y), "prediction outside the target"),
            Total(r, y * (1 - p), "target outside the prediction"),
            Total(v, t + alpha * q + beta * r + smooth + epsilon, "overlap and what lies outside it, weighted", "each"),
        ),
        Parameter("alpha", 0.5, at_least=0),
        Parameter("beta", 0.5, at_least=0),
        Parameter("smooth", 0, at_least=0),
        Parameter("epsilon", 1e-7, above=0),
        accepts=PROBABILITIES,
        targets="unit interval",
        decides="above half",
        note="of each sample's row; Keras sums over the whole batch unless it is told the axis",
    ),
    "categorical_hinge": lambda name: _family(
        name,
        larger(0, 1 + u - t),
        (
            Total(t, p * y, "score of the class"),
            Total(u, (1 - y) * p, "score of another class, or 0", "max"),
        ),
        targets="classes",
        decides="classes",
        note="the largest score of another class is 0 at least, as in Keras",
    ),
    "multi_margin": lambda name: _family(
        name,
        q,
        (
            Total(t, p * y, "score of the class"),
            Total(q, (1 - y) * larger(0, margin - t + p) ** power, "margins that other classes violate", "mean"),
        ),
        Parameter("margin", 1, above=0),
        Parameter("power", 1, at_least=1),
        targets="classes",
        decides="classes",
    ),
}
