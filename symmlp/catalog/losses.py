"""Losses: forward definitions only, one entry at a time, in the prediction p and the target y.

`average` says what the mean runs over: every entry (as PyTorch's `reduction="mean"` does for mse), or the samples, each
row being summed (cross entropy). Formulas and defaults follow PyTorch where it has the loss.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import sympy as sp

from symmlp.catalog.activations import Outputs, own_expression
from symmlp.catalog.extremes import larger
from symmlp.catalog.parameters import NONE, Family, Parameter, Settings, named_call, settings
from symmlp.errors import SpecError, did_you_mean, shown
from symmlp.expression import require_real

p, y = sp.symbols("p y", real=True)

Targets = Literal["real", "unit interval", "classes", "nonnegative", "nonzero", "signs"]
"""What a target may be: `signs` are -1 and +1, `classes` labels or probabilities that sum to 1."""

Decision = Literal["values", "classes", "above half", "above zero"]
"""What `predict` gives: the values, the index of the largest, or 1 where a probability or a logit says so."""

Averages = Literal["entries", "samples"]

ANY: tuple[Outputs, ...] = ("real", "nonnegative", "positive", "unit interval", "simplex", "log simplex", "unknown")
SCORES: tuple[Outputs, ...] = ("real", "nonnegative", "positive", "unknown")
PROBABILITIES: tuple[Outputs, ...] = ("unit interval", "unknown")
POSITIVE: tuple[Outputs, ...] = ("positive", "unit interval", "simplex", "unknown")


@dataclass(frozen=True)
class Loss:
    """A loss: `value` of one entry, what its mean runs over, which predictions it accepts, which targets it needs.

    `value` has numbers for the parameters; `family` is the definition in their symbols, `settings` what was given.
    """

    name: str
    value: sp.Expr
    average: Averages = "entries"
    accepts: tuple[Outputs, ...] = ANY
    targets: Targets = "real"
    assumes_simplex_targets: bool = False
    from_user: bool = False
    decides: Decision = "values"
    family: Family | None = None
    settings: Settings = field(default=NONE)
    note: str = ""

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters with their defaults and intervals."""
        return () if self.family is None else self.family.parameters


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

TABLE: dict[str, Loss] = {
    loss.name: loss
    for loss in (
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
        _family(
            "pinball", larger(quantile * (y - p), (quantile - 1) * (y - p)), Parameter("quantile", 0.5, 0, None, 1)
        ),
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
        _family(
            "focal", _focal(p), _ALPHA, _GAMMA, accepts=PROBABILITIES, targets="unit interval", decides="above half"
        ),
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
            (1 + y) / 2 * p + (1 - y) / 2 * sp.Max(0, margin - p),
            _MARGIN,
            accepts=SCORES,
            targets="signs",
            note="of a distance p: p itself for 1, and how much it falls short of the margin for -1",
        ),
        _family(
            "categorical_focal",
            -alpha * (1 - p) ** gamma * y * sp.log(p),
            _ALPHA,
            _GAMMA,
            accepts=("simplex",),
            targets="classes",
            decides="classes",
            average="samples",
        ),
        Loss(
            "nll",
            -y * p,
            average="samples",
            accepts=("log simplex",),
            targets="classes",
            assumes_simplex_targets=True,
            decides="classes",
            note="of log-probabilities",
        ),
        Loss(
            "cross_entropy",
            -y * sp.log(p),
            average="samples",
            accepts=("simplex",),
            targets="classes",
            assumes_simplex_targets=True,
            decides="classes",
        ),
    )
}

ALIASES: dict[str, str] = {
    "l2": "mse",
    "l1": "mae",
    "squared_error": "half_mse",
    "absolute_error": "mae",
    "logcosh": "log_cosh",
    "quantile": "pinball",
    "kld": "kl_div",
    "kl_divergence": "kl_div",
    "binary_cross_entropy": "bce",
    "binary_crossentropy": "bce",
    "binary_cross_entropy_with_logits": "bce_with_logits",
    "sigmoid_focal": "focal_with_logits",
    "multilabel_soft_margin": "bce_with_logits",
    "log_loss": "cross_entropy",
}
"""Other names of entries, as peers have them."""


def canonical(text: str) -> str:
    """Return the entry's own name for an alias, any other text as it is."""
    return ALIASES.get(text, text)


def read_loss(text: str, field: str = "loss", parameters: str = "loss_parameters") -> tuple[str, Settings]:
    """Return a text's entry or expression, and the settings in its brackets: ("huber", delta = 2)."""
    name, given = named_call(text, field, parameters)
    return canonical(name), given


def loss(
    text: str, field: str = "loss", given: Mapping[str, float] = NONE, *, parameters: str = "loss_parameters"
) -> Loss:
    """Return the catalogued loss called `text`, or the one that `text` defines as an expression in p and y.

    `given` are values of its parameters; `field` and `parameters` are how error messages call the two.

    Raises:
        SpecError: `text` is a word that the catalogue does not know, or does not depend on p; or a parameter is unknown
            or out of its interval.
        ExpressionError: `text` is an expression outside the language, or not real anywhere.
    """
    name, own = read_loss(text, field, parameters)
    values = Settings({**own, **settings(given, parameters)})
    if name in TABLE:
        return _member(TABLE[name], values, parameters)
    if name.isidentifier() and name not in ("p", "y"):
        known = f"; expected one of {', '.join(sorted(TABLE))}, or an expression in p and y"
        raise SpecError(f"{field}: unknown loss {shown(name)}{did_you_mean(name, [*TABLE, *ALIASES]) or known}")
    value = own_expression(name, ("p", "y"), values, field, parameters)
    if p not in value.free_symbols:
        raise SpecError(
            f"{field}: {shown(text)} does not depend on the prediction p; expected an expression in p and y"
        )
    require_real(value, {"p": "somewhere", "y": "somewhere"}, field=field)
    return Loss("expression", value, from_user=True, settings=values)


def _member(entry: Loss, values: Settings, where: str) -> Loss:
    family = entry.family or Family(entry.value)
    return replace(entry, value=family.member(entry.name, values, where), settings=values)
