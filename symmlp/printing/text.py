"""The Unicode text style: Z1 = X W1ᵀ + 1 b1ᵀ, dZ1 = dA1 ∘ tanh′(Z1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from symmlp.calculus.matrix_form import PRIME
from symmlp.printing.naming import AS_IN_THE_GRAPH, SPOKEN, Naming
from symmlp.printing.style import ATOM, PRODUCT, decimal, powered

DOUBLE_PRIME = "\N{DOUBLE PRIME}"

_SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_RELATIONS = {"==": "=", ">": ">", ">=": "≥", "<": "<", "<=": "≤"}
_REDUCTIONS = {("sum", None): "sum", ("sum", 1): "rowsum", ("max", 1): "rowmax", ("max", None): "max"}


@dataclass(frozen=True)
class TextStyle:
    """Unicode, on one line."""

    naming: Naming = AS_IN_THE_GRAPH

    def name(self, name: str) -> str:
        return SPOKEN.get(name) or self.naming.shown(name)

    def constant(self, name: str) -> str:
        return "π" if name == "pi" else name

    def number(self, value: Fraction) -> str:
        sign = self.minus() if value < 0 else ""
        if (found := powered(value)) is not None:
            return f"{decimal(found[0])}e{found[1]}".replace("-", self.minus())
        return decimal(value) or f"{sign}{abs(value.numerator)}/{value.denominator}"

    def real(self, value: float) -> str:
        return repr(value).replace("-", self.minus())

    def parens(self, text: str) -> str:
        return f"({text})"

    def minus(self) -> str:
        return "−"

    def plus(self) -> str:
        return "+"

    def product(self, scalars: Sequence[str], arrays: Sequence[str]) -> str:
        front = "·".join(scalars) if all(text.isalnum() for text in scalars) else " ".join(scalars)
        return " ".join(part for part in (front, " ∘ ".join(arrays)) if part)

    def quotient(self, top: str, bottom: str, *, arrays: bool) -> tuple[str, int]:
        return f"{top} {'⊘' if arrays else '/'} {bottom}", PRODUCT

    def power(self, base: str, exponent: str, *, arrays: bool) -> str:
        raised = exponent.translate(_SUPERSCRIPT) if exponent.isdecimal() else None
        if raised is None:
            return f"{base}^{'∘' if arrays else ''}({exponent})" if len(exponent) > 1 else f"{base}^{exponent}"
        return f"{base}{'^∘' if arrays else ''}{raised}"

    def times(self, left: str, right: str) -> str:
        return f"{left} {right}"

    def transpose(self, operand: str) -> str:
        return f"{operand}ᵀ"

    def ones(self) -> str:
        return "1"

    def reduce(self, kind: str, axis: int | None, operand: str) -> str:
        return f"{_REDUCTIONS[kind, axis]}({operand})"

    def call(self, name: str, arguments: Sequence[str]) -> str:
        if name == "abs":
            return f"|{arguments[0]}|"
        if name == "sqrt":
            return f"√({arguments[0]})"
        return f"{name.replace(PRIME * 2, DOUBLE_PRIME)}({', '.join(arguments)})"

    def relation(self, relation: str) -> str:
        return _RELATIONS[relation]

    def cases(self, pairs: Sequence[tuple[str, str]], otherwise: str) -> tuple[str, int]:
        return "{" + "; ".join(f"{value} if {condition}" for value, condition in pairs) + f"; else {otherwise}}}", ATOM

    def join(self, parts: Sequence[str], axis: int) -> str:
        return f"[{(', ' if axis else '; ').join(parts)}]"

    def row_product(self, left: str, right: str) -> str:
        return f"{left} • {right}"

    def kronecker(self, left: str, right: str) -> str:
        return f"{left} ⊗ {right}"

    def part(self, operand: str, axis: int, start: str, stop: str) -> str:
        return f"{operand}[{':, ' * axis}{start}:{stop}{'' if axis else ', :'}]"

    def entry(self, name: str, indices: Sequence[str]) -> str:
        return self.placed(self.name(name), indices)

    def placed(self, array: str, indices: Sequence[str]) -> str:
        return f"{array}[{','.join(indices)}]"

    def sum_over(self, indices: Sequence[str], body: str) -> str:
        return f"Σ_{','.join(indices)} {body}"

    def delta(self, first: str, second: str) -> str:
        return f"[{first}={second}]" if self.naming.cotangent == "δ" else f"δ[{first},{second}]"

    def partial(self, of: str, wrt: str) -> str:
        return f"∂{of}/∂{wrt}"

    def second_partial(self, of: str, first: str, second: str) -> str:
        return f"∂²{of}/∂{first}∂{second}"

    def nabla(self, of: str) -> str:
        return f"∇{self.name('theta')} {of}"
