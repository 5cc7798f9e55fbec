"""Numbers in two halves: the first has so few digits that a product of two such halves is exact (Dekker, 1971)."""

from __future__ import annotations

from typing import Any

import numpy as np

SPLITTERS = {"float64": 2**27 + 1, "float32": 2**12 + 1}
"""x·s - (x·s - x) is the first half of the digits of x."""


def leading(x: Any) -> Any:
    """Return x to half of its digits, as a generated module does."""
    scaled = x * (SPLITTERS["float32"] if np.asarray(x).dtype == np.float32 else SPLITTERS["float64"])
    return scaled - (scaled - x)
