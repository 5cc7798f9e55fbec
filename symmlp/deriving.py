"""`derive`: walks the graph forward and backward and writes down every equation with its steps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from fractions import Fraction

import sympy as sp

from symmlp.calculus.constants import fold_constants
from symmlp.calculus.effort import within_limit
from symmlp.calculus.ending import Derived, Ending, ending
from symmlp.calculus.functions import Care, ElementFunction, RowFunction
from symmlp.calculus.kinks import Policy
from symmlp.calculus.matrix_form import PRIME, MatrixForm
from symmlp.calculus.rules import Rules
from symmlp.calculus.vjp import RuleStep
from symmlp.catalog.activations import Activation, x
from symmlp.catalog.layers import SIZES
from symmlp.catalog.losses import p, y
from symmlp.catalog.optimizer import Optimizer, Update
from symmlp.derivation import Derivation, Equation, Source
from symmlp.graph import Graph, GraphNode, Layout, build_graph
from symmlp.matrix import Add, Call, Node, Number, Product, Shape, Size, Var, filled, rebuild, substitute, walk
from symmlp.notation import batch
from symmlp.spec import Network

Function = ElementFunction | RowFunction


def derive(network: Network, *, layout: Layout = "batch") -> Derivation:
    """Return the derivation of `network`: what it computes, and the gradient of its loss for every parameter.

    `layout` is `batch` (one sample a row, Z = X Wᵀ + 1 bᵀ) or `sample` (one column, o = W x + b).

    Raises:
        SymmlpError: an activation or a loss has no matrix form.
    """
    graph = build_graph(network, layout)
    walker = walker_of(network, graph, layout)
    functions = walker.functions
    forward = tuple(walker.forward(node, f"F{number}") for number, node in enumerate(graph.network_nodes, start=1))
    if network.loss_definition.totals:
        *totals, loss = walker.row_loss()
        found = walker.chain(graph.nodes, {"L"})
    else:
        end = ending_of(network, graph, walker)
        *totals, loss = (*walker.before_loss(), walker.loss(end))
        found = walker.backward(end)
        functions = functions | {function.name: function for function in end.functions}
    backward = tuple(replace(each, id=f"B{number}") for number, each in enumerate(found, start=1))
    updates = {optimizer.name: _updates(optimizer) for optimizer in network.optimizers}
    used = called(functions, (*forward, *totals, loss, *backward))
    return Derivation(network, layout, graph, forward, loss, backward, updates, used, tuple(totals))


def walker_of(network: Network, graph: Graph, layout: Layout) -> Walker:
    """Return the walker over a network's graph."""
    functions = _functions(graph.functions, network.kinks) | _pieces(network)
    return Walker(graph, Rules(columns=layout == "sample"), functions)


def derive_graph(graph: Graph, *, layout: Layout = "batch", seed: str) -> tuple[Equation, ...]:
    """Return the backward equations of a graph that ends in the array `seed`, whose cotangent `d<seed>` is given."""
    walker = Walker(graph, Rules(columns=layout == "sample"), _functions(graph.functions))
    equations = walker.chain(graph.nodes, {seed})
    return tuple(replace(equation, id=f"B{number}") for number, equation in enumerate(equations, start=1))


def _functions(definitions: Mapping[str, Activation], kinks: Policy = "smallest") -> dict[str, Function]:
    return {
        function.name: function
        for name, definition in definitions.items()
        for function in _of_activation(name, definition, kinks)
    }


def _of_activation(name: str, definition: Activation, kinks: Policy) -> Iterator[Function]:
    """Yield the function, and the same with each further variable put first, whose slope in it is derived so."""
    if definition.acts_on == "row":
        yield RowFunction.derive(name, definition.value)
        return
    yield from _in_each(name, definition.value, definition.variables, care_of(definition.from_user), kinks)


def _pieces(network: Network) -> dict[str, Function]:
    """Return the functions that the loss of a whole row consists of, each in every variable but the target."""
    return {
        function.name: function
        for piece in network.loss_definition.pieces
        for function in _in_each(piece.name, piece.value, piece.variables, "quick", network.kinks)
        if function.variables[0] != y
    }


def _in_each(
    name: str, value: sp.Expr, variables: tuple[sp.Symbol, ...], care: Care, kinks: Policy
) -> Iterator[ElementFunction]:
    for place, variable in enumerate(variables):
        ordered = (variable, *variables[:place], *variables[place + 1 :])
        own = f"{name}_of_{variable}" if place else name
        with within_limit("activation") if care == "finite" else nullcontext():
            function = ElementFunction.derive(own, value, ordered, care=care, kinks=kinks)
        yield function


def care_of(from_user: bool) -> Care:
    """Return how carefully to measure: tests prove the catalogue's functions, a user's have only this moment."""
    return "finite" if from_user else "quick"


def ending_of(network: Network, graph: Graph, walker: Walker) -> Ending:
    """Return the end of a network whose loss is one of entries.

    Raises:
        UnsupportedError: the loss has no matrix form.
    """
    (node, _), definition = graph.ends, network.loss_definition
    assert node.function is not None
    name = "loss" if definition.from_user else definition.name
    care = care_of(definition.from_user)
    with within_limit("loss") if definition.from_user else nullcontext():
        function = ElementFunction.derive(name, definition.value, (p, y), care=care, kinks=network.kinks)
        return ending(function, definition, network.reduction, walker.functions[node.function], node.op, walker.rules)


def called(functions: Mapping[str, Function], equations: Iterable[Equation]) -> dict[str, Function]:
    """Return the functions that some equation calls, or whose slope it calls."""
    called = {
        part.function.removesuffix(PRIME)
        for equation in equations
        for form in ((equation.value,) if equation.stable is equation.value else (equation.value, equation.stable))
        for part in walk(form)
        if isinstance(part, Call)
    }
    return {name: function for name, function in functions.items() if name in called}


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
        return self._of_ending(end.loss, end.name, f"L{len(self.graph.loss_nodes)}", "loss", "L")

    def backward(self, end: Ending) -> Iterator[Equation]:
        """Yield the backward equations: from the prediction to the first layer, parameters before inputs."""
        activation_node, loss_node = self.graph.ends
        yield self._of_ending(end.at_prediction, end.name, "", "backward", f"d{loss_node.operands['P']}")
        place, known = self.graph.nodes.index(activation_node), activation_node.output
        if end.at_pre_activation is not None:
            known = activation_node.operands["Z"]
            yield self._of_ending(end.at_pre_activation, end.name, "", "backward", f"d{known}")
            place -= 1
        yield from self.chain(self.graph.nodes[: place + 1], {known})

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
            rule = self.rules.backward(node.op, operand)
            values.append(self._here(rule.matrix_form, node))
            sources.append(
                Source((*rule.steps, *self._slope_steps(node, operand)), self._names(node), self._sizes(node))
            )
        shape = self.graph.shapes[array]
        value = filled(values[0] if len(values) == 1 else Add(tuple(values)), shape)
        if len(values) > 1:
            rule_name = f"sum rule: {array} is used {len(values)} times"
            sources.append(Source((RuleStep(rule_name, Var(f"d{array}", shape), value),)))
        layer = uses[0][0].layer
        return Equation("", "backward", f"d{array}", value, value, shape, layer, f"∂L/∂{array}", (), tuple(sources))

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


def _updates(optimizer: Optimizer) -> tuple[Equation, ...]:
    return tuple(_update(optimizer, update, number) for number, update in enumerate(optimizer.updates, start=1))


def _update(optimizer: Optimizer, update: Update, number: int) -> Equation:
    vectors = {symbol: Var(symbol.name, ("P",)) for symbol in optimizer.vectors}
    scalars = {symbol: Var(symbol.name, ()) for symbol in update.value.free_symbols if symbol not in vectors}
    form = MatrixForm({}, {}, names={**vectors, **scalars})
    value, folded = (form.of(each, None, None) for each in (update.value, fold_constants(update.value)))
    shape: Shape = () if update.target in optimizer.numbers else ("P",)
    return Equation(f"U{number}", "update", update.target.name, value, folded, shape, 0, optimizer.title)
