"""Generated modules against PyTorch: the same loss and the same gradient, to rounding, on drawn networks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from symmlp.catalog.activations import TABLE as CATALOGUED_ACTIVATIONS
from symmlp.catalog.losses import TABLE as CATALOGUED_LOSSES
from symmlp.spec import Dense, Network
from tests.parity.comparison import TOLERANCE, agreement, framework, generated_module, relative_error
from tests.parity.conftest import Record
from tests.parity.torch_models import ACTIVATIONS, LOSSES, torch_result
from tests.strategies import CUSTOM_ACTIVATIONS, CUSTOM_LOSSES, Case, drawn_cases

torch = framework("torch")

pytestmark = pytest.mark.parity

CASES = drawn_cases(60)
PERTURBATION = 1e-10


def identify(case: Any) -> str:
    return f"{CASES.index(case):02d}" if isinstance(case, Case) else ""


@pytest.mark.parametrize("case", CASES, ids=identify)
def test_a_drawn_network_has_the_loss_and_gradient_of_torch(case: Case, tmp_path: Path, record: Record) -> None:
    module = generated_module(case.network, tmp_path)
    loss, gradient = module.loss_and_grad(case.theta(), case.inputs(), case.targets())
    found = agreement(loss, gradient, torch_result(case.network, case.theta(), case.inputs(), case.targets()))
    record("torch", case, found)
    assert found.holds, found


@pytest.mark.parametrize("reduction", ["mean", "sum", "batch_mean"])
def test_target_probabilities_give_the_loss_and_gradient_of_torch(
    reduction: str, tmp_path: Path, record: Record
) -> None:
    parsed = Network.parse("6 -> 5 tanh -> 3 softmax | cross_entropy")
    case = Case(Network.model_validate({**parsed.as_dict(), "reduction": reduction}), batch=4, seed=11)
    module = generated_module(case.network, tmp_path)
    loss, gradient = module.loss_and_grad(case.theta(), case.inputs(), case.probabilities())
    found = agreement(loss, gradient, torch_result(case.network, case.theta(), case.inputs(), case.probabilities()))
    record("torch", case, found)
    assert found.holds, found


@pytest.mark.parametrize("case", CASES[::12], ids=identify)
def test_the_loss_alone_is_the_loss_of_torch(case: Case, tmp_path: Path) -> None:
    module = generated_module(case.network, tmp_path)
    reference = torch_result(case.network, case.theta(), case.inputs(), case.targets())
    assert agreement(
        module.loss(case.theta(), case.inputs(), case.targets()),
        np.concatenate([part.ravel() for part in reference.gradients.values()]),
        reference,
    ).holds


@pytest.mark.parametrize("case", CASES[::6], ids=identify)
def test_a_gradient_that_is_wrong_in_the_tenth_digit_is_refused(case: Case) -> None:
    reference = torch_result(case.network, case.theta(), case.inputs(), case.targets())
    gradient = np.concatenate([part.ravel() for part in reference.gradients.values()])
    gradient[np.argmax(np.abs(gradient))] *= 1 + PERTURBATION
    assert not agreement(reference.loss, gradient, reference).holds


LAYERED = (
    "4 -> 6 sparsemax -> 5 tanh -> 3 sparsemax | half_mse",
    "4 -> 5 -> layer_norm -> tanh -> 3 softmax | cross_entropy",
    "4 -> 6 -> rms_norm -> prelu -> 3 | mse",
    "4 -> 5 tanh -> 5 gelu -> add(layer=1) -> layer_norm | mae",
    "4 -> 6 tanh -> batch_norm -> gelu -> 3 softmax | cross_entropy",
    "4 -> 6 silu -> concat(layer=0) -> 3 sigmoid | bce",
    "5 -> layer_norm -> 7 swiglu -> 5 -> add(layer=0) -> rms_norm -> 2 log_softmax | nll",
)


@pytest.mark.parametrize("text", LAYERED)
def test_layers_beyond_dense_have_the_loss_and_gradient_of_torch(text: str, tmp_path: Path, record: Record) -> None:
    network = Network.parse(text)
    case = Case(network, batch=8, seed=5)
    module = generated_module(network, tmp_path)
    theta = module.init_params(3) + np.random.default_rng(4).normal(scale=0.1, size=module.N_PARAMS)
    loss, gradient = module.loss_and_grad(theta, case.inputs(), case.targets())
    found = agreement(loss, gradient, torch_result(network, theta, case.inputs(), case.targets()))
    record("torch", case, found)
    assert found.holds, found


def test_running_statistics_and_predictions_are_those_of_torch_after_three_steps(tmp_path: Path) -> None:
    network = Network.parse("4 -> 6 tanh -> batch_norm(momentum=0.3) -> 3 | mse")
    module = generated_module(network, tmp_path)
    generator = np.random.default_rng(6)
    X, Y = generator.normal(size=(3, 8, 4)), generator.normal(size=(3, 8, 3))
    trainer = module.Trainer(module.init_params(2), batch_size=8, optimizer="sgd", lr=0.1)
    named = module.unpack(trainer.theta.copy())
    norm = torch.nn.BatchNorm1d(6, momentum=0.3, dtype=torch.float64)
    first, last = torch.nn.Linear(4, 6, dtype=torch.float64), torch.nn.Linear(6, 3, dtype=torch.float64)
    model = torch.nn.Sequential(first, torch.nn.Tanh(), norm, last)
    with torch.no_grad():
        for layer, number in ((first, 1), (last, 3)):
            layer.weight.copy_(torch.from_numpy(getattr(named, f"W{number}")))
            layer.bias.copy_(torch.from_numpy(getattr(named, f"b{number}")))
    descent = torch.optim.SGD(model.parameters(), lr=0.1)
    for inputs, targets in zip(X, Y, strict=True):
        descent.zero_grad()
        torch.nn.functional.mse_loss(model(torch.from_numpy(inputs)), torch.from_numpy(targets)).backward()
        descent.step()
        trainer.step(inputs, targets)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    expected = np.concatenate([norm.running_mean.numpy(), norm.running_var.numpy()])
    assert relative_error(trainer.statistics, expected) <= TOLERANCE
    model.eval()
    with torch.no_grad():
        predicted = model(torch.from_numpy(X[0])).numpy()
    assert relative_error(module.forward(trainer.theta, X[0], trainer.statistics), predicted) <= TOLERANCE


@pytest.mark.parametrize(
    "text", ["6 -> 5 tanh -> 3 softmax | cross_entropy", "6 -> 5 tanh -> 3 | cross_entropy_with_logits"]
)
def test_label_smoothing_has_the_loss_and_gradient_of_torch(text: str, tmp_path: Path) -> None:
    network = Network.model_validate({**Network.parse(text).as_dict(), "loss_parameters": {"label_smoothing": 0.1}})
    case = Case(network, batch=4, seed=11)
    module = generated_module(network, tmp_path)
    loss, gradient = module.loss_and_grad(case.theta(), case.inputs(), case.targets())
    reference = torch_result(network, case.theta(), case.inputs(), case.targets())
    assert agreement(loss, gradient, reference).holds


def test_at_least_fifty_drawn_networks_have_no_gradient_that_is_zero() -> None:
    # A dead network agrees with everything; it may be drawn, but it is no evidence.
    alive = [
        case
        for case in CASES
        if all(
            np.any(part)
            for part in torch_result(case.network, case.theta(), case.inputs(), case.targets()).gradients.values()
        )
    ]
    assert len(alive) >= 50


def test_every_catalogued_activation_is_compared_with_torch() -> None:
    assert set(ACTIVATIONS) == {*CATALOGUED_ACTIVATIONS, *CUSTOM_ACTIVATIONS}
    assert set(ACTIVATIONS) == {
        layer.activation for case in CASES for layer in case.network.layers if isinstance(layer, Dense)
    }


def test_every_catalogued_loss_is_compared_with_torch() -> None:
    assert set(LOSSES) == {*CATALOGUED_LOSSES, *CUSTOM_LOSSES}
    assert set(LOSSES) == {case.network.loss for case in CASES}
