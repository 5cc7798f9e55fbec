"""Samples and the files that they come from."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from symmlp.errors import DataError, shown
from symmlp.samples.checks import (
    Dtype,
    FloatArray,
    Place,
    TargetArray,
    check_inputs,
    check_targets,
    require_same_length,
)
from symmlp.samples.csv_table import TargetColumns, read_table
from symmlp.samples.npz_arrays import read_arrays
from symmlp.showing import html_table
from symmlp.spec import Network

SHOWN = 5
"""How many samples a notebook shows."""

MAX_CSV_BYTES = 2**30


@dataclass(frozen=True, eq=False)
class Samples:
    """Inputs X (N, D) and targets Y (N,) or (N, K) that fit a network, and what people call the columns and classes.

    `class_names[k]` is the text that stood for class k in the file; it is empty if the classes were numbers.
    """

    X: FloatArray
    Y: TargetArray
    feature_names: tuple[str, ...]
    target_names: tuple[str, ...]
    class_names: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.X)

    def _repr_html_(self) -> str:
        rows = ([*x, *np.atleast_1d(y)] for x, y in zip(self.X[:SHOWN], self.Y[:SHOWN], strict=True))
        caption = f"{len(self)} samples" + (f", the first {SHOWN}" if len(self) > SHOWN else "")
        return html_table(caption, [*self.feature_names, *self.target_names], rows)


def read_samples(
    path: str | os.PathLike[str],
    network: Network,
    target_columns: TargetColumns | None = None,
    dtype: Dtype = "float64",
) -> Samples:
    """Return the samples in a .csv or .npz file, checked against `network`.

    CSV: UTF-8 with or without a byte order mark; separated by commas (or semicolons or tabs, if the first line has no
    comma); a header is recognised, blank rows are skipped; up to 1 GiB. Errors count rows as lines of the file. Targets
    are `target_columns`, names or numbers from 1; by default the last column for cross_entropy (labels 0 to K-1, or
    names of classes, which are numbered in sorted order) and the last K columns for any other loss.

    npz: the arrays X and Y and no others; up to 4 GiB each.

    Raises:
        DataError: the file cannot be read or does not fit; the message names row and column.
    """
    file = Path(path)
    label = shown(str(path), limit=200)
    match file.suffix.lower():
        case ".csv":
            _check_file(file, label)
            return _from_csv(file, label, network, target_columns, dtype)
        case ".npz" if target_columns is not None:
            raise DataError(f"target_columns: {label} has its targets in the array Y; expected no target columns")
        case ".npz":
            _check_file(file, label)
            return _from_npz(file, label, network, dtype)
        case _:
            raise DataError(f"data: {label} has the ending {shown(file.suffix)}; expected a .csv or .npz file")


def _check_file(file: Path, label: str) -> None:
    try:
        status = os.stat(file)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "no such path"
        raise DataError(f"data: cannot read {label}: {reason}") from None
    if not stat.S_ISREG(status.st_mode):
        raise DataError(f"data: {label} is not a file; expected a .csv or .npz file")
    if status.st_size == 0:
        raise DataError(f"{label}: no samples; the file is empty")


def _from_csv(file: Path, label: str, network: Network, target_columns: TargetColumns | None, dtype: Dtype) -> Samples:
    if file.stat().st_size > MAX_CSV_BYTES:
        raise DataError(f"{label}: has {file.stat().st_size} bytes; expected at most {MAX_CSV_BYTES}, or an npz file")
    try:
        with open(file, encoding="utf-8-sig", newline="") as text:
            table = read_table(text, label, network, target_columns)
    except OSError as error:
        raise DataError(f"data: cannot read {label}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{label}: is not UTF-8 text ({error.reason}); save it as UTF-8") from None
    return Samples(
        check_inputs(table.features, network, dtype, table.feature_place),
        check_targets(table.targets, network, dtype, table.target_place),
        table.layout.feature_names(),
        table.layout.target_names(),
        table.class_names,
    )


def _from_npz(file: Path, label: str, network: Network, dtype: Dtype) -> Samples:
    try:
        with open(file, "rb") as content:
            X, Y = read_arrays(content, label)
    except OSError as error:
        raise DataError(f"data: cannot read {label}: {error.strerror}") from None
    inputs = check_inputs(X, network, dtype, Place(f"{label}, X"))
    targets = check_targets(Y, network, dtype, Place(f"{label}, Y"))
    require_same_length(inputs, targets, f"{label}, Y")
    names = (f"y{number}" for number in range(1, (targets.shape[1] if targets.ndim == 2 else 1) + 1))
    return Samples(inputs, targets, tuple(f"x{number}" for number in range(1, network.inputs + 1)), tuple(names))
