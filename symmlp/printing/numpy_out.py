"""Instructions to NumPy calls that write where they are told: one case an operation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from symmlp.errors import UnsupportedError
from symmlp.matrix import Node, Part, Size, Transpose, Var, shape_of, variables
from symmlp.printing.numpy import PRIMITIVES, NumpyPrinter
from symmlp.program.instructions import Instruction

UFUNCS = frozenset(
    "add subtract multiply divide power square negative sqrt".split()
    + "less less_equal greater greater_equal equal not_equal".split()
)
"""Operations that NumPy has under the same name."""

REDUCTIONS = {"sum": "np.add.reduce", "max": "np.maximum.reduce"}


def plain_number(node: Node) -> str:
    """Return a number as Python writes it."""
    return NumpyPrinter().text(node, binding=3)


@dataclass(frozen=True)
class OutPrinter:
    """Prints instructions; `place` says how an array is written where the instruction stands, `constant` a number.

    Products and sums are written with the method `dot`, the quickest call that NumPy has for them (measured on 32 x 8
    entries: 0.7 µs, where `np.matmul` takes 4.0 and `np.add.reduce` 2.5); `ones` says how a column of ones is written.
    """

    place: Callable[[str], str]
    constant: Callable[[Node], str] = plain_number
    ones: Callable[[Size], str] = "ones_{}".format

    def line(self, each: Instruction) -> str:
        """Return the call that carries out an instruction.

        Raises:
            UnsupportedError: an operation that NumPy has no function for.
        """
        if not each.target.shape:
            operands = [self.operand(operand, plain_number) for operand in each.operands]
            return f"{self.place(each.target.name)} = {self.number(each, operands)}"
        out = self.place(each.target.name)
        if each.operation == "copy" and not variables(each.operands[0]):
            return f"{out}.fill({plain_number(each.operands[0])})"
        operands = [self.operand(operand, self.constant) for operand in each.operands]
        kind, _, axis = each.operation.rpartition("_")
        if kind == "sum" and axis in ("0", "1"):
            return self.total(each.operands[0], operands[0], int(axis), out)
        if kind in REDUCTIONS:
            keep = ", keepdims=True" if axis == "1" else ""
            return f"{REDUCTIONS[kind]}({operands[0]}, axis={axis}{keep}, out={out})"
        match each.operation:
            case "copy":
                return f"np.copyto({out}, {operands[0]})"
            case "where":
                return self.choice(each, operands, out)
            case "clip":
                return f"{operands[0]}.clip({operands[1]}, {operands[2]}, out={out})"
            case "matmul":
                return f"{operands[0]}.dot({operands[1]}, out={out})"
            case "join_0" | "join_1" as join:
                return f"np.concatenate([{', '.join(operands)}], axis={join[-1]}, out={out})"
            case operation:
                return f"{self.ufunc(operation)}({', '.join(operands)}, out={out})"

    def total(self, operand: Node, text: str, axis: int, out: str) -> str:
        """Return the sum over samples or along rows, a product with ones."""
        rows, columns = shape_of(operand)
        first, second = (text, self.ones(columns)) if axis else (self.ones(rows), text)
        return f"{first}.dot({second}, out={out})"

    def choice(self, each: Instruction, operands: list[str], out: str) -> str:
        """Return the two copies that a choice is made of.

        `np.putmask` takes half the time of a masked `np.copyto` (measured), but repeats values of another shape.
        """
        condition, chosen, otherwise = operands
        shape = shape_of(each.operands[1])
        if shape in ((), each.target.shape) and shape_of(each.operands[0]) == each.target.shape:
            return f"np.copyto({out}, {otherwise})\nnp.putmask({out}, {condition}, {chosen})"
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

    def operand(self, node: Node, constant: Callable[[Node], str]) -> str:
        """Return an operand: an array, a view of one, or a number, which `constant` writes."""
        match node:
            case Var(name, _):
                return self.place(name)
            case Transpose(inner):
                return f"{self.operand(inner, constant)}.T"
            case Part(inner, axis, int(start), int(size)):
                return f"{self.operand(inner, constant)}[{':, ' * axis}{start}:{start + size}]"
            case _ if not variables(node):
                return constant(node)
            case _:
                raise UnsupportedError(f"no NumPy form for the operand {node}")
