"""Choices written as sums and products give the numbers of the choice, and need no masked copy."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from symmlp.deriving import derive
from symmlp.matrix import Add, Call, Compare, Divide, Node, Number, Product, Var, Where, walk
from symmlp.printing.numpy_out import OutPrinter
from symmlp.program import passes
from symmlp.program.error_functions import error_functions
from symmlp.program.instructions import Instruction, sequence_functions
from symmlp.program.ir import Program
from symmlp.program.lean_choices import lean_choice, lean_choices
from symmlp.program.lowering import lower
from symmlp.spec import Network

POINTS = np.concatenate([np.linspace(-37, 37, 1001), [0.0, -0.0, 1e-300, -1e-300, 1e30, np.inf, np.nan]])
x = Var("x", ("N",))
t = Call("exp", (Product((Number(Fraction(-1)), Call("abs", (x,)))),))


def number(value: float) -> Number:
    return Number(Fraction(value))


def program(activation: str) -> Program:
    network = Network.parse(f"4 -> 3 {activation} -> 2 | mse")
    return passes.drop_unused(lower(derive(network)))


def instructions(written: Program, *calls: str) -> tuple[Instruction, ...]:
    """Return the instructions of the sum of some functions of x."""
    node: Node = Add(tuple(Call(call, (x,)) for call in calls)) if len(calls) > 1 else Call(calls[0], (x,))
    return sequence_functions(node, Var("y", ("N",)), (*error_functions("float64"), *written.functions))


def run(lines: Sequence[Instruction]) -> Any:
    arrays: dict[str, Any] = {"np": np, "x": POINTS}
    with np.errstate(all="ignore"):
        for each in lines:
            arrays[each.target.name] = np.empty(len(POINTS), bool if each.is_condition else float)
            exec(OutPrinter(str).line(each), arrays)
    return arrays["y"]


def of_node(node: Node) -> Any:
    return run(sequence_functions(node, Var("y", ("N",)), ()))


@pytest.mark.parametrize("slope", ["", "′"])
@pytest.mark.parametrize("activation", ["gelu", "silu", "sigmoid", "mish", "softplus", "elu", "relu6"])
def test_no_number_changes_by_more_than_four_units(activation: str, slope: str) -> None:
    plain = program(activation)
    found = run(instructions(lean_choices(plain), activation + slope))
    expected = run(instructions(plain, activation + slope))
    scale = np.maximum(np.abs(expected), 0.1 if slope else 0)  # at the roots of slopes, of what cancels
    with np.errstate(invalid="ignore"):
        assert np.all((np.abs(found - expected) <= 4 * np.spacing(scale)) | (found == expected) | np.isnan(expected))
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))


def test_gelu_and_its_slope_share_their_choice_and_copy_under_no_mask() -> None:
    written = lean_choices(program("gelu"))
    both, value = instructions(written, "gelu", "gelu′"), instructions(written, "gelu")
    assert not [each for each in both if each.operation == "where"]
    assert len(both) == len(value) + 4  # x φ(x) in two operations, its sum with Φ(x), and the sum of both functions


def test_common_factors_stand_before_the_choice() -> None:
    s = Add((number(1), t))
    choice = Where(Compare(">=", x, number(0)), Divide(number(1), s), Divide(t, s))
    assert lean_choice(choice) == Divide(Where(Compare(">=", x, number(0)), number(1), t), s)


@pytest.mark.parametrize(("chosen", "otherwise"), [(0.5, 1.0), (0.25, 3.0), (-2.0, 1.0)])
def test_a_number_less_the_other_branch_needs_no_choice(chosen: float, otherwise: float) -> None:
    one, other = Product((number(chosen), t)), Add((number(otherwise), Product((number(-chosen), t))))
    for first, second in ((one, other), (other, one)):
        choice = Where(Compare("<", x, number(0)), first, second)
        written = lean_choice(choice)
        assert sum(isinstance(part, Where) for part in walk(written)) == 2  # the same choice of 0 or 1, twice
        np.testing.assert_array_equal(of_node(written), of_node(choice))


def test_a_branch_that_is_not_the_other_s_complement_stays() -> None:
    choice = Where(Compare("<", x, number(0)), t, Add((number(1), t)))
    assert lean_choice(choice) == choice


def test_a_condition_on_another_array_stays_so_that_nan_goes_the_way_it_went() -> None:
    choice = Where(Compare("<", Var("y", ("N",)), number(0)), t, Add((number(1), Product((number(-1), t)))))
    assert lean_choice(choice) == choice
