"""The command line refuses bad input in one line on stderr with exit code 2, and writes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from symmlp.cli import run

GOOD = "4 -> 3 softmax | cross_entropy"


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("4 -> 3 rleu | mse", "did you mean 'relu'?"),
        ("4 -> 3 | mes", "did you mean"),
        ("4 -> 0 relu | mse", "must be a positive integer"),
        ("4 -> 3 sigmoid | cross_entropy", "does not fit the output activation"),
        ("missing.toml", "cannot read"),
        ("", "is empty"),
    ],
)
def test_a_bad_spec_is_refused_and_no_module_is_written(
    spec: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["generate", spec, "-o", str(tmp_path / "module.py")]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert message in told.err
    assert told.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_an_existing_file_is_kept_unless_force_is_given(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    module = tmp_path / "module.py"
    module.write_text("kept", encoding="utf-8")
    assert run(["generate", GOOD, "-o", str(module)]) == 2
    assert "--force" in capsys.readouterr().err
    assert module.read_text(encoding="utf-8") == "kept"
    assert run(["generate", GOOD, "-o", str(module), "--force"]) == 0
    assert module.read_text(encoding="utf-8") != "kept"


def test_an_edited_module_is_not_verified(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    module = tmp_path / "module.py"
    assert run(["generate", GOOD, "-o", str(module)]) == 0
    source = module.read_text(encoding="utf-8")
    assert "dW1 = dZ1.T @ X" in source
    module.write_text(source.replace("dW1 = dZ1.T @ X", "dW1 = 2 * dZ1.T @ X"), encoding="utf-8")
    assert run(["verify", str(module)]) == 1
    assert "NOT verified" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments", [["frobnicate"], ["derive"], ["derive", GOOD, "--wrt", "W9"], ["list", "nothing"]]
)
def test_an_unknown_word_is_refused_in_one_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 2
    assert capsys.readouterr().err.count("\n") == 1
