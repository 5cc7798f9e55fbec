"""Blocks of the Hessian as they are printed: evaluated, and compared with the complex step through the gradient."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction
from functools import cache

import pytest

import symmlp
from symmlp.derivation import Equation
from symmlp.document import PrintableDerivation
from symmlp.errors import UnsupportedError
from symmlp.graph import Layout
from symmlp.matrix import Add, Diagonal, Number, Product, walk
from symmlp.second_order.hessian import block_name
from symmlp.spec import Dense, Network
from tests.second_order.test_products import SPECS
from tests.second_order.values import Values, is_right

LAYOUTS: tuple[Layout, ...] = ("batch", "sample")


def penalized(penalty: str, **parameters: float) -> Network:
    layers = [Dense(4, "tanh"), Dense(2)]
    return Network(inputs=3, layers=layers, loss="mse", penalty=penalty, penalty_parameters=parameters)


NETWORKS = {
    **{name: Network.parse(spec) for name, spec in SPECS.items() if name != "statistics of a batch"},
    "learned slopes": Network.parse("3 -> 4 prelu -> 2 | mse"),
    "squares of the weights": penalized("l2", strength=0.1),
    "squares, by sample": penalized("half_l2_per_sample", alpha=0.3),
}


@cache
def derivation_of(name: str, layout: Layout = "batch") -> PrintableDerivation:
    asked = ("jacobian", "hessian")
    return symmlp.derive(NETWORKS[name], layout=layout, second=asked, almost_everywhere=name in KINKED)


def values_of(name: str, layout: Layout) -> Values:
    return Values.of(derivation_of(name, layout), almost_everywhere=name in KINKED)


KINKED = ("learned slopes",)
QUICK = ("classes", "learned slopes", "a loss of a row", "squares, by sample")
DRAWN = [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in NETWORKS]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", DRAWN)
def test_every_printed_block_is_that_of_the_hessian(name: str, layout: Layout) -> None:
    errors = values_of(name, layout).errors_of_blocks()
    assert is_right(errors), errors


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", [each for each in DRAWN if "layers" not in each.values])
def test_every_printed_jacobian_is_that_of_the_module(name: str, layout: Layout) -> None:
    errors = values_of(name, layout).errors_of_jacobians()
    assert is_right(errors), errors


def _doubled(equation: Equation) -> Equation:
    is_last = equation.target in ("dZ2_dot", "do2_dot")
    return replace(equation, value=Product((Number(Fraction(2)), equation.value))) if is_last else equation


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_broken_block_is_noticed(layout: Layout) -> None:
    derivation = derivation_of("classes", layout)
    broken = {name: tuple(map(_doubled, group)) for name, group in derivation.second.items()}
    found = Values.of(replace(derivation, second=broken)).errors_of_blocks()
    assert found[block_name("W2", "W2")] > 1e-3
    assert found[block_name("W1", "W1")] > 1e-3


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_penalty_of_squares_adds_a_multiple_of_the_identity(layout: Layout) -> None:
    groups = derivation_of("squares, by sample", layout).second.values()
    blocks = {each.target: each for group in groups for each in group}
    found = blocks[block_name("W1", "W1")].value
    assert isinstance(found, Add)
    assert isinstance(found.terms[-1], Diagonal)
    assert not any(isinstance(part, Diagonal) for part in walk(blocks[block_name("W2", "W1")].value))


def test_the_page_prints_blocks_of_the_parameters_asked_for_with_their_steps() -> None:
    derivation = symmlp.derive(NETWORKS["classes"], second=("hessian",))
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


def test_blocks_of_a_network_with_batch_normalization_are_refused_in_one_line() -> None:
    with pytest.raises(UnsupportedError, match="^hessian: not known for a network with batch normalization"):
        symmlp.derive(Network.parse("3 -> 4 -> batch_norm -> 2 | mse"), second=("hessian",))
