"""Lowering: one statement an equation, one function a call, nothing lost and nothing invented."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from symmlp.catalog.optimizers import ALWAYS, OPTIMIZERS
from symmlp.derivation import Derivation
from symmlp.deriving import derive
from symmlp.errors import ProgramError
from symmlp.matrix import Call, Node, walk
from symmlp.program.ir import Program
from symmlp.program.lowering import PRIMITIVES, code_name, lower
from symmlp.spec import Network
from tests.printing.evaluation import evaluate

TEXTS = [
    "4 -> 5 tanh -> 3 softmax | cross_entropy",
    "4 -> 5 {x*tanh(log(1 + exp(x)))} -> 2 | {exp(p) - y*p}",
    "6 -> 2 sigmoid | bce",
    "3 -> 5 relu -> 4 elu -> 2 | mae",
]


@pytest.fixture(scope="module", params=TEXTS)
def derivation(request: pytest.FixtureRequest) -> Derivation:
    return derive(Network.parse(request.param))


@pytest.fixture(scope="module")
def program(derivation: Derivation) -> Program:
    return lower(derivation)


def test_every_equation_becomes_one_statement_of_its_id_name_shape_and_layer(
    derivation: Derivation, program: Program
) -> None:
    equations = (*derivation.forward, derivation.loss, *derivation.backward)
    found = [(each.id, each.target.name, each.target.shape, each.layer) for each in program.body]
    assert found == [(each.id, each.target, each.shape, each.layer) for each in equations]


def test_a_statement_computes_the_stable_form_and_shows_the_derived_one(
    derivation: Derivation, program: Program
) -> None:
    for equation, statement in zip((*derivation.forward, derivation.loss), program.body, strict=False):
        assert statement.value == equation.stable
        assert statement.formula == equation.value


def test_a_lowered_program_is_sound(program: Program) -> None:
    assert program.check() is program


def test_gradients_are_those_of_the_parameters_in_order(program: Program) -> None:
    assert program.gradients == tuple(f"d{parameter.name}" for parameter in program.parameters)


def _calls(nodes: Any) -> set[str]:
    return {part.function for node in nodes for part in walk(node) if isinstance(part, Call)}


def test_every_function_that_is_called_is_defined_or_primitive(program: Program) -> None:
    defined = {function.call for function in program.functions}
    called = _calls(statement.value for statement in program.body)
    called |= _calls(line for function in program.functions for line in function.lines)
    assert called <= defined | PRIMITIVES
    assert defined <= called


def test_functions_have_different_names_in_code(program: Program) -> None:
    names = list(program.names.values())
    assert len(names) == len(set(names))
    assert all(name.isidentifier() for name in names)


def test_a_slope_s_name_in_code_says_so() -> None:
    assert code_name("silu") == "silu"
    assert code_name("silu′") == "silu_slope"


def test_a_loss_of_one_s_own_does_not_take_the_name_of_the_module_s_loss() -> None:
    assert code_name("loss") == "entry_loss"
    assert code_name("loss′") == "entry_loss_slope"


def test_a_primitive_activation_is_called_and_not_defined() -> None:
    program = lower(derive(Network.parse("4 -> 5 tanh -> 3 | mse")))
    assert "tanh" in _calls(statement.value for statement in program.forward)
    assert "tanh" not in program.names


def test_an_expression_used_twice_is_defined_once() -> None:
    program = lower(derive(Network.parse("4 -> 5 {sin(x)*x} -> 3 {x*sin(x)} -> 2 | mse")))
    assert sorted(program.names) == ["f1", "f1′"]


def test_a_softmax_is_computed_from_rows_without_their_maximum() -> None:
    program = lower(derive(Network.parse("4 -> 3 softmax | mse")))
    (softmax,) = (function for function in program.functions if function.call == "softmax")
    Z = np.array([[1.0, 2.0, 800.0], [-5.0, 0.0, 5.0], [1e4, 1e4, -1e4], [3.0, 3.0, 3.0], [0.0, -700.0, 1.0]])
    known = {"Z": Z}
    for statement in softmax.statements:
        known[statement.target.name] = evaluate(statement.value, known)
    found = evaluate(softmax.result, known)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-15)


def test_update_equations_are_those_of_the_catalogue(program: Program) -> None:
    assert [update.name for update in program.updates] == list(ALWAYS)
    for update in program.updates:
        optimizer = OPTIMIZERS[update.name]
        assert [each.target.name for each in update.statements] == [each.target.name for each in optimizer.updates]
        assert update.optimizer == optimizer


def test_a_derivation_for_one_sample_is_not_lowered() -> None:
    with pytest.raises(ProgramError, match="^layout is 'sample'; expected 'batch' to generate code from$"):
        lower(derive(Network.parse("4 -> 3 | mse"), layout="sample"))


def test_cost_grows_with_kinds_of_functions_not_with_depth() -> None:
    deep = lower(derive(Network.parse("4" + " -> 3 silu -> 5 silu" * 30 + " -> 2 | mse")))
    assert sorted(deep.names) == ["silu", "silu′"]
    assert len(deep.forward) == 2 * 61


def walked(node: Node) -> int:
    """Return how many parts a node has."""
    return sum(1 for _ in walk(node))


def test_a_statement_s_size_does_not_grow_with_depth() -> None:
    shallow, deep = (lower(derive(Network.parse("4" + " -> 3 silu -> 5 silu" * n + " -> 2 | mse"))) for n in (1, 20))
    assert max(walked(each.value) for each in deep.body) == max(walked(each.value) for each in shallow.body)
