"""Presets: what a spec leaves out is as Keras or scikit-learn has it; what it says stays."""

from __future__ import annotations

import pytest

from symmlp import derive
from symmlp.errors import SpecError
from symmlp.spec import Dense, Network

KERAS = "4 -> 5 leaky_relu -> batch_norm -> tanh -> 6 -> layer_norm -> 3 softmax | cross_entropy | as keras"


def test_keras_has_its_own_initializer_optimizer_slope_and_epsilons() -> None:
    network = Network.parse(KERAS)
    assert (network.initializer, network.optimizer) == ("glorot_uniform", "rmsprop_keras")
    own = network.as_dict()["layers"]
    assert own[0]["parameters"] == {"alpha": 0.2}
    assert own[1] == {"type": "batch_norm", "epsilon": 1e-3, "momentum": 0.01, "unbiased": False}
    assert own[4]["epsilon"] == 1e-3


def test_scikit_learn_has_its_own_penalty_and_sums_the_squared_error_over_the_outputs() -> None:
    network = Network.parse("4 -> 5 relu -> 2 | half_mse | as sklearn")
    assert (network.initializer, network.penalty, network.reduction) == ("sklearn", "half_l2_per_sample", "batch_mean")
    assert (network.optimizer, dict(network.optimizer_parameters)) == ("adam_keras", {"eps": 1e-8})
    assert Network.parse("4 -> 3 softmax | cross_entropy | as sklearn").reduction == "mean"
    assert Network.parse("4 -> 1 sigmoid | bce | as sklearn").reduction == "batch_mean"


def test_the_names_of_optimizers_are_those_of_the_library() -> None:
    def chosen(preset: str, optimizer: str) -> tuple[str, dict[str, float]]:
        network = Network(inputs=3, layers=[Dense(2)], loss="mse", preset=preset, optimizer=optimizer)
        return network.optimizer, dict(network.optimizer_parameters)

    assert chosen("keras", "adam(lr=0.5)") == ("adam_keras", {"lr": 0.5})
    assert chosen("keras", "nadam(lr=0.5)") == ("nadam", {"eps": 1e-7, "momentum_decay": 1, "lr": 0.5})
    assert chosen("sklearn", "sgd") == ("nesterov_keras", {"lr": 1e-3})
    assert chosen("pytorch", "adam") == ("adam", {})


def test_what_is_given_stays() -> None:
    layers = [Dense(5, "leaky_relu(alpha=0.7)"), {"type": "layer_norm", "epsilon": 1e-5}, Dense(2)]
    given = {"initializer": "he_normal", "optimizer": "lion", "reduction": "sum", "penalty": "l1"}
    network = Network(inputs=3, layers=layers, loss="half_mse", preset="sklearn", **given)
    assert {name: getattr(network, name) for name in given} == given
    assert network.as_dict()["layers"][0]["parameters"] == {"alpha": 0.7}
    assert network.as_dict()["layers"][1]["epsilon"] == 1e-5


@pytest.mark.parametrize("text", [KERAS, "4 -> 5 relu -> 2 | half_mse | as sklearn"])
def test_a_spec_that_was_filled_in_stays_as_it_is(text: str) -> None:
    network = Network.parse(text)
    assert Network.model_validate(network.as_dict()) == network
    assert Network.parse(network.short()) == network


def test_the_derivation_says_whose_defaults_hold() -> None:
    text = derive(Network.parse("4 -> 2 | half_mse | as sklearn")).text(steps="none")
    (line,) = [line for line in text.splitlines() if line.startswith("Preset")]
    assert "as scikit-learn has it" in line
    assert "penalty half_l2_per_sample" in line


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("4 -> 2 | mse | as tf", "preset: expected 'pytorch', 'keras' or 'sklearn', got 'tf'"),
        ("4 -> 2 | mse | keras", "spec: 'keras' is no preset; expected 'as keras' or 'as sklearn'"),
        ("4 -> 2 | mse | as ", "spec: 'as' is no preset; expected 'as keras' or 'as sklearn'"),
    ],
)
def test_a_preset_that_is_none_is_refused_in_one_line(text: str, told: str) -> None:
    with pytest.raises(SpecError) as caught:
        Network.parse(text)
    assert str(caught.value) == told
