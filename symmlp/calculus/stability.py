"""Stable forms: rewrite an expression so that it neither overflows nor cancels where its value is representable.

The main identity is one for all functions that are rational in e^u. With t = exp(-|u|), which never overflows,
e^u is t for u < 0 and 1/t for u >= 0; clearing the powers of t leaves polynomials in t with the signs they had in e^u.
Where all signs agree nothing cancels, and the factor e^u - 1, which would, becomes expm1. From it follow the stable
sigmoid, softplus, log-sigmoid, the slope of tanh, 4t/(1+t)² with t = exp(-2|x|), and their compositions.
The rewriting is applied to a value and, separately, to its derived slope: max, abs and where enter here and are never
differentiated through.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import sympy as sp
from sympy.codegen.cfunctions import expm1, log1p

from symmlp.calculus.putting import put
from symmlp.calculus.roots import stable_roots

E, F = sp.symbols("E F", positive=True)
HYPERBOLIC = {sp.tanh: (E**2 - 1) / (E**2 + 1), sp.sinh: (E - 1 / E) / 2, sp.cosh: (E + 1 / E) / 2}
_EXPONENTIAL = (sp.exp, *HYPERBOLIC)


class complementary_error(sp.Function):  # noqa: N801 - named as SymPy names functions
    """erfc, left as it is: SymPy's own turns erfc(-v) into 2 - erfc(v), which cancels for large v."""

    nargs = 1


class outside(sp.Function):  # noqa: N801 - named as SymPy names functions
    """x where |x| >= r, and r elsewhere: keeps a form away from the interval in which another one is used."""

    nargs = 2


def stable(expr: sp.Expr) -> sp.Expr:
    """Return a form of `expr` that is equal to it and safe to evaluate in floating point."""
    return stable_roots(_stable(expr.replace(_is_tanh_of_log, _tanh_of_log)))


def _is_tanh_of_log(part: sp.Basic) -> bool:
    return isinstance(part, sp.tanh) and isinstance(part.args[0], sp.log) and part.has(sp.exp)


def _tanh_of_log(part: sp.tanh) -> sp.Expr:
    """Return tanh(log w) = (w² - 1)/(w² + 1), expanded so that a constant -1 meets its counterpart."""
    w = part.args[0].args[0]
    return sp.expand(w**2 - 1) / sp.expand(w**2 + 1)


def _stable(expr: sp.Expr) -> sp.Expr:
    if not expr.has(*_EXPONENTIAL, sp.log, sp.erf):
        return expr
    match expr:
        case sp.Piecewise():
            return sp.Piecewise(*(_branch(*pair) for pair in _with_complements(expr)), evaluate=False)
        case sp.Add():
            return _sum(expr)
        case sp.Mul() | sp.Pow():
            return _product(expr)
        case sp.log():
            return _logarithm(expr)
        case _ if isinstance(expr, sp.Function | sp.Max | sp.Min):
            return expr.func(*(_stable(argument) for argument in expr.args))
        case _:
            return expr


def _with_complements(expr: sp.Piecewise) -> list[tuple[sp.Expr, sp.Basic, sp.Basic]]:
    """Return (branch, condition, what is known to hold there) for each branch."""
    known: sp.Basic = sp.true
    result = []
    for branch, condition in expr.args:
        result.append((branch, condition, condition if condition != sp.true else known))
        known = sp.Not(condition) if known == sp.true else sp.false
    return result


def _branch(branch: sp.Expr, condition: sp.Basic, known: sp.Basic) -> tuple[sp.Expr, sp.Basic]:
    """Return the stable branch; its variable is clipped to where it holds, because the other side is evaluated too."""
    rewritten = _stable(branch)
    if isinstance(known, sp.core.relational.Relational) and known.lhs.is_Symbol and known.rhs.is_number:
        bound = sp.Max if known.func in (sp.StrictGreaterThan, sp.GreaterThan) else sp.Min
        if rewritten.has(sp.exp, expm1, sp.log, log1p, sp.Pow):
            rewritten = put(rewritten, known.lhs, bound(known.lhs, known.rhs))
    return rewritten, condition


# Rational functions of e^u


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
        replaced = expr.replace(lambda part: isinstance(part, _EXPONENTIAL), self.power_of)
        if replaced.free_symbols - {E, F} or replaced.has(*_EXPONENTIAL, sp.log, sp.erf):
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
    arguments = [part.args[0] for part in sp.postorder_traversal(expr) if isinstance(part, _EXPONENTIAL)]
    arguments = [argument for argument in arguments if argument.free_symbols]
    if not arguments:
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

    def polynomials(self, t: sp.Expr, *, reversed_: bool) -> sp.Expr:
        """Return the product of the factors in t, their coefficients reversed for u >= 0."""
        return sp.Mul(*(_in(poly, t, reversed_) ** multiplicity for poly, multiplicity in self.factors))

    def degree(self) -> int:
        """Return the sum of the factors' degrees."""
        return sum(poly.degree() * multiplicity for poly, multiplicity in self.factors)


def _in(poly: sp.Poly, t: sp.Expr, reversed_: bool) -> sp.Expr:
    coefficients = poly.all_coeffs()[::-1] if reversed_ else poly.all_coeffs()
    degree = len(coefficients) - 1
    return sp.Add(*(coefficient * t ** (degree - place) for place, coefficient in enumerate(coefficients)))


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


def _rational_form(rational: sp.Expr, u: sp.Expr) -> sp.Expr:
    """Return the stable form of a rational function of e^u."""
    parts = factored(rational)
    if not parts.factors and parts.ones == 0:
        return parts.coefficient * sp.exp(parts.power * u)
    if not parts.factors and parts.ones == 1 and parts.power == 0:
        return parts.coefficient * expm1(u)
    t, s = sp.exp(-sp.Abs(u)), expm1(-sp.Abs(u))
    below = parts.coefficient * s**parts.ones * parts.polynomials(t, reversed_=False) * _power_of_t(t, u, parts.power)
    rest = -parts.power - parts.degree() - parts.ones
    above = parts.coefficient * (-s) ** parts.ones * parts.polynomials(t, reversed_=True) * _power_of_t(t, -u, rest)
    if above == below:
        return above
    if above == -below:
        return sp.sign(u) * above
    return sp.Piecewise((above, u >= 0), (below, True), evaluate=False)


def _power_of_t(t: sp.Expr, u: sp.Expr, power: int) -> sp.Expr:
    """Return t^power; a negative power grows where it is used, and is written so that it is safe elsewhere."""
    return t**power if power >= 0 else sp.exp(power * u)


def logistic(expr: sp.Expr) -> sp.Expr:
    """Return `expr` as a + b/(1 + e^-u) if it is that and shorter so: how a canonical link is recognised.

    The result is for reading: a and b/(1 + e^-u) may cancel where the longer form does not.
    """
    exponentials = common_exponent(expr)
    if exponentials is None or exponentials.level is not None or expr.has(sp.Piecewise, sp.log):
        return expr
    powers = expr.replace(lambda part: isinstance(part, _EXPONENTIAL), exponentials.power_of)
    if powers.has(*_EXPONENTIAL) or not powers.is_rational_function(E):
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


def _sum(expr: sp.Add) -> sp.Expr:
    """Return the sum with terms of the same other factor joined into one rational function of the exponential."""
    complement = _error_function_complement(expr)
    if complement is not None:
        return complement
    exponentials = common_exponent(expr)
    if exponentials is None:
        return sp.Add(*(_stable(term) for term in expr.args))
    groups: dict[sp.Expr, list[sp.Expr]] = {}
    for term in expr.args:
        other, rational = _split(term, exponentials)
        groups.setdefault(other, []).append(rational)
    if list(groups.values()) == [[1]] * len(expr.args):
        return sp.Add(*(_stable(term) for term in expr.args))
    near = _difference_from_exponential(groups, exponentials)
    if near is not None:
        return near
    return sp.Add(*(_group(other, parts, exponentials) for other, parts in groups.items()))


def _difference_from_exponential(groups: dict[sp.Expr, list[sp.Expr]], exponentials: Exponentials) -> sp.Expr | None:
    """Return c·e^u - r near u = 0 as c·expm1(u) + (c - r), which does not cancel when r is near c, or None."""
    own = sp.Add(*groups.get(sp.Integer(1), []))
    others = [other * sp.Add(*parts) for other, parts in groups.items() if other != 1]
    rest = sp.Add(*others)
    if not others or not isinstance(own, sp.Mul | sp.exp) or not own.has(sp.exp):
        return None
    coefficient, factor = own.as_coeff_Mul()
    if not isinstance(factor, sp.exp) or rest.has(*_EXPONENTIAL, sp.log) or rest.free_symbols & factor.free_symbols:
        return None
    u = factor.args[0]
    near = sp.Add(coefficient * expm1(u), sp.Add(coefficient, rest, evaluate=False), evaluate=False)
    return sp.Piecewise((near, sp.Abs(u) < sp.Rational(1, 2)), (own + rest, True), evaluate=False)


def _split(term: sp.Expr, exponentials: Exponentials) -> tuple[sp.Expr, sp.Expr]:
    """Return (the rest, the factor that is rational in the exponential) of a term; a number counts as rational."""
    other, rational = sp.Integer(1), sp.Integer(1)
    for factor in sp.Mul.make_args(term):
        if factor.is_Rational or (factor.has(*_EXPONENTIAL) and exponentials.in_powers(factor) is not None):
            rational *= factor
        else:
            other *= factor
    if exponentials.level is not None and exponentials.rational(rational) is None:
        return term, sp.Integer(1)
    return other, rational


def _group(other: sp.Expr, parts: list[sp.Expr], exponentials: Exponentials) -> sp.Expr:
    total = sp.Add(*parts)
    rest = sp.Mul(*(_stable(factor) for factor in sp.Mul.make_args(other)))
    if not total.has(*_EXPONENTIAL):
        return total * rest
    if isinstance(total.as_coeff_Mul()[1].as_base_exp()[0], sp.tanh):
        return total * rest
    rational = exponentials.rational(total)
    assert rational is not None, f"{total} was taken for a rational function of exp({exponentials.exponent})"
    return rest * _rational_form(rational, exponentials.exponent)


def _error_function_complement(expr: sp.Add) -> sp.Expr | None:
    """Return the sum with c ± c·erf(v) joined into c·erfc(∓v), or None if it has no such pair."""
    constant, rest = expr.as_coeff_Add()
    for term in sp.Add.make_args(rest):
        coefficient, function = term.as_coeff_Mul()
        if constant != 0 and isinstance(function, sp.erf) and abs(coefficient) == abs(constant):
            argument = -function.args[0] if coefficient == constant else function.args[0]
            return constant * complementary_error(argument) + _stable(rest - term)
    return None


def _product(expr: sp.Expr) -> sp.Expr:
    exponentials = common_exponent(expr)
    if exponentials is not None:
        other, rational = _split(expr, exponentials)
        if rational.has(*_EXPONENTIAL):
            return _group(other, [rational], exponentials)
    if isinstance(expr, sp.Pow):
        return _stable(expr.base) ** _stable(expr.exp)
    return sp.Mul(*(_stable(factor) for factor in expr.args))


def _logarithm(expr: sp.log) -> sp.Expr:
    (argument,) = expr.args
    exponentials = common_exponent(argument)
    powers = exponentials.in_powers(argument) if exponentials else None
    if exponentials is None or powers is None:
        return _logarithm_near_one(argument)
    level, rational = _level_of(powers)
    parts = factored(rational) if not rational.has(F) else None
    if parts is None or parts.ones or any(each < 0 for poly, _ in parts.factors for each in poly.all_coeffs()):
        return sp.log(_stable(argument))
    found = _logarithm_of_factors(parts, exponentials.exponent)
    if level == 0 or exponentials.level is None:
        return found
    return _with_level(found, level, exponentials)


def _logarithm_near_one(argument: sp.Expr) -> sp.Expr:
    """Return log(1 + v) as log1p(v), and log(w) otherwise; c·w² under log1p is kept from overflowing."""
    constant, rest = argument.as_coeff_Add()
    if constant != 1:
        return sp.log(_stable(argument))
    coefficient, power = rest.as_coeff_Mul()
    if power.is_Pow and power.exp.is_Integer and power.exp > 0 and power.exp % 2 == 0 and coefficient > 0:
        size, bound = sp.Abs(power.base), sp.Integer(2) ** 40
        near = log1p(coefficient * sp.Min(size, bound) ** power.exp)
        far = sp.log(coefficient) + power.exp * sp.log(sp.Max(size, bound))
        return sp.Piecewise((near, size < bound), (far, True), evaluate=False)
    return log1p(_stable(rest))


def _level_of(powers: sp.Expr) -> tuple[int, sp.Expr]:
    """Return (n, R(E)) for R(E)·F^n."""
    together = sp.factor(sp.cancel(sp.together(powers)))
    level = int(sum(factor.as_base_exp()[1] for factor in sp.Mul.make_args(together) if factor.as_base_exp()[0] == F))
    return level, sp.cancel(together / F**level)


def _with_level(found: sp.Expr, level: int, exponentials: Exponentials) -> sp.Expr:
    """Return found + level·b; b + max(a - b, 0) is the maximum of a and b, which does not cancel."""
    line = sp.Max(exponentials.exponent, 0)
    second = exponentials.level
    assert second is not None
    if level == 1 and found.coeff(line) == 1:
        return sp.Max(exponentials.exponent + second, second) + (found - line)
    return level * second + found


def _logarithm_of_factors(parts: Factored, u: sp.Expr) -> sp.Expr:
    """Return log of the product as a line in u on either side of 0, plus log1p of what is small."""
    t = sp.exp(-sp.Abs(u))
    total = _broken_line(u, above=sp.Integer(parts.power + parts.degree()), below=sp.Integer(parts.power))
    above = below = sp.log(parts.coefficient)
    for poly, multiplicity in parts.factors:
        above += multiplicity * _log_near_constant(_in(poly, t, True))
        below += multiplicity * _log_near_constant(_in(poly, t, False))
    return total + (above if above == below else sp.Piecewise((above, u >= 0), (below, True), evaluate=False))


def _log_near_constant(polynomial: sp.Expr) -> sp.Expr:
    constant, rest = polynomial.as_coeff_Add()
    return sp.log(constant) + log1p(rest / constant)


def _broken_line(u: sp.Expr, *, above: sp.Expr, below: sp.Expr) -> sp.Expr:
    """Return above·u for u >= 0 and below·u for u < 0."""
    if below == 0:
        return above * sp.Max(u, 0)
    if above == 0:
        return below * sp.Min(u, 0)
    return above * u if above == below else above * sp.Max(u, 0) + below * sp.Min(u, 0)
