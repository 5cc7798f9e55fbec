"""Functions that are rational in e^u, with t = e^(-|u|), and what is added to them near a value or limit of theirs."""

from __future__ import annotations

from typing import Literal

import sympy as sp

from symmlp.calculus.differences import limits_of
from symmlp.calculus.exponentials import EXPONENTIAL, Exponentials, factored, same_sign_factor
from symmlp.calculus.identities import identity


def rational_form(rational: sp.Expr, u: sp.Expr) -> sp.Expr:
    """Return the stable form of a rational function of e^u."""
    parts = factored(rational)
    if not parts.factors and parts.ones == 0:
        return parts.coefficient * sp.exp(parts.power * u)
    if not parts.factors and parts.ones == 1 and parts.power == 0:
        return parts.coefficient * identity("expm1").of(u=u)
    t, s = sp.exp(-sp.Abs(u)), identity("expm1").of(u=-sp.Abs(u))
    below = parts.coefficient * s**parts.ones * parts.polynomials(t, reversed_=False) * _power("below", u, parts.power)
    rest = -parts.power - parts.degree() - parts.ones
    above = parts.coefficient * (-s) ** parts.ones * parts.polynomials(t, reversed_=True) * _power("above", u, -rest)
    if above == below:
        return above
    if above == -below:
        return sp.sign(u) * above
    return sp.Piecewise((above, same_sign_factor(u) >= 0), (below, True), evaluate=False)


def _power(side: Literal["above", "below"], u: sp.Expr, power: int) -> sp.Expr:
    """Return e^(power u) on one side of u = 0; what grows there is written so that it is safe elsewhere."""
    grows = power > 0 if side == "above" else power < 0
    return sp.exp(power * u) if grows else identity(f"power_{side}").of(k=sp.Integer(power), u=u)


def difference_from_exponential(groups: dict[sp.Expr, list[sp.Expr]], exponentials: Exponentials) -> sp.Expr | None:
    """Return c·e^u - r near u = 0 as c·expm1(u) + (c - r), which does not cancel when r is near c, or None.

    An exponential that all of r has is taken out: e^(z/2) - t·e^(-z/2) is e^(-z/2)·(e^z - t).
    """
    own = sp.Add(*groups.get(sp.Integer(1), []))
    others = [(other, sp.Add(*parts)) for other, parts in groups.items() if other != 1]
    rest = sp.Add(*(other * part for other, part in others))
    if not others or not isinstance(own, sp.Mul | sp.exp) or not own.has(sp.exp):
        return None
    common = {part.as_coeff_Mul()[1] for _, part in others}
    if len(common) == 1 and isinstance(next(iter(common)), sp.exp):
        (taken,) = common
        inner = {other: [part / taken] for other, part in others}
        near = difference_from_exponential({sp.Integer(1): [sp.powsimp(own / taken)], **inner}, exponentials)
        if near is None:
            return None
        (first, condition), _ = near.args
        pairs = (sp.Mul(taken, first, evaluate=False), condition), (own + rest, True)
        return sp.Piecewise(*pairs, evaluate=False)
    coefficient, factor = own.as_coeff_Mul()
    if not isinstance(factor, sp.exp) or rest.has(*EXPONENTIAL, sp.log) or rest.free_symbols & factor.free_symbols:
        return None
    u = factor.args[0]
    near = identity("near_exponential").of(c=coefficient, u=u, r=rest)
    return sp.Piecewise((near, sp.Abs(u) < sp.Rational(1, 2)), (own + rest, True), evaluate=False)


def difference_from_limit(groups: dict[sp.Expr, list[sp.Expr]], exponentials: Exponentials) -> sp.Expr | None:
    """Return r + R(e^u) as (r + c) + (R - c) where R is near its limit c, so that it does not cancel for r = -c.

    1/(1 + e^-z) - y  =>  (1 - y) - t/(1 + t) for z > 1
    """
    u = exponentials.exponent
    rest = sp.Add(*(other * part for other, parts in groups.items() for part in parts if other != 1))
    own = sp.Add(*groups.get(sp.Integer(1), []))
    if not rest.free_symbols or rest.has(*EXPONENTIAL, sp.log) or rest.free_symbols & u.free_symbols:
        return None
    rational = exponentials.rational(own) if own.has(*EXPONENTIAL) else None
    limits = limits_of(rational) if rational is not None else None
    if rational is None or limits in (None, (0, 0)):
        return None
    pieces = []
    for side, limit, condition in zip((1, 0), limits, (u < -1, u > 1), strict=True):
        if limit != 0:
            form = rational_form(rational - limit, u)
            small = form.args[side][0] if isinstance(form, sp.Piecewise) else form
            pieces.append((identity("near_limit").of(r=rest, c=limit, w=small), condition))
    return sp.Piecewise(*pieces, (rest + rational_form(rational, u), True), evaluate=False)
