"""The identity ⟨v, Jᵀu⟩ = ⟨Jv, u⟩ for the scalar loss (u = 1): ⟨v, ∇L⟩ is the derivative of L along v.

The right side is one complex step along a random v, so the whole gradient of any network is checked in a few calls.
"""

from __future__ import annotations

import math

import numpy as np

from symmlp.verification.comparison import ZERO_PARAMETER, relative, worse
from symmlp.verification.complex_step import SAME_SIDE, ZERO, ComplexLoss, NotHolomorphicError, promise
from symmlp.verification.layout import Array
from symmlp.verification.report import Check
from symmlp.verification.sample import Sample
from symmlp.verification.subject import Subject

WHOLE_DIRECTIONS = 3
"""Random directions in the space of all parameters; one more for each parameter alone says where an error is."""

MOST_PARAMETERS = 400
"""Deeper networks are looked at along whole directions only."""


def check_directions(subject: Subject, sample: Sample, name: str, seed: int) -> Check:
    """Return the check of ⟨v, ∇L⟩ along random directions v, in all parameters together and in each alone.

    An error is divided by √Σ(vᵢ gᵢ)², what such a sum amounts to when its terms have random signs.

    Raises:
        CallFailedError: the module's `loss_and_grad` raised.
    """
    _, gradient = subject.loss_and_grad(sample)
    complex_loss = ComplexLoss(subject.holomorphic(), sample)
    generator = np.random.Generator(np.random.PCG64(seed))
    checks, skipped = [], 0
    try:
        for parameter, direction in _directions(subject, generator):
            slope = complex_loss.slope(direction)
            check = _along(subject, name, parameter, gradient, direction, slope)
            if not check.ok and _at_kink(complex_loss, direction, slope):
                skipped += 1
            else:
                checks.append(check)
    except NotHolomorphicError as error:
        return Check(name, ok=None, note=str(error))
    return _worst(name, checks, skipped, subject)


def _directions(subject: Subject, generator: np.random.Generator) -> list[tuple[str, Array]]:
    """Return (parameter, direction) pairs, the name being empty for directions in all parameters."""
    layout = subject.layout
    directions = [("", generator.normal(size=layout.count)) for _ in range(WHOLE_DIRECTIONS)]
    if len(layout.parameters) <= MOST_PARAMETERS:
        for parameter in layout.parameters:
            direction = np.zeros(layout.count)
            direction[parameter.start : parameter.stop] = generator.normal(size=parameter.size)
            directions.append((parameter.name, direction))
    return directions


def _along(subject: Subject, name: str, parameter: str, gradient: Array, direction: Array, slope: float) -> Check:
    error = _error(direction * gradient, slope, float(np.abs(gradient).max()))
    layer = next((part.layer for part in subject.layout.parameters if part.name == parameter), None)
    return Check(name, parameter, (), layer, error, promise(subject), error <= promise(subject))


def _error(terms: Array, slope: float, largest: float) -> float:
    """Return the relative error of the sum of `terms`; terms that vanish beside the `largest` entry count as zero."""
    if not np.isfinite(terms).all():
        return math.nan
    size = math.sqrt(math.fsum(terms * terms))
    return relative(math.fsum(terms) - slope, size if size > ZERO * largest else ZERO_PARAMETER * largest)


def _at_kink(complex_loss: ComplexLoss, direction: Array, slope: float) -> bool:
    other = complex_loss.slope(direction, -1)
    return abs(other - slope) > SAME_SIDE * max(abs(other), abs(slope))


def _worst(name: str, checks: list[Check], skipped: int, subject: Subject) -> Check:
    widened = "; float32 module called in float64" if subject.widened else ""
    if not checks:
        return Check(name, ok=None, note="a kink lies at the point" + widened)
    worst = max(checks, key=lambda check: worse(check.error))
    note = f"{len(checks)} random directions" + (f"; {skipped} skipped at a kink" if skipped else "") + widened
    return Check(name, worst.parameter, (), worst.layer, worst.error, worst.promise, worst.ok, note)
