"""The exact check of equations beyond the gradient: right ones are zero differences, wrong ones are seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import cache

import pytest

from symmlp.derivation import Derivation, Equation
from symmlp.deriving import derive
from symmlp.matrix import Add, Node, Number, Product
from symmlp.second_order import ORDERS, with_second_order
from symmlp.spec import Network
from symmlp.verification import Check
from symmlp.verification.symbolic_beyond import check_beyond

SPECS = {
    "classes": "3 -> 4 tanh -> 2 softmax | cross_entropy",
    "split at the prediction": "3 -> 4 softplus -> 2 sigmoid | mse",
    "a learned slope": "3 -> 4 prelu -> 2 | mse",
    "a loss of a row": "3 -> 4 tanh -> 2 sigmoid | dice",
    "a residual connection": "4 -> 5 tanh -> 5 sigmoid -> add(layer=1) -> 2 | log_cosh",
    "normalized rows": "3 -> 5 -> rms_norm -> tanh -> concat(layer=0) -> 3 softmax | cross_entropy",
    "gates": "5 -> 4 swiglu -> 2 | cross_entropy_with_logits",
}
QUICK = ("classes",)
DRAWN = [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in SPECS]


@cache
def derivation_of(name: str) -> Derivation:
    return with_second_order(derive(Network.parse(SPECS[name])), ORDERS, almost_everywhere=True)


def checks_of(derivation: Derivation) -> dict[str, Check]:
    found = check_beyond(derivation.network, derivation.computed, derivation.second, 0)
    return {check.name: check for check in found}


@pytest.mark.parametrize("name", DRAWN)
def test_derived_equations_are_exact(name: str) -> None:
    checks = checks_of(derivation_of(name))
    assert len(checks) == 5
    assert all(check.ok for check in checks.values()), checks


def _doubled(value: Node) -> Node:
    return Product((Number(Fraction(2)), value))


def _without_last_term(value: Node) -> Node:
    assert isinstance(value, Add)
    return value.terms[0]


KINDS = {
    "symbolic, tangents": "jvp",
    "symbolic, Hessian-vector product": "hvp",
    "symbolic, Gauss-Newton product": "gauss_newton",
    "symbolic, Jacobian": "jacobian",
    "symbolic, Hessian blocks": "hessian",
}

BROKEN = {
    "a tangent": ("A1_dot", _doubled, "symbolic, tangents"),
    "a change without a term": ("dW2_dot", _without_last_term, "symbolic, Hessian-vector product"),
    "a cotangent of the loss": ("dZ2_hat", _doubled, "symbolic, Gauss-Newton product"),
    "a product": ("dW1_hat", _doubled, "symbolic, Gauss-Newton product"),
    "a Jacobian": ("J_W1", _doubled, "symbolic, Jacobian"),
    "a Jacobian of the inputs": ("J_X", _doubled, "symbolic, Jacobian"),
    "a block": ("H_W2__W1", _doubled, "symbolic, Hessian blocks"),
}


@pytest.mark.parametrize(("target", "change", "name"), BROKEN.values(), ids=BROKEN)
def test_a_wrong_equation_is_seen(target: str, change: Callable[[Node], Node], name: str) -> None:
    derivation, kind = derivation_of("classes"), KINDS[name]

    def written(equation: Equation) -> Equation:
        return replace(equation, value=change(equation.value)) if equation.target == target else equation

    # Tangents are what all others are made of.
    kept = {key: group for key, group in derivation.second.items() if key.startswith((kind, "jvp"))}
    broken = {key: tuple(map(written, group)) if key.startswith(kind) else group for key, group in kept.items()}
    assert broken != kept
    assert checks_of(replace(derivation, second=broken))[name].ok is False


def test_an_equation_that_is_missing_is_seen() -> None:
    derivation = derivation_of("classes")
    groups = {"jacobian": tuple(each for each in derivation.second["jacobian"] if each.target != "J_b1")}
    check = checks_of(replace(derivation, second=groups))["symbolic, Jacobian"]
    assert check.ok is False
    assert "no equation gives J_b1" in check.note
