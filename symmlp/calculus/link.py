"""Where the loss meets the output activation: insert one cotangent in the other and see whether it simplifies."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from symmlp.calculus.functions import ElementFunction
from symmlp.calculus.index_notation import rebuilt, renamed, slope_of, terms
from symmlp.calculus.vjp import BackwardRule, RuleStep
from symmlp.catalog.layers import SIZES
from symmlp.notation import A, G, P, Y, array, column_of_wrt, row_of_wrt

ROWS_OF_TARGETS_SUM_TO_ONE = "rows of Y sum to 1"


@dataclass(frozen=True)
class Link:
    """A cotangent at the pre-activation that became simpler than the two that it joins."""

    index_form: sp.Expr
    steps: tuple[RuleStep, ...]
    assumptions: tuple[str, ...]


def join(
    loss_cotangent: sp.Expr, rule: BackwardRule, function: ElementFunction | None, *, simplex_targets: bool
) -> Link | None:
    """Return the joined cotangent if it has fewer operations than the loss's own, else None.

    `loss_cotangent` is ∂L/∂A[a, c]; `rule` the backward rule of the output activation, `function` its elementwise
    function, or None for one that acts on rows.
    """
    if function is not None:
        start = _slope_in_output(rule.index_form, rule, function)
        if start is None:
            return None
    else:
        start = rule.index_form
    start = _in_prediction(start)
    written = () if function is None else (RuleStep("slope written in {P}", rule.index_form, start),)
    inserted = _insert(start, loss_cotangent, rule)
    simplified = _simplified(inserted)
    steps = [
        *rule.steps[:-1],
        *written,
        RuleStep("chain rule: insert the cotangent of the loss", start, inserted),
        RuleStep("simplification", inserted, simplified),
    ]
    assumptions: tuple[str, ...] = ()
    if simplex_targets:
        assumed = _rows_sum_to_one(simplified)
        if assumed != simplified:
            steps.append(RuleStep(f"assumption: {ROWS_OF_TARGETS_SUM_TO_ONE}", simplified, assumed))
            simplified, assumptions = assumed, (ROWS_OF_TARGETS_SUM_TO_ONE,)
    if sp.count_ops(simplified) >= sp.count_ops(loss_cotangent) + sp.count_ops(rule.index_form):
        return None
    return Link(simplified, tuple(steps), assumptions)


def _in_prediction(expr: sp.Expr) -> sp.Expr:
    """Return `expr` with the activation's output A called P."""
    return expr.replace(lambda part: isinstance(part, sp.Indexed) and part.base == A, lambda part: P[part.indices])


def _slope_in_output(index_form: sp.Expr, rule: BackwardRule, function: ElementFunction) -> sp.Expr | None:
    """Return the rule with the slope written in the activation's own value."""
    y = sp.Dummy("y", real=True)
    in_value = function.derivative_in_value(y)
    if in_value is None:
        return None
    output = array(rule.op.output)[rule.indices]
    return index_form.replace(slope_of, lambda _: in_value.xreplace({y: output}))


def _insert(index_form: sp.Expr, cotangent: sp.Expr, rule: BackwardRule) -> sp.Expr:
    """Return the rule with every G[u, v] replaced by the loss's cotangent at (u, v)."""
    free = (row_of_wrt, column_of_wrt)[: len(rule.indices)]

    def at(part: sp.Indexed) -> sp.Expr:
        placed = cotangent
        for index, by in zip(free, part.indices, strict=True):
            placed = renamed(placed, index, by)
        return placed

    return index_form.replace(lambda part: isinstance(part, sp.Indexed) and part.base == G, at)


def _simplified(expr: sp.Expr) -> sp.Expr:
    """Return `expr` cancelled as a rational function of its entries, sums over indices distributed."""
    if expr.has(sp.Sum):
        opened = sp.expand(expr.replace(lambda part: isinstance(part, sp.Sum), _cancelled_sum))
        return sp.factor_terms(rebuilt(terms(opened), SIZES), sign=False)
    return sp.factor(sp.cancel(expr)) if expr.is_rational_function(*expr.atoms(sp.Indexed)) else expr


def _cancelled_sum(part: sp.Sum) -> sp.Expr:
    return rebuilt(terms(sp.Sum(sp.expand(sp.cancel(part.function)), *part.limits)), SIZES)


def _rows_sum_to_one(expr: sp.Expr) -> sp.Expr:
    def is_row_sum(part: sp.Basic) -> bool:
        return (
            isinstance(part, sp.Sum)
            and isinstance(part.function, sp.Indexed)
            and part.function.base == Y
            and part.function.indices[-1] == part.limits[0][0]
        )

    return sp.factor_terms(expr.replace(is_row_sum, lambda _: sp.Integer(1)))
