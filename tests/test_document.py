"""What `derive` prints: golden files, the selection of gradients, the JSON that is promised, the same bytes always."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import Any

import pytest

from symmlp.document import PrintableDerivation, derive
from symmlp.errors import SymmlpError
from symmlp.graph import Layout
from symmlp.spec import Network
from tests.conftest import GOLDEN_FOLDER, Golden

NETWORKS = {
    "classifier": "4 -> 5 tanh -> 3 softmax | cross_entropy",
    "expression": "4 -> 3 {x*tanh(log(1 + exp(x)))} -> 2 | mse",
    "kinks": "3 -> 5 relu -> 2 | mae",
}
LAYOUTS: tuple[Layout, ...] = ("batch", "sample")


def document(name: str, layout: Layout = "batch") -> PrintableDerivation:
    """Return the derivation of one of the networks."""
    return derive(Network.parse(NETWORKS[name]), layout=layout)


def as_json(derivation: PrintableDerivation) -> str:
    """Return the JSON that the command line prints."""
    return json.dumps(derivation.as_dict(), indent=2, ensure_ascii=False) + "\n"


FORMATS: dict[str, Callable[[PrintableDerivation], str]] = {
    "txt": PrintableDerivation.text,
    "tex": PrintableDerivation.latex,
    "json": as_json,
}


# Golden files


@pytest.mark.parametrize("ending", FORMATS)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", NETWORKS)
def test_a_derivation_prints_what_is_committed(name: str, layout: Layout, ending: str, golden: Golden) -> None:
    golden.check(f"derive/{name}_{layout}.{ending}", FORMATS[ending](document(name, layout)))


def test_every_committed_derivation_belongs_to_a_test() -> None:
    expected = {f"{name}_{layout}.{ending}" for name in NETWORKS for layout in LAYOUTS for ending in FORMATS}
    assert {path.name for path in (GOLDEN_FOLDER / "derive").iterdir()} == expected


# Which gradients

ON_THE_WAY = {
    "P": ["dP"],
    "Z2": ["dP", "dZ2"],
    "W2": ["dP", "dZ2", "dW2"],
    "b2": ["dP", "dZ2", "db2"],
    "A1": ["dP", "dZ2", "dA1"],
    "W1": ["dP", "dZ2", "dA1", "dZ1", "dW1"],
    "b2,W1": ["dP", "dZ2", "db2", "dA1", "dZ1", "dW1"],
    "W1,b2": ["dP", "dZ2", "db2", "dA1", "dZ1", "dW1"],
}


@pytest.mark.parametrize("wanted", ON_THE_WAY)
@pytest.mark.parametrize("name", ["classifier", "expression", "kinks"])
def test_wrt_picks_the_equations_on_the_way_in_their_order(name: str, wanted: str) -> None:
    chosen = document(name).wanted(wanted.split(","))
    assert [equation.target for equation in chosen] == ON_THE_WAY[wanted]


def test_wrt_keeps_the_ids_of_the_whole_derivation() -> None:
    derivation = document("classifier")
    whole, chosen = derivation.wanted(None), derivation.wanted(["W1"])
    assert [each.id for each in chosen] == ["B1", "B2", "B5", "B6", "B7"]
    assert all(any(each is other for other in whole) for each in chosen)


def test_every_format_shows_what_wrt_picks() -> None:
    derivation, wrt = document("classifier"), ["W2"]
    ids = ["F1", "F2", "F3", "F4", "L1", "B1", "B2", "B3"]
    text, latex = derivation.text(wrt=wrt, steps="index"), derivation.latex(wrt=wrt, steps="index")
    plain = derivation.as_dict(wrt=wrt)
    assert re.findall(r"^  ([FLB]\d+) ", text, re.MULTILINE) == ids
    assert re.findall(r"\\tag\{([FLB]\d+)\}", latex) == ids
    assert [each["id"] for each in plain["equations"] if each["kind"] != "update"] == ids


@pytest.mark.parametrize("show", [PrintableDerivation.text, PrintableDerivation.latex, PrintableDerivation.as_dict])
@pytest.mark.parametrize("name", ["W3", "dW1", "w1", "X", "Y", "", "L", "θ\n"])
def test_an_unknown_gradient_is_refused_in_one_line_that_names_the_known_ones(
    name: str, show: Callable[..., object]
) -> None:
    with pytest.raises(SymmlpError, match=re.escape("; expected some of P, Z2, W2, b2, A1, Z1, W1, b1")) as caught:
        show(document("classifier"), wrt=["W1", name])
    assert str(caught.value).startswith(f"wrt: no gradient for {name!a};")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", NETWORKS)
def test_without_steps_the_equations_stay_and_the_steps_go(name: str) -> None:
    derivation = document(name)
    for full, bare in (
        (derivation.text(steps="index"), derivation.text(steps=False)),
        (derivation.latex(steps="index"), derivation.latex(steps=False)),
    ):
        assert re.search(r"\bB1\.\w", full)
        assert not re.search(r"\bB1\.\w", bare)
        assert set(bare.splitlines()) <= set(full.splitlines())
    assert len(re.findall(r"^  B\d+ ", derivation.text(steps=False), re.MULTILINE)) == len(derivation.backward)


# JSON

STEP_KEYS = {"id": str, "rule": str, "before": str, "after": str}
EQUATION_KEYS = {
    **{"id": str, "kind": str, "target": str, "text": str, "latex": str},
    **{"shape": list, "assumptions": list, "steps": list},
}
DOCUMENT_KEYS = {"spec": dict, "symbols": list, "equations": list}


def faults(data: dict[str, Any]) -> list[str]:
    """Return what in `data` is not as the page of contracts says; keys that it does not name may be there."""
    wrong = _missing("document", data, DOCUMENT_KEYS)
    for equation in data.get("equations", []):
        name = str(equation.get("id"))
        wrong += _missing(name, equation, EQUATION_KEYS)
        if equation.get("kind") not in ("forward", "loss", "backward", "update"):
            wrong.append(f"{name}: kind")
        if not all(type(size) in (int, str) for size in equation.get("shape", [])):
            wrong.append(f"{name}: sizes")
        for number, step in enumerate(equation.get("steps", []), start=1):
            wrong += _missing(f"{name}.{number}", step, STEP_KEYS)
            if step.get("id") != f"{name}.{number}":
                wrong.append(f"{name}.{number}: id")
    return wrong


def _missing(name: str, found: dict[str, Any], keys: Mapping[str, type]) -> list[str]:
    return [f"{name}: {key}" for key, kind in keys.items() if not isinstance(found.get(key), kind)]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", NETWORKS)
def test_the_json_has_the_promised_keys(name: str, layout: Layout) -> None:
    assert faults(json.loads(as_json(document(name, layout)))) == []


def _renumbered(data: dict[str, Any]) -> None:
    data["equations"][-9]["steps"].pop(0)


BROKEN: dict[str, Callable[[dict[str, Any]], object]] = {
    "without spec": lambda data: data.pop("spec"),
    "a symbol table": lambda data: data.update(symbols={}),
    "an equation without LaTeX": lambda data: data["equations"][5].pop("latex"),
    "another kind": lambda data: data["equations"][0].update(kind="front"),
    "a shape as text": lambda data: data["equations"][0].update(shape="(N, 3)"),
    "a size that is no whole number": lambda data: data["equations"][0].update(shape=[2.5]),
    "a step that is left out": _renumbered,
    "a step without rule": lambda data: data["equations"][5]["steps"][0].pop("rule"),
}


@pytest.mark.parametrize("mistake", BROKEN)
def test_json_that_is_not_as_promised_is_noticed(mistake: str) -> None:
    data = deepcopy(document("classifier").as_dict())
    BROKEN[mistake](data)
    assert faults(data)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", NETWORKS)
def test_the_equations_of_the_json_are_the_lines_of_the_text(name: str, layout: Layout) -> None:
    derivation = document(name, layout)
    lines = [line[2:] for line in derivation.text(steps=False).splitlines() if re.match(r"  [FLBU]\d+  ", line)]
    assert lines == [f"{each['id']}  {each['text']}" for each in derivation.as_dict()["equations"]]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", NETWORKS)
def test_the_steps_of_the_json_are_the_lines_of_the_text(name: str, layout: Layout) -> None:
    derivation = document(name, layout)
    lines = re.findall(r"^ +((\w+)\.\w+)  = (.*?)    \[(.*)\]$", derivation.text(), re.MULTILINE)
    equations = derivation.as_dict()["equations"]
    steps = {step["id"]: step for each in equations for step in (*each["steps"], *each.get("matrix_steps", ()))}
    assert {equation for _, equation, _, _ in lines} == {each["id"] for each in equations if each["steps"]}
    for id, _, after, rule in lines:
        assert steps[id]["after"] == after
        # More may be said of a rule in the text, such as which steps prove it.
        assert rule.startswith(steps[id]["rule"])


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", NETWORKS)
def test_the_equations_of_the_json_are_those_of_the_latex(name: str, layout: Layout) -> None:
    derivation = document(name, layout)
    rows = re.findall(r"^  (.*?) \\tag\{([FLBU]\d+)\}", derivation.latex(steps=False), re.MULTILINE)
    equations = derivation.as_dict()["equations"]
    assert [id for _, id in rows] == [each["id"] for each in equations]
    for (row, _), equation in zip(rows, equations, strict=True):
        formula = row.replace("&", "", 1)
        # What is assumed is said beside the formula.
        assert equation["latex"] in formula if equation["assumptions"] else formula == equation["latex"]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", NETWORKS)
def test_the_symbols_are_every_array_with_its_shape(name: str, layout: Layout) -> None:
    derivation = document(name, layout)
    symbols = derivation.as_dict()["symbols"]
    shapes = {each["name"]: tuple(each["shape"]) for each in symbols}
    assert shapes == {**derivation.graph.shapes, "L": ()}
    for equation in derivation.backward:
        assert tuple(equation.shape) == shapes[equation.target.removeprefix("d")]


def test_the_spec_in_the_json_is_the_network() -> None:
    for name, short in NETWORKS.items():
        assert Network.model_validate(document(name).as_dict()["spec"]) == Network.parse(short)


def test_the_ids_of_a_network_s_equations_are_unique() -> None:
    ids = [each["id"] for each in document("classifier").as_dict()["equations"] if each["kind"] != "update"]
    assert len(set(ids)) == len(ids)


def test_an_update_in_the_json_says_which_optimizer_it_belongs_to() -> None:
    updates = [each for each in document("classifier").as_dict()["equations"] if each["kind"] == "update"]
    keys = [(each["id"], each.get("optimizer"), each.get("subject")) for each in updates]
    assert len(set(keys)) == len(keys)


# Assumptions


@pytest.mark.parametrize("steps", [True, False])
def test_the_text_states_the_assumption_beside_its_equation(steps: bool) -> None:
    lines = document("classifier").text(steps=steps).splitlines()
    (line,) = (line for line in lines if line.startswith("  B2 "))
    assert line.endswith("assuming that rows of Y sum to 1")


@pytest.mark.parametrize("steps", [True, False])
def test_the_latex_states_the_assumption(steps: bool) -> None:
    assert "sum to 1" in document("classifier").latex(steps=steps)


def test_the_assumption_is_about_the_targets_of_its_layout() -> None:
    stated = {
        layout: [each["assumptions"] for each in document("classifier", layout).as_dict()["equations"]]
        for layout in LAYOUTS
    }
    assert [each for each in stated["batch"] if each] == [["rows of Y sum to 1"]]
    assert [each for each in stated["sample"] if each] == [["the entries of y sum to 1"]]
    assert "entries of y sum to 1" in document("classifier", "sample").text()


# Kinks


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_network_with_kinks_states_the_policy_and_what_is_taken(layout: Layout) -> None:
    text = document("kinks", layout).text()
    assert re.search("^Kinks +smallest: ", text, re.MULTILINE)
    assert "    kink: where x = 0 the slope is any of [0, 1]; taken: 0\n" in text


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", ["classifier", "expression"])
def test_a_network_without_kinks_says_nothing_of_them(name: str, layout: Layout) -> None:
    assert "kink" not in document(name, layout).text().lower()


# The same bytes

PRINT_ALL = f"""
import json
from symmlp.document import derive
from symmlp.spec import Network

for short in {[*NETWORKS.values(), "5 -> 4 gelu -> 3 {sin(x) + x**2} -> 2 sigmoid | bce"]!r}:
    for layout in {LAYOUTS!r}:
        derivation = derive(Network.parse(short), layout=layout)
        print(ascii(derivation.text()), ascii(derivation.latex()), json.dumps(derivation.as_dict()))
"""
PRINT_A_SET = "print({name for name in dir(str)})"


def printed(script: str, hash_seed: int) -> bytes:
    """Return what a script prints in a fresh interpreter with another order of sets."""
    environment = {"PYTHONHASHSEED": str(hash_seed), "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, env=environment, timeout=300)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def different(script: str, hash_seeds: Sequence[int] = (0, 4242)) -> bool:
    """Return whether what a script prints depends on the hash seed."""
    return len({printed(script, seed) for seed in hash_seeds}) > 1


def test_a_derivation_has_the_same_bytes_with_any_hash_seed() -> None:
    assert not different(PRINT_ALL)


def test_a_difference_between_hash_seeds_is_noticed() -> None:
    assert different(PRINT_A_SET)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_derivation_has_the_same_bytes_again(name: str) -> None:
    first = [FORMATS[ending](document(name)) for ending in FORMATS]
    assert [FORMATS[ending](document(name)) for ending in FORMATS] == first
