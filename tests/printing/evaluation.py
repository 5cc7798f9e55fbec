"""The meaning of a matrix expression, written down once more: the oracle for printed texts."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np

from symmlp.matrix import (
    Add,
    Call,
    Compare,
    Constant,
    Diagonal,
    Divide,
    Filled,
    Join,
    Kronecker,
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
)

Value = Any
"""A number or an array."""

SIZES: dict[Size, int] = {"N": 5, "n": 3}

FUNCTIONS: dict[str, Callable[..., Value]] = {
    **{
        name: getattr(np, name)
        for name in "exp log sin cos tan sinh cosh tanh sqrt abs sign expm1 log1p hypot cbrt floor copysign".split()
    },
    **{f"a{name}": getattr(np, f"arc{name}") for name in "sin cos tan sinh cosh tanh".split()},
    "max": np.maximum,
    "min": np.minimum,
    "erf": np.vectorize(math.erf),
    "erfc": np.vectorize(math.erfc),
    "erfcx": np.vectorize(lambda x: float(mpmath.exp(mpmath.mpf(x) ** 2) * mpmath.erfc(x))),
    "simplex_support": lambda rows: _in_support(rows),
    "leading": np.vectorize(lambda x: math.ldexp(round(math.ldexp(math.frexp(x)[0], 26)), math.frexp(x)[1] - 26)),
}


def _in_support(rows: Value) -> Value:
    """Return 1 where the entries of a row above an entry exceed it by less than 1 in total."""
    excess = [[sum(max(0.0, other - entry) for other in row) for entry in row] for row in rows]
    return (np.array(excess) < 1).astype(rows.dtype)


RELATIONS = {">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le, "==": operator.eq}


def evaluate(
    node: Node, arrays: Mapping[str, Value], functions: Mapping[str, Callable[..., Value]] | None = None
) -> Value:
    """Return the value of an expression; every node by its definition, nothing shared with any printer.

    `functions` are those beyond the elementary ones.
    """

    def of(part: Node) -> Value:
        return evaluate(part, arrays, functions)

    match node:
        case Var(name, _):
            return arrays[name]
        case Number(number):
            return float(number)
        case Real(number):
            return number
        case Constant(name):
            return {"pi": math.pi, "e": math.e}[name]
        case SizeOf(size):
            return _size(size)
        case Add(terms):
            return functools.reduce(operator.add, map(of, terms))
        case Product(factors):
            return functools.reduce(operator.mul, map(of, factors))
        case Divide(top, bottom):
            return of(top) / of(bottom)
        case Power(base, exponent):
            return of(base) ** of(exponent)
        case MatMul(left, right):
            return np.einsum("ij,jk->ik", of(left), of(right))
        case Transpose(operand):
            return np.transpose(of(operand))
        case Reduce(kind, operand, axis):
            return getattr(np, kind)(of(operand), axis=axis, keepdims=axis == 1)
        case Call(function, arguments):
            return {**FUNCTIONS, **(functions or {})}[function](*map(of, arguments))
        case Compare(relation, left, right):
            return RELATIONS[relation](of(left), of(right))
        case Where(condition, chosen, otherwise):
            return np.where(of(condition), of(chosen), of(otherwise))
        case Filled(value, shape):
            return np.full(sizes_of(shape), of(value))
        case Join(parts, axis):
            return np.concatenate([of(part) for part in parts], axis=axis)
        case RowProduct(left, right):
            return np.einsum("pi,pk->pik", of(left), of(right)).reshape(len(of(left)), -1)
        case Kronecker(left, right):
            return np.kron(of(left), of(right))
        case Diagonal(operand):
            return np.diag(np.ravel(of(operand)))
        case Part(operand, axis, start, size):
            return np.take(of(operand), range(_size(start), _size(start) + _size(size)), axis=axis)
        case _:
            raise TypeError(f"no meaning for {type(node).__name__}")


def sizes_of(shape: Shape) -> tuple[int, ...]:
    """Return a shape with numbers for its names."""
    return tuple(map(_size, shape))


def _size(size: Size) -> int:
    return size if isinstance(size, int) else SIZES[size]


def drawn(shape: Shape, seed: int, *, positive: bool = False) -> Value:
    """Return an array of the shape, its entries between 0.5 and 2, of either sign unless `positive`."""
    rng = np.random.default_rng([seed, len(shape)])
    values = rng.uniform(0.5, 2, size=sizes_of(shape))
    return values if positive else values * rng.choice([-1.0, 1.0], size=values.shape)


def number(value: int | str) -> Number:
    """Return an exact number: `number("3/2")`."""
    return Number(Fraction(value))
