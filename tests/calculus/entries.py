"""Nodes and indexed expressions written out entry by entry: the meaning with which the calculus is compared.

Nothing here is taken from the package but the nodes themselves. Entries are SymPy scalars, so that comparisons are
exact, or floats.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import sympy as sp

from symmlp.calculus.index_notation import Partial, slope_arguments, slope_of
from symmlp.matrix import (
    Add,
    Call,
    Compare,
    Constant,
    Divide,
    Filled,
    MatMul,
    Node,
    Number,
    Power,
    Product,
    Real,
    Reduce,
    SizeOf,
    Transpose,
    Var,
    Where,
)

Entries = np.ndarray[Any, np.dtype[Any]]
Functions = Mapping[str, Callable[..., Any]]

PRIME = "\N{PRIME}"
RELATIONS: Functions = {">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le, "==": operator.eq}


def rational(value: Fraction) -> sp.Rational:
    """Return an exact number for exact entries."""
    return sp.Rational(value.numerator, value.denominator)


@dataclass(frozen=True)
class World:
    """What names stand for: arrays, sizes (and any other scalar symbol), functions of whole arrays.

    `number` turns the numbers of nodes into entries: exact ones by default, `float` for float arrays.
    """

    arrays: Mapping[str, Entries] = field(default_factory=dict)
    sizes: Mapping[str, Any] = field(default_factory=dict)
    functions: Functions = field(default_factory=dict)
    number: Callable[[Fraction], Any] = rational

    def node(self, node: Node) -> Any:
        """Return the value of a matrix-level expression, an array or a scalar."""
        match node:
            case Var(name, _):
                return self.arrays[name]
            case Number(value):
                return self.number(value)
            case Real(number):
                return number
            case Constant(name):
                return {"pi": np.pi, "e": np.e}[name]
            case SizeOf(size):
                return self.size(size)
            case Call(function, arguments):
                return self.functions[function](*map(self.node, arguments))
            case Compare(relation, left, right):
                return RELATIONS[relation](self.node(left), self.node(right))
            case Where(condition, chosen, otherwise):
                return np.where(self.node(condition), self.node(chosen), self.node(otherwise))
            case _:
                return self._composed(node)

    def _composed(self, node: Node) -> Any:
        match node:
            case Add(terms):
                return _folded(operator.add, [self.node(term) for term in terms])
            case Product(factors):
                return _folded(operator.mul, [self.node(factor) for factor in factors])
            case Divide(top, bottom):
                return self.node(top) / self.node(bottom)
            case Power(base, exponent):
                return self.node(base) ** self.node(exponent)
            case MatMul(left, right):
                return self.node(left) @ self.node(right)
            case Transpose(operand):
                return self.node(operand).T
            case Reduce(kind, operand, axis):
                return getattr(np, kind)(self.node(operand), axis=axis, keepdims=axis == 1)
            case Filled(inner, shape):
                return np.broadcast_to(self.node(inner), tuple(int(self.size(size)) for size in shape))
        raise NotImplementedError(type(node).__name__)

    def size(self, size: int | str) -> Any:
        """Return the number that a size stands for."""
        return size if isinstance(size, int) else self.sizes[size]

    def at(self, expr: sp.Basic, places: Mapping[sp.Symbol, int]) -> Any:
        """Return the value of an indexed expression where its free indices are at `places`."""
        match expr:
            case sp.Indexed():
                entry = self.arrays[str(expr.base.label)][tuple(places[index] for index in expr.indices)]
                return entry.item() if isinstance(entry, np.ndarray) else entry
            case sp.Sum():
                return sp.Add(*(self.at(expr.function, {**places, **bound}) for bound in self.ranges(expr)))
            case sp.KroneckerDelta():
                return sp.Integer(places[expr.args[0]] == places[expr.args[1]])
            case sp.Symbol():
                return self.sizes.get(expr.name, expr)
            case Partial():
                return sp.diff(*(self.at(argument, places) for argument in expr.args))
            case slope_of():
                function, arguments = slope_arguments(expr)
                return self._called(function + PRIME, arguments, places)
            case sp.core.function.AppliedUndef():
                return self._called(str(expr.func), expr.args, places)
            case _:
                return expr.func(*(self.at(argument, places) for argument in expr.args)) if expr.args else expr

    def _called(self, name: str, arguments: Sequence[sp.Expr], places: Mapping[sp.Symbol, int]) -> Any:
        return self.functions[name](*(self.at(argument, places) for argument in arguments))

    def ranges(self, total: sp.Sum) -> Iterator[dict[sp.Symbol, int]]:
        """Yield the places of a sum's indices."""
        indices = [limit[0] for limit in total.limits]
        for places in product(*(range(int(self.at(limit[2], {}))) for limit in total.limits)):
            yield dict(zip(indices, places, strict=True))

    def written_out(self, expr: sp.Expr, indices: Sequence[sp.Symbol], shape: Sequence[int]) -> Entries:
        """Return the array of `shape` whose entries are `expr`, its first axes being `indices`."""
        entries = np.empty(tuple(shape), dtype=object)
        for places in np.ndindex(*shape):
            entries[places] = self.at(expr, dict(zip(indices, places, strict=False)))
        return entries


def _folded(operation: Callable[[Any, Any], Any], values: Sequence[Any]) -> Any:
    total = values[0]
    for value in values[1:]:
        total = operation(total, value)
    return total


def symbols(name: str, shape: Sequence[int]) -> Entries:
    """Return an array of real symbols, one an entry."""
    entries = np.empty(tuple(shape), dtype=object)
    for places in np.ndindex(*shape):
        entries[places] = sp.Symbol(f"{name}_{'_'.join(map(str, places))}", real=True)
    return entries


def opaque(name: str) -> Functions:
    """Return an unknown function of arrays and its slope in the first argument, under its name and with a prime."""
    function = sp.Function(name)

    def slope(first: sp.Expr, *rest: sp.Expr) -> sp.Expr:
        return sp.Derivative(function(first, *rest), first)

    return {name: entrywise(function), name + PRIME: entrywise(slope)}


def entrywise(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of scalars applied to every entry."""

    def applied(*arguments: Any) -> Any:
        return np.frompyfunc(function, len(arguments), 1)(*arguments)

    return applied


def same(found: Any, expected: Any) -> bool:
    """Return whether two arrays of SymPy scalars have the same shape and equal entries."""
    found, expected = np.asarray(found, dtype=object), np.asarray(expected, dtype=object)
    return found.shape == expected.shape and all(map(_equal, found.flat, expected.flat))


def _equal(found: sp.Expr, expected: sp.Expr) -> bool:
    difference = sp.expand(sp.S(found) - expected)
    return bool(difference == 0 or sp.cancel(sp.together(difference)) == 0)
