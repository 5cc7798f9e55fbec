"""The symbolic oracle: right equations are zero differences, and every kind of wrong equation is seen."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy as sp

from symmlp.deriving import derive
from symmlp.errors import UnsupportedError
from symmlp.matrix import (
    Add,
    Call,
    Compare,
    Constant,
    Divide,
    Filled,
    MatMul,
    Node,
    Number,
    Power,
    Product,
    Reduce,
    SizeOf,
    Transpose,
    Var,
    Where,
    rebuild,
)
from symmlp.spec import Dense, Network
from symmlp.verification import Check
from symmlp.verification.claims import spread
from symmlp.verification.evaluation import Evaluation
from symmlp.verification.expansion import Expander, Meaning, entries
from symmlp.verification.symbolic import MatrixEquation, check_equations
from symmlp.verification.windows import Window, tree_size, windows

NETWORKS = (
    "4 -> 16 tanh -> 3 softmax | cross_entropy",
    "3 -> 5 softplus -> 2 | mse",
    "6 -> 5 relu -> 4 gelu -> 3 elu -> 2 | mae",
    "4 -> 3 sigmoid | bce",
    "4 -> 5 silu -> 3 | bce_with_logits",
    "5 -> 4 {x*tanh(log(1 + exp(x)))} -> 3 {x/(1 + abs(x))} -> 2 | {log(cosh(p - y))}",
    "5 -> 4 leaky_relu -> 1 | {where(abs(p - y) < 1, (p - y)**2/2, abs(p - y) - 1/2)}",
    "4 -> 3 softmax -> 2 | mse",
    "7 -> 7 tanh -> 7 tanh -> 7 | mse",
)


@dataclass(frozen=True)
class Written:
    """An equation and nothing else."""

    target: str
    value: Node


@functools.cache
def equations(text: str) -> tuple[Written, ...]:
    derivation = derive(Network.parse(text))
    found = (*derivation.forward, derivation.loss, *derivation.backward)
    return tuple(Written(equation.target, equation.value) for equation in found)


def checked(network: Network, written: tuple[MatrixEquation, ...]) -> list[Check]:
    return list(check_equations(network, written, 0))


@pytest.mark.parametrize("text", NETWORKS)
def test_derived_equations_are_exact(text: str) -> None:
    checks = checked(Network.parse(text), equations(text))
    assert [check.ok for check in checks] == [True] * len(checks)
    assert len(checks) >= 2


def test_cancellation_at_a_saturated_output_is_no_difference() -> None:
    text = "4 -> 5 {x**3} -> 3 {exp(x)} -> 2 sigmoid | bce"
    assert all(check.ok for check in checked(Network.parse(text), equations(text)))


@pytest.mark.parametrize("reduction", ["sum", "mean", "batch_mean"])
def test_equations_are_exact_in_every_reduction(reduction: str) -> None:
    network = Network(inputs=4, layers=(Dense(3, "tanh", bias=False), Dense(2)), loss="mse", reduction=reduction)
    derivation = derive(network)
    found = (*derivation.forward, derivation.loss, *derivation.backward)
    assert all(check.ok for check in checked(network, found))


def test_without_equations_there_is_nothing_to_check() -> None:
    assert checked(Network.parse(NETWORKS[0]), ()) == []


def test_short_differences_are_also_proven_zero() -> None:
    assert "2 of 2 arrays also proven" in checked(Network.parse(NETWORKS[1]), equations(NETWORKS[1]))[0].note


TEXT = "3 -> 5 softplus -> 2 | mse"


def scaled(node: Node) -> Node:
    return Product((Number(Fraction(2)), node))


def negative(node: Node) -> Node:
    return Product((Number(Fraction(-1)), node))


def times_batch(node: Node) -> Node:
    return Product((SizeOf("N"), node))


def nearly(node: Node) -> Node:
    return Product((Number(1 + Fraction(1, 10**30)), node))


MISTAKES: dict[str, tuple[str, Callable[[Node], Node]]] = {
    "a factor 2 in dW2": ("dW2", scaled),
    "the sign of dW1": ("dW1", negative),
    "1/N missing in dP": ("dP", times_batch),
    "dA1 is too large by 1e-30": ("dA1", nearly),
    "a bias gradient along the wrong axis": ("db1", lambda node: Reduce("sum", next(iter(node.children())), 1)),
    "dW2 transposed": ("dW2", Transpose),
    "the slope missing in dZ1": ("dZ1", lambda node: next(iter(node.children()))),
    "the loss without 1/N": ("L", times_batch),
    "another activation": ("A1", lambda node: Call("tanh", tuple(node.children()))),
    "the gradient of one sample for all": ("db2", lambda node: Reduce("max", next(iter(node.children())), 0)),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_wrong_equation_is_seen(mistake: str) -> None:
    target, change = MISTAKES[mistake]
    wrong = tuple(
        replace(each, value=change(each.value)) if each.target == target else each for each in equations(TEXT)
    )
    assert any(check.ok is False for check in checked(Network.parse(TEXT), wrong))


@pytest.mark.parametrize("target", ["dW1", "db1", "dW2", "db2", "L", "A1", "dP"])
def test_a_missing_equation_is_named(target: str) -> None:
    some = tuple(each for each in equations(TEXT) if each.target != target)
    notes = [check.note for check in checked(Network.parse(TEXT), some) if check.ok is False]
    assert notes
    assert any(note.startswith("no equation gives ") for note in notes)


def test_square_weights_do_not_hide_a_transposed_gradient() -> None:
    text = "7 -> 7 tanh -> 7 tanh -> 7 | mse"
    wrong = tuple(
        replace(each, value=Transpose(each.value)) if each.target == "dW2" else each for each in equations(text)
    )
    assert any(check.ok is False for check in checked(Network.parse(text), wrong))


def test_square_weights_do_not_hide_weights_used_without_their_transpose() -> None:
    text = "7 -> 7 tanh -> 7 tanh -> 7 | mse"

    def untransposed(node: Node) -> Node:
        return node.operand if isinstance(node, Transpose) else rebuild(node, untransposed)

    wrong = tuple(
        replace(each, value=untransposed(each.value)) if each.target == "Z1" else each for each in equations(text)
    )
    assert any(check.ok is False for check in checked(Network.parse(text), wrong))


def test_the_wrong_array_is_named_with_its_layer() -> None:
    wrong = tuple(replace(each, value=scaled(each.value)) if each.target == "dW2" else each for each in equations(TEXT))
    (check,) = [check for check in checked(Network.parse(TEXT), wrong) if check.ok is False]
    assert (check.parameter, check.layer, check.error) == ("dW2", 2, 1.0)


def test_a_function_without_definition_is_refused() -> None:
    wrong = tuple(
        replace(each, value=Call("mystery", tuple(each.value.children()))) if each.target == "A1" else each
        for each in equations(TEXT)
    )
    with pytest.raises(UnsupportedError, match="no definition for the function mystery"):
        checked(Network.parse(TEXT), wrong)


def test_a_deep_network_is_checked_at_both_ends_and_says_what_it_leaves_out() -> None:
    text = " -> ".join(["3", *["4 tanh"] * 17, "2"]) + " | mse"
    checks = checked(Network.parse(text), equations(text))
    assert "4 inner layers left out" in checks[-1].note
    assert all(check.ok for check in checks)


def test_a_mistake_in_an_inner_layer_is_seen() -> None:
    text = "3 -> 4 tanh -> 5 tanh -> 6 tanh -> 2 | mse"
    wrong = tuple(replace(each, value=scaled(each.value)) if each.target == "dW2" else each for each in equations(text))
    assert [check.name for check in checked(Network.parse(text), wrong) if check.ok is False] == [
        "symbolic, other layers"
    ]


def test_windows_hold_every_layer() -> None:
    network = Network.parse("3 -> 4 tanh -> 5 tanh -> 6 tanh -> 2 | mse")
    assert [window.name for window in windows(network)] == ["the loss", "layers 3-4 and the loss", "layer 1", "layer 2"]


def test_two_layers_are_taken_apart_when_their_scalar_is_too_large() -> None:
    network = Network.parse("5 -> 6 softmax -> 4 softmax -> 3 softmax | cross_entropy")
    assert [window.name for window in windows(network)] == ["the loss", "layer 3 and the loss", "layer 1", "layer 2"]


def test_small_sizes_differ_where_the_network_s_do_and_from_the_batch() -> None:
    sizes = Window(Network.parse("9 -> 8 tanh -> 7 | mse"), 1, 2).sizes
    assert sizes == {"N": 2, 7: 3, 8: 4, 9: 5}


def test_a_single_unit_stays_single() -> None:
    assert Window(Network.parse("9 -> 8 tanh -> 1 | mse"), 1, 2).sizes == {"N": 2, 1: 1, 8: 3, 9: 4}


def test_targets_of_a_simplex_sum_to_one() -> None:
    window = Window(Network.parse("4 -> 3 softmax | cross_entropy"), 1, 1)
    assert [sp.expand(sum(row)) for row in window.given["Y"]] == [1, 1]


def test_a_tree_counts_equal_parts_as_often_as_they_occur() -> None:
    x = sp.Symbol("x")
    assert tree_size(sp.exp(sp.sin(x)) + sp.sin(x)) == 6


@pytest.mark.parametrize("shape", [(3, 4), (5, 3), (2, 7), (4,), (1, 6)])
def test_spread_entries_share_no_row_and_no_column(shape: tuple[int, ...]) -> None:
    places = spread(shape)
    assert len(places) == min(3, *shape)
    assert all(len({place[axis] for place in places}) == len(places) for axis in range(len(shape)))


A = Var("A", ("N", 5))
B = Var("B", (4, 5))
V = Var("v", (5,))

NODES: dict[str, tuple[Node, Callable[..., np.ndarray]]] = {
    "product": (MatMul(A, Transpose(B)), lambda a, b, v: a @ b.T),
    "sum with a row": (Add((A, V, Number(Fraction(1, 3)))), lambda a, b, v: a + v + 1 / 3),
    "hadamard": (Product((A, A, V)), lambda a, b, v: a * a * v),
    "quotient": (Divide(A, Add((Number(Fraction(3)), Product((V, V))))), lambda a, b, v: a / (3 + v * v)),
    "power": (Power(A, Number(Fraction(3))), lambda a, b, v: a**3),
    "sum over rows": (Reduce("sum", A, 0), lambda a, b, v: a.sum(axis=0)),
    "sum along a row": (Reduce("sum", A, 1), lambda a, b, v: a.sum(axis=1, keepdims=True)),
    "sum of all": (Reduce("sum", A, None), lambda a, b, v: a.sum()),
    "maximum along a row": (Reduce("max", A, 1), lambda a, b, v: a.max(axis=1, keepdims=True)),
    "sizes": (Divide(A, Product((SizeOf("N"), SizeOf(5)))), lambda a, b, v: a / (2 * 3)),
    "constant": (Product((Constant("pi"), V)), lambda a, b, v: np.pi * v),
    "filled": (MatMul(Transpose(Filled(Number(Fraction(2)), ("N", 4))), A), lambda a, b, v: np.full((2, 4), 2.0).T @ a),
    "call": (Call("exp", (A,)), lambda a, b, v: np.exp(a)),
    "call of two": (Call("max", (A, V)), lambda a, b, v: np.maximum(a, v)),
    "activation": (Call("tanh", (A,)), lambda a, b, v: np.tanh(a)),
    "slope": (Call("tanh\N{PRIME}", (A,)), lambda a, b, v: 1 - np.tanh(a) ** 2),
    "user's activation": (Call("f1", (V,)), lambda a, b, v: v / (1 + np.abs(v))),
    "user's slope": (Call("f1\N{PRIME}", (V,)), lambda a, b, v: (1 + np.abs(v)) ** -2.0),
    "row function": (
        Call("softmax", (A,)),
        lambda a, b, v: np.exp(a) / np.exp(a).sum(axis=1, keepdims=True),
    ),
    "loss": (Call("loss", (A, V)), lambda a, b, v: np.cosh(a - v)),
    "loss's slope": (Call("loss\N{PRIME}", (A, V)), lambda a, b, v: np.sinh(a - v)),
    "branches": (Where(Compare("<=", A, V), A, Product((A, A))), lambda a, b, v: np.where(a <= v, a, a * a)),
}

MEANING = Meaning(Network.parse("5 -> 4 {x/(1 + abs(x))} -> 6 tanh -> 3 softmax | {cosh(p - y)}"))


@pytest.mark.parametrize("name", NODES)
def test_a_node_written_out_has_the_value_of_numpy(name: str) -> None:
    node, expected = NODES[name]
    generator = np.random.default_rng(0)
    numbers = {"A": generator.normal(size=(2, 3)), "B": generator.normal(size=(4, 3)), "v": generator.normal(size=3)}
    symbols = {
        key: np.array([sp.Symbol(f"{key}{i}", real=True) for i in range(value.size)]) for key, value in numbers.items()
    }
    arrays = {key: entries(symbols[key].reshape(value.shape)) for key, value in numbers.items()}
    found = Expander(arrays, {"N": 2, 5: 3, 4: 4}, MEANING).of(node)
    flat = [symbol for each in symbols.values() for symbol in each]
    values = [float(number) for each in numbers.values() for number in each.flat]
    functions = Evaluation(mpmath.fp).functions(list(found.flat), flat)
    exact = expected(*numbers.values())
    assert found.shape == np.shape(exact)
    np.testing.assert_allclose([function(values) for function in functions], np.ravel(exact), rtol=1e-13)


@pytest.mark.parametrize(
    ("node", "match"),
    [
        (SizeOf(99), "no small size for 99; expected one of N, 5, 4"),
        (Reduce("median", A, 1), "no expansion of the reduction median"),
        (Call("softmax\N{PRIME}", (A,)), "no definition for the function softmax"),
        (Compare("<", A, V), "no expansion of Compare"),
    ],
)
def test_a_node_without_expansion_is_refused(node: Node, match: str) -> None:
    arrays = {"A": entries(np.full((2, 3), sp.Integer(1))), "v": entries(np.full(3, sp.Integer(1)))}
    with pytest.raises(UnsupportedError, match=match):
        Expander(arrays, {"N": 2, 5: 3, 4: 4}, MEANING).of(node)
