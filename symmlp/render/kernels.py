"""Groups of a plan as compiled loops: one pass over the rows, terms in registers, reductions where they stand.

A row's instructions are cut into stretches of one width; inside a stretch a term is a local number, between stretches
it lies in a buffer of one row. Kernels that differ in names alone are one kernel, called with other arrays.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from symmlp.catalog.projection import SUPPORT
from symmlp.errors import UnsupportedError
from symmlp.matrix import Node, Part, Var, shape_of, sizes_used, variables
from symmlp.printing.numba import OWN, ScalarPrinter
from symmlp.program.instructions import Instruction
from symmlp.program.workspace import Group, columns_of, rows_of
from symmlp.render.stretches import Stretch, is_flat, stretches

COSTLY = frozenset(OWN) - {"max", "min", "sign"}
"""Functions that get a loop over all entries where rows are short: a compiler vectorizes no loop of three."""

SHORT = 64
"""Entries of a row below which compilers do not vectorize the loop over them (measured: tanh, 12 ns against 2 ns)."""


@dataclass(frozen=True)
class Kernel:
    """A compiled loop over rows: its name, its arguments and the lines of its body."""

    name: str
    arguments: tuple[str, ...]
    terms: tuple[str, ...]
    lines: tuple[str, ...]

    def key(self) -> str:
        """Return the text with arguments and terms named by their place: kernels with the same key do the same."""
        names = {name: f"a{place}" for place, name in enumerate(dict.fromkeys((*self.arguments, *self.terms)))}
        return re.sub(r"\w+", lambda found: _named(found[0], names), "\n".join(self.lines))


def _uses_batch_size(group: Group) -> bool:
    return any("N" in sizes_used(operand) for each in group.instructions for operand in each.operands)


def _named(word: str, names: Mapping[str, str]) -> str:
    if word in names:
        return names[word]
    stem = word.removesuffix("_").removesuffix("_row").removesuffix("_flat")
    return names.get(stem, stem) + word[len(stem) :]


def kernel(group: Group) -> Kernel:
    """Return the loop over rows of a group."""
    return _Rows(group).kernel()


class _Rows:
    """Writes the loop of one group."""

    def __init__(self, group: Group) -> None:
        self.group = group
        self.scratch = {each.name: each.columns for each in group.scratch}
        self.here: set[str] = set()
        self.column = "0"
        self.numbers: set[str] = set()
        self.flat: dict[str, None] | None = None
        self.buffers: dict[str, tuple[int, bool]] = {}
        self.read_later = _read_again(group.instructions)

    def kernel(self) -> Kernel:
        """Return the kernel."""
        arguments = _arguments(self.group, set(self.scratch))
        rows = next(name for name in arguments if name in self.group.arrays)
        loops = [line for piece in self.pieces() for line in self.loops(piece, rows)]
        lines = [
            f"{name}_row = np.empty({width}, {'np.bool_' if truth else 'F'})"
            for name, (width, truth) in self.buffers.items()
        ]
        lines += [f"N = {rows}.shape[0]"] if _uses_batch_size(self.group) else []
        lines += loops
        terms = tuple(each.target.name for each in self.group.instructions)
        return Kernel(self.group.name, arguments, terms, tuple(lines))

    def pieces(self) -> list[list[Instruction]]:
        """Return the instructions of each loop: functions of short rows, exp and the like, have a loop of their own."""
        pieces: list[list[Instruction]] = [[]]
        for each in self.group.instructions:
            if self.is_apart(each):
                pieces += [[each], []]
            else:
                pieces[-1].append(each)
        pieces = [piece for piece in pieces if piece]
        kept = set(self.scratch)
        for at in range(1, len(pieces)):
            made = {each.target.name for piece in pieces[:at] for each in piece} & kept
            if made & {name for piece in pieces[at:] for each in piece for name in each.reads}:
                return [list(self.group.instructions)]
        return pieces

    def is_apart(self, each: Instruction) -> bool:
        """Return whether a function is worth a loop over all entries, and needs nothing but whole arrays."""
        width = columns_of(each.target)
        if not 1 < width < SHORT or each.operation not in COSTLY or each.target.name in self.scratch:
            return False
        return is_flat(each, width)

    def loops(self, piece: Sequence[Instruction], rows: str) -> Iterator[str]:
        """Yield the loops of one piece."""
        body, entries = self.cut(piece)
        self.numbers, self.flat = set(), None
        by_row = list(self.body(body))
        if by_row:
            yield f"for p in range({rows}.shape[0]):"
            yield from ("    " + line for line in by_row)
        yield from self.entries(entries, rows)

    def cut(self, piece: Sequence[Instruction]) -> tuple[list[Stretch | Instruction], Stretch | None]:
        """Return what is done row by row, and behind it what needs no row: entries, whichever row they are in.

        A bias is added row by row; if rows are long, what follows is done in the same pass.
        """
        parts = list(stretches(piece))
        if len(parts) > 1 or not isinstance(parts[0], Stretch) or parts[0].reduced:
            return list(parts), None
        width, entries = parts[0].width, parts[0].entries
        start = next((at for at in range(len(entries), 0, -1) if not is_flat(entries[at - 1], width)), 0)
        before, behind = entries[:start], entries[start:]
        passed = {each.target.name for each in before} & {name for each in behind for name in each.reads}
        if not behind or (before and width >= SHORT) or passed & set(self.scratch):
            return list(parts), None
        return ([Stretch(width, before)] if before else []), Stretch(width, behind)

    def entries(self, stretch: Stretch | None, rows: str) -> Iterator[str]:
        """Yield one loop over all entries of the arrays."""
        if stretch is None:
            return
        self.flat = {}
        _, *lines = self.stretch(stretch)
        yield from (f"{name}_flat = {name}.reshape({name}.size)" for name in self.flat)
        yield f"for j in range({rows}.shape[0] * {stretch.width}):"
        yield from lines

    def body(self, parts: Iterable[Stretch | Instruction]) -> Iterator[str]:
        """Yield the lines of one row."""
        for part in parts:
            if isinstance(part, Stretch):
                yield from self.stretch(part)
            elif part.operation == "join_1":
                yield from self.join(part)
            elif part.operation == SUPPORT:
                yield from self.support(part)
            else:
                yield from self.number(part)

    def number(self, each: Instruction) -> Iterator[str]:
        """Yield the line of one number a row."""
        name = each.target.name
        yield f"{name}_ = {ScalarPrinter(self.entry).value(each)}"
        self.numbers.add(name)
        if name not in self.scratch:
            yield f"{name}[p, 0] = {name}_"

    def join(self, each: Instruction) -> Iterator[str]:
        """Yield the loops that put entries side by side."""
        start = 0
        target = f"{each.target.name}_row[" if each.target.name in self.scratch else f"{each.target.name}[p, "
        if each.target.name in self.scratch:
            self.buffers[each.target.name] = (columns_of(each.target), False)
        self.column = "j"
        for operand in each.operands:
            shape = shape_of(operand)
            yield f"for j in range({shape[1]}):"
            yield f"    {target}{start} + j] = {self.entry(operand)}"
            start += int(shape[1])
        self.column = "0"

    def support(self, each: Instruction) -> Iterator[str]:
        """Yield the call that finds the support of a row's projection."""
        if each.target.name in self.scratch:
            self.buffers[each.target.name] = (columns_of(each.target), False)
        rows = (self.row(operand) for operand in (*each.operands, each.target))
        yield f"support_({', '.join(rows)})"

    def row(self, node: Node) -> str:
        """Return a whole row of an array."""
        assert isinstance(node, Var)
        return f"{node.name}_row" if node.name in self.buffers else f"{node.name}[p]"

    def stretch(self, stretch: Stretch) -> Iterator[str]:
        """Yield a loop over the entries of a row."""
        sums = [each for each in stretch.reduced if each.operation == "sum_1"]
        for each in stretch.reduced:
            yield f"{each.target.name}_ = {'0.0' if each in sums else 'F(-np.inf)'}"
        yield f"for j in range({stretch.width}):"
        self.here, self.column = set(), "j"
        last = {each.target.name: each for each in stretch.entries}
        for each in stretch.entries:
            name = each.target.name
            yield f"    {name}_ = {ScalarPrinter(self.entry).value(each)}"
            self.here.add(name)
            if last[name] is each:
                yield from self.stored(each, stretch)
        for each in stretch.reduced:
            value, name = self.entry(each.operands[0]), f"{each.target.name}_"
            yield f"    {name} += {value}" if each in sums else f"    {name} = max_({name}, {value})"
        self.here, self.column = set(), "0"
        for each in stretch.reduced:
            name = each.target.name
            if each in sums:
                yield f"{name}_ = F({name}_)"
            self.numbers.add(name)
            if name not in self.scratch:
                yield f"{name}[p, 0] = {name}_"

    def stored(self, each: Instruction, stretch: Stretch) -> Iterator[str]:
        """Yield the line that keeps an entry, if anything behind this stretch reads it."""
        name = each.target.name
        if name not in self.scratch:
            yield f"    {self.place(name, 'j')} = {name}_"
        elif self.read_later(name, stretch.entries + stretch.reduced):
            self.buffers[name] = (stretch.width, each.is_condition)
            yield f"    {name}_row[j] = {name}_"

    def place(self, name: str, column: str) -> str:
        """Return an entry of an array with a row a sample."""
        if self.flat is None:
            return f"{name}[p, {column}]"
        self.flat[name] = None
        return f"{name}_flat[{column}]"

    def entry(self, node: Node) -> str:
        """Return how an entry of an array is written in row p and column j."""
        match node:
            case Var(name, shape):
                if name in self.here or (name in self.numbers and rows_of(node)):
                    return f"{name}_"
                if name in self.buffers:
                    return f"{name}_row[{self.column}]"
                if len(shape) < 2:
                    return f"{name}[{self.column}]" if shape else name
                return self.place(name, "0" if shape[1] == 1 else self.column)
            case Part(Var(name, _), 1, int(start), _):
                place = f"{start} + {self.column}" if self.column == "j" else str(start)
                return f"{name}_row[{place}]" if name in self.buffers else f"{name}[p, {place}]"
            case _:
                raise UnsupportedError(f"no entry of {node}")


def _read_again(instructions: Sequence[Instruction]):  # type: ignore[no-untyped-def]
    """Return whether a name is read by an instruction that is not among those of its stretch."""

    def read_later(name: str, stretch: Iterable[Instruction]) -> bool:
        own = {id(each) for each in stretch}
        return any(name in each.reads for each in instructions if id(each) not in own)

    return read_later


def _arguments(group: Group, scratch: set[str]) -> tuple[str, ...]:
    """Return the arrays that a group reads or makes, scratch left out, in the order in which they occur."""
    names = dict.fromkeys(
        name
        for each in group.instructions
        for name in (*(name for one in each.operands for name in sorted(variables(one))), each.target.name)
    )
    numbers = {
        one.name for each in group.instructions for one in each.operands if isinstance(one, Var) and not one.shape
    }
    return tuple(name for name in names if name not in scratch - numbers)
