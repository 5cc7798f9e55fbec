"""Samples from CSV: the usual spellings are read, and every fault is named with its row and column."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symmlp.errors import DataError
from symmlp.samples import read_samples
from symmlp.spec import Network

LABELS = Network.parse("4 -> 3 softmax | cross_entropy")
VALUES = Network.parse("3 -> 2 | mse")


def _csv(folder: Path, text: str | bytes) -> Path:
    path = folder / "flowers.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


ROWS = "5.1,3.5,1.4,0.2,0\n4.9,3,1.5,0.1,2\n6,2.2,4,1,1\n"
FEATURES = [[5.1, 3.5, 1.4, 0.2], [4.9, 3, 1.5, 0.1], [6, 2.2, 4, 1]]
HEADER = "sepal length,sepal width,petal length,petal width,species\n"


@pytest.mark.parametrize(
    "text",
    [
        ROWS,
        HEADER + ROWS,
        "\ufeff" + HEADER + ROWS,
        HEADER.replace(",", ";") + ROWS.replace(",", ";"),
        ROWS.replace(",", "\t"),
        ROWS.replace("\n", "\r\n"),
        ROWS.rstrip("\n"),
        "\n" + HEADER + "\n" + ROWS.replace("\n", "\n\n"),
        ROWS.replace(",", " , "),
        '"5.1","3.5","1.4","0.2","0"\n' + ROWS.split("\n", 1)[1],
        "0,1,2,3,species\n" + ROWS,
        HEADER + ROWS.replace(",0\n", ",0.0\n"),
    ],
    ids=[
        "plain",
        "header",
        "BOM",
        "semicolons",
        "tabs",
        "CRLF",
        "no last line end",
        "blank rows",
        "blanks",
        "quotes",
        "numbers as names",
        "float labels",
    ],
)
def test_the_usual_spellings_of_a_csv_file_give_the_same_samples(text: str, tmp_path: Path) -> None:
    samples = read_samples(_csv(tmp_path, text), LABELS)
    np.testing.assert_array_equal(samples.X, FEATURES)
    np.testing.assert_array_equal(samples.Y, [0, 2, 1])


def test_a_header_gives_the_names_of_the_columns(tmp_path: Path) -> None:
    samples = read_samples(_csv(tmp_path, HEADER + ROWS), LABELS)
    assert samples.feature_names == ("sepal length", "sepal width", "petal length", "petal width")
    assert samples.target_names == ("species",)


def test_without_a_header_columns_are_numbered(tmp_path: Path) -> None:
    samples = read_samples(_csv(tmp_path, ROWS), LABELS)
    assert (samples.feature_names, samples.target_names) == (("x1", "x2", "x3", "x4"), ("y1",))


@pytest.mark.parametrize("header", ["", HEADER])
def test_class_names_are_numbered_in_sorted_order_and_recorded(header: str, tmp_path: Path) -> None:
    text = ROWS.replace(",0\n", ",virginica\n").replace(",2\n", ",setosa\n").replace(",1\n", ",versicolor\n")
    samples = read_samples(_csv(tmp_path, header + text), LABELS)
    np.testing.assert_array_equal(samples.Y, [2, 0, 1])
    assert samples.class_names == ("setosa", "versicolor", "virginica")


def test_values_are_the_last_columns_by_default(tmp_path: Path) -> None:
    samples = read_samples(_csv(tmp_path, "1,2,3,4,5\n6,7,8,9,10\n"), VALUES)
    np.testing.assert_array_equal(samples.X, [[1, 2, 3], [6, 7, 8]])
    np.testing.assert_array_equal(samples.Y, [[4, 5], [9, 10]])


@pytest.mark.parametrize("columns", [["y", "z"], ["2", "z"], [2, 4], ["y", 4]])
def test_target_columns_are_found_by_name_or_number(columns: list[str | int], tmp_path: Path) -> None:
    samples = read_samples(_csv(tmp_path, "a,y,b,z,c\n1,2,3,4,5\n6,7,8,9,10\n"), VALUES, columns)
    np.testing.assert_array_equal(samples.X, [[1, 3, 5], [6, 8, 10]])
    np.testing.assert_array_equal(samples.Y, [[2, 4], [7, 9]])
    assert (samples.feature_names, samples.target_names) == (("a", "b", "c"), ("y", "z"))


def test_target_columns_keep_the_order_asked_for(tmp_path: Path) -> None:
    samples = read_samples(_csv(tmp_path, "1,2,3,4,5\n"), VALUES, [5, 1])
    np.testing.assert_array_equal(samples.Y, [[5, 1]])


def test_as_many_target_columns_as_classes_are_probabilities(tmp_path: Path) -> None:
    samples = read_samples(_csv(tmp_path, "0,1,0,9,8,7,6\n0.5,0,0.5,5,4,3,2\n"), LABELS, [1, 2, 3])
    np.testing.assert_array_equal(samples.Y, [[0, 1, 0], [0.5, 0, 0.5]])


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (["speceis"], "^target_columns: no column 'speceis'; did you mean 'species'"),
        (
            ["nothing"],
            "^target_columns: no column 'nothing'; expected a name in the first row, or a number from 1 to 5",
        ),
        ([6], "^target_columns: 6 is out of range; expected a number from 1 to 5"),
        ("0", "^target_columns: '0' is out of range"),
        ([True], "^target_columns: True is out of range"),
        ([5, "species"], "names a column twice"),
        ([1, 2], "has 2 columns, expected 1 column of classes or 3 of probabilities"),
        ([], "has 0 columns, expected 1"),
    ],
)
def test_unknown_target_columns_are_refused(columns: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        read_samples(_csv(tmp_path, HEADER + ROWS), LABELS, columns)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no samples; the file is empty"),
        ("\n \n", "no samples; the file is empty"),
        (HEADER, "no samples; the file has a header and no rows"),
        (
            HEADER + ROWS.replace("1.5", "abc"),
            r"could not convert 'abc' at row 3, column 3 \('petal length'\); expected a number",
        ),
        (ROWS.replace("3.5", "abc"), "could not convert 'abc' at row 1, column 2; expected a number"),
        (ROWS.replace("2.2", ""), "missing value at row 3, column 2"),
        (HEADER + ROWS.replace(",2\n", ",\n"), r"missing value at row 3, column 5 \('species'\)"),
        (HEADER + ROWS.replace("4.9", "4,9"), "row 3 has 6 columns, expected 5"),
        (HEADER + ROWS.replace("4.9,", ""), "row 3 has 4 columns, expected 5"),
        (HEADER + "\n" + ROWS.replace("4.9,", ""), "row 4 has 4 columns, expected 5"),
        (ROWS.replace("4.9", "1e999"), "'1e999' at row 2, column 1 overflows float64"),
        (ROWS.replace("4.9", "1_000"), "could not convert '1_000' at row 2, column 1"),
        (ROWS.replace("4.9", "0x10"), "could not convert '0x10' at row 2, column 1"),
        (ROWS.replace("4.9", "1\0"), r"could not convert '1\\x00' at row 2, column 1"),
        (HEADER + ROWS.replace("4.9", "nan"), r"contains NaN at row 3, column 1 \('sepal length'\) \(1 of 12 values"),
        (ROWS.replace("4.9", "-Infinity"), r"contains -inf at row 2, column 1 \(1 of 12 values are not finite\)"),
        (ROWS.replace(",2\n", ",3\n"), "label 3.0 at row 2, column 5 is out of range; expected a class from 0 to 2"),
        (ROWS.replace(",2\n", ",0.5\n"), "label 0.5 at row 2, column 5 is not a whole number"),
        (HEADER + ROWS.replace(",2\n", ",nan\n"), r"contains NaN at row 3, column 5 \('species'\)"),
        (ROWS.replace(",2\n", ",rose\n"), "could not convert 'rose' at row 2, column 5; other classes are numbers"),
        (
            HEADER + re.sub(r",\d\n", ",rose\n", ROWS),
            r"column 5 \('species'\) has 1 different classes \('rose'\), expected 3",
        ),
        ("1,2,3\n", "has 2 feature columns besides the targets in column 3, expected 4"),
        ("1,2,3,4,5,6\n", "has 5 feature columns besides the targets in column 6, expected 4"),
        (ROWS.replace("4.9", '"4.9'), "is not CSV: unexpected end of data"),
        (b"\xff\xfe1\x00,\x002\x00", "is not UTF-8 text"),
        (ROWS.encode() + b"\xe9,1,2,3,0\n", "is not UTF-8 text"),
    ],
)
def test_a_faulty_csv_file_is_refused(text: str | bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=rf"^'.*flowers\.csv': .*{message}"):
        read_samples(_csv(tmp_path, text), LABELS)


def test_a_faulty_value_is_named_by_its_own_column_when_targets_stand_between_features(tmp_path: Path) -> None:
    path = _csv(tmp_path, "a,y,b,z,c\n1,2,3,4,5\n6,7,8,9,inf\n")
    with pytest.raises(DataError, match=r"contains inf at row 3, column 5 \('c'\)"):
        read_samples(path, VALUES, ["y", "z"])


def test_a_message_is_one_printable_line_whatever_the_file_holds(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        read_samples(_csv(tmp_path, ROWS.replace("4.9", '"\x1b[31m\n' + "z" * 5000 + '"')), LABELS)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 400


def test_a_csv_value_too_large_for_float32_is_named_by_row(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"1e\+39 at row 2, column 1 does not fit float32"):
        read_samples(_csv(tmp_path, ROWS.replace("4.9", "1e39")), LABELS, dtype="float32")


@given(
    st.lists(
        st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=5, max_size=5), min_size=1, max_size=6
    ),
    st.booleans(),
)
def test_numbers_survive_the_way_through_a_csv_file(
    tmp_path_factory: Any, rows: list[list[float]], header: bool
) -> None:
    lines = ["a,b,c,d,e"] * header + [",".join(map(repr, row)) for row in rows]
    samples = read_samples(_csv(tmp_path_factory.mktemp("csv"), "\n".join(lines)), VALUES)
    np.testing.assert_array_equal(np.hstack([samples.X, samples.Y]), rows)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing.csv", "^data: cannot read '.*missing.csv': No such file"),
        ("missing.npz", "^data: cannot read '.*missing.npz': No such file"),
        ("folder.csv", "^data: '.*folder.csv' is not a file"),
        ("table.xlsx", "^data: '.*table.xlsx' has the ending '.xlsx'; expected a .csv or .npz file"),
        ("table", "has the ending ''"),
        ("a\0b.csv", "^data: cannot read '.*'"),
    ],
)
def test_a_path_that_is_no_sample_file_is_refused(name: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(DataError, match=message):
        read_samples(tmp_path / name, LABELS)
