"""The buffered style: calls that write into a planned workspace, the equations above them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from symmlp.catalog.sample_weights import NUMBER
from symmlp.derivation import Derivation
from symmlp.matrix import Call, Size, Var, shape_text, sizes_used, walk
from symmlp.printing.formula import FormulaPrinter
from symmlp.printing.numpy_out import OutPrinter
from symmlp.printing.text import TextStyle
from symmlp.program.cost import cost_of
from symmlp.program.instructions import Instruction
from symmlp.program.ir import Program, Statement
from symmlp.program.update_plan import plan_update
from symmlp.program.workspace import Group, Plan, Slotted, columns_of
from symmlp.render.contexts import BufferedContext, Dtype
from symmlp.render.layout import WIDTH, assignment, broken_call, comment_lines, table_lines
from symmlp.render.module import forward_fields, shared
from symmlp.render.numbers import Numbers
from symmlp.render.planned_optimizers import buffered_optimizer
from symmlp.render.routines import beyond_fields


def buffered_context(plain: Program, plan: Plan, derivation: Derivation, dtype: Dtype, version: str) -> BufferedContext:
    """Return what the buffered template uses; `plain` has what lies beyond the gradient, a line an equation."""
    program = plan.sequenced.program
    writer = _Writer(plan, frozenset(each.name for each in derivation.graph.statistics))
    forward = tuple(writer.section(program.forward, plan.forward))
    loss = tuple(writer.section(program.losses, plan.loss))
    backward = tuple(writer.section(program.backward, plan.backward))
    return BufferedContext(
        **shared(
            replace(program, routines=plain.routines),
            derivation,
            "numpy/buffered",
            dtype,
            version,
            cost_of(plan, blocked=True, dtype=dtype, optimizer=derivation.network.optimizer),
        ),
        **_plain_fields(plain, derivation),
        **beyond_fields(plain, derivation, PLAIN_FORWARD),
        tables=tuple(_tables(plan)),
        forward_reading=tuple(_unpacking(program, plan.forward)),
        loss_arguments="w, parameters" if _reads_parameters(program, plan.loss) else "w",
        loss_reading=tuple(_unpacking(program, plan.loss) if _reads_parameters(program, plan.loss) else ()),
        backward_reading=tuple(_unpacking(program, plan.backward)),
        gradient_unpacking=tuple(assignment(program.gradients, "gradient")),
        forward=forward,
        loss=loss,
        backward=backward,
        numbers=tuple(writer.numbers.lines()),
        ones=tuple(sorted(writer.ones)),
        reading=tuple(_reading(plan)),
        prediction=writer.whole(_prediction(plan)),
        optimizers=tuple(buffered_optimizer(plan_update(update)) for update in program.updates),
    )


PLAIN_FORWARD = "activations"
"""What the forward pass of the routines beyond the gradient is called, which has arrays of its own."""


def _plain_fields(plain: Program, derivation: Derivation) -> dict[str, Any]:
    """Return the fields of the forward pass that the routines beyond the gradient begin with; empty without them."""
    if not plain.routines:
        names = ("functions", "masks_unpacking", "plain_unpacking", "plain_forward", "plain_result")
        return {"error_functions": None, **dict.fromkeys(names, ())}
    lines = [*plain.forward, *(each for routine in plain.routines for each in routine.statements)]
    called = {part.function for line in lines for part in walk(line.value) if isinstance(part, Call)}
    needed = replace(plain, functions=tuple(each for each in plain.functions if each.call in called))
    fields = forward_fields(needed, derivation)
    return {
        **{name: fields[name] for name in ("error_functions", "functions", "masks_unpacking")},
        "plain_unpacking": fields["unpacking"],
        "plain_forward": fields["forward"],
        "plain_result": fields["forward_result"],
    }


def _unpacking(program: Program, groups: Iterable[Group]) -> list[str]:
    """Return the line that names the parameters; those that nothing reads after it are marked so."""
    read = {name for group in groups for each in group.instructions for name in each.reads}
    names = [each.name if each.name in read else f"_{each.name}" for each in program.parameters]
    return assignment(names, "parameters")


def _reads_parameters(program: Program, groups: Iterable[Group]) -> bool:
    read = {name for group in groups for each in group.instructions for name in each.reads}
    return any(each.name in read for each in program.parameters)


def _prediction(plan: Plan) -> str:
    found = plan.sequenced.places.get(plan.sequenced.program.prediction)
    return found.name if isinstance(found, Var) else plan.sequenced.program.prediction


def _used_by_rows(plan: Plan) -> set[str]:
    return {name for group in plan.groups if group.by_rows for name in group.arrays}


def _tables(plan: Plan) -> Iterator[str]:
    """Yield the tables that say where every array lies."""
    program, by_rows = plan.sequenced.program, _used_by_rows(plan)
    given = {each.name: columns_of(each) for each in (*program.inputs, *program.drawn) if each.name in by_rows}
    yield from table_lines("SLOTS", plan.slots)
    yield from table_lines("CONDITION_SLOTS", plan.condition_slots)
    yield from table_lines("ARRAYS", _places(plan.arrays, is_condition=False))
    yield from table_lines("CONDITIONS", _places(plan.arrays, is_condition=True))
    yield from table_lines("KEPT_INPUTS", given)
    yield from table_lines("VECTORS", {each.name: each.shape for each in plan.vectors})
    yield from table_lines("CONDITION_VECTORS", {each.name: each.shape for each in plan.condition_vectors})
    if program.drawn:
        yield from table_lines("DRAWN", tuple(each.name for each in program.drawn))
    yield "# Loops: rows in a block, the arrays, and the terms and conditions of one block."
    yield from table_lines("BLOCKS", {group.name: _block(group) for group in plan.groups if group.by_rows})


def _reading(plan: Plan) -> Iterator[str]:
    """Yield the lines that take in a batch; X comes without Y for a prediction, and Y may be the workspace's own."""
    program, by_rows = plan.sequenced.program, _used_by_rows(plan)
    drawn = [each.name for each in program.drawn]
    if drawn:
        yield from assignment(drawn, "KEEP_ALL if masks is None else masks", indent=8)
    for name in (*(each.name for each in program.inputs), *drawn):
        if name in by_rows and name == "Y":
            yield "if Y is not None and Y is not self.Y:"
            yield "    np.copyto(self.Y, Y)"
        elif name in by_rows and name == NUMBER.name:
            yield f"if {name} is not None:"
            yield f"    np.copyto(self.{name}, {name})"
        else:
            yield f"np.copyto(self.{name}, {name})" if name in by_rows else f"self.{name} = {name}"


def _places(arrays: Iterable[Slotted], *, is_condition: bool) -> dict[str, tuple[int, int]]:
    return {each.name: (each.slot, each.columns) for each in arrays if each.is_condition == is_condition}


def _block(group: Group) -> tuple[Any, ...]:
    terms, conditions = (_places(group.scratch, is_condition=kind) for kind in (False, True))
    return group.rows, group.arrays, terms, conditions


@dataclass(frozen=True)
class _Writer:
    """Writes groups: equations as comments, a loop over blocks of rows around what runs by row.

    `held` are the arrays that prediction replaces by their running values. `numbers` and `ones`, the lengths of columns
    of ones, are those that the lines written so far need.
    """

    plan: Plan
    held: frozenset[str] = frozenset()
    numbers: Numbers = field(default_factory=Numbers)
    ones: set[int] = field(default_factory=set)

    def section(self, statements: Sequence[Statement], groups: Sequence[Group]) -> Iterator[str]:
        """Yield the lines of one section; every statement's equation stands above the first line that it needs."""
        lines = list(self.lines(statements, groups))
        every = (each for group in groups for each in group.instructions)
        single = (each for each in every if not each.target.shape or each.operation == "copy")
        if any("N" in sizes_used(operand) for each in single for operand in each.operands):
            yield "N = w.N"
        yield from lines

    def lines(self, statements: Sequence[Statement], groups: Sequence[Group]) -> Iterator[str]:
        """Yield the loops and lines of the groups."""
        waiting = _Waiting(statements)
        last = {each.target.name: each for group in groups for each in group.instructions}
        finishing = {name: last[name] for name in waiting.targets if name in last}
        for group in groups:
            if group.by_rows:
                yield from self.equations(waiting.before(group.instructions[0].id))
                yield from _loop(group)
            inside = self.inside(group) if group.by_rows else self.whole
            for each in group.instructions:
                pad = "    " if group.by_rows else ""
                yield from (pad + line for line in self.equations(waiting.through(each.id)))
                is_last = finishing.get(each.target.name) is each
                yield from (pad + line for line in _call(each, self.printer(inside), is_last, len(pad)))
                if is_last and each.target.name in self.held:
                    yield f'w.{each.target.name}[...] = w.running.get("{each.target.name}", w.{each.target.name})'
        yield from self.equations(waiting.rest())

    def printer(self, place: Callable[[str], str]) -> OutPrinter:
        """Return what prints instructions whose arrays are written so."""
        return OutPrinter(place, lambda node: f"w.{self.numbers.name(node)}", self.column_of_ones)

    def column_of_ones(self, size: Size) -> str:
        """Return how ones are written: one a sample, or a column of so many."""
        if not isinstance(size, int):
            return "w.ones"
        self.ones.add(size)
        return f"w.ones_{size}"

    def equations(self, statements: Iterable[Statement]) -> Iterator[str]:
        """Yield the equations of statements as comments."""
        for statement in statements:
            yield from self.equation(statement)

    def equation(self, statement: Statement) -> Iterator[str]:
        """Yield an equation as a comment; one that needs no line of its own says where its value lies."""
        assert statement.formula is not None
        formula = FormulaPrinter(TextStyle()).node(statement.formula)
        yield from comment_lines(f"{statement.id}  {TextStyle().name(statement.subject)} = {formula}")
        place = self.plan.sequenced.places.get(statement.target.name)
        if isinstance(place, Var):
            yield f"#     {statement.target.name} is {place.name}"

    def whole(self, name: str) -> str:
        """Return how an array is written outside of loops."""
        return name if name in self.bare else f"w.{name}"

    @cached_property
    def bare(self) -> frozenset[str]:
        """The names that no workspace holds: parameters, constants, gradients, and numbers that no section hands on."""
        program = self.plan.sequenced.program
        own = (each.name for each in (*program.parameters, *program.constants))
        scalars = (each.target.name for each in self.plan.sequenced.instructions if not each.target.shape)
        handed = {name for group in self.plan.backward for each in group.instructions for name in each.reads}
        made = {each.target.name for group in self.plan.loss for each in group.instructions}
        return frozenset((*own, *program.gradients, *scalars)) - (made & handed)

    def inside(self, group: Group) -> _Inside:
        """Return how an array is written in the loop of a group."""
        return _Inside(self, {*group.arrays, *(each.name for each in group.scratch)})


@dataclass(frozen=True)
class _Inside:
    writer: _Writer
    bare: set[str]

    def __call__(self, name: str) -> str:
        return name if name in self.bare else self.writer.whole(name)


class _Waiting:
    """The statements of a section in order, each given out once: when the first line that needs its equation comes."""

    def __init__(self, statements: Sequence[Statement]) -> None:
        self.statements = statements
        self.targets = [each.target.name for each in statements]
        self.places = {each.id: at for at, each in enumerate(statements)}
        self.given = 0

    def before(self, id: str) -> Sequence[Statement]:
        """Give out what stands before the statement `id`."""
        return self._until(self.places.get(id, 0))

    def through(self, id: str) -> Sequence[Statement]:
        """Give out what stands before the statement `id`, and that one."""
        return self._until(self.places.get(id, -1) + 1)

    def rest(self) -> Sequence[Statement]:
        """Give out what is left."""
        return self._until(len(self.statements))

    def _until(self, end: int) -> Sequence[Statement]:
        given, self.given = self.given, max(self.given, end)
        return self.statements[given : self.given]


def _call(each: Instruction, printer: OutPrinter, shows_shape: bool, indent: int) -> list[str]:
    """Return the lines of an instruction, the shape behind the one that finishes an equation."""
    lines = printer.line(each).split("\n")
    broken = [part for line in lines for part in broken_call(line, WIDTH - 4 - indent)]
    shape = f"  # {shape_text(each.target.shape)}"
    if shows_shape and len(broken[-1]) + len(shape) + 4 + indent <= WIDTH:
        broken[-1] += shape
    return broken


def _loop(group: Group) -> list[str]:
    names = [*group.arrays, *(each.name for each in group.scratch if not each.is_condition)]
    names += [each.name for each in group.scratch if each.is_condition]
    one = ", ".join(names) if len(names) > 1 else f"({names[0]},)"
    line = f"for {one} in w.{group.name}:"
    if len(line) + 4 <= WIDTH:
        return [line]
    return ["for (", *(f"    {name}," for name in names), f") in w.{group.name}:"]
