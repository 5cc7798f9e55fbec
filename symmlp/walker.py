"""The walker: writes the rules' matrix forms in the names of a graph, node by node, each with its steps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

import sympy as sp

from symmlp.calculus.ending import Derived, Ending
from symmlp.calculus.functions import ElementFunction, RowFunction
from symmlp.calculus.matrix_form import PRIME
from symmlp.calculus.rules import Rules
from symmlp.calculus.vjp import BackwardRule, RuleStep
from symmlp.catalog.activations import x
from symmlp.catalog.layers import SIZES
from symmlp.derivation import Equation, Source
from symmlp.gathering import gathered
from symmlp.graph import Graph, GraphNode
from symmlp.matrix import Add, Call, Node, Number, Product, Shape, Size, Var, filled, rebuild, substitute
from symmlp.notation import batch

Function = ElementFunction | RowFunction


@dataclass(frozen=True)
class Walker:
    """Writes the rules' matrix forms in the names of a graph, node by node."""

    graph: Graph
    rules: Rules
    functions: dict[str, Function]

    def forward(self, node: GraphNode, id: str, kind: str = "forward") -> Equation:
        """Return the defining equation of a node."""
        acts_on_rows = isinstance(self.functions.get(node.function or ""), RowFunction)
        value = self._here(self.rules.forward(node.op, as_call=acts_on_rows), node)
        shape = self.graph.shapes[node.output]
        return Equation(id, kind, node.output, value, value, shape, node.layer)

    def before_loss(self) -> Iterator[Equation]:
        """Yield the equations of what the loss makes of prediction and targets first."""
        for number, node in enumerate(self.graph.loss_nodes[:-1], start=1):
            yield self.forward(node, f"L{number}", "loss")

    def row_loss(self) -> Iterator[Equation]:
        """Yield the equations of each sample's totals, and of the loss that is made of them."""
        for number, node in enumerate(self.graph.loss_nodes, start=1):
            yield self.forward(node, f"L{number}", "loss")

    def loss(self, end: Ending) -> Equation:
        """Return the equation of the loss."""
        loss = self._of_ending(end.loss, end.name, f"L{len(self.graph.loss_nodes)}", "loss", "L")
        return replace(loss, value=self._penalized(loss.value), stable=self._penalized(loss.stable))

    def _penalized(self, loss: Node) -> Node:
        """Return the loss with the penalties added."""
        added = tuple(Var(node.output, ()) for node in self.graph.penalties)
        return Add((loss, *added)) if added else loss

    def backward(self, end: Ending) -> Iterator[Equation]:
        """Yield the backward equations: from the prediction to the first layer, parameters before inputs."""
        activation_node, loss_node = self.graph.ends
        yield self._of_ending(end.at_prediction, end.name, "", "backward", f"d{loss_node.operands['P']}")
        place, known = self.graph.nodes.index(activation_node), activation_node.output
        if end.at_pre_activation is not None:
            known = activation_node.operands["Z"]
            yield self._of_ending(end.at_pre_activation, end.name, "", "backward", f"d{known}")
            place -= 1
        nodes = (*self.graph.nodes[: place + 1], *self.graph.penalties, loss_node)
        yield from self.chain(nodes, {known, loss_node.operands["P"]})

    def chain(
        self, nodes: tuple[GraphNode, ...], known: set[str], needed: set[str] | None = None
    ) -> Iterator[Equation]:
        """Yield the cotangents of everything that the `nodes` read, those of `known` arrays being given."""
        uses = uses_of(nodes)
        needed = self.graph.needs_gradient() if needed is None else needed
        for node in reversed(nodes):
            for operand in sorted(
                node.operands, key=lambda operand: node.operands[operand] not in self.graph.parameters
            ):
                array = node.operands[operand]
                if array in needed and array not in known and uses[array][0][0] is node:
                    known.add(array)
                    yield self._cotangent(array, uses[array])

    def _cotangent(self, array: str, uses: list[tuple[GraphNode, str]]) -> Equation:
        """Return ∂L/∂array: one rule if it is read once, the sum over its uses otherwise."""
        values, sources = [], []
        for node, operand in uses:
            rule = self._rule(node, operand)
            values.append(self._here(rule.matrix_form, node))
            sources.append(
                Source((*rule.steps, *self._slope_steps(node, operand)), self._names(node), self._sizes(node))
            )
        shape = self._cotangent_shape(array)
        value = filled(values[0] if len(values) == 1 else Add(tuple(values)), shape)
        layer = uses[0][0].layer
        steps = gathered(array, [node.output for node, _ in uses], sources, value)
        return Equation("", "backward", f"d{array}", value, value, shape, layer, f"∂L/∂{array}", (), steps)

    def _rule(self, node: GraphNode, operand: str) -> BackwardRule:
        return self.rules.backward(node.op, operand)

    def _cotangent_shape(self, array: str) -> Shape:
        return self.graph.shapes[array]

    def _slope_steps(self, node: GraphNode, operand: str) -> tuple[RuleStep, ...]:
        place = list(node.operands).index(operand)
        function = self.functions.get(self._function_names(node).get(f"f_{place}" if place else "f", ""))
        if not isinstance(function, ElementFunction):
            return ()
        slope = RuleStep("slope", sp.Function(function.name + PRIME)(*function.variables), function.derivative)
        if function.derivative == function.stable_derivative:
            return (slope,)
        return slope, RuleStep("stable form", function.derivative, function.stable_derivative)

    def _of_ending(self, derived: Derived, end_name: str, id: str, kind: str, target: str) -> Equation:
        activation_node, loss_node = self.graph.ends
        names = {"P": activation_node.output, "A": activation_node.output, "Z": activation_node.operands["Z"]}
        names |= {**loss_node.given} | {"G": f"d{activation_node.output}", "f": activation_node.function or "f"}
        names |= {"L": "L", "l": end_name}
        sizes = self._sizes(activation_node)
        value, stable = (
            self._written(self._renamed(form, names, sizes, {})) for form in (derived.value, derived.stable)
        )
        shape = () if kind == "loss" else self.graph.shapes[target.removeprefix("d")]
        subject = "" if kind == "loss" else f"∂L/∂{target.removeprefix('d')}"
        sources = (Source(derived.steps, names, sizes),)
        return Equation(id, kind, target, value, stable, shape, loss_node.layer, subject, derived.assumptions, sources)

    def _here(self, generic: Node, node: GraphNode) -> Node:
        """Return a rule's matrix form in the names and sizes of this node."""
        if node.function is None:
            return self._renamed(generic, self._names(node), self._sizes(node), {})
        own = self._function_names(node)
        opaque = own | {f"{plain}{PRIME}": f"{name}{PRIME}" for plain, name in own.items()}
        return self._written(self._renamed(generic, self._names(node), self._sizes(node), opaque))

    def _function_names(self, node: GraphNode) -> dict[str, str]:
        """Return what f is called here, and f with a further variable put first: f_1, f_2, ..."""
        if node.function is None:
            return {}
        function = self.functions.get(node.function)
        further = function.variables[1:] if isinstance(function, ElementFunction) else ()
        names = {f"f_{place}": f"{node.function}_of_{variable}" for place, variable in enumerate(further, start=1)}
        return {"f": node.function, **names}

    def _renamed(
        self, form: Node, names: Mapping[str, str], sizes: Mapping[Size, Size], functions: Mapping[str, str]
    ) -> Node:
        arrays: dict[str, Node] = {own: Var(name, self._shape(name)) for own, name in names.items()}
        return substitute(form, arrays, sizes, functions)

    def _shape(self, name: str) -> Shape:
        shapes = self.graph.shapes
        return shapes[name] if name in shapes else shapes.get(name.removeprefix("d"), ())

    def _names(self, node: GraphNode) -> dict[str, str]:
        names = {**node.operands, **node.given, node.op.output: node.output, "G": f"d{node.output}"}
        return names | self._function_names(node)

    def _sizes(self, node: GraphNode) -> dict[Size, Size]:
        """Return what the sizes of the op, such as n (units of this layer) and m (of the layer before), are here."""
        op, arrays = self.rules.op(node.op), self._names(node)
        axes = {**op.operands, **op.given, op.output: op.axes}
        return {
            str(SIZES[axis]): size
            for own, indices in axes.items()
            for axis, size in zip(indices, self.graph.shapes[arrays[own]], strict=False)
            if axis != batch
        }

    def _written(self, node: Node) -> Node:
        """Return `node` with functions written out that are x itself, or whose slope is a number."""
        match node:
            case Call(name, (argument,)):
                return self._written_call(name, self._written(argument))
            case Product(factors):
                written = (self._written(factor) for factor in factors)
                kept = tuple(factor for factor in written if factor != Number(Fraction(1)))
                return Product(kept) if len(kept) > 1 else kept[0] if kept else Number(Fraction(1))
            case _:
                return rebuild(node, self._written)

    def _written_call(self, name: str, argument: Node) -> Node:
        function = self.functions.get(name.removesuffix(PRIME))
        if isinstance(function, ElementFunction):
            if name.endswith(PRIME) and function.derivative.is_Rational:
                return Number(Fraction(int(function.derivative.p), int(function.derivative.q)))
            if function.value == x and not name.endswith(PRIME):
                return argument
        return Call(name, (argument,))


def uses_of(nodes: Iterable[GraphNode]) -> dict[str, list[tuple[GraphNode, str]]]:
    """Return for each array the (node, operand) pairs that read it, in the order of the nodes."""
    uses: dict[str, list[tuple[GraphNode, str]]] = {}
    for node in nodes:
        for operand, array in node.operands.items():
            uses.setdefault(array, []).append((node, operand))
    return uses
