"""What a loss is: the record, its variables, what it asks of predictions and targets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import sympy as sp

from symmlp.catalog.activations import Outputs
from symmlp.catalog.parameters import NONE, Family, Parameter, Settings

p, y = sp.symbols("p y", real=True)

Targets = Literal["real", "unit interval", "classes", "nonnegative", "nonzero", "signs"]
"""What a target may be: `signs` are -1 and +1, `classes` labels or probabilities that sum to 1."""

Decision = Literal["values", "classes", "above half", "above zero"]
"""What `predict` gives: the values, the index of the largest, or 1 where a probability or a logit says so."""

Averages = Literal["entries", "samples"]

ANY: tuple[Outputs, ...] = ("real", "nonnegative", "positive", "unit interval", "simplex", "log simplex", "unknown")
SCORES: tuple[Outputs, ...] = ("real", "nonnegative", "positive", "unknown")
PROBABILITIES: tuple[Outputs, ...] = ("unit interval", "unknown")
POSITIVE: tuple[Outputs, ...] = ("positive", "unit interval", "simplex", "unknown")


@dataclass(frozen=True)
class Total:
    """One number a sample: `term` summed, averaged or the largest over the entries of its row; or made of other totals.

    `term` is written in p, y and the symbols of totals before it; `symbol` stands for the total in what follows.
    """

    symbol: sp.Symbol
    term: sp.Expr
    role: str
    kind: Literal["sum", "mean", "each", "max"] = "sum"

    @property
    def letter(self) -> str:
        """What the array of all samples' totals is called."""
        return str(self.symbol.name.upper())


@dataclass(frozen=True)
class Piece:
    """A function of numbers that a loss consists of; `variables` are those that it is differentiated by, then y."""

    name: str
    value: sp.Expr
    variables: tuple[sp.Symbol, ...]


@dataclass(frozen=True)
class Loss:
    """A loss: `value` of one entry, what its mean runs over, which predictions it accepts, which targets it needs.

    With `totals`, it is a loss of a whole row, and `value` is written in their symbols.
    `target` is what stands for y in `value`, made of y and the number n of a row's entries; `inner` is the activation
    of a row that the loss itself applies to the prediction first.
    `value` has numbers for the parameters; `family` is the definition in their symbols, `settings` what was given.
    """

    name: str
    value: sp.Expr
    average: Averages = "entries"
    accepts: tuple[Outputs, ...] = ANY
    targets: Targets = "real"
    assumes_simplex_targets: bool = False
    from_user: bool = False
    decides: Decision = "values"
    family: Family | None = None
    settings: Settings = field(default=NONE)
    note: str = ""
    totals: tuple[Total, ...] = ()
    target: sp.Expr = y
    inner: str = ""

    @property
    def is_of_entries(self) -> bool:
        """Whether it is a function of entries of the prediction and the targets as they are."""
        return not self.totals and not self.inner and self.target == y

    def piece_of(self, total: Total) -> Piece | None:
        """Return the term of a total as a function, unless it is smooth, and is written out."""
        used = [each.symbol for each in self.totals if each.symbol in total.term.free_symbols]
        variables = tuple(each for each in (p, *used, y) if each in total.term.free_symbols)
        return None if is_smooth(total.term) else Piece(f"{self.name}_{total.symbol}", total.term, variables)

    @property
    def piece(self) -> Piece | None:
        """What is made of the totals as a function, unless it is smooth, and is written out."""
        variables = tuple(each.symbol for each in self.totals if each.symbol in self.value.free_symbols)
        return None if is_smooth(self.value) else Piece(self.name, self.value, variables)

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """The functions of numbers that a loss of a whole row consists of."""
        found = (*map(self.piece_of, self.totals), self.piece) if self.totals else ()
        return tuple(each for each in found if each is not None)

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters with their defaults and intervals."""
        return () if self.family is None else self.family.parameters


def is_smooth(expr: sp.Expr) -> bool:
    """Return whether only arithmetic is done and roots are taken, so that an expression has no kink."""
    return bool(expr.is_algebraic_expr(*expr.free_symbols))
