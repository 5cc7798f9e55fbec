"""An optimizer's update with fewer passes over its vectors, by algebra alone.

State that starts at zero, decays and takes in a multiple of something, s ← a·s + b·h, is kept divided by that multiple:
S = s/b obeys S ← a·S + h; not where b changes from update to update, as the learning rate may. What depends on no
vector is computed once an update, and a multiple in a denominator is divided out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sympy as sp

from symmlp.catalog.optimizer import Optimizer, lr, t, theta

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
    scalars: Expressions = {each.target: each.value for each in optimizer.updates if each.target in optimizer.numbers}
    plain = _inserted(optimizer, {theta, *optimizer.state})
    scales: Expressions = {}
    for state in optimizer.state:
        varying = {t, lr, *optimizer.numbers}
        scale, value = _scaled(state, plain[state], vectors)
        is_kept = scale.has(*varying) or optimizer.start_of(state) != 0
        scales[state], plain[state] = (sp.Integer(1), plain[state]) if is_kept else (scale, value)
    updates: Expressions = {}
    for target, value in plain.items():
        given = {state: scale * state for state, scale in scales.items() if state != target}
        updates[target] = _hoisted(_without_multiples(value.xreplace(given), vectors), vectors, scalars)
    return LeanUpdate(scalars, updates, {state: scale for state, scale in scales.items() if scale != 1})


def _inserted(optimizer: Optimizer, kept: set[sp.Symbol]) -> Expressions:
    """Return the updates of what is `kept`, lines in between being inserted."""
    between: Expressions = {}
    plain: Expressions = {}
    for update in optimizer.updates:
        if update.target in optimizer.numbers:
            continue
        value = update.value.xreplace(between)
        (plain if update.target in kept else between)[update.target] = value
    return plain


def _scaled(state: sp.Symbol, value: sp.Expr, vectors: set[sp.Symbol]) -> tuple[sp.Expr, sp.Expr]:
    """Return b and a·S + h of s ← a·s + b·h, or 1 and the update itself where it does not have that form."""
    expanded = sp.expand(value)
    kept, taken = sp.factor(expanded.coeff(state, 1)), sp.factor(expanded.coeff(state, 0))
    multiple, rest = taken.as_independent(*vectors, as_Add=False)
    is_linear = sp.expand(kept * state + taken - expanded) == 0 and not kept.has(*vectors)
    if not is_linear or not rest.has(*(vectors - {state})):
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
    if isinstance(node, sp.Max | sp.Min):
        return node.func(*(_bound(part, vectors, scalars) for part in node.args))
    return node.func(*(_hoisted(part, vectors, scalars) for part in node.args)) if node.args else node


def _bound(part: sp.Expr, vectors: set[sp.Symbol], scalars: Expressions) -> sp.Expr:
    """Return an argument of max or min: -a, which depends on no vector, is a scalar of its own, as it is in no sum."""
    if part.has(*vectors) or part.is_Symbol or part.is_Number:
        return _hoisted(part, vectors, scalars)
    known = next((name for name, value in scalars.items() if value == part), None)
    name = known or sp.Symbol(f"c{sum(each.name.startswith('c') for each in scalars) + 1}", real=True)
    scalars[name] = part
    return name


def _named(value: sp.Expr, scalars: Expressions) -> sp.Expr:
    if value.is_Symbol or value.is_Number or (-value).is_Symbol:
        return value
    for name, known in scalars.items():
        if known == value:
            return name
        if known == -value:
            return -name
    # A difference such as 1 - beta2 keeps its sign: -c1 would be an operation of its own.
    negative = not value.is_Add and value.could_extract_minus_sign()
    name = sp.Symbol(f"c{sum(each.name.startswith('c') for each in scalars) + 1}", real=True)
    scalars[name] = -value if negative else value
    return -name if negative else name
