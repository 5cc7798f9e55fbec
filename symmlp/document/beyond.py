"""What a page says about equations beyond the gradient: the titles of their groups, and what their marks mean."""

from __future__ import annotations

from collections.abc import Iterator

import sympy as sp

from symmlp.calculus.index_notation import Partial
from symmlp.calculus.tangent import HAT
from symmlp.derivation import Derivation, Formula
from symmlp.document.page import Name, Prose
from symmlp.matrix import Product, Reduce, Var
from symmlp.second_order import HESSIAN, split_at
from symmlp.second_order.hessian import BLOCK, parameters_of

BEYOND = {
    "jvp": "Tangents along a direction v",
    "hvp": "Hessian-vector product",
    "gauss_newton": "Gauss-Newton product",
    "jacobian": "Jacobian of the prediction",
}
"""Titles of what lies beyond the gradient."""

BEYOND_KINDS = frozenset({"tangent", "second", "gauss_newton", "jacobian", "hessian"})


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
    if "jvp" in derivation.second:
        moved = " at ε = 0, where the parameters are θ + ε v; the parts of v are the tangents of the parameters"
        moving = Formula(Partial(sp.Symbol("V"), sp.Symbol("eps")))
        yield "Tangents", (Name("V_dot"), " stands for ", moving, moved)
    if "jacobian" in derivation.second:
        of = Formula(Partial(sp.Symbol("P"), sp.Symbol("V")))
        words = "; each sample stands in X once for each unit of the prediction, and the rows of "
        identity = (Name("J_P"), " are those of the identity; A • B holds the products of the entries of two rows")
        yield "Jacobian", (Name("J_V"), " stands for ", of, words, *identity)
    if "hvp" in derivation.second:
        yield "Hessian", (Name("dV_dot"), ", the tangent of ", Name("dV"), ", is for all parameters together H v")
    pivots = [name.removeprefix(HESSIAN) for name in derivation.second if name.startswith(HESSIAN)]
    if pivots:
        words = (
            "in each section every sample stands once for each unit of the array Z that the columns' parameters move "
        )
        rows = ("first, and the rows of ", Name("Z_dot"), " are those of the identity; ")
        rest = ("a dot is the change along that unit, A • B holds the products of the entries of two rows",)
        listed = tuple(part for name in pivots for part in (Name(name), ", "))[:-1]
        yield "Blocks", (words, *rows, "Z is, in turn, ", *listed, "; ", *rest)
    if "gauss_newton" in derivation.second:
        at = split_at(derivation)
        shape = derivation.graph.shapes[at]
        number = Formula(Reduce("sum", Product((Var(f"d{at}{HAT}", shape), Var(at, shape))), None))
        split = (
            " is for all parameters together Jᵀ H J v; J is the Jacobian of ",
            Name(at),
            ", H the loss's Hessian in ",
        )
        held = (Name(at), "; ", Name("Q"), " stands for ", number, ", ", Name(f"d{at}{HAT}"), " held fixed")
        yield "Gauss-Newton", (Name("dV_hat"), *split, *held)
