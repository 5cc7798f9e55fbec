"""The layers of a network as a spec has them; what they compute is written down in the catalogue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from symmlp.catalog.activations import Activation, Outputs, activation, read_activation
from symmlp.catalog.parameters import Settings
from symmlp.errors import SpecError, shown
from symmlp.spec_part import MAX_WEIGHTS, Numbers, Parameters, Part, Units, each_of, with_settings

_ABSENT = object()
"""Stands for an argument that was not given; None is one that was."""

Rate = Annotated[float, Field(strict=True, ge=0, lt=1, allow_inf_nan=False)]
Epsilon = Annotated[float, Field(strict=True, gt=0, le=1, allow_inf_nan=False)]
Slope = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)]
Momentum = Annotated[float, Field(strict=True, gt=0, le=1, allow_inf_nan=False)]
Earlier = Annotated[int, Field(strict=True, ge=0)]


class Layer(Part):
    """A layer: from the activations of the layer before to its own."""

    type: str
    may_end: ClassVar[bool] = True
    """Whether a network may end in the layer."""

    @property
    def definition(self) -> Activation | None:
        """The activation function at its end, looked up or parsed; None if there is none."""
        return None

    @property
    def outputs(self) -> Outputs:
        """Where its values lie."""
        return "real" if self.definition is None else self.definition.outputs

    def width(self, before: Sequence[int]) -> int:
        """Return the number of outputs, `before` being those of the inputs and of every layer before this one."""
        return before[-1]

    def check(self, before: Sequence[int]) -> None:
        """Raise SpecError if the layer does not fit what stands before it."""
        if self.outputs == "simplex" and self.width(before) == 1:
            raise SpecError("units: softmax over 1 unit is always 1; expected at least 2 units")

    @property
    def short(self) -> str:
        """The layer in a short string: `dropout(rate=0.5)`."""
        fields = type(self).model_fields
        values = {name: getattr(self, name) for name, field in fields.items() if name != "type"}
        given = {name: value for name, value in values.items() if value != fields[name].default}
        return self.type + Settings(given).text()


class _Activating(Layer):
    """A layer that ends in an activation function."""

    @model_validator(mode="before")
    @classmethod
    def _read(cls, values: Any) -> Any:
        return with_settings(values, "activation", "parameters", read_activation)

    @model_validator(mode="after")
    def _known(self) -> Self:
        self.definition  # noqa: B018 - looking it up checks it
        return self


_ACTIVATION = "a catalogued name such as 'tanh', or an expression in x"
_PARAMETERS = "values of the activation's parameters, such as {alpha = 0.2}"


class Dense(_Activating):
    """A dense layer: `Z = X Wᵀ + 1 bᵀ`, then `A = activation(Z)`."""

    type: Literal["dense"] = Field("dense", description="the kind of layer")
    units: Units = Field(description="number of outputs of the layer, a positive integer")
    activation: str = Field("identity", strict=True, description=_ACTIVATION)
    bias: bool = Field(True, strict=True, description="whether b is added")
    parameters: Parameters = Field(default_factory=Settings, description=_PARAMETERS)

    def __init__(self, /, units: Any = _ABSENT, activation: Any = "identity", **values: Any) -> None:
        if units is not _ABSENT:
            values["units"] = units
        super().__init__(**{"activation": activation, **values})

    @property
    def definition(self) -> Activation:
        """The activation, looked up or parsed."""
        return activation(self.activation, given=self.parameters)

    @property
    def short(self) -> str:
        """The layer in a short string: `8 tanh`."""
        name = "" if self.activation == "identity" else f" {braced(self.activation)}{self.parameters.text()}"
        return f"{self.units}{name}"

    def width(self, before: Sequence[int]) -> int:
        """Return the number of units."""
        return self.units

    def check(self, before: Sequence[int]) -> None:
        """Raise SpecError if the weights would fit no memory."""
        super().check(before)
        if (entries := self.units * before[-1]) > MAX_WEIGHTS:
            raise SpecError(
                f"units: the weights of {self.units} units with {before[-1]} inputs would need "
                f"{entries * 8 / 1e12:.3g} TB; expected at most {MAX_WEIGHTS * 8 / 1e12:.3g} TB"
            )


class Activate(_Activating):
    """An activation function by itself: `A = activation(X)`, for use behind a normalization."""

    type: Literal["activation"] = Field("activation", description="the kind of layer")
    activation: str = Field(strict=True, description=_ACTIVATION)
    parameters: Parameters = Field(default_factory=Settings, description=_PARAMETERS)

    def __init__(self, /, activation: Any = _ABSENT, **values: Any) -> None:
        if activation is not _ABSENT:
            values["activation"] = activation
        super().__init__(**values)

    @property
    def definition(self) -> Activation:
        """The activation, looked up or parsed."""
        return activation(self.activation, given=self.parameters)

    def check(self, before: Sequence[int]) -> None:
        """Raise SpecError if the activation has gates: those need weights of their own."""
        super().check(before)
        if self.definition.gates:
            raise SpecError(f"activation: {self.activation} has gates with weights; expected it in a dense layer")

    @property
    def short(self) -> str:
        """The layer in a short string: `tanh`."""
        return braced(self.activation) + self.parameters.text()


class Dropout(Layer):
    """Dropout: in training each entry is zero with probability `rate`, the others are divided by 1 - rate."""

    type: Literal["dropout"] = Field("dropout", description="the kind of layer")
    rate: Rate = Field(0.5, description="a probability from 0 to less than 1")


class AlphaDropout(Layer):
    """Alpha dropout (Klambauer et al., 2017): as dropout, but mean 0 and variance 1 are kept."""

    type: Literal["alpha_dropout"] = Field("alpha_dropout", description="the kind of layer")
    rate: Rate = Field(0.5, description="a probability from 0 to less than 1")


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
        """The layer in a short string; of lists it says how long they are."""
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
    "randomized_relu": RandomizedReLU,
    "standardize": Standardize,
    "batch_norm": BatchNorm,
    "layer_norm": LayerNorm,
    "rms_norm": RMSNorm,
    "add": Residual,
    "concat": Concatenate,
}


def braced(text: str) -> str:
    """Return a name as it is, an expression in braces."""
    return text if text.isidentifier() and text not in ("x", "p", "y") else "{" + text + "}"


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
