"""For finite inputs a generated module raises no floating-point warning, except where the exact result overflows.

Every activation of the catalogue and every loss, with inputs that make pre-activations hostile: forward, loss, gradient
and a step of training under `np.errstate(all="raise", under="ignore")`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import cycle

import numpy as np
import pytest

from symmlp.catalog.activations import TABLE as ACTIVATIONS
from symmlp.catalog.losses import TABLE as LOSSES
from symmlp.render import Dtype
from symmlp.spec import Network
from tests.generated_modules import Array, executed, module_of, source_of

SIZES = (0.0, 1e-30, 1e-8, 0.25, 1.0, 3.0, 20.0, 88.0, 90.0, 700.0, 745.0, 1e4)
POINTS = np.array([[sign * size] for size in SIZES for sign in (1, -1)])

OVERFLOWS = {
    "activation exponential",
    "loss poisson_nll",
    "loss tweedie",
    "loss expression",
}
"""Their exact values are beyond the largest number for the largest inputs: e^745 and its kin."""

INFINITE_WHERE_SATURATED = {"loss focal", "loss poisson", "loss tweedie", "loss kl_div", "loss categorical_focal"}
"""A prediction that rounds to 0 or 1 makes these infinite; their forms of a logit or logarithm have no such point."""

OWN_OUTPUT = {"simplex": "softmax", "log simplex": "log_softmax", "unit interval": "sigmoid", "positive": "softplus"}


def _networks() -> dict[str, Network]:
    found = {f"activation {name}": Network.parse(f"1 -> 2 {name} -> 2 | mse") for name in ACTIVATIONS}
    for name, loss in LOSSES.items():
        if loss.pieces:  # of a whole row
            continue
        last = next(
            (OWN_OUTPUT[kind] for kind in OWN_OUTPUT if kind in loss.accepts and "real" not in loss.accepts), ""
        )
        found[f"loss {name}"] = Network.parse(f"1 -> 2 {last} | {name}".replace("  ", " "))
    return found


NETWORKS = _networks()


def _targets(network: Network, count: int) -> Array:
    kinds = {
        "real": [[0.3, -2.0]],
        "unit interval": [[0.0, 1.0], [0.3, 1.0], [1.0, 0.0]],
        "classes": [[0.0, 1.0], [1.0, 0.0]],
        "nonnegative": [[0.0, 3.0], [1.0, 2.0]],
        "nonzero": [[-0.5, 2.0]],
        "signs": [[1.0, -1.0], [-1.0, 1.0]],
    }
    rows = cycle(kinds[network.loss_definition.targets])
    return np.array([next(rows) for _ in range(count)])


def _theta(module: object, network: Network, dtype: Dtype) -> Array:
    """Return parameters that pass the input on as it is to the first pre-activations, and keep the rest tame."""
    theta: Array = module.init_params(seed=0)  # type: ignore[attr-defined]
    views = module.unpack(theta)  # type: ignore[attr-defined]
    views.W1[...] = np.array([[1.0], [-1.0]])
    for name in ("W2", "W3"):
        if hasattr(views, name):
            getattr(views, name)[...] *= 1e-3
    return theta


def failing(network: Network, dtype: Dtype, source: str | None = None) -> list[str]:
    """Return the points and functions at which the module warns."""
    module = module_of(network, dtype) if source is None else executed(source)
    theta, found = _theta(module, network, dtype), []
    points, targets = POINTS.astype(dtype), _targets(network, len(POINTS)).astype(dtype)
    for x, y in zip(points, targets, strict=True):
        trainer = module.Trainer(theta.copy(), batch_size=1, optimizer="sgd", lr=1e-3)
        calls: dict[str, Callable[[], object]] = {
            "forward": partial(module.forward, theta, x[None]),
            "loss": partial(module.loss, theta, x[None], y[None]),
            "loss_and_grad": partial(module.loss_and_grad, theta, x[None], y[None]),
            "step": partial(trainer.step, x[None], y[None]),
        }
        for name, call in calls.items():
            with np.errstate(all="raise", under="ignore"):
                try:
                    call()
                except FloatingPointError as error:
                    found.append(f"{name} at x = {x[0]:g}, y = {y}: {error}")
    return found


QUICK = ("activation silu", "activation gelu", "loss cross_entropy", "loss bce_with_logits")


@pytest.mark.parametrize("name", QUICK)
def test_finite_inputs_raise_no_floating_point_warning_in_frequent_networks(name: str) -> None:
    found = failing(NETWORKS[name], "float64")
    assert not found, "\n".join(found)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", NETWORKS)
def test_finite_inputs_raise_no_floating_point_warning(name: str, dtype: Dtype) -> None:
    found = failing(NETWORKS[name], dtype)
    if name in OVERFLOWS:
        found = [each for each in found if "overflow" not in each]
    if name in INFINITE_WHERE_SATURATED:
        found = [each for each in found if "divide by zero" not in each]
    assert not found, "\n".join(found)


def test_a_module_that_overflows_is_found() -> None:
    network = NETWORKS["activation sigmoid"]
    text = source_of(network)
    broken = text.replace("t = np.exp(-np.abs(x))", "t = np.exp(-x)")
    assert broken != text
    assert failing(network, "float64", broken)
