"""What a page says about equations beyond the gradient: the titles of their groups, and what their marks mean."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import sympy as sp

from symmlp.calculus.index_notation import Partial
from symmlp.calculus.tangent import HAT
from symmlp.derivation import Derivation, Formula
from symmlp.document.page import Name, Prose
from symmlp.matrix import Diagonal, Product, Reduce, Var, walk
from symmlp.second_order import HESSIAN, split_at
from symmlp.second_order.hessian import BLOCK, parameters_of
from symmlp.second_order.walking import handed_back_sum

BEYOND = {
    "jvp": "Tangents along a direction v",
    "hvp": "Hessian-vector product",
    "gauss_newton": "Gauss-Newton product",
    "jacobian": "Jacobian of the prediction",
}
"""Titles of what lies beyond the gradient."""

BEYOND_KINDS = frozenset({"tangent", "second", "gauss_newton", "jacobian", "hessian"})


ROW_PRODUCT = "A • B holds the products of the entries of two rows"
KRONECKER = "A ⊗ B is the Kronecker product: where one of the two is a row, it multiplies every row of the other"


def is_by_rows(name: str) -> bool:
    """Return whether a group of equations takes several directions at once, a row for each."""
    return name == "jacobian" or name.startswith(HESSIAN)


def title(name: str, derivation: Derivation) -> str:
    """Return the title of a group of equations beyond the gradient."""
    if name in BEYOND:
        return BEYOND[name]
    columns = dict.fromkeys(
        parameters_of(each.target)[1] for each in derivation.second[name] if each.target.startswith(BLOCK)
    )
    return f"Hessian blocks with the columns of {', '.join(columns)}"


def meanings(derivation: Derivation) -> Iterator[tuple[str, Prose]]:
    """Yield what the marks of second order mean."""
    if derivation.almost_everywhere:
        left_out = (
            "second derivatives hold where no slope jumps, as that of max, min or abs does; such points are left out"
        )
        yield "Almost everywhere", (left_out,)
    if "jvp" in derivation.second:
        moved = " at ε = 0, where the parameters are θ + ε v; the parts of v are the tangents of the parameters"
        moving = Formula(Partial(sp.Symbol("V"), sp.Symbol("eps")))
        yield "Tangents", (Name("V_dot"), " stands for ", moving, moved)
    if "jacobian" in derivation.second:
        yield "Jacobian", _jacobian(derivation)
    if "hvp" in derivation.second:
        yield "Hessian", (Name("dV_dot"), ", the tangent of ", Name("dV"), ", is for all parameters together H v")
    pivots = [name.removeprefix(HESSIAN) for name in derivation.second if name.startswith(HESSIAN)]
    if pivots:
        yield "Blocks", _blocks(derivation, pivots)
    if "gauss_newton" in derivation.second:
        at = split_at(derivation)
        shape = derivation.graph.shapes[at]
        number = Formula(Reduce("sum", Product((Var(f"d{at}{HAT}", shape), Var(at, shape))), None))
        split = (
            " is for all parameters together Jᵀ H J v; J is the Jacobian of ",
            Name(at),
            ", H the loss's Hessian in ",
        )
        penalties = "; the Hessian of the penalties is added as it is" if derivation.graph.penalties else ""
        held = (
            Name(at),
            f"{penalties}; ",
            Name(handed_back_sum(derivation.graph)),
            " stands for ",
            number,
            ", ",
            Name(f"d{at}{HAT}"),
            " held fixed",
        )
        yield "Gauss-Newton", (Name("dV_hat"), *split, *held)


def _jacobian(derivation: Derivation) -> Prose:
    """Return what the Jacobians' rows are."""
    of = Formula(Partial(sp.Symbol("P"), sp.Symbol("V")))
    if derivation.layout == "sample":
        words = ", a row for each unit of the prediction; "
        return (Name("J_V"), " stands for ", of, words, Name("J_P"), f" is the identity; {KRONECKER}")
    words = "; each sample stands in X once for each unit of the prediction, and the rows of "
    return (Name("J_V"), " stands for ", of, words, Name("J_P"), f" are those of the identity; {ROW_PRODUCT}")


def _blocks(derivation: Derivation, pivots: Sequence[str]) -> Prose:
    """Return what the rows are from which blocks of the Hessian are made, and what their signs mean."""
    listed = tuple(part for name in pivots for part in (Name(name), ", "))[:-1]
    if derivation.layout == "sample":
        words = "in each section what moves has a row for each unit of the array Z that the columns' parameters move "
        rows = ("first, and ", Name("Z_dot"), " is the identity; ")
    else:
        words = (
            "in each section every sample stands once for each unit of the array Z that the columns' parameters move "
        )
        rows = ("first, and the rows of ", Name("Z_dot"), " are those of the identity; ")
    signs = KRONECKER if derivation.layout == "sample" else ROW_PRODUCT
    made = [each.value for name in pivots for each in derivation.second[f"{HESSIAN}{name}"]]
    if any(isinstance(part, Diagonal) for value in made for part in walk(value)):
        signs += "; diag(A) has the entries of A, row by row, on its diagonal, and is I where all are 1"
    return (words, *rows, "Z is, in turn, ", *listed, "; a dot is the change along that unit, ", signs)
