"""Matrix equations written out entry by entry: every node becomes an array of SymPy scalars at small sizes.

The names of functions are given their meaning by the network's forward definitions; a prime means SymPy's own
derivative.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import numpy as np
import sympy as sp
from sympy.codegen.cfunctions import Cbrt, expm1, hypot, log1p

from symmlp.catalog.activations import TABLE, Activation
from symmlp.catalog.losses import p, y
from symmlp.catalog.projection import SUPPORT
from symmlp.errors import UnsupportedError
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
    Reduce,
    RowProduct,
    Size,
    SizeOf,
    Transpose,
    Var,
    Where,
)
from symmlp.spec import Network
from symmlp.verification.held import Held, chosen, held, slope_of, u, v
from symmlp.verification.projection import support_expressions
from symmlp.verification.rows import row_expressions

Entries = np.ndarray[Any, np.dtype[np.object_]]
"""An array of SymPy scalars; a number is an array without axes."""

PRIME = "\N{PRIME}"

FUNCTIONS: dict[str, Callable[..., sp.Expr]] = {
    "exp": sp.exp,
    "expm1": expm1,
    "log": sp.log,
    "log1p": log1p,
    "sqrt": sp.sqrt,
    "cbrt": Cbrt,
    "sin": sp.sin,
    "cos": sp.cos,
    "tan": sp.tan,
    "asin": sp.asin,
    "acos": sp.acos,
    "atan": sp.atan,
    "sinh": sp.sinh,
    "cosh": sp.cosh,
    "tanh": sp.tanh,
    "asinh": sp.asinh,
    "acosh": sp.acosh,
    "atanh": sp.atanh,
    "erf": sp.erf,
    "erfc": sp.erfc,
    "abs": sp.Abs,
    "sign": sp.sign,
}
FUNCTIONS_OF_TWO: dict[str, Callable[..., sp.Expr]] = {"max": sp.Max, "min": sp.Min, "hypot": hypot}
ELEMENTARY: dict[str, type[Held]] = {
    **{name: held(function(u), (u,)) for name, function in FUNCTIONS.items()},
    **{name: held(function(u, v), (u, v)) for name, function in FUNCTIONS_OF_TWO.items()},
}
"""What equations call an elementary function -> the function."""


def entries(value: Any) -> Entries:
    """Return a scalar as an array without axes, an array as it is: SymPy's own operators would rebuild an array."""
    if isinstance(value, np.ndarray):
        return value
    result = np.empty((), dtype=object)
    result[()] = value
    return result


@dataclass(frozen=True)
class Meaning:
    """What the names of functions in a network's equations stand for."""

    network: Network

    @cached_property
    def activations(self) -> Mapping[str, Activation]:
        """Activations by the names that equations use: the catalogue's, or f1, f2, ... in order of first use."""
        named: dict[str, Activation] = {}
        users: list[sp.Expr] = []
        inner = self.network.loss_definition.inner
        for activation in (*self.network.activations, TABLE[inner] if inner else None):
            if activation is None:
                continue
            if not activation.from_user:
                named[activation.name] = activation
            elif activation.value not in users:
                users.append(activation.value)
                named[f"f{len(users)}"] = activation
        return named

    def apply(self, name: str, arguments: list[Entries]) -> Entries:
        """Return the function of this name at the arguments, entry by entry or row by row.

        Raises:
            UnsupportedError: no forward definition has this name.
        """
        plain = name.rstrip(PRIME)
        if name in ELEMENTARY:
            return _elementwise(ELEMENTARY[name], *arguments)
        if name == SUPPORT:
            return np.array([support_expressions(list(row)) for row in arguments[0]], dtype=object)
        if plain in self.activations and self.activations[plain].acts_on == "row" and name == plain:
            return np.array([row_expressions(self.activations[plain], list(row)) for row in arguments[0]], dtype=object)
        value, variables = self._definition(plain)
        if name == plain + PRIME * 2:
            # f_of_a_and_b′′ is ∂²f/∂a∂b; one name stands for both places.
            first = slope_of(value, variables)
            return _elementwise(slope_of(first.definition, first.variables, int("_and_" in plain)), *arguments)
        return _elementwise(held(value, variables) if name == plain else slope_of(value, variables), *arguments)

    def _definition(self, name: str) -> tuple[sp.Expr, tuple[sp.Symbol, ...]]:
        """Return the value of a function of numbers and its variables, the one it is differentiated by first."""
        definition = self.network.loss_definition
        if not definition.totals and name == ("loss" if definition.from_user else definition.name):
            return definition.value, (p, y)
        pieces = {each.name: each for each in self.network.pieces}
        plain, _, first = name.partition("_of_")
        if plain in pieces:
            return pieces[plain].value, _led_by(first, pieces[plain].variables)
        activation = self.activations.get(plain)
        if activation is not None and first:
            return activation.value, _led_by(first, activation.variables)
        if activation is None or activation.acts_on == "row":
            raise UnsupportedError(f"no definition for the function {name}")
        return activation.value, activation.variables


def _led_by(first: str, variables: tuple[sp.Symbol, ...]) -> tuple[sp.Symbol, ...]:
    """Return the variables, those of the names in `first`, as "a" or "a_and_b", put first; without one as they are."""
    names = first.split("_and_") if first else []
    return tuple(sorted(variables, key=lambda each: names.index(each.name) if each.name in names else len(names)))


def _elementwise(function: Callable[..., sp.Expr], *arguments: Entries) -> Entries:
    return entries(np.frompyfunc(function, len(arguments), 1)(*arguments))


@dataclass(frozen=True)
class Expander:
    """Writes nodes out: `arrays` are the variables' entries, `sizes` the small one for each actual size or name.

    `rows` is how high arrays are that have a row for each sample and something else besides; N counts the samples.
    """

    arrays: dict[str, Entries]
    sizes: Mapping[Size, int]
    meaning: Meaning
    rows: int | None = None
    operations: Mapping[type[Node], Callable[..., Any]] = field(
        default_factory=lambda: {Add: np.add, Product: np.multiply, Divide: np.true_divide, Power: np.power}
    )

    def of(self, node: Node) -> Entries:
        """Return the entries of `node`.

        Raises:
            UnsupportedError: a node, function or size that has no expansion.
        """
        return entries(self._of(node))

    def _of(self, node: Node) -> Any:
        match node:
            case Var(name, _):
                return self.arrays[name]
            case Number(value):
                return sp.Rational(value.numerator, value.denominator)
            case Constant(name):
                return {"pi": sp.pi, "e": sp.E}[name]
            case SizeOf(size):
                return sp.Integer(self._size(size))
            case Power(base, Number(exponent)) if exponent.denominator > 1:
                power = held(u ** sp.Rational(exponent.numerator, exponent.denominator), (u,))
                return _elementwise(power, self.of(base))
            case Add() | Product() | Divide() | Power():
                return self._folded(node)
            case MatMul(left, right):
                return self.of(left) @ self.of(right)
            case Transpose(operand):
                return self.of(operand).T
            case Reduce(kind, operand, axis):
                return self._reduced(kind, self.of(operand), axis)
            case Filled(value, shape):
                return np.full([self._height(size) for size in shape], self.of(value)[()], dtype=object)
            case Join(parts, axis):
                return np.concatenate([self.of(part) for part in parts], axis=axis)
            case RowProduct(left, right):
                rows = zip(self.of(left), self.of(right), strict=True)
                return np.array([np.multiply.outer(*pair).ravel() for pair in rows], dtype=object)
            case Kronecker(left, right):
                return np.kron(self.of(left), self.of(right))
            case Diagonal(operand):
                return np.diag(self.of(operand).ravel())
            case Part(operand, axis, start, size):
                begin = self._size(start) if start else 0
                return np.take(self.of(operand), range(begin, begin + self._size(size)), axis=axis)
            case Call(function, arguments):
                return self.meaning.apply(function, [self.of(argument) for argument in arguments])
            case Where(Compare(relation, left, right), holds, fails):
                operands = (self.of(operand) for operand in (left, right, holds, fails))
                return _elementwise(partial(chosen, relation), *operands)
            case _:
                raise UnsupportedError(f"no expansion of {type(node).__name__}")

    def _folded(self, node: Node) -> Entries:
        operation = self.operations[type(node)]
        first, *rest = (self.of(operand) for operand in node.children())
        for operand in rest:
            first = entries(operation(first, operand))
        return first

    def _reduced(self, kind: str, operand: Entries, axis: int | None) -> Any:
        if kind == "sum":
            return operand.sum(axis=axis, keepdims=axis == 1)
        if kind == "max":
            return np.frompyfunc(ELEMENTARY["max"], 2, 1).reduce(operand, axis=axis, keepdims=axis == 1)
        raise UnsupportedError(f"no expansion of the reduction {kind}")

    def _height(self, size: Size) -> int:
        return self.rows if size == "N" and self.rows is not None else self._size(size)

    def _size(self, size: Size) -> int:
        if size == 1:
            return 1
        if size not in self.sizes:
            raise UnsupportedError(f"no small size for {size}; expected one of {', '.join(map(str, self.sizes))}")
        return self.sizes[size]
