"""Matrix nodes to NumPy expressions: one case a node, parenthesised by rule."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from symmlp.errors import UnsupportedError
from symmlp.matrix import (
    Add,
    Call,
    Compare,
    Diagonal,
    Divide,
    Filled,
    Join,
    Kronecker,
    MatMul,
    Node,
    Number,
    Part,
    Power,
    Product,
    Real,
    Reduce,
    RowProduct,
    SizeOf,
    Transpose,
    Var,
    Where,
    signed,
    variables,
)
from symmlp.printing.style import decimal

SUM, PRODUCT, UNARY, POWER, ATOM = 1, 2, 3, 4, 5
"""Python's precedences, as far as they are used."""

PRIMITIVES: dict[str, str] = {
    "exp": "np.exp",
    "log": "np.log",
    "sin": "np.sin",
    "cos": "np.cos",
    "tan": "np.tan",
    "asin": "np.arcsin",
    "acos": "np.arccos",
    "atan": "np.arctan",
    "sinh": "np.sinh",
    "cosh": "np.cosh",
    "tanh": "np.tanh",
    "asinh": "np.arcsinh",
    "acosh": "np.arccosh",
    "atanh": "np.arctanh",
    "erf": "erf",
    "erfc": "erfc",
    "erfcx": "erfcx",
    "leading": "leading",
    "abs": "np.abs",
    "sign": "np.sign",
    "copysign": "np.copysign",
    "max": "np.maximum",
    "min": "np.minimum",
    "expm1": "np.expm1",
    "log1p": "np.log1p",
    "hypot": "np.hypot",
    "cbrt": "np.cbrt",
    "floor": "np.floor",
    "sqrt": "np.sqrt",
    "simplex_support": "simplex_support",
}

_REDUCTIONS = {"sum": "sum", "max": "max"}


@dataclass(frozen=True)
class NumpyPrinter:
    """Prints nodes; `functions` gives the code names of the functions that the program defines."""

    functions: Mapping[str, str] = field(default_factory=dict)

    def text(self, node: Node, binding: int = SUM) -> str:
        """Return the NumPy expression of `node`, in parentheses if it binds less tightly than `binding`.

        Raises:
            UnsupportedError: a node that NumPy has no form for.
        """
        text, own = self._of(node)
        return text if own >= binding else f"({text})"

    def _of(self, node: Node) -> tuple[str, int]:
        match node:
            case Var(name, _):
                return name, ATOM
            case Number(value):
                return _number(value)
            case Real(value):
                text = repr(value).replace("inf", "np.inf").replace("e+", "e")
                return text, ATOM if value >= 0 else UNARY
            case SizeOf(size):
                return str(size), ATOM
            case Add(terms):
                return self._sum(terms)
            case Product() | Divide():
                return self._product(node)
            case Power(base, exponent):
                return _power(self.text(base, ATOM), self.text(exponent, POWER)), POWER
            case MatMul(left, right):
                return f"{self.text(left, PRODUCT)} @ {self.text(right, UNARY)}", PRODUCT
            case Transpose(operand):
                return f"{self.text(operand, ATOM)}.T", ATOM
            case Reduce(kind, operand, axis):
                return self._reduce(kind, operand, axis)
            case Filled(value, shape):
                sizes = ", ".join(map(str, shape))
                return f"np.full(({sizes}), {self.text(value)}, dtype=DTYPE)", ATOM
            case Join(parts, axis):
                return f"np.concatenate([{', '.join(map(self.text, parts))}], axis={axis})", ATOM
            case RowProduct(left, right):
                return f"row_products({self.text(left)}, {self.text(right)})", ATOM
            case Kronecker(left, right):
                return f"np.kron({self.text(left)}, {self.text(right)})", ATOM
            case Diagonal(operand):
                return f"np.diag(np.ravel({self.text(operand)}))", ATOM
            case Part(operand, axis, int(start), int(size)):
                return f"{self.text(operand, ATOM)}[{':, ' * axis}{start}:{start + size}]", ATOM
            case Call(function, arguments):
                return f"{self._name(function)}({', '.join(self.text(argument) for argument in arguments)})", ATOM
            case Where(condition, chosen, otherwise):
                return self._where(condition, chosen, otherwise)
            case Compare(relation, left, right):
                return f"{self.text(left)} {relation} {self.text(right)}", 0
            case _:
                raise UnsupportedError(f"no NumPy form for {type(node).__name__}: {node}")

    def _name(self, function: str) -> str:
        name = self.functions.get(function) or PRIMITIVES.get(function)
        if name is None:
            raise UnsupportedError(f"no NumPy form for the function {function}")
        return name

    def _sum(self, terms: tuple[Node, ...]) -> tuple[str, int]:
        text = ""
        for term in terms:
            negative, positive = signed(term)
            printed = self.text(positive, PRODUCT)
            if not text:
                text = self._negated(positive) if negative else printed
            else:
                text += f" {'-' if negative else '+'} {printed}"
        return text, SUM

    def _product(self, node: Node) -> tuple[str, int]:
        negative, positive = signed(node)
        if negative:
            return self._negated(positive), UNARY
        if isinstance(node, Divide):
            return f"{self.text(node.numerator, PRODUCT)} / {self.text(node.denominator, UNARY)}", PRODUCT
        assert isinstance(node, Product)
        first, *rest = node.factors
        return " * ".join([self.text(first, PRODUCT), *(self.text(factor, UNARY) for factor in rest)]), PRODUCT

    def _negated(self, node: Node) -> str:
        """Return the text of -node: the sign stands before the first factor, a power being put in parentheses."""
        match node:
            case Divide(top, bottom):
                return f"{self._negated(top)} / {self.text(bottom, UNARY)}"
            case Product((first, *rest)):
                return " * ".join([self._negated(first), *(self.text(factor, UNARY) for factor in rest)])
            case Power():
                return f"-({self.text(node)})"
            case _:
                return f"-{self.text(node, UNARY)}"

    def _reduce(self, kind: str, operand: Node, axis: int | None) -> tuple[str, int]:
        method = _REDUCTIONS[kind]
        if axis is None:
            return f"np.{method}({self.text(operand)})", ATOM
        keep = ", keepdims=True" if axis == 1 else ""
        return f"{self.text(operand, ATOM)}.{method}(axis={axis}{keep})", ATOM

    def _where(self, condition: Node, chosen: Node, otherwise: Node) -> tuple[str, int]:
        """Return a choice; one between two numbers takes the dtype of what it is chosen by."""
        if not variables(chosen) and not variables(otherwise):
            (name, *_) = sorted(variables(condition))
            if (chosen, otherwise) == (Number(Fraction(1)), Number(Fraction(0))):
                return f"({self.text(condition, 0)}).astype({name}.dtype)", ATOM
            numbers = f"{self.text(condition, 0)}, {self.text(chosen)}, {self.text(otherwise)}"
            return f"np.where({numbers}).astype({name}.dtype)", ATOM
        return f"np.where({self.text(condition, 0)}, {self.text(chosen)}, {self.text(otherwise)})", ATOM


def _power(base: str, exponent: str) -> str:
    """Return the power as formatters space it: simple operands hug the operator."""
    hugged = all(re.fullmatch(r"-?[\w.]+", side) for side in (base, exponent))
    return f"{base}**{exponent}" if hugged else f"{base} ** {exponent}"


def _number(value: Fraction) -> tuple[str, int]:
    text = decimal(value)
    if text is not None and len(text) <= 20:
        return text.replace("\N{MINUS SIGN}", "-"), ATOM if value >= 0 else UNARY
    return f"{value.numerator} / {value.denominator}", PRODUCT


def width_of(functions: Mapping[str, str]) -> Callable[[Node], int]:
    """Return a measure of how many characters a node takes when it is printed."""
    printer = NumpyPrinter(functions)
    return lambda node: len(printer.text(node))
