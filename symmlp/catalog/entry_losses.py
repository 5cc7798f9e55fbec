"""Losses of single entries, in the prediction p and the target y: forward definitions only.

Formulas and defaults follow PyTorch where it has the loss.
"""

from __future__ import annotations

import sympy as sp

from symmlp.catalog.activations import Outputs
from symmlp.catalog.extremes import larger
from symmlp.catalog.loss import ANY, POSITIVE, PROBABILITIES, SCORES, Averages, Decision, Loss, Targets, p, y
from symmlp.catalog.parameters import Family, Parameter
from symmlp.notation import n


def _family(
    name: str,
    definition: sp.Expr,
    *parameters: Parameter,
    accepts: tuple[Outputs, ...] = ANY,
    targets: Targets = "real",
    decides: Decision = "values",
    average: Averages = "entries",
    note: str = "",
) -> Loss:
    """Return the loss with its parameters at their defaults."""
    family = Family(definition, parameters)
    value = family.member(name, {}, name)
    return Loss(name, value, average, accepts=accepts, targets=targets, decides=decides, family=family, note=note)


def _where(*branches: tuple[sp.Expr, sp.Basic | bool]) -> sp.Piecewise:
    return sp.Piecewise(*branches, evaluate=False)


def _binary(prediction: sp.Expr, positive: sp.Expr, negative: sp.Expr) -> sp.Expr:
    """Return the weighted binary cross entropy of a probability."""
    return -y * positive * sp.log(prediction) - (1 - y) * negative * sp.log(1 - prediction)


def _smoothed(definition: sp.Expr) -> sp.Expr:
    """Return the definition with the target moved towards 1/2, by the share `label_smoothing` of the way."""
    return definition.xreplace({y: (1 - label_smoothing) * y + label_smoothing / 2})


def _focal(prediction: sp.Expr) -> sp.Expr:
    return _binary(prediction, alpha * (1 - prediction) ** gamma, (1 - alpha) * prediction**gamma)


_sigmoid_p = 1 / (1 + sp.exp(-p))
_one = sp.Integer(1)

alpha, beta, gamma, delta, pos_weight, quantile, tau, power, var, margin, label_smoothing = sp.symbols(
    "alpha beta gamma delta pos_weight quantile tau power var margin label_smoothing", real=True
)

_ALPHA = Parameter("alpha", 0.25, at_least=0, below=1)
_GAMMA = Parameter("gamma", 2, at_least=0)
_MARGIN = Parameter("margin", 1, above=0)
_SMOOTHING = Parameter("label_smoothing", 0, at_least=0, below=1)


def _of_classes(
    name: str, definition: sp.Expr, *, accepts: tuple[Outputs, ...], inner: str = "", note: str = ""
) -> Loss:
    """Return a loss of a row of probabilities, whose targets may be moved towards equal ones for all classes."""
    family = Family(definition, (_SMOOTHING,))
    return Loss(
        name,
        definition,
        average="samples",
        accepts=accepts,
        targets="classes",
        assumes_simplex_targets=True,
        decides="classes",
        family=family,
        note=note,
        target=(1 - label_smoothing) * y + label_smoothing / n,
        inner=inner,
    )


ENTRY_LOSSES: tuple[Loss, ...] = (
    Loss("mse", (p - y) ** 2),
    Loss("half_mse", (p - y) ** 2 / 2),
    Loss("mae", sp.Abs(p - y)),
    _family(
        "huber",
        _where(((p - y) ** 2 / 2, sp.Abs(p - y) <= delta), (delta * (sp.Abs(p - y) - delta / 2), True)),
        Parameter("delta", 1, above=0),
    ),
    _family(
        "smooth_l1",
        _where(((p - y) ** 2 / (2 * beta), sp.Abs(p - y) < beta), (sp.Abs(p - y) - beta / 2, True)),
        Parameter("beta", 1, above=0),
    ),
    Loss("log_cosh", sp.log(sp.cosh(p - y))),
    Loss("mape", 100 * sp.Abs((p - y) / y), targets="nonzero", note="in percent"),
    Loss("msle", (sp.log(1 + p) - sp.log(1 + y)) ** 2, accepts=(*POSITIVE, "nonnegative"), targets="nonnegative"),
    _family("pinball", larger(quantile * (y - p), (quantile - 1) * (y - p)), Parameter("quantile", 0.5, 0, None, 1)),
    _family(
        "expectile",
        _where((tau * (p - y) ** 2, p <= y), ((1 - tau) * (p - y) ** 2, True)),
        Parameter("tau", 0.5, 0, None, 1),
    ),
    _family("gaussian_nll", (sp.log(var) + (p - y) ** 2 / var) / 2, Parameter("var", 1, above=0)),
    Loss("poisson_nll", sp.exp(p) - y * p, targets="nonnegative", note="of the logarithm of the rate"),
    Loss("poisson", p - y * sp.log(p), accepts=POSITIVE, targets="nonnegative", note="of the rate"),
    _family(
        "tweedie",
        p ** (2 - power) / (2 - power) - y * p ** (1 - power) / (1 - power),
        Parameter("power", 1.5, 1, None, 2),
        accepts=POSITIVE,
        targets="nonnegative",
        note="half the deviance, without its terms in y alone",
    ),
    Loss(
        "kl_div",
        y * (sp.log(y) - sp.log(p)),
        accepts=POSITIVE,
        targets="unit interval",
        note="PyTorch takes log p; reduction batch_mean divides by the samples, as the mathematics does",
    ),
    _family(
        "bce",
        _smoothed(_binary(p, _one, _one)),
        _SMOOTHING,
        accepts=PROBABILITIES,
        targets="unit interval",
        decides="above half",
    ),
    _family(
        "bce_with_logits",
        _smoothed(_binary(_sigmoid_p, pos_weight, _one)),
        Parameter("pos_weight", 1, above=0),
        _SMOOTHING,
        accepts=SCORES,
        targets="unit interval",
        decides="above zero",
    ),
    _family("focal", _focal(p), _ALPHA, _GAMMA, accepts=PROBABILITIES, targets="unit interval", decides="above half"),
    _family(
        "focal_with_logits",
        _focal(_sigmoid_p),
        _ALPHA,
        _GAMMA,
        accepts=SCORES,
        targets="unit interval",
        decides="above zero",
    ),
    Loss("hinge", larger(0, 1 - p * y), accepts=SCORES, targets="signs"),
    Loss("squared_hinge", larger(0, 1 - p * y) ** 2, accepts=SCORES, targets="signs"),
    Loss("soft_margin", sp.log(1 + sp.exp(-p * y)), accepts=SCORES, targets="signs"),
    _family(
        "hinge_embedding",
        (1 + y) / 2 * p + (1 - y) / 2 * larger(0, margin - p),
        _MARGIN,
        accepts=SCORES,
        targets="signs",
        note="of a distance p: p itself for 1, and how much it falls short of the margin for -1",
    ),
    _family(
        "categorical_focal",
        -alpha * (1 - p) ** gamma * y * sp.log(p),
        Parameter("alpha", 0.25, at_least=0),
        _GAMMA,
        accepts=("simplex",),
        targets="classes",
        decides="classes",
        average="samples",
    ),
    _of_classes("nll", -y * p, accepts=("log simplex",), note="of log-probabilities"),
    _of_classes("cross_entropy", -y * sp.log(p), accepts=("simplex",)),
    _of_classes(
        "cross_entropy_with_logits",
        -y * p,
        accepts=SCORES,
        inner="log_softmax",
        note="the loss takes log-probabilities of the row first: p here is one of them",
    ),
)
