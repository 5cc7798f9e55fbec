"""Modules in float32: called as they are within float32's promise, and in float64 for the finer oracles."""

from __future__ import annotations

import pytest

from symmlp.generation import generate
from symmlp.spec import Network
from symmlp.verification import Check, check_module
from tests.verification.modules import REGRESSION, REGRESSION_MODULE, replaced

CAST = "    theta = theta if np.iscomplexobj(theta) else theta.astype(DTYPE)\n"

CASTS = (("DTYPE = np.float64", "DTYPE = np.float32"), ("    if theta.shape", CAST + "    if theta.shape"))
"""What makes the module one of float32 whose precision follows DTYPE."""

SINGLE = replaced(REGRESSION_MODULE, *CASTS)

FIXED = replaced(
    SINGLE,
    ("DTYPE", "np.float32"),
    ("np.float32 = np.float32", "DTYPE = np.float32"),
    ("for part in gradients])", "for part in gradients]).astype(np.float32)"),
)
"""A float32 module that does not look at DTYPE."""


def checks(source: str) -> dict[str, Check]:
    return {check.name: check for check in check_module(source, REGRESSION).checks}


def failed(source: str) -> set[str]:
    return {name for name, check in checks(source).items() if check.ok is False}


def test_a_right_float32_module_is_verified() -> None:
    assert check_module(SINGLE, REGRESSION).ok


@pytest.mark.parametrize("oracle", ["differences", "complex step", "direction"])
def test_the_finer_oracles_call_it_in_float64_and_say_so(oracle: str) -> None:
    assert "float32 module called in float64" in checks(SINGLE)[oracle].note


@pytest.mark.parametrize(
    ("oracle", "promise"), [("complex step", 1e-11), ("high precision", 1e-5), ("loss value", 1e-5)]
)
def test_each_oracle_promises_what_the_precision_allows(oracle: str, promise: float) -> None:
    assert checks(SINGLE)[oracle].promise == promise


def test_a_mistake_below_float32_s_rounding_is_seen_in_float64() -> None:
    wrong = replaced(SINGLE, ("db2 = dP.sum(axis=0)", "db2 = dP.sum(axis=0) * (1 + 1e-9)"))
    assert failed(wrong) >= {"complex step", "direction"}


def test_a_mistake_above_float32_s_rounding_is_seen_in_float32() -> None:
    wrong = replaced(SINGLE, ("db2 = dP.sum(axis=0)", "db2 = dP.sum(axis=0) * (1 + 1e-4)"))
    assert failed(wrong) >= {"complex step", "direction", "high precision"}


def test_a_module_that_cannot_be_widened_is_verified_within_float32_s_promise() -> None:
    found = checks(FIXED)
    assert check_module(FIXED, REGRESSION).ok
    assert (found["complex step"].promise, found["high precision"].promise) == (1e-5, 1e-5)


def test_differences_are_not_applicable_to_float32_itself() -> None:
    assert checks(FIXED)["differences"].ok is None
    assert checks(FIXED)["differences"].note == "float32 leaves no room between truncation and rounding"


def test_a_module_that_cannot_be_widened_is_still_refused_for_a_mistake() -> None:
    wrong = replaced(FIXED, ("db2 = dP.sum(axis=0)", "db2 = dP.sum(axis=0) * (1 + 1e-4)"))
    assert failed(wrong) >= {"complex step", "direction", "high precision"}


def test_a_gradient_in_another_precision_than_theta_fails() -> None:
    wrong = replaced(
        SINGLE,
        (
            "    return L, _flat([dW1, db1, dW2, db2], out)",
            "    return L, _flat([dW1, db1, dW2, db2], out).astype(float)",
        ),
    )
    assert failed(wrong) >= {"contract", "high precision"}


COARSE = replaced(
    SINGLE, ("    return np.tanh(X @ p.W1.T + p.b1)", "    return (1 + 1e-8) * np.tanh(X @ p.W1.T + p.b1)")
)
"""A module whose prediction has float32's digits in float64, too."""


def test_a_module_whose_prediction_has_float32_s_digits_in_float64_too_is_verified_within_float32_s_promise() -> None:
    found = checks(COARSE)
    assert check_module(COARSE, REGRESSION).ok
    assert found["differences"].ok is None
    assert found["complex step"].promise == 1e-5


def test_a_mistake_above_float32_s_rounding_is_seen_in_such_a_module() -> None:
    wrong = replaced(COARSE, ("db2 = dP.sum(axis=0)", "db2 = dP.sum(axis=0) * (1 + 1e-4)"))
    assert failed(wrong) >= {"complex step", "direction", "high precision"}


def test_a_buffered_float32_module_with_gelu_is_verified() -> None:
    network = Network.parse("3 -> 4 gelu -> 2 | mse")
    assert check_module(generate(network, style="buffered", dtype="float32"), network).ok
