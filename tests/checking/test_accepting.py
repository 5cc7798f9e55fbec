"""A right formula is right, however it is written: as printed, as generated, rearranged or as a function."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from symmlp.catalog.activations import TABLE as ACTIVATIONS
from symmlp.catalog.losses import TABLE as LOSSES
from symmlp.checking import check_formula
from symmlp.deriving import derive
from symmlp.document import equation_text
from symmlp.errors import SymmlpError
from symmlp.generation import generate
from symmlp.graph import Layout
from symmlp.spec import Dense, Network
from tests.checking.networks import SOLE, SPECS, code, derivation, network, written_out

CUSTOM = (
    "3 -> 5 {x*tanh(x)} -> 2 | {(p - y)**4 + abs(p - y)}",
    "3 -> 5 {where(x > 0, x, 0.2*x)} -> 2 sigmoid | {-y*log(p) - (1 - y)*log(1 - p)}",
    "3 -> 5 leaky_relu(alpha=0.2) -> 4 leaky_relu -> 2 | huber(delta=0.7)",
    "3 -> 5 tanh -> 2 | {p}",
    "7 -> 2 tanh -> 2 tanh -> 2 | mse",
    "3 -> 4 tanh -> 1 sigmoid | bce",
)


def _accepted_losses() -> list[str]:
    found = []
    for loss in LOSSES:
        for activation in ("identity", "sigmoid", "softmax", "softplus"):
            spec = f"3 -> 5 tanh -> 2 {activation} | {loss}"
            try:
                Network.parse(spec)
            except SymmlpError:
                continue
            found.append(spec)
    return found


FEW = (*SPECS, *SOLE, *CUSTOM)
CATALOGUE = (*(f"3 -> 5 {name} -> 2 | mse" for name in ACTIVATIONS), *_accepted_losses())
EVERY = (*FEW, *CATALOGUE)


@pytest.mark.parametrize("spec", EVERY)
def test_every_printed_backward_equation_is_right(spec: str) -> None:
    for equation in derivation(spec).backward:
        line = equation_text(equation)
        assert check_formula(network(spec), equation.target[1:], line).ok, line


@pytest.mark.parametrize("layout", ["batch", "sample"])
@pytest.mark.parametrize("spec", [*SPECS, *CUSTOM])
def test_every_printed_right_side_is_right_in_both_layouts(spec: str, layout: Layout) -> None:
    for equation in derive(network(spec), layout=layout).backward:
        line = equation_text(equation)
        formula = line.split(" = ", 1)[1].split("  ")[0]
        assert check_formula(network(spec), equation.target[1:], formula, layout=layout).ok, formula


@pytest.mark.parametrize("spec", [*FEW, *(pytest.param(spec, marks=pytest.mark.slow) for spec in CATALOGUE)])
def test_every_equation_in_numpy_is_right_in_its_plain_and_its_stable_form(spec: str) -> None:
    for equation in derivation(spec).backward:
        for stable in (False, True):
            text = code(equation, stable=stable)
            assert check_formula(network(spec), equation.target[1:], text).ok, text


@pytest.mark.parametrize("spec", [*SPECS, *CUSTOM])
def test_every_line_of_a_generated_module_s_gradient_is_right(spec: str) -> None:
    source = generate(network(spec))
    body = source[source.index("def _loss_and_grad") :]
    lines = re.findall(r"^    # B\d+ .*\n    (d\w+ = .*  # \(.*\))$", body, re.MULTILINE)
    assert len(lines) >= 3
    for line in lines:
        assert check_formula(network(spec), line.split(" = ")[0][1:], line).ok, line


@pytest.mark.parametrize("spec", [*SPECS, *SOLE])
@pytest.mark.parametrize("depth", [1, 2, 4])
def test_a_formula_with_the_cotangents_written_out_is_right(spec: str, depth: int) -> None:
    for equation in derivation(spec).backward:
        text = written_out(spec, equation.target[1:], depth)
        if len(text) <= 2000:
            assert check_formula(network(spec), equation.target[1:], text).ok, text


@pytest.mark.parametrize(
    ("wrt", "formula"),
    [
        ("W2", "np.dot(dZ2.T, A1)"),
        ("W2", "(A1.T @ dZ2).T"),
        ("dW2", "np.matmul(np.transpose(dZ2), A1)"),
        ("W2", "(P − Y)ᵀ A1 / N"),
        ("W2", "1/N * (P - Y).T.dot(A1)"),
        ("W2", "(P - Y).T @ A1 / len(X)"),
        ("W2", "(P - Y).T @ A1 / X.shape[0]"),
        ("W2", "np.divide(np.subtract(P, Y), N).T @ A1"),
        ("W2", "((A2 - Y) / N).T @ A1"),
        ("b2", "np.sum(dZ2, axis=0)"),
        ("b2", "(P - Y).mean(axis=0)"),
        ("b2", "ones(N) @ dZ2"),
        ("b2", "dZ2.T.sum(axis=1)"),
        ("b2", "dZ2.sum(axis=-2)"),
        ("b2", "dZ2ᵀ 1"),
        ("Z1", "dA1 * (1 - A1**2)"),
        ("Z1", "dA1 ∘ (1 − A1²)"),
        ("Z1", "dA1 * (1 - np.square(np.tanh(Z1)))"),
        ("Z1", "dA1 / np.cosh(Z1)**2"),
        ("Z1", "dA1 * tanh_prime(Z1)"),
        ("Z1", "dA1 * tanh'(Z1)"),
        ("Z1", "dA1 * (1 - tanh(X @ W1.T + b1)**2)"),
        ("Z1", "dA1 * 4*sigmoid(2*Z1)*(1 - sigmoid(2*Z1))"),
        ("A2", "-Y / (N * P)"),
        ("P", "np.where(Y > 0, -Y / P, 0) / N"),
        ("Z2", "(dP - (dP * P).sum(axis=1, keepdims=True)) * P"),
        ("Z2", "(softmax(Z2) - Y) / N"),
        ("Z2", "(exp(Z2) / exp(Z2).sum(axis=1, keepdims=True) - Y) / N"),
        ("Z2", "(P*np.sum(Y, axis=1, keepdims=True) - Y) / N"),
        ("W1", "dZ1.T @ A0"),
    ],
)
def test_a_different_but_equal_formula_is_right(wrt: str, formula: str) -> None:
    result = check_formula(network("4 -> 6 tanh -> 3 softmax | cross_entropy"), wrt, formula)
    assert result.ok, result.text()
    assert result.mistakes == ()
    assert result.error <= result.promise


def test_a_function_gets_arrays_by_the_names_of_its_parameters() -> None:
    net = network("4 -> 6 tanh -> 3 softmax | cross_entropy")
    assert check_formula(net, "W2", lambda P, Y, A1, N: (P - Y).T @ A1 / N).ok
    assert check_formula(net, "W2", lambda **arrays: arrays["dZ2"].T @ arrays["A1"]).ok


def test_a_function_of_one_other_name_gets_a_namespace() -> None:
    def gradient(arrays: Any) -> Any:
        return (arrays.dA1 * arrays.tanh_slope(arrays.Z1)).T @ arrays.X

    result = check_formula(network("4 -> 6 tanh -> 3 softmax | cross_entropy"), "W1", gradient)
    assert result.ok
    assert result.formula == "gradient"


def test_a_function_that_writes_into_its_arguments_changes_nothing() -> None:
    def gradient(dZ2: Any, A1: Any) -> Any:
        value = dZ2.T @ A1
        dZ2 *= 0
        A1 += 1
        return value

    assert check_formula(network("4 -> 6 tanh -> 3 softmax | cross_entropy"), "W2", gradient).ok


def test_square_layers_do_not_hide_a_transpose() -> None:
    net = Network(inputs=3, layers=[Dense(3, "tanh"), Dense(3)], loss="mse")
    assert check_formula(net, "A1", "dZ2 @ W2").ok
    assert not check_formula(net, "A1", "dZ2 @ W2.T").ok


def test_relu_s_slope_at_its_output_is_the_same_slope() -> None:
    assert check_formula(network("4 -> 6 relu -> 3 sigmoid | bce"), "Z1", "dA1 * relu_slope(A1)").ok
    assert check_formula(network("4 -> 6 relu -> 3 sigmoid | bce"), "Z1", "dA1 * (Z1 > 0)").ok


def test_the_points_are_away_from_kinks_and_the_two_batch_sizes_are_no_layer_s() -> None:
    result = check_formula(network("5 -> 7 relu -> 3 | mae"), "P", "np.sign(P - Y) / (3*N)")
    assert result.ok
    assert not check_formula(network("5 -> 7 relu -> 3 | mae"), "P", "np.sign(P - Y) / 33").ok


def test_an_error_of_a_billionth_is_seen() -> None:
    net = network("4 -> 6 tanh -> 3 softmax | cross_entropy")
    assert check_formula(net, "W2", "dZ2.T @ A1 * (1 + 1e-11)").ok
    assert not check_formula(net, "W2", "dZ2.T @ A1 * (1 + 1e-8)").ok
    assert np.isfinite(check_formula(net, "W2", "dZ2.T @ A1 * (1 + 1e-8)").error)


AUTHOR = {"pre_activation": "o", "activation": "y", "cotangent": "δ"}
IN_OWN_LETTERS = "4 -> 5 tanh -> 3 softmax | cross_entropy"


@pytest.mark.parametrize(
    ("wrt", "formula"),
    [
        ("W1", "δo1.T @ X"),
        ("W1", "∂L/∂W1 = δo1ᵀ X"),
        ("o1", "δo1 = (δo2 @ W2) * (1 - y1**2)"),
        ("Z1", "dA1 * (1 - A1**2)"),
    ],
)
def test_an_author_s_letters_are_read_beside_the_graph_s(wrt: str, formula: str) -> None:
    assert check_formula(Network.parse(IN_OWN_LETTERS), wrt, formula, notation=AUTHOR).ok


def test_a_verdict_is_told_in_the_author_s_letters() -> None:
    verdict = check_formula(Network.parse(IN_OWN_LETTERS), "o1", "δy1", notation=AUTHOR)
    assert verdict.kinds == ("slope_forgotten",)
    assert verdict.subject == "∂L/∂o1"
    assert verdict.mistakes[0].equation == "∂L/∂o1 = δy1 ∘ tanh′(o1)"
    assert not re.search(r"\b[ZA]\d", verdict.text())


def test_letters_that_name_two_things_are_refused_by_a_check_too() -> None:
    with pytest.raises(SymmlpError, match="^notation: "):
        check_formula(Network.parse(IN_OWN_LETTERS), "W1", "dZ1.T @ X", notation={"pre_activation": "W"})


AS_IN_BOOKS = {
    **{"prediction": "ŷ", "targets": "y", "weights": "W^(l)", "bias": "b^l", "pre_activation": "z^[l]"},
    **{"cotangent": "∇", "loss": "ℒ"},
}


@pytest.mark.parametrize(
    ("wrt", "formula"),
    [
        ("W^(2)", "∂ℒ/∂W⁽²⁾ = ∇z^[2]ᵀ A1"),
        ("W⁽²⁾", "∇z^{[2]}.T @ A1"),
        ("W^{(1)}", "((ŷ − y) W^(2) ∘ (1 − A1^∘²))ᵀ X / N"),
        ("z^[2]", "B2  ∂ℒ/∂z^[2] = (y\u0302 − y) / N  (N, 3)  assuming that rows of y sum to 1"),
        ("z^[1]", "∇A1 ∘ (1 − tanh(X W⁽¹⁾ᵀ + 1 b¹ᵀ)²)"),
        ("W2", "dZ2.T @ A1"),
    ],
)
def test_letters_with_accents_and_raised_numbers_are_read(wrt: str, formula: str) -> None:
    assert check_formula(Network.parse(IN_OWN_LETTERS), wrt, formula, notation=AS_IN_BOOKS).ok


@pytest.mark.parametrize(
    ("wrt", "formula", "message"),
    [
        ("z^[3]", "X", r"^wrt: no gradient for 'z\^\[3\]'; did you mean 'z\^\[2\]'"),
        ("W^(2)", "∇z^[2]ᵀ Q", "'Q' at column 9 is unknown; allowed: X, W⁽¹⁾, b¹, z.*, ŷ, y, ℒ"),
        ("W^(2)", "∇z^[2]ᵀ ỹ", "unknown name|not allowed"),
    ],
)
def test_what_is_unknown_is_told_in_the_author_s_letters(wrt: str, formula: str, message: str) -> None:
    with pytest.raises(SymmlpError, match=message):
        check_formula(Network.parse(IN_OWN_LETTERS), wrt, formula, notation=AS_IN_BOOKS)
