"""Samples from arrays: what is accepted, and that every fault is named with its row and column."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from symmlp.errors import DataError
from symmlp.samples import check_samples
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
