"""What code computes in the place of a form: exponents put right, nothing that overflows on the way, no poles aside."""

from __future__ import annotations

from fractions import Fraction

from symmlp.calculus.compensation import compensated
from symmlp.calculus.ranges import within_range
from symmlp.matrix import Call, Compare, Divide, Node, Number, Power, Where, rebuild

ZERO, ONE = Number(Fraction(0)), Number(Fraction(1))
_SAFE = {"log": ONE, "log1p": ZERO}
"""Where a logarithm is finite, whatever it was asked for."""


def computed(node: Node) -> Node:
    """Return the node that code is printed from."""
    return within_range(without_untaken_poles(compensated(node)))


def without_untaken_poles(node: Node) -> Node:
    """Return the node with logarithms and divisors of a guarded branch kept away from zero where it is not taken.

    where(y == 0, 0, -y log(p))  =>  where(y == 0, 0, -y log(where(y == 0, 1, p)))
    """
    found = rebuild(node, without_untaken_poles)
    match found:
        case Where(Compare("==", _, Number()) as guard, Number() as chosen, otherwise):
            return Where(guard, chosen, _kept_off(otherwise, guard))
        case _:
            return found


def _kept_off(node: Node, guard: Compare) -> Node:
    match rebuild(node, lambda part: _kept_off(part, guard)):
        case Call(name, (argument,)) if name in _SAFE:
            return Call(name, (_elsewhere(guard, _SAFE[name], argument),))
        case Divide(top, bottom) if not isinstance(bottom, Number):
            return Divide(top, _elsewhere(guard, ONE, bottom))
        case Power(base, exponent) if not (isinstance(exponent, Number) and exponent.value > 0):
            return Power(_elsewhere(guard, ONE, base), exponent)
        case other:
            return other


def _elsewhere(guard: Compare, number: Node, argument: Node) -> Node:
    """Return the argument, or a number where the guard holds; the same guard is asked once."""
    if isinstance(argument, Where) and argument.condition == guard:
        return argument
    return Where(guard, number, argument)
