"""Functions of numbers and of rows: the value as defined, the slope as derived, and the stable form of each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, cached_property, lru_cache
from typing import Literal

import sympy as sp
from sympy.codegen.cfunctions import log1p

from symmlp.calculus.exponentials import E, common_exponent, logistic
from symmlp.calculus.guards import guarded
from symmlp.calculus.index_notation import rebuilt, terms
from symmlp.calculus.jumps import is_jump
from symmlp.calculus.kinks import Kink, Policy
from symmlp.calculus.putting import put
from symmlp.calculus.repair import repaired, seems_accurate
from symmlp.calculus.several import with_limits, worst_of
from symmlp.calculus.slope import slope
from symmlp.calculus.stability import stable
from symmlp.catalog.layers import SIZES
from symmlp.errors import UnsupportedError
from symmlp.notation import Z, array, batch, column

Care = Literal["none", "quick", "finite", "full"]
"""How much measuring a form is worth: none, a quick look that repairs what fails, all finite arguments, or all."""


@dataclass(frozen=True)
class Form:
    """A formula, the form of it that is safe to compute, and what was measured: the worst error and where.

    `rewritten` is that form before `repairs`, which measuring led to; `ulps` is None if nothing was measured. A slope's
    `formula` is a short way to write what was `derived`.
    """

    formula: sp.Expr
    stable: sp.Expr
    rewritten: sp.Expr
    repairs: tuple[str, ...] = ()
    ulps: float | None = None
    worst_at: tuple[tuple[str, float], ...] = ()
    derived: sp.Expr | None = None

    @classmethod
    def of(cls, formula: sp.Expr, care: Care) -> Form:
        """Return the stable form of `formula`; functions of one variable, or of a difference, are measured."""
        stable_form = guarded(stable(formula))
        if care == "none":
            return cls(formula, stable_form, stable_form)
        single = _in_one_variable(formula)
        if single is None:
            return cls._of_several(formula, stable_form, care)
        reduced, x, argument = single
        reduced_form = guarded(stable(reduced)) if argument is not None else stable_form
        if care == "quick" and seems_accurate(reduced, reduced_form, x):
            return cls(formula, stable_form, stable_form)
        found = _repaired(reduced, reduced_form, x, infinite=care == "full")
        form = found.form if argument is None else put(found.form, x, argument)
        name = x.name if argument is None else str(argument)
        at = ((name, found.worst_at),)
        return cls(formula, form if found.actions else stable_form, stable_form, found.actions, found.after, at)

    @classmethod
    def _of_several(cls, formula: sp.Expr, form: sp.Expr, care: Care) -> Form:
        """Return the form of a formula in several variables, measured on points of all of them."""
        if care == "quick" or not formula.free_symbols:
            return cls(formula, form, form)
        repaired_form, actions = with_limits(formula, form) if care == "full" else (form, ())
        worst = worst_of(formula, repaired_form)
        return cls(formula, repaired_form, form, actions, worst.ulps, worst.at)


_repaired = cache(repaired)
"""Measuring takes a tenth of a second or more, and its result depends on nothing but its arguments."""


def _in_one_variable(formula: sp.Expr) -> tuple[sp.Expr, sp.Symbol, sp.Expr | None] | None:
    """Return (formula, its variable, None), or (g, r, p - y) for a formula g(p - y); None for any other."""
    symbols = sorted(formula.free_symbols, key=sp.default_sort_key)
    if len(symbols) == 1:
        return formula, symbols[0], None
    if len(symbols) != 2:
        return None
    first, second = symbols
    r = sp.Symbol("r", real=True)
    reduced = (
        sp.expand(formula.xreplace({first: r + second}))
        if formula.is_polynomial()
        else formula.xreplace({first: r + second})
    )
    if second in reduced.free_symbols:
        reduced = reduced.replace(lambda part: part.is_Add, sp.expand)
    return (reduced, r, first - second) if reduced.free_symbols == {r} else None


@lru_cache(maxsize=512)
def _value_form(value: sp.Expr, care: Care) -> Form:
    """Return the form of a value; a process looks for the stable form of each formula once."""
    return Form.of(value, care)


@lru_cache(maxsize=512)
def _slope_form(value: sp.Expr, wrt: sp.Symbol, care: Care, kinks: Policy) -> tuple[Form, tuple[Kink, ...]]:
    """Return the form of a slope, which is derived, and the kinks; a process derives each once."""
    found = slope(value, wrt, kinks)
    form = Form.of(found.derivative, care)
    return replace(form, formula=logistic(found.derivative), derived=found.derivative), found.kinks


@dataclass(frozen=True)
class ElementFunction:
    """A function of numbers: its value in `variables`, its slope in the first of them, and where that is a choice."""

    name: str
    variables: tuple[sp.Symbol, ...]
    value_form: Form
    slope_form: Form
    kinks: tuple[Kink, ...]

    @classmethod
    def derive(
        cls,
        name: str,
        value: sp.Expr,
        variables: tuple[sp.Symbol, ...],
        *,
        care: Care = "none",
        kinks: Policy = "smallest",
    ) -> ElementFunction:
        """Return the function with its slope in the first variable derived, and both in a stable form."""
        slope_form, met = _slope_form(value, variables[0], care, kinks)
        return cls(name, variables, _value_form(value, care), slope_form, met)

    def differentiated(
        self, name: str, variables: tuple[sp.Symbol, ...], *, care: Care = "none", kinks: Policy = "smallest"
    ) -> ElementFunction:
        """Return the slope as a function of its own, whose slope in the first of `variables` is derived."""
        slope_form, met = _slope_form(self.slope_form.derived or self.derivative, variables[0], care, kinks)
        return ElementFunction(name, variables, self.slope_form, slope_form, met)

    @cached_property
    def jumps(self) -> tuple[Kink, ...]:
        """The kinks at which the slope jumps."""
        slope = self.slope_form.derived or self.derivative
        return tuple(kink for kink in self.kinks if is_jump(slope, self.variables, kink))

    @property
    def switches(self) -> tuple[sp.Expr, ...]:
        """The expressions that are zero at the kinks."""
        return tuple(dict.fromkeys(kink.switch for kink in self.kinks))

    @property
    def value(self) -> sp.Expr:
        """The value as defined."""
        return self.value_form.formula

    @property
    def derivative(self) -> sp.Expr:
        """The slope in the first variable, as derived."""
        return self.slope_form.formula

    @property
    def stable_value(self) -> sp.Expr:
        """The value as it is computed."""
        return self.value_form.stable

    @property
    def stable_derivative(self) -> sp.Expr:
        """The slope as it is computed."""
        return self.slope_form.stable

    def derivative_in_value(self, y: sp.Symbol) -> sp.Expr | None:
        """Return the derivative as a rational function of the value y, or None if none is found."""
        (x,) = self.variables
        if x not in self.derivative.free_symbols:
            return self.derivative
        if x not in self.derivative.xreplace({self.value: y}).free_symbols:
            return self.derivative.xreplace({self.value: y})
        return _solved_for_exponential(self.value, self.derivative, y)


def _solved_for_exponential(value: sp.Expr, derivative: sp.Expr, y: sp.Symbol) -> sp.Expr | None:
    """Return the derivative in y when y = (aE^n + b)/(cE^n + d) can be solved for the power E^n of the exponential."""
    exponentials = common_exponent(value)
    if exponentials is None:
        return None
    rational, slope_rational = exponentials.rational(value), exponentials.rational(derivative)
    if rational is None or slope_rational is None:
        return None
    numerator, denominator = sp.fraction(sp.cancel(sp.together(rational)))
    polynomial = sp.Poly(numerator - y * denominator, E)
    degree = polynomial.degree()
    if degree < 1 or {power for (power,) in polynomial.monoms()} != {0, degree}:
        return None
    power = -polynomial.coeff_monomial(1) / polynomial.LC()
    sides = [sp.Poly(side, E) for side in sp.fraction(sp.cancel(sp.together(slope_rational)))]
    if any(exponent % degree for side in sides for (exponent,) in side.monoms()):
        return None
    top, bottom = (
        sp.Add(*(number * power ** (exponent // degree) for (exponent,), number in side.terms())) for side in sides
    )
    return _without_minus(sp.factor(sp.cancel(top / bottom)))


def _without_minus(expr: sp.Expr) -> sp.Expr:
    """Return a product without the minus sign before it, one of its sums being turned around.

    -y (y - 1)   =>   y (1 - y)
    """
    sums = [factor for factor in sp.Mul.make_args(expr) if factor.is_Add]
    if not sums or not expr.could_extract_minus_sign():
        return expr
    return sp.Mul(*(-factor if factor is sums[-1] else factor for factor in sp.Mul.make_args(-expr)))


@dataclass(frozen=True)
class RowFunction:
    """A function of a row of Z, `value` being entry i; `stable_value` is the same in D = Z minus the row's maximum.

    With `falling`, a function of -Z, D is -Z minus its row's maximum.
    A sum of e^D may there be written m + o: m entries are at the maximum, where e^D is 1, and o is the sum of the rest.
    So log(Σ e^D) = log1p(o + (m - 1)) keeps its digits when one entry is far above the rest, and Σ e^D - e^D_i does.
    """

    name: str
    value: sp.Expr
    stable_value: sp.Expr
    falling: bool = False

    @property
    def counts(self) -> bool:
        """Whether the stable form counts the entries at the maximum."""
        return any(part.base == TIES for part in self.stable_value.atoms(sp.Indexed))

    @classmethod
    def derive(cls, name: str, value: sp.Expr) -> RowFunction:
        """Return the function with its stable form: shifted by the row's maximum, which is proven to change nothing.

        Raises:
            UnsupportedError: the function changes when its row is shifted, so no stable form is known.
        """
        shift = sp.Symbol("shift", real=True)
        if _flat(_shifted(value, shift)) != _flat(value):
            raise UnsupportedError(f"{name} is not unchanged by a shift of its row; no stable form is known")
        falling = any(part.args[0].could_extract_minus_sign() for part in value.atoms(sp.exp))
        sign = -1 if falling else 1
        stable_value = value.replace(_is_entry, lambda part: sign * SHIFTED[part.indices])
        return cls(name, value, _split_sums(stable_value, sp.log, log1p(_REST)), falling)

    def logarithm(self, name: str) -> RowFunction:
        """Return the logarithm of the function, a quotient's being the difference of the logarithms."""
        numerator, denominator = sp.fraction(self.value, exact=True)
        return RowFunction.derive(name, sp.log(numerator) - sp.log(denominator))

    def complement(self, name: str) -> RowFunction:
        """Return 1 minus the function, whose denominator is the sum of its numerators: the sum of the others."""
        numerator, denominator = sp.fraction(self.value, exact=True)
        found = RowFunction.derive(name, (denominator - numerator) / denominator)
        own = SHIFTED[batch, column]  # Entry i of e^D, whatever the sign of Z in D.
        top = sp.Add(OTHERS[batch], sp.Add(TIES[batch], -sp.exp(own)), evaluate=False)
        return replace(found, stable_value=top / (OTHERS[batch] + TIES[batch]))


def _split_sums(expr: sp.Expr, function: type[sp.Function], by: sp.Expr) -> sp.Expr:
    """Return `expr` with function(Σ e^D) written as `by`."""
    return expr.replace(lambda part: isinstance(part, function) and isinstance(part.args[0], sp.Sum), lambda _: by)


OTHERS, TIES = array("o"), array("m")
"""The sum of e^D over the entries below the row's maximum, and how many entries are at it."""

SHIFTED = array("D")
"""Z minus the maximum of its row, or -Z minus that of its own."""

_REST = sp.Add(OTHERS[batch], sp.Add(TIES[batch], -1), evaluate=False)
"""Σ e^D - 1."""


def _is_entry(part: sp.Basic) -> bool:
    return isinstance(part, sp.Indexed) and part.base == Z


def _shifted(value: sp.Expr, shift: sp.Expr) -> sp.Expr:
    return value.replace(_is_entry, lambda part: part + shift)


def _flat(value: sp.Expr) -> sp.Expr:
    """Return `value` with exponentials of sums and logarithms of products split, constants out of index sums."""
    split = value.replace(
        sp.exp, lambda argument: sp.Mul(*(sp.exp(term) for term in sp.Add.make_args(sp.expand(argument))))
    )
    pulled = split.replace(lambda part: isinstance(part, sp.Sum), lambda part: rebuilt(terms(part), SIZES))
    return sp.expand(sp.expand_log(pulled, force=True))
