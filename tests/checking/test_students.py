"""Formulas written by hand: right ones are accepted in every spelling, and of wrong ones the mistake is named."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from symmlp.checking import FormulaCheck, check_formula
from symmlp.graph import Layout
from tests.checking.networks import network
from tests.checking.student_formulas import (
    ELU,
    GLU,
    MIXED,
    RIGHT,
    RIGHT_COLUMN,
    TANH,
    WRONG,
    WRONG_COLUMN,
    WRONG_ELSEWHERE,
    WRONG_OF_ROWS,
    Mistaken,
)

SHARE = 0.95


def _is_named(result: FormulaCheck, kinds: frozenset[str]) -> bool:
    """Return whether all mistakes are told together, or others that lead to the same numbers do not hide them."""
    told = [{mistake.kind for mistake in each} for each in (result.mistakes, *result.alternatives)]
    return any(kinds <= each for each in told)


def _missed(cases: tuple[Mistaken, ...], layout: Layout) -> list[str]:
    missed = []
    for spec, wrt, formula, kinds in cases:
        result = check_formula(network(spec), wrt, formula, layout=layout)
        assert not result.ok, formula
        if not _is_named(result, kinds):
            missed.append(f"{spec}: {wrt}: {formula}: told {result.kinds}, made {sorted(kinds)}")
    return missed


@pytest.mark.parametrize(("spec", "wrt", "formula"), RIGHT)
def test_a_right_formula_is_accepted_however_it_is_spelled(spec: str, wrt: str, formula: str) -> None:
    result = check_formula(network(spec), wrt, formula)
    assert result.ok, result.text()


@pytest.mark.parametrize(("spec", "wrt", "formula"), RIGHT_COLUMN)
def test_a_right_formula_of_one_sample_is_accepted_in_either_layout_s_letters(
    spec: str, wrt: str, formula: str
) -> None:
    result = check_formula(network(spec), wrt, formula, layout="sample")
    assert result.ok, result.text()


def test_at_least_95_of_100_mistakes_written_by_hand_are_named() -> None:
    missed = _missed(WRONG, "batch") + _missed(WRONG_COLUMN, "sample")
    count = len(WRONG) + len(WRONG_COLUMN)
    assert count >= 120
    assert len(missed) <= (1 - SHARE) * count, "\n".join(missed)


def test_mistakes_of_normalization_and_softmax_are_named_as_well() -> None:
    missed = _missed(WRONG_OF_ROWS, "batch")
    assert len(missed) <= (1 - SHARE) * len(WRONG_OF_ROWS), "\n".join(missed)


@pytest.mark.slow
def test_mistakes_in_networks_of_other_kinds_are_named_as_well() -> None:
    missed = _missed(WRONG_ELSEWHERE, "batch")
    assert len(WRONG_ELSEWHERE) >= 55
    assert len(missed) <= (1 - SHARE) * len(WRONG_ELSEWHERE), "\n".join(missed)


def test_slopes_of_branches_and_of_gates_are_misremembered_too() -> None:
    assert _missed(tuple(each for each in WRONG_ELSEWHERE if each[0] in (ELU, GLU)), "batch") == []


def test_every_kind_that_the_project_promises_to_name_is_among_the_mistakes() -> None:
    kinds = {kind for _, _, _, told in (*WRONG, *WRONG_COLUMN) for kind in told}
    promised = {
        "transposed",
        "shapes_clash",
        "mean_missing",
        "two_extra",
        "wrong_axis",
        "slope_forgotten",
        "sign",
        "bias_forgotten",
        "factor_forgotten",
    }
    assert promised <= kinds


def _slope_of_sigmoid(a: Any) -> Any:
    """Take the slope of the wrong function in the first layer."""
    dA2 = 2 * (a.P - a.Y) / a.P.size @ a.W3
    dA1 = dA2 * a.A2 * (1 - a.A2) @ a.W2
    return (dA1 * a.A1 * (1 - a.A1)).T @ a.X


def _loop(a: Any) -> Any:
    """Sum the outer products of the samples, as a textbook does."""
    return sum(np.outer(a.P[n] - a.Y[n], a.A1[n]) for n in range(a.N))


def test_functions_of_several_lines_are_checked_too() -> None:
    assert check_formula(network(MIXED), "W1", _slope_of_sigmoid).kinds == ("slope_of_other_activation",)
    assert check_formula(network(TANH), "W2", _loop).kinds == ("mean_missing",)
    assert check_formula(network(TANH), "W2", lambda a: _loop(a) / a.N).ok
