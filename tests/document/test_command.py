"""`symmlp derive`: depths, formats, letters of the author's own, files."""

from __future__ import annotations

from pathlib import Path

import pytest

from symmlp.cli import run
from tests.document.derivations import derivation_of

SHORT = "3 -> 4 tanh -> 2 softmax | cross_entropy"


def printed(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Return what the command prints; it succeeds and says nothing else."""
    assert run(["derive", SHORT, *arguments]) == 0
    told = capsys.readouterr()
    assert told.err == ""
    return told.out


@pytest.mark.parametrize(
    ("arguments", "depth"),
    [
        ([], "full"),
        (["--steps", "brief"], "brief"),
        (["--steps", "full"], "full"),
        (["--steps", "index"], "index"),
        (["--steps", "none"], "none"),
        (["--no-steps"], "none"),
    ],
)
def test_the_depth_of_the_steps_is_an_option(
    arguments: list[str], depth: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert printed(arguments, capsys) == derivation_of("classes").formatted("text", steps=depth)  # type: ignore[arg-type]


@pytest.mark.parametrize("format", ["text", "latex", "markdown", "html", "json"])
def test_a_format_is_printed_or_written(format: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    expected = derivation_of("classes").formatted(format)
    assert printed(["--format", format], capsys) == expected
    output = tmp_path / "page"
    assert printed(["--format", format, "-o", str(output)], capsys) == ""
    assert output.read_text(encoding="utf-8") == expected


def test_letters_and_a_whole_document_are_options(capsys: pytest.CaptureFixture[str]) -> None:
    found = printed(["--format", "latex", "--standalone", "--notation", "weights=V,cotangent=δ"], capsys)
    own = derivation_of("classes", notation={"weights": "V", "cotangent": "δ"})
    assert found == own.latex(standalone=True)


def test_an_existing_file_is_kept_unless_force_is_given(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "page.html"
    output.write_text("kept", encoding="utf-8")
    assert run(["derive", SHORT, "-o", str(output)]) == 2
    assert "--force" in capsys.readouterr().err
    assert output.read_text(encoding="utf-8") == "kept"
    assert run(["derive", SHORT, "-o", str(output), "--force"]) == 0
    assert output.read_text(encoding="utf-8") != "kept"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--format", "pdf"],
        ["--steps", "half"],
        ["--notation", "weights=<b>"],
        ["--notation", "weights=b"],
        ["--notation", "wieghts=V"],
        ["--standalone"],
        ["--wrt", "W9", "--format", "html"],
    ],
)
def test_what_cannot_be_printed_is_refused_in_one_line(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["derive", SHORT, *arguments]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.count("\n") == 1
