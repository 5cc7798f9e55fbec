"""Which samples are held out, and how well a prediction of them does."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from symmlp.errors import DataError
from symmlp.samples.checks import TargetArray
from symmlp.spec import Network

Rows = npt.NDArray[np.int64]
Vector = npt.NDArray[np.float64]


def split(Y: TargetArray, held_out: float, seed: int) -> tuple[Rows, Rows]:
    """Return the rows to train on and the rows held out, in random but reproducible order.

    Labels are split class by class, so that both parts have every class in the same proportion; a class keeps at least
    one sample in the training part.

    Raises:
        DataError: no sample, or for values only one, would be held out.
    """
    generator = np.random.Generator(np.random.PCG64(seed))
    if held_out == 0:
        rows = generator.permutation(len(Y))
        return rows, rows
    groups = [np.flatnonzero(label == Y) for label in np.unique(Y)] if Y.ndim == 1 else [np.arange(len(Y))]
    shuffled = [generator.permutation(group) for group in groups]
    counts = [min(round(held_out * len(group)), len(group) - 1) for group in groups]
    held = np.concatenate([group[:count] for group, count in zip(shuffled, counts, strict=True)])
    kept = np.concatenate([group[count:] for group, count in zip(shuffled, counts, strict=True)])
    least = 1 if Y.ndim == 1 else 2
    if len(held) < least:
        raise DataError(
            f"held_out: {held_out} of {len(Y)} samples leaves {len(held)} to score on, expected at least {least}; "
            "use more samples, a larger share, or 0 to score on the training samples"
        )
    return generator.permutation(kept), generator.permutation(held)


def score_name(network: Network) -> str:
    """Return what the score of `network` is called: accuracy, or R² for a regression."""
    definition = network.loss_definition
    return "R²" if definition.decides == "values" and definition.targets != "signs" else "accuracy"


def score(network: Network, predicted: npt.NDArray[Any], Y: TargetArray) -> float:
    """Return the share of right classes (N,) or entries (N, K), or the coefficient of determination of a regression.

    R² is averaged over the outputs, as scikit-learn does; an output that never varies counts 1 if it is met exactly,
    else 0.
    """
    definition = network.loss_definition
    match definition.decides:
        case "classes":
            truth = Y if Y.ndim == 1 else Y.argmax(axis=1)
            return float(np.mean(predicted == truth))
        case "above half" | "above zero":
            return float(np.mean(predicted == (Y >= 0.5)))
        case _ if definition.targets == "signs":
            return float(np.mean((predicted > 0) == (Y > 0)))
        case _:
            return _determination(predicted.astype(np.float64), Y.astype(np.float64))


def _determination(predicted: Vector, Y: Vector) -> float:
    residual = ((Y - predicted) ** 2).sum(axis=0)
    total = ((Y - Y.mean(axis=0)) ** 2).sum(axis=0)
    varies = total > 0
    share = residual / np.where(varies, total, 1.0)
    return float(np.mean(np.where(varies, 1 - share, residual == 0)))


def require_two_classes(Y: TargetArray, network: Network) -> None:
    """Raise DataError if labels, or the targets of a single yes or no, are all the same: nothing can be learned."""
    is_binary = network.loss_definition.decides.startswith("above") or network.loss_definition.targets == "signs"
    if (Y.ndim == 1 or (is_binary and Y.shape[1] == 1)) and len(np.unique(Y)) < 2:
        raise DataError(f"Y: all samples have class {Y.flat[0]:g}; expected at least two classes")
