"""max(min(x, high), low) and min(max(x, low), high) as one operation."""

from __future__ import annotations

from fractions import Fraction
from math import prod

from symmlp.matrix import Call, Node, Number, Product, variables


def clipped(node: Node) -> tuple[Node, Number, Number] | None:
    """Return what a node clips, and the lowest and highest value that it leaves; None if it clips nothing."""
    outer = _bound(node)
    inner = _bound(outer[1]) if outer else None
    if not outer or not inner or {outer[0], inner[0]} != {"max", "min"}:
        return None
    low, high = (outer[2], inner[2]) if outer[0] == "max" else (inner[2], outer[2])
    return (inner[1], Number(low), Number(high)) if low <= high else None


def _bound(node: Node) -> tuple[str, Node, Fraction] | None:
    """Return the function, the array and the number of a maximum or minimum of both."""
    match node:
        case Call("max" | "min" as function, (one, other)):
            for array, number in ((one, _number(other)), (other, _number(one))):
                if number is not None and variables(array):
                    return function, array, number
    return None


def _number(node: Node) -> Fraction | None:
    match node:
        case Number(value):
            return value
        case Product(factors):
            values = [_number(factor) for factor in factors]
            return None if None in values else prod((value for value in values if value is not None), start=Fraction(1))
    return None
