"""Random points to check at: parameters, inputs and targets that the loss is defined for, away from kinks."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import mpmath
import numpy as np

from symmlp.spec import Network
from symmlp.spec_layers import AlphaDropout, Dropout, GaussianDropout, GaussianNoise, RandomizedReLU
from symmlp.verification.evaluation import Evaluation, NotRealError, Number
from symmlp.verification.layout import Array, Layout
from symmlp.verification.reference import NO_WEIGHTS, Definitions, Reference
from symmlp.verification.stack import Rows

Targets = Literal["labels", "probabilities", "unit interval", "real", "positive", "nonzero", "signs"]

ATTEMPTS = 24
CLEAR = 1e-3
"""A point whose nearest kink is farther away than this is taken at once."""

DRAWN_ONCE = (Dropout, GaussianDropout, GaussianNoise, RandomizedReLU)
"""Layers for which one array is drawn."""

LARGEST = 5.0
"""Magnitude that no pre-activation exceeds."""

OPERATIONS_A_CHOICE = 3_000_000
"""Multiplications spent on looking for a better point; large networks make do with the first that the loss accepts."""


@dataclass(frozen=True)
class Sample:
    """A point: theta (P,), X (N, D), Y, masks by layer, weights of samples, and the distance of the nearest kink.

    Every number is a float32, so modules of either precision are given exactly the same point.
    """

    theta: Array
    inputs: Array
    targets: Array
    kind: Targets
    distance: float = math.inf
    masks: Mapping[int, tuple[Array, ...]] = field(default_factory=dict)
    weights: Array = field(default_factory=lambda: NO_WEIGHTS)

    def dense_targets(self, units: int) -> Array:
        """Return the targets as (N, K): labels become rows with a single 1."""
        return np.eye(units)[self.targets] if self.kind == "labels" else self.targets

    def first(self, samples: int) -> Sample:
        """Return the same point with only the first few samples."""
        masks = {number: tuple(array[:samples] for array in arrays) for number, arrays in self.masks.items()}
        inputs, targets, weights = (each[:samples] for each in (self.inputs, self.targets, self.weights))
        return replace(self, inputs=inputs, targets=targets, weights=weights, masks=masks)

    def as_labels(self) -> Sample:
        """Return the same point with each row's largest probability made its label."""
        return replace(self, targets=self.targets.argmax(axis=1), kind="labels")


def batch_size(network: Network) -> int:
    """Return the first size from 5 on that is no layer's, so that a mixed-up axis changes a shape."""
    taken = set(network.widths)
    return next(size for size in itertools.count(5) if size not in taken)


def draw_sample(network: Network, seed: int) -> Sample:
    """Return a point at which the loss is a finite real number, the farthest from a kink of some.

    Raises:
        NotRealError: none of the points tried has a real loss.
        UnsupportedError: a definition holds a function for which there is no arithmetic.
    """
    near = _Nearest()
    definitions = Definitions.of(network, Evaluation(mpmath.fp, near.watch))
    cost = Layout.of(network).count * batch_size(network)
    best: Sample | None = None
    for number, drawn in enumerate(_candidates(network, seed), start=1):
        candidate = _settled(definitions, drawn)
        distance = _distance(definitions, near, candidate)
        if distance is not None and (best is None or distance > best.distance):
            best = replace(candidate, distance=distance)
        if best is not None and (best.distance > CLEAR or number * cost > OPERATIONS_A_CHOICE):
            break
    if best is None:
        raise NotRealError(f"the loss is not real at any of {ATTEMPTS} random points")
    return best


def _settled(definitions: Definitions, sample: Sample) -> Sample:
    """Return the sample with the parameters of a layer scaled down where a pre-activation would exceed LARGEST.

    Activations such as exp(x) make each other's inputs large; a saturated sigmoid then leaves 1 - p few digits, and
    errors are the point's, not the module's.
    """
    theta = sample.theta.copy()
    layout = Layout.of(definitions.network)
    views, outputs = layout.views(theta), {0: sample.inputs.tolist()}
    masks = {number: tuple(array.tolist() for array in arrays) for number, arrays in sample.masks.items()}
    for number in range(1, len(definitions.network.layers) + 1):
        own = {each.name: views[each.name] for each in layout.parameters if each.layer == number}
        for name, weights in own.items():
            if weights.ndim == 2:
                bias = own.get(f"b{name[1:]}")
                _scale_down(outputs[number - 1], [weights] if bias is None else [weights, bias])
        try:
            values = {name: view.tolist() for name, view in own.items()}
            outputs[number] = definitions.stack.layer(number, values, outputs, masks)[1]
        except (ArithmeticError, TypeError, ValueError):
            return sample
    return replace(sample, theta=theta)


def _scale_down(inputs: Rows, own: list[Array]) -> None:
    """Halve weights and bias in place until no pre-activation exceeds LARGEST."""
    weights, *bias = own
    largest = float(np.abs(np.array(inputs, dtype=float) @ weights.T + (bias[0] if bias else 0.0)).max())
    if largest > LARGEST:
        for array in own:
            # A power of 2: the numbers stay float32s.
            array *= 2.0 ** math.floor(math.log2(LARGEST / largest))


class _Nearest:
    """Keeps the smallest distance that it is told of."""

    def __init__(self) -> None:
        self.distance = math.inf

    def watch(self, distance: Number) -> None:
        self.distance = min(self.distance, float(distance))


def _distance(definitions: Definitions, near: _Nearest, sample: Sample) -> float | None:
    """Return the distance of the nearest kink, or None where the loss is not real."""
    near.distance = math.inf
    targets = sample.dense_targets(definitions.network.outputs)
    try:
        Reference.at(definitions, sample.theta, sample.inputs, targets, sample.masks, sample.weights).loss()
    except NotRealError:
        return None
    return near.distance


def _candidates(network: Network, seed: int) -> Iterator[Sample]:
    """Yield points: plain ones first, then ones whose outputs lie where a user's loss may need them."""
    kinds, outputs = _kinds(network), [(1.0, None), (0.5, 1.5), (0.1, 0.5), (0.1, -0.5)]
    for number in range(ATTEMPTS):
        generator = np.random.Generator(np.random.PCG64([seed, number]))
        kind = kinds[number % len(kinds)]
        spread, centre = outputs[number // len(kinds) % len(outputs)]
        theta, samples = _theta(network, generator, spread, centre), batch_size(network)
        inputs = generator.normal(size=(samples, network.inputs))
        targets = _targets(kind, generator, (samples, network.outputs))
        masks = _masks(network, generator, samples)
        weights = generator.uniform(0.5, 1.5, size=samples if network.sample_weights != "none" else 0)
        yield Sample(_as_float32(theta), _as_float32(inputs), targets, kind, masks=masks, weights=_as_float32(weights))


def _kinds(network: Network) -> tuple[Targets, ...]:
    definition = network.loss_definition
    if definition.targets == "classes":
        return ("probabilities",)
    if definition.targets in _KINDS:
        return (_KINDS[definition.targets],)
    return ("real", "unit interval", "positive", "signs") if definition.from_user else ("real",)


_KINDS: dict[str, Targets] = {
    "unit interval": "unit interval",
    "nonnegative": "positive",
    "nonzero": "nonzero",
    "signs": "signs",
}
"""Targets that a loss of the catalogue is defined for; zero, where it is one of them, is too special for a check."""


def _theta(network: Network, generator: np.random.Generator, spread: float, centre: float | None) -> Array:
    """Return theta: weights keep pre-activations near 1, no bias is near zero; `centre` is the last layer's bias."""
    parts = []
    for parameter in Layout.of(network).parameters:
        last = parameter.layer == len(network.layers)
        if not parameter.is_bias:
            scale = (spread if last else 1.0) / math.sqrt(parameter.shape[1])
            parts.append(generator.normal(scale=scale, size=parameter.size))
        elif last and centre is not None:
            parts.append(generator.uniform(0.8, 1.2, size=parameter.size) * centre)
        else:
            parts.append(generator.uniform(0.1, 0.6, size=parameter.size) * generator.choice([-1, 1], parameter.size))
    return np.concatenate(parts)


def _masks(network: Network, generator: np.random.Generator, samples: int) -> dict[int, tuple[Array, ...]]:
    """Return random masks: any numbers will do for a derivative, so none is zero and all differ."""
    masks = {}
    for number, layer in enumerate(network.layers, start=1):
        count = 2 if isinstance(layer, AlphaDropout) else int(isinstance(layer, DRAWN_ONCE))
        shape = (samples, network.widths[number])
        if count:
            masks[number] = tuple(_as_float32(generator.uniform(0.5, 1.5, size=shape)) for _ in range(count))
    return masks


def _targets(kind: Targets, generator: np.random.Generator, shape: tuple[int, int]) -> Array:
    match kind:
        case "probabilities":
            # Multiples of 1/1024: their rows sum to 1 exactly, in float32 too.
            return generator.multinomial(1024, generator.dirichlet(np.ones(shape[1]), size=shape[0])) / 1024
        case "unit interval":
            return _as_float32(generator.uniform(0.05, 0.95, size=shape))
        case "positive":
            return _as_float32(generator.uniform(0.2, 3.0, size=shape))
        case "nonzero":
            sizes = generator.uniform(0.2, 3.0, size=shape)
            return _as_float32(sizes * generator.choice([-1.0, 1.0], size=shape))
        case "signs":
            return generator.choice([-1.0, 1.0], size=shape)
        case _:
            return _as_float32(generator.normal(size=shape))


def _as_float32(values: Array) -> Array:
    return values.astype(np.float32).astype(np.float64)
