"""Training: what it writes, that it writes all or nothing, and that what it saved is what it scored."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from rich.console import Console

from symmlp.datasets import load_samples
from symmlp.errors import DataError, OutputError, SymmlpError
from symmlp.generation import generate
from symmlp.samples import Samples
from symmlp.spec import Network
from symmlp.training import Settings, train
from symmlp.training.generated import load
from symmlp.training.scaling import InputScaling, Scalings, TargetScaling
from symmlp.training.scoring import score, split

IRIS = Network.model_validate({**Network.parse("4 -> 7 tanh -> 3 softmax | cross_entropy").as_dict(), "name": "iris"})
PLANE = Network.parse("3 -> 5 tanh -> 2 | mse")
SHARES = Network.parse("3 -> 5 tanh -> 2 sigmoid | bce")
QUICK: dict[str, Any] = {"epochs": 3, "batch_size": 16, "lr": 1e-2}


def _iris() -> Samples:
    return load_samples("iris")


def _plane(rows: int = 60) -> Samples:
    """Return targets that depend on the inputs linearly."""
    X = np.random.Generator(np.random.PCG64(5)).normal(size=(rows, 3)) * [1, 20, 0.1] + [0, 100, -3]
    return Samples(X, np.stack([X[:, 0] - 10 * X[:, 2], X[:, 1] / 10], axis=1), ("a", "b", "c"), ("u", "v"))


def _names(directory: Path) -> list[str]:
    return sorted(entry.name for entry in directory.iterdir())


def _broken(ending: str) -> Callable[..., str]:
    """Return a `generate` whose modules end with `ending`."""
    return lambda network, dtype: generate(network, dtype=dtype) + ending


def test_training_writes_the_module_the_parameters_and_a_record(tmp_path: Path) -> None:
    result = train(IRIS, _iris(), out_dir=tmp_path, **QUICK)
    assert _names(tmp_path) == ["iris.py", "iris_parameters.npz", "iris_training.json"]
    assert [result.module_path.name, result.parameters_path.name, result.record_path.name] == _names(tmp_path)
    assert result.formulas_path is None


def test_the_module_that_is_written_is_the_one_that_generate_returns(tmp_path: Path) -> None:
    result = train(IRIS, _iris(), out_dir=tmp_path, **QUICK)
    assert result.module_path.read_text(encoding="utf-8") == generate(IRIS, dtype="float64")


def test_training_lowers_the_loss(tmp_path: Path) -> None:
    result = train(IRIS, _iris(), out_dir=tmp_path, **QUICK)
    assert len(result.history) == QUICK["epochs"]
    assert result.history[-1] < result.history[0]


def test_a_stranger_with_numpy_alone_can_use_what_was_written(tmp_path: Path) -> None:
    train(IRIS, _iris(), out_dir=tmp_path, epochs=60, batch_size=16, lr=1e-2)
    np.savez(tmp_path / "flowers.npz", X=_iris().X, Y=_iris().Y)
    script = (
        "import iris, numpy as np\n"
        "flowers = np.load('flowers.npz')\n"
        "predicted = iris.predict(iris.load('iris_parameters.npz'), flowers['X'])\n"
        "print(np.mean(predicted == flowers['Y']))\n"
    )
    environment = {**os.environ, "PYTHONPATH": "", "PYTHONDONTWRITEBYTECODE": "1"}
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], cwd=tmp_path, env=environment, capture_output=True, check=True
    )
    assert float(ended.stdout) > 0.93


@pytest.mark.parametrize(("network", "samples"), [(IRIS, _iris()), (PLANE, _plane())], ids=["classes", "values"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("standardize", [True, False])
def test_the_score_is_that_of_the_saved_parameters_on_inputs_as_they_are(
    network: Network, samples: Samples, dtype: Any, standardize: bool, tmp_path: Path
) -> None:
    result = train(network, samples, out_dir=tmp_path, dtype=dtype, standardize=standardize, **QUICK)
    module = load(result.module_path.read_text(encoding="utf-8"))
    theta = module.load(result.parameters_path)
    _, held = split(samples.Y, 0.2, 0)
    X, Y = samples.X[held].astype(dtype), samples.Y[held]
    Y = Y if Y.dtype == np.int64 else Y.astype(dtype)
    assert theta.dtype == dtype
    assert result.score == score(network, module.predict(theta, X), Y)
    assert result.loss == float(module.loss(theta, X, Y))


def test_the_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    for directory in ("first", "second"):
        train(IRIS, _iris(), out_dir=tmp_path / directory, **QUICK)
    for name in _names(tmp_path / "first"):
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()


def test_another_seed_finds_other_parameters(tmp_path: Path) -> None:
    first, second = (train(IRIS, _iris(), out_dir=tmp_path / str(seed), seed=seed, **QUICK) for seed in (3, 4))
    assert first.parameters_path.read_bytes() != second.parameters_path.read_bytes()


def test_the_record_says_how_the_parameters_came_about(tmp_path: Path) -> None:
    result = train(IRIS, _iris(), out_dir=tmp_path, **QUICK)
    record = json.loads(result.record_path.read_text(encoding="utf-8"))
    assert Network.model_validate(record["network"]) == IRIS
    assert Settings(**record["settings"]) == Settings(**QUICK)
    assert record["samples"] == {"trained on": 120, "held out": 30}
    assert record["inputs"]["names"][2] == "petal length"
    assert record["targets"]["names"] == ["species"]
    assert record["targets"]["classes"] == ["setosa", "versicolor", "virginica"]
    assert record["score"] == {"name": "held-out accuracy", "value": result.score, "loss": result.loss}
    assert record["history"] == list(result.history)


def test_the_recorded_scaling_is_that_of_the_training_part(tmp_path: Path) -> None:
    samples = _iris()
    record = json.loads(train(IRIS, samples, out_dir=tmp_path, **QUICK).record_path.read_text(encoding="utf-8"))
    kept, _ = split(samples.Y, 0.2, 0)
    np.testing.assert_allclose(record["inputs"]["mean"], samples.X[kept].mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(record["inputs"]["scale"], samples.X[kept].std(axis=0), rtol=1e-14)


def test_without_a_held_out_part_the_score_says_that_it_is_of_the_training_samples(tmp_path: Path) -> None:
    result = train(IRIS, _iris(), out_dir=tmp_path, held_out=0, **QUICK)
    assert result.score_name == "training accuracy"


def test_a_batch_larger_than_the_samples_is_all_of_them(tmp_path: Path) -> None:
    large, whole = (
        train(IRIS, _iris(), out_dir=tmp_path / str(size), epochs=3, batch_size=size) for size in (1000, 120)
    )
    assert large.history == whole.history


def _single_class() -> Samples:
    return Samples(_iris().X, np.zeros(150, dtype=np.int64), ("a", "b", "c", "d"), ("species",))


def _with_nan() -> Samples:
    X = _iris().X.copy()
    X[70, 2] = np.nan
    return Samples(X, _iris().Y, ("a", "b", "c", "d"), ("species",))


def _few() -> Samples:
    return Samples(_iris().X[[0, 60, 140]], np.array([0, 1, 2]), ("a", "b", "c", "d"), ("species",))


@pytest.mark.parametrize(
    ("samples", "options", "error", "message"),
    [
        (_with_nan(), {}, DataError, "^X: contains NaN at row 71, column 3"),
        (_single_class(), {}, DataError, "^Y: all samples have class 0; expected at least two classes"),
        (_few(), {}, DataError, "^held_out: 0.2 of 3 samples leaves 0 to score on, expected at least 1"),
        (_iris(), {"epochs": 0}, SymmlpError, "^epochs: must be an integer from 1, got 0"),
        (_iris(), {"epoch": 5}, SymmlpError, "^settings: unknown 'epoch'; did you mean 'epochs'"),
        (_iris(), {"optimizer": "adma"}, SymmlpError, "(?s)adma"),
        (_iris(), {"optimizer": "sgd", "lr": 1.7e308}, SymmlpError, "^training: training diverged: loss"),
        (
            _iris(),
            {"generate": _broken("\ndef fit(*_, **__): raise ValueError('a\\nb')\n")},
            SymmlpError,
            r"^training: a b$",
        ),
        (_iris(), {"generate": _broken("\ndef save(path, theta): raise OSError('full')\n")}, OSError, "full"),
        (
            _iris(),
            {"generate": _broken("\ndef fit(*_, **__): raise KeyboardInterrupt\n")},
            KeyboardInterrupt,
            "0 of 3 epochs",
        ),
    ],
    ids=["NaN", "one class", "few", "epochs", "setting", "optimizer", "divergence", "refusal", "disk", "interruption"],
)
@pytest.mark.parametrize("exists", [True, False])
def test_training_that_fails_writes_nothing(
    samples: Samples, options: dict[str, Any], error: type[BaseException], message: str, exists: bool, tmp_path: Path
) -> None:
    if exists:
        (tmp_path / "out").mkdir()
    before = _names(tmp_path)
    with pytest.raises(error, match=message):
        train(IRIS, samples, out_dir=tmp_path / "out", **{**QUICK, **options})
    assert _names(tmp_path) == before
    assert not exists or _names(tmp_path / "out") == []


def test_an_interrupted_training_says_how_far_it_came(tmp_path: Path) -> None:
    ending = (
        "\ndef fit(*_, on_epoch, **__):\n    on_epoch(1, 0.5)\n    on_epoch(2, 0.25)\n    raise KeyboardInterrupt\n"
    )
    with pytest.raises(KeyboardInterrupt, match="^training interrupted after 2 of 3 epochs; nothing was written$"):
        train(IRIS, _iris(), out_dir=tmp_path, generate=_broken(ending), **QUICK)


@pytest.mark.parametrize("name", ["iris.py", "iris_parameters.npz", "iris_training.json"])
def test_an_existing_file_is_refused_before_training(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("old")
    with pytest.raises(OutputError, match="already exists; use --force"):
        train(IRIS, _iris(), out_dir=tmp_path, generate=lambda *_, **__: pytest.fail("training began"), **QUICK)
    assert _names(tmp_path) == [name]
    assert (tmp_path / name).read_text() == "old"


def test_force_overwrites_what_an_earlier_training_wrote(tmp_path: Path) -> None:
    train(IRIS, _iris(), out_dir=tmp_path, **QUICK)
    result = train(IRIS, _iris(), out_dir=tmp_path, force=True, seed=9, **QUICK)
    assert json.loads(result.record_path.read_text(encoding="utf-8"))["settings"]["seed"] == 9


@pytest.mark.parametrize("name", ["json", "numpy"])
def test_a_module_that_would_hide_one_of_python_or_numpy_is_refused(name: str, tmp_path: Path) -> None:
    network = Network.model_validate({**IRIS.as_dict(), "name": name})
    with pytest.raises(OutputError, match=f"'{name}.py' would hide the module of that name"):
        train(network, _iris(), out_dir=tmp_path, **QUICK)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("epochs", value) for value in (0, -1, 2.5, True, float("nan"), "10")),
        *(("batch_size", value) for value in (0, 2.5, None)),
        *(("lr", value) for value in (0, -1, float("nan"), float("inf"), "1e-3", True)),
        *(("seed", value) for value in (-1, 2**32, "a", 1.0)),
        *(("held_out", value) for value in (1, -0.1, float("nan"), "0.2")),
        *(("dtype", value) for value in ("float16", np.float64)),
        ("optimizer", None),
    ],
)
def test_a_setting_out_of_range_is_refused_by_name(field: str, value: Any) -> None:
    with pytest.raises(SymmlpError, match=rf"^{field}: must be .*, got "):
        Settings(**{field: value})


def test_a_progress_bar_counts_the_epochs(tmp_path: Path) -> None:
    console = Console(file=io.StringIO(), width=100, force_terminal=True)
    train(IRIS, _iris(), out_dir=tmp_path, console=console, **QUICK)
    assert "3/3" in console.file.getvalue()  # type: ignore[attr-defined]


def test_a_split_keeps_every_sample_once() -> None:
    kept, held = split(_iris().Y, 0.3, 0)
    np.testing.assert_array_equal(np.sort(np.concatenate([kept, held])), np.arange(150))


def test_a_split_holds_out_the_same_share_of_every_class() -> None:
    labels = np.repeat([0, 1, 2], [10, 40, 100])
    _, held = split(labels, 0.2, 0)
    np.testing.assert_array_equal(np.bincount(labels[held]), [2, 8, 20])


def test_a_class_of_one_sample_stays_in_the_training_part() -> None:
    labels = np.array([0] * 20 + [1])
    kept, _ = split(labels, 0.9, 0)
    assert 20 in kept


def test_a_split_depends_on_the_seed_alone() -> None:
    np.testing.assert_array_equal(split(_iris().Y, 0.2, 7)[1], split(_iris().Y, 0.2, 7)[1])
    assert not np.array_equal(split(_iris().Y, 0.2, 7)[1], split(_iris().Y, 0.2, 8)[1])


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("size", [1e-120, 1.0, 1e120])
def test_folded_parameters_predict_as_they_are_what_the_others_predict_scaled(
    layers: int, bias: bool, size: float
) -> None:
    hidden = [{"units": 5 + layer, "activation": "tanh", "bias": bias} for layer in range(layers - 1)]
    network = Network.model_validate({**PLANE.as_dict(), "layers": [*hidden, {"units": 2}]})
    module: Any = load(generate(network, dtype="float64"))
    samples = _plane()
    X, Y = samples.X * size, np.asarray(samples.Y / size, dtype=np.float64)
    scalings = Scalings.of(X, Y, network, samples)
    theta = module.init_params(seed=3) + 0.25
    scaled_X, scaled_Y = scalings.apply(X, Y)
    folded = scalings.folded(theta, module, network)
    assert scalings.targets is not None
    expected = module.forward(theta, scaled_X) * scalings.targets.scale + scalings.targets.mean
    np.testing.assert_allclose(module.forward(folded, X), expected, rtol=1e-12, atol=1e-12 * scalings.targets.scale)
    np.testing.assert_allclose(
        module.loss(folded, X, Y), module.loss(theta, scaled_X, scaled_Y) * scalings.loss_factor, rtol=1e-12
    )
    assert expected.std() > 0.01 * scalings.targets.scale


def test_parameters_that_overflow_when_they_absorb_the_scaling_are_refused() -> None:
    samples = _plane()
    module: Any = load(generate(PLANE, dtype="float64"))
    scalings = Scalings.of(samples.X, samples.Y, PLANE, samples)
    with pytest.raises(SymmlpError, match=r"^training: parameters up to 1e\+308 are too large"):
        scalings.folded(np.full(module.N_PARAMS, 1e308), module, PLANE)


def test_folding_leaves_the_parameters_that_were_fitted_unchanged() -> None:
    samples = _plane()
    module: Any = load(generate(PLANE, dtype="float64"))
    theta = module.init_params(seed=3)
    before = theta.copy()
    Scalings.of(samples.X, samples.Y, PLANE, samples).folded(theta, module, PLANE)
    np.testing.assert_array_equal(theta, before)


@pytest.mark.parametrize(
    "text", ["3 -> 5 tanh -> 2 | {(p - y)**2}", "3 -> 2 tanh | mse", "3 -> 2 sigmoid | bce", "3 -> 2 softmax | mse"]
)
def test_targets_are_left_alone_where_scaling_would_change_the_problem(text: str) -> None:
    assert TargetScaling.of(np.array([[0.0, 1.0], [0.5, 0.25]]), Network.parse(text), ("u", "v")) is None


def test_targets_beside_a_penalty_of_the_weights_are_left_as_they_are() -> None:
    network = Network.parse("3 -> 2 | half_mse | as sklearn")
    assert TargetScaling.of(np.array([[0.0, 1.0], [0.5, 0.25]]), network, ("u", "v")) is None


def test_inputs_beside_a_penalty_of_the_weights_are_left_as_they_are() -> None:
    # The saved weights are those that are penalized: W / scale would have another penalty than W.
    samples = _plane()
    network = Network.model_validate({**PLANE.as_dict(), "penalty": "l2"})
    assert Scalings.of(samples.X, samples.Y, network, samples).inputs is None
    assert Scalings.of(samples.X, samples.Y, PLANE, samples).inputs is not None


def test_a_last_layer_without_a_bias_leaves_the_targets_alone() -> None:
    network = Network.model_validate({**PLANE.as_dict(), "layers": [{"units": 2, "bias": False}]})
    assert TargetScaling.of(np.array([[0.0, 1.0], [0.5, 0.25]]), network, ("u", "v")) is None


def test_targets_that_never_vary_are_learned_from_the_start(tmp_path: Path) -> None:
    samples = _plane()
    constant = Samples(samples.X, np.full((60, 2), 7.5), ("a", "b", "c"), ("u", "v"))
    assert train(PLANE, constant, out_dir=tmp_path, epochs=60, batch_size=16, lr=1e-2).loss < 0.01


def test_scaled_inputs_have_mean_0_and_standard_deviation_1() -> None:
    X = _plane().X
    scaled = InputScaling.of(X, PLANE, ("a", "b", "c")).apply(X)
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(scaled.std(axis=0), 1, rtol=1e-12)


@pytest.mark.parametrize("value", [0.0, 0.1, -1e9, 1e300])
def test_a_feature_that_is_constant_in_the_training_part_is_ignored(value: float) -> None:
    X = _plane().X
    X[:, 1] = value
    scaling = InputScaling.of(X, PLANE, ("a", "b", "c"))
    W1, b1 = np.ones((5, 3)), np.zeros(5)
    scaling.fold(W1, b1)
    np.testing.assert_array_equal(scaling.apply(X + np.array([0, 50, 0]))[:, 1], 0)
    np.testing.assert_array_equal(W1[:, 1], 0)


@pytest.mark.parametrize(
    ("offset", "size", "dtype"),
    [
        (1e5, 1.0, "float32"),
        (1e14, 1.0, "float64"),
        (0.0, 1e-30, "float32"),
        (0.0, 1e30, "float32"),
        (0.0, 1e200, "float64"),
    ],
)
def test_a_feature_that_the_dtype_cannot_scale_is_refused_by_name(offset: float, size: float, dtype: str) -> None:
    X = _plane().X
    X[:, 2] = np.arange(60) % 7 * size + offset
    with pytest.raises(DataError, match=rf"^X: column 3 \('c'\) has mean .* which {dtype} cannot scale"):
        InputScaling.of(X.astype(dtype), PLANE, ("a", "b", "c"))


def test_the_accuracy_of_classes_is_the_share_of_right_labels() -> None:
    assert score(IRIS, np.array([0, 1, 2, 1]), np.array([0, 1, 1, 1])) == 0.75


def test_the_accuracy_of_probabilities_counts_the_likeliest_class() -> None:
    assert score(IRIS, np.array([0, 2]), np.array([[0.5, 0.2, 0.3], [0.1, 0.6, 0.3]])) == 0.5


def test_the_accuracy_of_shares_counts_entries() -> None:
    assert score(SHARES, np.array([[0, 1], [1, 1]]), np.array([[0.0, 1.0], [0.4, 0.6]])) == 0.75


def test_the_score_of_values_is_that_of_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    generator = np.random.Generator(np.random.PCG64(2))
    Y, predicted = generator.normal(size=(2, 30, 2)) * [1, 50]
    assert score(PLANE, predicted, Y) == pytest.approx(metrics.r2_score(Y, predicted), rel=1e-12)


@pytest.mark.parametrize(("miss", "expected"), [(0.0, 1.0), (0.5, 0.5)])
def test_an_output_that_never_varies_counts_only_if_it_is_met(miss: float, expected: float) -> None:
    Y = np.stack([np.arange(6.0), np.full(6, 3.0)], axis=1)
    assert score(PLANE, Y + np.array([0, miss]), Y) == expected


def test_a_regression_learns_a_plane(tmp_path: Path) -> None:
    result = train(PLANE, _plane(200), out_dir=tmp_path, epochs=150, batch_size=16, lr=1e-2)
    assert result.score_name == "held-out R²"
    assert result.score > 0.97


def test_an_array_that_is_given_is_never_changed(tmp_path: Path) -> None:
    samples = _plane()
    before: tuple[npt.NDArray[Any], npt.NDArray[Any]] = (samples.X.copy(), samples.Y.copy())
    samples.X.setflags(write=False)
    train(PLANE, samples, out_dir=tmp_path, **QUICK)
    np.testing.assert_array_equal(samples.X, before[0])
    np.testing.assert_array_equal(samples.Y, before[1])
