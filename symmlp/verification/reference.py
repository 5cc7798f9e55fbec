"""The network's loss from its forward definitions alone, in any precision: plain loops over lists of numbers.

A change of one parameter entry is carried through without computing the layers before it, and the first layer after it
only in the units that changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import mul
from typing import Any

import sympy as sp

from symmlp.catalog.losses import p, y
from symmlp.spec import Network
from symmlp.verification.evaluation import Evaluation, Function, NotRealError, Number, is_real
from symmlp.verification.layout import Array, Layout
from symmlp.verification.rows import RowFunction, row_function

Row = list[Number]
Rows = list[Row]


@dataclass(frozen=True)
class LossValue:
    """A loss and the sum of its terms' magnitudes, to which rounding errors are proportional."""

    value: Number
    magnitude: Number


@dataclass(frozen=True)
class Definitions:
    """What a network computes, made into functions of numbers: one for each activation, one for an entry's loss."""

    network: Network
    evaluation: Evaluation
    activations: tuple[RowFunction, ...]
    entry_loss: Function

    @classmethod
    def of(cls, network: Network, evaluation: Evaluation) -> Definitions:
        """Return the definitions of `network` over the numbers of `evaluation`.

        Raises:
            UnsupportedError: a definition holds a function for which there is no arithmetic.
        """
        made = {activation: row_function(activation, evaluation) for activation in network.activations}
        entry_loss = evaluation.function(network.loss_definition.value, [p, y])
        return cls(network, evaluation, tuple(made[activation] for activation in network.activations), entry_loss)

    def exact(self, array: Array) -> Any:
        """Return an array's floats as lists of numbers, without rounding."""
        number = self.evaluation.context.mpf
        if array.ndim > 1:
            return [self.exact(row) for row in array]
        return [number(entry) for entry in array.tolist()]


def weight_of_entry(network: Network, samples: int, outputs: int) -> sp.Rational:
    """Return the factor s of L = s · Σ l(p, y) over (samples, outputs) entries, by the network's reduction."""
    if network.reduction == "sum":
        return sp.Integer(1)
    over_entries = network.reduction == "mean" and network.loss_definition.average == "entries"
    return sp.Rational(1, samples * outputs if over_entries else samples)


@dataclass(frozen=True)
class Point:
    """Parameters and inputs, and everything that a network computes from them.

    `weights[l]` and `biases[l]` are those of layer l + 1.
    """

    definitions: Definitions
    weights: tuple[Rows, ...]
    biases: tuple[Row | None, ...]
    inputs: Rows

    @classmethod
    def at(cls, definitions: Definitions, theta: Array, inputs: Array) -> Point:
        """Return the point of these arrays; their floats are taken exactly."""
        layout = Layout.of(definitions.network)
        exact, views = definitions.exact, layout.views(theta)
        depth = range(1, len(definitions.network.layers) + 1)
        weights = tuple(exact(views[f"W{layer}"]) for layer in depth)
        biases = tuple(exact(views[f"b{layer}"]) if f"b{layer}" in views else None for layer in depth)
        return cls(definitions, weights, biases, exact(inputs))

    @cached_property
    def activations(self) -> tuple[Rows, ...]:
        """Activations of layers 0 (the inputs), 1, ..., L; the last are the prediction."""
        return tuple(after for _, after in self._layers)

    @cached_property
    def pre_activations(self) -> tuple[Rows, ...]:
        """Pre-activations of layers 1, ..., L."""
        return tuple(before for before, _ in self._layers[1:])

    @cached_property
    def _layers(self) -> list[tuple[Rows, Rows]]:
        layers = [(self.inputs, self.inputs)]
        for layer in range(len(self.weights)):
            before = self._dense(layer, layers[-1][1])
            layers.append((before, self._activated(layer, before)))
        return layers

    def prediction_at(self, layer: int, entry: tuple[int, ...], change: Number) -> Rows:
        """Return the prediction with `change` added to one entry of W (two indices) or b (one) of `layer`, from 1."""
        unit, *source = entry
        place = layer - 1
        rows = []
        for before, inputs in zip(self.pre_activations[place], self.activations[place], strict=True):
            moved = change * inputs[source[0]] if source else change
            rows.append(_with(before, unit, before[unit] + moved))
        if self.definitions.network.activations[place].acts_on == "entry":
            return self._from_unit(place, unit, rows)
        return self._from(place + 1, self._activated(place, rows))

    def moved(self, direction: Point, step: Number) -> Point:
        """Return the point with `step` times the parameters of `direction` added, at the same inputs."""
        weights = tuple(_moved_rows(*pair, step) for pair in zip(self.weights, direction.weights, strict=True))
        biases = tuple(
            None if base is None or change is None else _moved(base, change, step)
            for base, change in zip(self.biases, direction.biases, strict=True)
        )
        return Point(self.definitions, weights, biases, self.inputs)

    def _from_unit(self, place: int, unit: int, rows: Rows) -> Rows:
        """Return the prediction when only `unit` of the layer at `place` has changed, to `rows`."""
        head, base = self.definitions.activations[place].head, self.activations[place + 1]
        changed = [head((row[unit],)) for row in rows]
        if place + 1 == len(self.weights):
            return [_with(row, unit, value) for row, value in zip(base, changed, strict=True)]
        column = [weights[unit] for weights in self.weights[place + 1]]
        following = []
        for row, before, value in zip(self.pre_activations[place + 1], base, changed, strict=True):
            difference = value - before[unit]
            following.append([entry + weight * difference for entry, weight in zip(row, column, strict=True)])
        return self._from(place + 2, self._activated(place + 1, following))

    def _from(self, place: int, rows: Rows) -> Rows:
        """Return the prediction when the inputs of the layer at `place` are `rows`."""
        for later in range(place, len(self.weights)):
            rows = self._activated(later, self._dense(later, rows))
        return rows

    def _dense(self, place: int, rows: Rows) -> Rows:
        dot, bias = _dot(self.definitions.evaluation.context), self.biases[place]
        result = []
        for row in rows:
            sums = [dot(row, weights) for weights in self.weights[place]]
            result.append(sums if bias is None else [total + own for total, own in zip(sums, bias, strict=True)])
        return result

    def _activated(self, place: int, rows: Rows) -> Rows:
        function = self.definitions.activations[place]
        try:
            return [function(row) for row in rows]
        except (ArithmeticError, TypeError, ValueError) as error:
            # Comparing complex numbers, log(0), overflow: the definition has no finite real value here.
            raise NotRealError(f"activation of layer {place + 1}: {error}") from error


@dataclass(frozen=True)
class Reference:
    """The loss as a function of theta around a point; `targets` are probabilities or values, (N, K)."""

    point: Point
    targets: Rows

    @classmethod
    def at(cls, definitions: Definitions, theta: Array, inputs: Array, targets: Array) -> Reference:
        """Return the reference of these arrays; their floats are taken exactly."""
        return cls(Point.at(definitions, theta, inputs), definitions.exact(targets))

    def loss(self) -> LossValue:
        """Return the loss at the point.

        Raises:
            NotRealError: it is not a finite real number there.
        """
        return self._loss(self.point.activations[-1])

    def loss_at(self, layer: int, entry: tuple[int, ...], change: Number) -> Number:
        """Return the loss with `change` added to one entry of a parameter; see `Point.prediction_at`."""
        return self._loss(self.point.prediction_at(layer, entry, change)).value

    def loss_along(self, direction: Point, step: Number) -> Number:
        """Return the loss at the point plus `step` times the parameters of `direction`."""
        return self._loss(self.point.moved(direction, step).activations[-1]).value

    def _loss(self, prediction: Rows) -> LossValue:
        definitions = self.point.definitions
        context, entry_loss = definitions.evaluation.context, definitions.entry_loss
        try:
            terms = [
                entry_loss(pair)
                for row, wanted in zip(prediction, self.targets, strict=True)
                for pair in zip(row, wanted, strict=True)
            ]
            real = all(is_real(term, context) for term in terms)
        except (ArithmeticError, TypeError, ValueError) as error:
            raise NotRealError(f"loss: {error}") from error
        if not real:
            raise NotRealError("loss: not a finite real number")
        weight = weight_of_entry(definitions.network, len(self.targets), len(self.targets[0]))
        scale = context.mpf(int(weight.p)) / int(weight.q)
        return LossValue(scale * sum(terms, context.mpf(0)), scale * sum(map(abs, terms), context.mpf(0)))


def _dot(context: Any) -> Any:
    """Return the sum of products of two rows: mpmath's own, which rounds once, but not for floats, where it is slow."""
    return context.fdot if hasattr(context, "make_mpf") else lambda left, right: sum(map(mul, left, right))


def _with(row: Row, place: int, value: Number) -> Row:
    return [*row[:place], value, *row[place + 1 :]]


def _moved(base: Sequence[Number], change: Sequence[Number], step: Number) -> Row:
    return [entry + step * other for entry, other in zip(base, change, strict=True)]


def _moved_rows(base: Rows, change: Rows, step: Number) -> Rows:
    return [_moved(row, other, step) for row, other in zip(base, change, strict=True)]
