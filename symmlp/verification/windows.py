"""Some consecutive layers of a network at small sizes, their scalar loss written out from the forward definitions.

A window that ends in the network's loss has that loss; any other has ⟨G, A⟩ with a free cotangent G of its last
activations, whose derivatives are what the backward equations give. Sizes that differ in the network differ in the
window.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import sympy as sp

from symmlp.catalog.losses import p, y
from symmlp.matrix import Size
from symmlp.spec import Network
from symmlp.verification.expansion import Entries
from symmlp.verification.held import held
from symmlp.verification.reference import weight_of_entry
from symmlp.verification.rows import row_expressions

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
        """Small size of the batch and of each actual number of units; N is 2, and never equals another."""
        sizes: dict[Size, int] = {"N": SAMPLES}
        # From the output on: the number of outputs multiplies the loss's terms, so it gets the smallest size.
        for layer in range(self.last, self.first - 2, -1):
            actual = self._units(layer)
            small = 1 if actual == 1 else SMALLEST + sum(size > SAMPLES for size in sizes.values())
            sizes.setdefault(actual, small)
        return sizes

    def activation_name(self, layer: int) -> str:
        """Return what equations call the activations of a layer: X, A1, ..., P."""
        return "X" if layer == 0 else "P" if layer == len(self.network.layers) else f"A{layer}"

    def _units(self, layer: int) -> int:
        return self.network.inputs if layer == 0 else self.network.layers[layer - 1].units

    @cached_property
    def given(self) -> dict[str, Entries]:
        """Arrays of free symbols: the window's inputs, its parameters, and the targets or the cotangent at its end."""
        incoming = self.activation_name(self.first - 1)
        arrays = {incoming: self._symbols(incoming, SAMPLES, self._small(self.first - 1))}
        for layer in self.layers:
            units, before = self._small(layer), self._small(layer - 1)
            arrays[f"W{layer}"] = self._symbols(f"W{layer}", units, before)
            if self.network.layers[layer - 1].bias:
                arrays[f"b{layer}"] = self._symbols(f"b{layer}", units)
        if self.ends_in_loss:
            arrays["Y"] = self._targets()
        else:
            arrays[self.cotangent] = self._symbols(self.cotangent, SAMPLES, self._small(self.last))
        return arrays

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

    def _symbols(self, name: str, *shape: int) -> Entries:
        array = np.empty(shape, dtype=object)
        for index in np.ndindex(*shape):
            array[index] = sp.Symbol("_".join([name, *map(str, index)]), real=True)
        return array

    def _targets(self) -> Entries:
        """Return the targets; rows that the loss assumes to sum to 1 have their last entry say so."""
        targets = self._symbols("Y", SAMPLES, self._small(self.last))
        if self.network.loss_definition.assumes_simplex_targets:
            for row in targets:
                row[-1] = 1 - sp.Add(*row[:-1])
        return targets

    @cached_property
    def forward(self) -> dict[str, Entries]:
        """Pre-activations and activations of the window's layers, from the forward definitions."""
        arrays: dict[str, Entries] = {}
        current = self.given[self.activation_name(self.first - 1)]
        for layer in self.layers:
            before = self._dense(layer, current)
            activation = self.network.activations[layer - 1]
            current = np.array([row_expressions(activation, list(row)) for row in before], dtype=object)
            arrays |= {f"Z{layer}": before, self.activation_name(layer): current}
        return arrays

    def _dense(self, layer: int, inputs: Entries) -> Entries:
        weights, bias = self.given[f"W{layer}"], self.given.get(f"b{layer}")
        result = np.empty((len(inputs), len(weights)), dtype=object)
        for sample, unit in np.ndindex(*result.shape):
            terms = [weight * entry for weight, entry in zip(weights[unit], inputs[sample], strict=True)]
            result[sample, unit] = sp.Add(*terms, *([] if bias is None else [bias[unit]]))
        return result

    @cached_property
    def scalar(self) -> sp.Expr:
        """The loss, or ⟨G, A⟩, as one expression in the symbols."""
        name = self.activation_name(self.last)
        final = (self.forward | self.given)[name]
        if not self.ends_in_loss:
            return sp.Add(*(final * self.given[self.cotangent]).flat)
        entry_loss = held(self.network.loss_definition.value, (p, y))
        pairs = zip(final.flat, self.given["Y"].flat, strict=True)
        terms = [entry_loss(predicted, wanted) for predicted, wanted in pairs]
        return weight_of_entry(self.network, SAMPLES, self._small(self.last)) * sp.Add(*terms)

    def slope(self, wrt: str, entry: tuple[int, ...]) -> sp.Expr:
        """Return the scalar's derivative by one entry of the array called `wrt`, by SymPy's scalar rules."""
        return sp.diff(self.scalar, self.given[wrt][entry])

    @property
    def differentiated(self) -> Iterator[str]:
        """Names of the arrays whose gradients the equations must give: parameters, and inputs that are activations."""
        for name in self.given:
            if name not in ("X", "Y", self.cotangent):
                yield name


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
