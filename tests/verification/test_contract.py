"""The contract check: every promise is kept by a right module, and seen to be broken by a copy that breaks it."""

from __future__ import annotations

import pytest

from symmlp.spec import Network
from symmlp.verification import check_module
from symmlp.verification.contract import PROMISES, check_contract
from symmlp.verification.report import Check
from symmlp.verification.sample import draw_sample
from symmlp.verification.subject import Subject
from tests.verification.modules import (
    CLASSIFICATION,
    CLASSIFICATION_MODULE,
    REGRESSION,
    REGRESSION_MODULE,
    replaced,
)


def contract(source: str, network: Network = REGRESSION) -> Check:
    return check_contract(Subject.of(source, network), draw_sample(network, 0))


def test_a_right_module_keeps_every_promise() -> None:
    check = contract(REGRESSION_MODULE)
    assert (check.ok, check.note) == (True, f"{len(PROMISES)} promises")


def test_a_classification_keeps_every_promise() -> None:
    assert contract(CLASSIFICATION_MODULE, CLASSIFICATION).ok


BREACHES: dict[str, tuple[tuple[str, str], str]] = {
    "another network": (('"units": 3, "activation": "tanh"', '"units": 3, "activation": "sigmoid"'), "SPEC: "),
    "no network": (('"loss": "mse"', '"loss": "mze"'), "SPEC: "),
    "a shape transposed": (('"W1": (3, 4)', '"W1": (4, 3)'), "SHAPES: "),
    "parameters in another order": (
        ('"W1": (3, 4), "b1": (3,), "W2": (2, 3), "b2": (2,)', '"W2": (2, 3), "b2": (2,), "W1": (3, 4), "b1": (3,)'),
        "SHAPES: ",
    ),
    "no function predict": (("def predict", "def foretell"), "the module has no function predict"),
    "a seed without effect": (("np.random.PCG64(seed)", "np.random.PCG64(1)"), "init_params: the same seed"),
    "parameters of another precision": ((".astype(DTYPE)", ".astype(np.float32)"), "init_params: float32"),
    "parameters without axis": (("normal(size=N_PARAMS)", "normal(size=(N_PARAMS, 1))"), "init_params: "),
    "views that are copies": ((".reshape(shape))", ".reshape(shape).copy())"), "unpack: W1 is a copy"),
    "views that are transposed": ((".reshape(shape))", ".reshape(shape[::-1]).T)"), "unpack: W1 is "),
    "values that are not the prediction": (("return forward(theta, X)", "return forward(theta, X) + 1"), "predict: "),
    "a global state": (
        ("    L = loss(theta, X, Y)", "    CALLS.append(1)\n    L = loss(theta, X, Y) + len(CALLS)"),
        "loss_and_grad: a second call gives other",
    ),
    "a gradient that is overwritten": (
        (
            "    return L, _flat([dW1, db1, dW2, db2], out)",
            "    return L, _flat([dW1, db1, dW2, db2], BUFFER if out is None else out)",
        ),
        "loss_and_grad: a second call overwrites",
    ),
    "out that is ignored": (
        ("    out[:] = gradient\n    return out", "    return gradient"),
        "loss_and_grad: out= is not",
    ),
    "out that is added to": (("out[:] = gradient", "out[:] += gradient"), "loss_and_grad: out= is filled"),
    "targets that are broadcast": (
        ("    if P.shape != Y.shape:", "    if False:"),
        "loss_and_grad: Y with a single column is accepted",
    ),
    "theta of any length": (
        ("theta.shape != (N_PARAMS,) or ", ""),
        "loss_and_grad: theta with an entry too many is accepted",
    ),
    "a division by zero": (
        ("    dW2 = dP.T @ A1", "    np.ones(2) / np.zeros(2)\n    dW2 = dP.T @ A1"),
        "loss_and_grad raised FloatingPointError",
    ),
    "a warning": (
        ("    dW2 = dP.T @ A1", "    import warnings; warnings.warn('hm')\n    dW2 = dP.T @ A1"),
        "loss_and_grad raised UserWarning: hm",
    ),
    "arguments that are changed": (
        ("    dP = 2", "    X.flags.writeable = True; X += 1\n    dP = 2"),
        "loss_and_grad: an argument was changed",
    ),
    "a loss that is an array": (
        (".sum() / P.size).item()", ".sum(axis=0) / P.size)"),
        "loss_and_grad returned a ndarray of shape (2,)",
    ),
}


@pytest.mark.parametrize("breach", BREACHES)
def test_a_broken_promise_is_named(breach: str) -> None:
    change, note = BREACHES[breach]
    source = replaced(REGRESSION_MODULE, change) + "\nCALLS = []\nBUFFER = np.empty(N_PARAMS)\n"
    check = contract(source)
    assert check.ok is False
    assert check.note.startswith(note)


@pytest.mark.parametrize("breach", BREACHES)
def test_a_broken_promise_is_told_in_one_line(breach: str) -> None:
    source = replaced(REGRESSION_MODULE, BREACHES[breach][0]) + "\nCALLS = []\nBUFFER = np.empty(N_PARAMS)\n"
    assert "\n" not in contract(source).note


def test_a_prediction_of_another_shape_is_noticed() -> None:
    source = replaced(
        REGRESSION_MODULE,
        ("forward(", "_forward("),
        ("def predict(", "def forward(theta, X):\n    return _forward(theta, X).T\n\n\ndef predict("),
    )
    assert contract(source).note.startswith("forward: ")


def test_wrong_class_indices_are_noticed() -> None:
    check = contract(replaced(CLASSIFICATION_MODULE, ("argmax(axis=1)", "argmin(axis=1)")), CLASSIFICATION)
    assert check.note.startswith("predict: ")


def test_a_module_that_only_breaks_the_contract_is_not_verified() -> None:
    found = check_module(replaced(REGRESSION_MODULE, (".reshape(shape))", ".reshape(shape).copy())")), REGRESSION)
    assert (found.ok, [check.name for check in found.checks if check.ok is False]) == (False, ["contract"])


@pytest.mark.parametrize(
    ("returned", "note"),
    [
        ("L", "loss_and_grad returned a float; expected (loss, gradient)"),
        ("L, [1.0]", "the gradient is a list; expected an array"),
        ("L, np.zeros(22)", "the gradient is float64 of shape (22,); expected float64 of shape (23,)"),
        (
            "L, np.zeros(23, dtype=np.float32)",
            "the gradient is float32 of shape (23,); expected float64 of shape (23,)",
        ),
        (
            "L, np.zeros(23, dtype=complex)",
            "the gradient is complex128 of shape (23,); expected float64 of shape (23,)",
        ),
        ("np.ones(3), np.zeros(23)", "loss_and_grad returned a ndarray of shape (3,) as the loss; expected a float"),
        ("None, np.zeros(23)", "loss_and_grad returned a NoneType as the loss; expected a float"),
        ("True, np.zeros(23)", "loss_and_grad returned a bool as the loss; expected a float"),
    ],
)
def test_what_is_no_loss_and_gradient_fails_the_oracles(returned: str, note: str) -> None:
    source = replaced(
        REGRESSION_MODULE, ("    L = loss(theta, X, Y)", f"    L = loss(theta, X, Y)\n    return {returned}")
    )
    notes = {check.name: check.note for check in check_module(source, REGRESSION).checks if check.ok is False}
    assert notes["complex step"] == notes["high precision"] == note
