"""Conditions as a reader writes them: q > 1/10 for 10 q − 1 > 0, x > g for x − g > 0."""

from __future__ import annotations

import sympy as sp

FLIPPED: dict[type[sp.Basic], type[sp.Basic]] = {
    sp.StrictGreaterThan: sp.StrictLessThan,
    sp.GreaterThan: sp.LessThan,
    sp.StrictLessThan: sp.StrictGreaterThan,
    sp.LessThan: sp.GreaterThan,
    sp.Equality: sp.Equality,
}


def solved(condition: sp.Basic) -> tuple[type[sp.Basic], sp.Expr, sp.Expr]:
    """Return a condition's relation and sides; of a sum compared with zero a number, or what is negative, goes right.

    >>> x, g = sp.symbols("x g")
    >>> solved(1 - x > 0)[1:]
    (x, 1)
    >>> solved(x - g > 0)[1:]
    (x, g)
    """
    relation, (left, right) = type(condition), condition.args
    if right != 0 or not left.is_Add:
        return relation, left, right
    number, rest = left.as_coeff_Add()
    if number != 0:
        factor, rest = rest.primitive() if rest.is_Add else rest.as_coeff_Mul()
        if all(term.could_extract_minus_sign() for term in sp.Add.make_args(rest)):
            factor, rest = -factor, -rest
        return (FLIPPED[relation] if factor < 0 else relation), rest, -number / factor
    moved = sp.Add(*(term for term in left.args if term.could_extract_minus_sign()))
    return (relation, left, right) if moved in (0, left) else (relation, left - moved, -moved)
