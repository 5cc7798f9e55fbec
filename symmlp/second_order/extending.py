"""`with_second_order`: a derivation with the equations that were asked for beyond the gradient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from symmlp.calculus.functions import ElementFunction
from symmlp.calculus.tangent import HAT
from symmlp.derivation import Derivation, Equation
from symmlp.deriving import called
from symmlp.errors import SymmlpError, UnsupportedError, did_you_mean, shown
from symmlp.second_order.jacobian import JacobianWalker
from symmlp.second_order.walking import numbered
from symmlp.second_order.writer import Writer, writer_of

ORDERS = ("jvp", "hvp", "gauss_newton", "jacobian", "hessian")
"""What can be asked for: tangents along a direction, Hessian-vector and Gauss-Newton product, Jacobian, blocks."""


SAMPLE_BY_SAMPLE = ("jacobian", "hessian")
"""What is written with each sample by itself, a row for each of its units."""

HESSIAN = "hessian of "
"""Begins the name of a group of blocks, before the array that their columns move first."""


def with_second_order(derivation: Derivation, asked: Sequence[str], *, almost_everywhere: bool = False) -> Derivation:
    """Return the derivation with the equations of what is asked for, each with its steps; see ORDERS.

    Raises:
        SymmlpError: something unknown is asked for.
        UnsupportedError: a slope jumps, so there is no second derivative, unless `almost_everywhere` leaves it out.
    """
    for name in asked:
        if name not in ORDERS:
            hint = did_you_mean(name, ORDERS)
            raise SymmlpError(f"second order: expected some of {', '.join(ORDERS)}, got {shown(name)}{hint}")
    if not asked:
        return derivation
    for name in asked:
        _refuse(derivation, name)
    writer = writer_of(derivation, almost_everywhere)
    second = {}
    if {*asked} & {"jvp", "hvp", "gauss_newton"}:
        second["jvp"] = numbered(writer.tangents(of_loss=bool({*asked} & {"hvp", "gauss_newton"})), "T")
    if "hvp" in asked:
        second["hvp"] = numbered(writer.hessian_product(), "R")
    if "gauss_newton" in asked:
        second["gauss_newton"] = numbered(writer.gauss_newton_product(), "G")
    if "jacobian" in asked:
        own = writer.walker
        second["jacobian"] = numbered(JacobianWalker(own.graph, own.rules, own.functions).equations(), "J")
    if "hessian" in asked:
        second |= _hessian(writer)
    equations = [each for group in second.values() for each in group]
    curvatures = writer.walker.curvatures
    known = {**curvatures.functions, **curvatures.derived}
    functions = {**derivation.functions, **called(known, equations)}
    kinked = any(isinstance(each, ElementFunction) and each.kinks for each in functions.values())
    left_out = almost_everywhere and kinked
    return replace(derivation, second=second, functions=functions, almost_everywhere=left_out)


def _refuse(derivation: Derivation, name: str) -> None:
    """Refuse what is not written for this layout, layer or loss.

    Raises:
        UnsupportedError: always one line that names what is asked for.
    """
    if name in SAMPLE_BY_SAMPLE and derivation.graph.statistics:
        raise UnsupportedError(
            f"{name}: not known for a network with batch normalization, where a sample's prediction depends on the "
            f"whole batch; expected some of jvp, hvp, gauss_newton"
        )


def _hessian(writer: Writer) -> dict[str, tuple[Equation, ...]]:
    """Return the equations of the blocks, a group for each op that reads parameters, numbered through."""
    groups: dict[str, tuple[Equation, ...]] = {}
    first = 1
    for pivot in writer.blocks.pivots:
        found = list(writer.hessian_blocks(pivot))
        groups[f"{HESSIAN}{pivot.output}"] = tuple(
            replace(each, id=f"H{number}", kind="hessian") for number, each in enumerate(found, start=first)
        )
        first += len(found)
    return groups


def split_at(derivation: Derivation) -> str:
    """Return the array at which the Gauss-Newton product splits the network from the loss."""
    network = {name for node in derivation.graph.network_nodes for name in (node.output, *node.operands.values())}
    found = (each.target.removeprefix("d").removesuffix(HAT) for each in derivation.second["gauss_newton"])
    return next(name for name in found if name in network)
