"""erf and erfc in the tail, where they are e^(-u²) times what hardly varies: erfc(u) = e^(-u²) erfcx(u) for u > 0.

Written so, the exponential joins those around it: e^(x²) erfc(x) neither overflows nor vanishes, log erfc(x) is
-x² + log erfcx(x), and x·erfc(-x/√2) reads its exponent from x² rather than from a rounded x/√2.
"""

from __future__ import annotations

from collections.abc import Callable

import sympy as sp

from symmlp.calculus.identities import identity
from symmlp.calculus.primitives import complementary_error, erfcx
from symmlp.calculus.putting import put

_HALF = sp.Rational(1, 2)
Rewriting = Callable[[sp.Expr], sp.Expr]


def with_complements(expr: sp.Expr) -> sp.Expr:
    """Return `expr` with c ± c·erf(u) in every sum joined into c·erfc(∓u)."""
    if not expr.has(sp.erf, sp.erfc):
        return expr
    own = expr.replace(sp.erfc, complementary_error)
    return own.replace(lambda part: isinstance(part, sp.Add), _complement) if own.has(sp.erf) else own


def _complement(*terms: sp.Expr) -> sp.Expr:
    total = sp.Add(*terms)
    constant, rest = total.as_coeff_Add()
    for term in sp.Add.make_args(rest) if constant != 0 else ():
        coefficient, function = term.as_coeff_Mul()
        if isinstance(function, sp.erf) and abs(coefficient) == abs(constant):
            name = "one_plus_erf" if coefficient == constant else "one_minus_erf"
            return constant * identity(name).of(u=function.args[0]) + _complement(*sp.Add.make_args(rest - term))
    return total


def of_tails(expr: sp.Expr, rewritten: Rewriting) -> sp.Expr | None:
    """Return `expr` on either side of u = 0, u being the argument of its only erfc, or None if it has no such one.

    `rewritten` makes each side stable.
    """
    arguments = {part.args[0] for part in expr.atoms(complementary_error)}
    if expr.has(sp.Piecewise) or len({sp.Abs(u) for u in arguments}) != 1 or _is_plain(expr):
        return None
    u = min(arguments, key=sp.default_sort_key)
    if not u.free_symbols or not u.is_polynomial():
        return None
    logarithms = [part for part in expr.atoms(sp.log) if part.has(complementary_error)]
    if any(_number_before(part.args[0]) is None for part in logarithms):
        return None
    at_one = any(_number_before(part.args[0])[0] == 1 for part in logarithms)  # type: ignore[index]
    border = _HALF if at_one else sp.Integer(0)
    sides = [_side(expr, u, sign, rewritten) for sign in (1, -1)]
    return sp.Piecewise((sides[0], _beyond(u, border)), (sides[1], True), evaluate=False)


def _is_plain(expr: sp.Expr) -> bool:
    """Return whether erfc itself is as good: a number times erfc of a variable."""
    function = expr.as_coeff_Mul()[1]
    return isinstance(function, complementary_error) and (function.args[0].is_Symbol or (-function.args[0]).is_Symbol)


def _number_before(argument: sp.Expr) -> tuple[sp.Expr, sp.Expr] | None:
    """Return (c, u) of c·erfc(u) for a number c > 0, or None."""
    coefficient, function = argument.as_coeff_Mul()
    return (coefficient, function.args[0]) if isinstance(function, complementary_error) and coefficient > 0 else None


def _beyond(u: sp.Expr, border: sp.Expr) -> sp.Basic:
    """Return u > border, solved for the variable if u is a number times one."""
    number = sp.Mul(*(part for part in sp.Mul.make_args(u) if part.is_number))
    x = u / number
    if not x.is_Symbol:
        return u > border
    return x > border / number if number > 0 else x < border / number


def _side(expr: sp.Expr, u: sp.Expr, sign: int, rewritten: Rewriting) -> sp.Expr:
    """Return `expr` where u has a sign: erfc of what is positive there by erfcx, of what is negative as 2 - erfc."""
    square, size = sp.expand(u**2), sp.Abs(u)
    tail = identity("erfc_above").of(u=size).xreplace({sp.expand(size**2): square})

    def erfc(part: sp.Expr) -> sp.Expr:
        positive = part.args[0] == u if sign > 0 else part.args[0] != u
        return tail if positive else 2 - tail

    def logarithm(part: sp.Expr) -> sp.Expr:
        found = _number_before(part.args[0])
        if found is None:
            return part
        number, own = found
        if (own == u) == (sign > 0):
            return -square + sp.log(number * erfcx(size))
        if number == 1:
            return identity("log1p").of(u=-sp.erf(own))
        near = identity("log1p").of(u=-tail / 2)
        return near if number == _HALF else sp.log(2 * number) + near

    logs = {part: logarithm(part) for part in expr.atoms(sp.log) if part.has(complementary_error)}
    own = expr.xreplace(logs).replace(complementary_error, lambda argument: erfc(complementary_error(argument)))
    form = rewritten(own)
    return _clipped(form, u, sign) if _grows(form) else form


def _grows(form: sp.Expr) -> bool:
    """Return whether an exponential of the form can be large: its exponent is no negative number of a square."""
    return any(not part.args[0].is_nonpositive for part in form.atoms(sp.exp))


def _clipped(form: sp.Expr, u: sp.Expr, sign: int) -> sp.Expr:
    """Return the form with its variable kept on the side where the form is used."""
    number = sp.Mul(*(part for part in sp.Mul.make_args(u) if part.is_number))
    x = u / number
    if not x.is_Symbol:
        return form
    bound = sp.Max if (number > 0) == (sign > 0) else sp.Min
    return put(form, x, bound(x, 0))
