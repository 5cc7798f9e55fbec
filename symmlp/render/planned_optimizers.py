"""Optimizer classes whose updates are planned: over blocks of vectors, or as one compiled loop."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from symmlp.matrix import Node, Var, rebuild, variables
from symmlp.printing.numba import ScalarPrinter
from symmlp.printing.numpy_out import OutPrinter
from symmlp.program.instructions import Instruction
from symmlp.program.update_plan import UpdatePlan
from symmlp.render.contexts import BufferedOptimizerText, CompiledOptimizerText
from symmlp.render.numbers import Numbers
from symmlp.render.optimizers import head, number_lines, scale_notes, update_comments


def buffered_optimizer(plan: UpdatePlan) -> BufferedOptimizerText:
    """Return an optimizer class whose update runs over blocks of its vectors."""
    update = plan.update
    symbols = [each.name for each in update.optimizer.parameters]
    vectors = ["theta", "g", *update.state, *plan.scratch]
    called = [node for _, node in plan.scalars] + [node for _, node in plan.lines]
    read = {name for node in called for name in variables(node)}
    reading = [f"{name} = self.{name}" for name in (*symbols, "t") if name in read]
    keeps_gradient = any("g" in variables(node) for _, node in plan.scalars)
    if keeps_gradient:
        reading.append("g = self.gradient")
    lines, numbers = _buffered_lines(plan)
    return BufferedOptimizerText(
        **head(update, "theta.size"),
        scratch=plan.scratch,
        vectors=", ".join(vectors),
        reading=tuple(reading),
        keeps_gradient=keeps_gradient,
        scalars=tuple(line for name, node in plan.scalars for line in number_lines(name, node, indent=8)),
        lines=tuple(lines),
        numbers=numbers,
        notes=tuple(scale_notes(plan.scales)),
    )


def _buffered_lines(plan: UpdatePlan) -> tuple[list[str], tuple[tuple[str, str], ...]]:
    """Return the lines of the loop, and the numbers in them: the name of each as an array, and its value."""
    numbers, lines = Numbers("n"), []
    printer = OutPrinter(str, lambda node: f"{numbers.name(node)}_")
    for comments, instructions in update_comments(plan):
        lines += comments
        lines += [printer.line(_with_arrays(each, numbers)) for each in instructions]
    return lines, tuple((f"{name}_", text) for text, name in numbers.names.items())


def _with_arrays(each: Instruction, numbers: Numbers) -> Instruction:
    """Return the instruction with arrays without axes in place of the update's numbers."""

    def operand(node: Node) -> Node:
        if not isinstance(node, Var) or node.shape:
            return rebuild(node, operand)
        numbers.names.setdefault(node.name, node.name)
        return Var(f"{node.name}_", ())

    return replace(each, operands=tuple(map(operand, each.operands)))


@dataclass(frozen=True)
class _Entry:
    """How an entry of an optimizer's vectors is written; everything else is a number of the update."""

    vectors: frozenset[str]

    def __call__(self, node: Node) -> str:
        assert isinstance(node, Var)
        return f"{node.name}[i]" if node.name in self.vectors else node.name


def compiled_optimizer(plan: UpdatePlan) -> CompiledOptimizerText:
    """Return an optimizer class whose update is one compiled loop."""
    update = plan.update
    symbols = [each.name for each in update.optimizer.parameters]
    scalars = [line for name, node in plan.scalars for line in number_lines(name, node, indent=4)]
    numbers = dict.fromkeys(_numbers_read(plan, {"theta", "g", *update.state}))
    return CompiledOptimizerText(
        **head(update, "size"),
        notes=tuple(scale_notes(plan.scales)),
        scalars=(*scalars, *(f"{name} = F({name})" for name in numbers)),
        arguments=", ".join((*update.state, *symbols, "t")),
        call=", ".join(f"self.{name}" for name in (*update.state, *symbols, "t")),
        lines=tuple(_compiled_lines(plan, _Entry(frozenset(("theta", "g", *update.state))))),
    )


def _numbers_read(plan: UpdatePlan, vectors: set[str]) -> Iterator[str]:
    for part in plan.instructions:
        for each in part:
            yield from (name for name in sorted(each.reads) if name not in vectors and name not in plan.scratch)


def _compiled_lines(plan: UpdatePlan, entry: _Entry) -> Iterator[str]:
    printer = ScalarPrinter(entry)
    for comments, instructions in update_comments(plan):
        yield from comments
        for each in instructions:
            yield f"{entry(each.target)} = {printer.value(each)}"
