"""Conditions and numbers are printed as a reader writes them."""

from __future__ import annotations

from fractions import Fraction

import pytest
import sympy as sp

from symmlp.calculus.conditions import solved
from symmlp.catalog.losses import p, y
from symmlp.derivation import Formula
from symmlp.matrix import Add, Compare, Number, Product, Real, Var
from symmlp.printing.formula import FormulaPrinter
from symmlp.printing.latex import LatexStyle
from symmlp.printing.mathml import MathmlStyle
from symmlp.printing.relations import solved_node
from symmlp.printing.text import TextStyle

x, g = sp.symbols("x g", real=True)


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        (10**16 * x - 1 > 0, "x > 1e−16"),
        (1 - x >= 0, "x ≤ 1"),
        (x - g < 0, "x < g"),
        (x + 1 > 0, "x > −1"),
        (x > 0, "x > 0"),
        (x + g > 0, "g + x > 0"),
        (sp.Eq(sp.Abs(p - y) - 1, 0, evaluate=False), "|p − y| = 1"),
        (2 * x - 3 * g - 6 > 0, "2 x − 3 g > 6"),
        (x - g > 3, "x − g > 3"),
    ],
)
def test_a_condition_is_printed_solved(condition: sp.Basic, text: str) -> None:
    assert FormulaPrinter(TextStyle()).formula(Formula(condition)).replace("·", " ") == text


@pytest.mark.parametrize("condition", [10 * x - 1 > 0, 1 - x >= 0, x - g < 0, -2 * x - g - 3 <= 0, g - 3 * x + 1 > 0])
def test_a_solved_condition_holds_at_the_same_points(condition: sp.Basic) -> None:
    relation, left, right = solved(condition)
    for at in ({x: a, g: b} for a in (-2, 0.05, 0.1, 1, 3) for b in (-5.5, 0.05, 1, 4)):
        assert relation(left.subs(at), right.subs(at)) == condition.subs(at)


A, B = Var("A", ("N", 3)), Var("B", ("N", 3))
MINUS_B = Product((Number(Fraction(-1)), B))


@pytest.mark.parametrize(
    ("left", "text"),
    [
        (Add((A, MINUS_B)), "A < B"),
        (Add((MINUS_B, A)), "A < B"),
        (Add((A, Number(Fraction(-2)))), "A < 2"),
        (Add((MINUS_B, Real(0.5))), "B > 0.5"),
        (Add((A, B)), "A + B < 0"),
        (Add((A, B, Number(Fraction(-2)))), "A + B − 2 < 0"),
    ],
)
def test_a_condition_of_matrices_is_printed_solved(left: Add, text: str) -> None:
    assert FormulaPrinter(TextStyle()).node(Compare("<", left, Number(Fraction(0)))) == text


def test_a_condition_that_is_solved_stays() -> None:
    condition = Compare(">=", A, B)
    assert solved_node(condition) is condition


@pytest.mark.parametrize(
    ("value", "text", "latex"),
    [
        (Fraction(1, 10**8), "1e−8", "10^{-8}"),
        (Fraction(-3, 2 * 10**9), "−1.5e−9", r"-1.5 \cdot 10^{-9}"),
        (Fraction(10**16), "1e16", "10^{16}"),
        (Fraction(1, 10**5), "0.00001", "0.00001"),
        (Fraction(123456789), "123456789", "123456789"),
        (Fraction(0), "0", "0"),
    ],
)
def test_many_zeros_are_counted_for_the_reader(value: Fraction, text: str, latex: str) -> None:
    assert TextStyle().number(value) == text
    assert LatexStyle().number(value) == latex
    assert MathmlStyle().number(value).startswith("<m")
