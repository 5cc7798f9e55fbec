"""A maximum of a minimum with numbers is one operation, wherever its numbers stand."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from symmlp.matrix import Call, Node, Number, Product, Var
from symmlp.printing.numpy_out import OutPrinter
from symmlp.program.clipping import clipped
from symmlp.program.instructions import sequence_functions

x = Var("x", ("N",))
LOW, HIGH = Product((Number(Fraction(-1)), Number(Fraction(3)))), Number(Fraction(2))
POINTS = np.array([-np.inf, -4.0, -3.0, -0.0, 1.5, 2.0, 7.0, np.inf, np.nan])


@pytest.mark.parametrize(
    "node",
    [
        Call("max", (Call("min", (x, HIGH)), LOW)),
        Call("max", (LOW, Call("min", (HIGH, x)))),
        Call("min", (Call("max", (LOW, x)), HIGH)),
    ],
)
def test_it_is_one_instruction_with_the_values_of_two(node: Node) -> None:
    (only,) = sequence_functions(node, Var("y", ("N",)), ())
    assert only.operation == "clip"
    names = {"np": np, "x": POINTS, "y": np.empty(len(POINTS))}
    exec(OutPrinter(str).line(only), names)
    np.testing.assert_array_equal(names["y"], np.maximum(np.minimum(POINTS, 2), -3))


@pytest.mark.parametrize(
    "node",
    [
        Call("max", (Call("min", (x, LOW)), HIGH)),
        Call("max", (Call("max", (x, LOW)), HIGH)),
        Call("max", (Call("min", (x, HIGH)), x)),
        Call("abs", (x,)),
    ],
)
def test_what_clips_nothing_is_left(node: Node) -> None:
    assert clipped(node) is None
