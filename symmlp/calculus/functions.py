"""Functions of numbers and of rows: the value as defined, the slope as derived, and the stable form of each."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from symmlp.calculus.guards import guarded
from symmlp.calculus.index_notation import rebuilt, terms
from symmlp.calculus.slope import slope
from symmlp.calculus.stability import E, common_exponent, stable
from symmlp.catalog.layers import SIZES
from symmlp.errors import UnsupportedError
from symmlp.notation import Z, array


@dataclass(frozen=True)
class ElementFunction:
    """A function of numbers: `value` in `variables`, its derivative with respect to the first, and their stable forms.

    `output` is the derivative written in the function's own value y, where that is possible (1 - y² for tanh).
    """

    name: str
    variables: tuple[sp.Symbol, ...]
    value: sp.Expr
    derivative: sp.Expr
    switches: tuple[sp.Expr, ...]
    stable_value: sp.Expr
    stable_derivative: sp.Expr

    @classmethod
    def derive(cls, name: str, value: sp.Expr, variables: tuple[sp.Symbol, ...]) -> ElementFunction:
        """Return the function with its slope in the first variable derived."""
        found = slope(value, variables[0])
        return cls(
            name,
            variables,
            value,
            found.derivative,
            found.switches,
            guarded(stable(value)),
            guarded(stable(found.derivative)),
        )

    def derivative_in_value(self, y: sp.Symbol) -> sp.Expr | None:
        """Return the derivative as a rational function of the value y, or None if none is found."""
        (x,) = self.variables
        if x not in self.derivative.free_symbols:
            return self.derivative
        if x not in self.derivative.xreplace({self.value: y}).free_symbols:
            return self.derivative.xreplace({self.value: y})
        return _solved_for_exponential(self.value, self.derivative, y)


def _solved_for_exponential(value: sp.Expr, derivative: sp.Expr, y: sp.Symbol) -> sp.Expr | None:
    """Return the derivative in y when y = (aE + b)/(cE + d) can be solved for the exponential E."""
    exponentials = common_exponent(value)
    if exponentials is None:
        return None
    rational, slope_rational = exponentials.rational(value), exponentials.rational(derivative)
    if rational is None or slope_rational is None:
        return None
    numerator, denominator = sp.fraction(sp.cancel(sp.together(rational)))
    polynomial = sp.Poly(numerator - y * denominator, E)
    if polynomial.degree() != 1:
        return None
    linear, constant = polynomial.all_coeffs()
    return sp.factor(sp.cancel(slope_rational.xreplace({E: -constant / linear})))


@dataclass(frozen=True)
class RowFunction:
    """A function of a row of Z, `value` being entry i; `stable_value` is the same in D = Z minus the row's maximum."""

    name: str
    value: sp.Expr
    stable_value: sp.Expr

    @classmethod
    def derive(cls, name: str, value: sp.Expr) -> RowFunction:
        """Return the function with its stable form: shifted by the row's maximum, which is proven to change nothing.

        Raises:
            UnsupportedError: the function changes when its row is shifted, so no stable form is known.
        """
        shift = sp.Symbol("shift", real=True)
        if _flat(_shifted(value, shift)) != _flat(value):
            raise UnsupportedError(f"{name} is not unchanged by a shift of its row; no stable form is known")
        return cls(name, value, value.replace(_is_entry, lambda part: SHIFTED[part.indices]))

    def logarithm(self, name: str) -> RowFunction:
        """Return the logarithm of the function, a quotient's being the difference of the logarithms."""
        numerator, denominator = sp.fraction(self.value)
        return RowFunction.derive(name, sp.log(numerator) - sp.log(denominator))


SHIFTED = array("D")
"""Z minus the maximum of its row."""


def _is_entry(part: sp.Basic) -> bool:
    return isinstance(part, sp.Indexed) and part.base == Z


def _shifted(value: sp.Expr, shift: sp.Expr) -> sp.Expr:
    return value.replace(_is_entry, lambda part: part + shift)


def _flat(value: sp.Expr) -> sp.Expr:
    """Return `value` with exponentials of sums split, constants pulled out of index sums, logarithms of products split."""
    split = value.replace(sp.exp, lambda argument: sp.Mul(*(sp.exp(term) for term in sp.Add.make_args(sp.expand(argument)))))
    pulled = split.replace(lambda part: isinstance(part, sp.Sum), lambda part: rebuilt(terms(part), SIZES))
    return sp.expand(sp.expand_log(pulled, force=True))
