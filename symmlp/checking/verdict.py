"""What comes of a check: right or wrong, by how much, and which mistake it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from symmlp.showing import html_text

PROMISE = 1e-9
"""Largest error of a right formula, relative to the gradient's largest entry."""


@dataclass(frozen=True)
class Mistake:
    """One mistake: a stable kind, a sentence, and the id of the equation that the right formula has there.

    `equation` is that equation's text; both are empty where no equation can be named.
    """

    kind: str
    message: str
    where: str = ""
    equation: str = ""


@dataclass(frozen=True)
class WorstEntry:
    """The entry that is farthest off: its place, counted from 1, the formula's value and the gradient's."""

    place: tuple[int, ...]
    found: float
    expected: float


@dataclass(frozen=True)
class FormulaCheck:
    """Whether a formula is a gradient. If not: the mistakes that together explain it, or nothing is explained.

    `alternatives` are other mistakes that lead to the same numbers. `error` is relative to the gradient's largest
    entry, infinite where the formula has another shape, or no value. `way` has the ids and texts of the equations that
    the formula stands for, from the loss on.
    """

    ok: bool
    subject: str
    formula: str
    right: str
    where: str
    shape: str
    mistakes: tuple[Mistake, ...] = ()
    alternatives: tuple[tuple[Mistake, ...], ...] = ()
    found_shape: str = ""
    worst: WorstEntry | None = None
    error: float = 0.0
    promise: float = PROMISE
    points: int = 0
    way: tuple[tuple[str, str], ...] = ()

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of the mistakes."""
        return tuple(mistake.kind for mistake in self.mistakes)

    def text(self) -> str:
        """Return the verdict for a reader: the mistakes, the right equation, and the entry that is farthest off."""
        return "\n".join(self._right_lines() if self.ok else self._wrong_lines()) + "\n"

    def _repr_html_(self) -> str:
        return html_text(self.text())

    def as_dict(self) -> dict[str, Any]:
        """Return plain data of the verdict."""
        return {
            "ok": self.ok,
            "subject": self.subject,
            "formula": self.formula,
            "right": self.right,
            "where": self.where,
            "shape": self.shape,
            "found_shape": self.found_shape,
            "mistakes": [vars(mistake) for mistake in self.mistakes],
            "alternatives": [[vars(mistake) for mistake in each] for each in self.alternatives],
            "worst": None if self.worst is None else {**vars(self.worst), "place": list(self.worst.place)},
            "error": self.error if self.error < float("inf") else None,
            "promise": self.promise,
            "points": self.points,
            "way": [{"id": id, "equation": equation} for id, equation in self.way],
        }

    def _right_lines(self) -> list[str]:
        measured = f"largest error {self.error:.1e}, promised {self.promise:.0e} of the largest entry"
        return [f"right: {self.formula} is {self.subject} {self.shape}", f"  {self.points} random points: {measured}"]

    def _wrong_lines(self) -> list[str]:
        lines = [f"wrong: {self.formula} is not {self.subject}", *_told(self.mistakes)]
        for alternative in self.alternatives:
            lines += ["  or, with the same result:", *_told(alternative)]
        if not any(mistake.where for mistake in self.mistakes):
            lines += ["  the right way:", *(f"  {id:<4}{equation}" for id, equation in self.way)]
        elif self.right not in [mistake.equation for mistake in self.mistakes]:
            lines.append(f"  {self.where:<4}{self.right}")
        return [*lines, *(f"  {line}" for line in self._difference())]

    def _difference(self) -> list[str]:
        if self.found_shape and self.found_shape != self.shape:
            return [f"the formula is {self.found_shape}, the gradient {self.shape}"]
        if self.worst is None:
            return []
        entry = f"entry [{', '.join(map(str, self.worst.place))}]" if self.worst.place else "it"
        return [f"at a random point {entry} is {self.worst.found:.6g}, right is {self.worst.expected:.6g}"]


def _told(mistakes: tuple[Mistake, ...]) -> Iterator[str]:
    """Yield each mistake behind the id of its equation, and the right equation once."""
    for mistake, following in zip(mistakes, (*mistakes[1:], None), strict=True):
        yield f"  {mistake.where:<4}{mistake.message}"
        if mistake.equation and (following is None or following.equation != mistake.equation):
            yield f"      {mistake.equation}"
