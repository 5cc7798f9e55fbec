"""Where the loss meets the output: the joined cotangent is the chain rule's and simpler than its parts, or is none."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import sympy as sp
from mpmath import mp, mpf

from symmlp.calculus.ending import Entries
from symmlp.calculus.functions import ElementFunction
from symmlp.calculus.index_notation import Partial
from symmlp.calculus.link import ROWS_OF_TARGETS_SUM_TO_ONE, Link, join
from symmlp.calculus.rules import Rules
from symmlp.calculus.vjp import BackwardRule
from symmlp.catalog.activations import activation, x
from symmlp.catalog.layers import ELEMENTWISE, rowwise
from symmlp.catalog.losses import loss, p, y
from symmlp.notation import A, P, Y, column_of_wrt, row_of_wrt
from tests.calculus.entries import World
from tests.calculus.precise import relative_error, value

w = sp.Symbol("w", positive=True)
"""The weight of an entry in the loss, such as 1/N."""

TEXT = "-y*log(p) - (1 - y)*log(1 - p)"
SIGNS = "-(1 + y)/2*log(1 + p) - (1 - y)/2*log(1 - p)"


@dataclass(frozen=True)
class Meeting:
    """A loss, in p and y, at an output activation."""

    output: str
    loss: str

    @property
    def function(self) -> ElementFunction | None:
        """The activation as a function of numbers; None for one that acts on rows."""
        found = activation(self.output)
        return None if found.acts_on == "row" else ElementFunction.derive("act", found.value, (x,))

    @property
    def slope(self) -> sp.Expr:
        """The slope of the loss in the prediction."""
        return ElementFunction.derive("loss", loss(self.loss).value, (p, y)).derivative

    def rule(self, columns: bool = False) -> BackwardRule:
        """Return the backward rule of the activation."""
        op = ELEMENTWISE if self.function else rowwise(self.output, activation(self.output).value)
        return Rules(columns=columns).backward(op, "Z")

    def cotangent(self, columns: bool = False) -> sp.Expr:
        """Return ∂L/∂P[a, c]."""
        return Entries(Rules(columns=columns), w).indexed(self.slope)

    def link(self, columns: bool = False, simplex: bool = False) -> Link | None:
        """Return what the two join into."""
        return join(self.cotangent(columns), self.rule(columns), self.function, simplex_targets=simplex)


def found(meeting: Meeting, columns: bool = False, simplex: bool = False) -> Link:
    """Return the link of two that have one."""
    link = meeting.link(columns, simplex)
    assert link is not None
    return link


CANONICAL: dict[Meeting, sp.Expr] = {
    Meeting("exp(x)", "p - y*log(p)"): p - y,
    Meeting("exponential", "poisson"): p - y,
    Meeting("1/(1+exp(-x))", TEXT): p - y,
    Meeting("exp(x)/(1 + exp(x))", TEXT): p - y,
    Meeting("sigmoid", "bce"): p - y,
    Meeting("tanh", SIGNS): p - y,
    Meeting("1/(1+exp(-3*x))", TEXT): 3 * (p - y),
    Meeting("1/(1+exp(x))", TEXT): y - p,
    Meeting("exp(2*x)", "p - y*log(p)"): 2 * (p - y),
    Meeting("exp(x) - 1", "p - y*log(1 + p)"): p + 1 - y,
}
"""Losses that are the likelihood whose mean the output is; the factor is the slope of what stands in the exponent."""


@pytest.mark.parametrize("columns", [False, True])
@pytest.mark.parametrize("meeting", CANONICAL)
def test_a_canonical_link_is_linear_in_prediction_and_target(meeting: Meeting, columns: bool) -> None:
    indices = (row_of_wrt,) if columns else (row_of_wrt, column_of_wrt)
    expected = w * CANONICAL[meeting].xreplace({p: P[indices], y: Y[indices]})
    assert sp.expand(found(meeting, columns).index_form - expected) == 0


@pytest.mark.parametrize("columns", [False, True])
@pytest.mark.parametrize("meeting", CANONICAL)
def test_the_link_is_the_product_of_the_two_slopes(meeting: Meeting, columns: bool) -> None:
    function, link = meeting.function, found(meeting, columns)
    assert function is not None
    indices = (row_of_wrt,) if columns else (row_of_wrt, column_of_wrt)
    names = {P[indices]: p, Y[indices]: y}
    with mp.workdps(60):
        for point in (-2.5, -0.125, 1.75):
            at = {"p": value(function.value, {"x": point}), "y": mpf(5) / 16, "w": mpf(3) / 7}
            expected = at["w"] * value(meeting.slope, at) * value(function.derivative, {"x": point})
            assert relative_error(value(link.index_form.xreplace(names), at), expected) < mpf("1e-50")


ROWS = {
    Meeting("softmax", "cross_entropy"): True,
    Meeting("softmax", "-y*log(p)"): False,
    Meeting("softmax", "kl_div"): False,
}
"""Softmax with losses of the logarithm, and whether the rows of targets may be taken to sum to 1."""


def at_entry(expr: sp.Expr, arrays: dict[str, Any], place: tuple[int, int]) -> Any:
    """Return an indexed expression at an entry of matrices of exact numbers."""
    samples, units = arrays["Y"].shape
    world = World(arrays, {"N": samples, "n": units, "w": sp.Rational(3, 7)})
    return world.at(expr, {row_of_wrt: place[0], column_of_wrt: place[1]})


@pytest.mark.parametrize("meeting", ROWS)
def test_the_link_of_rows_is_the_chain_rule_s_sum(meeting: Meeting) -> None:
    rng = np.random.default_rng(3)
    numbers = {name: rng.integers(1, 9, (2, 3)).astype(object) + sp.Integer(0) for name in ("P", "Y")}
    for name, divided in (("P", True), ("Y", ROWS[meeting])):
        if divided:
            numbers[name] = np.array([[entry / sum(row) for entry in row] for row in numbers[name]], dtype=object)
    link = found(meeting, simplex=ROWS[meeting])
    predictions, targets = numbers["P"], numbers["Y"]
    for place in np.ndindex(2, 3):
        row, unit = place
        # ∂P[row, i]/∂Z[row, unit] = P[row, i] (δ[i, unit] − P[row, unit])
        expected = sum(
            sp.Rational(3, 7)
            * meeting.slope.subs({p: predictions[row, i], y: targets[row, i]})
            * predictions[row, i]
            * (int(i == unit) - predictions[row, unit])
            for i in range(3)
        )
        assert sp.expand(at_entry(link.index_form, numbers, (row, unit)) - expected) == 0


def test_softmax_with_cross_entropy_becomes_prediction_minus_target() -> None:
    indices = (row_of_wrt, column_of_wrt)
    link = found(Meeting("softmax", "cross_entropy"), simplex=True)
    assert sp.expand(link.index_form - w * (P[indices] - Y[indices])) == 0


@pytest.mark.parametrize(
    "meeting",
    [
        *(Meeting(output, "mse") for output in ("tanh", "sigmoid", "softmax")),
        *(Meeting(output, "(p - y)**2 + abs(p - y)") for output in ("softplus", "relu", "gelu", "sin(x)")),
        Meeting("sigmoid", "focal"),
        Meeting("softmax", "msle"),
    ],
)
@pytest.mark.parametrize("columns", [False, True])
def test_there_is_no_link_where_the_two_do_not_simplify(meeting: Meeting, columns: bool) -> None:
    assert meeting.link(columns) is None


@pytest.mark.parametrize("output", ["softplus", "relu", "sin(x)", "atan(x)"])
def test_there_is_no_link_where_the_slope_is_not_rational_in_the_value(output: str) -> None:
    assert Meeting(output, "p - y*log(p)").link() is None


@pytest.mark.parametrize("meeting", [*CANONICAL, *ROWS])
def test_a_link_is_simpler_than_the_two_that_it_joins(meeting: Meeting) -> None:
    link = found(meeting, simplex=ROWS.get(meeting, False))
    apart = sp.count_ops(meeting.cotangent()) + sp.count_ops(meeting.rule().index_form)
    assert sp.count_ops(link.index_form) < apart


# Assumptions


@pytest.mark.parametrize(("meeting", "simplex"), ROWS.items())
def test_the_assumption_is_recorded_where_it_may_be_made(meeting: Meeting, simplex: bool) -> None:
    link = found(meeting, simplex=simplex)
    named = [step.rule for step in link.steps if step.rule.startswith("assumption")]
    assert link.assumptions == ((ROWS_OF_TARGETS_SUM_TO_ONE,) if simplex else ())
    assert named == ([f"assumption: {ROWS_OF_TARGETS_SUM_TO_ONE}"] if simplex else [])
    assert link.index_form.has(sp.Sum) is not simplex


@pytest.mark.parametrize("meeting", CANONICAL)
def test_an_assumption_that_is_not_needed_is_not_recorded(meeting: Meeting) -> None:
    assert found(meeting, simplex=True) == found(meeting, simplex=False)


def test_only_sums_along_a_row_of_the_targets_become_one() -> None:
    # Here the row's sum is that of Y², which nobody assumes to be 1.
    link = Meeting("softmax", "-y**2*log(p)").link(simplex=True)
    assert link is not None
    assert link.assumptions == ()
    assert link.index_form.has(sp.Sum)


# Steps


@pytest.mark.parametrize("columns", [False, True])
@pytest.mark.parametrize("meeting", [*CANONICAL, *ROWS])
def test_the_steps_lead_from_the_chain_rule_to_the_link(meeting: Meeting, columns: bool) -> None:
    link = found(meeting, columns, simplex=ROWS.get(meeting, False))
    assert link.steps[0].rule == "chain rule"
    assert link.steps[0].before.has(Partial)  # type: ignore[union-attr]
    assert link.steps[-1].after == link.index_form
    assert [step.rule for step in link.steps].count("chain rule: insert the cotangent of the loss") == 1


def in_prediction(expr: Any) -> sp.Expr:
    """Return an expression with the output called P, as the loss calls it."""
    return expr.replace(lambda part: isinstance(part, sp.Indexed) and part.base == A, lambda part: P[part.indices])


def breaks(link: Link) -> list[int]:
    """Return the numbers of the steps that do not start where the one before ended."""
    pairs = enumerate(pairwise(link.steps), start=2)
    return [number for number, (one, two) in pairs if in_prediction(one.after) != in_prediction(two.before)]


@pytest.mark.parametrize("columns", [False, True])
@pytest.mark.parametrize("meeting", [*ROWS, Meeting("sigmoid", "bce")])
def test_every_step_starts_where_the_one_before_ended(meeting: Meeting, columns: bool) -> None:
    assert breaks(found(meeting, columns, simplex=ROWS.get(meeting, False))) == []


def test_a_step_that_is_left_out_is_noticed() -> None:
    link = found(Meeting("softmax", "cross_entropy"), simplex=True)
    assert breaks(replace(link, steps=(*link.steps[:2], *link.steps[3:]))) == [3]
