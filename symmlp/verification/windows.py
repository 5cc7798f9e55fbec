"""Some consecutive layers of a network at small sizes, their scalar loss written out from the forward definitions.

A window that ends in the network's loss has that loss; any other has ⟨G, A⟩ with a free cotangent G of its last
activations, whose derivatives are what the backward equations give. Sizes that differ in the network differ in the
window.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import sympy as sp

from symmlp.catalog.penalties import w
from symmlp.errors import UnsupportedError
from symmlp.matrix import Size
from symmlp.spec import Network
from symmlp.spec_layers import (
    AlphaDropout,
    Concatenate,
    Dropout,
    GaussianDropout,
    GaussianNoise,
    RandomizedReLU,
    Residual,
    Standardize,
)
from symmlp.verification.averaging import divisor_of, penalty_divisor, samples_of, target_total, term_weights
from symmlp.verification.expansion import ELEMENTARY, Entries
from symmlp.verification.held import held
from symmlp.verification.layout import Layout
from symmlp.verification.losses import loss_terms
from symmlp.verification.rows import row_expressions
from symmlp.verification.stack import Row, Rows, Stack

MOST_NODES = 5000
"""Nodes of a scalar of two layers; SymPy takes some 0.1 s a derivative for so many."""

SAMPLES = 2
SMALLEST = 3
"""Small sizes count up from here, apart from 1, which stays 1: it broadcasts, and equations may rely on it."""


@dataclass(frozen=True)
class Window:
    """Layers `first` to `last`, from 1; `first` > `last` is the loss alone, as a function of the prediction."""

    network: Network
    first: int
    last: int

    @property
    def ends_in_loss(self) -> bool:
        """Whether the last layer is the network's."""
        return self.last == len(self.network.layers)

    @property
    def layers(self) -> range:
        """Numbers of the layers."""
        return range(self.first, self.last + 1)

    @property
    def name(self) -> str:
        """`layers 2-3 and the loss`, `layer 1`, `the loss`."""
        if not self.layers:
            return "the loss"
        layers = f"layer {self.first}" if self.first == self.last else f"layers {self.first}-{self.last}"
        return f"{layers} and the loss" if self.ends_in_loss else layers

    @cached_property
    def sizes(self) -> dict[Size, int]:
        """Small size of the batch and of each actual number of units; N is 2, and never equals another.

        Raises:
            UnsupportedError: joined columns have as many units as another layer, but would need another small size.
        """
        sizes: dict[Size, int] = {"N": SAMPLES}
        joined = [layer for layer in self.layers if self._is_joined(layer)]
        # From the output on: the number of outputs multiplies the loss's terms, so it gets the smallest size.
        for layer in dict.fromkeys((*reversed(self.layers), *self.incoming)):
            if layer not in joined:
                actual = self._units(layer)
                small = 1 if actual == 1 else SMALLEST + sum(size > SAMPLES for size in sizes.values())
                sizes.setdefault(actual, small)
        for layer in joined:
            small = sizes[self._units(layer - 1)] + sizes[self._units(self._source(layer))]
            if sizes.setdefault(self._units(layer), small) != small:
                raise UnsupportedError(f"no small sizes in which layer {layer} has as many units as another one")
        return sizes

    @cached_property
    def incoming(self) -> tuple[int, ...]:
        """Numbers of the layers, 0 for the inputs, whose activations the window reads but does not compute."""
        read = [self.first - 1]
        for layer in self.layers:
            if isinstance(self.network.layers[layer - 1], Residual | Concatenate):
                read.append(self._source(layer))
        return tuple(layer for layer in dict.fromkeys(read) if layer not in self.layers)

    def _source(self, layer: int) -> int:
        skip = self.network.layers[layer - 1]
        assert isinstance(skip, Residual | Concatenate)
        return skip.layer

    def _is_joined(self, layer: int) -> bool:
        return isinstance(self.network.layers[layer - 1], Concatenate)

    def activation_name(self, layer: int) -> str:
        """Return what equations call the activations of a layer: X, A1, ..., P."""
        return "X" if layer == 0 else "P" if layer == len(self.network.layers) else f"A{layer}"

    def _units(self, layer: int) -> int:
        return self.network.widths[layer]

    @cached_property
    def given(self) -> dict[str, Entries]:
        """Arrays of free symbols: the window's inputs, its parameters, and the targets or the cotangent at its end."""
        names = {self.activation_name(layer): layer for layer in self.incoming}
        arrays = {name: free_symbols(name, SAMPLES, self._small(layer)) for name, layer in names.items()}
        for parameter in Layout.of(self.network).parameters:
            if parameter.layer in self.layers:
                shape = [self.sizes[size] for size in parameter.shape]
                arrays[parameter.name] = free_symbols(parameter.name, *shape)
        for layer in self.layers:
            for name in self._masks(layer):
                arrays[name] = free_symbols(name, SAMPLES, self._small(layer))
            for name in self._constants(layer):
                arrays[name] = free_symbols(name, self._small(layer))
        if self.ends_in_loss:
            arrays["Y"] = self._targets()
            if self.network.class_weights:
                arrays["c"] = free_symbols("c", self._small(self.last))
            for name in self._penalties(inside=False):
                arrays[name] = free_symbols(name)
        if self._is_weighted:
            arrays["omega"] = free_symbols("omega", SAMPLES, 1)
        if not self.ends_in_loss:
            arrays[self.cotangent] = free_symbols(self.cotangent, SAMPLES, self._small(self.last))
        return arrays

    def _constants(self, layer: int) -> list[str]:
        """Return the names of the vectors that the spec gives for a layer."""
        is_standardized = isinstance(self.network.layers[layer - 1], Standardize)
        return [f"c{layer}", f"s{layer}"] if is_standardized else []

    def _masks(self, layer: int) -> list[str]:
        """Return the names of what is drawn for a layer."""
        match self.network.layers[layer - 1]:
            case Dropout() | GaussianDropout() | GaussianNoise() | RandomizedReLU():
                return [f"M{layer}"]
            case AlphaDropout():
                return [f"M{layer}", f"S{layer}"]
        return []

    def _penalties(self, *, inside: bool) -> list[str]:
        """Return the names of the penalties of weights that the window has, or has not."""
        if self.network.penalty_definition is None:
            return []
        weights = [each for each in Layout.of(self.network).parameters if each.name.startswith("W")]
        return [f"R{each.name.removeprefix('W')}" for each in weights if (each.layer in self.layers) == inside]

    @cached_property
    def penalty(self) -> sp.Expr:
        """What is added to the scalar for the window's own weights, and symbols for the other ones."""
        penalty = self.network.penalty_definition
        if penalty is None:
            return sp.Integer(0)
        own = [entry for name in self._penalties(inside=True) for entry in self.given[f"W{name[1:]}"].flat]
        function = held(penalty.value, (w,))
        others = [self.given[name][()] for name in self._penalties(inside=False)] if self.ends_in_loss else []
        return sp.Add(*map(function, own)) / penalty_divisor(self.network, self._samples) + sp.Add(*others)

    @property
    def cotangent(self) -> str:
        """Name of the cotangent of the window's last activations."""
        return f"d{self.activation_name(self.last)}"

    @property
    def symbols(self) -> list[sp.Symbol]:
        """All free symbols, in a fixed order."""
        entries: list[sp.Expr] = [entry for array in self.given.values() for entry in array.flat]
        found = {symbol for entry in entries for symbol in entry.free_symbols}
        return sorted(found, key=lambda symbol: symbol.name)

    def _small(self, layer: int) -> int:
        return self.sizes[self._units(layer)]

    def _targets(self) -> Entries:
        """Return the targets; rows that the loss assumes to sum to 1 have their last entry say so."""
        targets = free_symbols("Y", SAMPLES, self._small(self.last))
        if self.network.loss_definition.assumes_simplex_targets:
            for row in targets:
                row[-1] = 1 - sp.Add(*row[:-1])
        return targets

    @cached_property
    def forward(self) -> dict[str, Entries]:
        """Pre-activations and activations of the window's layers, from the forward definitions."""
        arrays: dict[str, Entries] = {}
        outputs: dict[int, Rows] = {layer: list(self.given[self.activation_name(layer)]) for layer in self.incoming}
        stack = Stack(self.network, self.activated, _dot, ELEMENTARY["sqrt"], _exact)
        for layer in self.layers:
            drawn: tuple[Rows, ...] = tuple(list(self.given[name]) for name in self._masks(layer))
            drawn += tuple([list(self.given[name])] for name in self._constants(layer))
            masks = {layer: drawn} if drawn else {}
            before, outputs[layer] = stack.layer(layer, self.given, outputs, masks)
            arrays |= {f"Z{layer}": _array(before), self.activation_name(layer): _array(outputs[layer])}
        return arrays

    def activated(self, layer: int, before: Sequence[Rows], learned: Sequence[Row] = ()) -> Rows:
        """Return the activations of a layer, made of its pre-activations and what is learned."""
        activation = self.network.activations[layer - 1]
        assert activation is not None
        return [row_expressions(activation, *map(list, rows), *learned) for rows in zip(*before, strict=True)]

    @cached_property
    def scalar(self) -> sp.Expr:
        """The loss, or ⟨G, A⟩, as one expression in the symbols."""
        name = self.activation_name(self.last)
        final = (self.forward | self.given)[name]
        if not self.ends_in_loss:
            return sp.Add(*(final * self.given[self.cotangent]).flat) + self.penalty
        return self.loss_of(final) + self.penalty

    def loss_of(self, final: Rows | Entries) -> sp.Expr:
        """Return the loss of a prediction, penalties left out."""
        network, targets = self.network, self.given["Y"]
        of_row = loss_terms(network.loss_definition, _held, row_expressions, ignores=network.ignore_index is not None)
        weights = list(self.given.get("c", np.full(self._small(self.last), sp.Integer(1))))
        terms = [
            of_sample * weight * term
            for row, wanted, of_sample in zip(final, targets, self._weights, strict=True)
            for weight, term in zip(
                term_weights(network, weights, list(wanted)), of_row(list(row), list(wanted)), strict=True
            )
        ]
        if network.weighs_targets and network.reduction == "mean":
            scale = 1 / self._total_weight(weights)
        else:
            scale = sp.Integer(1) / divisor_of(network, self._samples, self._small(self.last))
        return scale * sp.Add(*terms)

    @property
    def _is_weighted(self) -> bool:
        """Whether samples' weights occur: in the loss, or in a penalty that is divided by their sum."""
        network, penalty = self.network, self.network.penalty_definition
        of_penalty = network.sample_weights == "weights" and penalty is not None and penalty.per_sample
        return of_penalty or (network.sample_weights != "none" and self.ends_in_loss)

    @property
    def _weights(self) -> Row:
        """Each sample's weight; 1 where they have none."""
        return list(self.given["omega"].flat) if self._is_weighted else [sp.Integer(1)] * SAMPLES

    @property
    def _samples(self) -> sp.Expr:
        return samples_of(self.network, sp.Integer(SAMPLES), self._weights)

    def _total_weight(self, weights: Row) -> sp.Expr:
        """Return the weight of all targets, with a label that is ignored the least weight at least."""
        total = target_total(self.network, weights, list(self.given["Y"]), self._weights)
        if self.network.ignore_index is None:
            return total
        least = _exact(min(self.network.class_weights, default=1.0))
        return ELEMENTARY["max"](least, total)

    def slope(self, wrt: str, entry: tuple[int, ...]) -> sp.Expr:
        """Return the scalar's derivative by one entry of the array called `wrt`, by SymPy's scalar rules."""
        return sp.diff(self.scalar, self.given[wrt][entry])

    @property
    def differentiated(self) -> Iterator[str]:
        """Names of the arrays whose gradients the equations must give: parameters, and activations that have any."""
        constants = {name for layer in self.layers for name in self._constants(layer)}
        first = min((parameter.layer for parameter in Layout.of(self.network).parameters), default=0)
        fixed = {self.activation_name(layer) for layer in self.incoming if layer < first}
        for name in self.given:
            if name not in {"X", "Y", "c", "omega", self.cotangent} | constants | fixed and name[0] not in "MSR":
                yield name


def free_symbols(name: str, *shape: int) -> Entries:
    """Return an array of symbols W1_0_0, W1_0_1, ..."""
    array = np.empty(shape, dtype=object)
    for index in np.ndindex(*shape):
        array[index] = sp.Symbol("_".join([name, *map(str, index)]), real=True)
    return array


def _held(expr: sp.Expr, variables: Sequence[sp.Symbol]) -> Callable[[Sequence[sp.Expr]], sp.Expr]:
    """Return an expression as a function that is held, of those variables that occur in it."""
    used = [place for place, variable in enumerate(variables) if variable in expr.free_symbols]
    function = held(expr, tuple(variables[place] for place in used))
    return lambda values: function(*(values[place] for place in used))


def _dot(left: Row, right: Row) -> sp.Expr:
    return sp.Add(*(one * other for one, other in zip(left, right, strict=True)))


def _exact(number: float) -> sp.Rational:
    """Return the number that a float's decimal digits spell."""
    return sp.Rational(repr(number))


def _array(rows: Rows) -> Entries:
    return np.array([list(row) for row in rows], dtype=object)


def tree_size(expr: sp.Basic) -> int:
    """Return the number of nodes of an expression as a tree, equal parts being counted as often as they occur."""
    sizes: dict[sp.Basic, int] = {}

    def size(part: sp.Basic) -> int:
        if part not in sizes:
            sizes[part] = 1 + sum(map(size, part.args))
        return sizes[part]

    return size(expr)


def windows(network: Network) -> list[Window]:
    """Return the windows that together hold every layer: the loss alone, the last layers with it, each other alone.

    The last two layers are taken together unless their scalar is too large to be differentiated as a tree.
    """
    depth = len(network.layers)
    tail = Window(network, max(1, depth - 1), depth)
    if len(tail.layers) > 1 and tree_size(tail.scalar) > MOST_NODES:
        tail = Window(network, depth, depth)
    others = [Window(network, layer, layer) for layer in range(1, tail.first)]
    return [Window(network, depth + 1, depth), tail, *others]
