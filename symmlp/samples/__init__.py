"""Samples to train on, from CSV, npz or arrays: `read_samples`, `check_samples` and what they return."""

from symmlp.samples.checks import check_inputs, check_samples, check_targets
from symmlp.samples.reading import Samples, read_samples

__all__ = ["Samples", "check_inputs", "check_samples", "check_targets", "read_samples"]
