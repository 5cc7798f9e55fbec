"""Matrix expressions: their shapes, what they read, how they are rewritten."""

from __future__ import annotations

from fractions import Fraction

import pytest

from symmlp.errors import ProgramError
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
    Real,
    Reduce,
    Shape,
    SizeOf,
    Transpose,
    Var,
    Where,
    filled,
    rebuild,
    shape_of,
    shape_text,
    sizes_used,
    substitute,
    variables,
    walk,
)

X, W, b, Y = Var("X", ("N", 4)), Var("W", (3, 4)), Var("b", (3,)), Var("Y", ("N", 3))
TWO, HALF = Number(Fraction(2)), Number(Fraction(1, 2))
Z = Add((MatMul(X, Transpose(W)), b))
ROWMAX = Reduce("max", Y, 1)

SHAPES: list[tuple[Node, Shape]] = [
    (X, ("N", 4)),
    (TWO, ()),
    (Real(0.5), ()),
    (Constant("pi"), ()),
    (SizeOf("N"), ()),
    (Transpose(W), (4, 3)),
    (Transpose(b), (3,)),
    (MatMul(X, Transpose(W)), ("N", 3)),
    (Z, ("N", 3)),
    (Add((b, TWO)), (3,)),
    (Add((Y, ROWMAX)), ("N", 3)),
    (Product((HALF, Y, b)), ("N", 3)),
    (Divide(Y, SizeOf("N")), ("N", 3)),
    (Divide(TWO, Y), ("N", 3)),
    (Power(Y, TWO), ("N", 3)),
    (Reduce("sum", Y, None), ()),
    (Reduce("sum", Y, 0), (3,)),
    (Reduce("sum", Y, 1), ("N", 1)),
    (ROWMAX, ("N", 1)),
    (Call("tanh", (Y,)), ("N", 3)),
    (Call("loss", (Y, b)), ("N", 3)),
    (Filled(TWO, ("N", 3)), ("N", 3)),
    (Where(Compare(">", Y, TWO), Y, TWO), ("N", 3)),
]


@pytest.mark.parametrize(("node", "shape"), SHAPES, ids=lambda value: type(value).__name__)
def test_the_shape_of_an_expression_follows_from_its_operands(node: Node, shape: Shape) -> None:
    assert shape_of(node) == shape


@pytest.mark.parametrize(
    ("node", "message"),
    [
        (MatMul(X, W), r"matrix product of shapes \(N, 4\) and \(3, 4\)"),
        (MatMul(Transpose(X), Transpose(Y)), r"matrix product of shapes \(4, N\) and \(3, N\)"),
        (MatMul(X, b), r"matrix product of shapes \(N, 4\) and \(3,\)"),
        (MatMul(X, TWO), r"matrix product of shapes \(N, 4\) and \(\)"),
        (Add((X, Y)), r"Add of shapes \(N, 4\) and \(N, 3\)"),
        (Add((Transpose(Y), b)), r"Add of shapes \(3, N\) and \(3,\)"),
        (Product((X, b)), r"Product of shapes \(N, 4\) and \(3,\)"),
        (Divide(X, Y), r"Divide of shapes \(N, 4\) and \(N, 3\)"),
        (Where(Compare(">", X, TWO), X, Y), r"Where of shapes \(N, 4\) and \(N, 4\) and \(N, 3\)"),
        (Call("f", (X, Y)), r"Call of shapes \(N, 4\) and \(N, 3\)"),
        (Reduce("sum", b, 1), r"reduction over axis 1 of shape \(3,\); expected a matrix"),
        (Reduce("sum", TWO, 0), r"reduction over axis 0 of shape \(\); expected a matrix"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_operands_that_do_not_fit_are_refused_with_both_shapes(node: Node, message: str) -> None:
    with pytest.raises(ProgramError, match=f"^{message}$"):
        shape_of(node)


def test_a_fault_deep_inside_is_found() -> None:
    with pytest.raises(ProgramError, match="matrix product"):
        shape_of(Call("tanh", (Add((TWO, Product((TWO, MatMul(X, W))))),)))


def test_a_node_of_a_kind_that_nobody_knows_has_no_shape() -> None:
    with pytest.raises(ProgramError, match="^no shape rule for Node$"):
        shape_of(Node())


@pytest.mark.parametrize(("shape", "text"), [((), "()"), ((3,), "(3,)"), (("N", 3), "(N, 3)"), ((2, 5), "(2, 5)")])
def test_a_shape_is_written_as_python_does(shape: Shape, text: str) -> None:
    assert shape_text(shape) == text


def test_variables_are_the_arrays_that_are_read() -> None:
    assert variables(Where(Compare(">", Z, TWO), Call("f", (Y,)), Filled(TWO, ("N", 3)))) == {"X", "W", "b", "Y"}
    assert variables(SizeOf("N")) == set()


def test_sizes_used_are_those_that_code_must_know() -> None:
    assert sizes_used(Divide(Y, Product((SizeOf("N"), SizeOf(3))))) == {"N", 3}
    assert sizes_used(Filled(TWO, ("N", 3))) == {"N", 3}
    assert sizes_used(Z) == set()


def test_walking_meets_every_part_parents_first() -> None:
    product = MatMul(X, Transpose(W))
    assert list(walk(Add((product, b)))) == [Add((product, b)), product, X, Transpose(W), W, b]


@pytest.mark.parametrize(("node", "_"), SHAPES, ids=lambda value: type(value).__name__)
def test_rebuilding_without_a_change_gives_an_equal_node(node: Node, _: Shape) -> None:
    assert rebuild(node, lambda operand: operand) == node


def test_rebuilding_changes_direct_operands_only() -> None:
    renamed = rebuild(Add((Y, Product((TWO, Y)))), lambda node: b if node == Y else node)
    assert renamed == Add((b, Product((TWO, Y))))


def test_substitution_replaces_names_sizes_and_functions() -> None:
    node = Divide(Call("f", (Var("Z", ("N", "n")),)), Product((SizeOf("n"), SizeOf("N"))))
    found = substitute(node, {}, {"n": 3}, {"f": "tanh"})
    assert found == Divide(Call("tanh", (Var("Z", ("N", 3)),)), Product((SizeOf(3), SizeOf("N"))))


def test_substitution_replaces_an_array_by_an_expression() -> None:
    assert substitute(Transpose(Var("A", (3, 4))), {"A": W}, {}, {}) == Transpose(W)


def test_substitution_of_a_filled_array_changes_its_shape_and_its_value() -> None:
    node = Filled(Divide(TWO, SizeOf("n")), ("N", "n"))
    assert substitute(node, {}, {"n": 5}, {}) == Filled(Divide(TWO, SizeOf(5)), ("N", 5))


def test_a_single_number_is_repeated_over_a_shape_and_an_array_is_not() -> None:
    assert filled(TWO, ("N", 3)) == Filled(TWO, ("N", 3))
    assert filled(Y, ("N", 3)) == Y
    assert filled(TWO, ()) == TWO


def test_equal_expressions_are_one_key() -> None:
    assert len({Add((X, TWO)), Add((X, Number(Fraction(4, 2))))}) == 1
    assert Number(Fraction(1, 2)) != Real(0.5)  # type: ignore[comparison-overlap]
