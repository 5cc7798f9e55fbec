"""One change at one place of a matrix expression."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

from symmlp.checking.arguments import MINUS_ONE
from symmlp.matrix import Add, Node, Product, Transpose, rebuild

Put = Callable[[Node], Node]


def places(node: Node) -> Iterator[tuple[Node, Put]]:
    """Yield every part of `node`, itself first, and a function that returns `node` with the part replaced."""
    yield node, lambda new: new
    for place, child in enumerate(node.children()):
        for part, put in places(child):
            yield part, _within(node, place, put)


def _within(node: Node, place: int, put: Put) -> Put:
    """Return the function that replaces a part of the child at `place`."""

    def within(new: Node) -> Node:
        count = itertools.count()
        return rebuild(node, lambda child: put(new) if next(count) == place else child)

    return within


def without(node: Product | Add, place: int) -> Node:
    """Return a product without one factor, or a sum without one term."""
    parts = node.factors if isinstance(node, Product) else node.terms
    rest = (*parts[:place], *parts[place + 1 :])
    return rest[0] if len(rest) == 1 else type(node)(rest)


def with_term_negated(node: Add, place: int) -> Node:
    """Return a sum with the sign of one term changed."""
    negated = Product((MINUS_ONE, node.terms[place]))
    return Add((*node.terms[:place], negated, *node.terms[place + 1 :]))


def turned(node: Node) -> Node:
    """Return the transpose of `node`, a transpose being undone."""
    return node.operand if isinstance(node, Transpose) else Transpose(node)


def pairings(left: Node, right: Node) -> Iterator[tuple[str, Node, Node]]:
    """Yield the ways to mistake the operands of a product: one transposed, both, or the two exchanged."""
    yield "operand_transposed", turned(left), right
    yield "operand_transposed", left, turned(right)
    yield "operand_transposed", turned(left), turned(right)
    yield "operands_swapped", right, left
    yield "operands_swapped", turned(right), left
    yield "operands_swapped", right, turned(left)
