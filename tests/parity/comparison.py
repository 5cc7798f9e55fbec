"""What "the same loss and the same gradient" means, stated once and without any framework."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from symmlp.generation import generate
from symmlp.spec import Network
from symmlp.spec_layers import Activate, BatchNorm, Dense, Layer, LayerNorm, RMSNorm

Array = np.ndarray[Any, np.dtype[Any]]

TOLERANCE = 1e-12
"""Largest accepted relative error in float64; rounding leaves about 1e-15."""

SMALLEST = 1e-300
"""Divides a difference from a gradient that is exactly zero: such a gradient must be met exactly."""


def framework(name: str) -> Any:
    """Return the imported module `name`; a missing one skips the tests, or fails them under `make parity`."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        if os.environ.get("SYMMLP_PARITY") == "1":
            raise
        pytest.skip(f"{name} is not installed; `make parity` installs it", allow_module_level=True)


@dataclass(frozen=True)
class Result:
    """A loss and its gradient by parameter, in the order W1, b1, W2, ..., each with the parameter's shape."""

    loss: float
    gradients: dict[str, Array]


@dataclass(frozen=True)
class Agreement:
    """Relative errors of a loss and of every parameter's gradient."""

    loss: float
    gradients: dict[str, float]

    @property
    def worst(self) -> tuple[str, float]:
        """The parameter with the largest error, and that error; NaN is larger than everything."""
        return max(self.gradients.items(), key=lambda item: np.inf if np.isnan(item[1]) else item[1])

    @property
    def holds(self) -> bool:
        """Whether no error exceeds the tolerance; NaN does."""
        return all(error <= TOLERANCE for error in (self.loss, *self.gradients.values()))


def relative_error(found: Array | float, reference: Array | float) -> float:
    """Return max |found - reference| / max(1e-300, max |reference|); NaN if either holds one.

    Raises:
        ValueError: the shapes differ.
    """
    found, reference = np.asarray(found), np.asarray(reference)
    if found.shape != reference.shape:
        raise ValueError(f"shape {found.shape} is compared with {reference.shape}")
    return float(np.max(np.abs(found - reference)) / max(SMALLEST, float(np.max(np.abs(reference)))))


def agreement(loss: float, gradient: Array, reference: Result) -> Agreement:
    """Return how far a loss and a flat gradient are from the reference, parameter by parameter.

    Raises:
        ValueError: the gradient has another number of entries than the reference.
    """
    sizes = [part.size for part in reference.gradients.values()]
    if gradient.shape != (sum(sizes),):
        raise ValueError(f"gradient of shape {gradient.shape} is compared with {sum(sizes)} parameters")
    parts = np.split(gradient, np.cumsum(sizes)[:-1])
    errors = {
        name: relative_error(part.reshape(expected.shape), expected)
        for part, (name, expected) in zip(parts, reference.gradients.items(), strict=True)
    }
    return Agreement(relative_error(loss, reference.loss), errors)


def generated_module(network: Network, folder: Path) -> Any:
    """Return the float64 training module of `network`, imported from a file in `folder` as a user would."""
    path = folder / f"net_{network.digest()[:16]}.py"
    path.write_text(generate(network, dtype="float64"), encoding="utf-8")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def parameters(network: Network, theta: Array) -> dict[str, Array]:
    """Return the named parameters in theta, laid out from the spec alone: W1 (out, in), b1 (out,), W2, ..."""
    named, start, fan_in = {}, 0, network.inputs
    for number, layer in enumerate(network.layers, start=1):
        for name, shape in _shapes(layer, number, fan_in).items():
            named[name] = theta[start : start + int(np.prod(shape))].reshape(shape)
            start += named[name].size
        fan_in = network.widths[number]
    if start != theta.size:
        raise ValueError(f"theta has {theta.size} entries, the network {start} parameters")
    return named


def _shapes(layer: Layer, number: int, fan_in: int) -> dict[str, tuple[int, ...]]:
    """Return the shapes of a layer's parameters: W, b, then those of each gate, then what is learned for each unit."""
    shapes: dict[str, tuple[int, ...]] = {}
    match layer:
        case Dense(units=units, definition=definition):
            for piece in ("", "_2", "_3")[: 1 + len(definition.gates)]:
                shapes[f"W{number}{piece}"] = (units, fan_in)
                if layer.bias:
                    shapes[f"b{number}{piece}"] = (units,)
            shapes |= {f"{each.name}{number}": (units,) for each in definition.learned}
        case Activate(definition=definition):
            shapes = {f"{each.name}{number}": (fan_in,) for each in definition.learned}
        case LayerNorm() | BatchNorm():
            shapes = {f"g{number}": (fan_in,), f"b{number}": (fan_in,)}
        case RMSNorm():
            shapes = {f"g{number}": (fan_in,)}
    return shapes
