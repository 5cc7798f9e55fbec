"""The end of a network: what the loss divides by, which functions code calls, and that these keep their digits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sympy as sp
from mpmath import mp, mpf

from symmlp.calculus.ending import INLINE_LIMIT, Derived, Ending, Reduction, ending, entries_of
from symmlp.calculus.functions import ElementFunction, RowFunction
from symmlp.calculus.rules import Rules
from symmlp.catalog.activations import activation, x
from symmlp.catalog.layers import ELEMENTWISE, ENTRYWISE_LOSS, rowwise
from symmlp.catalog.losses import loss, p, y
from symmlp.errors import UnsupportedError
from symmlp.matrix import Call, Node, walk
from tests.calculus.entries import World, entrywise
from tests.calculus.precise import relative_error, value
from tests.calculus.test_stability import floats

TEXT = "-y*log(p) - (1 - y)*log(1 - p)"
SIGNS = "-(1 + y)/2*log(1 + p) - (1 - y)/2*log(1 - p)"
LINKED = (
    ("exp(x)", "p - y*log(p)"),
    ("1/(1+exp(-x))", TEXT),
    ("1/(1+exp(-3*x))", TEXT),
    ("sigmoid", "bce"),
    ("exponential", "poisson"),
    ("tanh", SIGNS),
)
"""Outputs and losses that join into a function of the pre-activation."""
APART = (("identity", "(p-y)**2"), ("identity", "bce_with_logits"), ("tanh", "mse"), ("softplus", "(p-y)**2"))
OF_ROWS = (("softmax", "cross_entropy"), ("softmax", "-y*log(p)"), ("softmax", "mse"))


def end(output: str, text: str, reduction: Reduction = "mean", *, columns: bool = False) -> Ending:
    """Return the end of a network with an output activation and a loss."""
    definition, last = loss(text), activation(output)
    of_rows = last.acts_on == "row"
    function = RowFunction.derive("act", last.value) if of_rows else ElementFunction.derive("act", last.value, (x,))
    op = rowwise("act", last.value) if of_rows else ELEMENTWISE
    of_entry = ElementFunction.derive("loss", definition.value, (p, y))
    entries = entries_of(definition, reduction, "none", Rules(columns=columns))
    return ending(of_entry, definition, entries, function, op, ENTRYWISE_LOSS)


def calls(node: Node) -> set[str]:
    """Return the names of the functions that a form calls."""
    return {part.function for part in walk(node) if isinstance(part, Call)}


def parts(found: Ending) -> list[Derived]:
    """Return the loss and its cotangents."""
    return [each for each in (found.loss, found.at_prediction, found.at_pre_activation) if each is not None]


# What the loss divides by

DIVISORS: dict[tuple[str, Reduction, bool], int] = {
    ("identity", "mean", False): 2 * 3,
    ("identity", "batch_mean", False): 2,
    ("identity", "sum", False): 1,
    ("identity", "mean", True): 3,
    ("identity", "batch_mean", True): 1,
    ("identity", "sum", True): 1,
    ("softmax", "mean", False): 2,
    ("softmax", "batch_mean", False): 2,
    ("softmax", "sum", False): 1,
    ("softmax", "mean", True): 1,
    ("softmax", "batch_mean", True): 1,
    ("softmax", "sum", True): 1,
}
"""For two samples and three outputs; cross entropy, which softmax has here, is averaged over samples."""


@pytest.mark.parametrize(("output", "reduction", "columns"), DIVISORS)
def test_loss_and_cotangent_are_divided_by_what_the_reduction_says(
    output: str, reduction: Reduction, columns: bool
) -> None:
    found = end(output, "cross_entropy" if output == "softmax" else "mse", reduction, columns=columns)
    shape = (3, 1) if columns else (2, 3)
    rng = np.random.default_rng(5)
    arrays = {name: rng.integers(1, 9, shape).astype(object) + sp.Integer(0) for name in ("P", "Y")}
    predictions, targets = arrays["P"], arrays["Y"]
    world = World(arrays, {"N": 2, "n": 3}, {"log": entrywise(sp.log)})
    if output == "softmax":
        total, slopes = np.sum(-targets * entrywise(sp.log)(predictions)), -targets / predictions
    else:
        total, slopes = np.sum((predictions - targets) ** 2), 2 * (predictions - targets)
    divisor = DIVISORS[output, reduction, columns]
    assert sp.expand(world.node(found.loss.value) - total / divisor) == 0
    assert np.array_equal(world.node(found.at_prediction.value), slopes / sp.Integer(divisor))


# What is joined


@pytest.mark.parametrize("columns", [False, True])
@pytest.mark.parametrize(("output", "text"), LINKED)
def test_a_loss_that_joins_its_output_is_computed_from_the_pre_activation(
    output: str, text: str, columns: bool
) -> None:
    found = end(output, text, columns=columns)
    assert found.at_pre_activation is not None
    assert calls(found.loss.stable) == {"loss_of_act"}
    assert calls(found.at_pre_activation.stable) == {"loss_of_act′"}
    assert [function.name for function in found.functions] == ["loss", "loss_of_act"]


@pytest.mark.parametrize("columns", [False, True])
@pytest.mark.parametrize(("output", "text"), APART)
def test_a_loss_that_does_not_simplify_stops_at_the_prediction(output: str, text: str, columns: bool) -> None:
    found = end(output, text, columns=columns)
    assert found.at_pre_activation is None
    assert [function.name for function in found.functions] == ["loss"]


@pytest.mark.parametrize("columns", [False, True])
@pytest.mark.parametrize(("output", "text"), [*LINKED, *APART, *OF_ROWS])
def test_every_function_that_code_calls_is_listed(output: str, text: str, columns: bool) -> None:
    found = end(output, text, columns=columns)
    listed = {name for function in found.functions for name in (function.name, f"{function.name}′")}
    for part in parts(found):
        assert calls(part.stable) <= listed | {"abs", "sign"}


# Stable forms

POINTS = (-800.0, -40.0, -0.5, -1e-9, 0.0, 1e-30, 0.25, 3.0, 40.0, 800.0)
TARGETS = {"exp(x)": (0.0, 1.0, 2.5), "exponential": (0.0, 1.0, 2.5), "tanh": (-1.0, 0.5, 1.0)}
"""Counts, signs, and otherwise probabilities."""
HOSTILE = [
    (output, text, point, target)
    for output, text in LINKED
    for point in POINTS
    for target in TARGETS.get(output, (0.0, 0.25, 1.0))
]


def joined(output: str, text: str) -> ElementFunction:
    """Return the function of z and y that loss and output join into."""
    function = end(output, text).functions[-1]
    assert isinstance(function, ElementFunction)
    return function


def exact(output: str, text: str, at: dict[str, float], *, slope: bool) -> Any:
    """Return the joined value, or its slope in z, from the definitions of loss and output and with enough digits."""
    own = ElementFunction.derive("act", activation(output).value, (x,))
    of_entry = ElementFunction.derive("loss", loss(text).value, (p, y))
    with mp.workdps(2200):
        inside = {"x": at["z"]}
        outside = {"p": value(own.value, inside), "y": at["y"]}
        if slope:
            return value(of_entry.derivative, outside) * value(own.derivative, inside)
        return value(of_entry.value, outside)


@pytest.mark.parametrize("what", ["value", "slope"])
@pytest.mark.parametrize(("output", "text"), LINKED)
def test_the_joined_function_is_the_loss_of_the_output_to_fifty_digits(output: str, text: str, what: str) -> None:
    function, slope = joined(output, text), what == "slope"
    form = function.stable_derivative if slope else function.stable_value
    for _, _, point, target in (each for each in HOSTILE if each[:2] == (output, text)):
        at = {"z": point, "y": target}
        expected = exact(output, text, at, slope=slope)
        with mp.workdps(60 if abs(point) > 1e-8 else 90):
            assert relative_error(value(form, at), expected) < mpf("1e-50"), at


def ulps(found: float, expected: Any) -> float:
    """Return the error in units in the last place of the exact value; infinite for NaN."""
    error = float(abs(mpf(found) - expected) / mpf(float(np.spacing(abs(float(expected))))))
    return float("inf") if np.isnan(error) else error


CANCELS = pytest.mark.xfail(strict=True, reason="log(2) cancels around 0; a joined function is not measured")
IN_FLOATS = [
    pytest.param(*each, what, marks=(CANCELS,) if (each[1], what) == (SIGNS, "value") else ())
    for each in LINKED
    for what in ("value", "slope")
]


@pytest.mark.parametrize(("output", "text", "what"), IN_FLOATS)
def test_the_joined_function_neither_overflows_nor_loses_digits_in_float64(output: str, text: str, what: str) -> None:
    function, slope = joined(output, text), what == "slope"
    form = function.stable_derivative if slope else function.stable_value
    for _, _, point, target in (each for each in HOSTILE if each[:2] == (output, text)):
        at = {"z": point, "y": target}
        expected = exact(output, text, at, slope=slope)
        representable = 1e-300 < abs(expected) < np.finfo(np.float64).max
        if representable and max(abs(3 * point), 1) < 709:
            computed = float(np.ravel(floats(form, {name: np.array([each]) for name, each in at.items()}))[0])
            assert ulps(computed, expected) <= 4, (at, computed)


def test_the_loss_as_it_is_written_loses_its_digits() -> None:
    function = joined("1/(1+exp(-x))", TEXT)
    at = {"z": 40.0, "y": 1.0}
    with mp.workprec(53):
        written = value(function.derivative, at)
    assert ulps(float(written), exact("1/(1+exp(-x))", TEXT, at, slope=True)) > 1e10


# Rows


@pytest.mark.parametrize("columns", [False, True])
@pytest.mark.parametrize("text", ["cross_entropy", "-y*log(p)"])
def test_with_softmax_code_takes_no_logarithm_of_the_prediction(text: str, columns: bool) -> None:
    found = end("softmax", text, columns=columns)
    assert calls(found.loss.value) == {"log"}
    assert calls(found.loss.stable) == {"log_act"}


@pytest.mark.parametrize("columns", [False, True])
def test_prediction_minus_target_is_computed_from_complements_and_is_the_same_number(columns: bool) -> None:
    found = end("softmax", "cross_entropy", columns=columns)
    assert found.at_pre_activation is not None
    assert calls(found.at_pre_activation.stable) == {"act_complement"}
    shape = (3, 1) if columns else (2, 3)
    rng = np.random.default_rng(7)
    arrays = {name: rng.integers(1, 9, shape).astype(object) / sp.Integer(11) for name in ("P", "Y")}
    # The complement of the prediction is all that the form takes from Z, so that Z may be the prediction here.
    arrays["Z"] = arrays["P"]
    world = World(arrays, {"N": 2, "n": 3}, {"act_complement": lambda prediction: 1 - prediction})
    value_of, stable = (world.node(node) for node in (found.at_pre_activation.value, found.at_pre_activation.stable))
    assert np.array_equal(stable, value_of)


def test_the_complement_is_called_only_for_prediction_minus_target() -> None:
    for text, is_called in (("-y*log(p)", True), ("kl_div", True), ("mse", False)):
        assert any("complement" in function.name for function in end("softmax", text).functions) == is_called


@pytest.mark.parametrize("text", ["-y*log(p)", "kl_div"])
@pytest.mark.parametrize("columns", [False, True])
def test_the_sum_of_a_row_times_the_prediction_minus_target_keeps_its_digits(text: str, columns: bool) -> None:
    """What code computes is what is printed, and 1 - P is not subtracted where Y is the whole of its row."""
    found = end("softmax", text, columns=columns)
    assert found.at_pre_activation is not None
    shape = (3, 1) if columns else (2, 3)
    rng = np.random.default_rng(7)
    arrays = {name: rng.integers(1, 9, shape).astype(object) / sp.Integer(11) for name in ("P", "Y")}
    arrays["Z"] = arrays["P"]
    world = World(arrays, {"N": 2, "n": 3}, {"act_complement": lambda prediction: 1 - prediction})
    value_of, stable = (world.node(node) for node in (found.at_pre_activation.value, found.at_pre_activation.stable))
    assert np.array_equal(stable, value_of)
    # At a prediction of 1 whose complement is tiny, the target being 1: nothing but the complement is left.
    tiny = sp.Rational(1, 10**18)
    certain = sp.Matrix(*shape, lambda i, j: int((i if columns else j) == 0))
    arrays = {name: np.array(certain.tolist(), dtype=object) for name in ("P", "Y", "Z")}
    world = World(arrays, {"N": 2, "n": 3}, {"act_complement": lambda prediction: prediction * tiny})
    expected = np.array((certain * -tiny / (3 if columns else 2 * 3)).tolist(), dtype=object)
    assert np.array_equal(world.node(found.at_pre_activation.stable), expected)


# What is written out


def operations(text: str) -> int:
    """Return the number of operations of a loss."""
    return int(sp.count_ops(loss(text).value))


@pytest.mark.parametrize("text", ["mse", "(p - y)**2*(1 + p**2)", "p**4 - 4*p*y"])
def test_a_short_function_is_written_out(text: str) -> None:
    assert operations(text) <= INLINE_LIMIT
    assert calls(end("identity", text).loss.stable) == set()


@pytest.mark.parametrize("text", ["(p - y)**2 + 3*(p - y)**4 + 5*(p - y)**6 + p**2*y**2", "exp(p) - y*p", "log_cosh"])
def test_a_long_function_or_one_that_needs_care_is_called_by_name(text: str) -> None:
    assert operations(text) > INLINE_LIMIT or loss(text).value.has(sp.exp, sp.log)
    found = end("identity", text)
    assert calls(found.loss.stable) == {"loss"}
    assert calls(found.at_prediction.stable) == {"loss′"}


# Steps


@pytest.mark.parametrize("columns", [False, True])
@pytest.mark.parametrize(("output", "text"), [*LINKED, *APART, *OF_ROWS])
def test_the_matrix_form_among_the_steps_of_a_cotangent_is_its_value(output: str, text: str, columns: bool) -> None:
    for part in parts(end(output, text, columns=columns))[1:]:
        assert [step.after for step in part.steps if step.rule == "matrix form"] == [part.value]


UNSAID = pytest.mark.xfail(strict=True, reason="log(exp(z)) = z is done without a step")
ENDS = [
    pytest.param(*each, marks=(UNSAID,) if each[0] in ("exp(x)", "exponential") else ())
    for each in (*LINKED, *APART, *OF_ROWS)
]


@pytest.mark.parametrize(("output", "text"), ENDS)
def test_a_form_for_code_that_differs_has_a_step_that_says_so(output: str, text: str) -> None:
    for part in parts(end(output, text)):
        if part.stable != part.value:
            assert any(step.rule.startswith("stable form") for step in part.steps)


@pytest.mark.parametrize(("output", "text"), [*LINKED, *APART, *OF_ROWS])
def test_only_cross_entropy_rests_on_an_assumption(output: str, text: str) -> None:
    stated = {assumption for part in parts(end(output, text)) for assumption in part.assumptions}
    assert stated == ({"rows of Y sum to 1"} if text == "cross_entropy" else set())


def test_a_loss_without_matrix_form_is_refused() -> None:
    strange = ElementFunction.derive("loss", sp.gamma(p - y), (p, y))
    linear = ElementFunction.derive("act", x, (x,))
    entries = entries_of(loss("mse"), "mean", "none", Rules(columns=False))
    with pytest.raises(UnsupportedError, match="no matrix form for gamma"):
        ending(strange, loss("mse"), entries, linear, ELEMENTWISE, ENTRYWISE_LOSS)
