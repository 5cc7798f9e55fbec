"""Generated modules against one plain SGD step of scikit-learn's multi-layer perceptrons, through its public API.

With momentum, decay and shuffling off, a step moves the parameters by the learning rate times the gradient. The rate is
a large power of two, so that dividing the step by it gives the gradient back to the last bits.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from symmlp.spec import Network
from tests.parity.comparison import Array, Result, agreement, framework, generated_module, parameters
from tests.parity.conftest import Record
from tests.strategies import Case, dense_layers

neural_network = framework("sklearn.neural_network")

pytestmark = pytest.mark.parity

RATE = 2.0**20

CLASSIFIERS = {
    "tanh": "6 -> 5 tanh -> 3 softmax | cross_entropy",
    "relu": "4 -> 8 relu -> 5 relu -> 3 softmax | cross_entropy",
    "logistic": "7 -> 6 sigmoid -> 4 sigmoid -> 5 softmax | cross_entropy",
    "identity": "5 -> 3 -> 4 softmax | cross_entropy",
}
REGRESSORS = {
    "tanh": "6 -> 5 tanh -> 3 | {(p - y)**2/2}",
    "relu": "4 -> 8 relu -> 5 relu -> 3 | {(p - y)**2/2}",
    "logistic": "7 -> 6 sigmoid -> 4 sigmoid -> 5 | {(p - y)**2/2}",
}


def case(text: str, reduction: str) -> Case:
    network = Network.model_validate({**Network.parse(text).as_dict(), "reduction": reduction})
    return Case(network, batch=9, seed=5)


def step_result(model: Any, case: Case, targets: Array, **options: Any) -> Result:
    """Return the loss of scikit-learn at the case's theta, and the gradient of the step that it takes from there."""
    # The first call draws parameters of its own; they are overwritten in place, and the second step is measured.
    model.partial_fit(case.inputs(), targets, **options)
    named = parameters(case.network, case.theta())
    stored = {
        name: (model.coefs_[int(name[1:]) - 1].T if name.startswith("W") else model.intercepts_[int(name[1:]) - 1])
        for name in named
    }
    for name, array in stored.items():
        array[...] = named[name]
    model.partial_fit(case.inputs(), targets)
    return Result(model.loss_, {name: (named[name] - array) / RATE for name, array in stored.items()})


def plain_sgd(estimator: Any, case: Case, activation: str) -> Any:
    return estimator(
        hidden_layer_sizes=[layer.units for layer in dense_layers(case.network)[:-1]],
        activation=activation,
        solver="sgd",
        alpha=0.0,
        batch_size=case.batch,
        learning_rate_init=RATE,
        momentum=0.0,
        nesterovs_momentum=False,
        shuffle=False,
        random_state=0,
    )


@pytest.mark.parametrize("activation", CLASSIFIERS)
def test_a_classifier_takes_the_step_of_sklearn(activation: str, tmp_path: Path, record: Record) -> None:
    drawn = case(CLASSIFIERS[activation], "mean")
    model = plain_sgd(neural_network.MLPClassifier, drawn, activation)
    reference = step_result(model, drawn, drawn.targets(), classes=np.arange(drawn.network.outputs))
    module = generated_module(drawn.network, tmp_path)
    loss, gradient = module.loss_and_grad(drawn.theta(), drawn.inputs(), drawn.targets())
    found = agreement(loss, gradient, reference)
    record("sklearn", drawn, found)
    assert found.holds, found


@pytest.mark.parametrize("activation", REGRESSORS)
def test_a_regressor_takes_the_step_of_sklearn(activation: str, tmp_path: Path, record: Record) -> None:
    drawn = case(REGRESSORS[activation], "batch_mean")
    model = plain_sgd(neural_network.MLPRegressor, drawn, activation)
    step = step_result(model, drawn, drawn.targets())
    # scikit-learn reports the loss as a mean over all entries, but steps along the gradient of the mean over samples.
    reference = Result(step.loss * drawn.network.outputs, step.gradients)
    module = generated_module(drawn.network, tmp_path)
    loss, gradient = module.loss_and_grad(drawn.theta(), drawn.inputs(), drawn.targets())
    found = agreement(loss, gradient, reference)
    record("sklearn", drawn, found)
    assert found.holds, found


def test_a_gradient_that_is_wrong_in_the_tenth_digit_is_refused() -> None:
    drawn = case(REGRESSORS["tanh"], "batch_mean")
    reference = step_result(plain_sgd(neural_network.MLPRegressor, drawn, "tanh"), drawn, drawn.targets())
    gradient = np.concatenate([part.ravel() for part in reference.gradients.values()])
    gradient[np.argmax(np.abs(gradient))] *= 1 + 1e-10
    assert not agreement(reference.loss, gradient, reference).holds
