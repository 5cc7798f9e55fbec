"""Optimizers: update equations on the flat parameter vector, defined once and printed and generated from here.

Formulas and defaults follow PyTorch: Adam divides by √v̂ + ε with bias-corrected moments (Kingma and Ba, 2015).
"""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

theta, g, m, v, m_hat, v_hat, lr, beta1, beta2, eps = sp.symbols(
    "theta g m v m_hat v_hat lr beta1 beta2 eps", real=True
)
t = sp.Symbol("t", integer=True, positive=True)


@dataclass(frozen=True)
class Update:
    """`target` becomes `value`, entry by entry; vectors on the right have their values from the line above."""

    target: sp.Symbol
    value: sp.Expr


@dataclass(frozen=True)
class Optimizer:
    """Update equations in order; `state` vectors start at zero; `defaults` are hyperparameters, t counts updates."""

    name: str
    class_name: str
    title: str
    updates: tuple[Update, ...]
    state: tuple[sp.Symbol, ...]
    defaults: tuple[tuple[sp.Symbol, float], ...]

    @property
    def vectors(self) -> tuple[sp.Symbol, ...]:
        """The symbols that stand for vectors with one entry a parameter."""
        return (theta, g, *self.state, *(update.target for update in self.updates))


OPTIMIZERS: dict[str, Optimizer] = {
    optimizer.name: optimizer
    for optimizer in (
        Optimizer("sgd", "SGD", "Stochastic gradient descent", (Update(theta, theta - lr * g),), (), ((lr, 0.01),)),
        Optimizer(
            "adam",
            "Adam",
            "Adam: adaptive moment estimation",
            (
                Update(m, beta1 * m + (1 - beta1) * g),
                Update(v, beta2 * v + (1 - beta2) * g**2),
                Update(m_hat, m / (1 - beta1**t)),
                Update(v_hat, v / (1 - beta2**t)),
                Update(theta, theta - lr * m_hat / (sp.sqrt(v_hat) + eps)),
            ),
            (m, v),
            ((lr, 0.001), (beta1, 0.9), (beta2, 0.999), (eps, 1e-08)),
        ),
    )
}
