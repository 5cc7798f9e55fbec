"""Writes tangents, and derivatives of backward equations along a direction, in the names of a graph."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import sympy as sp

from symmlp.calculus.curvature import Curvatures
from symmlp.calculus.directions import ROWS, shape_of_all
from symmlp.calculus.functions import ElementFunction
from symmlp.calculus.matrix_form import PRIME
from symmlp.calculus.tangent import DOT, HAT, TangentRule, second_rule, tangent_rule
from symmlp.calculus.vanishing import ZERO, is_zero, without_zeros
from symmlp.calculus.vjp import RuleStep
from symmlp.derivation import Equation, Source
from symmlp.gathering import gathered
from symmlp.graph import Graph, GraphNode
from symmlp.matrix import Add, Call, Node, Number, Shape, Size, Var, filled, rebuild, shape_of, walk
from symmlp.walker import Walker, uses_of


@dataclass(frozen=True)
class DirectionWalker(Walker):
    """A walker that knows tangents; `still` are the tangents that are zero, `mark` ends the names of cotangents.

    With `rows` it takes so many directions at once in the layout of one sample, and what moves has a row for each.
    """

    curvatures: Curvatures
    still: set[str] = field(default_factory=set)
    mark: str = ""
    rows: Size | None = None
    tangents: dict[str, TangentRule] = field(default_factory=dict)
    seconds: dict[tuple[str, str], TangentRule] = field(default_factory=dict)

    @property
    def columns(self) -> bool:
        """Whether samples are columns."""
        return self.rules.columns

    def tangents_of(self, nodes: Iterable[GraphNode], moving: Iterable[str]) -> Iterator[Equation]:
        """Yield the tangents of all arrays that move when those in `moving` do, in the order of the nodes."""
        moved = {f"{name}{DOT}" for name in moving}
        for node in nodes:
            rule = self._tangent_rule(node)
            self.still.update(f"{name}{DOT}" for name in node.operands.values() if f"{name}{DOT}" not in moved)
            equation = self._changed(node.output, [(node, rule)], "tangent")
            if is_zero(equation.value):
                self.still.add(equation.target)
            else:
                moved.add(equation.target)
                yield equation

    def changes(self, nodes: tuple[GraphNode, ...], known: set[str]) -> Iterator[Equation]:
        """Yield how the cotangents change that the nodes hand back, those of `known` arrays being given."""
        uses = uses_of(nodes)
        for equation in self.chain(nodes, known):
            array = equation.target.removeprefix("d")
            rules = [(node, self._second_rule(node, operand)) for node, operand in uses[array]]
            found = self._changed(array, rules, "second", cotangent=True)
            if is_zero(found.value) and array not in self.graph.parameters:
                self.still.add(found.target)
            else:
                yield found

    def change_of(self, node: GraphNode, operand: str) -> tuple[Node, Source]:
        """Return how one use of an array changes its cotangent along the direction, and the steps."""
        rule, shape = self._second_rule(node, operand), self.graph.shapes[node.operands[operand]]
        value = self.without_still(self._here(rule.matrix_form, node), shape)
        steps = (*rule.steps, *self._curvature_steps(value))
        return value, Source(steps, self._names(node), self._sizes(node))

    def without_still(self, node: Node, shape: Shape) -> Node:
        """Return `node` without the tangents that are zero."""
        return filled(without_zeros(self._stilled(node)), shape)

    def renamed(self, form: Node, names: Mapping[str, str], sizes: Mapping[Size, Size]) -> Node:
        """Return a generic form in this network's names."""
        return self._written(self._renamed(form, names, sizes, {}))

    def sizes(self, node: GraphNode) -> dict[Size, Size]:
        """Return what the sizes of the node's op are here."""
        return self._sizes(node)

    def _stilled(self, node: Node) -> Node:
        if isinstance(node, Var) and node.name in self.still:
            return filled(ZERO, node.shape)
        return rebuild(node, self._stilled)

    def _changed(
        self, array: str, rules: list[tuple[GraphNode, TangentRule]], kind: str, *, cotangent: bool = False
    ) -> Equation:
        """Return the tangent of an array, or of its cotangent, as a sum over the rules."""
        shape = self._change_shape(array, cotangent=cotangent)
        values = [self._here(rule.matrix_form, node) for node, rule in rules]
        whole = values[0] if len(values) == 1 else Add(tuple(values))
        value = self.without_still(whole, shape)
        target = f"{'d' if cotangent else ''}{array}{DOT}"
        own = [
            Source((*rule.steps, *self._curvature_steps(form)), self._names(node), self._sizes(node))
            for (node, rule), form in zip(rules, values, strict=True)
        ]
        sources = [*gathered(array, [node.output for node, _ in rules], own, whole)]
        if value != whole:
            sources.append(Source((RuleStep("terms with a tangent or a slope that is zero vanish", whole, value),)))
        layer = rules[0][0].layer
        return Equation("", kind, target, value, value, shape, layer, "", (), tuple(sources))

    def _curvature_steps(self, form: Node) -> Iterator[RuleStep]:
        calls = (part.function for part in walk(form) if isinstance(part, Call) and part.function.endswith(PRIME * 2))
        for call in dict.fromkeys(calls):
            yield from second_slope_steps(self.curvatures.of(call))

    def _tangent_rule(self, node: GraphNode) -> TangentRule:
        if node.op.name not in self.tangents:
            self.tangents[node.op.name] = tangent_rule(
                self.rules.op(node.op),
                columns=self.columns,
                in_rows=self.rows is not None,
                resting=self.resting(node),
            )
        return self.tangents[node.op.name]

    def _second_rule(self, node: GraphNode, operand: str) -> TangentRule:
        key = (node.op.name, operand)
        if key not in self.seconds:
            self.seconds[key] = self._derived_second(node, operand)
        return self.seconds[key]

    def _derived_second(self, node: GraphNode, operand: str) -> TangentRule:
        rule = self.rules.backward(node.op, operand)
        return second_rule(rule, columns=self.columns, in_rows=self.rows is not None, resting=self.resting(node))

    def resting(self, node: GraphNode) -> frozenset[str]:
        """Return the operands of an op that do not move, whatever the direction."""
        return frozenset()

    def change_shape(self, array: str) -> Shape:
        """Return the shape of how an array's cotangent changes."""
        return self._change_shape(array, cotangent=True)

    def _change_shape(self, array: str, *, cotangent: bool) -> Shape:
        shape = self.graph.shapes[array]
        return shape if self.rows is None else shape_of_all(shape, self.rows)

    def _sizes(self, node: GraphNode) -> dict[Size, Size]:
        own = super()._sizes(node)
        return own if self.rows is None else {**own, ROWS: self.rows}

    def _names(self, node: GraphNode) -> dict[str, str]:
        names = super()._names(node)
        names["G"] += self.mark
        if self.mark == HAT:
            names["L"] = handed_back_sum(self.graph)
        return {**names, **{own + DOT: name + DOT for own, name in names.items()}}

    def _shape(self, name: str) -> Shape:
        plain = name.removesuffix(DOT)
        shape = super()._shape(plain.removesuffix(HAT))
        return shape if self.rows is None or plain == name else shape_of_all(shape, self.rows)

    def _function_names(self, node: GraphNode) -> dict[str, str]:
        """Return what f is called here, f_1 with its second variable first, f_0_1 with two variables first."""
        names = super()._function_names(node)
        function = self.functions.get(node.function or "")
        variables = function.variables if isinstance(function, ElementFunction) else ()
        for first, one in enumerate(variables):
            for second, other in enumerate(variables):
                if first < second:
                    names[f"f_{first}_{second}"] = f"{node.function}_of_{one}_and_{other}"
        return names

    def _here(self, generic: Node, node: GraphNode) -> Node:
        own = self._function_names(node)
        opaque = {plain + PRIME * order: name + PRIME * order for plain, name in own.items() for order in range(3)}
        names = {own: name for own, name in self._names(node).items() if not own.startswith("f")}
        return self._written(self._renamed(generic, names, self._sizes(node), opaque if node.function else {}))

    def _written(self, node: Node) -> Node:
        if isinstance(node, Call) and node.function.endswith(PRIME * 2):
            call = Call(node.function, tuple(map(self._written, node.arguments)))
            return filled(ZERO, shape_of(call)) if self.curvatures.of(node.function).derivative == 0 else call
        if node == Number(ZERO.value):
            return ZERO
        return super()._written(node)


def handed_back_sum(graph: Graph) -> str:
    """Return what the sum is called whose derivatives a Gauss-Newton product hands back: Q, or E beside an array Q."""
    return "E" if "Q" in graph.shapes else "Q"


def second_slope_steps(function: ElementFunction) -> tuple[RuleStep, ...]:
    """Return the steps to a second slope: the slope's definition, its own slope, and the form that is computed."""
    first, second = (sp.Function(name)(*function.variables) for name in (function.name, function.name + PRIME))
    steps = [
        RuleStep("slope", first, function.value),
        RuleStep("slope of the slope", second, function.derivative),
        RuleStep("stable form", function.derivative, function.stable_derivative),
    ]
    return tuple(step for step in steps if step.before != step.after)


def numbered(equations: Iterator[Equation], letter: str) -> tuple[Equation, ...]:
    """Return the equations with ids of a letter and their number."""
    return tuple(replace(each, id=f"{letter}{number}") for number, each in enumerate(equations, start=1))
