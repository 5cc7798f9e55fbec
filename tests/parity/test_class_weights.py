"""Weighted and ignored classes beside PyTorch's cross entropies, in float64 to 1e-12."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from symmlp.generation import generate
from symmlp.spec import Network
from tests.generated_modules import executed
from tests.parity.comparison import framework

torch = framework("torch")
F = framework("torch.nn.functional")

pytestmark = pytest.mark.parity

WEIGHTS = [1.5, 0.25, 3.0, 0.7]
LABELS = np.array([0, -100, 2, 3, 1, 1, -100, 3, 0])

FORMS: dict[str, Any] = {
    "5 -> 4 softmax | cross_entropy": F.cross_entropy,
    "5 -> 4 | cross_entropy_with_logits": F.cross_entropy,
    "5 -> 4 log_softmax | nll": lambda z, y, **given: F.nll_loss(F.log_softmax(z, dim=1), y, **given),
}


@pytest.mark.parametrize("style", ["plain", "buffered"])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("text", FORMS)
def test_the_loss_and_its_gradient_are_those_of_torch(text: str, smoothing: float, reduction: str, style: str) -> None:
    if smoothing and "nll" in text:
        pytest.skip("PyTorch's NLLLoss has no smoothing")
    given = {"class_weights": WEIGHTS, "ignore_index": -100, "reduction": reduction}
    values = {**Network.parse(text).as_dict(), **given, "loss_parameters": {"label_smoothing": smoothing}}
    module = executed(generate(Network.model_validate(values), style=style))
    rng = np.random.default_rng(4)
    theta, inputs = rng.normal(size=module.N_PARAMS), rng.normal(size=(len(LABELS), 5))
    weights = torch.tensor(theta[:20].reshape(4, 5), requires_grad=True)
    bias = torch.tensor(theta[20:], requires_grad=True)
    options = {"weight": torch.tensor(WEIGHTS, dtype=torch.float64), "ignore_index": -100, "reduction": reduction}
    options |= {"label_smoothing": smoothing} if smoothing else {}
    total = FORMS[text](F.linear(torch.tensor(inputs), weights, bias), torch.tensor(LABELS), **options)
    total.backward()
    loss, gradient = module.loss_and_grad(theta, inputs, LABELS)
    expected = np.concatenate([weights.grad.numpy().ravel(), bias.grad.numpy()])
    assert loss == pytest.approx(total.item(), rel=1e-13)
    np.testing.assert_allclose(gradient, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("power", [1, 2])
def test_weights_of_classes_in_margins_are_those_of_torch(power: int) -> None:
    parsed = Network.parse(f"5 -> 4 | multi_margin(power={power}, margin=0.7)").as_dict()
    module = executed(generate(Network.model_validate({**parsed, "class_weights": WEIGHTS})))
    rng, labels = np.random.default_rng(4), np.array([0, 2, 3, 1, 1])
    theta, inputs = rng.normal(size=module.N_PARAMS), rng.normal(size=(5, 5))
    weights = torch.tensor(theta[:20].reshape(4, 5), requires_grad=True)
    bias = torch.tensor(theta[20:], requires_grad=True)
    options = {"p": power, "margin": 0.7, "weight": torch.tensor(WEIGHTS, dtype=torch.float64)}
    total = F.multi_margin_loss(F.linear(torch.tensor(inputs), weights, bias), torch.tensor(labels), **options)
    total.backward()
    loss, gradient = module.loss_and_grad(theta, inputs, labels)
    expected = np.concatenate([weights.grad.numpy().ravel(), bias.grad.numpy()])
    assert loss == pytest.approx(total.item(), rel=1e-13)
    np.testing.assert_allclose(gradient, expected, rtol=1e-12, atol=1e-14)
