"""The demonstration: it reaches its promise, tells its stages, and writes all or nothing."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from symmlp.errors import DataError, SymmlpError
from symmlp.generation import generate
from symmlp.spec import Network
from symmlp.training import TrainResult, demo, demonstration


def _names(directory: Path) -> list[str]:
    return sorted(entry.name for entry in directory.iterdir())


def _demonstrated(directory: Path, **options: Any) -> tuple[TrainResult, str]:
    console = Console(file=io.StringIO(), width=200)
    result = demo(directory, console=console, **options)
    return result, console.file.getvalue()  # type: ignore[attr-defined]


@pytest.mark.parametrize(("dataset", "least"), [("digits", 0.96), ("iris", 0.93), ("friedman", 0.95)])
def test_the_demonstration_reaches_its_promise(dataset: str, least: float, tmp_path: Path) -> None:
    result, _ = _demonstrated(tmp_path, dataset=dataset)
    assert result.score_name.startswith("held-out")
    assert result.score >= least


def test_the_demonstration_ends_by_saying_where_everything_lies_and_how_good_it_is(tmp_path: Path) -> None:
    result, told = _demonstrated(tmp_path, dataset="iris", epochs=3)
    assert result.formulas_path is not None
    for path in (result.formulas_path, result.module_path, result.parameters_path, result.record_path):
        assert path.is_file()
        assert str(path) in told
    assert f"held-out accuracy  {result.score:.4f}" in told.splitlines()[-1]


def test_the_demonstration_tells_its_stages_in_order(tmp_path: Path) -> None:
    _, told = _demonstrated(tmp_path, dataset="iris", epochs=3)
    places = [told.index(stage) for stage in ("network ", "derive ", "generate ", "verified", "training ", "formulas ")]
    assert places == sorted(places)


def test_a_module_that_is_not_verified_ends_the_demonstration_with_nothing_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def doubled(network: Network, dtype: Any) -> str:
        return generate(network, dtype=dtype) + (
            "\n_right = loss_and_grad\n"
            "def loss_and_grad(theta, X, Y, out=None):\n"
            "    value, gradient = _right(theta, X, Y)\n"
            "    return value, 2 * gradient\n"
        )

    monkeypatch.setattr(demonstration, "generate", doubled)
    with pytest.raises(SymmlpError, match="^verify: the generated module failed .*; nothing was written$"):
        _demonstrated(tmp_path, dataset="iris", epochs=3)
    assert _names(tmp_path) == []


def test_an_unknown_data_set_of_the_demonstration_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="^dataset: unknown 'irs'"):
        _demonstrated(tmp_path, dataset="irs")
