"""Optimizers that divide the gradient by its recent size: update equations only."""

from __future__ import annotations

import sympy as sp

from symmlp.catalog.entries import Maker
from symmlp.catalog.optimizer import Optimizer, Update, g, lr, theta
from symmlp.catalog.optimizer_parts import SQUARES, eps, epsilon, momentum, moved, rate, rho, share, u, v
from symmlp.catalog.parameters import Parameter

d, z, n, l1, l2 = sp.symbols("d z n l1 l2", real=True)


def _rmsprop(name: str) -> Optimizer:
    return Optimizer(
        name,
        "RMSprop",
        "RMSprop (Hinton, 2012)",
        (SQUARES, moved(lr * g / (sp.sqrt(v) + eps))),
        (v,),
        (rate(0.01), share("rho", 0.99), epsilon()),
        peers="PyTorch RMSprop, which calls rho alpha",
    )


def _rmsprop_momentum(name: str) -> Optimizer:
    return Optimizer(
        name,
        "RMSpropMomentum",
        "RMSprop with momentum",
        (SQUARES, Update(u, momentum * u + g / (sp.sqrt(v) + eps)), moved(lr * u)),
        (v, u),
        (rate(0.01), share("rho", 0.99), share("momentum", 0.9), epsilon()),
        peers="PyTorch RMSprop(momentum=0.9)",
    )


def _rmsprop_centered(name: str) -> Optimizer:
    return Optimizer(
        name,
        "RMSpropCentered",
        "RMSprop by an estimate of the variance (Graves, 2013)",
        (
            SQUARES,
            Update(u, rho * u + (1 - rho) * g),
            moved(lr * g / (sp.sqrt(v - u**2) + eps)),
        ),
        (v, u),
        (rate(0.01), share("rho", 0.99), epsilon()),
        peers="PyTorch RMSprop(centered=True)",
    )


def _rmsprop_keras(name: str) -> Optimizer:
    return Optimizer(
        name,
        "RMSpropKeras",
        "RMSprop with epsilon inside the root",
        (SQUARES, moved(lr * g / sp.sqrt(v + eps))),
        (v,),
        (rate(0.001), share("rho", 0.9), epsilon(1e-7)),
        peers="Keras RMSprop",
    )


def _rmsprop_momentum_keras(name: str) -> Optimizer:
    return Optimizer(
        name,
        "RMSpropMomentumKeras",
        "RMSprop with a velocity that holds the learning rate, epsilon inside the root",
        (SQUARES, Update(u, momentum * u + lr * g / sp.sqrt(v + eps)), moved(u)),
        (v, u),
        (rate(0.001), share("rho", 0.9), share("momentum", 0.9), epsilon(1e-7)),
        peers="Keras RMSprop(momentum=0.9)",
    )


def _rmsprop_centered_keras(name: str) -> Optimizer:
    return Optimizer(
        name,
        "RMSpropCenteredKeras",
        "RMSprop by an estimate of the variance, epsilon inside the root",
        (SQUARES, Update(u, rho * u + (1 - rho) * g), moved(lr * g / sp.sqrt(v - u**2 + eps))),
        (v, u),
        (rate(0.001), share("rho", 0.9), epsilon(1e-7)),
        peers="Keras RMSprop(centered=True)",
    )


def _ftrl(name: str) -> Optimizer:
    limited = sp.Max(-l1, sp.Min(l1, z))
    return Optimizer(
        name,
        "Ftrl",
        "Follow the regularized leader (McMahan et al., 2013)",
        (
            Update(n, v + g**2),
            Update(z, z + g - (sp.sqrt(n) - sp.sqrt(v)) / lr * theta),
            Update(theta, (limited - z) / (sp.sqrt(n) / lr + 2 * l2)),
            Update(v, n),
        ),
        (z, v),
        (
            rate(0.001),
            Parameter("l1", 0, at_least=0),
            Parameter("l2", 0, at_least=0),
            Parameter("initial", 0.1, above=0),
        ),
        starts=((v, sp.Symbol("initial", real=True)),),
        peers="Keras Ftrl with learning_rate_power=-0.5, which calls l1 and l2 l1_regularization_strength and so on",
    )


def _adagrad(name: str) -> Optimizer:
    return Optimizer(
        name,
        "Adagrad",
        "Adagrad (Duchi et al., 2011)",
        (Update(v, v + g**2), moved(lr * g / (sp.sqrt(v) + eps))),
        (v,),
        (rate(0.01), epsilon(1e-10), Parameter("initial", 0, at_least=0)),
        starts=((v, sp.Symbol("initial", real=True)),),
        peers="PyTorch Adagrad, which calls initial initial_accumulator_value",
    )


def _adagrad_keras(name: str) -> Optimizer:
    return Optimizer(
        name,
        "AdagradKeras",
        "Adagrad with epsilon inside the root",
        (Update(v, v + g**2), moved(lr * g / sp.sqrt(v + eps))),
        (v,),
        (rate(0.001), epsilon(1e-7), Parameter("initial", 0.1, at_least=0)),
        starts=((v, sp.Symbol("initial", real=True)),),
        peers="Keras Adagrad, which calls initial initial_accumulator_value",
    )


def _adadelta(name: str) -> Optimizer:
    return Optimizer(
        name,
        "Adadelta",
        "Adadelta (Zeiler, 2012)",
        (
            SQUARES,
            Update(d, sp.sqrt(u + eps) / sp.sqrt(v + eps) * g),
            moved(lr * d),
            Update(u, rho * u + (1 - rho) * d**2),
        ),
        (v, u),
        (rate(1.0), share("rho", 0.9), epsilon(1e-6)),
        peers="PyTorch Adadelta; Keras Adadelta [lr=0.001, rho=0.95, eps=1e-07]",
    )


SCALED_DESCENT: dict[str, Maker[Optimizer]] = {
    "rmsprop": _rmsprop,
    "rmsprop_momentum": _rmsprop_momentum,
    "rmsprop_centered": _rmsprop_centered,
    "rmsprop_keras": _rmsprop_keras,
    "rmsprop_momentum_keras": _rmsprop_momentum_keras,
    "rmsprop_centered_keras": _rmsprop_centered_keras,
    "adagrad": _adagrad,
    "adagrad_keras": _adagrad_keras,
    "adadelta": _adadelta,
    "ftrl": _ftrl,
}
