"""The plan of a program's memory: which instructions run together on blocks of rows, and which arrays share memory.

Instructions that work on each sample by itself are grouped; a group runs over blocks of rows small enough for the
processor's cache, and terms that only the group reads exist for one block at a time. Arrays that outlive their group
have a slot; a slot is given to the next array when the one before is read for the last time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from symmlp.errors import ProgramError
from symmlp.matrix import Node, Size, Var, rebuild
from symmlp.program.instructions import Instruction, Sequenced

BLOCK = 16384
"""Entries of the widest array in a block of rows: 64 kB in float32."""

NOT_BY_ROW = ("matmul", "sum_0", "max_0", "sum_all", "max_all", "join_0")
"""Operations whose result in a row depends on other rows, or that a library does best on the whole batch."""


@dataclass(frozen=True)
class Slotted:
    """An array of one row a sample in the workspace: which slot it lies in, and its number of columns."""

    name: str
    slot: int
    columns: int
    is_condition: bool = False


@dataclass(frozen=True)
class Group:
    """Instructions that run on the same block of rows; `arrays` outlive the group, `scratch` does not.

    The group is called after the equation that it starts with. A group with `by_rows` unset is a single instruction on
    whole arrays.
    """

    instructions: tuple[Instruction, ...]
    by_rows: bool
    name: str = ""
    arrays: tuple[str, ...] = ()
    scratch: tuple[Slotted, ...] = ()
    rows: int = 0


@dataclass(frozen=True)
class Plan:
    """A program's groups in order, and where its arrays lie.

    `slots` are numbers of columns; `arrays` lie in them. `vectors` have no row a sample, each has memory of its own.
    """

    sequenced: Sequenced
    forward: tuple[Group, ...]
    loss: tuple[Group, ...]
    backward: tuple[Group, ...]
    slots: tuple[int, ...]
    condition_slots: tuple[int, ...]
    arrays: tuple[Slotted, ...]
    vectors: tuple[Var, ...]
    condition_vectors: tuple[Var, ...]

    @property
    def groups(self) -> tuple[Group, ...]:
        """All groups in order."""
        return (*self.forward, *self.loss, *self.backward)

    def check(self) -> Plan:
        """Return the plan itself, proven: no array is written while another that is still read lies in its memory.

        Raises:
            ProgramError: which array is lost, and to which.
        """
        place = {each.name: (each.is_condition, each.slot) for each in self.arrays}
        content: dict[tuple[bool, int], str] = {}
        for each in (each for group in self.groups for each in group.instructions):
            for name in sorted(each.reads & place.keys()):
                if content.get(place[name]) != name:
                    raise ProgramError(f"{name} is lost to {content.get(place[name])}: equation {each.id}")
            if each.target.name in place:
                content[place[each.target.name]] = each.target.name
        return self


def plan(sequenced: Sequenced) -> Plan:
    """Return where and in which groups a program runs."""
    sections = [_coalesced(part, sequenced) for part in (sequenced.forward, sequenced.loss, sequenced.backward)]
    groups = [list(_grouped(part)) for part in sections]
    ends = _ends([group for part in groups for group in part], sequenced, len(groups[0]))
    memory = _Memory(sequenced, ends)
    number = 0
    planned: list[tuple[Group, ...]] = []
    for part in groups:
        planned.append(tuple(memory.place(group, number + at) for at, group in enumerate(part)))
        number += len(part)
    forward, loss, backward = planned
    return Plan(
        sequenced,
        forward,
        loss,
        backward,
        tuple(memory.slots[False]),
        tuple(memory.slots[True]),
        tuple(memory.arrays.values()),
        tuple(memory.vectors[False].values()),
        tuple(memory.vectors[True].values()),
    ).check()


def rows_of(array: Var) -> bool:
    """Return whether the array has one row a sample."""
    return len(array.shape) == 2 and array.shape[0] == "N"


def columns_of(array: Var) -> int:
    """Return the number of columns of an array with one row a sample."""
    return _number(array.shape[1])


def _number(size: Size) -> int:
    if not isinstance(size, int):
        raise ProgramError(f"size {size} is no number yet; expected one to plan memory with")
    return size


def _is_by_row(each: Instruction) -> bool:
    return rows_of(each.target) and each.operation not in NOT_BY_ROW


def _coalesced(instructions: Sequence[Instruction], sequenced: Sequenced) -> list[Instruction]:
    """Let a term that only one instruction reads, entry by entry, lie where that instruction's result will.

    t = X @ W.T;  Z = t + b   =>   Z = X @ W.T;  Z = Z + b
    """
    uses: dict[str, int] = {}
    for each in sequenced.instructions:
        for name in each.reads:
            uses[name] = uses.get(name, 0) + 1
    made = {each.target.name: each for each in instructions}
    own = {*sequenced.program.gradients, *(each.name for each in sequenced.program.inputs)}
    names: dict[str, Var] = {}
    result: list[Instruction] = []
    for each in reversed(instructions):
        target = names.get(each.target.name, each.target)
        if _is_by_row(each) and target.name not in own and not each.is_condition:
            operand = next(filter(None, (_taken(each, one, made, uses) for one in each.operands)), None)
            if operand is not None:
                names[operand.name] = target
        result.append(replace(each, target=target))
    return [replace(each, operands=tuple(_named(one, names) for one in each.operands)) for each in reversed(result)]


def _taken(reader: Instruction, operand: Node, made: Mapping[str, Instruction], uses: Mapping[str, int]) -> Var | None:
    """Return the operand if its memory can become the result's."""
    if not isinstance(operand, Var) or operand.shape != reader.target.shape or operand.name not in made:
        return None
    is_its_own = reader.operation in ("where",) or made[operand.name].is_condition
    return None if is_its_own or uses[operand.name] > 1 or not operand.name.endswith("t") else operand


def _named(node: Node, names: Mapping[str, Var]) -> Node:
    if isinstance(node, Var):
        return names.get(node.name, node)
    return rebuild(node, lambda operand: _named(operand, names))


def _grouped(instructions: Iterable[Instruction]) -> Iterator[Group]:
    """Yield runs of instructions that work row by row, every other instruction by itself."""
    run: list[Instruction] = []
    for each in instructions:
        if _is_by_row(each):
            run.append(each)
            continue
        if run:
            yield Group(tuple(run), by_rows=True)
            run = []
        yield Group((each,), by_rows=False)
    if run:
        yield Group(tuple(run), by_rows=True)


def _ends(groups: Sequence[Group], sequenced: Sequenced, forward: int) -> dict[str, int]:
    """Return the number of the last group that reads or makes each array; the prediction outlives the pass forward."""
    ends: dict[str, int] = {}
    for number, group in enumerate(groups):
        for each in group.instructions:
            for name in (*each.reads, each.target.name):
                ends[name] = number
    prediction = sequenced.places.get(sequenced.program.prediction)
    name = prediction.name if isinstance(prediction, Var) else sequenced.program.prediction
    ends[name] = max(ends.get(name, 0), forward)
    return ends


class _Memory:
    """Gives arrays their slots, group by group."""

    def __init__(self, sequenced: Sequenced, ends: Mapping[str, int]) -> None:
        program = sequenced.program
        self.ends = ends
        self.given = {each.name: each for each in (*program.inputs, *program.drawn)}
        self.gradients = set(program.gradients)
        self.prediction = sequenced.places.get(program.prediction, Var(program.prediction, ()))
        self.slots: dict[bool, list[int]] = {False: [], True: []}
        self.free: dict[bool, list[int]] = {False: [], True: []}
        self.arrays: dict[str, Slotted] = {}
        self.vectors: dict[bool, dict[str, Var]] = {False: {}, True: {}}
        self.names: dict[str, int] = {}

    def name(self, group: Group) -> str:
        """Return a name of its own for a group: rows_F1, and rows_F1_2 where that is taken."""
        plain = f"rows_{group.instructions[0].id}"
        self.names[plain] = count = self.names.get(plain, 0) + 1
        return plain if count == 1 else f"{plain}_{count}"

    def place(self, group: Group, number: int) -> Group:
        """Return the group with its arrays and its scratch, memory given to what is new in it."""
        targets = {each.target.name: each for each in group.instructions}
        local = {name for name in targets if self.is_local(name, number, group)}
        for name, each in targets.items():
            if name not in local and name not in self.gradients:
                self.give(each)
        scratch = _scratch(group, local)
        used = dict.fromkeys(
            name for each in group.instructions for name in (*sorted(each.reads), each.target.name) if name not in local
        )
        arrays = tuple(name for name in used if name in self.arrays or name in self.given)
        for name in used:
            if self.ends[name] == number and name in self.arrays:
                self.release(self.arrays[name])
        if not group.by_rows:
            return group
        widest = max(columns_of(each.target) for each in group.instructions)
        rows = max(1, BLOCK // widest)
        return replace(group, name=self.name(group), arrays=arrays, scratch=scratch, rows=rows)

    def is_local(self, name: str, number: int, group: Group) -> bool:
        """Return whether an array is made in this group for the first time and read nowhere else."""
        is_prediction = isinstance(self.prediction, Var) and self.prediction.name == name
        return group.by_rows and name not in self.arrays and self.ends[name] == number and not is_prediction

    def give(self, each: Instruction) -> None:
        """Give an array memory: the free slot that fits best, the widest one made wider, or a new one."""
        target = each.target
        if target.name in self.arrays or not target.shape:
            return
        if not rows_of(target):
            self.vectors[each.is_condition].setdefault(target.name, target)
            return
        columns, kind = columns_of(target), each.is_condition
        slots, free = self.slots[kind], self.free[kind]
        fitting = [slot for slot in free if slots[slot] >= columns]
        if fitting:
            slot = min(fitting, key=lambda at: (slots[at], at))
        elif free:
            slot = max(free, key=lambda at: (slots[at], -at))
            slots[slot] = columns
        else:
            slot = len(slots)
            slots.append(columns)
        if slot in free:
            free.remove(slot)
        self.arrays[target.name] = Slotted(target.name, slot, columns, kind)

    def release(self, array: Slotted) -> None:
        """Let the slot be given again, from the next group on."""
        if array.slot not in self.free[array.is_condition]:
            self.free[array.is_condition].append(array.slot)


def _scratch(group: Group, local: set[str]) -> tuple[Slotted, ...]:
    """Return memory for the terms that exist for one block at a time, used again as soon as nothing reads it."""
    last = {name: at for at, each in enumerate(group.instructions) for name in (*each.reads, each.target.name)}
    slots: dict[bool, list[int]] = {False: [], True: []}
    free: dict[bool, list[int]] = {False: [], True: []}
    placed: dict[str, Slotted] = {}
    for at, each in enumerate(group.instructions):
        target, kind = each.target, each.is_condition
        if target.name in local and target.name not in placed:
            columns = columns_of(target)
            same = [slot for slot in free[kind] if slots[kind][slot] == columns]
            if same:
                slot = same[0]
                free[kind].remove(slot)
            else:
                slot = len(slots[kind])
                slots[kind].append(columns)
            placed[target.name] = Slotted(target.name, slot, columns, kind)
        for name in dict.fromkeys((*sorted(each.reads), target.name)):
            if name in placed and last[name] == at:
                free[placed[name].is_condition].append(placed[name].slot)
    return tuple(placed.values())
