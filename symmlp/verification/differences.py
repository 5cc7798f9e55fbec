"""Central differences: their error against the gradient must shrink with h² as h is halved, or be rounding already.

The claim is the order of convergence, not a tolerance: D(h) - g = c h² + O(h⁴), so halving h divides a right
gradient's error by four, while a wrong gradient's error stays.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from symmlp.verification.averaging import divisor_of
from symmlp.verification.comparison import at_entry
from symmlp.verification.layout import Array
from symmlp.verification.report import Check
from symmlp.verification.sample import Sample
from symmlp.verification.selection import select
from symmlp.verification.subject import Subject, as_real

STEPS = (2.0**-8, 2.0**-9, 2.0**-10)
"""h, h/2 and h/4: truncation is some 1e-6, far above rounding and far below the value."""

ORDER = 2.0
PROMISE = 0.2
"""The observed order lies between 1.8 and 2.2."""

ROUNDINGS = 32
"""Rounding errors of one loss, in units of 2⁻⁵³ of its magnitude."""

OPERATIONS = 10_000_000
CALL = 5_000
"""Budget and cost of a call, as for the complex step; this oracle is the coarsest and gets the least."""


@dataclass(frozen=True)
class Stencil:
    """The loss at θ and at θ ± h eᵢ for the three steps h; `rounding` is the error of one loss."""

    centre: float
    above: Array
    below: Array
    rounding: float

    @property
    def central(self) -> Array:
        """The central differences D(h)."""
        return np.asarray((self.above - self.below) / (2 * np.array(STEPS)))

    @property
    def noise(self) -> Array:
        """Bounds for what rounding does to the central differences."""
        return self.rounding / np.array(STEPS)

    def crosses_kink(self) -> bool:
        """Tell whether the one-sided slopes disagree by more than the second derivative explains.

        S(h) = (L₊ - 2L₀ + L₋)/h, the difference of the one-sided slopes, is proportional to h unless a kink lies
        within h.
        """
        bend = (self.above - 2 * self.centre + self.below) / np.array(STEPS)
        truncation = abs(self.central[0] - self.central[1])
        smooth = STEPS[0] ** 2 * abs(bend[0]) + 0.1 * truncation + 8 * self.noise[1]
        return bool(abs(bend[0] - 2 * bend[1]) > smooth or abs(bend[1] - 2 * bend[2]) > smooth)

    @property
    def truncation(self) -> tuple[float, float]:
        """The terms c h² and d h⁴ of D(h) = L′ + c h² + d h⁴ at the largest step, from the differences alone."""
        first, second, third = (float(value) for value in self.central)
        fourth = ((first - second) - 4 * (second - third)) * 64 / 45
        return ((first - second) - fourth * 15 / 16) * 4 / 3, fourth

    def excess(self, gradient: float) -> tuple[float, bool]:
        """Return (distance of the observed order from 2, whether c h² dominates the errors).

        Where it does not, because c is near zero or rounding is larger, the error at h/4 has to be no larger than the
        differences' own spread: then the distance is 0, and otherwise that of an error that does not shrink.
        """
        errors, noise = np.abs(self.central - gradient), self.noise
        if not np.isfinite(errors).all():
            return math.nan, True
        second, fourth = (abs(part) for part in self.truncation)
        if second <= 16 * fourth or second <= 64 * noise[2]:
            within = errors[2] <= 2 * (second / 16 + fourth / 256) + noise[2]
            return 0.0 if within else ORDER, False
        orders = [_order(errors[place : place + 2], noise[place : place + 2]) for place in (0, 1)]
        return max(max(low - ORDER, ORDER - high, 0.0) for low, high in orders), True


def _order(errors: Array, noise: Array) -> tuple[float, float]:
    """Return the smallest and the largest log2(e(h)/e(h/2)) that rounding allows."""
    smallest = np.maximum(errors - noise, np.finfo(float).tiny)
    largest = errors + noise
    return math.log2(smallest[0] / largest[1]), math.log2(largest[0] / smallest[1])


def check_differences(subject: Subject, sample: Sample, name: str, seed: int) -> Check:
    """Return the check that central differences converge to the gradient with order 2; its error is |order - 2|.

    Raises:
        CallFailedError: the module raised.
    """
    if subject.dtype != np.float64:
        return Check(name, ok=None, note="float32 leaves no room between truncation and rounding")
    _, gradient = subject.loss_and_grad(sample)
    if not np.isfinite(gradient).all():
        place = int(np.flatnonzero(~np.isfinite(gradient))[0])
        return at_entry(subject.layout, place, name, math.nan, PROMISE, "the gradient is not finite")
    limit = OPERATIONS // (subject.layout.count * len(sample.inputs) + CALL)
    selection = select(subject.layout, limit, seed, gradient)
    stencils = {place: _stencil(subject, sample, place) for place in selection.places}
    smooth = {place: stencil for place, stencil in stencils.items() if not stencil.crosses_kink()}
    excess = {place: stencil.excess(float(gradient[place])) for place, stencil in smooth.items()}
    note = _note(selection.note, excess, len(stencils) - len(smooth), subject)
    if not excess:
        return Check(name, ok=None, note=note)
    worst = max(excess, key=lambda place: math.inf if math.isnan(excess[place][0]) else excess[place][0])
    return at_entry(subject.layout, worst, name, excess[worst][0], PROMISE, note)


def _note(chosen: str, excess: dict[int, tuple[float, bool]], skipped: int, subject: Subject) -> str:
    converging = sum(dominates for _, dominates in excess.values())
    parts = [chosen, f"error is |order - 2|, {converging} by order, {len(excess) - converging} near rounding"]
    if skipped:
        parts.append(f"{skipped} skipped at a kink")
    if subject.widened:
        parts.append("float32 module called in float64")
    return "; ".join(parts)


def _stencil(subject: Subject, sample: Sample, place: int) -> Stencil:
    def loss(change: float) -> float:
        theta = sample.theta.copy()
        theta[place] += change
        return as_real(subject.loss(theta, sample), "loss")

    centre = loss(0.0)
    above = np.array([loss(step) for step in STEPS])
    below = np.array([loss(-step) for step in STEPS])
    return Stencil(centre, above, below, rounding=ROUNDINGS * 2.0**-53 * _magnitude(subject, sample, centre))


def _magnitude(subject: Subject, sample: Sample, loss: float) -> float:
    """Return the size of the loss's terms, taken for 1 each at least: a small loss may be a difference of them."""
    count, outputs = len(sample.inputs), subject.network.outputs
    return max(abs(loss), float(count * outputs / divisor_of(subject.network, count, outputs)))
