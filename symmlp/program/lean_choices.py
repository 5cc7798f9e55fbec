"""Choices with fewer passes over their arrays, for code in which every operation is a pass.

    where(c, f u, f v)          =  f where(c, u, v)
    where(c, s + u, s + v)      =  s + where(c, u, v)
    where(c, q u, k - q u)      =  k b - (2 q b - q) u,  b = [not c]

In the last, the factor of u is -q or q, and k b is 0 or k, without rounding: what is added up is what the branch
that is taken adds up. A masked copy, which the choice would be, takes as long as ten such operations (measured).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from symmlp.matrix import Add, Compare, Divide, Node, Number, Product, Where, rebuild, variables
from symmlp.program.ir import Function, Program

ZERO, ONE, MINUS = Number(Fraction(0)), Number(Fraction(1)), Number(Fraction(-1))
OPPOSITES = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}

Factors = tuple[Node, ...]
Terms = dict[Factors, Fraction]
"""A sum: the coefficient of each product of nodes, in the order in which they occur."""


def lean_choices(program: Program) -> Program:
    """Return the program with what stands at the left of the identities written as at the right."""
    return replace(program, functions=tuple(map(_with_lean_choices, program.functions)))


def _with_lean_choices(function: Function) -> Function:
    statements = tuple(replace(each, value=lean_choice(each.value)) for each in function.statements)
    return replace(function, statements=statements, result=lean_choice(function.result))


def lean_choice(node: Node) -> Node:
    """Return the node with its choices rewritten, the innermost first.

    where(x < 0, x w / 2, x (2 - w) / 2)   =>   x (b - (b - 1/2) w),  b = where(x >= 0, 1, 0)
    """
    found = rebuild(node, lean_choice)
    if not isinstance(found, Where) or not isinstance(found.condition, Compare):
        return found
    return _as_complement(found, found.condition) or _without_common_factors(found) or found


def _as_complement(choice: Where, condition: Compare) -> Node | None:
    """Return the choice as a sum, if without common terms and factors one branch is a number less the other."""
    chosen, otherwise = _terms(choice.chosen), _terms(choice.otherwise)
    shared = {factors: number for factors, number in chosen.items() if otherwise.get(factors) == number}
    left, right = _without(chosen, shared), _without(otherwise, shared)
    outside = _common([*left, *right])
    left, right = _divided(left, outside), _divided(right, outside)
    for one, other, reached in ((left, right, condition), (right, left, _opposite(condition))):
        found = _complement(one, other)
        if found and variables(reached) <= {name for part in found.factors for name in variables(part)}:
            inside = found.written(Where(_opposite(reached), ONE, ZERO))
            value = _product(Fraction(1), (*outside, inside))
            return Add((*_sum(shared), value)) if shared else value
    return None


def _opposite(condition: Compare) -> Compare:
    """Return the comparison that holds where this one does not, NaN left aside, whose branches are both NaN."""
    return Compare(OPPOSITES[condition.relation], condition.left, condition.right)


@dataclass(frozen=True)
class _Complement:
    """`number` times the `factors` in one branch, `whole` less that in the other."""

    factors: Factors
    number: Fraction
    whole: Fraction

    def written(self, other: Node) -> Node:
        """Return the choice; `other` is 1 where the other branch is taken, else 0."""
        sign = Add((_product(2 * self.number, (other,)), Number(-self.number)))
        return Add((_product(self.whole, (other,)), Product((MINUS, *self.factors, sign))))


def _complement(one: Terms, other: Terms) -> _Complement | None:
    if len(one) != 1 or len(other) != 2:
        return None
    ((factors, number),) = one.items()
    if not factors or other.get(factors) != -number or () not in other:
        return None
    return _Complement(factors, number, other[()])


def _without_common_factors(choice: Where) -> Node | None:
    """Return the product of what both branches have as factors with the choice between the rest, if there is any."""
    (up, down), (other_up, other_down) = _quotient(choice.chosen), _quotient(choice.otherwise)
    above, below = _shared(up, other_up), _shared(down, other_down)
    if not above and not below:
        return None
    rest = Where(
        choice.condition,
        _over(_less(up, above), _less(down, below)),
        _over(_less(other_up, above), _less(other_down, below)),
    )
    return _over((*above, lean_choice(rest)), below)


def _terms(node: Node) -> Terms:
    """Return a node as a sum of products, in each of which one factor is multiplied out if it is a sum."""
    match node:
        case Number(value):
            return {(): value}
        case Add(terms):
            return _added(_terms(term) for term in terms)
        case Divide(top, Number(value)) if value:
            return {factors: number / value for factors, number in _terms(top).items()}
        case Product(factors):
            return _multiplied(factors)
        case _:
            return {(node,): Fraction(1)}


def _added(parts: Iterable[Terms]) -> Terms:
    result: Terms = {}
    for part in parts:
        for factors, number in part.items():
            result[factors] = result.get(factors, Fraction(0)) + number
    return {factors: number for factors, number in result.items() if number}


def _multiplied(factors: Factors) -> Terms:
    sums = [factor for factor in factors if isinstance(factor, Add)]
    result: Terms = {(): Fraction(1)}
    for factor in factors:
        is_atom = not isinstance(factor, Number) and (factor not in sums or len(sums) > 1)
        part = {(factor,): Fraction(1)} if is_atom else _terms(factor)
        result = {(*old, *new): m * n for old, m in result.items() for new, n in part.items()}
    return result


def _without(terms: Terms, shared: Terms) -> Terms:
    return {factors: number for factors, number in terms.items() if factors not in shared}


def _common(products: Sequence[Factors]) -> Factors:
    """Return the factors that all products have."""
    if not products:
        return ()
    first, *rest = products
    for other in rest:
        first = _shared(first, other)
    return first


def _shared(one: Factors, other: Factors) -> Factors:
    left, found = list(other), []
    for factor in one:
        if factor in left and not isinstance(factor, Number):
            left.remove(factor)
            found.append(factor)
    return tuple(found)


def _less(factors: Factors, taken: Factors) -> Factors:
    left = list(factors)
    for factor in taken:
        left.remove(factor)
    return tuple(left)


def _divided(terms: Terms, outside: Factors) -> Terms:
    return {_less(factors, outside): number for factors, number in terms.items()}


def _quotient(node: Node) -> tuple[Factors, Factors]:
    """Return the factors above and below a fraction's line."""
    match node:
        case Product(factors):
            parts = [_quotient(factor) for factor in factors]
            return tuple(one for up, _ in parts for one in up), tuple(one for _, down in parts for one in down)
        case Divide(top, bottom):
            (up, down), (down_more, up_more) = _quotient(top), _quotient(bottom)
            return (*up, *up_more), (*down, *down_more)
        case _ if node == ONE:
            return (), ()
        case _:
            return (node,), ()


def _over(up: Factors, down: Factors) -> Node:
    top = _product(Fraction(1), up)
    return Divide(top, _product(Fraction(1), down)) if down else top


def _product(number: Fraction, factors: Factors) -> Node:
    parts = (*(() if number == 1 else (Number(number),)), *factors)
    if not parts:
        return ONE
    return parts[0] if len(parts) == 1 else Product(parts)


def _sum(terms: Terms) -> Iterable[Node]:
    return (_product(number, factors) for factors, number in terms.items())
