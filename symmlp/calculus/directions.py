"""Several directions at once, a row for each: arrays that differ from one to the next get an axis in front.

In the layout of a batch every sample has a row, and a direction of its own costs nothing more. In the layout of one
sample an array Z[i] is a column; what is asked for along several directions is Z[d,i], d counting the directions, and
arrays that are the same for all of them stay columns: Σ_i G[i] W[i,k] becomes Σ_i G[d,i] W[i,k], the product G W.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import sympy as sp

from symmlp.calculus.index_notation import Index
from symmlp.calculus.matrix_form import MatrixForm
from symmlp.matrix import Shape
from symmlp.notation import N, array, direction

EACH = "a row for each"
"""How several directions are laid out, in words."""

ROWS = "N"
"""How many directions there are, where that has no other name."""


def in_each_direction(expr: sp.Expr, names: Iterable[str]) -> sp.Expr:
    """Return `expr` with the entries of these arrays taken along each direction: G[i] is G[d,i], a number G is G[d]."""
    moving = frozenset(names)

    def walked(part: sp.Basic) -> sp.Basic:
        match part:
            case sp.Indexed():
                name = str(part.base.label)
                return array(name)[(direction, *part.indices)] if name in moving else part
            case sp.Symbol():
                return array(part.name)[(direction,)] if part.name in moving else part
            case sp.Sum():
                return sp.Sum(walked(part.function), *part.limits)
            case _:
                return part.func(*map(walked, part.args)) if part.args else part

    return walked(expr)


def knowing_directions(form: MatrixForm, names: Iterable[str]) -> MatrixForm:
    """Return a recogniser for which these arrays have a row for each direction instead of being a column."""
    shapes = {**form.shapes, **{name: shape_of_all(form.shapes[name]) for name in names if name in form.shapes}}
    return replace(form, shapes=shapes, size={**form.size, direction: N})


def shape_of_all(shape: Shape, rows: int | str = ROWS) -> Shape:
    """Return the shape of an array along all directions: a row in place of a column, a column of numbers."""
    return (rows, shape[0] if shape else 1)


def places_of_all(indices: tuple[Index, ...]) -> tuple[Index, Index | None]:
    """Return (row axis, column axis) of an array with at most one index, along all directions."""
    return direction, indices[0] if indices else None
