"""Every cotangent of a whole network against NumPy written by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from mpmath import mp

from symmlp.derivation import Equation
from symmlp.deriving import derive
from symmlp.graph import Layout
from symmlp.matrix import Number, Product, SizeOf, walk
from tests.calculus.networks import Values
from tests.deriving.by_hand import BY_HAND, LAYOUTS, PROMISED, ByHand, cotangent_gaps, gap, in_batch_names


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", BY_HAND)
def test_every_cotangent_equals_the_complex_step_of_the_network_in_numpy(name: str, layout: Layout) -> None:
    case = BY_HAND[name]
    gaps = cotangent_gaps(derive(case.network, layout=layout), case)
    assert {each for each in gaps if each[0] in "Wb"} == {
        each for each in ByHand.of(case, layout).made({}) if each[0] in "Wb"
    }
    assert max(gaps.values()) <= PROMISED, gaps


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", BY_HAND)
def test_the_forward_equations_compute_the_loss_of_the_network_in_numpy(name: str, layout: Layout) -> None:
    case = BY_HAND[name]
    with mp.workdps(30):
        found = Values.of(derive(case.network, layout=layout), case).loss()
    assert gap(found, ByHand.of(case, layout).loss({})) <= PROMISED


def mistakes(equation: Equation) -> Iterator[Equation]:
    """Yield copies of an equation, each with one mistake."""
    yield replace(equation, value=Product((Number(Fraction(2)), equation.value)))
    yield replace(equation, value=Product((Number(Fraction(-1)), equation.value)))
    if any(isinstance(part, SizeOf) for part in walk(equation.value)):
        yield replace(equation, value=Product((SizeOf("N"), equation.value)))
    if isinstance(equation.value, Product) and len(equation.value.factors) > 1:
        yield replace(equation, value=equation.value.factors[0])


@pytest.mark.parametrize(
    "name",
    ["softmax with cross entropy", pytest.param("an expression and absolute values", marks=pytest.mark.slow)],
)
def test_a_mistake_in_any_backward_equation_is_noticed(name: str) -> None:
    case = BY_HAND[name]
    derivation = derive(case.network)
    for place, equation in enumerate(derivation.backward):
        for wrong in mistakes(equation):
            backward = (*derivation.backward[:place], wrong, *derivation.backward[place + 1 :])
            gaps = cotangent_gaps(replace(derivation, backward=backward), case)
            assert gaps[in_batch_names(equation.target.removeprefix("d"))] > 0.1


def test_a_cotangent_that_is_not_a_number_is_noticed() -> None:
    assert gap([np.nan, 2.0], np.array([1.0, 2.0])) == float("inf")
    assert gap([np.nan], np.array([np.nan])) == float("inf")
