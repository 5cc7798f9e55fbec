"""Running statistics of batch normalization: how a training step moves them, and what a prediction makes of them.

Both are compared with the forward definitions in many digits. The statistics of a batch are computed from a layer's
inputs, unit by unit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from symmlp.spec_layers import BatchNorm
from symmlp.verification.comparison import relative
from symmlp.verification.high_precision import PROMISES, exact_point
from symmlp.verification.layout import Array
from symmlp.verification.reference import Point
from symmlp.verification.report import Check
from symmlp.verification.sample import Sample
from symmlp.verification.subject import CallFailedError, Subject

STARTS = (0.0, 1.0)
"""What running means and variances are before any training."""


def check_running(subject: Subject, sample: Sample, seed: int) -> Iterator[Check]:
    """Yield the checks of statistics after a step, and of a prediction with statistics; none without such a layer.

    Raises:
        CallFailedError: the module's functions raised.
        UnsupportedError: a definition holds a function for which there is no arithmetic.
    """
    numbers = [number for number, layer in enumerate(subject.network.layers, start=1) if isinstance(layer, BatchNorm)]
    if not numbers:
        return
    start = np.concatenate([np.full(subject.network.widths[number], value) for number in numbers for value in STARTS])
    yield _compared(subject, "running statistics at first", subject.call("init_statistics"), start)
    drawn = _drawn_by_trainer(subject, sample)
    expected = _moved(exact_point(subject.network, drawn), numbers)
    yield _compared(subject, "running statistics, a step", _after_a_step(subject, sample), expected)
    yield _of_prediction(subject, sample, numbers, seed)


def _drawn_by_trainer(subject: Subject, sample: Sample) -> Sample:
    """Return the sample with the masks that a trainer with seed 0 draws for its first batch."""
    if not sample.masks:
        return sample
    generator = np.random.Generator(np.random.PCG64(0).jumped())
    arrays = iter(subject.call("draw_masks", generator, len(sample.inputs)))
    masks = {number: tuple(next(arrays).astype(float) for _ in own) for number, own in sample.masks.items()}
    return replace(sample, masks=masks)


def _after_a_step(subject: Subject, sample: Sample) -> Any:
    targets = sample.targets if sample.kind == "labels" else sample.targets.astype(subject.dtype)
    theta, inputs = sample.theta.astype(subject.dtype), sample.inputs.astype(subject.dtype)
    trainer = subject.call("Trainer", theta, batch_size=len(inputs), optimizer="sgd")
    try:
        trainer.step(inputs, targets)
        return trainer.statistics
    except Exception as error:
        raise CallFailedError(f"Trainer.step raised {type(error).__name__}: {error}") from error


def _moved(point: Point, numbers: list[int]) -> Array:
    """Return the statistics after one batch, from the rows that each normalization reads."""
    moved: list[float] = []
    for number in numbers:
        layer = point.definitions.network.layers[number - 1]
        assert isinstance(layer, BatchNorm)
        columns = list(zip(*point.pre_activations[number - 1], strict=True))
        means = [sum(column) / len(column) for column in columns]
        squares = [sum((entry - mean) ** 2 for entry in column) for column, mean in zip(columns, means, strict=True)]
        degrees = len(columns[0]) - layer.unbiased
        batch = (means, [square / degrees for square in squares])
        for first, values in zip(STARTS, batch, strict=True):
            moved += [float(first + layer.momentum * (value - first)) for value in values]
    return np.array(moved)


def _of_prediction(subject: Subject, sample: Sample, numbers: list[int], seed: int) -> Check:
    generator, widths = np.random.Generator(np.random.PCG64(seed)), subject.network.widths
    rows = {
        number: (generator.normal(size=(1, widths[number])), generator.uniform(0.5, 2.0, size=(1, widths[number])))
        for number in numbers
    }
    held = {number: tuple(row.astype(np.float32).astype(float) for row in own) for number, own in rows.items()}
    statistics = np.concatenate([row.ravel() for own in held.values() for row in own])
    arguments = (sample.theta, sample.inputs, statistics)
    found = subject.call("forward", *(argument.astype(subject.dtype) for argument in arguments))
    expected = np.array(exact_point(subject.network, replace(sample, masks=held)).activations[-1], dtype=float)
    return _compared(subject, "prediction, running statistics", found, expected)


def _compared(subject: Subject, name: str, found: Any, expected: Array) -> Check:
    """Return the check of an array, errors being relative to the largest entry that is expected."""
    if np.shape(found) != expected.shape:
        raise CallFailedError(f"{name}: found the shape {np.shape(found)}; expected {expected.shape}")
    error = relative(float(np.abs(found - expected).max()), float(np.abs(expected).max()))
    promise = PROMISES[str(subject.dtype)]
    return Check(name, "", (), None, error, promise, error <= promise)
