"""What every generated module promises: names, shapes, types, what it accepts, refuses and leaves alone."""

from __future__ import annotations

import ast
import re
import sys
from types import FrameType, ModuleType
from typing import Any

import numpy as np
import pytest

from symmlp.render import Dtype
from symmlp.spec import Network
from tests.generated_modules import NETWORKS, SAMPLES, Array, batch, executed, module_of, source_of
from tests.strategies import dense_layers

KINDS = [(name, dtype) for name in NETWORKS for dtype in ("float64", "float32")]


@pytest.fixture(params=KINDS, ids=lambda kind: "-".join(kind).replace(" ", "_"))
def kind(request: pytest.FixtureRequest) -> tuple[Network, Dtype]:
    """A network and a floating-point type."""
    name, dtype = request.param
    return NETWORKS[name], dtype


@pytest.fixture
def network(kind: tuple[Network, Dtype]) -> Network:
    return kind[0]


@pytest.fixture
def module(kind: tuple[Network, Dtype]) -> ModuleType:
    return module_of(*kind)


@pytest.fixture
def arguments(kind: tuple[Network, Dtype], module: ModuleType) -> tuple[Array, Array, Array]:
    """Parameters, inputs and targets in the module's own type."""
    X, Y = batch(kind[0])
    return module.init_params(1), X.astype(module.DTYPE), Y if Y.ndim == 1 else Y.astype(module.DTYPE)


def tolerance(module: ModuleType) -> float:
    """Return a relative error that rounding explains."""
    return 1e-12 if module.DTYPE is np.float64 else 1e-4


# Names, shapes, types


def test_spec_is_the_network(module: ModuleType, network: Network) -> None:
    assert Network.model_validate(module.SPEC) == network


def test_shapes_are_those_of_the_layers_in_order(module: ModuleType, network: Network) -> None:
    expected: list[tuple[str, tuple[int, ...]]] = []
    fan_in = network.inputs
    for number, layer in enumerate(dense_layers(network), start=1):
        expected.append((f"W{number}", (layer.units, fan_in)))
        expected += [(f"b{number}", (layer.units,))] if layer.bias else []
        fan_in = layer.units
    assert list(module.SHAPES.items()) == expected


def test_the_number_of_parameters_is_the_sum_of_the_shapes(module: ModuleType) -> None:
    assert sum(int(np.prod(shape)) for shape in module.SHAPES.values()) == module.N_PARAMS


def test_drawn_parameters_are_bounded_by_the_inputs_of_their_layer(module: ModuleType) -> None:
    theta = module.init_params(5)
    assert (theta.shape, theta.dtype) == ((module.N_PARAMS,), module.DTYPE)
    drawn = module.unpack(theta)._asdict()
    shares = {name: np.abs(values).max() * module.SHAPES["W" + name[1:]][1] ** 0.5 for name, values in drawn.items()}
    assert min(shares[name] for name in shares if name[0] == "W") > 0.5
    assert max(shares.values()) <= 1 + np.finfo(module.DTYPE).eps


def test_drawn_parameters_depend_on_the_seed_alone(module: ModuleType) -> None:
    np.random.seed(1)  # noqa: NPY002 - the global state is what must not matter
    first = module.init_params(4)
    np.random.seed(2)  # noqa: NPY002
    assert np.array_equal(first, module.init_params(4))
    assert not np.array_equal(first, module.init_params(3))


def test_drawing_parameters_leaves_numpy_s_global_state_alone(module: ModuleType) -> None:
    np.random.seed(1)  # noqa: NPY002 - the global state is what must not be touched
    expected = np.random.random()  # noqa: NPY002
    np.random.seed(1)  # noqa: NPY002
    module.init_params(4)
    assert np.random.random() == expected  # noqa: NPY002


def test_unpacked_parameters_are_views_of_theta(module: ModuleType) -> None:
    theta = np.arange(module.N_PARAMS, dtype=module.DTYPE)
    parameters = module.unpack(theta)
    assert {name: values.shape for name, values in parameters._asdict().items()} == module.SHAPES
    parameters.W1[1, 0] = -5
    assert theta[module.SHAPES["W1"][1]] == -5


def test_a_prediction_has_a_row_a_sample(
    module: ModuleType, network: Network, arguments: tuple[Array, Array, Array]
) -> None:
    theta, X, _ = arguments
    P = module.forward(theta, X)
    assert (P.shape, P.dtype) == ((SAMPLES, network.outputs), module.DTYPE)


def test_the_loss_is_a_python_float_and_the_same_with_the_gradient(
    module: ModuleType, arguments: tuple[Array, Array, Array]
) -> None:
    L, gradient = module.loss_and_grad(*arguments)
    assert type(module.loss(*arguments)) is type(L) is float
    assert module.loss(*arguments) == L
    assert (gradient.shape, gradient.dtype) == ((module.N_PARAMS,), module.DTYPE)


def test_decisions_follow_from_the_prediction(
    module: ModuleType, network: Network, arguments: tuple[Array, Array, Array]
) -> None:
    theta, X, _ = arguments
    P, decided = module.forward(theta, X), module.predict(theta, X)
    match network.loss:
        case "cross_entropy":
            assert decided.dtype.kind == "i"
            assert decided.tolist() == [max(range(network.outputs), key=row.__getitem__) for row in P]
        case "bce":
            assert decided.tolist() == [[int(value > 0.5) for value in row] for row in P]
        case "bce_with_logits":
            assert decided.tolist() == [[int(value > 0) for value in row] for row in P]
        case _:
            assert np.array_equal(decided, P)


def test_a_module_imports_numpy_and_the_standard_library_alone() -> None:
    tree = ast.parse(source_of(NETWORKS["logits"]))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "." for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert names - set(sys.stdlib_module_names) == {"numpy"}


def _intermediates(module: ModuleType, call: str, *arguments: Any) -> dict[str, Array]:
    """Return every array that the functions of a module hold in a local variable while `call` runs."""
    seen: dict[str, Array] = {}

    def record(frame: FrameType, event: str, _: Any) -> None:
        if event == "return" and frame.f_globals is vars(module):
            for name, value in frame.f_locals.items():
                if isinstance(value, np.ndarray | np.generic):
                    seen[f"{frame.f_code.co_name}.{name}"] = np.asarray(value)

    sys.setprofile(record)
    try:
        getattr(module, call)(*arguments)
    finally:
        sys.setprofile(None)
    return seen


WIDE = ("erf", "erfc", "erfcx", "_erfc_far", "_polynomial")
"""The error functions of a float32 module compute in float64 on purpose, and return float32."""


def test_every_intermediate_array_has_the_type_of_the_module(
    module: ModuleType, arguments: tuple[Array, Array, Array]
) -> None:
    seen = _intermediates(module, "loss_and_grad", *arguments)
    floats = {name: each.dtype for name, each in seen.items() if each.dtype.kind == "f"}
    floats = {name: dtype for name, dtype in floats.items() if name.split(".")[0] not in WIDE}
    assert "_loss_and_grad.dW1" in floats
    assert {name: dtype for name, dtype in floats.items() if dtype != module.DTYPE} == {}


def test_an_intermediate_of_another_type_is_noticed() -> None:
    source = source_of(NETWORKS["classes"], "float32")
    module = executed(source.replace("dZ1 = ", "dZ1 = np.float64(1) * ", 1))
    X, Y = batch(NETWORKS["classes"])
    seen = _intermediates(module, "loss_and_grad", module.init_params(), X.astype(np.float32), Y)
    wide = {name for name, each in seen.items() if each.dtype == np.float64}
    assert wide >= {"_loss_and_grad.dZ1", "_loss_and_grad.dW1", "_loss_and_grad.db1"}
    assert "_loss_and_grad.dW2" not in wide


def test_wider_arguments_do_not_widen_the_results(module: ModuleType, network: Network) -> None:
    X, Y = batch(network)
    L, gradient = module.loss_and_grad(module.init_params().astype(np.float64), X, Y)
    assert gradient.dtype == module.DTYPE
    assert np.isfinite(L)


@pytest.mark.parametrize("name", ["classes", "values", "expressions", "logits"])
def test_a_complex_theta_stays_complex_so_that_the_complex_step_gives_the_gradient(name: str) -> None:
    module, (X, Y) = module_of(NETWORKS[name]), batch(NETWORKS[name])
    theta, step = module.init_params(2), 1e-30
    assert np.iscomplexobj(module.forward(theta + 0j, X))
    assert isinstance(module.loss(theta + 0j, X, Y), complex)
    assert np.iscomplexobj(module.loss_and_grad(theta + 0j, X, Y)[1])
    if name == "classes":  # no |z| anywhere, so the step may be taken as it is
        moved = theta + 1j * step * np.eye(module.N_PARAMS)
        slopes = [module.loss(row, X, Y).imag / step for row in moved]
        np.testing.assert_allclose(module.loss_and_grad(theta, X, Y)[1], slopes, rtol=1e-11, atol=1e-16)


def test_arguments_may_be_read_only_and_stay_as_they_are(
    module: ModuleType, arguments: tuple[Array, Array, Array]
) -> None:
    before = [argument.copy() for argument in arguments]
    for argument in arguments:
        argument.flags.writeable = False
    module.loss_and_grad(*arguments)
    module.fit(arguments[1], arguments[2], theta=arguments[0], epochs=2, batch_size=4)
    assert all(map(np.array_equal, arguments, before))


def test_a_second_call_gives_the_same_bits_in_another_array(
    module: ModuleType, arguments: tuple[Array, Array, Array]
) -> None:
    first, second = module.loss_and_grad(*arguments), module.loss_and_grad(*arguments)
    assert first[0] == second[0]
    assert np.array_equal(first[1], second[1])
    assert not np.shares_memory(first[1], second[1])


def test_the_gradient_is_written_into_out(module: ModuleType, arguments: tuple[Array, Array, Array]) -> None:
    out = np.full(module.N_PARAMS, 7, dtype=module.DTYPE)
    _, gradient = module.loss_and_grad(*arguments, out=out)
    assert gradient is out
    assert np.array_equal(out, module.loss_and_grad(*arguments)[1])


def test_the_order_of_the_samples_does_not_matter(module: ModuleType, arguments: tuple[Array, Array, Array]) -> None:
    theta, X, Y = arguments
    order = np.random.default_rng(1).permutation(len(X))
    (L, gradient), (moved, other) = module.loss_and_grad(theta, X, Y), module.loss_and_grad(theta, X[order], Y[order])
    assert moved == pytest.approx(L, rel=tolerance(module))
    np.testing.assert_allclose(other, gradient, rtol=tolerance(module), atol=tolerance(module))


def test_a_batch_is_the_weighted_mean_of_its_parts(
    module: ModuleType, network: Network, arguments: tuple[Array, Array, Array]
) -> None:
    theta, X, Y = arguments
    whole = np.append(module.loss_and_grad(theta, X, Y)[1], module.loss(theta, X, Y))
    parts = [(rows, module.loss_and_grad(theta, X[rows], Y[rows])) for rows in (slice(0, 4), slice(4, None))]
    weights = [1.0 if network.reduction == "sum" else len(X[rows]) / len(X) for rows, _ in parts]
    joined = sum(weight * np.append(gradient, L) for weight, (_, (L, gradient)) in zip(weights, parts, strict=True))
    np.testing.assert_allclose(joined, whole, rtol=tolerance(module), atol=tolerance(module))


def test_finite_numbers_raise_no_floating_point_flag(module: ModuleType, arguments: tuple[Array, Array, Array]) -> None:
    theta, X, Y = arguments
    with np.errstate(all="raise", under="ignore"):
        for size in (1, 30):
            module.loss_and_grad(theta, size * X, Y)
            module.predict(theta, size * X)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_labels_and_one_hot_rows_give_the_same(dtype: Dtype) -> None:
    module, (X, labels) = module_of(NETWORKS["classes"], dtype), batch(NETWORKS["classes"])
    theta, rows = module.init_params(), np.eye(3)[labels]
    expected = module.loss_and_grad(theta, X, labels)
    for targets in (rows, rows.astype(np.float32), rows.astype(int), labels.astype(np.uint8), labels.astype(float)):
        L, gradient = module.loss_and_grad(theta, X, targets)
        assert expected[0] == L
        assert np.array_equal(gradient, expected[1])


def test_lists_are_accepted_as_arrays_are(module: ModuleType, arguments: tuple[Array, Array, Array]) -> None:
    listed = module.loss_and_grad(*(argument.tolist() for argument in arguments))
    assert listed[0] == module.loss(*arguments)


def test_arrays_in_any_memory_order_are_accepted(module: ModuleType, arguments: tuple[Array, Array, Array]) -> None:
    theta, X, Y = arguments
    strided = np.repeat(theta, 2)[::2], np.asfortranarray(X), np.repeat(Y, 2, axis=0)[::2]
    expected = module.loss_and_grad(theta, X, Y)[1]
    np.testing.assert_allclose(
        module.loss_and_grad(*strided)[1], expected, rtol=tolerance(module), atol=tolerance(module)
    )


def _wrong(module: ModuleType, network: Network) -> dict[str, tuple[Any, Any, Any]]:
    """Return arguments that must not be computed with."""
    theta, (X, Y) = module.init_params(), batch(network)
    return {
        "theta too long": (np.append(theta, 0), X, Y),
        "theta as a matrix": (theta[None], X, Y),
        "theta of texts": (theta.astype(str), X, Y),
        "a column too few": (theta, X[:, 1:], Y),
        "one sample as a vector": (theta, X[0], Y[:1]),
        "three axes": (theta, X[None], Y),
        "no samples": (theta, X[:0], Y[:0]),
        "a target too few": (theta, X, Y[1:]),
        "a target for all": (theta, X, Y[:1]),
        "targets with three axes": (theta, X, Y[None]),
        "complex inputs": (theta, X + 0j, Y),
        "truth values": (theta, X > 0, Y),
        "objects": (theta, X.astype(object), Y),
        "texts": (theta, X.astype(str), Y),
        "dates": (theta, X.astype(np.int64).astype("datetime64[s]"), Y),
        "nothing": (theta, None, Y),
        "complex targets": (theta, X, Y + 0j),
    }


def test_what_does_not_fit_is_refused_in_one_line(module: ModuleType, network: Network) -> None:
    for name, arguments in _wrong(module, network).items():
        for call in (module.loss, module.loss_and_grad):
            with pytest.raises(ValueError, match="^(theta|X|Y): ") as caught:
                call(*arguments)
            assert "\n" not in str(caught.value), name


def test_a_gradient_vector_of_the_wrong_length_is_refused(
    module: ModuleType, arguments: tuple[Array, Array, Array]
) -> None:
    with pytest.raises(ValueError):
        module.loss_and_grad(*arguments, out=np.empty(module.N_PARAMS + 1, dtype=module.DTYPE))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 1, 3], r"^Y: 3 at row 2 \(1 such\); expected labels 0 to 2$"),
        ([0, -1, -2], r"^Y: -1 at row 1 \(2 such\); expected labels 0 to 2$"),
        ([0.0, 1.5, 2.0], r"^Y: 1.5 at row 1 "),
        ([0.0, np.nan, 2.0], "^Y: nan at row 1 "),
        ([0.0, 1.0, np.inf], "^Y: inf at row 2 "),
        ([[1, 0, 0], [0, 1, 0], [0, 0.5, 0.4]], "^Y, sum of a row: 0.9 at row 2 .* sum to 1$"),
        ([[1, 0, 0], [2, -1, 0], [0, 0, 1]], "^Y: -1 at row 1, column 1 .* expected probabilities$"),
        ([[1, 0, 0], [np.nan, 1, 0], [0, 0, 1]], "^Y, sum of a row: nan at row 1 "),
        ([["a", "b", "c"]], "^Y: expected real numbers, got <U1$"),
    ],
)
def test_labels_and_probabilities_that_are_none_are_refused(labels: Any, message: str) -> None:
    module, (X, _) = module_of(NETWORKS["classes"]), batch(NETWORKS["classes"], 3)
    with pytest.raises(ValueError, match=message):
        module.loss(module.init_params(), X, labels)


@pytest.mark.parametrize("value", [-0.1, 1.1, np.inf])
@pytest.mark.parametrize("name", ["probabilities", "logits"])
def test_a_binary_target_outside_0_and_1_is_refused(name: str, value: float) -> None:
    module, (X, Y) = module_of(NETWORKS[name]), batch(NETWORKS[name])
    Y[2, 1] = value
    with pytest.raises(ValueError, match=rf"^Y: {value} at row 2, column 1 \(1 such\); expected values from 0 to 1$"):
        module.loss(module.init_params(), X, Y)


def test_a_number_beyond_float32_is_refused_by_a_float32_module() -> None:
    module, (X, _) = module_of(NETWORKS["values"], "float32"), batch(NETWORKS["values"])
    X[3, 2] = 1e39
    with pytest.raises(ValueError, match=r"^X: 1e\+39 at row 3, column 2 \(1 such\); expected what fits float32$"):
        module.forward(module.init_params(), X)


def test_integers_are_computed_with_as_floating_point_numbers(module: ModuleType, network: Network) -> None:
    X = np.arange(SAMPLES * network.inputs).reshape(SAMPLES, network.inputs) % 5
    theta = module.init_params()
    assert np.array_equal(module.forward(theta, X), module.forward(theta, X.astype(module.DTYPE)))


# The module's check of itself


def test_a_module_finds_its_own_gradient_right(module: ModuleType) -> None:
    found = module.check_gradients(seed=2)
    assert found.ok
    assert 0 <= found.error <= found.promise
    assert found.compared > 0


@pytest.mark.parametrize(
    ("old", "new", "parameter", "layer"),
    [
        (r"dW2 = dZ2\.T @ A1", "dW2 = 1.001 * dZ2.T @ A1", "W2", 2),
        (r"db1 = dZ1\.sum\(axis=0\)", "db1 = 0 * dZ1.sum(axis=0)", "b1", 1),
        (r"dW1 = dZ1\.T @ X", "dW1 = dZ1.T @ X; dW1[3, 2] *= -1", "W1", 1),
        (r"dW2 = dZ2\.T @ A1", "dW2 = np.nan * dZ2.T @ A1", "W2", 2),
    ],
)
def test_a_module_with_a_wrong_gradient_says_which_parameter_and_layer(
    old: str, new: str, parameter: str, layer: int
) -> None:
    source, count = re.subn(old, new, source_of(NETWORKS["classes"]))
    found = executed(source).check_gradients()
    assert count == 1
    assert (found.ok, found.parameter, found.layer) == (False, parameter, layer)


def test_the_check_names_the_entry_that_is_wrong() -> None:
    source = source_of(NETWORKS["classes"]).replace("dW1 = dZ1.T @ X", "dW1 = dZ1.T @ X; dW1[3, 2] *= -1")
    assert executed(source).check_gradients().entry == (3, 2)
