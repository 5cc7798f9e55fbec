"""`symmlp list`: every entry, its formula and slope, within 100 columns; an unknown kind is one line."""

from __future__ import annotations

import re

import pytest

from symmlp.catalog.activations import TABLE as ACTIVATIONS
from symmlp.catalog.constraints import TABLE as CONSTRAINTS
from symmlp.catalog.initializers import TABLE as INITIALIZERS
from symmlp.catalog.losses import TABLE as LOSSES
from symmlp.catalog.optimizers import OPTIMIZERS
from symmlp.catalog.penalties import TABLE as PENALTIES
from symmlp.catalog.schedules import SCHEDULES
from symmlp.cli import run
from symmlp.errors import SpecError
from symmlp.listing import KINDS, listed
from symmlp.spec_layers import LAYERS

PARTS = {
    "activations": list(ACTIVATIONS),
    "losses": list(LOSSES),
    "layers": list(LAYERS),
    "optimizers": list(OPTIMIZERS),
    "schedules": list(SCHEDULES),
    "initializers": list(INITIALIZERS),
    "penalties": list(PENALTIES),
    "constraints": list(CONSTRAINTS),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_entry_is_listed_once(kind: str) -> None:
    assert re.findall(r"^(\w+)", listed(kind), re.MULTILINE) == PARTS[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_no_line_is_longer_than_a_hundred_columns(kind: str) -> None:
    assert max(map(len, listed(kind).splitlines())) <= 100


def block(kind: str, name: str) -> str:
    return next(entry for entry in listed(kind).split("\n\n") if re.match(rf"{name}\b", entry))


def test_an_entry_shows_formula_slope_kinks_and_peers() -> None:
    assert block("activations", "relu") == (
        "relu\n"
        "  f(x)     max(0, x)\n"
        "  f′(x)    {1 if x > 0; else 0}\n"
        "  kinks    x = 0: 0 to 1, 0 is taken\n"
        "  peers    PyTorch ReLU, Keras relu, scikit-learn relu, JAX relu"
    )


def test_a_default_that_differs_at_a_peer_is_shown() -> None:
    assert "Keras leaky_relu [alpha=0.2]" in block("activations", "leaky_relu")


def test_a_switch_at_which_the_slope_is_continuous_is_no_kink() -> None:
    assert "kinks" not in block("activations", "sparse_plus") + block("losses", "huber")


def test_an_optimizer_shows_its_updates() -> None:
    assert "v̂ ← v / (1 − β₂^t)" in block("optimizers", "adam")


def test_the_command_prints_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["list", "optimizers"]) == 0
    assert capsys.readouterr().out == listed("optimizers")


def test_an_unknown_kind_is_one_line_with_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["list", "activatons"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "symmlp: kind: nothing to list for 'activatons'; did you mean 'activations'?\n"


def test_the_kinds_are_told_when_nothing_is_close() -> None:
    with pytest.raises(SpecError, match="expected one of activations, losses, layers, optimizers"):
        listed("xyz")
