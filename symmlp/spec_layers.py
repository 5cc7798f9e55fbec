"""The layers of a network as a spec has them; what they compute is written down in the catalogue."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Field, Tag

from symmlp.catalog.activations import Activation, Outputs, activation
from symmlp.errors import SpecError, shown
from symmlp.spec_layer import Activate, Dense, Layer, braced
from symmlp.spec_part import Numbers, each_of

Rate = Annotated[float, Field(strict=True, ge=0, lt=1, allow_inf_nan=False)]
Epsilon = Annotated[float, Field(strict=True, gt=0, le=1, allow_inf_nan=False)]
Slope = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)]
Deviation = Annotated[float, Field(strict=True, ge=0, le=1e6, allow_inf_nan=False)]
Momentum = Annotated[float, Field(strict=True, gt=0, le=1, allow_inf_nan=False)]
Earlier = Annotated[int, Field(strict=True, ge=0)]


class Dropout(Layer):
    """Dropout: in training each entry is zero with probability `rate`, the others are divided by 1 - rate."""

    type: Literal["dropout"] = Field("dropout", description="the kind of layer")
    rate: Rate = Field(0.5, description="a probability from 0 to less than 1")


class AlphaDropout(Layer):
    """Alpha dropout (Klambauer et al., 2017): as dropout, but mean 0 and variance 1 are kept."""

    type: Literal["alpha_dropout"] = Field("alpha_dropout", description="the kind of layer")
    rate: Rate = Field(0.5, description="a probability from 0 to less than 1")


class GaussianDropout(Layer):
    """Gaussian dropout (Srivastava et al., 2014): in training each entry is times a normal number of mean 1.

    Its standard deviation is √(rate / (1 - rate)), which dropout's factors have too.
    """

    type: Literal["gaussian_dropout"] = Field("gaussian_dropout", description="the kind of layer")
    rate: Rate = Field(0.5, description="a probability from 0 to less than 1")

    @property
    def deviation(self) -> float:
        """The standard deviation of the factors."""
        return math.sqrt(self.rate / (1 - self.rate))


class GaussianNoise(Layer):
    """Gaussian noise: in training a normal number of mean 0 is added to each entry."""

    type: Literal["gaussian_noise"] = Field("gaussian_noise", description="the kind of layer")
    deviation: Deviation = Field(0.1, description="the standard deviation, a number from 0 to 1e6")


class Standardize(Layer):
    """Scaling by given numbers, as of inputs: (X - mean) / scale, one number for all units or one a unit."""

    type: Literal["standardize"] = Field("standardize", description="the kind of layer")
    mean: Numbers = Field(0.0, description="a number, or a list of one number a unit, that is subtracted")
    scale: Numbers = Field(1.0, description="a number above 0, or a list of one number a unit, that is divided by")

    def means(self, width: int) -> tuple[float, ...]:
        """Return one mean a unit."""
        return each_of(self.mean, width)

    def scales(self, width: int) -> tuple[float, ...]:
        """Return one scale a unit."""
        return each_of(self.scale, width)

    def check(self, before: Sequence[int]) -> None:
        """Raise SpecError if there is not one number a unit, or a scale is not above 0."""
        super().check(before)
        for name, values in (("mean", self.mean), ("scale", self.scale)):
            if isinstance(values, tuple) and len(values) != before[-1]:
                raise SpecError(f"{name}: has {len(values)} numbers; expected {before[-1]}, one a unit, or one number")

    @property
    def short(self) -> str:
        """The layer in a short string."""
        pairs = (("mean", self.mean), ("scale", self.scale))
        told = (f"{name}={list(value) if isinstance(value, tuple) else value!r}" for name, value in pairs)
        return f"{self.type}({', '.join(told)})"

    @property
    def brief(self) -> str:
        """The layer for people; of lists it says how long they are."""
        pairs = (("mean", self.mean), ("scale", self.scale))
        told = (f"{name}={value!r}" if isinstance(value, float) else f"{len(value)} {name}s" for name, value in pairs)
        return f"{self.type}({', '.join(told)})"


class RandomizedReLU(Layer):
    """Randomized leaky relu (Xu et al., 2015): slopes below 0 are drawn from U(lower, upper) in training.

    In prediction the slope is their mean. It stands before another layer.
    """

    type: Literal["randomized_relu"] = Field("randomized_relu", description="the kind of layer")
    lower: Slope = Field(1 / 8, description="the smallest slope, a number from 0 to 1")
    upper: Slope = Field(1 / 3, description="the largest slope, a number from 0 to 1, above lower")
    may_end: ClassVar[bool] = False

    @property
    def definition(self) -> Activation:
        """The positive part, which the drawn slopes complete."""
        return activation("relu")

    @property
    def outputs(self) -> Outputs:
        """Where its values lie."""
        return "real"

    @property
    def mean(self) -> float:
        """The slope in prediction."""
        return (self.lower + self.upper) / 2

    def check(self, before: Sequence[int]) -> None:
        """Raise SpecError if the interval is empty."""
        super().check(before)
        if not self.lower < self.upper:
            raise SpecError(f"upper: expected a number above lower = {self.lower}, got {self.upper}")


class LayerNorm(Layer):
    """Layer normalization (Ba et al., 2016): over the units of a sample, then a learned gain and shift."""

    type: Literal["layer_norm"] = Field("layer_norm", description="the kind of layer")
    epsilon: Epsilon = Field(1e-5, description="a number above 0, added to the variance")


class RMSNorm(Layer):
    """Root-mean-square normalization (Zhang and Sennrich, 2019): over the units of a sample, then a learned gain."""

    type: Literal["rms_norm"] = Field("rms_norm", description="the kind of layer")
    epsilon: Epsilon = Field(1e-6, description="a number above 0, added to the mean square")


class BatchNorm(Layer):
    """Batch normalization (Ioffe and Szegedy, 2015): each unit over the batch, then a learned gain and shift.

    In prediction running statistics take the place of the batch's: after each batch they are
    (1 - momentum) times what they were plus momentum times the batch's.
    """

    type: Literal["batch_norm"] = Field("batch_norm", description="the kind of layer")
    epsilon: Epsilon = Field(1e-5, description="a number above 0, added to the variance")
    momentum: Momentum = Field(0.1, description="the share of a new batch in the running statistics, above 0 to 1")
    unbiased: bool = Field(
        True, strict=True, description="whether the running variance is that of N - 1 degrees of freedom"
    )


class _Skip(Layer):
    """A layer that also reads what an earlier one gives."""

    layer: Earlier = Field(description="the number of an earlier layer, 0 for the inputs")

    def check(self, before: Sequence[int]) -> None:
        """Raise SpecError if there is no such layer before this one."""
        super().check(before)
        if self.layer >= len(before):
            raise SpecError(f"layer: expected a layer before this one, 0 to {len(before) - 1}, got {shown(self.layer)}")


class Residual(_Skip):
    """A residual connection: what an earlier layer gives is added."""

    type: Literal["add"] = Field("add", description="the kind of layer")

    def check(self, before: Sequence[int]) -> None:
        """Raise SpecError if the two widths differ."""
        super().check(before)
        if before[self.layer] != before[-1]:
            found = f"layer {self.layer} has {before[self.layer]} outputs, the layer before has {before[-1]}"
            raise SpecError(f"layer: {found}; expected as many, to be added")


class Concatenate(_Skip):
    """A concatenating connection: what an earlier layer gives stands beside, as further columns."""

    type: Literal["concat"] = Field("concat", description="the kind of layer")

    def width(self, before: Sequence[int]) -> int:
        """Return the number of columns together."""
        return before[-1] + before[self.layer]


LAYERS: dict[str, type[Layer]] = {
    "dense": Dense,
    "activation": Activate,
    "dropout": Dropout,
    "alpha_dropout": AlphaDropout,
    "gaussian_dropout": GaussianDropout,
    "gaussian_noise": GaussianNoise,
    "randomized_relu": RandomizedReLU,
    "standardize": Standardize,
    "batch_norm": BatchNorm,
    "layer_norm": LayerNorm,
    "rms_norm": RMSNorm,
    "add": Residual,
    "concat": Concatenate,
}


def _kind(value: Any) -> str | None:
    """Return the type of a layer; a mapping without one is a dense layer."""
    if isinstance(value, Layer):
        return value.type
    if isinstance(value, Mapping):
        kind = value.get("type", "dense")
        return kind if isinstance(kind, str) else shown(kind)
    return None


AnyLayer = Annotated[
    Annotated[Dense, Tag("dense")]
    | Annotated[Activate, Tag("activation")]
    | Annotated[Dropout, Tag("dropout")]
    | Annotated[AlphaDropout, Tag("alpha_dropout")]
    | Annotated[GaussianDropout, Tag("gaussian_dropout")]
    | Annotated[GaussianNoise, Tag("gaussian_noise")]
    | Annotated[RandomizedReLU, Tag("randomized_relu")]
    | Annotated[Standardize, Tag("standardize")]
    | Annotated[BatchNorm, Tag("batch_norm")]
    | Annotated[LayerNorm, Tag("layer_norm")]
    | Annotated[RMSNorm, Tag("rms_norm")]
    | Annotated[Residual, Tag("add")]
    | Annotated[Concatenate, Tag("concat")],
    Discriminator(_kind),
]
"""Any layer, told apart by its type."""


__all__ = [
    "LAYERS",
    "Activate",
    "AlphaDropout",
    "AnyLayer",
    "BatchNorm",
    "Concatenate",
    "Dense",
    "Dropout",
    "GaussianDropout",
    "GaussianNoise",
    "Layer",
    "LayerNorm",
    "RMSNorm",
    "RandomizedReLU",
    "Residual",
    "Standardize",
    "braced",
]
