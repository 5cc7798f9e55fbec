"""Presets: what a spec leaves out is as PyTorch, Keras or scikit-learn has it.

A preset fills in what is not given: initializer, optimizer and its hyperparameters, penalty, reduction, parameters of
activations and losses, numbers of normalizing layers. What is given stays, so a spec that was filled in stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from symmlp.catalog.activations import read_activation
from symmlp.catalog.initializers import OF_KERAS
from symmlp.catalog.losses import read_loss
from symmlp.catalog.optimizers import read_optimizer
from symmlp.catalog.parameters import NONE, Settings, settings
from symmlp.catalog.peers import Kind, Peer, offers
from symmlp.catalog.sample_weights import SampleWeights
from symmlp.spec_layer import Layer

PresetName = Literal["pytorch", "keras", "sklearn"]


@dataclass(frozen=True)
class Preset:
    """What a peer's defaults are here: fields of the network, names of optimizers, fields of layers by type.

    `optimizers` gives, for the name of an optimizer there, its entry here and the settings that make the two equal.
    """

    peer: Peer
    fields: Mapping[str, str] = field(default_factory=dict)
    optimizers: Mapping[str, tuple[str, Settings]] = field(default_factory=dict)
    layers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    summed_over_outputs: tuple[str, ...] = ()
    weighted_by: SampleWeights = "samples"
    initializers: Mapping[str, str] = field(default_factory=dict)


PRESETS: dict[str, Preset] = {
    "pytorch": Preset("PyTorch"),
    "keras": Preset(
        "Keras",
        {"initializer": "keras", "optimizer": "rmsprop"},
        {
            "momentum": ("momentum_keras", NONE),
            "nesterov": ("nesterov_keras", NONE),
            "adam": ("adam_keras", NONE),
            "adamw": ("adamw_keras", NONE),
            "adamax": ("adamax_keras", NONE),
            "nadam": ("nadam", Settings({"lr": 1e-3, "eps": 1e-7, "momentum_decay": 1})),
            "rmsprop": ("rmsprop_keras", NONE),
            "adagrad": ("adagrad_keras", NONE),
            "adadelta": ("adadelta", Settings({"lr": 1e-3, "rho": 0.95, "eps": 1e-7})),
        },
        {
            "batch_norm": {"epsilon": 1e-3, "momentum": 0.01, "unbiased": False},
            "layer_norm": {"epsilon": 1e-3},
        },
        initializers=OF_KERAS,
    ),
    "sklearn": Preset(
        "scikit-learn",
        {"initializer": "sklearn", "optimizer": "adam", "penalty": "sklearn"},
        {
            "sgd": ("nesterov_keras", Settings({"lr": 1e-3})),
            "adam": ("adam_keras", Settings({"eps": 1e-8})),
        },
        # Its gradient of the squared error is a sum over the outputs, though the loss that it reports is a mean.
        summed_over_outputs=("half_mse",),
        weighted_by="weights",
    ),
}
"""By the name in a spec; PyTorch's defaults are those of the catalogue."""


def filled_in(values: Any) -> Any:
    """Return the values of a network with what its preset says in the place of what is not given."""
    if not isinstance(values, dict):
        return values
    name = values.get("preset", "pytorch")
    preset = PRESETS.get(name) if isinstance(name, str) else None
    if isinstance(values.get("sample_weights"), bool):
        means = preset.weighted_by if preset else "samples"
        values = {**values, "sample_weights": means if values["sample_weights"] else "none"}
    if preset is None or preset is PRESETS["pytorch"]:
        return values
    filled = {**preset.fields, **values}
    if isinstance(initializer := filled["initializer"], str):
        filled["initializer"] = preset.initializers.get(initializer, initializer)
    filled = _with_optimizer(filled, preset)
    filled = _with_loss(filled, preset)
    layers = filled.get("layers")
    if isinstance(layers, list | tuple):
        filled["layers"] = [_layer(each, preset) for each in layers]
    return filled


def _with_optimizer(values: dict[str, Any], preset: Preset) -> dict[str, Any]:
    text = values["optimizer"]
    if not isinstance(text, str):
        return values
    name, given = read_optimizer(text)
    entry, defaults = preset.optimizers.get(name, (name, NONE))
    return _with_parameters(values, "optimizer", "optimizer_parameters", entry, given, defaults)


def _with_loss(values: dict[str, Any], preset: Preset) -> dict[str, Any]:
    text = values.get("loss")
    if not isinstance(text, str):
        return values
    name, given = read_loss(text)
    defaults, reduction = _offered("loss", preset.peer, name)
    if name in preset.summed_over_outputs:
        reduction = "batch_mean"
    filled = _with_parameters(values, "loss", "loss_parameters", name, given, defaults)
    return {"reduction": reduction, **filled}


def _layer(layer: Any, preset: Preset) -> Any:
    """Return a layer, or its values, with what is not given filled in."""
    if isinstance(layer, Layer):
        layer = {"type": layer.type, **{name: getattr(layer, name) for name in layer.model_fields_set}}
    if not isinstance(layer, dict):
        return layer
    kind, text = layer.get("type", "dense"), layer.get("activation")
    own = preset.layers.get(kind, {}) if isinstance(kind, str) else {}
    filled = {**own, **layer}
    if not isinstance(text, str):
        return filled
    name, given = read_activation(text)
    defaults, _ = _offered("activation", preset.peer, name)
    return _with_parameters(filled, "activation", "parameters", name, given, defaults)


def _with_parameters(
    values: dict[str, Any], where: str, parameters: str, name: str, given: Settings, defaults: Settings
) -> dict[str, Any]:
    """Return the values with the entry's name and, beside what is given, the peer's values of its parameters."""
    if not defaults:
        return {**values, where: name + given.text()}
    named = settings(values.get(parameters, {}), parameters)
    missing = {key: value for key, value in defaults.items() if key not in given}
    return {**values, where: name + given.text(), parameters: {**missing, **named}}


def _offered(kind: Kind, peer: Peer, entry: str) -> tuple[Settings, str]:
    """Return the settings and the reduction with which an entry is the peer's function, if it has one."""
    found = [each for each in offers(kind, entry) if each.peer == peer and each.factor == 1]
    return (found[0].settings, found[0].reduction) if found else (NONE, "mean")
