"""Ops: each is one defining equation in index notation, forward only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import sympy as sp

from symmlp.catalog.extremes import largest_of
from symmlp.catalog.parameters import exact
from symmlp.notation import (
    C,
    H,
    K,
    M,
    N,
    P,
    R,
    S,
    U,
    V,
    W,
    X,
    Y,
    Z,
    array,
    b,
    batch,
    beside,
    column,
    g,
    inner,
    m,
    n,
    other,
    q,
)

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

    def __hash__(self) -> int:
        """Hash what tells ops apart, so that what is derived for an op can be kept; the mappings have no hash."""
        return hash((self.name, self.output, self.axes, self.value))


SIZES: dict[sp.Symbol, sp.Symbol] = {batch: N, column: n, inner: m, other: n, beside: q}

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
CONCATENATE = Op(
    "concat",
    {"X": (batch, inner), "Y": (batch, beside)},
    "A",
    (batch, column),
    sp.Sum(X[batch, inner] * sp.KroneckerDelta(column, inner), (inner, 1, m))
    + sp.Sum(Y[batch, beside] * sp.KroneckerDelta(column, beside + m), (beside, 1, q)),
)
"""Columns side by side: column i of A is column i of X, or column i - m of Y."""

DROPOUT = Op(
    "dropout",
    {"X": (batch, column)},
    "A",
    (batch, column),
    X[batch, column] * M[batch, column],
    given={"M": (batch, column)},
)
"""M is 0 where an entry is dropped, 1/(1 - rate) elsewhere; 1 everywhere when nothing is."""

NOISE = Op(
    "noise",
    {"X": (batch, column)},
    "A",
    (batch, column),
    X[batch, column] + M[batch, column],
    given={"M": (batch, column)},
)
"""M is drawn from a normal distribution of mean 0; 0 everywhere in prediction."""

RANDOM_LEAK = Op(
    "random_leak",
    {"X": (batch, column), "R": (batch, column)},
    "A",
    (batch, column),
    R[batch, column] + M[batch, column] * (X[batch, column] - R[batch, column]),
    given={"M": (batch, column)},
)
"""R is relu(X), so X - R is the negative part; M are its slopes, drawn in training."""

ALPHA_DROPOUT = Op(
    "alpha_dropout",
    {"X": (batch, column)},
    "A",
    (batch, column),
    X[batch, column] * M[batch, column] + S[batch, column],
    given={"M": (batch, column), "S": (batch, column)},
)
"""M and S are 0 and a α' + b where an entry is dropped, a and b elsewhere; 1 and 0 when nothing is."""

STANDARDIZE = Op(
    "standardize",
    {"X": (batch, column)},
    "A",
    (batch, column),
    (X[batch, column] - C[column]) / S[column],
    given={"C": (column,), "S": (column,)},
)
"""C and S are numbers of the spec, one a unit."""

ROW_MEAN = Op("row_mean", {"X": (batch, column)}, "U", (batch,), sp.Sum(X[batch, column], (column, 1, n)) / n)
ROW_CENTRE = Op(
    "row_centre",
    {"X": (batch, column), "U": (batch,)},
    "C",
    (batch, column),
    X[batch, column] - U[batch],
)
ROW_MEAN_SQUARE = Op(
    "row_mean_square", {"C": (batch, column)}, "V", (batch,), sp.Sum(C[batch, column] ** 2, (column, 1, n)) / n
)
GAIN = Op("gain", {"H": (batch, column), "g": (column,)}, "A", (batch, column), H[batch, column] * g[column])
GAIN_AND_SHIFT = Op(
    "gain_and_shift",
    {"H": (batch, column), "g": (column,), "b": (column,)},
    "A",
    (batch, column),
    H[batch, column] * g[column] + b[column],
)


ROW_NORMALIZE = Op(
    "row_normalize",
    {"C": (batch, column), "R": (batch,)},
    "H",
    (batch, column),
    C[batch, column] / R[batch],
)


COLUMN_MEAN = Op("column_mean", {"X": (batch, column)}, "U", (column,), sp.Sum(X[batch, column], (batch, 1, N)) / N)
COLUMN_CENTRE = Op(
    "column_centre",
    {"X": (batch, column), "U": (column,)},
    "C",
    (batch, column),
    X[batch, column] - U[column],
)
COLUMN_MEAN_SQUARE = Op(
    "column_mean_square", {"C": (batch, column)}, "V", (column,), sp.Sum(C[batch, column] ** 2, (batch, 1, N)) / N
)
COLUMN_NORMALIZE = Op(
    "column_normalize",
    {"C": (batch, column), "R": (column,)},
    "H",
    (batch, column),
    C[batch, column] / R[column],
)


def column_root(epsilon: float) -> Op:
    """Return R = √(V + ε), one number a unit."""
    return Op(f"column_root({epsilon!r})", {"V": (column,)}, "R", (column,), sp.sqrt(V[column] + exact(epsilon)))


running, of_batch = sp.symbols("r s", real=True)
"""A running statistic, and the same of one batch."""


def running_mean(momentum: float) -> sp.Expr:
    """Return what the running statistic `r` becomes: (1 - momentum) r + momentum s."""
    return (1 - exact(momentum)) * running + exact(momentum) * of_batch


def running_variance(momentum: float, *, unbiased: bool) -> sp.Expr:
    """Return the same for a variance of N samples; the unbiased one is N/(N - 1) times the mean square."""
    factor = N / (N - 1) if unbiased else sp.Integer(1)
    return (1 - exact(momentum)) * running + exact(momentum) * factor * of_batch


def row_root(epsilon: float) -> Op:
    """Return R = √(V + ε), one number a sample."""
    return Op(f"row_root({epsilon!r})", {"V": (batch,)}, "R", (batch,), sp.sqrt(V[batch] + exact(epsilon)))


ENTRYWISE_LOSS = Op(
    "loss",
    {"P": (batch, column)},
    "L",
    (),
    scale * sp.Sum(entry_loss(P[batch, column], Y[batch, column]), (batch, 1, N), (column, 1, n)),
    given={"Y": (batch, column)},
)


def target_op(target: sp.Expr) -> Op:
    """Return the op of what stands for the targets in a loss, `target` being written in Y."""
    return Op(f"target, {target}", {}, "T", (batch, column), target, given={"Y": (batch, column)})


def row_total(name: str, letter: str, term: sp.Expr, operands: tuple[str, ...], kind: str) -> Op:
    """Return the op of one number a sample: `term` of P, Y and earlier totals, summed or averaged over the row.

    Of the `kind` each, it is made of other totals. The largest is the mean over the entries that are K = 1 of C.
    """
    axes: dict[str, Axes] = {each: (batch, column) if each == "P" else (batch,) for each in operands}
    if kind == "max":
        largest = sp.Sum(K[batch, column] * term, (column, 1, n)) / C[batch]
        return Op(name, axes, letter, (batch,), largest, given={"K": (batch, column), "C": (batch,), **_targets(term)})
    total = term if kind == "each" else sp.Sum(term, (column, 1, n))
    return Op(name, axes, letter, (batch,), total / n if kind == "mean" else total, given=_targets(term))


def held_ops(name: str, term: sp.Expr) -> tuple[Op, ...]:
    """Return the ops that find where `term`, of P and Y, is largest in its row; that is held fixed, like a relu's mask.

    H are the terms, M their largest, K is 1 where it is reached, else 0, and C counts those entries.
    """
    entries: dict[str, Axes] = {"P": (batch, column), **_targets(term)}
    reached = sp.Piecewise((1, sp.Eq(H[batch, column], M[batch], evaluate=False)), (0, True), evaluate=False)
    return (
        Op(f"{name}, terms {term}", {}, "H", (batch, column), term, given=entries),
        Op("row_largest", {}, "M", (batch,), largest_of(H[batch, other], other), given={"H": (batch, column)}),
        Op("at_largest", {}, "K", (batch, column), reached, given={"H": (batch, column), "M": (batch,)}),
        Op("largest_count", {}, "C", (batch,), sp.Sum(K[batch, column], (column, 1, n)), given={"K": (batch, column)}),
    )


def _targets(term: sp.Expr) -> dict[str, Axes]:
    return {"Y": (batch, column)} if term.has(Y) else {}


def row_loss(name: str, value: sp.Expr, operands: tuple[str, ...], weight: sp.Expr) -> Op:
    """Return the op of a loss that is made of each sample's totals, `value` being one sample's."""
    return Op(name, dict.fromkeys(operands, (batch,)), "L", (), weight * sp.Sum(value, (batch, 1, N)))


def entrywise(gates: int, learned: int) -> Op:
    """Return the op of an activation with further pre-activations and numbers of each unit: A = f(Z, Z_2, a_1, ...)."""
    arrays = {f"Z_{number}": (batch, column) for number in range(2, gates + 2)}
    vectors = {f"a_{number}": (column,) for number in range(1, learned + 1)}
    operands: dict[str, Axes] = {"Z": (batch, column), **arrays, **vectors}
    value = f(*(array(name)[axes] for name, axes in operands.items()))
    return Op(f"entrywise({gates}, {learned})", operands, "A", (batch, column), value)


def rowwise(name: str, value: sp.Expr) -> Op:
    """Return the op of an activation that acts on a row, `value` being written in Z[p, i] and Z[p, j]."""
    return Op(name, {"Z": (batch, column)}, "A", (batch, column), value)
