"""The JSON of a derivation is as docs/derivation.schema.json says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from symmlp.graph import Layout
from tests.document.derivations import LAYOUTS, NETWORKS, derivation_of

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "derivation.schema.json").read_text(encoding="utf-8"))

KINDS: dict[str, type] = {"object": dict, "array": list, "string": str, "integer": int}
KEYWORDS = frozenset(
    "$schema title description type enum pattern required properties additionalProperties items".split()
)
"""What the schema uses and `faults` understands."""


def faults(found: Any, schema: dict[str, Any], where: str = "document") -> Iterator[str]:
    """Yield where `found` is not as `schema` says: the part of JSON Schema that the file uses."""
    assert set(schema) <= KEYWORDS
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(isinstance(found, KINDS[kind]) for kind in kinds):
        yield f"{where}: type"
        return
    if found not in schema.get("enum", [found]) or not re.search(schema.get("pattern", ""), str(found)):
        yield f"{where}: value"
    if isinstance(found, dict):
        yield from _faults_of_keys(found, schema, where)
    if isinstance(found, list):
        for place, item in enumerate(found):
            yield from faults(item, schema.get("items", {}), f"{where}[{place}]")


def _faults_of_keys(found: dict[str, Any], schema: dict[str, Any], where: str) -> Iterator[str]:
    yield from (f"{where}.{key}: missing" for key in schema.get("required", []) if key not in found)
    other = schema.get("additionalProperties", {})
    for key, value in found.items():
        known = schema.get("properties", {}).get(key, other)
        if known is False:
            yield f"{where}.{key}: unknown"
        else:
            yield from faults(value, known, f"{where}.{key}")


def data_of(name: str, layout: Layout = "batch") -> dict[str, Any]:
    """Return the data of one of the networks, as they come out of JSON."""
    text = derivation_of(name, layout).formatted("json")
    assert isinstance(text, str)
    found: dict[str, Any] = json.loads(text)
    return found


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", NETWORKS)
def test_the_data_with_the_model_as_one_function_are_as_the_schema_says(name: str, layout: Layout) -> None:
    text = derivation_of(name, layout).formatted("json", wrt=["theta"])
    found = json.loads(text)
    assert list(faults(found, SCHEMA)) == []
    assert [each["id"] for each in found["equations"] if each["kind"] == "descent"] == ["D1"]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", NETWORKS)
def test_the_data_are_as_the_schema_says(name: str, layout: Layout) -> None:
    assert list(faults(data_of(name, layout), SCHEMA)) == []


def test_a_validator_of_json_schema_agrees() -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed; the check above is our own")
    jsonschema.validate(data_of("layers"), SCHEMA)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("layout",), "row"),
        (("spec",), None),
        (("symbols", 0, "shape"), "(N, 3)"),
        (("symbols", 0, "shape"), [2.5]),
        (("equations", 0, "id"), "X1"),
        (("equations", 0, "colour"), "red"),
        (("equations", 6, "steps", 0, "id"), "B1"),
        (("paths", 0, "forward", 0), 1),
    ],
)
def test_data_of_another_form_are_noticed(path: tuple[Any, ...], value: object) -> None:
    broken = deepcopy(data_of("classes"))
    *way, last = path
    place = broken
    for key in way:
        place = place[key]
    place[last] = value
    assert len(list(faults(broken, SCHEMA))) == 1


def test_data_without_a_promised_key_are_noticed() -> None:
    broken = data_of("classes")
    del broken["equations"][0]["latex"]
    assert list(faults(broken, SCHEMA)) == ["document.equations[0].latex: missing"]


def test_every_id_that_is_named_is_there() -> None:
    data = data_of("layers")
    equations = [each for each in data["equations"] if each["kind"] != "update"]
    ids = {each["id"] for each in equations}
    steps = {step["id"] for each in equations for step in each["steps"]}
    assert {id for path in data["paths"] for id in (*path["forward"], *path["backward"])} <= ids
    assert {id for each in equations for step in each["matrix_steps"] for id in step["proof"]} <= steps
    assert len(ids) == len(equations)
