"""Functions that are rational in exponentials: the exponent they share, and their factors."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import sympy as sp

from symmlp.calculus.identities import identity, powers

E, F = sp.symbols("E F", positive=True)
HYPERBOLIC: dict[type[sp.Function], sp.Expr] = {
    kind: identity(kind.__name__).of(u=sp.log(E)) for kind in (sp.tanh, sp.sinh, sp.cosh)
}
"""Hyperbolic functions of u as rational functions of E = e^u."""

EXPONENTIAL = (sp.exp, *HYPERBOLIC)


@dataclass(frozen=True)
class Exponentials:
    """The exponent u of e^u, in whole powers of which some exponentials can be written.

    With two exponents a and b that are no multiples of each other, u = a - b and `level` is b: the exponentials are
    E^m F^n with E = e^u and F = e^b, and where an expression does not change when a and b are shifted, F cancels.
    """

    exponent: sp.Expr
    level: sp.Expr | None = None

    def rational(self, expr: sp.Expr) -> sp.Expr | None:
        """Return `expr` as a rational function of E = e^u alone, or None if it is none."""
        replaced = self.in_powers(expr)
        if replaced is not None and replaced.has(F):
            replaced = sp.cancel(sp.together(replaced))
        return None if replaced is None or replaced.has(F) else replaced

    def in_powers(self, expr: sp.Expr) -> sp.Expr | None:
        """Return `expr` as a rational function of E and F, or None if it is none."""
        replaced = expr.replace(lambda part: isinstance(part, EXPONENTIAL), self.power_of)
        if replaced.free_symbols - {E, F} or replaced.has(*EXPONENTIAL, sp.log, sp.erf):
            return None
        return replaced if replaced.is_rational_function(E, F) else None

    def power_of(self, part: sp.Expr) -> sp.Expr:
        """Return one exponential as powers of E and F, or as it is if it is no such power."""
        powers = self._powers_of(part.args[0])
        if powers is None:
            return part
        base = E ** powers[0] * F ** powers[1]
        return base if isinstance(part, sp.exp) else HYPERBOLIC[part.func].xreplace({E: base})

    def _powers_of(self, argument: sp.Expr) -> tuple[sp.Expr, sp.Expr] | None:
        if self.level is None:
            power = sp.cancel(argument / self.exponent)
            return (power, sp.Integer(0)) if power.is_Integer else None
        first = self.exponent + self.level
        m, n = (sp.expand(argument).coeff(side) if side.is_Symbol else None for side in (first, self.level))
        if m is None or n is None or not (m.is_Integer and n.is_Integer):
            return None
        return (m, m + n) if sp.expand(argument - m * first - n * self.level) == 0 else None


def common_exponent(expr: sp.Expr) -> Exponentials | None:
    """Return the exponent that all exponentials of `expr` share, or None if there is none."""
    arguments = [part.args[0] for part in sp.postorder_traversal(expr) if isinstance(part, EXPONENTIAL)]
    arguments = [argument for argument in arguments if argument.free_symbols]
    if not arguments or any(argument.has(*EXPONENTIAL) for argument in arguments):
        return None
    ratios = [sp.cancel(argument / arguments[0]) for argument in arguments]
    if not all(ratio.is_Rational for ratio in ratios):
        return _two_exponents(arguments)
    numerator = reduce(sp.igcd, (abs(ratio.p) for ratio in ratios))
    denominator = reduce(sp.ilcm, (ratio.q for ratio in ratios))
    unit = arguments[0] * sp.Rational(numerator, denominator)
    return Exponentials(-unit if unit.could_extract_minus_sign() else unit)


def _two_exponents(arguments: list[sp.Expr]) -> Exponentials | None:
    """Return u = a - b for exponentials in two variables a and b."""
    symbols = sorted({symbol for argument in arguments for symbol in argument.free_symbols}, key=sp.default_sort_key)
    if len(symbols) != 2 or not all(sp.expand(argument).is_polynomial(*symbols) for argument in arguments):
        return None
    first, second = symbols
    return Exponentials(first - second, second)


@dataclass(frozen=True)
class Factored:
    """coefficient · E^power · (E - 1)^ones · ∏ factor^multiplicity, the factors being polynomials in E."""

    coefficient: sp.Expr
    power: int
    ones: int
    factors: tuple[tuple[sp.Poly, int], ...]

    @property
    def is_positive(self) -> bool:
        """Whether no factor can be zero or negative."""
        return all(each >= 0 for poly, _ in self.factors for each in poly.all_coeffs())

    def polynomials(self, t: sp.Expr, *, reversed_: bool) -> sp.Expr:
        """Return the product of the factors in t, their coefficients reversed for u >= 0."""
        return sp.Mul(*(polynomial_in(poly, t, reversed_) ** multiplicity for poly, multiplicity in self.factors))

    def degree(self) -> int:
        """Return the sum of the factors' degrees."""
        return sum(poly.degree() * multiplicity for poly, multiplicity in self.factors)


def polynomial_in(poly: sp.Poly, t: sp.Expr, reversed_: bool) -> sp.Expr:
    """Return the polynomial in t, its coefficients reversed if asked for."""
    return powers(poly.all_coeffs()[::-1], t, reversed_=reversed_)


def factored(rational: sp.Expr) -> Factored:
    """Return a rational function of E with numerator and denominator factored over the rationals."""
    numerator, denominator = sp.fraction(sp.cancel(sp.together(rational)))
    coefficient, factors = sp.Integer(1), []
    power = ones = 0
    for side, sign in ((numerator, 1), (denominator, -1)):
        content, parts = sp.factor_list(side, E)
        coefficient *= content**sign
        for part, multiplicity in parts:
            poly = sp.Poly(part, E)
            if poly == sp.Poly(E, E):
                power += sign * multiplicity
            elif poly == sp.Poly(E - 1, E):
                ones += sign * multiplicity
            else:
                factors.append((poly, sign * multiplicity))
    return Factored(coefficient, power, ones, tuple(factors))


def logistic(expr: sp.Expr) -> sp.Expr:
    """Return `expr` as a + b/(1 + e^-u) if it is that and shorter so: how a canonical link is recognised.

    The result is for reading: a and b/(1 + e^-u) may cancel where the longer form does not.
    """
    exponentials = common_exponent(expr)
    if exponentials is None or exponentials.level is not None or expr.has(sp.Piecewise, sp.log):
        return expr
    powers = expr.replace(lambda part: isinstance(part, EXPONENTIAL), exponentials.power_of)
    if powers.has(*EXPONENTIAL) or not powers.is_rational_function(E):
        return expr
    b, a = _over_one_plus(powers)
    if b is None:
        return expr
    u = exponentials.exponent
    forms = (a + b / (1 + sp.exp(u)), sp.expand(a + b) - b / (1 + sp.exp(-u)))
    shorter = [form for form in forms if sp.count_ops(form) < sp.count_ops(expr)]
    return min(shorter, key=lambda form: (len(sp.Add.make_args(form)), sp.count_ops(form)), default=expr)


def _over_one_plus(powers: sp.Expr) -> tuple[sp.Expr | None, sp.Expr]:
    """Return (b, a) with a + b/(E + 1) = powers and neither containing E, or (None, 0)."""
    numerator, denominator = sp.fraction(sp.cancel(sp.together(powers)))
    constant = sp.cancel(denominator / (E + 1))
    if constant.has(E):
        return None, sp.Integer(0)
    quotient, remainder = sp.div(numerator, E + 1, E)
    if quotient.has(E) or remainder.has(E):
        return None, sp.Integer(0)
    return sp.cancel(remainder / constant), sp.cancel(quotient / constant)


def same_sign(expr: sp.Expr) -> sp.Expr | None:
    """Return u or -u if a function of exponentials always has its sign, as e^u - 1 has, or None."""
    exponentials = common_exponent(expr) if expr.has(*EXPONENTIAL) else None
    rational = exponentials.rational(expr) if exponentials else None
    if exponentials is None or rational is None:
        return None
    parts = factored(rational)
    if parts.ones % 2 == 0 or not parts.coefficient.is_number or not parts.is_positive:
        return None
    return sp.sign(parts.coefficient) * exponentials.exponent


def same_sign_factor(u: sp.Expr) -> sp.Expr:
    """Return what has the sign of a polynomial u and does not overflow, as x for x + c x³; u itself if there is none.

    What is left out are positive numbers and factors that are sums of even powers.
    """
    number, polynomial = u.as_independent(*u.free_symbols, as_Add=False)
    if len(u.free_symbols) != 1 or not polynomial.is_polynomial():
        return u
    coefficient, factors = sp.factor_list(polynomial)
    kept = [base for base, power in factors if power % 2 and not _is_sum_of_even_powers(base)]
    if len(kept) != 1 or not kept[0].is_Symbol or not (number * coefficient).is_nonzero:
        return u
    return sp.sign(number * coefficient) * kept[0]


def _is_sum_of_even_powers(polynomial: sp.Expr) -> bool:
    terms = sp.Poly(polynomial, *polynomial.free_symbols).terms()
    return all(power % 2 == 0 and number > 0 for (power,), number in terms) and terms[-1][0] == (0,)
