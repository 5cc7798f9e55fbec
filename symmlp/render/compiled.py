"""The Numba target: loops that the compiler fuses, matrix products left to BLAS, the equations above the calls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from symmlp.calculus.elementary import elementary
from symmlp.derivation import Derivation
from symmlp.errors import UnsupportedError
from symmlp.matrix import Node, Transpose, Var, shape_text
from symmlp.printing.formula import FormulaPrinter
from symmlp.printing.numba import ScalarPrinter
from symmlp.printing.text import TextStyle
from symmlp.program.cost import cost_of
from symmlp.program.instructions import Instruction
from symmlp.program.ir import Program, Statement
from symmlp.program.update_plan import plan_update
from symmlp.program.workspace import Group, Plan
from symmlp.render.contexts import CompiledContext, Dtype, ElementaryText, KernelText
from symmlp.render.kernels import Kernel, kernel
from symmlp.render.layout import WIDTH, broken_call, comment_lines
from symmlp.render.module import plain_fields, shared
from symmlp.render.planned_optimizers import compiled_optimizer
from symmlp.render.routines import beyond_fields


def compiled_context(plain: Program, plan: Plan, derivation: Derivation, dtype: Dtype, version: str) -> CompiledContext:
    """Return what the Numba template uses; `plain` is the program of the reference, a line an equation."""
    program = plan.sequenced.program
    kernels = _Kernels(plan)
    lines = {
        "forward": tuple(kernels.section(program.forward, plan.forward)),
        "loss": tuple(kernels.section(program.losses, plan.loss)),
        "backward": tuple(kernels.section(program.backward, plan.backward)),
    }
    functions = elementary(dtype)
    return CompiledContext(
        **shared(
            plain,
            derivation,
            "numba/plain",
            dtype,
            version,
            cost_of(plan, blocked=True, dtype=dtype, optimizer=derivation.network.optimizer),
        ),
        **plain_fields(plain, derivation),
        **beyond_fields(plain, derivation),
        elementary=ElementaryText(
            exp=tuple(map(repr, functions.exp)),
            tanh=tuple(map(repr, functions.tanh)),
            log2_e=repr(functions.log2_e),
            ln2_high=repr(functions.ln2_high),
            ln2_low=repr(functions.ln2_low),
            lowest=repr(functions.lowest),
            highest=repr(functions.highest),
            rounder=repr(functions.rounder),
            near=repr(functions.near),
            mantissa=functions.mantissa,
            bias=functions.bias,
            bits="int64" if dtype == "float64" else "int32",
        ),
        kernels=tuple(_kernel_text(each) for each in kernels.made.values()),
        views=tuple(_views(plan, {each.name for each in derivation.graph.statistics})),
        width=_width(plan),
        conditions_width=sum(plan.condition_slots),
        large="math.inf" if any(map(_is_loop, plan.groups)) else f"{LARGE:_}",
        compiled_forward=lines["forward"],
        compiled_loss=lines["loss"],
        compiled_backward=lines["backward"],
        compiled_optimizers=tuple(compiled_optimizer(plan_update(update)) for update in program.updates),
    )


LARGE = 16_000_000
"""Samples times parameters from which on Python carries out the step.

Measured, it then takes 0.80 to 0.98 of the compiled step's time with one thread and 0.97 to 1.07 with two; twenty
layers of 64 with a third as much took 1.04 to 1.5 of it.
"""


def _is_loop(group: Group) -> bool:
    """Return whether a group becomes a loop in the step itself, which Python should not carry out."""
    (first, *_) = group.instructions
    return not group.by_rows and first.operation not in ("matmul", "sum_0") and len(first.target.shape) == 1


def _width(plan: Plan) -> int:
    return sum(plan.slots)


def _views(plan: Plan, statistics: set[str]) -> Iterator[str]:
    """Yield the lines that name the parameters, their gradients and the arrays of the workspace.

    Those of the `statistics` are the step's arguments, as training reads them.
    """
    program = plan.sequenced.program
    start = 0
    for parameter, gradient in zip(program.parameters, program.gradients, strict=True):
        shape = tuple(int(size) for size in parameter.shape)
        stop = start + _product(shape)
        reshaped = "" if len(shape) == 1 else f".reshape({shape_text(parameter.shape)})"
        yield f"{parameter.name} = theta[{start}:{stop}]{reshaped}"
        yield f"{gradient} = g[{start}:{stop}]{reshaped}"
        start = stop
    for kind, slots, memory in ((False, plan.slots, "memory"), (True, plan.condition_slots, "truths")):
        starts = [sum(slots[:slot]) for slot in range(len(slots))]
        for each in plan.arrays:
            if each.is_condition == kind:
                first = starts[each.slot]
                rows = f"{memory}[N * {first} : N * {first + each.columns}]"
                yield f"{each.name} = {rows}.reshape((N, {each.columns}))"
    for vector in (each for each in (*plan.vectors, *plan.condition_vectors) if each.name not in statistics):
        dtype = "np.bool_" if vector in plan.condition_vectors else "F"
        yield f"{vector.name} = np.empty({shape_text(vector.shape)}, {dtype})"


def _product(shape: Sequence[int]) -> int:
    total = 1
    for size in shape:
        total *= size
    return total


def _kernel_text(each: Kernel) -> KernelText:
    *before, last = broken_call(f"def {each.name}({', '.join(each.arguments)})", WIDTH - 1)
    return KernelText((*before, f"{last}:"), tuple(each.lines))


class _Kernels:
    """Writes the calls of a step, and keeps each kernel that differs from those before in more than names."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.made: dict[str, Kernel] = {}

    def section(self, statements: Sequence[Statement], groups: Sequence[Group]) -> Iterator[str]:
        """Yield the calls of one section, every equation above the first call that it needs."""
        waiting = list(statements)
        for group in groups:
            wanted = {each.id for each in group.instructions}
            while any(statement.id in wanted for statement in waiting):
                yield from self.equation(waiting.pop(0))
            yield from self.call(group) if group.by_rows else self.whole(group.instructions[0])
        while waiting:
            yield from self.equation(waiting.pop(0))

    def equation(self, statement: Statement) -> Iterator[str]:
        """Yield an equation as a comment."""
        assert statement.formula is not None
        formula = FormulaPrinter(TextStyle()).node(statement.formula)
        yield from comment_lines(f"{statement.id}  {TextStyle().name(statement.subject)} = {formula}")
        place = self.plan.sequenced.places.get(statement.target.name)
        if isinstance(place, Var):
            yield f"#     {statement.target.name} is {place.name}"

    def call(self, group: Group) -> Iterator[str]:
        """Yield the call of a group's loop."""
        own = kernel(group)
        known = self.made.setdefault(own.key(), own)
        yield from broken_call(f"{known.name}({', '.join(own.arguments)})", WIDTH - 4)

    def whole(self, each: Instruction) -> Iterator[str]:
        """Yield the line of an instruction on whole arrays."""
        name = each.target.name
        match each.operation, each.operands:
            case "matmul", (Transpose(Var(left, _)), Var(right, _)):
                yield f"matmul_tn({left}, {right}, {name})"
            case "matmul", (Var(left, _), Transpose(Var(right, _))):
                yield f"matmul_nt({left}, {right}, {name})"
            case "matmul", (Var(left, _), Var(right, _)):
                yield f"matmul_nn({left}, {right}, {name})"
            case "sum_0", (Var(operand, _),):
                yield f"sum_rows({operand}, {name})"
            case "sum_all", (Var(operand, _),):
                yield f"{name} = sum_all({operand})"
            case _ if not each.target.shape:
                yield f"{name} = {ScalarPrinter(_number).value(each)}"
            case _ if len(each.target.shape) == 1:
                yield f"for j in range({each.target.shape[0]}):"
                yield f"    {name}[j] = {ScalarPrinter(_of_vector).value(each)}"
            case _ if len(each.target.shape) == 2:
                yield f"for i in range({each.target.shape[0]}):"
                yield f"    for j in range({each.target.shape[1]}):"
                yield f"        {name}[i, j] = {ScalarPrinter(_of_matrix).value(each)}"
            case operation, _:
                raise UnsupportedError(f"target numba: no form for the operation {operation} of equation {each.id}")


def _number(node: Node) -> str:
    if isinstance(node, Var):
        return node.name
    raise UnsupportedError(f"target numba: no number {node}")


def _of_vector(node: Node) -> str:
    if isinstance(node, Var):
        return f"{node.name}[j]" if node.shape else node.name
    raise UnsupportedError(f"target numba: no entry of {node}")


def _of_matrix(node: Node) -> str:
    if isinstance(node, Var):
        return f"{node.name}[i, j]" if node.shape else node.name
    raise UnsupportedError(f"target numba: no entry of {node}")
