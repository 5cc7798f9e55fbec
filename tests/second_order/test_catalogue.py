"""What lies beyond the gradient is there for every activation and loss of the catalogue, and right for every loss."""

from __future__ import annotations

from typing import Any

import pytest

from symmlp import verify
from symmlp.catalog.activations import TABLE as ACTIVATIONS
from symmlp.catalog.losses import TABLE as LOSSES
from symmlp.deriving import derive
from symmlp.graph import Layout
from symmlp.second_order import ORDERS, with_second_order
from symmlp.spec import Network

OWN_OUTPUT = {"simplex": "softmax", "log simplex": "log_softmax", "unit interval": "sigmoid", "positive": "softplus"}


def of_loss(name: str) -> str:
    """Return a network whose prediction the loss accepts."""
    accepts = LOSSES[name].accepts
    last = next((OWN_OUTPUT[kind] for kind in OWN_OUTPUT if kind in accepts and "real" not in accepts), "identity")
    return f"3 -> 4 tanh -> 2 {last} | {name}"


OF_LOSSES = [of_loss(name) for name in LOSSES]
OF_ACTIVATIONS = [f"3 -> 4 {name} -> 2 | mse" for name in ACTIVATIONS]
OF_LAYERS = [
    "3 -> 4 -> layer_norm -> tanh -> 2 | mse",
    "3 -> 4 tanh -> rms_norm -> concat(layer=0) -> 2 | mse",
    "3 -> 4 tanh -> add(layer=1) -> dropout(rate=0.2) -> gaussian_noise -> 2 softmax | cross_entropy",
]
WEIGHTED: dict[str, dict[str, Any]] = {
    "classes": {"class_weights": [1, 2, 0.5]},
    "ignored labels": {"ignore_index": -100},
    "samples": {"sample_weights": "samples"},
    "samples by weight": {"sample_weights": "weights"},
    "all": {"class_weights": [1, 2, 0.5], "sample_weights": "weights", "ignore_index": -1},
}


def weighted(fields: dict[str, Any]) -> Network:
    layers = [{"units": 4, "activation": "tanh"}, {"units": 3, "activation": "softmax"}]
    return Network.model_validate({"inputs": 3, "layers": layers, "loss": "cross_entropy", **fields})


def is_complete(network: Network, layout: Layout) -> bool:
    second = with_second_order(derive(network, layout=layout), ORDERS, almost_everywhere=True).second
    return all(second[name] for name in ORDERS[:-1]) and any(name.startswith("hessian") for name in second)


def test_a_loss_without_curvature_leaves_that_of_the_network() -> None:
    report = verify(Network.parse("3 -> 4 tanh -> 2 | multi_margin"), with_=("hvp",), almost_everywhere=True)
    assert report.ok, report


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["batch", "sample"])
@pytest.mark.parametrize("spec", [*OF_ACTIVATIONS, *OF_LOSSES, *OF_LAYERS])
def test_every_entry_has_all_that_lies_beyond_the_gradient(spec: str, layout: Layout) -> None:
    assert is_complete(Network.parse(spec), layout)


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["batch", "sample"])
@pytest.mark.parametrize("fields", WEIGHTED.values(), ids=WEIGHTED)
def test_weighted_losses_have_it_too(fields: dict[str, Any], layout: Layout) -> None:
    assert is_complete(weighted(fields), layout)


@pytest.mark.slow
@pytest.mark.parametrize("spec", OF_LOSSES)
def test_every_oracle_accepts_products_and_blocks_of_every_loss(spec: str) -> None:
    report = verify(Network.parse(spec), with_=ORDERS, almost_everywhere=True)
    assert report.ok, report


@pytest.mark.slow
@pytest.mark.parametrize("fields", WEIGHTED.values(), ids=WEIGHTED)
def test_every_oracle_accepts_products_and_blocks_of_weighted_losses(fields: dict[str, Any]) -> None:
    report = verify(weighted(fields), with_=ORDERS, almost_everywhere=True)
    assert report.ok, report
