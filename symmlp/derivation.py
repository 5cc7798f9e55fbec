"""The derivation: forward equations, the loss, backward and update equations, each with the steps that led to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain

import sympy as sp

from symmlp.calculus.functions import ElementFunction, RowFunction
from symmlp.calculus.vjp import RuleStep
from symmlp.graph import Graph, Layout
from symmlp.matrix import Node, Shape, Size, shape_text
from symmlp.showing import shown_by
from symmlp.spec import Network


@dataclass(frozen=True)
class Formula:
    """A formula in an op's own names, and what its arrays, sizes and functions are called here."""

    content: sp.Expr | Node
    names: Mapping[str, str] = field(default_factory=dict)
    sizes: Mapping[Size, Size] = field(default_factory=dict)


@dataclass(frozen=True, repr=False)
class Step:
    """One step of a derivation: the rule used, what it was applied to, what came out."""

    id: str
    rule: str
    before: Formula
    after: Formula

    def __repr__(self) -> str:
        return f"<{self.id} {self.rule}>"


@dataclass(frozen=True)
class Source:
    """Steps in an op's own names, and what the names and sizes are called in this network."""

    steps: tuple[RuleStep, ...]
    names: Mapping[str, str] = field(default_factory=dict)
    sizes: Mapping[Size, Size] = field(default_factory=dict)

    def written(self, rule: str) -> str:
        """Return the name of a rule with its `{Z}` replaced by what Z is called here."""
        for own, name in self.names.items():
            rule = rule.replace("{" + own + "}", name)
        return rule


@dataclass(frozen=True, repr=False)
class Equation:
    """`target = value`; `stable` is the form that code uses, the same number computed safely.

    `subject` says what the target is (`∂L/∂W1`); `sources` are the derivation's steps in the ops' own names.
    """

    id: str
    kind: str
    target: str
    value: Node
    stable: Node
    shape: Shape
    layer: int
    subject: str = ""
    assumptions: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()

    def __repr__(self) -> str:
        return f"<{self.id} {self.subject or self.target} {shape_text(self.shape)}>"

    def _repr_latex_(self) -> str | None:
        return shown_by("LaTeX of an equation", self)

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """The steps, numbered B3.1, B3.2, ..."""
        found = ((step, source) for source in self.sources for step in source.steps)
        return tuple(
            Step(
                f"{self.id}.{number}",
                source.written(step.rule),
                Formula(step.before, source.names, source.sizes),
                Formula(step.after, source.names, source.sizes),
            )
            for number, (step, source) in enumerate(found, start=1)
        )


@dataclass(frozen=True, repr=False)
class Derivation:
    """All equations of a network, in the order of the mathematics, and the functions that occur in them.

    `totals` are what the loss of a whole row is made of.
    `second` holds what was asked for beyond the gradient, by name: tangents, Hessian-vector product and their like;
    `almost_everywhere` says that points where a slope jumps are left out of it.
    """

    network: Network
    layout: Layout
    graph: Graph
    forward: tuple[Equation, ...]
    loss: Equation
    backward: tuple[Equation, ...]
    updates: Mapping[str, tuple[Equation, ...]]
    functions: Mapping[str, ElementFunction | RowFunction]
    totals: tuple[Equation, ...] = ()
    second: Mapping[str, tuple[Equation, ...]] = field(default_factory=dict)
    almost_everywhere: bool = False

    def __repr__(self) -> str:
        return f"<derivation of {self.network.brief}, {len(self.equations)} equations>"

    @property
    def losses(self) -> tuple[Equation, ...]:
        """What is made of prediction and targets: each sample's totals, if there are any, and the loss."""
        return (*self.totals, self.loss)

    @property
    def computed(self) -> tuple[Equation, ...]:
        """What a module computes: forward equations, the loss, backward equations."""
        return (*self.forward, *self.losses, *self.backward)

    @cached_property
    def equations(self) -> tuple[Equation, ...]:
        """All equations: forward, loss, backward, those of second order, updates."""
        return (*self.computed, *chain(*self.second.values()), *chain(*self.updates.values()))

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """All steps of all equations."""
        return tuple(step for equation in self.equations for step in equation.steps)
