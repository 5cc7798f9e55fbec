"""Spec texts: what the short string, TOML and JSON say, and where a text is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from symmlp.errors import SpecError
from symmlp.spec_text import MAX_FILE_BYTES, MAX_SHORT_LENGTH, parse_json, parse_short, parse_toml, read_spec_file


def _refused(error: pytest.ExceptionInfo[SpecError]) -> str:
    """Return the message of an error, which is one line of printable ASCII."""
    message = str(error.value)
    assert message.isascii()
    assert message.isprintable()
    return message


@pytest.mark.parametrize(
    ("text", "inputs", "layers", "loss"),
    [
        ("4 -> 3 | mse", 4, [(3, None)], "mse"),
        (" 4->16 tanh->3   softmax|cross_entropy ", 4, [(16, "tanh"), (3, "softmax")], "cross_entropy"),
        ("4 -> 8 {x*sigmoid(x)} -> 2 | {(p - y)**2}", 4, [(8, "x*sigmoid(x)"), (2, None)], "(p - y)**2"),
        ("4 -> 8 { x + 1 } | { p }", 4, [(8, "x + 1")], "p"),
        ("4\n->\t3 tanh\n| mse", 4, [(3, "tanh")], "mse"),
        ("4 -> 5 {where(x > 0, x, -x)} | {abs(p)}", 4, [(5, "where(x > 0, x, -x)")], "abs(p)"),
    ],
)
def test_a_short_string_says_inputs_layers_and_loss(
    text: str, inputs: int, layers: list[tuple[int, str | None]], loss: str
) -> None:
    expected = [{"units": units} | ({"activation": name} if name else {}) for units, name in layers]
    assert parse_short(text) == {"inputs": inputs, "layers": expected, "loss": loss}


def test_an_expression_may_hold_an_arrow_s_characters() -> None:
    assert parse_short("4 -> 3 {x - 1} -> 2 {where(x > 1, x, -x)} | {p - y}")["layers"] == [
        {"units": 3, "activation": "x - 1"},
        {"units": 2, "activation": "where(x > 1, x, -x)"},
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "spec: is empty; expected something like '4 -> 16 tanh -> 3 softmax | cross_entropy'"),
        ("   \n", "spec: is empty; expected something like"),
        ("4", "spec: '4' has 0 '|'; expected one, before the loss"),
        ("4 | mse", "spec: '4 | mse' has no layer; expected 'inputs -> units activation | loss'"),
        ("4 -> 3 tanh", "spec: '4 -> 3 tanh' has 0 '|'; expected one, before the loss"),
        ("4 -> 3 | mse | mae", "'mae' is no preset; expected 'as keras' or 'as sklearn'"),
        ("4 -> | mse", "layers[1]: cannot read ''; expected 'units activation'"),
        ("4 -> -> 3 | mse", "layers[1]: cannot read ''; expected 'units activation'"),
        ("-> 3 | mse", "inputs: must be a positive integer, got ''"),
        ("4 -> tahn | mse", "layers[1].units: must be a positive integer, got 'tahn'; did you mean 'tanh'?"),
        ("4 -> 3 tanh relu | mse", "layers[1]: cannot read '3 tanh relu'; expected 'units activation'"),
        ("4 -> 3 -> 2 tanh 5 | mse", "layers[2]: cannot read '2 tanh 5'; expected 'units activation'"),
        ("4 -> 3 x*2 | mse", "layers[1].activation: 'x*2' is no name; expected a name, or an expression in braces"),
        ("4 -> 3 | p - y", "loss: 'p - y' is no name; expected a name, or an expression in braces"),
        ("4 -> 3 |", "loss: '' is no name; expected a name, or an expression in braces"),
        ("4 -> 3 {x | mse", "a brace is not closed; expected '}'"),
        ("4 -> 3 x} | mse", "spec: unexpected '}' at column 9; expected one pair of braces"),
        ("4 -> 3 {{x}} | mse", "spec: unexpected '{' at column 9; expected one pair of braces"),
        ("4 -> 3 \N{GREEK SMALL LETTER SIGMA} | mse", "layers[1].activation: '\\u03c3' is no name"),
        ("4 -> 3\x00 | mse", "layers[1].units: must be a positive integer, got '3\\x00'"),
        ("four -> 3 | mse", "inputs: must be a positive integer, got 'four'"),
    ],
)
def test_a_short_string_that_is_none_is_refused_with_what_was_found(text: str, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_short(text)
    assert message in _refused(caught)


@pytest.mark.parametrize(
    "units", ["0", "-3", "+3", "2.5", "1e3", "0x10", "1_0", "\N{ARABIC-INDIC DIGIT THREE}", "9" * 13, "nan", "true"]
)
@pytest.mark.parametrize("template", ["{} -> 3 | mse", "4 -> {} | mse"])
def test_a_size_is_written_in_plain_digits(template: str, units: str) -> None:
    with pytest.raises(SpecError, match=r"^(inputs|layers\[1\]\.units): must be a positive integer, got '"):
        parse_short(template.format(units))


@pytest.mark.parametrize("value", [None, 3, b"4 -> 3 | mse", ["4"], {}])
def test_a_short_string_is_a_text(value: Any) -> None:
    with pytest.raises(SpecError, match=r"^spec: expected a text, got "):
        parse_short(value)


def test_a_short_string_of_many_megabytes_is_refused_by_its_length() -> None:
    with pytest.raises(
        SpecError, match=rf"^spec: 300000 characters are too long; expected at most {MAX_SHORT_LENGTH}$"
    ):
        parse_short("4" * 300_000)


def test_a_long_wrong_text_is_shown_in_short() -> None:
    with pytest.raises(SpecError) as caught:
        parse_short("4 -> " + "a" * 10_000)
    assert len(_refused(caught)) < 200


# TOML and JSON


def test_a_toml_text_says_its_values() -> None:
    text = 'inputs = 4\nloss = "mse"\n[[layers]]\nunits = 3\nactivation = "tanh"\n'
    expected = {"inputs": 4, "loss": "mse", "layers": [{"units": 3, "activation": "tanh"}]}
    assert parse_toml(text, "a.toml") == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("inputs = ", "spec: 'a.toml' is not TOML: Invalid value (at end of document)"),
        ("inputs = 4\ninputs = 5\n", "is not TOML: Cannot overwrite a value (at line 2, column 11)"),
        ("inputs: 4", "is not TOML: Expected '=' after a key in a key/value pair (at line 1, column 7)"),
        ('name = "a\nb"', "(at line 1, column 10)"),
        ("a = " + "[" * 10_000, "spec: 'a.toml' is nested too deeply"),
        ("a = " + "9" * 5000, "is not TOML: Exceeds the limit"),
        ("a = 2024-13-77", "is not TOML: "),
        ("\x00", "is not TOML: "),
    ],
)
def test_a_text_that_is_no_toml_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_toml(text, "a.toml")
    assert message in _refused(caught)


def test_a_json_text_says_its_values() -> None:
    assert parse_json('{"inputs": 4, "layers": [{"units": 3}]}', "a.json") == {"inputs": 4, "layers": [{"units": 3}]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "{",
            "spec: 'a.json' is not JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
        ),
        ("{'inputs': 4}", "is not JSON: "),
        ('{"inputs": 4,}', "is not JSON: "),
        ('{"inputs": 4} 5', "is not JSON: Extra data: line 1 column 15 (char 14)"),
        ("[1, 2]", "spec: 'a.json' holds [1, 2]; expected an object of keys"),
        ("4", "spec: 'a.json' holds 4; expected an object of keys"),
        ("null", "spec: 'a.json' holds None; expected an object of keys"),
        ('{"layers": [], "inputs": 4, "layers": [1]}', "spec: 'a.json': duplicate key 'layers'"),
        ('{"layers": [{"units": 3, "units": 4}]}', "spec: 'a.json': duplicate key 'units'"),
        ('{"a\\nb": 1, "a\\nb": 2}', "duplicate key 'a\\nb'"),
        ('{"inputs": NaN}', "spec: 'a.json': NaN is not a finite number"),
        ('{"inputs": Infinity}', "spec: 'a.json': Infinity is not a finite number"),
        ('{"inputs": -Infinity}', "spec: 'a.json': -Infinity is not a finite number"),
        ("[" * 100_000, "spec: 'a.json' is nested too deeply"),
        ('{"a":' * 100_000, "spec: 'a.json' is nested too deeply"),
        ('{"a": ' + "9" * 5000 + "}", "is not JSON: Exceeds the limit"),
    ],
)
def test_a_text_that_is_no_json_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_json(text, "a.json")
    assert message in _refused(caught)


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte order mark"])
def test_a_file_in_utf_8_is_read_with_or_without_a_byte_order_mark(start: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(start + b"inputs = 4\r\n")
    assert parse_toml(read_spec_file(str(path)), str(path)) == {"inputs": 4}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b" \n\t\r\n", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        ("inputs = 4".encode("utf-16"), "is not UTF-8 text (byte 0)"),
        (b"name = '\xe9'", "is not UTF-8 text (byte 8)"),
        (bytes(range(128, 256)), "is not UTF-8 text (byte 0)"),
        (b" " * (MAX_FILE_BYTES + 1), f"is larger than {MAX_FILE_BYTES} bytes"),
    ],
    ids=["empty", "blank", "only a mark", "UTF-16", "Latin-1", "binary", "large"],
)
def test_a_file_that_is_no_text_is_refused(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(content)
    with pytest.raises(SpecError) as caught:
        read_spec_file(str(tmp_path / "a.toml"))
    assert _refused(caught).startswith("spec: '")
    assert message in _refused(caught)


def test_a_missing_file_is_refused_in_the_system_s_words(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"^spec: cannot read '.*a\.toml': No such file or directory$"):
        read_spec_file(str(tmp_path / "a.toml"))


def test_a_directory_is_refused_in_the_system_s_words(tmp_path: Path) -> None:
    (tmp_path / "a.toml").mkdir()
    with pytest.raises(SpecError, match=r"^spec: cannot read '.*a\.toml': Is a directory$"):
        read_spec_file(str(tmp_path / "a.toml"))


def test_a_path_that_no_system_can_hold_is_refused() -> None:
    with pytest.raises(SpecError, match=r"^spec: cannot read 'a\\x00b\.toml': "):
        read_spec_file("a\x00b.toml")
