"""Drawn networks, numbered, the small ones quick."""

from __future__ import annotations

from typing import Any

import pytest

from symmlp.catalog.activations import TABLE as ACTIVATIONS
from symmlp.spec import Network
from tests.deriving.by_hand import dense_layers
from tests.strategies import drawn_cases

DRAWN = drawn_cases(40)
QUICK = {0, 4, 7, 8, 9, 14, 16, 24, 27, 30}
"""Small networks, evaluated in a moment."""


def drawn_case(number: int) -> Any:
    """Return the number of a drawn network as a parameter."""
    return pytest.param(number, marks=() if number in QUICK else (pytest.mark.slow,))


def has_one_argument(own: Network) -> bool:
    """Return whether no activation has gates or learned numbers: steps are evaluated for functions of one number."""
    rows = [ACTIVATIONS.get(layer.activation) for layer in dense_layers(own)]
    return all(row is None or len(row.variables) == 1 or row.acts_on == "row" for row in rows)


NUMBERED = [drawn_case(number) for number in range(len(DRAWN))]
OF_ONE_ARGUMENT = [drawn_case(number) for number, case in enumerate(DRAWN) if has_one_argument(case.network)]
