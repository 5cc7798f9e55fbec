"""Mathematical spelling to Python's: `dZ2ᵀ A1 / N` is read as `beside(dZ2.T, A1)/N`.

Only the spelling changes; what stands side by side becomes a call of `beside`, because it binds tighter than `/` and
its meaning depends on the shapes. Every character keeps the column that it came from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from symmlp.checking.tokens import Token, tokens
from symmlp.errors import ExpressionError, shown
from symmlp.expression.syntax import MAX_DEPTH

BESIDE, ONES = "beside", "_1"
"""The call that stands for juxtaposition, and the name of the column of ones that `1` is in it."""

_PYTHON = {"−": "-", "∘": "*", "⊙": "*", "×": "*", "⊘": "/", "≤": "<=", "≥": ">=", "^": "**", "^∘": "**"}
_WORDS = frozenset({"if", "else", "and", "or", "not", "lambda", "in", "is", "for", "await", "yield"})
_CLOSING = {"(": ")", "[": "]", "{": "}"}


@dataclass(frozen=True)
class Spelled:
    """A text in Python's spelling, and the column (from 1) of the original that each character stands for."""

    text: str
    columns: tuple[int, ...]

    def __add__(self, other: Spelled) -> Spelled:
        return Spelled(self.text + other.text, self.columns + other.columns)

    @classmethod
    def at(cls, column: int, text: str) -> Spelled:
        """Return a text all of whose characters stand for one column."""
        return cls(text, (column,) * len(text))

    def column(self, place: int) -> int:
        """Return the original column of the character at `place`, the last one's beyond the end."""
        return self.columns[min(max(place, 0), len(self.columns) - 1)] if self.columns else 1


def spelled(text: str, is_array: Callable[[str], bool], printed: Mapping[str, str], field: str) -> Spelled:
    """Return `text` in Python's spelling.

    `is_array` tells a name in front of a bracket from a function: `N (P − Y)` is a product, `tanh (Z1)` is not.
    `printed` holds the names that formulas print in other letters, with those that code has.

    Raises:
        ExpressionError: a character of no meaning, or brackets that do not match.
    """
    return _Speller(tokens(text, printed, field), is_array, field).whole()


_END = Token("end", "", 0, spaced=True)


class _Speller:
    """Walks over the tokens once; operands that follow each other are joined."""

    def __init__(self, found: list[Token], is_array: Callable[[str], bool], field: str) -> None:
        self.tokens, self.is_array, self.field = found, is_array, field
        self.place, self.depth = 0, 0

    @property
    def next(self) -> Token:
        return self.tokens[self.place] if self.place < len(self.tokens) else _END

    def take(self) -> Token:
        self.place += 1
        return self.tokens[self.place - 1]

    def error(self, token: Token, problem: str) -> ExpressionError:
        where = "at the end" if token is _END else f"at column {token.column}"
        return ExpressionError(f"{self.field}: {problem} {where}")

    def whole(self) -> Spelled:
        """Return the spelling of all tokens."""
        found = self.sequence(())
        if self.next is not _END:
            raise self.error(self.next, f"unexpected {shown(self.next.text)}")
        return found

    def sequence(self, ends: tuple[str, ...], *, in_cases: bool = False) -> Spelled:
        """Return everything up to one of `ends`: operators as Python writes them, runs of operands joined."""
        found = Spelled("", ())
        while self.next is not _END and self.next.text not in ends and self.next.text not in (")", "]", "}"):
            if self._starts_operand("|" in ends):
                found += self.run("|" in ends)
            else:
                token = self.take()
                relation = token.text == "=" and in_cases
                found += Spelled.at(token.column, "==" if relation else _PYTHON.get(token.text, token.text))
        return found

    def _starts_operand(self, inside_bars: bool) -> bool:
        token = self.next
        if token.text == "|":
            return not inside_bars
        return token.kind in ("number", "name", "subscripts") or token.text in ("(", "{", "[", "√", "|")

    def run(self, inside_bars: bool) -> Spelled:
        """Return operands that stand side by side, as nested calls of `beside`."""
        start = self.place
        found = self.operand()
        dotted = self.next.text == "·"
        while dotted or self._starts_operand(inside_bars):
            if self.next.text in ("if", "else"):
                break
            if dotted:
                self.take()
            column, other_start = self.next.column, self.place
            left, right = self._ones(start, found), self._ones(other_start, self.operand())
            found = Spelled.at(column, f"{BESIDE}(") + left + Spelled.at(column, ",") + right + Spelled.at(column, ")")
            dotted, start = self.next.text == "·", -1
        return found

    def _ones(self, start: int, operand: Spelled) -> Spelled:
        """Return the operand that began at token `start`, or ones if it is the number 1."""
        return Spelled.at(operand.column(0), ONES) if operand.text == "1" and start >= 0 else operand

    def operand(self) -> Spelled:
        """Return one operand with its brackets, methods, powers and transposes."""
        if self.next is _END:
            raise self.error(_END, "expected something to multiply with")
        found = self.atom()
        while True:
            token = self.next
            if token.kind == "postfix":
                # A number followed by .T would be a number with a decimal point.
                is_ones = found.text == "1" and token.text == ".T"
                found = Spelled.at(found.column(0), ONES) if is_ones else found
                found += Spelled.at(self.take().column, token.text)
            elif token.text in ("^", "^∘", "**"):
                found += self.power()
            elif token.text == ".":
                found += self.attribute()
            elif token.text == "[" and not token.spaced:
                found += self.bracketed()
            else:
                return found

    def power(self) -> Spelled:
        """Return a power sign and the exponent; ^∘² has two signs of a power, and ^T is a transpose."""
        sign = self.take()
        if self.next.kind == "postfix" and self.next.text != ".T":
            return Spelled("", ())
        if self.next.text == "T":
            return Spelled.at(self.take().column, ".T")
        return Spelled.at(sign.column, "**") + self.sign() + self.atom()

    def sign(self) -> Spelled:
        """Return the sign that an exponent may begin with."""
        if self.next.text not in ("-", "−", "+"):
            return Spelled("", ())
        token = self.take()
        return Spelled.at(token.column, _PYTHON.get(token.text, token.text))

    def attribute(self) -> Spelled:
        """Return `.T`, `.sum(...)`: a point, a name and perhaps arguments."""
        point = self.take()
        if self.next.kind != "name":
            raise self.error(self.next, "expected a name after the point")
        name = self.take()
        found = Spelled.at(point.column, ".") + Spelled.at(name.column, name.text)
        return found + self.bracketed() if self.next.text == "(" and not self.next.spaced else found

    def atom(self) -> Spelled:
        """Return a number, a name, a call, or what stands in brackets."""
        token = self.next
        if token.text in _WORDS:
            choice = token.text in ("if", "else")
            other = "where(condition, a, b)" if choice else "sums such as .sum(axis=0) and products of matrices"
            problem = f"is not allowed; use {other}"
            raise ExpressionError(f"{self.field}: '{token.text}' at column {token.column} {problem}")
        if token.text in ("(", "["):
            return self.bracketed()
        if token.text == "{":
            return self.cases()
        if token.text == "|":
            return self.absolute()
        if token.kind not in ("number", "name", "subscripts") and token.text != "√":
            raise self.error(token, f"unexpected {shown(token.text)}" if token is not _END else "unexpected end")
        self.take()
        found = Spelled.at(token.column, "sqrt" if token.text == "√" else token.text)
        is_call = self.next.text == "(" and token.kind not in ("number", "subscripts") and not self.is_array(token.text)
        return found + self.bracketed() if is_call else found

    def bracketed(self) -> Spelled:
        """Return a bracket with its content."""
        opening = self.take()
        self._enter(opening)
        found = Spelled.at(opening.column, opening.text) + self.sequence(())
        closing = _CLOSING[opening.text]
        found += Spelled.at(self._close(opening, closing).column, closing)
        return found

    def absolute(self) -> Spelled:
        """Return |x| as abs(x)."""
        opening = self.take()
        self._enter(opening)
        found = Spelled.at(opening.column, "abs(") + self.sequence(("|",))
        return found + Spelled.at(self._close(opening, "|").column, ")")

    def cases(self) -> Spelled:
        """Return `{a if c; else b}` as where(c, a, b)."""
        opening = self.take()
        self._enter(opening)
        found, ends = Spelled("", ()), Spelled("", ())
        while self.next.text != "else":
            value = self.sequence(("if", ";", "else"))
            self._word("if")
            condition = self.sequence((";", "else"), in_cases=True)
            self._word(";")
            found += Spelled.at(opening.column, "where(") + condition + Spelled.at(opening.column, ",") + value
            found += Spelled.at(opening.column, ",")
            ends += Spelled.at(opening.column, ")")
        self.take()
        found += self.sequence(())
        self._close(opening, "}")
        return found + ends

    def _word(self, word: str) -> None:
        if self.next.text != word:
            raise self.error(self.next, f"expected '{word}' of {{a if condition; else b}}")
        self.take()

    def _enter(self, opening: Token) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.error(opening, f"more than {MAX_DEPTH} open brackets")

    def _close(self, opening: Token, closing: str) -> Token:
        if self.next.text != closing:
            raise self.error(opening, f"bracket '{opening.text}' is never closed, opened")
        self.depth -= 1
        return self.take()
