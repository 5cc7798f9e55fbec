"""Optimizers beside those of PyTorch: the same gradients give the same parameters, in float64 to 1e-12."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from symmlp.generation import generate
from symmlp.spec import Network
from tests.generated_modules import executed

torch = pytest.importorskip("torch")

CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "sgd": ("SGD", {"lr": 0.01}),
    "momentum": ("SGD", {"lr": 0.01, "momentum": 0.9}),
    "nesterov": ("SGD", {"lr": 0.01, "momentum": 0.9, "nesterov": True}),
    "sgd(weight_decay=0.1)": ("SGD", {"lr": 0.01, "weight_decay": 0.1}),
    "adam": ("Adam", {}),
    "adam(weight_decay=0.1)": ("Adam", {"weight_decay": 0.1}),
    "adamw": ("AdamW", {}),
    "amsgrad": ("Adam", {"amsgrad": True}),
    "adamax": ("Adamax", {}),
    "radam": ("RAdam", {}),
    "rmsprop": ("RMSprop", {}),
    "rmsprop_momentum": ("RMSprop", {"momentum": 0.9}),
    "rmsprop_centered": ("RMSprop", {"centered": True}),
    "adagrad": ("Adagrad", {}),
    "adadelta": ("Adadelta", {}),
    "rprop": ("Rprop", {}),
    "nadam": ("NAdam", {}),
    "asgd": ("ASGD", {}),
    "asgd(lr=0.1, decay=0.5, power=1, start=3)": ("ASGD", {"lr": 0.1, "lambd": 0.5, "alpha": 1, "t0": 3}),
    "adam(clip_norm=0.7)": ("Adam", {}),
    "sgd(clip_norm=100)": ("SGD", {"lr": 0.01}),
}


@pytest.fixture(autouse=True)
def _double() -> Iterator[None]:
    """PyTorch keeps NAdam's product of momenta in its default dtype: float32 would cost it all but 8 digits."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


@pytest.mark.parametrize("name", CASES)
def test_twelve_updates_are_those_of_pytorch(name: str) -> None:
    kind, settings = CASES[name]
    spec = {"inputs": 4, "layers": [{"units": 3, "activation": "tanh"}, {"units": 2}], "loss": "mse", "optimizer": name}
    module = executed(generate(Network.model_validate(spec)))
    generator = np.random.default_rng(7)
    start = generator.normal(size=module.N_PARAMS)
    parameter = torch.nn.Parameter(torch.tensor(start))
    peer = getattr(torch.optim, kind)([parameter], **settings)
    moved, own = start.copy(), module.OPTIMIZERS[name.partition("(")[0]](module.N_PARAMS)
    for _ in range(12):
        gradient = generator.normal(size=module.N_PARAMS)
        parameter.grad = torch.tensor(gradient)
        if "clip_norm" in name:
            torch.nn.utils.clip_grad_norm_([parameter], float(name.partition("clip_norm=")[2].rstrip(")")))
        peer.step()
        own.update(moved, gradient)
    if kind == "ASGD":
        np.testing.assert_allclose(own.average, peer.state[parameter]["ax"].numpy(), rtol=1e-12)
    np.testing.assert_allclose(moved, parameter.detach().numpy(), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("style", ["plain", "buffered"])
def test_the_moving_average_of_the_parameters_is_that_of_pytorch(style: str) -> None:
    spec = {"inputs": 4, "layers": [{"units": 2}], "loss": "mse", "optimizer": "sgd(lr=0.05, ema=0.9)"}
    module = executed(generate(Network.model_validate(spec), style=style))
    generator = np.random.default_rng(7)
    inputs, targets = generator.normal(size=(30, 4)), generator.normal(size=(30, 2))
    found = module.fit(inputs, targets, epochs=3, batch_size=10, shuffle=False)
    model = torch.nn.Linear(4, 2)
    named = module.unpack(module.init_params(0))
    with torch.no_grad():
        model.weight.copy_(torch.from_numpy(named.W1))
        model.bias.copy_(torch.from_numpy(named.b1))
    averaged = torch.optim.swa_utils.AveragedModel(model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.9))
    descent = torch.optim.SGD(model.parameters(), lr=0.05)
    for first in [*range(0, 30, 10)] * 3:
        descent.zero_grad()
        rows = slice(first, first + 10)
        torch.nn.functional.mse_loss(model(torch.from_numpy(inputs[rows])), torch.from_numpy(targets[rows])).backward()
        descent.step()
        averaged.update_parameters(model)
    expected = [each.detach().numpy().ravel() for each in averaged.module.parameters()]
    np.testing.assert_allclose(found.averaged, np.concatenate(expected), rtol=1e-12, atol=1e-14)
    assert np.abs(found.averaged - found.theta).max() > 1e-3
