"""Random points to compare at: all arrays of a derivation, computed by its own equations, away from kinks."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from symmlp.calculus.functions import ElementFunction
from symmlp.calculus.matrix_form import PRIME, MatrixForm
from symmlp.calculus.numeric import evaluate
from symmlp.checking.evaluating import Array, Evaluator
from symmlp.checking.functions import Functions
from symmlp.derivation import Derivation
from symmlp.errors import SymmlpError
from symmlp.matrix import Call, Shape, Var, walk

POINTS = 4
ATTEMPTS = 24
CLEAR = 1e-5
"""A point whose nearest kink is farther away is taken at once; comparing formulas needs no more than rounding."""

MAX_PARAMETERS = 5_000_000

_OUTPUTS = ((1.0, None), (0.5, 1.5), (0.1, 0.5), (0.1, -0.5), (0.02, 0.2))
"""Spread of the last layer's weights and centre of its bias: where a loss of a user's may need its predictions."""


@dataclass(frozen=True)
class Point:
    """The value of every array at one draw; `distance` is that of the nearest kink."""

    arrays: dict[str, Array]
    samples: int
    distance: float = math.inf


def batch_sizes(derivation: Derivation) -> tuple[int, int]:
    """Return two primes from 5 on that are no layer's size: with them, N is told apart from every other number."""
    taken = {size for shape in derivation.graph.shapes.values() for size in shape}
    free = (n for n in itertools.count(5) if n not in taken and all(n % d for d in range(2, math.isqrt(n) + 1)))
    return next(free), next(free)


class Drawing:
    """The points of one derivation, by their numbers; each is computed once, whichever gradient it is asked for."""

    def __init__(self, derivation: Derivation, functions: Functions) -> None:
        """Draw for `derivation`, whose functions are `functions`."""
        self.derivation = derivation
        self.functions = functions
        self._drawn: dict[tuple[int, int, int], Point | None] = {}

    def point(self, samples: int, number: int, attempt: int) -> Point | None:
        """Return a point with all its arrays, or None where one of them is not finite."""
        key = samples, number, attempt
        if key not in self._drawn:
            drawn = _drawn(self.derivation, samples, (number, attempt))
            self._drawn[key] = _completed(self.derivation, self.functions, drawn)
        return self._drawn[key]


def draw_points(drawing: Drawing, gradient: str) -> tuple[Point, ...]:
    """Return the points that a candidate for `gradient` is compared at, half of them with each batch size.

    Raises:
        SymmlpError: the network is too large, or its loss is not real at any point.
    """
    graph = drawing.derivation.graph
    entries = sum(math.prod(size for size in graph.shapes[name] if isinstance(size, int)) for name in graph.parameters)
    if entries > MAX_PARAMETERS:
        raise SymmlpError(f"spec: {entries} parameters are too many to check with; expected at most {MAX_PARAMETERS}")
    sizes = itertools.cycle(batch_sizes(drawing.derivation))
    return tuple(_point(drawing, gradient, next(sizes), number) for number in range(POINTS))


def _point(drawing: Drawing, gradient: str, samples: int, number: int) -> Point:
    """Return the first point that is clear of kinks, or else the one that is farthest from them."""
    best: Point | None = None
    for attempt in range(ATTEMPTS):
        point = drawing.point(samples, number, attempt)
        if point is None or (not np.any(point.arrays[gradient]) and attempt < ATTEMPTS - len(_OUTPUTS)):
            continue
        if best is None or point.distance > best.distance:
            best = point
        if best.distance > CLEAR:
            return best
    if best is None:
        raise SymmlpError(f"spec: loss and gradient are not real at any of {ATTEMPTS} random points")
    return best


def _drawn(derivation: Derivation, samples: int, seed: tuple[int, int]) -> Point:
    """Return parameters, inputs and targets: pre-activations near 1, no bias near zero."""
    generator = np.random.Generator(np.random.PCG64(seed))
    attempt = seed[1]
    spread, centre = _OUTPUTS[attempt % len(_OUTPUTS)]
    graph, last = derivation.graph, f"{len(derivation.network.layers)}"
    arrays = {}
    for name in graph.parameters:
        shape = _sized(graph.shapes[name], samples)
        own_spread = (spread if name == f"W{last}" else 1.0) * 0.7 ** (attempt // len(_OUTPUTS))
        arrays[name] = _parameter(generator, name, shape, own_spread, centre if name == f"b{last}" else None)
    for name, dropped, kept in (array for mask in graph.masks for array in mask.arrays):
        arrays[name] = generator.choice([dropped, kept], size=_sized(graph.shapes[name], samples))
    for name, values in graph.constants.items():
        arrays[name] = np.reshape(values, _sized(graph.shapes[name], samples))
    if weights := graph.sample_weights:
        arrays[weights] = generator.uniform(0.5, 1.5, size=_sized(graph.shapes[weights], samples))
    inputs, targets = graph.inputs, graph.targets
    arrays[inputs] = generator.normal(size=_sized(graph.shapes[inputs], samples))
    arrays[targets] = _targets(derivation, generator, _sized(graph.shapes[targets], samples), attempt)
    return Point(arrays, samples)


def _sized(shape: Shape, samples: int) -> tuple[int, ...]:
    return tuple(size if isinstance(size, int) else samples for size in shape)


def _parameter(
    generator: np.random.Generator, name: str, shape: tuple[int, ...], spread: float, centre: float | None
) -> Array:
    if name.startswith("W"):
        return generator.normal(scale=spread / math.sqrt(shape[1]), size=shape)
    if centre is not None:
        return generator.uniform(0.8, 1.2, size=shape) * centre
    return np.asarray(generator.uniform(0.1, 0.6, size=shape) * generator.choice([-1.0, 1.0], size=shape))


def _targets(derivation: Derivation, generator: np.random.Generator, shape: tuple[int, ...], attempt: int) -> Array:
    """Return targets that the loss accepts: for classes, probabilities that sum to 1 for each sample."""
    definition = derivation.network.loss_definition
    kinds = ("real", "unit interval", "nonnegative", "signs") if definition.from_user else (definition.targets,)
    match kinds[attempt % len(kinds)]:
        case "classes":
            return _probabilities(generator, shape, columns=derivation.layout == "sample")
        case "unit interval":
            return generator.uniform(0.05, 0.95, size=shape)
        case "nonnegative":
            return generator.uniform(0.2, 3.0, size=shape)
        case "nonzero":
            return np.asarray(generator.uniform(0.2, 3.0, size=shape) * generator.choice([-1.0, 1.0], size=shape))
        case "signs":
            return np.asarray(generator.choice([-1.0, 1.0], size=shape))
        case _:
            return generator.normal(size=shape)


def _probabilities(generator: np.random.Generator, shape: tuple[int, ...], *, columns: bool) -> Array:
    rows = generator.dirichlet(np.ones(shape[0 if columns else 1]), size=1 if columns else shape[0])
    return rows.T if columns else rows


def _completed(derivation: Derivation, functions: Functions, drawn: Point) -> Point | None:
    """Return the point with every other array, or None where one of them is not finite."""
    arrays = dict(drawn.arrays)
    evaluator = Evaluator(arrays, drawn.samples, functions)
    for equation in derivation.computed:
        arrays[equation.target] = evaluator.value(equation.value)
        if not np.all(np.isfinite(arrays[equation.target])):
            return None
    with np.errstate(all="ignore"):
        distances = _distances(derivation, functions, arrays, drawn.samples)
        return replace(drawn, arrays=arrays, distance=min(distances, default=math.inf))


def _distances(derivation: Derivation, functions: Functions, arrays: dict[str, Array], samples: int) -> Iterator[float]:
    """Yield how far the arguments of each call in an equation are from the function's kinks."""
    evaluator = Evaluator(arrays, samples, functions)
    equations = derivation.computed
    calls = {part for each in equations for part in walk(each.value) if isinstance(part, Call)}
    for call in sorted(calls, key=repr):
        function = functions.function(call.function.removesuffix(PRIME))
        if isinstance(function, ElementFunction) and len(function.variables) == len(call.arguments):
            yield from _to_kinks(function, [evaluator.value(argument) for argument in call.arguments])


def _to_kinks(function: ElementFunction, values: list[Array]) -> Iterator[float]:
    names = {symbol: Var(symbol.name, ()) for symbol in function.variables}
    given = {symbol.name: value for symbol, value in zip(function.variables, values, strict=True)}
    for switch in function.switches:
        node = MatrixForm({}, {}, names=names).of(switch, None, None)
        yield float(np.min(np.abs(evaluate(node, given))))
