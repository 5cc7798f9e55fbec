"""Matrix nodes to text: a column or a row that is repeated is written with ones, u 1ᵀ and 1 vᵀ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from symmlp.errors import UnsupportedError
from symmlp.matrix import (
    SCALAR,
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
    shape_of,
    signed,
)
from symmlp.printing.relations import solved_node
from symmlp.printing.style import ATOM, POWER, PRODUCT, SUM, Printed, Style, called, joined

ONE = Number(Fraction(1))


@dataclass(frozen=True)
class NodeWalk:
    """Prints matrix nodes in one style; with `entrywise` every product is meant entry by entry."""

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
            case Kronecker(left, right):
                return Printed(style.kronecker(self.text(left, POWER), self.text(right, POWER)), PRODUCT)
            case Diagonal(Filled(value, _)) if shape_of(value) == SCALAR:
                number = [] if value == ONE else [self.text(value, POWER)]
                return Printed(style.product(number, [style.name("I")]), PRODUCT if number else ATOM)
            case Diagonal(operand):
                return Printed(style.call("diag", [self.text(operand)]))
            case Join(parts, axis):
                return Printed(style.join([self.text(part) for part in parts], axis))
            case Part(operand, axis, start, size):
                sizes = (self.sizes.get(start, start), self.sizes.get(size, size))
                return Printed(style.part(self.text(operand, ATOM), axis, *map(str, _bounds(*sizes))))
            case Call(function, arguments):
                return Printed(style.call(called(function, self.names), [self.text(each) for each in arguments]))
            case Compare():
                solved = solved_node(node)
                sides = self.text(solved.left), self.text(solved.right)
                return Printed(f" {style.relation(solved.relation)} ".join(sides), SUM)
            case Where():
                return self._cases(node)
            case _:
                raise UnsupportedError(f"no printed form for {type(node).__name__}: {node}")

    def _sum(self, terms: Sequence[Node], node: Node) -> Printed:
        parts = []
        for term in terms:
            negative, positive = signed(term)
            parts.append((negative, self._spread(positive, shape_of(node), PRODUCT)))
        return Printed(joined(parts, self.style), SUM)

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
        return Printed(*self.style.cases(pairs, self.text(rest)))


def _bounds(start: Size, size: Size) -> tuple[Size, Size]:
    """Return where `size` entries from `start` on begin, and where they end."""
    if isinstance(start, int) and isinstance(size, int):
        return start, start + size
    return start, f"{start} + {size}" if start else size
