"""Penalties of the weights, which are added to the loss: forward definitions only.

Each is a sum over the entries of every weight matrix; biases, gains, shifts and learned numbers are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import sympy as sp

from symmlp.catalog.entries import Entries
from symmlp.catalog.layers import Axes, Op, f
from symmlp.catalog.loss import Piece, is_smooth
from symmlp.catalog.parameters import NONE, Family, Parameter, Settings, named_call, optional_entry
from symmlp.catalog.sample_weights import TOTAL
from symmlp.notation import W, column, inner, m, n

w = sp.Symbol("w", real=True)
"""A weight."""

alpha, strength, l1, l2 = sp.symbols("alpha strength l1 l2", real=True)


@dataclass(frozen=True)
class Penalty:
    """A penalty: `value` of one weight, divided by the number of samples if it is `per_sample`.

    `value` has numbers for the parameters; `family` is the definition in their symbols, `settings` what was given.
    """

    name: str
    value: sp.Expr
    family: Family
    peers: str
    per_sample: bool = False
    settings: Settings = field(default=NONE)

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters with their defaults and intervals."""
        return self.family.parameters

    @property
    def piece(self) -> Piece | None:
        """The value as a function, unless it is smooth, and is written out."""
        return None if is_smooth(self.value) else Piece(f"{self.name}_penalty", self.value, (w,))


def _penalty(name: str, definition: sp.Expr, *parameters: Parameter, peers: str, per_sample: bool = False) -> Penalty:
    family = Family(definition, parameters)
    return Penalty(name, family.member(name, {}, name), family, peers, per_sample)


def _strength(name: str, default: float = 0.01) -> Parameter:
    return Parameter(name, default, at_least=0)


TABLE: Entries[Penalty] = Entries(
    {
        "l1": lambda name: _penalty(name, strength * sp.Abs(w), _strength("strength"), peers="Keras L1"),
        "l2": lambda name: _penalty(name, strength * w**2, _strength("strength"), peers="Keras L2"),
        "l1_l2": lambda name: _penalty(
            name, l1 * sp.Abs(w) + l2 * w**2, _strength("l1"), _strength("l2"), peers="Keras L1L2 [l1=0, l2=0]"
        ),
        "half_l2_per_sample": lambda name: _penalty(
            name,
            alpha * w**2 / 2,
            _strength("alpha", 0.0001),
            peers="scikit-learn's alpha",
            per_sample=True,
        ),
    }
)

ALIASES = {"sklearn": "half_l2_per_sample"}
"""Other names of entries."""


def read_penalty(text: str) -> tuple[str, Settings]:
    """Return the entry's own name and the settings in brackets: ("l2", strength = 0.1) for `l2(strength=0.1)`."""
    name, given = named_call(text, "penalty", "penalty_parameters")
    return ALIASES.get(name, name), given


def penalty(name: str, given: Mapping[str, float]) -> Penalty | None:
    """Return a penalty of the catalogue with these parameters; None for none.

    Raises:
        SpecError: there is no such penalty or parameter, or a number is out of its interval.
    """
    entry = optional_entry(TABLE, name, given, "penalty", ALIASES)
    if entry is None:
        return None
    return replace(entry, value=entry.family.member(name, given, "penalty_parameters"), settings=Settings(given))


def penalty_op(entry: Penalty, samples: sp.Expr) -> Op:
    """Return the op of one weight matrix's penalty, `samples` being what stands for their number."""
    weight = 1 / samples if entry.per_sample else sp.Integer(1)
    number, rest = entry.value.as_coeff_Mul()
    term = f(W[column, inner]) if entry.piece is not None else rest.xreplace({w: W[column, inner]})
    factor = weight if entry.piece is not None else weight * number
    total = sp.Sum(term, (column, 1, n), (inner, 1, m))
    given: dict[str, Axes] = {TOTAL.name: ()} if weight.has(TOTAL) else {}
    return Op(f"penalty, {entry.value} {weight}", {"W": (column, inner)}, "R", (), factor * total, given)


def penalized(loss: Op, penalties: tuple[str, ...]) -> Op:
    """Return the op of a loss to which the numbers of these names are added."""
    added = {name: sp.Symbol(name, real=True) for name in penalties}
    operands = {**loss.operands, **dict.fromkeys(added, ())}
    return replace(
        loss,
        name=f"{loss.name} + {' + '.join(added)}",
        operands=operands,
        value=sp.Add(loss.value, *added.values()),
    )
