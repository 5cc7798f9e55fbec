"""The instructions of a row cut into stretches of one width, and what of them needs no row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from symmlp.catalog.projection import SUPPORT
from symmlp.matrix import Node, Var, shape_of, variables
from symmlp.program.instructions import Instruction
from symmlp.program.workspace import columns_of, rows_of

REDUCTIONS = ("sum_1", "max_1")
BY_WHOLE_ROW = ("join_1", SUPPORT)
"""Operations that need a row's other entries."""


@dataclass
class Stretch:
    """Instructions on entries of the same width, with the reductions that they feed."""

    width: int
    entries: list[Instruction] = field(default_factory=list)
    reduced: list[Instruction] = field(default_factory=list)


def stretches(instructions: Sequence[Instruction]) -> Iterator[Stretch | Instruction]:
    """Yield stretches of entries, and between them single instructions that make one number a row."""
    current: Stretch | None = None
    for each in instructions:
        is_reduction = each.operation in REDUCTIONS
        width = _width(each.operands[0]) if is_reduction else columns_of(each.target)
        is_entry = width > 1 and each.operation not in BY_WHOLE_ROW
        waits = current is not None and each.reads & {one.target.name for one in current.reduced}
        if current is not None and (not is_entry or width != current.width or waits):
            yield current
            current = None
        if not is_entry:
            yield _of_one_entry(each) if is_reduction else each
            continue
        if current is None:
            current = Stretch(width)
        (current.reduced if is_reduction else current.entries).append(each)
    if current is not None:
        yield current


def is_flat(each: Instruction, width: int) -> bool:
    """Return whether an instruction reads nothing but numbers and whole arrays of rows of this width."""
    return all(
        isinstance(one, Var) and (not one.shape or (rows_of(one) and columns_of(one) == width))
        for one in each.operands
        if variables(one)
    )


def _of_one_entry(each: Instruction) -> Instruction:
    """Return a reduction over a single entry: the entry."""
    return Instruction("copy", each.operands, each.target, each.id)


def _width(node: Node) -> int:
    shape = shape_of(node)
    return int(shape[1])
