"""What a module computes beyond the gradient, where it has been generated with it: jvp, hvp, Gauss-Newton, Jacobian.

The complex step differentiates the module's own gradient and prediction; the exact oracle takes mixed differences of
the network's definitions in 50 digits, so it shares nothing with the module: with h = 1e-12 truncation leaves 1e-24 of
a product v·H w, and rounding 1e-26.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from symmlp.verification.comparison import compare, relative, worse
from symmlp.verification.complex_step import STEP, promise, scale
from symmlp.verification.evaluation import Evaluation, precise
from symmlp.verification.layout import Array
from symmlp.verification.reference import Definitions, Point, Reference
from symmlp.verification.report import Check
from symmlp.verification.sample import Sample
from symmlp.verification.stack import Rows
from symmlp.verification.subject import CallFailedError, Subject

DIGITS, STEP_EXPONENT = 50, -12

EXACT_PROMISE = 1e-11
"""Largest error of v·H w, relative to the largest of the products compared."""

ROUNDING = 1e-24
"""What a mixed difference may be by rounding alone where it is zero, by the loss: then it is taken for zero."""

MOST_EXACT = 3_000
"""Parameters up to which the exact oracle looks at products: four losses each, in 50 digits."""

DIRECTIONS = 3


def check_second_order(subject: Subject, sample: Sample, seed: int) -> Iterator[Check]:
    """Yield a check of each function beyond the gradient that the module has.

    Raises:
        CallFailedError: one of them raised, or returned an array of another shape.
    """
    beyond = Beyond(subject, sample, seed)
    for name, oracles in ORACLES.items():
        if hasattr(subject.module, name):
            for oracle in oracles:
                yield oracle(beyond)


@dataclass(frozen=True)
class Beyond:
    """The oracles, each a method that returns its check."""

    subject: Subject
    sample: Sample
    seed: int

    @cached_property
    def directions(self) -> Array:
        """Random vectors like theta."""
        generator = np.random.Generator(np.random.PCG64(self.seed))
        return generator.normal(size=(DIRECTIONS, self.subject.layout.count)).astype(self.subject.dtype)

    def product(self, name: str, direction: Array) -> Array:
        """Return what the module makes of a vector."""
        found = self.subject.at(name, self.sample, self.sample.theta, direction)
        if not isinstance(found, np.ndarray) or found.shape != (self.subject.layout.count,):
            raise CallFailedError(f"{name} returned {np.shape(found)}; expected ({self.subject.layout.count},)")
        return found.astype(np.float64)

    def hessian_by_complex_step(self) -> Check:
        """Compare H v, entry by entry, with the complex step through the module's own gradient."""
        name, direction = "Hessian, complex step", self.directions[0]
        found = self.product("hvp", direction)
        theta = self.sample.theta + 1j * STEP * direction
        try:
            _, gradient = self.subject.holomorphic().at("loss_and_grad", self.sample, theta)
        except CallFailedError as error:
            return Check(name, ok=None, note=f"a complex theta cannot be used: {error}")
        expected = np.imag(gradient) / STEP
        places = range(self.subject.layout.count)
        limit = promise(self.subject)
        return compare(
            name, self.subject.layout, places, found, expected, scale(self.subject), limit, "H v, all entries"
        )

    def hessian_is_symmetric(self) -> Check:
        """Compare v·H w with w·H v: the Hessian is symmetric."""
        products = [self.product("hvp", direction) for direction in self.directions]
        pairs = [(i, j) for i in range(DIRECTIONS) for j in range(i)]
        found = [float(self.directions[i] @ products[j]) for i, j in pairs]
        expected = [float(self.directions[j] @ products[i]) for i, j in pairs]
        sizes = [float(np.linalg.norm(self.directions[i] * products[j])) for i, j in pairs]
        return self._worst("Hessian, symmetric", found, expected, max(sizes), promise(self.subject), "v·H w = w·H v")

    def hessian_exactly(self) -> Check:
        """Compare v·H w with mixed differences of the loss in 50 digits."""
        return self._exactly("Hessian, high precision", "hvp", self._mixed_loss)

    def gauss_newton_exactly(self) -> Check:
        """Compare v·Jᵀ H J w with mixed differences of the loss where the network is made linear, in 50 digits."""
        return self._exactly("Gauss-Newton, high precision", "gauss_newton", self._mixed_linearized)

    def tangent_by_complex_step(self) -> Check:
        """Compare J v with the complex step through the module's own prediction."""
        name, direction = "jvp, complex step", self.directions[0]
        found = self.subject.of_inputs("jvp", self.sample, self.sample.theta, direction)
        theta = self.sample.theta + 1j * STEP * direction
        try:
            prediction = self.subject.holomorphic().of_inputs("forward", self.sample, theta)
        except CallFailedError as error:
            return Check(name, ok=None, note=f"a complex theta cannot be used: {error}")
        expected = np.imag(prediction) / STEP
        if np.shape(found) != expected.shape:
            return Check(name, ok=False, note=f"shape {np.shape(found)}; expected {expected.shape}")
        return self._worst(
            name,
            found.ravel(),
            expected.ravel(),
            float(np.abs(expected).max()),
            promise(self.subject),
            "J v, all entries",
        )

    def jacobian_of_inputs(self) -> Check:
        """Compare ∂P/∂X, entry by entry, with the complex step through what the module makes of complex inputs."""
        own = self.subject.holomorphic()
        forward = "activations" if hasattr(own.module, "activations") else "propagate"
        columns = []
        for unit in np.eye(self.subject.network.inputs):
            inputs = self.sample.inputs + 1j * STEP * unit
            columns.append(np.imag(own.call(forward, self.sample.theta, inputs)[-1]) / STEP)
        return self._jacobian("Jacobian, inputs", "inputs", np.stack(columns, axis=2), None)

    def jacobian_of_parameters(self) -> Check:
        """Compare ∂P/∂θ times random vectors with the complex step through the module's own prediction."""
        own = self.subject.holomorphic()
        columns = []
        for direction in self.directions:
            theta = self.sample.theta + 1j * STEP * direction
            columns.append(np.imag(own.of_inputs("forward", self.sample, theta)) / STEP)
        return self._jacobian("Jacobian, parameters", "parameters", np.stack(columns, axis=2), self.directions.T)

    def _jacobian(self, name: str, wrt: str, expected: Array, vectors: Array | None) -> Check:
        inputs = self.sample.inputs.astype(self.subject.dtype)
        found = self.subject.call("jacobian", self.sample.theta.astype(self.subject.dtype), inputs, wrt=wrt)
        width = expected.shape[2] if vectors is None else len(vectors)
        if np.shape(found) != (*expected.shape[:2], width):
            return Check(name, ok=False, note=f"shape {np.shape(found)}; expected {(*expected.shape[:2], width)}")
        product = found if vectors is None else found @ vectors
        size = float(np.abs(expected).max())
        note = "all entries" if vectors is None else f"times {DIRECTIONS} random vectors"
        return self._worst(name, product.ravel(), expected.ravel(), size, promise(self.subject), note)

    def _exactly(self, name: str, function: str, mixed: Callable[[Point, Point], Any]) -> Check:
        if self.subject.layout.count > MOST_EXACT:
            return Check(name, ok=None, note=f"more than {MOST_EXACT} parameters")
        first, second = self.directions[:2]
        product = self.product(function, second)
        one, other = (
            Point.at(self._definitions, each.astype(np.float64), np.empty((0, 0))) for each in (first, second)
        )
        found = [float(first @ product), float(second @ product)]
        least = ROUNDING * abs(float(self._reference.loss().value))
        expected = [
            number if abs(number) > least else 0.0 for number in map(float, (mixed(one, other), mixed(other, other)))
        ]
        size = max(float(np.linalg.norm(each * product)) for each in (first, second))
        limit = EXACT_PROMISE if self.subject.dtype == np.float64 else promise(self.subject)
        return self._worst(name, found, expected, size, limit, "products with random vectors")

    @cached_property
    def _definitions(self) -> Definitions:
        return Definitions.of(self.subject.network, Evaluation(precise(DIGITS)))

    @cached_property
    def _point(self) -> Point:
        return Point.at(self._definitions, self.sample.theta, self.sample.inputs, self.sample.masks)

    @cached_property
    def _reference(self) -> Reference:
        targets = self._definitions.exact(self.sample.dense_targets(self.subject.network.outputs))
        return Reference(self._point, targets, self._definitions.exact(self.sample.weights))

    @property
    def _step(self) -> Any:
        return self._definitions.evaluation.context.mpf(10) ** STEP_EXPONENT

    def _mixed_loss(self, one: Point, other: Point) -> Any:
        h = self._step
        return self._mixed(lambda s, t: self._reference.loss_of(self._point.moved(one, s * h).moved(other, t * h)))

    def _mixed_linearized(self, one: Point, other: Point) -> Any:
        """Return the mixed difference of the loss at the array that J is the Jacobian of, moved along J v and J w."""
        at_prediction, h = self.subject.module.GAUSS_NEWTON_AT == "P", self._step

        def split(point: Point) -> Rows:
            return point.activations[-1] if at_prediction else point.pre_activations[-1]

        def tangent(direction: Point) -> list[list[Any]]:
            above, below = (split(self._point.moved(direction, sign * h)) for sign in (1, -1))
            return [
                [(up - down) / 2 for up, down in zip(*rows, strict=True)] for rows in zip(above, below, strict=True)
            ]

        base, along, across = split(self._point), tangent(one), tangent(other)

        def loss(s: int, t: int) -> Any:
            # A penalty is no function of what J is the Jacobian of: its own second derivative is added as it is.
            penalty = self._point.moved(one, s * h).moved(other, t * h).penalty
            rows = [
                [z + s * v + t * w for z, v, w in zip(*each, strict=True)]
                for each in zip(base, along, across, strict=True)
            ]
            last = len(self.subject.network.layers)
            prediction = rows if at_prediction else self._definitions.activated(last, (rows,))
            return self._reference.loss_of_prediction(prediction, penalty)

        return self._mixed(loss)

    def _mixed(self, value: Callable[[int, int], Any]) -> Any:
        return (value(1, 1) - value(1, -1) - value(-1, 1) + value(-1, -1)) / (4 * self._step**2)

    def _worst(
        self, name: str, found: Iterable[Any], expected: Iterable[Any], size: float, limit: float, note: str
    ) -> Check:
        errors = [relative(float(one - other), size) for one, other in zip(found, expected, strict=True)]
        worst = max(errors, key=worse)
        return Check(name, error=worst, promise=limit, ok=not math.isnan(worst) and worst <= limit, note=note)


ORACLES: dict[str, tuple[Callable[[Beyond], Check], ...]] = {
    "jvp": (Beyond.tangent_by_complex_step,),
    "hvp": (Beyond.hessian_by_complex_step, Beyond.hessian_is_symmetric, Beyond.hessian_exactly),
    "gauss_newton": (Beyond.gauss_newton_exactly,),
    "jacobian": (Beyond.jacobian_of_inputs, Beyond.jacobian_of_parameters),
}
"""The oracles of each function."""
