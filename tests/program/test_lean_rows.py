"""Row functions with fewer passes keep every digit, where one class has all the probability and where several tie."""

from __future__ import annotations

from types import ModuleType

import mpmath
import numpy as np
import pytest

from symmlp.deriving import derive
from symmlp.generation import generate
from symmlp.matrix import Add, Call, walk
from symmlp.program import passes
from symmlp.program.lean_rows import lean_rows
from symmlp.program.lowering import lower
from symmlp.spec import Network
from tests.generated_modules import executed

ROWS = [[0.0, -30.0, -41.0], [-700.0, 0.0, -3.0], [2.0, 2.0, -50.0], [1.0, 1.5, 0.9], [1e4, -1e4, 1e4 - 36]]
TARGETS: list[list[float]] = [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0.9, 0.05, 0.05], [1, 0, 0]]


def buffered(activation: str) -> ModuleType:
    network = Network.parse(f"3 -> 3 {activation} | cross_entropy")
    return executed(generate(network, style="buffered"))


@pytest.mark.parametrize(("activation", "sign"), [("softmax", 1), ("softmin", -1)])
def test_the_gradient_at_the_pre_activation_keeps_every_digit(activation: str, sign: int) -> None:
    module = buffered(activation)
    for row, target in zip(ROWS, TARGETS, strict=True):
        theta = np.concatenate([np.zeros(9), sign * np.array(row)])
        loss, gradient = module.loss_and_grad(theta, np.ones((1, 3)), np.array([target]))
        with mpmath.workdps(50):
            powers = [mpmath.exp(mpmath.mpf(z)) for z in row]
            shares = [power / mpmath.fsum(powers) for power in powers]
            expected = [sign * (share - mpmath.mpf(y)) for share, y in zip(shares, target, strict=True)]
            exact_loss = -mpmath.fsum(y * mpmath.log(p) for y, p in zip(target, shares, strict=True) if y)
        np.testing.assert_allclose(gradient[9:], np.array(expected, float), rtol=4e-15, atol=1e-320)
        assert loss == pytest.approx(float(exact_loss), rel=4e-15, abs=0)


def test_the_difference_of_prediction_and_targets_is_one_quotient() -> None:
    program = passes.drop_unused(lower(derive(Network.parse("4 -> 3 softmax | cross_entropy"))))
    first = lean_rows(program).check().backward[0]
    called = [part.function for part in walk(first.value) if isinstance(part, Call)]
    assert called == ["softmax_complement_less_targets"]
    assert not any(isinstance(part, Add) for part in walk(first.value))


def test_a_network_without_row_functions_stays_as_it_is() -> None:
    program = passes.drop_unused(lower(derive(Network.parse("4 -> 3 tanh -> 2 | mse"))))
    assert lean_rows(program) == program
