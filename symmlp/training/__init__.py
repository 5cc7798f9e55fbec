"""Training: data to a generated module, its fitted parameters and a record of how they came about."""

from symmlp.training.demonstration import demo
from symmlp.training.run import TrainResult, train
from symmlp.training.settings import Settings

__all__ = ["Settings", "TrainResult", "demo", "train"]
