"""Losses of single entries, in the prediction p and the target y: forward definitions only.

Formulas and defaults follow PyTorch where it has the loss.
"""

from __future__ import annotations

import sympy as sp

from symmlp.catalog.activations import Outputs
from symmlp.catalog.entries import Maker
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


def _sigmoid(logit: sp.Expr) -> sp.Expr:
    return 1 / (1 + sp.exp(-logit))


def _focal(prediction: sp.Expr) -> sp.Expr:
    return _binary(prediction, alpha * (1 - prediction) ** gamma, (1 - alpha) * prediction**gamma)


_one = sp.Integer(1)

alpha, beta, gamma, delta, pos_weight, quantile, tau, power, var, margin, label_smoothing = sp.symbols(
    "alpha beta gamma delta pos_weight quantile tau power var margin label_smoothing", real=True
)

full, eps = sp.symbols("full eps", real=True)


def _stirling() -> sp.Expr:
    """Return an approximation of log y! where y is above 1, which PyTorch adds there."""
    above = larger(1, y)
    return _where((above * sp.log(above) - above + sp.log(2 * sp.pi * above) / 2, y > 1), (sp.Integer(0), True))


_FULL = Parameter("full", 0, at_least=0)
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


ENTRY_LOSSES: dict[str, Maker[Loss]] = {
    "mse": lambda name: Loss(name, (p - y) ** 2),
    "half_mse": lambda name: Loss(name, (p - y) ** 2 / 2),
    "mae": lambda name: Loss(name, sp.Abs(p - y)),
    "huber": lambda name: _family(
        name,
        _where(((p - y) ** 2 / 2, sp.Abs(p - y) <= delta), (delta * (sp.Abs(p - y) - delta / 2), True)),
        Parameter("delta", 1, above=0),
    ),
    "smooth_l1": lambda name: _family(
        name,
        _where(((p - y) ** 2 / (2 * beta), sp.Abs(p - y) < beta), (sp.Abs(p - y) - beta / 2, True)),
        Parameter("beta", 1, above=0),
    ),
    "log_cosh": lambda name: Loss(name, sp.log(sp.cosh(p - y))),
    "mape": lambda name: Loss(name, 100 * sp.Abs((p - y) / y), targets="nonzero", note="in percent"),
    "msle": lambda name: Loss(
        name, (sp.log(1 + p) - sp.log(1 + y)) ** 2, accepts=(*POSITIVE, "nonnegative"), targets="nonnegative"
    ),
    "pinball": lambda name: _family(
        name, larger(quantile * (y - p), (quantile - 1) * (y - p)), Parameter("quantile", 0.5, 0, None, 1)
    ),
    "expectile": lambda name: _family(
        name,
        _where((tau * (p - y) ** 2, p <= y), ((1 - tau) * (p - y) ** 2, True)),
        Parameter("tau", 0.5, 0, None, 1),
    ),
    "gaussian_nll": lambda name: _family(
        name,
        (sp.log(var) + (p - y) ** 2 / var + full * sp.log(2 * sp.pi)) / 2,
        Parameter("var", 1, above=0),
        _FULL,
        note="full = 1 adds the constant log(2 π) / 2",
    ),
    "poisson_nll": lambda name: _family(
        name,
        sp.exp(p) - y * p + full * _stirling(),
        _FULL,
        targets="nonnegative",
        note="of the logarithm of the rate; full = 1 adds Stirling's formula for log y!",
    ),
    "poisson": lambda name: _family(
        name,
        p - y * sp.log(p + eps) + full * _stirling(),
        Parameter("eps", 0, at_least=0),
        _FULL,
        accepts=POSITIVE,
        targets="nonnegative",
        note="of the rate; full = 1 adds Stirling's formula for log y!",
    ),
    "tweedie": lambda name: _family(
        name,
        p ** (2 - power) / (2 - power) - y * p ** (1 - power) / (1 - power),
        Parameter("power", 1.5, 1, None, 2),
        accepts=POSITIVE,
        targets="nonnegative",
        note="half the deviance, without its terms in y alone",
    ),
    "kl_div": lambda name: Loss(
        name,
        y * (sp.log(y) - sp.log(p)),
        accepts=POSITIVE,
        targets="unit interval",
        note="PyTorch takes log p; reduction batch_mean divides by the samples, as the mathematics does",
    ),
    "bce": lambda name: _family(
        name,
        _smoothed(_binary(p, _one, _one)),
        _SMOOTHING,
        accepts=PROBABILITIES,
        targets="unit interval",
        decides="above half",
    ),
    "bce_with_logits": lambda name: _family(
        name,
        _smoothed(_binary(_sigmoid(p), pos_weight, _one)),
        Parameter("pos_weight", 1, above=0),
        _SMOOTHING,
        accepts=SCORES,
        targets="unit interval",
        decides="above zero",
    ),
    "focal": lambda name: _family(
        name, _focal(p), _ALPHA, _GAMMA, accepts=PROBABILITIES, targets="unit interval", decides="above half"
    ),
    "focal_with_logits": lambda name: _family(
        name,
        _focal(_sigmoid(p)),
        _ALPHA,
        _GAMMA,
        accepts=SCORES,
        targets="unit interval",
        decides="above zero",
    ),
    "hinge": lambda name: Loss(name, larger(0, 1 - p * y), accepts=SCORES, targets="signs"),
    "squared_hinge": lambda name: Loss(name, larger(0, 1 - p * y) ** 2, accepts=SCORES, targets="signs"),
    "soft_margin": lambda name: Loss(name, sp.log(1 + sp.exp(-p * y)), accepts=SCORES, targets="signs"),
    "hinge_embedding": lambda name: _family(
        name,
        (1 + y) / 2 * p + (1 - y) / 2 * larger(0, margin - p),
        _MARGIN,
        accepts=SCORES,
        targets="signs",
        note="of a distance p: p itself for 1, and how much it falls short of the margin for -1",
    ),
    "categorical_focal": lambda name: _family(
        name,
        -alpha * (1 - p) ** gamma * y * sp.log(p),
        Parameter("alpha", 0.25, at_least=0),
        _GAMMA,
        accepts=("simplex",),
        targets="classes",
        decides="classes",
        average="samples",
    ),
    "nll": lambda name: _of_classes(name, -y * p, accepts=("log simplex",), note="of log-probabilities"),
    "cross_entropy": lambda name: _of_classes(name, -y * sp.log(p), accepts=("simplex",)),
    "cross_entropy_with_logits": lambda name: _of_classes(
        name,
        -y * p,
        accepts=SCORES,
        inner="log_softmax",
        note="the loss takes log-probabilities of the row first: p here is one of them",
    ),
}
