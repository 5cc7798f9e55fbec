"""For finite inputs a generated module raises no floating-point warning, except where the exact result overflows.

Every activation of the catalogue and every loss, with inputs that make pre-activations hostile: forward, loss, gradient
and a step of training under `np.errstate(all="raise", under="ignore")`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import cycle
from typing import Any
from unittest.mock import patch

import mpmath
import numpy as np
import pytest
import sympy as sp
from mpmath import mpf

from symmlp.calculus.exact import exact
from symmlp.catalog.activations import TABLE as ACTIVATIONS
from symmlp.catalog.losses import TABLE as LOSSES
from symmlp.render import Dtype
from symmlp.spec import Network
from symmlp.verification import evaluation
from symmlp.verification.layout import Layout
from symmlp.verification.reference import Definitions, Point
from tests.generated_modules import Array, executed, module_of, source_of

SIZES = (0.0, 1e-30, 1e-8, 0.25, 1.0, 3.0, 20.0, 88.0, 90.0, 700.0, 745.0, 1e4)
DTYPES: tuple[Dtype, ...] = ("float64", "float32")
SMALLEST = {"float64": 5e-324, "float32": 1e-45}
LARGEST = {"float64": 1e308, "float32": 3e38}
DIGITS, STEP = 1200, 400
"""Digits of the exact reference, and the exponent of the step of its difference quotients."""

OWN_OUTPUT = {"simplex": "softmax", "log simplex": "log_softmax", "unit interval": "sigmoid", "positive": "softplus"}
ENTRYWISE = tuple(name for name, loss in LOSSES.items() if not loss.pieces and not loss.totals)


def both_signs(sizes: Sequence[float], dtype: Dtype) -> Array:
    """Return inputs of these sizes, which make hostile pre-activations."""
    return np.array([[sign * size] for size in sizes for sign in (1, -1)]).astype(dtype)


def outermost(dtype: Dtype) -> tuple[float, ...]:
    """Return the smallest number, one whose square is too large, one whose cube is, and nearly the largest."""
    return SMALLEST[dtype], *((1e155, 1e200) if dtype == "float64" else (1e13, 1e20)), LARGEST[dtype]


def network_of(activation: str, loss: str) -> Network:
    """Return a network whose last activation is the one given, if the loss takes it, or else one that has it inside."""
    accepts = LOSSES[loss].accepts
    if ACTIVATIONS[activation].outputs in accepts:
        return Network.parse(f"1 -> 2 {activation} | {loss}")
    last = next((OWN_OUTPUT[kind] for kind in OWN_OUTPUT if kind in accepts and "real" not in accepts), "")
    return Network.parse(f"1 -> 2 {activation} -> 2 {last} | {loss}".replace("  ", " "))


def _targets(network: Network, count: int) -> Array:
    kinds = {
        "real": [[0.3, -2.0]],
        "unit interval": [[0.0, 1.0], [0.3, 1.0], [1.0, 0.0]],
        "classes": [[0.0, 1.0], [1.0, 0.0]],
        "nonnegative": [[0.0, 3.0], [1.0, 2.0]],
        "nonzero": [[-0.5, 2.0]],
        "signs": [[1.0, -1.0], [-1.0, 1.0]],
    }
    rows = cycle(kinds[network.loss_definition.targets])
    return np.array([next(rows) for _ in range(count)])


def _theta(module: object, network: Network, dtype: Dtype) -> Array:
    """Return parameters that pass the input on as it is to the first pre-activations, and keep the rest tame."""
    theta: Array = module.init_params(seed=0)  # type: ignore[attr-defined]
    views = module.unpack(theta)  # type: ignore[attr-defined]
    views.W1[...] = np.array([[1.0], [-1.0]])
    for name in ("W2", "W3"):
        if hasattr(views, name):
            getattr(views, name)[...] *= 1e-3
    return theta


def failing(network: Network, dtype: Dtype, sizes: Sequence[float] = SIZES, source: str | None = None) -> list[str]:
    """Return the points and functions at which the module warns, though no exact value overflows."""
    module = module_of(network, dtype) if source is None else executed(source)
    theta, found = _theta(module, network, dtype), []
    chosen = both_signs(sizes, dtype)
    for x, y in zip(chosen, _targets(network, len(chosen)).astype(dtype), strict=True):
        trainer = module.Trainer(theta.copy(), batch_size=1, optimizer="sgd", lr=1e-3)
        calls: dict[str, Callable[[], object]] = {
            "forward": partial(module.forward, theta, x[None]),
            "loss": partial(module.loss, theta, x[None], y[None]),
            "loss_and_grad": partial(module.loss_and_grad, theta, x[None], y[None]),
            "step": partial(trainer.step, x[None], y[None]),
        }
        warned = []
        for name, call in calls.items():
            with np.errstate(all="raise", under="ignore"):
                try:
                    call()
                except FloatingPointError as error:
                    warned.append(f"{name} at x = {x[0]:g}, y = {y}: {error}")
        if warned and not overflows(network, module, theta, x, y, dtype):
            found += warned
    return found


# What may warn: measured from the forward definitions, not listed


@patch.object(evaluation, "LARGEST_EXPONENT", mpmath.inf)
def overflows(network: Network, module: Any, theta: Array, x: Array, y: Array, dtype: Dtype) -> bool:
    """Return whether an activation, the loss, or a gradient on the way back is beyond the dtype in exact arithmetic.

    The loss is taken where it is really asked: at the prediction as a float, which may be a rounded 0 or 1.
    """
    with np.errstate(all="ignore"):
        prediction = module.forward(theta, x[None])[0].astype(float)
    if not np.all(np.isfinite(prediction)):
        return _is_beyond(_point(network, theta, x), dtype)
    value, sizes = network.loss_definition.value, []
    point = _point(network, theta, x)
    jacobian = _jacobian(network, point)
    for place, (p, target) in enumerate(zip(prediction, y.astype(float), strict=True)):
        at = {"p": float(p), "y": float(target)}
        back = _difference(value, "p", at)
        sizes += [abs(exact(value, at)), back, *(back * abs(row[place]) for row in jacobian)]
    largest = mpf(float(np.finfo(dtype).max))
    return _is_beyond(point, dtype) or any(not size <= largest / 2 for size in sizes)


def _point(network: Network, theta: Array, x: Array) -> Point:
    """Return everything that the network computes from one sample, exactly."""
    return Point.at(
        Definitions.of(network, evaluation.Evaluation(evaluation.precise(DIGITS))),
        theta.astype(float),
        x[None].astype(float),
    )


def _is_beyond(point: Point, dtype: Dtype) -> bool:
    """Return whether a pre-activation or an activation is no number of the dtype."""
    largest = mpf(float(np.finfo(dtype).max))
    rows = (row for layer in (*point.pre_activations, *point.activations) for row in layer)
    return any(abs(number) > largest for row in rows for number in row)


def _jacobian(network: Network, point: Point) -> list[list[Any]]:
    """Return ∂P/∂θ at one sample, of every entry of theta the prediction's entries, on the side where it is steeper."""
    step = mpf(10) ** -STEP
    (base,), found = point.activations[-1], []
    for parameter in Layout.of(network).parameters:
        for entry in np.ndindex(parameter.shape):
            sides = [point.prediction_at(parameter, entry, sign * step)[0] for sign in (1, -1)]
            found.append([max(abs(side[at] - here) / step for side in sides) for at, here in enumerate(base)])
    return found


def _difference(value: sp.Expr, name: str, at: dict[str, float]) -> Any:
    """Return how steep a definition is around a point, on the side where it is real; infinite if on neither."""
    with mpmath.workdps(700):
        centre, sides = mpf(at[name]), []
        step = max(abs(centre), mpf(10) ** -300) * mpf(10) ** -40
        here = exact(value, at)
        for sign in (1, -1):
            beside = exact(value, {**at, name: centre + sign * step})
            if mpmath.isfinite(beside) and mpmath.isfinite(here):
                sides.append(abs(beside - here) / step)
        return max(sides, default=mpmath.inf)


QUICK = (
    ("silu", "mse", "float64"),
    ("gelu", "huber", "float64"),
    ("sigmoid", "bce", "float64"),
    ("softmax", "cross_entropy", "float64"),
    ("identity", "bce_with_logits", "float64"),
    ("mish", "log_cosh", "float64"),
    ("identity", "log_cosh", "float32"),
)


@pytest.mark.parametrize(("activation", "loss", "dtype"), QUICK)
def test_finite_inputs_raise_no_floating_point_warning_in_frequent_networks(
    activation: str, loss: str, dtype: Dtype
) -> None:
    found = failing(network_of(activation, loss), dtype, (*SIZES, *outermost(dtype)))
    assert not found, "\n".join(found)


WARNING = dict.fromkeys(
    ("softmax", "softmin", "sparsemax"),
    "z - max(z) of a row is beyond the largest number; -∞ is right there, and clipping costs every step a pass",
)
"""Activations that warn at numbers of half the largest float and more, and why they do."""

OUTERMOST = [
    pytest.param(name, dtype, marks=[pytest.mark.xfail(strict=True, reason=WARNING[name])] if name in WARNING else [])
    for name in ACTIVATIONS
    for dtype in DTYPES
]
A_FEW = ("mse", "huber", "log_cosh", "bce_with_logits")
"""Losses that take what an activation makes of the outermost inputs: a function's code is the same beside any other."""


@pytest.mark.slow
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_finite_inputs_raise_no_floating_point_warning_with_any_loss(activation: str, dtype: Dtype) -> None:
    found = [f"{loss}: {each}" for loss in ENTRYWISE for each in failing(network_of(activation, loss), dtype)]
    assert not found, "\n".join(found)


@pytest.mark.slow
@pytest.mark.parametrize(("activation", "dtype"), OUTERMOST)
def test_neither_do_the_smallest_and_the_largest_inputs_of_any_activation(activation: str, dtype: Dtype) -> None:
    sizes = outermost(dtype)
    found = [f"{loss}: {each}" for loss in A_FEW for each in failing(network_of(activation, loss), dtype, sizes)]
    assert not found, "\n".join(found)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("loss", ENTRYWISE)
def test_nor_those_of_any_loss(loss: str, dtype: Dtype) -> None:
    found = failing(network_of("identity", loss), dtype, outermost(dtype))
    assert not found, "\n".join(found)


def test_an_exact_value_beyond_the_largest_number_is_measured() -> None:
    network = network_of("exponential", "mse")
    module = module_of(network)
    theta = _theta(module, network, "float64")
    y = np.array([0.3, -2.0])
    assert overflows(network, module, theta, np.array([745.0]), y, "float64")
    assert not overflows(network, module, theta, np.array([3.0]), y, "float64")


def test_a_module_that_overflows_is_found() -> None:
    network = network_of("sigmoid", "mse")
    text = source_of(network)
    broken = text.replace("t = np.exp(-np.abs(x))", "t = np.exp(-x)")
    assert broken != text
    assert failing(network, "float64", source=broken)
