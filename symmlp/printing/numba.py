"""Instructions to scalar Python that Numba compiles: one case an operation, every number in the module's dtype."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from symmlp.errors import UnsupportedError
from symmlp.matrix import Node, SizeOf, variables
from symmlp.printing.numpy import NumpyPrinter
from symmlp.program.instructions import COMPARISONS, Instruction

INFIX = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/", "power": "**"}
RELATIONS = {name: sign for sign, name in COMPARISONS.items()}
OWN = {"exp": "exp_", "tanh": "tanh_", "max": "max_", "min": "min_", "sign": "sign_"}
"""Functions that the module defines: so that they become vector instructions, and keep NaN as NumPy does."""

LIBRARY = frozenset(
    "log log1p expm1 sqrt sin cos tan asin acos atan sinh cosh asinh acosh atanh hypot copysign".split()
)


@dataclass(frozen=True)
class ScalarPrinter:
    """Prints the value of an instruction for one entry; `entry` says how an array is written there."""

    entry: Callable[[Node], str]

    def value(self, each: Instruction) -> str:
        """Return the expression of an instruction's value.

        Raises:
            UnsupportedError: an operation that has no scalar form.
        """
        operands = [self.operand(operand) for operand in each.operands]
        match each.operation:
            case operation if operation in INFIX:
                return f"{operands[0]} {INFIX[operation]} {operands[1]}"
            case operation if operation in RELATIONS:
                return f"{operands[0]} {RELATIONS[operation]} {operands[1]}"
            case "square":
                return f"{operands[0]} * {operands[0]}"
            case "negative":
                return f"-{operands[0]}"
            case "abs":
                return f"abs({operands[0]})"
            case "cbrt":
                return f"np.cbrt({operands[0]})"
            case "clip":
                return f"min_(max_({operands[0]}, {operands[1]}), {operands[2]})"
            case "copy":
                return f"F({operands[0]})"
            case "where" if operands[1] == operands[2]:
                return operands[1]
            case "where":
                return f"{operands[1]} if {operands[0]} else {operands[2]}"
            case operation if operation in OWN:
                return f"{OWN[operation]}({', '.join(operands)})"
            case operation if operation in LIBRARY:
                return f"math.{operation}({', '.join(operands)})"
            case operation:
                raise UnsupportedError(f"no scalar form for the operation {operation}")

    def operand(self, node: Node) -> str:
        """Return an operand: an entry of an array, or a number in the module's dtype."""
        if variables(node):
            return self.entry(node)
        if isinstance(node, SizeOf):
            return f"F({node.size})"
        return f"F({NumpyPrinter().text(node)})"
