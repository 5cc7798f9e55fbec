"""Forward definitions made into plain functions of numbers, in any precision, by a walk over their expression trees.

Nothing is printed, parsed or rewritten on the way: each node becomes the arithmetic that it says.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import mpmath
import sympy as sp

from symmlp.errors import UnsupportedError, shown
from symmlp.verification.held import Held, chosen_above, chosen_from

Number = Any
"""A number of an mpmath context: a float of `mpmath.fp`, or an mpf."""

Values = Sequence[Number]
Function = Callable[[Values], Number]
Watch = Callable[[Number], None]

CIRCULAR = ("sin", "cos", "tan", "asin", "acos", "atan")
HYPERBOLIC = ("sinh", "cosh", "tanh", "asinh", "acosh", "atanh")
NAMED = frozenset(("exp", "expm1", "log", "log1p", "sqrt", "hypot", "erf", "erfc", *CIRCULAR, *HYPERBOLIC))
"""Functions that SymPy, mpmath and the standard library call the same."""

GROWING = frozenset(("exp", "expm1", "sinh", "cosh"))
LARGEST_EXPONENT = 10_000
"""In many digits nothing overflows: exp(exp(exp(x))) would be computed, at any cost, far beyond any float."""

RELATIONS: dict[type[sp.Basic], Callable[[Number, Number], bool]] = {
    sp.StrictGreaterThan: operator.gt,
    sp.GreaterThan: operator.ge,
    sp.StrictLessThan: operator.lt,
    sp.LessThan: operator.le,
}


class NotRealError(ArithmeticError):
    """A definition that has no finite real value at the point where it was evaluated."""


def precise(digits: int) -> Any:
    """Return an mpmath context of `digits` decimal digits, apart from mpmath's global one."""
    context = mpmath.MPContext()
    context.dps = digits
    return context


def is_real(number: Number, context: Any) -> bool:
    """Tell whether a number of `context` is a finite real one."""
    return not isinstance(number, context.mpc) and not context.isnan(number) and not context.isinf(number)


def unwatched(_: Number) -> None:
    """Return nothing: kinks are of no interest."""


@dataclass(frozen=True)
class Evaluation:
    """Makes expressions into functions over the numbers of `context`.

    `watch` is told the distance from every kink and every border between branches that a value passes. With `shared`,
    equal parts of the expressions are computed once for each sequence of values.
    """

    context: Any = mpmath.fp
    watch: Watch = unwatched
    shared: bool = False

    def function(self, expr: sp.Expr, variables: Sequence[sp.Symbol]) -> Function:
        """Return `expr` as a function of the sequence of its variables' values.

        Raises:
            UnsupportedError: the expression holds a function for which there is no arithmetic.
        """
        (function,) = self.functions([expr], variables)
        return function

    def functions(self, exprs: Sequence[sp.Expr], variables: Sequence[sp.Symbol]) -> list[Function]:
        """Return each of `exprs` as `function` does; what is shared is shared between them, too."""
        compiler = _Compiler(self, {name: place for place, name in enumerate(variables)})
        return [compiler.of(expr) for expr in exprs]


@dataclass(frozen=True)
class _Compiler:
    """Turns nodes into functions; equal nodes become one function."""

    evaluation: Evaluation
    places: Mapping[sp.Symbol, int]
    done: dict[sp.Basic, Function] = field(default_factory=dict)

    @property
    def context(self) -> Any:
        return self.evaluation.context

    def of(self, expr: sp.Basic) -> Function:
        if expr not in self.done:
            made = self._made(expr)
            self.done[expr] = _remembering(made) if self.evaluation.shared and expr.args else made
        return self.done[expr]

    def _made(self, expr: sp.Basic) -> Function:
        match expr:
            case sp.Symbol():
                return self._variable(expr)
            case sp.Add():
                return self._folded(operator.add, expr.args)
            case sp.Mul():
                return self._folded(operator.mul, expr.args)
            case sp.Pow():
                return self._power(expr)
            case sp.Piecewise():
                return self._branches(expr)
            case sp.Max():
                return self._extreme(max, expr.args)
            case sp.Min():
                return self._extreme(min, expr.args)
            case _ if not expr.args:
                constant = self._constant(expr)
                return lambda values: constant
            case _:
                return self._call(expr)

    def _variable(self, name: sp.Symbol) -> Function:
        if name not in self.places:
            raise UnsupportedError(f"no value for {name}; expected one of {shown(', '.join(map(str, self.places)))}")
        return operator.itemgetter(self.places[name])

    def _constant(self, number: sp.Basic) -> Number:
        if isinstance(number, sp.Rational | sp.Float):
            exact = sp.Rational(number)
            return self.context.mpf(int(exact.p)) / int(exact.q)
        if number in (sp.pi, sp.E):
            return +(self.context.pi if number == sp.pi else self.context.e)
        raise UnsupportedError(f"no arithmetic for {shown(str(number))}")

    def _folded(self, operation: Callable[[Number, Number], Number], args: Sequence[sp.Basic]) -> Function:
        parts = [self.of(argument) for argument in args]
        if len(parts) == 2:
            first, second = parts
            return lambda values: operation(first(values), second(values))
        return lambda values: reduce(operation, [part(values) for part in parts])

    def _power(self, expr: sp.Pow) -> Function:
        base, exponent = self.of(expr.base), expr.exp
        if exponent.is_Integer:
            whole = int(exponent)
            return lambda values: base(values) ** whole
        if exponent == sp.Rational(1, 2):
            root = self.context.sqrt
            return lambda values: root(base(values))
        power, raised = self.context.power, self.of(exponent)
        return lambda values: power(base(values), raised(values))

    def _branches(self, expr: sp.Piecewise) -> Function:
        pairs = [(self._condition(condition), self.of(value)) for value, condition in expr.args]

        def chosen(values: Values) -> Number:
            for holds, value in pairs:
                if holds(values):
                    return value(values)
            raise NotRealError(f"no branch of {shown(str(expr))} holds")

        return chosen

    def _condition(self, condition: sp.Basic) -> Callable[[Values], bool]:
        if condition == sp.true:
            return lambda values: True
        relation = RELATIONS.get(type(condition))
        if relation is None:
            raise UnsupportedError(f"no arithmetic for the condition {shown(str(condition))}")
        compared, watch = relation, self.evaluation.watch
        left, right = (self.of(side) for side in condition.args)

        def holds(values: Values) -> bool:
            first, second = left(values), right(values)
            watch(abs(first - second))
            return compared(first, second)

        return holds

    def _chosen(self, expr: sp.Function) -> Function:
        compare = operator.gt if isinstance(expr, chosen_above) else operator.ge
        left, right, holds, fails = (self.of(argument) for argument in expr.args)
        return lambda values: (holds if compare(left(values), right(values)) else fails)(values)

    def _extreme(self, choose: Callable[[list[Number]], Number], args: Sequence[sp.Basic]) -> Function:
        parts, watch = [self.of(argument) for argument in args], self.evaluation.watch

        def value(values: Values) -> Number:
            candidates = [part(values) for part in parts]
            best = choose(candidates)
            watch(sorted(abs(best - candidate) for candidate in candidates)[1])
            return best

        return value

    def _call(self, expr: sp.Basic) -> Function:
        name = type(expr).__name__
        if isinstance(expr, chosen_above | chosen_from):
            return self._chosen(expr)
        arguments = [self.of(argument) for argument in expr.args]
        if isinstance(expr, Held):
            defined = self.evaluation.function(expr.definition, expr.variables)
            return lambda values: defined([argument(values) for argument in arguments])
        if name in NAMED:
            # mpmath's context of floats lacks a few that the standard library has.
            function = getattr(self.context, name, None) or getattr(math, name)
            if name in GROWING:
                return _bounded(function, arguments[0])
            return lambda values: function(*[argument(values) for argument in arguments])
        kinked = self._kinked(name)
        if kinked is None:
            raise UnsupportedError(f"no arithmetic for {name}: {shown(str(expr))}")
        return self._watched(kinked, arguments[0])

    def _kinked(self, name: str) -> Callable[[Number], Number] | None:
        """Return the function of one number that is not smooth at 0, or whose slope is not finite there."""
        context = self.context
        third = context.mpf(1) / 3
        return {
            "Abs": abs,
            "sign": context.sign,
            "Heaviside": lambda value: context.mpf(value > 0),
            "DiracDelta": self._zero_but_at_zero,
            "Cbrt": lambda value: context.sign(value) * context.power(abs(value), third),
        }.get(name)

    def _watched(self, function: Callable[[Number], Number], argument: Function) -> Function:
        watch = self.evaluation.watch

        def value(values: Values) -> Number:
            point = argument(values)
            watch(abs(point))
            return function(point)

        return value

    def _zero_but_at_zero(self, value: Number) -> Number:
        if value == 0:
            raise NotRealError("the slope of a jump was asked for at the jump")
        return self.context.mpf(0)


def _bounded(function: Callable[[Number], Number], argument: Function) -> Function:
    def value(values: Values) -> Number:
        point = argument(values)
        if abs(point) > LARGEST_EXPONENT:
            raise NotRealError(f"exp of a number beyond {LARGEST_EXPONENT} overflows every float")
        return function(point)

    return value


def _remembering(function: Function) -> Function:
    """Return `function`, computing anew only when it is given another sequence of values."""
    last: list[Any] = [None, None]

    def value(values: Values) -> Number:
        # The sequence is held, so its identity cannot be taken over by a later one.
        if last[0] is not values:
            last[:] = values, function(values)
        return last[1]

    return value
