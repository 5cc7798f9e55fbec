"""Schedules of the learning rate: formulas in lr and the number t of the update, which is 1 at the first.

PyTorch and Keras count the updates before this one, t - 1. `period`, `total` and `warmup` are numbers of updates.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import sympy as sp

from symmlp.catalog.activations import own_expression
from symmlp.catalog.entries import Entries
from symmlp.catalog.optimizer import Optimizer, Update, lr, rate, t
from symmlp.catalog.parameters import Number, Parameter, Settings, named_call, require_known
from symmlp.errors import SpecError, did_you_mean, shown

gamma, period, total, power, end, start, factor, warmup, peak, samples, first, last = sp.symbols(
    "gamma period total power end start factor warmup peak samples first last", real=True
)


@dataclass(frozen=True)
class Schedule:
    """The learning rate of update t is `value`, in lr, t and the symbols of the parameters."""

    name: str
    value: sp.Expr
    parameters: tuple[Parameter, ...] = ()
    peers: str = ""
    note: str = ""


def _positive(name: str, default: Number) -> Parameter:
    return Parameter(name, default, above=0)


def _from_zero(name: str, default: Number) -> Parameter:
    return Parameter(name, default, at_least=0)


_done = t - 1
_PERIOD, _TOTAL, _END = _positive("period", 1000), _positive("total", 1000), _from_zero("end", 0)


def _between(high: sp.Expr, low: sp.Expr, share: sp.Expr) -> sp.Expr:
    """Return half a cosine from `high` to `low`, `share` being how much of the way is done."""
    return low + (high - low) * (1 + sp.cos(sp.pi * share)) / 2


def _if(condition: sp.Basic, chosen: sp.Expr, otherwise: sp.Expr) -> sp.Expr:
    return sp.Piecewise((chosen, condition), (otherwise, True), evaluate=False)


SCHEDULES: Entries[Schedule] = Entries(
    {
        "constant": lambda name: Schedule(name, lr, note="the learning rate stays what lr says"),
        "step": lambda name: Schedule(
            name,
            lr * gamma ** sp.floor(_done / period),
            (_PERIOD, _positive("gamma", 0.1)),
            "PyTorch StepLR; Keras ExponentialDecay(staircase=True)",
        ),
        "exponential": lambda name: Schedule(
            name,
            lr * gamma ** (_done / period),
            (_PERIOD, _positive("gamma", 0.1)),
            "PyTorch ExponentialLR [period=1]; Keras ExponentialDecay",
        ),
        "inverse_time": lambda name: Schedule(
            name,
            lr / (1 + gamma * _done / period),
            (_PERIOD, _from_zero("gamma", 1)),
            "Keras InverseTimeDecay",
        ),
        "inverse_scaling": lambda name: Schedule(
            name,
            lr / (1 + samples * sp.floor(_done / period)) ** power,
            (_PERIOD, _positive("samples", 1000), _positive("power", 0.5)),
            "scikit-learn learning_rate='invscaling', which counts samples and changes once an epoch",
            "period and samples are the updates and the samples of an epoch",
        ),
        "polynomial": lambda name: Schedule(
            name,
            end + (lr - end) * (1 - sp.Min(_done, total) / total) ** power,
            (_TOTAL, _positive("power", 1), _END),
            "PyTorch PolynomialLR; Keras PolynomialDecay [end=0.0001]",
        ),
        "linear": lambda name: Schedule(
            name,
            lr * (start + (factor - start) * sp.Min(_done, total) / total),
            (_TOTAL, _positive("start", 0.01), _positive("factor", 1)),
            "PyTorch LinearLR, which calls start and factor start_factor and end_factor",
            "a warm-up, with start below factor",
        ),
        "reduced": lambda name: Schedule(
            name,
            _if(_done < total, factor * lr, lr),
            (_TOTAL, _positive("factor", 0.1)),
            "PyTorch ConstantLR",
        ),
        "cosine": lambda name: Schedule(
            name,
            _between(lr, end, sp.Min(_done, total) / total),
            (_TOTAL, _END),
            "PyTorch CosineAnnealingLR up to T_max; Keras CosineDecay [end=alpha lr]",
        ),
        "cosine_restarts": lambda name: Schedule(
            name,
            _between(lr, end, _done / period - sp.floor(_done / period)),
            (_PERIOD, _END),
            "PyTorch CosineAnnealingWarmRestarts; Keras CosineDecayRestarts(t_mul=1)",
        ),
        "warmup_cosine": lambda name: Schedule(
            name,
            _if(
                _done < warmup,
                lr * _done / warmup,
                _between(lr, end, sp.Min(_done - warmup, total) / total),
            ),
            (_positive("warmup", 100), _TOTAL, _END),
            "Keras CosineDecay(0, warmup_target=lr) [end=alpha lr]",
            "total counts the updates behind the warm-up",
        ),
        "inverse_root": lambda name: Schedule(
            name,
            lr * sp.Min(t / warmup, sp.sqrt(warmup / t)),
            (_positive("warmup", 4000),),
            note="Vaswani et al., 2017, lr being the largest rate",
        ),
        "triangular": lambda name: Schedule(
            name,
            lr + (peak - lr) * (1 - sp.Abs(_done / period - 2 * sp.floor(1 + _done / (2 * period)) + 1)),
            (_positive("period", 2000), _positive("peak", 0.1)),
            "PyTorch CyclicLR, period being step_size_up and peak max_lr",
            "Smith, 2017",
        ),
        "one_cycle": lambda name: Schedule(
            name,
            _if(
                _done < start * total - 1,
                _between(lr / first, lr, _done / (start * total - 1)),
                _between(
                    lr,
                    lr / (first * last),
                    (sp.Min(_done, total - 1) - start * total + 1) / (total - start * total),
                ),
            ),
            (
                _TOTAL,
                Parameter("start", 0.3, above=0, below=1),
                _positive("first", 25),
                _positive("last", 10000),
            ),
            "PyTorch OneCycleLR, lr being max_lr, start pct_start, first and last div_factor and final_div_factor",
            "Smith and Topin, 2019",
        ),
    }
)

DEFAULT = "constant"


def read_schedule(text: str) -> tuple[str, Settings]:
    """Return the entry's name, or the expression, and the settings in brackets."""
    return named_call(text, "schedule", "schedule_parameters")


def schedule(text: str, given: Settings) -> Schedule:
    """Return a schedule of the catalogue, or the one that is an expression in lr and t, with these parameters.

    Raises:
        SpecError: there is no such schedule or parameter, or a number is out of its interval.
        ExpressionError: the text is an expression outside the language.
    """
    where = "schedule_parameters"
    if text in SCHEDULES:
        entry = SCHEDULES[text]
        require_known(entry.parameters, given, text, where)
        parameters = (replace(each, default=given.get(each.name, each.default)) for each in entry.parameters)
        return replace(entry, parameters=tuple(parameters))
    if text.isidentifier() and text not in ("lr", "t"):
        hint = (
            did_you_mean(text, SCHEDULES) or f"; expected one of {', '.join(SCHEDULES)}, or an expression in lr and t"
        )
        raise SpecError(f"schedule: unknown schedule {shown(text)}{hint}")
    value = own_expression(text, ("lr", "t"), given, "schedule", where)
    return Schedule("expression", value.xreplace({sp.Symbol("t", real=True): t}))


def scheduled(optimizer: Optimizer, plan: Schedule) -> Optimizer:
    """Return the optimizer with the schedule's equation first, and its rate in the place of the learning rate.

    Raises:
        SpecError: both have a hyperparameter of the same name.
    """
    if plan.value == lr:
        return optimizer
    own = {each.name for each in optimizer.parameters}
    for each in plan.parameters:
        if each.name in own:
            raise SpecError(f"schedule: {plan.name} and {optimizer.name} both have a hyperparameter {each.name}")
    later = (Update(each.target, each.value.xreplace({lr: rate})) for each in optimizer.updates)
    return replace(
        optimizer,
        updates=(Update(rate, plan.value), *later),
        numbers=(rate, *optimizer.numbers),
        parameters=(*optimizer.parameters, *plan.parameters),
    )
