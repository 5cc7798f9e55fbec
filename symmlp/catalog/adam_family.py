"""Adam and what grew from it: update equations only."""

from __future__ import annotations

import sympy as sp

from symmlp.catalog.entries import Maker
from symmlp.catalog.optimizer import Optimizer, Update, g, lr, t, theta
from symmlp.catalog.optimizer_parts import (
    ADAM,
    BETAS,
    CORRECTED,
    MOMENTS,
    beta1,
    beta2,
    eps,
    epsilon,
    m,
    m_hat,
    moved,
    rate,
    u,
    v,
    weight_decay,
)
from symmlp.catalog.parameters import Parameter

w, q, w_hat, psi = sp.symbols("v_max product w_hat momentum_decay", real=True)
mu, mu_next, factor, rho_t, rectified, plain = sp.symbols("mu mu_next factor rho_t rectified plain", real=True)

FACTOR = Update(factor, lr * sp.sqrt(1 - beta2**t) / (1 - beta1**t))


def _adam(name: str) -> Optimizer:
    return Optimizer(
        name,
        "Adam",
        "Adam: adaptive moment estimation",
        (*MOMENTS, *CORRECTED, moved(ADAM)),
        (m, v),
        (rate(0.001), *BETAS, epsilon()),
        peers="PyTorch Adam",
    )


def _adam_keras(name: str) -> Optimizer:
    return Optimizer(
        name,
        "AdamKeras",
        "Adam with epsilon beside the root of the moment as it is (Kingma and Ba, 2015, end of section 2)",
        (*MOMENTS, FACTOR, moved(factor * m / (sp.sqrt(v) + eps))),
        (m, v),
        (rate(0.001), *BETAS, epsilon(1e-7)),
        numbers=(factor,),
        peers="Keras Adam, scikit-learn adam [eps=1e-08]",
    )


def _adamw(name: str) -> Optimizer:
    return Optimizer(
        name,
        "AdamW",
        "Adam with decoupled weight decay (Loshchilov and Hutter, 2019)",
        (*MOMENTS, *CORRECTED, moved(ADAM + lr * weight_decay * theta)),
        (m, v),
        (rate(0.001), *BETAS, epsilon(), Parameter("weight_decay", 0.01, at_least=0)),
        peers="PyTorch AdamW",
    )


def _adamw_keras(name: str) -> Optimizer:
    return Optimizer(
        name,
        "AdamWKeras",
        "Adam as Keras has it, with decoupled weight decay",
        (*MOMENTS, FACTOR, moved(factor * m / (sp.sqrt(v) + eps) + lr * weight_decay * theta)),
        (m, v),
        (rate(0.001), *BETAS, epsilon(1e-7), Parameter("weight_decay", 0.004, at_least=0)),
        numbers=(factor,),
        peers="Keras AdamW",
    )


def _amsgrad(name: str) -> Optimizer:
    return Optimizer(
        name,
        "AMSGrad",
        "Adam with the largest second moment so far (Reddi et al., 2018)",
        (
            *MOMENTS,
            Update(w, sp.Max(w, v)),
            CORRECTED[0],
            Update(w_hat, w / (1 - beta2**t)),
            moved(lr * m_hat / (sp.sqrt(w_hat) + eps)),
        ),
        (m, v, w),
        (rate(0.001), *BETAS, epsilon()),
        peers="PyTorch Adam(amsgrad=True)",
    )


def _amsgrad_keras(name: str) -> Optimizer:
    return Optimizer(
        name,
        "AMSGradKeras",
        "AMSGrad as Keras has it",
        (*MOMENTS, Update(w, sp.Max(w, v)), FACTOR, moved(factor * m / (sp.sqrt(w) + eps))),
        (m, v, w),
        (rate(0.001), *BETAS, epsilon(1e-7)),
        numbers=(factor,),
        peers="Keras Adam(amsgrad=True)",
    )


def _adamax(name: str) -> Optimizer:
    return Optimizer(
        name,
        "Adamax",
        "Adam with the infinity norm (Kingma and Ba, 2015)",
        (
            MOMENTS[0],
            Update(u, sp.Max(beta2 * u, sp.Abs(g) + eps)),
            CORRECTED[0],
            moved(lr * m_hat / u),
        ),
        (m, u),
        (rate(0.002), *BETAS, epsilon()),
        peers="PyTorch Adamax",
    )


def _adamax_keras(name: str) -> Optimizer:
    return Optimizer(
        name,
        "AdamaxKeras",
        "Adamax with epsilon added to the norm",
        (
            MOMENTS[0],
            Update(u, sp.Max(beta2 * u, sp.Abs(g))),
            CORRECTED[0],
            moved(lr * m_hat / (u + eps)),
        ),
        (m, u),
        (rate(0.001), *BETAS, epsilon(1e-7)),
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
            *MOMENTS,
            Update(m_hat, ahead),
            CORRECTED[1],
            moved(ADAM),
        ),
        (q, m, v),
        (rate(0.002), *BETAS, epsilon(), Parameter("momentum_decay", 0.004, at_least=0)),
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
            *MOMENTS,
            CORRECTED[0],
            moved(lr * m_hat * (rectified / (sp.sqrt(v) + eps) + plain)),
        ),
        (m, v),
        (rate(0.001), *BETAS, epsilon()),
        numbers=(rho_t, rectified, plain),
        peers="PyTorch RAdam",
    )


ADAM_FAMILY: dict[str, Maker[Optimizer]] = {
    "adam": _adam,
    "adam_keras": _adam_keras,
    "adamw": _adamw,
    "adamw_keras": _adamw_keras,
    "amsgrad": _amsgrad,
    "amsgrad_keras": _amsgrad_keras,
    "adamax": _adamax,
    "adamax_keras": _adamax_keras,
    "nadam": _nadam,
    "radam": _radam,
}
