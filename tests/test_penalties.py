"""Penalties of the weights: terms of the loss whose gradients are derived, in every style, and refused when broken."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from symmlp.audit import verify
from symmlp.catalog.penalties import TABLE
from symmlp.deriving import derive
from symmlp.errors import SpecError
from symmlp.generation import generate
from symmlp.spec import Network
from tests.generated_modules import executed


def penalized(text: str, penalty: str, **fields: object) -> Network:
    return Network.model_validate({**Network.parse(text).as_dict(), "penalty": penalty, **fields})


DEEP = penalized("4 -> 7 glu -> layer_norm -> 5 relu -> 3 softmax | cross_entropy", "l1_l2(l1=0.02, l2=0.3)")


@cache
def module_of(network: Network, style: str = "plain") -> ModuleType:
    return executed(generate(network, style=style))


@pytest.mark.parametrize("penalty", TABLE)
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_the_loss_exceeds_that_without_a_penalty_by_the_sum_over_the_weights(penalty: str, reduction: str) -> None:
    network = penalized("3 -> 4 tanh -> 2 | mse", penalty, reduction=reduction)
    bare = Network.model_validate({**network.as_dict(), "penalty": "none"})
    module, plain = module_of(network), module_of(bare)
    rng = np.random.default_rng(0)
    theta, inputs, targets = rng.normal(size=module.N_PARAMS), rng.normal(size=(6, 3)), rng.normal(size=(6, 2))
    views = module.unpack(theta)
    weights = np.concatenate([views.W1.ravel(), views.W2.ravel()])
    expected = {
        "l1": 0.01 * np.abs(weights).sum(),
        "l2": 0.01 * (weights**2).sum(),
        "l1_l2": 0.01 * np.abs(weights).sum() + 0.01 * (weights**2).sum(),
        "half_l2_per_sample": 0.0001 / 2 / 6 * (weights**2).sum(),
    }[penalty]
    added = module.loss(theta, inputs, targets) - plain.loss(theta, inputs, targets)
    assert added == pytest.approx(expected, rel=1e-10)


def test_every_oracle_agrees_and_a_penalty_that_lacks_its_slope_is_refused(tmp_path: Path) -> None:
    assert verify(DEEP).ok
    broken = tmp_path / "broken.py"
    source = str(generate(DEEP))
    assert "dR1 = 1 " in source
    broken.write_text(source.replace("dR1 = 1 ", "dR1 = 2 "), encoding="utf-8")
    assert not verify(broken).ok


def test_the_buffered_style_has_the_numbers_of_the_plain_one() -> None:
    rng = np.random.default_rng(1)
    theta, inputs = 3 * module_of(DEEP).init_params(0), rng.normal(size=(30, 4))
    given = theta, inputs, rng.integers(3, size=30)
    (plain, gradient), (loss, found) = (module_of(DEEP, style).loss_and_grad(*given) for style in ("plain", "buffered"))
    assert loss == pytest.approx(plain, rel=1e-15)
    np.testing.assert_allclose(found, gradient, rtol=1e-13, atol=1e-16)


def test_at_a_weight_of_zero_the_slope_of_an_absolute_value_is_zero() -> None:
    network = penalized("3 -> 2 | mse", "l1(strength=5)")
    module = module_of(network)
    _, gradient = module.loss_and_grad(np.zeros(8), np.ones((4, 3)), np.zeros((4, 2)))
    assert (gradient == 0).all()


def test_what_lies_beyond_the_gradient_has_the_penalty() -> None:
    network = penalized("3 -> 4 tanh -> 2 | mse", "l2(strength=0.5)")
    assert verify(network, with_=("hvp", "gauss_newton", "jacobian")).ok


def test_penalties_have_equations_of_their_own() -> None:
    derivation = derive(penalized("3 -> 4 tanh -> 2 | mse", "l2"))
    assert [each.id for each in derivation.losses] == ["L1", "L2", "L3"]
    assert [each.target for each in derivation.backward][:3] == ["dP", "dR1", "dR2"]


@pytest.mark.parametrize(
    ("penalty", "told"),
    [
        ("l3", "penalty: unknown penalty 'l3'"),
        ("l2(strength=-1)", "penalty_parameters.strength: "),
        ("l2(alpha=1)", "penalty_parameters: unknown parameter 'alpha' of l2"),
        ("none(alpha=1)", "penalty_parameters.alpha: there is no penalty"),
    ],
)
def test_a_penalty_that_is_none_is_refused_in_one_line(penalty: str, told: str) -> None:
    with pytest.raises(SpecError) as caught:
        penalized("3 -> 2 | mse", penalty)
    assert str(caught.value).startswith(told)
    assert "\n" not in str(caught.value)
