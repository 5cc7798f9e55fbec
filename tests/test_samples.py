"""Samples from arrays, CSV and npz: what is accepted, and that every fault is named with its row and column."""

from __future__ import annotations

import io
import re
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symmlp import datasets
from symmlp.errors import DataError
from symmlp.samples import check_samples, read_samples
from symmlp.spec import Network

LABELS = Network.parse("4 -> 3 softmax | cross_entropy")
VALUES = Network.parse("3 -> 2 | mse")
SINGLE = Network.parse("3 -> 1 | mse")
SHARES = Network.parse("3 -> 2 sigmoid | bce")

X = np.arange(20.0).reshape(5, 4)
Y = np.array([0, 2, 1, 1, 0])


def _with(array: npt.NDArray[Any], at: tuple[int, ...], value: float) -> npt.NDArray[Any]:
    changed = array.astype(np.float64)
    changed[at] = value
    return changed


def test_samples_that_fit_are_returned_unchanged() -> None:
    inputs, targets = check_samples(X, Y, LABELS)
    np.testing.assert_array_equal(inputs, X)
    np.testing.assert_array_equal(targets, Y)


def test_integer_inputs_become_floats() -> None:
    inputs, _ = check_samples(X.astype(np.int64), Y, LABELS)
    assert inputs.dtype == np.float64


def test_inputs_come_in_the_dtype_asked_for() -> None:
    inputs, targets = check_samples(X[:, :3], X[:, :2], VALUES, "float32")
    assert [inputs.dtype.name, targets.dtype.name] == ["float32", "float32"]


def test_big_endian_inputs_become_native() -> None:
    inputs, _ = check_samples(X.astype(">f8"), Y, LABELS)
    assert inputs.dtype == np.float64
    np.testing.assert_array_equal(inputs, X)


def test_labels_become_64_bit_integers() -> None:
    for labels in (Y.astype(np.uint8), Y.astype(np.float32), Y.tolist()):
        _, targets = check_samples(X, labels, LABELS)
        assert targets.dtype == np.int64
        np.testing.assert_array_equal(targets, Y)


def test_rows_of_probabilities_are_targets_of_cross_entropy() -> None:
    rows = np.array([[0.2, 0.3, 0.5], [1, 0, 0], [0, 0, 1], [0.333333, 0.333333, 0.333333], [0, 1, 0]])
    _, targets = check_samples(X, rows, LABELS)
    np.testing.assert_array_equal(targets, rows)


def test_a_vector_of_values_is_a_column_for_a_network_with_one_output() -> None:
    _, targets = check_samples(X[:, :3], X[:, 3], SINGLE)
    assert targets.shape == (5, 1)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (_with(X, (2, 1), np.nan), r"^X: contains NaN at row 3, column 2 \(1 of 20 values are not finite\)"),
        (_with(X, (4, 3), -np.inf), "^X: contains -inf at row 5, column 4"),
        (np.full((5, 4), np.inf), r"^X: contains inf at row 1, column 1 \(20 of 20"),
        (X[0], r"^X: expected 2-D \(n_samples, n_features\), got shape \(4,\)"),
        (X[np.newaxis], r"^X: expected 2-D .* got shape \(1, 5, 4\)"),
        (X[:, :2], "^X: has 2 features, expected 4"),
        (np.zeros((0, 4)), "^X: no samples"),
        (np.zeros((5, 0)), "^X: no samples"),
        ([], "^X: no samples"),
        ([[1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0]], "^X: row 2 has 3 columns, expected 4"),
        (X.astype(complex), "^X: unsupported dtype complex128"),
        (X.astype(object), "^X: unsupported dtype object"),
        (X > 3, "^X: unsupported dtype bool"),
        (X.astype(str), "^X: unsupported dtype <U32"),
        (X.astype("datetime64[s]"), "^X: unsupported dtype datetime64"),
        (None, "^X: unsupported dtype object"),
        ([[1.0, 2.0, None, 4.0]], "^X: unsupported dtype object"),
        (np.zeros(5, dtype=[("a", float), ("b", int)]), "^X: unsupported dtype .*'a'"),
        (np.ma.masked_greater(X, 3), "^X: is a masked array"),
    ],
)
def test_inputs_that_cannot_be_trained_on_are_refused(inputs: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        check_samples(inputs, Y, LABELS)


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ([0, 2, 3, 1, 0], "^Y: label 3 at row 3 is out of range; expected a class from 0 to 2"),
        ([0, 2, 1, -1, 0], "^Y: label -1 at row 4 is negative; expected a class from 0 to 2"),
        ([0, 1.5, 1, 1, 0], "^Y: label 1.5 at row 2 is not a whole number"),
        ([0, np.nan, 1, 1, 0], "^Y: contains NaN at row 2"),
        (
            [[0], [2], [1], [1], [0]],
            r"^Y: expected class labels \(n_samples,\) or probabilities \(n_samples, 3\), got shape",
        ),
        ([[1, 0, 0]] * 4 + [[1, 1, 0]], "^Y: row 5 sums to 2; expected probabilities that sum to 1"),
        ([[1, 0, 0]] * 4 + [[0.5, 0.4999, 0.01]], "^Y: row 5 sums to 1.0099"),
        ([[1, 0, 0]] * 4 + [[1.5, -0.5, 0]], r"^Y: 1.5 at row 5, column 1 is outside \[0, 1\]"),
        ([0, 1, 2], "^Y: has 3 samples, expected 5"),
        (["a", "b", "c", "a", "b"], "^Y: unsupported dtype <U1"),
        ([True, False, True, True, False], "^Y: unsupported dtype bool"),
        (np.full(5, np.iinfo(np.uint64).max), "is out of range"),
    ],
)
def test_classes_that_do_not_fit_are_refused(targets: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        check_samples(X, targets, LABELS)


@pytest.mark.parametrize(
    ("network", "targets", "message"),
    [
        (VALUES, X[:, :3], r"^Y: expected shape \(n_samples, 2\), got \(5, 3\)"),
        (VALUES, X[:, 0], r"^Y: expected shape \(n_samples, 2\), got \(5,\)"),
        (VALUES, _with(X[:, :2], (1, 0), np.inf), "^Y: contains inf at row 2, column 1"),
        (SHARES, _with(np.zeros((5, 2)), (3, 1), 1.25), r"^Y: 1.25 at row 4, column 2 is outside \[0, 1\], .*'bce'"),
        (SHARES, _with(np.zeros((5, 2)), (0, 1), -0.5), r"^Y: -0.5 at row 1, column 2 is outside \[0, 1\]"),
    ],
)
def test_values_that_do_not_fit_are_refused(network: Network, targets: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        check_samples(X[:, :3], targets, network)


def test_a_value_too_large_for_float32_is_refused_by_row() -> None:
    with pytest.raises(DataError, match=r"^X: 1e\+39 at row 4, column 2 does not fit float32"):
        check_samples(_with(X, (3, 1), 1e39), Y, LABELS, "float32")


def test_a_value_too_large_for_float32_fits_float64() -> None:
    inputs, _ = check_samples(_with(X, (3, 1), 1e39), Y, LABELS)
    assert inputs[3, 1] == 1e39


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


def _npz(folder: Path, **arrays: Any) -> Path:
    path = folder / "flowers.npz"
    np.savez(path, **arrays)
    return path


def _member(header: str, content: bytes = b"") -> bytes:
    """Return an npy file with any header."""
    line = header.ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(line)) + line.encode() + content


def _zip(folder: Path, members: list[tuple[str, bytes]], compression: int = zipfile.ZIP_STORED) -> Path:
    path = folder / "flowers.npz"
    with pytest.MonkeyPatch.context() as patch, zipfile.ZipFile(path, "w", compression) as archive:
        patch.setattr("warnings.warn", lambda *_, **__: None)  # about the duplicate name that is meant to be there
        for name, content in members:
            archive.writestr(name, content)
    return path


def _npy(array: npt.NDArray[Any]) -> bytes:
    content = io.BytesIO()
    np.lib.format.write_array(content, array)
    return content.getvalue()


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("order", ["C", "F"])
def test_the_arrays_of_an_npz_file_are_read(save: Callable[..., None], order: Any, tmp_path: Path) -> None:
    save(tmp_path / "flowers.npz", X=np.asarray(X, order=order), Y=Y.astype(np.uint8))
    samples = read_samples(tmp_path / "flowers.npz", LABELS)
    np.testing.assert_array_equal(samples.X, X)
    np.testing.assert_array_equal(samples.Y, Y)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"X": X}, "missing array Y; expected X and Y, found X"),
        ({}, "missing array X; expected X and Y, found none"),
        ({"X": X, "Y": Y, "Z": Y}, "unknown array 'Z'; expected X and Y"),
        ({"x": X, "Y": Y}, "unknown array 'x'; expected X and Y"),
        ({"X": X.astype(object), "Y": Y}, "array X holds pickled objects, which are refused"),
        ({"X": X, "Y": Y.astype(object)}, "array Y holds pickled objects, which are refused"),
        ({"X": X.astype(complex), "Y": Y}, "array X has unsupported dtype complex128"),
        ({"X": X.astype(str), "Y": Y}, "array X has unsupported dtype <U32"),
        ({"X": X > 1, "Y": Y}, "array X has unsupported dtype bool"),
        ({"X": np.zeros(5, dtype=[("a", "f8")]), "Y": Y}, "array X has unsupported dtype"),
        ({"X": X[:4], "Y": Y}, ", Y: has 5 samples, expected 4"),
        ({"X": X[:, :2], "Y": Y}, ", X: has 2 features, expected 4"),
        ({"X": _with(X, (2, 1), np.nan), "Y": Y}, ", X: contains NaN at row 3, column 2"),
        ({"X": X, "Y": Y + 1}, ", Y: label 3 at row 2 is out of range"),
    ],
)
def test_a_faulty_npz_file_is_refused(arrays: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=rf"^'.*flowers\.npz'(: )?{message}"):
        read_samples(_npz(tmp_path, **arrays), LABELS)


def test_an_npz_file_takes_no_target_columns(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="^target_columns: "):
        read_samples(_npz(tmp_path, X=X, Y=Y), LABELS, ["species"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no samples; the file is empty"),
        (b"not a zip archive", "is not an npz file"),
        (_npy(X), "is not an npz file"),
        (b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00cposix\nsystem\n", "is not an npz file"),
    ],
)
def test_a_file_that_is_no_archive_is_refused(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "flowers.npz").write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_samples(tmp_path / "flowers.npz", LABELS)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([("X.npy", _npy(X)), ("Y.npy", _npy(Y)), ("X.npy", _npy(X + 1))], "array X occurs twice"),
        ([("X.npy", _npy(X)), ("X", _npy(X + 1)), ("Y.npy", _npy(Y))], "array X occurs twice"),
        ([("../X.npy", _npy(X)), ("Y.npy", _npy(Y))], r"unknown array '\.\./X'"),
        ([("X", _npy(X)), ("Y.npy", _npy(Y))], "missing array X"),
        ([("X.npy", b"5,1,2"), ("Y.npy", _npy(Y))], "array X has no readable header"),
        ([("X.npy", b""), ("Y.npy", _npy(Y))], "array X has no readable header"),
        (
            [
                ("X.npy", _member("{'descr': '<f8', 'fortran_order': False, 'shape': (10000000000,)}")),
                ("Y.npy", _npy(Y)),
            ],
            "array X holds 0 bytes, but its header claims 80000000000",
        ),
        (
            [
                ("X.npy", _member("{'descr': '<f8', 'fortran_order': False, 'shape': (-2, -4)}", bytes(64))),
                ("Y.npy", _npy(Y)),
            ],
            r"array X has the shape \(-2, -4\)",
        ),
        ([("X.npy", _npy(X) + b"more"), ("Y.npy", _npy(Y))], "array X holds 164 bytes, but its header claims 160"),
        *(
            ([("X.npy", _member(header)), ("Y.npy", _npy(Y))], "array X has no readable header")
            for header in ("{'descr': __import__('os')}", "{" * 100, "(" * 9000, "-" * 9000 + "1", "[]", "\xff")
        ),
    ],
)
def test_an_archive_with_contradicting_members_is_refused(
    members: list[tuple[str, bytes]], message: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=message):
        read_samples(_zip(tmp_path, members), LABELS)


def test_a_decompression_bomb_is_refused_before_it_is_unfolded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = 70 * 2**20 // 32
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({rows}, 4)}}"
    path = _zip(tmp_path, [("X.npy", _member(header, bytes(rows * 32))), ("Y.npy", _npy(Y))], zipfile.ZIP_DEFLATED)
    monkeypatch.setattr(np.lib.format, "read_array", lambda *_, **__: pytest.fail("the array was read"))
    with pytest.raises(DataError, match="array X unfolds from [0-9]+ to [0-9]+ bytes"):
        read_samples(path, LABELS)


def test_every_truncated_file_is_refused(tmp_path: Path) -> None:
    content = _npz(tmp_path, X=X, Y=Y).read_bytes()
    for length in range(1, len(content), 7):
        (tmp_path / "cut.npz").write_bytes(content[:length])
        with pytest.raises(DataError):
            read_samples(tmp_path / "cut.npz", LABELS)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_flipped_bit_is_refused_or_changes_nothing(save: Callable[..., None], tmp_path: Path) -> None:
    save(tmp_path / "flowers.npz", X=X, Y=Y)
    content = (tmp_path / "flowers.npz").read_bytes()
    for position in range(0, len(content), 5):
        flipped = bytearray(content)
        flipped[position] ^= 1 << (position % 8)
        (tmp_path / "flipped.npz").write_bytes(flipped)
        try:
            samples = read_samples(tmp_path / "flipped.npz", LABELS)
        except DataError:
            continue
        np.testing.assert_array_equal(samples.X, X)
        np.testing.assert_array_equal(samples.Y, Y)


@pytest.mark.parametrize(
    ("name", "shape", "targets"), [("digits", (1797, 64), 1797), ("iris", (150, 4), 150), ("friedman", (400, 5), 400)]
)
def test_a_bundled_data_set_has_its_documented_size(name: str, shape: tuple[int, int], targets: int) -> None:
    inputs, wanted, _ = datasets.load(name)
    assert (inputs.shape, len(wanted)) == (shape, targets)


def test_bundled_classes_have_names() -> None:
    assert datasets.load("iris")[2] == ("setosa", "versicolor", "virginica")
    assert datasets.load("digits")[2] == tuple("0123456789")


def test_the_bundled_iris_is_the_one_that_agrees_with_the_paper() -> None:
    inputs, _, _ = datasets.load("iris")
    np.testing.assert_array_equal(inputs[[34, 37]], [[4.9, 3.1, 1.5, 0.2], [4.9, 3.6, 1.4, 0.1]])


@pytest.mark.parametrize("name", ["digits", "iris"])
def test_a_bundled_data_set_is_that_of_scikit_learn(name: str) -> None:
    source = pytest.importorskip("sklearn.datasets")
    inputs, targets = getattr(source, f"load_{name}")(return_X_y=True)
    np.testing.assert_array_equal(datasets.load(name)[0], inputs)
    np.testing.assert_array_equal(datasets.load(name)[1], targets)


def test_the_bundled_regression_follows_its_documented_formula() -> None:
    (x1, x2, x3, x4, x5), targets = datasets.load("friedman")[0].T, datasets.load("friedman")[1]
    expected = 10 * np.sin(np.pi * x1 * x2) + 20 * (x3 - 0.5) ** 2 + 10 * x4 + 5 * x5
    np.testing.assert_allclose(targets[:, 0], expected, rtol=0, atol=5.1e-7)


def test_an_unknown_data_set_is_refused_with_a_suggestion() -> None:
    with pytest.raises(DataError, match="^dataset: unknown 'digit'; did you mean 'digits'"):
        datasets.load("digit")
