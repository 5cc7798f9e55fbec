"""The program's records, and the check that shapes, order and assignments are sound."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from symmlp.catalog.optimizer import Optimizer
from symmlp.errors import ProgramError
from symmlp.matrix import Node, Shape, Var, shape_of, shape_text, variables


@dataclass(frozen=True)
class Statement:
    """`target = value`, standing for the equation `id`: `subject = formula`, in layer `layer`."""

    target: Var
    value: Node
    id: str = ""
    subject: str = ""
    formula: Node | None = None
    layer: int = 0

    def check(self, known: Mapping[str, Shape]) -> None:
        """Raise ProgramError unless all that is read is known with its shape, and the value has the target's shape."""
        place = f"statement {self.id or self.target.name}, layer {self.layer}"
        if self.target.name in known:
            raise ProgramError(f"{self.target.name} is assigned twice: {place}")
        for name in sorted(variables(self.value)):
            if name not in known:
                raise ProgramError(f"{self.target.name} reads {name}, which has no value yet: {place}")
        try:
            found = shape_of(self.value)
        except ProgramError as error:
            raise ProgramError(f"{error}: {place}") from None
        if found != self.target.shape:
            raise ProgramError(
                f"{self.target.name} is {shape_text(self.target.shape)}, its value is {shape_text(found)}: {place}"
            )


@dataclass(frozen=True)
class Function:
    """A function that the program calls: `call` in formulas, `name` in code; its statements work by entry or by row."""

    call: str
    name: str
    parameters: tuple[Var, ...]
    statements: tuple[Statement, ...]
    result: Node

    @property
    def lines(self) -> tuple[Node, ...]:
        """What each line computes, the result last."""
        return (*(statement.value for statement in self.statements), self.result)

    def check(self) -> None:
        """Raise ProgramError unless every line reads what stands before it, and the shapes fit."""
        known = {array.name: array.shape for array in self.parameters}
        check_sequence(self.statements, known)
        for name in sorted(variables(self.result)):
            if name not in known:
                raise ProgramError(f"the result of {self.call} reads {name}, which has no value yet")
        shape_of(self.result)


@dataclass(frozen=True)
class Update:
    """An optimizer's update equations in order; `numbers` are targets that are no vectors."""

    optimizer: Optimizer
    statements: tuple[Statement, ...]

    @property
    def name(self) -> str:
        """The optimizer's name."""
        return self.optimizer.name

    @property
    def state(self) -> tuple[str, ...]:
        """The vectors that are kept from one update to the next."""
        return tuple(symbol.name for symbol in self.optimizer.state)

    @property
    def numbers(self) -> frozenset[str]:
        """The targets that are single numbers."""
        return frozenset(symbol.name for symbol in self.optimizer.numbers)


@dataclass(frozen=True)
class Routine:
    """What is computed beyond loss and gradient: statements after the forward ones, and the arrays that it gives back.

    `along` are the parts of the vector that a product is taken with: the tangents of the parameters.
    """

    name: str
    along: tuple[Var, ...]
    statements: tuple[Statement, ...]
    results: tuple[str, ...]


@dataclass(frozen=True)
class Program:
    """What a module computes: forward, loss and backward statements, the functions called, the optimizers' updates.

    `drawn` are arrays that training draws for every batch, `constants` those that the spec gives, `routines` what was
    asked for beyond the gradient.
    """

    inputs: tuple[Var, ...]
    drawn: tuple[Var, ...]
    parameters: tuple[Var, ...]
    forward: tuple[Statement, ...]
    loss: Statement
    backward: tuple[Statement, ...]
    functions: tuple[Function, ...]
    updates: tuple[Update, ...]
    gradients: tuple[str, ...]
    prediction: str
    totals: tuple[Statement, ...] = ()
    routines: tuple[Routine, ...] = ()
    constants: tuple[Var, ...] = ()

    @property
    def losses(self) -> tuple[Statement, ...]:
        """What is made of prediction and targets: each sample's totals, if there are any, and the loss."""
        return (*self.totals, self.loss)

    @property
    def given(self) -> tuple[Var, ...]:
        """What is there before the first statement."""
        return (*self.inputs, *self.drawn, *self.constants, *self.parameters)

    @property
    def names(self) -> dict[str, str]:
        """The functions' names in code, by their names in formulas."""
        return {function.call: function.name for function in self.functions}

    @property
    def body(self) -> tuple[Statement, ...]:
        """Forward statements, what makes the loss, backward statements."""
        return (*self.forward, *self.losses, *self.backward)

    def check(self) -> Program:
        """Return the program itself, proven: shapes, order, single assignment, and a gradient for every parameter.

        Raises:
            ProgramError: what is wrong, in which statement.
        """
        known = {array.name: array.shape for array in self.given}
        check_sequence(self.body, known)
        made = {statement.target.name for statement in self.backward}
        for parameter, gradient in zip(self.parameters, self.gradients, strict=True):
            if gradient not in made:
                raise ProgramError(f"{parameter.name} has no gradient: nothing assigns {gradient}")
            if known[gradient] != parameter.shape:
                shapes = f"{shape_text(known[gradient])}, but {parameter.name} is {shape_text(parameter.shape)}"
                raise ProgramError(f"{gradient} is {shapes}")
        for function in self.functions:
            function.check()
        for routine in self.routines:
            self._check_routine(routine)
        return self

    def _check_routine(self, routine: Routine) -> None:
        known = {array.name: array.shape for array in (*self.given, *routine.along)}
        check_sequence((*self.forward, *routine.statements), known)
        for result in routine.results:
            if result not in known:
                raise ProgramError(f"{routine.name} gives back {result}, which nothing assigns")


def check_sequence(statements: Iterable[Statement], known: dict[str, Shape]) -> None:
    """Check statements one after the other, each knowing what stands before it."""
    for statement in statements:
        statement.check(known)
        known[statement.target.name] = statement.target.shape
