"""Constraints of the weights: each update puts them back, in every style."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

from symmlp import listed
from symmlp.catalog.constraints import TABLE
from symmlp.errors import SpecError
from symmlp.generation import generate
from symmlp.samples import Samples
from symmlp.spec import Network
from symmlp.training.scaling import Scalings
from tests.generated_modules import executed


def constrained(text: str) -> Network:
    return Network.model_validate({**Network.parse("4 -> 3 tanh -> 2 | mse").as_dict(), "constraint": text})


@cache
def weights(text: str, style: str = "plain", target: str = "numpy") -> Any:
    module = executed(generate(constrained(text), style=style, target=target))
    inputs = np.random.default_rng(0).normal(size=(20, 4))
    fitted = module.fit(inputs, inputs @ np.ones((4, 2)), epochs=3, batch_size=7)
    return module.unpack(fitted.theta)


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("max_norm(limit=0.5)", 0, 0.5),
        ("unit_norm", 1 - 1e-6, 1),
        ("min_max_norm(least=0.7, limit=0.8)", 0.7 - 1e-6, 0.8),
    ],
)
def test_the_norms_of_all_units_lie_where_they_may(text: str, low: float, high: float) -> None:
    norms = [np.linalg.norm(matrix, axis=1) for matrix in (weights(text).W1, weights(text).W2)]
    assert all((each >= low).all() and (each <= high).all() for each in norms)
    free = [np.linalg.norm(matrix, axis=1) for matrix in (weights("none").W1, weights("none").W2)]
    assert any((each < low).any() or (each > high).any() for each in free)


def test_no_weight_is_below_0_where_none_may_be_and_biases_are_free() -> None:
    named = weights("non_negative")
    assert (named.W1 >= 0).all()
    assert (named.W2 >= 0).all()
    assert (weights("none").W1 < 0).any()
    assert (named.b1 < 0).any()


@pytest.mark.parametrize(
    ("style", "target"), [("buffered", "numpy"), pytest.param("plain", "numba", marks=pytest.mark.slow)]
)
def test_every_style_fits_the_same_weights(style: str, target: str) -> None:
    text = "min_max_norm(least=0.3, limit=0.6, share=0.5)"
    np.testing.assert_allclose(weights(text, style, target).W1, weights(text).W1, rtol=1e-12)


def test_it_is_part_of_the_spec_and_inputs_beside_it_are_left_as_they_are() -> None:
    network = constrained("max_norm(limit=3)")
    assert network.as_dict()["constraint_parameters"] == {"limit": 3}
    assert Network.model_validate(network.as_dict()) == network
    inputs = np.random.default_rng(0).normal(size=(9, 4))
    samples = Samples(inputs, inputs[:, :2], tuple("abcd"), ("u", "v"))
    found = Scalings.of(samples.X, samples.Y, network, samples)
    assert found.inputs is None
    assert found.targets is None


def test_every_constraint_is_listed() -> None:
    assert all(name in listed("constraints") for name in TABLE)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("max_nrom", "constraint: unknown constraint 'max_nrom'; did you mean 'max_norm'"),
        ("max_norm(limit=0)", "constraint_parameters.limit: expected a number > 0, got 0"),
        ("min_max_norm(least=2, limit=1)", "constraint_parameters.limit: expected a number above least = 2, got 1"),
        ("none(limit=1)", "constraint_parameters.limit: there is no constraint"),
    ],
)
def test_a_constraint_that_is_none_is_refused_in_one_line(text: str, told: str) -> None:
    with pytest.raises(SpecError, match=told.replace("(", r"\(")):
        constrained(text)
