"""The negative gradient with the model as one function: −∇θ L = −2 (M(x, θ) − y) ∇θ M(x, θ), line by line.

The loss of an entry is peeled from outside: f(u) gives f′(u) ∇θ u by the chain rule, until the model itself is left.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

import sympy as sp

from symmlp.calculus.index_notation import Nabla
from symmlp.calculus.slope import slope
from symmlp.catalog.losses import p as prediction
from symmlp.catalog.losses import y as target
from symmlp.derivation import Derivation, Formula
from symmlp.document.page import EquationRow, Name, Prose, Reference, Section, StepRow, SymbolRow
from symmlp.notation import batch, column

ID = "D1"
THETA = sp.Symbol("theta", real=True)
LETTERS = "abcdefghijklmnopqrstuvwxyz"

Line = tuple[Prose, sp.Expr]
"""The rule, and what came out."""


@dataclass(frozen=True)
class Descent:
    """Writes the negative gradient of a derivation's loss in θ; `model` is what the prediction is called."""

    derivation: Derivation
    model: str

    def section(self) -> Section:
        """Return the lines as a section of a page."""
        lines = list(self._lines())
        steps, before = [], -Nabla(sp.Symbol("L"))
        head = before
        for letter, (rule, after) in zip(LETTERS, lines, strict=False):
            steps.append(StepRow(f"{ID}.{letter}", rule, Formula(before), Formula(after)))
            before = after
        numbered = tuple(
            StepRow(f"{ID}.{number}", step.rule, step.before, step.after) for number, step in enumerate(steps, start=1)
        )
        chain: Prose = ("from ", Name("L"), " (", Reference(self.derivation.loss.id), "): chain rule, sum rule")
        row = EquationRow(
            id=ID,
            kind="descent",
            target="theta",
            head=Formula(head),
            value=Formula(before),
            shape=(self.count,),
            assumptions=(),
            chain=chain,
            matrix_steps=tuple(steps),
            index_steps=numbered,
        )
        return Section("Descent, the model as one function", (row,))

    def facts(self) -> Iterator[tuple[str, Prose]]:
        """Yield what the letters of the section stand for."""
        model, name = Formula(self._model_at()), self._arrays[0]
        yield "Model", (model, " is the prediction ", Name(name), " as a function of inputs and parameters")
        entry = (Formula(Nabla(self._entry)), " has one entry for each parameter")
        yield "Descent", (Formula(-Nabla(sp.Symbol("L"))), " is the direction in which the loss falls most; ", *entry)

    def symbol(self) -> SymbolRow:
        """Return the row of θ in the table of symbols."""
        return SymbolRow("theta", (self.count,), "all parameters in one vector")

    @property
    def count(self) -> int:
        """The number of parameters."""
        shapes = self.derivation.graph.shapes
        return sum(prod(int(size) for size in shapes[name]) for name in self.derivation.graph.parameters)

    @property
    def _arrays(self) -> tuple[str, str, str]:
        """Return the names of prediction, targets and inputs."""
        graph = self.derivation.graph
        return graph.prediction, graph.targets, graph.inputs

    @property
    def _is_single(self) -> bool:
        return self.derivation.layout == "sample" and self.derivation.network.outputs == 1

    def _model_at(self) -> sp.Expr:
        inputs = sp.Symbol(self._arrays[2], real=True)
        return sp.Function(self.model, real=True)(inputs, THETA)

    @property
    def _indices(self) -> tuple[sp.Idx, ...]:
        return (batch, column) if self.derivation.layout == "batch" else (column,)

    @property
    def _entry(self) -> sp.Expr:
        """The model's value that a loss is applied to: all of it, or an entry."""
        if self._is_single:
            return self._model_at()
        return sp.IndexedBase(self._arrays[0], real=True)[self._indices]

    def _over_entries(self, summand: sp.Expr) -> sp.Expr:
        """Return the sum over entries, with the weight that makes a mean of it."""
        network = self.derivation.network
        weight = sp.Integer(1)
        if network.reduction != "sum":
            weight = 1 / sp.Symbol("N", positive=True) if self.derivation.layout == "batch" else weight
            averaged = network.reduction == "mean" and network.loss_definition.average == "entries"
            weight = weight / network.outputs if averaged else weight
        if self._is_single:
            return summand
        limits = [(index, 1, sp.Symbol("n")) for index in self._indices]
        return sp.Mul(weight, sp.Sum(summand, *limits), evaluate=False) if weight != 1 else sp.Sum(summand, *limits)

    def _lines(self) -> Iterator[Line]:
        """Yield −∇θ L with the loss put in, and with one function after the other differentiated."""
        put = self._put
        loss = self.derivation.network.loss_definition.value
        definition: Prose = ("definition of ", Name("L"), " (", Reference(self.derivation.loss.id), ")")
        whole = self._over_entries(put(loss))
        yield definition, -Nabla(whole)
        if not self._is_single:
            yield ("sum rule",), -self._over_entries(Nabla(put(loss)))
        factor = sp.Integer(1)
        for rule, slope_of_outer, inner in self._peeled(loss):
            factor = factor * slope_of_outer
            negative = factor.could_extract_minus_sign()
            summed = self._over_entries(_times(put(-factor if negative else factor), Nabla(put(inner))))
            yield rule, summed if negative else -summed

    def _put(self, expr: sp.Expr) -> sp.Expr:
        """Return a loss's expression with model and targets in it."""
        name = self._arrays[1]
        target_entry = sp.Symbol(name, real=True) if self._is_single else sp.IndexedBase(name, real=True)[self._indices]
        return expr.xreplace({prediction: self._entry, target: target_entry})

    def _peeled(self, value: sp.Expr) -> Iterator[tuple[Prose, sp.Expr, sp.Expr]]:
        """Yield (rule, slope of the outermost function, what is inside) until the prediction is left."""
        while value != prediction:
            outer, inner, hole = _outermost(value)
            found = slope(outer, hole, self.derivation.network.kinks).derivative
            yield self._rule(value, inner), sp.factor_terms(found).xreplace({hole: inner}), inner
            value = inner

    def _rule(self, value: sp.Expr, inner: sp.Expr) -> Prose:
        """Return the rule by which `value` is differentiated down to `inner`."""
        constant: Prose = ()
        if value.has(target):
            constant = (": ", Name(self._arrays[1]), " does not depend on ", Name("theta"))
        if inner not in value.args:
            return ("sum rule, product rule, chain rule: the slope of ", Name(self._arrays[0]), "'s loss")
        if value.is_Add:
            return ("sum rule", *constant)
        if value.is_Mul:
            return ("product rule", *constant)
        return ("chain rule: the slope of the outer function, times the gradient of the inner one",)


def _outermost(value: sp.Expr) -> tuple[sp.Expr, sp.Expr, sp.Symbol]:
    """Return (f in a symbol r, u, r) with value = f(u); where p stands in several places, u is p itself."""
    hole = sp.Symbol("r", real=True)
    containing = [part for part in value.args if part.has(prediction)]
    if len(containing) == 1 and not isinstance(value, sp.Piecewise):
        (inner,) = containing
        return value.xreplace({inner: hole}), inner, hole
    return value.xreplace({prediction: hole}), prediction, hole


def _times(factor: sp.Expr, gradient: sp.Expr) -> sp.Expr:
    """Return a factor times a gradient, a quotient being kept together."""
    if factor == 1:
        return gradient
    if sp.denom(factor) != 1:
        return sp.Mul(factor, gradient, evaluate=False)
    number, rest = factor.primitive()
    numbers = () if number == 1 else (number,)
    return sp.Mul(*numbers, *sp.Mul.make_args(rest), gradient, evaluate=False)
