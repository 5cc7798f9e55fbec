"""The Numba target computes the numbers of the plain style, step by step and over whole epochs."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import mpmath
import numpy as np
import pytest

from symmlp.generation import generate
from symmlp.render import Dtype
from symmlp.spec import Network
from symmlp.verification import check_module
from tests.generated_modules import NETWORKS as PLAIN_NETWORKS
from tests.generated_modules import batch, executed, module_of, source_of
from tests.test_buffered import LAYERED

pytest.importorskip("numba", reason="the extra symmlp[numba] is not installed")

DTYPES: tuple[Dtype, ...] = ("float64", "float32")
NETWORKS = PLAIN_NETWORKS | {name: Network.parse(text) for name, text in LAYERED.items()}
NETWORKS["batch normalized"] = Network.parse("4 -> 7 tanh -> batch_norm -> dropout(rate=0.2) -> 3 | mse")
QUICK = ("classes",)
"""Compiled in every run of the tests; the others are slow."""

SOME = [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in NETWORKS]


@cache
def compiled_source(network: Network, dtype: Dtype = "float64") -> str:
    return generate(network, target="numba", dtype=dtype)


@cache
def compiled(name: str, dtype: Dtype = "float64") -> ModuleType:
    """Return the module of a network, compiled once a run; tests only call its functions."""
    return executed(compiled_source(NETWORKS[name], dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", SOME)
def test_loss_and_gradient_are_those_of_the_plain_style(name: str, dtype: Dtype) -> None:
    plain, module = module_of(NETWORKS[name], dtype), compiled(name, dtype)
    theta, (X, Y) = plain.init_params(3), batch(NETWORKS[name])
    (loss, gradient), (found, found_gradient) = (each.loss_and_grad(theta, X, Y) for each in (plain, module))
    few_ulps = 16 * float(np.finfo(gradient.dtype).eps)
    assert found_gradient.dtype == gradient.dtype
    assert found == pytest.approx(loss, rel=few_ulps, abs=0)
    np.testing.assert_allclose(found_gradient, gradient, rtol=0, atol=few_ulps * np.abs(gradient).max())


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("name", SOME)
def test_training_moves_the_parameters_as_the_plain_style_does(name: str, optimizer: str) -> None:
    X, Y = batch(NETWORKS[name], 23)
    first, second = (
        each.fit(X, Y, epochs=5, batch_size=5, optimizer=optimizer, seed=4)
        for each in (module_of(NETWORKS[name]), compiled(name))
    )
    np.testing.assert_allclose(second.theta, first.theta, rtol=0, atol=1e-12)
    np.testing.assert_allclose(second.history, first.history, rtol=1e-12)
    if hasattr(first, "statistics"):
        np.testing.assert_allclose(second.statistics, first.statistics, rtol=1e-12)


def test_steps_of_ones_own_loop_are_those_of_the_plain_style() -> None:
    plain, module = module_of(NETWORKS["classes"]), compiled("classes")
    X, Y = batch(NETWORKS["classes"])
    thetas = [plain.init_params(1), module.init_params(1)]
    trainers = [each.Trainer(theta, batch_size=9) for each, theta in zip((plain, module), thetas, strict=True)]
    for count in (9, 4, 9, 4):
        losses = [trainer.step(X[:count], Y[:count]) for trainer in trainers]
        assert losses[0] == pytest.approx(losses[1], rel=1e-14)
    np.testing.assert_allclose(thetas[0], thetas[1], rtol=0, atol=1e-14)


def test_a_large_network_is_carried_out_by_python_with_the_same_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    module, (X, Y) = compiled("classes"), batch(NETWORKS["classes"], 23)
    settings: dict[str, Any] = {"epochs": 5, "batch_size": 5, "seed": 4}
    small, gradient = module.fit(X, Y, **settings), module.loss_and_grad(module.init_params(3), X, Y)[1]
    assert module.gradient_of(23) is module.step_gradient
    monkeypatch.setattr(module, "LARGE", 0)
    assert module.gradient_of(23) is module.step_gradient.py_func
    monkeypatch.setattr(module, "SMALL", 0)  # The loops in place of small products are for the compiler alone.
    np.testing.assert_allclose(module.loss_and_grad(module.init_params(3), X, Y)[1], gradient, rtol=0, atol=1e-15)
    large = module.fit(X, Y, **settings)
    np.testing.assert_allclose(large.theta, small.theta, rtol=0, atol=1e-12)
    np.testing.assert_allclose(large.history, small.history, rtol=1e-12)
    with pytest.raises(module.DivergenceError, match="^training diverged: "):
        module.fit(X, Y, epochs=50, batch_size=5, optimizer="sgd", lr=1e308)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_module_checks_its_loops_and_finds_a_broken_one(dtype: Dtype) -> None:
    source = compiled_source(NETWORKS["classes"], dtype)
    assert compiled("classes", dtype).check_gradients().ok
    broken = source.replace("        dZ1_flat[j] = dZ1_\n", "        dZ1_flat[j] = dZ1_ * F(1.01)\n")
    assert broken != source
    assert not executed(broken).check_gradients().ok


def test_no_array_of_float32_loops_is_wider_and_no_entry_is_widened_on_the_way() -> None:
    module: Any = compiled("classes", "float32")
    module.loss_and_grad(module.init_params(0), *batch(NETWORKS["classes"]))
    loops = [each for name, each in vars(module).items() if name.startswith(("rows_", "sum_", "step_"))]
    arrays = {kind.dtype.name for loop in loops for taken in loop.signatures for kind in taken if hasattr(kind, "ndim")}
    assert arrays == {"float32", "bool"}
    source = compiled_source(NETWORKS["classes"], "float32")
    widened = re.sub(r"( = dZ1_\w+ \* )F\(-2\)", r"\1-2.0", source)
    assert widened != source
    for loop, expected in ((module.rows_B6, False), (executed(widened).rows_B6, True)):
        loop(*(np.ones((5, 7), np.float32) for _ in range(3)))
        assert any("fpext" in text for text in loop.inspect_llvm().values()) == expected


def test_functions_of_short_rows_have_a_loop_over_all_entries() -> None:
    source = compiled_source(NETWORKS["classes"])
    loop = source[source.index("def rows_F3(") :].split("@compiled")[0]
    outside = re.findall(r"^    for j in range\(Z\d\.shape\[0\] \* \d+\):\n(?:        .*\n)*", loop, re.M)
    assert loop.count("exp_(") == 1
    assert any("exp_(" in each for each in outside)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", DTYPES)
def test_verify_passes_a_module_and_fails_one_with_a_broken_loop(dtype: Dtype) -> None:
    network, source = NETWORKS["classes"], compiled_source(NETWORKS["classes"], dtype)
    broken = source.replace("        dZ1_flat[j] = dZ1_\n", "        dZ1_flat[j] = dZ1_ * F(1.01)\n")
    assert broken != source
    assert check_module(source, network).ok
    assert not check_module(broken, network).ok


@pytest.mark.parametrize("labels", [[0, 1, 3], [0, -1, 2]])
def test_labels_out_of_range_are_refused_in_a_step(labels: list[int]) -> None:
    module = compiled("classes")
    trainer = module.Trainer(module.init_params(), batch_size=3)
    with pytest.raises(ValueError, match="^Y: .* expected labels 0 to 2$"):
        trainer.step(np.ones((3, 4)), labels)


def test_divergence_is_told_with_the_last_finite_parameters() -> None:
    module = compiled("classes")
    X, Y = batch(NETWORKS["classes"], 23)
    with pytest.raises(module.DivergenceError, match="^training diverged: ") as caught:
        module.fit(X, Y, epochs=50, batch_size=5, optimizer="sgd", lr=1e308)
    assert np.isfinite(caught.value.theta).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["exp", "tanh"])
def test_functions_of_the_library_are_right_to_two_units_in_the_last_place(name: str, dtype: Dtype) -> None:
    library: Any = compiled("classes", dtype)
    kind, function = np.dtype(dtype).type, getattr(library, f"{name}_")
    x = np.concatenate([np.linspace(-80, 80, 301), np.linspace(-2, 2, 401), 10.0 ** np.linspace(-9, -1, 50)])
    with mpmath.workdps(40):
        for point in map(kind, x):
            exact = getattr(mpmath, name)(mpmath.mpf(float(point)))
            ulp = float(np.spacing(np.abs(kind(float(exact)))))
            assert abs(mpmath.mpf(float(function(point))) - exact) <= 2 * ulp, point


@pytest.mark.parametrize("dtype", DTYPES)
def test_limits_and_nan_are_kept(dtype: Dtype) -> None:
    library: Any = compiled("classes", dtype)
    kind = np.dtype(dtype).type
    infinity, nan = kind(np.inf), kind(np.nan)
    assert [library.exp_(infinity), library.exp_(-infinity), library.tanh_(infinity)] == [np.inf, 0, 1]
    results = [library.exp_(nan), library.tanh_(nan), library.max_(nan, kind(1)), library.min_(kind(1), nan)]
    assert np.isnan(results).all()


@pytest.mark.parametrize("name", NETWORKS)
def test_every_equation_of_the_plain_style_stands_in_the_step(name: str) -> None:
    source = compiled_source(NETWORKS[name])
    step = source[source.index("def step_gradient(") : source.index("class Workspace:")]
    plain, found = (
        list(dict.fromkeys(re.findall(r"^ *# ([FLB]\d+)  ", text, re.M))) for text in (source_of(NETWORKS[name]), step)
    )
    assert found == plain


def test_layers_that_are_alike_share_a_loop() -> None:
    deep = Network.parse("5 -> " + "7 tanh -> " * 12 + "3 softmax | cross_entropy")
    loops = re.findall(r"^def (rows_\w+)", generate(deep, target="numba"), re.M)
    assert len(loops) <= 8


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NETWORKS)
def test_ruff_finds_nothing_to_say(name: str, dtype: Dtype, tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text(compiled_source(NETWORKS[name], dtype), encoding="utf-8")
    for command in (["check"], ["format", "--check", "--diff"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--isolated", path], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_missing_numba_is_named_with_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text(compiled_source(NETWORKS["classes"]), encoding="utf-8")
    script = "import sys; sys.modules['numba'] = None; import module"
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True)
    assert done.stderr.splitlines()[-1] == "ImportError: this module needs Numba: pip install numba scipy"


RUN = """
import importlib.util, pathlib, runpy, sys
name, way = sys.argv[1:]
if way == "imported":
    module = vars(__import__(name))
elif way == "run":
    module = runpy.run_path(name + ".py")
else:
    spec = importlib.util.spec_from_file_location("other", name + ".py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module = vars(module)
theta = module["init_params"](0)
module["adam_update"](theta, theta, *(theta.copy() for _ in "mv"), 1.0, 0.5, 0.5, 1e-8, 1)
print(sum(module["adam_update"].stats.cache_hits.values()), *pathlib.Path("__pycache__").glob(name + ".adam*.nbc"))
"""


def test_only_a_module_that_an_import_finds_again_keeps_what_was_compiled(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text(compiled_source(NETWORKS["classes"]), encoding="utf-8")

    def hits_and_files(way: str) -> list[str]:
        command = [sys.executable, "-c", RUN, "module", way]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        hits, *files = done.stdout.splitlines()[-1].split()
        return [hits, *(Path(name).suffix for name in files)]

    assert hits_and_files("run") == ["0"]
    assert hits_and_files("under another name") == ["0"]
    assert hits_and_files("imported") == ["0", ".nbc"]
    assert hits_and_files("imported") == ["1", ".nbc"]
    assert hits_and_files("run") == ["0", ".nbc"]
