"""What the parts of a formula look like in one output format, and how tightly printed parts bind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from symmlp.calculus.matrix_form import PRIME

SUM, PRODUCT, POWER, ATOM = 1, 2, 3, 4
"""How tightly a printed part binds."""


class Style(Protocol):
    """How the parts of a formula look in one output format."""

    def name(self, name: str) -> str: ...
    def constant(self, name: str) -> str: ...
    def number(self, value: Fraction) -> str: ...
    def real(self, value: float) -> str: ...
    def parens(self, text: str) -> str: ...
    def minus(self) -> str: ...
    def plus(self) -> str: ...
    def product(self, scalars: Sequence[str], arrays: Sequence[str]) -> str: ...
    def quotient(self, top: str, bottom: str, *, arrays: bool) -> tuple[str, int]: ...
    def power(self, base: str, exponent: str, *, arrays: bool) -> str: ...
    def times(self, left: str, right: str) -> str: ...
    def transpose(self, operand: str) -> str: ...
    def ones(self) -> str: ...
    def reduce(self, kind: str, axis: int | None, operand: str) -> str: ...
    def call(self, name: str, arguments: Sequence[str]) -> str: ...
    def relation(self, relation: str) -> str: ...
    def cases(self, pairs: Sequence[tuple[str, str]], otherwise: str) -> tuple[str, int]: ...
    def join(self, parts: Sequence[str], axis: int) -> str: ...
    def row_product(self, left: str, right: str) -> str: ...
    def kronecker(self, left: str, right: str) -> str: ...
    def part(self, operand: str, axis: int, start: str, stop: str) -> str: ...
    def entry(self, name: str, indices: Sequence[str]) -> str: ...
    def placed(self, array: str, indices: Sequence[str]) -> str: ...
    def sum_over(self, indices: Sequence[str], body: str) -> str: ...
    def delta(self, first: str, second: str) -> str: ...
    def partial(self, of: str, wrt: str) -> str: ...
    def second_partial(self, of: str, first: str, second: str) -> str: ...
    def nabla(self, of: str) -> str: ...


@dataclass(frozen=True)
class Printed:
    """A text and how tightly it binds."""

    text: str
    binding: int = ATOM


def called(function: str, names: Mapping[str, str]) -> str:
    """Return what a function, or its slope, is called here: the primes are kept."""
    plain = function.rstrip(PRIME)
    return names.get(plain, plain) + function[len(plain) :]


def joined(parts: Sequence[tuple[bool, str]], style: Style) -> str:
    """Return a sum of parts, each with whether it is negative."""
    text = ""
    for negative, part in parts:
        if not text:
            text = f"{style.minus()}{part}" if negative else part
        else:
            text += f" {style.minus() if negative else style.plus()} {part}"
    return text


ZEROS = 6
"""So many zeros behind the point, or in front of it, are counted for the reader: 10⁻⁸."""


def powered(value: Fraction) -> tuple[Fraction, int] | None:
    """Return m and n of a number m 10ⁿ that has many zeros, or None if it has few.

    >>> powered(Fraction(1, 10**8))
    (Fraction(1, 1), -8)
    >>> powered(Fraction(1, 100)) is None
    True
    """
    text = (decimal(value) or "").removeprefix("−")
    whole, _, part = text.partition(".")
    behind, front = len(part) - len(part.lstrip("0")), len(whole) - len(whole.rstrip("0"))
    if part and whole == "0" and behind >= ZEROS:
        return value * 10 ** (behind + 1), -(behind + 1)
    if whole.strip("0") and not part and front > ZEROS:
        return value / 10**front, front
    return None


def decimal(value: Fraction) -> str | None:
    """Return `value` as an exact decimal of at most 40 digits, or None if it has no such form."""
    rest, digits = value.denominator, 0
    for prime in (2, 5):
        power = 0
        while rest % prime == 0:
            rest //= prime
            power += 1
        digits = max(digits, power)
    if rest != 1 or digits > 40:
        return None
    scaled = abs(value.numerator) * 10**digits // value.denominator
    whole, part = divmod(scaled, 10**digits)
    sign = "−" if value < 0 else ""
    return f"{sign}{whole}" + (f".{part:0{digits}d}" if digits else "")
