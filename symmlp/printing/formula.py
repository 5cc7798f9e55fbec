"""Formulas to text: one walk over matrix nodes, one over indexed SymPy expressions; a style says how parts look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Protocol

import sympy as sp

from symmlp.calculus.index_notation import Nabla, Partial, curvature_of, slope_arguments, slope_of
from symmlp.calculus.matrix_form import CALLS, PRIME, RELATIONS, ordered_factors, ordered_terms
from symmlp.derivation import Formula
from symmlp.errors import UnsupportedError
from symmlp.matrix import (
    SCALAR,
    Add,
    Call,
    Compare,
    Constant,
    Divide,
    Filled,
    Join,
    MatMul,
    Node,
    Number,
    Part,
    Power,
    Product,
    Real,
    Reduce,
    RowProduct,
    Shape,
    Size,
    SizeOf,
    Transpose,
    Var,
    Where,
    shape_of,
    signed,
)

SUM, PRODUCT, POWER, ATOM = 1, 2, 3, 4
"""How tightly a printed part binds."""


class Style(Protocol):
    """How the parts of a formula look in one output format."""

    def name(self, name: str) -> str: ...
    def constant(self, name: str) -> str: ...
    def number(self, value: Fraction) -> str: ...
    def real(self, value: float) -> str: ...
    def parens(self, text: str) -> str: ...
    def minus(self) -> str: ...
    def plus(self) -> str: ...
    def product(self, scalars: Sequence[str], arrays: Sequence[str]) -> str: ...
    def quotient(self, top: str, bottom: str, *, arrays: bool) -> tuple[str, int]: ...
    def power(self, base: str, exponent: str, *, arrays: bool) -> str: ...
    def times(self, left: str, right: str) -> str: ...
    def transpose(self, operand: str) -> str: ...
    def ones(self) -> str: ...
    def reduce(self, kind: str, axis: int | None, operand: str) -> str: ...
    def call(self, name: str, arguments: Sequence[str]) -> str: ...
    def relation(self, relation: str) -> str: ...
    def cases(self, pairs: Sequence[tuple[str, str]], otherwise: str) -> str: ...
    def join(self, parts: Sequence[str], axis: int) -> str: ...
    def row_product(self, left: str, right: str) -> str: ...
    def part(self, operand: str, axis: int, start: str, stop: str) -> str: ...
    def entry(self, name: str, indices: Sequence[str]) -> str: ...
    def placed(self, array: str, indices: Sequence[str]) -> str: ...
    def sum_over(self, indices: Sequence[str], body: str) -> str: ...
    def delta(self, first: str, second: str) -> str: ...
    def partial(self, of: str, wrt: str) -> str: ...
    def second_partial(self, of: str, first: str, second: str) -> str: ...
    def nabla(self, of: str) -> str: ...


@dataclass(frozen=True)
class Printed:
    """A text and how tightly it binds."""

    text: str
    binding: int = ATOM


@dataclass(frozen=True)
class FormulaPrinter:
    """Prints formulas in one style; with `entrywise` every product is meant entry by entry, as in update equations."""

    style: Style
    entrywise: bool = False

    def formula(self, formula: Formula) -> str:
        """Return a step's formula, in the names that its arrays have in this network."""
        if isinstance(formula.content, Node):
            renamed = {old: new for old, new in formula.names.items() if old != new}
            return _NodeWalk(self.style, self.entrywise, renamed, formula.sizes).text(formula.content)
        return _IndexWalk(self.style, formula.names, formula.sizes).text(formula.content)

    def node(self, node: Node) -> str:
        """Return a matrix-level formula."""
        return _NodeWalk(self.style, self.entrywise).text(node)


@dataclass(frozen=True)
class _NodeWalk:
    style: Style
    entrywise: bool
    names: Mapping[str, str] = field(default_factory=dict)
    sizes: Mapping[Size, Size] = field(default_factory=dict)

    def text(self, node: Node, binding: int = SUM) -> str:
        printed = self.of(node)
        return printed.text if printed.binding >= binding else self.style.parens(printed.text)

    def of(self, node: Node) -> Printed:
        style = self.style
        match node:
            case Var(name, _):
                return Printed(style.name(self.names.get(name, name)))
            case Number(value):
                return Printed(style.number(value), SUM if value < 0 else ATOM if value.denominator == 1 else PRODUCT)
            case Real(value):
                return Printed(style.real(value), SUM if value < 0 else PRODUCT if "e" in repr(value) else ATOM)
            case Constant(name):
                return Printed(style.constant(name))
            case SizeOf(size):
                return Printed(style.name(str(self.sizes.get(size, size))))
            case Add(terms):
                return self._sum(terms, node)
            case Product(factors):
                return self._product(factors)
            case Divide() if signed(node)[0]:
                return Printed(f"{style.minus()}{self.text(signed(node)[1], PRODUCT)}", SUM)
            case Divide(top, bottom):
                arrays = shape_of(bottom) != SCALAR and not self.entrywise
                written = self._spread(bottom, shape_of(node), POWER)
                return Printed(*style.quotient(self.text(top, PRODUCT), written, arrays=arrays))
            case Power(base, exponent):
                arrays = shape_of(base) != SCALAR and not self.entrywise
                return Printed(style.power(self.text(base, ATOM), self.text(exponent), arrays=arrays), POWER)
            case MatMul(left, right):
                # A ∘ B C would read as A ∘ (B C): of products only a matrix product stands bare on the left.
                loosest = PRODUCT if isinstance(left, MatMul) else POWER
                return Printed(style.times(self.text(left, loosest), self.text(right, POWER)), PRODUCT)
            case Transpose(operand):
                return Printed(style.transpose(self.text(operand, ATOM)), POWER)
            case Reduce("sum", operand, 0):
                return Printed(style.times(style.transpose(self.text(operand, ATOM)), style.ones()), PRODUCT)
            case Reduce(kind, operand, axis):
                return Printed(style.reduce(kind, axis, self.text(operand)))
            case Filled(value, shape) if shape_of(value) != SCALAR:
                return Printed(self._spread(value, shape, PRODUCT), PRODUCT)
            case Filled(value, shape):
                ones = style.ones() if shape[1:] == (1,) else style.times(style.ones(), style.transpose(style.ones()))
                return Printed(style.product([self.text(value, POWER)], [ones]), PRODUCT)
            case RowProduct(left, right):
                return Printed(style.row_product(self.text(left, POWER), self.text(right, POWER)), PRODUCT)
            case Join(parts, axis):
                return Printed(style.join([self.text(part) for part in parts], axis))
            case Part(operand, axis, start, size):
                sizes = (self.sizes.get(start, start), self.sizes.get(size, size))
                return Printed(style.part(self.text(operand, ATOM), axis, *map(str, _bounds(*sizes))))
            case Call(function, arguments):
                return Printed(style.call(_called(function, self.names), [self.text(each) for each in arguments]))
            case Compare(relation, left, right):
                return Printed(f"{self.text(left)} {style.relation(relation)} {self.text(right)}", SUM)
            case Where():
                return self._cases(node)
            case _:
                raise UnsupportedError(f"no printed form for {type(node).__name__}: {node}")

    def _sum(self, terms: Sequence[Node], node: Node) -> Printed:
        parts = []
        for term in terms:
            negative, positive = signed(term)
            parts.append((negative, self._spread(positive, shape_of(node), PRODUCT)))
        return Printed(_joined(parts, self.style), SUM)

    def _spread(self, node: Node, shape: Shape, binding: int) -> str:
        """Return `node` as an array of `shape`: 1 bᵀ for a vector that is repeated for every row, u 1ᵀ for a column."""
        style, own = self.style, shape_of(node)
        if len(shape) != 2 or own in (SCALAR, shape) or self.entrywise:
            return self.text(node, binding)
        if len(own) == 1:
            text = style.times(style.ones(), style.transpose(self.text(node, ATOM)))
        elif own[0] == 1:
            text = style.times(style.ones(), self.text(node, POWER))
        else:
            text = style.times(self.text(node, POWER), style.transpose(style.ones()))
        return text if binding <= PRODUCT else style.parens(text)

    def _product(self, factors: Sequence[Node]) -> Printed:
        negative, positive = signed(Product(tuple(factors)))
        if negative:
            return Printed(f"{self.style.minus()}{self.text(positive, PRODUCT)}", SUM)
        scalars = [self.text(factor, POWER) for factor in factors if self.entrywise or shape_of(factor) == SCALAR]
        shape = shape_of(Product(tuple(factors)))
        arrays = [
            self._spread(factor, shape, POWER)
            for factor in factors
            if not self.entrywise and shape_of(factor) != SCALAR
        ]
        return Printed(self.style.product(scalars, arrays), PRODUCT)

    def _cases(self, node: Where) -> Printed:
        pairs = []
        rest: Node = node
        while isinstance(rest, Where):
            pairs.append((self.text(rest.chosen), self.text(rest.condition)))
            rest = rest.otherwise
        return Printed(self.style.cases(pairs, self.text(rest)))


def _called(function: str, names: Mapping[str, str]) -> str:
    """Return what a function, or its slope, is called here: the primes are kept."""
    plain = function.rstrip(PRIME)
    return names.get(plain, plain) + function[len(plain) :]


def _bounds(start: Size, size: Size) -> tuple[Size, Size]:
    """Return where `size` entries from `start` on begin, and where they end."""
    if isinstance(start, int) and isinstance(size, int):
        return start, start + size
    return start, f"{start} + {size}" if start else size


def _joined(parts: Sequence[tuple[bool, str]], style: Style) -> str:
    text = ""
    for negative, part in parts:
        if not text:
            text = f"{style.minus()}{part}" if negative else part
        else:
            text += f" {style.minus() if negative else style.plus()} {part}"
    return text


@dataclass(frozen=True)
class _IndexWalk:
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
            case sp.Add() if expr.primitive()[0] != 1:
                return self._product(sp.Mul(*expr.primitive(), evaluate=False))
            case sp.Add():
                parts = []
                for term in ordered_terms(expr):
                    negative = term.could_extract_minus_sign()
                    parts.append((negative, self.text(-term if negative else term, PRODUCT)))
                return Printed(_joined(parts, style), SUM)
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
            left, right = (self.text(side) for side in expr.args)
            return Printed(f"{left} {self.style.relation(RELATIONS[type(expr)])} {right}", SUM)
        if isinstance(expr, slope_of | curvature_of):
            function, own = slope_arguments(expr)
            return self._call(function + PRIME, own)
        if isinstance(expr, sp.Function | sp.Max | sp.Min):
            arguments = sorted(expr.args, key=sp.default_sort_key) if isinstance(expr, sp.Max | sp.Min) else expr.args
            return self._call(CALLS.get(type(expr), str(expr.func)), arguments)
        raise UnsupportedError(f"no printed form for {type(expr).__name__}: {expr}")

    def _call(self, function: str, arguments: Sequence[sp.Basic]) -> Printed:
        return Printed(self.style.call(_called(function, self.names), [self.text(argument) for argument in arguments]))

    def _product(self, expr: sp.Expr) -> Printed:
        if expr.could_extract_minus_sign():
            return Printed(f"{self.style.minus()}{self.text(-expr, PRODUCT)}", SUM)
        above, below = [], []
        for factor in ordered_factors(expr):
            base, exponent = factor.as_base_exp()
            if factor.is_Rational:
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
        if expr.is_Integer:
            return Printed(self.style.number(Fraction(int(expr))), ATOM if expr >= 0 else SUM)
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
        return Printed(self.style.cases(shown, self.text(otherwise)))
