"""What code computes in the place of a form: exponents put right, nothing that overflows on the way, no poles aside."""

from __future__ import annotations

from fractions import Fraction

from symmlp.calculus.compensation import compensated
from symmlp.calculus.ranges import is_power_of_two, within_range
from symmlp.matrix import Add, Call, Compare, Divide, Node, Number, Power, Var, Where, rebuild

ZERO, ONE = Number(Fraction(0)), Number(Fraction(1))
_SAFE = {"log": ONE, "log1p": ZERO}
"""Where a logarithm is finite, whatever it was asked for."""


def computed(node: Node) -> Node:
    """Return the node that code is printed from."""
    return within_range(without_untaken_poles(rooted(compensated(node))))


def rooted(node: Node) -> Node:
    """Return the node with a number added to a fraction of a variable added before the division, which rounds once.

    1/2 + x/3  =>  (3/2 + x)/3, whose sum is exact near its root
    """
    match rebuild(node, rooted):
        case Add((Number(number), Divide(Var() as x, Number(divisor) as below))) if _gains(number, divisor):
            return Divide(Add((Number(number * divisor), x)), below)
        case found:
            return found


def _gains(number: Fraction, divisor: Fraction) -> bool:
    """Return whether number · divisor is a float, and dividing by the divisor rounds."""
    moved = number * divisor
    return Fraction(float(moved)) == moved and divisor.denominator == 1 and not is_power_of_two(divisor)


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
