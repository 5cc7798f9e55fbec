"""Options of losses beside PyTorch's: constants that `full` adds, epsilon in a logarithm, in float64 to 1e-12."""

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

FORMS: dict[str, Any] = {
    "3 -> 2 | poisson_nll(full=1)": lambda z, y: F.poisson_nll_loss(z, y, full=True),
    "3 -> 2 exponential | poisson(eps=1e-8, full=1)": lambda z, y: F.poisson_nll_loss(
        torch.exp(z), y, log_input=False, full=True
    ),
    "3 -> 2 | gaussian_nll(var=0.7, full=1)": lambda z, y: F.gaussian_nll_loss(
        z, y, torch.full_like(z, 0.7), full=True
    ),
}


@pytest.mark.parametrize("text", FORMS)
def test_the_loss_and_its_gradient_are_those_of_torch(text: str) -> None:
    module = executed(generate(Network.parse(text)))
    rng = np.random.default_rng(4)
    theta, inputs = rng.normal(size=8), rng.normal(size=(6, 3))
    targets = np.array([0.0, 1.0, 2.0, 0.5, 7.0, 30.0, 1.5, 0.0, 3.0, 1.0, 12.0, 4.0]).reshape(6, 2)
    weights = torch.tensor(theta[:6].reshape(2, 3), requires_grad=True)
    bias = torch.tensor(theta[6:], requires_grad=True)
    total = FORMS[text](F.linear(torch.tensor(inputs), weights, bias), torch.tensor(targets))
    total.backward()
    with np.errstate(all="raise", under="ignore"):
        loss, gradient = module.loss_and_grad(theta, inputs, targets)
    assert loss == pytest.approx(total.item(), rel=1e-13)
    expected = np.concatenate([weights.grad.numpy().ravel(), bias.grad.numpy()])
    np.testing.assert_allclose(gradient, expected, rtol=1e-12, atol=1e-14)
