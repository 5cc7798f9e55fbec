"""How accurate the catalogue's functions are as code computes them, and the exact values they are held against.

An exact value is the forward definition evaluated by mpmath; an exact slope is its central difference with as many
digits as make the difference exact to any float. No derivative of the package takes part, and no stable form.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import mpmath
import numpy as np
import sympy as sp
from mpmath import mp, mpf

from symmlp.calculus.functions import ElementFunction
from symmlp.catalog.activations import TABLE as ACTIVATIONS
from symmlp.catalog.activations import x
from symmlp.catalog.losses import TABLE as LOSSES
from symmlp.catalog.losses import Loss, p, y
from symmlp.printing.numpy import width_of
from symmlp.program import passes
from symmlp.program.lowering import lower_function
from symmlp.render import render_elementwise
from tests.calculus.precise import value as precise

COUNT = 1300
FLOOR = 2.0**-6
"""Near a root the error is measured against this magnitude: there the last bits of the argument already decide."""

NEAR = 0.5
Point = dict[str, float]


@dataclass(frozen=True)
class Entry:
    """A function of the catalogue in one of its variables: the definition, the variable, and what each may be given."""

    name: str
    value: sp.Expr
    variables: tuple[sp.Symbol, ...]
    draw: Callable[[np.random.Generator, int], dict[str, np.ndarray[Any, Any]]]

    @property
    def wrt(self) -> str:
        """The variable of the slope."""
        return str(self.variables[0])


@dataclass(frozen=True)
class Worst:
    """The largest error in units in the last place, and the point it is at."""

    ulps: float
    at: Point


def line(rng: np.random.Generator, count: int) -> np.ndarray[Any, Any]:
    """Return numbers that are evenly spread over [-40, 40] and, as many, logarithmically over ±[1e-12, 10^2.85]."""
    half = count // 2
    signs = rng.choice([-1.0, 1.0], count - half)
    return np.concatenate([rng.uniform(-40, 40, half), signs * 10 ** rng.uniform(-12, 2.85, count - half)])


def _probabilities(rng: np.random.Generator, count: int) -> np.ndarray[Any, Any]:
    third = count // 3
    small = 10 ** rng.uniform(-12, -1, third)
    return np.concatenate([rng.uniform(0.001, 0.999, count - 2 * third), small, 1 - 10 ** rng.uniform(-6, -1, third)])


def _of_activation(variables: Sequence[sp.Symbol]) -> Callable[[np.random.Generator, int], Any]:
    def draw(rng: np.random.Generator, count: int) -> dict[str, np.ndarray[Any, Any]]:
        return {
            symbol.name: line(rng, count) if not at else rng.permutation(line(rng, count))
            for at, symbol in enumerate(variables)
        }

    return draw


def _of_loss(entry: Loss) -> Callable[[np.random.Generator, int], Any]:
    def draw(rng: np.random.Generator, count: int) -> dict[str, np.ndarray[Any, Any]]:
        predictions = line(rng, count)
        if "real" not in entry.accepts:
            positive = "positive" in entry.accepts
            predictions = np.abs(predictions) if positive else _probabilities(rng, count)
        if entry.accepts == ("log simplex",):
            predictions = -np.abs(predictions)
        targets = {
            "real": rng.uniform(-3, 3, count),
            "unit interval": _probabilities(rng, count),
            "classes": _probabilities(rng, count),
            "nonnegative": rng.integers(0, 9, count).astype(float),
            "nonzero": rng.choice([-1.0, 1.0], count) * rng.uniform(0.5, 3, count),
            "signs": rng.choice([-1.0, 1.0], count),
        }[entry.targets]
        return {"p": predictions, "y": targets}

    return draw


def entries() -> Iterator[Entry]:
    """Yield every elementwise function of the catalogue, once for each variable that it has a slope in."""
    for name, row in ACTIVATIONS.items():
        if row.acts_on != "entry":
            continue
        for place, variable in enumerate(row.variables):
            ordered = (variable, *row.variables[:place], *row.variables[place + 1 :])
            yield Entry(name, row.value, ordered, _of_activation(ordered))
    for name, loss in LOSSES.items():
        if loss.totals:  # Of a whole row.
            continue
        if loss.pieces:  # of a whole row; its pieces are divisions, roots and products
            continue
        yield Entry(name, loss.value, (p, y), _of_loss(loss))


ENTRIES = {f"{entry.name} in {entry.wrt}": entry for entry in entries()}


@cache
def source(key: str) -> str:
    """Return the text of the value and the slope as a generated module holds them."""
    entry = ENTRIES[key]
    function = ElementFunction.derive("f", entry.value, entry.variables, care="quick")
    functions = [passes.share_function(each) for each in lower_function(function)]
    width = width_of({each.call: each.name for each in functions})
    return render_elementwise([passes.split_function(each, width, limit=72) for each in functions], function, "")


@cache
def code(key: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Return the value and the slope as a generated module computes them, in the dtype of their arguments."""
    names: dict[str, Any] = {}
    exec(source(key), names)
    return names["f"].__wrapped__, names["f_slope"].__wrapped__


def points(key: str, dtype: type, count: int = COUNT, seed: int = 20) -> list[Point]:
    """Return the points that an entry is measured at, as the dtype holds them."""
    drawn = ENTRIES[key].draw(np.random.default_rng(seed), COUNT)
    step = COUNT // count
    rounded = {name: values[::step].astype(dtype).astype(float) for name, values in drawn.items()}
    return [dict(zip(rounded, row, strict=True)) for row in zip(*rounded.values(), strict=True)]


def exact(key: str, point: Mapping[str, float]) -> tuple[Any, Any]:
    """Return value and slope at a point to the digits of any float."""
    entry = ENTRIES[key]
    largest = max(abs(number) for number in point.values())
    exponent = min(math.prod(max(1.0, abs(number)) for number in point.values()), 800.0)
    with mp.workdps(int(90 + 3 * exponent + _digits_of_tail(entry.value, largest))):
        step = mpf(10) ** -(mp.dps // 3)
        below, above = (precise(entry.value, {**point, entry.wrt: mpf(point[entry.wrt]) + s * step}) for s in (-1, 1))
        return precise(entry.value, point), (above - below) / (2 * step)


def _digits_of_tail(value: sp.Expr, largest: float) -> float:
    """Return how many nines 1 - erf and 1 - tanh of a cubic begin with, up to where no float can tell."""
    if value.has(sp.erf):
        return min(450.0, largest**2 / 4)
    cubic = any(part.has(x**3) for part in value.atoms(sp.tanh))
    return min(450.0, largest + largest**3 / 25) if cubic else 0.0


def worst(key: str, dtype: type, count: int = COUNT, functions: tuple[Any, Any] | None = None) -> tuple[Worst, Worst]:
    """Return the largest errors of an entry's value and slope over its points, as far as a float holds them."""
    chosen = points(key, dtype, count)
    arrays: dict[str, Any] = {name: np.array([point[name] for point in chosen], dtype=dtype) for name in chosen[0]}
    with np.errstate(all="ignore"):
        found = [
            np.broadcast_to(np.asarray(function(*arrays.values())), len(chosen)) for function in functions or code(key)
        ]
    assert all(array.dtype == dtype or array.dtype.kind == "i" for array in found), key
    results = [Worst(0.0, chosen[0]), Worst(0.0, chosen[0])]
    for at, point in enumerate(chosen):
        for what, expected in enumerate(exact(key, point)):
            error = _error(float(found[what][at]), expected, dtype, key, point, what)
            if not error <= results[what].ulps:
                results[what] = Worst(error, point)
    return results[0], results[1]


def _error(found: float, expected: Any, dtype: type, key: str, point: Point, what: int) -> float:
    limits = np.finfo(dtype)
    size = abs(expected)
    if size > float(limits.max):
        return 0.0
    if size < float(limits.smallest_normal):
        return 0.0 if abs(found) <= 2 * float(limits.smallest_normal) else np.inf
    if not np.isfinite(found):
        return np.inf
    if size < FLOOR and _changes_sign(key, point, what):
        size = mpf(FLOOR)
    unit = float(np.spacing(dtype(min(float(size), float(limits.max)))))
    return float(abs(mpf(found) - expected) / unit)


def _changes_sign(key: str, point: Point, what: int) -> bool:
    """Return whether there is a root nearby, a simple one or one where the function only touches zero."""
    wrt = ENTRIES[key].wrt
    beside = []
    for sign in (-1, 1):
        try:
            beside.append(exact(key, {**point, wrt: point[wrt] + sign * min(NEAR, abs(point[wrt]) / 2)})[what])
        except (ValueError, ZeroDivisionError, TypeError):
            return False
    here = exact(key, point)[what]
    touches = all(abs(each) > 16 * abs(here) for each in beside)
    return bool(mpmath.sign(beside[0]) != mpmath.sign(beside[1])) or touches


GOAL = 4.0


@dataclass(frozen=True)
class Promise:
    """What some entries are held to beyond the goal, value and slope in float64 and in float32, and why."""

    names: frozenset[str]
    ulps: tuple[float, float, float, float]
    reason: str


def _promise(names: str, ulps: tuple[float, float, float, float], reason: str) -> Promise:
    return Promise(frozenset(names.split()), ulps, reason)


_ROOT = "the last bits around a root of a sum whose terms cancel there"
PROMISES = (
    _promise("silu mish swiglu", (4, 8, 4, 12), _ROOT),
    _promise("learnable_swish", (4, 8, 4, 16), _ROOT),
    _promise("gelu gelu_tanh geglu", (6, 40, 8, 40), _ROOT + "; in float32 also a factor below the normal numbers"),
    _promise("snake", (4, 500, 4, 500), "the slope 1 + sin 2x touches zero again and again"),
    _promise("srelu", (40, 4, 40, 4), _ROOT),
    _promise("msle poisson_nll poisson tweedie bce focal categorical_focal", (60, 30, 60, 60), _ROOT),
)


def promised(key: str, place: int) -> float:
    """Return how many units an entry's value or slope may be off: 0 and 1 are float64's, 2 and 3 float32's."""
    name = key.split(" in ")[0]
    return next((float(each.ulps[place]) for each in PROMISES if name in each.names), GOAL)
