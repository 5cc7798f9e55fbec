"""The MathML style: presentation elements of MathML Core, which browsers show and screen readers speak."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from html import escape

from symmlp.calculus.matrix_form import PRIME
from symmlp.printing.lettering import ACCENTS, FENCES, symbols
from symmlp.printing.naming import AS_IN_THE_GRAPH, GREEK_WORDS, SPOKEN, Naming, Parts
from symmlp.printing.style import ATOM, PRODUCT, SUM, decimal, powered
from symmlp.printing.text import DOUBLE_PRIME

TIMES = '<mo lspace="0" rspace="0.17em">&#x2062;</mo>'
"""The invisible sign between factors that stand side by side, with a little space to see them apart."""

_APPLY = "<mo>&#x2061;</mo>"
_COMMA = "<mo>,</mo>"
_TALL = ("<mfrac>", "<munder>", "<mtable")
_RELATIONS = {"==": "=", ">": "&gt;", ">=": "≥", "<": "&lt;", "<=": "≤"}
_REDUCTIONS = {("sum", None): "sum", ("sum", 1): "rowsum", ("max", 1): "rowmax", ("max", None): "max"}


class Bracketed(str):
    """A formula in brackets that knows what is inside: a fraction bar groups by itself."""

    __slots__ = ("inside",)
    inside: str


@dataclass(frozen=True)
class MathmlStyle:
    """Sequences of MathML elements; whoever prints them puts a `math` element around."""

    naming: Naming = AS_IN_THE_GRAPH

    def name(self, name: str) -> str:
        if name.isdigit():
            return _number(name)
        parts = None if name in SPOKEN else self.naming.parts(name)
        if parts is None:
            return _word(SPOKEN.get(name, name))
        letters = _letters(GREEK_WORDS.get(parts.letters, parts.letters))
        if parts.mark and not parts.cotangent:
            letters = _marked(letters, parts.mark)
        numbered = _scripted(letters, parts)
        if parts.jacobian:
            return f"<msub><mi>J</mi>{_row(numbered)}</msub>"
        if not parts.cotangent:
            return numbered
        cotangent = _letters(parts.cotangent, ' mathvariant="normal"')
        return _row(f"{_marked(cotangent, parts.mark) if parts.mark else cotangent}{numbered}")

    def constant(self, name: str) -> str:
        return _word("π" if name == "pi" else name)

    def number(self, value: Fraction) -> str:
        text, sign = decimal(abs(value)), self.minus() if value < 0 else ""
        if (found := powered(abs(value))) is not None:
            return sign + self._powered(str(decimal(found[0])), found[1])
        if text is not None:
            return sign + _number(text)
        return f"{sign}<mfrac>{_number(str(abs(value.numerator)))}{_number(str(value.denominator))}</mfrac>"

    def real(self, value: float) -> str:
        digits, _, exponent = repr(abs(value)).partition("e")
        sign = self.minus() if value < 0 else ""
        if not exponent:
            return sign + _number(digits)
        return sign + self._powered(digits.removesuffix(".0"), int(exponent))

    def _powered(self, digits: str, exponent: int) -> str:
        above = ("<mo>−</mo>" if exponent < 0 else "") + _number(str(abs(exponent)))
        power = f"<msup>{_number('10')}{_row(above)}</msup>"
        return power if digits == "1" else f"{_number(digits)}<mo>·</mo>{power}"

    def parens(self, text: str) -> str:
        found = Bracketed(_fenced("(", text, ")"))
        found.inside = text
        return found

    def minus(self) -> str:
        return "<mo>−</mo>"

    def plus(self) -> str:
        return "<mo>+</mo>"

    def product(self, scalars: Sequence[str], arrays: Sequence[str]) -> str:
        sign = "<mo>·</mo>" if any(text.startswith("<mn>") for text in scalars[1:]) else TIMES
        return TIMES.join(part for part in (sign.join(scalars), "<mo>∘</mo>".join(arrays)) if part)

    def quotient(self, top: str, bottom: str, *, arrays: bool) -> tuple[str, int]:
        if arrays:
            return f"{top}<mo>⊘</mo>{bottom}", PRODUCT
        return f"<mfrac>{_row(_bare(top))}{_row(_bare(bottom))}</mfrac>", ATOM

    def power(self, base: str, exponent: str, *, arrays: bool) -> str:
        return f"<msup>{_row(base)}{_row('<mo>∘</mo>' + exponent if arrays else exponent)}</msup>"

    def times(self, left: str, right: str) -> str:
        return left + TIMES + right

    def transpose(self, operand: str) -> str:
        return f"<msup>{_row(operand)}<mo>⊤</mo></msup>"

    def ones(self) -> str:
        return '<mn class="ones">1</mn>'

    def reduce(self, kind: str, axis: int | None, operand: str) -> str:
        return _called(_word(_REDUCTIONS[kind, axis]), [operand])

    def call(self, name: str, arguments: Sequence[str]) -> str:
        if name == "abs":
            return _fenced("|", arguments[0], "|")
        if name == "sqrt":
            return f"<msqrt>{arguments[0]}</msqrt>"
        plain = name.rstrip(PRIME)
        function, primes = _word(plain), name[len(plain) :].replace(PRIME * 2, DOUBLE_PRIME)
        primed = f"<msup>{function}<mo>{primes}</mo></msup>" if primes else function
        return _called(primed, arguments)

    def relation(self, relation: str) -> str:
        return f"<mo>{_RELATIONS[relation]}</mo>"

    def cases(self, pairs: Sequence[tuple[str, str]], otherwise: str) -> tuple[str, int]:
        rows = [_table_row(value, f"<mtext>if&#xA0;</mtext>{condition}") for value, condition in pairs]
        rows.append(_table_row(otherwise, "<mtext>otherwise</mtext>"))
        return _row(f'<mo>{{</mo><mtable class="cases">{"".join(rows)}</mtable>'), SUM

    def join(self, parts: Sequence[str], axis: int) -> str:
        rows = _table_row(*parts) if axis else "".join(map(_table_row, parts))
        return _row(f"<mo>[</mo><mtable>{rows}</mtable><mo>]</mo>")

    def row_product(self, left: str, right: str) -> str:
        return f"{left}<mo>•</mo>{right}"

    def kronecker(self, left: str, right: str) -> str:
        return f"{left}<mo>⊗</mo>{right}"

    def part(self, operand: str, axis: int, start: str, stop: str) -> str:
        places = f"<mtext>{escape(start)}:{escape(stop)}</mtext>"
        inside = f"<mtext>:</mtext>{_COMMA}{places}" if axis else f"{places}{_COMMA}<mtext>:</mtext>"
        return f"<msub>{_row(operand)}{_fenced('[', inside, ']')}</msub>"

    def entry(self, name: str, indices: Sequence[str]) -> str:
        return self.placed(self.name(name), indices)

    def placed(self, array: str, indices: Sequence[str]) -> str:
        inside = _COMMA.join(map(_index, indices))
        return f"<msub>{_row(array)}{_fenced('[', inside, ']')}</msub>"

    def sum_over(self, indices: Sequence[str], body: str) -> str:
        return f"<munder><mo>∑</mo>{_row(_COMMA.join(map(_index, indices)))}</munder>{body}"

    def delta(self, first: str, second: str) -> str:
        if self.naming.cotangent == "δ":
            return _row(f"<mo>[</mo>{_index(first)}<mo>=</mo>{_index(second)}<mo>]</mo>")
        return f"<msub><mi>δ</mi>{_row(_index(first) + _index(second))}</msub>"

    def partial(self, of: str, wrt: str) -> str:
        return f"<mfrac>{_row(f'<mo>∂</mo>{of}')}{_row(f'<mo>∂</mo>{wrt}')}</mfrac>"

    def second_partial(self, of: str, first: str, second: str) -> str:
        top = f"<msup><mo>∂</mo><mn>2</mn></msup>{of}"
        return f"<mfrac>{_row(top)}{_row(f'<mo>∂</mo>{first}<mo>∂</mo>{second}')}</mfrac>"

    def nabla(self, of: str) -> str:
        return f"<msub><mi>∇</mi>{self.name('theta')}</msub>{of}"


def _letters(letters: str, variant: str = "") -> str:
    """Return the letters of a name as one word; an accent stands above a single letter as a sign of its own."""
    (letter, accents), *rest = symbols(letters)
    if rest:
        return f"<mi{variant}>{escape(letters)}</mi>"
    found = f"<mi{variant}>{escape(letter)}</mi>"
    for accent in accents:
        found = f'<mover accent="true">{found}<mo stretchy="false">{ACCENTS[accent][1]}</mo></mover>'
    return found


def _scripted(letters: str, parts: Parts) -> str:
    """Return the letters of a name with what stands below and above them."""
    lowered = _COMMA.join(_number(each) if each.isdigit() else _word(each) for each in parts.lowered)
    below = lowered if len(parts.lowered) == 1 else _row(lowered)
    if not parts.raised:
        return f"<msub>{letters}{below}</msub>" if parts.lowered else letters
    left, right = (f'<mo stretchy="false">{fence}</mo>' if fence else "" for fence in FENCES[parts.raised])
    above = _row(f"{left}{_number(parts.number)}{right}")
    return f"<msubsup>{letters}{below}{above}</msubsup>" if parts.lowered else f"<msup>{letters}{above}</msup>"


def _marked(letters: str, mark: str) -> str:
    """Return letters with a dot or a hat above."""
    return f'<mover accent="true">{letters}<mo>{"˙" if mark == "dot" else "^"}</mo></mover>'


def _row(inside: str) -> str:
    return f"<mrow>{inside}</mrow>"


def _word(text: str) -> str:
    return f"<mi>{escape(text)}</mi>"


def _number(text: str) -> str:
    return f"<mn>{escape(text)}</mn>"


def _index(name: str) -> str:
    plain = name.removesuffix(PRIME)
    return _word(name) if plain == name else f"<msup>{_word(plain)}<mo>{PRIME}</mo></msup>"


def _fenced(left: str, inside: str, right: str) -> str:
    """Return `inside` in brackets, which grow around what is tall only: grown ones stand wide apart."""
    still = "" if any(tag in inside for tag in _TALL) else ' stretchy="false"'
    return _row(f"<mo{still}>{left}</mo>{inside}<mo{still}>{right}</mo>")


def _called(function: str, arguments: Sequence[str]) -> str:
    return function + _APPLY + _fenced("(", _COMMA.join(arguments), ")")


def _table_row(*cells: str) -> str:
    return "<mtr>" + "".join(f"<mtd>{_row(cell)}</mtd>" for cell in cells) + "</mtr>"


def _bare(text: str) -> str:
    return text.inside if isinstance(text, Bracketed) else text
