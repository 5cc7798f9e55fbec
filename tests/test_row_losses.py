"""Losses of a whole row: small ops joined by the chain rule, in every layout, style and precision, and verified."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from symmlp.checking import check_formula
from symmlp.derivation import Derivation
from symmlp.document import derive
from symmlp.document import derive as derive_document
from symmlp.generation import generate
from symmlp.spec import Network
from symmlp.verification import check_module
from tests.generated_modules import batch, executed

SPECS = (
    "4 -> 5 tanh -> 3 | cosine_similarity",
    "4 -> 5 tanh -> 3 sigmoid | dice",
    "4 -> 5 tanh -> 3 sigmoid | tversky(alpha=0.3, beta=0.7)",
    "4 -> 5 tanh -> 3 | multi_margin(margin=0.7, power=2)",
)

MADE_FIRST = (
    "4 -> 5 tanh -> 3 | cross_entropy_with_logits",
    "4 -> 5 tanh -> 3 | cross_entropy_with_logits(label_smoothing=0.1)",
    "4 -> 5 tanh -> 3 softmax | cross_entropy(label_smoothing=0.25)",
    "4 -> 5 tanh -> 3 log_softmax | nll(label_smoothing=0.25)",
)
"""Losses that make something of prediction or targets before entries are compared."""


def targets_of(derivation: Derivation) -> list[str]:
    return [equation.target for equation in derivation.losses]


@pytest.mark.parametrize("text", [*SPECS, *MADE_FIRST])
def test_a_module_is_verified_by_every_oracle(text: str) -> None:
    network = Network.parse(text)
    report = check_module(generate(network), network, equations=derive(network).computed)
    assert report.ok, report.text()


@pytest.mark.parametrize("text", SPECS)
def test_the_oracles_refuse_a_module_of_another_loss(text: str) -> None:
    network = Network.parse(text)
    source = generate(network)
    line = next(line for line in source.splitlines() if line.strip().startswith("T = "))
    report = check_module(source.replace(line, line + "\n    T = 1.001 * T"), network)
    assert not report.ok


@pytest.mark.parametrize("text", [*SPECS, *MADE_FIRST])
def test_the_buffered_style_computes_the_same_numbers(text: str) -> None:
    network = Network.parse(text)
    plain: Any = executed(generate(network))
    buffered: Any = executed(generate(network, style="buffered"))
    theta, (X, Y) = plain.init_params(3), batch(network)
    loss, gradient = plain.loss_and_grad(theta, X, Y)
    found = buffered.loss_and_grad(theta, X, Y)
    assert np.isclose(found[0], loss, rtol=1e-14)
    assert np.allclose(found[1], gradient, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("text", SPECS)
def test_a_float32_module_stays_in_float32(text: str) -> None:
    network = Network.parse(text)
    module: Any = executed(generate(network, dtype="float32"))
    X, Y = batch(network)
    _, gradient = module.loss_and_grad(module.init_params(3), X.astype(np.float32), Y)
    assert gradient.dtype == np.float32


@pytest.mark.parametrize("text", SPECS)
def test_one_sample_has_the_totals_of_a_batch(text: str) -> None:
    network = Network.parse(text)
    rows, column = targets_of(derive(network)), targets_of(derive(network, layout="sample"))
    assert [name.lower() for name in rows[:-1]] == column[:-1]
    assert rows[-1] == column[-1] == "L"


@pytest.mark.parametrize("text", SPECS)
def test_every_equation_of_the_loss_is_numbered_and_every_step_shown(text: str) -> None:
    derivation = derive(Network.parse(text))
    assert [each.id for each in derivation.losses] == [f"L{at}" for at in range(1, len(derivation.losses) + 1)]
    assert all(each.steps for each in derivation.backward)


@pytest.mark.parametrize("text", [*SPECS, *MADE_FIRST])
def test_a_derived_formula_is_accepted_and_its_negative_refused(text: str) -> None:
    network = Network.parse(text)
    assert check_formula(network, "W2", "dZ2.T @ A1").ok
    assert not check_formula(network, "W2", "-dZ2.T @ A1").ok


def test_a_row_at_its_margin_takes_the_smallest_subgradient() -> None:
    module: Any = executed(generate(Network.parse("2 -> 3 | multi_margin")))
    theta = np.concatenate([np.zeros(6), [1.0, 0.0, 0.0]])  # The margins of both other classes are met exactly.
    loss, gradient = module.loss_and_grad(theta, np.ones((1, 2)), np.array([0]))
    assert loss == 0
    assert not gradient.any()


def test_logits_have_the_numbers_of_a_softmax() -> None:
    logits: Any = executed(generate(Network.parse(MADE_FIRST[0])))
    softmax: Any = executed(generate(Network.parse("4 -> 5 tanh -> 3 softmax | cross_entropy")))
    theta, (X, Y) = logits.init_params(3), batch(Network.parse(MADE_FIRST[0]))
    (loss, gradient), expected = (each.loss_and_grad(theta, X, Y) for each in (logits, softmax))
    assert np.isclose(loss, expected[0], rtol=1e-14)
    assert np.allclose(gradient, expected[1], rtol=1e-13, atol=1e-16)


def test_a_loss_that_acts_on_a_row_has_blocks_of_the_hessian() -> None:
    derivation = derive(Network.parse("4 -> 3 sigmoid | dice"), second=["hessian"])
    assert any(each.id.startswith("H") for each in derivation.equations)


def test_huge_logits_have_a_finite_loss() -> None:
    module: Any = executed(generate(Network.parse("2 -> 3 | cross_entropy_with_logits")))
    theta = np.concatenate([np.zeros(6), [1e5, 0.0, -1e5]])
    loss, gradient = module.loss_and_grad(theta, np.ones((1, 2)), np.array([2]))
    assert loss == 2e5
    assert np.isfinite(gradient).all()


def test_label_smoothing_moves_targets_towards_equal_ones() -> None:
    module: Any = executed(generate(Network.parse("2 -> 4 | cross_entropy_with_logits(label_smoothing=0.2)")))
    scores = np.array([1.0, 2.0, 3.0, 4.0])
    found = module.loss(np.concatenate([np.zeros(8), scores]), np.ones((1, 2)), np.array([3]))
    logs = scores - np.log(np.exp(scores).sum())
    assert np.isclose(found, -(0.8 * logs[3] + 0.05 * logs.sum()), rtol=1e-14)


def test_the_section_on_descent_has_nothing_to_say_of_totals() -> None:
    text = derive_document(Network.parse("4 -> 3 | cosine_similarity")).text(wrt=["theta"])
    assert "D1" not in text
    assert "L6  L" in text
