"""Delta contraction: equal to the sums written out, with clashes, scopes and ranges as calculation by hand has them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st
from sympy import KroneckerDelta, Sum

from symmlp.calculus.index_notation import PRIME, Index, contract, contractions, range_of, renamed, terms
from symmlp.errors import UnsupportedError
from symmlp.notation import (
    N,
    array,
    batch,
    column,
    column_of_wrt,
    inner,
    m,
    n,
    other,
    row_of_wrt,
)
from tests.calculus.entries import Entries, World

p, i, j, k, a, c = batch, column, other, inner, row_of_wrt, column_of_wrt
SIZE: dict[Index, sp.Expr] = {p: N, a: N, i: n, j: n, c: n, k: m}
NUMBERS = {"N": 2, "n": 3, "m": 4}
U, V, Q, S, T = (array(name) for name in "UVQST")
SHAPES = {"U": (2, 3), "V": (2, 3), "Q": (3,), "S": (3, 3), "T": (3, 4)}
i_prime, j_prime = (sp.Symbol(name + PRIME, integer=True) for name in "ij")


def entries(seed: int) -> World:
    """Return arrays of exact numbers, no two of them equal by design, none zero."""
    rng = np.random.default_rng(seed)
    arrays = {name: rng.integers(1, 100, shape) for name, shape in SHAPES.items()}
    return World({name: each.astype(object) + sp.Integer(0) for name, each in arrays.items()}, NUMBERS)


def same_everywhere(found: sp.Expr, expected: sp.Expr, seed: int = 0) -> bool:
    """Return whether two expressions have the same value wherever their free indices a and c are."""
    world = entries(seed)
    places = [dict(zip((a, c), each, strict=True)) for each in product(range(NUMBERS["N"]), range(NUMBERS["n"]))]
    return all(world.at(found, each) == world.at(expected, each) for each in places)


CONTRACTED = {
    "one delta": (Sum(KroneckerDelta(a, p) * U[p, c], (p, 1, N)), U[a, c]),
    "a delta for each of two sums": (
        Sum(KroneckerDelta(a, p) * KroneckerDelta(c, i) * U[p, i], (p, 1, N), (i, 1, n)),
        U[a, c],
    ),
    "a delta that ties two summed indices": (
        Sum(KroneckerDelta(i, j) * U[a, i] * V[a, j], (i, 1, n), (j, 1, n)),
        Sum(U[a, j] * V[a, j], (j, 1, n)),
    ),
    "a chain of deltas": (
        Sum(KroneckerDelta(c, i) * KroneckerDelta(i, j) * S[i, j], (i, 1, n), (j, 1, n)),
        S[c, c],
    ),
    "a delta between free indices stays": (
        Sum(KroneckerDelta(c, i) * KroneckerDelta(i, column_of_wrt) * Q[i], (i, 1, n)),
        Q[c],
    ),
    "a delta inside a nested sum": (
        Sum(V[a, i] * Sum(KroneckerDelta(c, j) * S[i, j], (j, 1, n)), (i, 1, n)),
        Sum(S[i, c] * V[a, i], (i, 1, n)),
    ),
    "a delta in one term only": (
        Sum(KroneckerDelta(c, i) * Q[i] + S[i, c], (i, 1, n)),
        Q[c] + Sum(S[i, c], (i, 1, n)),
    ),
    "a sum of ones": (Sum(KroneckerDelta(a, p) * Q[c], (p, 1, N), (i, 1, n)), n * Q[c]),
    "nothing to contract": (Sum(U[a, i] * T[i, k], (i, 1, n), (k, 1, m)), Sum(U[a, i] * T[i, k], (i, 1, n), (k, 1, m))),
}


@pytest.mark.parametrize("case", CONTRACTED)
def test_a_contraction_is_what_one_writes_by_hand(case: str) -> None:
    expr, expected = CONTRACTED[case]
    assert contract(expr, SIZE) == expected


@pytest.mark.parametrize("case", CONTRACTED)
def test_a_contraction_has_the_value_of_the_sum_written_out(case: str) -> None:
    expr, _ = CONTRACTED[case]
    assert same_everywhere(contract(expr, SIZE), expr)


@pytest.mark.parametrize(("index", "size"), [(p, N), (i, n), (k, m)])
def test_a_sum_of_ones_is_the_size_of_the_axis(index: Index, size: sp.Symbol) -> None:
    assert contract(Sum(sp.Integer(1), (index, 1, size)), SIZE) == size


def test_a_factor_without_the_summed_index_comes_out_of_the_sum() -> None:
    assert contract(Sum(Q[c] * U[a, i], (i, 1, n)), SIZE) == Q[c] * Sum(U[a, i], (i, 1, n))


def test_the_product_of_two_sums_over_one_index_gets_a_prime() -> None:
    squared = Sum(U[a, i], (i, 1, n)) * Sum(V[a, i], (i, 1, n))
    (term,) = terms(squared)
    assert set(term.bound) == {i, i_prime}
    assert same_everywhere(contract(squared, SIZE), squared)


def test_three_sums_over_one_index_get_one_and_two_primes() -> None:
    cubed = Sum(U[a, i], (i, 1, n)) * Sum(V[a, i], (i, 1, n)) * Sum(Q[i], (i, 1, n))
    (term,) = terms(cubed)
    assert {str(index) for index in term.bound} == {"i", "i" + PRIME, "i" + 2 * PRIME}


def test_a_sum_nested_in_a_sum_over_the_same_index_gets_a_prime() -> None:
    nested = Sum(U[a, i] * Sum(V[a, i], (i, 1, n)), (i, 1, n))
    assert same_everywhere(contract(nested, SIZE), nested)
    assert same_everywhere(contract(nested * KroneckerDelta(a, a), SIZE), nested)


def test_a_sum_whose_body_is_a_sum_over_the_same_index_counts_twice() -> None:
    twice = Sum(Sum(KroneckerDelta(c, j), (j, 1, n)), (j, 1, n))
    assert contract(twice, SIZE) == n


def test_a_sum_does_not_catch_the_index_of_a_factor_that_stands_after_it() -> None:
    product = sp.Mul(Sum(Q[i] + 1, (i, 1, n)), U[a, i], evaluate=False)
    (*_, term) = terms(product)
    assert i not in term.bound
    assert same_everywhere(contract(Sum(product, (i, 1, n)), SIZE), Sum(product, (i, 1, n)))


def test_a_summed_index_that_is_free_beside_the_sum_gets_a_prime() -> None:
    mixed = Sum(Q[i] * Sum(S[i, j], (j, 1, n)) * KroneckerDelta(i, c) * Sum(U[a, i], (i, 1, n)), (i, 1, n))
    assert same_everywhere(contract(mixed, SIZE), mixed)


def test_an_index_summed_in_a_denominator_is_left_alone() -> None:
    softmax_like = Sum(KroneckerDelta(c, j) * U[a, j] / Sum(V[a, j], (j, 1, n)), (j, 1, n))
    assert contract(softmax_like, SIZE) == U[a, c] / Sum(V[a, j], (j, 1, n))


def test_a_sum_in_a_denominator_does_not_catch_the_index_that_comes_in() -> None:
    caught = Sum(KroneckerDelta(i, j) * Q[j] / Sum(S[i, j], (j, 1, n)), (i, 1, n), (j, 1, n))
    assert contract(caught, SIZE) == Sum(Q[j] / Sum(S[j, j_prime], (j_prime, 1, n)), (j, 1, n))
    assert same_everywhere(contract(caught, SIZE), caught)


def test_the_comparison_refuses_a_caught_index() -> None:
    right = Sum(Q[j] / Sum(S[j, j_prime], (j_prime, 1, n)), (j, 1, n))
    caught = Sum(Q[j] / Sum(S[j, j], (j, 1, n)), (j, 1, n))
    assert not same_everywhere(caught, right)


@pytest.mark.parametrize(
    "wrong",
    [2 * U[a, c], V[a, c], Sum(U[a, i], (i, 1, n)), U[a, c] + 1, KroneckerDelta(a, c) * U[a, c]],
)
def test_the_comparison_refuses_a_wrong_contraction(wrong: sp.Expr) -> None:
    assert not same_everywhere(wrong, CONTRACTED["one delta"][0])


def test_each_contraction_names_the_index_and_what_replaces_it() -> None:
    expr, _ = CONTRACTED["a delta for each of two sums"]
    assert [(step.replaced, step.by) for step in contractions(expr, SIZE)] == [(p, a), (i, c)]


@pytest.mark.parametrize("case", CONTRACTED)
def test_every_contraction_on_the_way_is_an_equality(case: str) -> None:
    expr, _ = CONTRACTED[case]
    assert all(same_everywhere(step.after, expr) for step in contractions(expr, SIZE))


def test_renaming_leaves_a_sum_that_binds_the_index_alone() -> None:
    assert renamed(Q[i] + Sum(U[a, i], (i, 1, n)), i, c) == Q[c] + Sum(U[a, i], (i, 1, n))


def test_renaming_gives_way_to_a_sum_that_binds_the_new_index() -> None:
    assert renamed(Sum(S[i, j], (j, 1, n)), i, j) == Sum(S[j, j_prime], (j_prime, 1, n))


def test_a_prime_keeps_the_range() -> None:
    assert range_of(sp.Symbol("k" + 3 * PRIME, integer=True), SIZE) == m


def test_an_index_without_a_range_is_refused_by_name() -> None:
    stranger = sp.Symbol("q", integer=True)
    with pytest.raises(UnsupportedError, match="index q has no range; expected one of p, "):
        contract(Sum(Q[stranger], (stranger, 1, n)), SIZE)


SAME_RANGE: tuple[tuple[Index, ...], ...] = ((p, a), (i, j, c), (k,))
"""Only indices of one range can be tied."""
SUMMED = {p: N, i: n, j: n, k: m}


@dataclass(frozen=True)
class Draw:
    """Draws parts of an expression whose indices are free or summed around it."""

    choose: Callable[[Sequence[Any]], Any]

    def factor(self, depth: int) -> sp.Expr:
        """Return an entry, a delta, a number or, above depth 0, something with a sum in it."""
        kinds = ["entry", "entry", "delta", "number"] + (["sum", "addition", "quotient"] if depth else [])
        match self.choose(kinds):
            case "delta":
                group = self.choose(SAME_RANGE[:2])
                return KroneckerDelta(self.choose(group), self.choose(group))
            case "number":
                return sp.Integer(self.choose([2, -3]))
            case "sum":
                return self.sum(depth - 1)
            case "addition":
                return self.product(depth - 1) + self.product(depth - 1)
            case "quotient":
                index = self.choose([i, j])
                return 1 / Sum(S[self.choose([i, j, c]), index], (index, 1, n))
            case _:
                return self.entry()

    def entry(self) -> sp.Expr:
        """Return an entry of an array."""
        name = self.choose([U, V, Q, S, T])
        axes = {U: (0, 1), V: (0, 1), Q: (1,), S: (1, 1), T: (1, 2)}[name]
        return name[tuple(self.choose(SAME_RANGE[axis]) for axis in axes)]

    def product(self, depth: int) -> sp.Expr:
        """Return a product of up to three factors."""
        return sp.Mul(*(self.factor(depth) for _ in range(self.choose([1, 2, 3]))))

    def sum(self, depth: int) -> sp.Expr:
        """Return a sum over one or two indices."""
        bound = self.choose([(p,), (i,), (j,), (i, j), (p, i), (i, k)])
        return Sum(self.product(depth), *((index, 1, SUMMED[index]) for index in bound))

    def closed(self, depth: int) -> sp.Expr:
        """Return a sum in which every index but a and c is summed, whatever was drawn."""
        drawn = self.sum(depth) * self.factor(1) + self.sum(depth - 1)
        left = sorted(drawn.free_symbols & set(SUMMED), key=str)
        return Sum(drawn, *((index, 1, SUMMED[index]) for index in left)) if left else drawn


@st.composite
def index_expressions(draw: st.DrawFn) -> sp.Expr:
    """Draw sums of products of entries and deltas, nested, with clashing names and denominators."""
    return Draw(lambda options: draw(st.sampled_from(options))).closed(2)


@given(index_expressions(), st.integers(0, 99))
def test_any_contracted_expression_equals_the_sums_written_out(expr: sp.Expr, seed: int) -> None:
    assert same_everywhere(contract(expr, SIZE), expr, seed)


@given(index_expressions())
def test_no_contracted_expression_has_a_delta_with_a_summed_index(expr: sp.Expr) -> None:
    for term in terms(contract(expr, SIZE)):
        tied = [factor for factor in term.factors if isinstance(factor, KroneckerDelta)]
        assert not any(set(delta.args) & set(term.bound) for delta in tied)


def test_arrays_of_the_tests_have_the_shapes_of_their_indices() -> None:
    found: dict[str, Entries] = dict(entries(0).arrays)
    assert {name: each.shape for name, each in found.items()} == SHAPES
