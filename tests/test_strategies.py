"""The drawn cases are what the tests rely on: valid, repeatable, of sizes that cannot hide a transpose."""

from __future__ import annotations

import numpy as np
from hypothesis import given

from symmlp.catalog.activations import TABLE as ACTIVATIONS
from symmlp.catalog.losses import TABLE as LOSSES
from symmlp.spec import Network
from tests.strategies import Case, cases, dense_layers, drawn_cases, drawn_networks, networks


def sizes(case: Case) -> list[int]:
    return [case.batch, case.network.inputs, *case.network.widths[1:]]


@given(cases())
def test_sizes_of_a_drawn_case_are_all_different_and_never_one(case: Case) -> None:
    assert len(set(sizes(case))) == len(sizes(case))
    assert min(sizes(case)) > 1


@given(networks())
def test_a_drawn_network_survives_its_own_dictionary(network: Network) -> None:
    assert Network.model_validate(network.as_dict()) == network


def test_seeded_cases_are_the_same_every_time() -> None:
    assert drawn_cases(20, seed=3) == drawn_cases(20, seed=3)


def test_another_seed_draws_other_networks() -> None:
    assert drawn_networks(20, seed=3) != drawn_networks(20, seed=4)


def test_fifty_seeded_networks_use_the_whole_catalog() -> None:
    drawn = drawn_networks(50)
    assert {network.loss for network in drawn} >= set(LOSSES)
    assert {layer.activation for network in drawn for layer in dense_layers(network)} >= set(ACTIVATIONS)


@given(cases())
def test_data_of_a_case_have_the_shapes_of_its_network(case: Case) -> None:
    n, k = case.batch, case.network.outputs
    assert case.inputs().shape == (n, case.network.inputs)
    assert case.targets().shape == ((n,) if case.network.loss_definition.targets == "classes" else (n, k))
    assert case.theta().size == sum(
        layer.units * ((1 + len(gates)) * (fan_in + layer.bias) + len(learned))
        for layer, fan_in in zip(dense_layers(case.network), sizes(case)[1:], strict=False)
        for gates, learned in [(layer.definition.gates, layer.definition.learned)]
    )


@given(cases())
def test_target_probabilities_sum_to_one_in_every_row(case: Case) -> None:
    np.testing.assert_allclose(case.probabilities().sum(axis=1), 1, rtol=1e-14)
