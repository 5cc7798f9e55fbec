"""The ops that a loss of a whole row consists of: numbers of each sample, and the loss that is made of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import sympy as sp

from symmlp.catalog.layers import Op, f, held_ops, row_loss, row_total
from symmlp.catalog.loss import Loss, Piece, Total, p, y
from symmlp.catalog.sample_weights import TOTAL
from symmlp.notation import P, Y, array, batch, column

LossOp = tuple[Op, Piece | None]
"""An op and the function that it applies, if it applies one."""


def row_loss_ops(loss: Loss, reduction: str, samples: sp.Expr, of_sample: sp.Expr) -> Iterator[LossOp]:
    """Yield the op of each total and that of the loss: a mean over `samples`, each loss times that `of_sample`."""
    entries: dict[sp.Basic, sp.Expr] = {p: P[batch, column], y: Y[batch, column]}
    entries |= {each.symbol: array(each.letter)[batch] for each in loss.totals}
    for total in loss.totals:
        yield _total(loss, total, entries)
    weight = sp.Integer(1) if reduction == "sum" else 1 / samples
    piece = loss.piece
    value = loss.value.xreplace(entries) if piece is None else _call(piece, entries)
    op = row_loss(f"{loss.name}, {of_sample} {value} {weight}", of_sample * value, _operands(loss, loss.value), weight)
    given = {each: (batch,) for each in ("omega", "S") if of_sample.has(array(each))}
    yield replace(op, given=given | ({TOTAL.name: ()} if weight.has(TOTAL) else {})), piece


def ops_before(loss: Loss, total: Total) -> tuple[Op, ...]:
    """Return the ops of what a total holds fixed: where a largest entry is."""
    if total.kind != "max":
        return ()
    return held_ops(loss.name, total.term.xreplace({p: P[batch, column], y: Y[batch, column]}))


def _total(loss: Loss, total: Total, entries: Mapping[sp.Basic, sp.Expr]) -> LossOp:
    piece = loss.piece_of(total)
    term = total.term.xreplace(entries) if piece is None else _call(piece, entries)
    operands = _operands(loss, total.term)
    name = f"{loss.name}, {total.letter} = {term}"
    return row_total(name, total.letter, term, operands, total.kind), piece


def _operands(loss: Loss, expr: sp.Expr) -> tuple[str, ...]:
    """Return what an expression reads and is differentiated by: the prediction, then totals."""
    prediction = ("P",) if p in expr.free_symbols else ()
    return (*prediction, *(each.letter for each in loss.totals if each.symbol in expr.free_symbols))


def _call(piece: Piece, entries: Mapping[sp.Basic, sp.Expr]) -> sp.Expr:
    return f(*(entries[variable] for variable in piece.variables))
