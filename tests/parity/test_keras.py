"""Activations, losses, optimizers, schedules and layers beside Keras's own, in float64 to 1e-12."""

from __future__ import annotations

import os
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from symmlp.catalog.peers import OFFERS, Offer
from symmlp.generation import generate
from symmlp.spec import Network
from symmlp.verification.sample import draw_sample
from tests.generated_modules import Array, executed
from tests.parity.comparison import TOLERANCE, framework, relative_error
from tests.strategies import dense_layers

os.environ.setdefault("KERAS_BACKEND", "jax")
jax = framework("jax")
jax.config.update("jax_enable_x64", True)
keras = framework("keras")
keras.config.set_floatx("float64")
# Beside TensorFlow Keras computes in float64; beside JAX this table of its own would turn that into float32.
framework("keras.src.backend.common.dtypes").BIT64_TO_BIT32_DTYPE["float64"] = "float64"

pytestmark = pytest.mark.parity

ACTIVATIONS = [each for each in OFFERS if each.peer == "Keras" and each.kind == "activation" and " " not in each.name]
LOSSES = [each for each in OFFERS if each.peer == "Keras" and each.kind == "loss"]
OUTPUTS = {"real": "identity", "nonnegative": "relu", "positive": "softplus", "unit interval": "sigmoid"}
APART = {
    "glu": "halves of one array there, two pre-activations here",
    "sparsemax": "Keras 3.15 adds up cumulative sums, and its rows do not sum to 1",
}
GIVEN = {"threshold": {"threshold": 0, "default_value": 0}}


def numbers(values: Any) -> Array:
    return np.asarray(keras.ops.convert_to_numpy(values))


@cache
def module_of(network: Network) -> ModuleType:
    return executed(generate(network))


def called(offer: Offer) -> tuple[str, dict[str, Any]]:
    """Return the peer's name and the arguments in its brackets: ("gelu", approximate = True)."""
    name, _, given = offer.name.rstrip(")").partition("(")
    values = {"True": True, "False": False, "-1": -1}
    return name, {key: values[value] for key, _, value in (part.partition("=") for part in given.split(", ") if part)}


@pytest.mark.parametrize("offer", ACTIVATIONS, ids=lambda offer: offer.name)
def test_an_activation_has_the_value_and_the_slopes_of_keras(offer: Offer) -> None:
    name, given = called(offer)
    if name in APART:
        pytest.skip(APART[name])
    given |= GIVEN.get(name, {})
    module = module_of(Network.parse(f"3 -> 4 {offer.text} -> 3 | mse"))
    rng = np.random.default_rng(5)
    theta, inputs, targets = rng.normal(size=module.N_PARAMS), rng.normal(size=(6, 3)), rng.normal(size=(6, 3))
    function = getattr(keras.activations, name)

    def loss(flat: Any) -> Any:
        first, b1, second, b2 = flat[:12].reshape(4, 3), flat[12:16], flat[16:28].reshape(3, 4), flat[28:]
        return (((function(inputs @ first.T + b1, **given) @ second.T + b2) - targets) ** 2).mean()

    found, gradient = module.loss_and_grad(theta, inputs, targets)
    expected, slopes = jax.value_and_grad(loss)(theta)
    assert relative_error(found, float(expected)) <= TOLERANCE
    assert relative_error(gradient, numbers(slopes)) <= TOLERANCE


@pytest.mark.parametrize("offer", LOSSES, ids=lambda offer: offer.name)
def test_a_loss_has_the_value_and_the_gradient_of_keras(offer: Offer) -> None:
    name, given = called(offer)
    output = "softmax" if name in ("KLDivergence", "CategoricalFocalCrossentropy") else ""
    network = fitting(offer, output)
    module, sample = module_of(network), draw_sample(network, 3)
    targets = sample.dense_targets(network.outputs)
    if name == "BinaryFocalCrossentropy":
        targets = np.round(targets)  # Keras's modulating factor is that of targets 0 and 1.
    asked = np.argmax(targets, axis=1) if "Sparse" in name else targets
    function = getattr(keras.losses, name)(dtype="float64", **given)
    prediction = module.forward(sample.theta, sample.inputs)
    expected, slopes = jax.value_and_grad(lambda p: function(asked, p))(prediction)
    own = np.eye(network.outputs)[asked] if "Sparse" in name else targets
    found, gradient = module.loss_and_grad(sample.theta, sample.inputs, own)
    assert relative_error(offer.factor * found, float(expected)) <= TOLERANCE
    through = jax.vjp(lambda theta: of_layers(network, theta, sample.inputs), sample.theta)[1]
    assert relative_error(offer.factor * gradient, numbers(through(slopes)[0])) <= TOLERANCE


def fitting(offer: Offer, output: str) -> Network:
    """Return a network of one layer whose output the loss accepts."""
    for end in (output,) if output else ("identity", "sigmoid", "softplus", "softmax"):
        try:
            parsed = Network.parse(f"4 -> 3 {end} | {offer.text}")
        except ValueError:
            continue
        return Network.model_validate({**parsed.as_dict(), "reduction": offer.reduction})
    raise AssertionError(offer.text)


def of_layers(network: Network, theta: Any, inputs: Array) -> Any:
    """Return the prediction of a network of one layer, by Keras's activation."""
    before = inputs @ theta[:12].reshape(3, 4).T + theta[12:]
    (last,) = dense_layers(network)
    name = last.definition.name
    return before if name == "identity" else getattr(keras.activations, name)(before)


OPTIMIZERS: dict[str, tuple[str, dict[str, Any]]] = {
    "sgd": ("SGD", {}),
    "momentum_keras": ("SGD", {"momentum": 0.9}),
    "nesterov_keras": ("SGD", {"momentum": 0.9, "nesterov": True}),
    "adam_keras": ("Adam", {}),
    "amsgrad_keras": ("Adam", {"amsgrad": True}),
    "adamw_keras": ("AdamW", {}),
    "adamax_keras": ("Adamax", {}),
    "nadam(lr=0.001, eps=1e-7, momentum_decay=1)": ("Nadam", {}),
    "rmsprop_keras": ("RMSprop", {}),
    "rmsprop_momentum_keras": ("RMSprop", {"momentum": 0.9}),
    "rmsprop_centered_keras": ("RMSprop", {"centered": True}),
    "adagrad_keras": ("Adagrad", {}),
    "adadelta(lr=0.001, rho=0.95, eps=1e-7)": ("Adadelta", {}),
    "lion": ("Lion", {}),
    "ftrl(l1=0.01, l2=0.02)": ("Ftrl", {"l1_regularization_strength": 0.01, "l2_regularization_strength": 0.02}),
    "adam_keras(clip_value=0.3)": ("Adam", {"clipvalue": 0.3}),
    "sgd(decoupled_weight_decay=0.1)": ("SGD", {"weight_decay": 0.1}),
}


def error_of_updates(name: str, kind: str, settings: dict[str, Any]) -> float:
    """Return how far parameters are from those of Keras's optimizer after twelve updates by the same gradients."""
    spec = {"inputs": 4, "layers": [{"units": 3, "activation": "tanh"}, {"units": 2}], "loss": "mse", "optimizer": name}
    module = module_of(Network.model_validate(spec))
    rng = np.random.default_rng(7)
    moved = rng.normal(size=module.N_PARAMS)
    own, variable = module.OPTIMIZERS[name.partition("(")[0]](module.N_PARAMS), keras.Variable(moved.copy())
    peer = getattr(keras.optimizers, kind)(**settings)
    for _ in range(12):
        gradient = rng.normal(size=module.N_PARAMS)
        own.update(moved, gradient.copy())
        peer.apply([keras.ops.convert_to_tensor(gradient)], [variable])
    return float(relative_error(moved, numbers(variable.value)))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_twelve_updates_are_those_of_keras(name: str) -> None:
    kind, settings = OPTIMIZERS[name]
    assert error_of_updates(name, kind, settings) <= (1e-7 if kind == "Nadam" else TOLERANCE)


@pytest.mark.parametrize(
    ("name", "kind"), [("adam", "Adam"), ("rmsprop", "RMSprop"), ("adagrad", "Adagrad"), ("nadam", "Nadam")]
)
def test_updates_as_another_library_has_them_are_noticed(name: str, kind: str) -> None:
    settings = {"learning_rate": 0.01 if name in ("rmsprop", "adagrad") else 0.001}
    assert error_of_updates(name, kind, settings) > (1e-7 if kind == "Nadam" else TOLERANCE)


SCHEDULES: dict[str, tuple[str, tuple[Any, ...], dict[str, Any]]] = {
    "exponential(period=7, gamma=0.5)": ("ExponentialDecay", (0.1, 7, 0.5), {}),
    "step(period=7, gamma=0.5)": ("ExponentialDecay", (0.1, 7, 0.5), {"staircase": True}),
    "inverse_time(period=7, gamma=0.5)": ("InverseTimeDecay", (0.1, 7, 0.5), {}),
    "polynomial(total=9, power=2, end=0.0001)": ("PolynomialDecay", (0.1, 9), {"power": 2.0}),
    "cosine(total=9, end=0.01)": ("CosineDecay", (0.1, 9), {"alpha": 0.1}),
    "cosine_restarts(period=5, end=0.01)": ("CosineDecayRestarts", (0.1, 5), {"t_mul": 1.0, "alpha": 0.1}),
    "warmup_cosine(warmup=4, total=9, end=0.01)": (
        "CosineDecay",
        (0.0, 9),
        {"alpha": 0.1, "warmup_target": 0.1, "warmup_steps": 4},
    ),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_rates_of_twelve_updates_are_those_of_keras(name: str) -> None:
    kind, arguments, settings = SCHEDULES[name]
    spec = {"inputs": 2, "layers": [{"units": 2}], "loss": "mse", "optimizer": "sgd(lr=0.1)", "schedule": name}
    module = module_of(Network.model_validate(spec))
    own, theta = module.OPTIMIZERS["sgd"](module.N_PARAMS), np.zeros(module.N_PARAMS)
    peer = getattr(keras.optimizers.schedules, kind)(*arguments, **settings)
    for step in range(12):
        before = theta[0]
        own.update(theta, np.ones(module.N_PARAMS))
        # Keras counts steps in float32 here, and its rates have the digits of that.
        assert before - theta[0] == pytest.approx(float(peer(step)), rel=1e-6, abs=1e-9)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_a_preset_normalizes_as_keras_does() -> None:
    network = Network.parse("4 -> 5 tanh -> batch_norm -> 3 -> layer_norm -> rms_norm | mse | as keras")
    module = module_of(network)
    rng = np.random.default_rng(2)
    theta, inputs = rng.normal(size=module.N_PARAMS), rng.normal(size=(6, 4))
    own = module.unpack(theta)
    first = np.tanh(inputs @ own.W1.T + own.b1)
    norm = keras.layers.BatchNormalization(dtype="float64")
    norm.build(first.shape)
    norm.set_weights([own.g2, own.b2, np.zeros(5), np.ones(5)])
    rows = numbers(norm(first, training=True)) @ own.W3.T + own.b3
    for layer, given in (
        (keras.layers.LayerNormalization(dtype="float64"), [own.g4, own.b4]),
        (keras.layers.RMSNormalization(dtype="float64"), [own.g5]),
    ):
        layer.build(rows.shape)
        layer.set_weights(given)
        rows = numbers(layer(rows))
    trainer = module.Trainer(theta.copy(), batch_size=6, optimizer="sgd")
    trainer.step(inputs, np.zeros((6, 3)))
    assert relative_error(module.propagate(theta, inputs)[-1], rows) <= TOLERANCE
    moved = np.concatenate(norm.get_weights()[2:])
    assert relative_error(trainer.statistics, moved) <= TOLERANCE


def test_weights_of_samples_are_those_of_keras() -> None:
    network = Network.model_validate(
        {**Network.parse("4 -> 3 softmax | cross_entropy | as keras").as_dict(), "sample_weights": True}
    )
    module = module_of(network)
    rng = np.random.default_rng(2)
    theta, inputs, labels = rng.normal(size=module.N_PARAMS), rng.normal(size=(6, 4)), np.arange(6) % 3
    weights = rng.uniform(size=6)
    loss = keras.losses.SparseCategoricalCrossentropy(dtype="float64")
    expected = float(loss(labels, module.forward(theta, inputs), sample_weight=weights))
    assert relative_error(module.loss(theta, inputs, labels, sample_weight=weights), expected) <= TOLERANCE


CONSTRAINTS: dict[str, tuple[str, dict[str, Any]]] = {
    "non_negative": ("NonNeg", {}),
    "max_norm(limit=0.5)": ("MaxNorm", {"max_value": 0.5}),
    "unit_norm": ("UnitNorm", {}),
    "min_max_norm(least=0.3, limit=0.6, share=0.5)": ("MinMaxNorm", {"min_value": 0.3, "max_value": 0.6, "rate": 0.5}),
}


@pytest.mark.parametrize("text", CONSTRAINTS)
def test_a_constraint_puts_weights_where_keras_does(text: str) -> None:
    kind, settings = CONSTRAINTS[text]
    module = module_of(Network.model_validate({**Network.parse("4 -> 3 | mse").as_dict(), "constraint": text}))
    theta = np.random.default_rng(3).normal(scale=0.4, size=module.N_PARAMS)
    expected = numbers(getattr(keras.constraints, kind)(**settings)(module.unpack(theta.copy()).W1.T)).T
    module.constrain(theta)
    assert relative_error(module.unpack(theta).W1, expected) <= TOLERANCE
