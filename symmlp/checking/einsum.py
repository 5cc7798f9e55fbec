"""`einsum('ni,nj->ij', A, B)` as products, transposes and sums of matrices."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass

from symmlp.checking.arguments import Builder, Given, WrongArguments, known_shape
from symmlp.checking.building import as_column, summed
from symmlp.matrix import SCALAR, Call, MatMul, Node, Product, Reduce, Transpose

_SUBSCRIPTS = re.compile(r"[a-z]{0,2}(?:,[a-z]{0,2})*->[a-z]{0,2}")


@dataclass(frozen=True)
class Indexed:
    """An array and the letters of its axes."""

    letters: str
    node: Node


def contracted(subscripts: str, operands: Sequence[Node]) -> Node:
    """Return the array that `einsum` makes of at most two axes an operand.

    Raises:
        WrongArguments: subscripts of another form, or operands that they do not fit.
    """
    text = subscripts.replace(" ", "")
    if not _SUBSCRIPTS.fullmatch(text):
        raise WrongArguments("has subscripts other than such as 'ni,nj->ij'")
    inputs, output = text.split("->")
    letters = inputs.split(",")
    if len(letters) != len(operands):
        raise WrongArguments(f"has {len(operands)} arrays; its subscripts name {len(letters)}")
    found = _with_letters(letters[0], operands[0])
    for place in range(1, len(letters)):
        kept = set(output).union(*letters[place + 1 :])
        found = _joined(found, _with_letters(letters[place], operands[place]), kept)
    return _arranged(_summed(found, set(output)), output)


def _with_letters(letters: str, node: Node) -> Indexed:
    shape = known_shape(node)
    if shape is not None and len(shape) != len(letters):
        raise WrongArguments(f"has subscripts '{letters}' for an array of {len(shape)} axes")
    if len(set(letters)) != len(letters):
        raise WrongArguments(f"has a letter twice in '{letters}'; expected a product of matrices or vectors")
    return Indexed(letters, node)


def _summed(array: Indexed, kept: set[str]) -> Indexed:
    """Return `array` summed over the axes whose letters are not kept."""
    if not set(array.letters) & kept and array.letters:
        return Indexed("", Reduce("sum", array.node, None))
    for axis, letter in enumerate(array.letters):
        if letter not in kept:
            return Indexed(array.letters.replace(letter, ""), summed("sum", array.node, axis, keep=False))
    return array


def _joined(left: Indexed, right: Indexed, kept: set[str]) -> Indexed:
    """Return the product of two arrays, summed over the letters that are not kept."""
    left = _summed(left, kept | set(right.letters))
    right = _summed(right, kept | set(left.letters))
    shared = [letter for letter in left.letters if letter in right.letters]
    gone = [letter for letter in shared if letter not in kept]
    if len(shared) == len(gone) == 1 and len(left.letters) == len(right.letters) == 2:
        (letter,) = gone
        rows, columns = left.letters.replace(letter, ""), right.letters.replace(letter, "")
        return Indexed(rows + columns, MatMul(_arranged(left, rows + letter), _arranged(right, letter + columns)))
    together = left.letters + "".join(letter for letter in right.letters if letter not in shared)
    if len(together) > 2:
        raise WrongArguments(f"has an intermediate result with the axes '{together}'; expected at most two")
    if not shared and len(left.letters) == len(right.letters) == 1:
        return Indexed(together, Call("outer", (left.node, right.node)))
    product = Product((_spread(left, together), _spread(right, together)))
    return _summed(Indexed(together, product), kept)


def _spread(array: Indexed, letters: str) -> Node:
    """Return the array so that it broadcasts over `letters`."""
    if len(array.letters) == len(letters) or known_shape(array.node) == SCALAR:
        return _arranged(array, letters)
    return array.node if array.letters == letters[-1] else as_column(array.node)


def _arranged(array: Indexed, letters: str) -> Node:
    """Return the array with its axes in this order."""
    if sorted(array.letters) != sorted(letters) and array.letters:
        raise WrongArguments(f"makes the axes '{array.letters}', not '{letters}'")
    return Transpose(array.node) if array.letters == letters[::-1] and len(letters) == 2 else array.node


def _einsum(given: Given) -> Node:
    given.allow(2, 4)
    match given.arguments[0]:
        case ast.Constant(value=str() as subscripts):
            operands = tuple(map(given.node, given.arguments[1:]))
            return contracted(subscripts, operands)
    raise WrongArguments("has no subscripts such as 'ni,nj->ij' in front")


EINSUM: dict[str, Builder] = {"einsum": _einsum}
