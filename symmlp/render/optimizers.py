"""Optimizer classes of the module."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from symmlp.matrix import Node, variables
from symmlp.printing.formula import FormulaPrinter
from symmlp.printing.numpy import NumpyPrinter
from symmlp.printing.text import TextStyle
from symmlp.program.instructions import Instruction
from symmlp.program.ir import Update
from symmlp.program.update_plan import UpdatePlan
from symmlp.render.contexts import OptimizerText
from symmlp.render.layout import product_lines


def optimizer_text(update: Update) -> OptimizerText:
    """Return an optimizer class of the module."""
    symbols = [name for name, _ in update.defaults]
    read = {name for statement in update.statements for name in variables(statement.value)}
    reading = [f"{name} = self.{name}" for name in (*symbols, *update.state, "t") if name in read]
    return OptimizerText(
        name=update.name,
        class_name=update.class_name,
        title=update.title,
        defaults=", ".join(f"{name}={value!r}" for name, value in update.defaults),
        hyperparameters=tuple(f'self.{name} = {check_of(name)}("{name}", {name})' for name in symbols),
        state=update.state,
        reading=tuple(reading),
        lines=tuple(_update_lines(update)),
    )


def check_of(hyperparameter: str) -> str:
    """Return the name of the check that a hyperparameter must pass."""
    return "_fraction" if hyperparameter.startswith("beta") else "_positive"


def _update_lines(update: Update) -> Iterator[str]:
    text, code = FormulaPrinter(TextStyle(), entrywise=True), NumpyPrinter()
    for statement in update.statements:
        assert statement.formula is not None
        yield f"# {statement.id}  {TextStyle().name(statement.target.name)} ← {text.node(statement.formula)}"
        kept = "[:]" if statement.target.name in (*update.state, "theta") else ""
        yield f"{statement.target.name}{kept} = {code.text(statement.value)}"


def scale_notes(scales: Iterable[tuple[str, Node]]) -> Iterator[str]:
    """Yield what the vectors of the state are of those in the equations."""
    text = FormulaPrinter(TextStyle(), entrywise=True)
    for name, scale in scales:
        yield f"{name} holds {name} / ({text.node(scale)}) of the equations"


def number_lines(name: str, node: Node, indent: int) -> list[str]:
    """Return the assignment of a number; by math, as a NumPy scalar would widen float32 arrays."""
    return product_lines(f"{name} = ", NumpyPrinter().text(node).replace("np.", "math."), indent=indent)


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
