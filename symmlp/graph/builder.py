"""What the ops of every layer are made with: names and shapes of arrays, parameters, nodes one behind the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from symmlp.catalog.activations import Activation
from symmlp.catalog.layers import ELEMENTWISE, Op, entrywise, rowwise
from symmlp.catalog.projection import (
    BELOW_MAXIMUM,
    PROJECTED,
    ROW_MAXIMUM,
    SIMPLEX_SUPPORT,
    SUPPORT_SIZE,
    SUPPORT_SUM,
    THRESHOLD,
)
from symmlp.graph.records import GraphNode, Layout, Mask, Statistic
from symmlp.matrix import Shape
from symmlp.spec import Network

COLUMN_NAMES = {"Z": "o", "A": "y", "P": "p", "X": "x", "Y": "y", "U": "u", "C": "c", "V": "v", "H": "h"} | {
    "R": "r",
    "M": "m",
    "S": "s",
}
"""What arrays are called in the one-sample layout: o = W x + b, y = f(o), as in the founding document."""


@dataclass
class Builder:
    """The graph as far as it is built; `current` is the array that the next op reads."""

    network: Network
    layout: Layout
    widths: tuple[int, ...]
    activations: tuple[Activation | None, ...]
    number: int = 0
    current: str = ""
    outputs: list[str] = field(default_factory=list)
    nodes: list[GraphNode] = field(default_factory=list)
    shapes: dict[str, Shape] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=dict)
    parameters: list[str] = field(default_factory=list)
    functions: dict[str, Activation] = field(default_factory=dict)
    masks: list[Mask] = field(default_factory=list)
    starts: dict[str, float] = field(default_factory=dict)
    statistics: list[Statistic] = field(default_factory=list)
    constants: dict[str, tuple[float, ...]] = field(default_factory=dict)

    @property
    def is_last(self) -> bool:
        """Whether the layer is the network's last."""
        return self.number == len(self.network.layers)

    @property
    def width(self) -> int:
        """Number of outputs of the layer."""
        return self.widths[self.number]

    def array(self, letter: str, number: int | str, width: int, role: str) -> str:
        """Return the name of a new array with one row a sample, or one column in the one-sample layout."""
        name = f"{letter if self.layout == 'batch' else COLUMN_NAMES.get(letter, letter.lower())}{number}"
        self.shapes[name] = ("N", width) if self.layout == "batch" else (width, 1)
        self.roles[name] = role
        return name

    def statistic(self, letter: str, role: str, number: int | str | None = None) -> str:
        """Return the name of a new array with one number a sample, the layer's number behind its letter."""
        own = letter if self.layout == "batch" else COLUMN_NAMES.get(letter, letter.lower())
        name = f"{own}{self.number if number is None else number}"
        self.shapes[name] = ("N", 1) if self.layout == "batch" else ()
        self.roles[name] = role
        return name

    def unit_statistic(self, letter: str, role: str) -> str:
        """Return the name of a new array with one number a unit, in the batch layout."""
        name = f"{letter}{self.number}"
        self.shapes[name], self.roles[name] = (self.width,), role
        return name

    def parameter(
        self, letter: str, shape: tuple[int, ...], role: str, start: float | None = None, piece: str = ""
    ) -> str:
        """Return the name of a new parameter; a vector is a column in the one-sample layout."""
        name = f"{letter}{self.number}{piece}"
        self.shapes[name] = (*shape, 1) if len(shape) == 1 and self.layout == "sample" else shape
        self.roles[name] = f"{role} of layer {self.number}" + (f", gate {piece.removeprefix('_')}" if piece else "")
        self.parameters.append(name)
        if start is not None:
            self.starts[name] = start
        return name

    def constant(self, letter: str, values: tuple[float, ...], role: str) -> str:
        """Return the name of a vector that the spec gives; it is a column in the one-sample layout."""
        name = f"{letter}{self.number}"
        self.shapes[name] = (len(values), 1) if self.layout == "sample" else (len(values),)
        self.roles[name], self.constants[name] = f"{role} of layer {self.number}, given", values
        return name

    def apply(
        self,
        op: Op,
        operands: Mapping[str, str],
        output: str,
        function: str | None = None,
        given: Mapping[str, str] | None = None,
    ) -> None:
        """Add a node, whose output the next one reads."""
        self.nodes.append(GraphNode(op, operands, output, self.number, function, given or {}))
        self.current = output

    def output(self, role: str) -> str:
        """Return the name of the layer's output; the network's last layer has its prediction behind it."""
        letter = "Z" if self.is_last else "A"
        return self.array(letter, self.number, self.width, f"{role} of layer {self.number}")

    def activate(self, *before: str) -> None:
        """Add the activation function of the layer, `before` being its pre-activations."""
        activation = self.activations[self.number - 1]
        assert activation is not None
        self.apply_activation(activation, *before)

    def apply_activation(self, activation: Activation, *before: str) -> None:
        """Add an activation function."""
        if activation.is_projection:
            self.project(*before)
            return
        learned = [self.parameter(each.name, (self.width,), each.name, each.start) for each in activation.learned]
        if self.is_last:
            after = self.array("P", "", self.width, "prediction")
        else:
            after = self.array("A", self.number, self.width, f"activation of layer {self.number}")
        op = activation_op(activation)
        operands = dict(zip(op.operands, (*before, *learned), strict=True))
        self.apply(op, operands, after, function_name(activation, self.functions))

    def project(self, entries: str) -> None:
        """Add the projection of each row on the simplex."""
        number, width = self.number, self.width
        largest = self.statistic("M", f"maximum of a row, layer {number}, held fixed")
        self.apply(ROW_MAXIMUM, {}, largest, given={"Z": entries})
        below = self.array("H", number, width, f"entries of layer {number} less their row's maximum")
        self.apply(BELOW_MAXIMUM, {"Z": entries}, below, given={"M": largest})
        support = self.array("S", number, width, f"1 in the support of the projection, layer {number}, held fixed")
        self.apply(SIMPLEX_SUPPORT, {}, support, given={"H": below})
        count = self.statistic("C", f"entries in the support, layer {number}")
        self.apply(SUPPORT_SIZE, {}, count, given={"S": support})
        total = self.statistic("V", f"their sum, layer {number}")
        self.apply(SUPPORT_SUM, {"H": below}, total, given={"S": support})
        threshold = self.statistic("U", f"threshold of the projection, layer {number}")
        self.apply(THRESHOLD, {"V": total}, threshold, given={"C": count})
        after = self.array("A", number, width, f"activation of layer {number}")
        self.apply(PROJECTED, {"H": below, "U": threshold}, after, given={"S": support})


def activation_op(activation: Activation) -> Op:
    """Return the op of an activation: of an entry, of an entry with gates and learned numbers, or of a row."""
    if activation.acts_on == "row":
        return rowwise(activation.name, activation.value)
    if len(activation.variables) == 1:
        return ELEMENTWISE
    return entrywise(len(activation.gates), len(activation.learned))


def function_name(activation: Activation, functions: dict[str, Activation]) -> str:
    """Return the name of an activation in formulas: the catalogue's, or f1, f2, ... for expressions of the user's."""
    if not activation.from_user:
        functions[activation.name] = activation
        return activation.name
    for name, known in functions.items():
        if known.from_user and known.value == activation.value:
            return name
    name = f"f{1 + sum(known.from_user for known in functions.values())}"
    functions[name] = activation
    return name
