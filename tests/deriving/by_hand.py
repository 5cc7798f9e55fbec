"""Whole networks written once more in NumPy, their gradients by complex steps, and cases to try them on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from mpmath import mp

from symmlp.derivation import Derivation
from symmlp.graph import Layout
from symmlp.spec import Dense, Network
from tests.calculus.networks import Values
from tests.strategies import Array, Case

LAYOUTS: tuple[Layout, ...] = ("batch", "sample")
PROMISED = 1e-12
"""How far gradients may be from exact arithmetic, relative to the largest entry; docs/architecture.md promises it."""


def where_real(condition: Array, chosen: Array, otherwise: Array | float) -> Array:
    """Return np.where; conditions look at real parts, so that a complex step passes through them."""
    return np.where(condition, chosen, otherwise)


def soft_max(Z: Array) -> Array:
    """Return the softmax of each row."""
    powers = np.exp(Z - Z.real.max(axis=1, keepdims=True))
    total: Array = powers / powers.sum(axis=1, keepdims=True)
    return total


IN_NUMPY: Mapping[str, Callable[[Array], Array]] = {
    "identity": lambda Z: Z,
    "tanh": np.tanh,
    "sine": np.sin,
    "sigmoid": lambda Z: 1 / (1 + np.exp(-Z)),
    "relu": lambda Z: where_real(Z.real > 0, Z, 0.0),
    "softsign": lambda Z: Z / (1 + where_real(Z.real > 0, Z, -Z)),
    "softmax": soft_max,
    "x*tanh(log(1 + exp(x)))": lambda Z: Z * np.tanh(np.log(1 + np.exp(Z))),
}


def huber(P: Array, Y: Array) -> Array:
    """Return the Huber loss of each entry, its border at 1."""
    distance = where_real((P - Y).real > 0, P - Y, Y - P)
    return where_real(distance.real <= 1, distance**2 / 2, distance - 0.5)


LOSSES_IN_NUMPY: Mapping[str, Callable[[Array, Array], Array]] = {
    "mse": lambda P, Y: (P - Y) ** 2,
    "mae": lambda P, Y: where_real((P - Y).real > 0, P - Y, Y - P),
    "huber": huber,
    "bce": lambda P, Y: -Y * np.log(P) - (1 - Y) * np.log(1 - P),
    "bce_with_logits": lambda P, Y: np.log(1 + np.exp(P)) - Y * P,
    "p - y*log(p)": lambda P, Y: P - Y * np.log(P),
    "cross_entropy": lambda P, Y: -np.log(P[np.arange(len(Y)), Y]),
}


def dense_layers(network: Network) -> list[Dense]:
    """Return the layers of a network, which are all dense."""
    layers = [layer for layer in network.layers if isinstance(layer, Dense)]
    assert len(layers) == len(network.layers)
    return layers


@dataclass(frozen=True)
class ByHand:
    """A case's network in NumPy; the one-sample layout is its first row."""

    case: Case
    rows: int

    @classmethod
    def of(cls, case: Case, layout: Layout) -> ByHand:
        """Return the network on the samples of a layout."""
        return cls(case, case.batch if layout == "batch" else 1)

    def loss(self, moved: Mapping[str, Array]) -> Any:
        """Return the loss, `moved` being added to the arrays that it names as soon as they are made."""
        return self.made(moved)["L"]

    def made(self, moved: Mapping[str, Array]) -> dict[str, Any]:
        """Return every array under its name in the batch layout."""
        network, theta, place = self.case.network, self.case.theta(), 0
        arrays: dict[str, Any] = {}

        def keep(name: str, array: Array) -> Array:
            arrays[name] = array + moved.get(name, 0)
            return arrays[name]  # type: ignore[no-any-return]

        A = self.case.inputs()[: self.rows]
        for number, layer in enumerate(dense_layers(network), start=1):
            fan_in, last = A.shape[1], number == len(network.layers)
            W = keep(f"W{number}", theta[place : place + layer.units * fan_in].reshape(layer.units, fan_in))
            place += W.size
            Z = A @ W.T
            if layer.bias:
                Z = Z + keep(f"b{number}", theta[place : place + layer.units])
                place += layer.units
            A = keep("P" if last else f"A{number}", IN_NUMPY[layer.activation](keep(f"Z{number}", Z)))
        entries = LOSSES_IN_NUMPY[network.loss](A, self.case.targets()[: self.rows])
        divisors = {"mean": entries.size, "sum": 1, "batch_mean": self.rows}
        return {**arrays, "L": entries.sum() / divisors[network.reduction]}


@cache
def gradient_by_hand(by_hand: ByHand, name: str) -> Array:
    """Return ∂L/∂name by a complex step in every entry, exact to rounding."""
    shape, step = by_hand.made({})[name].shape, 1e-30
    gradient = np.empty(shape)
    for place in np.ndindex(shape):
        moved = np.zeros(shape, dtype=complex)
        moved[place] = 1j * step
        gradient[place] = by_hand.loss({name: moved}).imag / step
    return gradient


def in_batch_names(name: str) -> str:
    """Return what an array of the one-sample layout is called in the batch layout."""
    return {"o": "Z", "y": "A", "p": "P"}.get(name[0], name[0]) + name[1:]


def gap(found: Any, expected: Array) -> float:
    """Return the largest difference relative to the largest entry; infinite for NaN."""
    difference = np.max(np.abs(np.asarray(found, dtype=float) - expected)) / (np.max(np.abs(expected)) or 1.0)
    return float("inf") if np.isnan(difference) else float(difference)


def cotangent_gaps(derivation: Derivation, case: Case) -> dict[str, float]:
    """Return how far each cotangent, evaluated with mpmath, is from NumPy's."""
    by_hand = ByHand.of(case, derivation.layout)
    with mp.workdps(30):
        found = Values.of(derivation, case).everything().arrays
    gaps = {}
    for equation in derivation.backward:
        name = in_batch_names(equation.target.removeprefix("d"))
        expected = gradient_by_hand(by_hand, name)
        if derivation.layout == "sample" and not name.startswith("W"):
            expected = expected.reshape(-1, 1)
        assert found[equation.target].shape == expected.shape
        gaps[name] = gap(found[equation.target], expected)
    return gaps


def network(short: str, reduction: str = "mean", bias: bool = True) -> Network:
    """Return the network of a short string with another reduction, or without bias in its first layer."""
    values = Network.parse(short).as_dict()
    values["reduction"], values["layers"][0]["bias"] = reduction, bias
    return Network.model_validate(values)


BY_HAND: dict[str, Case] = {
    "softmax with cross entropy": Case(network("4 -> 5 tanh -> 3 softmax | cross_entropy"), 7, 1),
    "softmax with cross entropy, summed": Case(network("5 -> 6 softsign -> 4 softmax | cross_entropy", "sum"), 3, 2),
    "softmax inside and squares": Case(network("4 -> 6 softmax -> 3 | mse"), 5, 3),
    "sigmoid with binary cross entropy": Case(network("3 -> 5 relu -> 4 sigmoid | bce"), 6, 4),
    "logits": Case(network("5 -> 3 sine -> 4 | bce_with_logits", "batch_mean"), 7, 5),
    "an expression and absolute values": Case(network("5 -> 7 {x*tanh(log(1 + exp(x)))} -> 3 | mae"), 4, 6),
    "Poisson": Case(network("4 -> 3 tanh -> 5 sigmoid | {p - y*log(p)}", "sum"), 6, 7),
    "three layers, the first without bias": Case(
        network("6 -> 4 relu -> 5 sigmoid -> 3 tanh | huber", bias=False), 7, 8
    ),
    "four layers of one kind": Case(network("3 -> 4 tanh -> 5 tanh -> 6 tanh -> 2 tanh | mse", "batch_mean"), 7, 9),
    "one layer": Case(network("4 -> 3 tanh | mse"), 5, 10),
}
