"""Arrays that are used several times: their cotangents are sums over the uses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import sympy as sp

from symmlp.catalog.activations import TABLE as ACTIVATIONS
from symmlp.catalog.activations import x
from symmlp.catalog.layers import ADD, DENSE, DENSE_WITHOUT_BIAS, ELEMENTWISE, MULTIPLY
from symmlp.derivation import Equation
from symmlp.deriving import derive_graph
from symmlp.graph import Graph, GraphNode, Layout
from symmlp.matrix import Add, Node, Shape, rebuild
from tests.calculus.entries import Entries, World, entrywise, same, symbols

LAYOUTS: tuple[Layout, ...] = ("batch", "sample")


def multiply(first: str, second: str, output: str) -> GraphNode:
    """Return the node output = first ∘ second."""
    return GraphNode(MULTIPLY, {"X": first, "Y": second}, output, 1)


def add(first: str, second: str, output: str) -> GraphNode:
    """Return the node output = first + second."""
    return GraphNode(ADD, {"X": first, "Y": second}, output, 1)


def tanh(operand: str, output: str) -> GraphNode:
    """Return the node that takes the hyperbolic tangent of `operand`."""
    return GraphNode(ELEMENTWISE, {"Z": operand}, output, 1, "tanh")


@dataclass(frozen=True)
class Diamond:
    """A graph from the array a to its last node's output, and the function of a number that it computes."""

    nodes: tuple[GraphNode, ...]
    value: Callable[[sp.Expr], sp.Expr]

    @property
    def seed(self) -> str:
        """The array that the graph ends in."""
        return self.nodes[-1].output

    def equations(self, layout: Layout) -> tuple[Equation, ...]:
        """Return the backward equations."""
        shape = ("N", 3) if layout == "batch" else (3, 1)
        shapes = dict.fromkeys(("a", *(node.output for node in self.nodes)), shape)
        graph = Graph(self.nodes, shapes, ("a",), {"tanh": ACTIVATIONS["tanh"]})
        return derive_graph(graph, layout=layout, seed=self.seed)

    def gradient(self, equations: tuple[Equation, ...], a: Entries, seed: Entries) -> Entries:
        """Return ∂L/∂a as the equations compute it, `seed` being the cotangent of the last array."""
        arrays = {"a": a, f"d{self.seed}": seed}
        functions = {"tanh": entrywise(sp.tanh), "tanh′": entrywise(lambda u: sp.diff(sp.tanh(x), x).subs(x, u))}
        world = World(arrays, {"N": len(a)}, functions)
        operations: dict[str, Callable[..., Any]] = {
            "multiply": np.multiply,
            "add": np.add,
            "elementwise": functions["tanh"],
        }
        for node in self.nodes:
            arrays[node.output] = operations[node.op.name](*(arrays[name] for name in node.operands.values()))
        for equation in equations:
            arrays[equation.target] = world.node(equation.value)
        return arrays["da"]


DIAMONDS: dict[str, Diamond] = {
    "2a⁴": Diamond((multiply("a", "a", "b"), multiply("b", "b", "c"), add("c", "c", "r")), lambda a: 2 * a**4),
    "a + a": Diamond((add("a", "a", "r"),), lambda a: 2 * a),
    "a³": Diamond((multiply("a", "a", "b"), multiply("a", "b", "r")), lambda a: a**3),
    "a, b = a², a b + a": Diamond(
        (multiply("a", "a", "b"), multiply("a", "b", "c"), add("c", "a", "r")), lambda a: a**3 + a
    ),
    "a chain after the diamond": Diamond(
        (multiply("a", "a", "b"), add("a", "b", "c"), tanh("c", "t"), multiply("t", "t", "r")),
        lambda a: sp.tanh(a + a**2) ** 2,
    ),
    "a chain on one side of the diamond": Diamond(
        (tanh("a", "b"), tanh("b", "c"), multiply("a", "c", "r")), lambda a: a * sp.tanh(sp.tanh(a))
    ),
    "a diamond in a diamond": Diamond(
        (tanh("a", "b"), multiply("b", "b", "c"), add("b", "c", "d"), multiply("a", "d", "r")),
        lambda a: a * (sp.tanh(a) + sp.tanh(a) ** 2),
    ),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", DIAMONDS)
def test_an_array_that_is_used_several_times_gets_the_sum_of_its_cotangents(name: str, layout: Layout) -> None:
    diamond, shape = DIAMONDS[name], (2, 3) if layout == "batch" else (3, 1)
    a, seed = symbols("a", shape), symbols("g", shape)
    expected = seed * entrywise(lambda entry: sp.diff(diamond.value(x), x).subs(x, entry))(a)
    assert same(diamond.gradient(diamond.equations(layout), a, seed), expected)


def test_the_gradient_of_two_a_to_the_fourth_is_eight_a_cubed_exactly() -> None:
    points = [
        sp.Integer(0),
        sp.Integer(-3),
        sp.Rational(2, 7),
        sp.Integer(10**20),
        sp.Rational(-5, 3),
        sp.Rational(1, 9),
    ]
    a = np.array(points, dtype=object).reshape(2, 3)
    diamond = DIAMONDS["2a⁴"]
    found = diamond.gradient(diamond.equations("batch"), a, np.full((2, 3), sp.Integer(1)))
    assert [*found.flat] == [8 * point**3 for point in points]


def without_last_term(node: Node) -> Node:
    """Return a copy in which every sum has lost its last term."""
    if isinstance(node, Add):
        return node.terms[0] if len(node.terms) == 2 else Add(node.terms[:-1])
    return rebuild(node, without_last_term)


@pytest.mark.parametrize("name", DIAMONDS)
def test_a_cotangent_that_is_left_out_is_noticed(name: str) -> None:
    diamond = DIAMONDS[name]
    equations = diamond.equations("batch")
    broken = tuple(replace(each, value=without_last_term(each.value)) for each in equations)
    assert broken != equations
    a, seed = symbols("a", (2, 3)), symbols("g", (2, 3))
    assert not same(diamond.gradient(broken, a, seed), diamond.gradient(equations, a, seed))


def test_the_sum_of_cotangents_is_a_step_that_counts_the_uses() -> None:
    (equation,) = (each for each in DIAMONDS["a, b = a², a b + a"].equations("batch") if each.target == "da")
    assert equation.steps[-1].rule == "sum rule: a is used 4 times"
    assert equation.steps[-1].after.content == equation.value


def test_an_array_that_is_used_once_has_no_sum_of_cotangents() -> None:
    (_, _, equation) = DIAMONDS["2a⁴"].equations("batch")
    assert equation.target == "da"
    assert [each.target for each in DIAMONDS["a chain after the diamond"].equations("batch")] == [
        "dt",
        "dc",
        "db",
        "da",
    ]
    once = DIAMONDS["a chain after the diamond"].equations("batch")[1]
    assert not any(step.rule.startswith("sum rule: ") for step in once.steps)


def residual(tied: bool) -> Graph:
    """Return a block whose hidden values skip a layer, or one whose two layers share their weights."""
    second = "W1" if tied else "W2"
    units, inputs = (3, 3) if tied else (3, 4)
    nodes = (
        GraphNode(DENSE_WITHOUT_BIAS, {"X": "X", "W": "W1"}, "Z1", 1),
        tanh("Z1", "A1"),
        GraphNode(DENSE, {"X": "A1", "W": second, "b": "b2"}, "Z2", 2),
        add("A1", "Z2", "R"),
    )
    shapes: dict[str, Shape] = {
        **{"X": ("N", inputs), "W1": (units, inputs), "W2": (units, units), "b2": (units,)},
        **dict.fromkeys(("Z1", "A1", "Z2", "R"), ("N", units)),
    }
    return Graph(nodes, shapes, ("W1", "b2") if tied else ("W1", "W2", "b2"), {"tanh": ACTIVATIONS["tanh"]})


@pytest.mark.parametrize("tied", [False, True])
def test_skipped_layers_and_shared_weights_have_the_gradient_of_the_sum_over_their_uses(tied: bool) -> None:
    graph = residual(tied)
    arrays = {
        name: symbols(name, [2 if size == "N" else int(size) for size in graph.shapes[name]])
        for name in ("X", "W1", "W2", "b2")
    }
    slope = entrywise(lambda u: 1 - sp.tanh(u) ** 2)
    arrays["Z1"] = arrays["X"] @ arrays["W1"].T
    arrays["A1"] = entrywise(sp.tanh)(arrays["Z1"])
    arrays["Z2"] = arrays["A1"] @ arrays["W1" if tied else "W2"].T + arrays["b2"]
    arrays["dR"] = symbols("g", (2, 3))
    total = np.sum(arrays["dR"] * (arrays["A1"] + arrays["Z2"]))
    world = World(arrays, {"N": 2}, {"tanh′": slope})
    for equation in derive_graph(graph, seed="R"):
        arrays[equation.target] = world.node(equation.value)
    for name in graph.parameters:
        expected = entrywise(lambda entry: sp.diff(total, entry))(arrays[name])
        assert same(arrays[f"d{name}"], expected), name
