"""The notebook of the documentation is what its source says, it was executed, and its cells still show the same."""

from __future__ import annotations

import json
from importlib.util import find_spec
from typing import Any

import pytest

from docs.notebook import CELLS, FILE, executed

COMMITTED: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
NEEDS_KERNEL = pytest.mark.skipif(
    any(find_spec(name) is None for name in ("nbclient", "nbformat", "ipykernel")),
    reason="no notebook client: pip install 'symmlp[docs]'",
)


def test_the_cells_are_those_of_the_source() -> None:
    cells = [(cell["cell_type"], "".join(cell["source"])) for cell in COMMITTED["cells"]]
    assert cells == list(CELLS)


def test_every_cell_of_code_was_executed_and_shows_something() -> None:
    cells = [cell for cell in COMMITTED["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    assert all(cell["outputs"] for cell in cells)
    kinds = {kind for cell in cells for output in cell["outputs"] for kind in output.get("data", {})}
    assert {"text/html", "text/latex", "image/svg+xml"} <= kinds


@NEEDS_KERNEL
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of the client and its kernel, not of symmlp
def test_the_cells_run_and_show_what_is_committed() -> None:
    assert json.loads(json.dumps(executed())) == _joined(COMMITTED)


def _joined(notebook: dict[str, Any]) -> dict[str, Any]:
    """Return the notebook with every text in one piece: the file has it in lines."""

    def joined(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: joined(each) for key, each in value.items()}
        if isinstance(value, list):
            is_text = bool(value) and all(isinstance(each, str) for each in value)
            return "".join(value) if is_text else [joined(each) for each in value]
        return value

    found: dict[str, Any] = joined(notebook)
    return found
