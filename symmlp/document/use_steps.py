"""The matrix-level steps of one use: how an array's gradient follows from the definition of an op that reads it.

An op that is linear in the array V is written sum(C ∘ V), whose gradient is C; any other is differentiated entry by
entry or row by row, its slope written out, and the op's own value put in where the slope holds it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import sympy as sp

from symmlp.calculus.functions import ElementFunction
from symmlp.calculus.index_notation import Partial, slope_arguments, slope_of
from symmlp.calculus.matrix_form import PRIME, MatrixForm
from symmlp.calculus.vjp import matrix_form, one_sample, places, rules_used
from symmlp.catalog.layers import Op
from symmlp.catalog.sample_weights import NUMBER, TOTAL
from symmlp.derivation import Derivation, Equation, Formula, Source
from symmlp.document.page import FunctionAt, GradientOf, Name, Prose, Shown
from symmlp.document.rules import rule_prose
from symmlp.errors import UnsupportedError
from symmlp.graph import GraphNode
from symmlp.matrix import Add, Call, Node, Product, Reduce, Shape, Var, shape_of, substitute, variables, walk
from symmlp.notation import array, column_of_wrt, row_of_wrt

WrittenSlope = Callable[[tuple[sp.Expr, ...]], sp.Expr]
"""A slope at given arguments."""


@dataclass(frozen=True)
class Line:
    """What came out of one rule; `proof` are numbers of steps in index notation.

    `before` is what the rule was applied to, if that is not what the line before has come to.
    """

    rule: Prose
    after: Shown
    proof: tuple[int, ...] = ()
    before: Shown | None = None


@dataclass(frozen=True)
class UseSteps:
    """Writes the lines of one use: `node` reads the array and `definition` is what it makes of it.

    `value` is the gradient by way of this use, which the steps of `source` lead to; those are numbered from `first` on.
    """

    derivation: Derivation
    equation: Equation
    node: GraphNode
    operand: str
    definition: Node
    value: Node
    source: Source
    first: int
    reference: Prose
    """Which equation defines the node's output."""

    @property
    def wrt(self) -> str:
        """The array."""
        return self.node.operands[self.operand]

    def lines(self) -> Iterator[Line]:
        """Yield the lines from the gradient of sum(dA ∘ A), A being written out, to the value."""
        if self._is_linear:
            yield from self._linear()
        else:
            lines = list(self._entry_by_entry())
            yield from lines
            yield Line(self._last_rule if lines else self._differentiated, Formula(self.value))
            yield from self._slope()

    @property
    def number(self) -> Node:
        """The number whose gradient is taken: sum(dA ∘ definition), or the loss itself."""
        return self.definition if self._makes_loss else self.beside(self.definition)

    @property
    def _makes_loss(self) -> bool:
        return self.node.output == "L"

    def beside(self, value: Node) -> Node:
        """Return the number sum(dA ∘ value), dA being what arrives."""
        name = f"d{self.node.output}"
        return beside(Var(name, self._shape(name)), value)

    @property
    def _is_linear(self) -> bool:
        """Whether the array's gradient depends neither on it nor on what reads it."""
        calls = any(isinstance(part, Call) for part in walk(self.definition))
        return not calls and not variables(self.value) & {self.wrt, self.node.output} and not self._makes_loss

    def _linear(self) -> Iterator[Line]:
        """Yield the steps of an op that is linear in the array: the gradient is what the array is multiplied by."""
        name, value = Name(self.wrt), self.definition
        terms = value.terms if isinstance(value, Add) else (value,)
        kept = tuple(term for term in terms if self.wrt in variables(term))
        if len(kept) < len(terms):
            rule: Prose = ("sum rule: the gradient of a term without ", name, " is zero")
            yield Line(rule, GradientOf(self.beside(kept[0] if len(kept) == 1 else Add(kept)), self.wrt))
        grouped = beside(self.value, Var(self.wrt, self.equation.shape))
        steps = len(self.source.steps)
        begun = 2 if self.first == 1 else self.first
        proof = tuple(range(begun, self.first + steps - 1))
        yield Line(
            ("matrix form: the same sum, grouped around ", name), GradientOf(grouped, self.wrt), proof or (self.first,)
        )
        constants = Name("C")
        number = beside(Var(constants.array, self.equation.shape), Var(self.wrt, self.equation.shape))
        rule = ("constant factor rule: the gradient of ", Formula(number), " is ", constants)
        yield Line(rule, Formula(self.value))

    def _entry_by_entry(self) -> Iterator[Line]:
        """Yield the matrix forms of the steps in index notation that have one: those without deltas."""
        source = self.source
        first = 2 if self.first == 1 else self.first
        for number, step in enumerate(source.steps, start=self.first):
            if step.rule.startswith("stable form"):
                continue
            forms = [self._matrix(part) for part in (step.before, step.after)]
            if step.rule.startswith("chain rule: insert") and forms[0] is not None:
                slope: Prose = ("slope written in ", Name(self.node.output)) if self.node.function else ()
                yield Line(slope, Formula(forms[0]))
            if forms[1] is not None:
                rule = self._differentiated
                if not step.rule.startswith("delta contraction"):
                    rule, first = rule_prose(step.rule, source.names), number
                yield Line(rule, Formula(forms[1]), tuple(range(first, number + 1)))
                first = number + 1

    @property
    def _differentiated(self) -> Prose:
        return rule_prose(f"{rules_used(self._op.value)}: differentiate {{{self.node.op.output}}}", self.source.names)

    @property
    def _last_rule(self) -> Prose:
        """What leads to the equation's own form: the slope of the loss written out, or the matrix form."""
        source = self.source
        for step in source.steps:
            if step.rule == "slope of the loss":
                slope, written = (Formula(part, source.names, source.sizes) for part in (step.before, step.after))
                return ("slope of the loss: ", slope, " = ", written)
        return ("matrix form",)

    @property
    def _op(self) -> Op:
        return one_sample(self.node.op) if self.derivation.layout == "sample" else self.node.op

    def _matrix(self, expr: sp.Expr | Node) -> Node | None:
        """Return the matrix form of a formula in the op's own names, in this network's; None if it has none."""
        if isinstance(expr, Node) or not expr.has(sp.Indexed) or expr.has(sp.KroneckerDelta, Partial):
            return None
        op, columns, source = self._op, self.derivation.layout == "sample", self.source
        axes = op.operands[self.operand]
        indices = (row_of_wrt, column_of_wrt)[: len(axes)]
        form = matrix_form(op, axes, indices, columns=columns)
        try:
            found = _with_ending(form, op).of(expr, *places(axes, indices, columns))
        except UnsupportedError:
            return None
        arrays: dict[str, Node] = {own: Var(name, self._shape(name)) for own, name in source.names.items()}
        primed = {f"{own}{PRIME}": f"{name}{PRIME}" for own, name in source.names.items()}
        return substitute(found, arrays, source.sizes, {**source.names, **primed})

    def _slope(self) -> Iterator[Line]:
        """Yield the gradient with the slope of an elementwise function written out, then in the function's value."""
        source = self.source
        forms = [step.before for step in source.steps if isinstance(step.after, Node)]
        if not forms or isinstance(forms[-1], Node):
            return
        slopes = sorted(forms[-1].atoms(slope_of), key=sp.default_sort_key)
        if slopes:
            opaque = slope_arguments(slopes[0])[0]
            function = self.derivation.functions.get(source.names.get(opaque, opaque))
            if isinstance(function, ElementFunction):
                for rule, written in self._written_slopes(function):
                    expr = forms[-1].xreplace({each: written(slope_arguments(each)[1]) for each in slopes})
                    found = self._matrix(expr)
                    if found is not None:
                        yield Line(rule, Formula(found))

    def _written_slopes(self, function: ElementFunction) -> Iterator[tuple[Prose, WrittenSlope]]:
        """Yield how the slope is written, and what it is at given arguments: as derived, then in the value."""
        label = FunctionAt(function.name + PRIME, tuple(variable.name for variable in function.variables))
        yield (
            ("slope: ", label, " = ", Formula(function.derivative)),
            lambda arguments: function.derivative.xreplace(dict(zip(function.variables, arguments, strict=True))),
        )
        own = sp.Dummy(real=True)
        in_value = function.derivative_in_value(own) if len(function.variables) == 1 else None
        if in_value is not None and own in in_value.free_symbols:
            output = array(self.node.op.output)
            yield (
                ("simplification: insert ", Name(self.node.output), *self.reference),
                lambda arguments: in_value.xreplace({own: output[arguments[0].indices]}),
            )

    def _shape(self, name: str) -> Shape:
        return shape_in(self.derivation, name)


def beside(arriving: Node, value: Node) -> Node:
    """Return the number sum(arriving ∘ value)."""
    product = Product((arriving, value))
    return Reduce("sum", product, None) if shape_of(product) else product


def shape_in(derivation: Derivation, name: str) -> Shape:
    """Return the shape of an array or of its cotangent."""
    shapes = derivation.graph.shapes
    return shapes[name] if name in shapes else shapes.get(name.removeprefix("d"), ())


def _with_ending(form: MatrixForm, op: Op) -> MatrixForm:
    """Return a recogniser that knows prediction, targets and samples' weights besides the op's operands."""
    (shape, *_) = (form.shapes[operand] for operand in op.operands)
    numbers: dict[sp.Symbol, Node] = {each: Var(each.name, ()) for each in (TOTAL, NUMBER)}
    shapes = {**dict.fromkeys("PY", shape), "omega": ("N", 1), **form.shapes}
    return replace(form, shapes=shapes, names={**numbers, **form.names})
