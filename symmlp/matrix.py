"""Matrix-level expressions: frozen nodes with symbolic shapes, the common language of formulas and code.

A shape is a tuple of sizes; a size is an integer or a name such as "N". Vectors that belong to a layer's units have
shape (n,) and lie along a row; a column of one number a sample has shape (N, 1).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from fractions import Fraction
from functools import cache
from typing import Any, cast

from symmlp.errors import ProgramError

Size = int | str
Shape = tuple[Size, ...]
SCALAR: Shape = ()


class Node:
    """A matrix-level expression."""

    __slots__ = ()

    def children(self) -> Iterator[Node]:
        """Yield the direct operands, left to right."""
        for name in _field_names(cast("Any", type(self))):
            value = getattr(self, name)
            if isinstance(value, Node):
                yield value
            elif isinstance(value, tuple):
                yield from (item for item in value if isinstance(item, Node))


@cache
def _field_names(kind: Any) -> tuple[str, ...]:
    """Return the names of a kind of node's fields, in order."""
    return tuple(field.name for field in fields(kind))


@dataclass(frozen=True, slots=True)
class Var(Node):
    """A named array."""

    name: str
    shape: Shape


@dataclass(frozen=True, slots=True)
class Number(Node):
    """An exact rational number."""

    value: Fraction


@dataclass(frozen=True, slots=True)
class Real(Node):
    """A real number that is not rational, to the nearest float64, and what that lacks of it."""

    value: float
    rest: float = 0.0


@dataclass(frozen=True, slots=True)
class Constant(Node):
    """A mathematical constant: "pi" or "e"."""

    name: str


@dataclass(frozen=True, slots=True)
class SizeOf(Node):
    """A size used as a number: the N of 1/N."""

    size: Size


@dataclass(frozen=True, slots=True)
class Add(Node):
    """Entrywise sum, a vector being repeated for every row."""

    terms: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Product(Node):
    """Hadamard product; scalars multiply every entry."""

    factors: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Divide(Node):
    """Entrywise quotient."""

    numerator: Node
    denominator: Node


@dataclass(frozen=True, slots=True)
class Power(Node):
    """Entrywise power."""

    base: Node
    exponent: Node


@dataclass(frozen=True, slots=True)
class MatMul(Node):
    """Matrix product."""

    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Transpose(Node):
    """Transpose of a matrix."""

    operand: Node


@dataclass(frozen=True, slots=True)
class Reduce(Node):
    """Sum or maximum over an axis: 0 runs over rows (result (n,)), 1 along a row (result (N, 1)), None over all."""

    kind: str
    operand: Node
    axis: int | None


@dataclass(frozen=True, slots=True)
class Filled(Node):
    """An array of the given shape whose entries are all `value`, or whose rows or columns are."""

    value: Node
    shape: Shape


@dataclass(frozen=True, slots=True)
class Call(Node):
    """An elementwise or rowwise function of a name, applied to arrays."""

    function: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Compare(Node):
    """Entrywise comparison, for `Where` only."""

    relation: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Where(Node):
    """`chosen` where the condition holds, `otherwise` elsewhere."""

    condition: Node
    chosen: Node
    otherwise: Node


@dataclass(frozen=True, slots=True)
class Join(Node):
    """Arrays side by side: along axis 1 as columns, along axis 0 one below the other."""

    parts: tuple[Node, ...]
    axis: int


@dataclass(frozen=True, slots=True)
class RowProduct(Node):
    """Row by row the products of each entry of the left with each of the right, those of the left's first entry first.

    Also called face-splitting product: row p of A • B is the Kronecker product of the rows p of A and B.
    """

    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Kronecker(Node):
    """Kronecker product: every entry of the left matrix, in its place the right one times that entry."""

    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Diagonal(Node):
    """The square matrix that has the entries of an array, row by row, on its diagonal, and zeros elsewhere."""

    operand: Node


@dataclass(frozen=True, slots=True)
class Part(Node):
    """`size` consecutive columns (axis 1) or rows (axis 0) of a matrix, from `start` on, which counts from 0."""

    operand: Node
    axis: int
    start: Size
    size: Size


def values_of(node: Node) -> Iterator[object]:
    """Yield the values of the node's fields, in order: operands, tuples of them, names, shapes and numbers."""
    return (getattr(node, name) for name in _field_names(cast("Any", type(node))))


def filled(node: Node, shape: Shape) -> Node:
    """Return `node`, repeated over `shape` if it is a single number."""
    return Filled(node, shape) if shape and shape_of(node) == SCALAR else node


def spread(node: Node, shape: Shape) -> Node:
    """Return `node`, repeated over `shape` if it has another: a number, a row for every sample, or a column."""
    return node if shape_of(node) == shape else Filled(node, shape)


def signed(node: Node) -> tuple[bool, Node]:
    """Return (is negative, its positive counterpart): a leading negative number or -1 is taken off."""
    match node:
        case Number(value) if value < 0:
            return True, Number(-value)
        case Real(value) if value < 0:
            return True, Real(-value)
        case Product((Real(value), *rest)) if value < 0:
            return True, Product((Real(-value), *rest))
        case Product((Number(value), *rest)) if value < 0:
            kept = rest if value == -1 else [Number(-value), *rest]
            return True, kept[0] if len(kept) == 1 else Product(tuple(kept))
        case Divide(top, bottom):
            negative, positive = signed(top)
            return negative, Divide(positive, bottom)
        case _:
            return False, node


def rebuild(node: Node, change: Callable[[Node], Node]) -> Node:
    """Return `node` with `change` applied to each direct operand."""
    return type(node)(*(_changed(value, change) for value in values_of(node)))


def _changed(value: Any, change: Callable[[Node], Node]) -> Any:
    if isinstance(value, Node):
        return change(value)
    if isinstance(value, tuple) and value and isinstance(value[0], Node):
        return tuple(change(item) for item in value)
    return value


def substitute(node: Node, names: Mapping[str, Node], sizes: Mapping[Size, Size], functions: Mapping[str, str]) -> Node:
    """Return `node` with its variables, sizes and function names replaced where the mappings say so."""
    match node:
        case Var(name, shape):
            return names.get(name) or Var(name, tuple(sizes.get(size, size) for size in shape))
        case SizeOf(size):
            return SizeOf(sizes.get(size, size))
        case Filled(value, shape):
            inner_value = substitute(value, names, sizes, functions)
            return Filled(inner_value, tuple(sizes.get(size, size) for size in shape))
        case Part(operand, axis, start, size):
            inner_operand = substitute(operand, names, sizes, functions)
            return Part(inner_operand, axis, sizes.get(start, start), sizes.get(size, size))
        case Call(function, arguments):
            inner = tuple(substitute(argument, names, sizes, functions) for argument in arguments)
            return Call(functions.get(function, function), inner)
        case _:
            return _without_ones(rebuild(node, lambda operand: substitute(operand, names, sizes, functions)))


def _without_ones(node: Node) -> Node:
    """Return a product without the sizes in it that are 1, and a quotient by such a size as what is divided.

    P / (N·n)   =>   P / N   where n = 1
    """
    match node:
        case Product(factors) if SizeOf(1) in factors:
            kept = tuple(factor for factor in factors if factor != SizeOf(1))
            return Product(kept) if len(kept) > 1 else kept[0] if kept else SizeOf(1)
        case Divide(top, SizeOf(1)):
            return top
        case _:
            return node


def walk(node: Node) -> Iterator[Node]:
    """Yield `node` and everything below it, parents first."""
    yield node
    for child in node.children():
        yield from walk(child)


def variables(node: Node) -> set[str]:
    """Return the names of the arrays that `node` reads."""
    return {item.name for item in walk(node) if isinstance(item, Var)}


def sizes_used(node: Node) -> set[Size]:
    """Return the sizes that `node` uses as numbers, to fill arrays with, or to take parts of arrays."""
    used: set[Size] = set()
    for item in walk(node):
        match item:
            case SizeOf(size):
                used.add(size)
            case Filled(_, shape):
                used.update(shape)
            case Part(_, _, start, size):
                used.update((start, size))
    return used


def shape_of(node: Node) -> Shape:
    """Return the shape of `node`'s value.

    Raises:
        ProgramError: operands whose shapes do not fit each other; the message names both.
    """
    match node:
        case Var(_, shape) | Filled(_, shape):
            return shape
        case Number() | Real() | Constant() | SizeOf():
            return SCALAR
        case Add(terms):
            return _broadcast([shape_of(term) for term in terms], node)
        case Product(factors):
            return _broadcast([shape_of(factor) for factor in factors], node)
        case Divide(top, bottom) | Power(top, bottom) | Compare(_, top, bottom):
            return _broadcast([shape_of(top), shape_of(bottom)], node)
        case Where(condition, chosen, otherwise):
            return _broadcast([shape_of(condition), shape_of(chosen), shape_of(otherwise)], node)
        case Call(_, arguments):
            return _broadcast([shape_of(argument) for argument in arguments], node)
        case Transpose(operand):
            return tuple(reversed(shape_of(operand)))
        case MatMul(left, right):
            return _product_shape(shape_of(left), shape_of(right))
        case Reduce(_, operand, axis):
            return _reduced_shape(shape_of(operand), axis)
        case RowProduct(left, right):
            (rows, first), (_, second) = shape_of(left), shape_of(right)
            return (rows, _times(first, second))
        case Kronecker(left, right):
            (rows, first), (further, second) = shape_of(left), shape_of(right)
            return (_times(rows, further), _times(first, second))
        case Diagonal(operand):
            entries = _entries(shape_of(operand))
            return (entries, entries)
        case Join(parts, axis):
            return _joined_shape([shape_of(part) for part in parts], axis)
        case Part(operand, axis, _, size):
            whole = shape_of(operand)
            return (*whole[:axis], size, *whole[axis + 1 :])
        case _:
            raise ProgramError(f"no shape rule for {type(node).__name__}")


def _times(first: Size, second: Size) -> Size:
    """Return how many pairs there are of so many things and so many others."""
    if 1 in (first, second):
        return second if first == 1 else first
    both = isinstance(first, int) and isinstance(second, int)
    return int(first) * int(second) if both else f"{first}·{second}"


def _entries(shape: Shape) -> Size:
    """Return how many entries an array of this shape has."""
    found: Size = 1
    for size in shape:
        found = _times(found, size)
    return found


def _broadcast(shapes: list[Shape], node: Node) -> Shape:
    rank = max(len(shape) for shape in shapes)
    result: list[Size] = [1] * rank
    for shape in shapes:
        for place, size in enumerate(shape, start=rank - len(shape)):
            if size == 1 or size == result[place]:
                continue
            if result[place] != 1:
                raise ProgramError(f"{type(node).__name__} of shapes {' and '.join(map(shape_text, shapes))}")
            result[place] = size
    return tuple(result)


def _product_shape(left: Shape, right: Shape) -> Shape:
    if len(left) != 2 or len(right) != 2 or left[1] != right[0]:
        raise ProgramError(f"matrix product of shapes {shape_text(left)} and {shape_text(right)}")
    return (left[0], right[1])


def _joined_shape(shapes: list[Shape], axis: int) -> Shape:
    if len({(len(shape), *shape[:axis], *shape[axis + 1 :]) for shape in shapes}) > 1 or len(shapes[0]) != 2:
        raise ProgramError(f"arrays of shapes {' and '.join(map(shape_text, shapes))} side by side")
    sizes = [shape[axis] for shape in shapes]
    total: Size = sum(int(size) for size in sizes) if all(isinstance(size, int) for size in sizes) else "n"
    return (*shapes[0][:axis], total, *shapes[0][axis + 1 :])


def _reduced_shape(shape: Shape, axis: int | None) -> Shape:
    if axis is None:
        return SCALAR
    if len(shape) != 2:
        raise ProgramError(f"reduction over axis {axis} of shape {shape_text(shape)}; expected a matrix")
    return (shape[1],) if axis == 0 else (shape[0], 1)


def shape_text(shape: Shape) -> str:
    """Return a shape as Python writes it: `(N, 3)`, `(3,)`, `()`."""
    return "(" + ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"
