"""Training steps of the contestants: forward, backward and Adam on one batch, each made in the process that times it.

Every maker takes a `Net` and returns a step without arguments. All start from the same data; float32 throughout.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Step = Callable[[], Any]
LR = 1e-3


@dataclass(frozen=True)
class Net:
    """A network of dense layers that ends in softmax with cross entropy, and the batch size it is trained with."""

    name: str
    widths: tuple[int, ...]
    activation: str
    batch: int

    @property
    def spec(self) -> str:
        """The network as a short string."""
        hidden = " -> ".join(f"{width} {self.activation}" for width in self.widths[1:-1])
        return f"{self.widths[0]} -> {hidden} -> {self.widths[-1]} softmax | cross_entropy"

    def batch_of(self, seed: int = 0) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """Return X, float32, and labels."""
        rng = np.random.default_rng(seed)
        X = rng.standard_normal((self.batch, self.widths[0])).astype(np.float32)
        return X, rng.integers(self.widths[-1], size=self.batch)

    def weights(self, seed: int = 0) -> list[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]:
        """Return W of shape (out, in) and b of every layer, float32."""
        rng = np.random.default_rng(seed)
        pairs = zip(self.widths, self.widths[1:], strict=False)
        return [
            (
                rng.uniform(-(m**-0.5), m**-0.5, (n, m)).astype(np.float32),
                rng.uniform(-(m**-0.5), m**-0.5, n).astype(np.float32),
            )
            for m, n in pairs
        ]


NETS = {
    net.name: net
    for net in (
        Net("tiny", (4, 8, 3), "tanh", 32),
        Net("small", (64, 100, 10), "relu", 64),
        Net("mnist", (784, 256, 128, 10), "relu", 128),
        Net("gelu", (784, 512, 512, 10), "gelu", 256),
        Net("wide", (784, 1024, 1024, 10), "relu", 256),
        Net("deep", (64, *(64,) * 20, 10), "tanh", 64),
    )
}


def matmuls(net: Net) -> Step:
    """Return the matrix products of a step alone, written where they are needed: the floor of NumPy's BLAS."""
    X, _ = net.batch_of()
    weights = [W for W, _ in net.weights()]
    forward = [(np.empty((net.batch, len(W)), np.float32), W.T) for W in weights]
    back = [(np.empty_like(W), np.empty((net.batch, W.shape[1]), np.float32)) for W in weights]
    inputs = [X, *(Z for Z, _ in forward[:-1])]

    def step() -> None:
        for A, (Z, W) in zip(inputs, forward, strict=True):
            np.matmul(A, W, out=Z)
        for at in range(len(weights) - 1, -1, -1):
            Z, _ = forward[at]
            dW, dA = back[at]
            np.matmul(Z.T, inputs[at], out=dW)
            if at:
                np.matmul(Z, weights[at], out=dA)

    step()
    for Z, _ in forward:
        Z *= 1e-3  # the products stay finite, whatever the number of rounds
    return step


def scipy_matmuls(net: Net) -> Step:
    """Return the same products by SciPy's BLAS, which is another build of OpenBLAS: a second floor.

    Fortran's column order makes of Z = A Wᵀ the product Zᵀ = W Aᵀ, and of the others theirs.
    """
    from scipy.linalg.blas import sgemm

    X, _ = net.batch_of()
    weights = [W for W, _ in net.weights()]
    forward = [np.zeros((net.batch, len(W)), np.float32) for W in weights]
    back = [(np.zeros_like(W), np.zeros((net.batch, W.shape[1]), np.float32)) for W in weights]
    inputs = [X, *forward[:-1]]

    def step() -> None:
        for A, Z, W in zip(inputs, forward, weights, strict=True):
            sgemm(1.0, W.T, A.T, c=Z.T, trans_a=1, overwrite_c=1)
        for at in range(len(weights) - 1, -1, -1):
            Z, (dW, dA) = forward[at], back[at]
            sgemm(1.0, inputs[at].T, Z.T, c=dW.T, trans_b=1, overwrite_c=1)
            if at:
                sgemm(1.0, weights[at].T, Z.T, c=dA.T, overwrite_c=1)

    step()
    at, Z = len(weights) - 1, forward[-1]
    expected = (inputs[at] @ weights[at].T, Z.T @ inputs[at], Z @ weights[at])
    for found, product in zip((Z, *back[at]), expected, strict=True):
        np.testing.assert_allclose(found, product, rtol=0, atol=1e-4 * np.abs(product).max())
    return step


def generated(style: str, target: str = "numpy") -> Callable[[Net], Step]:
    """Return the maker of a generated module's step."""

    def make(net: Net) -> Step:
        module = generated_module(net, style, target)
        X, Y = net.batch_of()
        trainer = module["Trainer"](module["init_params"](0), batch_size=net.batch, optimizer="adam", lr=LR)
        return lambda: trainer.step(X, Y)

    return make


def generated_module(net: Net, style: str, target: str = "numpy") -> dict[str, Any]:
    """Return the names of a module generated for a network, read from a file as Numba's cache wants it."""
    import runpy
    import tempfile
    from pathlib import Path

    import symmlp

    path = Path(tempfile.mkdtemp()) / "module.py"
    network = symmlp.Network.parse(net.spec)
    path.write_text(symmlp.generate(network, target=target, style=style, dtype="float32"), encoding="utf-8")
    return runpy.run_path(str(path))


def torch_model(net: Net) -> Any:
    """Return the network in PyTorch."""
    import torch

    layers: list[Any] = []
    kinds = {"tanh": torch.nn.Tanh, "relu": torch.nn.ReLU, "gelu": torch.nn.GELU}
    for m, n in zip(net.widths, net.widths[1:], strict=False):
        layers += [torch.nn.Linear(m, n), kinds[net.activation]()]
    return torch.nn.Sequential(*layers[:-1])


def torch_eager(net: Net) -> Step:
    """Return a step of PyTorch as most people write it."""
    return _torch_step(net, lambda model: model)


def torch_compiled(net: Net) -> Step:
    """Return a step of PyTorch with the model compiled."""
    import torch

    return _torch_step(net, torch.compile)


def _torch_step(net: Net, wrap: Callable[[Any], Any]) -> Step:
    import torch

    X, Y = (torch.from_numpy(each) for each in net.batch_of())
    model = torch_model(net)
    optimizer = torch.optim.Adam(model.parameters(), lr=LR, foreach=True)
    run = wrap(model)
    entropy = torch.nn.functional.cross_entropy

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        entropy(run(X), Y).backward()
        optimizer.step()

    return step


def jax_jit(net: Net) -> Step:
    """Return a step of JAX: loss, gradient and Adam in one compiled function whose state is donated."""
    import jax
    import jax.numpy as jnp

    X, Y = map(jnp.asarray, net.batch_of())
    functions = {"tanh": jnp.tanh, "relu": jax.nn.relu, "gelu": lambda x: jax.nn.gelu(x, approximate=False)}
    act = functions[net.activation]
    params = [(jnp.asarray(W), jnp.asarray(b)) for W, b in net.weights()]
    zeros = jax.tree.map(jnp.zeros_like, params)

    def loss(params: Any) -> Any:
        A = X
        for W, b in params[:-1]:
            A = act(A @ W.T + b)
        W, b = params[-1]
        logp = jax.nn.log_softmax(A @ W.T + b)
        return -jnp.mean(jnp.take_along_axis(logp, Y[:, None], axis=1))

    def update(params: Any, m: Any, v: Any, t: Any) -> Any:
        value, g = jax.value_and_grad(loss)(params)
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
        t = t + 1

        def moved(p: Any, m: Any, v: Any) -> Any:
            return p - LR * (m / (1 - 0.9**t)) / (jnp.sqrt(v / (1 - 0.999**t)) + 1e-8)

        return jax.tree.map(moved, params, m, v), m, v, t, value

    compiled = jax.jit(update, donate_argnums=(0, 1, 2))
    state = [params, zeros, jax.tree.map(jnp.zeros_like, params), jnp.asarray(0.0)]

    def step() -> None:
        *state[:], value = compiled(*state)
        value.block_until_ready()

    return step


def sklearn_step(net: Net) -> Step:
    """Return a step of scikit-learn's MLPClassifier (which has no GELU: its relu stands in)."""
    from sklearn.neural_network import MLPClassifier

    X, Y = net.batch_of()
    name = {"tanh": "tanh", "relu": "relu", "gelu": "relu"}[net.activation]
    model = MLPClassifier(net.widths[1:-1], activation=name, solver="adam", batch_size=net.batch, alpha=0.0)
    classes = np.arange(net.widths[-1])
    model.partial_fit(X, Y, classes=classes)
    return lambda: model.partial_fit(X, Y)


def autograd_step(net: Net) -> Step:
    """Return a step of HIPS autograd, Adam by its own optimizer's formula."""
    import autograd.numpy as anp
    from autograd import value_and_grad
    from autograd.scipy.special import erf, logsumexp

    X, Y = net.batch_of()
    hot = np.eye(net.widths[-1], dtype=np.float32)[Y]
    functions = {
        "tanh": anp.tanh,
        "relu": lambda x: anp.maximum(0, x),
        "gelu": lambda x: x * (1 + erf(x * np.float32(0.5**0.5))) * np.float32(0.5),
    }
    act = functions[net.activation]
    params = [each for pair in net.weights() for each in pair]

    def loss(params: Any) -> Any:
        A = X
        for W, b in zip(params[:-2:2], params[1:-2:2], strict=True):
            A = act(anp.dot(A, W.T) + b)
        Z = anp.dot(A, params[-2].T) + params[-1]
        return -anp.sum(hot * (Z - logsumexp(Z, axis=1, keepdims=True))) / net.batch

    both = value_and_grad(loss)
    m, v = ([np.zeros_like(each) for each in params] for _ in range(2))
    count = [0]

    def step() -> None:
        count[0] += 1
        _, gradient = both(params)
        for at, g in enumerate(gradient):
            m[at] = 0.9 * m[at] + 0.1 * g
            v[at] = 0.999 * v[at] + 0.001 * g * g
            scaled = m[at] / (1 - 0.9 ** count[0])
            params[at] = params[at] - LR * scaled / (np.sqrt(v[at] / (1 - 0.999 ** count[0])) + 1e-8)

    return step


CONTESTANTS: dict[str, Callable[[Net], Step]] = {
    "bare matmuls": matmuls,
    "bare matmuls, SciPy": scipy_matmuls,
    "symmlp plain": generated("plain"),
    "symmlp buffered": generated("buffered"),
    "symmlp numba": generated("plain", "numba"),
    "PyTorch eager": torch_eager,
    "PyTorch compiled": torch_compiled,
    "JAX jit": jax_jit,
    "scikit-learn": sklearn_step,
    "autograd": autograd_step,
}


BATCHES = 50
"""Batches of an epoch of `fit`; a run of it is 20 epochs."""


def generated_fit(style: str, target: str = "numpy") -> Callable[[Net], Step]:
    """Return the maker of 20 epochs of a generated module's `fit`."""

    def make(net: Net) -> Step:
        module = generated_module(net, style, target)
        rng = np.random.default_rng(0)
        X = rng.standard_normal((net.batch * BATCHES, net.widths[0])).astype(np.float32)
        Y = rng.integers(net.widths[-1], size=len(X))
        return lambda: module["fit"](X, Y, epochs=20, batch_size=net.batch, optimizer="adam", lr=LR)

    return make


def jax_fit(net: Net) -> Step:
    """Return 20 epochs of JAX's compiled step in a loop, batches cut from shuffled arrays as `fit` does."""
    step = jax_jit(net)

    def run() -> None:
        for _ in range(20 * BATCHES):
            step()

    return run


def torch_forward(net: Net) -> Step:
    """Return PyTorch's prediction for one sample."""
    import torch

    model, x = torch_model(net), torch.from_numpy(net.batch_of()[0][:1])

    def step() -> None:
        with torch.inference_mode():
            model(x)

    return step


def jax_forward(net: Net) -> Step:
    """Return JAX's compiled prediction for one sample."""
    import jax
    import jax.numpy as jnp

    x = jnp.asarray(net.batch_of()[0][:1])
    params = [(jnp.asarray(W), jnp.asarray(b)) for W, b in net.weights()]

    @jax.jit
    def forward(x: Any) -> Any:
        for W, b in params[:-1]:
            x = jax.nn.relu(x @ W.T + b)
        W, b = params[-1]
        return jax.nn.softmax(x @ W.T + b)

    return lambda: forward(x).block_until_ready()


def generated_forward(style: str) -> Callable[[Net], Step]:
    """Return the maker of a generated module's prediction for one sample."""

    def make(net: Net) -> Step:
        module = generated_module(net, style)
        theta, x = module["init_params"](0), net.batch_of()[0][:1]
        return lambda: module["forward"](theta, x)

    return make


FITS: dict[str, Callable[[Net], Step]] = {
    "symmlp plain": generated_fit("plain"),
    "symmlp buffered": generated_fit("buffered"),
    "symmlp numba": generated_fit("plain", "numba"),
    "JAX jit": jax_fit,
}
FORWARDS: dict[str, Callable[[Net], Step]] = {
    "symmlp plain": generated_forward("plain"),
    "symmlp buffered": generated_forward("buffered"),
    "PyTorch eager": torch_forward,
    "JAX jit": jax_forward,
}
