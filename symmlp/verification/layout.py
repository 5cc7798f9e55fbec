"""Where each parameter lies in the flat vector theta, worked out from the network alone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from symmlp.catalog.activations import Activation
from symmlp.spec import Network
from symmlp.spec_layers import Activate, BatchNorm, Dense, Layer, LayerNorm, RMSNorm

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Parameter:
    """A weight matrix, a bias, a gain or a shift: its name, shape, layer (from 1) and first place in theta."""

    name: str
    shape: tuple[int, ...]
    layer: int
    start: int

    @property
    def size(self) -> int:
        """Number of entries."""
        return math.prod(self.shape)

    @property
    def stop(self) -> int:
        """The place in theta after the last entry."""
        return self.start + self.size

    @property
    def is_bias(self) -> bool:
        """Whether this is a vector b, not a matrix W."""
        return len(self.shape) == 1

    def entry(self, place: int) -> tuple[int, ...]:
        """Return the indices, from 0, of the entry at `place` in theta."""
        return tuple(int(index) for index in np.unravel_index(place - self.start, self.shape))


def pieces(activation: Activation) -> tuple[str, ...]:
    """Return what is appended to the names of the weights of each pre-activation: nothing, then _2, _3, ..."""
    return ("", *(f"_{place}" for place in range(2, len(activation.gates) + 2)))


def _shapes(layer: Layer, before: int, number: int) -> dict[str, tuple[int, ...]]:
    """Return the shapes of a layer's parameters by name, `before` being the number of its inputs."""
    match layer:
        case Dense():
            shapes: dict[str, tuple[int, ...]] = {}
            for piece in pieces(layer.definition):
                shapes[f"W{number}{piece}"] = (layer.units, before)
                if layer.bias:
                    shapes[f"b{number}{piece}"] = (layer.units,)
            return shapes | {f"{each.name}{number}": (layer.units,) for each in layer.definition.learned}
        case Activate():
            return {f"{each.name}{number}": (before,) for each in layer.definition.learned}
        case LayerNorm() | BatchNorm():
            return {f"g{number}": (before,), f"b{number}": (before,)}
        case RMSNorm():
            return {f"g{number}": (before,)}
        case _:
            return {}


@dataclass(frozen=True)
class Layout:
    """The parameters of a network in the order of theta: W1, b1, W2, ..."""

    parameters: tuple[Parameter, ...]

    @classmethod
    def of(cls, network: Network) -> Layout:
        """Return the layout of `network`."""
        parameters: list[Parameter] = []
        start = 0
        widths = network.widths
        for number, layer in enumerate(network.layers, start=1):
            for name, shape in _shapes(layer, widths[number - 1], number).items():
                parameters.append(Parameter(name, shape, number, start))
                start = parameters[-1].stop
        return cls(tuple(parameters))

    @property
    def count(self) -> int:
        """Number of entries of theta, P."""
        return self.parameters[-1].stop

    def parameter_at(self, place: int) -> Parameter:
        """Return the parameter that the entry of theta at `place` belongs to."""
        return next(parameter for parameter in self.parameters if place < parameter.stop)

    def views(self, theta: Array) -> dict[str, Array]:
        """Return the parameters in `theta` by name, as views of their shapes."""
        return {part.name: theta[part.start : part.stop].reshape(part.shape) for part in self.parameters}
