"""Generated modules pass every oracle, and a generated module with a mistake does not."""

from __future__ import annotations

import functools

import pytest

from symmlp.deriving import derive
from symmlp.generation import generate
from symmlp.spec import Dense, Network
from symmlp.verification import Report, check_module

NETWORKS = {
    "iris": Network.parse("4 -> 16 tanh -> 3 softmax | cross_entropy"),
    "regression": Network.parse("6 -> 7 gelu -> 4 silu -> 3 | mse"),
    "kinked": Network.parse("3 -> 8 relu -> 4 leaky_relu -> 2 elu | mae"),
    "several labels": Network.parse("5 -> 6 softplus -> 4 sigmoid | bce"),
    "logits": Network.parse("5 -> 6 sigmoid -> 4 | bce_with_logits"),
    "linear": Network.parse("7 -> 3 | mse"),
    "one output": Network.parse("4 -> 6 tanh -> 1 | mse"),
    "inner softmax": Network.parse("4 -> 6 softmax -> 3 tanh -> 2 | mse"),
    "written by a user": Network.parse(
        "4 -> 6 {x*tanh(log(1 + exp(x)))} -> 3 {x/(1 + abs(x))} -> 2 | {sqrt(1 + (p - y)**2) - 1}"
    ),
    "without biases, summed": Network(
        inputs=4,
        layers=(Dense(6, "tanh", bias=False), Dense(3, "softmax", bias=False)),
        loss="cross_entropy",
        reduction="sum",
    ),
}


@functools.cache
def report(name: str, dtype: str = "float64") -> Report:
    network = NETWORKS[name]
    derivation = derive(network)
    equations = (*derivation.forward, derivation.loss, *derivation.backward)
    source = generate(network, dtype="float32" if dtype == "float32" else "float64")
    return check_module(source, network, equations=equations)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_generated_module_is_verified(name: str) -> None:
    assert report(name).ok, report(name).text()


@pytest.mark.parametrize("name", ["kinked", "inner softmax", "linear"])
def test_every_oracle_decides_on_a_generated_module(name: str) -> None:
    assert [check.name for check in report(name).checks if check.ok is None] == []


@pytest.mark.parametrize("name", ["iris", "kinked", "written by a user"])
def test_a_generated_float32_module_is_verified(name: str) -> None:
    assert report(name, "float32").ok, report(name, "float32").text()


@pytest.mark.parametrize("name", ["iris", "kinked"])
def test_the_finer_oracles_call_a_float32_module_in_float64(name: str) -> None:
    notes = [check.note for check in report(name, "float32").checks if check.name.startswith(("complex step", "direc"))]
    assert all("float32 module called in float64" in note for note in notes)


MISTAKES = {
    "W1 is wrong by 1e-9": "g[:64] *= 1 + 1e-9",
    "a factor 2": "g *= 2",
    "1/N is missing": "g *= len(X)",
    "a sign": "g[-3:] *= -1",
    "a transpose": "g[:64] = g[:64].reshape(16, 4).T.ravel()",
    "a bias is missing": "g[64:80] = 0",
    "NaN": "g[70] = np.nan",
    "layers swapped": "g[:] = np.roll(g, 80)",
}

WRAPPER = """

right = loss_and_grad


def loss_and_grad(theta, X, Y, out=None):
    L, g = right(theta, X, Y, out)
    MISTAKE
    return L, g
"""


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_generated_module_with_a_mistake_is_not_verified(mistake: str) -> None:
    source = generate(NETWORKS["iris"]) + WRAPPER.replace("MISTAKE", MISTAKES[mistake])
    found = check_module(source, NETWORKS["iris"])
    failed = {check.name.split(",")[0] for check in found.checks if check.ok is False}
    assert failed >= {"complex step", "direction", "high precision"}


def test_the_wrapper_of_these_mistakes_is_itself_none() -> None:
    source = generate(NETWORKS["iris"]) + WRAPPER.replace("MISTAKE", "pass")
    assert check_module(source, NETWORKS["iris"]).ok


def test_a_module_is_not_verified_for_another_network() -> None:
    network = Network.parse("4 -> 16 sigmoid -> 3 softmax | cross_entropy")
    found = check_module(generate(NETWORKS["iris"]), network)
    failed = {check.name.split(",")[0] for check in found.checks if check.ok is False}
    assert failed >= {"contract", "prediction", "loss value", "high precision"}


def test_a_module_of_another_size_is_not_verified() -> None:
    network = Network.parse("4 -> 15 tanh -> 3 softmax | cross_entropy")
    assert not check_module(generate(NETWORKS["iris"]), network).ok


def test_a_larger_network_is_verified_by_samples() -> None:
    network = Network.parse("40 -> 50 tanh -> 30 relu -> 10 softmax | cross_entropy")
    found = check_module(generate(network), network)
    assert found.ok, found.text()
    assert any("of 3890 entries" in check.note for check in found.checks)
