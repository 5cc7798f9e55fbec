"""Algebraic formulas: fractions joined where their numerators cancel, square roots by hypot and conjugates.

sqrt(a² + b²) overflows where a² does; hypot(a, b) does not. r + β√b cancels where r and β√b have opposite signs; there
it is (β²b - r²)/(β√b - r), and β²b - r² has fewer terms than b when the two nearly agree.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce

import sympy as sp
from sympy.codegen.cfunctions import hypot

from symmlp.calculus.identities import identity
from symmlp.calculus.kinks import split

_HALF = sp.Rational(1, 2)


def stable_roots(expr: sp.Expr) -> sp.Expr:
    """Return `expr` with its differences with square roots conjugated and its roots of two squares as hypot."""
    if not any(_is_root_or_quotient(part) for part in sp.preorder_traversal(expr)):
        return expr
    return _with_hypot(_conjugated(expr))


def _is_root_or_quotient(part: sp.Basic) -> bool:
    if isinstance(part, sp.log):
        return squares(part.args[0]) is not None
    if not isinstance(part, sp.Pow) or not part.free_symbols:
        return False
    return bool(part.exp.is_Rational and (part.exp.q == 2 or part.exp < 0))


def _conjugated(expr: sp.Expr) -> sp.Expr:
    if not expr.args:
        return expr
    if isinstance(expr, sp.Piecewise):
        return sp.Piecewise(*((_conjugated(value), condition) for value, condition in expr.args), evaluate=False)
    if isinstance(expr, sp.Add):
        by_sign = _by_sign(expr)
        if by_sign is not None:
            return by_sign
        over_root = _over_common_root(expr)
        if over_root is not None:
            return over_root
        for root, partner in _pairs(expr):
            return _conjugate(root, partner) + _conjugated(expr - root - partner)
        joined = joined_fractions(expr)
        if joined is not None:
            return joined
    if isinstance(expr, sp.Mul | sp.Pow | sp.Function | sp.Add):
        args = tuple(_conjugated(argument) for argument in expr.args)
        return expr if args == expr.args else expr.func(*args)
    return expr


def _by_sign(expr: sp.Add) -> sp.Expr | None:
    """Return a sum of roots and |x| or sign(x) conjugated for x > 0 and for x < 0 by itself, or None."""
    parts = {part for part in expr.atoms(sp.Abs, sp.sign) if part.args[0].is_Symbol}
    roots = [part.base for part in expr.atoms(sp.Pow) if part.exp in (_HALF, -_HALF)]
    if len({part.args[0] for part in parts}) != 1 or not any(
        part.args[0] in base.free_symbols for part in parts for base in roots
    ):
        return None
    x = next(iter(parts)).args[0]
    sides = split(expr, x)
    above, below = _conjugated(sides.above), _conjugated(sides.below)
    if above == sides.above and below == sides.below:
        return None
    return sp.Piecewise((above, x > 0), (below, x < 0), (expr, True), evaluate=False)


def _pairs(expr: sp.Add) -> Iterator[tuple[sp.Expr, sp.Expr]]:
    """Yield (β√b, r): terms of the sum for which β²b - r² has fewer terms than b."""
    for root in expr.args:
        radicand = _radicand(root)
        if radicand is None:
            continue
        for partner in expr.args:
            if partner is root or not (partner.is_polynomial() or _are_opposite_roots(root, partner)):
                continue
            difference = sp.expand(root**2 - partner**2)
            if len(sp.Add.make_args(difference)) < len(sp.Add.make_args(sp.expand(radicand))):
                yield root, partner


def _are_opposite_roots(root: sp.Expr, partner: sp.Expr) -> bool:
    """Return whether both terms are roots, one with a minus sign: a difference that cancels wherever they are near."""
    if _radicand(partner) is None:
        return False
    return bool(root.could_extract_minus_sign()) != bool(partner.could_extract_minus_sign())


def _radicand(term: sp.Expr) -> sp.Expr | None:
    """Return b of a term β√b with a number β, or None."""
    factor = term.as_coeff_Mul()[1]
    rest = [part for part in sp.Mul.make_args(factor) if not part.is_number]
    if len(rest) == 1 and isinstance(rest[0], sp.Pow) and rest[0].exp == _HALF:
        return rest[0].base
    return None


def _conjugate(root: sp.Expr, partner: sp.Expr) -> sp.Expr:
    """Return root + partner without cancellation; where the two have the same sign it is left as it is."""
    top, bottom = sp.fraction(identity("conjugate").of(w=root, r=partner), exact=True)
    quotient = _quotient(sp.factor(sp.expand(top)), bottom)
    root_is_positive = not root.could_extract_minus_sign()
    if _radicand(partner) is not None:
        return quotient
    if partner.is_number:
        return quotient if (partner < 0) == root_is_positive else root + partner
    # The divisor is given the partner's size, so that it is not zero where this branch is not taken.
    opposite = -sp.Abs(partner) if root_is_positive else sp.Abs(partner)
    bottom = sp.fraction(identity("conjugate").of(w=root, r=opposite), exact=True)[1]
    condition = partner < 0 if root_is_positive else partner > 0
    return sp.Piecewise(
        (_quotient(sp.factor(sp.expand(top)), bottom), condition), (root + partner, True), evaluate=False
    )


def _quotient(top: sp.Expr, bottom: sp.Expr) -> sp.Expr:
    """Return top/bottom; of c·v² one v stays outside, so that v² is never formed."""
    coefficient, factor = top.as_coeff_Mul()
    if isinstance(factor, sp.Pow) and factor.exp == 2:
        inner = sp.Mul(coefficient * factor.base, 1 / bottom, evaluate=False)
        return sp.Mul(factor.base, inner, evaluate=False)
    return top / bottom


def _over_common_root(expr: sp.Add) -> sp.Expr | None:
    """Return (r + β√b)/√b conjugated for a sum of β and r/√b, or None."""
    for term in expr.args:
        roots = [part for part in sp.Mul.make_args(term) if isinstance(part, sp.Pow) and part.exp == -_HALF]
        if not roots:
            continue
        root = sp.sqrt(roots[0].base)
        whole = sp.expand(expr * root)
        if isinstance(whole, sp.Add) and len(whole.args) == 2 and next(_pairs(whole), None) is not None:
            return _conjugated(whole) / root
    return None


_MOST_TERMS, _MOST_OPERATIONS = 4, 80
"""Longer sums of fractions are left as they are: joining them would only make them longer."""


def joined_fractions(expr: sp.Add) -> sp.Expr | None:
    """Return a sum of fractions as one if its numerator cancels or can be conjugated, or None.

    1/(x + 1) - 1/x  =>  -1/(x (x + 1));    1/√b - x²/b^(3/2) with b = x² + 1  =>  b^(-3/2)
    """
    roots = {part.base for part in expr.atoms(sp.Pow) if part.exp.is_Rational and part.exp.q == 2}
    if len(expr.args) > _MOST_TERMS or expr.count_ops() > _MOST_OPERATIONS:
        return None
    names = {base: sp.Dummy(positive=True) for base in sorted(roots, key=sp.default_sort_key)}
    plain = expr.replace(
        lambda part: isinstance(part, sp.Pow) and part.base in names and (2 * part.exp).is_Integer,
        lambda part: names[part.base] ** (2 * part.exp),
    )
    if not plain.is_rational_function(*plain.free_symbols) or plain.is_polynomial():
        return None
    top, bottom = sp.fraction(sp.cancel(sp.together(plain)))
    for base, name in names.items():
        top = sp.expand(sp.rem(top, name**2 - base, name))
    back = {name: sp.sqrt(base) for base, name in names.items()}
    bottom = sp.Mul(*(factor.xreplace(back) for factor in sp.Mul.make_args(sp.factor(bottom))))
    whole = sp.factor_terms(top).xreplace(back)
    difference = whole if isinstance(whole, sp.Add) else next((f for f in whole.args if isinstance(f, sp.Add)), None)
    if difference is not None and next(_pairs(difference), None) is not None:
        return whole.xreplace({difference: _conjugated(difference)}) / bottom
    factored = sp.factor(top)
    if not names and isinstance(factored, sp.Mul) and _differs_exactly(factored):
        return factored / bottom
    terms = sp.Add.make_args(sp.expand(top))
    agree = len({term.could_extract_minus_sign() for term in terms}) < len(
        {term.could_extract_minus_sign() for term in expr.args}
    )
    return whole / bottom if len(terms) < len(expr.args) + agree else None


def _differs_exactly(product: sp.Mul) -> bool:
    """Return whether a product has a difference of two variables, as y² - x² has, and no other that cancels."""
    sums = [factor.as_base_exp()[0] for factor in product.args if factor.as_base_exp()[0].is_Add]
    mixed = [each for each in sums if len({term.could_extract_minus_sign() for term in each.args}) == 2]
    return bool(mixed) and all(
        len(each.args) == 2 and all(term.is_Symbol or (-term).is_Symbol for term in each.args) for each in mixed
    )


def _with_hypot(expr: sp.Expr) -> sp.Expr:
    """Return `expr` with √(a² + b²) written as hypot(a, b), in numerators and denominators."""
    if isinstance(expr, sp.Piecewise):
        return sp.Piecewise(*((_with_hypot(value), condition) for value, condition in expr.args), evaluate=False)
    if isinstance(expr, sp.Pow) and expr.exp.is_Rational and expr.exp.q == 2:
        sides = squares(expr.base)
        if sides is not None:
            return length(sides) ** expr.exp.p
    if isinstance(expr, sp.Pow) and expr.exp.is_Integer and expr.exp < 0 and len(expr.free_symbols) > 1:
        sides = squares(expr.base)
        if sides is not None and all(side.is_Symbol or side.is_number for side in sides):
            return length(sides) ** (2 * expr.exp)
    if isinstance(expr, sp.log):
        sides = squares(expr.args[0])
        if sides is not None and all(side.free_symbols for side in sides):
            return identity("log_of_hypotenuse").of(u=length(sides[:-1]), v=sides[-1])
    if isinstance(expr, sp.Mul):
        return _scaled([_with_hypot(factor) for factor in expr.args])
    if not expr.args or not isinstance(expr, sp.Add | sp.Pow | sp.Function):
        return expr
    return expr.func(*(_with_hypot(argument) for argument in expr.args))


def _scaled(factors: list[sp.Expr]) -> sp.Expr:
    """Return the product, a side over its hypot taken together: x²/h³ is (x/h)²·(1/h), which cannot overflow."""
    for place, factor in enumerate(factors):
        base, power = factor.as_base_exp()
        if not power.is_Integer or power > -2:
            continue
        factors = [_as_length(each, base) for each in factors]
        own_sides = _sides_of(base)
        sides = [each for each in factors if _is_side(each, base, own_sides)]
        taken = sp.Integer(0)
        result = [each for at, each in enumerate(factors) if at != place and each not in sides]
        for side in sides:
            own, exponent = side.as_base_exp()
            if 0 < exponent <= -power - taken:
                taken += exponent
                result.append(identity("quotient_first").of(u=own, w=base, k=exponent))
            else:
                result.append(side)
        if taken:
            left = -power - taken
            inverse = sp.Pow(sp.Pow(base, -1), left, evaluate=False) if left > 1 else 1 / base
            return sp.Mul(*result, *((inverse,) if left else ()), evaluate=False)
    return sp.Mul(*factors, evaluate=False)


def _is_side(factor: sp.Expr, base: sp.Expr, sides: tuple[sp.Expr, ...]) -> bool:
    own, power = factor.as_base_exp()
    shorter = isinstance(own, hypot) and isinstance(base, hypot) and own != base and set(_sides_of(own)) <= set(sides)
    of_sides = own.is_Add and isinstance(base, hypot) and all(term in sides or -term in sides for term in own.args)
    return bool(power.is_Integer and (own in sides or shorter or of_sides))


def _as_length(factor: sp.Expr, base: sp.Expr) -> sp.Expr:
    """Return a sum of some of the squares that make up the hypot `base` as the square of a length."""
    sides = squares(factor) if isinstance(base, hypot) and isinstance(factor, sp.Add) else None
    if sides is None or not set(sides) <= set(_sides_of(base)):
        return factor
    return length(sides) ** 2


def _sides_of(base: sp.Expr) -> tuple[sp.Expr, ...]:
    """Return what is no larger than `base` as a rule: a hypot's sides, the variables of |x| + y."""
    if isinstance(base, hypot):
        return tuple(side for each in base.args for side in ((each, *_sides_of(each)) if each.args else (each,)))
    terms = [term.as_coeff_Mul()[1] for term in base.args] if isinstance(base, sp.Add) else []
    symbols = [term.args[0] if isinstance(term, sp.Abs) else term for term in terms]
    if len(symbols) < 2 or not all(symbol.is_Symbol for symbol in symbols):
        return ()
    return (*symbols, *(sp.Abs(symbol) for symbol in symbols))


def length(sides: Sequence[sp.Expr]) -> sp.Expr:
    """Return √(a² + b² + ...), two sides at a time."""
    return reduce(lambda one, other: identity("hypotenuse").of(u=one, v=other), sides)


def squares(radicand: sp.Expr) -> tuple[sp.Expr, ...] | None:
    """Return (a, b, ...) with a² + b² + ... = radicand, or None."""
    for form in (radicand, sp.expand(radicand)):
        sides = tuple(side for side in map(_side, sp.Add.make_args(form)) if side is not None)
        if len(sides) == len(sp.Add.make_args(form)) >= 2:
            return sides
    return None


def _side(term: sp.Expr) -> sp.Expr | None:
    coefficient, factor = term.as_coeff_Mul()
    if not coefficient > 0:
        return None
    side = sp.Integer(1)
    for part in sp.Mul.make_args(factor):
        base, exponent = part.as_base_exp()
        if part.is_number and part > 0:
            side *= sp.sqrt(part)
        elif exponent.is_Integer and exponent > 0 and exponent % 2 == 0:
            side *= base ** (exponent / 2)
        else:
            return None
    return sp.sqrt(coefficient) * side


__all__ = ["length", "squares", "stable_roots"]
