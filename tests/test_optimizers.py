"""Every optimizer of the catalogue, in every style, follows its equations; schedules are formulas of the update."""

from __future__ import annotations

import ast
import math
from types import ModuleType

import numpy as np
import pytest
import sympy as sp

from symmlp.catalog.optimizer import OPTIONS, Optimizer, g, t, theta
from symmlp.catalog.optimizers import OPTIMIZERS
from symmlp.catalog.parameters import Settings
from symmlp.catalog.schedules import SCHEDULES, schedule
from symmlp.errors import SpecError
from symmlp.generation import generate
from symmlp.spec import Network
from tests.generated_modules import Array, executed

SPEC = {"inputs": 4, "layers": [{"units": 3, "activation": "tanh"}, {"units": 2}], "loss": "mse"}
STEPS = 7


def network(**fields: object) -> Network:
    return Network.model_validate({**SPEC, **fields})


def path(module: ModuleType, optimizer: str) -> tuple[Array, list[Array]]:
    """Return the parameters after some steps, and the gradients on the way."""
    generator = np.random.default_rng(5)
    X, Y = generator.normal(size=(5, 4)), generator.normal(size=(5, 2))
    parameters = module.init_params(2)
    trainer = module.Trainer(parameters, batch_size=5)
    assert optimizer in module.OPTIMIZERS
    gradients = []
    for _ in range(STEPS):
        gradients.append(module.loss_and_grad(parameters, X, Y)[1])
        trainer.step(X, Y)
    return parameters, gradients


def by_equations(optimizer: Optimizer, start: Array, gradients: list[Array]) -> Array:
    """Return the parameters after updates by the catalogue's own equations, entry by entry in 30 digits."""
    settings = {symbol: sp.Float(value, 30) for symbol, value in optimizer.defaults}
    moved = []
    for entry, first in enumerate(start):
        values = {theta: sp.Float(float(first), 30)} | settings
        values |= {each: optimizer.start_of(each).xreplace(settings) for each in optimizer.state}
        for count, gradient in enumerate(gradients, start=1):
            values |= {g: sp.Float(float(gradient[entry]), 30), t: sp.Integer(count)}
            for update in optimizer.updates:
                values[update.target] = update.value.xreplace(values).evalf(30)
        moved.append(float(values[theta]))
    return np.array(moved)


@pytest.mark.parametrize("style", ["plain", "buffered"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_steps_follow_the_equations_of_the_catalogue(name: str, style: str) -> None:
    net = network(optimizer=name)
    module = executed(generate(net, style=style))
    found, gradients = path(module, name)
    (own,) = (each for each in net.optimizers if each.name == name)
    few = slice(0, 5)
    expected = by_equations(own, module.init_params(2)[few], [each[few] for each in gradients])
    np.testing.assert_allclose(found[few], expected, rtol=1e-11, atol=1e-13)


def test_every_scheduled_rate_is_that_of_its_formula() -> None:
    for name in SCHEDULES:
        net = network(optimizer="sgd(lr=0.05)", schedule=name)
        module = executed(generate(net))
        found, gradients = path(module, "sgd")
        moved = module.init_params(2)
        plan = schedule(name, Settings())
        numbers = {each.symbol: sp.Float(float(each.default), 30) for each in plan.parameters}
        numbers[sp.Symbol("lr", real=True)] = sp.Float("0.05", 30)
        for count, gradient in enumerate(gradients, start=1):
            moved = moved - float(plan.value.xreplace({**numbers, t: sp.Integer(count)})) * gradient
        np.testing.assert_allclose(found, moved, rtol=1e-12, atol=1e-14, err_msg=name)


def test_a_schedule_may_be_an_expression() -> None:
    module = executed(generate(network(optimizer="sgd", schedule="lr*where(t < 3, 1, 0.1)")))
    found, gradients = path(module, "sgd")
    expected = module.init_params(2) - 0.01 * sum(gradients[:2]) - 0.001 * sum(gradients[2:])
    np.testing.assert_allclose(found, expected, rtol=1e-13)


@pytest.mark.parametrize("style", ["plain", "buffered"])
@pytest.mark.parametrize("option", sorted(set(OPTIONS) - {"ema"}))
def test_an_option_adds_its_equation(option: str, style: str) -> None:
    net = network(optimizer=f"sgd({option}=0.125)")
    module = executed(generate(net, style=style))
    found, gradients = path(module, "sgd")
    expected = module.init_params(2)
    for gradient in gradients:
        pulled = {
            "weight_decay": gradient + 0.125 * expected,
            "decoupled_weight_decay": gradient + 0.125 * expected,
            "clip_value": np.clip(gradient, -0.125, 0.125),
            "clip_norm": gradient * min(1.0, 0.125 / (np.sqrt(np.sum(gradient**2)) + 1e-6)),
        }[option]
        expected = expected - 0.01 * pulled
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("style", ["plain", "buffered"])
def test_the_moving_average_begins_with_the_first_update_and_leaves_the_updates_as_they_are(style: str) -> None:
    X, Y = np.random.default_rng(5).normal(size=(2, 5, 4))
    Y, average, start = Y[:, :2], None, executed(generate(network(), style=style)).init_params(2)
    averaging, usual = (
        executed(generate(network(optimizer=text), style=style)) for text in ("sgd(ema=0.75)", "sgd(lr=0.01)")
    )
    settings = {"batch_size": 5, "shuffle": False}
    for epochs in range(1, 5):
        moved = usual.fit(X, Y, theta=start, epochs=epochs, **settings).theta
        average = moved if average is None else 0.75 * average + 0.25 * moved
        found = averaging.fit(X, Y, theta=start, epochs=epochs, **settings)
        np.testing.assert_array_equal(found.theta, moved)
        np.testing.assert_allclose(found.averaged, average, rtol=1e-13)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"optimizer": "adma"}, "optimizer: unknown optimizer 'adma'; did you mean 'adamax'?"),
        ({"optimizer": "adam(lr=-1)"}, "optimizer_parameters.lr: expected a number > 0, got -1"),
        ({"schedule": "cosin"}, "schedule: unknown schedule 'cosin'; did you mean 'cosine'?"),
        ({"schedule": "step(gama=1)"}, "schedule_parameters: unknown parameter 'gama' of step; did you mean 'gamma'?"),
    ],
    ids=str,
)
def test_a_mistake_is_told_in_one_line(fields: dict[str, str], message: str) -> None:
    with pytest.raises(SpecError) as caught:
        network(**fields)
    assert str(caught.value) == message


def test_a_default_costs_no_word_in_the_spec() -> None:
    assert "optimizer" not in network(optimizer="adam").as_dict()
    assert network(optimizer="adamw(lr=0.5)").as_dict()["optimizer_parameters"] == {"lr": 0.5}
    again = network(optimizer="adamw(lr=0.5)", schedule="cosine(total=9)")
    assert Network.model_validate(again.as_dict()) == again
    assert math.isclose({s.name: v for s, v in again.optimizers[-1].defaults}["lr"], 0.5)


def test_a_network_is_given_another_optimizer() -> None:
    net = network(optimizer="adamw(lr=0.5)", schedule="cosine")
    other = net.with_optimizer("lion(lr=0.25)")
    assert (other.optimizer, dict(other.optimizer_parameters), other.schedule) == ("lion", {"lr": 0.25}, "cosine")
    assert net.with_optimizer(None) == net
    with pytest.raises(SpecError, match="optimizer: unknown optimizer 'lyon'; did you mean 'lion'?"):
        net.with_optimizer("lyon")


@pytest.mark.parametrize("name", SCHEDULES)
def test_no_compiled_loop_writes_over_a_number_that_it_is_given(name: str) -> None:
    for optimizer in OPTIMIZERS if name == "cosine" else ("adamw",):
        source = generate(network(optimizer=optimizer, schedule=name), target="numba")
        loops = [
            node
            for node in ast.parse(source).body
            if isinstance(node, ast.FunctionDef) and node.name.endswith("_epoch")
        ]
        assert len(loops) >= 2
        for loop in loops:
            given = {each.arg for each in loop.args.args}
            stored = {
                each.id for each in ast.walk(loop) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
            }
            assert given & stored <= {"t"}
