"""Reads printed formulas back: what a mathematician takes a text to mean, computed with numbers.

From loose to tight: sums; ∘, ⊘, •, ⊗ and / from left to right; products written side by side, with a space or a dot;
powers and transposes; slices. Side by side stand matrix products and multiples by a number. `1` beside a matrix is a
column of ones.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tests.printing.evaluation import FUNCTIONS

Value = Any

_NAME = r"[^\W\d_](?:[\w\u0300-\u036f])*[′″]?|∂[\w/∂]*"
_TOKEN = re.compile(
    rf"\s*(?:(?P<number>\d+(?:\.\d+)?(?:e[+−]?\d+)?)|(?P<name>{_NAME})|(?P<sign>\^∘|[^\s\w]|[⁰¹²³⁴-⁹ᵀ]))"
)
_SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹"
_RELATIONS: dict[str, Callable[[Value, Value], Value]] = {
    ">": np.greater,
    "≥": np.greater_equal,
    "<": np.less,
    "≤": np.less_equal,
    "=": np.equal,
}
_REDUCTIONS: dict[str, Callable[[Value], Value]] = {
    "sum": np.sum,
    "rowsum": lambda value: np.sum(value, axis=1, keepdims=True),
    "rowmax": lambda value: np.max(value, axis=1, keepdims=True),
}


class ReadingError(ValueError):
    """A text that is no formula."""


class Ones:
    """A column of ones, of the length that its neighbour needs; alone it is the number 1."""


class OnesRow(Ones):
    """A row of ones: behind a column it repeats the column, which broadcasting does by itself."""


def read(text: str, values: Mapping[str, Value], functions: Mapping[str, Callable[..., Value]] | None = None) -> Value:
    """Return what a formula is worth for `values`, by the names in the text."""
    reader = _Reader(text, values, {**FUNCTIONS, **_REDUCTIONS, **(functions or {})})
    value = reader.sum()
    if reader.next:
        raise ReadingError(f"{text!r}: unexpected {reader.next!r}")
    return _number(value)


def _number(value: Value) -> Value:
    return 1.0 if isinstance(value, Ones) else value


def _tokens(text: str) -> list[str]:
    # A superscript is its own token although Unicode counts it as a letter of a word.
    spaced = re.sub(f"([{_SUPERSCRIPTS}]+|ᵀ)", r" \1 ", text)
    return [match.group().strip() for match in re.finditer(rf"[{_SUPERSCRIPTS}]+|{_TOKEN.pattern}", spaced)]


class _Reader:
    def __init__(self, text: str, values: Mapping[str, Value], functions: Mapping[str, Callable[..., Value]]) -> None:
        self.tokens, self.values, self.functions = _tokens(text), values, functions
        self.at, self.bars = 0, 0

    @property
    def next(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, *expected: str) -> str:
        token = self.next
        if expected and token not in expected:
            raise ReadingError(f"expected {expected}, found {token!r} in {' '.join(self.tokens)}")
        self.at += 1
        return token

    def sum(self) -> Value:
        sign = -1 if self.next == "−" and self.take() else 1
        value = sign * _number(self.product()) if sign < 0 else self.product()
        while self.next in ("+", "−"):
            sign = -1 if self.take() == "−" else 1
            value = _number(value) + sign * _number(self.product())
        return value

    def product(self) -> Value:
        value = self.beside()
        while self.next in ("∘", "⊘", "/", "•", "⊗"):
            operator, other = self.take(), _number(self.beside())
            if operator == "⊗":
                value = np.kron(value, other)
                continue
            if operator == "•":
                value = np.einsum("pi,pk->pik", value, other).reshape(len(other), -1)
                continue
            value = _number(value) * other if operator == "∘" else _number(value) / other
        return value

    def beside(self) -> Value:
        value = self.power()
        while self.next == "·" or self._starts_an_atom():
            if self.next == "·":
                self.take()
            value = _times(value, self.power())
        return value

    def _starts_an_atom(self) -> bool:
        token = self.next
        if token == "|":
            return not self.bars
        return token not in ("", "if", "else") and (
            token in "({√" or token[0].isdecimal() or unicodedata.category(token[0])[0] == "L"
        )

    def power(self) -> Value:
        value = self.atom()
        while True:
            token = self.next
            if token == "ᵀ":
                self.take()
                value = OnesRow() if isinstance(value, Ones) else value if np.ndim(value) < 2 else np.transpose(value)
            elif token in ("^", "^∘"):
                self.take()
                exponent = self.atom() if self.next[0] not in _SUPERSCRIPTS else self._superscript()
                value = _number(value) ** _number(exponent)
            elif token and token[0] in _SUPERSCRIPTS:
                value = _number(value) ** self._superscript()
            elif token == "[":
                value = value[self._slices()]
            else:
                return value

    def _superscript(self) -> float:
        return float("".join(str(_SUPERSCRIPTS.index(digit)) for digit in self.take()))

    def _slices(self) -> tuple[slice, ...]:
        """Return what stands in `[:, 0:4]`."""
        found, closed = [], ""
        self.take("[")
        while closed != "]":
            start = "" if self.next == ":" else self.take()
            self.take(":")
            stop = "" if self.next in (",", "]") else self.take()
            found.append(slice(int(start or 0), int(stop) if stop else None))
            closed = self.take(",", "]")
        return tuple(found)

    def joined(self) -> Value:
        """Return arrays side by side, `[A, B]`, or one above the other, `[a; b]`."""
        parts, signs = [_number(self.sum())], set()
        while self.next in (",", ";"):
            signs.add(self.take())
            parts.append(_number(self.sum()))
        self.take("]")
        return np.concatenate(parts, axis=0 if signs == {";"} else 1)

    def atom(self) -> Value:
        token = self.take()
        if token == "(":
            value = self.sum()
            self.take(")")
            return value
        if token == "√":
            self.take("(")
            value = np.sqrt(_number(self.sum()))
            self.take(")")
            return value
        if token == "|":
            self.bars += 1
            value = np.abs(_number(self.sum()))
            self.take("|")
            self.bars -= 1
            return value
        if token == "{":
            return self.cases()
        if token == "[":
            return self.joined()
        if token == "1":
            return Ones()
        if token[:1].isdecimal():
            return float(token.replace("−", "-"))
        return self.call(token) if self.next == "(" and token in self.functions else self.values[token]

    def call(self, name: str) -> Value:
        bars, self.bars = self.bars, 0
        self.take("(")
        arguments = [_number(self.sum())]
        while self.next == ",":
            self.take()
            arguments.append(_number(self.sum()))
        self.take(")")
        self.bars = bars
        return self.functions[name](*arguments)

    def cases(self) -> Value:
        bars, self.bars = self.bars, 0
        branches = []
        while self.next != "else":
            value = _number(self.sum())
            self.take("if")
            left, relation, right = _number(self.sum()), self.take(*_RELATIONS), _number(self.sum())
            branches.append((_RELATIONS[relation](left, right), value))
            self.take(";")
        self.take("else")
        result = _number(self.sum())
        self.take("}")
        self.bars = bars
        for condition, value in reversed(branches):
            result = np.where(condition, value, result)
        return result


def _times(left: Value, right: Value) -> Value:
    """Return a product written side by side: of matrices, with a column of ones, or with a number."""
    if isinstance(right, OnesRow):
        return _number(left)
    if isinstance(right, Ones):
        return np.sum(left, axis=1) if np.ndim(left) == 2 else _number(left)
    if isinstance(left, Ones) or np.ndim(left) == 0 or np.ndim(right) == 0:
        return _number(left) * right
    if np.ndim(left) == np.ndim(right) == 2:
        return left @ right
    raise ReadingError(f"shapes {np.shape(left)} and {np.shape(right)} side by side")
