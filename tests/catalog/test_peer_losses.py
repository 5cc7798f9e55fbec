"""Losses that peers have under other names: the peer's own formula in NumPy gives the number of the module."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from symmlp.catalog.peers import Peer, offer
from symmlp.generation import generate
from symmlp.spec import Network
from tests.generated_modules import batch, executed

Array = np.ndarray[Any, Any]
Formula = Callable[[Array, Array], float]
"""The loss of predictions p and targets y, both (N, K); targets of classes have a single 1 in each row."""


def averaged(entries: Callable[[Array, Array], Array]) -> Formula:
    """Return the mean over the last axis, then over the batch, as Keras takes it."""
    return lambda p, y: float(entries(p, y).mean(axis=-1).mean())


def summed(entries: Callable[[Array, Array], Array]) -> Formula:
    """Return the mean over the batch of the sums over the last axis."""
    return lambda p, y: float(entries(p, y).sum(axis=-1).mean())


def normalized(rows: Array) -> Array:
    norms = np.sqrt((rows * rows).sum(axis=-1, keepdims=True))
    return np.asarray(rows / np.maximum(norms, 1e-7))


def softened(rows: Array) -> Array:
    return np.asarray(np.exp(rows) / np.exp(rows).sum(axis=-1, keepdims=True))


def binary(p: Array, y: Array) -> Array:
    return np.asarray(-y * np.log(p) - (1 - y) * np.log(1 - p))


FORMULAS: list[tuple[Peer, str, str, Formula]] = [
    ("Keras", "MeanSquaredError", "identity", averaged(lambda p, y: (p - y) ** 2)),
    ("Keras", "MeanAbsoluteError", "identity", averaged(lambda p, y: abs(p - y))),
    ("Keras", "LogCosh", "identity", averaged(lambda p, y: p - y + np.log1p(np.exp(2 * (y - p))) - np.log(2))),
    ("Keras", "MeanAbsolutePercentageError", "identity", averaged(lambda p, y: 100 * abs((y - p) / y))),
    ("Keras", "CosineSimilarity", "identity", summed(lambda p, y: -normalized(p) * normalized(y))),
    ("Keras", "BinaryCrossentropy", "sigmoid", averaged(binary)),
    ("Keras", "KLDivergence", "softmax", summed(lambda p, y: y * np.log(y / p))),
    ("Keras", "Poisson", "softplus", averaged(lambda p, y: p - y * np.log(p + 1e-7))),
    ("Keras", "Hinge", "identity", averaged(lambda p, y: np.maximum(1 - y * p, 0))),
    (
        "Keras",
        "CategoricalHinge",
        "identity",
        lambda p, y: float(np.maximum(((1 - y) * p).max(axis=-1) - (y * p).sum(axis=-1) + 1, 0).mean()),
    ),
    ("Keras", "CategoricalCrossentropy", "softmax", summed(lambda p, y: -y * np.log(p))),
    ("Keras", "CategoricalCrossentropy(from_logits=True)", "identity", summed(lambda p, y: -y * np.log(softened(p)))),
    ("Keras", "CategoricalFocalCrossentropy", "softmax", summed(lambda p, y: -0.25 * (1 - p) ** 2 * y * np.log(p))),
    ("Keras", "BinaryFocalCrossentropy", "sigmoid", averaged(lambda p, y: binary(p, y) * (y + p - 2 * y * p) ** 2)),
    ("scikit-learn", "squared_error", "identity", lambda p, y: float(((y - p) ** 2).mean() / 2)),
    ("scikit-learn", "log_loss", "softmax", summed(lambda p, y: -y * np.log(p))),
    ("scikit-learn", "binary_log_loss", "sigmoid", summed(binary)),
]


@pytest.mark.parametrize(
    ("peer", "name", "activation", "formula"), FORMULAS, ids=lambda value: value if isinstance(value, str) else ""
)
def test_an_offer_has_the_number_of_the_peers_own_formula(
    peer: Peer, name: str, activation: str, formula: Formula
) -> None:
    offered = offer("loss", peer, name)
    parsed = Network.parse(f"4 -> 3 {activation} | {offered.text}")
    network = Network.model_validate({**parsed.as_dict(), "reduction": offered.reduction})
    module: Any = executed(generate(network))
    X, Y = batch(network)
    if name in ("BinaryFocalCrossentropy",):
        Y = np.round(Y)  # Keras's modulating factor is that of targets 0 and 1.
    theta = module.init_params(5)
    targets = np.eye(3)[Y] if Y.ndim == 1 else Y
    expected = formula(module.forward(theta, X), targets)
    assert np.isclose(offered.factor * module.loss(theta, X, Y), expected, rtol=1e-12)
