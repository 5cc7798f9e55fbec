"""Whether an expression is zero as a polynomial in whatever it is made of; much faster than SymPy's expansion."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import sympy as sp
from sympy.polys.rings import PolyRing


def is_zero_polynomial(expr: sp.Expr) -> bool:
    """Tell whether sums, products and whole powers alone make `expr` zero, all else standing as variables.

    True is a proof; False may only mean that more than that has to be known.

    >>> x = sp.Symbol("x", real=True)
    >>> is_zero_polynomial((sp.exp(x) + sp.sqrt(x)) ** 2 - sp.exp(2 * x) - x - 2 * sp.exp(x) * sp.sqrt(x))
    False
    >>> is_zero_polynomial((sp.exp(x) + 1) ** 2 - sp.exp(2 * x) - 2 * sp.exp(x) - 1)
    True
    """
    variables = list(dict.fromkeys(_variables(expr)))
    ring = PolyRing([sp.Dummy() for _ in variables] or [sp.Dummy()], sp.QQ)
    generators = dict(zip(variables, ring.gens, strict=False))
    return bool(_element(expr, ring, generators.__getitem__) == 0)


def _powers(expr: sp.Expr) -> list[tuple[sp.Expr, int]]:
    """Return what `expr` is a product of powers of: e^(2u + v) is (e^u)² e^v, anything else is itself."""
    if not isinstance(expr, sp.exp):
        return [(expr, 1)]
    found = []
    for term in sp.Add.make_args(expr.args[0]):
        number, rest = term.as_coeff_Mul()
        whole = number.is_Integer and number > 0
        found.append((sp.exp(rest), int(number)) if whole else (sp.exp(term), 1))
    return found


def _variables(expr: sp.Expr) -> Iterator[sp.Expr]:
    """Yield the parts that are neither rational numbers nor sums, products or whole powers."""
    if expr.is_Rational:
        return
    if expr.is_Add or expr.is_Mul:
        for part in expr.args:
            yield from _variables(part)
    elif _is_whole_power(expr):
        yield from _variables(expr.base)
    else:
        yield from (base for base, _ in _powers(expr))


def _is_whole_power(expr: sp.Expr) -> bool:
    return bool(expr.is_Pow and not isinstance(expr, sp.exp) and expr.exp.is_Integer and expr.exp > 0)


def _element(expr: sp.Expr, ring: PolyRing, generator: Callable[[sp.Expr], Any]) -> Any:
    """Return `expr` as an element of the ring."""
    if expr.is_Rational:
        return ring(sp.QQ(expr.p, expr.q))
    if expr.is_Add:
        return sum((_element(part, ring, generator) for part in expr.args), ring.zero)
    if expr.is_Mul:
        return math.prod((_element(part, ring, generator) for part in expr.args), start=ring.one)
    if _is_whole_power(expr):
        return _element(expr.base, ring, generator) ** int(expr.exp)
    return math.prod((generator(base) ** power for base, power in _powers(expr)), start=ring.one)
