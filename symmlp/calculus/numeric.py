"""Evaluate matrix nodes with NumPy, operation for operation as the printed code does."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from symmlp.calculus.error_functions import erf, erfc, erfcx
from symmlp.calculus.splitting import leading
from symmlp.errors import UnsupportedError
from symmlp.matrix import Add, Call, Compare, Constant, Divide, Node, Number, Power, Product, Real, Var, Where

CALLS: dict[str, Callable[..., Any]] = {
    "exp": np.exp,
    "log": np.log,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "asinh": np.arcsinh,
    "acosh": np.arccosh,
    "atanh": np.arctanh,
    "erf": erf,
    "erfc": erfc,
    "erfcx": erfcx,
    "leading": leading,
    "abs": np.abs,
    "sign": np.sign,
    "max": np.maximum,
    "min": np.minimum,
    "expm1": np.expm1,
    "log1p": np.log1p,
    "hypot": np.hypot,
    "cbrt": np.cbrt,
    "sqrt": np.sqrt,
}
RELATIONS: dict[str, Callable[[Any, Any], Any]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}


def evaluate(node: Node, arrays: Mapping[str, np.ndarray[Any, Any]]) -> Any:
    """Return the value of an elementwise node; floating-point warnings are the caller's to silence."""
    match node:
        case Var(name, _):
            return arrays[name]
        case Number(value):
            return value.numerator if value.denominator == 1 else value.numerator / value.denominator
        case Real(value):
            return value
        case Constant(name):
            return math.pi if name == "pi" else math.e
        case Add(terms):
            return _folded(operator.add, [evaluate(term, arrays) for term in terms])
        case Product(factors):
            return _folded(operator.mul, [evaluate(factor, arrays) for factor in factors])
        case Divide(top, bottom):
            return evaluate(top, arrays) / evaluate(bottom, arrays)
        case Power(base, exponent):
            return evaluate(base, arrays) ** evaluate(exponent, arrays)
        case Call(function, arguments):
            return CALLS[function](*(evaluate(argument, arrays) for argument in arguments))
        case Compare(relation, left, right):
            return RELATIONS[relation](evaluate(left, arrays), evaluate(right, arrays))
        case Where(condition, chosen, otherwise):
            return np.where(evaluate(condition, arrays), evaluate(chosen, arrays), evaluate(otherwise, arrays))
        case _:
            raise UnsupportedError(f"no value for {type(node).__name__}: {node}")


def _folded(operation: Callable[[Any, Any], Any], values: list[Any]) -> Any:
    total = values[0]
    for value in values[1:]:
        total = operation(total, value)
    return total
