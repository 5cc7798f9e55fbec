"""The network's own loss and gradient to 50 digits, from the forward definitions alone, against the module's.

The gradient is a central difference with h = 1e-17 in 50 digits: truncation leaves an error of some 1e-34 and rounding
one of 1e-33, nothing that a float could show. It shares neither code nor formulas with the module: this oracle sees a
loss that is wrong together with its gradient.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from symmlp.catalog.activations import Activation
from symmlp.errors import UnsupportedError
from symmlp.spec import Network
from symmlp.verification.comparison import Scale, compare, relative, worse
from symmlp.verification.evaluation import Evaluation, precise
from symmlp.verification.layout import Array, Layout
from symmlp.verification.reference import Definitions, LossValue, Point, Reference, is_plain
from symmlp.verification.report import Check
from symmlp.verification.sample import Sample
from symmlp.verification.selection import Selection, select_by_cost
from symmlp.verification.subject import CallFailedError, Subject, as_real

DIGITS = 50
STEP_EXPONENT = -17

PROMISES = {"float64": 1e-12, "float32": 1e-5}
"""Largest error, relative to the loss or to the largest entry of the parameter's gradient."""

SCALE = Scale(small_entry=1.0, zero=1e-25)

SMALL_NETWORK = 500
"""Parameters up to which the whole batch is used; larger networks take FEW_SAMPLES rows."""

FEW_SAMPLES = 2

MULTIPLICATION, ENTRY = 1.2e-6, 50e-6
"""Seconds for a term of a matrix product and for an activation, measured once; they only plan the work."""

SECONDS, MOST_SECONDS = 1.0, 4.0
"""What the entries may cost, and what one of every parameter may cost before inner layers are left out."""


@dataclass(frozen=True)
class Exact:
    """Loss and gradient of a network at a sample, as exact as a float can show."""

    layout: Layout
    reference: Reference

    @classmethod
    def at(cls, point: Point, sample: Sample) -> Exact:
        """Return the exact loss around a point, for the targets of the sample."""
        definitions = point.definitions
        targets = definitions.exact(sample.dense_targets(definitions.network.outputs))
        return cls(Layout.of(definitions.network), Reference(point, targets, definitions.exact(sample.weights)))

    @cached_property
    def step(self) -> Any:
        """The step h."""
        return self.reference.point.definitions.evaluation.context.mpf(10) ** STEP_EXPONENT

    def slope(self, place: int) -> float:
        """Return ∂L/∂θ at one place."""
        parameter = self.layout.parameter_at(place)
        entry = parameter.entry(place)
        above = self.reference.loss_at(parameter, entry, self.step)
        below = self.reference.loss_at(parameter, entry, -self.step)
        return float((above - below) / (2 * self.step))

    def slope_along(self, direction: Array) -> float:
        """Return the derivative of the loss along a direction in the space of theta."""
        along = Point.at(self.reference.point.definitions, direction, np.empty((0, 0)))
        above, below = (self.reference.loss_along(along, step) for step in (self.step, -self.step))
        return float((above - below) / (2 * self.step))


def exact_point(network: Network, sample: Sample) -> Point:
    """Return the point of the sample in as many digits as this oracle uses.

    Raises:
        UnsupportedError: a definition holds a function for which there is no arithmetic.
    """
    return Point.at(Definitions.of(network, Evaluation(precise(DIGITS))), sample.theta, sample.inputs, sample.masks)


@dataclass(frozen=True)
class Costs:
    """Seconds that the loss of a batch takes in 50 digits, from the numbers of multiplications and activations."""

    network: Network
    samples: int

    def of_entries(self) -> list[float]:
        """Return the cost of the slope of one entry, for each parameter of the network."""
        return [2 * self._after(parameter.layer) for parameter in Layout.of(self.network).parameters]

    def of_pass(self) -> float:
        """Return the cost of one loss with all parameters changed."""
        return self._layers(0) + 2 * MULTIPLICATION * Layout.of(self.network).count

    def _after(self, layer: int) -> float:
        """Return the cost of a loss with one unit of `layer` changed: of dense layers the next product is an update."""
        widths, activation = self.network.widths, self.network.activations[layer - 1]
        is_last = layer == len(self.network.layers)
        if is_last or not _is_elementwise(activation) or not _is_plain(self.network):
            return self.samples * widths[layer] * ENTRY + self._layers(layer if _is_plain(self.network) else layer - 1)
        update = self.samples * (ENTRY + widths[layer + 1] * (2 * MULTIPLICATION + ENTRY))
        return update + self._layers(layer + 1)

    def _layers(self, start: int) -> float:
        """Return the cost of the layers after number `start` and of the loss."""
        units = self.network.widths
        products = sum(before * after for before, after in zip(units[start:], units[start + 1 :], strict=False))
        entries = sum(units[start + 1 :]) + self.network.outputs
        return self.samples * (products * MULTIPLICATION + entries * ENTRY)


def _is_plain(network: Network) -> bool:
    """Return whether a change of one entry can be carried through the layers."""
    return all(map(is_plain, network.layers))


def _is_elementwise(activation: Activation | None) -> bool:
    return activation is not None and activation.acts_on == "entry"


def reduced(sample: Sample, layout: Layout) -> Sample:
    """Return the sample with as many rows as the network's size allows in reasonable time."""
    return sample if layout.count <= SMALL_NETWORK else sample.first(FEW_SAMPLES)


def check_high_precision(subject: Subject, samples: Mapping[str, Sample], seed: int) -> Iterator[Check]:
    """Yield the checks of prediction, loss and gradient against 50 digits.

    `samples` differ in their targets only; what each is called is added to the names of its checks.

    Raises:
        CallFailedError: the module's functions raised.
        UnsupportedError: a definition holds a function for which there is no arithmetic.
    """
    reduced_samples = {kind: reduced(sample, subject.layout) for kind, sample in samples.items()}
    first = next(iter(reduced_samples.values()))
    point = exact_point(subject.network, first)
    yield _of_prediction("prediction", subject, first, point)
    for kind, sample in reduced_samples.items():
        yield from _of_gradient(subject, sample, Exact.at(point, sample), kind, seed)


def in_double(subject: Subject, sample: Sample) -> Subject:
    """Return the subject called in float64, or itself where a call in float64 has no more digits than one in float32.

    A module for float32 may hold polynomials of a degree that is enough for float32.

    Raises:
        CallFailedError: the module's functions raised.
    """
    double = subject.in_double(sample)
    if not double.widened:
        return double
    first = reduced(sample, subject.layout)
    try:
        found = _of_prediction("prediction", double, first, exact_point(subject.network, first))
    except UnsupportedError:
        return double
    return double if found.ok else subject


def _of_gradient(subject: Subject, sample: Sample, exact: Exact, kind: str, seed: int) -> Iterator[Check]:
    """Yield the checks of loss and gradient; where not every entry is compared, one along a direction in all."""
    loss, gradient = subject.loss_and_grad(sample)
    alone = as_real(subject.loss(sample.theta.astype(subject.dtype), sample), "loss")
    promise = PROMISES[str(subject.dtype)]
    yield _of_losses(f"loss value{kind}", {"loss": alone, "loss_and_grad": loss}, exact.reference.loss(), promise)
    costs = Costs(subject.network, len(sample.inputs))
    selection = select_by_cost(subject.layout, costs.of_entries(), SECONDS, MOST_SECONDS, seed, gradient)
    yield _of_entries(f"high precision{kind}", exact, selection, gradient, promise, len(sample.inputs))
    if not selection.complete and 2 * costs.of_pass() <= MOST_SECONDS / 2:
        yield _along_direction(f"high precision, direction{kind}", exact, gradient, promise, seed)


def _of_prediction(name: str, subject: Subject, sample: Sample, point: Point) -> Check:
    """Return the check of what `forward` returns; errors are relative to the largest prediction."""
    found = subject.call("forward", sample.theta.astype(subject.dtype), sample.inputs.astype(subject.dtype))
    expected = np.array(replace(point, masks={}).activations[-1], dtype=float)
    if np.shape(found) != expected.shape:
        raise CallFailedError(f"forward returned the shape {np.shape(found)}; expected {expected.shape}")
    error = relative(float(np.abs(found - expected).max()), float(np.abs(expected).max()))
    promise = PROMISES[str(subject.dtype)]
    return Check(name, "P", (), len(subject.network.layers), error, promise, error <= promise)


def _of_losses(name: str, losses: dict[str, float], expected: LossValue, promise: float) -> Check:
    """Return the check of the losses that the module's functions return, the worse one shown."""
    scale = float(expected.magnitude)
    errors = {function: relative(value - float(expected.value), scale) for function, value in losses.items()}
    function = max(errors, key=lambda each: worse(errors[each]))
    error = errors[function]
    note = "" if error <= promise else f"{function} returned {losses[function]!r}; exact {float(expected.value)!r}"
    return Check(name, "", (), None, error, promise, error <= promise, note)


def _of_entries(name: str, exact: Exact, selection: Selection, gradient: Array, promise: float, samples: int) -> Check:
    slopes = np.array([exact.slope(place) for place in selection.places])
    zero = int(np.count_nonzero(slopes == 0))
    note = f"{selection.note}, {samples} samples" + (f"; {zero} exactly zero" if zero else "")
    found = gradient[list(selection.places)]
    return compare(name, exact.layout, selection.places, found, slopes, SCALE, promise, note)


def _along_direction(name: str, exact: Exact, gradient: Array, promise: float, seed: int) -> Check:
    direction = np.random.Generator(np.random.PCG64(seed)).normal(size=exact.layout.count)
    terms = direction * gradient
    if not np.isfinite(terms).all():
        return Check(name, error=math.nan, promise=promise, ok=False, note="the gradient is not finite")
    slope = exact.slope_along(direction)
    error = relative(math.fsum(terms) - slope, math.sqrt(math.fsum(terms * terms)))
    return Check(name, "", (), None, error, promise, error <= promise, "one random direction in all entries")
