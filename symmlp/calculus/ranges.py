"""Intermediate results kept within the range of floats: the same operations in an order in which none overflows.

    x·w/6  =>  (w/6)·x        1/b²  =>  (1/b)²        (a - b)/2  =>  a/2 - b/2        e^(-2|x|)  =>  e^(-2 min(|x|, c))

Which of these is needed is measured at the outermost arguments; a node that warns at none of them stays as it is, and
so does one whose own value is beyond the largest number.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import cache, reduce
from itertools import product

import numpy as np

from symmlp.calculus.compensation import cut_exponent
from symmlp.calculus.numeric import evaluate
from symmlp.errors import UnsupportedError
from symmlp.matrix import (
    Add,
    Call,
    Compare,
    Divide,
    Node,
    Number,
    Power,
    Product,
    Real,
    Var,
    Where,
    rebuild,
    signed,
    variables,
)

LARGEST = float(np.finfo(np.float64).max) / 1.75
OUTERMOST = (1.0, -1.0, LARGEST, -LARGEST, 1e200, -1e200, 1e300)
"""Arguments at which sums, squares, cubes and multiples overflow; only the large ones where there are several."""

_MOST_VARIABLES = 3
ONE = Number(Fraction(1))


def within_range(node: Node) -> Node:
    """Return the node in the order of operations that overflows at the fewest of the outermost arguments."""
    names = sorted(variables(node))
    if not 1 <= len(names) <= _MOST_VARIABLES:
        return node
    points = _points(len(names))
    if not _warns(node, names, points):
        return node
    before = _count(node, names, points)
    chosen = [each for each in _REWRITINGS if each is not _halves_first or len(names) == 1]
    fewest = _count(_rewritten(node, chosen), names, points)
    if fewest == before:
        return node
    for rewriting in reversed(_REWRITINGS):
        without = [each for each in chosen if each is not rewriting]
        if without != chosen and _count(_rewritten(node, without), names, points) == fewest:
            chosen = without
    return _rewritten(node, chosen)


@cache
def _points(variables: int) -> np.ndarray:
    values = OUTERMOST if variables == 1 else (OUTERMOST[0], *OUTERMOST[2 : 8 - variables])
    return np.array(list(product(values, repeat=variables)))


def _rewritten(node: Node, by: Sequence[Callable[[Node], Node]]) -> Node:
    return reduce(lambda one, rewriting: rewriting(one), by, node)


def _warns(node: Node, names: list[str], points: np.ndarray) -> bool:
    try:
        with np.errstate(all="raise", under="ignore"):
            evaluate(node, {name: points[:, place] for place, name in enumerate(names)})
    except FloatingPointError:
        return True
    except UnsupportedError:
        return False
    return False


def _count(node: Node, names: list[str], points: np.ndarray) -> int:
    """Return the number of points at which evaluating the node warns."""
    return sum(_warns(node, names, points[at : at + 1]) for at in range(len(points)))


def _taken_outside(node: Node) -> Node:
    """Return the node with guards and factors that both branches have taken outside.

    where(c, where(x == 0, 0, a·x), where(x == 0, 0, b·x))  =>  where(x == 0, 0, where(c, a, b)·x)
    """
    found = rebuild(node, _taken_outside)
    match found:
        case Where(c, Where(guard, zero, first), Where(other, nothing, second)) if (guard, zero) == (other, nothing):
            return Where(guard, zero, _taken_outside(Where(c, first, second)))
        case Where(c, first, second):
            one, two = _factors(first), _factors(second)
            common = [factor for factor in one if factor in two and _is_power(factor)]
            if common:
                sides = ([each for each in side if each not in common] for side in (one, two))
                return Product((Where(c, *(_product(side) for side in sides)), *common))
    return found


def _factors(node: Node) -> list[Node]:
    """Return the factors of a product or of what is divided by a number, which is one of them."""
    match node:
        case Product(parts):
            return list(parts)
        case Divide(top, Number(value)):
            return [*_factors(top), Number(1 / value)]
        case _:
            return [node]


def _product(factors: list[Node]) -> Node:
    """Return the product, numbers like 1/2 being divided by."""
    numbers = [each for each in factors if isinstance(each, Number) and each.value.denominator != 1]
    others = [each for each in factors if each not in numbers]
    whole = ONE if not others else others[0] if len(others) == 1 else Product(tuple(others))
    for each in numbers:
        top = whole if each.value.numerator == 1 else Product((Number(Fraction(each.value.numerator)), whole))
        whole = Divide(top, Number(Fraction(each.value.denominator)))
    return whole


def _numbers_inside(node: Node) -> Node:
    """Return the node with a product's number at the factor that is bounded, or a fraction p/q as one number."""
    found = rebuild(node, _numbers_inside)
    number, factors = _taken_apart(found)
    if number == 1 or not factors:
        return found
    place = next((at for at, factor in reversed(list(enumerate(factors))) if not _is_power(factor)), None)
    if place is None or len(factors) == 1:
        if not isinstance(found, Divide) or number.numerator in (1, -1):
            return found
        return Product((Real(float(number), float(number - Fraction(float(number)))), *factors))
    top = (factors[place],) if number.numerator == 1 else (Number(Fraction(number.numerator)), factors[place])
    others = (*factors[:place], *factors[place + 1 :])
    if number.denominator == 1:
        return Product((*top, *others))
    whole = top[0] if len(top) == 1 else Product(top)
    return Product((Divide(whole, Number(Fraction(number.denominator))), *others))


def _taken_apart(node: Node) -> tuple[Fraction, list[Node]]:
    """Return the rational number of a product or quotient, its sign aside, and the other factors."""
    match node:
        case Divide(top, Number(value)):
            number, factors = _taken_apart(top)
            return number / value, factors
        case Product(parts):
            numbers = [part.value for part in parts if isinstance(part, Number) and abs(part.value) != 1]
            others = [part for part in parts if not isinstance(part, Number) or abs(part.value) == 1]
            return math.prod(numbers, start=Fraction(1)), others
        case _:
            return Fraction(1), [node]


def _is_power(node: Node) -> bool:
    """Return whether a factor grows as a variable does."""
    match node:
        case Var():
            return True
        case Power(base, _) | Call("abs", (base,)):
            return _is_power(base)
        case Call("max" | "min", (Number(), base)) | Call("max" | "min", (base, Number())):
            return _is_power(base)
        case _:
            return False


def _bounded_first(node: Node) -> Node:
    """Return the node with a product's bounded factors first, and its powers as repeated factors after them.

    x²·g·t  =>  t·x·x·g
    """
    found = rebuild(node, _bounded_first)
    if not isinstance(found, Product) or all(map(_is_power, found.factors)):
        return found
    bounded = [factor for factor in found.factors if not _is_power(factor)]
    return Product((*bounded, *(each for factor in found.factors if _is_power(factor) for each in _repeated(factor))))


def _repeated(factor: Node) -> tuple[Node, ...]:
    match factor:
        case Power(base, Number(exponent)) if exponent in (2, 3):
            return (base,) * int(exponent)
        case _:
            return (factor,)


def _inverses_first(node: Node) -> Node:
    """Return the node with a/bⁿ as a·(1/b)ⁿ."""
    match rebuild(node, _inverses_first):
        case Divide(top, Power(base, Number(exponent) as power)) if exponent > 1:
            inverse = Power(Divide(ONE, base), power)
            return inverse if top == ONE else Product((top, inverse))
        case found:
            return found


def _halves_first(node: Node) -> Node:
    """Return the node with the power of two that a sum is divided by at each of its terms, which is exact."""
    match rebuild(node, _halves_first):
        case Divide(Add(terms), Number(value) as number) if is_power_of_two(value):
            return Add(tuple(Divide(term, number) for term in terms))
        case found:
            return found


def is_power_of_two(value: Fraction) -> bool:
    """Return whether a number is 1, 2, 4 and so on, or such a number with a minus sign: dividing by it is exact."""
    return value.denominator == 1 and abs(math.frexp(float(value))[0]) == 0.5


def _exponents_cut(node: Node) -> Node:
    """Return the node with exponents cut where the exponential is zero or infinite before they overflow."""
    found = rebuild(node, _exponents_cut)
    if not isinstance(found, Call) or found.function != "exp" or not 1 <= len(variables(found)) <= _MOST_VARIABLES:
        return found
    (argument,), names = found.arguments, sorted(variables(found))
    return cut_exponent(found) if _warns(argument, names, _points(len(names))) else found


def _branches_clipped(node: Node) -> Node:
    """Return the node with what a branch is chosen by clipped, in each branch, to where the branch is taken.

    where(|u| < c, u²/2, |u|)  =>  where(|u| < c, min(|u|, c)²/2, |u|)
    """
    match rebuild(node, _branches_clipped):
        case Where(Compare("<" | "<=", Call("abs", (u,)) as size, Number() as c) as condition, chosen, otherwise):
            return Where(condition, _within(chosen, u, Call("min", (size, c)), c), otherwise)
        case Where(Compare("<" | "<=" | ">" | ">=" as relation, u, Number() as c) as condition, chosen, otherwise):
            below, above = Call("min", (u, c)), Call("max", (u, c))
            first, second = (below, above) if relation in ("<", "<=") else (above, below)
            return Where(condition, _replaced(chosen, u, first), _replaced(otherwise, u, second))
        case found:
            return found


def _within(node: Node, u: Node, size: Node, c: Number) -> Node:
    """Return a branch with u between -c and c: an even power is one of the size, which is there already."""
    match node:
        case Power(base, Number(exponent)) if base == u and exponent % 2 == 0:
            return Power(size, node.exponent)
        case _ if node == u:
            return Call("max", (Call("min", (u, c)), Number(-c.value)))
        case Call("abs", (inner,)) if inner == u:
            return size
        case _:
            return rebuild(node, lambda part: _within(part, u, size, c))


def _replaced(node: Node, u: Node, by: Node) -> Node:
    return by if node == u else rebuild(node, lambda part: _replaced(part, u, by))


def _compared_at_once(node: Node) -> Node:
    """Return the node with differences that are compared with zero as comparisons of their terms, which is exact.

    a - b > 0  =>  a > b        2x - 1 > 0  =>  x > 1/2
    """
    match rebuild(node, _compared_at_once):
        case Compare(relation, Add((first, second)), Number(zero)) if zero == 0:
            if isinstance(first, Number):
                first, second = second, first
            (number, factors), (negated, rest) = _taken_apart(first), signed(second)
            if isinstance(rest, Number) and len(factors) == 1 and number > 0:
                border = (rest.value if negated else -rest.value) / number
                if Fraction(float(border)) == border:
                    return Compare(relation, factors[0], Number(border))
            return Compare(relation, first, rest if negated else Product((Number(Fraction(-1)), rest)))
        case found:
            return found


_REWRITINGS: tuple[Callable[[Node], Node], ...] = (
    _exponents_cut,
    _compared_at_once,
    _taken_outside,
    _numbers_inside,
    _bounded_first,
    _inverses_first,
    _halves_first,
    _branches_clipped,
)
