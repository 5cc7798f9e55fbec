"""Zeros taken out of matrix-level expressions: a tangent that is zero takes its terms with it."""

from __future__ import annotations

from fractions import Fraction

from symmlp.matrix import (
    Add,
    Call,
    Diagonal,
    Divide,
    Filled,
    Join,
    Kronecker,
    MatMul,
    Node,
    Number,
    Part,
    Product,
    Reduce,
    RowProduct,
    Transpose,
    filled,
    rebuild,
    shape_of,
)

ZERO = Number(Fraction(0))


def is_zero(node: Node) -> bool:
    """Return whether the node is the number 0, or an array filled with it."""
    return node == ZERO or (isinstance(node, Filled) and node.value == ZERO)


def without_zeros(node: Node) -> Node:
    """Return `node` without terms that are zero; what is zero as a whole becomes zeros of its shape.

    A ∘ 0 + B C  =>  B C
    """
    if isinstance(node, Call):
        return node
    found = rebuild(node, without_zeros)
    match found:
        case Add(terms):
            return _sum_of(tuple(term for term in terms if not is_zero(term)), node)
        case Product(parts) | Join(parts):
            vanishes = all(map(is_zero, parts)) if isinstance(found, Join) else any(map(is_zero, parts))
        case Divide(part, _) | Transpose(part) | Diagonal(part) | Reduce(_, part, _) | Part(part, _, _, _):
            vanishes = is_zero(part)
        case MatMul(left, right) | RowProduct(left, right) | Kronecker(left, right):
            vanishes = is_zero(left) or is_zero(right)
        case _:
            return found
    return filled(ZERO, shape_of(node)) if vanishes else found


def _sum_of(kept: tuple[Node, ...], whole: Node) -> Node:
    if not kept:
        return filled(ZERO, shape_of(whole))
    return kept[0] if len(kept) == 1 else Add(kept)
