"""The golden fixture compares bytes, shows what differs, and rewrites only when asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Golden


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rule.txt").write_bytes("dW = dZᵀ X\nend\n".encode())
    return tmp_path


def test_equal_text_passes(folder: Path) -> None:
    Golden(folder).check("rule.txt", "dW = dZᵀ X\nend\n")


def test_one_changed_character_fails_with_a_diff(folder: Path) -> None:
    with pytest.raises(AssertionError, match=r"(?s)-dW = dZᵀ X\n\+dW = dZ X"):
        Golden(folder).check("rule.txt", "dW = dZ X\nend\n")


def test_other_line_ends_fail_and_can_be_seen(folder: Path) -> None:
    with pytest.raises(AssertionError, match=r"\\r\\n"):
        Golden(folder).check("rule.txt", "dW = dZᵀ X\r\nend\n")


def test_a_missing_final_newline_fails(folder: Path) -> None:
    with pytest.raises(AssertionError, match="differs"):
        Golden(folder).check("rule.txt", "dW = dZᵀ X\nend")


def test_a_missing_file_fails_and_is_not_written(folder: Path) -> None:
    with pytest.raises(AssertionError, match="missing"):
        Golden(folder).check("other.txt", "text")
    assert not (folder / "other.txt").exists()


def test_update_writes_new_and_changed_files(folder: Path) -> None:
    golden = Golden(folder, update=True)
    golden.check("rule.txt", "dW = dZ X\n")
    golden.check("deep/other.txt", "text\n")
    assert (folder / "rule.txt").read_bytes() == b"dW = dZ X\n"
    assert (folder / "deep" / "other.txt").read_bytes() == b"text\n"


def test_update_leaves_an_equal_file_alone(folder: Path) -> None:
    before = (folder / "rule.txt").stat().st_mtime_ns
    Golden(folder, update=True).check("rule.txt", "dW = dZᵀ X\nend\n")
    assert (folder / "rule.txt").stat().st_mtime_ns == before


def test_the_fixture_compares_unless_the_switch_is_given(golden: Golden, request: pytest.FixtureRequest) -> None:
    assert golden.update is bool(request.config.getoption("--update-golden"))
