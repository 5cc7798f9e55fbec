"""Spec texts to plain values: the short string, TOML and JSON, with errors that say where the text is wrong."""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any, NoReturn

from symmlp.catalog.activations import ALIASES, TABLE, canonical
from symmlp.catalog.parameters import arguments, fields
from symmlp.errors import SpecError, did_you_mean, shown

MAX_FILE_BYTES = 4 * 2**20
MAX_SHORT_LENGTH = 200_000

LAYER_TYPES = (
    "dropout",
    "alpha_dropout",
    "gaussian_dropout",
    "gaussian_noise",
    "randomized_relu",
    "standardize",
    "batch_norm",
    "layer_norm",
    "rms_norm",
    "add",
    "concat",
)
"""Layers that a short string calls by their type, with their fields in brackets."""

_LAYER = re.compile(r"\s*(?P<units>[^\s{]+)(?:\s+(?P<activation>(?:\{.*\}|[^\s{}(]+)(?:\s*\(.*\))?))?\s*", re.DOTALL)
_FUNCTION = re.compile(r"(?P<name>\{.*\}|[A-Za-z0-9_]+)\s*(?P<arguments>\(\s*\w+\s*=.*\))?", re.DOTALL)


def parse_short(text: str) -> dict[str, Any]:
    """Return the values of a short string: `inputs -> units activation -> ... | loss`, expressions in braces.

    A preset may stand behind it: `| as keras`.

    Raises:
        SpecError: the text does not have that shape.
    """
    if not isinstance(text, str):
        raise SpecError(f"spec: expected a text, got {shown(text)}")
    if not text.strip():
        raise SpecError("spec: is empty; expected something like '4 -> 16 tanh -> 3 softmax | cross_entropy'")
    if len(text) > MAX_SHORT_LENGTH:
        raise SpecError(f"spec: {len(text)} characters are too long; expected at most {MAX_SHORT_LENGTH}")
    network, loss, preset = _split_loss(text)
    first, *rest = _split_outside_braces(network, "->")
    if not rest:
        raise SpecError(f"spec: {shown(text)} has no layer; expected 'inputs -> units activation | loss'")
    layers = [_layer(part, number) for number, part in enumerate(rest, start=1)]
    inputs = _integer(first.strip(), "inputs")
    return {"inputs": inputs, "layers": layers, **_function(loss, "loss", "loss_parameters"), **preset}


def _split_loss(text: str) -> tuple[str, str, dict[str, str]]:
    """Return layers, loss and the preset, if there is one behind a second bar: `| as keras`."""
    parts = _split_outside_braces(text, "|")
    if len(parts) == 3:
        word, _, name = parts[2].strip().partition(" ")
        if word != "as" or not name.strip():
            raise SpecError(f"spec: {shown(parts[2].strip())} is no preset; expected 'as keras' or 'as sklearn'")
        return parts[0], parts[1], {"preset": name.strip()}
    if len(parts) != 2:
        raise SpecError(f"spec: {shown(text)} has {len(parts) - 1} '|'; expected one, before the loss")
    return parts[0], parts[1], {}


def _split_outside_braces(text: str, separator: str) -> list[str]:
    parts, depth, start, at = [], 0, 0, 0
    while at < len(text):
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if depth < 0 or depth > 1:
            raise SpecError(f"spec: unexpected {text[at]!r} at column {at + 1}; expected one pair of braces")
        if depth == 0 and text.startswith(separator, at):
            parts.append(text[start:at])
            at = start = at + len(separator)
        else:
            at += 1
    if depth:
        raise SpecError("spec: a brace is not closed; expected '}'")
    return [*parts, text[start:]]


def _layer(part: str, number: int) -> dict[str, Any]:
    """Return the values of `8 tanh`, `dropout(rate=0.2)` or `tanh`; a word that is neither is taken for a size."""
    without_units = _FUNCTION.fullmatch(part.strip())
    if without_units is not None and not without_units["name"].isdigit():
        owner, name = f"layers[{number}].", without_units["name"]
        if name in LAYER_TYPES:
            return {"type": name, **_settings(without_units["arguments"], owner)}
        if name.startswith("{") or canonical(name) in TABLE:
            return {"type": "activation", **_function(part, "activation", "parameters", owner)}
    match = _LAYER.fullmatch(part)
    if match is None:
        raise SpecError(f"layers[{number}]: cannot read {shown(part.strip())}; expected 'units activation'")
    hint = did_you_mean(match["units"], [*LAYER_TYPES, *TABLE, *ALIASES])
    values: dict[str, Any] = {"units": _integer(match["units"], f"layers[{number}].units", hint)}
    if match["activation"]:
        values |= _function(match["activation"], "activation", "parameters", f"layers[{number}].")
    return values


def _settings(text: str | None, owner: str) -> dict[str, Any]:
    return fields(text, f"{owner}type", owner.rstrip(".")) if text else {}


def _integer(text: str, field: str, hint: str = "") -> int:
    if not re.fullmatch(r"[0-9]{1,12}", text, re.ASCII) or int(text) == 0:
        raise SpecError(f"{field}: must be a positive integer, got {shown(text)}{hint}")
    return int(text)


def _function(text: str, field: str, parameters: str, owner: str = "") -> dict[str, Any]:
    """Return the name or the expression of `tanh`, `huber(delta=2)` or `{sin(a*x)}(a=2)`, and its parameters."""
    match = _FUNCTION.fullmatch(text.strip())
    if match is None:
        found = shown(text.strip())
        raise SpecError(f"{owner}{field}: {found} is no name; expected a name, or an expression in braces")
    name = match["name"]
    values: dict[str, Any] = {field: name[1:-1].strip() if name.startswith("{") else name}
    if match["arguments"]:
        values[parameters] = arguments(match["arguments"], f"{owner}{field}", f"{owner}{parameters}")
    return values


def read_spec_file(path: str) -> str:
    """Return the text of a spec file, UTF-8 with or without a byte order mark.

    Raises:
        SpecError: the file is missing, unreadable, too large, empty or not UTF-8.
    """
    try:
        with open(path, "rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise SpecError(f"spec: cannot read {_quoted(path)}: {reason}") from None
    if len(content) > MAX_FILE_BYTES:
        raise SpecError(f"spec: {_quoted(path)} is larger than {MAX_FILE_BYTES} bytes")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SpecError(f"spec: {_quoted(path)} is not UTF-8 text (byte {error.start})") from None
    if not text.strip():
        raise SpecError(f"spec: {_quoted(path)} is empty")
    return text


def _quoted(path: str) -> str:
    """Return a path for a message: long enough to keep the file's name, which stands at its end."""
    return shown(path, limit=300)


def parse_toml(text: str, path: str) -> dict[str, Any]:
    """Return the values of a TOML text; `path` is for the error message.

    Raises:
        SpecError: the text is not TOML, or nested too deeply.
    """
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, ValueError) as error:
        raise SpecError(f"spec: {_quoted(path)} is not TOML: {_one_line(error)}") from None
    except RecursionError:
        raise SpecError(f"spec: {_quoted(path)} is nested too deeply") from None


def parse_json(text: str, path: str) -> dict[str, Any]:
    """Return the values of a JSON text; duplicate keys, NaN and Infinity are refused.

    Raises:
        SpecError: the text is not JSON, is nested too deeply, or is no object.
    """
    try:
        values = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except SpecError as error:
        raise SpecError(f"spec: {_quoted(path)}: {error}") from None
    except ValueError as error:
        raise SpecError(f"spec: {_quoted(path)} is not JSON: {_one_line(error)}") from None
    except RecursionError:
        raise SpecError(f"spec: {_quoted(path)} is nested too deeply") from None
    if not isinstance(values, dict):
        raise SpecError(f"spec: {_quoted(path)} holds {shown(values)}; expected an object of keys")
    return values


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, value in pairs:
        if key in values:
            raise SpecError(f"duplicate key {shown(key)}")
        values[key] = value
    return values


def _refuse_constant(text: str) -> NoReturn:
    raise SpecError(f"{text} is not a finite number")


def _one_line(error: Exception) -> str:
    return ascii(" ".join(str(error).split()))[1:-1][:160]
