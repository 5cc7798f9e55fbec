"""The steps of an equation at matrix level: what a student writes down, each line proven by steps in index notation.

The chain rule turns ∂L/∂V into the gradient of one number: if Z is what reads V, and dZ = ∂L/∂Z has arrived, then
∂L/∂V = ∂/∂V sum(dZ ∘ Z) with dZ held fixed. The definition of Z is put in, terms without V go, and what is left is
either linear in V, sum(C ∘ V), whose gradient is C, or differentiated entry by entry or row by row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import sympy as sp

from symmlp.calculus.functions import ElementFunction
from symmlp.calculus.index_notation import Partial, slope_arguments, slope_of
from symmlp.calculus.matrix_form import PRIME, MatrixForm
from symmlp.calculus.vjp import matrix_form, one_sample, places
from symmlp.catalog.layers import Op
from symmlp.derivation import Derivation, Equation, Formula, Source
from symmlp.document.page import FunctionAt, GradientOf, Name, Prose, Reference, Shown, StepRow
from symmlp.document.rules import rule_prose
from symmlp.errors import UnsupportedError
from symmlp.graph import GraphNode
from symmlp.matrix import Add, Call, Node, Product, Reduce, Shape, Var, shape_of, substitute, variables, walk
from symmlp.notation import array, column_of_wrt, row_of_wrt

LETTERS = "abcdefghijklmnopqrstuvwxyz"

WrittenSlope = Callable[[tuple[sp.Expr, ...]], sp.Expr]
"""A slope at given arguments."""


@dataclass(frozen=True)
class Line:
    """What came out of one rule; `proof` are numbers of steps in index notation."""

    rule: Prose
    after: Shown
    proof: tuple[int, ...] = ()


@dataclass(frozen=True)
class MatrixSteps:
    """Writes the matrix-level steps of a derivation's equations."""

    derivation: Derivation

    def of(self, equation: Equation, head: Shown) -> tuple[StepRow, ...]:
        """Return the steps of an equation, numbered B3.a, B3.b, ...; `head` is what it is an equation for."""
        rows: list[StepRow] = []
        before = head
        for letter, line in zip(LETTERS, self._lines(equation), strict=False):
            proof = tuple(f"{equation.id}.{number}" for number in line.proof)
            rows.append(StepRow(f"{equation.id}.{letter}", line.rule, before, line.after, proof))
            before = line.after
        return tuple(rows)

    def _lines(self, equation: Equation) -> Iterator[Line]:
        last: Shown | None = None
        for line in self._all_lines(equation):
            if line.after != last:
                yield line
                last = line.after

    def _all_lines(self, equation: Equation) -> Iterator[Line]:
        if equation.kind == "backward":
            yield from self._backward(equation)
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
    def _readers(self) -> dict[str, tuple[GraphNode, ...]]:
        found: dict[str, list[GraphNode]] = {}
        for node in self.derivation.graph.nodes:
            for name in node.operands.values():
                found.setdefault(name, []).append(node)
        return {name: tuple(nodes) for name, nodes in found.items()}

    def readers(self, name: str) -> tuple[GraphNode, ...]:
        """Return the nodes that read an array, once for each time that they do."""
        return self._readers[name]

    def _backward(self, equation: Equation) -> Iterator[Line]:
        wrt = equation.target.removeprefix("d")
        node, *others = self.readers(wrt)
        if not node.op.axes and node.output == "L":
            definition = self._definition([node])
            yield Line(definition, GradientOf(self._values["L"], wrt))
        else:
            yield from self._to_definition([node, *others], wrt)
        if others:
            yield Line(("sum rule: one term for each use",), Formula(equation.value), _all(equation))
        elif self._is_linear(equation, node, wrt):
            yield from self._linear(equation, node, self._values[node.output], wrt)
        else:
            yield from self._entry_by_entry(equation, node)
            yield Line(self._last_rule(equation), Formula(equation.value))
            yield from self._slope(equation, node)

    def _is_linear(self, equation: Equation, node: GraphNode, wrt: str) -> bool:
        """Return whether the array's gradient depends neither on it nor on what reads it."""
        calls = any(isinstance(part, Call) for part in walk(self._values[node.output]))
        return not calls and not variables(equation.value) & {wrt, node.output} and node.output != "L"

    def _to_definition(self, nodes: list[GraphNode], wrt: str) -> Iterator[Line]:
        """Yield the chain rule, and the definitions of what reads the array."""
        arriving = [f"d{node.output}" for node in nodes]
        read = _listed([(Name(node.output),) for node in nodes])
        given = _listed([(Name(name), *self._source(name)) for name in arriving])
        verb = "arrives, and is" if len(nodes) == 1 else "arrive, and are"
        rule = ("chain rule: ", Name(wrt), " is read by ", *read, "; ", *given, f" {verb} held fixed")
        outputs = [Var(node.output, self._shape(node.output)) for node in nodes]
        yield Line(rule, self._gradient(arriving, outputs, wrt), (1,))
        values = [self._values[node.output] for node in nodes]
        yield Line(self._definition(nodes), self._gradient(arriving, values, wrt))

    def _definition(self, nodes: list[GraphNode]) -> Prose:
        named = _listed([(Name(node.output), " (", Reference(self.ids[node.output]), ")") for node in nodes])
        return ("definition of ", *named)

    def _source(self, name: str) -> Prose:
        return (" (", Reference(self.ids[name]), ")") if name in self.ids else ()

    def _gradient(self, arriving: list[str], values: Sequence[Node], wrt: str) -> GradientOf:
        numbers = tuple(self._beside(name, value) for name, value in zip(arriving, values, strict=True))
        return GradientOf(numbers[0] if len(numbers) == 1 else Add(numbers), wrt)

    def _linear(self, equation: Equation, node: GraphNode, value: Node, wrt: str) -> Iterator[Line]:
        """Yield the steps of an op that is linear in the array: the gradient is what the array is multiplied by."""
        arriving, name = f"d{node.output}", Name(wrt)
        terms = value.terms if isinstance(value, Add) else (value,)
        kept = tuple(term for term in terms if wrt in variables(term))
        if len(kept) < len(terms):
            rule: Prose = ("sum rule: the gradient of a term without ", name, " is zero")
            yield Line(rule, GradientOf(self._beside(arriving, kept[0] if len(kept) == 1 else Add(kept)), wrt))
        product = Product((equation.value, Var(wrt, equation.shape)))
        grouped = Reduce("sum", product, None) if shape_of(product) else product
        proof = tuple(range(2, len(equation.steps)))
        yield Line(("matrix form: the same sum, grouped around ", name), GradientOf(grouped, wrt), proof)
        yield Line(
            ("product rule: the gradient of a sum of constants times ", name, " is the constants"),
            Formula(equation.value),
        )

    def _entry_by_entry(self, equation: Equation, node: GraphNode) -> Iterator[Line]:
        """Yield the matrix forms of the steps in index notation that have one: those without deltas."""
        source = equation.sources[0]
        used, first = "", 2
        for number, step in enumerate(source.steps, start=1):
            if step.rule.startswith("stable form"):
                continue
            if ": differentiate" in step.rule:
                used = step.rule.partition(":")[0]
            forms = [self._matrix(part, source, equation) for part in (step.before, step.after)]
            if step.rule.startswith("chain rule: insert") and forms[0] is not None:
                slope: Prose = ("slope written in ", Name(node.output)) if node.function else ()
                yield Line(slope, Formula(forms[0]))
            if forms[1] is not None:
                rule = rule_prose(f"{used}: differentiate {{{node.op.output}}}", source.names)
                if not step.rule.startswith("delta contraction"):
                    rule, first = rule_prose(step.rule, source.names), number
                yield Line(rule, Formula(forms[1]), tuple(range(first, number + 1)))
                first = number + 1

    def _last_rule(self, equation: Equation) -> Prose:
        """Return what leads to the equation's own form: the slope of the loss written out, or the matrix form."""
        (source, *_) = equation.sources
        for step in source.steps:
            if step.rule == "slope of the loss":
                slope, written = (Formula(part, source.names, source.sizes) for part in (step.before, step.after))
                return ("slope of the loss: ", slope, " = ", written)
        return ("matrix form",)

    def _matrix(self, expr: sp.Expr | Node, source: Source, equation: Equation) -> Node | None:
        """Return the matrix form of a formula in the op's own names, in this network's; None if it has none."""
        if isinstance(expr, Node) or not expr.has(sp.Indexed) or expr.has(sp.KroneckerDelta, Partial):
            return None
        wrt, columns = equation.target.removeprefix("d"), self.derivation.layout == "sample"
        node = self.readers(wrt)[0]
        op = one_sample(node.op) if columns else node.op
        axes = next(op.operands[operand] for operand, name in node.operands.items() if name == wrt)
        indices = (row_of_wrt, column_of_wrt)[: len(axes)]
        form = matrix_form(op, axes, indices, columns=columns)
        try:
            found = _with_ending(form, op).of(expr, *places(axes, indices, columns))
        except UnsupportedError:
            return None
        arrays: dict[str, Node] = {own: Var(name, self._shape(name)) for own, name in source.names.items()}
        primed = {f"{own}{PRIME}": f"{name}{PRIME}" for own, name in source.names.items()}
        return substitute(found, arrays, source.sizes, {**source.names, **primed})

    def _slope(self, equation: Equation, node: GraphNode) -> Iterator[Line]:
        """Yield the gradient with the slope of an elementwise function written out, then in the function's value."""
        source = equation.sources[0]
        forms = [step.before for step in source.steps if isinstance(step.after, Node)]
        if not forms or isinstance(forms[-1], Node):
            return
        slopes = sorted(forms[-1].atoms(slope_of), key=sp.default_sort_key)
        if slopes:
            opaque = slope_arguments(slopes[0])[0]
            function = self.derivation.functions.get(source.names.get(opaque, opaque))
            if isinstance(function, ElementFunction):
                for rule, written in self._written_slopes(function, node):
                    expr = forms[-1].xreplace({each: written(slope_arguments(each)[1]) for each in slopes})
                    found = self._matrix(expr, source, equation)
                    if found is not None:
                        yield Line(rule, Formula(found))

    def _written_slopes(self, function: ElementFunction, node: GraphNode) -> Iterator[tuple[Prose, WrittenSlope]]:
        """Yield how the slope is written, and what it is at given arguments: as derived, then in the value."""
        label = FunctionAt(function.name + PRIME, tuple(variable.name for variable in function.variables))
        yield (
            ("slope: ", label, " = ", Formula(function.derivative)),
            lambda arguments: function.derivative.xreplace(dict(zip(function.variables, arguments, strict=True))),
        )
        own = sp.Dummy(real=True)
        in_value = function.derivative_in_value(own) if len(function.variables) == 1 else None
        if in_value is not None and own in in_value.free_symbols:
            id, output = Reference(self.ids[node.output]), array(node.op.output)
            yield (
                ("simplification: insert ", Name(node.output), " (", id, ")"),
                lambda arguments: in_value.xreplace({own: output[arguments[0].indices]}),
            )

    def _beside(self, arriving: str, value: Node) -> Node:
        """Return the number sum(arriving ∘ value)."""
        product = Product((Var(arriving, self._shape(arriving)), value))
        return Reduce("sum", product, None) if shape_of(product) else product

    def _shape(self, name: str) -> Shape:
        shapes = self.derivation.graph.shapes
        return shapes[name] if name in shapes else shapes.get(name.removeprefix("d"), ())


def _with_ending(form: MatrixForm, op: Op) -> MatrixForm:
    """Return a recogniser that knows prediction and targets, which have the shape of the op's operand."""
    (shape, *_) = (form.shapes[operand] for operand in op.operands)
    return replace(form, shapes={**dict.fromkeys("PY", shape), **form.shapes})


def _listed(parts: Sequence[Prose]) -> Prose:
    """Return prose as a list: A, B and C."""
    joined: list[Prose] = []
    for place, part in enumerate(parts):
        sign = "" if place == 0 else " and " if place == len(parts) - 1 else ", "
        joined.append((sign, *part) if sign else part)
    return tuple(piece for part in joined for piece in part)


def _all(equation: Equation) -> tuple[int, ...]:
    return tuple(range(1, len(equation.steps) + 1))
