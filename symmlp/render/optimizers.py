"""Optimizer classes of the module."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from symmlp.catalog.parameters import Parameter
from symmlp.matrix import Node, Number, Power, variables
from symmlp.printing.formula import FormulaPrinter
from symmlp.printing.numpy import ATOM, NumpyPrinter
from symmlp.printing.text import TextStyle
from symmlp.program.instructions import Instruction
from symmlp.program.ir import Update
from symmlp.program.update_plan import UpdatePlan
from symmlp.render.contexts import OptimizerText
from symmlp.render.layout import product_lines


def optimizer_text(update: Update) -> OptimizerText:
    """Return an optimizer class of the module."""
    symbols = [each.name for each in update.optimizer.parameters]
    read = {name for statement in update.statements for name in variables(statement.value)}
    reading = [f"{name} = self.{name}" for name in (*symbols, *update.state, "t") if name in read]
    return OptimizerText(**head(update, "size"), reading=tuple(reading), lines=tuple(_update_lines(update)))


def head(update: Update, size: str) -> dict[str, Any]:
    """Return the fields of an `OptimizerHead`; `size` is how the number of parameters is written."""
    return {
        "name": update.name,
        "class_name": update.optimizer.class_name,
        "title": update.optimizer.title,
        "defaults": _defaults(update),
        "hyperparameters": _hyperparameters(update),
        "state": _made_state(update, size),
    }


def _defaults(update: Update) -> str:
    """Return the hyperparameters with their defaults, as a signature has them."""
    return ", ".join(f"{each.name}={float(each.default)!r}" for each in update.optimizer.parameters)


def _hyperparameters(update: Update) -> tuple[str, ...]:
    """Return the lines that check and keep the hyperparameters."""
    return tuple(
        f'self.{each.name} = {check_of(each)}("{each.name}", {each.name})' for each in update.optimizer.parameters
    )


def check_of(parameter: Parameter) -> str:
    """Return the name of the check that a hyperparameter must pass."""
    if parameter.above == 0 and parameter.below is None:
        return "_positive"
    return "_fraction" if parameter.below == 1 else NONNEGATIVE


NONNEGATIVE = "_nonnegative"


def takes_zero(updates: Iterable[Update]) -> bool:
    """Return whether a hyperparameter of one of the optimizers may be any number from 0 on."""
    return any(check_of(each) == NONNEGATIVE for update in updates for each in update.optimizer.parameters)


def _made_state(update: Update, size: str) -> tuple[tuple[str, str], ...]:
    """Return the vectors of the state, each with the expression that makes it."""
    made = []
    for symbol in update.optimizer.state:
        start = update.optimizer.start_of(symbol)
        filled = f"np.full({size}, {'self.' if start.is_Symbol else ''}{start}, dtype=DTYPE)"
        made.append((symbol.name, f"np.zeros({size}, dtype=DTYPE)" if start == 0 else filled))
    return tuple(made)


def _update_lines(update: Update) -> Iterator[str]:
    text, code = FormulaPrinter(TextStyle(), entrywise=True), NumpyPrinter()
    for statement in update.statements:
        assert statement.formula is not None
        yield f"# {statement.id}  {TextStyle().name(statement.target.name)} ← {text.node(statement.formula)}"
        kept = "[:]" if statement.target.name in (*update.state, "theta") else ""
        if statement.target.name in update.numbers:
            yield from number_lines(statement.target.name, statement.value, indent=8)
        else:
            yield from product_lines(f"{statement.target.name}{kept} = ", code.text(statement.value), indent=8)


def scale_notes(scales: Iterable[tuple[str, Node]]) -> Iterator[str]:
    """Yield what the vectors of the state are of those in the equations."""
    text = FormulaPrinter(TextStyle(), entrywise=True)
    for name, scale in scales:
        yield f"{name} holds {name} / ({text.node(scale)}) of the equations"


def number_lines(name: str, node: Node, indent: int) -> list[str]:
    """Return the assignment of a number; by math, as a NumPy scalar would widen float32 arrays."""
    return product_lines(f"{name} = ", NumberPrinter(NUMBERS).text(node), indent=indent)


NUMBERS = {name: f"math.{name}" for name in "exp log sqrt sin cos tan floor".split()} | {
    name: name for name in ("max", "min", "abs")
}
"""Functions of one number."""


class NumberPrinter(NumpyPrinter):
    """Prints single numbers as Python computes them."""

    def _reduce(self, kind: str, operand: Node, axis: int | None) -> tuple[str, int]:
        match kind, operand:
            case "sum", Power(base, Number(exponent)) if exponent == 2:
                return f"np.dot({self.text(base)}, {self.text(base)})", ATOM
            case _:
                return super()._reduce(kind, operand, axis)

    def _where(self, condition: Node, chosen: Node, otherwise: Node) -> tuple[str, int]:
        return f"{self.text(chosen)} if {self.text(condition, 0)} else {self.text(otherwise, ATOM)}", 0


def update_comments(plan: UpdatePlan) -> Iterator[tuple[list[str], tuple[Instruction, ...]]]:
    """Yield the instructions of each target, with the equations that they carry out as comments."""
    text = FormulaPrinter(TextStyle(), entrywise=True)
    waiting = list(plan.update.statements)
    for instructions in plan.instructions:
        comments, last = [], instructions[-1].id
        while any(statement.id == last for statement in waiting):
            statement = waiting.pop(0)
            assert statement.formula is not None
            name = TextStyle().name(statement.target.name)
            comments.append(f"# {statement.id}  {name} ← {text.node(statement.formula)}")
        yield comments, instructions
