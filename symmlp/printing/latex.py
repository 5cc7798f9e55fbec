"""The LaTeX style; needs amsmath."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from symmlp.calculus.matrix_form import PRIME
from symmlp.printing.lettering import ACCENTS, FENCES, MACROS, symbols
from symmlp.printing.naming import AS_IN_THE_GRAPH, GREEK_WORDS, Naming, Parts
from symmlp.printing.style import ATOM, SUM, decimal, powered

_SPOKEN = {
    "theta": r"\theta",
    "lr": r"\eta",
    "beta1": r"\beta_1",
    "beta2": r"\beta_2",
    "eps": r"\varepsilon",
    "m_hat": r"\hat{m}",
    "v_hat": r"\hat{v}",
    "w_hat": r"\hat{w}",
    "rate": r"\eta_t",
    "momentum": r"\mu",
    "weight_decay": r"\lambda",
    "rho_t": r"\rho_t",
    "omega": r"\omega",
    "Omega": r"\Omega",
}
_FUNCTIONS = frozenset({"exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "max", "min"})
_RELATIONS = {"==": "=", ">": ">", ">=": r"\ge", "<": "<", "<=": r"\le"}
_REDUCTIONS = {("sum", None): "sum", ("sum", 1): "rowsum", ("max", 1): "rowmax", ("max", None): "max"}


@dataclass(frozen=True)
class LatexStyle:
    """LaTeX mathematics."""

    naming: Naming = AS_IN_THE_GRAPH

    def name(self, name: str) -> str:
        if name in _SPOKEN or name.isdigit():
            return _SPOKEN.get(name, name)
        parts = self.naming.parts(name)
        if parts is None:
            return rf"\mathrm{{{_escaped(name)}}}"
        scripts = _scripts(parts)
        letters, cotangent = _letters(parts.letters), _letters(parts.cotangent, upright=True)
        if parts.mark and cotangent:
            cotangent = rf"\{parts.mark}{{{cotangent.strip()}}}"
        elif parts.mark:
            letters = rf"\{parts.mark}{{{letters.strip()}}}"
        if parts.jacobian:
            return rf"J_{{{cotangent}{letters.rstrip()}{scripts}}}"
        return cotangent + (letters.rstrip() if scripts else letters) + scripts

    def constant(self, name: str) -> str:
        return r"\pi" if name == "pi" else r"\mathrm{e}"

    def number(self, value: Fraction) -> str:
        if (found := powered(value)) is not None:
            return self._powered(f"{decimal(found[0])}".replace("−", "-"), found[1])
        text = decimal(value)
        sign = self.minus() if value < 0 else ""
        return text.replace("−", "-") if text else rf"{sign}\frac{{{abs(value.numerator)}}}{{{value.denominator}}}"

    def real(self, value: float) -> str:
        digits, _, exponent = repr(value).partition("e")
        return self._powered(digits.removesuffix(".0"), int(exponent)) if exponent else digits

    def _powered(self, digits: str, exponent: int) -> str:
        power = rf"10^{{{exponent}}}"
        return {"1": power, "-1": f"-{power}"}.get(digits, rf"{digits} \cdot {power}")

    def parens(self, text: str) -> str:
        return rf"\left({text}\right)"

    def minus(self) -> str:
        return "-"

    def plus(self) -> str:
        return "+"

    def product(self, scalars: Sequence[str], arrays: Sequence[str]) -> str:
        front = r" \cdot ".join(scalars) if any(text.isdigit() for text in scalars[1:]) else r" \, ".join(scalars)
        return r" \, ".join(part for part in (front, r" \circ ".join(arrays)) if part)

    def quotient(self, top: str, bottom: str, *, arrays: bool) -> tuple[str, int]:
        return (rf"{top} \oslash {bottom}", 2) if arrays else (rf"\frac{{{_bare(top)}}}{{{_bare(bottom)}}}", ATOM)

    def power(self, base: str, exponent: str, *, arrays: bool) -> str:
        return rf"{_grouped(base)}^{{{chr(92) + 'circ ' if arrays else ''}{exponent}}}"

    def times(self, left: str, right: str) -> str:
        return rf"{left} \, {right}"

    def transpose(self, operand: str) -> str:
        return rf"{_grouped(operand)}^{{\top}}"

    def ones(self) -> str:
        return r"\mathbf{1}"

    def reduce(self, kind: str, axis: int | None, operand: str) -> str:
        return rf"\operatorname{{{_REDUCTIONS[kind, axis]}}}\left({operand}\right)"

    def call(self, name: str, arguments: Sequence[str]) -> str:
        if name == "abs":
            return rf"\left|{arguments[0]}\right|"
        if name == "sqrt":
            return rf"\sqrt{{{arguments[0]}}}"
        plain = name.rstrip(PRIME)
        function = rf"\{plain}" if plain in _FUNCTIONS else rf"\operatorname{{{_escaped(plain)}}}"
        primes = "'" * (len(name) - len(plain))
        return rf"{function}{primes}\left({', '.join(arguments)}\right)"

    def relation(self, relation: str) -> str:
        return _RELATIONS[relation]

    def cases(self, pairs: Sequence[tuple[str, str]], otherwise: str) -> tuple[str, int]:
        rows = [(value, rf"\text{{if }} {condition}") for value, condition in pairs]
        rows.append((otherwise, r"\text{otherwise}"))
        # Fractions in rows would be as small as in words, and touch.
        is_tall = any(r"\frac" in value for value, _ in rows)
        size, end = (r"\displaystyle ", r" \\[1.5ex] ") if is_tall else ("", r" \\ ")
        # No brace closes them: beside something else they need brackets.
        written = end.join(f"{size}{value} & {words}" for value, words in rows)
        return rf"\begin{{cases}} {written} \end{{cases}}", SUM

    def join(self, parts: Sequence[str], axis: int) -> str:
        separator = " & " if axis else r" \\ "
        return rf"\begin{{bmatrix}} {separator.join(parts)} \end{{bmatrix}}"

    def row_product(self, left: str, right: str) -> str:
        return rf"{left} \bullet {right}"

    def kronecker(self, left: str, right: str) -> str:
        return rf"{left} \otimes {right}"

    def part(self, operand: str, axis: int, start: str, stop: str) -> str:
        places = f"{start}:{stop}"
        return rf"{_grouped(operand, '_')}_{{[{':, ' + places if axis else places + ', :'}]}}"

    def entry(self, name: str, indices: Sequence[str]) -> str:
        return self.placed(self.name(name), indices)

    def placed(self, array: str, indices: Sequence[str]) -> str:
        return rf"{_grouped(array, '_')}_{{[{', '.join(map(_index, indices))}]}}"

    def sum_over(self, indices: Sequence[str], body: str) -> str:
        return rf"\sum_{{{', '.join(map(_index, indices))}}} {body}"

    def delta(self, first: str, second: str) -> str:
        if self.naming.cotangent == "δ":
            return rf"[{_index(first)} = {_index(second)}]"
        return rf"\delta_{{{_index(first)} {_index(second)}}}"

    def partial(self, of: str, wrt: str) -> str:
        return rf"\frac{{\partial {of}}}{{\partial {wrt}}}"

    def second_partial(self, of: str, first: str, second: str) -> str:
        return rf"\frac{{\partial^{{2}} {of}}}{{\partial {first} \, \partial {second}}}"

    def nabla(self, of: str) -> str:
        return rf"\nabla_{{{self.name('theta')}}} {of}"


_ACCENTED = tuple(rf"\{macro}{{" for macro, _ in ACCENTS.values())


def _grouped(text: str, script: str = "^") -> str:
    """Return `text` in braces, for a script of its own.

    TeX takes the braces off an accent alone, whose own script would then be a second one.
    """
    return f"{{{{}}{text}}}" if text.startswith(_ACCENTED) and script in text else f"{{{text}}}"


def _scripts(parts: Parts) -> str:
    """Return what stands below and above the letters of a name."""
    lowered = ",".join(each if each.isdigit() else rf"\mathrm{{{each}}}" for each in parts.lowered)
    left, right = FENCES.get(parts.raised, ("", ""))
    raised = f"^{{{left}{parts.number}{right}}}" if parts.raised else ""
    return (f"_{{{lowered}}}" if lowered else "") + raised


def _letters(letters: str, *, upright: bool = False) -> str:
    """Return the letters of a name: one stands in italics, several upright, so that they are no product."""
    letters = GREEK_WORDS.get(letters, letters)
    found = list(symbols(letters))
    if len(found) == 1 and found[0][0] in MACROS:
        text = _accented(*found[0])
        return text if found[0][1] else text + " "
    text = "".join(_accented(*each) + ("{}" if each[0] in MACROS and not each[1] else "") for each in found)
    return rf"\mathrm{{{_escaped(text)}}}" if len(found) > 1 or (upright and letters) else text


def _accented(letter: str, accents: tuple[str, ...]) -> str:
    text = MACROS.get(letter, letter)
    for accent in accents:
        text = rf"\{ACCENTS[accent][0]}{{{text}}}"
    return text


def _index(name: str) -> str:
    return name.replace(PRIME, "'")


def _escaped(name: str) -> str:
    return name.replace("_", r"\_")


def _bare(text: str) -> str:
    r"""Return `text` without one pair of \left( \right) around all of it: a fraction bar groups by itself."""
    if not (text.startswith(r"\left(") and text.endswith(r"\right)")):
        return text
    depth = 0
    for match in re.finditer(r"\\left\(|\\right\)", text):
        depth += 1 if match.group() == r"\left(" else -1
        if depth == 0 and match.end() != len(text):
            return text
    return text[len(r"\left(") : -len(r"\right)")]
