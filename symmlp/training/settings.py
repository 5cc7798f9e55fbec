"""How to train: every number is checked once, before anything else happens."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import get_args

from symmlp.errors import SymmlpError, shown
from symmlp.samples.checks import Dtype

MAX_SEED = 2**32 - 1


@dataclass(frozen=True)
class Settings:
    """The settings of one training run; `lr=None` is the optimizer's own default.

    `held_out` is the share of the samples that is kept from training and scored on; 0 scores on the training samples.
    `standardize` trains on inputs of mean 0 and standard deviation 1 (see `Scaling`).
    """

    epochs: int = 100
    batch_size: int = 32
    optimizer: str = "adam"
    lr: float | None = None
    seed: int = 0
    held_out: float = 0.2
    dtype: Dtype = "float64"
    standardize: bool = True

    def __post_init__(self) -> None:
        _require_integer("epochs", self.epochs, low=1)
        _require_integer("batch_size", self.batch_size, low=1)
        _require_integer("seed", self.seed, low=0, high=MAX_SEED)
        if self.lr is not None and not (_is_number(self.lr) and 0 < self.lr < math.inf):
            raise SymmlpError(f"lr: must be a positive finite number, got {shown(self.lr)}")
        if not (_is_number(self.held_out) and 0 <= self.held_out < 1):
            raise SymmlpError(f"held_out: must be a number from 0 to below 1, got {shown(self.held_out)}")
        if self.dtype not in get_args(Dtype):
            raise SymmlpError(f"dtype: must be float64 or float32, got {shown(self.dtype)}")
        if not isinstance(self.optimizer, str):
            raise SymmlpError(f"optimizer: must be a name such as 'adam', got {shown(self.optimizer)}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and not math.isnan(value)


def _require_integer(field: str, value: object, low: int, high: float = math.inf) -> None:
    expected = f"an integer from {low}" + (f" to {high}" if high < math.inf else "")
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise SymmlpError(f"{field}: must be {expected}, got {shown(value)}")
