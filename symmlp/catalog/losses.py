"""Losses: forward definitions only, one entry at a time, in the prediction p and the target y.

`average` says what the mean runs over: every entry (as PyTorch's `reduction="mean"` does for mse), or the samples, each
row being summed (cross entropy).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import sympy as sp

from symmlp.catalog.activations import Outputs
from symmlp.errors import SpecError, did_you_mean, shown
from symmlp.expression import parse, require_real

p, y = sp.symbols("p y", real=True)

Targets = Literal["real", "unit interval", "classes"]


@dataclass(frozen=True)
class Loss:
    """A loss: `value` of one entry, what its mean runs over, which predictions it accepts, which targets it needs."""

    name: str
    value: sp.Expr
    average: Literal["entries", "samples"] = "entries"
    accepts: tuple[Outputs, ...] = ("real", "unit interval", "simplex", "unknown")
    targets: Targets = "real"
    assumes_simplex_targets: bool = False
    from_user: bool = False


_sigmoid_p = 1 / (1 + sp.exp(-p))

TABLE: dict[str, Loss] = {
    loss.name: loss
    for loss in (
        Loss("mse", (p - y) ** 2),
        Loss("mae", sp.Abs(p - y)),
        Loss(
            "bce",
            -y * sp.log(p) - (1 - y) * sp.log(1 - p),
            accepts=("unit interval", "unknown"),
            targets="unit interval",
        ),
        Loss(
            "bce_with_logits",
            -y * sp.log(_sigmoid_p) - (1 - y) * sp.log(1 - _sigmoid_p),
            accepts=("real", "unknown"),
            targets="unit interval",
        ),
        Loss(
            "cross_entropy",
            -y * sp.log(p),
            average="samples",
            accepts=("simplex",),
            targets="classes",
            assumes_simplex_targets=True,
        ),
    )
}


def loss(text: str, field: str = "loss") -> Loss:
    """Return the catalogued loss called `text`, or the one that `text` defines as an expression in p and y.

    Raises:
        SpecError: `text` is a word that the catalogue does not know, or does not depend on p.
        ExpressionError: `text` is an expression outside the language, or not real anywhere.
    """
    if text in TABLE:
        return TABLE[text]
    if isinstance(text, str) and text.isidentifier() and text not in ("p", "y"):
        known = f"; expected one of {', '.join(sorted(TABLE))}, or an expression in p and y"
        raise SpecError(f"{field}: unknown loss {shown(text)}{did_you_mean(text, TABLE) or known}")
    value = parse(text, ("p", "y"), field=field)
    if p not in value.free_symbols:
        raise SpecError(
            f"{field}: {shown(text)} does not depend on the prediction p; expected an expression in p and y"
        )
    require_real(value, {"p": "somewhere", "y": "somewhere"}, field=field)
    return Loss("expression", value, from_user=True)
