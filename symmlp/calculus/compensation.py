"""Exponents whose rounding is put right: e^A is computed as e^v (1 + r), v being A as floats give it and r = A - v.

An exponent of 700 that is off by half a unit in its last place makes e^A wrong by hundreds. r is found without higher
precision: a product's rounding from halves of its factors (Dekker, 1971), whose products are exact; a sum's by
Knuth's two differences. What the identity is made of stands in `EXACT_PRODUCT` and its kin below, each equal to r in
exact arithmetic, where r is zero.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce

import numpy as np

from symmlp.calculus.numeric import evaluate
from symmlp.matrix import Add, Call, Divide, Node, Number, Power, Product, Real, Var, rebuild, walk

ONE, HALF, MINUS = Number(Fraction(1)), Number(Fraction(1, 2)), Number(Fraction(-1))
LEADING = "leading"
"""The function that returns a number's first half of digits."""

_FEW_BITS = 11
"""Digits of a constant's first part: times half of a float32's digits it is still exact."""

_SATURATED = 2000.0
"""The exponential of this, or of its negative, is beyond every float."""

_LARGEST = 60
"""The largest power of two that arguments are cut at: its square is a float32 too."""

_MOST_PARTS = 24
"""Longer exponents are left as they are."""


def compensated(node: Node) -> Node:
    """Return the node with every exponential of an argument that is rounded put right."""
    found = rebuild(node, compensated)
    if isinstance(found, Call) and found.function == "exp" and sum(1 for _ in walk(found)) <= _MOST_PARTS:
        return _exponential(found)
    return found


@dataclass(frozen=True)
class Rounded:
    """A value as floats give it, and what is missing from it, if anything is."""

    value: Node
    rest: Node | None = None


def _exponential(call: Call) -> Node:
    (argument,) = call.arguments
    leaves = list(dict.fromkeys(_leaves(argument)))
    cut = {leaf: _cut(leaf, argument) for leaf in leaves} if len(leaves) == 1 else dict.fromkeys(leaves)
    if len(leaves) == 1 and cut[leaves[0]] is not None:
        found = _rounded(_replaced(argument, {leaves[0]: cut[leaves[0]]}))  # type: ignore[dict-item]
        return call if found.rest is None else _right(found.value, found.rest)
    found = _rounded(argument)
    if not leaves or found.rest is None:
        return call
    bounded = {leaf: _between(leaf, 2.0**_LARGEST) for leaf in leaves}
    rest = _rounded(_replaced(argument, bounded)).rest
    assert rest is not None
    return _right(found.value, Call("max", (Call("min", (rest, HALF)), Product((MINUS, HALF)))))


def cut_exponent(call: Call) -> Call:
    """Return e^A with A's only variable part cut where e^A is zero or infinite on either side, if there is one."""
    (argument,) = call.arguments
    match argument:
        case Product((Number() | Real(), Call("abs", _) as size)):
            leaves: list[Node] = [size]
        case _:
            leaves = list(dict.fromkeys(_leaves(argument)))
    cut = _cut(leaves[0], argument) if len(leaves) == 1 else None
    return call if cut is None else Call(call.function, (_replaced(argument, {leaves[0]: cut}),))


def _right(value: Node, rest: Node) -> Node:
    return Product((Call("exp", (value,)), Add((ONE, rest))))


# What the argument consists of


def _leaves(node: Node) -> Iterator[Node]:
    """Yield what the argument is a polynomial of: variables, sizes, one-sided parts, and anything else as a whole."""
    match node:
        case Number() | Real():
            return
        case Call("abs", (Var(),)) | Call("max" | "min", (Var(), Number())) | Call("max" | "min", (Number(), Var())):
            yield node
        case Call("abs", (inner,)) | Divide(inner, Number() | Real()):
            yield from _leaves(inner)
        case Add(parts) | Product(parts):
            for part in parts:
                yield from _leaves(part)
        case Power(base, Number(exponent)) if exponent in (2, 3):
            yield from _leaves(base)
        case _:
            yield node


def _replaced(node: Node, by: Mapping[Node, Node]) -> Node:
    return by[node] if node in by else rebuild(node, lambda part: _replaced(part, by))


def _cut(leaf: Node, argument: Node) -> Node | None:
    """Return the leaf cut where the exponential is zero or infinite on either side, or None if it is not."""
    if not _sides(leaf):
        return leaf
    name = Var("leaf", ())
    in_name = _replaced(argument, {leaf: name})
    for exponent in range(-_LARGEST, _LARGEST, 4):
        at = np.array([1.0, 2.0, 16.0]) * 2.0**exponent
        with np.errstate(all="ignore"):
            sides = [np.abs(np.asarray(evaluate(in_name, {"leaf": side * at}), dtype=float)) for side in _sides(leaf)]
        if all(np.all(np.broadcast_to(side, 3) > _SATURATED) for side in sides):
            return _between(leaf, float(at[0]))
    return None


def _sides(leaf: Node) -> tuple[int, ...]:
    """Return the signs that a leaf can have while it is large."""
    match leaf:
        case Call("max" | "min", (Number(), Call("max" | "min", (Number(), _)))):
            return ()
        case Call("abs", _) | Call("max", _):
            return (1,)
        case Call("min", _):
            return (-1,)
        case _:
            return (1, -1)


def _between(leaf: Node, size: float) -> Node:
    """Return the leaf cut at ±size, on the sides where it can be large."""
    bound: Node = Number(Fraction(size))
    sides = _sides(leaf)
    upper = Call("min", (leaf, bound)) if 1 in sides else leaf
    return Call("max", (upper, Product((MINUS, bound)))) if -1 in sides else upper


# Rounding


def _rounded(node: Node) -> Rounded:
    match node:
        case Call("abs", (inner,)):
            found = _rounded(inner)
            value = Call("abs", (found.value,))
            return Rounded(value, found.rest and Product((Call("sign", (found.value,)), found.rest)))
        case Add(terms):
            return reduce(_sum, map(_rounded, terms))
        case Power(base, Number(exponent)) if exponent in (2, 3):
            one = _rounded(base)
            square = _square(one)
            return square if exponent == 2 else _product(square, one)
        case Product() | Divide(_, Number() | Real()):
            return _scaled(node)
        case _:
            return Rounded(node)


def _sum(one: Rounded, other: Rounded) -> Rounded:
    """Return a + b = s with s - a = d and the rest (a - (s - d)) + (b - d); the parts' own rests are added."""
    a, b = one.value, other.value
    s = Add((a, b))
    d = _minus(s, a)
    rest = Add((_minus(a, _minus(s, d)), _minus(b, d)))
    return Rounded(s, _added(rest, one.rest, other.rest))


def _product(one: Rounded, other: Rounded) -> Rounded:
    """Return a·b = v with the rest (h·k - v) + (h·(b - k) + (a - h)·b), h and k being the halves of a and b."""
    a, b = one.value, other.value
    h, k = _leading(a), _leading(b)
    v = Product((a, b))
    rest = Add((_minus(Product((h, k)), v), Add((Product((h, _minus(b, k))), Product((_minus(a, h), b))))))
    carried = (other.rest and Product((a, other.rest)), one.rest and Product((b, one.rest)))
    return Rounded(v, _added(rest, *carried))


def _square(one: Rounded) -> Rounded:
    """Return a² = v with the rest (h² - v) + (a - h)(a + h)."""
    a = one.value
    h, v = _leading(a), Power(a, Number(Fraction(2)))
    rest = Add((_minus(Power(h, Number(Fraction(2))), v), Product((_minus(a, h), Add((a, h))))))
    return Rounded(v, _added(rest, one.rest and Product((Number(Fraction(2)), a, one.rest))))


def _scaled(node: Node) -> Rounded:
    """Return a product or quotient with its numbers taken together, as one that is multiplied last."""
    number, low, others = _numbers_of(node)
    if not others:
        return Rounded(node)
    whole = reduce(_product, map(_rounded, others))
    if low == 0 and _is_power_of_two(number):
        scaled = Product((Number(number), whole.value)) if number != 1 else whole.value
        return Rounded(scaled, whole.rest and (whole.rest if number == 1 else Product((Number(number), whole.rest))))
    first = _first_bits(number)
    a, v = whole.value, Product((Real(float(number)), whole.value))
    h = _leading(a)
    times: Node = Product((Number(first), _minus(a, h)))
    if number - first + low != 0:
        times = Add((times, Product((Real(float(number - first + low)), a))))
    rest = Add((_minus(Product((Number(first), h)), v), times))
    return Rounded(v, _added(rest, whole.rest and Product((Real(float(number)), whole.rest))))


def _numbers_of(node: Node) -> tuple[Fraction, Fraction, list[Node]]:
    """Return the number of a product, what its nearest float lacks of it, and the other factors."""
    match node:
        case Divide(top, Number(value)):
            number, low, others = _numbers_of(top)
            return number / value, low / value, others
        case Divide(top, Real(value, rest)):
            number, low, others = _numbers_of(top)
            return number / Fraction(value), (low - number * Fraction(rest) / Fraction(value)) / Fraction(value), others
        case Product(factors):
            number, low, others = Fraction(1), Fraction(0), []
            for factor in factors:
                one, one_low, rest_of = _numbers_of(factor)
                number, low = number * one, low * one + number * one_low
                others += rest_of
            return number, low, others
        case Number(value):
            return value, Fraction(0), []
        case Real(value, rest):
            return Fraction(value), Fraction(rest), []
        case _:
            return Fraction(1), Fraction(0), [node]


def _first_bits(number: Fraction) -> Fraction:
    mantissa, exponent = math.frexp(float(number))
    return Fraction(round(mantissa * 2**_FEW_BITS)) * Fraction(2) ** (exponent - _FEW_BITS)


def _is_power_of_two(number: Fraction) -> bool:
    return abs(math.frexp(float(number))[0]) == 0.5 and Fraction(float(number)) == number


def _leading(node: Node) -> Node:
    return Call(LEADING, (node,))


def _minus(one: Node, other: Node) -> Node:
    return Add((one, Product((MINUS, other))))


def _added(*parts: Node | None) -> Node:
    return reduce(lambda one, other: Add((one, other)), [part for part in parts if part is not None])
