"""Where a slope jumps: a kink that was met in some branch need not be one of the whole function."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle

import sympy as sp

from symmlp.calculus.kinks import Kink

NEAR = sp.Rational(1, 10**20)
"""How far from a switch a slope is looked at."""

ELSEWHERE = ((-3, 2, 5, 8, 11), (4, -2, 3, -5, 13))
"""Values of a function's further variables, in sevenths, while its slope is looked at; all different."""


def is_jump(slope: sp.Expr, variables: Sequence[sp.Symbol], kink: Kink) -> bool:
    """Return whether the slope differs on the two sides of the switch.

    A kink may lie in a branch that does not hold there, as |p - y| does in huber's branch for large differences, and
    two branches may meet with the same slope. Where the switch cannot be solved for, a jump is assumed.
    """
    variable, *others = variables
    solved = False
    for values in ELSEWHERE:
        at = {other: sp.Rational(value, 7) for other, value in zip(others, cycle(values))}
        try:
            roots = sp.solve(kink.switch.xreplace(at), variable)
            sides = [[slope.xreplace({**at, variable: root + side}) for side in (-NEAR, NEAR)] for root in roots]
            steps = [sp.Abs(sp.N(above - below, 40)) for below, above in sides]
        except (NotImplementedError, ValueError, TypeError):
            return True
        if any(not step.is_number or not step < sp.sqrt(NEAR) for step in steps):
            return True
        solved = solved or bool(steps)
    return not solved
