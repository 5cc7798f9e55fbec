"""`picture` and `symmlp graph`: formats, files, notebooks, determinism and speed."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import get_args

import pytest

import symmlp
from symmlp.cli import run
from symmlp.deriving import derive
from symmlp.pictures.drawing import SUFFIXES, Format, picture
from symmlp.spec import Network
from tests.pictures.examples import SHALLOW, SPECS, derivation

FORMATS: tuple[Format, ...] = get_args(Format)
STARTS: dict[Format, str] = {
    "mermaid": "flowchart TB",
    "dot": "digraph tree {",
    "tikz": r"\documentclass",
    "svg": '<svg xmlns="http://www.w3.org/2000/svg"',
}

PICTURES = """
from symmlp.deriving import derive
from symmlp.pictures import picture
from symmlp.spec import Network
found = derive(Network.parse({spec!r}))
for format in ("mermaid", "dot", "tikz", "svg"):
    for kind in ("tree", "network"):
        print(picture(found, format=format, kind=kind, backward=True))
"""


@pytest.mark.parametrize("format", FORMATS)
def test_a_network_and_its_derivation_have_the_same_picture(format: Format) -> None:
    drawing = symmlp.picture(Network.parse(SHALLOW), format=format)
    assert drawing == picture(derivation("shallow"), format=format)
    assert drawing.startswith(STARTS[format])
    assert drawing.endswith("\n")


def test_pictures_are_the_same_with_any_hash_seed() -> None:
    program = PICTURES.format(spec=SPECS["every op"])
    assert len({_digest(program, seed) for seed in ("0", "1", "77")}) == 1


def test_the_check_of_hash_seeds_finds_an_order_that_depends_on_them() -> None:
    unordered = "print(list({'F1', 'F2', 'F3', 'B1', 'B2', 'B3', 'L1'}))"
    assert len({_digest(unordered, seed) for seed in ("0", "1", "77")}) > 1


def _digest(program: str, seed: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=True,
    )
    return hashlib.sha256(done.stdout.encode()).hexdigest()


def test_two_hundred_layers_are_drawn_in_less_than_a_second() -> None:
    deep = derive(Network.parse("4 -> " + " -> ".join(["8 tanh"] * 199) + " -> 3 softmax | cross_entropy"))
    for format in FORMATS:
        start = time.perf_counter()
        drawing = picture(deep, format=format, backward=True)
        assert time.perf_counter() - start < 1
        assert "194 more layers" in drawing


def test_the_sample_layout_has_the_names_of_one_column() -> None:
    assert '"x" -> "o1"' in picture(Network.parse(SHALLOW), format="dot", layout="sample")


LETTERS = {"pre_activation": "z", "weights": "V", "cotangent": "D", "loss": "J", "prediction": "q", "targets": "t"}


@pytest.mark.parametrize(
    ("format", "words"),
    [
        ("svg", {"∂J/∂V1", "= Dz1ᵀ X", "q = z2", ">V1<"}),
        ("mermaid", {"∂J/∂V1<br/>= Dz1ᵀ X", "F4  identity<br/>q = z2", '(["DV1"])'}),
        ("dot", {r"∂J/∂V1\n= Dz1ᵀ X", r"F4  identity\nq = z2"}),
        ("tikz", {r"\partial J / \partial V_{1}", r"= {\mathrm{D}z_{1}}^{\top} \, X", "$V_{1}$"}),
    ],
)
def test_the_author_s_letters_stand_in_a_picture_and_its_ids_stay(format: Format, words: set[str]) -> None:
    plain, own = (symmlp.derive(Network.parse("3 -> 4 tanh -> 2 | mse"), notation=each) for each in (None, LETTERS))
    drawing = picture(own, format=format, backward=True)
    assert {each for each in words if each not in drawing} == set()
    ids = [re.findall(r"\b[FLB]\d+\b", picture(each, format=format, backward=True)) for each in (plain, own)]
    assert ids[0] == ids[1]


def test_a_network_and_a_derivation_show_their_pictures() -> None:
    own = symmlp.derive(Network.parse(SHALLOW))
    assert own.network._repr_svg_() == picture(own, kind="network")
    assert own._repr_svg_() == picture(own, backward=True)
    assert picture(own, kind="network") in own.network._repr_html_()


def test_a_notebook_shows_svg_and_mermaid_as_pictures() -> None:
    svg, mermaid, dot = (picture(derivation("shallow"), format=each) for each in ("svg", "mermaid", "dot"))
    assert svg._repr_svg_() == svg
    assert dot._repr_svg_() is None
    assert mermaid._repr_mimebundle_()["text/vnd.mermaid"] == mermaid
    assert list(dot._repr_mimebundle_()) == ["text/plain"]


@pytest.mark.parametrize("field", ["format", "kind"])
def test_an_unknown_format_or_kind_is_refused_with_the_known_ones(field: str) -> None:
    chosen = {"format": "svg", "kind": "tree"} | {field: "png"}
    with pytest.raises(symmlp.SymmlpError, match=f"{field}: expected .*, got 'png'"):
        picture(derivation("shallow"), **chosen)  # type: ignore[arg-type]


def test_the_command_prints_mermaid_unless_told_otherwise(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["graph", SHALLOW, "--backward"]) == 0
    assert capsys.readouterr().out == picture(derivation("shallow"), format="mermaid", backward=True)
    assert run(["graph", SHALLOW, "--format", "svg", "--kind", "network"]) == 0
    assert capsys.readouterr().out == picture(derivation("shallow"), format="svg", kind="network")


@pytest.mark.parametrize(("suffix", "format"), SUFFIXES.items())
def test_the_name_of_a_file_says_its_format(suffix: str, format: Format, tmp_path: Path) -> None:
    path = tmp_path / f"picture{suffix}"
    assert run(["graph", SHALLOW, "-o", str(path)]) == 0
    assert path.read_text(encoding="utf-8") == picture(derivation("shallow"), format=format)


def test_an_existing_file_is_kept_unless_force_is_given(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "picture.svg"
    path.write_text("kept", encoding="utf-8")
    assert run(["graph", SHALLOW, "-o", str(path)]) == 2
    assert "--force" in capsys.readouterr().err
    assert path.read_text(encoding="utf-8") == "kept"
    assert run(["graph", SHALLOW, "-o", str(path), "--force"]) == 0
    assert path.read_text(encoding="utf-8") != "kept"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["4 -> 3 rleu | mse"], "did you mean 'relu'?"),
        ([SHALLOW, "--format", "png"], "png"),
        ([SHALLOW, "-o", "picture.png"], "expected a file name ending in"),
        ([SHALLOW, "--format", "svg", "-o", "picture.dot"], "picture.dot"),
    ],
)
def test_bad_input_is_refused_in_one_line_and_nothing_is_written(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["graph", *arguments]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert message in told.err
    assert told.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
