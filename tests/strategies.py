"""Whole networks and data for them, drawn by hypothesis or by a plain seed; the one place where test cases are drawn.

Sizes are all different and never 1, so that a transpose or an axis that is mixed up changes a shape.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

from symmlp.catalog.activations import TABLE as ACTIVATIONS
from symmlp.catalog.activations import Outputs
from symmlp.catalog.losses import TABLE as LOSSES
from symmlp.catalog.losses import loss
from symmlp.spec import Dense, Network

Array = np.ndarray[Any, np.dtype[Any]]
Choice = Callable[[Sequence[Any]], Any]
"""Returns one of the options; hypothesis and `random.Random` both provide one."""

SIZES = range(2, 14)
MAX_HIDDEN_LAYERS = 4

CUSTOM_ACTIVATIONS: dict[str, Outputs] = {
    "x*tanh(log(1 + exp(x)))": "real",
    "x*sigmoid(3*x/2)": "real",
    "x/(1 + abs(x))": "real",
    "sin(x) + 0.1*x": "real",
    "exp(-x**2)": "real",
    "where(x > 0, x, 0.2*x)": "real",
    "max(min(x, 1), -1)": "real",
    "(x + sqrt(x**2 + 4))/2": "real",
    "1/(1 + exp(-2*x))": "unit interval",
}
"""Activations written as expressions, and where their values lie; `unit interval` is well inside, so logs hold."""

CUSTOM_LOSSES: dict[str, Outputs] = {
    "(p - y)**2 + abs(p - y)": "real",
    "log(cosh(p - y))": "real",
    "sqrt(1 + (p - y)**2) - 1": "real",
    "max(0.9*(y - p), 0.1*(p - y))": "real",
    "where(abs(p - y) < 1, (p - y)**2/2, abs(p - y) - 1/2)": "real",
    "exp(p) - y*p": "real",
    "softplus(p) - y*p": "real",
    "-y*log(p) - (1 - y)*log(1 - p)": "unit interval",
}
"""Losses written as expressions, and which predictions they are defined for."""


@dataclass(frozen=True)
class Case:
    """A network, a batch size and the seed of its data."""

    network: Network
    batch: int
    seed: int

    def theta(self) -> Array:
        """Return parameters W1, b1, W2, ... as one vector; pre-activations stay near 1, and no bias is zero.

        A layer with gates has W and b of each; what is learned for each unit comes behind them.
        """
        rng, fan_in, parts = np.random.default_rng([self.seed, 1]), self.network.inputs, []
        for layer in self.network.layers:
            assert isinstance(layer, Dense)
            for _ in range(1 + len(layer.definition.gates)):
                parts.append(rng.normal(scale=fan_in**-0.5, size=layer.units * fan_in))
                parts.append(rng.normal(scale=0.5, size=layer.units if layer.bias else 0))
            parts.extend(rng.uniform(0.1, 1.5, size=layer.units) for _ in layer.definition.learned)
            fan_in = layer.units
        return np.concatenate(parts)

    def inputs(self) -> Array:
        """Return a batch of inputs, shape (N, D)."""
        return np.random.default_rng([self.seed, 2]).normal(size=(self.batch, self.network.inputs))

    def targets(self) -> Array:
        """Return targets that the loss accepts: labels (N,) for classes, else values of shape (N, K)."""
        rng, shape = np.random.default_rng([self.seed, 3]), (self.batch, self.network.outputs)
        match self.network.loss_definition.targets:
            case "classes":
                return rng.integers(self.network.outputs, size=self.batch)
            case "unit interval":
                return rng.uniform(size=shape)
            case "nonnegative":
                return rng.uniform(0, 3, size=shape)
            case "nonzero":
                return rng.uniform(0.5, 3, size=shape) * rng.choice([-1, 1], size=shape)  # type: ignore[no-any-return]
            case "signs":
                return rng.choice([-1.0, 1.0], size=shape)
            case "real":
                return rng.normal(size=shape)

    def probabilities(self) -> Array:
        """Return target probabilities for each class, rows summing to 1, shape (N, K)."""
        rng = np.random.default_rng([self.seed, 4])
        return rng.dirichlet(np.ones(self.network.outputs), size=self.batch)


def dense_layers(network: Network) -> tuple[Dense, ...]:
    """Return the layers of a network that has no others than dense ones."""
    found = tuple(layer for layer in network.layers if isinstance(layer, Dense))
    assert len(found) == len(network.layers)
    return found


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Draw a network of any catalogued or custom parts, with a batch size and a seed."""
    return _case(lambda options: draw(st.sampled_from(options)), draw(st.integers(0, 2**32 - 1)))


def networks() -> st.SearchStrategy[Network]:
    """Return a strategy for networks of any catalogued or custom parts."""
    return cases().map(lambda case: case.network)


def drawn_cases(count: int, seed: int = 0) -> list[Case]:
    """Return `count` cases that depend on nothing but `seed`; every activation and loss is tried in turn."""
    rng = random.Random(seed)
    choice = _in_turn(rng)
    return [_case(choice, rng.randrange(2**32)) for _ in range(count)]


def drawn_networks(count: int, seed: int = 0) -> list[Network]:
    """Return the networks of `drawn_cases(count, seed)`."""
    return [case.network for case in drawn_cases(count, seed)]


def _in_turn(rng: random.Random) -> Choice:
    """Return a choice that deals every option of a sequence once, in random order, before any option comes again."""
    decks: dict[tuple[Any, ...], list[Any]] = {}

    def choose(options: Sequence[Any]) -> Any:
        deck = decks.setdefault(tuple(options), [])
        if not deck:
            deck.extend(rng.sample(list(options), len(options)))
        return deck.pop()

    return choose


def _case(choice: Choice, seed: int) -> Case:
    loss_text = choice([*LOSSES, *CUSTOM_LOSSES])
    output = choice(output_activations(loss_text))
    hidden = [choice(hidden_activations()) for _ in range(choice(range(MAX_HIDDEN_LAYERS + 1)))]
    sizes = _different(choice, len(hidden) + 3)
    layers = [
        Dense(units, text, bias=choice((True, True, True, False)))
        for units, text in zip(sizes[2:], [*hidden, output], strict=True)
    ]
    reduction = choice(("mean", "mean", "sum", "batch_mean"))
    network = Network(inputs=sizes[1], layers=layers, loss=loss_text, reduction=reduction)
    return Case(network, batch=sizes[0], seed=seed)


def _different(choice: Choice, count: int) -> list[int]:
    sizes: list[int] = []
    for _ in range(count):
        sizes.append(choice([size for size in SIZES if size not in sizes]))
    return sizes


def hidden_activations() -> list[str]:
    """Return the activations a hidden layer can have: every catalogued one and the custom ones."""
    return [*ACTIVATIONS, *CUSTOM_ACTIVATIONS]


def output_activations(loss_text: str) -> list[str]:
    """Return the activations whose values the loss is defined for."""
    # The range of an expression is unknown to the spec; here it is known, and a logarithm needs it.
    is_probability = CUSTOM_LOSSES.get(loss_text) == "unit interval"
    accepts = ("unit interval",) if is_probability else loss(loss_text).accepts
    catalogued = [name for name, row in ACTIVATIONS.items() if row.outputs in accepts]
    return catalogued + [text for text, outputs in CUSTOM_ACTIVATIONS.items() if outputs in accepts]
