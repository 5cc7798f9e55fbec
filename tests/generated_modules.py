"""Generated modules for tests: each text is generated once a run, and every test gets a module of its own."""

from __future__ import annotations

from functools import cache
from types import ModuleType
from typing import Any

import numpy as np

from symmlp.generation import generate
from symmlp.render import Dtype
from symmlp.spec import Network

Array = np.ndarray[Any, np.dtype[Any]]

NETWORKS: dict[str, Network] = {
    "classes": Network.parse("4 -> 7 tanh -> 3 softmax | cross_entropy"),
    "probabilities": Network.parse("5 -> 4 relu -> 2 sigmoid | bce"),
    "logits": Network.parse("3 -> 6 gelu -> 2 | bce_with_logits"),
    "values": Network.parse("6 -> 5 elu -> 4 softplus -> 2 | mse"),
    "expressions": Network.parse("3 -> 7 {x*tanh(log(1 + exp(x)))} -> 2 {sin(x) + 0.1*x} | {exp(p) - y*p}"),
    "sums without bias": Network.model_validate(
        {
            "inputs": 3,
            "layers": [{"units": 5, "activation": "silu", "bias": False}, {"units": 2, "bias": False}],
            "loss": "mae",
            "reduction": "sum",
        }
    ),
    "samples": Network.model_validate(
        {
            "inputs": 2,
            "layers": [{"units": 4, "activation": "leaky_relu"}, {"units": 3, "activation": "sigmoid"}],
            "loss": "mse",
            "reduction": "batch_mean",
        }
    ),
}
"""One network for every kind of target, every reduction, and with and without bias and expressions."""

SAMPLES = 9


@cache
def source_of(network: Network, dtype: Dtype = "float64") -> str:
    """Return the text generated for `network`."""
    return generate(network, dtype=dtype)


def module_of(network: Network, dtype: Dtype = "float64") -> ModuleType:
    """Return a fresh module of the text generated for `network`."""
    return executed(source_of(network, dtype))


def executed(source: str) -> ModuleType:
    """Return the module that a text defines."""
    module = ModuleType("generated")
    exec(compile(source, "<generated>", "exec"), vars(module))
    return module


def batch(network: Network, count: int = SAMPLES, seed: int = 0) -> tuple[Array, Array]:
    """Return inputs (count, D) and targets that the loss accepts: labels (count,) for classes, else (count, K)."""
    rng = np.random.default_rng([seed, 7])
    X, shape = rng.normal(size=(count, network.inputs)), (count, network.outputs)
    match network.loss_definition.targets:
        case "classes":
            return X, np.resize(np.arange(network.outputs), count)
        case "unit interval":
            return X, rng.uniform(size=shape)
        case "nonnegative":
            return X, rng.uniform(0, 3, size=shape)
        case "nonzero":
            return X, rng.uniform(0.5, 3, size=shape) * rng.choice([-1, 1], size=shape)
        case "signs":
            return X, rng.choice([-1.0, 1.0], size=shape)
        case "real":
            return X, rng.normal(size=shape)
