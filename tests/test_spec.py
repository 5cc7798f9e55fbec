"""Networks: what is accepted from Python, text and files, and how everything else is refused in one line."""

from __future__ import annotations

import json
import keyword
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from symmlp.errors import SpecError, SymmlpError
from symmlp.names import check_name
from symmlp.spec import Dense, Network
from symmlp.spec_part import MAX_LAYERS
from tests.strategies import dense_layers, networks

TOML = """
name = "iris"
inputs = 4
loss = "cross_entropy"

[[layers]]
units = 16
activation = "tanh"

[[layers]]
units = 3
activation = "softmax"
"""

SHORT = "4 -> 16 tanh -> 3 softmax | cross_entropy"

GOOD: dict[str, Any] = {"inputs": 4, "layers": [{"units": 3}, {"units": 2}], "loss": "mse"}


def _message(spec: Any) -> str:
    """Return how a spec is refused: one line of printable ASCII."""
    with pytest.raises(SymmlpError) as caught:
        Network.model_validate(spec)
    message = str(caught.value)
    assert message.isascii()
    assert message.isprintable()
    assert len(message) < 1000
    return message


def test_the_same_network_comes_from_python_a_short_string_and_both_kinds_of_file(tmp_path: Path) -> None:
    (tmp_path / "net.toml").write_text(TOML)
    (tmp_path / "net.JSON").write_text(json.dumps(tomllib.loads(TOML)))
    layers = [Dense(16, "tanh"), Dense(units=3, activation="softmax")]
    expected = Network(name="iris", inputs=4, layers=layers, loss="cross_entropy")
    assert Network.load(tmp_path / "net.toml") == expected
    assert Network.load(str(tmp_path / "net.JSON")) == expected
    assert Network.parse(SHORT).model_copy(update={"name": "iris"}) == expected
    assert Network.load(SHORT) == Network.parse(SHORT)


def test_what_is_not_said_has_its_default() -> None:
    network = Network.parse("4 -> 3 | mse")
    assert (network.name, network.reduction) == ("network", "mean")
    assert network.layers == (Dense(3, "identity", bias=True),)


def test_layers_may_be_any_sequence_of_parts_or_mappings() -> None:
    parts = (Dense(3), {"units": 2})
    assert Network(inputs=4, layers=parts, loss="mse") == Network(inputs=4, layers=list(parts), loss="mse")


@given(networks())
def test_a_network_is_what_its_dictionary_and_its_json_describe(network: Network) -> None:
    assert Network.model_validate(network.as_dict()) == network
    assert Network.model_validate(json.loads(json.dumps(network.as_dict()))) == network


@given(networks())
def test_a_short_string_says_sizes_functions_and_loss(network: Network) -> None:
    read = Network.parse(network.short())
    assert read.inputs == network.inputs
    assert [(layer.units, layer.activation) for layer in dense_layers(read)] == [
        (layer.units, layer.activation) for layer in dense_layers(network)
    ]
    assert read.loss == network.loss


@given(networks())
def test_equal_networks_have_equal_hashes_and_digests(network: Network) -> None:
    again = Network.model_validate(network.as_dict())
    assert hash(again) == hash(network)
    assert again.digest() == network.digest()


@pytest.mark.parametrize(
    "change",
    [
        {"name": "other"},
        {"inputs": 5},
        {"loss": "mae"},
        {"reduction": "sum"},
        {"layers": [{"units": 3}, {"units": 3}]},
        {"layers": [{"units": 3, "bias": False}, {"units": 2}]},
        {"layers": [{"units": 3, "activation": "tanh"}, {"units": 2}]},
        {"layers": [{"units": 3}]},
    ],
)
def test_any_change_of_a_network_changes_its_digest(change: dict[str, Any]) -> None:
    digests = [Network.model_validate(spec).digest() for spec in (GOOD, {**GOOD, **change})]
    assert digests[0] != digests[1]
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in digests)


@pytest.mark.parametrize(("part", "name"), [(Network.parse(SHORT), "inputs"), (Dense(3), "units")])
def test_a_part_cannot_be_changed(part: Any, name: str) -> None:
    with pytest.raises(ValueError, match="frozen"):
        setattr(part, name, 7)


def test_the_number_of_outputs_is_that_of_the_last_layer() -> None:
    assert Network.parse(SHORT).outputs == 3


def test_functions_are_looked_up_or_parsed() -> None:
    network = Network.parse("4 -> 3 tanh -> 2 {x*sigmoid(x)} | {abs(p - y)}")
    assert [each is not None and each.from_user for each in network.activations] == [False, True]
    assert network.loss_definition.from_user
    assert not Network.parse(SHORT).loss_definition.from_user


def test_the_json_schema_names_every_key() -> None:
    schema = Network.model_json_schema()
    assert set(schema["properties"]) == set(Network.model_fields)
    assert set(schema["$defs"]["Dense"]["properties"]) == set(Dense.model_fields)
    assert {"inputs", "layers", "loss"} == set(schema["required"])


SIZES = [0, -3, 2.5, 10.0, 1e3, "10", True, False, None, float("nan"), float("inf"), [3], {}, 10**9 + 1, 10**400]


@pytest.mark.parametrize("units", SIZES, ids=lambda value: repr(value)[:20])
def test_units_are_a_positive_integer(units: Any) -> None:
    message = _message({**GOOD, "layers": [{"units": 3}, {"units": units}]})
    assert message.startswith("layers[2].units: must be a positive integer up to 1000000000, got ")


@pytest.mark.parametrize("inputs", SIZES, ids=lambda value: repr(value)[:20])
def test_inputs_are_a_positive_integer(inputs: Any) -> None:
    assert _message({**GOOD, "inputs": inputs}).startswith("inputs: must be a positive integer up to 1000000000, got ")


@pytest.mark.parametrize("units", ["0", "-3", "2.5", "1e3", '"10"', "true", "nan", "inf"])
def test_units_in_a_file_are_a_positive_integer(units: str, tmp_path: Path) -> None:
    (tmp_path / "net.toml").write_text(TOML.replace("units = 16", f"units = {units}"))
    with pytest.raises(SpecError, match=r"^layers\[1\]\.units: must be a positive integer up to 1000000000, got "):
        Network.load(tmp_path / "net.toml")


def test_a_dense_layer_of_python_names_its_field() -> None:
    with pytest.raises(SpecError, match=r"^units: must be a positive integer up to 1000000000, got 0$"):
        Dense(0)
    with pytest.raises(SpecError, match=r"^units: missing key 'units'$"):
        Dense()


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([], "layers: expected at least one layer, got none"),
        ([{"units": 2}] * (MAX_LAYERS + 1), f"layers: expected at most {MAX_LAYERS} layers"),
        (None, "layers: expected a list of layers, got None"),
        ({"units": 2}, "layers: expected a list of layers, got {'units': 2}"),
        ("tanh", "layers: expected a list of layers, got 'tanh'"),
        ([3], "layers[1]: expected a mapping of keys, got 3"),
        ([{"units": 2}, None], "layers[2]: expected a mapping of keys, got None"),
        ([{"units": 2, "bias": "yes"}], "layers[1].bias: expected true or false, got 'yes'"),
        ([{"units": 2, "bias": 1}], "layers[1].bias: expected true or false, got 1"),
        ([{"units": 2, "activation": 3}], "layers[1].activation: expected a text, got 3"),
        ([{"units": 2, "activation": None}], "layers[1].activation: expected a text, got None"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_layers_that_are_none_are_refused(layers: Any, message: str) -> None:
    assert _message({**GOOD, "layers": layers}) == message


def test_a_million_layers_are_refused() -> None:
    short = "4" + " -> 2" * 30_000 + " | mse"
    with pytest.raises(SpecError, match=f"^layers: expected at most {MAX_LAYERS} layers$"):
        Network.parse(short)
    assert _message({**GOOD, "layers": [{"units": 2}] * 10**6}) == f"layers: expected at most {MAX_LAYERS} layers"


def test_as_many_layers_as_allowed_are_accepted() -> None:
    assert len(Network(inputs=2, layers=[Dense(3)] * MAX_LAYERS, loss="mse").layers) == MAX_LAYERS


@pytest.mark.parametrize("key", ["inputs", "layers", "loss"])
def test_a_missing_key_is_named(key: str) -> None:
    assert _message({name: value for name, value in GOOD.items() if name != key}) == f"{key}: missing key '{key}'"


def test_a_missing_key_of_a_layer_is_named_with_the_layer() -> None:
    assert _message({**GOOD, "layers": [{"units": 3}, {"activation": "tanh"}]}) == (
        "layers[2].units: missing key 'units'"
    )


def test_an_unknown_key_is_named_with_the_one_that_was_meant() -> None:
    assert _message({**GOOD, "lose": "mse"}) == "lose: unknown key 'lose'; did you mean 'loss'?"
    assert _message({**GOOD, "layers": [{"units": 3, "activaton": "tanh"}]}) == (
        "layers[1].activaton: unknown key 'activaton'; did you mean 'activation'?"
    )


def test_an_unknown_key_unlike_any_other_is_refused_with_the_known_ones() -> None:
    message = _message({**GOOD, "qqqqq": 1})
    assert message.startswith("qqqqq: unknown key 'qqqqq'; expected one of name, inputs, layers, loss")


@pytest.mark.parametrize("key", ["a\nb", "x" * 10_000, "\N{RIGHT-TO-LEFT OVERRIDE}", "", "\ud800"])
def test_a_hostile_key_is_refused_in_one_short_line(key: str) -> None:
    assert "unknown key" in _message({**GOOD, key: 1})


@pytest.mark.parametrize("spec", [None, 3, "4 -> 3 | mse", [GOOD], b"{}"])
def test_a_spec_that_is_no_mapping_is_refused(spec: Any) -> None:
    assert _message(spec).startswith("spec: expected a mapping of keys, got ")


@pytest.mark.parametrize("reduction", ["average", "", None, 3, "Mean"])
def test_an_unknown_reduction_is_refused(reduction: Any) -> None:
    assert _message({**GOOD, "reduction": reduction}).startswith(
        "reduction: expected 'mean', 'sum' or 'batch_mean', got "
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rleu", "unknown activation 'rleu'; did you mean 'relu'?"),
        ("tahn", "unknown activation 'tahn'; did you mean 'tanh'?"),
        ("qqqqq", "unknown activation 'qqqqq'; expected one of "),
        ("y*2", "unknown name 'y'"),
        ("x.__class__", "attribute access at column 2 is not allowed"),
        ("__import__('os').system('id')", ""),
        ("", "is empty"),
        ("x^2", "**"),
        ("log(x)", ""),
    ],
)
def test_a_wrong_activation_is_refused_with_its_layer(text: str, message: str) -> None:
    found = _message({**GOOD, "layers": [{"units": 3}, {"units": 2, "activation": text}]})
    assert found.startswith("layers[2].activation: ")
    assert message in found


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mes", "unknown loss 'mes'; did you mean 'mse'?"),
        ("qqqqq", "unknown loss 'qqqqq'; expected one of "),
        ("(y - 1)**2", "does not depend on the prediction p"),
        ("(x - y)**2", "unknown name 'x'"),
        ("", "is empty"),
    ],
)
def test_a_wrong_loss_is_refused(text: str, message: str) -> None:
    found = _message({**GOOD, "loss": text})
    assert found.startswith("loss: ")
    assert message in found


@pytest.mark.parametrize("value", [None, 3, ["mse"], b"mse", True])
def test_a_loss_is_a_text(value: Any) -> None:
    assert _message({**GOOD, "loss": value}).startswith("loss: expected a text, got ")


@pytest.mark.parametrize(
    ("layer", "loss", "expected"),
    [
        ("3 sigmoid", "cross_entropy", "softmax, or the loss bce"),
        ("3 tanh", "cross_entropy", "softmax as the last activation, or the loss cross_entropy_with_logits"),
        ("3 {x*2}", "cross_entropy", "softmax as the last activation"),
        ("3 softmax", "bce", "sigmoid, or the loss cross_entropy"),
        ("3 tanh", "bce", "sigmoid, or the loss bce_with_logits"),
        ("3 sigmoid", "bce_with_logits", "identity, or the loss bce"),
        ("3 softmax", "bce_with_logits", "identity, or the loss cross_entropy"),
    ],
)
def test_an_output_that_the_loss_is_not_defined_for_is_refused_with_a_remedy(
    layer: str, loss: str, expected: str
) -> None:
    with pytest.raises(SpecError, match=f"^loss: '{loss}' does not fit the output activation .*; expected {expected}$"):
        Network.parse(f"4 -> {layer} | {loss}")


def test_softmax_over_one_unit_is_refused() -> None:
    with pytest.raises(SpecError, match=r"^layers\[1\]\.units: softmax over 1 unit is always 1; expected at least 2"):
        Network.parse("4 -> 1 softmax | cross_entropy")


@pytest.mark.parametrize("name", ["a", "Iris", "net_2", "n" * 64, "forwards", "nonpy"])
def test_an_ordinary_name_is_accepted(name: str) -> None:
    assert Network.model_validate({**GOOD, "name": name}).name == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "a\nimport os",
        'a"""\nimport os',
        "a\\",
        "a b",
        "2net",
        "_net",
        "a-b",
        "a.b",
        "a/b",
        "a\x00",
        "a\n",
        "x coding: utf-7",
        "{{ 7*7 }}",
        "__init__",
        "\N{FULLWIDTH LATIN SMALL LETTER C}lass",
        "\N{LATIN SMALL LIGATURE FI}t",
        "caf\N{LATIN SMALL LETTER E WITH ACUTE}",
        "\N{CYRILLIC SMALL LETTER A}bc",
        "a\N{RIGHT-TO-LEFT OVERRIDE}b",
        "a\N{LINE SEPARATOR}b",
        "\ud800",
    ],
    ids=ascii,
)
def test_a_name_that_is_no_plain_word_is_refused(name: str) -> None:
    assert _message({**GOOD, "name": name}).endswith("must match [A-Za-z][A-Za-z0-9_]*")


@pytest.mark.parametrize(
    "name", ["class", "None", "match", "np", "math", "fit", "FIT", "forward", "self", "CON", "nul"]
)
def test_a_reserved_word_is_no_name(name: str) -> None:
    assert _message({**GOOD, "name": name}) == f"name: '{name}' is a reserved word; expected another name"


@pytest.mark.parametrize("name", [*keyword.kwlist, *(word for word in keyword.softkwlist if word != "_")])
def test_no_word_of_python_is_a_name(name: str) -> None:
    with pytest.raises(SpecError, match=f"^name: '{name}' is a reserved word"):
        check_name(name, "name")


def test_a_name_of_300_characters_is_too_long() -> None:
    assert _message({**GOOD, "name": "n" * 300}) == "name: name of 300 characters is too long; expected at most 64"


@pytest.mark.parametrize("name", [None, 3, True, ["a"], b"a"])
def test_a_name_is_a_text(name: Any) -> None:
    assert _message({**GOOD, "name": name}).startswith("name: expected a text, got ")


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("a.toml", "inputs = inf\nloss = 'mse'\nlayers = [{units = 3}]", "inputs: must be a positive integer"),
        ("a.toml", "x = 1", "missing key|unknown key"),
        ("a.json", "{}", "^inputs: missing key 'inputs'$"),
        ("a.json", '{"inputs": NaN}', "NaN is not a finite number"),
        ("a.json", "[]", r"holds \[\]; expected an object of keys"),
        ("a.toml", "", "is empty"),
    ],
)
def test_a_file_that_describes_no_network_is_refused(file: str, content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / file).write_text(content)
    with pytest.raises(SpecError, match=message) as caught:
        Network.load(tmp_path / file)
    assert "\n" not in str(caught.value)


def test_a_text_that_ends_like_a_file_but_has_arrows_is_a_short_string() -> None:
    with pytest.raises(SpecError, match=r"^loss: 'net\.toml' is no name"):
        Network.load("4 -> 3 | net.toml")


def test_a_deep_network_is_told_by_its_ends() -> None:
    network = Network.parse(" -> ".join(["4", *["2 tanh"] * 12, "1 | mse"]))
    assert network.short(in_full=13) == network.short()
    told = "4 -> 2 tanh -> 2 tanh -> 2 tanh -> (7 more layers) -> 2 tanh -> 2 tanh -> 1 | mse"
    assert network.short(in_full=12) == told
