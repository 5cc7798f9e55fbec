"""What an optimizer is: update equations on the flat parameter vector, and the symbols that they are written in."""

from __future__ import annotations

from dataclasses import dataclass, replace

import sympy as sp

from symmlp.catalog.parameters import Parameter, Settings, require_known

theta, g, lr, rate = sp.symbols("theta g lr rate", real=True)
t = sp.Symbol("t", integer=True, positive=True)
"""The number of the update, from 1 on."""


class squares_of(sp.Function):  # type: ignore[misc]  # noqa: N801 - reads as a function in formulas
    """The sum of the squares of a vector's entries."""

    nargs = 1


@dataclass(frozen=True)
class Update:
    """`target` becomes `value`, entry by entry; vectors on the right have their values from the line above."""

    target: sp.Symbol
    value: sp.Expr


@dataclass(frozen=True)
class Optimizer:
    """Update equations in order; t counts updates.

    `state` vectors start at zero, or with what `starts` says; targets among `numbers` are single numbers.
    """

    name: str
    class_name: str
    title: str
    updates: tuple[Update, ...]
    state: tuple[sp.Symbol, ...]
    parameters: tuple[Parameter, ...]
    starts: tuple[tuple[sp.Symbol, sp.Expr], ...] = ()
    numbers: tuple[sp.Symbol, ...] = ()
    peers: str = ""

    @property
    def defaults(self) -> tuple[tuple[sp.Symbol, float], ...]:
        """The hyperparameters' symbols and defaults."""
        return tuple((each.symbol, float(each.default)) for each in self.parameters)

    @property
    def vectors(self) -> tuple[sp.Symbol, ...]:
        """The symbols that stand for vectors with one entry a parameter."""
        targets = (update.target for update in self.updates if update.target not in self.numbers)
        return (theta, g, *self.state, *targets)

    def start_of(self, state: sp.Symbol) -> sp.Expr:
        """Return what every entry of a state vector is before the first update."""
        return dict(self.starts).get(state, sp.Integer(0))


weight_decay, decoupled_weight_decay, clip_value, clip_norm, norm, kept = sp.symbols(
    "weight_decay decoupled_weight_decay clip_value clip_norm norm kept", real=True
)
ema, averaged, fresh = sp.symbols("ema averaged fresh", real=True)


def _decayed(optimizer: Optimizer) -> Optimizer:
    return replace(optimizer, updates=(Update(g, g + weight_decay * theta), *optimizer.updates))


def _decayed_apart(optimizer: Optimizer) -> Optimizer:
    pulled = lr * decoupled_weight_decay * theta
    updates = (
        Update(each.target, each.value - pulled if each.target == theta else each.value) for each in optimizer.updates
    )
    return replace(optimizer, updates=tuple(updates))


def _clipped(optimizer: Optimizer) -> Optimizer:
    limited = sp.Max(-clip_value, sp.Min(clip_value, g))
    return replace(optimizer, updates=(Update(g, limited), *optimizer.updates))


def _shortened(optimizer: Optimizer) -> Optimizer:
    updates = (
        Update(norm, sp.sqrt(squares_of(g))),
        Update(kept, sp.Min(1, clip_norm / (norm + sp.Rational("1e-6")), evaluate=False)),
        Update(g, kept * g),
        *optimizer.updates,
    )
    return replace(optimizer, updates=updates, numbers=(norm, kept, *optimizer.numbers))


def _averaged(optimizer: Optimizer) -> Optimizer:
    updates = (
        *optimizer.updates,
        Update(fresh, sp.Piecewise((1, t <= 1), (1 - ema, True), evaluate=False)),
        Update(averaged, averaged + fresh * (theta - averaged)),
    )
    return replace(optimizer, updates=updates, state=(*optimizer.state, averaged), numbers=(fresh, *optimizer.numbers))


AVERAGES = ("averaged", "average")
"""The states that are means of the parameters, of which the first that an optimizer has is what its fit gives."""

OPTIONS = {
    "weight_decay": (Parameter("weight_decay", 0, at_least=0), _decayed),
    "decoupled_weight_decay": (Parameter("decoupled_weight_decay", 0, at_least=0), _decayed_apart),
    "clip_value": (Parameter("clip_value", 1, above=0), _clipped),
    "clip_norm": (Parameter("clip_norm", 1, above=0), _shortened),
    "ema": (Parameter("ema", 0.99, at_least=0, below=1), _averaged),
}
"""What every optimizer can be given besides: equations are added where it is given. Clipping comes before decay.

`clip_norm` is of the whole gradient's norm, as in PyTorch's clip_grad_norm_, and comes before `clip_value`. `ema` keeps
an exponential moving average of the parameters in the state `averaged`, which begins with those of the first update, as
PyTorch's AveragedModel does.
"""


def with_settings(optimizer: Optimizer, given: Settings, where: str) -> Optimizer:
    """Return the optimizer with other defaults, and with the equations of the options that are given.

    Raises:
        SpecError: naming the field `where` if a hyperparameter is unknown or out of its interval.
    """
    own = {each.name: each for each in optimizer.parameters}
    options = {name: parameter for name, (parameter, _) in OPTIONS.items()}
    require_known((options | own).values(), given, optimizer.name, where, "hyperparameter")
    for name, (parameter, applied) in OPTIONS.items():
        if name in given and name not in own:
            optimizer = applied(optimizer)
            own[name] = parameter
    parameters = (replace(each, default=given.get(each.name, each.default)) for each in own.values())
    return replace(optimizer, parameters=tuple(parameters))
