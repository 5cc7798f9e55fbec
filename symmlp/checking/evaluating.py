"""Matrix expressions to numbers at one point, with the shapes of every operation looked at first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from symmlp.calculus.numeric import CALLS, RELATIONS
from symmlp.errors import SymmlpError, UnsupportedError
from symmlp.matrix import (
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
    Size,
    SizeOf,
    Transpose,
    Var,
    Where,
)

Array = np.ndarray[Any, np.dtype[Any]]
Function = Callable[..., Any]

MAX_ENTRIES = 20_000_000
"""No intermediate result may be larger: a candidate cannot fill the memory."""


class ShapesClash(Exception):
    """Operands that do not fit each other: the operation, its operands and their shapes."""

    def __init__(self, node: Node, operands: tuple[Node, ...], shapes: tuple[tuple[int, ...], ...]) -> None:
        super().__init__(node, operands, shapes)
        self.node, self.operands, self.shapes = node, operands, shapes


@dataclass(frozen=True)
class Evaluator:
    """Evaluates nodes where arrays have these values, sizes these numbers, and functions these meanings."""

    arrays: Mapping[str, Array]
    samples: int
    functions: Mapping[str, Function] = field(default_factory=dict)

    def value(self, node: Node) -> Array:
        """Return the value of `node`, floating-point warnings silenced.

        Raises:
            ShapesClash: operands that do not fit each other.
        """
        with np.errstate(all="ignore"):
            return np.asarray(self.of(node))

    def of(self, node: Node) -> Any:
        """Return the value of `node`; numbers are float64, so that nothing overflows into an error."""
        match node:
            case Var(name, _):
                return self.arrays[name]
            case Number(value):
                return np.float64(value.numerator) / np.float64(value.denominator)
            case Real(value):
                return np.float64(value)
            case Constant(name):
                return np.float64(np.pi if name == "pi" else np.e)
            case SizeOf(size):
                return np.float64(self._size(size))
            case MatMul(left, right):
                return self._matmul(node, left, right)
            case Transpose(operand):
                return np.transpose(self.of(operand))
            case Reduce():
                return self._reduced(node)
            case Filled(value, shape):
                return self._filled(node, value, self._checked(node, tuple(map(self._size, shape))))
            case Call(function, arguments):
                return self._called(node, function, arguments)
            case Join(parts, axis):
                return self._joined(node, parts, axis)
            case Part(operand, axis, start, size):
                first = self._size(start)
                return np.take(self.of(operand), range(first, first + self._size(size)), axis=axis)
            case _:
                return self._entrywise(node)

    def _entrywise(self, node: Node) -> Any:
        operands = tuple(node.children())
        values = [self.of(operand) for operand in operands]
        self._broadcast(node, operands, values)
        match node:
            case Add():
                return _folded(np.add, values)
            case Product():
                return _folded(np.multiply, values)
            case Divide():
                return np.divide(*values)
            case Power():
                return np.power(*values)
            case Compare(relation, _, _):
                return np.asarray(RELATIONS[relation](*values), dtype=float)
            case Where():
                return np.where(values[0] != 0, values[1], values[2])
            case _:
                raise UnsupportedError(f"no value for {type(node).__name__}: {node}")

    def _filled(self, node: Node, value: Node, shape: tuple[int, ...]) -> Any:
        filling = self.of(value)
        try:
            return np.broadcast_to(filling, shape)
        except ValueError:
            raise ShapesClash(node, (value,), (np.shape(filling),)) from None

    def _broadcast(self, node: Node, operands: tuple[Node, ...], values: list[Any]) -> None:
        shapes = tuple(np.shape(value) for value in values)
        try:
            self._checked(node, np.broadcast_shapes(*shapes))
        except ValueError:
            raise ShapesClash(node, operands, shapes) from None

    def _matmul(self, node: Node, left: Node, right: Node) -> Any:
        values = self.of(left), self.of(right)
        first, second = np.shape(values[0]), np.shape(values[1])
        if not first or not second or first[-1] != second[0]:
            raise ShapesClash(node, (left, right), (first, second))
        self._checked(node, (*first[:-1], *second[1:]))
        return values[0] @ values[1]

    def _reduced(self, node: Reduce) -> Any:
        value = self.of(node.operand)
        reduction = np.max if node.kind == "max" else np.sum
        if node.axis is None or (node.axis == 0 and np.ndim(value) == 1):
            return reduction(value)
        if np.ndim(value) != 2:
            raise ShapesClash(node, (node.operand,), (np.shape(value),))
        return reduction(value, axis=node.axis, keepdims=node.axis == 1)

    def _joined(self, node: Node, parts: tuple[Node, ...], axis: int) -> Any:
        values = [self.of(part) for part in parts]
        try:
            return np.concatenate(values, axis=axis)
        except ValueError:
            raise ShapesClash(node, parts, tuple(np.shape(value) for value in values)) from None

    def _called(self, node: Node, function: str, arguments: tuple[Node, ...]) -> Any:
        values = [self.of(argument) for argument in arguments]
        if function == "outer":
            self._checked(node, (np.size(values[0]), np.size(values[1])))
            return np.outer(*values)
        if function == "diag":
            return self._diagonal(node, values[0])
        self._broadcast(node, arguments, values)
        return (self.functions.get(function) or CALLS[function])(*values)

    def _diagonal(self, node: Node, value: Any) -> Any:
        if np.ndim(value) not in (1, 2):
            raise ShapesClash(node, tuple(node.children()), (np.shape(value),))
        if np.ndim(value) == 1:
            self._checked(node, (len(value), len(value)))
        return np.diag(value)

    def _size(self, size: Size) -> int:
        return size if isinstance(size, int) else self.samples

    def _checked(self, node: Node, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return `shape`, which an operation is about to fill.

        Raises:
            SymmlpError: it has too many entries.
        """
        if int(np.prod(shape, dtype=float)) > MAX_ENTRIES:
            raise SymmlpError(
                f"formula: a result of shape {shape} is too large; expected at most {MAX_ENTRIES} entries"
            )
        return shape


def _folded(operation: Function, values: list[Any]) -> Any:
    total = values[0]
    for value in values[1:]:
        total = operation(total, value)
    return total
