"""What an activation is: the record, its variable, where its values lie."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import sympy as sp

from symmlp.catalog.parameters import NONE, Family, Parameter, Settings

x = sp.Symbol("x", real=True)

Outputs = Literal["real", "nonnegative", "positive", "unit interval", "simplex", "log simplex", "unknown"]
"""Where the values lie: `unit interval` is the open one, `nonnegative` may be zero, a simplex sums to 1 in each row."""


@dataclass(frozen=True)
class Learned:
    """A number for each unit that is learned with the weights, and what it starts with."""

    name: str
    start: float

    @property
    def setting(self) -> Parameter:
        """What it starts with as a parameter: `prelu(alpha_start=0)`."""
        return Parameter(f"{self.name}_start", self.start)

    @property
    def symbol(self) -> sp.Symbol:
        """The symbol that stands for it in a definition."""
        return sp.Symbol(self.name, real=True)


@dataclass(frozen=True)
class Activation:
    """An activation: `value` in x for an elementwise one, in Z[p, i] for one that acts on a row.

    `value` has numbers for the parameters; `family` is the definition in their symbols, `settings` what was given.
    One that `is_projection` is made of several ops instead of one function; `where` says what its formula calls what.
    `gates` are further pre-activations, each with weights of its own; `learned` are numbers of each unit.
    """

    name: str
    value: sp.Expr
    outputs: Outputs = "real"
    acts_on: Literal["entry", "row"] = "entry"
    from_user: bool = False
    family: Family | None = None
    settings: Settings = field(default=NONE)
    note: str = ""
    gates: tuple[sp.Symbol, ...] = ()
    learned: tuple[Learned, ...] = ()
    where: tuple[tuple[str, sp.Expr], ...] = ()
    is_projection: bool = False

    @property
    def variables(self) -> tuple[sp.Symbol, ...]:
        """What an elementwise value depends on: x, the gates, what is learned."""
        return (x, *self.gates, *(each.symbol for each in self.learned))

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters with their defaults and intervals."""
        own = () if self.family is None else self.family.parameters
        return (*own, *(each.setting for each in self.learned))
