"""Initializers: what weights and biases begin with, as PyTorch, Keras and scikit-learn draw them.

Each is a formula in m inputs and n outputs of the layer. Gains, shifts and learned numbers of activations begin with
values of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import sympy as sp

from symmlp.errors import SpecError, did_you_mean, shown
from symmlp.notation import m, n


@dataclass(frozen=True)
class Initializer:
    """Weights drawn from U(-scale, scale), or from the normal distribution of this standard deviation.

    A normal distribution that is `truncated` at twice its deviation is widened so that `scale` is the deviation of
    what is left. `orthogonal` rows, or columns, are `scale` long; an `identity` is not drawn at all.

    Biases are `drawn` like the weights, or are `zeros`. `with_sigmoid` is the scale where a hidden activation is
    sigmoid, if that is another one.
    """

    name: str
    distribution: Literal["uniform", "normal", "truncated", "orthogonal", "identity"]
    scale: sp.Expr
    biases: Literal["drawn", "zeros"]
    peers: str
    with_sigmoid: sp.Expr | None = None

    def scale_for(self, hidden: tuple[str, ...]) -> sp.Expr:
        """Return the scale in a network whose hidden layers have these activations."""
        return self.with_sigmoid if self.with_sigmoid is not None and "sigmoid" in hidden else self.scale


TABLE: dict[str, Initializer] = {
    each.name: each
    for each in (
        Initializer("pytorch", "uniform", 1 / sp.sqrt(m), "drawn", "the default of PyTorch's Linear"),
        Initializer(
            "sklearn",
            "uniform",
            sp.sqrt(6 / (m + n)),
            "drawn",
            "scikit-learn's MLPClassifier and MLPRegressor",
            with_sigmoid=sp.sqrt(2 / (m + n)),
        ),
        Initializer(
            "glorot_uniform",
            "uniform",
            sp.sqrt(6 / (m + n)),
            "zeros",
            "the default of Keras's Dense; PyTorch xavier_uniform_",
        ),
        Initializer(
            "glorot_normal", "normal", sp.sqrt(2 / (m + n)), "zeros", "PyTorch xavier_normal_; Keras truncates"
        ),
        Initializer("he_uniform", "uniform", sp.sqrt(6 / m), "zeros", "Keras HeUniform; PyTorch kaiming_uniform_"),
        Initializer("he_normal", "normal", sp.sqrt(2 / m), "zeros", "PyTorch kaiming_normal_; Keras truncates"),
        Initializer("lecun_uniform", "uniform", sp.sqrt(3 / m), "zeros", "Keras LecunUniform"),
        Initializer("lecun_normal", "normal", 1 / sp.sqrt(m), "zeros", "Keras LecunNormal, which truncates"),
        Initializer("glorot_truncated", "truncated", sp.sqrt(2 / (m + n)), "zeros", "Keras GlorotNormal"),
        Initializer("he_truncated", "truncated", sp.sqrt(2 / m), "zeros", "Keras HeNormal"),
        Initializer("lecun_truncated", "truncated", 1 / sp.sqrt(m), "zeros", "Keras LecunNormal"),
        Initializer("small_normal", "normal", sp.Rational("0.05"), "zeros", "Keras RandomNormal"),
        Initializer("small_uniform", "uniform", sp.Rational("0.05"), "zeros", "Keras RandomUniform"),
        Initializer("orthogonal", "orthogonal", sp.Integer(1), "zeros", "PyTorch orthogonal_, Keras Orthogonal"),
        Initializer("identity", "identity", sp.Integer(1), "zeros", "PyTorch eye_, Keras Identity"),
    )
}

DEFAULT = "pytorch"

ALIASES = {
    "keras": "glorot_uniform",
    "xavier_uniform": "glorot_uniform",
    "xavier_normal": "glorot_normal",
    "kaiming_uniform": "he_uniform",
    "kaiming_normal": "he_normal",
}
"""Other names of entries, as peers have them."""

OF_KERAS: Mapping[str, str] = {f"{name}_normal": f"{name}_truncated" for name in ("glorot", "he", "lecun")}
"""What Keras has under the names of entries that are something else."""


def read_initializer(text: str) -> str:
    """Return the entry's own name.

    Raises:
        SpecError: the catalogue has no such initializer.
    """
    name = ALIASES.get(text, text)
    if name not in TABLE:
        hint = did_you_mean(text, [*TABLE, *ALIASES]) or f"; expected one of {', '.join([*TABLE, *ALIASES])}"
        raise SpecError(f"initializer: unknown initializer {shown(text)}{hint}")
    return name
