"""What is asked for: `Network`, from TOML, JSON, a short string or Python; frozen, validated, nothing of calculus."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

import sympy as sp
from pydantic import Field, field_validator, model_validator

from symmlp.catalog.activations import Activation
from symmlp.catalog.constraints import Constraint, constraint, read_constraint
from symmlp.catalog.initializers import DEFAULT, read_initializer
from symmlp.catalog.loss import Piece
from symmlp.catalog.losses import Loss, loss, read_loss
from symmlp.catalog.optimizer import Optimizer
from symmlp.catalog.optimizers import ALWAYS, OPTIMIZERS, optimizer, read_optimizer
from symmlp.catalog.optimizers import DEFAULT as ADAM
from symmlp.catalog.parameters import ABSENT, Settings
from symmlp.catalog.penalties import Penalty, penalty, read_penalty
from symmlp.catalog.sample_weights import SampleWeights
from symmlp.catalog.schedules import DEFAULT as CONSTANT
from symmlp.catalog.schedules import read_schedule, schedule, scheduled
from symmlp.errors import SpecError, shown
from symmlp.names import check_name
from symmlp.showing import html_table, shown_by
from symmlp.spec_layers import LAYERS, AnyLayer, Dense, braced
from symmlp.spec_part import MAX_LAYERS, NumberList, Parameters, Part, Units, with_settings
from symmlp.spec_preset import PresetName, filled_in
from symmlp.spec_text import parse_json, parse_short, parse_toml, read_spec_file

KinkWeight = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)]


class Network(Part):
    """A multi-layer perceptron and its loss.

    `reduction` is how the entries' losses become one number: `mean` (PyTorch's meaning: over samples for a loss defined
    on a row, over all entries otherwise), `sum`, or `batch_mean` (the sum divided by the number of samples).
    """

    parts: ClassVar[Mapping[str, type[Part]]] = LAYERS

    name: str = Field(
        "network", strict=True, description="A name for people; it never becomes an identifier in generated code."
    )
    inputs: Units = Field(description="Number of input features.")
    layers: tuple[AnyLayer, ...] = Field(
        min_length=1, max_length=MAX_LAYERS, description="Layers from input to output."
    )
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

    class_weights: NumberList = Field(
        (), description="What each class weighs in a loss of classes, a list of one number above 0 a class."
    )
    ignore_index: Annotated[int, Field(strict=True)] | None = Field(
        None, description="A label, a whole number outside the classes, whose samples count for nothing."
    )

    sample_weights: SampleWeights = Field(
        "none",
        description="Whether samples have weights, and what a mean then divides by: 'none', 'samples' or 'weights'",
    )

    preset: PresetName = Field(
        "pytorch", description="Whose defaults hold for what the spec leaves out: 'pytorch', 'keras' or 'sklearn'."
    )

    penalty: str = Field(
        ABSENT, strict=True, description="What is added to the loss for the weights, such as 'l2(strength=0.01)'."
    )
    penalty_parameters: Parameters = Field(
        default_factory=Settings, description="Values of the penalty's parameters, such as {strength = 0.01}."
    )

    constraint: str = Field(
        ABSENT, strict=True, description="Where each update puts the weights back, such as 'max_norm(limit=3)'."
    )
    constraint_parameters: Parameters = Field(
        default_factory=Settings, description="Values of the constraint's parameters, such as {limit = 3}."
    )

    initializer: str = Field(
        DEFAULT, strict=True, description="What weights and biases begin with, such as 'pytorch', 'keras' or 'sklearn'."
    )

    optimizer: str = Field(
        ADAM, strict=True, description="What training uses unless it is told otherwise, such as 'adamw(lr=0.01)'."
    )
    optimizer_parameters: Parameters = Field(
        default_factory=Settings, description="Values of its hyperparameters, such as {lr = 0.01}."
    )
    schedule: str = Field(
        CONSTANT,
        strict=True,
        description="The optimizer's learning rate: a catalogued name, or an expression in lr and t.",
    )
    schedule_parameters: Parameters = Field(
        default_factory=Settings, description="Values of the schedule's parameters, such as {total = 500}."
    )

    @field_validator("initializer", mode="after")
    @classmethod
    def _catalogued(cls, text: str) -> str:
        return read_initializer(text)

    @field_validator("name", mode="after")
    @classmethod
    def _safe(cls, text: str) -> str:
        return check_name(text, "name")

    @model_validator(mode="before")
    @classmethod
    def _read(cls, values: Any) -> Any:
        values = filled_in(values)
        values = with_settings(values, "loss", "loss_parameters", read_loss)
        values = with_settings(values, "penalty", "penalty_parameters", read_penalty)
        values = with_settings(values, "constraint", "constraint_parameters", read_constraint)
        values = with_settings(values, "optimizer", "optimizer_parameters", read_optimizer)
        return with_settings(values, "schedule", "schedule_parameters", read_schedule)

    @model_validator(mode="after")
    def _output_fits_loss(self) -> Self:
        _check_layers(self)
        _check_output(self)
        _ = self.optimizers
        _ = self.penalty_definition
        _ = self.constraint_definition
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
    def activations(self) -> tuple[Activation | None, ...]:
        """The activation at the end of each layer, or None; one with other parameters than before is leaky_relu_2."""
        members: dict[str, list[sp.Expr]] = {}
        return tuple(layer.definition and _numbered(layer.definition, members) for layer in self.layers)

    @property
    def widths(self) -> tuple[int, ...]:
        """Number of inputs, then number of outputs of each layer."""
        widths = [self.inputs]
        for layer in self.layers:
            widths.append(layer.width(widths))
        return tuple(widths)

    @property
    def loss_definition(self) -> Loss:
        """The loss, looked up or parsed; with weights of classes, rows of its targets have any sum."""
        found = loss(self.loss, given=self.loss_parameters)
        return replace(found, assumes_simplex_targets=False) if self.weighs_classes else found

    @property
    def weighs_classes(self) -> bool:
        """Whether targets are weighted: by their class, or labels that are ignored by nothing."""
        return bool(self.class_weights) or self.ignore_index is not None

    @property
    def weighs_targets(self) -> bool:
        """Whether weights of classes stand in the targets: a loss of a whole row is times its class's weight."""
        return self.weighs_classes and not self.loss_definition.totals

    @property
    def loss_reduction(self) -> Literal["mean", "sum", "batch_mean"]:
        """How entries become one number; weighted targets are divided before."""
        return "sum" if self.weighs_targets else self.reduction

    @property
    def penalty_definition(self) -> Penalty | None:
        """The penalty of the weights, looked up; None if there is none."""
        return penalty(self.penalty, self.penalty_parameters)

    @property
    def constraint_definition(self) -> Constraint | None:
        """Where each update puts the weights back, looked up; None if nowhere."""
        return constraint(self.constraint, self.constraint_parameters)

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """The functions of numbers that loss and penalty consist of besides the loss of an entry."""
        found = self.penalty_definition
        own = found.piece if found else None
        return (*self.loss_definition.pieces, *((own,) if own else ()))

    def with_optimizer(self, text: object) -> Self:
        """Return the network with the optimizer that `text` names, such as "adamw(lr=0.01)"; None leaves its own.

        Raises:
            SpecError: no such optimizer, or a hyperparameter is unknown or out of its interval.
        """
        if text is None or text == self.optimizer:
            return self
        own = {name: value for name, value in self.as_dict().items() if name != "optimizer_parameters"}
        return self.model_validate({**own, "optimizer": text})

    @property
    def optimizers(self) -> tuple[Optimizer, ...]:
        """What a module can be trained with: sgd, adam and the network's own, which has the schedule."""
        own = scheduled(
            optimizer(self.optimizer, self.optimizer_parameters), schedule(self.schedule, self.schedule_parameters)
        )
        names = dict.fromkeys((*ALWAYS, own.name))
        return tuple(own if name == own.name else OPTIMIZERS[name] for name in names)

    @property
    def outputs(self) -> int:
        """Number of outputs, K."""
        return self.widths[-1]

    def as_dict(self) -> dict[str, Any]:
        """Return plain data that describes the network completely, in the order of the fields.

        What a spec may leave out is left out: PyTorch as the preset, empty parameters, the type of a dense layer,
        and penalty, constraint, initializer, optimizer and schedule that are the default.
        """
        values = self.model_dump(mode="json")
        for part, field in ((values, "loss_parameters"), *((layer, "parameters") for layer in values["layers"])):
            if not part.get(field, True):
                del part[field]
        if values["sample_weights"] == "none":
            del values["sample_weights"]
        for field in ("class_weights", "ignore_index"):
            if not values[field] and values[field] != 0:
                del values[field]
        if values["preset"] == "pytorch":
            del values["preset"]
        defaults = (
            ("penalty", ABSENT),
            ("constraint", ABSENT),
            ("initializer", DEFAULT),
            ("optimizer", ADAM),
            ("schedule", CONSTANT),
        )
        for field, default in defaults:
            if values[field] == default and not values.get(f"{field}_parameters"):
                del values[field]
        for field in ("penalty_parameters", "constraint_parameters", "optimizer_parameters", "schedule_parameters"):
            if not values[field]:
                del values[field]
        for layer in values["layers"]:
            if layer["type"] == "dense":
                del layer["type"]
        return values

    def digest(self) -> str:
        """Return the SHA-256 of the network's canonical JSON, in hexadecimal."""
        return hashlib.sha256(json.dumps(self.as_dict(), sort_keys=True).encode("ascii")).hexdigest()

    def _repr_html_(self) -> str:
        layers = [(number, layer.brief) for number, layer in enumerate(self.layers, start=1)]
        rows = [("inputs", self.inputs), *layers, ("loss", f"{self.loss} ({self.reduction})")]
        picture = self._repr_svg_()
        return f"<div>{html_table(self.name, ('layer', 'what it is'), rows)}{picture or ''}</div>"

    def _repr_svg_(self) -> str | None:
        return shown_by("picture of a network", self)

    @property
    def brief(self) -> str:
        """The short string for people: of lists it says how long they are."""
        return self.short(in_full=len(self.layers))

    def short(self, in_full: int | None = None) -> str:
        """Return the short string of the network; name, reduction, bias and initializer are left out.

        Of a network with more layers than `in_full`, three at either end are named and those between are counted.
        """
        layers = [layer.short if in_full is None else layer.brief for layer in self.layers]
        if in_full is not None and len(layers) > max(in_full, 6):
            layers[3:-3] = [f"({len(layers) - 6} more layers)"]
        lost = braced(self.loss) + self.loss_parameters.text()
        preset = "" if self.preset == "pytorch" else f" | as {self.preset}"
        return " -> ".join([str(self.inputs), *layers]) + f" | {lost}{preset}"


def _numbered(definition: Activation, members: dict[str, list[sp.Expr]]) -> Activation:
    """Return the activation under a name of its own, `members` being what has each name so far."""
    known = members.setdefault(definition.name, [])
    if definition.value not in known:
        known.append(definition.value)
    number = 1 + known.index(definition.value)
    is_first = number == 1 or definition.from_user
    return definition if is_first else replace(definition, name=f"{definition.name}_{number}")


def _check_layers(network: Network) -> None:
    widths = [network.inputs]
    for number, layer in enumerate(network.layers, start=1):
        try:
            layer.check(widths)
        except SpecError as error:
            raise SpecError(f"layers[{number}].{error}") from None
        widths.append(layer.width(widths))


def _check_output(network: Network) -> None:
    last, lost = network.layers[-1], network.loss_definition
    if not last.may_end:
        raise SpecError(
            f"layers[{len(network.layers)}].type: {last.type} is the last layer; expected another behind it"
        )
    if last.outputs not in lost.accepts:
        hint = _REMEDIES.get((network.loss, last.outputs), f"a {' or '.join(lost.accepts)} output")
        end = f"activation {shown(last.definition.name)}" if last.definition else f"layer {shown(last.type)}"
        raise SpecError(f"loss: {shown(network.loss)} does not fit the output {end}; expected {hint}")
    if lost.targets == "classes" and network.outputs < 2:
        raise SpecError(f"loss: {shown(network.loss)} tells classes apart; expected at least 2 outputs, got 1")
    _check_classes(network, lost)


def _check_classes(network: Network, lost: Loss) -> None:
    """Raise SpecError if weights of classes or an ignored label do not fit loss and outputs."""
    given = ("class_weights", network.class_weights), ("ignore_index", network.ignore_index)
    for field, value in given:
        if value not in ((), None) and (lost.targets != "classes" or (lost.totals and field == "ignore_index")):
            fitting = "cross_entropy, cross_entropy_with_logits, nll or categorical_focal"
            fitting = f"multi_margin, categorical_hinge, {fitting}" if field == "class_weights" else fitting
            raise SpecError(f"{field}: does not fit the loss {shown(network.loss)}; expected one of {fitting}")
    if network.class_weights and len(network.class_weights) != network.outputs:
        found = len(network.class_weights)
        raise SpecError(f"class_weights: has {found} numbers; expected {network.outputs}, one a class")
    if network.ignore_index is not None and 0 <= network.ignore_index < network.outputs:
        raise SpecError(
            f"ignore_index: {network.ignore_index} is a class; expected a whole number below 0 or above "
            f"{network.outputs - 1}"
        )


_REMEDIES = {
    ("cross_entropy", "unit interval"): "softmax, or the loss bce",
    ("cross_entropy", "real"): "softmax as the last activation, or the loss cross_entropy_with_logits",
    ("cross_entropy", "unknown"): "softmax as the last activation",
    ("cross_entropy", "log simplex"): "softmax, or the loss nll",
    ("cross_entropy_with_logits", "simplex"): "identity, or the loss cross_entropy",
    ("cross_entropy_with_logits", "log simplex"): "identity, or the loss nll",
    ("nll", "simplex"): "log_softmax, or the loss cross_entropy",
    ("nll", "real"): "log_softmax as the last activation",
    ("bce", "simplex"): "sigmoid, or the loss cross_entropy",
    ("bce", "real"): "sigmoid, or the loss bce_with_logits",
    ("bce_with_logits", "unit interval"): "identity, or the loss bce",
    ("bce_with_logits", "simplex"): "identity, or the loss cross_entropy",
    ("poisson", "real"): "softplus or exponential, or the loss poisson_nll",
    ("poisson", "nonnegative"): "softplus or exponential, or the loss poisson_nll",
    ("tweedie", "real"): "softplus or exponential",
    ("tweedie", "nonnegative"): "softplus or exponential",
    ("dice", "real"): "sigmoid",
    ("tversky", "real"): "sigmoid",
    ("categorical_focal", "real"): "softmax as the last activation",
    ("msle", "real"): "relu, softplus or exponential",
    ("focal", "real"): "sigmoid, or the loss focal_with_logits",
    ("focal_with_logits", "unit interval"): "identity, or the loss focal",
}


__all__ = ["Dense", "Network"]
