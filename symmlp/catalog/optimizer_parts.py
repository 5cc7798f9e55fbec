"""What update equations have in common: symbols, hyperparameters, the moments of the gradient."""

from __future__ import annotations

import sympy as sp

from symmlp.catalog.optimizer import Update, g, lr, t, theta
from symmlp.catalog.parameters import Parameter

m, v, u = sp.symbols("m v u", real=True)
m_hat, v_hat = sp.symbols("m_hat v_hat", real=True)
beta1, beta2, eps, momentum, rho, weight_decay = sp.symbols("beta1 beta2 eps momentum rho weight_decay", real=True)


def share(name: str, default: float) -> Parameter:
    """Return a hyperparameter from 0 to less than 1."""
    return Parameter(name, default, at_least=0, below=1)


def rate(default: float) -> Parameter:
    """Return the learning rate."""
    return Parameter("lr", default, above=0)


def epsilon(default: float = 1e-8) -> Parameter:
    """Return the number that keeps a denominator above 0."""
    return Parameter("eps", default, above=0)


def moved(step: sp.Expr) -> Update:
    """Return the last equation: θ ← θ - step."""
    return Update(theta, theta - step)


BETAS = (share("beta1", 0.9), share("beta2", 0.999))
MOMENTS = (Update(m, beta1 * m + (1 - beta1) * g), Update(v, beta2 * v + (1 - beta2) * g**2))
CORRECTED = (Update(m_hat, m / (1 - beta1**t)), Update(v_hat, v / (1 - beta2**t)))
SQUARES = Update(v, rho * v + (1 - rho) * g**2)
ADAM = lr * m_hat / (sp.sqrt(v_hat) + eps)
