"""The promises of a generated module that are no mathematics: names, shapes, nothing mutated, nothing raised."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from symmlp.errors import SymmlpError, shown
from symmlp.spec import Network
from symmlp.spec_layers import AlphaDropout, Dropout, GaussianDropout, GaussianNoise, RandomizedReLU
from symmlp.verification.layout import Array
from symmlp.verification.report import Check
from symmlp.verification.sample import Sample
from symmlp.verification.subject import CallFailedError, Subject, as_real, quiet

Fault = str
Promise = Callable[["Contract"], Iterator[Fault]]


def check_contract(subject: Subject, sample: Sample) -> Check:
    """Return the check of the module's contract; the note names the first promise that is broken."""
    contract = Contract(subject, sample)
    for promise in PROMISES:
        with quiet():
            fault = _fault(promise, contract)
        if fault is not None:
            return Check("contract", ok=False, note=fault)
    return Check("contract", note=f"{len(PROMISES)} promises")


def _fault(promise: Promise, contract: Contract) -> Fault | None:
    """Return what is broken; results that cannot even be compared break a promise, too."""
    try:
        return next(promise(contract), None)
    except CallFailedError as error:
        return str(error)
    except Exception as error:
        return f"{promise.__name__}: {type(error).__name__}: {_one_line(error)}"


@dataclass(frozen=True)
class Contract:
    """The promises, each a method that yields what is broken."""

    subject: Subject
    sample: Sample

    @property
    def arguments(self) -> tuple[Array, Array, Array]:
        """Fresh (theta, X, Y) in the module's precision."""
        dtype = self.subject.dtype
        targets = self.sample.targets
        return (
            self.sample.theta.astype(dtype),
            self.sample.inputs.astype(dtype),
            targets.copy() if self.sample.kind == "labels" else targets.astype(dtype),
        )

    def describes_the_network(self) -> Iterator[Fault]:
        """SPEC, SHAPES and N_PARAMS are the network's."""
        module, layout = self.subject.module, self.subject.layout
        try:
            described: object = Network.model_validate(module.SPEC)
        except SymmlpError as error:
            described = error
        if described != self.subject.network:
            yield f"SPEC: {_one_line(module.SPEC)} does not describe the network that is verified"
        shapes = {parameter.name: parameter.shape for parameter in layout.parameters}
        if list(dict(module.SHAPES).items()) != list(shapes.items()):
            yield f"SHAPES: {_one_line(dict(module.SHAPES))}; expected {_one_line(shapes)}"
        if layout.count != module.N_PARAMS:
            yield f"N_PARAMS: {_one_line(module.N_PARAMS)}; expected {layout.count}"

    def returns_numbers(self) -> Iterator[Fault]:
        """`loss` gives a float, `loss_and_grad` the same and a vector like theta."""
        self.subject.loss_and_grad(self.sample)
        as_real(self.subject.loss(self.arguments[0], self.sample), "loss")
        yield from ()

    def starts_from_a_seed(self) -> Iterator[Fault]:
        """`init_params(seed)` gives the same finite theta again, and another one for another seed."""
        first, again, other = (self.subject.call("init_params", seed) for seed in (3, 3, 4))
        if not isinstance(first, np.ndarray) or first.shape != (self.subject.layout.count,):
            yield f"init_params: {_one_line(first)}; expected a vector of {self.subject.layout.count} numbers"
        elif first.dtype != np.dtype(self.subject.module.DTYPE) or not np.isfinite(first).all():
            yield f"init_params: {first.dtype}, or not finite; expected finite numbers of the module's DTYPE"
        elif not np.array_equal(first, again) or (self._draws_weights and np.array_equal(first, other)):
            yield "init_params: the same seed gives other numbers, or another seed the same ones"

    @property
    def _draws_weights(self) -> bool:
        return any(len(parameter.shape) == 2 for parameter in self.subject.layout.parameters)

    def draws_masks(self) -> Iterator[Fault]:
        """`draw_masks(rng, N)` drops entries at the layers' rates, and says so by 0; what is kept has the mean 1."""
        dropouts = {
            number: layer
            for number, layer in enumerate(self.subject.network.layers, start=1)
            if number in self.sample.masks
        }
        if not dropouts:
            return
        masks = iter(self.subject.call("draw_masks", np.random.default_rng(0), MANY))
        for number, layer in dropouts.items():
            factor, *shift = [next(masks) for _ in self.sample.masks[number]]
            if isinstance(layer, RandomizedReLU):
                yield from _of_slopes(number, factor, layer)
                continue
            if isinstance(layer, GaussianDropout | GaussianNoise):
                yield from _of_normal(number, factor, float(isinstance(layer, GaussianDropout)), layer.deviation)
                continue
            assert isinstance(layer, Dropout | AlphaDropout)
            share = float(np.mean(factor == 0))
            if factor.shape != (MANY, self.subject.network.widths[number]) or factor.dtype != self.subject.dtype:
                yield f"draw_masks: layer {number} gives {factor.dtype} of shape {factor.shape}"
            elif abs(share - layer.rate) > 5 / math.sqrt(factor.size):
                yield f"draw_masks: layer {number} drops {share:.3f} of all entries; expected {layer.rate}"
            else:
                yield from _of_moments(number, factor, shift)

    def unpacks_views(self) -> Iterator[Fault]:
        """`unpack(theta)` gives views of the parameters in the order of theta."""
        theta = self.arguments[0]
        named = self.subject.call("unpack", theta)
        for name, view in self.subject.layout.views(theta).items():
            found = getattr(named, name, None)
            if not isinstance(found, np.ndarray) or not np.array_equal(found, view):
                yield f"unpack: {name} is {_one_line(found)}; expected {_one_line(view)}"
            elif not np.shares_memory(found, theta):
                yield f"unpack: {name} is a copy; expected a view of theta"

    def predicts(self) -> Iterator[Fault]:
        """`forward` gives (N, K); `predict` the class indices, zeros and ones, or values that follow from it."""
        theta, inputs, _ = self.arguments
        outputs, units = self.subject.call("forward", theta, inputs), self.subject.network.outputs
        if not isinstance(outputs, np.ndarray) or outputs.shape != (len(inputs), units):
            yield f"forward: {_one_line(outputs)}; expected an array of shape {(len(inputs), units)}"
            return
        expected = self._prediction(outputs)
        found = self.subject.call("predict", theta, inputs)
        if not isinstance(found, np.ndarray) or not np.array_equal(found, expected):
            yield f"predict: {_one_line(found)}; expected {_one_line(expected)}"

    def _prediction(self, outputs: Array) -> Array:
        match self.subject.network.loss_definition.decides:
            case "classes":
                return np.asarray(outputs.argmax(axis=1))
            case "above half":
                return (outputs > 0.5).astype(int)
            case "above zero":
                return (outputs > 0).astype(int)
            case "values":
                return outputs

    def repeats_itself(self) -> Iterator[Fault]:
        """A second call gives the same bits, arguments may be read-only, and none is changed."""
        arguments = self.arguments
        for argument in arguments:
            argument.flags.writeable = False
        first, second = (self.subject.call("loss_and_grad", *arguments) for _ in range(2))
        if not all(map(np.array_equal, arguments, self.arguments)):
            yield "loss_and_grad: an argument was changed"
        if np.shares_memory(first[1], second[1]):
            yield "loss_and_grad: a second call overwrites the gradient of the first"
        if not (first[0] == second[0] and np.array_equal(first[1], second[1])):
            yield "loss_and_grad: a second call gives other numbers"

    def fills_out(self) -> Iterator[Fault]:
        """`loss_and_grad(..., out=gradient)` fills the given vector with the same numbers."""
        arguments = self.arguments
        out = np.full_like(arguments[0], 7.0)
        loss, gradient = self.subject.call("loss_and_grad", *arguments, out=out)
        expected = self.subject.call("loss_and_grad", *arguments)
        if gradient is not out and not np.shares_memory(gradient, out):
            yield "loss_and_grad: out= is not what is returned"
        if loss != expected[0] or not np.array_equal(out, expected[1]):
            yield "loss_and_grad: out= is filled with other numbers"

    def refuses_wrong_shapes(self) -> Iterator[Fault]:
        """Theta, X or Y of a wrong shape raise ValueError; none is broadcast."""
        for name, arguments in self._wrong_shapes().items():
            try:
                self.subject.module.loss_and_grad(*arguments)
            except ValueError:
                continue
            except Exception as error:
                yield f"loss_and_grad: {name} raised {type(error).__name__}; expected ValueError"
            else:
                yield f"loss_and_grad: {name} is accepted; expected ValueError"

    def _wrong_shapes(self) -> dict[str, tuple[Array, Array, Array]]:
        theta, inputs, targets = self.arguments
        wrong = {
            "theta with an entry too many": (np.append(theta, theta[:1]), inputs, targets),
            "X with a column too few": (theta, inputs[:, :-1], targets),
            "X of one sample as a vector": (theta, inputs[0], targets[:1]),
            "Y with a row too few": (theta, inputs, targets[:-1]),
        }
        if targets.ndim == 2 and targets.shape[1] > 1:
            wrong["Y with a single column"] = (theta, inputs, targets[:, :1])
        return wrong

    def raises_no_flags(self) -> Iterator[Fault]:
        """Finite numbers cause no warning and no overflow, division by zero or invalid operation."""
        calls: tuple[tuple[str, tuple[Any, ...]], ...] = (
            ("loss", self.arguments),
            ("loss_and_grad", self.arguments),
            ("forward", self.arguments[:2]),
        )
        with np.errstate(all="raise", under="ignore"), warnings.catch_warnings():
            warnings.simplefilter("error")
            for name, arguments in calls:
                self.subject.call(name, *arguments)
        yield from ()


def _of_slopes(number: int, slopes: Array, layer: RandomizedReLU) -> Iterator[Fault]:
    """Yield what is wrong with slopes that are to be uniform from lower to upper: mean, deviation, ends."""
    width = layer.upper - layer.lower
    found = (float(np.mean(slopes)), float(np.std(slopes)))
    near = 5 * width / math.sqrt(slopes.size)
    slack = 1e-6
    if any(abs(one - other) > near for one, other in zip(found, (layer.mean, width / math.sqrt(12)), strict=True)):
        yield f"draw_masks: layer {number} has slopes of mean {found[0]:.3f} and deviation {found[1]:.3f}"
    elif slopes.min() < layer.lower - slack or slopes.max() > layer.upper + slack:
        yield f"draw_masks: layer {number} has slopes from {slopes.min()} to {slopes.max()}"


def _of_normal(number: int, drawn: Array, mean: float, deviation: float) -> Iterator[Fault]:
    """Yield what is wrong with numbers that are to be normal of this mean and standard deviation."""
    found = (float(np.mean(drawn)), float(np.std(drawn)))
    if any(
        abs(one - other) > 6 * deviation / math.sqrt(drawn.size)
        for one, other in zip(found, (mean, deviation), strict=True)
    ):
        yield f"draw_masks: layer {number} has numbers of mean {found[0]:.3f} and deviation {found[1]:.3f}"


def _of_moments(number: int, factor: Array, shift: list[Array]) -> Iterator[Fault]:
    """Yield what is wrong with the mean that a kept and dropped entry has: 1 is kept as 1 by dropout.

    Alpha dropout keeps mean 0 and variance 1 of independent entries: E[S] = 0 and E[M² + S²] = 1.
    """
    found = [factor - 1] if not shift else [shift[0], factor**2 + shift[0] ** 2 - 1]
    for moment in found:
        if abs(float(moment.mean())) > 6 * float(moment.std()) / math.sqrt(factor.size):
            yield f"draw_masks: layer {number} changes what entries amount to on average by {moment.mean():.3f}"


MANY = 4000
"""Samples for which masks are drawn to look at their mean."""


def _one_line(value: object) -> str:
    """Return `value` short and on one line, an array as nested lists."""
    return " ".join(shown(value.tolist() if isinstance(value, np.ndarray) else value).split())


PROMISES: tuple[Promise, ...] = (
    Contract.describes_the_network,
    Contract.returns_numbers,
    Contract.starts_from_a_seed,
    Contract.draws_masks,
    Contract.unpacks_views,
    Contract.predicts,
    Contract.repeats_itself,
    Contract.fills_out,
    Contract.refuses_wrong_shapes,
    Contract.raises_no_flags,
)
