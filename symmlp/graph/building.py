"""From a network to its computational graph: each layer becomes small ops, one after the other."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import singledispatchmethod

from symmlp.catalog.activations import TABLE, Activation
from symmlp.catalog.layers import (
    ADD,
    ALPHA_DROPOUT,
    COLUMN_CENTRE,
    COLUMN_MEAN,
    COLUMN_MEAN_SQUARE,
    COLUMN_NORMALIZE,
    CONCATENATE,
    DENSE,
    DENSE_WITHOUT_BIAS,
    DROPOUT,
    ELEMENTWISE,
    ENTRYWISE_LOSS,
    GAIN,
    GAIN_AND_SHIFT,
    RANDOM_LEAK,
    ROW_CENTRE,
    ROW_MEAN,
    ROW_MEAN_SQUARE,
    ROW_NORMALIZE,
    STANDARDIZE,
    Op,
    column_root,
    entrywise,
    row_root,
    rowwise,
    running_mean,
    running_variance,
    target_op,
)
from symmlp.catalog.loss import Loss, Piece, y
from symmlp.errors import UnsupportedError
from symmlp.graph.losses import row_loss_ops
from symmlp.graph.records import Graph, GraphNode, Layout, Mask, Statistic
from symmlp.matrix import Shape
from symmlp.notation import Y, batch, column
from symmlp.spec import Network
from symmlp.spec_layers import (
    Activate,
    AlphaDropout,
    BatchNorm,
    Concatenate,
    Dense,
    Dropout,
    Layer,
    LayerNorm,
    RandomizedReLU,
    Residual,
    RMSNorm,
    Standardize,
)

COLUMN_NAMES = {"Z": "o", "A": "y", "P": "p", "X": "x", "Y": "y", "U": "u", "C": "c", "V": "v", "H": "h"} | {
    "R": "r",
    "M": "m",
    "S": "s",
}
"""What arrays are called in the one-sample layout: o = W x + b, y = f(o), as in the founding document."""


def build_graph(network: Network, layout: Layout = "batch") -> Graph:
    """Return the graph of `network`, from its inputs to its loss.

    Raises:
        UnsupportedError: a layer works on a batch, and the layout is that of one sample.
    """
    builder = _Builder(network, layout, network.widths, network.activations)
    builder.current = builder.array("X", "", network.inputs, "inputs")
    builder.outputs.append(builder.current)
    for number, layer in enumerate(network.layers, start=1):
        builder.number = number
        builder.add(layer)
        builder.outputs.append(builder.current)
    builder.end()
    return Graph(
        tuple(builder.nodes),
        builder.shapes,
        tuple(builder.parameters),
        builder.functions,
        builder.roles,
        tuple(builder.masks),
        builder.starts,
        "P" if layout == "batch" else "p",
        "Y" if layout == "batch" else "y",
        tuple(builder.statistics),
        builder.constants,
    )


@dataclass
class _Builder:
    """Adds the ops of one layer after the other; `current` is the array that the next one reads."""

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

    @singledispatchmethod
    def add(self, layer: Layer) -> None:
        """Add the ops of a layer."""
        raise NotImplementedError(type(layer).__name__)

    @add.register
    def _(self, layer: Dense) -> None:
        inputs, activation = self.current, layer.definition
        pieces = ("", *(f"_{place}" for place in range(2, len(activation.gates) + 2)))
        self.activate(*(self.dense(layer, inputs, piece) for piece in pieces))

    @add.register
    def _(self, layer: Activate) -> None:
        self.activate(self.current)

    @add.register
    def _(self, layer: Dropout) -> None:
        mask = self.array("M", self.number, self.width, f"mask of layer {self.number}, drawn; 1 in prediction")
        self.masks.append(Mask(layer.rate, (mask, 0.0, 1 / (1 - layer.rate))))
        self.apply(DROPOUT, {"X": self.current}, self.output("activation"), given={"M": mask})

    @add.register
    def _(self, layer: RandomizedReLU) -> None:
        inputs = self.current
        positive = self.array("R", self.number, self.width, f"positive part, layer {self.number}")
        self.apply(ELEMENTWISE, {"Z": inputs}, positive, _function_name(layer.definition, self.functions))
        slopes = self.array(
            "M", self.number, self.width, f"slopes of layer {self.number}, drawn; the mean in prediction"
        )
        self.masks.append(Mask(0.0, (slopes, layer.lower, layer.upper), is_uniform=True))
        self.apply(RANDOM_LEAK, {"X": inputs, "R": positive}, self.output("activation"), given={"M": slopes})

    @add.register
    def _(self, layer: AlphaDropout) -> None:
        factor = self.array("M", self.number, self.width, f"mask of layer {self.number}, drawn; 1 in prediction")
        shift = self.array("S", self.number, self.width, f"shift of layer {self.number}, drawn; 0 in prediction")
        kept, dropped, moved = _alpha_dropout(layer.rate)
        self.masks.append(Mask(layer.rate, (factor, 0.0, kept), (shift, dropped, moved)))
        self.apply(ALPHA_DROPOUT, {"X": self.current}, self.output("activation"), given={"M": factor, "S": shift})

    @add.register
    def _(self, layer: Standardize) -> None:
        given = {
            "C": self.constant("c", layer.means(self.width), "mean"),
            "S": self.constant("s", layer.scales(self.width), "scale"),
        }
        self.apply(STANDARDIZE, {"X": self.current}, self.output("activation"), given=given)

    @add.register
    def _(self, layer: LayerNorm) -> None:
        inputs, number = self.current, self.number
        mean = self.statistic("U", f"mean of a row, layer {number}")
        self.apply(ROW_MEAN, {"X": inputs}, mean)
        centred = self.array("C", number, self.width, f"centred activation of layer {number}")
        self.apply(ROW_CENTRE, {"X": inputs, "U": mean}, centred)
        variance = self.statistic("V", f"variance of a row, layer {number}")
        self.normalize(centred, variance, layer.epsilon)
        self.rescale(shift=True)

    @add.register
    def _(self, layer: BatchNorm) -> None:
        if self.layout == "sample":
            raise UnsupportedError(f"layout: batch_norm (layer {self.number}) needs a batch of samples; expected batch")
        inputs, number = self.current, self.number
        mean = self.unit_statistic("U", f"mean of each unit over the batch, layer {number}")
        self.statistics.append(Statistic(mean, 0.0, running_mean(layer.momentum)))
        self.apply(COLUMN_MEAN, {"X": inputs}, mean)
        centred = self.array("C", number, self.width, f"centred activation of layer {number}")
        self.apply(COLUMN_CENTRE, {"X": inputs, "U": mean}, centred)
        variance = self.unit_statistic("V", f"variance of each unit over the batch, layer {number}")
        self.statistics.append(Statistic(variance, 1.0, running_variance(layer.momentum, unbiased=layer.unbiased)))
        self.apply(COLUMN_MEAN_SQUARE, {"C": centred}, variance)
        root = self.unit_statistic("R", f"root of it, layer {number}")
        self.apply(column_root(layer.epsilon), {"V": variance}, root)
        normalized = self.array("H", number, self.width, f"normalized activation of layer {number}")
        self.apply(COLUMN_NORMALIZE, {"C": centred, "R": root}, normalized)
        self.rescale(shift=True)

    @add.register
    def _(self, layer: RMSNorm) -> None:
        inputs = self.current
        mean_square = self.statistic("V", f"mean square of a row, layer {self.number}")
        self.normalize(inputs, mean_square, layer.epsilon)
        self.rescale(shift=False)

    @add.register
    def _(self, layer: Residual) -> None:
        self.apply(ADD, {"X": self.current, "Y": self.outputs[layer.layer]}, self.output("sum"))

    @add.register
    def _(self, layer: Concatenate) -> None:
        self.apply(CONCATENATE, {"X": self.current, "Y": self.outputs[layer.layer]}, self.output("joined activation"))

    def normalize(self, centred: str, statistic: str, epsilon: float) -> None:
        """Add the mean square of each row of `centred`, its root, and `centred` over that."""
        self.apply(ROW_MEAN_SQUARE, {"C": centred}, statistic)
        root = self.statistic("R", f"root of it, layer {self.number}")
        self.apply(row_root(epsilon), {"V": statistic}, root)
        normalized = self.array("H", self.number, self.width, f"normalized activation of layer {self.number}")
        self.apply(ROW_NORMALIZE, {"C": centred, "R": root}, normalized)

    def rescale(self, *, shift: bool) -> None:
        """Add the learned gain, and the learned shift."""
        operands = {"H": self.current, "g": self.parameter("g", (self.width,), "gain", 1.0)}
        if shift:
            operands["b"] = self.parameter("b", (self.width,), "shift", 0.0)
        self.apply(GAIN_AND_SHIFT if shift else GAIN, operands, self.output("rescaled activation"))

    def output(self, role: str) -> str:
        """Return the name of the layer's output; the network's last layer has its prediction behind it."""
        letter = "Z" if self.is_last else "A"
        return self.array(letter, self.number, self.width, f"{role} of layer {self.number}")

    def dense(self, layer: Dense, inputs: str, piece: str) -> str:
        """Add a pre-activation and return its name; `piece` tells that of a gate from the first."""
        gate = f", gate {piece.removeprefix('_')}" if piece else ""
        operands = {"X": inputs}
        operands["W"] = self.parameter("W", (layer.units, self.widths[self.number - 1]), "weights", piece=piece)
        if layer.bias:
            operands["b"] = self.parameter("b", (layer.units,), "bias", piece=piece)
        output = self.array("Z", f"{self.number}{piece}", layer.units, f"pre-activation of layer {self.number}{gate}")
        self.apply(DENSE if layer.bias else DENSE_WITHOUT_BIAS, operands, output)
        return output

    def activate(self, *before: str) -> None:
        """Add the activation function of the layer, `before` being its pre-activations."""
        activation = self.activations[self.number - 1]
        assert activation is not None
        self.apply_activation(activation, *before)

    def apply_activation(self, activation: Activation, *before: str) -> None:
        """Add an activation function."""
        learned = [self.parameter(each.name, (self.width,), each.name, each.start) for each in activation.learned]
        if self.is_last:
            after = self.array("P", "", self.width, "prediction")
        else:
            after = self.array("A", self.number, self.width, f"activation of layer {self.number}")
        op = _activation_op(activation)
        operands = dict(zip(op.operands, (*before, *learned), strict=True))
        self.apply(op, operands, after, _function_name(activation, self.functions))

    def end(self) -> None:
        """Add the prediction, if the last layer has not given it, and the loss."""
        if self.network.layers[-1].definition is None:
            self.apply_activation(TABLE["identity"], self.current)
        prediction, targets = self.current, self.array("Y", "", self.width, "targets")
        definition = self.network.loss_definition
        if definition.totals:
            self.add_row_loss(definition, prediction, targets)
        else:
            self.add_entry_loss(definition, prediction, targets)

    def add_entry_loss(self, definition: Loss, prediction: str, targets: str) -> None:
        """Add what the loss makes of prediction and targets first, if it does, and the loss of each entry."""
        if definition.inner:
            activation = TABLE[definition.inner]
            inner = self.array("Q", "", self.width, f"{definition.inner} of the prediction")
            name = _function_name(activation, self.functions)
            self.apply(_activation_op(activation), {"Z": prediction}, inner, name)
            prediction = inner
        if definition.target != y:
            moved = self.array("T", "", self.width, "targets of the loss")
            self.apply(target_op(definition.target.xreplace({y: Y[batch, column]})), {}, moved, None, {"Y": targets})
            targets = moved
        self.loss(ENTRYWISE_LOSS, {"P": prediction}, self.network.loss, {"Y": targets})

    def add_row_loss(self, definition: Loss, prediction: str, targets: str) -> None:
        """Add one number a sample for each total, and the loss that is made of them."""
        made = {"P": prediction}
        *totals, (op, piece) = row_loss_ops(definition, self.network.reduction, columns=self.layout == "sample")
        for total, (own, term) in zip(definition.totals, totals, strict=True):
            role = total.role if total.kind == "each" else f"{total.role}, {total.kind} of a row"
            output = self.statistic(total.letter, role, "")
            given = {"Y": targets} if own.given else {}
            self.apply(own, {each: made[each] for each in own.operands}, output, _name(term), given)
            made[total.letter] = output
        self.loss(op, {each: made[each] for each in op.operands}, _name(piece), {})

    def loss(self, op: Op, operands: Mapping[str, str], function: str | None, given: Mapping[str, str]) -> None:
        """Add the op that gives the loss."""
        self.shapes["L"], self.roles["L"] = (), "loss"
        self.apply(op, operands, "L", function, given)


def _name(piece: Piece | None) -> str | None:
    return None if piece is None else piece.name


def _alpha_dropout(rate: float) -> tuple[float, float, float]:
    """Return a, a α' + b and b for A = a (X M + α' (1 - M)) + b with mean 0 and variance 1 (Klambauer et al., 2017)."""
    saturated = -1.0507009873554805 * 1.6732632423543772
    a = 1 / math.sqrt((1 - rate) * (1 + rate * saturated**2))
    b = -a * rate * saturated
    return a, a * saturated + b, b


def _activation_op(activation: Activation) -> Op:
    """Return the op of an activation: of an entry, of an entry with gates and learned numbers, or of a row."""
    if activation.acts_on == "row":
        return rowwise(activation.name, activation.value)
    if len(activation.variables) == 1:
        return ELEMENTWISE
    return entrywise(len(activation.gates), len(activation.learned))


def _function_name(activation: Activation, functions: dict[str, Activation]) -> str:
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
