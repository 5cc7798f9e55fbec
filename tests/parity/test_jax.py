"""Generated modules against JAX in float64, on a part of the drawn networks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.parity.comparison import agreement, generated_module
from tests.parity.conftest import Record
from tests.parity.jax_models import jax_result
from tests.strategies import Case, drawn_cases

pytestmark = pytest.mark.parity

CASES = drawn_cases(60)[::4]
PERTURBATION = 1e-10


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{CASES.index(case):02d}")
def test_a_drawn_network_has_the_loss_and_gradient_of_jax(case: Case, tmp_path: Path, record: Record) -> None:
    module = generated_module(case.network, tmp_path)
    loss, gradient = module.loss_and_grad(case.theta(), case.inputs(), case.targets())
    found = agreement(loss, gradient, jax_result(case.network, case.theta(), case.inputs(), case.targets()))
    record("jax", case, found)
    assert found.holds, found


def test_jax_computes_in_float64() -> None:
    case = CASES[0]
    reference = jax_result(case.network, case.theta(), case.inputs(), case.targets())
    assert {part.dtype for part in reference.gradients.values()} == {np.dtype(np.float64)}


def test_a_gradient_that_is_wrong_in_the_tenth_digit_is_refused() -> None:
    case = CASES[0]
    reference = jax_result(case.network, case.theta(), case.inputs(), case.targets())
    gradient = np.concatenate([part.ravel() for part in reference.gradients.values()])
    gradient[np.argmax(np.abs(gradient))] *= 1 + PERTURBATION
    assert not agreement(reference.loss, gradient, reference).holds
