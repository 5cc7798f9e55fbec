"""Beyond the gradient: what is derived, printed and generated, and that each oracle fails on a broken copy."""

from __future__ import annotations

import re
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import symmlp
from symmlp.cli import run
from symmlp.errors import SymmlpError, UnsupportedError
from symmlp.render import Dtype
from symmlp.spec import Network
from symmlp.verification import Check
from symmlp.verification.high_precision import in_double
from symmlp.verification.sample import draw_sample
from symmlp.verification.second_order import check_second_order
from symmlp.verification.subject import Subject, quiet
from tests.generated_modules import executed

Array = np.ndarray[Any, np.dtype[Any]]

ALL = ("jvp", "hvp", "gauss_newton", "jacobian")

SPECS = {
    "classes": "4 -> 7 tanh -> 3 softmax | cross_entropy",
    "joined entries": "3 -> 5 gelu -> 2 sigmoid | bce",
    "split at the prediction": "3 -> 5 softplus -> 2 sigmoid | mse",
    "expressions": "3 -> 5 {x*tanh(log(1 + exp(x)))} -> 2 {sin(x) + 0.1*x} | {exp(p) - y*p}",
    "layers": "4 -> 6 swiglu -> layer_norm -> dropout(rate=0.2) -> 6 {x*sigmoid(x)} -> add(layer=1) -> 2 | huber",
    "skips": "3 -> 5 -> rms_norm -> mish -> concat(layer=0) -> 4 log_softmax -> 3 softmax | cross_entropy",
    "learned": "3 -> 5 learnable_swish -> 2 | log_cosh",
    "rows inside": "3 -> 4 softmax -> 5 softmin -> 2 | mse",
    "statistics of a batch": "3 -> 4 -> batch_norm -> tanh -> 2 softmax | cross_entropy",
    "a loss of a row": "3 -> 4 tanh -> 2 sigmoid | dice",
    "logits of a row": "3 -> 4 tanh -> 2 | cross_entropy_with_logits",
}


@cache
def source_of(spec: str, with_: tuple[str, ...] = ALL, *, almost_everywhere: bool = False) -> str:
    return symmlp.generate(Network.parse(spec), with_=with_, almost_everywhere=almost_everywhere)


def module_of(spec: str, **options: Any) -> ModuleType:
    return executed(source_of(spec, **options))


def batch_of(module: ModuleType, samples: int = 6) -> tuple[Array, Array, Array]:
    generator = np.random.default_rng(3)
    targets = module._random_targets(generator, samples)
    return module.init_params(1), generator.normal(size=(samples, module.INPUTS)), targets


def vectors_of(module: ModuleType) -> tuple[Array, Array]:
    first, second = np.random.default_rng(4).normal(size=(2, module.N_PARAMS))
    return first, second


def failed(checks: list[Check]) -> set[str]:
    return {check.name for check in checks if check.ok is False}


def checks_of(spec: str, *changes: tuple[str, str], **options: Any) -> list[Check]:
    """Return the checks of second order of what is generated for a spec, its text changed."""
    source, network = source_of(spec, **options), Network.parse(spec)
    for old, new in changes:
        assert old in source
        source = source.replace(old, new)
    with quiet():
        return list(check_second_order(Subject.of(source, network), draw_sample(network, 0), 0))


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_every_oracle_of_second_order_accepts_what_is_generated(spec: str) -> None:
    apart = "batch_norm" not in spec
    checks = checks_of(spec, with_=ALL if apart else ALL[:-1])
    assert len(checks) == (7 if apart else 5)
    assert all(check.ok for check in checks), checks


def test_a_verification_looks_at_what_is_in_the_module() -> None:
    report = symmlp.verify(Network.parse("3 -> 2 tanh | mse"), with_=ALL)
    assert report.ok
    assert {"Hessian, symmetric", "Jacobian, inputs"} <= {check.name for check in report.checks}


CLASSES = SPECS["classes"]
SPLIT = SPECS["split at the prediction"]
BREAKS = {
    "a term of the Hessian missing": (CLASSES, "dZ2.T @ A1_dot + dZ2_dot.T @ A1", "dZ2_dot.T @ A1", "Hessian"),
    "a wrong sign": (CLASSES, "dZ2 @ W2_dot + dZ2_dot @ W2", "dZ2_dot @ W2 - dZ2 @ W2_dot", "Hessian"),
    "no curvature": (SPLIT, "dA1 * Z1_dot * softplus_curvature(Z1)", "0 * Z1_dot", "Hessian"),
    "a bias that does not move": (CLASSES, "A1 @ W2_dot.T + b2_dot", "A1 @ W2_dot.T + 0 * b2_dot", "jvp"),
    "a Gauss-Newton product of the wrong weight": (SPLIT, "dP_hat * sigmoid_slope(Z2)", "2 * dP_hat", "Gauss-Newton"),
    "an error in the tenth digit": (
        CLASSES,
        "db2_dot = dZ2_dot.sum(axis=0)",
        "db2_dot = dZ2_dot.sum(axis=0) * (1 + 1e-10)",
        "Hessian",
    ),
    "weights of another unit": (CLASSES, "J_W2 = row_products(J_Z2, A1)", "J_W2 = row_products(A1, J_Z2)", "Jacobian"),
    "inputs without a slope": (CLASSES, "J_Z1 = J_A1 * tanh_slope(Z1)", "J_Z1 = J_A1 * 1", "Jacobian"),
    "no number": (CLASSES, "db2_hat = dZ2_hat.sum(axis=0)", "db2_hat = dZ2_hat.sum(axis=0) * np.nan", "Gauss-Newton"),
}


@pytest.mark.parametrize(("spec", "old", "new", "oracle"), BREAKS.values(), ids=BREAKS)
def test_an_oracle_fails_on_a_copy_with(spec: str, old: str, new: str, oracle: str) -> None:
    assert any(name.startswith(oracle) for name in failed(checks_of(spec, (old, new))))


@pytest.mark.parametrize("oracle", ["Hessian, complex step", "Hessian, symmetric", "Hessian, high precision"])
def test_each_oracle_of_the_hessian_has_been_seen_to_fail(oracle: str) -> None:
    assert oracle in failed(checks_of(CLASSES, ("dZ2.T @ A1_dot + dZ2_dot.T @ A1", "dZ2_dot.T @ A1")))


def test_a_hessian_vector_product_agrees_with_differences_of_the_gradient_to_second_order() -> None:
    module = module_of(CLASSES)
    theta, X, Y = batch_of(module)
    v, _ = vectors_of(module)

    def error(h: float) -> float:
        above, below = (module.loss_and_grad(theta + sign * h * v, X, Y)[1] for sign in (1, -1))
        return float(np.abs((above - below) / (2 * h) - module.hvp(theta, X, Y, v)).max())

    assert 3.8 < error(1e-2) / error(5e-3) < 4.2


def test_the_hessian_of_a_linear_network_with_squared_errors_is_known() -> None:
    module = module_of("3 -> 2 | mse")
    theta, X, Y = batch_of(module)
    ones = np.column_stack([X, np.ones(len(X))])
    single = 2 * ones.T @ ones / Y.size
    expected = np.zeros((8, 8))
    for unit in range(2):
        places = [3 * unit, 3 * unit + 1, 3 * unit + 2, 6 + unit]
        expected[np.ix_(places, places)] = single
    np.testing.assert_allclose(module.hessian(theta, X, Y), expected, rtol=1e-13, atol=1e-15)


def test_gauss_newton_and_hessian_agree_where_the_network_is_linear() -> None:
    module = module_of("3 -> 2 softmax | cross_entropy")
    theta, X, Y = batch_of(module)
    v, _ = vectors_of(module)
    np.testing.assert_allclose(module.gauss_newton(theta, X, Y, v), module.hvp(theta, X, Y, v), rtol=1e-12, atol=1e-16)


def test_the_gauss_newton_product_is_made_of_the_jacobian_and_the_curvature_of_the_loss() -> None:
    module = module_of(SPECS["split at the prediction"])
    theta, X, Y = batch_of(module)
    v, _ = vectors_of(module)
    jacobian = module.jacobian(theta, X, wrt="parameters")
    curvature = 2 / Y.size
    expected = np.einsum("pkt,pk->t", jacobian, curvature * (jacobian @ v))
    np.testing.assert_allclose(module.gauss_newton(theta, X, Y, v), expected, rtol=1e-12, atol=1e-16)


def test_a_linear_network_is_its_own_jacobian() -> None:
    module = module_of("3 -> 4 -> 2 | mse")
    theta, X, _ = batch_of(module)
    parameters = module.unpack(theta)
    expected = np.broadcast_to(parameters.W2 @ parameters.W1, (len(X), 2, 3))
    np.testing.assert_allclose(module.jacobian(theta, X), expected, rtol=1e-14)


def test_the_jacobian_is_asked_for_by_what_it_is_taken_in() -> None:
    module = module_of(CLASSES)
    theta, X, _ = batch_of(module)
    with pytest.raises(ValueError, match="wrt: expected one of inputs, parameters, got 'weights'"):
        module.jacobian(theta, X, wrt="weights")


def test_the_gauss_newton_product_of_a_convex_loss_is_never_negative() -> None:
    module = module_of(CLASSES)
    theta, X, Y = batch_of(module)
    generator = np.random.default_rng(5)
    for _ in range(20):
        v = generator.normal(size=module.N_PARAMS)
        assert v @ module.gauss_newton(theta, X, Y, v) >= 0


def test_the_hessian_is_symmetric_and_made_of_hessian_vector_products() -> None:
    module = module_of(SPECS["joined entries"])
    theta, X, Y = batch_of(module)
    v, _ = vectors_of(module)
    hessian = module.hessian(theta, X, Y)
    np.testing.assert_allclose(hessian, hessian.T, rtol=0, atol=1e-15)
    np.testing.assert_allclose(hessian @ v, module.hvp(theta, X, Y, v), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    ("spec", "name"), [("3 -> 4 relu -> 2 | mse", "relu"), ("3 -> 4 tanh -> 2 | mae", "mae")], ids=["relu", "mae"]
)
def test_a_slope_that_jumps_has_no_second_derivative(spec: str, name: str) -> None:
    with pytest.raises(UnsupportedError, match=rf"^{name}: no second derivative where .* = .*: the slope jumps"):
        source_of(spec, ("hvp",))


def test_leaving_out_where_a_slope_jumps_gives_the_second_derivative_everywhere_else() -> None:
    spec = "3 -> 6 relu -> 5 tanh -> 2 | mse"
    assert not failed(checks_of(spec, almost_everywhere=True))
    assert "DiracDelta" not in source_of(spec, almost_everywhere=True)


def test_what_is_left_out_is_said_on_the_page_and_in_the_module() -> None:
    network = Network.parse("3 -> 6 relu -> 2 | mse")
    page = symmlp.derive(network, second=("hvp",), almost_everywhere=True).text(steps="none")
    assert re.search(r"^Almost everywhere +second derivatives hold where no slope jumps", page, re.MULTILINE)
    assert "Points where a slope jumps" in source_of("3 -> 6 relu -> 2 | mse", ("hvp",), almost_everywhere=True)
    smooth = symmlp.derive(Network.parse(CLASSES), second=("hvp",), almost_everywhere=True)
    assert "Almost everywhere" not in smooth.text(steps="none")


def test_tangents_and_gauss_newton_products_need_first_slopes_only() -> None:
    assert "def gauss_newton(" in source_of("3 -> 6 relu -> 2 | mse", ("jvp", "gauss_newton"))


def test_a_kink_of_a_slope_is_decided_as_one_of_a_function_is() -> None:
    assert not failed(checks_of("3 -> 6 elu -> 2 | huber"))


@pytest.mark.parametrize(("layout", "asked"), [("batch", ALL), ("sample", ALL[:-1])])
def test_ids_of_second_order_are_unique_and_every_equation_has_steps(layout: Any, asked: tuple[str, ...]) -> None:
    derivation = symmlp.derive(Network.parse(SPECS["layers"]), layout=layout, second=asked)
    equations = [each for group in derivation.second.values() for each in group]
    assert len({each.id for each in equations}) == len(equations)
    assert all(each.steps for each in equations)


def test_the_module_names_each_equation_as_the_page_does() -> None:
    page = symmlp.derive(Network.parse(CLASSES), second=ALL).text(steps="none")
    comments = re.findall(r"^ +# ([TRGJ]\d+  .*)$", source_of(CLASSES), flags=re.MULTILINE)
    assert len(comments) > 12
    assert all(f"  {comment}  (" in page for comment in comments)


@pytest.mark.parametrize("format", ["text", "latex", "markdown", "html", "json"])
def test_every_format_prints_second_order(format: str) -> None:
    page = symmlp.derive(Network.parse(CLASSES), second=ALL).formatted(format, steps="none")
    assert isinstance(page, str)
    assert all(re.search(rf"\b{id}\b", page) for id in ("T1", "R1", "G1", "J1"))


def test_without_a_wish_nothing_is_added() -> None:
    network = Network.parse(CLASSES)
    assert symmlp.generate(network, with_=()) == symmlp.generate(network)


def test_a_single_precision_module_computes_in_single_precision() -> None:
    module = executed(symmlp.generate(Network.parse(CLASSES), with_=ALL, dtype="float32"))
    theta, X, Y = batch_of(module)
    v, _ = vectors_of(module)
    for product in (module.hvp(theta, X, Y, v), module.gauss_newton(theta, X, Y, v), module.jvp(theta, X, v)):
        assert product.dtype == np.float32


WRITTEN = [("numpy", "buffered", "float64"), ("numpy", "buffered", "float32"), ("numba", "plain", "float64")]


@pytest.mark.parametrize(("target", "style", "dtype"), WRITTEN)
def test_every_style_and_target_has_what_lies_beyond_the_gradient_and_is_verified(
    target: str, style: str, dtype: Dtype
) -> None:
    network = Network.parse(SPECS["joined entries"])
    source = symmlp.generate(network, target=target, style=style, dtype=dtype, with_=ALL)
    sample, broken = draw_sample(network, 0), source.replace("dZ2.T @ A1_dot", "2 * dZ2.T @ A1_dot")
    found = []
    for text in (source, broken):
        with quiet():
            found.append(list(check_second_order(in_double(Subject.of(text, network), sample), sample, 0)))
    assert len(found[0]) == 7
    assert all(check.ok for check in found[0]), found[0]
    assert {"Hessian, complex step", "Hessian, high precision"} <= failed(found[1])


def test_a_vector_of_another_shape_is_refused_by_name() -> None:
    module = module_of(CLASSES)
    theta, X, Y = batch_of(module)
    with pytest.raises(ValueError, match=r"^v: expected shape \(\d+,\), got \(3,\)$"):
        module.hvp(theta, X, Y, np.ones(3))


@pytest.mark.parametrize(
    "arguments",
    [
        ["derive", "3 -> 4 relu -> 2 | mse", "--second", "hvp"],
        ["derive", CLASSES, "--second", "hpv"],
        ["derive", SPECS["statistics of a batch"], "--second", "hessian"],
    ],
    ids=["kink", "unknown", "batch"],
)
def test_the_command_line_refuses_in_one_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_something_unknown_is_answered_with_what_there_is() -> None:
    with pytest.raises(SymmlpError, match="second order: expected some of jvp, hvp"):
        symmlp.generate(Network.parse(CLASSES), with_=("hessean",))
