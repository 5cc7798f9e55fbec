"""Texts of the expression language, and what they mean."""

from __future__ import annotations

import math
from collections.abc import Callable

import sympy as sp
from sympy.codegen.cfunctions import Cbrt, expm1, log1p

x, y, k = (sp.Symbol(name, real=True) for name in ("x", "y", "k"))


def sigmoid(u: float) -> float:
    return 1 / (1 + math.exp(-u))


ACCEPTED: tuple[tuple[str, Callable[[float, float, float], float]], ...] = (
    ("x + y*2 - 3", lambda x, y, k: x + y * 2 - 3),
    ("-x**2", lambda x, y, k: -(x**2)),
    ("(-x)**2/y", lambda x, y, k: x * x / y),
    ("x/y/2", lambda x, y, k: x / y / 2),
    ("x - y - 1", lambda x, y, k: x - y - 1),
    ("2**-3*x", lambda x, y, k: x / 8),
    ("+x - -y", lambda x, y, k: x + y),
    ("x**3", lambda x, y, k: x**3),
    ("abs(x)**0.5", lambda x, y, k: abs(x) ** 0.5),
    ("abs(x)**-1.5", lambda x, y, k: abs(x) ** -1.5),
    ("abs(y)**pi", lambda x, y, k: abs(y) ** math.pi),
    ("x**k", lambda x, y, k: x**k),
    ("x**-k", lambda x, y, k: x**-k),
    ("x**(1 + 1)", lambda x, y, k: x * x),
    ("pi*x + e", lambda x, y, k: math.pi * x + math.e),
    ("1.5e-1*x + .5 + 2.", lambda x, y, k: 0.15 * x + 2.5),
    ("1_000*x", lambda x, y, k: 1000 * x),
    ("  x\n + y\t", lambda x, y, k: x + y),
    ("exp(x)", lambda x, y, k: math.exp(x)),
    ("expm1(x)", lambda x, y, k: math.expm1(x)),
    ("log(abs(x))", lambda x, y, k: math.log(abs(x))),
    ("log1p(x**2)", lambda x, y, k: math.log1p(x * x)),
    ("sqrt(abs(x))", lambda x, y, k: math.sqrt(abs(x))),
    ("cbrt(x)", lambda x, y, k: math.copysign(abs(x) ** (1 / 3), x)),
    ("sin(x)", lambda x, y, k: math.sin(x)),
    ("cos(x)", lambda x, y, k: math.cos(x)),
    ("tan(x)", lambda x, y, k: math.tan(x)),
    ("asin(x/3)", lambda x, y, k: math.asin(x / 3)),
    ("acos(x/3)", lambda x, y, k: math.acos(x / 3)),
    ("atan(x)", lambda x, y, k: math.atan(x)),
    ("sinh(x)", lambda x, y, k: math.sinh(x)),
    ("cosh(x)", lambda x, y, k: math.cosh(x)),
    ("tanh(x)", lambda x, y, k: math.tanh(x)),
    ("asinh(x)", lambda x, y, k: math.asinh(x)),
    ("acosh(2 + x**2)", lambda x, y, k: math.acosh(2 + x * x)),
    ("atanh(x/3)", lambda x, y, k: math.atanh(x / 3)),
    ("erf(x)", lambda x, y, k: math.erf(x)),
    ("erfc(x)", lambda x, y, k: math.erfc(x)),
    ("abs(x)", lambda x, y, k: abs(x)),
    ("sign(x)", lambda x, y, k: math.copysign(1, x)),
    ("max(x, y)", lambda x, y, k: max(x, y)),
    ("min(x, y, 1, 0.5)", lambda x, y, k: min(x, y, 0.5)),
    ("max(x, max(y, 1), 0)", lambda x, y, k: max(x, y, 1)),
    ("max(-1, min(1, x))", lambda x, y, k: max(-1, min(1, x))),
    ("where(x > 0, x, exp(x) - 1)", lambda x, y, k: x if x > 0 else math.exp(x) - 1),
    ("where(x <= y, x, 2*y)", lambda x, y, k: x if x <= y else 2 * y),
    ("where(1 < x, x, 3)", lambda x, y, k: x if x > 1 else 3),
    ("where(2 >= x, where(y < 0, 5, 6), 7)", lambda x, y, k: (5 if y < 0 else 6) if x <= 2 else 7),
    ("where(2 > 1, x, y)", lambda x, y, k: x),
    ("where(x + 1 < x, x, y)", lambda x, y, k: y),
    ("sigmoid(x)", lambda x, y, k: sigmoid(x)),
    ("softplus(x)", lambda x, y, k: math.log(1 + math.exp(x))),
    ("logsumexp(x, y, 0)", lambda x, y, k: math.log(math.exp(x) + math.exp(y) + 1)),
    ("x*tanh(softplus(x))", lambda x, y, k: x * math.tanh(math.log(1 + math.exp(x)))),
    ("x*sigmoid(1.702*x)", lambda x, y, k: x * sigmoid(1.702 * x)),
)

EXACT = (
    ("0.044715", sp.Rational(8943, 200000)),
    ("1.6732632423543772848170429916717", sp.Rational(16732632423543772848170429916717, 10**31)),
    ("0.1", sp.Rational(1, 10)),
    ("1e30", sp.Integer(10) ** 30),
    ("5e-324", sp.Rational(5, 10**324)),
    ("0e999999999", sp.Integer(0)),
    ("1/3", sp.Rational(1, 3)),
    ("9007199254740993", sp.Integer(9007199254740993)),
    ("cbrt(-8)", sp.Integer(-2)),
    ("max(2, 3)", sp.Integer(3)),
    ("log(1)", sp.Integer(0)),
)

FORMS = (
    ("expm1(x) + log1p(y)", expm1(x) + log1p(y)),
    ("cbrt(x)", Cbrt(x)),
    ("sigmoid(x)", 1 / (1 + sp.exp(-x))),
    ("softplus(x)", sp.log(1 + sp.exp(x))),
    ("logsumexp(x, y)", sp.log(sp.exp(x) + sp.exp(y))),
    ("max(0, x)", sp.Max(0, x)),
    ("max(x, max(x, 0))", sp.Max(0, x)),
    ("where(0 < x, x, y)", sp.Piecewise((x, x > 0), (y, True), evaluate=False)),
    ("where(x > y, x, x)", sp.Piecewise((x, x > y), (x, True), evaluate=False)),
    ("where(2 > 1, x, y)", x),
    ("where(x + 1 < x, x, y)", y),
    ("(exp(x) - exp(-x))/(exp(x) + exp(-x))", (sp.exp(x) - sp.exp(-x)) / (sp.exp(x) + sp.exp(-x))),
    ("erfc(-x)", sp.erfc(-x, evaluate=False)),
    ("tan(x + pi/2)", sp.tan(x + sp.pi / 2, evaluate=False)),
)
