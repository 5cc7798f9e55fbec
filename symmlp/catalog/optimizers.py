"""The optimizers by name, and what a text asks for.

Formulas and defaults follow PyTorch; entries whose names end in `_keras` follow Keras where it differs: epsilon inside
the root, or beside the root of the moment without its correction; velocities that hold the learning rate.
"""

from __future__ import annotations

from symmlp.catalog.adam_family import ADAM_FAMILY
from symmlp.catalog.descent import DESCENT
from symmlp.catalog.entries import Entries
from symmlp.catalog.optimizer import Optimizer, Update, g, lr, t, theta, with_settings
from symmlp.catalog.parameters import Settings, named_call
from symmlp.catalog.scaled_descent import SCALED_DESCENT
from symmlp.errors import SpecError, did_you_mean, shown

OPTIMIZERS: Entries[Optimizer] = Entries({**DESCENT, **ADAM_FAMILY, **SCALED_DESCENT})

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
