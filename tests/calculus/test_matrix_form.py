"""The matrix form of an indexed expression: what one writes by hand, equal to it entry by entry, or refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy as sp
from hypothesis import assume, given
from hypothesis import strategies as st
from sympy import Sum

from symmlp.calculus.index_notation import Index, contract, slope_of
from symmlp.calculus.matrix_form import MatrixForm
from symmlp.errors import UnsupportedError
from symmlp.matrix import Add, Constant, MatMul, Node, Number, Product, Real, Reduce, Transpose, Var, shape_of
from symmlp.notation import N, array, batch, column, column_of_wrt, inner, m, n, other, row_of_wrt
from symmlp.printing.formula import FormulaPrinter
from symmlp.printing.text import TextStyle
from tests.calculus.entries import World, entrywise, opaque

p, i, j, k, a, c = batch, column, other, inner, row_of_wrt, column_of_wrt
NUMBERS = {"N": 2, "n": 3, "m": 4}
G, X, W, U, V, b, e = (array(name) for name in ("G", "X", "W", "U", "V", "b", "e"))
f = sp.Function("f")

BATCH = MatrixForm(
    {"G": ("N", "n"), "U": ("N", "n"), "V": ("N", "m"), "X": ("N", "m"), "W": ("n", "m"), "b": ("n",), "e": ("m",)},
    {p: N, a: N, i: n, j: n, c: n, k: m},
)
SAMPLE = MatrixForm(
    {"G": ("n", 1), "U": ("n", 1), "V": ("m", 1), "X": ("m", 1), "W": ("n", "m"), "b": ("n", 1), "e": ("m", 1)},
    {a: n, i: n, j: n, c: m, k: m},
    columns=True,
)


def world(form: MatrixForm, seed: int = 0) -> World:
    """Return exact entries for the arrays of `form`, and functions that need no rounding."""
    rng = np.random.default_rng(seed)
    shapes = {name: [NUMBERS.get(str(size), 1) for size in shape] for name, shape in form.shapes.items()}
    arrays = {
        name: rng.choice([-5, -4, -3, -2, 2, 3, 4, 5], shape).astype(object) + sp.Integer(0)
        for name, shape in shapes.items()
    }
    exact: dict[str, Callable[..., Any]] = {
        "f": lambda u: u**2 + u,
        "f′": lambda u: 2 * u + 1,
        "max": entrywise(sp.Max),
        "min": entrywise(sp.Min),
        "abs": np.abs,
        "sign": entrywise(sp.sign),
    }
    return World(arrays, NUMBERS, exact)


def agrees(node: Node, expr: sp.Expr, form: MatrixForm, places: Sequence[Index | None], seed: int = 0) -> bool:
    """Return whether every entry of the node's value is the expression at that place."""
    here = world(form, seed)
    shape = {index: NUMBERS[str(form.size[index])] for index in places if index is not None}
    expected = here.written_out(expr, [*shape], [*shape.values()])
    expected = expected.reshape([1 if index is None else shape[index] for index in places])
    value = np.asarray(here.node(node), dtype=object)
    try:
        return bool(np.all(np.broadcast_to(value, expected.shape) == expected))
    except ValueError:
        return False


BY_HAND: dict[str, tuple[MatrixForm, sp.Expr, tuple[Index | None, Index | None]]] = {
    # Batch layout
    "G": (BATCH, G[a, c], (a, c)),
    "Gᵀ": (BATCH, G[p, i], (i, p)),
    "G ∘ U": (BATCH, G[a, c] * U[a, c], (a, c)),
    "b": (BATCH, b[c], (a, c)),
    "G + 1 bᵀ": (BATCH, G[a, c] + b[c], (a, c)),
    "2 (G − U)": (BATCH, 2 * G[a, c] - 2 * U[a, c], (a, c)),
    "G W": (BATCH, Sum(G[a, i] * W[i, k], (i, 1, n)), (a, k)),
    "X Wᵀ": (BATCH, Sum(X[a, k] * W[c, k], (k, 1, m)), (a, c)),
    "Gᵀ X": (BATCH, Sum(G[p, i] * X[p, k], (p, 1, N)), (i, k)),
    "G ∘ (X Wᵀ)": (BATCH, G[a, c] * Sum(X[a, k] * W[c, k], (k, 1, m)), (a, c)),
    "Gᵀ 1": (BATCH, Sum(G[p, c], (p, 1, N)), (None, c)),
    "rowsum(G)": (BATCH, Sum(G[a, i], (i, 1, n)), (a, c)),
    "rowsum(G ∘ U)": (BATCH, Sum(G[a, i] * U[a, i], (i, 1, n)), (a, c)),
    "rowsum(G ∘ (1 bᵀ))": (BATCH, Sum(G[a, i] * b[i], (i, 1, n)), (a, c)),
    "sum(G)": (BATCH, Sum(G[p, i], (p, 1, N), (i, 1, n)), (None, None)),
    "sum(b)": (BATCH, Sum(b[i], (i, 1, n)), (None, None)),
    "G ⊘ U": (BATCH, G[a, c] / U[a, c], (a, c)),
    "G / (N·n)": (BATCH, G[a, c] / (N * n), (a, c)),
    "3 G / 7": (BATCH, sp.Rational(3, 7) * G[a, c], (a, c)),
    "f(G)": (BATCH, f(G[a, c]), (a, c)),
    "f′(G)": (BATCH, slope_of(f(G[a, c])), (a, c)),
    "G^∘³": (BATCH, G[a, c] ** 3, (a, c)),
    # One sample
    "W X": (SAMPLE, Sum(W[a, k] * X[k], (k, 1, m)), (a, None)),
    "Wᵀ G": (SAMPLE, Sum(W[i, c] * G[i], (i, 1, n)), (c, None)),
    "G Xᵀ": (SAMPLE, G[a] * X[c], (a, c)),
    "2 (G Xᵀ)": (SAMPLE, 2 * G[a] * X[c], (a, c)),
    "W ∘ (1 Xᵀ)": (SAMPLE, W[a, c] * X[c], (a, c)),
    "(G 1ᵀ) ∘ W": (SAMPLE, G[a] * W[a, c], (a, c)),
    "sum(G ∘ U)": (SAMPLE, Sum(G[i] * U[i], (i, 1, n)), (None, None)),
    "W X + b": (SAMPLE, Sum(W[a, k] * X[k], (k, 1, m)) + b[a], (a, None)),
}


Places = tuple[Index | None, Index | None]
PRODUCTS: dict[str, tuple[MatrixForm, sp.Expr, Places, Node]] = {
    "a Hadamard product on the left": (
        BATCH,
        Sum(G[a, i] * U[a, i] * W[i, k], (i, 1, n)),
        (a, k),
        MatMul(Product((Var("G", ("N", "n")), Var("U", ("N", "n")))), Var("W", ("n", "m"))),
    ),
    "a vector beside the matrix on the left": (
        BATCH,
        Sum(X[a, k] * e[k] * W[c, k], (k, 1, m)),
        (a, c),
        MatMul(Product((Var("X", ("N", "m")), Var("e", ("m",)))), Transpose(Var("W", ("n", "m")))),
    ),
    "an outer product of a Hadamard product": (
        SAMPLE,
        G[a] * U[a] * X[c],
        (a, c),
        MatMul(Product((Var("G", ("n", 1)), Var("U", ("n", 1)))), Transpose(Var("X", ("m", 1)))),
    ),
}


@pytest.mark.parametrize("kind", PRODUCTS)
def test_a_matrix_product_takes_several_factors_on_one_side(kind: str) -> None:
    form, expr, places, node = PRODUCTS[kind]
    assert form.of(expr, *places) == node
    assert agrees(node, expr, form, places)


@pytest.mark.parametrize("text", BY_HAND)
def test_the_matrix_form_is_what_one_writes_by_hand(text: str) -> None:
    form, expr, places = BY_HAND[text]
    assert FormulaPrinter(TextStyle()).node(form.of(expr, *places)) == text


@pytest.mark.parametrize("text", BY_HAND)
def test_the_matrix_form_has_the_entries_of_the_expression(text: str) -> None:
    form, expr, places = BY_HAND[text]
    assert agrees(form.of(expr, *places), expr, form, places)


x = sp.Symbol("x", real=True)
SCALARS = {
    "rational": (sp.Rational(3, 7), Number(Fraction(3, 7))),
    "pi": (sp.pi, Constant("pi")),
    "e": (sp.E, Constant("e")),
    "irrational literal": (sp.Float("0.25"), Real(0.25)),
    "named": (x, Var("x", ())),
}


@pytest.mark.parametrize("kind", SCALARS)
def test_a_scalar_is_a_leaf(kind: str) -> None:
    expr, leaf = SCALARS[kind]
    assert MatrixForm({}, {}, names={x: Var("x", ())}).of(expr, None, None) == leaf


REFUSED = {
    "a sum over two indices beside a free one": (BATCH, Sum(G[p, i] * X[p, k], (p, 1, N), (i, 1, n)), (None, k)),
    "a sum over three indices": (BATCH, Sum(G[p, i] * W[i, k], (p, 1, N), (i, 1, n), (k, 1, m)), (None, None)),
    "a factor with both axes and the summed one": (
        BATCH,
        Sum(f(X[a, k] * W[c, k]) * X[a, k], (k, 1, m)),
        (a, c),
    ),
    "an entry at a place that is no axis": (BATCH, G[a, i], (a, c)),
    "one number a sample in a row layout": (BATCH, b[a], (a, c)),
    "a diagonal": (BATCH, G[a, a], (a, c)),
    "a function without a name": (BATCH, sp.gamma(G[a, c]), (a, c)),
    "an unequal relation": (BATCH, sp.Piecewise((1, sp.Ne(G[a, c], 0)), (2, True)), (a, c)),
    "a value without otherwise": (BATCH, sp.Piecewise((1, G[a, c] > 0)), (a, c)),
    "a delta between free indices": (BATCH, sp.KroneckerDelta(a, c), (a, c)),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_an_expression_without_matrix_form_is_refused(kind: str) -> None:
    form, expr, places = REFUSED[kind]
    with pytest.raises(UnsupportedError):
        form.of(expr, *places)


def test_the_refusal_names_the_expression() -> None:
    with pytest.raises(UnsupportedError, match=r"no matrix form for gamma: gamma\(G\[a, c\]\)"):
        BATCH.of(G[a, c] * sp.gamma(G[a, c]), a, c)


def test_the_refusal_of_an_entry_names_the_axes() -> None:
    with pytest.raises(UnsupportedError, match=r"G\[a, i\] has no place in a matrix with axes a, c"):
        BATCH.of(G[a, i], a, c)


BROKEN: dict[str, tuple[str, Callable[[Node], Node]]] = {
    "a factor of two": ("G W", lambda node: Product((Number(Fraction(2)), node))),
    "a missing term": ("G + 1 bᵀ", lambda node: node.terms[0] if isinstance(node, Add) else node),
    "the sum along the other axis": ("rowsum(G)", lambda _: Transpose(Reduce("sum", Transpose(Var("G", ())), 1))),
    "a Hadamard product for a matrix product": ("G W", lambda _: Product((Var("X", ()), Var("V", ())))),
    "operands exchanged": ("G Xᵀ", lambda _: MatMul(Var("X", ()), Transpose(Var("G", ())))),
    "another array": ("G ∘ U", lambda _: Product((Var("G", ()), Var("G", ())))),
}


@pytest.mark.parametrize("mistake", BROKEN)
def test_the_comparison_refuses(mistake: str) -> None:
    text, breaks = BROKEN[mistake]
    form, expr, places = BY_HAND[text]
    assert not agrees(breaks(form.of(expr, *places)), expr, form, places)


AXES: dict[Index, sp.Symbol] = {p: N, a: N, i: n, j: n, c: n, k: m}


@dataclass(frozen=True)
class Draw:
    """Draws expressions with the free indices `row` and `column`, made of what the recogniser promises to know."""

    choose: Callable[[Sequence[Any]], Any]

    def matrix(self, row: Index, column: Index, depth: int) -> sp.Expr:
        """Return an expression with entries (row, column)."""
        if depth == 0:
            return self.leaf(row, column)
        first = self.matrix(row, column, depth - 1)
        match self.choose(["product", "sum", "difference", "call", "power", "quotient", "choice", "along", "matmul"]):
            case "product":
                return first * self.matrix(row, column, depth - 1)
            case "sum":
                return first + sp.Rational(1, self.choose([1, 2])) * self.matrix(row, column, depth - 1)
            case "difference":
                return self.choose([1, 2, -3]) * (first - self.leaf(row, column))
            case "call":
                return self.choose([f, sp.Abs, lambda u: slope_of(f(u)), lambda u: sp.Max(u, 0)])(first)
            case "power":
                return first ** self.choose([2, 3])
            case "quotient":
                return first / (1 + self.leaf(row, column) ** 2)
            case "choice":
                return sp.Piecewise((first, self.leaf(row, column) > 1), (self.leaf(row, column), True))
            case "along":
                return first * self.reduced(row, column, depth - 1)
            case _:
                return self.product(row, column, depth - 1)

    def leaf(self, row: Index, column: Index) -> sp.Expr:
        """Return an array with these two axes, transposed where that is how it lies, or a vector along the row."""
        sizes = {AXES[row], AXES[column]}
        names = [G, U] if sizes == {N, n} else [X, V] if sizes == {N, m} else [W]
        vectors = {n: [b], m: [e]}.get(AXES[column], [])
        chosen = self.choose(names + vectors)
        if chosen in (b, e):
            return chosen[column]
        first = n if chosen == W else N
        return chosen[row, column] if AXES[row] == first else chosen[column, row]

    def between(self, row: Index, column: Index) -> Index:
        """Return an index of a third axis, so that there is an array on either side."""
        (index,) = (index for index in (p, i, k) if AXES[index] not in (AXES[row], AXES[column]))
        return index

    def product(self, row: Index, column: Index, depth: int) -> sp.Expr:
        """Return the entries of a matrix product."""
        summed = self.between(row, column)
        left, right = self.matrix(row, summed, depth), self.matrix(summed, column, depth)
        return Sum(left * right, (summed, 1, AXES[summed]))

    def reduced(self, row: Index, column: Index, depth: int) -> sp.Expr:
        """Return a sum along a row, down a column or over all entries."""
        summed = self.between(row, column)
        match self.choose(["row", "column", "all"]):
            case "row":
                return Sum(self.matrix(row, summed, depth), (summed, 1, AXES[summed]))
            case "column":
                return Sum(self.matrix(summed, column, depth), (summed, 1, AXES[summed]))
            case _:
                return Sum(self.matrix(p, i, depth), (p, 1, N), (i, 1, n))


@st.composite
def matrix_expressions(draw: st.DrawFn) -> tuple[sp.Expr, Index, Index]:
    """Draw an expression with the axes of an activation, of a weight matrix or of an input."""
    drawing = Draw(lambda options: draw(st.sampled_from(options)))
    row, column = drawing.choose([(a, c), (c, k), (a, k)])
    return drawing.matrix(row, column, 2), row, column


def recognised(expr: sp.Expr, row: Index, column: Index) -> Node | None:
    """Return the matrix form, or None if there is none."""
    try:
        return BATCH.of(contract(expr, AXES), row, column)
    except UnsupportedError:
        return None


@given(matrix_expressions(), st.integers(0, 99))
def test_any_recognised_node_has_the_entries_of_its_expression(drawn: tuple[sp.Expr, Index, Index], seed: int) -> None:
    expr, *places = drawn
    node = recognised(expr, *places)
    assume(node is not None)
    assert node is not None
    assert agrees(node, expr, BATCH, places, seed)


@given(matrix_expressions())
def test_any_recognised_node_has_the_shape_that_it_states(drawn: tuple[sp.Expr, Index, Index]) -> None:
    node = recognised(*drawn)
    assume(node is not None)
    assert node is not None
    stated = tuple(NUMBERS.get(str(size), size) for size in shape_of(node))
    assert np.shape(world(BATCH).node(node)) == stated


def test_opaque_functions_keep_their_primes() -> None:
    assert set(opaque("f")) == {"f", "f′"}
