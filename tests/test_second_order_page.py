"""docs/second_order.md shows what its commands print, and its step is the solution of its equation."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from symmlp.cli import run
from symmlp.generation import generate
from symmlp.spec import Network
from tests.generated_modules import executed

PAGE = (Path(__file__).parent.parent / "docs" / "second_order.md").read_text(encoding="utf-8")
SHOWN = re.findall(r"```console\n\$ symmlp (.*?)\n(.*?)\n```", PAGE, re.DOTALL)


@pytest.mark.parametrize(("command", "shown"), SHOWN)
def test_shown_output_is_what_the_command_prints(command: str, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    run(shlex.split(command))
    printed = capsys.readouterr()
    assert shown in printed.out + printed.err


def test_commands_are_shown() -> None:
    assert len(SHOWN) == 3


@pytest.fixture
def classes(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    network = Network.parse("3 -> 4 tanh -> 2 softmax | cross_entropy")
    module = executed(generate(network, with_=("hvp", "gauss_newton")))
    monkeypatch.setitem(sys.modules, "classes", module)
    return module


def test_the_shown_step_solves_its_equation_and_lowers_the_loss(classes: ModuleType) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    rng = np.random.default_rng(0)
    theta, X, Y = classes.init_params(0), rng.normal(size=(20, 3)), rng.integers(0, 2, 20)
    v = names["newton_direction"](theta, X, Y)
    loss, g = classes.loss_and_grad(theta, X, Y)
    np.testing.assert_allclose(classes.gauss_newton(theta, X, Y, v) + 1e-3 * v, -g, atol=1e-9)
    assert g @ v < 0
    assert classes.loss(theta + 0.1 * v, X, Y) < loss
