"""Backward rules: the textbook's matrix forms, equal to SymPy's scalar derivatives of the equation written out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp

from symmlp.calculus.vjp import BackwardRule, array_shapes, backward_rule, one_sample
from symmlp.catalog.activations import TABLE
from symmlp.catalog.layers import (
    ADD,
    DENSE,
    DENSE_WITHOUT_BIAS,
    ELEMENTWISE,
    ENTRYWISE_LOSS,
    MULTIPLY,
    Op,
    entry_loss,
    f,
    rowwise,
    scale,
)
from symmlp.errors import UnsupportedError
from symmlp.graph import Layout
from symmlp.matrix import MatMul, Node, Number, Product, Reduce, Transpose, Var, rebuild
from symmlp.notation import P, W, X, Y, Z, b, batch, column, inner, m, n, other
from symmlp.printing.formula import FormulaPrinter
from symmlp.printing.text import TextStyle
from tests.calculus.entries import Entries, World, opaque, same, symbols

SOFTMAX = rowwise("softmax", TABLE["softmax"].value)
SMALL = {"N": 2, "n": 3, "m": 4}
"""All different and never 1, so that a missing transpose cannot hide."""

TEXTBOOK: dict[tuple[str, Layout, str], str] = {
    ("dense", "batch", "X"): "G W",
    ("dense", "batch", "W"): "Gᵀ X",
    ("dense", "batch", "b"): "Gᵀ 1",
    ("dense", "sample", "X"): "Wᵀ G",
    ("dense", "sample", "W"): "G Xᵀ",
    ("dense", "sample", "b"): "G",
    ("dense_without_bias", "batch", "X"): "G W",
    ("dense_without_bias", "batch", "W"): "Gᵀ X",
    ("dense_without_bias", "sample", "X"): "Wᵀ G",
    ("dense_without_bias", "sample", "W"): "G Xᵀ",
    ("elementwise", "batch", "Z"): "G ∘ f′(Z)",
    ("elementwise", "sample", "Z"): "G ∘ f′(Z)",
    ("add", "batch", "X"): "G",
    ("add", "batch", "Y"): "G",
    ("add", "sample", "X"): "G",
    ("add", "sample", "Y"): "G",
    ("multiply", "batch", "X"): "G ∘ Y",
    ("multiply", "batch", "Y"): "G ∘ X",
    ("multiply", "sample", "X"): "G ∘ Y",
    ("multiply", "sample", "Y"): "G ∘ X",
    ("softmax", "batch", "Z"): "(G − rowsum(G ∘ A) 1ᵀ) ∘ A",
    ("softmax", "sample", "Z"): "(G − sum(G ∘ A)) ∘ A",
    ("loss", "batch", "P"): "s l′(P, Y)",
    ("loss", "sample", "P"): "s l′(P, Y)",
}

ROW, ENTRY = (batch,), (batch, column)
row_sum = sp.Sum(Z[batch, other], (other, 1, n))

CATALOGUED = (DENSE, DENSE_WITHOUT_BIAS, ELEMENTWISE, ADD, MULTIPLY, SOFTMAX, ENTRYWISE_LOSS)
NEW = (
    Op("centre", {"Z": ENTRY}, "A", ENTRY, Z[batch, column] - row_sum / n),
    Op("square", {"Z": ENTRY}, "A", ENTRY, Z[batch, column] ** 2),
    Op("scale", {"X": ENTRY, "b": (column,)}, "A", ENTRY, X[batch, column] * b[column]),
    Op("divide", {"X": ENTRY, "Y": ENTRY}, "A", ENTRY, X[batch, column] / Y[batch, column]),
    Op("normalise", {"Z": ENTRY}, "A", ENTRY, Z[batch, column] / row_sum),
    rowwise("softmin", sp.exp(-Z[batch, column]) / sp.Sum(sp.exp(-Z[batch, other]), (other, 1, n))),
)
"""Ops that no catalogue has: the rules come from the defining equation, not from a table of known ops."""

TEXTBOOK_OF_NEW: dict[tuple[str, Layout, str], str] = {
    ("centre", "batch", "Z"): "G − (rowsum(G) / n) 1ᵀ",
    ("centre", "sample", "Z"): "G − sum(G) / n",
    ("square", "batch", "Z"): "2 G ∘ Z",
    ("square", "sample", "Z"): "2 G ∘ Z",
    ("scale", "batch", "X"): "G ∘ (1 bᵀ)",
    ("scale", "batch", "b"): "(G ∘ X)ᵀ 1",
    ("scale", "sample", "X"): "G ∘ b",
    ("scale", "sample", "b"): "G ∘ X",
    ("divide", "batch", "X"): "G ⊘ Y",
    ("divide", "batch", "Y"): "−G ∘ X ⊘ Y^∘²",
    ("divide", "sample", "X"): "G ⊘ Y",
    ("divide", "sample", "Y"): "−G ∘ X ⊘ Y^∘²",
    ("normalise", "batch", "Z"): "G ⊘ (rowsum(Z) 1ᵀ) − (rowsum(G ∘ Z) ⊘ rowsum(Z)^∘²) 1ᵀ",
    ("normalise", "sample", "Z"): "G / sum(Z) − sum(G ∘ Z) / sum(Z)²",
    ("softmin", "batch", "Z"): "(rowsum(G ∘ A) 1ᵀ − G) ∘ A",
    ("softmin", "sample", "Z"): "(sum(G ∘ A) − G) ∘ A",
}
CASES = TEXTBOOK | TEXTBOOK_OF_NEW

OPS = {op.name: op for op in (*CATALOGUED, *NEW)}


@dataclass(frozen=True)
class WrittenOut:
    """An op at small sizes: every operand an array of symbols, the output and L = Σ G ∘ output in these."""

    op: Op
    world: World

    @classmethod
    def of(cls, op: Op, layout: Layout, sizes: Mapping[str, int] = SMALL) -> WrittenOut:
        """Return the op in a layout; in the one-sample layout arrays with one axis are columns."""
        own = one_sample(op) if layout == "sample" else op
        shapes = {name: tuple(sizes[str(size)] for size in shape) for name, shape in array_shapes(own).items()}
        if layout == "sample":
            shapes = {name: (*shape, 1) if len(shape) == 1 else shape for name, shape in shapes.items()}
        arrays = {name: symbols(name, shape) for name, shape in shapes.items()}
        functions = {**opaque("f"), **opaque("l")}
        symbolic = {**sizes, scale.name: scale}
        world = World(arrays, symbolic, functions)
        output = world.written_out(own.value, own.axes, shapes[own.output])
        loss = np.sum(arrays["G"] * output) if own.axes else output.item()
        return cls(own, World(arrays | {own.output: output}, {**symbolic, "L": loss}, functions))

    def gradient(self, operand: str) -> Entries:
        """Return ∂L/∂operand, entry by entry, by SymPy's own derivative of a scalar."""
        loss, slopes = self.world.sizes["L"], self.world.arrays[operand].copy()
        for places in np.ndindex(slopes.shape):
            slopes[places] = sp.diff(loss, slopes[places])
        return slopes

    def agrees(self, node: Node, operand: str) -> bool:
        """Return whether a matrix form is the gradient; a product whose shapes do not fit is not."""
        try:
            return same(self.world.node(node), self.gradient(operand))
        except ValueError:
            return False


Case = tuple[BackwardRule, WrittenOut, str]


@pytest.fixture(scope="module", params=CASES, ids=" ".join)
def case(request: pytest.FixtureRequest) -> Case:
    """A derived rule, its op written out, and the rule in the textbook."""
    name, layout, operand = request.param
    written = WrittenOut.of(OPS[name], layout)
    return backward_rule(written.op, operand, columns=layout == "sample"), written, CASES[request.param]


def test_every_operand_of_every_op_is_in_the_table() -> None:
    layouts: tuple[Layout, ...] = ("batch", "sample")
    assert {*CASES} == {
        (op.name, layout, operand) for op in OPS.values() for layout in layouts for operand in op.operands
    }


def test_the_matrix_form_is_the_textbooks(case: Case) -> None:
    rule, _, textbook = case
    assert FormulaPrinter(TextStyle()).node(rule.matrix_form) == textbook


def test_the_matrix_form_is_sympys_scalar_derivative(case: Case) -> None:
    rule, written, _ = case
    assert written.agrees(rule.matrix_form, rule.operand)


def test_the_index_form_is_sympys_scalar_derivative(case: Case) -> None:
    rule, written, _ = case
    expected = written.gradient(rule.operand)
    assert same(written.world.written_out(rule.index_form, rule.indices, expected.shape), expected)


def test_every_step_is_an_equality(case: Case) -> None:
    rule, written, _ = case
    shape = written.world.arrays[rule.operand].shape
    for step in rule.steps:
        before, after = (
            written.world.node(side) if isinstance(side, Node) else written.world.written_out(side, rule.indices, shape)
            for side in (step.before, step.after)
        )
        assert same(before, after), step.rule


def test_the_steps_form_a_chain_from_the_gradient_to_the_matrix_form(case: Case) -> None:
    rule, _, _ = case
    assert str(rule.steps[0].before).startswith(f"Partial(L, {rule.operand}[")
    assert rule.steps[-1].after == rule.matrix_form
    assert all(earlier.after == later.before for earlier, later in zip(rule.steps, rule.steps[1:], strict=False))


def transposes_dropped(node: Node) -> Node:
    """Return a copy without any transpose."""
    return transposes_dropped(node.operand) if isinstance(node, Transpose) else rebuild(node, transposes_dropped)


def axis_changed(node: Node) -> Node:
    """Return a copy whose sums run over the other axis, the shape being what it was."""
    if isinstance(node, Reduce) and node.axis is not None:
        return Transpose(Reduce(node.kind, Transpose(node.operand), node.axis))
    return rebuild(node, axis_changed)


def factors_exchanged(node: Node) -> Node:
    """Return a copy with the factors of every matrix product exchanged."""
    if isinstance(node, MatMul):
        return MatMul(node.right, node.left)
    return rebuild(node, factors_exchanged)


def broken(node: Node) -> Iterator[Node]:
    """Yield copies of a matrix form, each with one mistake that the form allows."""
    yield Product((Number(Fraction(2)), node))
    yield Product((Number(Fraction(-1)), node))
    for copy in (transposes_dropped(node), axis_changed(node), factors_exchanged(node)):
        if copy != node:
            yield copy


def test_every_broken_copy_is_refused(case: Case) -> None:
    rule, written, _ = case
    copies = list(broken(rule.matrix_form))
    assert not any(written.agrees(copy, rule.operand) for copy in copies)


@pytest.mark.parametrize(("operand", "layout"), [("W", "batch"), ("W", "sample"), ("X", "sample")])
def test_a_missing_transpose_is_refused_by_value_where_all_sizes_agree(operand: str, layout: Layout) -> None:
    written = WrittenOut.of(DENSE, layout, dict.fromkeys(SMALL, 2))
    form = backward_rule(written.op, operand, columns=layout == "sample").matrix_form
    assert written.agrees(form, operand)
    assert not written.agrees(transposes_dropped(form), operand)


def test_a_sum_over_the_other_axis_is_refused_by_value_where_all_sizes_agree() -> None:
    written = WrittenOut.of(DENSE, "batch", dict.fromkeys(SMALL, 2))
    assert not written.agrees(Transpose(Reduce("sum", Transpose(Var("G", ("N", "n"))), 0)), "b")


def test_a_slope_forgotten_in_a_rule_is_refused() -> None:
    written = WrittenOut.of(ELEMENTWISE, "batch")
    assert not written.agrees(Var("G", ("N", "n")), "Z")


def test_a_derivative_without_matrix_form_is_refused_with_the_expression() -> None:
    op = Op(
        "functions_of_products",
        {"X": (batch, inner), "W": (column, inner)},
        "Z",
        ENTRY,
        sp.Sum(f(X[batch, inner] * W[column, inner]), (inner, 1, m)),
    )
    with pytest.raises(UnsupportedError, match=r"no matrix form for Sum\(slope_of.*G\[p, a\].*\(p, 1, N\)"):
        backward_rule(op, "W")


def test_a_cotangent_with_one_number_a_sample_is_a_column() -> None:
    op = Op("row_mean", {"Z": ENTRY}, "A", ROW, row_sum / n)
    assert FormulaPrinter(TextStyle()).node(backward_rule(op, "Z").matrix_form) == "G / n"


def test_one_sample_drops_the_batch_axis_from_arrays_and_sums() -> None:
    op = one_sample(ENTRYWISE_LOSS)
    assert op.operands == {"P": (column,)}
    assert op.given == {"Y": (column,)}
    assert op.value == scale * sp.Sum(entry_loss(P[column], Y[column]), (column, 1, n))
