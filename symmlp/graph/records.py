"""The computational graph's records: nodes in topological order, each an op with operands and symbolic shapes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import sympy as sp

from symmlp.catalog.activations import Activation
from symmlp.catalog.layers import Op
from symmlp.errors import ProgramError
from symmlp.matrix import Shape

Layout = Literal["batch", "sample"]


@dataclass(frozen=True)
class GraphNode:
    """One application of an op: `operands` and `given` name the arrays it reads, `output` the one it makes."""

    op: Op
    operands: Mapping[str, str]
    output: str
    layer: int
    function: str | None = None
    given: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_penalty(self) -> bool:
        """Whether the output is a term of the loss that is made of weights alone."""
        return not self.op.axes and self.op.output == "R"


Law = Literal["dropped", "uniform", "normal"]


@dataclass(frozen=True)
class Mask:
    """Arrays that training draws anew for every batch: an entry is dropped with probability `rate`.

    `factor` is the array's name, and what it holds where an entry is dropped and where it is kept; so is `shift`.
    By the law `uniform` the two numbers are the ends of the interval from which each entry is drawn instead, by the law
    `normal` its mean and its standard deviation.
    """

    rate: float
    factor: tuple[str, float, float]
    shift: tuple[str, float, float] | None = None
    law: Law = "dropped"

    @property
    def arrays(self) -> tuple[tuple[str, float, float], ...]:
        """The factor, and the shift if there is one."""
        return (self.factor,) if self.shift is None else (self.factor, self.shift)


@dataclass(frozen=True)
class Statistic:
    """An array of the forward pass that prediction replaces by its running value, which starts with `start`.

    After each batch the running value becomes `update`, written in r (itself), s (the batch's) and N.
    """

    name: str
    start: float
    update: sp.Expr


@dataclass(frozen=True)
class Graph:
    """Nodes in topological order, shape and role of every array, which are parameters, which are drawn.

    `starts` are the values that parameters begin with, where those are not drawn; `prediction` and `targets` are what
    the two are called; `statistics` are arrays of which training keeps running values for prediction;
    `constants` are vectors that the spec gives; `sample_weights` is what the samples' weights are called, if they have
    any.
    """

    nodes: tuple[GraphNode, ...]
    shapes: Mapping[str, Shape]
    parameters: tuple[str, ...]
    functions: Mapping[str, Activation]
    roles: Mapping[str, str] = field(default_factory=dict)
    masks: tuple[Mask, ...] = ()
    starts: Mapping[str, float] = field(default_factory=dict)
    prediction: str = "P"
    targets: str = "Y"
    statistics: tuple[Statistic, ...] = ()
    constants: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    sample_weights: str = ""

    def __post_init__(self) -> None:
        """Prove that every array is made before it is read, and once."""
        made = {name for name in self.shapes if name not in {node.output for node in self.nodes}}
        for node in self.nodes:
            for name in (*node.operands.values(), *node.given.values()):
                if name not in made:
                    raise ProgramError(f"{node.output} reads {name}, which is not made before it")
            if node.output in made:
                raise ProgramError(f"{node.output} is made twice")
            made.add(node.output)

    @property
    def inputs(self) -> str:
        """The array of the network's inputs, which the first op calls by a letter of its own."""
        return next(iter((*self.nodes[0].operands.values(), *self.nodes[0].given.values())))

    @property
    def network_nodes(self) -> tuple[GraphNode, ...]:
        """The nodes from the inputs to the prediction."""
        return self.nodes[: self._loss_starts_at]

    @property
    def loss_nodes(self) -> tuple[GraphNode, ...]:
        """The nodes that make the loss of the prediction and the targets, the loss last."""
        return self.nodes[self._loss_starts_at :]

    @property
    def penalties(self) -> tuple[GraphNode, ...]:
        """The nodes of what is added to the loss for the weights."""
        return tuple(node for node in self.nodes if node.is_penalty)

    @property
    def ends(self) -> tuple[GraphNode, GraphNode]:
        """The last activation and the loss of the entries that it gives."""
        loss = self.nodes[-1]
        (activation,) = (node for node in self.nodes if node.output == loss.operands["P"])
        return activation, loss

    @property
    def _loss_starts_at(self) -> int:
        made = [node.output for node in self.nodes]
        return made.index(self.prediction) + 1 if self.prediction in made else len(made)

    def needs_gradient(self) -> set[str]:
        """Return the arrays that depend on a parameter, parameters included."""
        needed = set(self.parameters)
        for node in self.nodes:
            if needed & set(node.operands.values()):
                needed.add(node.output)
        return needed
