"""erf and erfc as functions of a program, for code that writes every operation out: one polynomial, no branch in erfc.

For x ≥ 0, exp(x²)·erfc(x) is an interpolant, a polynomial in float64 and a quotient of two in float32; erfc(-x) =
2 - erfc(x). The computed square s is off by r = x² - s = (x - h)(x + h) + (h² - s), where h has few enough digits for
h² to be exact; exp(-x²) is exp(-s)(1 - r), r being so small that r²/2 is below the last digit.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from typing import Literal

from symmlp.calculus.error_functions import (
    CENTRE,
    SCALED_DEGREE,
    distance_tail_coefficients,
    near_coefficients,
    scaled_tail_coefficients,
    scaled_tail_quotient,
)
from symmlp.calculus.splitting import SPLITTERS
from symmlp.matrix import Add, Call, Compare, Divide, Node, Number, Power, Product, Real, Var, Where
from symmlp.program.ir import Function, Statement

QUOTIENT_DEGREES = (5, 4)
"""Of erfcx in float32, where a quotient of polynomials needs fewer operations than one polynomial: 3e-8 off at most."""

LARGEST = {"float64": Fraction(28), "float32": Fraction(21, 2)}
"""erfc is below the smallest number from there on."""

ROUNDERS = {"float64": 1.5 * 2.0**40, "float32": 1.5 * 2.0**16}
"""Added and subtracted again, they leave 12 or 7 binary digits behind the point."""

X = Var("x", ())
ONE, TWO, MINUS, HALF = (Number(Fraction(each)) for each in (1, 2, -1, Fraction(1, 2)))


@cache
def error_functions(dtype: Literal["float64", "float32"]) -> tuple[Function, ...]:
    """Return erf, erfc and erfcx to the accuracy of the dtype, and the splitting of its numbers."""
    return _erf(dtype), _erfc(dtype), _erfcx(dtype), _leading(dtype)


def _erfcx(dtype: Literal["float64", "float32"]) -> Function:
    if dtype == "float64":
        return Function("erfcx", "erfcx", (X,), (), _by_quotient(X))
    w = Var("w", ())
    above, below = scaled_tail_quotient(*QUOTIENT_DEGREES)
    near = Statement(w, Divide(ONE, Add((X, Number(Fraction(CENTRE))))))
    return Function("erfcx", "erfcx", (X,), (near,), Product((w, Divide(_polynomial(above, w), _polynomial(below, w)))))


def _leading(dtype: Literal["float64", "float32"]) -> Function:
    scaled = Var("scaled", ())
    lines = (Statement(scaled, Product((Number(Fraction(SPLITTERS[dtype])), X))),)
    return Function("leading", "leading", (X,), lines, _minus(scaled, _minus(scaled, X)))


def _minus(one: Node, other: Node) -> Node:
    return Add((one, Product((MINUS, other))))


def _erfc(dtype: Literal["float64", "float32"]) -> Function:
    size, tail = _tail(Call("abs", (X,)), dtype)
    side, value = Var("side", ()), Var("value", ())
    sign = Statement(side, Call("copysign", (ONE, X)))
    either = Add((Product((side, value)), Add((ONE, Product((MINUS, side))))))
    return Function("erfc", "erfc", (X,), (*size, Statement(value, tail), sign), either)


def _erf(dtype: Literal["float64", "float32"]) -> Function:
    size, tail = _tail(Call("abs", (X,)), dtype)
    near = Product((X, _polynomial(near_coefficients(), Power(Call("min", (Call("abs", (X,)), ONE)), TWO))))
    far = Product((Call("sign", (X,)), Add((ONE, Product((MINUS, tail))))))
    return Function("erf", "erf", (X,), size, Where(Compare("<", Call("abs", (X,)), ONE), near, far))


def _tail(size: Node, dtype: Literal["float64", "float32"]) -> tuple[tuple[Statement, ...], Node]:
    """Return the lines before erfc of a size that is at least zero, and erfc of it."""
    a, h, square, rest, power, w = (Var(name, ()) for name in ("a", "h", "square", "rest", "power", "w"))
    rounder, centre = Real(ROUNDERS[dtype]), Number(Fraction(CENTRE))
    minus_h = Product((MINUS, h))
    lines = (
        Statement(a, Call("min", (size, Number(LARGEST[dtype])))),
        Statement(h, Add((Add((a, rounder)), Product((MINUS, rounder))))),
        Statement(square, Power(a, TWO)),
        Statement(
            rest, Add((Product((Add((a, minus_h)), Add((a, h)))), Add((Power(h, TWO), Product((MINUS, square))))))
        ),
        Statement(power, Call("exp", (Product((MINUS, square)),))),
        Statement(w, Divide(ONE, Add((a, centre)))),
    )
    scaled = _by_distance(w) if dtype == "float32" else _by_quotient(a)
    return lines, Product((Add((power, Product((MINUS, power, rest)))), scaled))


def _by_distance(w: Node) -> Node:
    """Return exp(x²) erfc(x) in w = 1/(x + 2)."""
    return Product((w, _polynomial(distance_tail_coefficients(8, LARGEST["float32"]), w)))


def _by_quotient(x: Node) -> Node:
    """Return exp(x²) erfc(x) in u = (x - 2)/(x + 2) = 1 - 4w: its powers keep the digits that those of w cancel."""
    centre = Number(Fraction(CENTRE))
    u = Divide(_minus(x, centre), Add((x, centre)))
    return Product((HALF, Divide(_polynomial(scaled_tail_coefficients(SCALED_DEGREE), u), Add((x, HALF)))))


def _polynomial(coefficients: tuple[float, ...], x: Node) -> Node:
    first, *rest = coefficients
    value: Node = Real(first)
    if first == 1.0:
        second, *rest = rest
        value = Add((x, Real(second)))
    for coefficient in rest:
        value = Add((Product((value, x)), Real(coefficient)))
    return value
