"""The bundled data sets are what their documentation says."""

from __future__ import annotations

import numpy as np
import pytest

from symmlp import datasets
from symmlp.errors import DataError


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
