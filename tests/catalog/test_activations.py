"""The catalogue of activations: values, and slopes at the kinks, which are PyTorch's; other names; what is left out."""

from __future__ import annotations

import math

import pytest
import sympy as sp

from symmlp.calculus.exact import exact
from symmlp.calculus.functions import ElementFunction
from symmlp.catalog import activations, losses
from symmlp.catalog.activations import ALIASES, TABLE, Activation, activation, x
from symmlp.errors import SpecError

SELU_AT_ZERO = 1.0507009873554805 * 1.6732632423543772

KINKS: list[tuple[str, float, float]] = [
    ("relu", 0, 0),
    ("leaky_relu", 0, 0.01),
    ("leaky_relu(alpha=0.2)", 0, 0.2),
    ("rrelu", 0, 11 / 48),
    ("relu6", 0, 0),
    ("relu6", 6, 0),
    ("elu", 0, 1),
    ("elu(alpha=2)", 0, 2),
    ("elu(alpha=0.5)", 0, 0.5),
    ("celu(alpha=2)", 0, 1),
    ("selu", 0, SELU_AT_ZERO),
    ("hard_sigmoid", -3, 0),
    ("hard_sigmoid", 3, 0),
    ("hard_swish", -3, 0),
    ("hard_swish", 3, 1),
    ("hard_tanh", -1, 0),
    ("hard_tanh", 1, 0),
    ("hard_tanh(low=-2, high=3)", 3, 0),
    ("softsign", 0, 1),
    ("softshrink", -0.5, 0),
    ("softshrink", 0.5, 0),
    ("hardshrink", -0.5, 0),
    ("hardshrink", 0.5, 0),
    ("threshold", 0, 0),
    ("threshold(threshold=2, value=-1)", 2, 0),
    ("sparse_plus", -1, 0),
    ("sparse_plus", 1, 1),
    ("sparse_sigmoid", -1, 0),
    ("sparse_sigmoid", 1, 0),
]


def slope_at(entry: Activation, point: float) -> float:
    """Return the derived slope, in the form in which it is computed."""
    function = ElementFunction.derive(entry.name, entry.value, (x,), care="quick")
    return float(exact(function.stable_derivative, {"x": point}))


@pytest.mark.parametrize(("text", "point", "expected"), KINKS)
def test_the_slope_at_a_kink_is_that_of_pytorch(text: str, point: float, expected: float) -> None:
    assert math.isclose(slope_at(activation(text), point), expected, rel_tol=1e-15)


def test_a_slope_that_takes_the_other_side_is_noticed() -> None:
    other = Activation("relu", sp.Piecewise((x, x >= 0), (0, True)))
    assert slope_at(other, 0) == 1 != slope_at(activation("relu"), 0)


VALUES: list[tuple[str, float, float]] = [
    ("leaky_relu", -2, -0.02),
    ("rrelu", -48, -11),
    ("relu6", 7, 6),
    ("elu(alpha=2)", -1, 2 * math.expm1(-1)),
    ("celu(alpha=2)", -1, 2 * math.expm1(-0.5)),
    ("selu", 2, 2 * 1.0507009873554805),
    ("softplus(beta=2)", 1, math.log1p(math.exp(2)) / 2),
    ("silu(beta=2)", 1, 1 / (1 + math.exp(-2))),
    ("hard_sigmoid", 1, 4 / 6),
    ("hard_swish", -1, -2 / 6),
    ("softshrink", 2, 1.5),
    ("softshrink", -2, -1.5),
    ("softshrink(threshold=1)", 0.75, 0),
    ("hardshrink", 2, 2),
    ("hardshrink", 0.25, 0),
    ("threshold(threshold=2, value=-1)", 1, -1),
    ("squareplus(b=9)", -4, 0.5),
    ("sparse_plus", 0, 0.25),
    ("sparse_plus", 5, 5),
    ("sparse_sigmoid", 0.5, 0.75),
    ("snake(a=2)", 1, 1 + math.sin(2) ** 2 / 2),
    ("gaussian", 2, math.exp(-4)),
    ("sine(omega=30)", 1, math.sin(30)),
]


@pytest.mark.parametrize(("text", "point", "expected"), VALUES)
def test_the_value_is_that_of_the_formula(text: str, point: float, expected: float) -> None:
    assert math.isclose(float(exact(activation(text).value, {"x": point})), expected, rel_tol=1e-14)


@pytest.mark.parametrize("alias", ALIASES)
def test_every_alias_leads_to_an_entry_and_is_none_itself(alias: str) -> None:
    assert activation(alias) == TABLE[ALIASES[alias]]
    assert alias not in TABLE


def test_names_are_unique_across_the_catalogue() -> None:
    # The functions of one module come from both tables, and its code calls them by these names.
    assert not set(TABLE) & set(losses.TABLE)


@pytest.mark.parametrize("name", TABLE)
def test_no_entry_keeps_a_symbol_of_a_parameter(name: str) -> None:
    parameters = {each.symbol for each in TABLE[name].parameters}
    assert not TABLE[name].value.free_symbols & parameters


@pytest.mark.parametrize("name", [name for name, entry in TABLE.items() if entry.family])
def test_a_definition_depends_on_each_of_its_parameters(name: str) -> None:
    family = TABLE[name].family
    assert family is not None
    assert {each.symbol for each in family.parameters} == family.definition.free_symbols - {x}


def test_a_misspelt_alias_is_corrected() -> None:
    with pytest.raises(SpecError, match="did you mean 'swish'"):
        activation("swihs")


def test_the_module_types_in_no_derivative() -> None:
    assert not any(hasattr(activations, name) for name in ("slope", "derivative", "gradient"))
