"""An optimizer's update with fewer passes over its vectors, by algebra alone.

State that decays and takes in a multiple of something, s ← a·s + b·h, is kept divided by that multiple: S = s/b obeys
S ← a·S + h. What depends on no vector is computed once an update, and a multiple in a denominator is divided out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sympy as sp

from symmlp.catalog.optimizers import Optimizer, t

Expressions = dict[sp.Symbol, sp.Expr]


@dataclass(frozen=True)
class LeanUpdate:
    """`scalars` are computed first, in order; then `updates` entry by entry; `scales` are s/S of each state vector."""

    scalars: Mapping[sp.Symbol, sp.Expr]
    updates: Mapping[sp.Symbol, sp.Expr]
    scales: Mapping[sp.Symbol, sp.Expr]


def lean(optimizer: Optimizer) -> LeanUpdate:
    """Return the update of an optimizer, its state scaled and its scalars taken out."""
    vectors = set(optimizer.vectors)
    plain = _inserted(optimizer, {optimizer.updates[-1].target, *optimizer.state})
    scales: Expressions = {}
    for state in optimizer.state:
        scales[state], plain[state] = _scaled(state, plain[state], vectors)
    given = {state: scale * state for state, scale in scales.items()}
    updates: Expressions = {}
    scalars: Expressions = {}
    for target, value in plain.items():
        here = value if target in scales else value.xreplace(given)
        updates[target] = _hoisted(_without_multiples(here, vectors), vectors, scalars)
    return LeanUpdate(scalars, updates, {state: scale for state, scale in scales.items() if scale != 1})


def _inserted(optimizer: Optimizer, kept: set[sp.Symbol]) -> Expressions:
    """Return the updates of what is `kept`, lines in between being inserted."""
    between: Expressions = {}
    plain: Expressions = {}
    for update in optimizer.updates:
        value = update.value.xreplace(between)
        (plain if update.target in kept else between)[update.target] = value
    return plain


def _scaled(state: sp.Symbol, value: sp.Expr, vectors: set[sp.Symbol]) -> tuple[sp.Expr, sp.Expr]:
    """Return b and a·S + h of s ← a·s + b·h, or 1 and the update itself where it does not have that form."""
    expanded = sp.expand(value)
    kept, taken = sp.factor(expanded.coeff(state, 1)), sp.factor(expanded.coeff(state, 0))
    multiple, rest = taken.as_independent(*vectors, as_Add=False)
    is_linear = sp.expand(kept * state + taken - expanded) == 0 and not kept.has(*vectors)
    if not is_linear or not rest.has(*(vectors - {state})) or multiple.has(t):
        return sp.Integer(1), value
    return multiple, kept * state + rest


def _without_multiples(node: sp.Expr, vectors: set[sp.Symbol]) -> sp.Expr:
    """Return the expression with multiples taken out of roots and denominators: 1/(c·f + d) = c⁻¹/(f + d/c)."""
    if not node.has(*vectors):
        return node
    if not node.args:
        return node
    inner = node.func(*(_without_multiples(part, vectors) for part in node.args))
    if not isinstance(inner, sp.Pow):
        return inner
    base, exponent = inner.args
    if isinstance(base, sp.Mul):
        scalar, rest = base.as_independent(*vectors, as_Add=False)
        return scalar**exponent * rest**exponent
    if isinstance(base, sp.Add) and exponent == -1:
        multiple, _ = next(each for each in base.args if each.has(*vectors)).as_independent(*vectors, as_Add=False)
        inside = sp.Add(*(term / multiple for term in base.args))
        return inside**-1 / multiple
    return inner


def _hoisted(node: sp.Expr, vectors: set[sp.Symbol], scalars: Expressions) -> sp.Expr:
    """Return the expression with what depends on no vector replaced by scalars c1, c2, ..."""
    if not node.has(*vectors):
        return node
    if isinstance(node, sp.Mul | sp.Add):
        alone, rest = node.as_independent(*vectors, as_Add=isinstance(node, sp.Add))
        parts = [_hoisted(part, vectors, scalars) for part in node.func.make_args(rest)]
        if alone == node.identity:
            return node.func(*parts)
        return node.func(_named(alone, scalars), *parts)
    return node.func(*(_hoisted(part, vectors, scalars) for part in node.args)) if node.args else node


def _named(value: sp.Expr, scalars: Expressions) -> sp.Expr:
    if value.is_Symbol or value.is_Number or (-value).is_Symbol:
        return value
    for name, known in scalars.items():
        if known == value:
            return name
        if known == -value:
            return -name
    negative = value.could_extract_minus_sign()
    name = sp.Symbol(f"c{len(scalars) + 1}", real=True)
    scalars[name] = -value if negative else value
    return -name if negative else name
