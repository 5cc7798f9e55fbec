"""One id means one thing: in the printed derivation, in every picture, in the generated module, in the report."""

from __future__ import annotations

import html
import re
from functools import cache
from typing import Any

import pytest

from symmlp.document import PrintableDerivation, derive
from symmlp.generation import generate
from symmlp.pictures import picture
from symmlp.spec import Network
from tests.document.derivations import NETWORKS
from tests.strategies import drawn_networks
from tests.ties import FORMS, Ties, code_ties, expected, module_text

DRAWN = drawn_networks(5, seed=4)
MORE = drawn_networks(60, seed=5)


@cache
def derivation_of(network: Network) -> PrintableDerivation:
    """Return the derivation, made once."""
    return derive(network)


def wrong_ties(network: Network) -> dict[str, Ties]:
    """Return what a form says differently from the derivation."""
    derivation = derivation_of(network)
    ties = expected(derivation)
    found = {form: read(write(derivation)) ^ ties for form, (write, read) in FORMS.items()}
    coded = code_ties(module_text(derivation))
    found["module"] = (coded - ties) | {tie for tie in ties - coded if _is_needed(tie[0], network)}
    return {form: wrong for form, wrong in found.items() if wrong}


def _is_needed(id: str, network: Network) -> bool:
    """Return whether the module has the equation's array, though not under its id."""
    derivation = derivation_of(network)
    (target,) = (each.target for each in derivation.equations if each.id == id and each.kind != "update")
    return bool(re.search(rf"\b{target}\b", _code(network)))


def _code(network: Network) -> str:
    """Return the module without comments and docstrings."""
    lines = re.sub(r'""".*?"""', "", module_text(derivation_of(network)), flags=re.DOTALL).splitlines()
    return "\n".join(line.partition("#")[0] for line in lines)


@pytest.mark.parametrize("network", [*NETWORKS.values(), *DRAWN], ids=Network.short)
def test_an_id_stands_at_the_same_array_in_every_form(network: Network) -> None:
    assert wrong_ties(network) == {}


@pytest.mark.slow
@pytest.mark.parametrize("network", MORE, ids=Network.short)
def test_an_id_stands_at_the_same_array_in_every_form_of_many_networks(network: Network) -> None:
    assert wrong_ties(network) == {}


CLASSES = NETWORKS["classes"]


@pytest.mark.parametrize("form", FORMS)
def test_ids_that_change_places_are_noticed(form: str) -> None:
    derivation = derivation_of(CLASSES)
    write, read = FORMS[form]
    text = write(derivation)
    swapped = re.sub(r"\bB([34])\b", lambda found: f"B{7 - int(found[1])}", text)
    assert swapped != text
    assert read(text) == expected(derivation)
    assert read(swapped) != expected(derivation)


@pytest.mark.parametrize(("right", "wrong"), [("# B3  ", "# B4  "), ("dW2 = dZ2", "dw2 = dZ2"), ("# B6  ", "# ")])
def test_a_module_with_a_wrong_comment_or_name_is_noticed(right: str, wrong: str) -> None:
    derivation = derivation_of(CLASSES)
    text = module_text(derivation)
    assert right in text
    missing = {tie for tie in expected(derivation) if tie[0] == "B1"}
    assert code_ties(text) == expected(derivation) - missing
    assert code_ties(text.replace(right, wrong, 1)) != expected(derivation) - missing


@pytest.mark.parametrize("right", ['data-id="B5"', 'href="#B5"'])
def test_a_report_with_a_wrong_tie_is_noticed(right: str) -> None:
    write, read = FORMS["report"]
    text = write(derivation_of(CLASSES))
    at = text.index(right, text.index("<svg"))
    broken = text[:at] + right.replace("B5", "B4") + text[at + len(right) :]
    with pytest.raises(AssertionError):
        assert read(broken) == expected(derivation_of(CLASSES))


def formulas(derivation: PrintableDerivation) -> dict[str, dict[str, str]]:
    """Return the whole formula of every id, as the forms in Unicode text print it."""
    rows = {
        "text": re.findall(r"^  ([FLB]\d+)  (.*?)  \(", derivation.text(), re.MULTILINE),
        "json": [(row["id"], row["text"].partition("  (")[0]) for row in derivation.as_dict()["equations"]],
        "svg": re.findall(r"<title>([FLB]\d+)  (.*? = .*?)</title>", picture(derivation, backward=True)),
        "module": re.findall(r"^ *# ([FLB]\d+)  (.*(?:\n *#     .*)*)", module_text(derivation), re.MULTILINE),
    }
    return {
        form: {
            id: " ".join(re.sub(r"\n *#", " ", html.unescape(formula)).split()) for id, formula in found if id[0] != "U"
        }
        for form, found in rows.items()
    }


@pytest.mark.parametrize("network", [*NETWORKS.values(), *DRAWN], ids=Network.short)
def test_an_id_has_the_same_formula_letter_by_letter_in_every_form_in_unicode(network: Network) -> None:
    found = formulas(derivation_of(network))
    assert found["json"] == found["text"]
    assert found["svg"] == found["text"]
    assert found["module"] == {id: found["text"][id] for id in found["module"]}


def test_every_step_has_its_id_in_the_report_too() -> None:
    derivation = derivation_of(CLASSES)
    text = FORMS["report"][0](derivation)
    steps = {step.id for row in derivation.page().equations for step in row.matrix_steps}
    assert set(re.findall(r'<li id="(.*?)"', text)) == steps


PLANNED: dict[str, dict[str, Any]] = {"buffered": {"style": "buffered"}, "numba": {"target": "numba"}}
"""Modules with an operation a line: below an equation's comment stand the operations that lead to its array."""


def planned_faults(text: str, derivation: PrintableDerivation) -> list[str]:
    """Return the ids whose comment is not the printed equation, or whose operations do not touch its array.

    Where comments follow each other, one loop carries their equations out: the last one's array is what it writes.
    """
    printed, targets = formulas(derivation)["text"], {each.id: each.target for each in derivation.computed}
    wrong, found = [], set()
    for comments, code in re.findall(r"((?:^ *# .*\n)+)((?:^(?! *# ).*\n)+)", text, flags=re.MULTILINE):
        told = re.findall(r"# ([FLB]\d+)  (.*(?:\n *#     .*)*)", comments)
        for id, lines in told:
            formula = " ".join(re.sub(r"\n *#", " ", re.sub(r"\n *# +\w+ is \w+", "", lines)).split())
            wrong += [id] if formula != printed.get(id) else []
            found.add(id)
        wrong += [id for id, _ in told[-1:] if not re.search(rf"\b{targets[id]}(?:_\d+t)?\b", _bare(code))]
    needed = {id for id, target in targets.items() if re.search(rf"\b{target}\b", _bare(text))}
    return sorted({*wrong, *(needed - found)})


def _bare(text: str) -> str:
    """Return code without comments and docstrings."""
    lines = re.sub(r'""".*?"""', "", text, flags=re.DOTALL).splitlines()
    return "\n".join(line.partition("#")[0] for line in lines)


@pytest.mark.parametrize("kind", PLANNED)
@pytest.mark.parametrize("name", ["classes", "rows", "layers"])
def test_comments_of_planned_modules_are_the_printed_equations_above_their_arrays(name: str, kind: str) -> None:
    derivation = derivation_of(NETWORKS[name])
    assert planned_faults(generate(NETWORKS[name], **PLANNED[kind]), derivation) == []


@pytest.mark.parametrize("kind", PLANNED)
@pytest.mark.parametrize(("right", "wrong"), [("# B3  ", "# B4  "), ("W2 = dZ2ᵀ A1", "W2 = dZ2 A1"), ("# B5  ", "# ")])
def test_a_wrong_comment_of_a_planned_module_is_noticed(right: str, wrong: str, kind: str) -> None:
    text = generate(CLASSES, **PLANNED[kind])
    assert right in text
    assert planned_faults(text.replace(right, wrong), derivation_of(CLASSES)) != []
