"""The derivation of whole networks: every cotangent against NumPy written by hand, every step against its result."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import sympy as sp
from mpmath import mp, mpf

from symmlp.calculus import rules
from symmlp.calculus.vjp import BackwardRule, backward_rule
from symmlp.catalog.activations import TABLE as ACTIVATIONS
from symmlp.catalog.activations import x
from symmlp.catalog.layers import ADD, DENSE, DENSE_WITHOUT_BIAS, ELEMENTWISE, MULTIPLY, Op
from symmlp.catalog.losses import TABLE as LOSSES
from symmlp.derivation import Derivation, Equation, Step
from symmlp.deriving import derive, derive_graph
from symmlp.document import PrintableDerivation, equation_text
from symmlp.document import derive as derive_document
from symmlp.graph import Graph, GraphNode, Layout
from symmlp.matrix import Add, Divide, Node, Number, Product, Reduce, Shape, SizeOf, Var, rebuild, walk
from symmlp.printing.formula import FormulaPrinter
from symmlp.printing.text import TextStyle
from symmlp.spec import Dense, Network
from tests.calculus.entries import Entries, World, entrywise, same, symbols
from tests.calculus.networks import Steps, Values, definitions_of
from tests.strategies import Array, Case, drawn_cases, drawn_networks

LAYOUTS: tuple[Layout, ...] = ("batch", "sample")
PROMISED = 1e-12
"""How far gradients may be from exact arithmetic, relative to the largest entry; docs/architecture.md promises it."""


# Graphs written by hand


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


# Whole networks, written once more in NumPy


def where_real(condition: Array, chosen: Array, otherwise: Array | float) -> Array:
    """Return np.where; conditions look at real parts, so that a complex step passes through them."""
    return np.where(condition, chosen, otherwise)


def soft_max(Z: Array) -> Array:
    """Return the softmax of each row."""
    powers = np.exp(Z - Z.real.max(axis=1, keepdims=True))
    total: Array = powers / powers.sum(axis=1, keepdims=True)
    return total


IN_NUMPY: Mapping[str, Callable[[Array], Array]] = {
    "identity": lambda Z: Z,
    "tanh": np.tanh,
    "sine": np.sin,
    "sigmoid": lambda Z: 1 / (1 + np.exp(-Z)),
    "relu": lambda Z: where_real(Z.real > 0, Z, 0.0),
    "softsign": lambda Z: Z / (1 + where_real(Z.real > 0, Z, -Z)),
    "softmax": soft_max,
    "x*tanh(log(1 + exp(x)))": lambda Z: Z * np.tanh(np.log(1 + np.exp(Z))),
}


def huber(P: Array, Y: Array) -> Array:
    """Return the Huber loss of each entry, its border at 1."""
    distance = where_real((P - Y).real > 0, P - Y, Y - P)
    return where_real(distance.real <= 1, distance**2 / 2, distance - 0.5)


LOSSES_IN_NUMPY: Mapping[str, Callable[[Array, Array], Array]] = {
    "mse": lambda P, Y: (P - Y) ** 2,
    "mae": lambda P, Y: where_real((P - Y).real > 0, P - Y, Y - P),
    "huber": huber,
    "bce": lambda P, Y: -Y * np.log(P) - (1 - Y) * np.log(1 - P),
    "bce_with_logits": lambda P, Y: np.log(1 + np.exp(P)) - Y * P,
    "p - y*log(p)": lambda P, Y: P - Y * np.log(P),
    "cross_entropy": lambda P, Y: -np.log(P[np.arange(len(Y)), Y]),
}


def dense_layers(network: Network) -> list[Dense]:
    """Return the layers of a network, which are all dense."""
    layers = [layer for layer in network.layers if isinstance(layer, Dense)]
    assert len(layers) == len(network.layers)
    return layers


@dataclass(frozen=True)
class ByHand:
    """A case's network in NumPy; the one-sample layout is its first row."""

    case: Case
    rows: int

    @classmethod
    def of(cls, case: Case, layout: Layout) -> ByHand:
        """Return the network on the samples of a layout."""
        return cls(case, case.batch if layout == "batch" else 1)

    def loss(self, moved: Mapping[str, Array]) -> Any:
        """Return the loss, `moved` being added to the arrays that it names as soon as they are made."""
        return self.made(moved)["L"]

    def made(self, moved: Mapping[str, Array]) -> dict[str, Any]:
        """Return every array under its name in the batch layout."""
        network, theta, place = self.case.network, self.case.theta(), 0
        arrays: dict[str, Any] = {}

        def keep(name: str, array: Array) -> Array:
            arrays[name] = array + moved.get(name, 0)
            return arrays[name]  # type: ignore[no-any-return]

        A = self.case.inputs()[: self.rows]
        for number, layer in enumerate(dense_layers(network), start=1):
            fan_in, last = A.shape[1], number == len(network.layers)
            W = keep(f"W{number}", theta[place : place + layer.units * fan_in].reshape(layer.units, fan_in))
            place += W.size
            Z = A @ W.T
            if layer.bias:
                Z = Z + keep(f"b{number}", theta[place : place + layer.units])
                place += layer.units
            A = keep("P" if last else f"A{number}", IN_NUMPY[layer.activation](keep(f"Z{number}", Z)))
        entries = LOSSES_IN_NUMPY[network.loss](A, self.case.targets()[: self.rows])
        divisors = {"mean": entries.size, "sum": 1, "batch_mean": self.rows}
        return {**arrays, "L": entries.sum() / divisors[network.reduction]}

    def gradient(self, name: str) -> Array:
        """Return ∂L/∂name by a complex step in every entry, exact to rounding."""
        shape, step = self.made({})[name].shape, 1e-30
        gradient = np.empty(shape)
        for place in np.ndindex(shape):
            moved = np.zeros(shape, dtype=complex)
            moved[place] = 1j * step
            gradient[place] = self.loss({name: moved}).imag / step
        return gradient


def in_batch_names(name: str) -> str:
    """Return what an array of the one-sample layout is called in the batch layout."""
    return {"o": "Z", "y": "A", "p": "P"}.get(name[0], name[0]) + name[1:]


def gap(found: Any, expected: Array) -> float:
    """Return the largest difference relative to the largest entry; infinite for NaN."""
    difference = np.max(np.abs(np.asarray(found, dtype=float) - expected)) / (np.max(np.abs(expected)) or 1.0)
    return float("inf") if np.isnan(difference) else float(difference)


def cotangent_gaps(derivation: Derivation, case: Case) -> dict[str, float]:
    """Return how far each cotangent, evaluated with mpmath, is from NumPy's."""
    by_hand = ByHand.of(case, derivation.layout)
    with mp.workdps(30):
        found = Values.of(derivation, case).everything().arrays
    gaps = {}
    for equation in derivation.backward:
        name = in_batch_names(equation.target.removeprefix("d"))
        expected = by_hand.gradient(name)
        if derivation.layout == "sample" and not name.startswith("W"):
            expected = expected.reshape(-1, 1)
        assert found[equation.target].shape == expected.shape
        gaps[name] = gap(found[equation.target], expected)
    return gaps


def network(short: str, reduction: str = "mean", bias: bool = True) -> Network:
    """Return the network of a short string with another reduction, or without bias in its first layer."""
    values = Network.parse(short).as_dict()
    values["reduction"], values["layers"][0]["bias"] = reduction, bias
    return Network.model_validate(values)


BY_HAND: dict[str, Case] = {
    "softmax with cross entropy": Case(network("4 -> 5 tanh -> 3 softmax | cross_entropy"), 7, 1),
    "softmax with cross entropy, summed": Case(network("5 -> 6 softsign -> 4 softmax | cross_entropy", "sum"), 3, 2),
    "softmax inside and squares": Case(network("4 -> 6 softmax -> 3 | mse"), 5, 3),
    "sigmoid with binary cross entropy": Case(network("3 -> 5 relu -> 4 sigmoid | bce"), 6, 4),
    "logits": Case(network("5 -> 3 sine -> 4 | bce_with_logits", "batch_mean"), 7, 5),
    "an expression and absolute values": Case(network("5 -> 7 {x*tanh(log(1 + exp(x)))} -> 3 | mae"), 4, 6),
    "Poisson": Case(network("4 -> 3 tanh -> 5 sigmoid | {p - y*log(p)}", "sum"), 6, 7),
    "three layers, the first without bias": Case(
        network("6 -> 4 relu -> 5 sigmoid -> 3 tanh | huber", bias=False), 7, 8
    ),
    "four layers of one kind": Case(network("3 -> 4 tanh -> 5 tanh -> 6 tanh -> 2 tanh | mse", "batch_mean"), 7, 9),
    "one layer": Case(network("4 -> 3 tanh | mse"), 5, 10),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", BY_HAND)
def test_every_cotangent_equals_the_complex_step_of_the_network_in_numpy(name: str, layout: Layout) -> None:
    case = BY_HAND[name]
    gaps = cotangent_gaps(derive(case.network, layout=layout), case)
    assert {each for each in gaps if each[0] in "Wb"} == {
        each for each in ByHand.of(case, layout).made({}) if each[0] in "Wb"
    }
    assert max(gaps.values()) <= PROMISED, gaps


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", BY_HAND)
def test_the_forward_equations_compute_the_loss_of_the_network_in_numpy(name: str, layout: Layout) -> None:
    case = BY_HAND[name]
    with mp.workdps(30):
        found = Values.of(derive(case.network, layout=layout), case).loss()
    assert gap(found, ByHand.of(case, layout).loss({})) <= PROMISED


def mistakes(equation: Equation) -> Iterator[Equation]:
    """Yield copies of an equation, each with one mistake."""
    yield replace(equation, value=Product((Number(Fraction(2)), equation.value)))
    yield replace(equation, value=Product((Number(Fraction(-1)), equation.value)))
    if any(isinstance(part, SizeOf) for part in walk(equation.value)):
        yield replace(equation, value=Product((SizeOf("N"), equation.value)))
    if isinstance(equation.value, Product) and len(equation.value.factors) > 1:
        yield replace(equation, value=equation.value.factors[0])


@pytest.mark.parametrize(
    "name",
    ["softmax with cross entropy", pytest.param("an expression and absolute values", marks=pytest.mark.slow)],
)
def test_a_mistake_in_any_backward_equation_is_noticed(name: str) -> None:
    case = BY_HAND[name]
    derivation = derive(case.network)
    for place, equation in enumerate(derivation.backward):
        for wrong in mistakes(equation):
            backward = (*derivation.backward[:place], wrong, *derivation.backward[place + 1 :])
            gaps = cotangent_gaps(replace(derivation, backward=backward), case)
            assert gaps[in_batch_names(equation.target.removeprefix("d"))] > 0.1


def test_a_cotangent_that_is_not_a_number_is_noticed() -> None:
    assert gap([np.nan, 2.0], np.array([1.0, 2.0])) == float("inf")
    assert gap([np.nan], np.array([np.nan])) == float("inf")


# Whole networks, drawn

DRAWN = drawn_cases(40)
QUICK = {0, 4, 7, 8, 9, 14, 16, 24, 27, 30}
"""Small networks, evaluated in a moment."""


def drawn_case(number: int) -> Any:
    """Return the number of a drawn network as a parameter."""
    return pytest.param(number, marks=() if number in QUICK else (pytest.mark.slow,))


def has_one_argument(own: Network) -> bool:
    """Return whether no activation has gates or learned numbers: steps are evaluated for functions of one number."""
    rows = [ACTIVATIONS.get(layer.activation) for layer in dense_layers(own)]
    return all(row is None or len(row.variables) == 1 or row.acts_on == "row" for row in rows)


NUMBERED = [drawn_case(number) for number in range(len(DRAWN))]
OF_ONE_ARGUMENT = [drawn_case(number) for number, case in enumerate(DRAWN) if has_one_argument(case.network)]


def test_the_drawn_networks_use_the_whole_catalogue() -> None:
    used = {layer.activation for case in DRAWN for layer in dense_layers(case.network)}
    used |= {case.network.loss for case in DRAWN}
    assert {*ACTIVATIONS, *LOSSES} <= used


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("number", NUMBERED)
def test_the_gradient_of_a_drawn_network_is_the_central_difference_of_its_loss(number: int, layout: Layout) -> None:
    case = DRAWN[number]
    derivation = derive(case.network, layout=layout)
    with mp.workdps(40):
        given = Values.of(derivation, case)
        values = given.everything().arrays
        for name in derivation.graph.parameters:
            place = tuple(size - 1 for size in values[name].shape)
            found, expected = values[f"d{name}"][place], given.numerical_slope(name, place)
            assert abs(found - expected) <= mpf("1e-20") * max(1, abs(expected)), name


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("number", NUMBERED)
def test_what_code_computes_is_the_same_number(number: int, layout: Layout) -> None:
    derivation = derive(DRAWN[number].network, layout=layout)
    with mp.workdps(30):
        written, computed = (
            Values.of(derivation, DRAWN[number], form).everything().arrays for form in ("value", "stable")
        )
    for equation in (*derivation.losses, *derivation.backward):
        expected = np.asarray(written[equation.target], dtype=float)
        assert gap(computed[equation.target], expected) <= PROMISED, equation.target


# Steps


def on_entries(step: Step) -> bool:
    """Return whether a step is about the equation's entries, not about the slope of a function of numbers."""
    content = step.before.content
    return isinstance(content, Node) or bool(content.atoms(sp.Indexed))


def wrong_sides(derivation: Derivation, case: Case) -> list[str]:
    """Return the steps whose sides differ, or are not what the equation's value is at the same place."""
    wrong = []
    with mp.workdps(40):
        values = Values.of(derivation, case).everything()
        definitions = definitions_of(derivation)
        for equation in derivation.backward:
            steps = Steps(values, equation, definitions)
            target = values.arrays[equation.target]
            expected = target[steps.place if len(steps.place) == target.ndim else (*steps.place, 0)]
            for step in equation.steps:
                sides = [side for side in map(steps.side, (step.before, step.after)) if side is not None]
                wanted = [expected] if on_entries(step) else sides[:1]
                if any(not abs(side - each) <= mpf("1e-30") * max(1, abs(each)) for side in sides for each in wanted):
                    wrong.append(step.id)
    return wrong


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", BY_HAND)
def test_every_side_of_every_step_has_the_value_of_its_equation(name: str, layout: Layout) -> None:
    case = BY_HAND[name]
    assert not wrong_sides(derive(case.network, layout=layout), case)


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("number", OF_ONE_ARGUMENT)
def test_every_side_of_every_step_of_a_drawn_network_has_the_value_of_its_equation(number: int, layout: Layout) -> None:
    assert not wrong_sides(derive(DRAWN[number].network, layout=layout), DRAWN[number])


def with_first_step_doubled(equation: Equation, place: int) -> Equation:
    """Return the equation with the result of one step of its first source doubled."""
    (source, *others) = equation.sources
    step = source.steps[place]
    doubled: Any = Product((Number(Fraction(2)), step.after)) if isinstance(step.after, Node) else 2 * step.after
    steps = (*source.steps[:place], replace(step, after=doubled), *source.steps[place + 1 :])
    return replace(equation, sources=(replace(source, steps=steps), *others))


def test_a_wrong_result_of_any_step_is_noticed() -> None:
    case = BY_HAND["softmax with cross entropy"]
    derivation = derive(case.network)
    for place, equation in enumerate(derivation.backward[:3]):
        for number in range(1, len(equation.sources[0].steps)):
            broken = with_first_step_doubled(equation, number)
            backward = (*derivation.backward[:place], broken, *derivation.backward[place + 1 :])
            assert wrong_sides(replace(derivation, backward=backward), case) == [f"{equation.id}.{number + 1}"]


def breaks(derivation: Derivation) -> list[str]:
    """Return the steps that do not start where the one before ended, nothing about a slope standing between."""
    printer = FormulaPrinter(TextStyle())
    return [
        after.id
        for equation in derivation.backward
        for before, after in pairwise(equation.steps)
        if on_entries(before)
        and on_entries(after)
        and printer.formula(before.after) != printer.formula(after.before)
        # A finished value may be rewritten for code; that starts from its entries again.
        and not after.rule.startswith("stable form")
    ]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    "short",
    [
        "4 -> 5 tanh -> 3 softmax | cross_entropy",
        "4 -> 5 relu -> 3 | mae",
        "4 -> 5 softmax -> 3 softmax | mse",
        "4 -> 3 | bce_with_logits",
        "4 -> 3 sigmoid | bce",
        "4 -> 3 exponential | poisson",
    ],
)
def test_every_step_starts_where_the_one_before_ended(short: str, layout: Layout) -> None:
    assert breaks(derive(Network.parse(short), layout=layout)) == []


def test_a_step_that_is_left_out_is_noticed() -> None:
    derivation = derive(Network.parse("4 -> 3 tanh | mse"))
    (equation,) = (each for each in derivation.backward if each.target == "dW1")
    (source,) = equation.sources
    short = replace(equation, sources=(replace(source, steps=(*source.steps[:1], *source.steps[2:])),))
    assert breaks(replace(derivation, backward=(short,))) == [f"{equation.id}.2"]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    "short", ["4 -> 5 tanh -> 3 softmax | cross_entropy", "4 -> 3 sigmoid | bce", "3 -> 2 relu | mae"]
)
def test_the_matrix_form_of_an_equation_is_its_value(short: str, layout: Layout) -> None:
    printer = FormulaPrinter(TextStyle())
    derivation = derive(Network.parse(short), layout=layout)
    for equation in derivation.backward:
        (last,) = (step for step in equation.steps if step.rule == "matrix form")
        assert printer.formula(last.after) == printer.node(equation.value)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_no_step_leaves_its_formula_as_it_was(layout: Layout) -> None:
    derivation = derive(Network.parse("4 -> 5 tanh -> 3 | mse"), layout=layout)
    assert [step.id for step in derivation.steps if step.before == step.after] == []


# Where the loss meets the output


def subtracted(pre: str, post: str, *divisors: Node) -> Node:
    """Return (pre − post) divided by the product of `divisors`."""
    difference = Add((Var(pre, ("N", 3)), Product((Number(Fraction(-1)), Var(post, ("N", 3))))))
    return Divide(difference, divisors[0] if len(divisors) == 1 else Product(divisors)) if divisors else difference


SAMPLES, THREE = SizeOf("N"), SizeOf(3)
LINKED: dict[tuple[str, str], tuple[Node, str, str]] = {
    ("softmax | cross_entropy", "mean"): (subtracted("P", "Y", SAMPLES), "(P − Y) / N", "p − y"),
    ("softmax | cross_entropy", "batch_mean"): (subtracted("P", "Y", SAMPLES), "(P − Y) / N", "p − y"),
    ("softmax | cross_entropy", "sum"): (subtracted("P", "Y"), "P − Y", "p − y"),
    ("sigmoid | bce", "mean"): (subtracted("P", "Y", SAMPLES, THREE), "(P − Y) / (N·3)", "(p − y) / 3"),
    ("sigmoid | bce", "batch_mean"): (subtracted("P", "Y", SAMPLES), "(P − Y) / N", "p − y"),
    ("sigmoid | bce", "sum"): (subtracted("P", "Y"), "P − Y", "p − y"),
    ("{1/(1+exp(-x))} | {-y*log(p)-(1-y)*log(1-p)}", "mean"): (
        subtracted("P", "Y", SAMPLES, THREE),
        "(P − Y) / (N·3)",
        "(p − y) / 3",
    ),
    ("{exp(x)} | {p - y*log(p)}", "batch_mean"): (subtracted("P", "Y", SAMPLES), "(P − Y) / N", "p − y"),
}


@pytest.mark.parametrize(("ending", "reduction"), LINKED)
def test_a_canonical_link_gives_prediction_minus_target(ending: str, reduction: str) -> None:
    own = network(f"4 -> 3 {ending}", reduction)
    node, batch, sample = LINKED[ending, reduction]
    (equation,) = (each for each in derive(own).backward if each.target == "dZ1")
    printer = FormulaPrinter(TextStyle())
    assert equation.value == node
    assert printer.node(equation.value) == batch
    (column,) = (each for each in derive(own, layout="sample").backward if each.target == "do1")
    assert printer.node(column.value) == sample


def test_the_logits_of_binary_cross_entropy_get_their_sigmoid_minus_the_target() -> None:
    printer = FormulaPrinter(TextStyle())
    backward = derive(Network.parse("4 -> 3 | bce_with_logits")).backward
    assert [printer.node(each.value) for each in backward[:2]] == ["(1 ⊘ (1 + exp(−P)) − Y) / (N·3)", "dP"]


ENDINGS = (
    "softmax | cross_entropy",
    *("softmax | kl_div", "softmax | {-y*log(p)}", "softmax | mse", "sigmoid | bce", "sigmoid | focal"),
    *("identity | bce_with_logits", "identity | mse", "relu | mae", "exponential | poisson"),
)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("ending", ENDINGS)
def test_only_cross_entropy_assumes_that_targets_sum_to_one(ending: str, layout: Layout) -> None:
    derivation = derive(Network.parse(f"4 -> 5 tanh -> 3 {ending}"), layout=layout)
    assuming = [each.target for each in derivation.equations if each.assumptions]
    stepping = [step.id for step in derivation.steps if step.rule.startswith("assumption: ")]
    expected = [("dZ2" if layout == "batch" else "do2")] if ending.endswith("cross_entropy") else []
    assert assuming == expected
    assert [id.split(".")[0] for id in stepping] == [each.id for each in derivation.equations if each.assumptions]


def test_the_assumption_is_that_rows_of_the_targets_sum_to_one() -> None:
    (equation,) = (
        each for each in derive(Network.parse("4 -> 3 softmax | cross_entropy")).backward if each.assumptions
    )
    (step,) = (step for step in equation.steps if step.rule.startswith("assumption"))
    printer = FormulaPrinter(TextStyle())
    assert equation.assumptions == ("rows of Y sum to 1",)
    assert step.rule == "assumption: rows of Y sum to 1"
    assert printer.formula(step.before) == "(P[a,c] Σ_i Y[a,i] − Y[a,c]) / N"
    assert printer.formula(step.after) == "(P[a,c] − Y[a,c]) / N"


def test_without_the_assumption_the_sum_of_the_targets_stays() -> None:
    (equation,) = (
        each for each in derive(Network.parse("4 -> 3 softmax | {-y*log(p)}")).backward if each.target == "dZ1"
    )
    assert Reduce("sum", Var("Y", ("N", 3)), 1) in walk(equation.value)
    assert equation.assumptions == ()


REDUCTIONS = {
    ("mse", "mean"): ("L = sum((P − Y)^∘²) / (N·3)", "∂L/∂P = 2 (P − Y) / (N·3)"),
    ("mse", "sum"): ("L = sum((P − Y)^∘²)", "∂L/∂P = 2 (P − Y)"),
    ("mse", "batch_mean"): ("L = sum((P − Y)^∘²) / N", "∂L/∂P = 2 (P − Y) / N"),
    ("mae", "mean"): ("L = sum(|P − Y|) / (N·3)", "∂L/∂P = sign(P − Y) / (N·3)"),
    ("mae", "sum"): ("L = sum(|P − Y|)", "∂L/∂P = sign(P − Y)"),
    ("mae", "batch_mean"): ("L = sum(|P − Y|) / N", "∂L/∂P = sign(P − Y) / N"),
}


@pytest.mark.parametrize(("name", "reduction"), REDUCTIONS)
def test_a_reduction_divides_the_loss_and_its_cotangent_by_the_same_number(name: str, reduction: str) -> None:
    derivation = derive(network(f"4 -> 3 | {name}", reduction))
    texts = tuple(equation_text(each).split("  ")[1] for each in (derivation.loss, derivation.backward[0]))
    assert texts == REDUCTIONS[name, reduction]


# Cost


def counted_rules(monkeypatch: pytest.MonkeyPatch, own: Network, layout: Layout) -> list[tuple[str, str]]:
    """Return the (op, operand) pairs for which a rule is derived."""
    derived = []

    def counting(op: Op, operand: str, *, columns: bool = False) -> BackwardRule:
        derived.append((op.name, operand))
        return backward_rule(op, operand, columns=columns)

    monkeypatch.setattr(rules, "backward_rule", counting)
    derive(own, layout=layout)
    return derived


def deep(layers: int) -> Network:
    """Return a network of many layers whose sizes differ from those of their neighbours."""
    hidden = " -> ".join(f"{3 + number % 5} {('tanh', 'sine', 'relu')[number % 3]}" for number in range(layers - 1))
    return Network.parse(f"2 -> {hidden} -> 4 softmax | cross_entropy")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_rule_is_derived_once_for_each_kind_of_op(monkeypatch: pytest.MonkeyPatch, layout: Layout) -> None:
    expected = [("dense", "W"), ("dense", "X"), ("dense", "b"), ("elementwise", "Z"), ("loss", "P"), ("softmax", "Z")]
    for layers in (5, 50):
        assert sorted(counted_rules(monkeypatch, deep(layers), layout)) == expected


# Ids


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("own", drawn_networks(12), ids=Network.short)
def test_ids_count_forward_loss_backward_and_the_steps_of_each(own: Network, layout: Layout) -> None:
    derivation = derive(own, layout=layout)
    for letter, equations in (("F", derivation.forward), ("L", derivation.losses), ("B", derivation.backward)):
        assert [each.id for each in equations] == [f"{letter}{number}" for number in range(1, len(equations) + 1)]
    for equation in derivation.equations:
        assert [step.id for step in equation.steps] == [
            f"{equation.id}.{number}" for number in range(1, len(equation.steps) + 1)
        ]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_parameter_and_what_lies_between_has_one_backward_equation(layout: Layout) -> None:
    derivation = derive(Network.parse("4 -> 5 tanh -> 3 softmax | cross_entropy"), layout=layout)
    targets = [in_batch_names(each.target.removeprefix("d")) for each in derivation.backward]
    assert targets == ["P", "Z2", "W2", "b2", "A1", "Z1", "W1", "b1"]


def test_each_optimizer_counts_its_updates() -> None:
    derivation = derive(Network.parse("4 -> 3 | mse"))
    for equations in derivation.updates.values():
        assert [each.id for each in equations] == [f"U{number}" for number in range(1, len(equations) + 1)]


# What is printed

LEFTOVER = re.compile(
    r"Piecewise|KroneckerDelta|Derivative|Subs\(|Sum\(|Indexed|slope_of|Partial|Dummy|_xi|\bM(?:ax|in)\(|Abs\("
    r"|\bnan\b|\bzoo\b|\boo\b"
)
"""How SymPy writes what a printer should have written, or what is not a number."""
PLACEHOLDER = re.compile(r"\{[A-Z]\}")
"""An array of an op's own in a step's rule, not yet called by its name here."""


def strings(value: object) -> Iterator[str]:
    """Yield every text in plain data."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from strings(each)


def leftovers(text: str, latex: str, plain: dict[str, Any]) -> list[str]:
    """Return what SymPy or a rule left behind in the text, the LaTeX and the data of a derivation."""
    rules_used = [step["rule"] for equation in plain["equations"] for step in equation["steps"]]
    found = [each for part in (text, latex, *strings(plain)) for each in LEFTOVER.findall(part)]
    found += [each for part in (text, *rules_used) for each in PLACEHOLDER.findall(part)]
    return found + [
        each for part in re.findall(r"&& \\text\{(.*?)\} \\tag", latex) for each in PLACEHOLDER.findall(part)
    ]


def printed(document: PrintableDerivation) -> tuple[str, str, dict[str, Any]]:
    """Return a derivation as text, as LaTeX and as data."""
    return document.text(), document.latex(), document.as_dict()


PRINTED = [
    *drawn_networks(16, seed=2),
    *(Network.parse(f"4 -> 5 {name} -> 3 | mse") for name, row in ACTIVATIONS.items() if row.acts_on == "entry"),
]


PRINTED += [Network.parse(f"4 -> 5 softsign -> 3 | {name}") for name in ("huber", "log_cosh", "pinball")]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("own", PRINTED, ids=Network.short)
def test_nothing_of_sympy_is_left_in_what_is_printed(own: Network, layout: Layout) -> None:
    assert leftovers(*printed(derive_document(own, layout=layout))) == []


@pytest.mark.parametrize("left", ["insert {X}", "Piecewise((1, x > 0))", "Sum(", "of zoo", "nan", "Max(0, x)"])
def test_what_is_left_in_one_of_the_formats_is_noticed(left: str) -> None:
    text, latex, plain = printed(derive_document(Network.parse("4 -> 3 tanh | mse")))
    assert leftovers(text, latex, plain) == []
    assert leftovers(f"{text}{left}", latex, plain)
    assert leftovers(text, rf"{latex}&& \text{{{left}}} \tag{{B1.1}}", plain)
    plain["equations"][-7]["steps"][0]["rule"] = left
    assert leftovers(text, latex, plain)


def test_data_of_a_document_can_be_written_as_json() -> None:
    document = derive_document(Network.parse("4 -> 5 {1.5*x} -> 3 | huber"))
    assert json.loads(json.dumps(document.as_dict(), allow_nan=False)) == document.as_dict()


# The founding document


def founding(name: str) -> list[str]:
    """Return the equations for four inputs, a layer of three units and one of two, in the layout of one sample."""
    output = "sigmoid" if name == "bce" else "tanh"
    derivation = derive(Network.parse(f"4 -> 3 tanh -> 2 {output} | {name}"), layout="sample")
    return [equation_text(each) for each in derivation.equations if each.kind != "update"]


def test_a_dense_layer_is_written_as_the_founding_document_writes_it() -> None:
    assert founding("mse")[:4] == [
        "F1  o1 = W1 x + b1  (3, 1)",
        "F2  y1 = tanh(o1)  (3, 1)",
        "F3  o2 = W2 y1 + b2  (2, 1)",
        "F4  p = tanh(o2)  (2, 1)",
    ]


FOUNDING = {
    "mse": ("sum((p − y)^∘²) / 2", "2 (p − y) / 2"),
    "mae": ("sum(|p − y|) / 2", "sign(p − y) / 2"),
    "bce": ("sum(−(1 − y) ∘ log(1 − p) − y ∘ log(p)) / 2", "((1 − y) ⊘ (1 − p) − y ⊘ p) / 2"),
}
"""The losses of the founding document for one sample, averaged over its two outputs, and their cotangents."""


@pytest.mark.parametrize("name", FOUNDING)
def test_the_losses_of_the_founding_document_are_averaged_over_the_outputs(name: str) -> None:
    value, cotangent = FOUNDING[name]
    assert founding(name)[4] == f"L1  L = {value}  ()"
    assert founding(name)[5] == f"B1  ∂L/∂p = {cotangent}  (2, 1)"


@pytest.mark.parametrize("name", FOUNDING)
def test_the_gradient_of_the_weights_is_the_cotangent_times_the_transposed_input(name: str) -> None:
    assert founding(name)[-2:] == ["B7  ∂L/∂W1 = do1 xᵀ  (3, 4)", "B8  ∂L/∂b1 = do1  (3, 1)"]


@pytest.mark.parametrize("name", FOUNDING)
def test_the_mean_over_samples_of_the_one_sample_gradients_is_the_batch_s_gradient(name: str) -> None:
    own = Network.parse(f"4 -> 3 tanh -> 2 {'sigmoid' if name == 'bce' else 'tanh'} | {name}")
    case = Case(own, 5, 11)
    assert LOSSES[name].average == "entries"
    one, all_rows = derive(own, layout="sample"), derive(own)
    with mp.workdps(30):
        batch = Values.of(all_rows, case)
        total: dict[str, Any] = dict.fromkeys(("dW1", "dW2", "db1", "db2"), 0)
        for row in range(case.batch):
            arrays = {
                name: array.reshape(-1, 1) if name.startswith("b") else array for name, array in batch.arrays.items()
            }
            arrays |= {"x": arrays.pop("X")[row : row + 1].T, "y": arrays.pop("Y")[row : row + 1].T}
            found = Values(one, arrays).everything().arrays
            total = {target: value + found[target] / case.batch for target, value in total.items()}
        expected = batch.everything().arrays
        for target, value in total.items():
            exact = np.asarray(expected[target], dtype=object).reshape(np.shape(value))
            assert np.max(np.abs(value - exact)) <= mpf("1e-25"), target
