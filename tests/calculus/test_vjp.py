"""Backward rules: the textbook's matrix forms, equal to SymPy's scalar derivatives of the equation written out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

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
    SIZES,
    Op,
    rowwise,
)
from symmlp.errors import UnsupportedError
from symmlp.graph import Layout
from symmlp.matrix import MatMul, Node, Number, Product, Reduce, Transpose, Var, rebuild
from symmlp.notation import X, batch, column
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
    ("softmax", "batch", "Z"): "(G − rowsum(G ∘ A)) ∘ A",
    ("softmax", "sample", "Z"): "(G − sum(G ∘ A)) ∘ A",
    ("loss", "batch", "P"): "s l′(P, Y)",
    ("loss", "sample", "P"): "s l′(P, Y)",
}

OPS = {op.name: op for op in (DENSE, DENSE_WITHOUT_BIAS, ELEMENTWISE, ADD, MULTIPLY, SOFTMAX, ENTRYWISE_LOSS)}


@dataclass(frozen=True)
class WrittenOut:
    """An op at small sizes: every operand an array of symbols, the output and L = Σ G ∘ output in these."""

    op: Op
    world: World

    @classmethod
    def of(cls, op: Op, layout: Layout) -> WrittenOut:
        """Return the op in a layout; in the one-sample layout arrays with one axis are columns."""
        own = one_sample(op) if layout == "sample" else op
        shapes = {name: tuple(SMALL[str(size)] for size in shape) for name, shape in array_shapes(own).items()}
        if layout == "sample":
            shapes = {name: (*shape, 1) if len(shape) == 1 else shape for name, shape in shapes.items()}
        arrays = {name: symbols(name, shape) for name, shape in shapes.items()}
        functions = {**opaque("f"), **opaque("l")}
        world = World(arrays, SMALL, functions)
        output = world.written_out(own.value, own.axes, shapes[own.output])
        loss = np.sum(arrays["G"] * output) if own.axes else output.item()
        return cls(own, World(arrays | {own.output: output}, {**SMALL, "L": loss}, functions))

    def gradient(self, operand: str) -> Entries:
        """Return ∂L/∂operand, entry by entry, by SymPy's own derivative of a scalar."""
        wanted = self.world.arrays[operand]
        loss = self.world.sizes["L"]
        return np.frompyfunc(lambda entry: sp.diff(loss, entry), 1, 1)(wanted)

    def agrees(self, node: Node, operand: str) -> bool:
        """Return whether a matrix form is the gradient; a product whose shapes do not fit is not."""
        try:
            return same(self.world.node(node), self.gradient(operand))
        except ValueError:
            return False


@pytest.fixture(scope="module", params=TEXTBOOK, ids=" ".join)
def case(request: pytest.FixtureRequest) -> tuple[BackwardRule, WrittenOut, str]:
    """A derived rule, its op written out, and the rule in the textbook."""
    name, layout, operand = request.param
    written = WrittenOut.of(OPS[name], layout)
    return backward_rule(written.op, operand, columns=layout == "sample"), written, TEXTBOOK[request.param]


def test_every_operand_of_every_op_is_in_the_table() -> None:
    assert {(op.name, operand) for op in OPS.values() for operand in op.operands} == {
        (name, operand) for name, _, operand in TEXTBOOK
    }


def test_the_matrix_form_is_the_textbooks(case: tuple[BackwardRule, WrittenOut, str]) -> None:
    rule, _, textbook = case
    assert FormulaPrinter(TextStyle()).node(rule.matrix_form) == textbook


def test_the_matrix_form_is_sympys_scalar_derivative(case: tuple[BackwardRule, WrittenOut, str]) -> None:
    rule, written, _ = case
    assert written.agrees(rule.matrix_form, rule.operand)


def test_the_index_form_is_sympys_scalar_derivative(case: tuple[BackwardRule, WrittenOut, str]) -> None:
    rule, written, _ = case
    expected = written.gradient(rule.operand)
    assert same(written.world.written_out(rule.index_form, rule.indices, expected.shape), expected)


def test_every_step_is_an_equality(case: tuple[BackwardRule, WrittenOut, str]) -> None:
    rule, written, _ = case
    shape = written.world.arrays[rule.operand].shape
    for step in rule.steps:
        before, after = (
            written.world.node(side)
            if isinstance(side, Node)
            else written.world.written_out(side, rule.indices, shape)
            for side in (step.before, step.after)
        )
        assert same(before, after), step.rule


def test_the_steps_form_a_chain_from_the_gradient_to_the_matrix_form(
    case: tuple[BackwardRule, WrittenOut, str],
) -> None:
    rule, _, _ = case
    assert str(rule.steps[0].before).startswith(f"Partial(L, {rule.operand}[")
    assert rule.steps[-1].after == rule.matrix_form
    assert all(earlier.after == later.before for earlier, later in zip(rule.steps, rule.steps[1:], strict=False))


# Broken copies


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
    yield Product((Number(2), node))  # type: ignore[arg-type]
    yield Product((Number(-1), node))  # type: ignore[arg-type]
    for copy in (transposes_dropped(node), axis_changed(node), factors_exchanged(node)):
        if copy != node:
            yield copy


def test_every_broken_copy_is_refused(case: tuple[BackwardRule, WrittenOut, str]) -> None:
    rule, written, _ = case
    copies = list(broken(rule.matrix_form))
    assert not any(written.agrees(copy, rule.operand) for copy in copies)


