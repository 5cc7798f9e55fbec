"""The network's loss from its forward definitions alone, in any precision: plain loops over lists of numbers.

A change of one parameter entry is carried through without computing the layers before it, and the first layer after it
only in the units that changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from operator import mul
from typing import Any

import numpy as np

from symmlp.catalog.penalties import w
from symmlp.spec import Network
from symmlp.spec_layers import Dense, Layer
from symmlp.verification.averaging import divisor_of, penalty_divisor, samples_of, target_total, term_weights
from symmlp.verification.evaluation import Evaluation, Function, NotRealError, Number, is_real
from symmlp.verification.layout import Array, Layout, Parameter
from symmlp.verification.losses import Terms, loss_terms
from symmlp.verification.rows import RowFunction, row_function
from symmlp.verification.stack import Masks, Row, Rows, Stack

NO_MASKS: Mapping[int, tuple[Array, ...]] = {}
NO_WEIGHTS: Array = np.empty(0)


@dataclass(frozen=True)
class LossValue:
    """A loss and the sum of its terms' magnitudes, to which rounding errors are proportional."""

    value: Number
    magnitude: Number


@dataclass(frozen=True)
class Definitions:
    """What a network computes, made into functions of numbers: one for each activation, one for the loss of a row."""

    network: Network
    evaluation: Evaluation
    activations: tuple[RowFunction | None, ...]
    loss_terms: Terms
    penalty: Function | None = None

    @classmethod
    def of(cls, network: Network, evaluation: Evaluation) -> Definitions:
        """Return the definitions of `network` over the numbers of `evaluation`.

        Raises:
            UnsupportedError: a definition holds a function for which there is no arithmetic.
        """
        activations = network.activations
        made = {each: None if each is None else row_function(each, evaluation) for each in activations}
        terms = loss_terms(
            network.loss_definition,
            evaluation.function,
            lambda each, row: row_function(each, evaluation)(row),
            ignores=network.ignore_index is not None,
        )
        penalty = network.penalty_definition
        of_weight = None if penalty is None else evaluation.function(penalty.value, [w])
        return cls(network, evaluation, tuple(made[activation] for activation in activations), terms, of_weight)

    @cached_property
    def class_weights(self) -> Row:
        """What each class weighs in the loss; 1 if nothing is said."""
        number, given = self.evaluation.context.mpf, self.network.class_weights
        return [number(weight) for weight in given or (1.0,) * self.network.outputs]

    @cached_property
    def stack(self) -> Stack:
        """The layers over the numbers of the evaluation."""
        context = self.evaluation.context
        return Stack(self.network, self.activated, _dot(context), context.sqrt, context.mpf)

    def activated(self, number: int, before: Sequence[Rows], learned: Sequence[Row] = ()) -> Rows:
        """Return the activation of a layer, from 1, at its pre-activations and at what is learned.

        Raises:
            NotRealError: it is not a finite real number.
        """
        function = self.activations[number - 1]
        assert function is not None
        try:
            if len(before) == 1 and not learned:
                return [function(row) for row in before[0]]
            return [list(map(function.head, zip(*rows, *learned, strict=True))) for rows in zip(*before, strict=True)]
        except (ArithmeticError, TypeError, ValueError) as error:
            # Comparing complex numbers, log(0), overflow: the definition has no finite real value here.
            raise NotRealError(f"activation of layer {number}: {error}") from error

    def exact(self, array: Array) -> Any:
        """Return an array's floats as lists of numbers, without rounding."""
        number = self.evaluation.context.mpf
        if array.ndim > 1:
            return [self.exact(row) for row in array]
        return [number(entry) for entry in array.tolist()]


def is_plain(layer: Layer) -> bool:
    """Return whether a layer is a dense one whose activation depends on one pre-activation alone."""
    return isinstance(layer, Dense) and len(layer.definition.variables) == 1


@dataclass(frozen=True)
class Point:
    """Parameters by name, inputs and masks, and everything that a network computes from them."""

    definitions: Definitions
    parameters: Mapping[str, Any]
    inputs: Rows
    masks: Masks = field(default_factory=dict)

    @classmethod
    def at(
        cls, definitions: Definitions, theta: Array, inputs: Array, masks: Mapping[int, tuple[Array, ...]] = NO_MASKS
    ) -> Point:
        """Return the point of these arrays; their floats are taken exactly."""
        exact = definitions.exact
        parameters = {name: exact(view) for name, view in Layout.of(definitions.network).views(theta).items()}
        drawn = {number: tuple(map(exact, arrays)) for number, arrays in masks.items()}
        return cls(definitions, parameters, exact(inputs), drawn)

    @cached_property
    def activations(self) -> tuple[Rows, ...]:
        """Activations of layers 0 (the inputs), 1, ..., L; the last are the prediction."""
        return tuple(after for _, after in self._layers)

    @cached_property
    def penalty(self) -> Number:
        """What is added to the loss for all weights, times the number of samples if it is divided by that."""
        weights = [values for name, values in self.parameters.items() if name.startswith("W")]
        entries = [entry for rows in weights for row in rows for entry in row]
        return sum(map(self.penalty_of, entries), self.definitions.evaluation.context.mpf(0))

    def penalty_of(self, weight: Number) -> Number:
        """Return what is added for one weight."""
        function = self.definitions.penalty
        return self.definitions.evaluation.context.mpf(0) if function is None else function((weight,))

    def penalty_at(self, parameter: Parameter, entry: tuple[int, ...], change: Number) -> Number:
        """Return the penalty with `change` added to one entry of a parameter."""
        if self.definitions.penalty is None or not parameter.name.startswith("W"):
            return self.penalty
        row, column = entry
        weight = self.parameters[parameter.name][row][column]
        return self.penalty + (self.penalty_of(weight + change) - self.penalty_of(weight))

    @cached_property
    def pre_activations(self) -> tuple[Rows, ...]:
        """Pre-activations of layers 1, ..., L; of a layer without any, its inputs."""
        return tuple(before for before, _ in self._layers[1:])

    @cached_property
    def _layers(self) -> list[tuple[Rows, Rows]]:
        layers: list[tuple[Rows, Rows]] = [(self.inputs, self.inputs)]
        outputs = {0: self.inputs}
        for number in range(1, len(self.definitions.network.layers) + 1):
            layers.append(self._layer(number, self.parameters, outputs))
            outputs[number] = layers[-1][1]
        return layers

    def _layer(self, number: int, parameters: Mapping[str, Any], outputs: Mapping[int, Rows]) -> tuple[Rows, Rows]:
        return self.definitions.stack.layer(number, parameters, outputs, self.masks)

    def prediction_at(self, parameter: Parameter, entry: tuple[int, ...], change: Number) -> Rows:
        """Return the prediction with `change` added to one entry of a parameter."""
        layers = self.definitions.network.layers
        if all(is_plain(layer) for layer in layers):
            return self._of_dense_layers(parameter.layer, entry, change)
        moved = {**self.parameters, parameter.name: _changed(self.parameters[parameter.name], entry, change)}
        return self._from(parameter.layer, moved, dict(enumerate(self.activations[: parameter.layer])))

    def _from(self, start: int, parameters: Mapping[str, Any], outputs: dict[int, Rows]) -> Rows:
        """Return the prediction computed anew from layer number `start` on."""
        for number in range(start, len(self.definitions.network.layers) + 1):
            outputs[number] = self._layer(number, parameters, outputs)[1]
        return outputs[len(self.definitions.network.layers)]

    def moved(self, direction: Point, step: Number) -> Point:
        """Return the point with `step` times the parameters of `direction` added, at the same inputs."""
        moved = {name: _moved(values, direction.parameters[name], step) for name, values in self.parameters.items()}
        return Point(self.definitions, moved, self.inputs, self.masks)

    def _of_dense_layers(self, number: int, entry: tuple[int, ...], change: Number) -> Rows:
        unit, *source = entry
        rows = []
        for before, inputs in zip(self.pre_activations[number - 1], self.activations[number - 1], strict=True):
            moved = change * inputs[source[0]] if source else change
            rows.append(_with(before, unit, before[unit] + moved))
        activation = self.definitions.network.activations[number - 1]
        if activation is not None and activation.acts_on == "entry":
            return self._from_unit(number, unit, rows)
        return self._from(number + 1, self.parameters, {number: self.definitions.activated(number, [rows])})

    def _from_unit(self, number: int, unit: int, rows: Rows) -> Rows:
        """Return the prediction when only `unit` of a layer has changed, its pre-activations to `rows`."""
        function, base = self.definitions.activations[number - 1], self.activations[number]
        assert function is not None
        changed = [function.head((row[unit],)) for row in rows]
        if number == len(self.definitions.network.layers):
            return [_with(row, unit, value) for row, value in zip(base, changed, strict=True)]
        column = [weights[unit] for weights in self.parameters[f"W{number + 1}"]]
        following = []
        for row, before, value in zip(self.pre_activations[number], base, changed, strict=True):
            difference = value - before[unit]
            following.append([entry + weight * difference for entry, weight in zip(row, column, strict=True)])
        after = self.definitions.activated(number + 1, [following])
        return self._from(number + 2, self.parameters, {number + 1: after})


@dataclass(frozen=True)
class Reference:
    """The loss as a function of theta around a point; `targets` are probabilities or values, (N, K).

    `weights` are those of the samples, 1 each if there are none.
    """

    point: Point
    targets: Rows
    weights: Row = ()

    @classmethod
    def at(
        cls,
        definitions: Definitions,
        theta: Array,
        inputs: Array,
        targets: Array,
        masks: Mapping[int, tuple[Array, ...]] = NO_MASKS,
        weights: Array = NO_WEIGHTS,
    ) -> Reference:
        """Return the reference of these arrays; their floats are taken exactly."""
        exact = definitions.exact
        return cls(Point.at(definitions, theta, inputs, masks), exact(targets), exact(weights))

    def loss(self) -> LossValue:
        """Return the loss at the point.

        Raises:
            NotRealError: it is not a finite real number there.
        """
        return self._loss(self.point.activations[-1], self.point.penalty)

    def loss_at(self, parameter: Parameter, entry: tuple[int, ...], change: Number) -> Number:
        """Return the loss with `change` added to one entry of a parameter."""
        penalty = self.point.penalty_at(parameter, entry, change)
        return self._loss(self.point.prediction_at(parameter, entry, change), penalty).value

    def loss_along(self, direction: Point, step: Number) -> Number:
        """Return the loss at the point plus `step` times the parameters of `direction`."""
        return self.loss_of(self.point.moved(direction, step))

    def loss_of(self, point: Point) -> Number:
        """Return the loss at another point, for the same targets."""
        return self._loss(point.activations[-1], point.penalty).value

    def loss_of_prediction(self, prediction: Rows, penalty: Number) -> Number:
        """Return the loss of a prediction for the same targets, with the sum of the weights' penalties added."""
        return self._loss(prediction, penalty).value

    def _loss(self, prediction: Rows, penalty: Number) -> LossValue:
        definitions = self.point.definitions
        context = definitions.evaluation.context
        try:
            rows = zip(prediction, self.targets, self._weights, strict=True)
            terms = [
                of_sample * weight * term
                for row, wanted, of_sample in rows
                for weight, term in zip(
                    term_weights(definitions.network, definitions.class_weights, wanted),
                    definitions.loss_terms(row, wanted),
                    strict=True,
                )
            ]
            real = all(is_real(term, context) for term in terms)
        except (ArithmeticError, TypeError, ValueError) as error:
            raise NotRealError(f"loss: {error}") from error
        if not real:
            raise NotRealError("loss: not a finite real number")
        samples = samples_of(definitions.network, len(self.targets), self._weights)
        scale = self._scale(samples)
        added = penalty / penalty_divisor(definitions.network, samples)
        return LossValue(
            scale * sum(terms, context.mpf(0)) + added, scale * sum(map(abs, terms), context.mpf(0)) + abs(added)
        )

    @property
    def _weights(self) -> Row:
        return self.weights or [self.point.definitions.evaluation.context.mpf(1)] * len(self.targets)

    def _scale(self, samples: Number) -> Number:
        """Return what the sum of all terms is multiplied by."""
        definitions, network = self.point.definitions, self.point.definitions.network
        if network.weighs_targets and network.reduction == "mean":
            return 1 / target_total(network, definitions.class_weights, self.targets, self._weights)
        return definitions.evaluation.context.mpf(1) / divisor_of(network, samples, len(self.targets[0]))


def _dot(context: Any) -> Any:
    """Return the sum of products of two rows: mpmath's own, which rounds once, but not for floats, where it is slow."""
    return context.fdot if hasattr(context, "make_mpf") else lambda left, right: sum(map(mul, left, right))


def _with(row: Row, place: int, value: Number) -> Row:
    return [*row[:place], value, *row[place + 1 :]]


def _changed(values: Any, entry: tuple[int, ...], change: Number) -> Any:
    """Return a row, or rows, with `change` added to one entry."""
    place, *rest = entry
    return _with(values, place, _changed(values[place], tuple(rest), change) if rest else values[place] + change)


def _moved(base: Any, change: Any, step: Number) -> Any:
    """Return base + step · change for rows, or for a row."""
    if isinstance(base, list):
        return [_moved(*pair, step) for pair in zip(base, change, strict=True)]
    return base + step * change
