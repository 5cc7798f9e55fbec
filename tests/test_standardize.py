"""Scaling by numbers of the spec: the same as a scaler before the network, in every style, and bad numbers refused."""

from __future__ import annotations

from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.preprocessing import StandardScaler

from symmlp import Network, SymmlpError, derive, generate
from symmlp.verification import check_module
from symmlp.verification.loading import load_module

MEANS, SCALES = [5.8433, 3.0573, 3.758, 1.1993], [0.8253, 0.4344, 1.7594, 0.7596]
LAYERS: list[dict[str, Any]] = [{"units": 5, "activation": "tanh"}, {"units": 3, "activation": "softmax"}]


def network(**values: Any) -> Network:
    """Return a network that scales its inputs first."""
    own = {"type": "standardize", "mean": MEANS, "scale": SCALES} | values
    return Network.model_validate({"inputs": 4, "layers": [own, *LAYERS], "loss": "cross_entropy"})


@cache
def module(style: str = "plain") -> ModuleType:
    """Return the module of a style."""
    return load_module(generate(network(), style=style))


@pytest.mark.parametrize("style", ["plain", "buffered"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_lists_of_numbers_are_verified_by_every_oracle(style: str, dtype: Any) -> None:
    report = check_module(generate(network(), style=style, dtype=dtype), network())
    assert report.ok, report.text()


def test_the_prediction_is_that_of_a_network_behind_a_scaler() -> None:
    X = load_iris().data
    scaler = StandardScaler().fit(X)
    scaled = load_module(generate(network(mean=scaler.mean_.tolist(), scale=scaler.scale_.tolist())))
    plain = load_module(generate(Network.model_validate({"inputs": 4, "layers": LAYERS, "loss": "cross_entropy"})))
    theta = plain.init_params(1)
    expected = plain.forward(theta, scaler.transform(X))
    np.testing.assert_allclose(scaled.forward(theta, X), expected, rtol=1e-13)
    assert not np.allclose(scaled.forward(theta, X + 1), expected)


def test_both_styles_give_the_same_gradient() -> None:
    X, Y = load_iris(return_X_y=True)
    theta = module().init_params(2)
    (loss, gradient), (other, same) = (each.loss_and_grad(theta, X, Y) for each in (module(), module("buffered")))
    assert loss == pytest.approx(other, rel=1e-14)
    np.testing.assert_allclose(same, gradient, rtol=1e-12, atol=1e-15)


def test_nothing_of_it_is_learned() -> None:
    assert list(module().SHAPES) == ["W2", "b2", "W3", "b3"]


def test_the_derivation_says_what_is_given_in_both_layouts() -> None:
    assert "F1  A1 = (X − 1 c1ᵀ) ⊘ (1 s1ᵀ)" in derive(network()).text()
    assert "mean of layer 1, given" in derive(network(), layout="sample").text()


def test_a_network_is_read_back_from_its_dict() -> None:
    assert Network.model_validate(network().as_dict()) == network()
    assert network().as_dict()["layers"][0]["mean"] == MEANS


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"mean": MEANS[:3]}, "layers[1].mean: has 3 numbers; expected 4, one a unit, or one number"),
        ({"scale": [1, 2, 0, 4]}, "layers[1].scale[3]: expected a number from 1e-30 to 1e+30, got 0"),
        ({"scale": -2}, "layers[1].scale: expected a number from 1e-30 to 1e+30, got -2"),
        ({"scale": []}, "layers[1].scale: has 0 numbers; expected 4, one a unit, or one number"),
        ({"mean": "0.5"}, "layers[1].mean: expected a number from -1e+30 to 1e+30, got '0.5'"),
        ({"mean": [0, 0, float("nan"), 0]}, "layers[1].mean[3]: expected a number from -1e+30 to 1e+30, got nan"),
        ({"mean": True}, "layers[1].mean: expected a number from -1e+30 to 1e+30, got True"),
    ],
)
def test_numbers_that_do_not_fit_are_refused_in_one_line(values: dict[str, Any], message: str) -> None:
    with pytest.raises(SymmlpError) as caught:
        network(**values)
    assert str(caught.value) == message
