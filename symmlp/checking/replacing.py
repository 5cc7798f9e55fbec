"""Arrays taken for each other: of another layer, before for after the activation, the targets for the prediction."""

from __future__ import annotations

import re
from collections.abc import Iterator

from symmlp.checking.subject import Subject
from symmlp.matrix import Node, Var

_LAYER = re.compile(r"(\d+)(?:_\d+)?$")
"""The number of the layer in a name: the 1 of W1, alpha1 and Z1_2."""

NEAR = 2
"""Arrays of layers farther apart than this are not taken for each other in deep networks."""

SMALL = 5
"""Layers of a network in which any two are taken for each other."""

ARRAY_KINDS = frozenset(
    {
        "weights_of_other_layer",
        "activation_of_other_layer",
        "pre_activation_for_activation",
        "activation_for_pre_activation",
        "pre_activation_of_other_layer",
        "targets_for_prediction",
        "prediction_for_targets",
        "other_cotangent",
        "wrong_array",
    }
)
"""The kinds of mistake that are told here."""

Replacement = tuple[str, str, Node]


def replaced_arrays(subject: Subject, array: Var) -> Iterator[Replacement]:
    """Yield (kind, sentence, other array) for every array that can be taken for `array`."""
    own = _place(subject, array.name)
    for other, place in _near(subject, array.name):
        # A cotangent that the candidate does not read is there through its own equation, which has mistakes of its own.
        if own is not None and (not place[0].startswith("cotangent") or other.name in subject.given):
            yield (*_told(own, place, other.name, array.name), other)


def standing_for(subject: Subject, array: Var) -> Iterator[Replacement]:
    """Yield (kind, sentence, other array) for every array that `array` can stand for by mistake."""
    own = _place(subject, array.name)
    for other, place in _near(subject, array.name):
        if own is not None:
            yield (*_told(place, own, array.name, other.name), other)


def _near(subject: Subject, name: str) -> Iterator[tuple[Var, Place]]:
    """Yield the other arrays and their places, in deep networks those of the layers around."""
    graph, own = subject.derivation.graph, _place(subject, name)
    for other in (*graph.shapes, *(f"d{array}" for array in graph.shapes)):
        place = _place(subject, other)
        if (
            other not in (name, subject.gradient)
            and own is not None
            and place is not None
            and _are_near(subject, own, place)
        ):
            yield Var(other, graph.shapes[other if other in graph.shapes else other[1:]]), place


Place = tuple[str, int]
"""What an array is (inputs, pre-activation, ...), and its layer: the output of layer 1 is the input of layer 2."""


def _place(subject: Subject, name: str) -> Place | None:
    graph = subject.derivation.graph
    if name.startswith("d") and name not in graph.shapes:
        inner = _place(subject, name[1:]) if name in subject.made else None
        return None if inner is None else (f"cotangent of {inner[0]}", inner[1])
    layer = _LAYER.search(name)
    if name in graph.parameters:
        return ("weights" if name[0] == "W" else graph.roles.get(name, "").split(" of ")[0]), int(
            layer[1]
        ) if layer else 0
    if name == graph.targets:
        return "targets", len(subject.derivation.network.layers)
    return _values(subject).get(name)


def _values(subject: Subject) -> dict[str, Place]:
    """Return the places of inputs, pre-activations and outputs of layers; what lies between has none of these names."""
    graph = subject.derivation.graph
    found: dict[str, Place] = {graph.inputs: ("activation", 0)}
    last = {node.layer: node.output for node in graph.network_nodes}
    for node in graph.network_nodes:
        is_given = graph.roles[node.output].startswith("pre-activation")
        kind = "pre-activation" if is_given else "activation" if last[node.layer] == node.output else "inner array"
        found[node.output] = (kind, node.layer)
    return found


def _are_near(subject: Subject, first: Place, second: Place) -> bool:
    return len(subject.derivation.network.layers) <= SMALL or abs(first[1] - second[1]) <= NEAR


def _told(own: Place, other: Place, found: str, expected: str) -> tuple[str, str]:
    """Return the kind and the sentence of taking `found` for `expected`."""
    stands = f"{found} stands for {expected}"
    match own[0], other[0]:
        case "weights", "weights":
            return "weights_of_other_layer", f"{stands}: the weights of layer {other[1]} for those of layer {own[1]}"
        case "activation", "activation":
            return "activation_of_other_layer", f"{stands}: {_output(other)} for {_output(own)}"
        case "activation", "pre-activation":
            return "pre_activation_for_activation", f"{stands}: before the activation for after it"
        case "pre-activation", "activation":
            return "activation_for_pre_activation", f"{stands}: after the activation for before it"
        case "pre-activation", "pre-activation" if own[1] == other[1]:
            return "wrong_array", f"{stands}: the other pre-activation of layer {own[1]}"
        case "pre-activation", "pre-activation":
            return "pre_activation_of_other_layer", f"{stands}: layer {other[1]} for layer {own[1]}"
        case "activation", "targets":
            return "targets_for_prediction", f"{stands}: the targets for the prediction"
        case "targets", _:
            return "prediction_for_targets", f"{stands}, the targets"
        case mine, theirs if mine.startswith("cotangent") and theirs.startswith("cotangent"):
            return "other_cotangent", f"{stands}: ∂L/∂{found[1:]} for ∂L/∂{expected[1:]}"
        case _:
            return "wrong_array", stands


def _output(place: Place) -> str:
    return "the inputs" if place[1] == 0 else f"the output of layer {place[1]}"
