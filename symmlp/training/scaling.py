"""Scaled inputs and targets, and how the first and the last layer absorb the scaling once the network is fitted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from symmlp.errors import DataError, SymmlpError, shown
from symmlp.samples import Samples
from symmlp.samples.checks import FloatArray, TargetArray
from symmlp.spec import Network
from symmlp.spec_layers import Concatenate, Dense, Residual
from symmlp.training.generated import GeneratedModule

Vector = npt.NDArray[np.float64]

MAX_LOST_SHARE = 1e-3
"""How much of a standard deviation may be lost when a column's offset is rounded to the dtype of the module."""

HOMOGENEITY = {"mse": 2, "half_mse": 2, "expectile": 2, "mae": 1, "pinball": 1}
"""Losses of p - y alone, with the power by which they grow with it: scaled targets have the same minimum."""


@dataclass(frozen=True, eq=False)
class InputScaling:
    """Inputs to mean 0 and standard deviation 1: `(X - mean) / scale`, column by column.

    A feature that is constant in the training part says nothing; its scale is infinite, which makes it 0 everywhere.

    A dense layer absorbs the scaling: `((X - mean) / scale) Wᵀ + b = X W'ᵀ + b'` with `W' = W / scale` and
    `b' = b - W' mean`. So parameters are trained on scaled inputs and saved for the inputs as they are in the file, and
    whoever uses them needs no constants. A first layer without a bias cannot absorb a mean; its inputs are divided by
    their root mean square and not centred.
    """

    mean: Vector
    scale: Vector

    @classmethod
    def of(cls, X: FloatArray, network: Network, names: tuple[str, ...]) -> InputScaling:
        """Return the scaling of the training inputs `X`, whose columns are called `names`.

        Raises:
            DataError: the dtype of `X` cannot hold the scaled column, or the scaled weights.
        """
        is_centred = _first_layer(network).bias
        # A power of two a column keeps the squares of very large and very small values within range, without rounding.
        _, exponent = np.frexp(np.abs(X).max(axis=0).astype(np.float64))
        unit = np.ldexp(X.astype(np.float64), -exponent)
        mean = unit.mean(axis=0) if is_centred else np.zeros(X.shape[1])
        scale = np.sqrt(np.mean((unit - mean) ** 2, axis=0))
        is_constant = unit.max(axis=0) == unit.min(axis=0) if is_centred else scale == 0
        scaling = cls(np.ldexp(mean, exponent), np.where(is_constant, np.inf, np.ldexp(scale, exponent)))
        _require_resolution(scaling.mean, scaling.scale, X.dtype, "X", names)
        return scaling

    def apply(self, X: FloatArray) -> FloatArray:
        """Return `(X - mean) / scale` in the dtype of X."""
        scaled: FloatArray = (X / self.scale - self.mean / self.scale).astype(X.dtype)
        return scaled

    def fold(self, W: FloatArray, b: FloatArray | None) -> None:
        """Change the first layer's parameters in place, from scaled inputs to inputs as they are."""
        folded = W / self.scale
        W[...] = folded
        if b is not None:
            b[...] = b - folded @ self.mean

    def described(self) -> dict[str, Any]:
        """Return plain data for the record; a scale of None says that the feature is constant."""
        scales = [None if np.isinf(scale) else float(scale) for scale in self.scale]
        return {"scaling": "folded into the first layer", "mean": self.mean.tolist(), "scale": scales}


@dataclass(frozen=True, eq=False)
class TargetScaling:
    """Targets with mean 0 and, over all outputs, root mean square 1: `(Y - mean) / scale`.

    A last layer without an activation absorbs it: `scale (A Wᵀ + b) + mean = A (scale W)ᵀ + (scale b + mean)`. The
    scale is one number for all outputs, so that the loss is only multiplied by a constant, `loss_factor`, and what is
    minimised is still the network's own loss.
    """

    mean: Vector
    scale: float
    degree: int

    @classmethod
    def of(cls, Y: TargetArray, network: Network, names: tuple[str, ...]) -> TargetScaling | None:
        """Return the scaling of the training targets `Y`, or None where the loss or the last layer does not allow it.

        Raises:
            DataError: the dtype of `Y` cannot hold the scaled column.
        """
        last = network.layers[-1]
        absorbs = isinstance(last, Dense) and last.activation == "identity" and last.bias
        # Beside a penalty of the weights, the loss of scaled targets is no multiple of that of the targets.
        is_free = network.penalty_definition is None and network.constraint_definition is None
        if network.loss not in HOMOGENEITY or not absorbs or not is_free:
            return None
        _, exponent = np.frexp(np.abs(Y).max().astype(np.float64))
        unit = np.ldexp(Y.astype(np.float64), -exponent)
        mean = unit.mean(axis=0)
        spread = float(np.sqrt(np.mean((unit - mean) ** 2)))
        scale = float(np.ldexp(spread, exponent)) if np.ptp(unit, axis=0).any() else 1.0
        _require_resolution(np.ldexp(mean, exponent), np.full(len(mean), scale), Y.dtype, "Y", names)
        return cls(np.ldexp(mean, exponent), scale, HOMOGENEITY[network.loss])

    @property
    def loss_factor(self) -> float:
        """What the loss of scaled targets is multiplied by to be that of the targets as they are."""
        return self.scale**self.degree

    def apply(self, Y: TargetArray) -> FloatArray:
        """Return `(Y - mean) / scale` in the dtype of Y."""
        scaled: FloatArray = ((Y - self.mean) / self.scale).astype(Y.dtype)
        return scaled

    def fold(self, W: FloatArray, b: FloatArray) -> None:
        """Change the last layer's parameters in place, from scaled targets to targets as they are."""
        W[...] = W * self.scale
        b[...] = b * self.scale + self.mean

    def described(self) -> dict[str, Any]:
        """Return plain data for the record."""
        return {"scaling": "folded into the last layer", "mean": self.mean.tolist(), "scale": self.scale}


@dataclass(frozen=True, eq=False)
class Scalings:
    """What is scaled in one training run: inputs, targets, both or nothing."""

    inputs: InputScaling | None = None
    targets: TargetScaling | None = None

    @classmethod
    def of(cls, X: FloatArray, Y: TargetArray, network: Network, samples: Samples) -> Scalings:
        """Return the scalings of the training part `X`, `Y` of `samples`.

        Raises:
            DataError: a column cannot be scaled.
        """
        inputs = InputScaling.of(X, network, samples.feature_names) if _absorbs_inputs(network) else None
        return cls(inputs, TargetScaling.of(Y, network, samples.target_names))

    @property
    def loss_factor(self) -> float:
        """What losses during training are multiplied by to be those of the targets as they are."""
        return 1.0 if self.targets is None else self.targets.loss_factor

    def apply(self, X: FloatArray, Y: TargetArray) -> tuple[FloatArray, TargetArray]:
        """Return scaled inputs and targets."""
        return X if self.inputs is None else self.inputs.apply(X), Y if self.targets is None else self.targets.apply(Y)

    def folded(self, theta: FloatArray, module: GeneratedModule, network: Network) -> FloatArray:
        """Return a copy of `theta` that takes inputs and gives predictions as they are in the file.

        Raises:
            SymmlpError: the parameters are so large that they overflow.
        """
        folded = theta.copy()
        views = module.unpack(folded)
        with np.errstate(over="ignore", invalid="ignore"):
            if self.inputs is not None:
                for name in _of_first_layer(module, "W"):
                    self.inputs.fold(getattr(views, name), getattr(views, f"b{name[1:]}", None))
            if self.targets is not None:
                last = len(network.layers)
                self.targets.fold(getattr(views, f"W{last}"), getattr(views, f"b{last}"))
        if not np.isfinite(folded).all():
            raise SymmlpError(
                f"training: parameters up to {np.abs(theta).max():.3g} are too large; expected a lower lr"
            )
        return folded


def _first_layer(network: Network) -> Dense:
    first = network.layers[0]
    assert isinstance(first, Dense)
    return first


def _absorbs_inputs(network: Network) -> bool:
    """Return whether the first layer, a dense one, is all that reads the inputs.

    Beside a penalty or a constraint it must not: those would be of the weights before they have absorbed the scaling.
    """
    if network.penalty_definition is not None or network.constraint_definition is not None:
        return False
    others = (layer.layer for layer in network.layers if isinstance(layer, Residual | Concatenate))
    return isinstance(network.layers[0], Dense) and 0 not in others


def _of_first_layer(module: GeneratedModule, letter: str) -> list[str]:
    """Return the names of the first layer's weights: W1, and W1_2, ... of gates."""
    return [name for name in module.SHAPES if name.partition("_")[0] == f"{letter}1"]


def _require_resolution(mean: Vector, scale: Vector, dtype: np.dtype[Any], label: str, names: tuple[str, ...]) -> None:
    limits = np.finfo(dtype)
    is_lost = np.abs(mean) / scale * limits.eps > MAX_LOST_SHARE
    is_extreme = np.isfinite(scale) & (np.abs(np.log(scale)) > -np.log(limits.tiny) / 2)
    for column in np.flatnonzero(is_lost | is_extreme):
        raise DataError(
            f"{label}: column {column + 1} ({shown(names[column])}) has mean {mean[column]:.3g} and standard deviation "
            f"{scale[column]:.3g}, which {dtype} cannot scale; expected a smaller offset, or values closer to 1"
        )
