"""Updates with fewer passes are the catalogue's updates, to fifty digits."""

from __future__ import annotations

from fractions import Fraction

import pytest
import sympy as sp

from symmlp.calculus.lean_update import LeanUpdate, lean
from symmlp.catalog.optimizer import Optimizer, g, t, theta
from symmlp.catalog.optimizers import OPTIMIZERS
from symmlp.deriving import derive
from symmlp.program.lowering import lower
from symmlp.program.update_plan import plan_update
from symmlp.spec import Network

UPDATES = {update.name: update for update in lower(derive(Network.parse("4 -> 3 tanh -> 2 | mse"))).updates}
GRADIENTS = [Fraction(3, 7), Fraction(-5, 2), Fraction(1, 9)]


def settings(optimizer: Optimizer) -> dict[sp.Symbol, sp.Expr]:
    return {symbol: sp.Rational(number + 2, 17 + number) for number, (symbol, _) in enumerate(optimizer.defaults)}


def starts(optimizer: Optimizer) -> dict[sp.Symbol, sp.Expr]:
    return {state: optimizer.start_of(state).xreplace(settings(optimizer)) for state in optimizer.state}


def by_catalogue(optimizer: Optimizer) -> list[sp.Expr]:
    """Return θ after each of the gradients, as the equations of the catalogue have it."""
    values = {theta: sp.Integer(2), **starts(optimizer), **settings(optimizer)}
    path = []
    for count, gradient in enumerate(GRADIENTS, start=1):
        values |= {g: sp.Rational(gradient.numerator, gradient.denominator), t: sp.Integer(count)}
        for update in optimizer.updates:
            values[update.target] = update.value.xreplace(values)
        path.append(values[theta])
    return path


def by_lean_update(optimizer: Optimizer, leaner: LeanUpdate) -> list[sp.Expr]:
    values = {theta: sp.Integer(2), **starts(optimizer), **settings(optimizer)}
    path = []
    for count, gradient in enumerate(GRADIENTS, start=1):
        values |= {g: sp.Rational(gradient.numerator, gradient.denominator), t: sp.Integer(count)}
        for equations in (leaner.scalars, leaner.updates):
            for target, value in equations.items():
                values[target] = value.xreplace(values)
        path.append(values[theta])
    return path


def gap(first: sp.Expr, second: sp.Expr) -> float:
    """Return the difference of two exact numbers, computed in 60 digits."""
    return abs(float(first.evalf(60) - second.evalf(60)))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_fewer_passes_give_the_same_parameters(name: str) -> None:
    optimizer = OPTIMIZERS[name]
    pairs = zip(by_catalogue(optimizer), by_lean_update(optimizer, lean(optimizer)), strict=True)
    assert all(gap(first, second) < 1e-50 for first, second in pairs)


def test_a_wrong_scale_is_noticed() -> None:
    adam = OPTIMIZERS["adam"]
    leaner = lean(adam)
    (state, *_) = adam.state
    broken = LeanUpdate(leaner.scalars, {**leaner.updates, state: leaner.updates[state] * 2}, leaner.scales)
    assert gap(by_catalogue(adam)[0], by_lean_update(adam, broken)[0]) > 1e-3


def test_adam_takes_ten_passes() -> None:
    assert sum(len(part) for part in plan_update(UPDATES["adam"]).instructions) == 10


def test_nothing_that_depends_on_no_vector_is_computed_entry_by_entry() -> None:
    vectors = {symbol.name for symbol in OPTIMIZERS["adam"].vectors}
    plan = plan_update(UPDATES["adam"])
    assert all(each.reads & (vectors | set(plan.scratch)) for part in plan.instructions for each in part)
