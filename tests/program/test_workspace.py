"""Plans of memory: nothing is lost, slots are shared, blocks fit the cache; a plan that loses an array is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from symmlp.deriving import derive
from symmlp.errors import ProgramError
from symmlp.program import passes
from symmlp.program.instructions import drop_dead, sequence
from symmlp.program.lowering import lower
from symmlp.program.workspace import BLOCK, Plan, plan
from symmlp.spec import Dense, Network
from tests.strategies import drawn_networks


def planned(network: Network) -> Plan:
    return plan(drop_dead(sequence(passes.drop_unused(lower(derive(network))))))


DEEP = Network(inputs=5, layers=[*[Dense(7, "tanh")] * 12, Dense(3, "softmax")], loss="cross_entropy")
CLASSIFIER = planned(Network.parse("4 -> 6 tanh -> 3 softmax | cross_entropy"))


@pytest.mark.parametrize("network", drawn_networks(25, seed=5), ids=lambda each: each.short())
def test_no_plan_of_a_drawn_network_loses_an_array(network: Network) -> None:
    assert planned(network).check()


def test_a_plan_that_puts_two_living_arrays_in_one_slot_is_refused() -> None:
    (first, second) = (next(each for each in CLASSIFIER.arrays if each.name == name) for name in ("Z1", "A1"))
    arrays = tuple(replace(each, slot=first.slot) if each is second else each for each in CLASSIFIER.arrays)
    with pytest.raises(ProgramError, match="^Z1 is lost to A1: equation B6$"):
        replace(CLASSIFIER, arrays=arrays).check()


def test_slots_are_given_again_on_the_way_back() -> None:
    plan = planned(DEEP)
    assert len(plan.arrays) > len(plan.slots) + 12, "each dA has the slot of an array that is done"


def test_the_blocks_of_a_wide_network_fit_the_cache() -> None:
    plan = planned(Network(inputs=5, layers=[Dense(4096, "gelu"), Dense(2)], loss="mse"))
    widest = [group.rows * 4096 for group in plan.groups if group.by_rows and "Z1" in group.arrays]
    assert widest
    assert all(entries <= BLOCK for entries in widest)


def test_groups_have_names_of_their_own() -> None:
    names = [group.name for group in CLASSIFIER.groups if group.by_rows]
    assert len(names) == len(set(names))


def test_a_term_lies_where_the_result_will() -> None:
    (product, total) = [each for group in CLASSIFIER.forward for each in group.instructions][:2]
    assert (product.operation, total.operation) == ("matmul", "add")
    assert product.target == total.target
