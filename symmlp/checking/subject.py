"""What is asked for: the gradient of one array, and what becomes of it when an equation on the way is altered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from symmlp.calculus.functions import ElementFunction, RowFunction
from symmlp.checking.evaluating import Array, Evaluator
from symmlp.checking.functions import Functions
from symmlp.checking.points import Point
from symmlp.derivation import Derivation, Equation
from symmlp.deriving import derive_graph
from symmlp.graph import GraphNode
from symmlp.matrix import Node, shape_of, variables
from symmlp.printing.formula import FormulaPrinter
from symmlp.printing.text import TextStyle

Changes = Mapping[str, Node]


@dataclass(frozen=True)
class Subject:
    """The gradient of `array`, compared at `points`; `given` are the arrays that the candidate reads.

    An array that is given keeps its value whatever is altered: the candidate did not compute it.
    """

    derivation: Derivation
    array: str
    functions: Functions
    points: tuple[Point, ...]
    given: frozenset[str]

    @property
    def gradient(self) -> str:
        """The name of what is asked for."""
        return f"d{self.array}"

    @cached_property
    def made(self) -> dict[str, Equation]:
        """The forward and backward equations, in order, by what they make."""
        return {each.target: each for each in (*self.derivation.forward, *self.derivation.backward)}

    @property
    def equation(self) -> Equation:
        """The equation of what is asked for."""
        return self.made[self.gradient]

    @cached_property
    def open(self) -> tuple[Equation, ...]:
        """The equations that a candidate had to write out, from the loss on, because it does not read their results."""
        pending, found = [self.gradient], set[str]()
        while pending:
            name = pending.pop()
            if name in self.made and name not in found and (name not in self.given or name == self.gradient):
                found.add(name)
                for form in self.forms(self.made[name]):
                    pending.extend(sorted(variables(form)))
        return tuple(equation for name, equation in self.made.items() if name in found)

    @property
    def written(self) -> tuple[Equation, ...]:
        """The backward equations that a candidate had to write out; ∂L/∂P is left out where the next one holds it."""
        skipped = f"d{self.derivation.graph.prediction}" if self.unlinked else ""
        backward = (each for each in self.open if each.kind == "backward")
        return tuple(each for each in backward if each.target != skipped or skipped == self.gradient)

    @cached_property
    def unlinked(self) -> dict[str, Node]:
        """The last pre-activation's cotangent by the chain rule alone, where the derivation joins it with the loss."""
        graph = self.derivation.graph
        activation = graph.network_nodes[-1]
        if len(activation.operands) > 1:
            return {}
        name = f"d{activation.operands['Z']}"
        shortened = replace(graph, nodes=(activation,), shapes=graph.shapes, parameters=(activation.operands["Z"],))
        (equation,) = derive_graph(shortened, layout=self.derivation.layout, seed=activation.output)
        is_same = equation.value == self.made[name].value
        return {} if is_same else {name: equation.value}

    def forms(self, equation: Equation) -> tuple[Node, ...]:
        """Return the ways to write an equation's value: as derived, and by the chain rule alone."""
        unlinked = self.unlinked.get(equation.target)
        return (equation.value,) if unlinked is None else (equation.value, unlinked)

    def value(self, changes: Changes, point: Point) -> Array:
        """Return what is asked for when equations are changed, everything that is not given being computed anew.

        Raises:
            ShapesClash: the changed equations do not fit each other.
        """
        arrays, stale = dict(point.arrays), set[str]()
        evaluator = Evaluator(arrays, point.samples, self.functions)
        for equation in self.open:
            node = changes.get(equation.target)
            if node is not None or not stale.isdisjoint(self._reads[equation.target]):
                arrays[equation.target] = evaluator.value(equation.value if node is None else node)
                stale.add(equation.target)
        return arrays[self.gradient]

    @cached_property
    def _reads(self) -> dict[str, set[str]]:
        return {equation.target: variables(equation.value) for equation in self.open}

    def layer_of(self, cotangent: str) -> GraphNode | None:
        """Return the activation whose pre-activation the cotangent belongs to."""
        found = (node for node in self.activations if f"d{node.operands['Z']}" == cotangent and len(node.operands) == 1)
        return next(found, None)

    @property
    def activations(self) -> Iterator[GraphNode]:
        """The nodes of the graph that apply an activation."""
        nodes = self.derivation.graph.network_nodes
        return (node for node in nodes if node.function is not None and "Z" in node.operands)

    def elementwise(self, node: GraphNode) -> ElementFunction | None:
        """Return the function of an activation if it has a slope that is no number."""
        function = self.functions.function(node.function or "")
        is_slope = isinstance(function, ElementFunction) and not function.derivative.is_number
        return function if is_slope and isinstance(function, ElementFunction) else None

    def is_row(self, node: GraphNode) -> bool:
        """Return whether an activation acts on rows."""
        return isinstance(self.functions.function(node.function or ""), RowFunction)

    @property
    def is_batch(self) -> bool:
        """Whether samples lie in rows, so that there is an N."""
        return self.derivation.layout == "batch"


def text_of(node: Node) -> str:
    """Return a formula as the derivation prints it."""
    return FormulaPrinter(TextStyle()).node(node)


def equation_text(equation: Equation) -> str:
    """Return an equation without its id and shape: `∂L/∂W2 = dZ2ᵀ A1`."""
    return f"{equation.subject or equation.target} = {text_of(equation.value)}"


def is_scalar(node: Node) -> bool:
    """Return whether a part of a sound equation is a single number."""
    return shape_of(node) == ()
