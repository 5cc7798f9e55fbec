"""Small mistakes of memory in a formula: a term or factor dropped, a sign turned, a square or branches misplaced."""

from __future__ import annotations

from collections.abc import Iterator

import sympy as sp


def spoiled(formula: sp.Expr) -> Iterator[sp.Expr]:
    """Yield every formula that one small mistake makes of `formula`, each once.

    1 − y²   =>   1 − y,  1 + y²,  y²,  (1 − y²)²,  ...
    """
    seen = {formula}
    for changed in (*_changed(formula), formula**2, *_squared_sums(formula)):
        if changed not in seen and changed.free_symbols:
            seen.add(changed)
            yield changed


def _changed(part: sp.Expr) -> Iterator[sp.Expr]:
    """Yield `part` with one change at one place, itself first."""
    yield from _here(part)
    if isinstance(part, sp.Piecewise):
        return
    for place, child in enumerate(part.args):
        for changed in _changed(child):
            yield part.func(*part.args[:place], changed, *part.args[place + 1 :])


def _here(part: sp.Expr) -> Iterator[sp.Expr]:
    match part:
        case sp.Add():
            for term in part.args:
                yield part - term
                yield part - 2 * term
        case sp.Mul():
            yield from (part / factor for factor in part.args)
        case sp.Pow() if part.exp.is_Integer:
            yield part.base
        case sp.Piecewise() if len(part.args) == 2:
            (first, condition), (second, otherwise) = part.args
            yield sp.Piecewise((second, condition), (first, otherwise), evaluate=False)


def _squared_sums(formula: sp.Expr) -> Iterator[sp.Expr]:
    """Yield (1 − y)² for 1 − y²: a square of one term taken for that of the whole."""
    for part in formula.atoms(sp.Pow):
        if part.exp.is_Integer and part.exp > 1:
            yield formula.xreplace({part: part.base}) ** part.exp
