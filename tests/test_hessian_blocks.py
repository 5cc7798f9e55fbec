"""Blocks of the Hessian as they are printed: evaluated, and compared with the complex step through the gradient."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import symmlp
from symmlp.derivation import Derivation, Equation
from symmlp.errors import UnsupportedError
from symmlp.matrix import Call, Filled, Node, rebuild, walk
from symmlp.printing.numpy import NumpyPrinter
from symmlp.program.lowering import code_name
from symmlp.second_order import HESSIAN
from symmlp.second_order.hessian import BLOCK, block_name
from symmlp.spec import Network
from symmlp.verification.complex_step import STEP
from symmlp.verification.sample import Sample, draw_sample
from symmlp.verification.subject import Subject, quiet
from tests.test_second_order import SPECS

Array = np.ndarray[Any, np.dtype[Any]]
REFUSED = ("learned", "statistics of a batch", "a loss of a row")
LINEAR = {name: spec for name, spec in SPECS.items() if name not in REFUSED}
CLASSES = SPECS["classes"]


def computed(equation: Equation, arrays: dict[str, Any], subject: Subject) -> Any:
    """Return the number or array that the printed value of an equation stands for."""
    calls = {part.function for part in walk(equation.value) if isinstance(part, Call)}
    names = {call: code_name(call) for call in calls if hasattr(subject.module, code_name(call))}
    text = NumpyPrinter(names).text(with_rows(equation.value))
    return eval(text, {**vars(subject.module), **arrays})


def with_rows(node: Node) -> Node:
    """Return a value whose arrays of one number are as high as the others: N counts each sample once."""
    if isinstance(node, Filled):
        return Filled(node.value, tuple("rows" if size == "N" else size for size in node.shape))
    return rebuild(node, with_rows)


Computing = Callable[[Equation, dict[str, Any], Subject], Any]


def blocks_of(
    derivation: Derivation, subject: Subject, sample: Sample, computing: Computing = computed
) -> dict[str, Array]:
    """Return the blocks by their names, computed from the printed equations."""
    samples = len(sample.inputs)
    arrays: dict[str, Any] = {"N": samples, "rows": samples, "X": sample.inputs}
    arrays["Y"] = sample.dense_targets(derivation.network.outputs)
    arrays |= subject.layout.views(sample.theta)
    drawn = (array for mask in sample.masks.values() for array in mask)
    arrays |= dict(zip((name for mask in derivation.graph.masks for name, *_ in mask.arrays), drawn, strict=True))
    for equation in derivation.computed:
        arrays[equation.target] = computed(equation, arrays, subject)
    blocks: dict[str, Array] = {}
    for group, equations in derivation.second.items():
        if not group.startswith(HESSIAN):
            continue
        pivot = group.removeprefix(HESSIAN)
        units = np.shape(arrays[pivot])[1]
        own = {
            name: np.repeat(array, units, axis=0) if is_of_samples(name, derivation) else array
            for name, array in arrays.items()
        }
        own[f"{pivot}_dot"] = np.tile(np.eye(units), (samples, 1))
        own["rows"] = samples * units
        for equation in equations:
            own[equation.target] = computing(equation, own, subject)
        blocks |= {name: array for name, array in own.items() if name.startswith(BLOCK)}
    return blocks


def is_of_samples(name: str, derivation: Derivation) -> bool:
    shapes = derivation.graph.shapes
    shape = shapes.get(name, shapes.get(name.removeprefix("d"), ()))
    return shape[:1] == ("N",)


def hessian_by_complex_step(subject: Subject, sample: Sample) -> Array:
    own = subject.holomorphic()
    columns = []
    for unit in np.eye(subject.layout.count):
        _, gradient = own.at("loss_and_grad", sample, sample.theta + 1j * STEP * unit)
        columns.append(np.imag(gradient) / STEP)
    return np.stack(columns, axis=1)


def errors(derivation: Derivation, computing: Computing = computed) -> dict[str, float]:
    """Return the largest error of each block, relative to the largest entry of the Hessian."""
    network = derivation.network
    subject, sample = Subject.of(symmlp.generate(network, with_=("hvp", "jacobian")), network), draw_sample(network, 0)
    with quiet():
        exact, blocks = hessian_by_complex_step(subject, sample), blocks_of(derivation, subject, sample, computing)
    places = subject.layout.views(np.arange(subject.layout.count))
    found = {}
    for row in places:
        for column in places:
            expected = exact[np.ix_(np.ravel(places[row]), np.ravel(places[column]))]
            name = block_name(row, column)
            if name in blocks:
                found[name] = float(np.abs(blocks[name] - expected).max() / np.abs(exact).max())
            elif block_name(column, row) not in blocks:
                found[name] = float(np.abs(expected).max())
    return found


QUICK = ("classes", "split at the prediction")
DRAWN = [pytest.param(spec, id=name, marks=() if name in QUICK else pytest.mark.slow) for name, spec in LINEAR.items()]


@pytest.mark.parametrize("spec", DRAWN)
def test_every_printed_block_is_that_of_the_hessian(spec: str) -> None:
    found = errors(symmlp.derive(Network.parse(spec), second=("hessian",)))
    assert all(error <= 1e-13 for error in found.values()), found


def test_a_broken_block_is_noticed() -> None:
    derivation = symmlp.derive(Network.parse(CLASSES), second=("hessian",))
    broken = {
        name: tuple(replace(each, value=each.value.numerator) if each.target == "dZ2_dot" else each for each in group)  # type: ignore[attr-defined]
        for name, group in derivation.second.items()
    }
    found = errors(replace(derivation, second=broken))
    assert found[block_name("W2", "W2")] > 1e-3
    assert found[block_name("W1", "W1")] > 1e-3


def test_the_page_prints_blocks_of_the_parameters_asked_for_with_their_steps() -> None:
    derivation = symmlp.derive(Network.parse(CLASSES), second=("hessian",))
    text = derivation.text(wrt=["W2", "b2"])
    assert re.findall(r"^  (H\d+)  (∂²L/\S+) = (.*?)  \(", text, flags=re.MULTILINE) == [
        ("H5", "∂²L/∂W2∂W2", "ḋW2ᵀ (Ż2 • A1)"),
        ("H6", "∂²L/∂b2∂W2", "ḋb2ᵀ (Ż2 • A1)"),
        ("H7", "∂²L/∂b2∂b2", "ḋb2ᵀ Ż2"),
    ]
    assert "H7.2  = ḋb2ᵀ Ż2    [chain rule: " in text
    assert r"\frac{\partial^{2} L}{\partial W_{2} \, \partial W_{2}}" in derivation.latex()
    assert all(each.steps for group in derivation.second.values() for each in group)


def test_a_module_asked_for_the_hessian_has_it() -> None:
    assert "def hessian(" in symmlp.generate(Network.parse("3 -> 2 | mse"), with_=("hessian",))


@pytest.mark.parametrize(
    ("spec", "layout", "message"),
    [
        (SPECS["learned"], "batch", "hessian: the gradient of .* in layer 1 contains a parameter of the same op"),
        (CLASSES, "sample", "hessian: expected the layout batch, got sample"),
        ("3 -> 4 -> batch_norm -> 2 | mse", "batch", "hessian: not known for a network with batch normalization"),
    ],
    ids=["learned", "sample", "batch normalization"],
)
def test_what_has_no_blocks_is_refused_in_one_line(spec: str, layout: Any, message: str) -> None:
    with pytest.raises(UnsupportedError, match=f"^{message}"):
        symmlp.derive(Network.parse(spec), layout=layout, second=("hessian",))
