"""Small mistakes of memory in a formula: a term or factor dropped, a sign turned, a square or branches misplaced."""

from __future__ import annotations

from collections.abc import Iterator

import sympy as sp

USUAL = tuple(sp.Rational(each, 100) for each in (1, 10, 20, 25, 30, 50, 100, 200))
"""Parameters that activations usually have."""


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
        yield from _in_branches(part)
        return
    for place, child in enumerate(part.args):
        for changed in _changed(child):
            yield part.func(*part.args[:place], changed, *part.args[place + 1 :])


def _in_branches(part: sp.Piecewise) -> Iterator[sp.Expr]:
    """Yield one branch alone, and all branches with one change in one of them.

    1 if x > 0, else e^x   =>   e^x,  1 if x > 0, else −e^x
    """
    for place, (branch, condition) in enumerate(part.args):
        yield branch
        for changed in (*_changed(branch), -branch, *_other_numbers(branch)):
            branches = [*part.args[:place], (changed, condition), *part.args[place + 1 :]]
            yield sp.Piecewise(*branches, evaluate=False)


def _other_numbers(branch: sp.Expr) -> Iterator[sp.Expr]:
    """Yield a branch with another of the usual numbers for its own: 0.1 x for 0.01 x."""
    for number in branch.atoms(sp.Rational, sp.Float) - branch.atoms(sp.Integer):
        yield from (branch.xreplace({number: other}) for other in USUAL if other != number)


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


def mixed(slope: sp.Expr, value: sp.Expr) -> Iterator[sp.Expr]:
    """Yield a slope one of whose branches is the function's own, not differentiated."""
    if not isinstance(slope, sp.Piecewise) or not isinstance(value, sp.Piecewise):
        return
    conditions = [[condition for _, condition in each.args] for each in (slope, value)]
    if conditions[0] == conditions[1]:
        for place, pair in enumerate(value.args):
            yield sp.Piecewise(*slope.args[:place], pair, *slope.args[place + 1 :], evaluate=False)


def _squared_sums(formula: sp.Expr) -> Iterator[sp.Expr]:
    """Yield (1 − y)² for 1 − y²: a square of one term taken for that of the whole."""
    for part in formula.atoms(sp.Pow):
        if part.exp.is_Integer and part.exp > 1:
            yield formula.xreplace({part: part.base}) ** part.exp
