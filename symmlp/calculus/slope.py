"""The derivative of a function of numbers, kinks included, with the steps that lead to it."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp
from sympy.utilities.iterables import sift

from symmlp.calculus.kinks import KINKED, Branches, first_switch, smallest_subgradient, split


@dataclass(frozen=True)
class Slope:
    """∂value/∂wrt as calculus gives it, and the points where it is a choice."""

    value: sp.Expr
    wrt: sp.Symbol
    derivative: sp.Expr
    switches: tuple[sp.Expr, ...]


def slope(value: sp.Expr, wrt: sp.Symbol) -> Slope:
    """Return the derivative of `value`; where two smooth branches meet it is the smallest subgradient.

    Raises:
        UnsupportedError: never for the expression language; SymPy's own rules cover its functions.
    """
    switches: list[sp.Expr] = []
    derivative = _tidied(_derivative(value, wrt, switches))
    return Slope(value, wrt, derivative, tuple(dict.fromkeys(switches)))


def _tidied(derivative: sp.Expr) -> sp.Expr:
    """Return the derivative with powers of one base joined, and rational functions of one variable as one fraction."""
    if isinstance(derivative, sp.Piecewise):
        return sp.Piecewise(*((_tidied(value), condition) for value, condition in derivative.args), evaluate=False)
    if len(derivative.free_symbols) == 1 and derivative.is_rational_function() and not derivative.is_polynomial():
        fraction = sp.factor(derivative)
        return fraction if sp.count_ops(fraction) <= sp.count_ops(derivative) else derivative
    return (
        sp.powsimp(derivative, combine="exp") if derivative.has(sp.Pow) and not derivative.has(sp.exp) else derivative
    )


def _derivative(value: sp.Expr, wrt: sp.Symbol, switches: list[sp.Expr]) -> sp.Expr:
    if wrt not in value.free_symbols:
        return sp.Integer(0)
    if isinstance(value, sp.Piecewise):
        return _by_branch(value, wrt, switches)
    if value.has(sp.Piecewise):
        return _through_parts(value, wrt, switches)
    if not value.has(*KINKED):
        return sp.diff(value, wrt)
    if isinstance(value, sp.Add):
        smooth, kinked = (sp.Add(*terms) for terms in sift(value.args, lambda term: not term.has(*KINKED), binary=True))
        if smooth != 0:
            return _derivative(smooth, wrt, switches) + _derivative(kinked, wrt, switches)
    return _at_switch(value, wrt, switches)


def _by_branch(value: sp.Piecewise, wrt: sp.Symbol, switches: list[sp.Expr]) -> sp.Expr:
    """Return the derivative of each branch under its own condition: at the border the branch that holds decides."""
    branches = [(_derivative(branch, wrt, switches), condition) for branch, condition in value.args]
    switches.extend(condition.lhs - condition.rhs for _, condition in value.args if condition != sp.true)
    return sp.Piecewise(*branches, evaluate=False)


def _through_parts(value: sp.Expr, wrt: sp.Symbol, switches: list[sp.Expr]) -> sp.Expr:
    """Return the derivative by the chain rule through the piecewise parts, each standing as one variable."""
    parts = [
        part
        for part in value.atoms(sp.Piecewise)
        if not any(part in other.atoms(sp.Piecewise) - {other} for other in value.atoms(sp.Piecewise))
    ]
    parts.sort(key=sp.default_sort_key)
    names = {part: sp.Dummy(f"u{number}", real=True) for number, part in enumerate(parts)}
    outer, back = value.xreplace(names), {name: part for part, name in names.items()}
    total = _derivative(outer, wrt, switches)
    for part, name in names.items():
        total += _derivative(outer, name, switches) * _by_branch(part, wrt, switches)
    return total.xreplace(back)


def _at_switch(value: sp.Expr, wrt: sp.Symbol, switches: list[sp.Expr]) -> sp.Expr:
    switch = first_switch(value)
    if switch is None:
        return sp.diff(value, wrt)
    if wrt in switch.free_symbols:
        switches.append(switch)
    branches = split(value, switch)
    if value in (branches.above, branches.below):
        return sp.diff(value, wrt)
    above, below = (_derivative(branch, wrt, switches) for branch in (branches.above, branches.below))
    if above == below:
        return above
    if sp.expand(above + below) == 0 and above.is_number:
        return above * sp.sign(switch)
    return _meeting(above, below, switch, wrt, _nearest_to_zero(branches, wrt) if wrt in switch.free_symbols else None)


def _nearest_to_zero(branches: Branches, wrt: sp.Symbol) -> sp.Expr | None:
    """Return the component in `wrt` of the smallest vector between the gradients in all variables of the switch.

    That is how max(x, y) shares its slope where x = y; None unless there are several variables and constant gradients.
    """
    symbols = sorted(branches.switch.free_symbols, key=sp.default_sort_key)
    above, below = (
        sp.Matrix([_derivative(branch, symbol, []) for symbol in symbols])
        for branch in (branches.above, branches.below)
    )
    difference = above - below
    if len(symbols) < 2 or not all(each.is_Rational for each in (*above, *below)) or difference.is_zero_matrix:
        return None
    share = -below.dot(difference) / difference.dot(difference)
    return (below + min(max(share, sp.Integer(0)), sp.Integer(1)) * difference)[symbols.index(wrt)]


def _meeting(
    above: sp.Expr, below: sp.Expr, switch: sp.Expr, wrt: sp.Symbol, nearest: sp.Expr | None = None
) -> sp.Expr:
    """Return the two slopes joined at the switch, where the smallest subgradient decides."""
    here_above, here_below = (_at_root(branch, switch, wrt) for branch in (above, below))
    chosen = smallest_subgradient(here_below, here_above) if nearest is None else nearest
    if chosen == here_below:
        return sp.Piecewise((above, switch > 0), (below, True), evaluate=False)
    if chosen == here_above:
        return sp.Piecewise((above, switch >= 0), (below, True), evaluate=False)
    return sp.Piecewise((above, switch > 0), (below, switch < 0), (chosen, True), evaluate=False)


def _at_root(branch: sp.Expr, switch: sp.Expr, wrt: sp.Symbol) -> sp.Expr:
    """Return `branch` where the switch is zero, if the switch is linear in `wrt`; otherwise `branch` itself."""
    coefficient = sp.diff(switch, wrt)
    if coefficient == 0 or wrt in coefficient.free_symbols:
        return branch
    here = branch.subs(wrt, sp.cancel(wrt - switch / coefficient))
    return branch if here.has(sp.nan, sp.zoo) else here
