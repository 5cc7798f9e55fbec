"""Tables whose entries are built when they are asked for: names cost nothing, an entry is built once."""

from __future__ import annotations

import subprocess
import sys

import pytest

from symmlp.catalog.entries import Entries

BUILT = """
from symmlp.catalog import activations, losses
from symmlp.spec import Network
Network.parse("4 -> 16 tanh -> 8 relu -> 3 softmax | cross_entropy").loss_definition
try:
    Network.parse("4 -> 16 tanj | cross_entropi")
except ValueError:
    pass
print(sorted(activations.TABLE.built | losses.TABLE.built))
"""


def table(built: list[str]) -> Entries[str]:
    """Return a table that notes in `built` what it builds."""

    def made(name: str) -> str:
        built.append(name)
        return name.upper()

    return Entries({"one": made, "two": made})


def test_names_build_nothing() -> None:
    built: list[str] = []
    entries = table(built)
    assert (list(entries), len(entries), "two" in entries, "three" in entries) == (["one", "two"], 2, True, False)
    assert built == []


def test_an_entry_is_built_once_and_alone() -> None:
    built: list[str] = []
    entries = table(built)
    assert [entries["two"], entries["two"]] == ["TWO", "TWO"]
    assert built == ["two"]
    assert entries.built == {"two"}


def test_the_table_is_walked_in_order() -> None:
    assert dict(table([])) == {"one": "ONE", "two": "TWO"}


def test_an_unknown_name_is_a_key_error() -> None:
    with pytest.raises(KeyError, match="three"):
        table([])["three"]


def test_a_network_and_a_misspelled_one_build_only_what_the_network_uses() -> None:
    done = subprocess.run([sys.executable, "-c", BUILT], capture_output=True, text=True, check=True)
    assert done.stdout == "['cross_entropy', 'relu', 'softmax', 'tanh']\n"
