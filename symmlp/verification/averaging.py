"""What the sum of all losses is divided by, and what each is multiplied by, over numbers of any kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symmlp.spec import Network
from symmlp.verification.stack import Row


def samples_of(network: Network, count: Any, weights: Row) -> Any:
    """Return what a mean over samples divides by: their number, or the sum of their weights."""
    return total_of(weights) if network.sample_weights == "weights" else count


def divisor_of(network: Network, samples: Any, outputs: int) -> Any:
    """Return what the sum of the loss's terms is divided by, by the network's reduction."""
    if network.reduction == "sum":
        return 1
    over_entries = network.reduction == "mean" and network.loss_definition.average == "entries"
    return samples * outputs if over_entries else samples


def penalty_divisor(network: Network, samples: Any) -> Any:
    """Return what the sum of all weights' penalties is divided by."""
    penalty = network.penalty_definition
    return samples if penalty is not None and penalty.per_sample else 1


def target_total(network: Network, of_classes: Row, targets: Sequence[Row], weights: Row) -> Any:
    """Return the weight of all targets, each times that of its class, and of its sample where those are divided by."""
    own = list(weights) if network.sample_weights == "weights" else [1] * len(targets)
    return total_of(
        [
            of_sample * weight * target
            for of_sample, row in zip(own, targets, strict=True)
            for weight, target in zip(of_classes, row, strict=True)
        ]
    )


def term_weights(network: Network, of_classes: Row, wanted: Row) -> Row:
    """Return the weight of each term of a row's loss: that of its class, or of its targets for the only one."""
    if not network.loss_definition.totals:
        return of_classes
    if not network.class_weights:
        return of_classes[:1]
    return [total_of([weight * target for weight, target in zip(of_classes, wanted, strict=True)])]


def total_of(row: Row) -> Any:
    """Return the sum of numbers of any kind."""
    total = row[0]
    for entry in row[1:]:
        total = total + entry
    return total
