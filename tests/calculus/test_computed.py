"""A number plus a fraction of a variable is computed with one rounding near its root."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from symmlp.calculus.computed import rooted
from symmlp.calculus.numeric import evaluate
from symmlp.matrix import Add, Divide, Node, Number, Product, Var

X = Var("x", ())


def fraction_of_x(number: Fraction, divisor: int) -> Node:
    return Add((Number(number), Divide(X, Number(Fraction(divisor)))))


def ulps(node: Node, exact: Any, numbers: np.ndarray[Any, Any]) -> float:
    """Return the largest error at these numbers, in units in the last place of the exact results."""
    found = evaluate(node, {"x": numbers})
    expected = [exact(Fraction(float(number))) for number in numbers]
    errors = [
        float(abs(Fraction(float(one)) - right)) / np.spacing(abs(float(right)))
        for one, right in zip(found, expected, strict=True)
    ]
    return float(max(errors))


def test_it_is_right_to_a_unit_beside_the_root_where_the_fraction_first_is_not() -> None:
    numbers = -1.5 + np.linspace(1e-9, 0.2, 500)
    node = fraction_of_x(Fraction(1, 2), 3)
    assert ulps(rooted(node), lambda x: Fraction(1, 2) + x / 3, numbers) <= 1
    assert ulps(node, lambda x: Fraction(1, 2) + x / 3, numbers) > 100


@pytest.mark.parametrize(
    "node",
    [
        fraction_of_x(Fraction(1, 2), 4),
        fraction_of_x(Fraction(1, 10), 3),
        Add((Number(Fraction(1, 2)), Divide(Product((X, X)), Number(Fraction(3))))),
    ],
    ids=["dividing is exact", "the number is none", "no variable is divided"],
)
def test_other_sums_stay_as_they_are(node: Node) -> None:
    assert rooted(node) == node
