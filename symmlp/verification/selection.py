"""Which entries of theta an oracle looks at when all of them would take too long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from symmlp.verification.layout import Array, Layout, Parameter


@dataclass(frozen=True)
class Selection:
    """Places in theta, ascending, out of `total`; `left_out` counts the parameters that no place belongs to."""

    places: tuple[int, ...]
    total: int
    left_out: int = 0

    @property
    def complete(self) -> bool:
        """Whether every entry is selected."""
        return len(self.places) == self.total

    @property
    def note(self) -> str:
        """`all 83 entries`, `200 of 4810 entries`, `60 of 9000 entries, none of 14 parameters`."""
        if self.complete:
            return f"all {self.total} entries"
        omitted = f", none of {self.left_out} parameters" if self.left_out else ""
        return f"{len(self.places)} of {self.total} entries{omitted}"


def select(layout: Layout, limit: int, seed: int, gradient: Array) -> Selection:
    """Return about `limit` places: of every parameter the entry of largest gradient, and seeded others.

    No parameter is left out, so there may be more places than `limit`.
    """
    return select_by_cost(layout, [1.0] * len(layout.parameters), limit, layout.count, seed, gradient)


def select_by_cost(
    layout: Layout, costs: Sequence[float], budget: float, most: float, seed: int, gradient: Array
) -> Selection:
    """Return places whose costs add up to about `budget`; `costs` are those of an entry of each parameter.

    The entry of largest gradient (NaN counts as largest) is taken of every parameter for as long as that costs no more
    than `most`: the last layer first, then from the first layer on. What is left of the budget is shared out evenly.
    """
    if sum(cost * parameter.size for cost, parameter in zip(costs, layout.parameters, strict=True)) <= budget:
        return Selection(tuple(range(layout.count)), layout.count)
    taken: list[int] = []
    spent = 0.0
    for number in _by_importance(layout):
        if taken and spent + costs[number] > most:
            break
        taken.append(number)
        spent += costs[number]
    generator = np.random.Generator(np.random.PCG64(seed))
    share = max(0.0, budget - spent) / len(taken)
    places = {
        place
        for number in taken
        for place in _of_parameter(layout.parameters[number], int(share / costs[number]), generator, gradient)
    }
    return Selection(tuple(sorted(places)), layout.count, len(layout.parameters) - len(taken))


def _by_importance(layout: Layout) -> list[int]:
    last = layout.parameters[-1].layer
    numbers = range(len(layout.parameters))
    return sorted(numbers, key=lambda number: (layout.parameters[number].layer != last, number))


def _of_parameter(parameter: Parameter, others: int, generator: np.random.Generator, gradient: Array) -> set[int]:
    """Return the place of largest gradient and `others` more, drawn without repetition."""
    largest = parameter.start + int(np.argmax(np.abs(gradient[parameter.start : parameter.stop])))
    drawn = generator.choice(parameter.size, size=min(others, parameter.size), replace=False)
    return {largest, *(parameter.start + int(offset) for offset in drawn)}
