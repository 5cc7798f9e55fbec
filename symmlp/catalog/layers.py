"""Ops: each is one defining equation in index notation, forward only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import sympy as sp

from symmlp.notation import N, P, W, X, Y, Z, b, batch, column, inner, m, n, other

Axes = tuple[sp.Symbol, ...]


@dataclass(frozen=True)
class Op:
    """An op: `output[axes] = value`, the operands being arrays with the axes given in `operands`.

    `given` are arrays that nothing is differentiated with respect to, such as the targets. A function f or l in `value`
    stays opaque: its slope is derived in one variable, apart from the indices.
    """

    name: str
    operands: Mapping[str, Axes]
    output: str
    axes: Axes
    value: sp.Expr
    given: Mapping[str, Axes] = field(default_factory=dict)


SIZES: dict[sp.Symbol, sp.Symbol] = {batch: N, column: n, inner: m, other: n}

f = sp.Function("f")
entry_loss = sp.Function("l")
scale = sp.Symbol("s", positive=True)

DENSE = Op(
    "dense",
    {"X": (batch, inner), "W": (column, inner), "b": (column,)},
    "Z",
    (batch, column),
    sp.Sum(X[batch, inner] * W[column, inner], (inner, 1, m)) + b[column],
)
DENSE_WITHOUT_BIAS = Op(
    "dense_without_bias",
    {"X": (batch, inner), "W": (column, inner)},
    "Z",
    (batch, column),
    sp.Sum(X[batch, inner] * W[column, inner], (inner, 1, m)),
)
ELEMENTWISE = Op("elementwise", {"Z": (batch, column)}, "A", (batch, column), f(Z[batch, column]))
ADD = Op("add", {"X": (batch, column), "Y": (batch, column)}, "A", (batch, column), X[batch, column] + Y[batch, column])
MULTIPLY = Op(
    "multiply", {"X": (batch, column), "Y": (batch, column)}, "A", (batch, column), X[batch, column] * Y[batch, column]
)
ENTRYWISE_LOSS = Op(
    "loss",
    {"P": (batch, column)},
    "L",
    (),
    scale * sp.Sum(entry_loss(P[batch, column], Y[batch, column]), (batch, 1, N), (column, 1, n)),
    given={"Y": (batch, column)},
)


def rowwise(name: str, value: sp.Expr) -> Op:
    """Return the op of an activation that acts on a row, `value` being written in Z[p, i] and Z[p, j]."""
    return Op(name, {"Z": (batch, column)}, "A", (batch, column), value)
