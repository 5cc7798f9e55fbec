"""Networks whose formulas are checked, their equations as NumPy texts, and what Python takes a text to be worth."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np

from symmlp.derivation import Derivation, Equation
from symmlp.deriving import derive
from symmlp.matrix import Call, walk
from symmlp.printing.numpy import PRIMITIVES, NumpyPrinter
from symmlp.program.lowering import code_name
from symmlp.spec import Dense, Network

Array = np.ndarray[Any, np.dtype[Any]]

SPECS = (
    "4 -> 6 tanh -> 3 softmax | cross_entropy",
    "4 -> 6 relu -> 3 sigmoid | bce",
    "3 -> 7 sigmoid -> 2 | mse",
    "4 -> 6 tanh -> 3 sigmoid -> 2 softmax | cross_entropy",
    "2 -> 8 gelu -> 6 relu -> 3 | half_mse",
    "3 -> 4 softplus -> 6 tanh -> 2 | mse",
    "5 -> 4 tanh -> 4 tanh -> 4 tanh -> 3 | mse",
    "4 -> 4 sigmoid -> 4 softmax | cross_entropy",
    "3 -> 6 softmax -> 2 | mse",
    "4 -> 3 softmax | cross_entropy",
)

SOLE = {
    "sum": Network(inputs=4, layers=[Dense(6, "tanh"), Dense(3, "softmax")], loss="cross_entropy", reduction="sum"),
    "no bias": Network(inputs=4, layers=[Dense(6, "tanh", bias=False), Dense(3)], loss="mse"),
}


@cache
def network(spec: str) -> Network:
    """Return a network by its short string, or by its name in `SOLE`."""
    return SOLE.get(spec) or Network.parse(spec)


@cache
def derivation(spec: str) -> Derivation:
    """Return the derivation of `network(spec)`."""
    return derive(network(spec))


def code(equation: Equation, *, stable: bool = False) -> str:
    """Return an equation's right side in NumPy."""
    node = equation.stable if stable else equation.value
    calls = {part.function for part in walk(node) if isinstance(part, Call)}
    return NumpyPrinter({call: code_name(call) for call in calls if call not in PRIMITIVES}).text(node)


def written_out(spec: str, array: str, depth: int) -> str:
    """Return the gradient's formula with the cotangents in it written out, `depth` times over."""
    made = {equation.target: equation for equation in derivation(spec).backward}
    text = code(made[f"d{array}"])
    for _ in range(depth):
        text = re.sub(r"\bd[A-Z]\w*\b", lambda found: f"({code(made[found[0]])})", text)
    return text


def _erf(x: Array) -> Array:
    return np.asarray(np.vectorize(math.erf)(x))


def _sigmoid(x: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-x)))


def _normal(x: Array) -> Array:
    return np.asarray(np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi))


def _softmax(z: Array) -> Array:
    return np.asarray(np.exp(z) / np.exp(z).sum(axis=1, keepdims=True))


FUNCTIONS: Mapping[str, Callable[[Array], Array]] = {
    "tanh": np.tanh,
    "tanh_slope": lambda x: 1 - np.tanh(x) ** 2,
    "sigmoid": _sigmoid,
    "sigmoid_slope": lambda x: _sigmoid(x) * (1 - _sigmoid(x)),
    "relu": lambda x: np.maximum(x, 0),
    "relu_slope": lambda x: (x > 0) * 1.0,
    "gelu": lambda x: x * (1 + _erf(x / math.sqrt(2))) / 2,
    "gelu_slope": lambda x: (1 + _erf(x / math.sqrt(2))) / 2 + x * _normal(x),
    "softplus": lambda x: np.log1p(np.exp(x)),
    "softplus_slope": _sigmoid,
    "softmax": _softmax,
    "identity": lambda x: x,
}
"""What the functions of the networks are worth, written down apart from the derivation."""


@cache
def values(spec: str, samples: int = 13) -> dict[str, Any]:
    """Return a draw of all arrays of a network, by Python's own evaluation of the equations' texts."""
    found, rng = derivation(spec), np.random.default_rng(len(spec))
    shapes = found.graph.shapes
    names: dict[str, Any] = {"np": np, "N": samples, **FUNCTIONS}
    for name in (*found.graph.parameters, "X"):
        names[name] = rng.normal(size=tuple(size if isinstance(size, int) else samples for size in shapes[name]))
    rows = rng.uniform(0.1, 1, size=(samples, found.network.outputs))
    names["Y"] = rows / rows.sum(axis=1, keepdims=True)
    for equation in (*found.forward, *found.backward):
        names[equation.target] = worth(code(equation), names)
    return names


def worth(text: str, names: Mapping[str, Any]) -> Any:
    """Return what Python takes a text to be worth, or None where it cannot be computed."""
    try:
        with np.errstate(all="ignore"):
            return eval(text, {}, dict(names))
    except ValueError:
        return None


def is_same(first: Any, second: Any) -> bool:
    """Return whether two values have the same shape and entries."""
    if first is None or second is None or np.shape(first) != np.shape(second):
        return False
    return bool(np.allclose(first, second, rtol=1e-10, atol=1e-12))
