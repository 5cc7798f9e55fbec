"""Writing a module takes effort in proportion to the depth of the network, counted in lines of code that ran."""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import symmlp
from symmlp.deriving import derive
from symmlp.generation import WRITERS
from symmlp.program.lowering import lower
from symmlp.spec import Network

COUNTED = tuple(str(Path(symmlp.__file__).parent / folder) for folder in ("program", "render", "printing", "matrix"))


def lines_run(depth: int, writer: str) -> int:
    """Return how many lines of the generator run, every turn of a loop counted, for a network of `depth` layers."""
    derivation = derive(Network.parse(" -> ".join(["3", *["3 relu"] * depth, "1 | mse"])))
    count = 0

    def local(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        count += event == "line"
        return local

    def entered(frame: FrameType, event: str, _: Any) -> Any:
        return local if frame.f_code.co_filename.startswith(COUNTED) else None

    before = sys.gettrace()
    sys.settrace(entered)
    try:
        WRITERS[writer](lower(derivation), derivation, "float64")
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("writer", ["numpy/plain", "numpy/buffered"])
def test_twice_as_many_layers_more_cost_twice_as_many_lines_more(writer: str) -> None:
    few, more, most = (lines_run(depth, writer) for depth in (6, 12, 24))
    assert more > few > 1000
    assert most - more < 2.1 * (more - few), "what grows with the square of the depth makes this 4"
