"""From a network to its computational graph: each layer becomes small ops, one after the other."""

from __future__ import annotations

import math
from functools import singledispatchmethod

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
    GAIN,
    GAIN_AND_SHIFT,
    NOISE,
    RANDOM_LEAK,
    ROW_CENTRE,
    ROW_MEAN,
    ROW_MEAN_SQUARE,
    ROW_NORMALIZE,
    STANDARDIZE,
    column_root,
    row_root,
    running_mean,
    running_variance,
)
from symmlp.errors import UnsupportedError
from symmlp.graph.builder import Builder, function_name
from symmlp.graph.ending import add_end
from symmlp.graph.records import Graph, Layout, Mask, Statistic
from symmlp.spec import Network
from symmlp.spec_layers import (
    Activate,
    AlphaDropout,
    BatchNorm,
    Concatenate,
    Dense,
    Dropout,
    GaussianDropout,
    GaussianNoise,
    Layer,
    LayerNorm,
    RandomizedReLU,
    Residual,
    RMSNorm,
    Standardize,
)


def build_graph(network: Network, layout: Layout = "batch") -> Graph:
    """Return the graph of `network`, from its inputs to its loss.

    Raises:
        UnsupportedError: a layer works on a batch, and the layout is that of one sample.
    """
    builder = _Layers(network, layout, network.widths, network.activations)
    builder.current = builder.array("X", "", network.inputs, "inputs")
    builder.outputs.append(builder.current)
    for number, layer in enumerate(network.layers, start=1):
        builder.number = number
        builder.add(layer)
        builder.outputs.append(builder.current)
    add_end(builder)
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
        "omega" if "omega" in builder.shapes else "",
    )


class _Layers(Builder):
    """Adds the ops of one layer after the other."""

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
    def _(self, layer: GaussianDropout) -> None:
        mask = self.array("M", self.number, self.width, f"factors of layer {self.number}, drawn; 1 in prediction")
        self.masks.append(Mask(0.0, (mask, 1.0, layer.deviation), law="normal"))
        self.apply(DROPOUT, {"X": self.current}, self.output("activation"), given={"M": mask})

    @add.register
    def _(self, layer: GaussianNoise) -> None:
        noise = self.array("M", self.number, self.width, f"noise of layer {self.number}, drawn; 0 in prediction")
        self.masks.append(Mask(0.0, (noise, 0.0, layer.deviation), law="normal"))
        self.apply(NOISE, {"X": self.current}, self.output("activation"), given={"M": noise})

    @add.register
    def _(self, layer: RandomizedReLU) -> None:
        inputs = self.current
        positive = self.array("R", self.number, self.width, f"positive part, layer {self.number}")
        self.apply(ELEMENTWISE, {"Z": inputs}, positive, function_name(layer.definition, self.functions))
        slopes = self.array(
            "M", self.number, self.width, f"slopes of layer {self.number}, drawn; the mean in prediction"
        )
        self.masks.append(Mask(0.0, (slopes, layer.lower, layer.upper), law="uniform"))
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


def _alpha_dropout(rate: float) -> tuple[float, float, float]:
    """Return a, a α' + b and b for A = a (X M + α' (1 - M)) + b with mean 0 and variance 1 (Klambauer et al., 2017)."""
    saturated = -1.0507009873554805 * 1.6732632423543772
    a = 1 / math.sqrt((1 - rate) * (1 + rate * saturated**2))
    b = -a * rate * saturated
    return a, a * saturated + b, b
