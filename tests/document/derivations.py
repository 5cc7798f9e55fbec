"""Derivations to print, and numbers for all their arrays, computed from the equations' stable forms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy as sp

from symmlp.calculus.functions import ElementFunction
from symmlp.catalog.losses import p, y
from symmlp.document import PrintableDerivation, derive
from symmlp.graph import Layout
from symmlp.spec import Network
from tests.printing.evaluation import Value, evaluate

LAYERS = [
    {"units": 4, "activation": "tanh"},
    {"type": "layer_norm"},
    {"type": "dropout", "rate": 0.25},
    {"units": 4, "activation": "sigmoid"},
    {"type": "add", "layer": 1},
    {"type": "concat", "layer": 0},
    {"type": "rms_norm"},
    {"units": 2, "activation": "softmax"},
]

NETWORKS = {
    "classes": Network.parse("3 -> 4 tanh -> 2 softmax | cross_entropy"),
    "one layer": Network.parse("3 -> 2 | mse"),
    "probabilities": Network.parse("3 -> 4 softplus -> 2 sigmoid | bce"),
    "expressions": Network.parse("3 -> 4 {x*sigmoid(3*x/2)} -> 2 | {sqrt(1 + (p - y)**2) - 1}"),
    "rows": Network.parse("3 -> 4 softmax -> 2 softmax | mse"),
    "gates": Network.parse("3 -> 4 swiglu -> 2 | mse"),
    "layers": Network(inputs=3, layers=LAYERS, loss="mse"),
}
"""Networks of smooth functions, so that the complex step differentiates them to rounding."""

LAYOUTS: tuple[Layout, ...] = ("batch", "sample")

Functions = dict[str, Callable[..., Value]]


def derivation_of(name: str, layout: Layout = "batch", **options: Any) -> PrintableDerivation:
    """Return the derivation of one of the networks."""
    return derive(NETWORKS[name], layout=layout, **options)


def functions_of(derivation: PrintableDerivation) -> Functions:
    """Return the functions that the equations call, and their slopes."""
    axis = 1 if derivation.layout == "batch" else 0
    functions: Functions = {
        "softmax": lambda z: _softmax(z, axis),
        "log_softmax": lambda z: np.log(_softmax(z, axis)),
        "softmax_complement": lambda z: 1 - _softmax(z, axis),
    }
    loss = derivation.network.loss_definition
    own = "loss" if loss.from_user else loss.name
    functions[f"{own}′"] = sp.lambdify((p, y), sp.diff(loss.value, p), "numpy")
    for name, function in derivation.functions.items():
        if isinstance(function, ElementFunction):
            functions[name] = sp.lambdify(function.variables, function.value, "numpy")
            functions[f"{name}′"] = sp.lambdify(function.variables, function.derivative, "numpy")
    return functions


def _softmax(z: Value, axis: int) -> Value:
    powers = np.exp(z)
    return powers / np.sum(powers, axis=axis, keepdims=True)


def values_of(derivation: PrintableDerivation, seed: int = 5) -> dict[str, Value]:
    """Return numbers for every array, of the sizes in the graph and 5 samples, cotangents among them."""
    rng, graph = np.random.default_rng(seed), derivation.graph
    made = {node.output for node in graph.nodes}
    values: dict[str, Value] = {"N": 5.0}
    for name, shape in graph.shapes.items():
        if name not in made:
            values[name] = rng.uniform(0.3, 0.9, size=[5 if size == "N" else int(size) for size in shape])
    targets = graph.nodes[-1].given["Y"]
    axis = 1 if derivation.layout == "batch" else 0
    values[targets] = values[targets] / np.sum(values[targets], axis=axis, keepdims=True)
    functions = functions_of(derivation)
    for equation in (*derivation.forward, derivation.loss, *derivation.backward):
        values[equation.target] = np.asarray(evaluate(equation.value, values, functions))
    return values
