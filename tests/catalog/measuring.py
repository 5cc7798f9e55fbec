"""How accurate a catalogued function is: its floating-point value and slope against 160-bit arithmetic, in ulp."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Any

import mpmath
import numpy as np
import sympy as sp

from symmlp.calculus.accuracy import compiled
from symmlp.calculus.exact import exact
from symmlp.calculus.functions import ElementFunction
from symmlp.calculus.numeric import evaluate
from symmlp.catalog.activations import TABLE as ACTIVATIONS
from symmlp.catalog.activations import x
from symmlp.catalog.losses import TABLE as LOSSES
from symmlp.catalog.losses import p, y

Array = np.ndarray[Any, Any]
Point = tuple[float, ...]

ROOT_FLOOR = 2.0**-6
"""Errors of a slope are relative to at least this: next to a root of the slope no formula keeps its last digits."""

TARGETS: Mapping[str, Sequence[float]] = {
    "real": (-2.5, 0.0, 0.75, 100.0),
    "unit interval": (0.0, 0.375, 1.0),
    "classes": (0.0, 1.0),
    "nonnegative": (0.0, 0.5, 3.0),
    "nonzero": (-2.5, 0.75),
    "signs": (-1.0, 1.0),
}
"""Targets of each kind, exact in float32."""


@dataclass(frozen=True)
class Worst:
    """The largest error in units in the last place, and where it is."""

    ulps: float
    at: Point


@dataclass(frozen=True)
class Measured:
    """A catalogued function and the points it is measured at."""

    function: ElementFunction
    points: tuple[Point, ...]

    def worst(self, *, slope: bool, dtype: type, floor: float = 0.0) -> Worst:
        """Return the largest error of the value, or of the slope, in `dtype`; infinite for NaN or a wrong infinity."""
        form = self.function.slope_form if slope else self.function.value_form
        points = self.rounded(dtype)
        found = self.computed(slope=slope, dtype=dtype)
        errors = [
            _ulps(float(each), _exact(form.derived or form.formula, self.function.variables, point), dtype, floor)
            for each, point in zip(found, points, strict=True)
        ]
        at = int(np.argmax([np.inf if np.isnan(error) else error for error in errors]))
        return Worst(errors[at], points[at])

    def computed(self, *, slope: bool, dtype: type) -> Array:
        """Return what the stable form gives at the points; floating-point warnings are the caller's to judge."""
        form = self.function.stable_derivative if slope else self.function.stable_value
        variables = self.function.variables
        columns: Array = np.array(self.rounded(dtype), dtype=dtype).T
        with np.errstate(all="ignore"):
            found = evaluate(compiled(form, variables), {v.name: c for v, c in zip(variables, columns, strict=True)})
        return np.broadcast_to(np.asarray(found, dtype=dtype), columns[0].shape)

    def rounded(self, dtype: type) -> list[Point]:
        """Return the points as `dtype` has them, without those that it cannot hold."""
        limit = float(np.finfo(dtype).max)
        kept = [point for point in self.points if all(abs(each) < limit for each in point)]
        return [tuple(float(dtype(each)) for each in point) for point in kept]


def _exact(expr: sp.Expr, variables: Sequence[sp.Symbol], point: Point) -> Any:
    return exact(expr, {variable.name: each for variable, each in zip(variables, point, strict=True)})


def _ulps(found: float, expected: Any, dtype: type, floor: float) -> float:
    """Return the error in units in the last place; a subnormal result is compared with 64 of the smallest."""
    limits = np.finfo(dtype)
    if mpmath.isnan(expected):
        return 0.0
    if abs(expected) > float(limits.max):
        return 0.0 if abs(found) >= float(limits.max) else np.inf
    if not np.isfinite(found):
        return np.inf
    size = max(abs(float(expected)), floor)
    unit = max(float(np.spacing(dtype(size))), 64 * float(limits.smallest_subnormal))
    return float(abs(mpmath.mpf(found) - expected) / unit)


def grid(count: int, seed: int = 0) -> tuple[float, ...]:
    """Return `count` hostile points: half uniform on [-40, 40], half of size 10^[-12, 2.85], of both signs."""
    rng = np.random.default_rng([seed, 11])
    uniform = rng.uniform(-40, 40, size=count // 2)
    sizes = 10 ** rng.uniform(-12, 2.85, size=count - count // 2) * rng.choice([-1, 1], size=count - count // 2)
    return tuple(float(each) for each in np.concatenate([uniform, sizes, [0.0]]))


def predictions(name: str, points: Iterable[float]) -> list[float]:
    """Return those of the points at which the catalogued loss is defined, moved to where it is if they are not."""
    accepts = LOSSES[name].accepts
    if "real" in accepts:
        return list(points)
    positive = [abs(point) for point in points if point]
    return positive if "positive" in accepts else [point % 1 or 0.5 for point in positive]


@cache
def activation(name: str, count: int) -> Measured:
    """Return a catalogued activation on `count` points."""
    function = ElementFunction.derive(name, ACTIVATIONS[name].value, (x,), care="quick")
    return Measured(function, tuple((point,) for point in grid(count)))


@cache
def loss(name: str, count: int) -> Measured:
    """Return a catalogued loss on about `count` points, the targets being some of those that it accepts."""
    entry = LOSSES[name]
    targets = TARGETS[entry.targets]
    function = ElementFunction.derive(name, entry.value, (p, y), care="quick")
    points = product(predictions(name, grid(count // len(targets))), targets)
    return Measured(function, tuple(points))


ENTRIES = [
    ("activation", name)
    for name, entry in ACTIVATIONS.items()
    if entry.acts_on == "entry" and len(entry.variables) == 1
]
ENTRIES += [("loss", name) for name, entry in LOSSES.items() if not entry.totals]
"""Every entrywise function of the catalogue, by kind and name."""


def measured(kind: str, name: str, count: int) -> Measured:
    """Return a catalogued function on `count` points."""
    return activation(name, count) if kind == "activation" else loss(name, count)
