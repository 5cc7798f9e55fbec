"""The end of a network: the loss, its cotangent at the prediction and, where it simplifies, at the pre-activation.

Everything is in generic names: P the prediction, Y the targets, Z the last pre-activation, n units, N samples.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import sympy as sp
from sympy.codegen.cfunctions import expm1

from symmlp.calculus.functions import ElementFunction, RowFunction
from symmlp.calculus.link import Link, join
from symmlp.calculus.matrix_form import PRIME, MatrixForm
from symmlp.calculus.rules import Rules
from symmlp.calculus.vjp import BackwardRule, RuleStep, drop_batch
from symmlp.catalog.layers import SIZES, Op, scale
from symmlp.catalog.losses import Loss, p, y
from symmlp.catalog.sample_weights import NUMBER, TOTAL, SampleWeights, samples_of, weight_at
from symmlp.matrix import Node, Var, filled
from symmlp.notation import N, P, Y, Z, batch, column, column_of_wrt, n, row_of_wrt

INLINE_LIMIT = 12
"""A function of the loss with more operations than this is called by name in code instead of being written out."""

Reduction = Literal["mean", "sum", "batch_mean"]
z = sp.Symbol("z", real=True)


@dataclass(frozen=True)
class Derived:
    """A value as mathematics writes it, the same as code computes it, and the steps that led to it."""

    value: Node
    stable: Node
    steps: tuple[RuleStep, ...]
    assumptions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ending:
    """The loss, ∂L/∂P, ∂L/∂Z where the two join into something simpler, and the functions that they call.

    `joined` is the loss of an entry as a function of its pre-activation, where code computes it so.
    """

    name: str
    loss: Derived
    at_prediction: Derived
    at_pre_activation: Derived | None
    functions: tuple[ElementFunction | RowFunction, ...]
    joined: ElementFunction | None = None


@dataclass(frozen=True)
class Entries:
    """Turns functions of p, y, z into matrix forms, averaged as the loss asks.

    `weight` is what the sum over all entries is multiplied by; each sample may have a weight of its own besides.
    """

    rules: Rules
    weight: sp.Expr
    sample_weights: SampleWeights = "none"

    @property
    def form(self) -> MatrixForm:
        """The recogniser: P, Y and Z have the same shape."""
        shape = ("n", 1) if self.rules.columns else ("N", "n")
        ranges = {**SIZES, row_of_wrt: n if self.rules.columns else N, column_of_wrt: n}
        shapes = {**dict.fromkeys(("P", "Y", "Z", "A"), shape), "omega": ("N", 1)}
        numbers: dict[sp.Symbol, Node] = {each: Var(each.name, ()) for each in (TOTAL, NUMBER)}
        return MatrixForm(shapes, ranges, self.rules.columns, numbers)

    def at(self, expr: sp.Expr, indices: tuple[sp.Symbol, ...]) -> sp.Expr:
        """Return `expr` of the entries at `indices`."""
        return expr.xreplace({p: P[indices], y: Y[indices], z: Z[indices]})

    def total(self, expr: sp.Expr) -> Node:
        """Return the weighted sum of `expr` over all entries, a number in front taken out of the sum."""
        number, rest = expr.as_coeff_Mul()
        axes = (column,) if self.rules.columns else (batch, column)
        entry = self.of_sample(batch) * self.at(rest, axes)
        return self.form.of(self.weight * number * sp.Sum(entry, *((a, 1, SIZES[a]) for a in axes)), None, None)

    def of_sample(self, index: sp.Symbol) -> sp.Expr:
        """Return the weight of the sample at an index, 1 if there is none."""
        return weight_at(index, self.sample_weights, columns=self.rules.columns)

    @property
    def indices(self) -> tuple[sp.Symbol, ...]:
        """The indices (a, c) of an entry."""
        return (row_of_wrt,) if self.rules.columns else (row_of_wrt, column_of_wrt)

    def indexed(self, expr: sp.Expr) -> sp.Expr:
        """Return the weighted entry (a, c) of `expr`."""
        return self.weight * self.of_sample(row_of_wrt) * self.at(expr, self.indices)

    def matrix(self, indexed: sp.Expr) -> Node:
        """Return the matrix whose entry (a, c) is `indexed`."""
        shape = ("n", 1) if self.rules.columns else ("N", "n")
        return filled(self.form.of(indexed, row_of_wrt, None if self.rules.columns else column_of_wrt), shape)


def ending(
    function: ElementFunction,
    loss: Loss,
    entries: Entries,
    activation: ElementFunction | RowFunction,
    activation_op: Op,
    loss_op: Op,
) -> Ending:
    """Return the end of a network whose last activation is `activation`; `function` is the loss of one entry.

    Raises:
        UnsupportedError: the loss has no matrix form.
    """
    rules = entries.rules
    cotangent = entries.indexed(sp.factor_terms(function.derivative))
    rule = rules.backward(activation_op, "Z")
    elementwise = activation if isinstance(activation, ElementFunction) else None
    link = None
    if elementwise is None or (len(elementwise.variables) == 1 and not elementwise.derivative.is_number):
        link = join(cotangent, rule, elementwise, simplex_targets=loss.assumes_simplex_targets)
    at_prediction = _at_prediction(entries, function, rules.backward(loss_op, "P"))
    if link is None:
        return Ending(function.name, _plain_loss(entries, function), at_prediction, None, (function,))
    if isinstance(activation, RowFunction):
        return _ending_with_rows(entries, function, activation, link, at_prediction)
    return _ending_with_entries(entries, function, activation, link, at_prediction)


def entries_of(loss: Loss, reduction: Reduction, weights: SampleWeights, rules: Rules) -> Entries:
    """Return how the entries of a loss are averaged: their sum times 1/N, 1/(N n), or 1, N being a sum of weights."""
    return Entries(rules, _weight_of(loss, reduction, samples_of(weights, columns=rules.columns)), weights)


def _weight_of(loss: Loss, reduction: Reduction, samples: sp.Expr) -> sp.Expr:
    if reduction == "sum":
        return sp.Integer(1)
    return 1 / samples if reduction == "batch_mean" or loss.average == "samples" else 1 / (samples * n)


def _call(name: str, *arguments: sp.Symbol) -> sp.Expr:
    return sp.Function(name)(*arguments)


def _is_short(stable: sp.Expr) -> bool:
    return sp.count_ops(stable) <= INLINE_LIMIT and not stable.has(sp.Piecewise, sp.log, sp.exp)


def _plain_loss(entries: Entries, function: ElementFunction) -> Derived:
    value = entries.total(function.value)
    short = function.stable_value == function.value and _is_short(function.value)
    stable = value if short else entries.total(_call(function.name, p, y))
    return Derived(value, stable, () if short else _stable_steps(function.value, function.stable_value))


def _at_prediction(entries: Entries, function: ElementFunction, rule: BackwardRule) -> Derived:
    slope_name = function.name + PRIME
    derived = sp.factor_terms(function.slope_form.derived or function.derivative)
    derivative = derived if derived == function.derivative else sp.factor_terms(function.derivative)
    written = entries.indexed(derivative if not derivative.has(sp.Piecewise) else _call(slope_name, p, y))
    value = entries.matrix(written)
    short = _is_short(function.stable_derivative) and function.stable_derivative == function.derivative
    stable = value if short else entries.matrix(entries.indexed(_call(slope_name, p, y)))
    weighted = (_weighted(step, entries.weight) for step in rule.steps[:-1])
    steps = (
        *weighted,
        RuleStep("slope of the loss", _call(slope_name, p, y), derived),
        *(() if derived == derivative else (RuleStep("simplification", derived, derivative),)),
        *(() if short else _stable_steps(function.derivative, function.stable_derivative)),
        RuleStep("matrix form", written, value),
    )
    return Derived(value, stable, steps)


def _weighted(step: RuleStep, weight: sp.Expr) -> RuleStep:
    assert not isinstance(step.before, Node)
    assert not isinstance(step.after, Node)
    return RuleStep(step.rule, step.before.xreplace({scale: weight}), step.after.xreplace({scale: weight}))


def _stable_steps(naive: sp.Expr, stable: sp.Expr) -> tuple[RuleStep, ...]:
    return () if naive == stable else (RuleStep("stable form", naive, stable),)


def _ending_with_entries(
    entries: Entries, function: ElementFunction, activation: ElementFunction, link: Link, at_prediction: Derived
) -> Ending:
    """Return the ending whose code computes loss and slope as one function of the pre-activation."""
    (own,) = activation.variables
    composed = function.value.xreplace({p: activation.value.xreplace({own: z})})
    joined = ElementFunction.derive(f"{function.name}_of_{activation.name}", composed, (z, y))
    steps = _stable_steps(composed, joined.stable_value)
    loss = Derived(entries.total(function.value), entries.total(_call(joined.name, z, y)), steps)
    value = entries.matrix(link.index_form)
    stable = entries.matrix(entries.indexed(_call(joined.name + PRIME, z, y)))
    steps = (
        *link.steps,
        RuleStep("matrix form", link.index_form, value),
        *_stable_steps(joined.derivative, joined.stable_derivative),
    )
    at_pre_activation = Derived(value, stable, steps, link.assumptions)
    return Ending(function.name, loss, at_prediction, at_pre_activation, (function, joined), joined)


def _ending_with_rows(
    entries: Entries, function: ElementFunction, activation: RowFunction, link: Link, at_prediction: Derived
) -> Ending:
    """Return the ending whose code takes the logarithm of the prediction straight from the pre-activation."""
    value = entries.matrix(link.index_form)
    steps = [*link.steps, RuleStep("matrix form", link.index_form, value)]
    written, complement = _without_cancellation(entries, activation, link)
    if written is not None:
        steps.append(RuleStep(_COMPLEMENT_RULE if complement else _EXPM1_RULE, link.index_form, written))
    stable = None if written is None else entries.matrix(written)
    joined = Derived(value, stable or value, tuple(steps), link.assumptions)
    extra = () if complement is None else (complement,)
    if not function.value.has(sp.log(p)):
        return Ending(function.name, _plain_loss(entries, function), at_prediction, joined, (function, *extra))
    logarithm = activation.logarithm(f"log_{activation.name}")
    inserted, entry = _with_logarithm(function, logarithm)
    quotient, difference = (
        drop_batch(value) if entries.rules.columns else value for value in (activation.value, logarithm.value)
    )
    step = RuleStep("stable form: logarithm of a quotient", sp.log(quotient), difference)
    loss = Derived(entries.total(function.value), entries.total(inserted), (step,))
    return Ending(function.name, loss, at_prediction, joined, (function, logarithm, *entry, *extra))


def _with_logarithm(function: ElementFunction, logarithm: RowFunction) -> tuple[sp.Expr, tuple[ElementFunction, ...]]:
    """Return the loss with log(p) taken from the row, and a function of its own if another logarithm is left.

    That one may be infinite where its factor is zero, as log(y) in y (log(y) - log(p)): the function guards it.
    """
    call = _call(logarithm.name, z)
    if not function.value.xreplace({sp.log(p): z}).has(sp.log):
        return function.value.xreplace({sp.log(p): call}), ()
    name = f"{function.name}_of_{logarithm.name}"
    entry = ElementFunction.derive(name, function.value.xreplace({sp.log(p): z}), (z, y))
    return _call(name, call, y), (entry,)


_COMPLEMENT_RULE = "stable form: the complement of {P} is the sum of the row's other entries"
_EXPM1_RULE = "stable form: 1 - exp({P}) is -expm1({P})"


def _sum_of_targets(link: Link) -> sp.Expr | None:
    """Return the sum of a row of targets, if there is one in the link."""
    sums = [part for part in link.index_form.atoms(sp.Sum) if isinstance(part.function, sp.Indexed)]
    return sums[0] if len(sums) == 1 and sums[0].function.base == Y else None


def _without_cancellation(
    entries: Entries, activation: RowFunction, link: Link
) -> tuple[sp.Expr | None, RowFunction | None]:
    """Return P - Y as P(1 - Y) - Y(1 - P), with 1 - P computed as the sum of the other entries, if that is the link.

    For log-probabilities it is exp(P) - Y, and 1 - exp(P) is -expm1(P). Where rows of Y have a sum s that is not 1, it
    is sP - Y, which is (s - Y)P - Y(1 - P); s - Y has no error where all of a row but Y is 0.
    """
    rows, own = _sum_of_targets(link), entries.at(y, entries.indices)
    if rows is not None:
        for sign in (1, -1):
            weight = sign * entries.indexed(sp.Integer(1))
            prediction = entries.at(p, entries.indices)
            if sp.expand(link.index_form - weight * (prediction * rows - own)) == 0:
                complement = activation.complement(f"{activation.name}_complement")
                rest = own * entries.at(_call(complement.name, z), entries.indices)
                return weight * (prediction * (rows - own) - rest), complement
            exponential = entries.at(sp.exp(p), entries.indices)
            if sp.expand(link.index_form - weight * (exponential * rows - own)) == 0:
                rest = own * entries.at(expm1(p), entries.indices)
                return weight * (exponential * (rows - own) + rest), None
    for sign in (1, -1):
        if sp.expand(link.index_form - entries.indexed(sign * (p - y))) == 0:
            complement = activation.complement(f"{activation.name}_complement")
            return entries.indexed(sign * (p * (1 - y) - y * _call(complement.name, z))), complement
        if sp.expand(link.index_form - entries.indexed(sign * (sp.exp(p) - y))) == 0:
            return entries.indexed(sign * (sp.exp(p) * (1 - y) + y * expm1(p))), None
    return None, None
