"""Index notation: differentiate an indexed expression, contract the Kronecker deltas, bring it to normal form.

SymPy differentiates `Indexed` symbols into Kronecker deltas but wraps their sums in range conditions. Here the ranges
of an axis are known to agree, so a summed index that a delta ties to another is simply replaced by it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import sympy as sp

from symmlp.errors import UnsupportedError

Index: TypeAlias = sp.Symbol
PRIME = "\N{PRIME}"


class Partial(sp.Function):
    """The derivative of one entry with respect to another, not yet carried out."""

    nargs = 2


class Nabla(sp.Function):
    """The gradient of a number in all parameters θ, not yet carried out."""

    nargs = 1


class slope_of(sp.Function):  # noqa: N801 - reads as a function in formulas
    """The slope of an opaque function: slope_of(f(z)) is f′(z), slope_of(f(z, a), 1) the one in its second argument."""

    nargs = (1, 2)

    def _eval_derivative(self, wrt: sp.Symbol) -> sp.Expr:
        """Return the chain rule through the function's arguments, its second slopes being opaque, too."""
        opaque, place = self.args[0], _place(self)
        return sp.Add(
            *(
                curvature_of(opaque, *sorted((place, other))) * sp.diff(argument, wrt)
                for other, argument in enumerate(opaque.args)
            )
        )


class curvature_of(sp.Function):  # noqa: N801 - reads as a function in formulas
    """A second slope of an opaque function: curvature_of(f(z, a), 0, 1) is ∂²f/∂z∂a; the places ascend."""

    nargs = 3


def _place(expr: slope_of) -> int:
    return int(expr.args[1]) if len(expr.args) > 1 else 0


def slope_arguments(expr: slope_of | curvature_of) -> tuple[str, tuple[sp.Expr, ...]]:
    """Return the function whose slope in its first argument `expr` is, and the arguments: f′(z, a), or f_1′(a, z).

    A second slope is f′′(z, a), f_1′′(a, z), or f_0_1′′(z, a) in two different arguments; the last prime is left out.
    """
    opaque, name = expr.args[0], str(expr.args[0].func)
    places = tuple(map(int, expr.args[1:])) if isinstance(expr, curvature_of) else (_place(expr),)
    distinct = tuple(dict.fromkeys(places))
    own = name if distinct == (0,) else "_".join([name, *map(str, distinct)])
    rest = (argument for place, argument in enumerate(opaque.args) if place not in distinct)
    return own + PRIME * (len(places) - 1), (*(opaque.args[place] for place in distinct), *rest)


@dataclass(frozen=True)
class Term:
    """One product of factors, summed over the indices `bound`."""

    factors: tuple[sp.Expr, ...]
    bound: tuple[Index, ...] = ()


@dataclass(frozen=True)
class Contraction:
    """A summed index replaced by the index that a delta ties it to, and the expression after that."""

    replaced: Index
    by: Index
    after: sp.Expr


def terms(expr: sp.Expr) -> list[Term]:
    """Return `expr` as a sum of products: sums over indices are distributed, everything else is left as a factor."""
    match expr:
        case sp.Add():
            return [term for argument in expr.as_ordered_terms() for term in terms(argument)]
        case sp.Sum():
            bound = _bound(expr)
            inner = (_apart(term, set(bound)) for term in terms(expr.function))
            return [Term(term.factors, bound + term.bound) for term in inner]
        case sp.Mul():
            return _distribute(expr.as_ordered_factors())
        case _:
            return [Term((expr,))]


def _bound(expr: sp.Sum) -> tuple[Index, ...]:
    """Return the summed indices; one that is summed twice (SymPy joins nested sums) belongs to the first sum."""
    bound: list[Index] = []
    for index, *_ in expr.limits:
        bound.append(_fresh(index, {*bound, *expr.function.free_symbols}) if index in bound else index)
    return tuple(bound)


def _distribute(factors: Iterable[sp.Expr]) -> list[Term]:
    products = [Term(())]
    for factor in factors:
        opened = terms(factor) if _holds_sum_or_delta(factor) else [Term((factor,))]
        products = [_times(left, right) for left in products for right in opened]
    return products


def _holds_sum_or_delta(factor: sp.Expr) -> bool:
    if isinstance(factor, sp.Pow):
        return False
    return factor.has(sp.KroneckerDelta) or isinstance(factor, sp.Sum) or (factor.is_Add and factor.has(sp.Sum))


def _times(left: Term, right: Term) -> Term:
    """Return the product of two terms, their summed indices renamed where they would clash."""
    left = _apart(left, _symbols(right) - set(right.bound))
    right = _apart(right, {*left.bound, *_symbols(left)})
    return Term(left.factors + right.factors, left.bound + right.bound)


def _symbols(term: Term) -> set[sp.Basic]:
    return {symbol for factor in term.factors for symbol in factor.free_symbols}


def _apart(term: Term, used: set[sp.Basic]) -> Term:
    """Return the term with other summed indices in place of those that are `used` elsewhere."""
    factors, bound = term.factors, list(term.bound)
    for place, index in enumerate(bound):
        if index in used:
            bound[place] = _fresh(index, {*used, *bound, *_symbols(term)})
            factors = tuple(renamed(factor, index, bound[place]) for factor in factors)
    return Term(factors, tuple(bound))


def _fresh(index: Index, used: set[sp.Basic]) -> Index:
    """Return `index` with as many primes as it takes to be new; a prime keeps the range."""
    while index in used:
        index = sp.Symbol(index.name + PRIME, integer=True)
    return index


def renamed(expr: sp.Expr, index: Index, by: Index) -> sp.Expr:
    """Return `expr` with the free occurrences of `index` replaced; a sum that binds it is left alone.

    A sum that binds `by` gets another index first, so that it does not catch the new one.
    """
    if expr == index:
        return by
    if not expr.has(index):
        return expr
    if isinstance(expr, sp.Sum):
        bound = [limit[0] for limit in expr.limits]
        if index in bound:
            return expr
        if by in bound:
            expr = expr.xreplace({by: _fresh(by, {*bound, *expr.free_symbols, index, by})})
    return expr.func(*(renamed(argument, index, by) for argument in expr.args))


def contractions(expr: sp.Expr, size: Mapping[Index, sp.Expr]) -> Iterator[Contraction]:
    """Yield the expression after each round of delta contraction, until no summed index is tied to another one.

    `size` gives the range of every index.
    """
    rest = terms(expr)
    while True:
        found = next((pair for term in rest if (pair := _tied(term)) is not None), None)
        if found is None:
            return
        rest = [_replaced(term, *found) for term in rest]
        yield Contraction(*found, after=rebuilt(rest, size))


def contract(expr: sp.Expr, size: Mapping[Index, sp.Expr]) -> sp.Expr:
    """Return `expr` with every delta contracted that ties a summed index."""
    last = rebuilt(terms(expr), size)
    for contraction in contractions(expr, size):
        last = contraction.after
    return last


def _tied(term: Term) -> tuple[Index, Index] | None:
    for factor in term.factors:
        if isinstance(factor, sp.KroneckerDelta):
            first, second = factor.args
            if first in term.bound:
                return first, second
            if second in term.bound:
                return second, first
    return None


def _replaced(term: Term, index: Index, by: Index) -> Term:
    """Return the term with `index` replaced, if a delta of this very term ties the two."""
    ties = [
        factor for factor in term.factors if isinstance(factor, sp.KroneckerDelta) and set(factor.args) == {index, by}
    ]
    if not ties or index not in term.bound:
        return term
    factors = tuple(renamed(factor, index, by) for factor in term.factors if factor is not ties[0])
    return Term(factors, tuple(other for other in term.bound if other != index))


def rebuilt(rest: Iterable[Term], size: Mapping[Index, sp.Expr]) -> sp.Expr:
    """Return the sum of the terms as an expression; a sum over an index that no factor carries becomes its range."""
    return sp.Add(*(_rebuilt_term(term, size) for term in rest))


def _rebuilt_term(term: Term, size: Mapping[Index, sp.Expr]) -> sp.Expr:
    product = sp.Mul(*term.factors)
    if product == 0:
        return product
    carried = [index for index in term.bound if product.has(index)]
    free = sp.Mul(*(range_of(index, size) for index in term.bound if index not in carried))
    outside, inside = _split(term.factors, carried)
    total = sp.Sum(inside, *((index, 1, range_of(index, size)) for index in carried)) if carried else inside
    return free * outside * total


def _split(factors: Iterable[sp.Expr], carried: list[Index]) -> tuple[sp.Expr, sp.Expr]:
    outside = [factor for factor in factors if not any(factor.has(index) for index in carried)]
    inside = [factor for factor in factors if any(factor.has(index) for index in carried)]
    return sp.Mul(*outside), sp.Mul(*inside)


def range_of(index: Index, size: Mapping[Index, sp.Expr]) -> sp.Expr:
    """Return the size of the axis that `index` runs over, primes not counting.

    Raises:
        UnsupportedError: an index of no known axis.
    """
    plain = sp.Symbol(index.name.rstrip(PRIME), integer=True)
    if plain in size:
        return size[plain]
    raise UnsupportedError(f"index {index} has no range; expected one of {', '.join(map(str, size))}")
