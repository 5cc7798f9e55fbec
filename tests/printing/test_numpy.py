"""NumPy expressions: their text, evaluated by Python, is worth what the tree is worth."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symmlp.calculus import error_functions
from symmlp.errors import UnsupportedError
from symmlp.matrix import (
    Add,
    Call,
    Compare,
    Divide,
    Filled,
    MatMul,
    Node,
    Number,
    Power,
    Product,
    Real,
    Reduce,
    SizeOf,
    Transpose,
    Var,
    Where,
    shape_of,
    walk,
)
from symmlp.printing.numpy import PRIMITIVES, NumpyPrinter, width_of
from symmlp.program import lowering
from tests.printing.evaluation import FUNCTIONS, SIZES, Value, drawn, evaluate, number

a, b, c = (Var(name, ("N", "n")) for name in "abc")
v, u, s = Var("v", ("n",)), Var("u", ("N", 1)), Var("s", ())
W = Var("W", ("n", "n"))
ARRAYS = {each.name: each for each in (a, b, c, v, u, s, W)}


def _values(positive: bool = False) -> dict[str, Value]:
    return {name: drawn(each.shape, seed, positive=positive) for seed, (name, each) in enumerate(ARRAYS.items())}


def _scope(values: Mapping[str, Value]) -> dict[str, Any]:
    scope = {"np": np, "DTYPE": np.float64, "erf": error_functions.erf, "erfc": error_functions.erfc}
    return {**scope, **values, **{str(name): size for name, size in SIZES.items()}}


def same(node: Node, values: Mapping[str, Value] | None = None) -> bool:
    """Return whether the printed text is worth what the tree is worth, in value and shape."""
    values = _values() if values is None else values
    with np.errstate(all="ignore"):
        found, expected = eval(NumpyPrinter().text(node), _scope(values)), evaluate(node, values)
    return np.shape(found) == np.shape(expected) and np.allclose(found, expected, rtol=1e-13, atol=0, equal_nan=True)


MINUS = number(-1)


def minus(node: Node) -> Node:
    """Return -node."""
    return Product((MINUS, node))


TRAPS: dict[str, Node] = {
    "(a - b) - c": Add((Add((a, minus(b))), minus(c))),
    "a - (b - c)": Add((a, minus(Add((b, minus(c)))))),
    "a - (b + c)": Add((a, minus(Add((b, c))))),
    "-(a + b)": minus(Add((a, b))),
    "-a + b": Add((minus(a), b)),
    "-(-a)": minus(minus(a)),
    "a / (b / c)": Divide(a, Divide(b, c)),
    "(a / b) / c": Divide(Divide(a, b), c),
    "a * (b / c)": Product((a, Divide(b, c))),
    "(a / b) * c": Product((Divide(a, b), c)),
    "a / (b * c)": Divide(a, Product((b, c))),
    "(a * b) / c": Divide(Product((a, b)), c),
    "a * (b + c)": Product((a, Add((b, c)))),
    "a / (b + c)": Divide(a, Add((b, c))),
    "(a + b) / c": Divide(Add((a, b)), c),
    "-(a / b)": minus(Divide(a, b)),
    "-a / b": Divide(minus(a), b),
    "a / -b": Divide(a, minus(b)),
    "a * -b": Product((a, minus(b))),
    "-(a**2)": minus(Power(a, number(2))),
    "(-a)**2": Power(minus(a), number(2)),
    "(a**3)**2": Power(Power(a, number(3)), number(2)),
    "a**(3**2)": Power(a, Power(number(3), number(2))),
    "(a * b)**2": Power(Product((a, b)), number(2)),
    "(a + b)**3": Power(Add((a, b)), number(3)),
    "a**-2": Power(a, number(-2)),
    "2 * a**2": Product((number(2), Power(a, number(2)))),
    "-2 * a**2": Product((number(-2), Power(a, number(2)))),
    "(1/3) * a": Product((number("1/3"), a)),
    "a / (1/3)": Divide(a, number("1/3")),
    "a + -1/3": Add((a, number("-1/3"))),
    "a * -1/3": Product((a, number("-1/3"))),
    "(-1/3)**2": Power(number("-1/3"), number(2)),
    "(1/3)**3": Power(number("1/3"), number(3)),
    "(-0.5)**2": Power(Real(-0.5), number(2)),
    "a - -0.5": Add((a, minus(Real(-0.5)))),
    "-0.25 * a": Product((Real(-0.25), a)),
    "a @ W @ W": MatMul(MatMul(a, W), W),
    "a @ (W @ W)": MatMul(a, MatMul(W, W)),
    "(a * b) @ W": MatMul(Product((a, b)), W),
    "(a + b) @ W": MatMul(Add((a, b)), W),
    "a @ (W * W)": MatMul(a, Product((W, W))),
    "a @ (W / 2)": MatMul(a, Divide(W, number(2))),
    "a * (b @ W)": Product((a, MatMul(b, W))),
    "(a @ W) * b": Product((MatMul(a, W), b)),
    "a / (b @ W)": Divide(a, MatMul(b, W)),
    "(a @ W) / b": Divide(MatMul(a, W), b),
    "(a @ W)**2": Power(MatMul(a, W), number(2)),
    "-(a @ W)": minus(MatMul(a, W)),
    "(a @ W).T @ b": MatMul(Transpose(MatMul(a, W)), b),
    "(a + b).T": Transpose(Add((a, b))),
    "(-a).T": Transpose(minus(a)),
    "(a**2).T": Transpose(Power(a, number(2))),
    "a.T @ b": MatMul(Transpose(a), b),
    "(-a).sum(axis=0)": Reduce("sum", minus(a), 0),
    "(a**2).sum(axis=1)": Reduce("sum", Power(a, number(2)), 1),
    "(a @ W).max(axis=1)": Reduce("max", MatMul(a, W), 1),
    "(a + v).sum()": Reduce("sum", Add((a, v)), None),
    "a - a.max(axis=1)": Add((a, minus(Reduce("max", a, 1)))),
    "sum(a) / (N * n)": Divide(Reduce("sum", a, None), Product((SizeOf("N"), SizeOf("n")))),
    "a + v": Add((a, v)),
    "a * u": Product((a, u)),
    "u / a": Divide(u, a),
    "exp(a - b)": Call("exp", (Add((a, minus(b))),)),
    "exp(a)**2": Power(Call("exp", (a,)), number(2)),
    "max(a - b, c)": Call("max", (Add((a, minus(b))), c)),
    "where(a + b > c - v, a - b, c / v)": Where(
        Compare(">", Add((a, b)), Add((c, minus(v)))), Add((a, minus(b))), Divide(c, v)
    ),
    "where(...) * a - b": Add((Product((Where(Compare("<", a, b), a, b), c)), minus(b))),
    "where(a > 0, 1, 0) * b": Product((Where(Compare(">", a, number(0)), number(1), number(0)), b)),
    "where(a >= 0, 1/2, -1) + b": Add((Where(Compare(">=", a, number(0)), number("1/2"), number(-1)), b)),
    "-where(a > 0, 1, 0)": minus(Where(Compare(">", a, number(0)), number(1), number(0))),
    "where(a == a, a, b)": Where(Compare("==", a, a), a, b),
    "nested where": Where(Compare("<=", a, number(0)), minus(a), Where(Compare(">", b, number(1)), b, a)),
    "filled": Filled(Divide(number(1), Product((SizeOf("N"), SizeOf("n")))), ("N", "n")),
    "filled times a": Product((Filled(number("-1/3"), ("N", "n")), a)),
    "long fraction": Product((number("123456789/1000000007"), a)),
    "large number": Product((number(10**25), a)),
    "small number": Add((a, number("1/1000000000000000000000000000000"))),
}


@pytest.mark.parametrize("name", TRAPS)
def test_a_text_is_worth_what_its_tree_is_worth(name: str) -> None:
    assert same(TRAPS[name]), NumpyPrinter().text(TRAPS[name])


@pytest.mark.parametrize("name", TRAPS)
def test_a_text_is_one_expression_without_needless_outer_parentheses(name: str) -> None:
    text = NumpyPrinter().text(TRAPS[name])
    compile(text, "<text>", "eval")
    assert "\n" not in text


@pytest.mark.parametrize(
    ("node", "text"),
    [
        (TRAPS["(a - b) - c"], "(a - b) - c"),
        (Add((a, minus(b), minus(c))), "a - b - c"),
        (TRAPS["a - (b - c)"], "a - (b - c)"),
        (TRAPS["a / (b / c)"], "a / (b / c)"),
        (TRAPS["-(a**2)"], "-(a**2)"),
        (TRAPS["(a**3)**2"], "(a**3) ** 2"),
        (TRAPS["a**(3**2)"], "a ** 3**2"),
        (TRAPS["a.T @ b"], "a.T @ b"),
        (TRAPS["2 * a**2"], "2 * a**2"),
        (TRAPS["a @ (W @ W)"], "a @ (W @ W)"),
        (TRAPS["(a + b)**3"], "(a + b) ** 3"),
        (Add((MatMul(a, Transpose(W)), v)), "a @ W.T + v"),
        (Product((number("1/2"), a)), "0.5 * a"),
        (Reduce("sum", a, 0), "a.sum(axis=0)"),
        (Reduce("max", a, 1), "a.max(axis=1, keepdims=True)"),
    ],
)
def test_a_text_reads_as_people_write(node: Node, text: str) -> None:
    assert NumpyPrinter().text(node) == text


def test_the_comparison_sees_a_lost_parenthesis() -> None:
    class Flat(NumpyPrinter):
        def text(self, node: Node, binding: int = 1) -> str:
            return super().text(node, 0)

    values = _values()
    wrong = [name for name, node in TRAPS.items() if not _same_text(Flat().text(node), node, values)]
    assert {"a - (b - c)", "a / (b / c)", "(a * b)**2", "a * (b + c)", "a @ (W * W)"} <= set(wrong)


def _same_text(text: str, node: Node, values: Mapping[str, Value]) -> bool:
    try:
        with np.errstate(all="ignore"):
            found = eval(text, _scope(values))
    except (ValueError, TypeError, AttributeError, SyntaxError):
        return False
    expected = evaluate(node, values)
    return np.shape(found) == np.shape(expected) and np.allclose(found, expected, rtol=1e-13, equal_nan=True)


# Functions


@pytest.mark.parametrize("name", PRIMITIVES)
def test_a_primitive_is_computed_by_its_numpy_function(name: str) -> None:
    arguments: tuple[Node, ...] = (a, b) if name in ("max", "min", "hypot") else (a,)
    values = _values(positive=True)
    if name in ("asin", "acos", "atanh"):
        values["a"] = values["a"] / 3
    if name == "acosh":
        values["a"] = values["a"] + 1
    assert same(Call(name, arguments), values)


def test_every_primitive_of_the_programs_can_be_printed() -> None:
    assert set(PRIMITIVES) >= lowering.PRIMITIVES


def test_every_primitive_has_a_meaning_in_these_tests() -> None:
    assert set(PRIMITIVES) <= set(FUNCTIONS)


def test_a_function_of_the_program_is_called_by_its_name_in_code() -> None:
    assert NumpyPrinter({"silu′": "silu_slope"}).text(Call("silu′", (a,))) == "silu_slope(a)"


def test_a_function_that_nobody_defines_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="^no NumPy form for the function zeta$"):
        NumpyPrinter().text(Call("zeta", (a,)))


def test_a_node_of_a_kind_that_nobody_knows_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="^no NumPy form for Node: "):
        NumpyPrinter().text(Node())


# Types


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", [name for name in TRAPS if not name.startswith("sum(a)")])
def test_numbers_in_a_text_do_not_widen_float32(name: str, dtype: type[np.floating[Any]]) -> None:
    values = {name: np.asarray(value, dtype=dtype) for name, value in _values().items()}
    with np.errstate(all="ignore"):
        found = eval(NumpyPrinter().text(TRAPS[name]), {**_scope(values), "DTYPE": dtype})
    arrays = [part for part in walk(TRAPS[name]) if isinstance(part, Var | Filled)]
    if arrays:
        assert np.asarray(found).dtype == dtype


# Numbers


@given(st.fractions())
def test_an_exact_number_is_printed_to_the_nearest_float64(value: Fraction) -> None:
    printed = eval(NumpyPrinter().text(Number(value)))
    expected = float(value) if abs(value) < Fraction(10**300) else math.inf
    assert printed == pytest.approx(expected, rel=1e-15, abs=1e-320)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_real_number_is_printed_exactly(value: float) -> None:
    assert eval(NumpyPrinter().text(Real(value))) == value


# Random trees


def _nodes() -> st.SearchStrategy[Node]:
    leaves = st.sampled_from([a, b, c, v, u, s, number(2), number("-1/3"), Real(-1.5), number(3)])

    def extended(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
        pairs = st.tuples(inner, inner)
        return st.one_of(
            st.lists(inner, min_size=2, max_size=3).map(lambda terms: Add(tuple(terms))),
            st.lists(inner, min_size=2, max_size=3).map(lambda factors: Product(tuple(factors))),
            inner.map(minus),
            pairs.map(lambda pair: Divide(*pair)),
            st.tuples(inner, st.sampled_from([number(2), number(3), number(-1)])).map(lambda pair: Power(*pair)),
            inner.map(lambda node: Call("tanh", (node,))),
            st.tuples(st.sampled_from([">", "<="]), inner, inner, inner).map(
                lambda parts: Where(Compare(parts[0], parts[1], parts[2]), Add((a, parts[3])), a)
            ),
        )

    return st.recursive(leaves, extended, max_leaves=12)


@given(_nodes())
def test_a_random_tree_is_printed_to_its_worth(node: Node) -> None:
    values = _values()
    with np.errstate(all="ignore"):
        expected, found = evaluate(node, values), eval(NumpyPrinter().text(node), _scope(values))
    assert np.shape(found) == np.shape(expected) == tuple(SIZES.get(size, size) for size in shape_of(node))
    # Products are printed with the sign in front; that changes no bit. Fractions are divided where they stand.
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


def test_the_width_of_a_node_is_that_of_its_text() -> None:
    assert width_of({"f": "name"})(Call("f", (Add((a, b)),))) == len("name(a + b)")
