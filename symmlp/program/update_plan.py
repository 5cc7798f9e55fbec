"""An optimizer's update as instructions on blocks of its vectors: two or three terms exist at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import sympy as sp

from symmlp.calculus.constants import fold_constants
from symmlp.calculus.lean_update import LeanUpdate, lean
from symmlp.calculus.matrix_form import MatrixForm
from symmlp.matrix import Node, Var, rebuild
from symmlp.program.instructions import Instruction, sequence_update
from symmlp.program.ir import Statement, Update

SCRATCH = ("s", "r", "q", "w", "h", "k")
"""Names of the terms of an update, which no symbol of the catalogue's optimizers has."""


@dataclass(frozen=True)
class UpdatePlan:
    """`scalars` are numbers computed first; then come `instructions`, whose terms are the `scratch` arrays.

    `scales` are what the catalogue's state vectors are of those kept here; `ids` the equations of each target.
    """

    update: Update
    scalars: tuple[tuple[str, Node], ...]
    scales: tuple[tuple[str, Node], ...]
    lines: tuple[tuple[Var, Node], ...]
    instructions: tuple[tuple[Instruction, ...], ...]
    scratch: tuple[str, ...]


def plan_update(update: Update) -> UpdatePlan:
    """Return how an optimizer's update runs over blocks of its vectors."""
    optimizer = update.optimizer
    leaner = lean(optimizer)
    vectors = {symbol.name for symbol in optimizer.vectors}
    lines = tuple((Var(target.name, ("P",)), _node(value, vectors)) for target, value in leaner.updates.items())
    ids = _ids(update, leaner)
    written = [sequence_update([Statement(target, value, ids[target.name])], [target.name]) for target, value in lines]
    placed, scratch = _placed([_coalesced(part) for part in written], vectors | set(update.state))
    return UpdatePlan(
        update,
        tuple((name.name, _node(value, set())) for name, value in leaner.scalars.items()),
        tuple((name.name, _node(value, set())) for name, value in leaner.scales.items()),
        lines,
        placed,
        scratch,
    )


def _node(value: sp.Expr, vectors: set[str]) -> Node:
    names = {symbol: Var(symbol.name, ("P",) if symbol.name in vectors else ()) for symbol in value.free_symbols}
    return MatrixForm({}, {}, names=names).of(fold_constants(value), None, None)


def _ids(update: Update, leaner: LeanUpdate) -> dict[str, str]:
    """Return for each target the id of the catalogue's equation for it."""
    own = {statement.target.name: statement.id for statement in update.statements}
    return {target.name: own[target.name] for target in leaner.updates}


def _coalesced(instructions: Sequence[Instruction]) -> list[Instruction]:
    """Let a term lie where the target does, if the target's old value is not read after the term is made."""
    target = instructions[-1].target
    names: dict[str, Var] = {}
    for at, each in enumerate(instructions[:-1]):
        later = instructions[at + 1 :]
        readers = [one for one in later if each.target.name in one.reads]
        is_chained = readers and (readers[0] is instructions[-1] or readers[0].target.name in names)
        if each.target.shape == target.shape and is_chained and not any(target.name in one.reads for one in later):
            names[each.target.name] = target
            break
    return [_renamed(each, names) for each in instructions]


def _placed(
    parts: Sequence[Sequence[Instruction]], vectors: set[str]
) -> tuple[tuple[tuple[Instruction, ...], ...], tuple[str, ...]]:
    """Return the instructions with their terms in scratch arrays, each used again as soon as nothing reads it."""
    used: list[str] = []
    result = []
    for part in parts:
        free = list(used)
        names: dict[str, Var] = {}
        placed = []
        for at, each in enumerate(part):
            here = {name: names[name] for name in each.reads if name in names}
            for name in sorted(here):
                if not any(name in later.reads for later in part[at + 1 :]):
                    free.insert(0, names[name].name)
            target = each.target
            if target.name not in vectors:
                if not free:
                    used.append(SCRATCH[len(used)])
                    free.append(used[-1])
                names[target.name] = target = Var(free.pop(0), target.shape)
            placed.append(replace(_renamed(each, here), target=target))
        result.append(tuple(placed))
    return tuple(result), tuple(used)


def _renamed(each: Instruction, names: dict[str, Var]) -> Instruction:
    def renamed(node: Node) -> Node:
        return names.get(node.name, node) if isinstance(node, Var) else rebuild(node, renamed)

    target = names.get(each.target.name, each.target)
    return replace(each, operands=tuple(map(renamed, each.operands)), target=target)
