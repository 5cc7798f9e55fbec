"""Statements as lines: the equation as a comment, the assignment, its shape; and what a block of them reads first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from symmlp.calculus.matrix_form import PRIME
from symmlp.derivation import Derivation
from symmlp.matrix import Call, Var, shape_of, shape_text, sizes_used, variables, walk
from symmlp.printing.formula import FormulaPrinter
from symmlp.printing.numpy import NumpyPrinter
from symmlp.printing.text import TextStyle
from symmlp.program.ir import Function, Program, Statement
from symmlp.program.passes import replaced
from symmlp.render.contexts import FunctionText
from symmlp.render.functions import function_text
from symmlp.render.layout import WIDTH, assignment, call_lines, comment_lines

PROPAGATE = "propagate"
"""What the forward pass is called in a module that has a line an equation."""


@dataclass(frozen=True)
class Writer:
    """Writes statements: the equation as a comment, the line, its shape."""

    derivation: Derivation
    printer: NumpyPrinter

    @property
    def held(self) -> set[str]:
        """The arrays that prediction replaces by their running values."""
        return {each.name for each in self.derivation.graph.statistics}

    def statements(self, statements: Iterable[Statement]) -> Iterator[str]:
        """Yield the lines of statements one after the other."""
        for statement in statements:
            formula = FormulaPrinter(TextStyle()).node(statement.formula) if statement.formula is not None else ""
            yield from comment_lines(f"{statement.id}  {TextStyle().name(statement.subject)} = {formula}")
            yield from self._assigned(statement)
            if statement.target.name in self.held:
                yield f'{statement.target.name} = running.get("{statement.target.name}", {statement.target.name})'

    def _assigned(self, statement: Statement) -> Iterator[str]:
        """Yield the assignment with its shape behind it, or above where the line would be too long.

        A call that makes it too long by itself is named `slope` first, its arguments on a line of their own.
        """
        name, shape = statement.target.name, shape_text(statement.target.shape)
        line = f"{name} = {self.printer.text(statement.value)}"
        if len(line) + len(shape) + 8 <= WIDTH:
            yield f"{line}  # {shape}"
            return
        calls = [part for part in walk(statement.value) if isinstance(part, Call) and len(part.arguments) > 1]
        if len(line) + 4 > WIDTH and calls:
            call = max(calls, key=lambda each: len(self.printer.text(each)))
            yield from call_lines("slope = ", self.printer.text(call))
            line = f"{name} = {self.printer.text(replaced(statement.value, call, Var('slope', shape_of(call))))}"
            yield f"{line}  # {shape}"
            return
        yield f"# shape {shape}"
        yield line

    def function(self, function: Function) -> FunctionText:
        """Return a function of the module."""
        return function_text(function, self.derivation.functions[function.call.removesuffix(PRIME)], self.printer)


def size_reading(statements: Iterable[Statement]) -> Iterator[str]:
    """Yield the line that gives N, if some statement needs it."""
    if any("N" in sizes_used(statement.value) for statement in statements):
        yield "N = X.shape[0]"


def reading(
    program: Program,
    statements: Iterable[Statement],
    *,
    also: Sequence[str] = (),
    given: Sequence[str] = (),
    forward: str = PROPAGATE,
) -> Iterator[str]:
    """Yield the lines that fetch what `statements` read: N, parameters by name, then what the forward pass made.

    `also` are further arrays that are read, `given` further arguments of the forward pass, which is called `forward`.
    """
    statements = tuple(statements)
    yield from size_reading(statements)
    read = {*also} | {name for statement in statements for name in variables(statement.value)}
    weights = [each.name for each in program.parameters if each.name in read]
    if program.drawn and read & {array.name for array in program.drawn}:
        yield from masks_unpacking(program, read)
    if weights:
        yield "parameters = unpack(theta)"
        yield from (f"{name} = parameters.{name}" for name in weights)
    made = [each.target.name for each in program.forward]
    first = next((at for at, name in enumerate(made) if name in read), None)
    if first is None:
        return
    names = [name if name in read else f"_{name}" for name in made[first:]]
    arguments = ", ".join(["theta", "X", *(["masks"] if program.drawn else []), *given])
    yield from assignment(["*_", *names] if first else names, f"{forward}({arguments})")


def gradient_result(program: Program) -> list[str]:
    """Return the line that ends `_loss_and_grad`, broken where it would be too long."""
    one = f"return L, pack([{', '.join(program.gradients)}], out)"
    if len(one) + 4 <= WIDTH:
        return [one]
    return ["gradients = [", *(f"    {name}," for name in program.gradients), "]", "return L, pack(gradients, out)"]


def masks_unpacking(program: Program, read: set[str]) -> list[str]:
    """Return the line that names the masks; those that are not `read` after it are marked so."""
    names = [array.name if array.name in read else f"_{array.name}" for array in program.drawn]
    return assignment(names, "KEEP_ALL if masks is None else masks") if names else []
