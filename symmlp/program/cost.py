"""What a training step costs: operations, bytes moved and memory, each affine in the number of samples N.

An operation is an addition, a multiplication, a division or a function of one entry; comparisons, choices and copies
are none. A matrix product of (a, b) and (b, c) has 2abc. Bytes are counted between memory and the processor's cache: in
the plain style every operation reads its operands and writes its result; where loops run on blocks or rows, an array
goes in and out once a loop, and terms that live for one block not at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod

from symmlp.matrix import Node, Shape, Var, shape_of, variables, walk
from symmlp.program.instructions import COMPARISONS, Instruction, sequence_update
from symmlp.program.ir import Update
from symmlp.program.update_plan import plan_update
from symmlp.program.workspace import Group, Plan
from symmlp.showing import html_table

FREE = frozenset({"copy", "where", "join_0", "join_1", *COMPARISONS.values()})
"""Operations that compute nothing."""

ITEMSIZE = {"float64": 8, "float32": 4}

KINDS = ("matrix products", "entry by entry", "reductions", "optimizer")


@dataclass(frozen=True)
class Amount:
    """`per_sample`·N + `fixed`."""

    per_sample: int = 0
    fixed: int = 0

    def __add__(self, other: Amount) -> Amount:
        """Return the sum."""
        return Amount(self.per_sample + other.per_sample, self.fixed + other.fixed)

    def times(self, factor: int) -> Amount:
        """Return the multiple."""
        return Amount(self.per_sample * factor, self.fixed * factor)

    def at(self, N: int) -> int:
        """Return the number for N samples."""
        return self.per_sample * N + self.fixed

    @property
    def text(self) -> str:
        """The formula in N."""
        parts = [f"{self.per_sample:,} N"] if self.per_sample else []
        parts += [f"{self.fixed:,}"] if self.fixed or not parts else []
        return " + ".join(parts)


@dataclass(frozen=True)
class Cost:
    """What one step with an optimizer costs: operations by kind, bytes moved by kind, bytes of memory."""

    operations: dict[str, Amount]
    moved: dict[str, Amount]
    workspace: Amount
    parameters: int
    optimizer_state: int
    optimizer: str

    @property
    def all_operations(self) -> Amount:
        """The operations of a step."""
        return total(self.operations.values())

    @property
    def all_moved(self) -> Amount:
        """The bytes that a step moves."""
        return total(self.moved.values())

    def floor_share(self, N: int) -> float:
        """Return which part of a step's operations are those of the matrix products."""
        return self.operations["matrix products"].at(N) / self.all_operations.at(N)

    def _repr_html_(self) -> str:
        amounts = (("operations", self.operations, self.all_operations), ("bytes moved", self.moved, self.all_moved))
        rows = [row for what, parts, whole in amounts for row in ((what, "all", whole.text), *_rows(parts))]
        rows.append(("bytes of memory", "workspace", self.workspace.text))
        rows.append(("", "parameters, gradient", f"{self.parameters:,}"))
        rows.append(("", f"state of {self.optimizer}", f"{self.optimizer_state:,}"))
        return html_table("a training step of N samples", ("what", "part", "formula in N"), rows)


def _rows(parts: Mapping[str, Amount]) -> Iterator[tuple[str, str, str]]:
    yield from (("", name, amount.text) for name, amount in parts.items())


def total(amounts: Iterable[Amount]) -> Amount:
    """Return the sum of amounts."""
    result = Amount()
    for amount in amounts:
        result = result + amount
    return result


def cost_of(plan: Plan, *, blocked: bool, dtype: str, optimizer: str = "adam") -> Cost:
    """Return what a step costs; `blocked` says that loops run on blocks or rows, as in all styles but the plain one."""
    program, itemsize = plan.sequenced.program, ITEMSIZE[dtype]
    chosen = next(update for update in program.updates if update.name == optimizer)
    size = sum(prod(map(int, parameter.shape)) for parameter in program.parameters)
    operations = dict.fromkeys(KINDS, Amount())
    moved = dict.fromkeys(KINDS, Amount())
    for group in plan.groups:
        for each in group.instructions:
            operations[_kind(each)] += _operations(each)
        if blocked and group.by_rows:
            moved["entry by entry"] += _moved_by_group(group).times(itemsize)
        else:
            for each in group.instructions:
                moved[_kind(each)] += _moved(each).times(itemsize)
    count, vectors = _update(chosen, blocked=blocked)
    operations["optimizer"] = Amount(0, count * size)
    moved["optimizer"] = Amount(0, vectors * size * itemsize)
    return Cost(
        operations,
        moved,
        _workspace(plan, itemsize) if blocked else _temporaries(plan, itemsize),
        2 * size * itemsize,
        len(chosen.state) * size * itemsize,
        chosen.optimizer.class_name,
    )


def _kind(each: Instruction) -> str:
    if each.operation == "matmul":
        return "matrix products"
    return "reductions" if each.operation.startswith(("sum_", "max_")) else "entry by entry"


def entries(shape: Shape) -> Amount:
    """Return the number of entries of an array."""
    rest = prod(int(size) for size in shape if size != "N")
    return Amount(rest, 0) if "N" in shape else Amount(0, rest)


def _operations(each: Instruction) -> Amount:
    if each.operation in FREE:
        return Amount()
    if each.operation == "matmul":
        left, right = (shape_of(operand) for operand in each.operands)
        if "N" in each.target.shape:
            return entries(each.target.shape).times(2 * int(left[1]))
        return Amount(2 * int(left[0]) * int(right[1]), 0)
    if _kind(each) == "reductions":
        return entries(shape_of(each.operands[0]))
    return entries(each.target.shape)


def _arrays(each: Instruction) -> list[Var]:
    found = {part.name: part for operand in each.operands for part in walk(operand) if isinstance(part, Var)}
    return [part for part in found.values() if part.shape]


def _moved(each: Instruction) -> Amount:
    return total(entries(array.shape) for array in (*_arrays(each), each.target) if array.shape)


def _moved_by_group(group: Group) -> Amount:
    """Return the entries that go in and out of a loop: each array that outlives it once, twice if it changes."""
    scratch = {each.name for each in group.scratch}
    read: dict[str, Shape] = {}
    written: dict[str, Shape] = {}
    for each in group.instructions:
        for array in _arrays(each):
            if array.name not in written and array.name not in scratch:
                read[array.name] = array.shape
        if each.target.name not in scratch:
            written[each.target.name] = each.target.shape
    return total(entries(shape) for shape in (*read.values(), *written.values()))


def _update(update: Update, *, blocked: bool) -> tuple[int, int]:
    """Return an update's operations and the vectors that it moves, for one parameter."""
    if blocked:
        parts = plan_update(update).instructions
        count = sum(each.operation not in FREE for part in parts for each in part)
        return count, 3 + 2 * len(update.state)
    written = sequence_update(update.statements, (*update.state, "theta"))
    vectors = [each for each in written if each.target.shape]
    moved = sum(1 + sum(bool(array.shape) for array in _arrays(each)) for each in vectors)
    return sum(each.operation not in FREE for each in vectors), moved


def _workspace(plan: Plan, itemsize: int) -> Amount:
    rows = sum(plan.slots) * itemsize + sum(plan.condition_slots)
    scratch = max((_scratch(group, itemsize) for group in plan.groups if group.by_rows), default=0)
    vectors = sum(prod(map(int, vector.shape)) for vector in plan.vectors) * itemsize
    return Amount(rows, scratch + vectors)


def _scratch(group: Group, itemsize: int) -> int:
    """Return the bytes of a full block's terms."""
    columns = {(each.is_condition, each.slot): each.columns for each in group.scratch}
    return sum(group.rows * width * (1 if kind else itemsize) for (kind, _), width in columns.items())


def _temporaries(plan: Plan, itemsize: int) -> Amount:
    """Return the bytes of the forward pass's arrays, which the plain style keeps until the way back has read them."""
    statements: Sequence[Node] = [statement.target for statement in plan.sequenced.program.forward]
    return total(entries(shape_of(target)) for target in statements if variables(target)).times(itemsize)


def cost_lines(cost: Cost, N: int) -> list[str]:
    """Return what generated modules say of a step: formulas in N, and numbers for one N."""
    memory = Amount(0, cost.parameters + cost.optimizer_state)
    rows = [
        ("operations", cost.all_operations),
        ("  of matrix products", cost.operations["matrix products"]),
        ("bytes moved", cost.all_moved),
        ("bytes of workspace", cost.workspace),
        (f"bytes of θ, its gradient, {cost.optimizer}'s state", memory),
    ]
    head = (f"cost of a step with {cost.optimizer}", "N samples", f"N = {N}")
    cells = [head, *((name, amount.text, f"{amount.at(N):,}") for name, amount in rows)]
    widths = [max(len(row[at]) for row in cells) for at in range(3)]
    return [f"{name:<{widths[0]}}  {text:>{widths[1]}}  {number:>{widths[2]}}" for name, text, number in cells]
