"""Kinks: resolve max, min, abs and sign into smooth branches, and choose the slope where two branches meet.

At a kink every number between the one-sided slopes is a subgradient. The default takes the one of smallest magnitude,
which is PyTorch's choice for relu (0), abs (0), leaky_relu (its slope for x < 0), hardtanh (0).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import sympy as sp

from symmlp.calculus.exponentials import same_sign

Policy = Literal["smallest", "left", "right", "middle"] | float
"""What decides at a kink: the smallest subgradient, a side, the middle, or a weight from 0 (left) to 1 (right)."""

KINKED = (sp.Max, sp.Min, sp.Abs, sp.sign)


@dataclass(frozen=True)
class Kink:
    """Where `switch` is zero, the slope is anything from `below` (switch < 0) to `above`; `chosen` is taken."""

    switch: sp.Expr
    below: sp.Expr
    above: sp.Expr
    chosen: sp.Expr


def share_of(policy: Policy) -> sp.Expr:
    """Return the weight of the right-hand slope: left 0, middle 1/2, right 1, or the number itself."""
    named = {"left": sp.Integer(0), "middle": sp.Rational(1, 2), "right": sp.Integer(1)}
    return named[policy] if isinstance(policy, str) else sp.Rational(str(float(policy)))


@dataclass(frozen=True)
class Branches:
    """An expression on both sides of `switch` = 0."""

    switch: sp.Expr
    above: sp.Expr
    below: sp.Expr


def first_switch(expr: sp.Expr) -> sp.Expr | None:
    """Return the switch of an innermost kinked part of `expr`, or None if there is no kink."""
    for part in sp.postorder_traversal(expr):
        if isinstance(part, sp.Max | sp.Min):
            return _oriented(sp.expand(sp.Add(_pair(part)[0], -_pair(part)[1])))
        if isinstance(part, sp.Abs | sp.sign):
            return _oriented(part.args[0])
    return None


def _pair(part: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """Return two arguments of a max or min that hold no kink of their own, the constant one second."""
    first, second, *_ = sorted(part.args, key=lambda argument: (argument.is_number, sp.default_sort_key(argument)))
    return first, second


def _oriented(switch: sp.Expr) -> sp.Expr:
    """Return `switch` or its negative, whichever SymPy regards as the positive one, without constant factor.

    So e^(x/2) - 1 is x: max(0, x) and min(0, e^(x/2) - 1) have one kink, not two that meet.
    """
    switch = same_sign(switch) or switch
    primitive = switch.primitive()[1]
    return -primitive if primitive.could_extract_minus_sign() else primitive


def split(expr: sp.Expr, switch: sp.Expr) -> Branches:
    """Return `expr` where `switch` is positive and where it is negative: kinked parts that it decides are resolved."""
    return Branches(switch, _resolved(expr, switch, above=True), _resolved(expr, switch, above=False))


def _resolved(expr: sp.Expr, switch: sp.Expr, *, above: bool) -> sp.Expr:
    if not expr.has(*KINKED):
        return expr
    args = [
        _resolved(argument, switch, above=above) if isinstance(argument, sp.Expr) else argument
        for argument in _args(expr)
    ]
    if isinstance(expr, sp.Max | sp.Min):
        return _resolved_pair(expr.func, args, switch, above)
    if isinstance(expr, sp.Abs | sp.sign):
        side = _side(args[0], switch, above)
        if side:
            return side * args[0] if isinstance(expr, sp.Abs) else sp.Integer(side)
    if isinstance(expr, sp.Piecewise):
        return sp.Piecewise(*zip(args, (pair[1] for pair in expr.args), strict=True), evaluate=False)
    return expr.func(*args)


def _args(expr: sp.Expr) -> list[sp.Basic]:
    return [pair[0] for pair in expr.args] if isinstance(expr, sp.Piecewise) else list(expr.args)


def _resolved_pair(kind: type[sp.Expr], args: list[sp.Expr], switch: sp.Expr, above: bool) -> sp.Expr:
    for first in args:
        for second in args:
            side = _side(first - second, switch, above)
            if first is not second and side == (1 if kind is sp.Max else -1):
                return kind(*(argument for argument in args if argument is not second))
    return kind(*args)


def _side(expr: sp.Expr, switch: sp.Expr, above: bool) -> int:
    """Return the sign of `expr` on one side of the switch, or 0 if the switch does not decide it."""
    ratio = sp.cancel((same_sign(expr) or expr) / switch) if expr != 0 else sp.Integer(0)
    if not ratio.is_number or ratio == 0:
        return 0
    return (1 if ratio > 0 else -1) * (1 if above else -1)


def smallest_subgradient(below: sp.Expr, above: sp.Expr) -> sp.Expr:
    """Return the number of smallest magnitude between two one-sided slopes, as an expression."""
    if below == above:
        return above
    if below.is_number and above.is_number:
        if below * above <= 0:
            return sp.Integer(0)
        return min(below, above, key=abs)
    if below == 0 or above == 0 or sp.expand(below + above) == 0:
        return sp.Integer(0)
    return sp.Max(0, sp.Min(below, above)) + sp.Min(0, sp.Max(below, above))
