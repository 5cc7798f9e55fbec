"""Products with the Hessian and the Jacobian against PyTorch's and JAX's own, in float64."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from symmlp.generation import generate
from symmlp.spec import Network
from tests.generated_modules import executed
from tests.parity.comparison import framework

pytestmark = pytest.mark.parity

Array = np.ndarray[Any, np.dtype[Any]]

CLASSES = "4 -> 7 tanh -> 3 softmax | cross_entropy"
VALUES = "3 -> 6 softplus -> 5 silu -> 2 | mse"


def drawn(spec: str) -> tuple[ModuleType, Array, Array, Array, Array]:
    """Return a module and theta, X, Y, v for it."""
    module = executed(generate(Network.parse(spec), with_=("hvp", "jacobian")))
    generator = np.random.default_rng(8)
    targets = module._random_targets(generator, 6)
    v = generator.normal(size=module.N_PARAMS)
    return module, module.init_params(2), generator.normal(size=(6, module.INPUTS)), targets, v


def model(module: ModuleType, functions: Any, hidden: tuple[Callable[[Any], Any], ...]) -> Callable[[Any, Any], Any]:
    """Return the last pre-activation as a function of (theta, X), written in another library."""

    def last(theta: Any, X: Any) -> Any:
        start, layer = 0, X
        for number, function in enumerate((*hidden, None), start=1):
            out, into = module.SHAPES[f"W{number}"]
            W = functions.reshape(theta[start : start + out * into], (out, into))
            start += out * into
            layer = layer @ W.T + theta[start : start + out]
            start += out
            layer = layer if function is None else function(layer)
        return layer

    return last


def close(found: Array, expected: Any) -> bool:
    """Return whether the two agree to 1e-12 of the largest entry."""
    return bool(np.abs(found - np.asarray(expected)).max() <= 1e-12 * np.abs(np.asarray(expected)).max())


@pytest.mark.parametrize("spec", [CLASSES, VALUES])
def test_hessian_vector_product_and_jacobian_are_those_of_torch(spec: str) -> None:
    torch = framework("torch")
    module, *arrays = drawn(spec)
    theta, X, Y, v = map(torch.from_numpy, arrays)
    nonlinear = torch.nn.functional
    hidden = (torch.tanh,) if spec == CLASSES else (nonlinear.softplus, nonlinear.silu)
    last = model(module, torch, hidden)

    def loss(theta: Any) -> Any:
        Z = last(theta, X)
        return nonlinear.cross_entropy(Z, Y) if spec == CLASSES else nonlinear.mse_loss(Z, Y)

    def prediction(theta: Any) -> Any:
        Z = last(theta, X)
        return torch.softmax(Z, dim=1) if spec == CLASSES else Z

    _, product = torch.autograd.functional.hvp(loss, theta, v)
    found = module.hvp(*arrays)
    assert close(found, product)
    assert not close(found * (1 + 1e-10), product)
    jacobian = torch.autograd.functional.jacobian(prediction, theta)
    assert close(module.jacobian(*arrays[:2], wrt="parameters"), jacobian)


@pytest.mark.parametrize("spec", [CLASSES, VALUES])
def test_hessian_vector_product_is_that_of_jax(spec: str) -> None:
    jax = framework("jax")
    jax.config.update("jax_enable_x64", True)
    module, *arrays = drawn(spec)
    theta, X, Y, v = map(jax.numpy.asarray, arrays)
    hidden = (jax.numpy.tanh,) if spec == CLASSES else (jax.nn.softplus, jax.nn.silu)
    last = model(module, jax.numpy, hidden)

    def loss(theta: Any) -> Any:
        Z = last(theta, X)
        return -(Y * jax.nn.log_softmax(Z)).sum() / len(X) if spec == CLASSES else ((Z - Y) ** 2).mean()

    _, product = jax.jvp(jax.grad(loss), (theta,), (v,))
    assert close(module.hvp(*arrays), product)
