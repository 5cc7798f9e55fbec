"""Networks of a spec in plain JAX, float64, differentiated by `jax.value_and_grad`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from symmlp.spec import Dense, Network
from tests.parity.comparison import Array, Result, framework, parameters

jax = framework("jax")
jnp = framework("jax.numpy")
nn = framework("jax.nn")

jax.config.update("jax_enable_x64", True)

Tensor = Any
Entries = Callable[[Tensor, Tensor, Tensor], Tensor]
"""The losses of single entries, or of single rows, from pre-activations Z, predictions P and targets Y."""


def _sparsemax(x: Tensor) -> Tensor:
    """Return the projection on the simplex: the largest threshold that leading entries, less 1, give each of them."""
    falling = -jnp.sort(-x, axis=1)
    thresholds = (jnp.cumsum(falling, axis=1) - 1) / jnp.arange(1, x.shape[1] + 1)
    return nn.relu(x - thresholds.max(axis=1, keepdims=True))


ACTIVATIONS: dict[str, Callable[..., Tensor]] = {
    "identity": lambda x: x,
    "sigmoid": nn.sigmoid,
    "tanh": jnp.tanh,
    "relu": nn.relu,
    "leaky_relu": nn.leaky_relu,
    "elu": nn.elu,
    "softplus": nn.softplus,
    "silu": nn.silu,
    "gelu": lambda x: nn.gelu(x, approximate=False),
    "softmin": lambda x: nn.softmax(-x, axis=1),
    "sparsemax": _sparsemax,
    "log_softmax": lambda x: nn.log_softmax(x, axis=1),
    "prelu": lambda x, alpha: jnp.where(x > 0, x, alpha * x),
    "learnable_swish": lambda x, beta: x * nn.sigmoid(beta * x),
    "srelu": lambda x, low, low_gain, high, high_gain: jnp.where(
        x <= low, low + low_gain * (x - low), jnp.where(x >= high, high + high_gain * (x - high), x)
    ),
    "glu": lambda x, gate: nn.glu(jnp.concatenate([x, gate], axis=1)),
    "reglu": lambda x, gate: x * nn.relu(gate),
    "geglu": lambda x, gate: x * nn.gelu(gate, approximate=False),
    "swiglu": lambda x, gate: x * nn.silu(gate),
    "maxout": jnp.maximum,
    "maxout_3": lambda x, gate, other: jnp.maximum(x, jnp.maximum(gate, other)),
    "softmax": lambda x: nn.softmax(x, axis=1),
    "rrelu": lambda x: nn.leaky_relu(x, 11 / 48),
    "relu6": nn.relu6,
    "celu": nn.celu,
    "selu": nn.selu,
    "gelu_tanh": nn.gelu,
    "mish": nn.mish,
    "hard_sigmoid": nn.hard_sigmoid,
    "hard_swish": nn.hard_swish,
    "hard_tanh": nn.hard_tanh,
    "softsign": nn.soft_sign,
    "softshrink": lambda x: jnp.where(abs(x) > 0.5, x - 0.5 * jnp.sign(x), 0),
    "hardshrink": lambda x: jnp.where(abs(x) > 0.5, x, 0),
    "tanhshrink": lambda x: x - jnp.tanh(x),
    "threshold": lambda x: jnp.where(x > 0, x, 0),
    "log_sigmoid": nn.log_sigmoid,
    "exponential": jnp.exp,
    "squareplus": nn.squareplus,
    "sparse_plus": nn.sparse_plus,
    "sparse_sigmoid": nn.sparse_sigmoid,
    "snake": lambda x: x + jnp.sin(x) ** 2,
    "gaussian": lambda x: jnp.exp(-jnp.square(x)),
    "sine": jnp.sin,
    "x*tanh(log(1 + exp(x)))": nn.mish,
    "x*sigmoid(3*x/2)": lambda x: x * nn.sigmoid(1.5 * x),
    "x/(1 + abs(x))": nn.soft_sign,
    "sin(x) + 0.1*x": lambda x: jnp.sin(x) + 0.1 * x,
    "exp(-x**2)": lambda x: jnp.exp(-jnp.square(x)),
    "where(x > 0, x, 0.2*x)": lambda x: nn.leaky_relu(x, 0.2),
    "max(min(x, 1), -1)": nn.hard_tanh,
    "(x + sqrt(x**2 + 4))/2": nn.squareplus,
    "1/(1 + exp(-2*x))": lambda x: nn.sigmoid(2 * x),
}


def _huber(r: Tensor) -> Tensor:
    return jnp.where(abs(r) < 1, r * r / 2, abs(r) - 0.5)


def _binary(p: Tensor, y: Tensor) -> Tensor:
    return -y * jnp.log(p) - (1 - y) * jnp.log(1 - p)


def _focal(p: Tensor, y: Tensor) -> Tensor:
    return -y * (1 - p) ** 2 * jnp.log(p) / 4 - (1 - y) * p**2 * jnp.log(1 - p) * 3 / 4


def _own(p: Tensor, y: Tensor) -> Tensor:
    return p[jnp.arange(len(y)), y][:, None]


LOSSES: dict[str, Entries] = {
    "mse": lambda z, p, y: (p - y) ** 2,
    "mae": lambda z, p, y: abs(p - y),
    "bce": lambda z, p, y: _binary(p, y),
    "bce_with_logits": lambda z, p, y: -y * nn.log_sigmoid(p) - (1 - y) * nn.log_sigmoid(-p),
    "half_mse": lambda z, p, y: (p - y) ** 2 / 2,
    "huber": lambda z, p, y: _huber(p - y),
    "smooth_l1": lambda z, p, y: _huber(p - y),
    "log_cosh": lambda z, p, y: jnp.log(jnp.cosh(p - y)),
    "mape": lambda z, p, y: 100 * abs((y - p) / y),
    "msle": lambda z, p, y: (jnp.log1p(y) - jnp.log1p(p)) ** 2,
    "pinball": lambda z, p, y: abs(p - y) / 2,
    "expectile": lambda z, p, y: (p - y) ** 2 / 2,
    "gaussian_nll": lambda z, p, y: (p - y) ** 2 / 2,
    "poisson_nll": lambda z, p, y: jnp.exp(p) - y * p,
    "poisson": lambda z, p, y: p - y * jnp.log(p),
    "tweedie": lambda z, p, y: 2 * jnp.sqrt(p) + 2 * y / jnp.sqrt(p),
    "kl_div": lambda z, p, y: y * (jnp.log(y) - jnp.log(p)),
    "focal": lambda z, p, y: _focal(p, y),
    "focal_with_logits": lambda z, p, y: _focal(nn.sigmoid(p), y),
    "hinge": lambda z, p, y: nn.relu(1 - y * p),
    "squared_hinge": lambda z, p, y: nn.relu(1 - y * p) ** 2,
    "soft_margin": lambda z, p, y: nn.softplus(-y * p),
    "hinge_embedding": lambda z, p, y: jnp.where(y == 1, p, nn.relu(1 - p)),
    "cosine_similarity": lambda z, p, y: -(p * y).sum(axis=1) / jnp.sqrt((p * p).sum(axis=1) * (y * y).sum(axis=1)),
    "dice": lambda z, p, y: 1 - 2 * (p * y).sum(axis=1) / ((p + y).sum(axis=1) + 1e-7),
    "tversky": lambda z, p, y: 1 - (p * y).sum(axis=1) / ((p + y).sum(axis=1) / 2 + 1e-7),
    "categorical_hinge": lambda z, p, y: nn.relu(1 + ((1 - jnp.eye(p.shape[1])[y]) * p).max(axis=1) - _own(p, y)[:, 0]),
    "multi_margin": lambda z, p, y: (nn.relu(1 + p - _own(p, y)).sum(axis=1) - 1) / p.shape[1],
    "categorical_focal": lambda z, p, y: (
        -((1 - p[jnp.arange(len(y)), y]) ** 2) * nn.log_softmax(z, axis=1)[jnp.arange(len(y)), y] / 4
    ),
    "nll": lambda z, p, y: -p[jnp.arange(len(y)), y],
    "cross_entropy": lambda z, p, y: -nn.log_softmax(z, axis=1)[jnp.arange(len(y)), y],
    "cross_entropy_with_logits": lambda z, p, y: -nn.log_softmax(p, axis=1)[jnp.arange(len(y)), y],
    "(p - y)**2 + abs(p - y)": lambda z, p, y: (p - y) ** 2 + abs(p - y),
    "log(cosh(p - y))": lambda z, p, y: jnp.log(jnp.cosh(p - y)),
    "sqrt(1 + (p - y)**2) - 1": lambda z, p, y: jnp.sqrt(1 + (p - y) ** 2) - 1,
    "max(0.9*(y - p), 0.1*(p - y))": lambda z, p, y: jnp.maximum(0.9 * (y - p), 0.1 * (p - y)),
    "where(abs(p - y) < 1, (p - y)**2/2, abs(p - y) - 1/2)": lambda z, p, y: _huber(p - y),
    "exp(p) - y*p": lambda z, p, y: jnp.exp(p) - y * p,
    "softplus(p) - y*p": lambda z, p, y: nn.softplus(p) - y * p,
    "-y*log(p) - (1 - y)*log(1 - p)": lambda z, p, y: _binary(p, y),
}


def jax_result(network: Network, theta: Array, inputs: Array, targets: Array) -> Result:
    """Return JAX's loss and gradients for `network` at `theta`."""

    def total(named: dict[str, Tensor]) -> Tensor:
        p = z = jnp.asarray(inputs)
        for number, layer in enumerate(network.layers, start=1):
            assert isinstance(layer, Dense)
            pieces = ("", "_2", "_3")[: 1 + len(layer.definition.gates)]
            before = [p @ named[f"W{number}{piece}"].T + named.get(f"b{number}{piece}", 0.0) for piece in pieces]
            learned = [named[f"{each.name}{number}"] for each in layer.definition.learned]
            z = -before[0] if layer.activation == "softmin" else before[0]
            p = ACTIVATIONS[layer.activation](*before, *learned)
        entries = LOSSES[network.loss](z, p, jnp.asarray(targets))
        return {"mean": entries.mean, "sum": entries.sum, "batch_mean": lambda: entries.sum() / len(p)}[
            network.reduction
        ]()

    named = {name: jnp.asarray(value) for name, value in parameters(network, theta).items()}
    value, gradients = jax.jit(jax.value_and_grad(total))(named)
    # jax sorts the keys of a dictionary; the order of theta is the order of `named`.
    return Result(float(value), {name: np.asarray(gradients[name]) for name in named})
