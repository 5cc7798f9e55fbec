"""Functions of a row, such as softmax: defined in Z[p, i] and sums over Z[p, j], evaluated as they are written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sympy as sp

from symmlp.catalog.activations import Activation
from symmlp.errors import UnsupportedError
from symmlp.notation import Z, batch, column, other
from symmlp.verification.evaluation import Evaluation, Function, Number
from symmlp.verification.held import held, hold_functions
from symmlp.verification.projection import projected, projected_expressions

_own, _other = sp.symbols("z_own z_other", real=True)
_entries = {Z[batch, column]: _own, Z[batch, other]: _other}


@dataclass(frozen=True)
class RowSum:
    """A sum over the row: `term` is a function of (own entry, other entry)."""

    term: Function
    needs_own: bool

    def over(self, own: Number, row: Sequence[Number]) -> Number:
        """Return the sum over `row`."""
        total = self.term((own, row[0]))
        for entry in row[1:]:
            total = total + self.term((own, entry))
        return total


@dataclass(frozen=True)
class RowFunction:
    """A function of a row: `head` is a function of (own entry, sum 1, sum 2, ...)."""

    head: Function
    sums: tuple[RowSum, ...]

    def __call__(self, row: Sequence[Number]) -> list[Number]:
        """Return the function's value at every entry of `row`."""
        totals = [None if total.needs_own else total.over(None, row) for total in self.sums]
        values = []
        for own in row:
            needed = [
                total.over(own, row) if known is None else known for total, known in zip(self.sums, totals, strict=True)
            ]
            values.append(self.head((own, *needed)))
        return values


def _own_entry(values: Sequence[Number]) -> Number:
    return values[0]


@dataclass(frozen=True)
class Projection(RowFunction):
    """The projection of a row on the simplex."""

    evaluation: Evaluation

    def __call__(self, row: Sequence[Number]) -> list[Number]:
        """Return the projection of `row`."""
        return projected(row, self.evaluation)


def row_function(activation: Activation, evaluation: Evaluation) -> RowFunction:
    """Return an activation as a function from a row of pre-activations to a row of activations."""
    if activation.is_projection:
        return Projection(_own_entry, (), evaluation)
    if activation.acts_on == "entry":
        return RowFunction(evaluation.function(activation.value, activation.variables), ())
    sums = sorted(activation.value.atoms(sp.Sum), key=sp.default_sort_key)
    names = {total: sp.Dummy(f"s{number}", real=True) for number, total in enumerate(sums)}
    head = activation.value.xreplace(names).xreplace(_entries)
    return RowFunction(
        evaluation.function(head, [_own, *names.values()]), tuple(_row_sum(total, evaluation) for total in sums)
    )


def _row_sum(total: sp.Sum, evaluation: Evaluation) -> RowSum:
    _require_sum_over_row(total)
    body = total.function.xreplace(_entries)
    return RowSum(evaluation.function(body, [_own, _other]), needs_own=_own in body.free_symbols)


def _require_sum_over_row(total: sp.Sum) -> None:
    if [limit[0] for limit in total.limits] != [other] or total.function.has(sp.Sum):
        raise UnsupportedError(f"no arithmetic for the sum {total}; expected one over the row's index {other}")


def row_expressions(activation: Activation, row: Sequence[sp.Expr], *further: Sequence[sp.Expr]) -> list[sp.Expr]:
    """Return the activation of a row of expressions, entry by entry: functions are held, sums written out.

    `further` are the rows of gates and what is learned.
    """
    if activation.acts_on == "entry":
        function = held(activation.value, activation.variables)
        return [function(*entries) for entries in zip(row, *further, strict=True)]
    if activation.is_projection:
        return projected_expressions(row)
    written = hold_functions(activation.value)
    for total in sorted(written.atoms(sp.Sum), key=sp.default_sort_key):
        _require_sum_over_row(total)
        terms = [total.function.xreplace({Z[batch, other]: entry}) for entry in row]
        written = written.xreplace({total: sp.Add(*terms)})
    return [written.xreplace({Z[batch, column]: entry}) for entry in row]
