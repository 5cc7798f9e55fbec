"""Second slopes: derived when they are first asked for, and refused where the first slope jumps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import sympy as sp

from symmlp.calculus.conditions import solved
from symmlp.calculus.functions import Care, ElementFunction, RowFunction
from symmlp.calculus.kinks import Kink, Policy
from symmlp.calculus.matrix_form import PRIME
from symmlp.errors import UnsupportedError


@dataclass(frozen=True)
class Curvatures:
    """The second slopes of some functions.

    A slope that is continuous and has a kink, such as elu's, has second slopes on both sides, and `kinks` decides as it
    does for first ones. A slope that jumps, such as relu's, has no second slope where it jumps; with
    `almost_everywhere` such points are left out.
    """

    functions: Mapping[str, ElementFunction | RowFunction]
    care: Care
    kinks: Policy
    almost_everywhere: bool = False
    derived: dict[str, ElementFunction] = field(default_factory=dict)

    def of(self, call: str) -> ElementFunction:
        """Return the slope f′ of a call f′′ as a function whose own slope is f′′; f_of_x_and_y′′ is ∂²f/∂x∂y.

        Raises:
            UnsupportedError: the slope jumps somewhere.
        """
        name = call.removesuffix(PRIME)
        if name not in self.derived:
            self.derived[name] = self._derive(name)
        return self.derived[name]

    def _derive(self, name: str) -> ElementFunction:
        plain = name.removesuffix(PRIME)
        if plain in self.functions:
            return self._differentiated(self._smooth(plain), name, 0)
        base, _, places = plain.partition("_of_")
        first, second = places.split("_and_")
        symbols = [symbol.name for symbol in self._element(base).variables]
        names = [base if each == symbols[0] else f"{base}_of_{each}" for each in (first, second)]
        one, _ = (self._smooth(each) for each in names)
        return self._differentiated(one, name, [symbol.name for symbol in one.variables].index(second))

    def _differentiated(self, function: ElementFunction, name: str, place: int) -> ElementFunction:
        variables = function.variables
        if place == 0:
            return function.differentiated(name, variables, care=self.care, kinks=self.kinks)
        ordered = (variables[place], *variables[:place], *variables[place + 1 :])
        found = function.differentiated(name, ordered, care=self.care, kinks=self.kinks)
        own = (variables[0], variables[place], *variables[1:place], *variables[place + 1 :])
        return ElementFunction(name, own, found.value_form, found.slope_form, found.kinks)

    def _element(self, name: str) -> ElementFunction:
        function = self.functions[name]
        assert isinstance(function, ElementFunction)
        return function

    def _smooth(self, name: str) -> ElementFunction:
        function = self._element(name)
        kink = None if self.almost_everywhere else next(iter(function.jumps), None)
        if kink is not None:
            raise UnsupportedError(
                f"{name.partition('_of_')[0]}: no second derivative where {_met(kink)}: the slope jumps there "
                f"from {kink.below} to {kink.above}; almost_everywhere (--almost-everywhere) leaves such points out"
            )
        return function


def _met(kink: Kink) -> str:
    """Return where a kink is: x = 1, or q = 1e-16."""
    _, left, right = solved(sp.Eq(kink.switch, 0, evaluate=False))
    return f"{left} = {right if len(str(right)) < LONG else f'{float(right):g}'}"


LONG = 12
"""A number of so many characters is written as a float."""
