"""The module under verification: its text loaded as it is, widened to float64, and prepared for the complex step."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from symmlp.errors import shown
from symmlp.spec import Network
from symmlp.verification.holomorphic import HolomorphicNumPy
from symmlp.verification.layout import Array, Layout
from symmlp.verification.loading import ModuleTextError, load_module
from symmlp.verification.sample import Sample


class CallFailedError(ArithmeticError):
    """A function of the module that raised, or returned something that its contract does not allow."""


@contextmanager
def quiet() -> Iterator[None]:
    """Return a context without warnings: one promise makes them errors, all else says in numbers what they led to."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@dataclass(frozen=True)
class Subject:
    """A module and what it was made from; `dtype` is the precision that it is called in.

    `widened` says that a float32 module is called in float64, which its formulas must allow without a change.
    """

    source: str
    network: Network
    layout: Layout
    module: ModuleType
    dtype: np.dtype[Any]
    widened: bool = False

    @classmethod
    def of(cls, source: str, network: Network) -> Subject:
        """Return the subject of a module's text.

        Raises:
            ModuleTextError: the text is no generated module.
        """
        module = load_module(source)
        if module.DTYPE not in (np.float64, np.float32):
            raise ModuleTextError(f"module: DTYPE is {shown(module.DTYPE)}; expected np.float64 or np.float32")
        return cls(source, network, Layout.of(network), module, np.dtype(module.DTYPE))

    def in_double(self, sample: Sample) -> Subject:
        """Return the subject called in float64, with DTYPE overridden if need be; itself where that does not work."""
        if self.dtype == np.float64:
            return self
        module = load_module(self.source)
        vars(module)["DTYPE"] = np.float64
        wide = Subject(self.source, self.network, self.layout, module, np.dtype(np.float64), widened=True)
        try:
            wide.loss_and_grad(sample)
        except CallFailedError:
            return self
        return wide

    def holomorphic(self) -> Subject:
        """Return the subject with NumPy replaced by one whose functions decide on the real part."""
        module = load_module(self.source, numpy=HolomorphicNumPy())
        vars(module)["DTYPE"] = self.module.DTYPE
        return Subject(self.source, self.network, self.layout, module, self.dtype, self.widened)

    def loss(self, theta: Array, sample: Sample) -> Any:
        """Return what the module's `loss` returns at the sample with `theta` in place of the sample's.

        Raises:
            CallFailedError: it raised.
        """
        return self._called("loss", theta, *self._batch(sample), **self._options(sample))

    def loss_and_grad(self, sample: Sample) -> tuple[float, Array]:
        """Return the module's loss and gradient at the sample, the gradient as float64.

        Raises:
            CallFailedError: it raised, or returned no number or no real vector of the shape of theta.
        """
        theta = sample.theta.astype(self.dtype)
        result = self._called("loss_and_grad", theta, *self._batch(sample), **self._options(sample))
        if not isinstance(result, tuple) or len(result) != 2:
            raise CallFailedError(f"loss_and_grad returned a {type(result).__name__}; expected (loss, gradient)")
        loss, gradient = result
        if not isinstance(gradient, np.ndarray):
            raise CallFailedError(f"the gradient is a {type(gradient).__name__}; expected an array")
        if gradient.shape != (self.layout.count,) or gradient.dtype != self.dtype:
            expected = f"{self.dtype} of shape ({self.layout.count},)"
            raise CallFailedError(f"the gradient is {gradient.dtype} of shape {gradient.shape}; expected {expected}")
        return as_real(loss, "loss_and_grad"), gradient.astype(np.float64)

    def at(self, name: str, sample: Sample, theta: Array, *further: Array) -> Any:
        """Return what a function of (theta, X, Y, ...) returns at the sample; theta may be complex.

        Raises:
            CallFailedError: it raised, or there is no such function.
        """
        return self._called(name, theta, *self._batch(sample), *further, **self._options(sample))

    def of_inputs(self, name: str, sample: Sample, theta: Array, *further: Array) -> Any:
        """Return what a function of (theta, X, ...) returns at the sample's inputs, nothing being dropped.

        Raises:
            CallFailedError: it raised, or there is no such function.
        """
        return self._called(name, theta, sample.inputs.astype(self.dtype), *further)

    def call(self, name: str, *arguments: Any, **options: Any) -> Any:
        """Return what the module's function `name` returns.

        Raises:
            CallFailedError: it raised, or there is no such function.
        """
        return self._called(name, *arguments, **options)

    def _batch(self, sample: Sample) -> tuple[Array, Array]:
        targets = sample.targets if sample.kind == "labels" else sample.targets.astype(self.dtype)
        return sample.inputs.astype(self.dtype), targets

    def _options(self, sample: Sample) -> dict[str, Any]:
        """Return masks and weights of samples as arguments, none for a network that has none."""
        arrays = tuple(array.astype(self.dtype) for own in sample.masks.values() for array in own)
        weights = {"sample_weight": sample.weights.astype(self.dtype)} if sample.weights.size else {}
        return {**({"masks": arrays} if arrays else {}), **weights}

    def _called(self, name: str, *arguments: Any, **options: Any) -> Any:
        function = getattr(self.module, name, None)
        if not callable(function):
            raise CallFailedError(f"the module has no function {name}")
        try:
            return function(*arguments, **options)
        except Exception as error:
            raise CallFailedError(f"{name} raised {type(error).__name__}: {' '.join(str(error).split())}") from error


def as_real(value: Any, name: str) -> float:
    """Return a loss as a float.

    Raises:
        CallFailedError: it is no real number.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | np.floating):
        shape = f" of shape {value.shape}" if isinstance(value, np.ndarray) else ""
        raise CallFailedError(f"{name} returned a {type(value).__name__}{shape} as the loss; expected a float")
    return float(value)
