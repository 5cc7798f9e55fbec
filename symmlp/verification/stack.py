"""What each kind of layer computes, written out for rows of numbers or of expressions: plain loops, nothing shared."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from symmlp.catalog.activations import Activation
from symmlp.errors import UnsupportedError
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
    LayerNorm,
    RandomizedReLU,
    Residual,
    RMSNorm,
    Standardize,
)
from symmlp.verification.layout import pieces

Row = Sequence[Any]
Rows = Sequence[Row]
Masks = Mapping[int, tuple[Rows, ...]]
"""What is given to a layer besides its inputs, by its number.

A dropout gets rows of factors, an alpha dropout of shifts too, a batch normalization one row of means and one of
variances, which are then taken instead of the batch's own, and a standardization one of means and one of scales,
which are taken instead of the spec's.
"""


@dataclass(frozen=True)
class Stack:
    """The layers of a network over numbers of one kind.

    `activated(number, befores, learned)` applies a layer's activation to its pre-activations, of which those of gates
    are behind the first, and to what is learned; `dot` is the sum of products of two rows, `root` the square
    root, `number` turns a float into a number.
    """

    network: Network
    activated: Callable[[int, Sequence[Rows], Sequence[Row]], Rows]
    dot: Callable[[Row, Row], Any]
    root: Callable[[Any], Any]
    number: Callable[[float], Any]

    def layer(
        self, number: int, parameters: Mapping[str, Any], outputs: Mapping[int, Rows], masks: Masks
    ) -> tuple[Rows, Rows]:
        """Return the pre-activations and the outputs of a layer, `outputs` being those of the layers before it.

        Raises:
            UnsupportedError: there is no arithmetic for this kind of layer.
        """
        layer, rows = self.network.layers[number - 1], outputs[number - 1]
        match layer:
            case Dense():
                names = [f"{number}{piece}" for piece in pieces(layer.definition)]
                before = [self.dense(rows, parameters[f"W{name}"], parameters.get(f"b{name}")) for name in names]
                return before[0], self.activated(number, before, _learned(layer.definition, number, parameters))
            case Activate():
                return rows, self.activated(number, [rows], _learned(layer.definition, number, parameters))
            case GaussianNoise():
                noise = masks.get(number)
                return rows, rows if noise is None else [_plus(*pair) for pair in zip(rows, noise[0], strict=True)]
            case Dropout() | AlphaDropout() | GaussianDropout():
                return rows, self._masked(rows, masks.get(number))
            case RandomizedReLU():
                drawn = masks.get(number)
                slopes = [[self.number(layer.mean)] * len(row) for row in rows] if drawn is None else drawn[0]
                return rows, self._leaking(rows, self.activated(number, [rows], []), slopes)
            case Standardize():
                return rows, self._standardized(rows, layer, masks.get(number))
            case LayerNorm():
                gains, shifts = parameters[f"g{number}"], parameters[f"b{number}"]
                normalized = [self._normalized(_centred(row), layer.epsilon) for row in rows]
                return rows, [[h * g + b for h, g, b in zip(row, gains, shifts, strict=True)] for row in normalized]
            case BatchNorm():
                gains, shifts = parameters[f"g{number}"], parameters[f"b{number}"]
                columns = self._normalized_columns(rows, masks.get(number), layer.epsilon)
                scaled = [[h * g + b for h in column] for column, g, b in zip(columns, gains, shifts, strict=True)]
                return rows, [list(row) for row in zip(*scaled, strict=True)]
            case RMSNorm():
                normalized = [self._normalized(row, layer.epsilon) for row in rows]
                return rows, [_times(row, parameters[f"g{number}"]) for row in normalized]
            case Residual():
                return rows, [_plus(*pair) for pair in zip(rows, outputs[layer.layer], strict=True)]
            case Concatenate():
                return rows, [[*row, *other] for row, other in zip(rows, outputs[layer.layer], strict=True)]
        raise UnsupportedError(f"no arithmetic for a layer of type {layer.type}")

    def dense(self, rows: Rows, weights: Rows, bias: Row | None) -> Rows:
        """Return x Wᵀ + b for every row x."""
        sums = [[self.dot(row, own) for own in weights] for row in rows]
        return sums if bias is None else [_plus(row, bias) for row in sums]

    def _masked(self, rows: Rows, drawn: tuple[Rows, ...] | None) -> Rows:
        if drawn is None:
            return rows
        factor, *shift = drawn
        scaled = [_times(*pair) for pair in zip(rows, factor, strict=True)]
        return [_plus(*pair) for pair in zip(scaled, shift[0], strict=True)] if shift else scaled

    def _leaking(self, rows: Rows, positive: Rows, slopes: Rows) -> Rows:
        return [
            [above + slope * (entry - above) for entry, above, slope in zip(*each, strict=True)]
            for each in zip(rows, positive, slopes, strict=True)
        ]

    def _standardized(self, rows: Rows, layer: Standardize, given: tuple[Rows, ...] | None) -> Rows:
        width = len(rows[0])
        own = [[self.number(each) for each in values] for values in (layer.means(width), layer.scales(width))]
        means, scales = own if given is None else (row for (row,) in given)
        return [[(entry - mean) / scale for entry, mean, scale in zip(row, means, scales, strict=True)] for row in rows]

    def _normalized_columns(self, rows: Rows, given: tuple[Rows, ...] | None, epsilon: float) -> list[Row]:
        columns = [list(column) for column in zip(*rows, strict=True)]
        if given is None:
            return [self._normalized(_centred(column), epsilon) for column in columns]
        (means,), (variances,) = given
        roots = [self.root(variance + self.number(epsilon)) for variance in variances]
        return [
            [(entry - mean) / root for entry in column]
            for column, mean, root in zip(columns, means, roots, strict=True)
        ]

    def _normalized(self, row: Row, epsilon: float) -> Row:
        root = self.root(_mean([entry * entry for entry in row]) + self.number(epsilon))
        return [entry / root for entry in row]


def _learned(activation: Activation, number: int, parameters: Mapping[str, Any]) -> list[Row]:
    return [parameters[f"{each.name}{number}"] for each in activation.learned]


def _mean(row: Row) -> Any:
    total = row[0]
    for entry in row[1:]:
        total = total + entry
    return total / len(row)


def _centred(row: Row) -> Row:
    mean = _mean(row)
    return [entry - mean for entry in row]


def _plus(row: Row, other: Row) -> Row:
    return [left + right for left, right in zip(row, other, strict=True)]


def _times(row: Row, other: Row) -> Row:
    return [left * right for left, right in zip(row, other, strict=True)]
