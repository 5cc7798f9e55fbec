"""Instructions to NumPy calls that write where they are told: one case an operation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from symmlp.errors import UnsupportedError
from symmlp.matrix import Node, Part, Transpose, Var, variables
from symmlp.printing.numpy import PRIMITIVES, NumpyPrinter
from symmlp.program.instructions import Instruction

UFUNCS = frozenset(
    "add subtract multiply divide power square negative sqrt".split()
    + "less less_equal greater greater_equal equal not_equal".split()
)
"""Operations that NumPy has under the same name."""

REDUCTIONS = {"sum": "np.add.reduce", "max": "np.maximum.reduce"}


@dataclass(frozen=True)
class OutPrinter:
    """Prints instructions; `place` says how an array is written where the instruction stands."""

    place: Callable[[str], str]

    def line(self, each: Instruction) -> str:
        """Return the call that carries out an instruction.

        Raises:
            UnsupportedError: an operation that NumPy has no function for.
        """
        operands = [self.operand(operand) for operand in each.operands]
        if not each.target.shape:
            return f"{each.target.name} = {self.number(each, operands)}"
        out = self.place(each.target.name)
        kind, _, axis = each.operation.rpartition("_")
        if kind in REDUCTIONS:
            keep = ", keepdims=True" if axis == "1" else ""
            return f"{REDUCTIONS[kind]}({operands[0]}, axis={axis}{keep}, out={out})"
        match each.operation:
            case "copy":
                return f"np.copyto({out}, {operands[0]})"
            case "where":
                return self.choice(each, operands, out)
            case "matmul":
                return f"np.matmul({operands[0]}, {operands[1]}, out={out})"
            case "join_0" | "join_1" as join:
                return f"np.concatenate([{', '.join(operands)}], axis={join[-1]}, out={out})"
            case operation:
                return f"{self.ufunc(operation)}({', '.join(operands)}, out={out})"

    def choice(self, each: Instruction, operands: list[str], out: str) -> str:
        """Return the two copies that a choice is made of."""
        condition, chosen, otherwise = operands
        return f"np.copyto({out}, {otherwise})\nnp.copyto({out}, {chosen}, where={condition})"

    def number(self, each: Instruction, operands: list[str]) -> str:
        """Return the expression of a single number."""
        kind, _, axis = each.operation.rpartition("_")
        if axis == "all":
            return f"{REDUCTIONS[kind]}({operands[0]}, axis=None)"
        infix = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/", "power": "**"}.get(each.operation)
        if infix:
            left, right = operands
            return f"{left} {infix} {right}"
        if each.operation == "negative":
            return f"-{operands[0]}"
        if each.operation == "copy":
            return operands[0]
        return f"{self.ufunc(each.operation)}({', '.join(operands)})"

    def ufunc(self, operation: str) -> str:
        """Return NumPy's name of an operation on entries."""
        if operation in UFUNCS:
            return f"np.{operation}"
        name = PRIMITIVES.get(operation)
        if name is None:
            raise UnsupportedError(f"no NumPy form for the operation {operation}")
        return name

    def operand(self, node: Node) -> str:
        """Return an operand: an array, a view of one, or a number."""
        match node:
            case Var(name, _):
                return self.place(name)
            case Transpose(inner):
                return f"{self.operand(inner)}.T"
            case Part(inner, axis, int(start), int(size)):
                return f"{self.operand(inner)}[{':, ' * axis}{start}:{start + size}]"
            case _ if not variables(node):
                return NumpyPrinter().text(node, binding=3)
            case _:
                raise UnsupportedError(f"no NumPy form for the operand {node}")
