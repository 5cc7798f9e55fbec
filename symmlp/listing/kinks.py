"""Where the slope of a catalogued function jumps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

import sympy as sp

from symmlp.calculus.exact import exact
from symmlp.calculus.functions import ElementFunction
from symmlp.calculus.kinks import Kink
from symmlp.listing.rows import printed

_SOME = 0.75
"""A target to look at kinks with."""


def is_met(kink: Kink, function: ElementFunction) -> bool:
    """Return whether the slope changes where the switch is zero: a switch inside another's branch may not be met."""
    variable = function.variables[0].name
    point = {each.name: _SOME for each in function.variables}

    def at(expr: sp.Expr, value: float) -> float:
        return float(exact(expr, {**point, variable: value}))

    def jump(root: float) -> float:
        return abs(at(function.derivative, root + 1e-6) - at(function.derivative, root - 1e-6))

    return any(jump(root) > 1e-4 for root in _roots(lambda value: at(kink.switch, value)))


def _roots(of: Callable[[float], float]) -> Iterator[float]:
    """Yield where a function changes its sign between -10 and 10."""
    ends = [(place + 0.3) / 8 for place in range(-80, 80)]
    for low, high in pairwise(ends):
        below = of(low)
        if below * of(high) < 0:
            for _ in range(40):
                middle = (low + high) / 2
                low, high = (middle, high) if below * of(middle) > 0 else (low, middle)
            yield low


def kink_text(kink: Kink, variable: sp.Symbol) -> str:
    """Return where a kink is, between which slopes, and the one that is taken."""
    ends = f"{printed(kink.below)} to {printed(kink.above)}, {printed(kink.chosen)} is taken"
    coefficient = sp.diff(kink.switch, variable)
    if coefficient.is_number and coefficient != 0:
        root = sp.expand(variable - kink.switch / coefficient)
        return f"{variable} = {printed(root)}: {ends}"
    return f"{printed(kink.switch)} = 0: {ends}"
