"""The Unicode style: a formula reads back to what its tree is worth."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy as sp

from symmlp.calculus.functions import ElementFunction
from symmlp.derivation import Derivation, Formula
from symmlp.deriving import derive
from symmlp.errors import UnsupportedError
from symmlp.matrix import (
    Add,
    Call,
    Constant,
    Divide,
    Filled,
    MatMul,
    Node,
    Power,
    Product,
    Real,
    Reduce,
    SizeOf,
    Transpose,
    Var,
)
from symmlp.notation import N, W, X, Z, batch, column, inner, m, n, other
from symmlp.printing.formula import FormulaPrinter
from symmlp.printing.style import decimal
from symmlp.printing.text import TextStyle
from symmlp.spec import Network
from tests.printing.evaluation import SIZES, evaluate, number
from tests.printing.reading import ReadingError, read
from tests.printing.trees import TRAPS, a, b, minus, values

TEXT = FormulaPrinter(TextStyle())
x, y = sp.symbols("x y", real=True)

NAMED = {**values(), **{str(name): float(size) for name, size in SIZES.items()}}


@pytest.mark.parametrize("name", TRAPS)
def test_a_formula_reads_back_to_what_its_tree_is_worth(name: str) -> None:
    text = TEXT.node(TRAPS[name])
    with np.errstate(all="ignore"):
        expected = evaluate(TRAPS[name], NAMED)
        found = np.broadcast_to(read(text, NAMED), np.shape(expected))
    np.testing.assert_allclose(found, expected, rtol=1e-12, err_msg=text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a ∘ b W", "(a * b) @ W"),
        ("1/3 a", "(1/3) * a"),
        ("a − b + c", "a - (b + c)"),
        ("a ⊘ b ⊘ c", "a / (b / c)"),
        ("−a^∘²", "(-a)**2"),
        ("a W ∘ b", "a * (b @ W)"),
        ("{a if a > b; else b} ∘ c + b", "where(...) * a - b"),
    ],
)
def test_the_reader_sees_a_lost_parenthesis(text: str, name: str) -> None:
    with np.errstate(all="ignore"):
        assert not np.allclose(read(text, NAMED), evaluate(TRAPS[name], NAMED), equal_nan=True)


@pytest.mark.parametrize("text", ["a +", "(a", "a)", "a ∘", "{a if b; else a}", "tanh(a", "| a", "? a"])
def test_the_reader_refuses_what_is_no_formula(text: str) -> None:
    with pytest.raises((ReadingError, KeyError)):
        read(text, NAMED)


@pytest.mark.parametrize(
    ("node", "text"),
    [
        (Add((MatMul(Var("X", ("N", 4)), Transpose(Var("W1", (3, 4)))), Var("b1", (3,)))), "X W1ᵀ + 1 b1ᵀ"),
        (Product((Var("dA1", ("N", 3)), Call("tanh′", (Var("Z1", ("N", 3)),)))), "dA1 ∘ tanh′(Z1)"),
        (Reduce("sum", Var("dZ1", ("N", 3)), 0), "dZ1ᵀ 1"),
        (Divide(Reduce("sum", Power(a, number(2)), None), Product((SizeOf("N"), SizeOf("n")))), "sum(a^∘²) / (N·n)"),
        (Power(a, number("1/2")), "a^∘(0.5)"),
        (Product((number("1/3"), a)), "(1/3) a"),
        (Product((number("-1/3"), a)), "−(1/3) a"),
        (Real(-0.5), "−0.5"),
        (Real(1e-08), "1e−08"),
        (Constant("pi"), "π"),
        (Filled(number(2), ("N", "n")), "2 1 1ᵀ"),
        (Call("abs", (minus(a),)), "|−a|"),
        (Call("sqrt", (Add((a, b)),)), "√(a + b)"),
        (TRAPS["nested where"], "{−a if a ≤ 0; b if b > 1; else a}"),
        (MatMul(Product((a, b)), Var("W", ("n", "n"))), "(a ∘ b) W"),
    ],
)
def test_a_formula_is_written_in_the_field_s_notation(node: Node, text: str) -> None:
    assert TEXT.node(node) == text


def test_update_equations_are_written_entry_by_entry() -> None:
    theta, g, lr = Var("theta", ("P",)), Var("g", ("P",)), Var("lr", ())
    node = Add((theta, Product((number(-1), lr, Power(g, number(2))))))
    assert FormulaPrinter(TextStyle(), entrywise=True).node(node) == "θ − η·g²"


def test_a_node_of_a_kind_that_nobody_knows_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="^no printed form for Node: "):
        TEXT.node(Node())


@pytest.mark.parametrize(
    ("value", "text"),
    [("1/2", "0.5"), ("-3/4", "−0.75"), ("7", "7"), ("-7", "−7"), ("1/3", None), ("1/1024", "0.0009765625")],
)
def test_a_decimal_is_exact_or_not_given(value: str, text: str | None) -> None:
    assert decimal(Fraction(value)) == text


@pytest.mark.parametrize(
    ("expr", "text"),
    [
        (X[batch, inner] * W[column, inner], "W[i,k] X[p,k]"),
        (sp.Sum(X[batch, inner] * W[column, inner], (inner, 1, m)), "Σ_k W[i,k] X[p,k]"),
        (sp.Sum(Z[batch, other], (other, 1, n)) / N, "Σ_j Z[p,j] / N"),
        (sp.KroneckerDelta(batch, other), "δ[j,p]"),
        (-Z[batch, column], "−Z[p,i]"),
        (x**2 - y, "x² − y"),
        (sp.exp(-sp.Abs(x)), "exp(−|x|)"),
        (sp.sqrt(x**2 + 1), "√(1 + x²)"),
        (sp.Max(0, x), "max(0, x)"),
        (sp.Piecewise((x, x > 0), (sp.exp(x) - 1, True), evaluate=False), "{x if x > 0; else exp(x) − 1}"),
    ],
)
def test_an_indexed_expression_is_written_with_its_indices(expr: sp.Expr, text: str) -> None:
    assert TEXT.formula(Formula(expr)) == text


EXPRESSIONS = [
    x / (1 + sp.exp(-x)),
    x / 2 * y,
    -x / (y * 3),
    (x + y) / (x - y) ** 2,
    x / y / 3,
    sp.Rational(1, 3) * x,
    -(x**2),
    (-x) ** 3,
    (x**2) ** sp.Rational(3, 2),
    x ** (y + 1),
    x**-2,
    1 / (2 * sp.sqrt(y)),
    sp.tanh(x) ** 2 * (1 - y),
    2 * (x - y) * (x + 1) - 3 * (y - 1),
    sp.Abs(x - sp.Abs(y - 2)),
    sp.exp(-(x**2)) * sp.pi,
    sp.Max(x, -y) - sp.Min(x, 2 * y),
    x * sp.Piecewise((1 / y, x > 0), (x / y, True), evaluate=False),
    sp.Piecewise((x, x < -1), (y, x <= 1), (-y, True), evaluate=False) - y,
    sp.log(1 + sp.exp(x)) / 2 - x * y / 4,
    sp.Rational(-2, 3) * (x + y),
]


@pytest.mark.parametrize("expr", EXPRESSIONS, ids=str)
def test_a_function_of_numbers_reads_back_to_its_value(expr: sp.Expr) -> None:
    text = TEXT.formula(Formula(expr))
    for at in ((1.25, 2.5), (0.3, 0.7), (2.0, 1.5), (1.75, 0.25)):
        expected = float(expr.xreplace(dict(zip((x, y), map(sp.Float, at), strict=True))).evalf())
        found = read(text, {"x": at[0], "y": at[1], "π": np.pi})
        np.testing.assert_allclose(found, expected, rtol=1e-12, err_msg=text)


def _functions(derivation: Derivation) -> dict[str, Callable[..., Any]]:
    """Return the functions of a derivation and their slopes, computed by SymPy's own way to NumPy."""
    functions = {}
    for name, function in derivation.functions.items():
        assert isinstance(function, ElementFunction)
        functions[name] = sp.lambdify(function.variables, function.value, "numpy")
        functions[f"{name}′"] = sp.lambdify(function.variables, function.derivative, "numpy")
    return functions


@pytest.mark.parametrize(
    "short",
    [
        "3 -> 4 tanh -> 2 | mse",
        "3 -> 4 softplus -> 2 sigmoid | bce",
        "3 -> 4 relu -> 2 {x*sigmoid(3*x/2)} | {sqrt(1 + (p - y)**2) - 1}",
    ],
)
def test_every_equation_of_a_derivation_reads_back_to_its_value(short: str) -> None:
    derivation = derive(Network.parse(short))
    rng = np.random.default_rng(5)
    known: dict[str, np.ndarray] = {"X": rng.normal(size=(5, 3)), "Y": rng.uniform(size=(5, 2)), "N": np.float64(5)}  # type: ignore[dict-item]
    for name in derivation.graph.parameters:
        known[name] = rng.normal(size=[int(size) for size in derivation.graph.shapes[name]])
    functions = _functions(derivation)
    for equation in (*derivation.forward, derivation.loss, *derivation.backward):
        text = TEXT.node(equation.value)
        expected = evaluate(equation.stable, known, functions)
        found = np.broadcast_to(read(text, known, functions), np.shape(expected))
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-15, err_msg=f"{equation.id}: {text}")
        known[equation.target] = np.asarray(expected)
