"""Activation functions: forward definitions only.

Slopes, stable forms and kinks are derived from `value`; nothing in this table is differentiated by hand.
Formulas and defaults follow PyTorch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import sympy as sp

from symmlp.errors import SpecError, did_you_mean, shown
from symmlp.expression import parse, require_real
from symmlp.notation import Z, batch, column, n, other

x = sp.Symbol("x", real=True)

Outputs = Literal["real", "unit interval", "simplex", "unknown"]


@dataclass(frozen=True)
class Activation:
    """An activation: `value` in x for an elementwise one, in Z[p, i] for one that acts on a row."""

    name: str
    value: sp.Expr
    outputs: Outputs = "real"
    acts_on: Literal["entry", "row"] = "entry"
    from_user: bool = False


_half = sp.Rational(1, 2)

TABLE: dict[str, Activation] = {
    activation.name: activation
    for activation in (
        Activation("identity", x),
        Activation("sigmoid", 1 / (1 + sp.exp(-x)), outputs="unit interval"),
        Activation("tanh", sp.tanh(x)),
        Activation("relu", sp.Max(0, x)),
        Activation("leaky_relu", sp.Max(0, x) + sp.Rational(1, 100) * sp.Min(0, x)),
        Activation("elu", sp.Piecewise((x, x > 0), (sp.exp(x) - 1, True))),
        Activation("softplus", sp.log(1 + sp.exp(x))),
        Activation("silu", x / (1 + sp.exp(-x))),
        Activation("gelu", x * (1 + sp.erf(x / sp.sqrt(2))) * _half),
        Activation(
            "softmax",
            sp.exp(Z[batch, column]) / sp.Sum(sp.exp(Z[batch, other]), (other, 1, n)),
            outputs="simplex",
            acts_on="row",
        ),
    )
}


def activation(text: str, field: str = "activation") -> Activation:
    """Return the catalogued activation called `text`, or the one that `text` defines as an expression in x.

    Raises:
        SpecError: `text` is a word that the catalogue does not know.
        ExpressionError: `text` is an expression outside the language, or one that is not real for every real x.
    """
    if text in TABLE:
        return TABLE[text]
    if isinstance(text, str) and text.isidentifier() and text != "x":
        raise SpecError(f"{field}: unknown activation {shown(text)}{did_you_mean(text, TABLE) or _expected()}")
    value = parse(text, ("x",), field=field)
    require_real(value, {"x": "real"}, field=field)
    return Activation("expression", value, outputs="unknown", from_user=True)


def _expected() -> str:
    return f"; expected one of {', '.join(sorted(TABLE))}, or an expression in x"
