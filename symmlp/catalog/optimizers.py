"""Optimizers: update equations on the flat parameter vector, defined once and printed and generated from here.

Formulas and defaults follow PyTorch; entries whose names end in `_keras` follow Keras where it differs: epsilon inside
the root, or beside the root of the moment without its correction; velocities that hold the learning rate.
"""

from __future__ import annotations

import sympy as sp

from symmlp.catalog.entries import Entries
from symmlp.catalog.optimizer import Optimizer, Update, g, lr, t, theta, with_settings
from symmlp.catalog.parameters import Parameter, Settings, named_call
from symmlp.errors import SpecError, did_you_mean, shown

m, v, u, w, s, d, c, q, last = sp.symbols("m v u v_max size d c product last", real=True)
m_hat, v_hat, w_hat = sp.symbols("m_hat v_hat w_hat", real=True)
beta1, beta2, eps, momentum, rho, weight_decay, psi = sp.symbols(
    "beta1 beta2 eps momentum rho weight_decay momentum_decay", real=True
)
mu, mu_next, factor, rho_t, rectified, plain = sp.symbols("mu mu_next factor rho_t rectified plain", real=True)
grow, shrink, smallest, largest = sp.symbols("grow shrink smallest largest", real=True)


def _share(name: str, default: float) -> Parameter:
    return Parameter(name, default, at_least=0, below=1)


def _rate(default: float) -> Parameter:
    return Parameter("lr", default, above=0)


def _eps(default: float = 1e-8) -> Parameter:
    return Parameter("eps", default, above=0)


_BETAS = (_share("beta1", 0.9), _share("beta2", 0.999))
_MOMENTS = (Update(m, beta1 * m + (1 - beta1) * g), Update(v, beta2 * v + (1 - beta2) * g**2))
_CORRECTED = (Update(m_hat, m / (1 - beta1**t)), Update(v_hat, v / (1 - beta2**t)))
_SQUARES = Update(v, rho * v + (1 - rho) * g**2)
_ADAM = lr * m_hat / (sp.sqrt(v_hat) + eps)
_FACTOR = Update(factor, lr * sp.sqrt(1 - beta2**t) / (1 - beta1**t))


def _moved(step: sp.Expr) -> Update:
    """Return the last equation: θ ← θ - step."""
    return Update(theta, theta - step)


def _sgd(name: str) -> Optimizer:
    return Optimizer(
        name, "SGD", "Stochastic gradient descent", (_moved(lr * g),), (), (_rate(0.01),), peers="PyTorch, Keras SGD"
    )


def _with_momentum(name: str) -> Optimizer:
    return Optimizer(
        name,
        "Momentum",
        "Gradient descent with momentum (Polyak, 1964)",
        (Update(v, momentum * v + g), _moved(lr * v)),
        (v,),
        (_rate(0.01), _share("momentum", 0.9)),
        peers="PyTorch SGD(momentum=0.9)",
    )


def _nesterov(name: str) -> Optimizer:
    return Optimizer(
        name,
        "Nesterov",
        "Gradient descent with Nesterov's momentum",
        (Update(v, momentum * v + g), _moved(lr * (g + momentum * v))),
        (v,),
        (_rate(0.01), _share("momentum", 0.9)),
        peers="PyTorch SGD(momentum=0.9, nesterov=True)",
    )


def _with_velocity(name: str) -> Optimizer:
    return Optimizer(
        name,
        "MomentumKeras",
        "Gradient descent with a velocity that holds the learning rate",
        (Update(v, momentum * v - lr * g), Update(theta, theta + v)),
        (v,),
        (_rate(0.01), _share("momentum", 0.9)),
        peers="Keras SGD(momentum=0.9), scikit-learn sgd with nesterovs_momentum=False",
    )


def _nesterov_with_velocity(name: str) -> Optimizer:
    return Optimizer(
        name,
        "NesterovKeras",
        "Nesterov's momentum with a velocity that holds the learning rate",
        (Update(v, momentum * v - lr * g), Update(theta, theta + momentum * v - lr * g)),
        (v,),
        (_rate(0.01), _share("momentum", 0.9)),
        peers="Keras SGD(momentum=0.9, nesterov=True), scikit-learn sgd [lr=0.001]",
    )


def _adam(name: str) -> Optimizer:
    return Optimizer(
        name,
        "Adam",
        "Adam: adaptive moment estimation",
        (*_MOMENTS, *_CORRECTED, _moved(_ADAM)),
        (m, v),
        (_rate(0.001), *_BETAS, _eps()),
        peers="PyTorch Adam",
    )


def _adam_keras(name: str) -> Optimizer:
    return Optimizer(
        name,
        "AdamKeras",
        "Adam with epsilon beside the root of the moment as it is (Kingma and Ba, 2015, end of section 2)",
        (*_MOMENTS, _FACTOR, _moved(factor * m / (sp.sqrt(v) + eps))),
        (m, v),
        (_rate(0.001), *_BETAS, _eps(1e-7)),
        numbers=(factor,),
        peers="Keras Adam, scikit-learn adam [eps=1e-08]",
    )


def _adamw(name: str) -> Optimizer:
    return Optimizer(
        name,
        "AdamW",
        "Adam with decoupled weight decay (Loshchilov and Hutter, 2019)",
        (*_MOMENTS, *_CORRECTED, _moved(_ADAM + lr * weight_decay * theta)),
        (m, v),
        (_rate(0.001), *_BETAS, _eps(), Parameter("weight_decay", 0.01, at_least=0)),
        peers="PyTorch AdamW",
    )


def _adamw_keras(name: str) -> Optimizer:
    return Optimizer(
        name,
        "AdamWKeras",
        "Adam as Keras has it, with decoupled weight decay",
        (*_MOMENTS, _FACTOR, _moved(factor * m / (sp.sqrt(v) + eps) + lr * weight_decay * theta)),
        (m, v),
        (_rate(0.001), *_BETAS, _eps(1e-7), Parameter("weight_decay", 0.004, at_least=0)),
        numbers=(factor,),
        peers="Keras AdamW",
    )


def _amsgrad(name: str) -> Optimizer:
    return Optimizer(
        name,
        "AMSGrad",
        "Adam with the largest second moment so far (Reddi et al., 2018)",
        (
            *_MOMENTS,
            Update(w, sp.Max(w, v)),
            _CORRECTED[0],
            Update(w_hat, w / (1 - beta2**t)),
            _moved(lr * m_hat / (sp.sqrt(w_hat) + eps)),
        ),
        (m, v, w),
        (_rate(0.001), *_BETAS, _eps()),
        peers="PyTorch Adam(amsgrad=True)",
    )


def _adamax(name: str) -> Optimizer:
    return Optimizer(
        name,
        "Adamax",
        "Adam with the infinity norm (Kingma and Ba, 2015)",
        (
            _MOMENTS[0],
            Update(u, sp.Max(beta2 * u, sp.Abs(g) + eps)),
            _CORRECTED[0],
            _moved(lr * m_hat / u),
        ),
        (m, u),
        (_rate(0.002), *_BETAS, _eps()),
        peers="PyTorch Adamax",
    )


def _adamax_keras(name: str) -> Optimizer:
    return Optimizer(
        name,
        "AdamaxKeras",
        "Adamax with epsilon added to the norm",
        (
            _MOMENTS[0],
            Update(u, sp.Max(beta2 * u, sp.Abs(g))),
            _CORRECTED[0],
            _moved(lr * m_hat / (u + eps)),
        ),
        (m, u),
        (_rate(0.001), *_BETAS, _eps(1e-7)),
        peers="Keras Adamax",
    )


def _nadam(name: str) -> Optimizer:
    ahead = mu_next * m / (1 - mu_next * q) + (1 - mu) * g / (1 - q)
    return Optimizer(
        name,
        "NAdam",
        "Adam with Nesterov's momentum (Dozat, 2016)",
        (
            Update(mu, beta1 * (1 - sp.Rational("0.96") ** (t * psi) / 2)),
            Update(mu_next, beta1 * (1 - sp.Rational("0.96") ** ((t + 1) * psi) / 2)),
            Update(q, q * mu),
            *_MOMENTS,
            Update(m_hat, ahead),
            _CORRECTED[1],
            _moved(_ADAM),
        ),
        (q, m, v),
        (_rate(0.002), *_BETAS, _eps(), Parameter("momentum_decay", 0.004, at_least=0)),
        starts=((q, sp.Integer(1)),),
        numbers=(mu, mu_next),
        peers="PyTorch NAdam; Keras Nadam [lr=0.001, eps=1e-07, momentum_decay=1]",
    )


def _radam(name: str) -> Optimizer:
    limit = 2 / (1 - beta2) - 1
    warmed = (rho_t - 4) * (rho_t - 2) * limit / ((limit - 4) * (limit - 2) * rho_t) * (1 - beta2**t)
    return Optimizer(
        name,
        "RAdam",
        "Rectified Adam (Liu et al., 2020)",
        (
            Update(rho_t, limit - 2 * t * beta2**t / (1 - beta2**t)),
            Update(rectified, sp.Piecewise((sp.sqrt(warmed), rho_t > 5), (0, True), evaluate=False)),
            Update(plain, sp.Piecewise((0, rho_t > 5), (1, True), evaluate=False)),
            *_MOMENTS,
            _CORRECTED[0],
            _moved(lr * m_hat * (rectified / (sp.sqrt(v) + eps) + plain)),
        ),
        (m, v),
        (_rate(0.001), *_BETAS, _eps()),
        numbers=(rho_t, rectified, plain),
        peers="PyTorch RAdam",
    )


def _rmsprop(name: str) -> Optimizer:
    return Optimizer(
        name,
        "RMSprop",
        "RMSprop (Hinton, 2012)",
        (_SQUARES, _moved(lr * g / (sp.sqrt(v) + eps))),
        (v,),
        (_rate(0.01), _share("rho", 0.99), _eps()),
        peers="PyTorch RMSprop, which calls rho alpha",
    )


def _rmsprop_momentum(name: str) -> Optimizer:
    return Optimizer(
        name,
        "RMSpropMomentum",
        "RMSprop with momentum",
        (_SQUARES, Update(u, momentum * u + g / (sp.sqrt(v) + eps)), _moved(lr * u)),
        (v, u),
        (_rate(0.01), _share("rho", 0.99), _share("momentum", 0.9), _eps()),
        peers="PyTorch RMSprop(momentum=0.9)",
    )


def _rmsprop_centered(name: str) -> Optimizer:
    return Optimizer(
        name,
        "RMSpropCentered",
        "RMSprop by an estimate of the variance (Graves, 2013)",
        (
            _SQUARES,
            Update(u, rho * u + (1 - rho) * g),
            _moved(lr * g / (sp.sqrt(v - u**2) + eps)),
        ),
        (v, u),
        (_rate(0.01), _share("rho", 0.99), _eps()),
        peers="PyTorch RMSprop(centered=True)",
    )


def _rmsprop_keras(name: str) -> Optimizer:
    return Optimizer(
        name,
        "RMSpropKeras",
        "RMSprop with epsilon inside the root",
        (_SQUARES, _moved(lr * g / sp.sqrt(v + eps))),
        (v,),
        (_rate(0.001), _share("rho", 0.9), _eps(1e-7)),
        peers="Keras RMSprop",
    )


def _adagrad(name: str) -> Optimizer:
    return Optimizer(
        name,
        "Adagrad",
        "Adagrad (Duchi et al., 2011)",
        (Update(v, v + g**2), _moved(lr * g / (sp.sqrt(v) + eps))),
        (v,),
        (_rate(0.01), _eps(1e-10), Parameter("initial", 0, at_least=0)),
        starts=((v, sp.Symbol("initial", real=True)),),
        peers="PyTorch Adagrad, which calls initial initial_accumulator_value",
    )


def _adagrad_keras(name: str) -> Optimizer:
    return Optimizer(
        name,
        "AdagradKeras",
        "Adagrad with epsilon inside the root",
        (Update(v, v + g**2), _moved(lr * g / sp.sqrt(v + eps))),
        (v,),
        (_rate(0.001), _eps(1e-7), Parameter("initial", 0.1, at_least=0)),
        starts=((v, sp.Symbol("initial", real=True)),),
        peers="Keras Adagrad, which calls initial initial_accumulator_value",
    )


def _adadelta(name: str) -> Optimizer:
    return Optimizer(
        name,
        "Adadelta",
        "Adadelta (Zeiler, 2012)",
        (
            _SQUARES,
            Update(d, sp.sqrt(u + eps) / sp.sqrt(v + eps) * g),
            _moved(lr * d),
            Update(u, rho * u + (1 - rho) * d**2),
        ),
        (v, u),
        (_rate(1.0), _share("rho", 0.9), _eps(1e-6)),
        peers="PyTorch Adadelta; Keras Adadelta [lr=0.001, rho=0.95, eps=1e-07]",
    )


def _lion(name: str) -> Optimizer:
    return Optimizer(
        name,
        "Lion",
        "Lion: the sign of a momentum (Chen et al., 2023)",
        (
            Update(c, beta1 * m + (1 - beta1) * g),
            _moved(lr * sp.sign(c)),
            Update(m, beta2 * m + (1 - beta2) * g),
        ),
        (m,),
        (_rate(0.001), _share("beta1", 0.9), _share("beta2", 0.99)),
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
            _moved(s * sp.sign(last)),
        ),
        (s, last),
        (
            _rate(0.01),
            Parameter("shrink", 0.5, above=0),
            Parameter("grow", 1.2, above=0),
            Parameter("smallest", 1e-6, above=0),
            Parameter("largest", 50.0, above=0),
        ),
        starts=((s, lr),),
        peers="PyTorch Rprop, which calls shrink and grow etas, smallest and largest step_sizes",
    )


OPTIMIZERS: Entries[Optimizer] = Entries(
    {
        "sgd": _sgd,
        "momentum": _with_momentum,
        "nesterov": _nesterov,
        "momentum_keras": _with_velocity,
        "nesterov_keras": _nesterov_with_velocity,
        "adam": _adam,
        "adam_keras": _adam_keras,
        "adamw": _adamw,
        "adamw_keras": _adamw_keras,
        "amsgrad": _amsgrad,
        "adamax": _adamax,
        "adamax_keras": _adamax_keras,
        "nadam": _nadam,
        "radam": _radam,
        "rmsprop": _rmsprop,
        "rmsprop_momentum": _rmsprop_momentum,
        "rmsprop_centered": _rmsprop_centered,
        "rmsprop_keras": _rmsprop_keras,
        "adagrad": _adagrad,
        "adagrad_keras": _adagrad_keras,
        "adadelta": _adadelta,
        "lion": _lion,
        "rprop": _rprop,
    }
)

DEFAULT = "adam"
ALWAYS = ("sgd", "adam")
"""What every module has; the network's own is added."""


def read_optimizer(text: str) -> tuple[str, Settings]:
    """Return the entry's name and the settings in brackets: ("adamw", lr = 0.01) for `adamw(lr=0.01)`."""
    return named_call(text, "optimizer", "optimizer_parameters")


def optimizer(name: str, given: Settings) -> Optimizer:
    """Return an optimizer of the catalogue with these hyperparameters.

    Raises:
        SpecError: there is no such optimizer or hyperparameter, or a number is out of its interval.
    """
    if name not in OPTIMIZERS:
        hint = did_you_mean(name, OPTIMIZERS) or f"; expected one of {', '.join(OPTIMIZERS)}"
        raise SpecError(f"optimizer: unknown optimizer {shown(name)}{hint}")
    return with_settings(OPTIMIZERS[name], given, "optimizer_parameters")


__all__ = [
    "ALWAYS",
    "DEFAULT",
    "OPTIMIZERS",
    "Optimizer",
    "Update",
    "g",
    "lr",
    "optimizer",
    "read_optimizer",
    "t",
    "theta",
]
