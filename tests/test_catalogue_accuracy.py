"""Every elementwise function of the catalogue keeps the accuracy that docs/accuracy_catalogue.md promises."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.catalogue_accuracy import COUNT, ENTRIES, GOAL, promised, worst

FEW = 13
QUICK = (
    "sigmoid in x",
    "tanh in x",
    "softplus in x",
    "silu in x",
    "softsign in x",
    "bce_with_logits in p",
    "huber in p",
)


@pytest.mark.parametrize("kind", [np.float64, np.float32])
@pytest.mark.parametrize("key", QUICK)
def test_frequent_functions_keep_their_promise_at_a_few_points(key: str, kind: type) -> None:
    offset = 2 * (kind is np.float32)
    for place, found in enumerate(worst(key, kind, FEW)):
        assert found.ulps <= promised(key, place + offset), found


@pytest.mark.slow
@pytest.mark.parametrize("kind", [np.float64, np.float32])
@pytest.mark.parametrize("key", ENTRIES)
def test_every_function_keeps_its_promise(key: str, kind: type) -> None:
    offset = 2 * (kind is np.float32)
    for place, found in enumerate(worst(key, kind, COUNT // 10)):
        assert found.ulps <= promised(key, place + offset), found


def _naive_sigmoid_slope(x: Any) -> Any:
    s = 1 / (1 + np.exp(-x))
    return s * (1 - s)


def test_a_naive_slope_breaks_the_promise() -> None:
    value, slope = worst("sigmoid in x", np.float64, 26, (lambda x: 1 / (1 + np.exp(-x)), _naive_sigmoid_slope))
    assert value.ulps <= GOAL < slope.ulps
