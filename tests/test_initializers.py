"""Initial weights and biases: what modules draw, and the bounds that scikit-learn and PyTorch give."""

from __future__ import annotations

import importlib
import os
from typing import Any

import numpy as np
import pytest

from symmlp import Network, SymmlpError, generate, listed
from symmlp.catalog.initializers import ALIASES, DEFAULT, TABLE
from symmlp.verification.loading import load_module

INPUTS, HIDDEN, OUTPUTS = 60, 90, 40


def drawn(initializer: str, activation: str = "tanh") -> Any:
    values = {
        "inputs": INPUTS,
        "layers": [{"units": HIDDEN, "activation": activation}, {"units": OUTPUTS}],
        "loss": "mse",
        "initializer": initializer,
    }
    module = load_module(generate(Network.model_validate(values)))
    return module.unpack(module.init_params(5))


def keras_dense(fan_in: int, fan_out: int) -> float:
    """Return the limit of Keras's GlorotUniform: VarianceScaling with scale 1, mode fan_avg, uniform."""
    return float(np.sqrt(3 * 1.0 / ((fan_in + fan_out) / 2)))


@pytest.mark.parametrize("name", [name for name, entry in TABLE.items() if entry.distribution == "uniform"])
def test_uniform_weights_fill_their_interval_and_stay_in_it(name: str) -> None:
    bounds = {
        "pytorch": INPUTS**-0.5,
        "sklearn": keras_dense(INPUTS, HIDDEN),
        "glorot_uniform": keras_dense(INPUTS, HIDDEN),
        "he_uniform": np.sqrt(6 / INPUTS),
        "lecun_uniform": np.sqrt(3 / INPUTS),
        "small_uniform": 0.05,
    }
    assert 0.99 * bounds[name] < np.abs(drawn(name).W1).max() <= bounds[name]


@pytest.mark.parametrize(
    "name", [name for name, entry in TABLE.items() if entry.distribution in ("normal", "truncated")]
)
def test_normal_weights_have_their_standard_deviation(name: str) -> None:
    scales = {
        "glorot_normal": np.sqrt(2 / (INPUTS + HIDDEN)),
        "he_normal": np.sqrt(2 / INPUTS),
        "lecun_normal": INPUTS**-0.5,
        "small_normal": 0.05,
    }
    scales |= {f"{each}_truncated": scales[f"{each}_normal"] for each in ("glorot", "he", "lecun")}
    weights = drawn(name).W1
    largest = np.abs(weights).max() / scales[name]
    assert (2.1 < largest < 2 / 0.8796) if TABLE[name].distribution == "truncated" else largest > 2.5
    assert abs(weights.std() / scales[name] - 1) < 4 / np.sqrt(2 * weights.size)


def test_orthogonal_weights_have_orthonormal_rows_or_columns() -> None:
    named = drawn("orthogonal")
    np.testing.assert_allclose(named.W1.T @ named.W1, np.eye(INPUTS), atol=1e-14)
    np.testing.assert_allclose(named.W2 @ named.W2.T, np.eye(OUTPUTS), atol=1e-14)


def test_identity_passes_unit_i_on_to_unit_i() -> None:
    np.testing.assert_array_equal(drawn("identity").W1, np.eye(HIDDEN, INPUTS))


@pytest.mark.parametrize("name", ["glorot", "he", "lecun"])
def test_the_preset_of_keras_truncates_normal_weights(name: str) -> None:
    text = {**Network.parse("4 -> 3 | mse").as_dict(), "initializer": f"{name}_normal"}
    assert Network.model_validate({**text, "preset": "keras"}).initializer == f"{name}_truncated"
    assert Network.model_validate(text).initializer == f"{name}_normal"


@pytest.mark.parametrize("name", TABLE)
def test_biases_are_zero_or_drawn(name: str) -> None:
    named = drawn(name)
    assert np.any(named.b1) == np.any(named.b2) == (TABLE[name].biases == "drawn")


@pytest.mark.parity
@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
def test_the_bounds_of_sklearn_are_those_that_scikit_learn_draws_from(activation: str) -> None:
    try:
        networks = importlib.import_module("sklearn.neural_network")
    except ModuleNotFoundError:
        if os.environ.get("SYMMLP_PARITY") == "1":
            raise
        pytest.skip("scikit-learn is not installed")
    model = networks.MLPRegressor(
        hidden_layer_sizes=(HIDDEN,), activation={"sigmoid": "logistic"}.get(activation, activation), max_iter=1
    )
    bounds: list[float] = []

    class Recorder(np.random.RandomState):
        def uniform(self, low: Any = 0.0, high: Any = 1.0, size: Any = None) -> Any:
            bounds.append(float(high))
            return super().uniform(low, high, size)

    model._random_state = Recorder(0)
    model._init_coef(INPUTS, HIDDEN, np.float64)
    assert len(bounds) == 2
    named = drawn("sklearn", activation)
    for bound, values in zip(bounds, (named.W1, named.b1), strict=True):
        assert 0.9 * bound < np.abs(values).max() <= bound
    # The bound itself, to rounding: what the module draws is this times the generator's numbers in [-1, 1].
    numbers = np.random.Generator(np.random.PCG64(5)).uniform(-1, 1, size=named.W1.shape)
    assert np.allclose(named.W1, bounds[0] * numbers, rtol=1e-12, atol=0)


def test_keras_is_its_dense_layer_with_zero_biases() -> None:
    named = drawn("keras")
    numbers = np.random.Generator(np.random.PCG64(5)).uniform(-1, 1, size=named.W1.shape)
    assert np.allclose(named.W1, keras_dense(INPUTS, HIDDEN) * numbers, rtol=1e-12, atol=1e-16)
    assert not np.any(named.b1)


def test_the_default_is_left_out_of_the_spec_and_any_other_is_in_it() -> None:
    network = Network.parse("4 -> 3 | mse")
    assert network.initializer == DEFAULT
    assert "initializer" not in network.as_dict()
    other = Network.model_validate({**network.as_dict(), "initializer": "keras"})
    assert other.as_dict()["initializer"] == ALIASES["keras"]
    assert Network.model_validate(other.as_dict()) == other


def test_an_unknown_initializer_is_refused_in_one_line() -> None:
    values = {**Network.parse("4 -> 3 | mse").as_dict(), "initializer": "kers"}
    with pytest.raises(SymmlpError, match="^initializer: unknown initializer 'kers'; did you mean 'keras'"):
        Network.model_validate(values)


def test_every_initializer_is_listed() -> None:
    text = listed("initializers")
    assert all(any(line.startswith(name) for line in text.splitlines()) for name in TABLE)
    assert listed("schedules").startswith("constant")
