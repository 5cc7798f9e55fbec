"""CSV files as tables of numbers, read strictly: what is no number is refused by row and column, never guessed."""

from __future__ import annotations

import csv
import math
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TextIO

import numpy as np
import numpy.typing as npt

from symmlp.errors import DataError, did_you_mean, shown
from symmlp.samples.checks import Place
from symmlp.spec import Network

TargetColumns = str | int | Sequence[str | int]


@dataclass(frozen=True)
class Record:
    """One row of the file: the number of its (last) line, and its cells without surrounding blanks."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Layout:
    """Which columns, counted from 0, are features and targets, and what the columns are called, if they are."""

    features: tuple[int, ...]
    targets: tuple[int, ...]
    names: tuple[str, ...] | None

    def feature_names(self) -> tuple[str, ...]:
        """Return the names of the features, or x1, x2, ... without a header."""
        return self._names(self.features, "x")

    def target_names(self) -> tuple[str, ...]:
        """Return the names of the targets, or y1, y2, ... without a header."""
        return self._names(self.targets, "y")

    def _names(self, columns: tuple[int, ...], letter: str) -> tuple[str, ...]:
        if self.names is None:
            return tuple(f"{letter}{number}" for number in range(1, len(columns) + 1))
        return tuple(self.names[column] for column in columns)


@dataclass(frozen=True, eq=False)
class Table:
    """The content of a CSV file: features and targets as float64, and the names of the classes if they were texts."""

    layout: Layout
    features: npt.NDArray[np.float64]
    targets: npt.NDArray[np.float64]
    class_names: tuple[str, ...]
    feature_place: Place
    target_place: Place


def read_table(file: TextIO, label: str, network: Network, target_columns: TargetColumns | None) -> Table:
    """Return the table in an open text file; `label` is what errors call it.

    The first row is a header if no feature in it is a number, or if names of targets stand above numbers.

    Raises:
        DataError: ragged rows, cells that are no numbers, missing values, no samples, unknown target columns.
    """
    records = _records(file, label)
    start = [record for record in (next(records, None), next(records, None)) if record]
    if not start:
        raise DataError(f"{label}: no samples; the file is empty")
    layout = _layout(start, label, network, target_columns)
    rows = chain(start if layout.names is None else start[1:], records)
    return _filled(rows, layout, label, network)


def _records(file: TextIO, label: str) -> Iterator[Record]:
    """Yield the rows that are not blank, all as long as the first one."""
    width = 0
    reader = csv.reader(file, delimiter=_delimiter(file), skipinitialspace=True, strict=True)
    try:
        for cells in reader:
            if len(cells) > 1 or any(cell.strip() for cell in cells):
                width = width or len(cells)
                if len(cells) != width:
                    raise DataError(f"{label}: row {reader.line_num} has {len(cells)} columns, expected {width}")
                yield Record(reader.line_num, tuple(cell.strip() for cell in cells))
    except csv.Error as error:
        raise DataError(f"{label}: row {reader.line_num} is not CSV: {error}") from None


def _delimiter(file: TextIO) -> str:
    """Return the comma, or the semicolon or tab of a file whose first line has no comma."""
    line = next((line for line in file if line.strip()), "")
    file.seek(0)
    return next((mark for mark in ",;\t" if mark in line), ",")


def _layout(start: list[Record], label: str, network: Network, target_columns: TargetColumns | None) -> Layout:
    first = start[0].cells
    targets = _targets(target_columns, first, network)
    features = tuple(column for column in range(len(first)) if column not in targets)
    if len(features) != network.inputs:
        numbers = ", ".join(str(column + 1) for column in targets)
        raise DataError(
            f"{label}: has {len(features)} feature columns besides the targets in column {numbers}, "
            f"expected {network.inputs} (the network's inputs)"
        )
    is_header = _names_a_column(target_columns, first) or _is_header(start, features, targets)
    return Layout(features, targets, first if is_header else None)


def _targets(target_columns: TargetColumns | None, first: tuple[str, ...], network: Network) -> tuple[int, ...]:
    """Return the target columns, counted from 0: the ones asked for, or the last one of labels, or the last K."""
    classes = network.loss_definition.targets == "classes"
    if target_columns is None:
        count = 1 if classes else network.outputs
        return tuple(range(max(0, len(first) - count), len(first)))
    asked = _as_sequence(target_columns)
    found = tuple(_column(column, first) for column in asked)
    if len(set(found)) != len(found):
        raise DataError(f"target_columns: {shown(list(asked))} names a column twice; expected different columns")
    if len(found) != network.outputs and not (classes and len(found) == 1):
        expected = f"1 column of classes or {network.outputs} of probabilities" if classes else f"{network.outputs}"
        raise DataError(f"target_columns: {shown(list(asked))} has {len(found)} columns, expected {expected}")
    return found


def _as_sequence(target_columns: TargetColumns) -> Sequence[str | int]:
    return [target_columns] if isinstance(target_columns, str | int) else target_columns


def _column(asked: str | int, first: tuple[str, ...]) -> int:
    """Return the column, counted from 0, that a name in the first row or a number from 1 means."""
    if isinstance(asked, str) and asked.strip() in first:
        if first.count(asked.strip()) > 1:
            raise DataError(f"target_columns: {shown(asked)} is the name of several columns; expected a number from 1")
        return first.index(asked.strip())
    if isinstance(asked, str) and not (asked.strip().isascii() and asked.strip().isdigit()):
        hint = did_you_mean(asked, first) or f"; expected a name in the first row, or a number from 1 to {len(first)}"
        raise DataError(f"target_columns: no column {shown(asked)}{hint}")
    if isinstance(asked, bool) or not 1 <= int(asked) <= len(first):
        raise DataError(f"target_columns: {shown(asked)} is out of range; expected a number from 1 to {len(first)}")
    return int(asked) - 1


def _names_a_column(target_columns: TargetColumns | None, first: tuple[str, ...]) -> bool:
    asked = [] if target_columns is None else _as_sequence(target_columns)
    return any(isinstance(column, str) and column.strip() in first for column in asked)


def _is_header(start: list[Record], features: tuple[int, ...], targets: tuple[int, ...]) -> bool:
    words = [not _is_number(start[0].cells[column]) for column in features]
    if any(words):
        # A row with names and numbers among its features is a row with a mistake, which is reported as such.
        return all(words)
    below = start[1].cells if len(start) > 1 else start[0].cells
    return any(not _is_number(start[0].cells[column]) and _is_number(below[column]) for column in targets)


def _filled(rows: Iterable[Record], layout: Layout, label: str, network: Network) -> Table:
    features, targets, lines = array("d"), array("d"), array("q")
    labels: list[str] = []
    has_labels = network.loss_definition.targets == "classes" and len(layout.targets) == 1
    for record in rows:
        lines.append(record.line)
        features.extend(_numbers(record, layout.features, layout, label))
        if has_labels:
            labels.append(record.cells[layout.targets[0]])
        else:
            targets.extend(_numbers(record, layout.targets, layout, label))
    if not lines:
        raise DataError(f"{label}: no samples; the file has a header and no rows")
    target_place = Place(label, lines, layout.targets, layout.names)
    class_names: tuple[str, ...] = ()
    if has_labels:
        targets, class_names = _class_numbers(labels, target_place, network.outputs)
    width = () if has_labels else (len(layout.targets),)
    return Table(
        layout,
        np.array(features).reshape(len(lines), len(layout.features)),
        np.array(targets).reshape(len(lines), *width),
        class_names,
        Place(label, lines, layout.features, layout.names),
        target_place,
    )


def _numbers(record: Record, columns: tuple[int, ...], layout: Layout, label: str) -> list[float]:
    try:
        return [_number(record.cells[column]) for column in columns]
    except (ValueError, OverflowError):
        place = Place(label, (record.line,), columns, layout.names)
        raise DataError(f"{label}: {_first_fault([record.cells[column] for column in columns], place)}") from None


def _first_fault(cells: list[str], place: Place) -> str:
    for column, cell in enumerate(cells):
        try:
            _number(cell)
        except OverflowError:
            return f"{shown(cell)} at {place.at(0, column)} overflows float64; expected a finite number"
        except ValueError:
            where = place.at(0, column)
            return (
                f"could not convert {shown(cell)} at {where}; expected a number"
                if cell
                else f"missing value at {where}"
            )
    raise AssertionError("every cell is a number")


def _number(cell: str) -> float:
    """Return the number in `cell`; ValueError for a text, OverflowError for one beyond float64."""
    if "_" in cell:
        raise ValueError(cell)  # float() reads "1_000", which no CSV writer means as a number
    value = float(cell)
    if math.isinf(value) and "inf" not in cell.lower():
        raise OverflowError(cell)
    return value


def _is_number(cell: str) -> bool:
    try:
        _number(cell)
    except OverflowError:
        return True
    except ValueError:
        return False
    return True


def _class_numbers(labels: list[str], place: Place, outputs: int) -> tuple[array[float], tuple[str, ...]]:
    """Return the labels as numbers, and the class names in sorted order if the labels are texts."""
    numeric = _is_number(labels[0])
    for row, text in enumerate(labels):
        if not text:
            raise DataError(f"{place.label}: missing value at {place.at(row, 0)}; expected a class")
        if _is_number(text) != numeric:
            other = "numbers" if numeric else "names"
            raise DataError(
                f"{place.label}: could not convert {shown(text)} at {place.at(row, 0)}; other classes are {other}"
            )
    if numeric:
        return array("d", (float(text) for text in labels)), ()
    names = tuple(sorted(set(labels)))
    if len(names) != outputs:
        raise DataError(
            f"{place.label}: {place.column(0)} has {len(names)} different classes "
            f"({shown(', '.join(names))}), expected {outputs} (the network's outputs)"
        )
    number = {name: float(index) for index, name in enumerate(names)}
    return array("d", (number[text] for text in labels)), names
