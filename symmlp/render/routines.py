"""What a module computes beyond loss and gradient, as lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from symmlp.calculus.tangent import HAT
from symmlp.derivation import Derivation
from symmlp.matrix import variables
from symmlp.printing.numpy import NumpyPrinter
from symmlp.program.ir import Program, Routine
from symmlp.render.contexts import RoutineText
from symmlp.render.layout import WIDTH, assignment, tuple_lines
from symmlp.render.statements import PROPAGATE, Writer, reading
from symmlp.second_order import split_at


def beyond_fields(program: Program, derivation: Derivation, forward: str = PROPAGATE) -> dict[str, Any]:
    """Return the fields that the templates of all targets use for it; `forward` is what the forward pass is called."""
    writer = Writer(derivation, NumpyPrinter(program.names))
    return {
        "needs_direction": any(not each.name.startswith("jacobian") for each in program.routines),
        "almost_everywhere": derivation.almost_everywhere,
        "penalized": bool(derivation.graph.penalties),
        "gauss_newton_at": _gauss_newton_at(derivation),
        "routines": tuple(_routine_text(routine, program, writer, forward) for routine in program.routines),
    }


def _routine_text(routine: Routine, program: Program, writer: Writer, forward: str) -> RoutineText:
    """Return a routine as lines; the parts of v are named after the parameters that they move."""
    if routine.name.startswith("jacobian"):
        lines = tuple(reading(program, routine.statements, forward=forward)) if routine.statements else ()
        return RoutineText(routine.name, lines, tuple(writer.statements(routine.statements)), tuple(_rows(routine)))
    read = {name for statement in routine.statements for name in variables(statement.value)}
    names = [each.name if each.name in read else f"_{each.name}" for each in routine.along]
    lines = (*reading(program, routine.statements, forward=forward), *assignment(names, "unpack(v)"))
    return RoutineText(routine.name, lines, tuple(writer.statements(routine.statements)), tuple(_result(routine)))


def _result(routine: Routine) -> list[str]:
    if routine.name == "jvp":
        return [f"return {routine.results[0]}"]
    one = f"return pack([{', '.join(routine.results)}])"
    if len(one) + 4 <= WIDTH:
        return [one]
    return ["parts = [", *(f"    {name}," for name in routine.results), "]", "return pack(parts)"]


def _rows(routine: Routine) -> list[str]:
    if routine.name == "jacobian_of_inputs":
        return [f"return {routine.results[0]}"]
    return [*tuple_lines("parts = ", routine.results), "return np.concatenate(parts, axis=1)"]


def _gauss_newton_at(derivation: Derivation) -> str:
    """Return the array at which the Gauss-Newton product splits the network from the loss, or an empty text."""
    return split_at(derivation) if "gauss_newton" in derivation.second else ""


def second_order_rows(program: Program) -> Iterator[tuple[str, str, str]]:
    """Yield the rows of the notation table that tangents need."""
    if any(routine.name.startswith("jacobian") for routine in program.routines):
        yield "J_V", "", "∂P/∂V, a row for each sample and unit of P"
    if any(name.endswith("_dot") for routine in program.routines for name in (each.name for each in routine.along)):
        yield "V_dot", "as V", "V\u0307, the derivative of V along the direction v"
    if any(name.endswith(HAT) for routine in program.routines for name in routine.results):
        yield "dV_hat", "as V", "the same for dV with the network linearized"
