"""The arguments of a candidate's calls: how many, which options, and the axes, sizes and shapes that they tell."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from symmlp.errors import ProgramError
from symmlp.matrix import Filled, Node, Number, Product, Shape, Size, SizeOf, Transpose, shape_of

ONE, MINUS_ONE = Number(Fraction(1)), Number(Fraction(-1))
COLUMN_OF_ONES = Filled(ONE, (1, 1))
"""The `1` of `1 b1ᵀ`, as long as its neighbour needs; alone it fills whatever it is compared with."""

ROW_OF_ONES = Transpose(COLUMN_OF_ONES)


class WrongArguments(Exception):
    """A call whose arguments do not fit; the message follows the call's text."""


@dataclass(frozen=True)
class Given:
    """The arguments of a call, a method's own array first, and how to build the node of one."""

    arguments: tuple[ast.expr, ...]
    options: Mapping[str, ast.expr]
    node: Callable[[ast.expr], Node]

    def allow(self, least: int, most: int, *options: str) -> None:
        """Refuse other numbers of arguments and other options than these."""
        if not least <= len(self.arguments) <= most:
            expected = str(least) if least == most else f"{least} to {most}"
            raise WrongArguments(f"has {len(self.arguments)} arguments; expected {expected}")
        for name in self.options:
            if name not in options:
                raise WrongArguments(f"has an unknown option {name}; expected {' or '.join(options) or 'none'}")

    def nodes(self) -> tuple[Node, ...]:
        """Return the nodes of all arguments."""
        return tuple(map(self.node, self.arguments))

    def option(self, name: str, place: int) -> ast.expr | None:
        """Return an option, by its name or by its place among the arguments."""
        return self.arguments[place] if len(self.arguments) > place else self.options.get(name)


Builder = Callable[[Given], Node]


def known_shape(node: Node) -> Shape | None:
    """Return the shape of `node`, or None where shapes do not fit."""
    try:
        return shape_of(node)
    except ProgramError:
        return None


def axis_of(option: ast.expr | None) -> int | None:
    """Return the axis that an option tells, None for all."""
    match option:
        case None | ast.Constant(value=None):
            return None
        case ast.Constant(value=0 | 1 as axis):
            return 1 if axis else 0
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=1 | 2 as back)):
            return 1 if back == 1 else 0
    raise WrongArguments("has an axis other than 0, 1, -1, -2 and None")


def is_true(option: ast.expr | None) -> bool:
    """Return whether an option is True."""
    match option:
        case None | ast.Constant(value=False):
            return False
        case ast.Constant(value=True):
            return True
    raise WrongArguments("has keepdims other than True and False")


def count_of(operand: Node, axis: int | None = None) -> Node:
    """Return the number of entries of an array, or of those along an axis."""
    shape = known_shape(operand) or ()
    sizes = shape if axis is None else shape[axis : axis + 1]
    return Product(tuple(map(SizeOf, sizes))) if len(sizes) > 1 else SizeOf(sizes[0]) if sizes else ONE


def sized(given: Given, tree: ast.expr) -> Shape:
    """Return the shape that an argument tells: (N, 3), X.shape, or one size."""
    match tree:
        case ast.Tuple(elts=sizes) | ast.List(elts=sizes) if 1 <= len(sizes) <= 2:
            return tuple(_size(given.node(size)) for size in sizes)
        case ast.Attribute(value=array, attr="shape"):
            found = known_shape(given.node(array))
            if found:
                return found
    return (_size(given.node(tree)),)


def _size(node: Node) -> Size:
    match node:
        case SizeOf(size):
            return size
        case Number(value) if value.denominator == 1 and value > 0:
            return int(value)
    raise WrongArguments("has a size that is neither a whole number nor a size such as N")
