"""The page: what a derivation says, before any format. Every format prints this record and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from symmlp.derivation import Formula
from symmlp.graph import Layout
from symmlp.matrix import Node, Shape

Depth = Literal["none", "brief", "full", "index"]
"""How far the steps go: none, one line an equation, matrix level, or every contraction in index notation."""


@dataclass(frozen=True)
class Name:
    """An array, by the graph's name for it."""

    array: str


@dataclass(frozen=True)
class Reference:
    """The equation or step with this id."""

    id: str


@dataclass(frozen=True)
class GradientOf:
    """The gradient, not yet taken, of the number `of` with respect to the array `wrt`; all else is held fixed."""

    of: Node
    wrt: str


@dataclass(frozen=True)
class FunctionAt:
    """A function at its arguments, and the entry of its value that is meant if it acts on rows."""

    name: str
    arguments: tuple[str, ...]
    indices: tuple[str, ...] = ()


Shown = Formula | GradientOf | FunctionAt
"""Whatever is typeset as mathematics."""

Prose = tuple[str | Name | Reference | Formula | FunctionAt, ...]
"""Words with names, ids and formulas among them."""


@dataclass(frozen=True)
class SymbolRow:
    """An array, its shape and what it is."""

    name: str
    shape: Shape
    role: str


@dataclass(frozen=True)
class PathRow:
    """The way from a parameter through the graph to the loss: the arrays, and the equations passed there and back.

    Where an array of the way is read more than once, which `branches` says, the way back gathers all of them.
    """

    parameter: str
    arrays: tuple[str, ...]
    forward: tuple[str, ...]
    backward: tuple[str, ...]
    branches: tuple[str, ...] = ()


@dataclass(frozen=True)
class StepRow:
    """One step: the rule used, what it was applied to, what came out, and the steps in index notation that prove it."""

    id: str
    rule: Prose
    before: Shown
    after: Shown
    proof: tuple[str, ...] = ()


@dataclass(frozen=True)
class EquationRow:
    """An equation with its steps at each depth; `chain` names what arrives and the rules used."""

    id: str
    kind: str
    target: str
    head: Shown
    value: Formula
    shape: Shape
    assumptions: tuple[Prose, ...]
    chain: Prose
    matrix_steps: tuple[StepRow, ...]
    index_steps: tuple[StepRow, ...]

    @property
    def is_update(self) -> bool:
        """Whether it says how an array changes; its products are meant entry by entry."""
        return self.kind == "update"

    def steps(self, depth: Depth) -> tuple[StepRow, ...]:
        """Return the steps that are shown at a depth."""
        return {"full": self.matrix_steps, "index": self.index_steps}.get(depth, ())


@dataclass(frozen=True)
class Section:
    """Equations under a title."""

    title: str
    equations: tuple[EquationRow, ...]


@dataclass(frozen=True)
class FunctionLine:
    """A definition or slope; `is_stable` marks the form that code computes."""

    label: FunctionAt
    formula: Formula
    is_stable: bool = False


@dataclass(frozen=True)
class FunctionRow:
    """A function that the equations call: its definition, its slope, their stable forms, its kinks."""

    name: str
    lines: tuple[FunctionLine, ...]
    kinks: tuple[Prose, ...] = ()


@dataclass(frozen=True)
class Page:
    """A derivation to be printed."""

    network: str
    spec: dict[str, Any]
    layout: Layout
    facts: tuple[tuple[str, Prose], ...]
    symbols: tuple[SymbolRow, ...]
    signs: tuple[tuple[Formula, str], ...]
    indices: Prose
    paths: tuple[PathRow, ...]
    sections: tuple[Section, ...]
    functions: tuple[FunctionRow, ...]
    updates: tuple[Section, ...]

    @property
    def equations(self) -> tuple[EquationRow, ...]:
        """All equations, those of the updates last."""
        return tuple(each for section in (*self.sections, *self.updates) for each in section.equations)
