"""The functions of the expression language: forward definitions, each as a constructor of SymPy expressions.

They decide what SymPy would decide wrongly, slowly or in other functions' terms.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sympy as sp
from sympy.codegen.cfunctions import Cbrt, expm1, log1p

from symmlp.expression.real import rounded, value_at

_ROUNDING = 1e-40
_LARGEST_EXPONENT = 745
"""exp(-745) is the smallest float64, and exp(710) above the largest."""


def _plain(function: type[sp.Function]) -> Callable[[sp.Expr], sp.Expr]:
    """Return the constructor of a SymPy function that keeps a constant as it is where SymPy rounds it.

    SymPy judges by few digits whether a constant is zero, and takes sin(acos(erf(6))) for 0.
    """

    def build(u: sp.Expr) -> sp.Expr:
        value = function(u)
        if not (value.is_Rational and u.is_number) or u.is_Rational:
            return value
        exact = function(u, evaluate=False)
        return value if abs(rounded(value_at(exact, {})) - rounded(value_at(value, {}))) < _ROUNDING else exact

    return build


def _exponential(function: type[sp.Function]) -> Callable[[sp.Expr], sp.Expr]:
    """Return the constructor of exp or expm1, which refuses constants beyond float64 before SymPy estimates them.

    Raises:
        OverflowError: the argument is a constant whose power is beyond float64.
    """

    def build(u: sp.Expr) -> sp.Expr:
        if u.is_number and abs(rounded(value_at(u, {}))) > _LARGEST_EXPONENT:
            raise OverflowError
        return _plain(function)(u)

    return build


_exp = _exponential(sp.exp)


def _cube_root(u: sp.Expr) -> sp.Expr:
    """Return the real cube root: of a number by its sign, because SymPy's power takes the complex one of -8."""
    if not u.is_number:
        return Cbrt(u)
    sign = -1 if value_at(u, {}) < 0 else 1
    return sign * sp.Pow(sign * u, sp.Rational(1, 3))


def _kept(function: type[sp.Function], unwanted: Callable[[sp.Expr], bool]) -> Callable[[sp.Expr], sp.Expr]:
    """Return the constructor of a SymPy function that stays as it is written where SymPy's form is `unwanted`.

    That is cot for tan(u + pi/2), which is outside the language, and 2 - erfc(u) for erfc(-u), which cancels.
    """

    def build(u: sp.Expr) -> sp.Expr:
        value = function(u)
        return function(u, evaluate=False) if unwanted(value) else value

    return build


def _extreme(kind: type[sp.Expr], better: Callable[[Any, Any], bool]) -> Callable[..., sp.Expr]:
    """Return the constructor of a maximum or a minimum: numbers are folded here, and SymPy compares nothing.

    SymPy compares all arguments pairwise by their assumptions, which takes half a second for sixteen of them.
    """

    def build(*arguments: sp.Expr) -> sp.Expr:
        flat = dict.fromkeys(part for u in arguments for part in (u.args if isinstance(u, kind) else (u,)))
        best: list[sp.Expr] = []
        for number in (u for u in flat if u.is_number):
            if not best or better(rounded(value_at(number, {})), rounded(value_at(best[0], {}))):
                best = [number]
        chosen = [*best, *(u for u in flat if not u.is_number)]
        return chosen[0] if len(chosen) == 1 else kind(*chosen, evaluate=False)

    return build


def _choice(condition: sp.Rel | bool, a: sp.Expr, b: sp.Expr) -> sp.Expr:
    """Return a where the condition holds, b elsewhere."""
    if isinstance(condition, bool):
        return a if condition else b
    return sp.Piecewise((a, condition), (b, sp.true), evaluate=False)


@dataclass(frozen=True)
class Function:
    """A function of the language: how it is built, and how many arguments it takes (at least, if `more`)."""

    build: Callable[..., sp.Expr]
    arguments: int = 1
    more: bool = False


FUNCTIONS: dict[str, Function] = {
    "exp": Function(_exp),
    "expm1": Function(_exponential(expm1)),
    "log": Function(_plain(sp.log)),
    "log1p": Function(_plain(log1p)),
    "sqrt": Function(sp.sqrt),
    "cbrt": Function(_cube_root),
    "sin": Function(_plain(sp.sin)),
    "cos": Function(_plain(sp.cos)),
    "tan": Function(_kept(sp.tan, lambda value: value.has(sp.cot))),
    "asin": Function(_plain(sp.asin)),
    "acos": Function(_plain(sp.acos)),
    "atan": Function(_plain(sp.atan)),
    "sinh": Function(_plain(sp.sinh)),
    "cosh": Function(_plain(sp.cosh)),
    "tanh": Function(_plain(sp.tanh)),
    "asinh": Function(_plain(sp.asinh)),
    "acosh": Function(_plain(sp.acosh)),
    "atanh": Function(_plain(sp.atanh)),
    "erf": Function(_plain(sp.erf)),
    "erfc": Function(_kept(sp.erfc, lambda value: isinstance(value, sp.Add))),
    "abs": Function(_plain(sp.Abs)),
    "sign": Function(_plain(sp.sign)),
    "max": Function(_extreme(sp.Max, operator.gt), 2, more=True),
    "min": Function(_extreme(sp.Min, operator.lt), 2, more=True),
    "where": Function(_choice, 3),
    "sigmoid": Function(lambda u: 1 / (1 + _exp(-u))),
    "softplus": Function(lambda u: sp.log(1 + _exp(u))),
    "logsumexp": Function(lambda *us: sp.log(sp.Add(*map(_exp, us))), 2, more=True),
}
