"""Optimizers, schedules, initializers, penalties and constraints."""

from __future__ import annotations

from collections.abc import Iterator

from symmlp.calculus.functions import ElementFunction
from symmlp.catalog import constraints, initializers, penalties
from symmlp.catalog.optimizers import OPTIMIZERS, Optimizer
from symmlp.catalog.schedules import SCHEDULES
from symmlp.listing.rows import printed, row
from symmlp.printing.text import TextStyle


def optimizer_entries() -> Iterator[list[str]]:
    """Yield the rows of each optimizer."""
    for optimizer in OPTIMIZERS.values():
        defaults = ", ".join(f"{each.name}={each.default}" for each in optimizer.parameters)
        yield [
            f"{optimizer.name}({defaults})",
            *row("", optimizer.title),
            *_updates(optimizer),
            *row("peers", optimizer.peers),
        ]


def initializer_entries() -> Iterator[list[str]]:
    """Yield the rows of each initializer."""
    for name, entry in initializers.TABLE.items():
        also = [alias for alias, of in initializers.ALIASES.items() if of == name]
        yield [
            name + (", the default" if name == initializers.DEFAULT else ""),
            *row("weights", _weights(entry)),
            *(
                row("", f"s = {printed(entry.with_sigmoid)} if a hidden activation is sigmoid")
                if entry.with_sigmoid
                else []
            ),
            *row("biases", "drawn like the weights" if entry.biases == "drawn" else "zeros"),
            *(row("also", ", ".join(also)) if also else []),
            *row("peers", entry.peers),
        ]


def _weights(entry: initializers.Initializer) -> str:
    """Return what weights begin with, in words."""
    if entry.distribution == "orthogonal":
        return "a random matrix with orthonormal rows, or columns where there are fewer"
    if entry.distribution == "identity":
        return "1 from unit i to unit i, 0 elsewhere"
    deviation = "the normal distribution of standard deviation s"
    law = {"uniform": "U(-s, s)", "truncated": f"{deviation}, truncated at two deviations of the whole one"}
    sizes = ", m inputs and n outputs of the layer" if entry.scale.free_symbols else ""
    return f"from {law.get(entry.distribution, deviation)}, s = {printed(entry.scale)}{sizes}"


def constraint_entries() -> Iterator[list[str]]:
    """Yield the rows of each constraint of the weights."""
    for name, entry in constraints.TABLE.items():
        parameters = ", ".join(f"{each.name}={each.default}" for each in entry.family.parameters)
        norm = ", r the norm of its unit's weights" if entry.value.has(constraints.r) else ""
        yield [
            f"{name}({parameters})" if parameters else name,
            *row("w becomes", f"{printed(entry.family.definition)}{norm}"),
            *row("applied", "to all weights after each update"),
            *row("peers", entry.peers),
        ]


def penalty_entries() -> Iterator[list[str]]:
    """Yield the rows of each penalty of the weights."""
    for name, entry in penalties.TABLE.items():
        parameters = ", ".join(f"{each.name}={each.default}" for each in entry.parameters)
        function = ElementFunction.derive(name, entry.value, (penalties.w,))
        also = [alias for alias, of in penalties.ALIASES.items() if of == name]
        yield [
            f"{name}({parameters})",
            *row("r(w)", printed(entry.family.definition)),
            *row("r\N{PRIME}(w)", f"{printed(function.derivative)}, at the defaults"),
            *row(
                "added", "summed over all weights" + (", divided by the number of samples" if entry.per_sample else "")
            ),
            *(row("also", ", ".join(also)) if also else []),
            *row("peers", entry.peers),
        ]


def schedule_entries() -> Iterator[list[str]]:
    """Yield the rows of each schedule."""
    for entry in SCHEDULES.values():
        parameters = ", ".join(f"{each.name}={each.default}" for each in entry.parameters)
        yield [
            entry.name + (f"({parameters})" if parameters else ""),
            *row("rate", f"η of update t = {printed(entry.value)}"),
            *(row("note", entry.note) if entry.note else []),
            *(row("peers", entry.peers) if entry.peers else []),
        ]


def _updates(optimizer: Optimizer) -> Iterator[str]:
    style = TextStyle()
    for place, update in enumerate(optimizer.updates):
        line = f"{style.name(update.target.name)} \N{LEFTWARDS ARROW} {printed(update.value)}"
        yield from row("update" if place == 0 else "", line)
