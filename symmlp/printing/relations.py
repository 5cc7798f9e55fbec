"""Conditions at matrix level as a reader writes them: A > B for A − B > 0."""

from __future__ import annotations

from fractions import Fraction

from symmlp.matrix import Add, Compare, Node, Number, Real, signed

_FLIPPED = {">": "<", ">=": "<=", "<": ">", "<=": ">=", "==": "=="}


def solved_node(condition: Compare) -> Compare:
    """Return a condition; of a sum compared with zero a number, or what is negative, goes to the right side."""
    if condition.right != Number(Fraction(0)) or not isinstance(condition.left, Add):
        return condition
    terms = [signed(term) for term in condition.left.terms]
    if any(isinstance(part, Number | Real) for _, part in terms):
        return _from_number(condition, terms)
    left, right = ([part for is_negative, part in terms if is_negative == side] for side in (False, True))
    return Compare(condition.relation, _sum(left), _sum(right)) if left and right else condition


def _from_number(condition: Compare, terms: list[tuple[bool, Node]]) -> Compare:
    """Return a condition with the number alone on the right side, if there is one term besides it."""
    others = [term for term in terms if not isinstance(term[1], Number | Real)]
    numbers = [term for term in terms if isinstance(term[1], Number | Real)]
    if len(others) != 1 or len(numbers) != 1:
        return condition
    (is_flipped, part), (is_negative, number) = others[0], numbers[0]
    relation = _FLIPPED[condition.relation] if is_flipped else condition.relation
    return Compare(relation, part, number if is_negative != is_flipped else _negated(number))


def _negated(number: Node) -> Node:
    assert isinstance(number, Number | Real)
    return Number(-number.value) if isinstance(number, Number) else Real(-number.value)


def _sum(terms: list[Node]) -> Node:
    return terms[0] if len(terms) == 1 else Add(tuple(terms))
