"""What a layer is in a spec, and the layers that end in an activation function."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from symmlp.catalog.activations import Activation, Outputs, activation, read_activation
from symmlp.catalog.parameters import Settings
from symmlp.errors import SpecError
from symmlp.showing import html_table
from symmlp.spec_part import MAX_WEIGHTS, Parameters, Part, Units, with_settings

_ABSENT = object()
"""Stands for an argument that was not given; None is one that was."""


def braced(text: str) -> str:
    """Return a name as it is, an expression in braces."""
    return text if text.isidentifier() and text not in ("x", "p", "y") else "{" + text + "}"


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
        projects = self.definition is not None and self.definition.is_projection
        if (self.outputs == "simplex" or projects) and self.width(before) == 1:
            name = "sparsemax" if projects else "softmax"
            raise SpecError(f"units: {name} over 1 unit is always 1; expected at least 2 units")

    @property
    def short(self) -> str:
        """The layer in a short string: `dropout(rate=0.5)`."""
        fields = type(self).model_fields
        values = {name: getattr(self, name) for name, field in fields.items() if name != "type"}
        given = {name: value for name, value in values.items() if value != fields[name].default}
        return self.type + Settings(given).text()

    @property
    def brief(self) -> str:
        """The layer for people, where the short string may be too long for a line."""
        return self.short

    def _repr_html_(self) -> str:
        fields = ((name, getattr(self, name)) for name in type(self).model_fields if name != "type")
        rows = [(name, value.text() if isinstance(value, Settings) else value) for name, value in fields]
        return html_table(self.type, ("field", "value"), rows)


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
