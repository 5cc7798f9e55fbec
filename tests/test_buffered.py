"""The buffered style computes the numbers of the plain one, allocates nothing per step, and carries the same ids."""

from __future__ import annotations

import re
import subprocess
import sys
import tracemalloc
from fractions import Fraction
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from symmlp.generation import generate
from symmlp.matrix import Number, Real
from symmlp.render import Dtype
from symmlp.render.numbers import Numbers
from symmlp.spec import Network
from tests.generated_modules import NETWORKS as PLAIN_NETWORKS
from tests.generated_modules import batch, executed, module_of, source_of
from tests.strategies import Case, drawn_cases

LAYERED = {
    "normalized": "5 -> 7 mish -> layer_norm -> 6 elu -> dropout(rate=0.3) -> 6 glu -> add(layer=3) -> 2 sigmoid | bce",
    "scaled": "4 -> 7 tanh -> standardize(mean=0.25, scale=0.5) -> 3 softmax | cross_entropy",
    "learned": "6 -> 9 softplus(beta=2) -> 9 prelu -> rms_norm -> 4 srelu -> alpha_dropout(rate=0.2) -> 3 | huber",
    "joined": "3 -> 4 softmin -> 6 maxout_3 -> concat(layer=0) -> 5 log_softmax | nll",
}
DRAWING = {
    "dropped": "4 -> 7 tanh -> dropout(rate=0.3) -> alpha_dropout(rate=0.2) -> 3 softmax | cross_entropy",
    "drawn slopes": "4 -> 7 -> randomized_relu -> 2 | mse",
    "batch norm": "4 -> 7 -> batch_norm -> relu -> dropout(rate=0.5) -> 2 | mse",
}
NETWORKS = PLAIN_NETWORKS | {name: Network.parse(text) for name, text in LAYERED.items()}
DTYPES: tuple[Dtype, ...] = ("float64", "float32")


@cache
def buffered_source(network: Network, dtype: Dtype = "float64") -> str:
    return generate(network, style="buffered", dtype=dtype)


def buffered(network: Network, dtype: Dtype = "float64") -> ModuleType:
    return executed(buffered_source(network, dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NETWORKS)
def test_loss_and_gradient_are_those_of_the_plain_style(name: str, dtype: Dtype) -> None:
    network = NETWORKS[name]
    plain, module = module_of(network, dtype), buffered(network, dtype)
    theta, (X, Y) = plain.init_params(3), batch(network)
    (loss, gradient), (found, found_gradient) = (each.loss_and_grad(theta, X, Y) for each in (plain, module))
    assert found_gradient.dtype == gradient.dtype
    few_ulps = 8 * float(np.finfo(gradient.dtype).eps)
    assert found == pytest.approx(loss, rel=few_ulps, abs=0)
    assert found == module.loss(theta, X, Y)
    np.testing.assert_allclose(found_gradient, gradient, rtol=0, atol=few_ulps * np.abs(gradient).max())
    prediction = plain.forward(theta, X)
    np.testing.assert_allclose(module.forward(theta, X), prediction, rtol=0, atol=few_ulps * np.abs(prediction).max())


@pytest.mark.parametrize("case", drawn_cases(20, seed=8), ids=lambda case: case.network.short())
def test_drawn_networks_have_the_gradient_of_the_plain_style(case: Case) -> None:
    plain, module = module_of(case.network), buffered(case.network)
    theta, X, Y = case.theta(), case.inputs(), case.targets()
    gradient = plain.loss_and_grad(theta, X, Y)[1]
    found = module.loss_and_grad(theta, X, Y)[1]
    np.testing.assert_allclose(found, gradient, rtol=0, atol=1e-14 * np.abs(gradient).max())


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("name", ["classes", "values", "normalized"])
def test_training_moves_the_parameters_as_the_plain_style_does(name: str, optimizer: str) -> None:
    network = NETWORKS[name]
    X, Y = batch(network, 23)
    first, second = [
        each.fit(X, Y, epochs=7, batch_size=5, optimizer=optimizer, seed=4).theta
        for each in (module_of(network), buffered(network))
    ]
    np.testing.assert_allclose(first, second, rtol=0, atol=1e-12)


NUMPY_BUFFER = 8 * np.getbufsize() + 4096
"""What NumPy allocates inside of one call that broadcasts, whatever the size of the arrays, and a few small objects."""


@pytest.mark.parametrize("name", ["classes", "probabilities", "values"])
def test_a_step_allocates_no_array(name: str) -> None:
    network = NETWORKS[name]
    assert _allocated(buffered(network), network) < NUMPY_BUFFER, "arrays of this batch have 256 kB and more"


@pytest.mark.parametrize("name", DRAWING)
def test_a_step_that_draws_masks_or_moves_statistics_allocates_no_array(name: str) -> None:
    network = Network.parse(DRAWING[name])
    assert _allocated(buffered(network), network) < NUMPY_BUFFER


@pytest.mark.parametrize("name", DRAWING)
def test_masks_drawn_into_memory_are_those_of_draw_masks(name: str) -> None:
    module = buffered(Network.parse(DRAWING[name]))
    draws, rng, same = module.Draws(11), module.random_numbers(4), module.random_numbers(4)
    for _ in range(2):
        for found, expected in zip(draws.draw(rng), module.draw_masks(same, 11), strict=True):
            assert np.array_equal(found, expected), "the second draw must leave nothing of the first"


def test_a_prediction_is_not_overwritten_by_the_next_one() -> None:
    network = NETWORKS["classes"]
    plain, module = module_of(network), buffered(network)
    theta, (X, _) = plain.init_params(1), batch(network)
    one, other = module.forward(theta, X[:1]), module.forward(theta, X[1:2])
    np.testing.assert_allclose(one, plain.forward(theta, X[:1]), rtol=1e-14)
    np.testing.assert_allclose(other, plain.forward(theta, X[1:2]), rtol=1e-14)


def test_a_prediction_keeps_nothing_of_the_samples() -> None:
    network = NETWORKS["classes"]
    module = buffered(network)
    X = batch(network)[0]
    held = sys.getrefcount(X)
    module.forward(module.init_params(1), X)
    assert sys.getrefcount(X) == held


def test_the_plain_style_is_seen_to_allocate() -> None:
    network = NETWORKS["classes"]
    assert _allocated(module_of(network), network) > 4 * NUMPY_BUFFER


def _allocated(module: ModuleType, network: Network) -> int:
    """Return how many bytes more than before a step holds at its peak, after steps that warmed up."""
    X, Y = batch(network, 2**15)
    trainer = module.Trainer(module.init_params(0), batch_size=len(X))
    for _ in range(3):
        trainer.step(X, Y)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        trainer.step(X, Y)
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def test_a_smaller_last_batch_has_a_workspace_of_its_own() -> None:
    network = NETWORKS["classes"]
    plain, module = module_of(network), buffered(network)
    X, Y = batch(network)
    thetas = [plain.init_params(1), module.init_params(1)]
    trainers = [each.Trainer(theta, batch_size=9) for each, theta in zip((plain, module), thetas, strict=True)]
    for count in (9, 4, 9, 4):
        for trainer in trainers:
            trainer.step(X[:count], Y[:count])
    np.testing.assert_allclose(thetas[0], thetas[1], rtol=0, atol=1e-14)


def test_numbers_have_names_that_show_them_and_none_is_given_twice() -> None:
    numbers = Numbers()
    shown = [numbers.name(Real(value)) for value in (-0.5, 1e-30, 0.7071067811865476, 0.70710678)]
    assert shown == ["cm0_5", "c1em30", "c0_707107", "c0_707107_"]
    assert numbers.name(Number(Fraction(1, 3))) == "c1_over_3"
    assert numbers.name(Real(-0.5)) == "cm0_5"


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_gradient_goes_into_memory_of_any_dtype_that_is_given(dtype: Dtype) -> None:
    module = buffered(NETWORKS["classes"], dtype)
    theta, (X, Y) = module.init_params(3), batch(NETWORKS["classes"])
    out = np.full(module.N_PARAMS, np.nan)
    found = module.loss_and_grad(theta, X, Y, out)[1]
    assert found is out
    np.testing.assert_array_equal(out, module.loss_and_grad(theta, X, Y)[1])


def test_wide_layers_run_in_several_blocks_of_rows() -> None:
    network = Network.parse("3 -> 5000 relu -> 4000 tanh -> 2 | mse")
    plain, module = module_of(network), buffered(network)
    theta, (X, Y) = plain.init_params(0), batch(network, 10)
    assert len(module.Workspace(10).rows_F1) > 1
    expected, found = (each.loss_and_grad(theta, X, Y)[1] for each in (plain, module))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-14 * np.abs(expected).max())


@pytest.mark.parametrize("name", NETWORKS)
def test_every_equation_of_the_plain_style_stands_in_the_buffered_one(name: str) -> None:
    plain, found = (
        list(dict.fromkeys(re.findall(r"^ *# ([FLB]\d+)  ", text, re.M)))
        for text in (source_of(NETWORKS[name]), buffered_source(NETWORKS[name]))
    )
    assert found == plain


@pytest.mark.parametrize("name", NETWORKS)
def test_the_module_checks_itself_and_finds_a_broken_line(name: str) -> None:
    source = buffered_source(NETWORKS[name])
    assert executed(source).check_gradients().ok
    line = next(each for each in source.splitlines() if "out=dW1)" in each)
    broken = source.replace(line, f"{line}\n    dW1 *= 1.01", 1)
    assert not executed(broken).check_gradients().ok


@pytest.mark.parametrize("labels", [[0, 1, 3], [0, -1, 2]])
def test_labels_out_of_range_are_refused_in_a_step(labels: list[int]) -> None:
    module = buffered(NETWORKS["classes"])
    trainer = module.Trainer(module.init_params(), batch_size=3)
    with pytest.raises(ValueError, match="^Y: .* expected labels 0 to 2$"):
        trainer.step(np.ones((3, 4)), labels)


def test_rows_that_do_not_sum_to_one_are_refused_in_a_step() -> None:
    module = buffered(NETWORKS["classes"])
    trainer = module.Trainer(module.init_params(), batch_size=2)
    with pytest.raises(ValueError, match="^Y, sum of a row: "):
        trainer.step(np.ones((2, 4)), np.full((2, 3), 0.5))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NETWORKS)
def test_ruff_finds_nothing_to_say(name: str, dtype: Dtype, tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text(buffered_source(NETWORKS[name], dtype), encoding="utf-8")
    for command in (["check"], ["format", "--check", "--diff"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--isolated", path], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
