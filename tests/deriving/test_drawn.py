"""Drawn networks: their gradients are central differences of their loss."""

from __future__ import annotations

import numpy as np
import pytest
from mpmath import mp, mpf

from symmlp.catalog.activations import TABLE as ACTIVATIONS
from symmlp.catalog.losses import TABLE as LOSSES
from symmlp.deriving import derive
from symmlp.graph import Layout
from tests.calculus.networks import Values
from tests.deriving.by_hand import LAYOUTS, PROMISED, dense_layers, gap
from tests.deriving.drawn import DRAWN, NUMBERED


def test_the_drawn_networks_use_the_whole_catalogue() -> None:
    used = {layer.activation for case in DRAWN for layer in dense_layers(case.network)}
    used |= {case.network.loss for case in DRAWN}
    assert {*ACTIVATIONS, *LOSSES} <= used


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("number", NUMBERED)
def test_the_gradient_of_a_drawn_network_is_the_central_difference_of_its_loss(number: int, layout: Layout) -> None:
    case = DRAWN[number]
    derivation = derive(case.network, layout=layout)
    with mp.workdps(40):
        given = Values.of(derivation, case)
        values = given.everything().arrays
        for name in derivation.graph.parameters:
            place = tuple(size - 1 for size in values[name].shape)
            found, expected = values[f"d{name}"][place], given.numerical_slope(name, place)
            assert abs(found - expected) <= mpf("1e-20") * max(1, abs(expected)), name


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("number", NUMBERED)
def test_what_code_computes_is_the_same_number(number: int, layout: Layout) -> None:
    derivation = derive(DRAWN[number].network, layout=layout)
    with mp.workdps(30):
        written, computed = (
            Values.of(derivation, DRAWN[number], form).everything().arrays for form in ("value", "stable")
        )
    for equation in (*derivation.losses, *derivation.backward):
        expected = np.asarray(written[equation.target], dtype=float)
        assert gap(computed[equation.target], expected) <= PROMISED, equation.target
