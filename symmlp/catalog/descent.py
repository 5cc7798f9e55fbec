"""Optimizers that move along the gradient, a momentum or their signs: update equations only."""

from __future__ import annotations

import sympy as sp

from symmlp.catalog.entries import Maker
from symmlp.catalog.optimizer import Optimizer, Update, g, lr, t, theta
from symmlp.catalog.optimizer_parts import beta1, beta2, m, momentum, moved, rate, share
from symmlp.catalog.parameters import Parameter

v, s, d, c, last = sp.symbols("v size d c last", real=True)
average, shrinking, share_of_new, decay, power, start = sp.symbols("average eta share decay power start", real=True)
grow, shrink, smallest, largest = sp.symbols("grow shrink smallest largest", real=True)


def _sgd(name: str) -> Optimizer:
    return Optimizer(
        name, "SGD", "Stochastic gradient descent", (moved(lr * g),), (), (rate(0.01),), peers="PyTorch, Keras SGD"
    )


def _with_momentum(name: str) -> Optimizer:
    return Optimizer(
        name,
        "Momentum",
        "Gradient descent with momentum (Polyak, 1964)",
        (Update(v, momentum * v + g), moved(lr * v)),
        (v,),
        (rate(0.01), share("momentum", 0.9)),
        peers="PyTorch SGD(momentum=0.9)",
    )


def _nesterov(name: str) -> Optimizer:
    return Optimizer(
        name,
        "Nesterov",
        "Gradient descent with Nesterov's momentum",
        (Update(v, momentum * v + g), moved(lr * (g + momentum * v))),
        (v,),
        (rate(0.01), share("momentum", 0.9)),
        peers="PyTorch SGD(momentum=0.9, nesterov=True)",
    )


def _averaged(name: str) -> Optimizer:
    eta = lr / (1 + decay * lr * (t - 1)) ** power
    return Optimizer(
        name,
        "ASGD",
        "Averaged stochastic gradient descent (Polyak and Juditsky, 1992); the mean is kept as the state `average`",
        (
            Update(shrinking, eta),
            Update(share_of_new, 1 / sp.Max(1, t - 1 - start)),
            Update(theta, theta * (1 - decay * shrinking) - shrinking * g),
            Update(average, average + share_of_new * (theta - average)),
        ),
        (average,),
        (
            rate(0.01),
            Parameter("decay", 1e-4, at_least=0),
            Parameter("power", 0.75, at_least=0),
            Parameter("start", 1e6, at_least=0),
        ),
        numbers=(shrinking, share_of_new),
        peers="PyTorch ASGD, which calls decay lambd, power alpha, start t0 and average ax",
    )


def _with_velocity(name: str) -> Optimizer:
    return Optimizer(
        name,
        "MomentumKeras",
        "Gradient descent with a velocity that holds the learning rate",
        (Update(v, momentum * v - lr * g), Update(theta, theta + v)),
        (v,),
        (rate(0.01), share("momentum", 0.9)),
        peers="Keras SGD(momentum=0.9), scikit-learn sgd with nesterovs_momentum=False",
    )


def _nesterov_with_velocity(name: str) -> Optimizer:
    return Optimizer(
        name,
        "NesterovKeras",
        "Nesterov's momentum with a velocity that holds the learning rate",
        (Update(v, momentum * v - lr * g), Update(theta, theta + momentum * v - lr * g)),
        (v,),
        (rate(0.01), share("momentum", 0.9)),
        peers="Keras SGD(momentum=0.9, nesterov=True), scikit-learn sgd [lr=0.001]",
    )


def _lion(name: str) -> Optimizer:
    return Optimizer(
        name,
        "Lion",
        "Lion: the sign of a momentum (Chen et al., 2023)",
        (
            Update(c, beta1 * m + (1 - beta1) * g),
            moved(lr * sp.sign(c)),
            Update(m, beta2 * m + (1 - beta2) * g),
        ),
        (m,),
        (rate(0.001), share("beta1", 0.9), share("beta2", 0.99)),
        peers="Keras Lion",
    )


def _rprop(name: str) -> Optimizer:
    agreed = sp.sign(g * last)
    changed = grow ** sp.Max(0, d) * shrink ** sp.Max(0, -d)
    return Optimizer(
        name,
        "Rprop",
        "Resilient backpropagation (Riedmiller and Braun, 1993)",
        (
            Update(d, agreed),
            Update(s, sp.Max(smallest, sp.Min(largest, s * changed))),
            Update(last, g * (1 - sp.Max(0, -d))),
            moved(s * sp.sign(last)),
        ),
        (s, last),
        (
            rate(0.01),
            Parameter("shrink", 0.5, above=0),
            Parameter("grow", 1.2, above=0),
            Parameter("smallest", 1e-6, above=0),
            Parameter("largest", 50.0, above=0),
        ),
        starts=((s, lr),),
        peers="PyTorch Rprop, which calls shrink and grow etas, smallest and largest step_sizes",
    )


DESCENT: dict[str, Maker[Optimizer]] = {
    "sgd": _sgd,
    "momentum": _with_momentum,
    "nesterov": _nesterov,
    "momentum_keras": _with_velocity,
    "asgd": _averaged,
    "nesterov_keras": _nesterov_with_velocity,
    "lion": _lion,
    "rprop": _rprop,
}
