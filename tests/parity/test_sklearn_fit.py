"""Whole fits beside scikit-learn's, with its preset: from the same weights, on the same batches."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from symmlp.generation import generate
from symmlp.spec import Network
from tests.generated_modules import Array, executed
from tests.parity.comparison import framework, parameters
from tests.strategies import dense_layers

neural_network = framework("sklearn.neural_network")

pytestmark = pytest.mark.parity

EPOCHS, SAMPLES, BATCH = 15, 53, 8

REGRESSORS = ("6 -> 7 relu -> 5 relu -> 3 | half_mse | as sklearn", "6 -> 7 tanh -> 1 | half_mse | as sklearn")
CLASSIFIERS = (
    "6 -> 7 relu -> 4 softmax | cross_entropy | as sklearn",
    "6 -> 5 sigmoid -> 7 sigmoid -> 1 sigmoid | bce | as sklearn",
)
NAMES = {"relu": "relu", "tanh": "tanh", "sigmoid": "logistic"}


def network_of(text: str, solver: str, alpha: float) -> Network:
    values = Network.parse(text).as_dict()
    for part in ("optimizer", "optimizer_parameters", "penalty_parameters"):
        values.pop(part, None)
    return Network.model_validate({**values, "optimizer": solver, "penalty_parameters": {"alpha": alpha}})


def data(network: Network) -> tuple[Array, Array]:
    rng, last = np.random.default_rng(3), network.layers[-1]
    inputs = rng.normal(size=(SAMPLES, network.inputs))
    if network.loss == "half_mse":
        return inputs, rng.normal(size=(SAMPLES, network.outputs))
    classes = network.outputs if last.outputs == "simplex" else 2
    return inputs, np.arange(SAMPLES) % classes


def fitted(
    estimator: Any, network: Network, theta: Array, inputs: Array, targets: Array, weights: Any = None, **settings: Any
) -> Any:
    """Return scikit-learn's estimator, fitted from theta: a first fit makes its arrays, which are then overwritten."""
    hidden = [layer.units for layer in dense_layers(network)[:-1]]
    activation = NAMES[dense_layers(network)[0].activation]
    model = estimator(
        hidden_layer_sizes=hidden,
        activation=activation,
        batch_size=BATCH,
        shuffle=False,
        warm_start=True,
        max_iter=1,
        tol=0,
        **settings,
    )
    model.set_params(n_iter_no_change=10 * EPOCHS)
    flat = targets.ravel() if targets.shape[1:] == (1,) else targets
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(inputs, flat, sample_weight=weights)
        for name, value in parameters(network, theta).items():
            store, place = (model.coefs_ if name[0] == "W" else model.intercepts_), int(name[1:]) - 1
            store[place][...] = value.T
        model.set_params(max_iter=EPOCHS)
        model.fit(inputs, flat, sample_weight=weights)
    return model


@pytest.mark.parametrize("alpha", [0.0001, 0.3])
@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("text", [*REGRESSORS, *CLASSIFIERS])
def test_a_fit_ends_at_the_weights_of_scikit_learn(text: str, solver: str, alpha: float) -> None:
    network = network_of(text, solver, alpha)
    estimator = neural_network.MLPRegressor if text in REGRESSORS else neural_network.MLPClassifier
    module = executed(generate(network))
    inputs, targets = data(network)
    theta = module.init_params(1)
    model = fitted(estimator, network, theta, inputs, targets, solver=solver, alpha=alpha)
    own = targets if targets.shape[1:] or network.outputs > 1 else targets[:, np.newaxis]
    found = module.fit(
        inputs, own, theta=theta, epochs=EPOCHS, batch_size=BATCH, shuffle=False, optimizer=network.optimizer
    )
    for name, value in parameters(network, found.theta).items():
        store, place = (model.coefs_ if name[0] == "W" else model.intercepts_), int(name[1:]) - 1
        np.testing.assert_allclose(value.T, store[place], rtol=1e-12, atol=1e-12)
    if network.outputs == 1 or text in CLASSIFIERS:
        np.testing.assert_allclose(found.history, model.loss_curve_[-EPOCHS:], rtol=1e-12)


def test_a_fit_without_the_penalty_ends_elsewhere() -> None:
    network = network_of(REGRESSORS[1], "adam", 0.3)
    inputs, targets = data(network)
    with_penalty, without = (executed(generate(each)) for each in (network, network_of(REGRESSORS[1], "adam", 0.0)))
    ends = [module.fit(inputs, targets, epochs=2, shuffle=False).theta for module in (with_penalty, without)]
    assert np.abs(ends[0] - ends[1]).max() > 1e-6


@pytest.mark.parametrize("text", [REGRESSORS[0], CLASSIFIERS[0], CLASSIFIERS[1]])
def test_a_fit_with_weights_of_samples_ends_at_the_weights_of_scikit_learn(text: str) -> None:
    network = Network.model_validate({**network_of(text, "adam", 0.3).as_dict(), "sample_weights": True})
    estimator = neural_network.MLPRegressor if text in REGRESSORS else neural_network.MLPClassifier
    module = executed(generate(network))
    inputs, targets = data(network)
    weights = np.random.default_rng(8).uniform(0.1, 3, size=SAMPLES)
    theta = module.init_params(1)
    model = fitted(estimator, network, theta, inputs, targets, solver="adam", alpha=0.3, weights=weights)
    own = targets if targets.shape[1:] or network.outputs > 1 else targets[:, np.newaxis]
    settings = {"epochs": EPOCHS, "batch_size": BATCH, "shuffle": False, "optimizer": network.optimizer}
    found = module.fit(inputs, own, theta=theta, sample_weight=weights, **settings)
    for name, value in parameters(network, found.theta).items():
        store, place = (model.coefs_ if name[0] == "W" else model.intercepts_), int(name[1:]) - 1
        np.testing.assert_allclose(value.T, store[place], rtol=1e-12, atol=1e-12)
