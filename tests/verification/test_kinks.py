"""At a kink there is no derivative: entries that lie at one are skipped, counted, and never passed in silence."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from symmlp.verification import check_module
from symmlp.verification.complex_step import check_complex_step
from symmlp.verification.differences import check_differences
from symmlp.verification.directions import check_directions
from symmlp.verification.layout import Layout
from symmlp.verification.sample import Sample, draw_sample
from symmlp.verification.subject import Subject
from tests.verification.modules import LINEAR, LINEAR_MODULE, RELU, RELU_MODULE, replaced

SUBJECT = Subject.of(RELU_MODULE, RELU)


def at_a_kink(units: list[int]) -> Sample:
    """Return a point at which the pre-activations of some units of layer 1 are exactly zero, for every sample."""
    sample = draw_sample(RELU, 0)
    theta = sample.theta.copy()
    views = Layout.of(RELU).views(theta)
    views["W1"][units], views["b1"][units] = 0, 0
    return replace(sample, theta=theta)


@pytest.mark.parametrize("oracle", [check_complex_step, check_differences])
def test_entries_at_a_kink_are_skipped_and_counted(oracle: object) -> None:
    assert callable(oracle)
    check = oracle(SUBJECT, at_a_kink([1]), "oracle", 0)
    assert (check.ok, "5 skipped at a kink" in check.note) == (True, True)


@pytest.mark.parametrize("oracle", [check_complex_step, check_differences])
def test_a_mistake_beside_a_kink_is_still_seen(oracle: object) -> None:
    assert callable(oracle)
    wrong = Subject.of(replaced(RELU_MODULE, ("dW2 = dP.T @ A1", "dW2 = 2 * dP.T @ A1")), RELU)
    check = oracle(wrong, at_a_kink([1]), "oracle", 0)
    assert (check.ok, check.parameter) == (False, "W2")


def test_a_tie_in_the_loss_is_skipped_and_counted() -> None:
    # With theta = 0 every prediction is 0: |p - y| is at its kink, and only the entries of b2 move p.
    sample = replace(draw_sample(RELU, 0), theta=np.zeros(23), targets=np.zeros((5, 2)))
    check = check_complex_step(SUBJECT, sample, "complex step", 0)
    assert (check.ok, check.note) == (True, "all 23 entries; 2 skipped at a kink")


def everywhere_at_a_kink() -> tuple[Subject, Sample]:
    sample = draw_sample(LINEAR, 0)
    sample = replace(sample, targets=sample.inputs @ sample.theta.reshape(2, 4).T)
    return Subject.of(LINEAR_MODULE, LINEAR), sample


@pytest.mark.parametrize("oracle", [check_complex_step, check_differences, check_directions])
def test_a_network_that_is_at_kinks_everywhere_is_not_decided(oracle: object) -> None:
    assert callable(oracle)
    assert oracle(*everywhere_at_a_kink(), "oracle", 0).ok is None


@pytest.mark.parametrize("oracle", [check_complex_step, check_differences, check_directions])
def test_why_nothing_is_decided_is_said(oracle: object) -> None:
    assert callable(oracle)
    assert "kink" in oracle(*everywhere_at_a_kink(), "oracle", 0).note


def test_the_same_network_away_from_kinks_is_verified() -> None:
    assert check_module(LINEAR_MODULE, LINEAR).ok


@pytest.mark.parametrize("oracle", [check_complex_step, check_differences])
def test_no_kink_is_claimed_at_an_ordinary_point(oracle: object) -> None:
    assert callable(oracle)
    assert "kink" not in oracle(SUBJECT, draw_sample(RELU, 0), "oracle", 0).note
