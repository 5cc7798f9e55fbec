"""Arrays that a network can be trained on: every fault is named with its row and column, counted from 1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from symmlp.catalog.losses import Targets
from symmlp.errors import DataError, shown
from symmlp.spec import Network

Dtype = Literal["float64", "float32"]
FloatArray = npt.NDArray[np.floating[Any]]
TargetArray = npt.NDArray[np.floating[Any]] | npt.NDArray[np.int64]

SUM_TOLERANCE = 1e-5
"""How far from 1 a row of probabilities may sum, here and in generated modules."""


@dataclass(frozen=True)
class Place:
    """What an error message calls an array and its entries: in a file, by line, column number and column name."""

    label: str
    lines: Sequence[int] | None = None
    columns: Sequence[int] | None = None
    names: Sequence[str] | None = None

    def at(self, row: int, column: int | None = None) -> str:
        """Return `row 3, column 2 ('petal width')` for an entry, or `row 3` for a whole row, counted from 1."""
        line = row + 1 if self.lines is None else self.lines[row]
        return f"row {line}" if column is None else f"row {line}, {self.column(column)}"

    def column(self, column: int) -> str:
        """Return `column 2 ('petal width')`, counted from 1."""
        number = column if self.columns is None else self.columns[column]
        return f"column {number + 1}" + ("" if self.names is None else f" ({shown(self.names[number])})")


X_PLACE = Place("X")
Y_PLACE = Place("Y")


def check_samples(
    X: npt.ArrayLike, Y: npt.ArrayLike, network: Network, dtype: Dtype = "float64"
) -> tuple[FloatArray, TargetArray]:
    """Return inputs (N, D) and targets that fit `network`; both may share memory with what was given.

    Integers become floats of the `dtype`. Class labels come back as int64 (N,), all other targets as floats (N, K).

    Raises:
        DataError: naming the row and column of the first fault, counted from 1.
    """
    inputs = check_inputs(X, network, dtype)
    targets = check_targets(Y, network, dtype)
    require_same_length(inputs, targets)
    return inputs, targets


def check_inputs(X: npt.ArrayLike, network: Network, dtype: Dtype = "float64", place: Place = X_PLACE) -> FloatArray:
    """Return `X` as finite floats of shape (N, D), D being the inputs of `network`.

    Raises:
        DataError: another shape, type or number of features; NaN, infinity, or a value too large for `dtype`.
    """
    array = _numeric(X, place)
    if array.ndim != 2:
        raise DataError(f"{place.label}: expected 2-D (n_samples, n_features), got shape {array.shape}")
    if array.shape[1] != network.inputs:
        raise DataError(
            f"{place.label}: has {array.shape[1]} features, expected {network.inputs} (the network's inputs)"
        )
    return _finite(array, dtype, place)


def check_targets(Y: npt.ArrayLike, network: Network, dtype: Dtype = "float64", place: Place = Y_PLACE) -> TargetArray:
    """Return `Y` as the loss of `network` needs it: labels (N,), or probabilities or values (N, K).

    With a single output, values (N,) are taken as (N, 1).

    Raises:
        DataError: another shape or type, NaN or infinity, a label or value out of the loss's range.
    """
    array = _numeric(Y, place)
    kind = network.loss_definition.targets
    if kind == "classes":
        return _classes(array, network.outputs, dtype, place)
    if array.ndim == 1 and network.outputs == 1:
        array = array[:, np.newaxis]
    if array.ndim != 2 or array.shape[1] != network.outputs:
        raise DataError(f"{place.label}: expected shape (n_samples, {network.outputs}), got {array.shape}")
    values = _finite(array, dtype, place)
    _require_kind(values, kind, place, f"the loss {shown(network.loss)}")
    return values


def require_same_length(X: npt.NDArray[Any], Y: npt.NDArray[Any], label: str = "Y") -> None:
    """Raise DataError unless there is one target for every sample."""
    if len(X) != len(Y):
        raise DataError(f"{label}: has {len(Y)} samples, expected {len(X)} (the samples of X)")


def _numeric(values: npt.ArrayLike, place: Place) -> npt.NDArray[Any]:
    """Return `values` as an array of integers or floats with at least one entry."""
    if isinstance(values, np.ma.MaskedArray):
        raise DataError(f"{place.label}: is a masked array, whose mask would be ignored; expected a plain array")
    try:
        array = np.asarray(values)
    except (ValueError, TypeError, OverflowError):
        raise DataError(f"{place.label}: {_first_ragged_row(values)}") from None
    if array.size == 0:
        raise DataError(f"{place.label}: no samples; got shape {array.shape}")
    if array.dtype.kind not in "fiu":
        raise DataError(f"{place.label}: unsupported dtype {_dtype_name(array)}; expected integers or floats")
    return array


def _dtype_name(array: npt.NDArray[Any]) -> str:
    return shown(str(array.dtype))[1:-1]


def _first_ragged_row(values: npt.ArrayLike) -> str:
    rows = values if isinstance(values, Sequence) else []
    lengths = [len(row) if isinstance(row, Sequence | np.ndarray) else None for row in rows]
    for number, length in enumerate(lengths, start=1):
        if length != lengths[0] and length is not None:
            return f"row {number} has {length} columns, expected {lengths[0]}"
    return "cannot be read as an array; expected rows of numbers, all of the same length"


def _finite(array: npt.NDArray[Any], dtype: Dtype, place: Place) -> FloatArray:
    """Return `array` in `dtype`; raise DataError for NaN, infinity, and what overflows in the conversion."""
    bad = ~np.isfinite(array)
    if bad.any():
        row, column = (int(index) for index in np.argwhere(bad)[0])
        raise DataError(
            f"{place.label}: contains {_word(array[row, column])} at {place.at(row, column)} "
            f"({np.count_nonzero(bad)} of {array.size} values are not finite); expected finite numbers"
        )
    with np.errstate(over="ignore"):
        converted: FloatArray = np.asarray(array, dtype=dtype, order="C")
    lost = ~np.isfinite(converted)
    if lost.any():
        row, column = (int(index) for index in np.argwhere(lost)[0])
        raise DataError(f"{place.label}: {array[row, column]} at {place.at(row, column)} does not fit {dtype}")
    return converted


def _word(value: Any) -> str:
    return "NaN" if np.isnan(value) else "inf" if value > 0 else "-inf"


def _classes(array: npt.NDArray[Any], outputs: int, dtype: Dtype, place: Place) -> TargetArray:
    if array.ndim == 1:
        return _labels(array, outputs, place)
    if array.ndim != 2 or array.shape[1] != outputs:
        raise DataError(
            f"{place.label}: expected class labels (n_samples,) or probabilities (n_samples, {outputs}), "
            f"got shape {array.shape}"
        )
    values = _finite(array, dtype, place)
    _require_range(values, 0, 1, place, "probabilities")
    sums = values.sum(axis=1, dtype=np.float64)
    for row in np.flatnonzero(np.abs(sums - 1) > SUM_TOLERANCE):
        raise DataError(
            f"{place.label}: {place.at(int(row))} sums to {sums[row]:.6g}; expected probabilities that sum to 1"
        )
    return values


def _labels(array: npt.NDArray[Any], outputs: int, place: Place) -> npt.NDArray[np.int64]:
    """Return class labels as int64; floats are accepted if they are whole numbers."""
    column = array[:, np.newaxis]
    _finite(column, "float64", place)
    for fault, what in ((column != np.floor(column), "is not a whole number"), (column < 0, "is negative")):
        _refuse_label(column, fault, f"{what}; expected a class from 0 to {outputs - 1}", place)
    _refuse_label(column, column >= outputs, f"is out of range; expected a class from 0 to {outputs - 1}", place)
    return array.astype(np.int64)


def _refuse_label(column: npt.NDArray[Any], fault: npt.NDArray[np.bool_], why: str, place: Place) -> None:
    for row, _ in np.argwhere(fault):
        where = place.at(int(row)) if place.columns is None else place.at(int(row), 0)
        raise DataError(f"{place.label}: label {column[row, 0]} at {where} {why}")


def _require_kind(values: FloatArray, kind: Targets, place: Place, reader: str) -> None:
    """Raise DataError for the first target that the loss is not defined for."""
    match kind:
        case "unit interval":
            _require_range(values, 0, 1, place, reader)
        case "nonnegative":
            _refuse(values, values < 0, f"is negative; {reader} expects values from 0 on", place)
        case "nonzero":
            _refuse(values, values == 0, f"is zero; {reader} divides by it and expects another value", place)
        case "signs":
            _refuse(values, np.abs(values) != 1, f"is no sign; {reader} expects -1 or 1", place)


def _refuse(values: FloatArray, fault: npt.NDArray[np.bool_], why: str, place: Place) -> None:
    for row, column in np.argwhere(fault):
        raise DataError(f"{place.label}: {values[row, column]} at {place.at(int(row), int(column))} {why}")


def _require_range(values: FloatArray, low: float, high: float, place: Place, reader: str) -> None:
    for row, column in np.argwhere((values < low) | (values > high)):
        found = values[row, column]
        raise DataError(
            f"{place.label}: {found} at {place.at(int(row), int(column))} is outside [{low}, {high}], "
            f"the range of {reader}"
        )
