"""The complex step: ∂L/∂θᵢ = Im L(θ + i h eᵢ) / h + O(h²), exact to rounding at h = 1e-30: nothing is subtracted.

The module's own loss is differentiated, so a loss that is wrong itself passes here; the high-precision oracle sees it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from symmlp.verification.comparison import SMALL_ENTRY, Scale, compare
from symmlp.verification.layout import Array
from symmlp.verification.report import Check
from symmlp.verification.sample import Sample
from symmlp.verification.selection import Selection, select
from symmlp.verification.subject import CallFailedError, Subject

STEP = 1e-30

PROMISE = 1e-11
"""Largest error in float64: some rounding errors of 1e-16, over entries that are 1e-3 of their parameter's largest."""

SINGLE_PROMISE = 1e-5
"""Largest error of a float32 gradient, relative to its parameter's largest entry."""

ZERO = 1e-14
"""The oracle's own rounding makes a parameter's gradient of this part of the whole one's indistinct from zero."""

OPERATIONS = 40_000_000
"""Multiplications, and their like in calls, spent on one gradient; larger networks are sampled."""

CALL = 2_000
"""What one call of the loss costs besides its matrix products, in multiplications."""

SAME_SIDE = 1e-9
"""Slopes towards +i and -i agree to rounding, unless a kink lies at the point."""


class NotHolomorphicError(ArithmeticError):
    """A loss that does not carry a complex theta, or is not smooth at the point."""


def promise(subject: Subject) -> float:
    """Return the error that is promised in the precision of the module's gradient."""
    return PROMISE if subject.dtype == np.float64 else SINGLE_PROMISE


def scale(subject: Subject) -> Scale:
    """Return what errors are divided by."""
    return Scale(SMALL_ENTRY if subject.dtype == np.float64 else 1.0, zero=ZERO)


@dataclass(frozen=True)
class ComplexLoss:
    """The module's loss as a function of a complex theta."""

    subject: Subject
    sample: Sample

    def slope(self, direction: Array, sign: int = 1) -> float:
        """Return the derivative of the loss along `direction`, by a step towards ±i.

        Raises:
            NotHolomorphicError: the loss raised, or came back without imaginary part.
        """
        theta = self.sample.theta + 1j * (sign * STEP) * direction
        return self._imaginary(theta) * sign / STEP

    def slope_of_entry(self, place: int, sign: int = 1) -> float:
        """Return ∂L/∂θ at one place; see `slope`."""
        theta = self.sample.theta.astype(np.complex128)
        theta[place] += 1j * sign * STEP
        return self._imaginary(theta) * sign / STEP

    def _imaginary(self, theta: Array) -> float:
        try:
            value: Any = self.subject.loss(theta, self.sample)
        except CallFailedError as error:
            raise NotHolomorphicError(f"a complex theta cannot be used: {error}") from error
        if not isinstance(value, complex | np.complexfloating):
            raise NotHolomorphicError(f"loss turns a complex theta into a {type(value).__name__}")
        return float(value.imag)


def check_complex_step(subject: Subject, sample: Sample, name: str, seed: int) -> Check:
    """Return the check of the gradient, entry by entry, against the complex step through the module's own loss.

    Raises:
        CallFailedError: the module's `loss_and_grad` raised.
    """
    _, gradient = subject.loss_and_grad(sample)
    complex_loss = ComplexLoss(subject.holomorphic(), sample)
    limit = OPERATIONS // (subject.layout.count * len(sample.inputs) + CALL)
    selection = select(subject.layout, limit, seed, gradient)
    try:
        slopes = np.array([complex_loss.slope_of_entry(place) for place in selection.places])
        kinks = _kinks(complex_loss.slope_of_entry, selection, gradient, slopes)
    except NotHolomorphicError as error:
        return Check(name, ok=None, note=str(error))
    return _without_kinks(subject, name, selection, gradient, slopes, kinks)


def _kinks(slope: Callable[[int, int], float], selection: Selection, gradient: Array, slopes: Array) -> Array:
    """Return which of the disagreeing entries have different slopes towards +i and -i: a kink lies at the point."""
    places = np.array(selection.places)
    kinks = np.zeros(len(places), dtype=bool)
    largest = np.abs(slopes).max(initial=0.0)
    for number in np.flatnonzero(~(np.abs(gradient[places] - slopes) <= PROMISE * np.abs(slopes))):
        other = slope(int(places[number]), -1)
        kinks[number] = abs(other - slopes[number]) > SAME_SIDE * largest
    return kinks


def _without_kinks(
    subject: Subject, name: str, selection: Selection, gradient: Array, slopes: Array, kinks: Array
) -> Check:
    skipped = f"; {kinks.sum()} skipped at a kink" if kinks.any() else ""
    widened = "; float32 module called in float64" if subject.widened else ""
    if kinks.all():
        return Check(name, ok=None, note="every entry lies at a kink" + widened)
    places = np.array(selection.places)[~kinks]
    note = selection.note + skipped + widened
    return compare(
        name, subject.layout, places, gradient[places], slopes[~kinks], scale(subject), promise(subject), note
    )
