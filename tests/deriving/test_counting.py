"""Rules are derived once for each kind of op; equations and steps are counted in their order."""

from __future__ import annotations

import pytest

from symmlp.calculus import rules
from symmlp.calculus.vjp import BackwardRule, backward_rule
from symmlp.catalog.layers import Op
from symmlp.deriving import derive
from symmlp.graph import Layout
from symmlp.spec import Network
from tests.deriving.by_hand import LAYOUTS, in_batch_names
from tests.strategies import drawn_networks


def counted_rules(monkeypatch: pytest.MonkeyPatch, own: Network, layout: Layout) -> list[tuple[str, str]]:
    """Return the (op, operand) pairs for which a rule is derived."""
    derived = []

    def counting(op: Op, operand: str, *, columns: bool = False) -> BackwardRule:
        derived.append((op.name, operand))
        return backward_rule(op, operand, columns=columns)

    monkeypatch.setattr(rules, "backward_rule", counting)
    derive(own, layout=layout)
    return derived


def deep(layers: int) -> Network:
    """Return a network of many layers whose sizes differ from those of their neighbours."""
    hidden = " -> ".join(f"{3 + number % 5} {('tanh', 'sine', 'relu')[number % 3]}" for number in range(layers - 1))
    return Network.parse(f"2 -> {hidden} -> 4 softmax | cross_entropy")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_rule_is_derived_once_for_each_kind_of_op(monkeypatch: pytest.MonkeyPatch, layout: Layout) -> None:
    expected = [("dense", "W"), ("dense", "X"), ("dense", "b"), ("elementwise", "Z"), ("loss", "P"), ("softmax", "Z")]
    for layers in (5, 50):
        assert sorted(counted_rules(monkeypatch, deep(layers), layout)) == expected


# Ids


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("own", drawn_networks(12), ids=Network.short)
def test_ids_count_forward_loss_backward_and_the_steps_of_each(own: Network, layout: Layout) -> None:
    derivation = derive(own, layout=layout)
    for letter, equations in (("F", derivation.forward), ("L", derivation.losses), ("B", derivation.backward)):
        assert [each.id for each in equations] == [f"{letter}{number}" for number in range(1, len(equations) + 1)]
    for equation in derivation.equations:
        assert [step.id for step in equation.steps] == [
            f"{equation.id}.{number}" for number in range(1, len(equation.steps) + 1)
        ]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_parameter_and_what_lies_between_has_one_backward_equation(layout: Layout) -> None:
    derivation = derive(Network.parse("4 -> 5 tanh -> 3 softmax | cross_entropy"), layout=layout)
    targets = [in_batch_names(each.target.removeprefix("d")) for each in derivation.backward]
    assert targets == ["P", "Z2", "W2", "b2", "A1", "Z1", "W1", "b1"]


def test_updates_are_counted_through_all_optimizers() -> None:
    derivation = derive(Network.parse("4 -> 3 | mse"))
    ids = [each.id for equations in derivation.updates.values() for each in equations]
    assert len(derivation.updates) > 1
    assert ids == [f"U{number}" for number in range(1, len(ids) + 1)]


def test_an_id_names_one_equation_or_one_step() -> None:
    derivation = derive(Network.parse("4 -> 5 tanh -> 3 softmax | cross_entropy"))
    ids = [*(each.id for each in derivation.equations), *(each.id for each in derivation.steps)]
    assert len({*ids}) == len(ids)
