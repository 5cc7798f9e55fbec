"""Sums of several exponentials whose exponents have nothing in common: e^a + e^b + e^c, softmax and logsumexp.

A quotient of products of such sums with positive terms is computed with each sum's largest exponent M taken out,
Σ e^(l - M), so that it neither overflows nor vanishes; what was taken out is put back as the exponential of a
difference. The logarithm of such a sum is the maximum plus log1p, two terms at a time; a single exponential that the
sum is divided by is subtracted from its exponents first, so that log(Σ e^l) - a does not cancel.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import sympy as sp

from symmlp.calculus.identities import identity, shifted


@dataclass(frozen=True)
class Term:
    """coefficient · e^exponent with a positive coefficient."""

    coefficient: sp.Expr
    exponent: sp.Expr

    @property
    def whole(self) -> sp.Expr:
        """The exponent with the coefficient in it."""
        return self.exponent + sp.log(self.coefficient)


@dataclass(frozen=True)
class Factors:
    """coefficient · e^exponent · ∏ (Σ terms)^multiplicity."""

    coefficient: sp.Expr
    exponents: tuple[tuple[sp.Expr, int], ...]
    sums: tuple[tuple[tuple[Term, ...], int], ...]


def factors_of(expr: sp.Expr, hyperbolic: dict[type[sp.Function], sp.Expr], base: sp.Symbol) -> Factors | None:
    """Return `expr` as a product of sums of exponentials with positive terms, or None if it is none.

    `hyperbolic` gives functions of u as rational functions of `base` = e^u.
    """
    exponentials = (sp.exp, *hyperbolic)
    arguments = [part.args[0] for part in expr.atoms(sp.Function) if isinstance(part, exponentials)]
    if any(argument.has(sp.exp, *hyperbolic) for argument in arguments):
        return None
    parts = {term.as_coeff_Mul()[1] for argument in arguments for term in sp.Add.make_args(sp.expand(argument))}
    generators = {part: sp.Dummy(positive=True) for part in sorted(parts - {sp.Integer(1)}, key=sp.default_sort_key)}
    if not 2 <= len(generators) <= 6:
        return None

    def power_of(part: sp.Expr) -> sp.Expr:
        power: sp.Expr = sp.Integer(1)
        for term in sp.Add.make_args(sp.expand(part.args[0])):
            coefficient, rest = term.as_coeff_Mul()
            if not coefficient.is_Integer or rest == 1:
                return part
            power *= generators[rest] ** coefficient
        return power if isinstance(part, sp.exp) else hyperbolic[part.func].xreplace({base: power})

    powers = expr.replace(lambda part: isinstance(part, (sp.exp, *hyperbolic)), power_of)
    if powers.free_symbols - set(generators.values()) or not powers.is_rational_function(*generators.values()):
        return None
    return _factored(powers, {symbol: part for part, symbol in generators.items()})


def _factored(powers: sp.Expr, exponent_of: dict[sp.Symbol, sp.Expr]) -> Factors | None:
    symbols = tuple(exponent_of)
    coefficient: sp.Expr = sp.Integer(1)
    exponents: list[tuple[sp.Expr, int]] = []
    sums: list[tuple[tuple[Term, ...], int]] = []
    for side, sign in zip(sp.fraction(sp.cancel(sp.together(powers))), (1, -1), strict=True):
        content, parts = sp.factor_list(side, *symbols)
        coefficient *= content**sign
        for part, multiplicity in parts:
            terms = [
                Term(
                    number,
                    sp.Add(*(power * exponent_of[symbol] for power, symbol in zip(degrees, symbols, strict=True))),
                )
                for degrees, number in sp.Poly(part, *symbols).terms()
            ]
            if all(term.coefficient < 0 for term in terms):
                coefficient *= (-1) ** multiplicity
                terms = [Term(-term.coefficient, term.exponent) for term in terms]
            if any(not term.coefficient > 0 for term in terms):
                return None
            if len(terms) == 1:
                exponents.append((terms[0].exponent, sign * multiplicity))
            else:
                sums.append((tuple(terms), sign * multiplicity))
    return Factors(coefficient, tuple(exponents), tuple(sums))


def product_form(factors: Factors) -> sp.Expr:
    """Return the product with every sum scaled by its largest term."""
    above = [exponent for exponent, power in factors.exponents for _ in range(power)]
    below = [exponent for exponent, power in factors.exponents for _ in range(-power)]
    value = factors.coefficient
    for terms, power in factors.sums:
        largest = sp.Max(*(term.exponent for term in terms))
        scaled = shifted([(term.coefficient, term.exponent) for term in terms], largest)
        value *= scaled**power
        (above if power > 0 else below).extend([largest] * abs(power))
    for place in range(max(len(above), len(below))):
        value *= sp.exp((above[place] if place < len(above) else 0) - (below[place] if place < len(below) else 0))
    return value


def logarithm_form(factors: Factors) -> sp.Expr | None:
    """Return the logarithm of the product, or None if a sum cannot be paired with what it is divided by."""
    if not factors.coefficient > 0:
        return None
    rest = dict(factors.exponents)
    total = sp.log(factors.coefficient)
    for terms, power in factors.sums:
        divisor = next((exponent for exponent, other in rest.items() if other == -power), None)
        if divisor is not None:
            del rest[divisor]
        total += power * _logsumexp([sp.expand(term.whole - (divisor or 0)) for term in terms])
    return total + sp.Add(*(power * exponent for exponent, power in rest.items()))


def _logsumexp(exponents: list[sp.Expr]) -> sp.Expr:
    """Return log(Σ e^l), two exponents at a time; a zero is taken last, so that what is small is kept."""
    ordered = sorted(exponents, key=lambda exponent: (exponent == 0, sp.default_sort_key(exponent)))
    return reduce(lambda one, other: identity("log_of_two").of(u=one, v=other), ordered)
