"""Results as textbooks and papers publish them: equal to what is derived, exactly and in floating point.

Exactly means entry by entry, in symbols, with small sizes that are all different.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sympy as sp

from symmlp import Network, check_formula
from symmlp.deriving import derive
from tests.calculus.entries import World, entrywise, same, symbols

NIELSEN = "4 -> 3 sigmoid -> 5 sigmoid -> 2 sigmoid | half_mse"
"""Three layers of sigmoids and the quadratic cost, as in chapter 2 of Nielsen, Neural Networks and Deep Learning."""

FOUR_EQUATIONS = (
    ("BP1", "o3", "(p - y) / K * sigmoid_slope(o3)"),
    ("BP1", "o3", "dp * sigmoid_slope(o3)"),
    ("BP2", "o2", "(W3.T @ do3) * sigmoid_slope(o2)"),
    ("BP2", "o1", "(W2.T @ do2) * sigmoid_slope(o1)"),
    ("BP3", "b3", "do3"),
    ("BP3", "b2", "do2"),
    ("BP3", "b1", "do1"),
    ("BP4", "W3", "do3 @ y2.T"),
    ("BP4", "W2", "do2 @ y1.T"),
    ("BP4", "W1", "do1 @ x.T"),
)
"""δ of the last layer, δ of the others, the gradient of biases and that of weights; his cost has no 1/K."""

BATCH_NORM = "4 -> 6 -> batch_norm -> 3 | mse"

PUBLISHED = (
    # Bishop, Pattern Recognition and Machine Learning, (4.109); Goodfellow et al., Deep Learning, section 6.2.2.
    ("softmax with cross entropy", "4 -> 5 tanh -> 3 softmax | cross_entropy", "Z2", "(P - Y) / N"),
    ("sigmoid with cross entropy", "4 -> 5 tanh -> 3 sigmoid | bce", "Z2", "(P - Y) / (N * K)"),
    ("linear with squared error", "4 -> 5 tanh -> 3 | half_mse", "Z2", "(P - Y) / (N * K)"),
    # Ba, Kiros and Hinton, Layer Normalization (2016), differentiated as in the reference implementations.
    (
        "layer normalization, inputs",
        "4 -> 6 -> layer_norm -> 3 | mse",
        "A1",
        "(6*dH2 - dH2.sum(axis=1, keepdims=True) - H2 * (dH2*H2).sum(axis=1, keepdims=True)) / (6*R2)",
    ),
    ("layer normalization, gain", "4 -> 6 -> layer_norm -> 3 | mse", "g2", "(dA2 * H2).sum(axis=0)"),
    ("layer normalization, shift", "4 -> 6 -> layer_norm -> 3 | mse", "b2", "dA2.sum(axis=0)"),
    # Zhang and Sennrich, Root Mean Square Layer Normalization (2019).
    (
        "rms normalization, inputs",
        "4 -> 6 -> rms_norm -> 3 | mse",
        "A1",
        "(dA2 * g2 - H2 * (dA2 * g2 * H2).mean(axis=1, keepdims=True)) / R2",
    ),
    # Ioffe and Szegedy, Batch Normalization (2015), section 3, their six gradients in their order.
    ("batch normalization, normalized", BATCH_NORM, "H2", "dA2 * g2"),
    (
        "batch normalization, variance",
        BATCH_NORM,
        "V2",
        "(dH2 * (A1 - U2)).sum(axis=0) * (-1/2) * (V2 + 0.00001)**(-3/2)",
    ),
    (
        "batch normalization, mean",
        BATCH_NORM,
        "U2",
        "(dH2 * (-1) / sqrt(V2 + 0.00001)).sum(axis=0) + dV2 * (-2 * (A1 - U2)).sum(axis=0) / N",
    ),
    (
        "batch normalization, inputs",
        BATCH_NORM,
        "A1",
        "dH2 / sqrt(V2 + 0.00001) + dV2 * 2 * (A1 - U2) / N + dU2 / N",
    ),
    ("batch normalization, gain", BATCH_NORM, "g2", "(dA2 * H2).sum(axis=0)"),
    ("batch normalization, shift", BATCH_NORM, "b2", "dA2.sum(axis=0)"),
)


@pytest.mark.parametrize(("name", "array", "formula"), FOUR_EQUATIONS)
def test_nielsen_s_four_equations_are_derived(name: str, array: str, formula: str) -> None:
    result = check_formula(Network.parse(NIELSEN), array, formula, layout="sample")
    assert result.ok, f"{name}: {result.text()}"


@pytest.mark.parametrize(("name", "spec", "array", "formula"), PUBLISHED)
def test_a_published_gradient_is_derived(name: str, spec: str, array: str, formula: str) -> None:
    result = check_formula(Network.parse(spec), array, formula)
    assert result.ok, f"{name}: {result.text()}"


@pytest.mark.parametrize(("name", "spec", "array", "formula"), PUBLISHED)
def test_a_published_gradient_with_its_first_term_doubled_is_refused(
    name: str, spec: str, array: str, formula: str
) -> None:
    broken = f"({formula}) + ({formula})"
    assert not check_formula(Network.parse(spec), array, broken).ok, name


def _derived(spec: str, upto: str, *, samples: int = 2, **given: Any) -> dict[str, Any]:
    """Return all arrays, in symbols, from the forward equations and the backward ones up to `upto`."""
    derivation = derive(Network.parse(spec))
    arrays: dict[str, Any] = {}
    for name, shape in derivation.graph.shapes.items():
        arrays[name] = symbols(name, [samples if size == "N" else int(size) for size in shape])
    arrays |= given
    functions = {"sqrt": entrywise(sp.sqrt), "softmax": _softmax, "log": entrywise(sp.log), "identity": lambda z: z}
    world = World(arrays, {"N": sp.Integer(samples)}, functions)
    for equation in (*derivation.forward, *derivation.backward):
        if equation.target not in given:
            arrays[equation.target] = world.node(equation.value)
        if equation.target == upto:
            return arrays
    raise AssertionError(upto)


def _softmax(z: Any) -> Any:
    e = entrywise(sp.exp)(z)
    return e / e.sum(axis=1, keepdims=True)


def test_softmax_with_cross_entropy_is_the_derivative_of_the_loss_entry_by_entry() -> None:
    samples, classes = 2, 3
    Z, Y = symbols("Z", (samples, classes)), symbols("Y", (samples, classes))
    Y[:, -1] = 1 - Y[:, :-1].sum(axis=1)
    loss = -(Y * entrywise(sp.log)(_softmax(Z))).sum() / samples
    by_entry = entrywise(lambda z: sp.diff(loss, z))(Z)
    assert same(entrywise(sp.simplify)(by_entry - (_softmax(Z) - Y) / samples), np.zeros(Z.shape))
    arrays = _derived("4 -> 3 softmax | cross_entropy", "dZ1", Z1=Z, Y=Y)
    assert same(arrays["dZ1"], (_softmax(Z) - Y) / samples)


def _layer_norm_backward(g: Any, H: Any, R: Any) -> Any:
    """Return dx = (D g − Σ g − H Σ g H) / (D R) for cotangents g of the normalized H, as it is published."""
    size = g.shape[1]
    inner = size * g - g.sum(axis=1, keepdims=True) - H * (g * H).sum(axis=1, keepdims=True)
    return inner / (size * R)


def test_the_chain_of_small_steps_through_a_layer_norm_is_the_published_formula_in_symbols() -> None:
    """Centred values in two symbols a row and the root as a symbol: every entry is a rational function."""
    samples = 2
    A = symbols("A", (samples, 3))
    R = symbols("R", (samples, 1))
    C = A - A.sum(axis=1, keepdims=True) / sp.Integer(3)
    # R² is the mean square plus ε, so ε is what is left; it is a number of the definition that no gradient contains.
    given = {"A1": A, "R2": R, "H2": C / R, "V2": R**2 - sp.Rational(1, 100000), "dA2": symbols("G", (samples, 3))}
    arrays = _derived("4 -> 3 -> layer_norm -> 2 | mse", "dA1", **given)
    found = entrywise(lambda each: each.xreplace({sp.sqrt(part**2): part for part in R.flat}))(arrays["dA1"])
    assert same(found, _layer_norm_backward(arrays["dH2"], C / R, R))


def _batch_norm_backward(g: Any, C: Any, R: Any) -> Any:
    """Return dx by the six equations of Ioffe and Szegedy, for cotangents g of what is normalized, C / R."""
    samples = sp.Integer(len(g))
    of_variance = (g * C).sum(axis=0) * sp.Rational(-1, 2) / R**3
    of_mean = (-g / R).sum(axis=0) + of_variance * (-2 * C).sum(axis=0) / samples
    return g / R + of_variance * 2 * C / samples + of_mean / samples


@pytest.mark.parametrize("factor", [1, 2], ids=["as published", "broken"])
def test_the_chain_of_small_steps_through_a_batch_norm_is_the_published_formula_in_symbols(factor: int) -> None:
    samples = 3
    A, R = symbols("A", (samples, 2)), symbols("R", (2,))
    C = A - A.sum(axis=0) / sp.Integer(samples)
    given = {"A1": A, "R2": R, "H2": C / R, "V2": R**2 - sp.Rational(1, 100000), "dA2": symbols("G", (samples, 2))}
    arrays = _derived("4 -> 2 -> batch_norm -> 5 | mse", "dA1", samples=samples, **given)
    found = entrywise(lambda each: each.xreplace({sp.sqrt(part**2): part for part in R.flat}))(arrays["dA1"])
    assert same(found, factor * _batch_norm_backward(arrays["dH2"], C, R)) == (factor == 1)
