"""Training with a generated module: the update equations, the loop around them, bad settings, divergence."""

from __future__ import annotations

import re
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from symmlp.render import Dtype
from tests.generated_modules import NETWORKS, SAMPLES, Array, batch, executed, module_of, source_of

CLASSES, VALUES = NETWORKS["classes"], NETWORKS["values"]


@pytest.fixture
def module() -> ModuleType:
    return module_of(VALUES)


@pytest.fixture
def data() -> tuple[Array, Array]:
    """Inputs, and targets that a network can learn from them."""
    X, _ = batch(VALUES, 40)
    return X, np.tanh(X[:, :2] - X[:, 2:4])


def test_a_step_of_gradient_descent_is_theta_minus_lr_times_the_gradient(module: ModuleType) -> None:
    X, Y = batch(VALUES)
    theta = module.init_params()
    L, gradient = module.loss_and_grad(theta, X, Y)
    expected = theta - 0.3 * gradient
    trainer = module.Trainer(theta, batch_size=SAMPLES, optimizer="sgd", lr=0.3)
    assert trainer.step(X, Y) == L
    assert np.array_equal(theta, expected)


def test_steps_of_adam_follow_its_paper(module: ModuleType) -> None:
    X, Y = batch(VALUES)
    theta = module.init_params()
    trainer = module.Trainer(theta, batch_size=SAMPLES, lr=0.02, beta1=0.8, beta2=0.95, eps=1e-6)
    expected, m, v = theta.copy(), np.zeros_like(theta), np.zeros_like(theta)
    for t in (1, 2, 3):
        g = module.loss_and_grad(expected, X, Y)[1]
        m, v = 0.8 * m + 0.2 * g, 0.95 * v + 0.05 * g**2
        expected -= 0.02 * (m / (1 - 0.8**t)) / (np.sqrt(v / (1 - 0.95**t)) + 1e-6)
        trainer.step(X, Y)
    np.testing.assert_allclose(theta, expected, rtol=1e-13)


def test_a_step_changes_the_very_vector_it_was_given(module: ModuleType) -> None:
    X, Y = batch(VALUES)
    theta = module.init_params()
    trainer = module.Trainer(theta, batch_size=SAMPLES)
    trainer.step(X, Y)
    assert trainer.theta is theta
    assert not np.array_equal(theta, module.init_params())


def test_a_step_takes_a_batch_that_is_smaller_than_announced_but_none_that_is_larger(module: ModuleType) -> None:
    X, Y = batch(VALUES)
    trainer = module.Trainer(module.init_params(), batch_size=5)
    trainer.step(X[:3], Y[:3])
    with pytest.raises(ValueError, match="^X: 9 samples, expected at most 5$"):
        trainer.step(X, Y)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("lr", [0.01, np.float64(0.01), np.float32(0.01)], ids=["float", "float64", "float32"])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_steps_keep_the_type_of_the_module_whatever_the_type_of_lr(optimizer: str, lr: Any, dtype: Dtype) -> None:
    source, (X, Y) = source_of(CLASSES, dtype), batch(CLASSES)
    # An update that were computed wider would be narrowed again by `theta[:] =`: look before that.
    module = executed(re.sub(r"theta\[:\] = (.*)", r"moved = \1; self.seen = moved.dtype; theta[:] = moved", source))
    theta = module.init_params()
    trainer = module.Trainer(theta, batch_size=SAMPLES, optimizer=optimizer, lr=lr)
    for _ in range(3):
        trainer.step(X, Y)
    assert theta.dtype == trainer.optimizer.seen == module.DTYPE
    state = {name: each.dtype for name, each in vars(trainer.optimizer).items() if isinstance(each, np.ndarray)}
    assert set(state.values()) <= {np.dtype(module.DTYPE)}


def test_fitting_lowers_the_loss(module: ModuleType, data: tuple[Array, Array]) -> None:
    fitted = module.fit(*data, epochs=60, batch_size=8, lr=0.01)
    assert fitted.history[-1] < 0.5 * fitted.history[0]
    assert module.loss(fitted.theta, *data) < 0.5 * module.loss(module.init_params(0), *data)


def test_the_same_seed_gives_the_same_bits(module: ModuleType, data: tuple[Array, Array]) -> None:
    first, second, other = (module.fit(*data, epochs=3, batch_size=8, seed=seed) for seed in (5, 5, 6))
    assert np.array_equal(first.theta, second.theta)
    assert first.history == second.history
    assert not np.array_equal(first.theta, other.theta)


def test_the_history_is_the_mean_loss_of_each_epoch_and_is_told_as_it_grows(
    module: ModuleType, data: tuple[Array, Array]
) -> None:
    told: list[tuple[int, float]] = []
    fitted = module.fit(*data, epochs=4, batch_size=12, on_epoch=lambda epoch, loss: told.append((epoch, loss)))
    assert [epoch for epoch, _ in told] == [1, 2, 3, 4]
    assert [loss for _, loss in told] == fitted.history


def test_an_epoch_s_loss_weighs_batches_by_their_size(module: ModuleType, data: tuple[Array, Array]) -> None:
    X, Y = data
    fitted = module.fit(X, Y, epochs=1, batch_size=25, optimizer="sgd", lr=1e-300, shuffle=False)
    assert fitted.history == pytest.approx([module.loss(module.init_params(0), X, Y)], rel=1e-13)


def test_without_shuffling_batches_are_taken_in_order(module: ModuleType, data: tuple[Array, Array]) -> None:
    X, Y = data
    theta = module.init_params(3)
    trainer = module.Trainer(theta, batch_size=15)
    for rows in (slice(0, 15), slice(15, 30), slice(30, 40)):
        trainer.step(X[rows], Y[rows])
    assert np.array_equal(module.fit(X, Y, epochs=1, batch_size=15, seed=3, shuffle=False).theta, theta)


def test_a_batch_larger_than_the_samples_means_all_of_them(module: ModuleType, data: tuple[Array, Array]) -> None:
    large, whole = (module.fit(*data, epochs=3, batch_size=size) for size in (4000, 40))
    assert np.array_equal(large.theta, whole.theta)


def test_fitting_goes_on_from_theta_and_leaves_it_alone(module: ModuleType, data: tuple[Array, Array]) -> None:
    start = module.init_params(8)
    fitted = module.fit(*data, theta=start, epochs=2, batch_size=8)
    assert np.array_equal(start, module.init_params(8))
    assert not np.shares_memory(fitted.theta, start)
    assert np.array_equal(fitted.theta, module.fit(*data, theta=module.init_params(8), epochs=2, batch_size=8).theta)


def test_no_seed_means_another_start_every_time(module: ModuleType, data: tuple[Array, Array]) -> None:
    first, second = (module.fit(*data, epochs=1, seed=None) for _ in range(2))
    assert not np.array_equal(first.theta, second.theta)


def test_numpy_s_integers_are_integers(module: ModuleType, data: tuple[Array, Array]) -> None:
    counts = {"epochs": np.int64(2), "batch_size": np.uint8(8), "seed": np.int32(3)}
    plain = {name: int(value) for name, value in counts.items()}  # type: ignore[call-overload]
    assert np.array_equal(module.fit(*data, **counts).theta, module.fit(*data, **plain).theta)


def test_integer_labels_are_learnt() -> None:
    module, (X, _) = module_of(CLASSES), batch(CLASSES, 60)
    labels = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)
    fitted = module.fit(X, labels, epochs=80, batch_size=10, lr=0.02)
    assert np.mean(module.predict(fitted.theta, X) == labels) > 0.9


BAD_SETTINGS: list[tuple[dict[str, Any], str]] = [
    *(
        ({"batch_size": value}, "^batch_size: expected a positive integer, got ")
        for value in (0, -3, 2.5, True, "8", None)
    ),
    *(
        ({"epochs": value}, "^epochs: expected a positive integer, got ")
        for value in (0, -1, 1.0, float("nan"), "3", None)
    ),
    *(
        ({"lr": value}, "^lr: expected a positive finite number, got ")
        for value in (0, -1, 0.0, float("nan"), float("inf"), "1e-3", True, 1j, np.array([0.1]))
    ),
    *(({name: value}, rf"^{name}: .*\[0, 1\), got ") for name in ("beta1", "beta2") for value in (-0.1, 1, 1.5, "0")),
    *(({"eps": value}, "^eps: expected a positive finite number, got ") for value in (0, -1e-8, float("nan"))),
    *(
        ({"seed": value}, r"^seed: expected an integer from 0 to 2\*\*32 - 1, got ")
        for value in (-1, 2**64, "a", 1.5, True)
    ),
    ({"optimizer": "adma"}, "^optimizer: expected one of sgd, adam.*, got 'adma'$"),
    ({"theta": np.zeros(3)}, r"^theta: expected shape \(\d+,\), got \(3,\)$"),
]


@pytest.mark.parametrize(("settings", "message"), BAD_SETTINGS, ids=lambda value: repr(value)[:30])
def test_a_bad_setting_of_fit_is_refused_in_one_line(
    settings: dict[str, Any], message: str, module: ModuleType, data: tuple[Array, Array]
) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        module.fit(*data, **settings)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "message"),
    [each for each in BAD_SETTINGS if not each[0].keys() & {"epochs", "seed", "theta"}],
    ids=lambda value: repr(value)[:30],
)
def test_a_bad_setting_of_a_trainer_is_refused(settings: dict[str, Any], message: str, module: ModuleType) -> None:
    with pytest.raises(ValueError, match=message):
        module.Trainer(module.init_params(), **{"batch_size": 4, **settings})


@pytest.mark.parametrize("theta", [np.zeros(5), np.zeros((2, 3)), [0.0], None, np.zeros(55, dtype=np.float32)])
def test_a_trainer_refuses_what_it_could_not_update_in_place(theta: Any, module: ModuleType) -> None:
    with pytest.raises(ValueError, match="^theta: expected "):
        module.Trainer(theta, batch_size=4)


def test_a_setting_that_no_optimizer_knows_is_refused(module: ModuleType, data: tuple[Array, Array]) -> None:
    with pytest.raises(TypeError, match="momentun"):
        module.fit(*data, momentun=0.9)


@pytest.mark.parametrize("seed", [-1, 2**32, "a", 0.5])
def test_a_bad_seed_of_the_parameters_is_refused(seed: Any, module: ModuleType) -> None:
    with pytest.raises(ValueError, match="^seed: expected an integer from 0"):
        module.init_params(seed)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("at", [0, 1], ids=["X", "Y"])
def test_data_that_are_not_finite_are_refused_with_their_place(
    at: int, value: float, module: ModuleType, data: tuple[Array, Array]
) -> None:
    data[at][3, 1] = data[at][7, 0] = value
    with pytest.raises(
        ValueError, match=rf"^{'XY'[at]}: {value} at row 3, column 1 \(2 such\); expected finite numbers$"
    ):
        module.fit(*data)


def test_inputs_and_targets_of_different_numbers_are_refused(module: ModuleType, data: tuple[Array, Array]) -> None:
    with pytest.raises(ValueError, match=r"^Y: expected shape \(40, 2\), got \(39, 2\)$"):
        module.fit(data[0], data[1][1:])


@pytest.mark.parametrize("lr", [1e10, 1e200, 1.7e308])
def test_divergence_stops_training_and_names_epoch_and_batch(lr: float, data: tuple[Array, Array]) -> None:
    module = module_of(NETWORKS["values"])
    with pytest.raises(
        module.DivergenceError,
        match=r"^training diverged: (loss|a parameter) became (nan|inf|-inf) at epoch \d+, batch \d+; "
        "parameters restored to last finite state",
    ) as caught:
        module.fit(*data, batch_size=8, optimizer="sgd", lr=lr)
    error = caught.value
    assert f"at epoch {error.epoch}, batch {error.batch};" in str(error)
    assert "\n" not in str(error)


@pytest.mark.parametrize("lr", [1e10, 1e200, 1.7e308])
def test_after_divergence_the_last_parameters_of_finite_loss_are_there(
    lr: float, data: tuple[Array, Array], tmp_path: Any
) -> None:
    module = module_of(NETWORKS["values"])
    with pytest.raises(module.DivergenceError) as caught:
        module.fit(*data, batch_size=40, optimizer="sgd", lr=lr)
    theta = caught.value.theta
    assert np.isfinite(module.loss(theta, *data))
    module.save(tmp_path / "last.npz", theta)
    assert np.array_equal(module.load(tmp_path / "last.npz"), theta)


def test_divergence_at_the_first_batch_leaves_the_parameters_of_the_start(data: tuple[Array, Array]) -> None:
    module = module_of(NETWORKS["values"])
    start = module.init_params(4) * 1e200
    with pytest.raises(module.DivergenceError, match=r"loss became \w+ at epoch 1, batch 1;") as caught:
        module.fit(*data, theta=start)
    assert (caught.value.epoch, caught.value.batch) == (1, 1)
    assert np.array_equal(caught.value.theta, start)


def test_divergence_is_no_bad_value() -> None:
    module = module_of(NETWORKS["values"])
    assert issubclass(module.DivergenceError, ArithmeticError)
    assert not issubclass(module.DivergenceError, ValueError)
