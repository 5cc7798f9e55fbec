"""Stable forms: rewrite an expression so that it neither overflows nor cancels where its value is representable.

The main identity is one for all functions that are rational in e^u. With t = exp(-|u|), which never overflows,
e^u is t for u < 0 and 1/t for u >= 0; clearing the powers of t leaves polynomials in t with the signs they had in e^u.
Where all signs agree nothing cancels, and the factor e^u - 1, which would, becomes expm1. From it follow the stable
sigmoid, softplus, log-sigmoid, the slope of tanh, 4t/(1+t)² with t = exp(-2|x|), and their compositions.
The rewriting is applied to a value and, separately, to its derived slope: max, abs and where enter here and are never
differentiated through.
"""

from __future__ import annotations

import sympy as sp
from sympy.codegen.cfunctions import expm1, log1p

from symmlp.calculus.differences import limits_of, with_lines_joined, with_named_differences, with_rest_inside
from symmlp.calculus.exponential_sums import factors_of, logarithm_form, product_form
from symmlp.calculus.exponentials import (
    EXPONENTIAL,
    HYPERBOLIC,
    E,
    Exponentials,
    F,
    Factored,
    common_exponent,
    factored,
    polynomial_in,
    same_sign,
)
from symmlp.calculus.putting import put
from symmlp.calculus.roots import stable_roots


class complementary_error(sp.Function):  # noqa: N801 - named as SymPy names functions
    """erfc, left as it is: SymPy's own turns erfc(-v) into 2 - erfc(v), which cancels for large v."""

    nargs = 1


class outside(sp.Function):  # noqa: N801 - named as SymPy names functions
    """x where |x| >= r, and r elsewhere: keeps a form away from the interval in which another one is used."""

    nargs = 2


def stable(expr: sp.Expr) -> sp.Expr:
    """Return a form of `expr` that is equal to it and safe to evaluate in floating point."""
    plain = with_named_differences(expr.replace(_is_tanh_of_log, _tanh_of_log))
    return stable_roots(with_lines_joined(_stable(plain)))


def _is_tanh_of_log(part: sp.Basic) -> bool:
    return isinstance(part, sp.tanh) and isinstance(part.args[0], sp.log) and part.has(sp.exp)


def _tanh_of_log(part: sp.tanh) -> sp.Expr:
    """Return tanh(log w) = (w² - 1)/(w² + 1), expanded so that a constant -1 meets its counterpart."""
    w = part.args[0].args[0]
    return sp.expand(w**2 - 1) / sp.expand(w**2 + 1)


def _stable(expr: sp.Expr) -> sp.Expr:
    if not expr.has(*EXPONENTIAL, sp.log, sp.erf):
        return expr
    match expr:
        case sp.Piecewise():
            decided = sp.Piecewise(*((value, _condition(each)) for value, each in expr.args), evaluate=False)
            return sp.Piecewise(*(_branch(*pair) for pair in _with_complements(decided)), evaluate=False)
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


def _condition(condition: sp.Basic) -> sp.Basic:
    """Return a comparison of exponentials by what decides its sign: 2(e^(x/2) - 1) > 0 is x > 0."""
    if not isinstance(condition, sp.core.relational.Relational) or not condition.has(*EXPONENTIAL):
        return condition
    difference = condition.lhs - condition.rhs
    same = same_sign(difference)
    return condition.func(_stable(difference) if same is None else same, 0)


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


def _sum(expr: sp.Add) -> sp.Expr:
    """Return the sum with terms of the same other factor joined into one rational function of the exponential."""
    for found in (_error_function_complement(expr), _difference_of_logarithms(expr), _level_in_logarithm(expr)):
        if found is not None:
            return found
    inside = with_rest_inside(expr)
    if inside is not None:
        return _stable(inside)
    exponentials = common_exponent(expr)
    if exponentials is None:
        return _sum_of_several(expr)
    groups: dict[sp.Expr, list[sp.Expr]] = {}
    for term in expr.args:
        other, rational = _split(term, exponentials)
        groups.setdefault(other, []).append(rational)
    if list(groups.values()) == [[1]] * len(expr.args):
        return sp.Add(*(_stable(term) for term in expr.args))
    for found in (_difference_from_exponential(groups, exponentials), _difference_from_limit(groups, exponentials)):
        if found is not None:
            return found
    return sp.Add(*(_group(other, parts, exponentials) for other, parts in groups.items()))


def _difference_from_exponential(groups: dict[sp.Expr, list[sp.Expr]], exponentials: Exponentials) -> sp.Expr | None:
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
        near = _difference_from_exponential({sp.Integer(1): [sp.powsimp(own / taken)], **inner}, exponentials)
        if near is None:
            return None
        (first, condition), _ = near.args
        pairs = (sp.Mul(taken, first, evaluate=False), condition), (own + rest, True)
        return sp.Piecewise(*pairs, evaluate=False)
    coefficient, factor = own.as_coeff_Mul()
    if not isinstance(factor, sp.exp) or rest.has(*EXPONENTIAL, sp.log) or rest.free_symbols & factor.free_symbols:
        return None
    u = factor.args[0]
    near = sp.Add(coefficient * expm1(u), sp.Add(coefficient, rest, evaluate=False), evaluate=False)
    return sp.Piecewise((near, sp.Abs(u) < sp.Rational(1, 2)), (own + rest, True), evaluate=False)


def _difference_from_limit(groups: dict[sp.Expr, list[sp.Expr]], exponentials: Exponentials) -> sp.Expr | None:
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
            form = _rational_form(rational - limit, u)
            small = form.args[side][0] if isinstance(form, sp.Piecewise) else form
            pieces.append((sp.Add(sp.Add(rest, limit), small, evaluate=False), condition))
    return sp.Piecewise(*pieces, (rest + _rational_form(rational, u), True), evaluate=False)


def _split(term: sp.Expr, exponentials: Exponentials) -> tuple[sp.Expr, sp.Expr]:
    """Return (the rest, the factor that is rational in the exponential) of a term; a number counts as rational."""
    other, rational = sp.Integer(1), sp.Integer(1)
    for factor in sp.Mul.make_args(term):
        if factor.is_Rational or (factor.has(*EXPONENTIAL) and exponentials.in_powers(factor) is not None):
            rational *= factor
        else:
            other *= factor
    if exponentials.level is not None and exponentials.rational(rational) is None:
        return term, sp.Integer(1)
    return other, rational


def _group(other: sp.Expr, parts: list[sp.Expr], exponentials: Exponentials) -> sp.Expr:
    total = sp.Add(*parts)
    rest = sp.Mul(*(_stable(factor) for factor in sp.Mul.make_args(other)))
    if not total.has(*EXPONENTIAL):
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


def _sum_of_several(expr: sp.Add) -> sp.Expr:
    """Return a sum whose exponentials have no exponent in common, terms of the same other factor joined."""
    groups: dict[sp.Expr, list[sp.Expr]] = {}
    for term in expr.args:
        own, other = sp.Mul(*(f for f in sp.Mul.make_args(term) if _is_of_exponentials(f))), sp.Integer(1)
        other = term / own
        groups.setdefault(other, []).append(own)
    total: list[sp.Expr] = []
    for other, parts in groups.items():
        factors = factors_of(sp.Add(*parts), HYPERBOLIC, E) if len(parts) > 1 else None
        if factors is None:
            total += [_stable(other * part) for part in parts]
        else:
            total.append(_stable(other) * product_form(factors))
    return sp.Add(*total)


def _is_of_exponentials(factor: sp.Expr) -> bool:
    """Return whether the factor is a number, or rational in exponentials."""
    if factor.is_Rational:
        return True
    rest = factor.replace(lambda part: isinstance(part, EXPONENTIAL), lambda _: E)
    return bool(factor.has(*EXPONENTIAL) and rest.free_symbols == {E} and rest.is_rational_function(E))


def _product(expr: sp.Expr) -> sp.Expr:
    exponentials = common_exponent(expr)
    if exponentials is not None:
        other, rational = _split(expr, exponentials)
        if rational.has(*EXPONENTIAL):
            return _group(other, [rational], exponentials)
    else:
        own = sp.Mul(*(factor for factor in sp.Mul.make_args(expr) if _is_of_exponentials(factor)))
        factors = factors_of(own, HYPERBOLIC, E)
        if factors is not None and factors.sums:
            return sp.Mul(*(_stable(factor) for factor in sp.Mul.make_args(expr / own))) * product_form(factors)
    if isinstance(expr, sp.Pow):
        return _stable(expr.base) ** _stable(expr.exp)
    return sp.Mul(*(_stable(factor) for factor in expr.args))


def _logarithm(expr: sp.log) -> sp.Expr:
    (argument,) = expr.args
    exponentials = common_exponent(argument)
    powers = exponentials.in_powers(argument) if exponentials else None
    if exponentials is None or powers is None:
        factors = factors_of(argument, HYPERBOLIC, E) if argument.has(*EXPONENTIAL) else None
        of_several = logarithm_form(factors) if factors is not None else None
        return _logarithm_near_one(argument) if of_several is None else of_several
    level, rational = _level_of(powers)
    parts = factored(rational) if not rational.has(F) else None
    if parts is not None and parts.is_positive and parts.ones == 1 and parts.coefficient > 0:
        return _logarithm_of_one_minus(parts, exponentials.exponent, level * (exponentials.level or 0))
    if parts is None or parts.ones or not parts.is_positive:
        return sp.log(_stable(argument))
    found = _logarithm_of_factors(parts, exponentials.exponent)
    if level == 0 or exponentials.level is None:
        return found
    return _with_level(found, level, exponentials)


def _logarithm_of_one_minus(parts: Factored, u: sp.Expr, level: sp.Expr) -> sp.Expr:
    """Return log((e^u - 1)·R) + level for a positive R, real for u > 0 alone: log(1 - e^-u) is near 0 for large u."""
    line = sp.expand((parts.power + parts.degree() + 1) * u + level)
    t = sp.exp(-u)
    far = log1p(-sp.exp(-sp.Max(u, sp.Rational(1, 2))))
    near = sp.log(-expm1(-sp.Min(u, 1)))
    rest = sp.log(parts.coefficient)
    for poly, multiplicity in parts.factors:
        rest += multiplicity * _log_near_constant(polynomial_in(poly, t, True))
    return line + sp.Piecewise((far, u > sp.Rational(2, 3)), (near, True), evaluate=False) + rest


def _logarithm_of_quotient(argument: sp.Expr) -> sp.Expr | None:
    """Return log(A/B) as log1p((A - B)/B) if A - B is shorter than A and B, or None."""
    top, bottom = sp.fraction(argument)
    if bottom.is_number or not (top.is_polynomial() and bottom.is_polynomial()):
        return None
    difference = sp.expand(top - bottom)
    if len(sp.Add.make_args(difference)) >= sum(len(sp.Add.make_args(sp.expand(side))) for side in (top, bottom)) - 1:
        return None
    return log1p(difference / bottom)


def _difference_of_logarithms(expr: sp.Add) -> sp.Expr | None:
    """Return the sum with log A - log B joined as log1p((A - B)/B), if A - B is that short, or None."""
    terms = [(term, *term.as_coeff_Mul()) for term in expr.args if isinstance(term.as_coeff_Mul()[1], sp.log)]
    for one, number, first in terms:
        for other, opposite, second in terms:
            if number > 0 and number == -opposite:
                joined = _logarithm_of_quotient(first.args[0] / second.args[0])
                if joined is not None:
                    return number * joined + _stable(expr - one - other)
    return None


def _level_in_logarithm(expr: sp.Add) -> sp.Expr | None:
    """Return log(Σ e^l) - a as log(Σ e^(l - a)), a being one of the exponents, or None: the two cancel."""
    for term in expr.args:
        sign, function = term.as_coeff_Mul()
        if not isinstance(function, sp.log) or abs(sign) != 1:
            continue
        terms = sp.Add.make_args(function.args[0])
        levels = [part.args[0] for part in terms if isinstance(part, sp.exp)]
        level = next((each for each in levels if each.is_Symbol and -sign * each in expr.args), None)
        if len(levels) == len(terms) >= 2 and level is not None:
            joined = sp.log(sp.Add(*(sp.exp(each - level) for each in levels)))
            return sign * _stable(joined) + _stable(expr - term + sign * level)
    return None


def _logarithm_near_one(argument: sp.Expr) -> sp.Expr:
    """Return log(1 + v) as log1p(v), and log(w) otherwise; c·w² under log1p is kept from overflowing."""
    constant, rest = argument.as_coeff_Add()
    if constant != 1:
        quotient = _logarithm_of_quotient(argument)
        return sp.log(_stable(argument)) if quotient is None else quotient
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
        above += multiplicity * _log_near_constant(polynomial_in(poly, t, True))
        below += multiplicity * _log_near_constant(polynomial_in(poly, t, False))
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
