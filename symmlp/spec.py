"""What is asked for: `Network`, from TOML, JSON, a short string or Python; frozen, validated, nothing of calculus."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import sympy as sp
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from symmlp.catalog.activations import Activation, activation, read_activation
from symmlp.catalog.losses import Loss, loss, read_loss
from symmlp.catalog.parameters import Settings, settings
from symmlp.errors import SpecError, SymmlpError, did_you_mean, shown
from symmlp.names import check_name
from symmlp.spec_text import parse_json, parse_short, parse_toml, read_spec_file

MAX_LAYERS = 10_000
MAX_UNITS = 10**9

KinkWeight = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)]
Units = Annotated[int, Field(strict=True, ge=1, le=MAX_UNITS)]


class _Part(BaseModel):
    """A frozen part of a spec; every validation error comes out as one line of SpecError."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise SpecError(_first_line(error, type(self))) from None

    @classmethod
    def model_validate(cls, obj: Any, **options: Any) -> Self:
        """Return the part that the mapping `obj` describes; raises SpecError with one line."""
        if isinstance(obj, cls):
            return obj
        try:
            return super().model_validate(obj, **options)
        except ValidationError as error:
            raise SpecError(_first_line(error, cls)) from None


def _settings(values: Any, info: ValidationInfo) -> Settings:
    return settings(values, info.field_name or "parameters")


Parameters = Annotated[
    Settings,
    PlainValidator(_settings),
    PlainSerializer(dict),
    WithJsonSchema({"type": "object", "additionalProperties": {"type": "number"}}),
]
"""Finite numbers by name."""


def _with_settings(values: Any, field: str, parameters: str, read: Callable[[str], tuple[str, Settings]]) -> Any:
    """Return the values with `leaky_relu(alpha=0.2)` taken apart, and aliases resolved."""
    text = values.get(field) if isinstance(values, dict) else None
    if not isinstance(text, str):
        return values
    name, given = read(text)
    named = settings(values.get(parameters, {}), parameters)
    for key in given:
        if key in named:
            raise SpecError(f"{parameters}.{key}: is given twice; expected it in {field} or in {parameters}")
    return {**values, field: name, parameters: {**given, **named}}


_ABSENT = object()
"""Stands for an argument that was not given; None is one that was."""


class Dense(_Part):
    """A dense layer: `Z = X Wᵀ + 1 bᵀ`, then `A = activation(Z)`."""

    units: Units = Field(description="Number of outputs of the layer, a positive integer.")
    activation: str = Field(
        "identity", strict=True, description="A catalogued name such as 'tanh', or an expression in x."
    )
    bias: bool = Field(True, strict=True, description="Whether b is added.")
    parameters: Parameters = Field(
        default_factory=Settings, description="Values of the activation's parameters, such as {alpha = 0.2}."
    )

    def __init__(self, units: Any = _ABSENT, activation: Any = "identity", **values: Any) -> None:
        if units is not _ABSENT:
            values["units"] = units
        super().__init__(activation=activation, **values)

    @model_validator(mode="before")
    @classmethod
    def _read(cls, values: Any) -> Any:
        return _with_settings(values, "activation", "parameters", read_activation)

    @model_validator(mode="after")
    def _known(self) -> Self:
        self.definition  # noqa: B018 - looking it up checks it
        return self

    @property
    def definition(self) -> Activation:
        """The activation, looked up or parsed."""
        return activation(self.activation, given=self.parameters)


class Network(_Part):
    """A multi-layer perceptron and its loss.

    `reduction` is how the entries' losses become one number: `mean` (PyTorch's meaning: over samples for a loss defined
    on a row, over all entries otherwise), `sum`, or `batch_mean` (the sum divided by the number of samples).
    """

    name: str = Field(
        "network", strict=True, description="A name for people; it never becomes an identifier in generated code."
    )
    inputs: Units = Field(description="Number of input features.")
    layers: tuple[Dense, ...] = Field(min_length=1, max_length=MAX_LAYERS, description="Layers from input to output.")
    loss: str = Field(
        strict=True, description="A catalogued name such as 'mse', or an expression in p (prediction) and y (target)."
    )
    loss_parameters: Parameters = Field(
        default_factory=Settings, description="Values of the loss's parameters, such as {delta = 2}."
    )
    reduction: Literal["mean", "sum", "batch_mean"] = Field("mean", description="How entries become one number.")
    kinks: Literal["smallest", "left", "right", "middle"] | KinkWeight = Field(
        "smallest",
        description="The slope where branches of max, min or abs meet, or its weight from 0 (left) to 1 (right).",
    )

    @field_validator("name", mode="after")
    @classmethod
    def _safe(cls, text: str) -> str:
        return check_name(text, "name")

    @model_validator(mode="before")
    @classmethod
    def _read(cls, values: Any) -> Any:
        return _with_settings(values, "loss", "loss_parameters", read_loss)

    @model_validator(mode="after")
    def _output_fits_loss(self) -> Self:
        _check_output(self)
        return self

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the network of a short string such as `4 -> 16 tanh -> 3 softmax | cross_entropy`.

        Raises:
            SpecError: the text is no network; the message names the field.
        """
        return cls.model_validate(parse_short(text))

    @classmethod
    def load(cls, source: str | Path) -> Self:
        """Return the network of a .toml file, a .json file or a short string.

        Raises:
            SpecError: the file cannot be read, or does not describe a network.
        """
        text = str(source)
        if "->" not in text and text.lower().endswith((".toml", ".json")):
            content = read_spec_file(text)
            values = parse_toml(content, text) if text.lower().endswith(".toml") else parse_json(content, text)
            return cls.model_validate(values)
        return cls.parse(text)

    @property
    def activations(self) -> tuple[Activation, ...]:
        """The activation of each layer; one with other parameters than an earlier one is called leaky_relu_2."""
        found, members = [], dict[str, list[sp.Expr]]()
        for definition in (layer.definition for layer in self.layers):
            known = members.setdefault(definition.name, [])
            if definition.value not in known:
                known.append(definition.value)
            number = 1 + known.index(definition.value)
            is_first = number == 1 or definition.from_user
            found.append(definition if is_first else replace(definition, name=f"{definition.name}_{number}"))
        return tuple(found)

    @property
    def loss_definition(self) -> Loss:
        """The loss, looked up or parsed."""
        return loss(self.loss, given=self.loss_parameters)

    @property
    def outputs(self) -> int:
        """Number of outputs, K."""
        return self.layers[-1].units

    def as_dict(self) -> dict[str, Any]:
        """Return plain data that describes the network completely, in the order of the fields; no empty parameters."""
        values = self.model_dump(mode="json")
        for part, field in ((values, "loss_parameters"), *((layer, "parameters") for layer in values["layers"])):
            if not part[field]:
                del part[field]
        return values

    def digest(self) -> str:
        """Return the SHA-256 of the network's canonical JSON, in hexadecimal."""
        return hashlib.sha256(json.dumps(self.as_dict(), sort_keys=True).encode("ascii")).hexdigest()

    def short(self) -> str:
        """Return the short string of the network; what it cannot say (name, reduction, bias) is left out."""
        layers = [f"{layer.units}{_activation_text(layer)}" for layer in self.layers]
        lost = _braced(self.loss) + self.loss_parameters.text()
        return " -> ".join([str(self.inputs), *layers]) + f" | {lost}"


def _activation_text(layer: Dense) -> str:
    """Return ` tanh`, or nothing for the identity."""
    return "" if layer.activation == "identity" else f" {_braced(layer.activation)}{layer.parameters.text()}"


def _braced(text: str) -> str:
    return text if text.isidentifier() and text not in ("x", "p", "y") else "{" + text + "}"


def _check_output(network: Network) -> None:
    last, lost = network.layers[-1].definition, network.loss_definition
    if last.outputs not in lost.accepts:
        hint = _REMEDIES.get((network.loss, last.outputs), f"a {' or '.join(lost.accepts)} output")
        raise SpecError(
            f"loss: {shown(network.loss)} does not fit the output activation {shown(network.layers[-1].activation)}; "
            f"expected {hint}"
        )
    for number, layer in enumerate(network.layers, start=1):
        if layer.units == 1 and layer.definition.outputs == "simplex":
            raise SpecError(f"layers[{number}].units: softmax over 1 unit is always 1; expected at least 2 units")


_REMEDIES = {
    ("cross_entropy", "unit interval"): "softmax, or the loss bce",
    ("cross_entropy", "real"): "softmax as the last activation",
    ("cross_entropy", "unknown"): "softmax as the last activation",
    ("bce", "simplex"): "sigmoid, or the loss cross_entropy",
    ("bce", "real"): "sigmoid, or the loss bce_with_logits",
    ("bce_with_logits", "unit interval"): "identity, or the loss bce",
    ("bce_with_logits", "simplex"): "identity, or the loss cross_entropy",
    ("poisson", "real"): "softplus or exponential, or the loss poisson_nll",
    ("poisson", "nonnegative"): "softplus or exponential, or the loss poisson_nll",
    ("tweedie", "real"): "softplus or exponential",
    ("tweedie", "nonnegative"): "softplus or exponential",
    ("msle", "real"): "relu, softplus or exponential",
    ("focal", "real"): "sigmoid, or the loss focal_with_logits",
    ("focal_with_logits", "unit interval"): "identity, or the loss focal",
}


def _first_line(error: ValidationError, part: type[BaseModel]) -> str:
    """Return the first fault of `error` as `field: found, expected`, naming layers by their number from 1."""
    fault = error.errors(include_url=False)[0]
    cause = fault.get("ctx", {}).get("error")
    place = _place(fault["loc"])
    if isinstance(cause, SymmlpError):
        inner = str(cause)
        # A part checked as a whole is named by its number; a field that is checked names itself.
        head = place if fault["loc"] and isinstance(fault["loc"][-1], int) else place.rpartition(".")[0]
        return f"{head}.{inner}" if head else inner
    found = shown(fault["input"])
    match fault["type"]:
        case "missing":
            return f"{place}: missing key {shown(str(fault['loc'][-1]))}"
        case "extra_forbidden":
            key = str(fault["loc"][-1])
            place = _place((*fault["loc"][:-1], _printable(key)))
            known = Dense.model_fields if len(fault["loc"]) > 1 else part.model_fields
            hint = did_you_mean(key, known) or f"; expected one of {', '.join(known)}"
            return f"{place}: unknown key {shown(key)}{hint}"
        case "int_type" | "greater_than_equal" | "less_than_equal" | "int_from_float" | "int_parsing":
            return f"{place}: must be a positive integer up to {MAX_UNITS}, got {found}"
        case "too_short":
            return f"{place}: expected at least one layer, got none"
        case "too_long":
            return f"{place}: expected at most {MAX_LAYERS} layers"
        case _ if fault["loc"] and fault["loc"][0] == "kinks":
            return f"kinks: expected smallest, left, right, middle or a number from 0 to 1, got {found}"
        case "literal_error":
            return f"{place}: expected {fault['ctx']['expected']}, got {found}"
        case "invalid_key" | "string_unicode":
            return f"spec: unknown key {found}; expected one of {', '.join(part.model_fields)}"
        case "string_type":
            return f"{place}: expected a text, got {found}"
        case "bool_type":
            return f"{place}: expected true or false, got {found}"
        case "tuple_type":
            return f"{place}: expected a list of layers, got {found}"
        case _:
            return f"{place or 'spec'}: expected a mapping of keys, got {found}"


def _printable(key: str) -> str:
    """Return a key as it may stand at the head of a message: itself if it is plain, else quoted and shortened."""
    return key if key.isidentifier() and key.isascii() and len(key) <= 64 else shown(key)


def _place(location: tuple[int | str, ...]) -> str:
    place = ""
    for step in location:
        place += f"[{step + 1}]" if isinstance(step, int) else f".{step}" if place else step
    return place
