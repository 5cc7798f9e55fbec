"""Constraints of the weights: where each update puts them back, forward definitions only.

Each is a formula in a weight w and the norm r of all weights of its unit, as Keras has them with axis=0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sympy as sp

from symmlp.catalog.entries import Entries
from symmlp.catalog.extremes import larger, smaller
from symmlp.catalog.parameters import Family, Parameter, Settings, named_call, optional_entry

w, r = sp.symbols("w r", real=True)
least, limit, share = sp.symbols("least limit share", real=True)
_tiny = sp.Rational("1e-7")


@dataclass(frozen=True)
class Constraint:
    """What a weight becomes: `family` in the symbols of the parameters, `value` with numbers for them."""

    name: str
    value: sp.Expr
    family: Family
    peers: str


def _constraint(name: str, definition: sp.Expr, *parameters: Parameter, peers: str) -> Constraint:
    ascending = ("least", "limit") if len(parameters) > 1 else ()
    family = Family(definition, parameters, ascending)
    return Constraint(name, family.member(name, {}, name), family, peers)


def _limited(low: sp.Expr, high: sp.Expr) -> sp.Expr:
    return smaller(larger(r, low), high)


TABLE: Entries[Constraint] = Entries(
    {
        "non_negative": lambda name: _constraint(name, larger(0, w), peers="Keras NonNeg"),
        "max_norm": lambda name: _constraint(
            name, w * smaller(r, limit) / (_tiny + r), Parameter("limit", 2, above=0), peers="Keras MaxNorm"
        ),
        "unit_norm": lambda name: _constraint(name, w / (_tiny + r), peers="Keras UnitNorm"),
        "min_max_norm": lambda name: _constraint(
            name,
            w * (share * _limited(least, limit) + (1 - share) * r) / (_tiny + r),
            Parameter("least", 0, at_least=0),
            Parameter("limit", 1, above=0),
            Parameter("share", 1, above=0),
            peers="Keras MinMaxNorm, which calls share rate",
        ),
    }
)


def read_constraint(text: str) -> tuple[str, Settings]:
    """Return the entry's name and the settings in brackets: ("max_norm", limit = 3) for `max_norm(limit=3)`."""
    return named_call(text, "constraint", "constraint_parameters")


def constraint(name: str, given: Mapping[str, float]) -> Constraint | None:
    """Return a constraint of the catalogue with these parameters; None for none.

    Raises:
        SpecError: there is no such constraint or parameter, or a number is out of its interval.
    """
    entry = optional_entry(TABLE, name, given, "constraint")
    if entry is None:
        return None
    value = entry.family.member(name, given, "constraint_parameters")
    return Constraint(name, value, entry.family, entry.peers)
