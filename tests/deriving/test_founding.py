"""The founding document's layers, losses and gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from mpmath import mp, mpf

from symmlp.catalog.losses import TABLE as LOSSES
from symmlp.deriving import derive
from symmlp.document import equation_text
from symmlp.spec import Network
from tests.calculus.networks import Values
from tests.strategies import Case


def founding(name: str) -> list[str]:
    """Return the equations for four inputs, a layer of three units and one of two, in the layout of one sample."""
    output = "sigmoid" if name == "bce" else "tanh"
    derivation = derive(Network.parse(f"4 -> 3 tanh -> 2 {output} | {name}"), layout="sample")
    return [equation_text(each) for each in derivation.equations if each.kind != "update"]


def test_a_dense_layer_is_written_as_the_founding_document_writes_it() -> None:
    assert founding("mse")[:4] == [
        "F1  o1 = W1 x + b1  (3, 1)",
        "F2  y1 = tanh(o1)  (3, 1)",
        "F3  o2 = W2 y1 + b2  (2, 1)",
        "F4  p = tanh(o2)  (2, 1)",
    ]


FOUNDING = {
    "mse": ("sum((p − y)^∘²) / 2", "2 (p − y) / 2"),
    "mae": ("sum(|p − y|) / 2", "sign(p − y) / 2"),
    "bce": ("sum(−(1 − y) ∘ log(1 − p) − y ∘ log(p)) / 2", "((1 − y) ⊘ (1 − p) − y ⊘ p) / 2"),
}
"""The losses of the founding document for one sample, averaged over its two outputs, and their cotangents."""


@pytest.mark.parametrize("name", FOUNDING)
def test_the_losses_of_the_founding_document_are_averaged_over_the_outputs(name: str) -> None:
    value, cotangent = FOUNDING[name]
    assert founding(name)[4] == f"L1  L = {value}  ()"
    assert founding(name)[5] == f"B1  ∂L/∂p = {cotangent}  (2, 1)"


@pytest.mark.parametrize("name", FOUNDING)
def test_the_gradient_of_the_weights_is_the_cotangent_times_the_transposed_input(name: str) -> None:
    assert founding(name)[-2:] == ["B7  ∂L/∂W1 = do1 xᵀ  (3, 4)", "B8  ∂L/∂b1 = do1  (3, 1)"]


@pytest.mark.parametrize("name", FOUNDING)
def test_the_mean_over_samples_of_the_one_sample_gradients_is_the_batch_s_gradient(name: str) -> None:
    own = Network.parse(f"4 -> 3 tanh -> 2 {'sigmoid' if name == 'bce' else 'tanh'} | {name}")
    case = Case(own, 5, 11)
    assert LOSSES[name].average == "entries"
    one, all_rows = derive(own, layout="sample"), derive(own)
    with mp.workdps(30):
        batch = Values.of(all_rows, case)
        total: dict[str, Any] = dict.fromkeys(("dW1", "dW2", "db1", "db2"), 0)
        for row in range(case.batch):
            arrays = {
                name: array.reshape(-1, 1) if name.startswith("b") else array for name, array in batch.arrays.items()
            }
            arrays |= {"x": arrays.pop("X")[row : row + 1].T, "y": arrays.pop("Y")[row : row + 1].T}
            found = Values(one, arrays).everything().arrays
            total = {target: value + found[target] / case.batch for target, value in total.items()}
        expected = batch.everything().arrays
        for target, value in total.items():
            exact = np.asarray(expected[target], dtype=object).reshape(np.shape(value))
            assert np.max(np.abs(value - exact)) <= mpf("1e-25"), target
