"""Layers beyond dense: every kind is derived, verified by the oracles, and seen to fail when its module is broken."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from symmlp import Network, SymmlpError, derive, generate, verify
from symmlp.catalog.activations import TABLE
from symmlp.spec_layers import BatchNorm, Dense
from symmlp.verification import check_module
from symmlp.verification.loading import load_module

FloatArray = np.ndarray[Any, np.dtype[np.float64]]

NETWORKS = (
    "4 -> 5 -> layer_norm -> tanh -> 3 softmax | cross_entropy",
    "4 -> rms_norm -> 3 | mse",
    "4 -> 5 tanh -> batch_norm(momentum=0.2) -> 3 | mse",
    "4 -> batch_norm -> 5 -> batch_norm(epsilon=0.001) -> relu -> dropout(rate=0.2) -> 3 softmax | cross_entropy",
    "4 -> 5 -> layer_norm | mse",
    "4 -> 5 -> randomized_relu(lower=0.1, upper=0.4) -> 3 softmax | cross_entropy",
    "4 -> dropout -> 5 tanh -> 3 | mse",
    "4 -> standardize(mean=0.5, scale=2.0) -> 5 tanh -> standardize(mean=-0.25, scale=0.5) -> 3 | mse",
    "6 -> 5 relu -> dropout(rate=0.3) -> 3 sigmoid | bce",
    "6 -> 5 selu -> alpha_dropout(rate=0.2) -> 3 | mae",
    "4 -> 6 tanh -> 6 tanh -> add(layer=1) -> 3 | mse",
    "4 -> 3 -> 4 -> add(layer=0) -> 2 | mse",
    "4 -> 6 tanh -> concat(layer=0) -> 3 softmax | cross_entropy",
    "4 -> 6 tanh -> 3 -> concat(layer=1) | mse",
    "4 -> 5 prelu -> 3 srelu -> 2 | mse",
    "4 -> 5 -> layer_norm -> learnable_swish -> 3 | mse",
    "4 -> 5 glu -> 6 swiglu -> 3 | mse",
    "4 -> 5 maxout -> 6 maxout_3 -> 3 reglu | mse",
    "4 -> 5 geglu -> 3 softmin | cross_entropy",
    "4 -> 5 log_softmax -> 3 log_softmax | nll",
    "7 -> 6 -> layer_norm -> tanh -> dropout -> 6 relu -> add(layer=1) -> rms_norm -> concat(layer=0) -> 2 | mse",
)


@pytest.mark.parametrize("text", NETWORKS)
def test_every_oracle_agrees(text: str) -> None:
    report = verify(Network.parse(text))
    assert report.ok, report.text()
    assert not [check for check in report.checks if check.ok is not True]


def test_every_activation_with_gates_or_learned_numbers_is_looked_at() -> None:
    several = [name for name, entry in TABLE.items() if len(entry.variables) > 1 and entry.acts_on == "entry"]
    assert several
    assert all(any(f" {name} " in f"{text} " for text in NETWORKS) for name in several)


BROKEN = (
    ("4 -> 5 -> layer_norm -> 3 | mse", "dU2 = -dC2.sum", "dU2 = dC2.sum"),
    ("4 -> 5 -> layer_norm -> 3 | mse", "dA1 = dU2 / 5 + dC2", "dA1 = dC2"),
    ("4 -> 5 -> rms_norm -> 3 | mse", "dg2 = (dA2 * H2)", "dg2 = (dA2 * A1)"),
    ("4 -> 5 tanh -> batch_norm -> 3 | mse", "dU2 = -dC2.sum", "dU2 = dC2.sum"),
    ("4 -> 5 tanh -> batch_norm -> 3 | mse", "dA1 = dU2 / N + dC2", "dA1 = dC2"),
    ("4 -> 5 tanh -> batch_norm -> 3 | mse", "N * V2 / (10 * (N - 1))", "V2 / 10"),
    ("4 -> 5 tanh -> batch_norm -> 3 | mse", 'V2 = running.get("V2", V2)', "V2 = V2 + 0"),
    ("4 -> 5 -> randomized_relu(lower=0.1, upper=0.4) -> 3 | mse", "rng.uniform(0.1, 0.4,", "rng.uniform(0.1, 0.3,"),
    ("4 -> 5 -> randomized_relu(lower=0.1, upper=0.4) -> 3 | mse", "KEEP_ALL = (0.25,)", "KEEP_ALL = (0.1,)"),
    ("4 -> 5 tanh -> standardize(scale=0.5) -> 3 | mse", "dA1 = dA2 / s2", "dA1 = dA2 * s2"),
    ("4 -> 5 tanh -> standardize(scale=0.5) -> 3 | mse", "s2 = np.full(5, 0.5", "s2 = np.full(5, 0.6"),
    ("4 -> standardize(mean=0.5) -> 3 | mse", "A1 = (X - c1)", "A1 = (X + c1)"),
    ("4 -> 6 tanh -> 6 tanh -> add(layer=1) -> 3 | mse", "dA1 = dZ2 @ W2 + dA3", "dA1 = dZ2 @ W2"),
    ("4 -> 6 tanh -> concat(layer=0) -> 3 | mse", "dA1 = dA2[:, 0:6]", "dA1 = dA2[:, 4:10]"),
    ("6 -> 5 relu -> dropout(rate=0.3) -> 3 | mse", "dA1 = dA2 * M2", "dA1 = dA2"),
    ("4 -> 5 glu -> 3 | mse", "dA1 * glu_of_gate_slope(Z1_2, Z1)", "dA1 * glu_of_gate_slope(Z1, Z1_2)"),
    ("4 -> 5 prelu -> 3 | mse", "prelu_of_alpha_slope(alpha1, Z1)", "prelu_slope(Z1, alpha1)"),
    ("4 -> 3 softmin | cross_entropy", "dZ1 = (Y * softmin_complement(Z1) - P * (1 - Y)) / N", "dZ1 = (P - Y) / N"),
    ("6 -> 5 relu -> dropout(rate=0.3) -> 3 | mse", ">= 0.3", ">= 0.7"),
    ("6 -> 5 selu -> alpha_dropout(rate=0.2) -> 3 | mse", "M2 = np.where(kept, ", "M2 = 1.1 * np.where(kept, "),
)


@cache
def verified_source(network: Network) -> str:
    """Return a network's module, which the oracles agree with."""
    source = generate(network)
    assert check_module(source, network).ok
    return source


@pytest.mark.parametrize(("text", "right", "wrong"), BROKEN)
def test_a_broken_module_is_not_verified(text: str, right: str, wrong: str) -> None:
    network = Network.parse(text)
    source = verified_source(network)
    assert source.count(right) == 1
    assert not check_module(source.replace(right, wrong), network).ok


@pytest.mark.parametrize("text", [text for text in NETWORKS if "batch_norm" not in text])
def test_both_layouts_print_the_same_number_of_equations(text: str) -> None:
    batch, sample = (derive(Network.parse(text), layout=layout) for layout in ("batch", "sample"))
    assert [each.id for each in batch.equations] == [each.id for each in sample.equations]


@pytest.mark.parametrize("text", NETWORKS)
def test_a_network_is_read_back_from_its_dict_and_from_its_short_string(text: str) -> None:
    network = Network.parse(text)
    assert Network.model_validate(network.as_dict()) == network
    assert Network.parse(network.short()) == network


@pytest.mark.parametrize("text", NETWORKS)
def test_training_lowers_the_loss(text: str) -> None:
    network = Network.parse(text)
    module = load_module(generate(network))
    generator = np.random.default_rng(3)
    X = generator.normal(size=(60, network.inputs))
    scores = X @ generator.normal(size=(network.inputs, network.outputs))
    classes = network.loss_definition.targets == "classes"
    Y = scores.argmax(axis=1) if classes else 1 / (1 + np.exp(-scores))
    start = module.loss(module.init_params(0), X, Y)
    fitted = module.fit(X, Y, epochs=40, batch_size=16, lr=1e-2)
    assert module.loss(fitted.theta, X, Y) < 0.9 * start
    again = module.fit(X, Y, epochs=40, batch_size=16, lr=1e-2)
    assert np.array_equal(fitted.theta, again.theta)


@pytest.fixture
def dropping() -> ModuleType:
    return load_module(generate(Network.parse("6 -> 5 relu -> dropout(rate=0.3) -> 3 | mse")))


def test_prediction_drops_nothing(dropping: ModuleType) -> None:
    theta, X = dropping.init_params(1), np.random.default_rng(0).normal(size=(7, 6))
    named = dropping.unpack(theta)
    expected = np.maximum(X @ named.W1.T + named.b1, 0) @ named.W3.T + named.b3
    assert np.allclose(dropping.forward(theta, X), expected, rtol=1e-14, atol=0)


def test_masks_of_other_shapes_are_refused(dropping: ModuleType) -> None:
    theta, X, Y = dropping.init_params(1), np.ones((7, 6)), np.ones((7, 3))
    with pytest.raises(ValueError, match=r"masks: expected shapes \[\(7, 5\)\], got \[\(2, 5\)\]"):
        dropping.loss(theta, X, Y, masks=[np.ones((2, 5))])


@pytest.fixture
def normalizing() -> ModuleType:
    return load_module(generate(Network.parse("6 -> 5 tanh -> batch_norm -> 3 | mse")))


def test_batch_normalization_keeps_running_statistics_apart_from_the_parameters(normalizing: ModuleType) -> None:
    assert normalizing.N_PARAMS == 5 * 6 + 5 + 5 + 5 + 3 * 5 + 3
    assert normalizing.N_STATISTICS == 10
    assert normalizing.init_statistics().tolist() == [0.0] * 5 + [1.0] * 5


def test_running_statistics_are_saved_and_loaded_with_the_parameters(normalizing: ModuleType, tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    fitted = normalizing.fit(generator.normal(size=(20, 6)), generator.normal(size=(20, 3)), epochs=2, batch_size=7)
    normalizing.save(tmp_path / "saved.npz", fitted.theta, fitted.statistics)
    theta, statistics = normalizing.load(tmp_path / "saved.npz")
    assert np.array_equal(theta, fitted.theta)
    assert np.array_equal(statistics, fitted.statistics)


def test_a_prediction_with_running_statistics_does_not_depend_on_the_other_samples(normalizing: ModuleType) -> None:
    theta, X = normalizing.init_params(1), np.random.default_rng(0).normal(size=(7, 6))
    statistics = normalizing.init_statistics() + 0.5
    together = normalizing.forward(theta, X, statistics)
    alone = np.concatenate([normalizing.forward(theta, X[row : row + 1], statistics) for row in range(7)])
    assert np.allclose(together, alone, rtol=1e-13, atol=0)


def test_a_sample_alone_in_the_last_batch_is_left_out_of_its_epoch(normalizing: ModuleType) -> None:
    generator = np.random.default_rng(0)
    X, Y = generator.normal(size=(9, 6)), generator.normal(size=(9, 3))
    fitted = normalizing.fit(X, Y, epochs=1, batch_size=4, shuffle=False)
    shorter = normalizing.fit(X[:8], Y[:8], epochs=1, batch_size=4, shuffle=False)
    assert np.array_equal(fitted.theta, shorter.theta)
    assert fitted.history == shorter.history


@pytest.mark.parametrize("name", ["forward", "step", "loss", "loss_and_grad", "fit"])
def test_batch_normalization_of_one_sample_is_refused(normalizing: ModuleType, name: str) -> None:
    theta, X, Y = normalizing.init_params(0), np.ones((1, 6)), np.ones((1, 3))
    calls: dict[str, Callable[[], object]] = {
        "forward": lambda: normalizing.forward(theta, X),
        "step": lambda: normalizing.Trainer(theta, batch_size=4).step(X, Y),
        "loss": lambda: normalizing.loss(theta, X, Y),
        "loss_and_grad": lambda: normalizing.loss_and_grad(theta, X, Y),
        "fit": lambda: normalizing.fit(X, Y),
    }
    with pytest.raises(ValueError, match="X: batch normalization of 1 sample; expected at least 2 samples"):
        calls[name]()


@pytest.mark.parametrize(
    ("statistics", "message"),
    [
        (np.ones(4), r"statistics: expected shape \(10,\), got \(4,\)"),
        (-np.ones(10), "V2: -1.0 at row 0 .* expected variances from 0 on"),
        (np.full(10, np.inf), "statistics: inf at row 0 .* expected finite numbers"),
    ],
)
def test_statistics_that_are_none_are_refused(normalizing: ModuleType, statistics: FloatArray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        normalizing.forward(normalizing.init_params(0), np.ones((3, 6)), statistics)


@pytest.mark.parametrize("style", ["plain", "buffered"])
def test_both_styles_move_the_same_statistics(style: str) -> None:
    network = Network.parse("6 -> 5 tanh -> batch_norm -> 3 | mse")
    module = load_module(generate(network, style=style))
    generator = np.random.default_rng(0)
    X, Y = generator.normal(size=(8, 6)), generator.normal(size=(8, 3))
    trainer = module.Trainer(module.init_params(0), batch_size=8)
    named = module.unpack(trainer.theta)
    A1 = np.tanh(X @ named.W1.T + named.b1)
    expected = np.concatenate([0.1 * A1.mean(axis=0), 0.9 + 0.1 * A1.var(axis=0, ddof=1)])
    trainer.step(X, Y)
    assert np.allclose(trainer.statistics, expected, rtol=1e-14, atol=0)


def test_batch_normalization_with_keras_numbers_moves_and_predicts_as_keras_documents() -> None:
    # Keras: epsilon 1e-3, moving = 0.99 moving + 0.01 batch, and the batch's variance is divided by N.
    layers = [Dense(5, "tanh"), BatchNorm(epsilon=1e-3, momentum=0.01, unbiased=False), Dense(3)]
    module = load_module(generate(Network(inputs=6, layers=layers, loss="mse")))
    generator = np.random.default_rng(0)
    X, Y = generator.normal(size=(8, 6)), generator.normal(size=(8, 3))
    theta = module.init_params(0)
    named = module.unpack(theta)
    A1 = np.tanh(X @ named.W1.T + named.b1)
    mean, variance = 0.01 * A1.mean(axis=0), 0.99 + 0.01 * A1.var(axis=0)
    trainer = module.Trainer(theta.copy(), batch_size=8)
    trainer.step(X, Y)
    assert np.allclose(trainer.statistics, np.concatenate([mean, variance]), rtol=1e-14, atol=0)
    normalized = named.g2 * (A1 - mean) / np.sqrt(variance + 1e-3) + named.b2
    expected = normalized @ named.W3.T + named.b3
    assert np.allclose(module.forward(theta, X, trainer.statistics), expected, rtol=1e-12, atol=1e-14)


def test_batch_normalization_in_the_one_sample_layout_is_refused_in_one_line() -> None:
    message = r"^layout: batch_norm \(layer 2\) needs a batch of samples; expected batch$"
    with pytest.raises(SymmlpError, match=message):
        derive(Network.parse("6 -> 5 tanh -> batch_norm -> 3 | mse"), layout="sample")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("4 -> batch_norm(momentum=0) -> 3 | mse", "layers[1].momentum: expected the share of a new batch"),
        ("4 -> dropout(rate=1) -> 3 | mse", "layers[1].rate: expected a probability from 0 to less than 1; got 1"),
        (
            "4 -> droput -> 3 | mse",
            "layers[1].units: must be a positive integer, got 'droput'; did you mean 'dropout'?",
        ),
        ("4 -> dropout(p=0.1) -> 3 | mse", "layers[1].p: unknown key 'p'; expected one of type, rate"),
        ("4 -> 3 -> randomized_relu | mse", "layers[2].type: randomized_relu is the last layer; expected another"),
        (
            "4 -> randomized_relu(lower=0.5) -> 3 | mse",
            "layers[1].upper: expected a number above lower = 0.5, got 0.33",
        ),
        ("4 -> standardize(scale=0) -> 3 | mse", "layers[1].scale: expected a number from 1e-30 to 1e+30, got 0"),
        ("4 -> 3 -> add(layer=2) -> 3 | mse", "layers[2].layer: expected a layer before this one, 0 to 1, got 2"),
        ("4 -> 3 -> add(layer=0) | mse", "layers[2].layer: layer 0 has 4 outputs, the layer before has 3"),
        ("4 -> add | mse", "layers[1].layer: missing key 'layer'"),
        ("4 -> glu -> 3 | mse", "layers[1].activation: glu has gates with weights; expected it in a dense layer"),
        ("4 -> 3 -> layer_norm(epsilon=0) | mse", "layers[2].epsilon: expected a number above 0"),
        ("4 -> 3 -> layer_norm | bce", "loss: 'bce' does not fit the output layer 'layer_norm'; expected sigmoid"),
        ("4 -> 3 softmax | nll", "loss: 'nll' does not fit the output activation 'softmax'; expected log_softmax"),
    ],
)
def test_a_layer_that_does_not_fit_is_refused_in_one_line(text: str, message: str) -> None:
    with pytest.raises(SymmlpError) as caught:
        Network.parse(text)
    assert str(caught.value).startswith(message)
