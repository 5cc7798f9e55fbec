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
from sympy.codegen.cfunctions import Cbrt, expm1, log1p

from symmlp.calculus.branches import without_branch
from symmlp.calculus.differences import with_lines_joined, with_named_differences, with_rest_inside
from symmlp.calculus.error_tails import of_tails, with_complements
from symmlp.calculus.exponential_sums import factors_of, logarithm_form, product_form
from symmlp.calculus.exponentials import (
    EXPONENTIAL,
    HYPERBOLIC,
    E,
    Exponentials,
    F,
    common_exponent,
    factored,
    same_sign,
)
from symmlp.calculus.identities import BEYOND, identity, shifted
from symmlp.calculus.logarithms import (
    difference_of_logarithms,
    level_of,
    logarithm_of_factors,
    logarithm_of_one_minus,
    logarithm_of_quotient,
    logarithm_of_size,
    with_level,
)
from symmlp.calculus.putting import put
from symmlp.calculus.rational_forms import difference_from_exponential, difference_from_limit, rational_form
from symmlp.calculus.roots import length, squares, stable_roots


def stable(expr: sp.Expr) -> sp.Expr:
    """Return a form of `expr` that is equal to it and safe to evaluate in floating point."""
    if expr.has(Cbrt):
        expr = expr.replace(_is_cbrt_of_power, lambda part: Cbrt(part.args[0].base) ** part.args[0].exp)
    written_out = expr.replace(expm1, lambda u: sp.exp(u) - 1) if expr.has(sp.log) else expr
    plain = with_complements(with_named_differences(written_out.replace(_is_tanh_of_log, _tanh_of_log)))
    in_tails = of_tails(plain, _rewritten)
    return _rewritten(plain) if in_tails is None else in_tails


def _rewritten(expr: sp.Expr) -> sp.Expr:
    return stable_roots(with_lines_joined(_stable(without_branch(expr))))


def _is_cbrt_of_power(part: sp.Basic) -> bool:
    return isinstance(part, Cbrt) and part.args[0].is_Pow and part.args[0].exp.is_Integer


def _is_tanh_of_log(part: sp.Basic) -> bool:
    return isinstance(part, sp.tanh) and isinstance(part.args[0], sp.log) and part.has(sp.exp)


def _tanh_of_log(part: sp.tanh) -> sp.Expr:
    """Return tanh(log w) = (w² - 1)/(w² + 1), expanded so that a constant -1 meets its counterpart."""
    top, bottom = sp.fraction(identity("tanh_of_log").of(w=part.args[0].args[0]), exact=True)
    return sp.expand(top) / sp.expand(bottom)


def _stable(expr: sp.Expr) -> sp.Expr:
    if not expr.has(*EXPONENTIAL, sp.log):
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
    form = _stable(difference) if same is None else same
    return condition if form.has(sp.Piecewise) else condition.func(form, 0)


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


def _sum(expr: sp.Add) -> sp.Expr:
    """Return the sum with terms of the same other factor joined into one rational function of the exponential."""
    for found in (_difference_of_logarithms(expr), _level_in_logarithm(expr)):
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
    for found in (difference_from_exponential(groups, exponentials), difference_from_limit(groups, exponentials)):
        if found is not None:
            return found
    return sp.Add(*(_group(other, parts, exponentials) for other, parts in groups.items()))


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
    return rest * rational_form(rational, exponentials.exponent)


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
        if factors is None and other != 1 and len(parts) > 1:
            total.append(_stable(other) * _stable(sp.Add(*parts)))
        elif factors is None:
            total += [_stable(other * part) for part in parts]
        else:
            total.append(_stable(other) * product_form(factors))
    return sp.Add(*total)


def _is_of_exponentials(factor: sp.Expr) -> bool:
    """Return whether the factor is a number, or rational in exponentials."""
    if factor.is_Rational:
        return True
    if any(part.args[0].has(*EXPONENTIAL) for part in factor.atoms(*EXPONENTIAL)):
        return False
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
    of_product = _logarithm_of_product(argument)
    if of_product is not None:
        return of_product
    exponentials = common_exponent(argument)
    powers = exponentials.in_powers(argument) if exponentials else None
    if exponentials is None or powers is None:
        factors = factors_of(argument, HYPERBOLIC, E) if argument.has(*EXPONENTIAL) else None
        of_several = logarithm_form(factors) if factors is not None else None
        return _logarithm_near_one(argument) if of_several is None else of_several
    level, rational = level_of(powers)
    parts = factored(rational) if not rational.has(F) else None
    if parts is not None and parts.is_positive and parts.ones == 1 and parts.coefficient > 0:
        return logarithm_of_one_minus(parts, exponentials.exponent, level * (exponentials.level or 0))
    if parts is None or parts.ones or not parts.is_positive:
        return sp.log(_stable(argument))
    found = logarithm_of_factors(parts, exponentials.exponent)
    if level == 0 or exponentials.level is None:
        return found
    return with_level(found, level, exponentials)


def _logarithm_of_product(argument: sp.Expr) -> sp.Expr | None:
    """Return log(P·R) with a rational function R of exponentials and a polynomial P as log|P| + log|R|, or None."""
    exponentials = common_exponent(argument)
    if not isinstance(argument, sp.Mul) or exponentials is None or exponentials.level is not None:
        return None
    other, rational = _split(argument, exponentials)
    if not other.is_rational_function() or not other.free_symbols or not rational.has(*EXPONENTIAL):
        return None
    found = exponentials.rational(rational)
    parts = None if found is None else factored(found)
    if parts is None or not parts.is_positive:
        return None
    return sp.log(sp.Abs(other)) + logarithm_of_size(parts, exponentials.exponent)


def _difference_of_logarithms(expr: sp.Add) -> sp.Expr | None:
    """Return the sum with log A - log B joined as log1p((A - B)/B), if A - B is that short, or None."""
    terms = [(term, *term.as_coeff_Mul()) for term in expr.args if isinstance(term.as_coeff_Mul()[1], sp.log)]
    for one, number, first in terms:
        for other, opposite, second in terms:
            if number > 0 and number == -opposite:
                joined = logarithm_of_quotient(first.args[0] / second.args[0])
                if joined is None and first.args[0].is_Symbol and second.args[0].is_Symbol:
                    joined = difference_of_logarithms(first.args[0], second.args[0])
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
            joined = sp.log(shifted([(sp.Integer(1), each) for each in levels], level))
            return sign * _stable(joined) + _stable(expr - term + sign * level)
    return None


def _logarithm_near_one(argument: sp.Expr) -> sp.Expr:
    """Return log(1 + v) as log1p(v), and log(w) otherwise; c·w² under log1p is kept from overflowing."""
    constant, rest = argument.as_coeff_Add()
    if constant != 1:
        quotient = logarithm_of_quotient(argument)
        return sp.log(_stable(argument)) if quotient is None else quotient
    coefficient, power = rest.as_coeff_Mul()
    sides = squares(rest) if rest.is_Add else None
    if sides is not None:
        coefficient, power = sp.Integer(1), sp.Pow(length(sides), 2, evaluate=False)
    if power.is_Pow and power.exp.is_Integer and power.exp < 0:
        power = sp.Pow(1 / power.base, -power.exp, evaluate=False)  # So that the reciprocal is taken first.
    if power.is_Pow and power.exp.is_Integer and power.exp > 0 and power.exp % 2 == 0 and coefficient > 0:
        bound = sp.Integer(2) ** sp.ceiling(sp.log(BEYOND / coefficient, 2) / power.exp)
        return identity("log1p_of_power").of(c=coefficient, w=power.base, k=power.exp, b=bound)
    return identity("log1p").of(u=_stable(rest))
