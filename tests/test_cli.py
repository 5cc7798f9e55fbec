"""The command line refuses bad input in one line on stderr with exit code 2, and writes nothing."""

from __future__ import annotations

import subprocess
import sys
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
        ("4 -> 3 {x.__class__} | mse", "attribute access at column 2"),
        ("4 -> 3 {9**9**9} | mse", "exponent"),
        ("4 -> 3 {x^2} | mse", "use ** for powers"),
        ("4 -> 3 {y*2} | mse", "unknown name 'y'"),
        ("4 -> 3 {floor(x)} | mse", "unknown function"),
        ("4 -> 3 {sqrt(-1)} | mse", "real"),
        ("4 -> 2.5 relu | mse", "units"),
        ("4 -> -3 relu | mse", "units"),
        ("0 -> 3 relu | mse", "inputs"),
        ("4 | mse", "layer"),
        ("4 -> 3 relu", "loss"),
        ("4 -> 1 softmax | cross_entropy", "softmax over 1 unit"),
        ("4 -> 3 softmax | bce", "does not fit"),
        ("4 -> 3 leaky_relu(slope=2) | mse", "slope"),
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


BAD_SAMPLES = [
    ("a,b,c\n1,x,1\n3,4,0\n", ("row 2", "column 2", "'x'")),
    ("1,nan,0\n3,4,1\n", ("row 1", "column 2")),
    ("1,2,0\n3,1\n", ("row 2",)),
    ("1,2,5\n3,4,1\n", ("5",)),
    ("1,2,0.5\n3,4,1\n", ("0.5",)),
    ("1,2,3,0\n3,4,5,1\n", ("4",)),
    ("", ("",)),
]
"""Samples that do not fit `2 -> 3 softmax | cross_entropy`, and what the answer names."""


@pytest.mark.parametrize(("text", "named"), BAD_SAMPLES)
def test_bad_samples_are_refused_by_place_and_nothing_is_written(
    text: str, named: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    samples, out = tmp_path / "samples.csv", tmp_path / "out"
    samples.write_text(text, encoding="utf-8")
    assert run(["train", "2 -> 3 softmax | cross_entropy", str(samples), "--out", str(out)]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert all(part in told for part in named)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["samples.csv"]


@pytest.mark.parametrize(
    "option", [("--epochs", "0"), ("--batch-size", "-1"), ("--lr", "nan"), ("--held-out", "2"), ("--seed", "-1")]
)
def test_a_setting_out_of_range_is_named(
    option: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    samples = tmp_path / "samples.csv"
    samples.write_text("1,2,0\n3,4,1\n5,6,2\n1,3,0\n", encoding="utf-8")
    assert run(["train", "2 -> 3 softmax | cross_entropy", str(samples), "--out", str(tmp_path / "out"), *option]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert option[0].strip("-").replace("-", "_") in told.replace("-", "_")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["samples.csv"]


@pytest.mark.parametrize(
    ("option", "value"), [("--batch", "2.5"), ("--batch", "0"), ("-N", "none"), ("--dtype", "float16")]
)
@pytest.mark.parametrize("joined", [False, True])
def test_a_value_that_an_option_does_not_take_is_named(
    option: str, value: str, joined: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [f"{option}={value}"] if joined else [option, value]
    assert run(["cost", "4 -> 3 | mse", *given]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert option in line
    assert f"'{value}'" in line


def test_help_imports_nothing_that_takes_long() -> None:
    script = "import sys; from symmlp.cli import run; run(['--help']); print(sorted(sys.modules))"
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = told.stdout.splitlines()[-1]
    assert "symmlp.cli" in loaded
    for package in ("sympy", "numpy", "pydantic", "jinja2"):
        assert f"'{package}'" not in loaded
