"""Indexed SymPy expressions to text: sums over indices, deltas, derivatives that are not carried out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import sympy as sp

from symmlp.calculus.conditions import solved
from symmlp.calculus.index_notation import Nabla, Partial, curvature_of, slope_arguments, slope_of
from symmlp.calculus.matrix_form import CALLS, PRIME, RELATIONS, ordered_factors, ordered_terms
from symmlp.errors import UnsupportedError
from symmlp.matrix import Size
from symmlp.printing.style import ATOM, POWER, PRODUCT, SUM, Printed, Style, called, decimal, joined


def _has_common_factor(expr: sp.Add) -> bool:
    """Return whether a number is taken out of a sum: not if that leaves numbers as large as in 0.01 (100 a + b)."""
    number, rest = expr.primitive()
    return number != 1 and all(abs(term.as_coeff_Mul()[0]) < 10 for term in rest.args)


def _with_number_in_front(expr: sp.Expr) -> sp.Expr:
    """Return a product with the common numbers of its sums taken out.

    (2 a - 2) b   =>   2 (a - 1) b
    """
    if not expr.is_Mul or sum(not each.is_Number for each in expr.args) < 2:
        return expr  # SymPy would multiply a number into a sum.
    parts = [each.primitive() if each.is_Add and _has_common_factor(each) else (1, each) for each in expr.args]
    taken = [number for number, _ in parts if number != 1]
    # A product that is written as it is computed, t / (1 + t) * t, stays as it is.
    return sp.Mul(*taken, *(rest for _, rest in parts)) if taken else expr


def _is_decimal(number: sp.Expr) -> bool:
    """Return whether a number is written as 0.01 rather than as a division by 100: tenths and finer."""
    return bool(number.is_Rational) and number.q >= 10 and decimal(Fraction(int(number.p), int(number.q))) is not None


@dataclass(frozen=True)
class IndexWalk:
    """Prints indexed expressions in one style, arrays and sizes under the names that they have in a network."""

    style: Style
    names: Mapping[str, str]
    sizes: Mapping[Size, Size]

    def text(self, expr: sp.Basic, binding: int = SUM) -> str:
        printed = self.of(expr)
        return printed.text if printed.binding >= binding else self.style.parens(printed.text)

    def of(self, expr: sp.Basic) -> Printed:
        style = self.style
        match expr:
            case sp.Indexed():
                return Printed(style.entry(self._name(str(expr.base.label)), [str(index) for index in expr.indices]))
            case sp.Add() if _has_common_factor(expr):
                return self._product(sp.Mul(*expr.primitive(), evaluate=False))
            case sp.Add():
                parts = []
                for term in ordered_terms(expr):
                    negative = term.could_extract_minus_sign()
                    parts.append((negative, self.text(-term if negative else term, PRODUCT)))
                return Printed(joined(parts, style), SUM)
            case sp.Mul() | sp.Rational() | sp.Pow():
                return self._product(expr)
            case sp.Sum():
                body = self.text(expr.function, PRODUCT)
                return Printed(style.sum_over([str(limit[0]) for limit in expr.limits], body), PRODUCT)
            case sp.KroneckerDelta():
                return Printed(style.delta(*map(str, expr.args)))
            case Partial(args=(Partial(args=(of, second)), first)):
                return Printed(style.second_partial(*(self.text(each, ATOM) for each in (of, second, first))))
            case Partial():
                return Printed(style.partial(*(self.text(argument, ATOM) for argument in expr.args)))
            case Nabla():
                return Printed(style.nabla(self.text(expr.args[0], POWER)), POWER)
            case sp.Piecewise():
                return self._cases(expr)
            case sp.Float():
                return Printed(
                    style.real(float(expr)), SUM if expr < 0 else PRODUCT if "e" in repr(float(expr)) else ATOM
                )
            case sp.Symbol():
                return Printed(style.name(self._name(expr.name)))
            case _:
                return self._leaf_or_call(expr)

    def _name(self, name: str) -> str:
        return str(self.sizes.get(name, self.names.get(name, name)))

    def _leaf_or_call(self, expr: sp.Basic) -> Printed:
        if expr in (sp.pi, sp.E):
            return Printed(self.style.constant("pi" if expr == sp.pi else "e"))
        if type(expr) in RELATIONS:
            relation, *sides = solved(expr)
            left, right = map(self.text, sides)
            return Printed(f"{left} {self.style.relation(RELATIONS[relation])} {right}", SUM)
        if isinstance(expr, slope_of | curvature_of):
            function, own = slope_arguments(expr)
            return self._call(function + PRIME, own)
        if isinstance(expr, sp.Function | sp.Max | sp.Min):
            arguments = sorted(expr.args, key=sp.default_sort_key) if isinstance(expr, sp.Max | sp.Min) else expr.args
            return self._call(CALLS.get(type(expr), str(expr.func)), arguments)
        raise UnsupportedError(f"no printed form for {type(expr).__name__}: {expr}")

    def _call(self, function: str, arguments: Sequence[sp.Basic]) -> Printed:
        return Printed(self.style.call(called(function, self.names), [self.text(argument) for argument in arguments]))

    def _product(self, expr: sp.Expr) -> Printed:
        expr = _with_number_in_front(expr)
        if expr.could_extract_minus_sign():
            return Printed(f"{self.style.minus()}{self.text(-expr, PRODUCT)}", SUM)
        above, below = [], []
        for factor in ordered_factors(expr):
            base, exponent = factor.as_base_exp()
            if _is_decimal(factor):
                above.append(factor)
            elif factor.is_Rational:
                above += [sp.Integer(factor.p)] if factor.p != 1 else []
                below += [sp.Integer(factor.q)] if factor.q != 1 else []
            elif exponent.is_Rational and exponent < 0:
                below.append(base**-exponent)
            else:
                above.append(factor)
        if not below:
            return self._factors(above)
        top, bottom = self._factors(above), self._factors(below)
        top_text = top.text if top.binding >= PRODUCT else self.style.parens(top.text)
        bottom_text = bottom.text if bottom.binding >= POWER else self.style.parens(bottom.text)
        return Printed(*self.style.quotient(top_text, bottom_text, arrays=False))

    def _factors(self, factors: list[sp.Expr]) -> Printed:
        if not factors:
            return Printed(self.style.number(Fraction(1)))
        if len(factors) == 1:
            return self._power(factors[0])
        ordered = sorted(factors, key=lambda factor: (isinstance(factor, sp.Sum), isinstance(factor, Nabla)))
        texts = []
        for place, factor in enumerate(ordered):
            printed = self._power(factor)
            loose = printed.binding < POWER and not (printed.binding == PRODUCT and place == len(ordered) - 1)
            texts.append(self.style.parens(printed.text) if loose else printed.text)
        return Printed(self.style.product(texts, []), PRODUCT)

    def _power(self, expr: sp.Expr) -> Printed:
        if expr.is_Integer or _is_decimal(expr):
            return Printed(self.style.number(Fraction(int(expr.p), int(expr.q))), ATOM if expr >= 0 else SUM)
        if not isinstance(expr, sp.Pow):
            return self.of(expr)
        if expr.exp == sp.Rational(1, 2):
            return Printed(self.style.call("sqrt", [self.text(expr.base)]))
        if expr.exp.is_Rational and expr.exp < 0:
            return self._product(expr)
        return Printed(self.style.power(self.text(expr.base, ATOM), self.text(expr.exp), arrays=False), POWER)

    def _cases(self, expr: sp.Piecewise) -> Printed:
        *pairs, (otherwise, _) = expr.args
        shown = [(self.text(value), self.text(condition)) for value, condition in pairs]
        return Printed(*self.style.cases(shown, self.text(otherwise)))
