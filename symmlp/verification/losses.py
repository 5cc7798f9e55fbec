"""What a loss makes of one row of predictions and targets, evaluated as it is defined: plain loops, nothing shared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import sympy as sp

from symmlp.catalog.activations import TABLE, Activation
from symmlp.catalog.loss import Loss, Total, p, y
from symmlp.notation import n
from symmlp.verification.averaging import total_of
from symmlp.verification.stack import Row

Made = Callable[[sp.Expr, Sequence[sp.Symbol]], Callable[[Sequence[Any]], Any]]
"""Makes an expression into a function of the sequence of its variables' values."""

Terms = Callable[[Row, Row], list[Any]]
"""The terms of a row's loss: one for each entry, or a single one for the row."""


Inner = Callable[[Activation, Row], Row]
"""Applies an activation to a row."""


def loss_terms(loss: Loss, made: Made, inner: Inner, *, ignores: bool = False) -> Terms:
    """Return the loss of a row as a function of its predictions and its targets.

    With a label that is ignored, a row of targets may be zero; then smoothing leaves it so.
    """
    if not loss.totals:
        return _entry_terms(loss, made, inner, ignores=ignores)
    symbols = [each.symbol for each in loss.totals]
    totals = [(each, made(each.term, [p, y, *symbols[:place]])) for place, each in enumerate(loss.totals)]
    largest = made(sp.Max(p, y), [p, y])
    head = made(loss.value, symbols)

    def terms(row: Row, wanted: Row) -> list[Any]:
        known: list[Any] = []
        for total, term in totals:
            known.append(_total(total, term, largest, row, wanted, known))
        return [head(known)]

    return terms


def _entry_terms(loss: Loss, made: Made, inner: Inner, *, ignores: bool) -> Terms:
    entry_loss, activation = made(loss.value, [p, y]), TABLE[loss.inner] if loss.inner else None

    def terms(row: Row, wanted: Row) -> list[Any]:
        if activation is not None:
            row = inner(activation, row)
        if loss.target != y:
            target = made(loss.target.xreplace({n: sp.Integer(len(row))}), [p, y])
            total = total_of(wanted) if ignores else 1
            of_none = [target((predicted, 0 * entry)) for predicted, entry in zip(row, wanted, strict=True)]
            moved = [target(pair) for pair in zip(row, wanted, strict=True)]
            wanted = [entry + none * (total - 1) for entry, none in zip(moved, of_none, strict=True)]
        return [entry_loss(pair) for pair in zip(row, wanted, strict=True)]

    return terms


def _total(
    total: Total,
    term: Callable[[Sequence[Any]], Any],
    largest: Callable[[Sequence[Any]], Any],
    row: Row,
    wanted: Row,
    known: Sequence[Any],
) -> Any:
    if total.kind == "each":
        return term([row[0], wanted[0], *known])
    terms = [term([predicted, target, *known]) for predicted, target in zip(row, wanted, strict=True)]
    if total.kind == "max":
        return reduce(lambda one, other: largest([one, other]), terms)
    found = total_of(terms)
    return found / len(row) if total.kind == "mean" else found
