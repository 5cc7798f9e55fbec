"""sparsemax: the projection of a row on the simplex, in every style, at the edge of floats, against its definition."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from symmlp.audit import verify
from symmlp.errors import SpecError
from symmlp.generation import generate
from symmlp.spec import Network
from tests.generated_modules import Array, executed

NET = Network.parse("4 -> 5 sparsemax -> 3 sparsemax | mse")
ALONE = Network.parse("5 -> sparsemax -> 2 | mse")


@cache
def module_of(network: Network, style: str) -> ModuleType:
    return executed(generate(network, style=style))


def projection(row: list[float]) -> list[Fraction]:
    """Return the exact projection: of all supports of largest entries, the one whose threshold parts it off."""
    exact: list[Fraction] = [Fraction(entry) for entry in row]
    falling = sorted(exact, reverse=True)
    for size in range(len(row), 0, -1):
        threshold = (sum(falling[:size], Fraction(0)) - 1) / size
        if falling[size - 1] > threshold:
            return [entry - threshold if entry > threshold else Fraction(0) for entry in exact]
    raise AssertionError(row)


HOSTILE = [
    [0.0, 0.0, 0.0, 0.0, 0.0],
    [1e16, 1e16, 1e16, 1e16 - 2, -1e16],
    [1e300, -1e300, 0.0, 3.0, 1e300],
    [1e-300, -1e-300, 1e-310, 0.0, -0.0],
    [2.0, 1.0, 1.0, 1.5, -7.0],
    [0.1, 0.3, 0.2, -0.4, 1.05],
    [-1e308, -1e308, -1e308, -1e307, -1e308],
]


@pytest.mark.parametrize("style", ["plain", "buffered"])
def test_a_row_is_projected_exactly_without_a_warning_however_large_or_equal_its_entries(style: str) -> None:
    module, theta = module_of(ALONE, style), np.zeros(12)
    theta[:5] = 1.0  # W2 picks the sum of the projection, then its entries.
    for place in range(5):
        theta[5:10] = np.eye(5)[place]
        with np.errstate(all="raise", under="ignore"):
            found = module.forward(theta, np.array(HOSTILE))
            module.loss_and_grad(theta, np.array(HOSTILE), np.zeros((len(HOSTILE), 2)))
        for row, (total, entry) in zip(HOSTILE, found, strict=True):
            assert total == pytest.approx(1, abs=4e-16)
            assert entry == pytest.approx(float(projection(row)[place]), abs=2e-16)


def drawn(seed: int = 0) -> tuple[Array, Array, Array]:
    rng = np.random.default_rng(seed)
    return 3 * module_of(NET, "plain").init_params(seed), rng.normal(size=(40, 4)), rng.normal(size=(40, 3))


def test_the_buffered_style_has_the_numbers_of_the_plain_one_but_for_the_order_of_sums() -> None:
    given = drawn()
    (plain, gradient), (loss, found) = (module_of(NET, style).loss_and_grad(*given) for style in ("plain", "buffered"))
    assert loss == pytest.approx(plain, rel=1e-15)
    np.testing.assert_allclose(found, gradient, rtol=0, atol=1e-15 * np.abs(gradient).max())


def test_the_gradient_within_a_row_sums_to_zero_and_is_zero_outside_the_support() -> None:
    theta, inputs, targets = drawn()
    module = module_of(Network.parse("3 -> 3 sparsemax | mse"), "plain")
    theta = np.concatenate([np.eye(3).ravel(), np.zeros(3)])
    inputs = inputs[:1, :3]
    _, gradient = module.loss_and_grad(theta, inputs, targets[:1])
    of_bias, prediction = gradient[9:], module.forward(theta, inputs)[0]
    assert of_bias.sum() == pytest.approx(0, abs=1e-16)
    assert (prediction == 0).any()
    assert (of_bias[prediction == 0] == 0).all()


def test_its_gradient_is_verified_and_a_support_that_is_too_large_is_refused(tmp_path: Path) -> None:
    assert verify(NET).ok
    broken = tmp_path / "broken.py"
    broken.write_text(str(generate(NET)).replace("excess < 1", "excess < 2"), encoding="utf-8")
    assert not verify(broken).ok


def test_one_unit_is_refused() -> None:
    with pytest.raises(SpecError, match=r"layers\[1\]\.units: sparsemax over 1 unit is always 1"):
        Network.parse("4 -> 1 sparsemax -> 2 | mse")
