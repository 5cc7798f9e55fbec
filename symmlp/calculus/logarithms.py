"""Logarithms of exponentials: a line in u plus log1p of what is small, so that nothing overflows or cancels."""

from __future__ import annotations

import sympy as sp

from symmlp.calculus.exponentials import Exponentials, F, Factored, polynomial_in
from symmlp.calculus.identities import identity


def logarithm_of_one_minus(parts: Factored, u: sp.Expr, level: sp.Expr) -> sp.Expr:
    """Return log((e^u - 1)·R) + level for a positive R, real for u > 0 alone: log(1 - e^-u) is near 0 for large u."""
    line = sp.expand((parts.power + parts.degree() + 1) * u + level)
    t = sp.exp(-u)
    rest = sp.log(parts.coefficient)
    for poly, multiplicity in parts.factors:
        rest += multiplicity * _log_near_constant(polynomial_in(poly, t, True))
    return line + identity("log_of_one_minus").of(u=u) + rest


def logarithm_of_quotient(argument: sp.Expr) -> sp.Expr | None:
    """Return log(A/B) as log1p((A - B)/B) if A - B is shorter than A and B, or None."""
    top, bottom = sp.fraction(argument)
    if bottom.is_number or not (top.is_polynomial() and bottom.is_polynomial()):
        return None
    if top.is_Symbol and bottom.is_Symbol:
        return _logarithm_of_ratio(top, bottom)
    difference = sp.expand(top - bottom)
    if len(sp.Add.make_args(difference)) >= sum(len(sp.Add.make_args(sp.expand(side))) for side in (top, bottom)) - 1:
        return None
    return identity("log_of_quotient").of(w=difference, b=bottom)


def _logarithm_of_ratio(a: sp.Symbol, b: sp.Symbol) -> sp.Expr:
    """Return log(a/b), by log1p((a - b)/b) where a and b are so near each other that a - b is exact."""
    near = sp.Abs(a - b) < sp.Abs(b) / 2
    d = sp.Piecewise((a - b, near), (sp.Integer(0), True), evaluate=False)
    divisor = sp.Piecewise((b, near), (sp.Integer(1), True), evaluate=False)
    joined = identity("log_of_quotient").of(w=d, b=divisor)
    return sp.Piecewise((joined, near), (sp.log(a / b), True), evaluate=False)


_FAR_APART = sp.Integer(2) ** 60


def difference_of_logarithms(a: sp.Symbol, b: sp.Symbol) -> sp.Expr:
    """Return log a - log b as ±log1p(|a - b|/m), m being the smaller one, unless they are very far apart."""
    smaller, size = sp.Min(a, b), sp.Abs(a - b)
    near = size < smaller * _FAR_APART
    d = sp.Piecewise((size, near), (sp.Integer(0), True), evaluate=False)
    m = sp.Piecewise((smaller, near), (sp.Integer(1), True), evaluate=False)
    joined = sp.sign(a - b) * identity("log_of_quotient").of(w=d, b=m)
    return sp.Piecewise((joined, near), (sp.log(a) - sp.log(b), True), evaluate=False)


def level_of(powers: sp.Expr) -> tuple[int, sp.Expr]:
    """Return (n, R(E)) for R(E)·F^n."""
    together = sp.factor(sp.cancel(sp.together(powers)))
    level = int(sum(factor.as_base_exp()[1] for factor in sp.Mul.make_args(together) if factor.as_base_exp()[0] == F))
    return level, sp.cancel(together / F**level)


def with_level(found: sp.Expr, level: int, exponentials: Exponentials) -> sp.Expr:
    """Return found + level·b; b + max(a - b, 0) is the maximum of a and b, which does not cancel."""
    line = sp.Max(exponentials.exponent, 0)
    second = exponentials.level
    assert second is not None
    if level == 1 and found.coeff(line) == 1:
        return sp.Max(exponentials.exponent + second, second) + (found - line)
    return level * second + found


def logarithm_of_factors(parts: Factored, u: sp.Expr) -> sp.Expr:
    """Return log of the product as a line in u on either side of 0, plus log1p of what is small."""
    t = sp.exp(-sp.Abs(u))
    total = _broken_line(u, above=sp.Integer(parts.power + parts.degree()), below=sp.Integer(parts.power))
    above = below = sp.log(parts.coefficient)
    for poly, multiplicity in parts.factors:
        above += multiplicity * _log_near_constant(polynomial_in(poly, t, True))
        below += multiplicity * _log_near_constant(polynomial_in(poly, t, False))
    return total + (above if above == below else sp.Piecewise((above, u >= 0), (below, True), evaluate=False))


def logarithm_of_size(parts: Factored, u: sp.Expr) -> sp.Expr:
    """Return log |(e^u - 1)^m·R| for a positive R: of one factor of a product that is positive as a whole."""
    t = sp.exp(-sp.Abs(u))
    line = _broken_line(u, above=sp.Integer(parts.power + parts.degree() + parts.ones), below=sp.Integer(parts.power))
    above = below = sp.log(sp.Abs(parts.coefficient))
    for poly, multiplicity in parts.factors:
        above += multiplicity * _log_near_constant(polynomial_in(poly, t, True))
        below += multiplicity * _log_near_constant(polynomial_in(poly, t, False))
    rest = above if above == below else sp.Piecewise((above, u >= 0), (below, True), evaluate=False)
    return line + parts.ones * identity("log_of_one_minus").of(u=sp.Abs(u)) + rest


def _log_near_constant(polynomial: sp.Expr) -> sp.Expr:
    constant, rest = polynomial.as_coeff_Add()
    return identity("log_near_constant").of(c=constant, u=rest)


def _broken_line(u: sp.Expr, *, above: sp.Expr, below: sp.Expr) -> sp.Expr:
    """Return above·u for u >= 0 and below·u for u < 0."""
    return above * u if above == below else identity("broken_line").of(a=above, b=below, u=u)
