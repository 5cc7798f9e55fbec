"""Parameters of catalogued functions and of users' expressions: how they are written, kept, checked and named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sympy as sp

from symmlp.catalog.activations import activation, x
from symmlp.catalog.losses import loss, p, y
from symmlp.catalog.parameters import Settings, exact
from symmlp.deriving import derive
from symmlp.errors import SpecError
from symmlp.spec import Dense, Network
from tests.generated_modules import module_of
from tests.strategies import dense_layers

WRITTEN = [
    "4 -> 8 leaky_relu(alpha=0.2) -> 3 | mse",
    "4 -> 8 hard_tanh(low=-2, high=0.5) -> 3 | huber(delta=2)",
    "4 -> 8 {x*sigmoid(beta*x)}(beta=1.5) -> 3 | {abs(p - y)**k}(k=3)",
    "4 -> 8 elu(alpha=1e-05) -> 3 sigmoid | focal(alpha=0.5, gamma=3)",
]


@pytest.mark.parametrize("text", WRITTEN)
def test_a_short_string_with_parameters_survives_the_network(text: str) -> None:
    assert Network.parse(text).short() == text


@pytest.mark.parametrize("text", WRITTEN)
def test_a_network_with_parameters_survives_json(text: str) -> None:
    network = Network.parse(text)
    assert Network.model_validate(json.loads(json.dumps(network.as_dict()))) == network


def test_python_and_the_short_string_give_the_same_network() -> None:
    layers = [Dense(8, "x*sigmoid(beta*x)", parameters={"beta": 1.5}), Dense(3, "leaky_relu(alpha=0.2)")]
    network = Network(inputs=4, layers=layers, loss="huber", loss_parameters={"delta": 2})
    assert network == Network.parse("4 -> 8 {x*sigmoid(beta*x)}(beta=1.5) -> 3 leaky_relu(alpha=0.2) | huber(delta=2)")


def test_toml_gives_parameters_as_a_table(tmp_path: Path) -> None:
    path = tmp_path / "net.toml"
    path.write_text(
        'inputs = 4\nloss = "huber"\nloss_parameters = {delta = 2}\n'
        '[[layers]]\nunits = 3\nactivation = "x*sigmoid(beta*x)"\nparameters = {beta = 1.5}\n'
    )
    assert Network.load(path).short() == "4 -> 3 {x*sigmoid(beta*x)}(beta=1.5) | huber(delta=2)"


def test_a_network_without_parameters_says_nothing_of_them() -> None:
    text = json.dumps(Network.parse("4 -> 8 leaky_relu -> 3 | huber").as_dict())
    assert "parameters" not in text


def test_networks_that_differ_in_a_parameter_have_other_digests() -> None:
    first, second = (Network.parse(f"4 -> 8 elu(alpha={alpha}) -> 3 | mse") for alpha in (1, 2))
    assert first.digest() != second.digest()


def test_equal_networks_have_equal_hashes() -> None:
    first, second = (f"4 -> 8 hard_tanh({text}) -> 3 | mse" for text in ("low=-2, high=3", "high=3, low=-2"))
    assert hash(Network.parse(first)) == hash(Network.parse(second))


@pytest.mark.parametrize("name", ["swish", "linear", "logistic", "hard_silu"])
def test_an_alias_is_its_entry(name: str) -> None:
    text = f"4 -> 8 tanh -> 3 {name} | mse"
    assert dense_layers(Network.parse(text))[-1].activation == activation(name).name


def test_decimals_are_exact() -> None:
    assert activation("leaky_relu", given={"alpha": 0.1}).value == sp.Max(0, x) + sp.Min(0, x) / 10
    assert exact(1e-05) == sp.Rational(1, 100000)


def test_a_parameter_of_a_loss_stands_in_its_value() -> None:
    assert loss("pinball(quantile=0.9)").value == sp.Max(sp.Rational(9, 10) * (y - p), (p - y) / 10)


def test_an_expression_is_read_with_numbers_for_its_parameters() -> None:
    assert activation("sin(a*x)/a", given={"a": 4}).value == sp.sin(4 * x) / 4


REFUSED: list[tuple[str, str]] = [
    ("4 -> 8 leaky_relu(alhpa=0.2) -> 3 | mse", "layers[1].parameters: unknown parameter 'alhpa' of leaky_relu"),
    ("4 -> 8 leaky_relu(alhpa=0.2) -> 3 | mse", "did you mean 'alpha'?"),
    ("4 -> 8 tanh(a=2) -> 3 | mse", "layers[1].parameters: unknown parameter 'a' of tanh; expected none"),
    ("4 -> 8 -> 7 elu(alpha=nan) -> 3 | mse", "layers[2].parameters.alpha: expected a finite number, got 'nan'"),
    ("4 -> 8 elu(alpha=1e999) -> 3 | mse", "layers[1].parameters.alpha: expected a finite number, got inf"),
    ("4 -> 8 elu(alpha=True) -> 3 | mse", "layers[1].parameters.alpha: expected a finite number, got 'True'"),
    ("4 -> 8 elu(alpha=x) -> 3 | mse", "layers[1].parameters.alpha: expected a finite number, got 'x'"),
    ("4 -> 8 elu(alpha=2**9) -> 3 | mse", "layers[1].parameters.alpha: expected a finite number, got '2 ** 9'"),
    ("4 -> 8 softplus(beta=-1) -> 3 | mse", "layers[1].parameters.beta: expected a number > 0, got -1"),
    ("4 -> 8 hard_tanh(low=2) -> 3 | mse", "layers[1].parameters.high: expected a number above low = 2, got 1"),
    ("4 -> 8 elu(alpha=1, alpha=2) -> 3 | mse", "layers[1].activation: cannot read '(alpha=1, alpha=2)'"),
    ("4 -> 8 elu(2) -> 3 | mse", "layers[1].activation: 'elu(2)' is no name"),
    ("4 -> 8 {x*x}(k=2) -> 3 | mse", "layers[1].parameters.k: does not occur in the expression 'x*x'"),
    ("4 -> 8 {x*x}(x=2) -> 3 | mse", "layers[1].parameters.x: is a variable of the expression"),
    ("4 -> 8 {x**k}(k=200) -> 3 | mse", "layers[1].activation: exponent 'k'"),
    ("4 -> 8 {x*log(k)}(k=-2) -> 3 | mse", "layers[1].activation: "),
    ("4 -> 8 -> 3 | huber(delta=0)", "loss_parameters.delta: expected a number > 0, got 0"),
    ("4 -> 8 -> 3 | pinball(quantile=1)", "loss_parameters.quantile: expected a number > 0 and < 1, got 1"),
    ("4 -> 8 -> 3 | mse(delta=1)", "loss_parameters: unknown parameter 'delta' of mse; expected none"),
]


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_a_bad_parameter_is_refused_in_one_line_that_names_it(text: str, message: str) -> None:
    with pytest.raises(ValueError) as refused:
        Network.parse(text)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), True, "0.2", None, [1], 10**400, 1j])
def test_what_is_no_finite_number_is_refused(value: Any) -> None:
    with pytest.raises(SpecError, match=r"^parameters\.alpha: expected a finite number, got "):
        Dense(8, "elu", parameters={"alpha": value})


@pytest.mark.parametrize("name", ["", "a b", "a\nimport os", "é", "x" * 65, 3])
def test_a_parameter_with_an_unsafe_name_is_refused(name: Any) -> None:
    with pytest.raises(SpecError, match=r"^parameters: parameter name "):
        Dense(8, "elu", parameters={name: 1})


def test_parameters_that_are_no_mapping_are_refused() -> None:
    with pytest.raises(SpecError, match="^loss_parameters: expected a mapping of names to numbers, got "):
        Network(inputs=3, layers=[Dense(2)], loss="huber", loss_parameters=[2])


def test_a_parameter_that_is_given_twice_is_refused() -> None:
    with pytest.raises(SpecError, match=r"^parameters\.alpha: is given twice"):
        Dense(8, "elu(alpha=2)", parameters={"alpha": 2})


def names_of(text: str) -> list[str]:
    return [each.name for each in Network.parse(text).activations if each is not None]


def test_one_function_with_two_values_has_two_names() -> None:
    text = "4 -> 8 leaky_relu(alpha=0.2) -> 7 leaky_relu -> 6 leaky_relu(alpha=0.2) -> 3 | mse"
    assert names_of(text) == ["leaky_relu", "leaky_relu_2", "leaky_relu", "identity"]


def test_a_default_that_is_written_out_is_the_same_function() -> None:
    assert names_of("4 -> 8 elu(alpha=1) -> 7 elu -> 3 | mse")[:2] == ["elu", "elu"]


@pytest.mark.parametrize("text", WRITTEN)
def test_names_of_parameters_never_reach_the_code(text: str) -> None:
    network = Network.parse(text)
    derivation = derive(network)
    symbols: set[Any] = set().union(*(each.stable_derivative.free_symbols for each in functions(derivation)))
    assert {symbol.name for symbol in symbols} <= {"x", "p", "y", "z"}


def functions(derivation: Any) -> list[Any]:
    return [each for each in derivation.functions.values() if hasattr(each, "stable_derivative")]


def test_each_layer_computes_with_its_own_value() -> None:
    module: Any = module_of(Network.parse("2 -> 3 leaky_relu(alpha=0.2) -> 2 leaky_relu(alpha=0.5) | mse"))
    theta = module.init_params(3)
    Z1, A1, Z2, P = module.propagate(theta, -abs(theta[:4]).reshape(2, 2))
    assert ((A1 == Z1) | (abs(A1 - 0.2 * Z1) <= 1e-16)).all()
    assert ((P == Z2) | (P == 0.5 * Z2)).all()


FROZEN: list[Callable[[Settings], Any]] = [lambda each: each.update(a=2), lambda each: each.__setitem__("a", 2)]  # type: ignore[attr-defined, index]


@pytest.mark.parametrize("change", FROZEN)
def test_settings_cannot_be_changed(change: Callable[[Settings], Any]) -> None:
    with pytest.raises(AttributeError):
        change(Settings({"a": 1}))
