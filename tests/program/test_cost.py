"""Costs of a step, against counts made by hand and by running the instructions."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from symmlp.costing import cost, cost_json, cost_text
from symmlp.errors import UnsupportedError
from symmlp.generation import generate, planned
from symmlp.program.cost import FREE, Amount, cost_of
from symmlp.spec import Network

REGRESSION = Network.parse("4 -> 3 relu -> 2 | mse")
CLASSIFIER = Network.parse("5 -> 7 tanh -> 6 gelu -> 3 softmax | cross_entropy")


def test_the_matrix_products_are_counted_as_by_hand() -> None:
    forward, weights, inputs = 2 * (4 * 3 + 3 * 2), 2 * (4 * 3 + 3 * 2), 2 * 3 * 2
    assert cost(REGRESSION).operations["matrix products"] == Amount(forward + weights + inputs, 0)


def test_plain_bytes_of_a_matrix_product_are_two_operands_and_a_result() -> None:
    per_sample = (4 + 3) + (3 + 2) + (2 + 3) + (2 + 3) + (3 + 4)  # forward, forward, dW2, dA1, dW1
    fixed = 12 + 6 + 6 + 6 + 12
    assert cost(REGRESSION).moved["matrix products"] == Amount(8 * per_sample, 8 * fixed)


@pytest.mark.parametrize("N", [6, 11])
@pytest.mark.parametrize("network", [REGRESSION, CLASSIFIER], ids=str)
def test_entries_counted_by_running_are_those_of_the_formula(network: Network, N: int) -> None:
    plan = planned(network, "float64")
    found = cost_of(plan, blocked=True, dtype="float64")
    counted = 0
    for each in plan.sequenced.instructions:
        shape = tuple(N if size == "N" else int(size) for size in each.target.shape)
        if each.operation not in FREE and each.operation != "matmul" and not each.operation.startswith(("sum", "max_")):
            counted += int(np.ones(shape).sum())
    assert found.operations["entry by entry"].at(N) == counted


def test_the_workspace_is_what_the_module_allocates() -> None:
    module: dict[str, Any] = {}
    exec(generate(CLASSIFIER, style="buffered"), module)
    N = 20_000
    slots = sum(N * width for width in module["SLOTS"]) * 8 + sum(N * width for width in module["CONDITION_SLOTS"])
    assert cost(CLASSIFIER, style="buffered").workspace.per_sample * N == slots


def test_blocks_move_fewer_bytes_than_whole_arrays_do() -> None:
    plain, buffered = (cost(CLASSIFIER, style=style).all_moved.at(64) for style in ("plain", "buffered"))
    assert buffered < plain / 2


def test_float32_moves_half_the_bytes() -> None:
    wide, narrow = (cost(REGRESSION, dtype=dtype).all_moved for dtype in ("float64", "float32"))
    assert wide == narrow.times(2)


def test_the_module_says_its_cost() -> None:
    found = cost(CLASSIFIER, style="buffered")
    source = generate(CLASSIFIER, style="buffered")
    assert f"{found.all_operations.at(32):,}\n" in source
    assert f" {found.workspace.text} " in source


def test_table_and_json_say_the_same() -> None:
    table = cost_text(CLASSIFIER, 48, style="buffered")
    content = json.loads(cost_json(CLASSIFIER, 48, style="buffered"))
    for amount in (*content["operations"].values(), *content["bytes_moved"].values()):
        assert f"{amount['at_N']:,}" in table
    share = content["matmul_share_of_operations"]
    assert share == pytest.approx(cost(CLASSIFIER, style="buffered").floor_share(48))
    assert f"{share:.1%}" in table


def test_an_unknown_style_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="^style: expected plain or buffered, got 'baroque'$"):
        cost(REGRESSION, style="baroque")
