"""What the README shows is what symmlp prints; `pytest --update-golden` rewrites the shown output."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from symmlp import Network, derive, generate
from symmlp.cli import run
from tests.conftest import Golden

README = Path(__file__).parent.parent / "README.md"
SHORT = "4 -> 16 tanh -> 3 softmax | cross_entropy"
NETWORK = Network(**Network.parse(SHORT).as_dict() | {"name": "iris"})
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def derivation() -> str:
    """Return the command and what it prints."""
    return f'$ symmlp derive "{SHORT}" --wrt W2 --no-steps\n' + derive(NETWORK).text(wrt=["W2"], steps=False)


def steps() -> str:
    """Return the backward equations of W2 with their steps, as far as they concern layer 2."""
    text = derive(NETWORK).text(wrt=["W2"])
    return text[text.index("  B2") : text.index("\n\nFunctions") + 1]


def gradient() -> str:
    """Return the function of the generated module that computes loss and gradient."""
    return _function("_loss_and_grad")


def slope() -> str:
    """Return the slope of tanh in the generated module."""
    return _function("tanh_slope")


def _function(name: str) -> str:
    found = re.search(rf"^def {name}\(.*?(?=\n\n\n)", generate(NETWORK), re.MULTILINE | re.DOTALL)
    assert found is not None
    return found.group() + "\n"


SHOWN: dict[str, Callable[[], str]] = {
    "$ symmlp derive": derivation,
    "  B2  ": steps,
    "def _loss_and_grad(": gradient,
    "def tanh_slope(": slope,
}
"""How each shown output begins, and what makes it."""


@pytest.mark.parametrize("beginning", SHOWN)
def test_shown_output_is_what_symmlp_prints(beginning: str, golden: Golden) -> None:
    text = README.read_text(encoding="utf-8")
    (block,) = [found for found in BLOCK.finditer(text) if found[2].startswith(beginning)]
    printed = SHOWN[beginning]()
    if golden.update and block[2] != printed:
        README.write_text(text[: block.start(2)] + printed + text[block.end(2) :], encoding="utf-8")
        return
    assert block[2] == printed


def test_the_shown_spec_is_the_network_of_the_shown_short_string() -> None:
    (spec,) = [found[2] for found in BLOCK.finditer(README.read_text(encoding="utf-8")) if found[1] == "toml"]
    assert Network.model_validate(tomllib.loads(spec)) == NETWORK


def test_the_shown_mistake_is_answered_as_shown(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    assert run(["generate", SHORT.replace("tanh", "tnah"), "-o", str(module)]) == 2
    assert f"```text\n{capsys.readouterr().err}```" in README.read_text(encoding="utf-8")
    assert not module.exists()


def test_every_shown_short_string_is_a_network() -> None:
    specs = re.findall(r'"(\d+ -> [^"]*\|[^"]*)"', README.read_text(encoding="utf-8"))
    assert len(specs) > 2
    for spec in specs:
        Network.parse(spec)
