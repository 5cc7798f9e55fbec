"""Fixtures for all tests: golden files with their update switch, and repeatable property tests."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import pytest

GOLDEN_FOLDER = Path(__file__).parent / "golden"
MAX_DIFF_LINES = 200

# Repeatable by default: a failure on one machine is a failure on every machine. `explore` looks for new examples.
hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
hypothesis.settings.register_profile("explore", derandomize=False, deadline=None, max_examples=1000)
hypothesis.settings.load_profile("repeatable")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the switch that rewrites golden files."""
    parser.addoption("--update-golden", action="store_true", help="rewrite the committed expected files")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that use the golden fixture, so that `-m golden` finds them all."""
    for item in items:
        if "golden" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.golden)


@dataclass(frozen=True)
class Golden:
    """Committed expected files in `folder`: compared byte for byte, or rewritten when `update` is set."""

    folder: Path
    update: bool = False

    def check(self, name: str, text: str) -> None:
        """Fail with a unified diff unless `text` is what the file `name` holds.

        Raises:
            AssertionError: the file is missing or holds other bytes.
        """
        path, found = self.folder / name, text.encode("utf-8")
        if self.update:
            self._write(path, found)
            return
        if not path.is_file():
            raise AssertionError(f"golden file {name} is missing; `pytest --update-golden` writes it")
        expected = path.read_bytes()
        if found != expected:
            raise AssertionError(
                f"golden file {name} differs; `pytest --update-golden` rewrites it\n{_diff(expected, found, name)}"
            )

    def _write(self, path: Path, content: bytes) -> None:
        # Untouched when equal, so that file times tell what changed.
        if not path.is_file() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def _diff(expected: bytes, found: bytes, name: str) -> str:
    before, after = (
        content.decode("utf-8", "backslashreplace").splitlines(keepends=True) for content in (expected, found)
    )
    lines = list(difflib.unified_diff(before, after, f"golden/{name}", "found"))
    if len(lines) > MAX_DIFF_LINES:
        lines = [*lines[:MAX_DIFF_LINES], f"... {len(lines) - MAX_DIFF_LINES} more lines\n"]
    # repr, so that differences in white space and line ends can be seen.
    return "".join(line if line.endswith("\n") and "\r" not in line else f"{line!r}\n" for line in lines)


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """The committed expected files in tests/golden."""
    return Golden(GOLDEN_FOLDER, update=bool(request.config.getoption("--update-golden")))
