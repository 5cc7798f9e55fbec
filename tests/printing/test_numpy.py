"""NumPy expressions: their text, evaluated by Python, is worth what the tree is worth."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symmlp.calculus import error_functions
from symmlp.calculus.splitting import leading
from symmlp.errors import UnsupportedError
from symmlp.generation import generate
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
    Transpose,
    Var,
    Where,
    shape_of,
    walk,
)
from symmlp.printing.numpy import PRIMITIVES, NumpyPrinter, width_of
from symmlp.program import lowering
from symmlp.spec import Network
from symmlp.verification.loading import load_text
from tests.printing.evaluation import FUNCTIONS, SIZES, Value, evaluate, number
from tests.printing.trees import TRAPS, W, a, b, c, minus, s, u, v, values


def _scope(arrays: Mapping[str, Value]) -> dict[str, Any]:
    scope = {"np": np, "DTYPE": np.float64, "erf": error_functions.erf, "erfc": error_functions.erfc}
    scope |= {"erfcx": error_functions.erfcx, "leading": leading, "simplex_support": _library().simplex_support}
    return {**scope, **arrays, **{str(name): size for name, size in SIZES.items()}}


@cache
def _library() -> Any:
    """Return a module that brings along what NumPy does not have."""
    return load_text(generate(Network.parse("2 -> 3 sparsemax -> 2 | mse")))


def same(node: Node, arrays: Mapping[str, Value] | None = None) -> bool:
    """Return whether the printed text is worth what the tree is worth, in value and shape."""
    known = values() if arrays is None else arrays
    with np.errstate(all="ignore"):
        found, expected = eval(NumpyPrinter().text(node), _scope(known)), evaluate(node, known)
    return np.shape(found) == np.shape(expected) and np.allclose(found, expected, rtol=1e-13, atol=0, equal_nan=True)


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

    wrong = [name for name, node in TRAPS.items() if not _same_text(Flat().text(node), node, values())]
    assert {"a - (b - c)", "a / (b / c)", "(a * b)**2", "a * (b + c)", "a @ (W * W)"} <= set(wrong)


def _same_text(text: str, node: Node, arrays: Mapping[str, Value]) -> bool:
    try:
        with np.errstate(all="ignore"):
            found = eval(text, _scope(arrays))
    except (ValueError, TypeError, AttributeError, SyntaxError):
        return False
    expected = evaluate(node, arrays)
    return np.shape(found) == np.shape(expected) and np.allclose(found, expected, rtol=1e-13, equal_nan=True)


@pytest.mark.parametrize("name", PRIMITIVES)
def test_a_primitive_is_computed_by_its_numpy_function(name: str) -> None:
    arguments: tuple[Node, ...] = (a, b) if name in ("max", "min", "hypot", "copysign") else (a,)
    arrays = values(positive=True)
    if name in ("asin", "acos", "atanh"):
        arrays["a"] = arrays["a"] / 3
    if name == "acosh":
        arrays["a"] = arrays["a"] + 1
    if name == "simplex_support":
        arrays["a"] = 2 * (arrays["a"] - arrays["a"].max(axis=1, keepdims=True))
    assert same(Call(name, arguments), arrays)


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


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", [name for name in TRAPS if not name.startswith("sum(a)")])
def test_numbers_in_a_text_do_not_widen_float32(name: str, dtype: type[np.floating[Any]]) -> None:
    arrays = {name: np.asarray(value, dtype=dtype) for name, value in values().items()}
    with np.errstate(all="ignore"):
        found = eval(NumpyPrinter().text(TRAPS[name]), {**_scope(arrays), "DTYPE": dtype})
    if any(isinstance(part, Var | Filled) for part in walk(TRAPS[name])):
        assert np.asarray(found).dtype == dtype


@given(st.fractions())
def test_an_exact_number_is_printed_to_the_nearest_float64(value: Fraction) -> None:
    printed = eval(NumpyPrinter().text(Number(value)))
    expected = float(value) if abs(value) < Fraction(10**300) else math.inf
    assert printed == pytest.approx(expected, rel=1e-15, abs=1e-320)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_real_number_is_printed_exactly(value: float) -> None:
    assert eval(NumpyPrinter().text(Real(value))) == value


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
    arrays = values()
    with np.errstate(all="ignore"):
        expected, found = evaluate(node, arrays), eval(NumpyPrinter().text(node), _scope(arrays))
    assert np.shape(found) == np.shape(expected) == tuple(SIZES.get(size, size) for size in shape_of(node))
    # Products are printed with the sign in front; that changes no bit. Fractions are divided where they stand.
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


def test_the_width_of_a_node_is_that_of_its_text() -> None:
    assert width_of({"f": "name"})(Call("f", (Add((a, b)),))) == len("name(a + b)")
