"""The steps of an equation at matrix level: what a student writes down, each line proven by steps in index notation.

The chain rule turns ∂L/∂V into the gradient of one number: if Z is what reads V, and dZ = ∂L/∂Z has arrived, then
∂L/∂V = ∂/∂V sum(dZ ∘ Z) with dZ held fixed. The definition of Z is put in, and the gradient is taken; where V is read
more than once, that is done for each use by itself, and the sum rule adds up what came out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import count, product

from symmlp.derivation import Derivation, Equation, Formula
from symmlp.document.page import GradientOf, Name, Prose, Reference, Shown, StepRow
from symmlp.document.use_steps import Line, UseSteps, beside, shape_in
from symmlp.gathering import TOGETHER
from symmlp.graph import GraphNode
from symmlp.matrix import Add, Node, Var, spread

ALPHABET = "abcdefghijklmnopqrstuvwxyz"


def letters() -> Iterator[str]:
    """Yield a, b, ..., z, aa, ab, ..."""
    for length in count(1):
        yield from map("".join, product(ALPHABET, repeat=length))


@dataclass(frozen=True)
class MatrixSteps:
    """Writes the matrix-level steps of a derivation's equations."""

    derivation: Derivation

    def of(self, equation: Equation, head: Shown) -> tuple[StepRow, ...]:
        """Return the steps of an equation, numbered B3.a, B3.b, ...; `head` is what it is an equation for."""
        rows: list[StepRow] = []
        last = head
        for letter, line in zip(letters(), self._lines(equation, head), strict=False):
            proof = tuple(f"{equation.id}.{number}" for number in line.proof)
            before = last if line.before is None else line.before
            rows.append(StepRow(f"{equation.id}.{letter}", line.rule, before, line.after, proof))
            last = line.after
        return tuple(rows)

    def _lines(self, equation: Equation, head: Shown) -> Iterator[Line]:
        last: Shown | None = None
        for line in self._all_lines(equation, head):
            if line.after != last or line.before is not None:
                yield line
                last = line.after

    def _all_lines(self, equation: Equation, head: Shown) -> Iterator[Line]:
        if equation.kind == "backward":
            yield from self._backward(equation, head)
        if equation.stable != equation.value:
            yield Line(("stable form: the same number, computed safely",), Formula(equation.stable))

    @cached_property
    def ids(self) -> dict[str, str]:
        """The ids of the equations that make each array."""
        made = self.derivation.computed
        return {equation.target: equation.id for equation in made}

    @cached_property
    def _values(self) -> dict[str, Node]:
        return {equation.target: equation.value for equation in (*self.derivation.forward, *self.derivation.losses)}

    @cached_property
    def _uses(self) -> dict[str, tuple[tuple[GraphNode, str], ...]]:
        found: dict[str, list[tuple[GraphNode, str]]] = {}
        for node in self.derivation.graph.nodes:
            for operand, name in node.operands.items():
                found.setdefault(name, []).append((node, operand))
        return {name: tuple(uses) for name, uses in found.items()}

    def readers(self, name: str) -> tuple[GraphNode, ...]:
        """Return the nodes that read an array, once for each time that they do."""
        return tuple(node for node, _ in self._uses[name])

    def _backward(self, equation: Equation, head: Shown) -> Iterator[Line]:
        uses = list(self._steps_of_uses(equation))
        nodes = list(dict.fromkeys(use.node.output for use in uses))
        yield from self._to_definition([self._by_output(name) for name in nodes], uses[0].wrt)
        if len(uses) == 1:
            yield from uses[0].lines()
            return
        apart = len(nodes) == len(uses)
        if apart:
            yield from (line for use in uses for line in self._apart(use))
        proof = tuple(range(1, len(equation.steps) + 1))
        yield Line(("sum rule: one term for each use",), Formula(equation.value), proof, head if apart else None)

    def _by_output(self, name: str) -> GraphNode:
        return next(node for node in self.derivation.graph.nodes if node.output == name)

    def _apart(self, use: UseSteps) -> Iterator[Line]:
        """Yield the lines of one use among several, which begin with the number that it is the gradient of."""
        before: Shown | None = GradientOf(use.number, use.wrt)
        for line in use.lines():
            yield Line(line.rule, line.after, line.proof, before)
            before = None

    def _steps_of_uses(self, equation: Equation) -> Iterator[UseSteps]:
        uses = self._uses[equation.target.removeprefix("d")]
        values, sources, first = [equation.value], equation.sources, 1
        if len(uses) > 1:
            assert isinstance(equation.value, Add)
            values = [spread(term, equation.shape) for term in equation.value.terms]
            sources, first = equation.sources[1:-1], 1 + TOGETHER
        for (node, operand), value, source in zip(uses, values, sources, strict=True):
            definition, reference = self._values[node.output], self._source(node.output)
            yield UseSteps(self.derivation, equation, node, operand, definition, value, source, first, reference)
            first += len(source.steps)

    def _to_definition(self, nodes: list[GraphNode], wrt: str) -> Iterator[Line]:
        """Yield the chain rule, and the definitions of what reads the array; a loss is its own definition."""
        values = [self._values[node.output] for node in nodes]
        if [node.output for node in nodes] != ["L"]:
            arriving = [f"d{node.output}" for node in nodes if node.output != "L"]
            read = _listed([(Name(node.output),) for node in nodes])
            given = _listed([(Name(name), *self._source(name)) for name in arriving])
            verb = "arrives, and is" if len(arriving) == 1 else "arrive, and are"
            rule = ("chain rule: ", Name(wrt), " is read by ", *read, "; ", *given, f" {verb} held fixed")
            outputs = [Var(node.output, shape_in(self.derivation, node.output)) for node in nodes]
            yield Line(rule, self._gradient(nodes, outputs, wrt), (1,))
        named = _listed([(Name(node.output), *self._source(node.output)) for node in nodes])
        yield Line(("definition of ", *named), self._gradient(nodes, values, wrt))

    def _source(self, name: str) -> Prose:
        return (" (", Reference(self.ids[name]), ")") if name in self.ids else ()

    def _gradient(self, nodes: list[GraphNode], values: Sequence[Node], wrt: str) -> GradientOf:
        numbers = tuple(self._number(node, value) for node, value in zip(nodes, values, strict=True))
        return GradientOf(numbers[0] if len(numbers) == 1 else Add(numbers), wrt)

    def _number(self, node: GraphNode, value: Node) -> Node:
        arriving = f"d{node.output}"
        return value if node.output == "L" else beside(Var(arriving, shape_in(self.derivation, arriving)), value)


def _listed(parts: Sequence[Prose]) -> Prose:
    """Return prose as a list: A, B and C."""
    joined: list[Prose] = []
    for place, part in enumerate(parts):
        sign = "" if place == 0 else " and " if place == len(parts) - 1 else ", "
        joined.append((sign, *part) if sign else part)
    return tuple(piece for part in joined for piece in part)
