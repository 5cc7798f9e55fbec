"""The points that are checked at: where parameters lie, what is drawn, what is selected, what errors are divided by."""

from __future__ import annotations

import math

import numpy as np
import pytest

from symmlp.spec import Dense, Network
from symmlp.verification.comparison import Scale, compare, relative
from symmlp.verification.evaluation import Evaluation, NotRealError
from symmlp.verification.layout import Layout
from symmlp.verification.reference import Definitions, Point
from symmlp.verification.sample import batch_size, draw_sample
from symmlp.verification.selection import select, select_by_cost

NETWORK = Network(inputs=4, layers=(Dense(3, "tanh", bias=False), Dense(2)), loss="mse")
LAYOUT = Layout.of(NETWORK)
"""W1 (3, 4) at 0, W2 (2, 3) at 12, b2 (2,) at 18."""


def test_parameters_lie_in_layer_order_without_absent_biases() -> None:
    assert [(part.name, part.shape, part.start) for part in LAYOUT.parameters] == [
        ("W1", (3, 4), 0),
        ("W2", (2, 3), 12),
        ("b2", (2,), 18),
    ]


@pytest.mark.parametrize(
    ("place", "name", "entry"), [(0, "W1", (0, 0)), (11, "W1", (2, 3)), (12, "W2", (0, 0)), (19, "b2", (1,))]
)
def test_a_place_in_theta_belongs_to_an_entry(place: int, name: str, entry: tuple[int, ...]) -> None:
    parameter = LAYOUT.parameter_at(place)
    assert (parameter.name, parameter.entry(place)) == (name, entry)


def test_views_share_the_memory_of_theta() -> None:
    theta = np.zeros(LAYOUT.count)
    LAYOUT.views(theta)["W2"][1, 2] = 7
    assert theta[17] == 7


def test_the_batch_has_a_size_that_no_layer_has() -> None:
    assert batch_size(Network(inputs=5, layers=(Dense(6), Dense(8)), loss="mse")) == 7


def test_the_same_seed_draws_the_same_point() -> None:
    first, second, other = (draw_sample(NETWORK, seed) for seed in (1, 1, 2))
    assert np.array_equal(first.theta, second.theta)
    assert not np.array_equal(first.theta, other.theta)


@pytest.mark.parametrize("loss", ["mse", "mae", "{exp(p) - y*p}"])
def test_every_number_of_a_point_is_a_float32(loss: str) -> None:
    sample = draw_sample(Network.parse(f"4 -> 3 tanh -> 2 | {loss}"), 0)
    for array in (sample.theta, sample.inputs, sample.targets):
        assert np.array_equal(array.astype(np.float32).astype(float), array)


def test_probabilities_sum_to_one_exactly() -> None:
    sample = draw_sample(Network.parse("4 -> 3 softmax | cross_entropy"), 0)
    assert sample.targets.astype(np.float32).sum(axis=1).tolist() == [1.0] * 5


def test_labels_are_the_most_probable_classes() -> None:
    sample = draw_sample(Network.parse("4 -> 3 softmax | cross_entropy"), 0)
    assert np.array_equal(sample.as_labels().targets, sample.targets.argmax(axis=1))


def test_labels_become_rows_with_a_single_one() -> None:
    sample = draw_sample(Network.parse("4 -> 3 softmax | cross_entropy"), 0).as_labels()
    assert np.array_equal(sample.dense_targets(3).argmax(axis=1), sample.targets)
    assert np.array_equal(sample.dense_targets(3).sum(axis=1), np.ones(5))


def test_no_bias_is_near_zero() -> None:
    theta = draw_sample(NETWORK, 0).theta
    assert (np.abs(LAYOUT.views(theta)["b2"]) >= 0.0999).all()


@pytest.mark.parametrize(
    "text",
    [
        "4 -> 3 sigmoid | bce",
        "4 -> 3 | bce_with_logits",
        "4 -> 3 sigmoid | {-y*log(p) - (1 - y)*log(1 - p)}",
        "4 -> 3 | {-y*log(p) - (1 - y)*log(1 - p)}",
        "4 -> 3 | {p - y*log(p)}",
        "4 -> 3 {exp(x)} | mse",
        "4 -> 3 softplus | {(log(1 + y) - log(1 + p))**2}",
        "4 -> 3 tanh | {max(0, 1 - y*p)}",
        "4 -> 3 | {y*(log(y) - log(p))}",
    ],
)
def test_a_point_is_found_where_the_loss_is_real(text: str) -> None:
    assert np.isfinite(draw_sample(Network.parse(text), 3).theta).all()


def test_a_loss_that_is_real_nowhere_near_is_given_up() -> None:
    with pytest.raises(NotRealError, match="the loss is not real at any of 24 random points"):
        draw_sample(Network.parse("4 -> 3 tanh | {log(p - 40)}"), 0)


@pytest.mark.parametrize(
    "text", ["4 -> 6 relu -> 3 | mse", "4 -> 6 relu -> 3 | mae", "4 -> 3 {max(min(x, 1), -1)} | mse"]
)
def test_a_point_lies_away_from_kinks(text: str) -> None:
    assert 1e-3 < draw_sample(Network.parse(text), 0).distance < 1


@pytest.mark.parametrize(
    "text", ["4 -> 5 {2*(exp(x) - 1)} -> 3 {x**3} -> 6 exponential -> 2 sigmoid | bce", "4 -> 3 | mse"]
)
def test_no_pre_activation_is_so_large_that_digits_are_lost(text: str) -> None:
    network = Network.parse(text)
    for seed in range(5):
        sample = draw_sample(network, seed)
        definitions = Definitions.of(network, Evaluation())
        point = Point.at(definitions, sample.theta, sample.inputs)
        assert max(abs(entry) for layer in point.pre_activations for row in layer for entry in row) <= 5.0
        assert np.array_equal(sample.theta.astype(np.float32).astype(float), sample.theta)


def test_a_smooth_network_has_no_kink_at_any_distance() -> None:
    assert draw_sample(NETWORK, 0).distance == math.inf


def test_small_networks_are_selected_whole() -> None:
    assert select(LAYOUT, 20, 0, np.zeros(20)).note == "all 20 entries"


def test_a_selection_holds_the_largest_entry_of_every_parameter() -> None:
    gradient = np.arange(20.0) * -1
    selection = select(LAYOUT, 3, 0, gradient)
    assert set(selection.places) >= {11, 17, 19}


def test_a_selection_prefers_an_entry_that_is_nan() -> None:
    gradient = np.arange(20.0)
    gradient[13] = np.nan
    assert 13 in select(LAYOUT, 3, 0, gradient).places


def test_a_selection_says_how_much_it_leaves_out() -> None:
    selection = select(LAYOUT, 9, 0, np.ones(20))
    assert selection.note == f"{len(selection.places)} of 20 entries"
    assert 6 <= len(selection.places) <= 9


def test_the_first_and_the_last_layer_are_taken_before_those_between() -> None:
    layout = Layout.of(Network.parse("4 -> 3 tanh -> 2 tanh -> 5 | mse"))
    selection = select_by_cost(layout, [1.0] * 6, 0.5, 4.0, 0, np.ones(layout.count))
    assert {layout.parameter_at(place).name for place in selection.places} == {"W3", "b3", "W1", "b1"}
    assert selection.note == "4 of 38 entries, none of 2 parameters"


def test_an_error_is_relative_to_the_entry() -> None:
    scale = Scale(small_entry=1e-3, zero=0).of(LAYOUT, range(12), np.linspace(1, 2, 12))
    np.testing.assert_array_equal(scale, np.linspace(1, 2, 12))


def test_the_error_of_a_small_entry_is_relative_to_a_part_of_the_largest() -> None:
    scale = Scale(small_entry=1e-3, zero=0).of(LAYOUT, [0, 1], np.array([5.0, 1e-9]))
    np.testing.assert_array_equal(scale, [5.0, 5e-3])


def test_each_parameter_has_its_own_scale() -> None:
    scale = Scale(small_entry=1.0, zero=0).of(LAYOUT, [0, 11, 12, 18], np.array([5.0, 1.0, 1e-9, 2.0]))
    np.testing.assert_array_equal(scale, [5.0, 5.0, 1e-9, 2.0])


def test_a_parameter_that_is_zero_is_measured_by_the_whole_gradient() -> None:
    scale = Scale(small_entry=1.0, zero=1e-14).of(LAYOUT, [0, 12, 13], np.array([5.0, 1e-15, 0.0]))
    np.testing.assert_array_equal(scale, [5.0, 5e-3, 5e-3])


def test_a_vanishing_gradient_keeps_its_own_scale() -> None:
    found, expected = np.array([1.0, 2e-12]), np.array([1.0, 1e-12])
    check = compare("x", LAYOUT, [0, 12], found, expected, Scale(1.0, zero=1e-14), 1e-11)
    assert (check.ok, check.parameter) == (False, "W2")


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_the_worst_entry_and_fails(wrong: float) -> None:
    found = np.array([2.0, wrong, 1.0])
    check = compare("x", LAYOUT, [0, 1, 2], found, np.ones(3), Scale(1.0, zero=0), 1e9)
    assert (check.entry, check.ok) == ((0, 1), False)


def test_nan_never_equals_nan() -> None:
    nothing = np.array([np.nan, 1.0])
    assert not compare("x", LAYOUT, [0, 1], nothing, nothing, Scale(1.0, zero=0), 1e9).ok


@pytest.mark.parametrize(
    ("difference", "scale", "expected"),
    [(0.0, 0.0, 0.0), (1.0, 0.0, math.inf), (-1.0, 4.0, 0.25), (0.0, math.nan, 0.0)],
)
def test_a_relative_error_is_defined_beside_zero(difference: float, scale: float, expected: float) -> None:
    assert relative(difference, scale) == expected
