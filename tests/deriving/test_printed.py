"""Nothing of SymPy or of a rule's placeholders is left in what is printed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from symmlp.catalog.activations import TABLE as ACTIVATIONS
from symmlp.document import PrintableDerivation
from symmlp.document import derive as derive_document
from symmlp.graph import Layout
from symmlp.spec import Network
from tests.deriving.by_hand import LAYOUTS
from tests.strategies import drawn_networks

LEFTOVER = re.compile(
    r"Piecewise|KroneckerDelta|Derivative|Subs\(|Sum\(|Indexed|slope_of|Partial|Dummy|_xi|\bM(?:ax|in)\(|Abs\("
    r"|\bnan\b|\bzoo\b|\boo\b"
)
"""How SymPy writes what a printer should have written, or what is not a number."""
PLACEHOLDER = re.compile(r"\{[A-Z]\}")
"""An array of an op's own in a step's rule, not yet called by its name here."""


def strings(value: object) -> Iterator[str]:
    """Yield every text in plain data."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from strings(each)


def leftovers(text: str, latex: str, plain: dict[str, Any]) -> list[str]:
    """Return what SymPy or a rule left behind in the text, the LaTeX and the data of a derivation."""
    rules_used = [step["rule"] for equation in plain["equations"] for step in equation["steps"]]
    found = [each for part in (text, latex, *strings(plain)) for each in LEFTOVER.findall(part)]
    found += [each for part in (text, *rules_used) for each in PLACEHOLDER.findall(part)]
    return found + [
        each for part in re.findall(r"&& \\text\{(.*?)\} \\tag", latex) for each in PLACEHOLDER.findall(part)
    ]


def printed(document: PrintableDerivation) -> tuple[str, str, dict[str, Any]]:
    """Return a derivation as text, as LaTeX and as data."""
    return document.text(), document.latex(), document.as_dict()


PRINTED = [
    *drawn_networks(16, seed=2),
    *(Network.parse(f"4 -> 5 {name} -> 3 | mse") for name, row in ACTIVATIONS.items() if row.acts_on == "entry"),
    *(Network.parse(f"4 -> 5 softsign -> 3 | {name}") for name in ("huber", "log_cosh", "pinball")),
]
IN_TURN = [
    pytest.param(own, layout, id=f"{own.short()}-{layout}", marks=() if number % 2 == place else pytest.mark.slow)
    for number, own in enumerate(PRINTED)
    for place, layout in enumerate(LAYOUTS)
]
"""Each network in each layout; the quick ones take the layouts in turn."""


@pytest.mark.parametrize(("own", "layout"), IN_TURN)
def test_nothing_of_sympy_is_left_in_what_is_printed(own: Network, layout: Layout) -> None:
    assert leftovers(*printed(derive_document(own, layout=layout))) == []


@pytest.mark.parametrize("left", ["insert {X}", "Piecewise((1, x > 0))", "Sum(", "of zoo", "nan", "Max(0, x)"])
def test_what_is_left_in_one_of_the_formats_is_noticed(left: str) -> None:
    text, latex, plain = printed(derive_document(Network.parse("4 -> 3 tanh | mse")))
    assert leftovers(text, latex, plain) == []
    assert leftovers(f"{text}{left}", latex, plain)
    assert leftovers(text, rf"{latex}&& \text{{{left}}} \tag{{B1.1}}", plain)
    plain["equations"][-7]["steps"][0]["rule"] = left
    assert leftovers(text, latex, plain)


def test_data_of_a_document_can_be_written_as_json() -> None:
    document = derive_document(Network.parse("4 -> 5 {1.5*x} -> 3 | huber"))
    assert json.loads(json.dumps(document.as_dict(), allow_nan=False)) == document.as_dict()
