"""Expressions and the inputs at which such formulas fail: the wide table that hostile inputs are drawn from."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

MAGNITUDES = (1e-30, 1e-8, 1.0, 20.0, 88.0, 90.0, 700.0, 745.0, 1e4, 1e30, 1e200, math.inf)
EVERYWHERE = (0.0, *MAGNITUDES, *(-each for each in MAGNITUDES))
POSITIVE = (0.0, *MAGNITUDES)
INNER = (1e-20, 1e-8, 0.1, 0.5, 0.9, 1.0, 3.0, 6.0)
"""Where branches of catalogue functions meet, and where small-argument forms hand over."""

LINE = (*EVERYWHERE, *(sign * each for each in INNER[:5] + INNER[6:] for sign in (1.0, -1.0)))
SHARES = (0.0, 0.3, 1.0)
PROBABILITIES = (0.0, 1e-300, 1e-30, 1e-20, 1e-8, 0.3, 0.5, 1.0 - 2.0**-24, 1.0 - 2.0**-53, 1.0)
SIGNS = (1.0, -1.0)


@dataclass(frozen=True)
class Expression:
    """A text, its slope's variable, and the points it is asked at: all combinations of the variables' values.

    `reference` is the same function for the oracle where the text cancels beyond any number of digits.
    `rtol` is the tolerance in float64 and in float32.
    """

    text: str
    values: dict[str, tuple[float, ...]]
    wrt: tuple[str, ...] = ("x",)
    reference: str | None = None
    rtol: tuple[float, float] = (2e-15, 5e-7)

    def points(self, dtype: type) -> Iterator[dict[str, float]]:
        """Yield the points that `dtype` can hold, at most one coordinate infinite, each once."""
        seen = set()
        for chosen in itertools.product(*self.values.values()):
            with np.errstate(over="ignore"):
                rounded = tuple(float(dtype(each)) for each in chosen)
            lost = any(math.isinf(new) and not math.isinf(old) for old, new in zip(chosen, rounded, strict=True))
            if lost or rounded in seen or sum(map(math.isinf, rounded)) > 1:
                continue
            seen.add(rounded)
            yield dict(zip(self.values, rounded, strict=True))


def _in_x(text: str, reference: str | None = None, *, values: tuple[float, ...] = LINE, name: str = "x") -> Expression:
    return Expression(text, {name: values}, (name,), reference)


def _tails(text: str, reference: str | None = None) -> Expression:
    return Expression(text, {"x": LINE}, ("x",), reference, (5e-13, 2e-5))


PAIRS = (0.0, 1.0, -1.0, 20.0, -90.0, 700.0, -745.0, 1e4, -1e30, 1e-8, math.inf, -math.inf)

GIVEN = (
    _in_x("x*tanh(log(1+exp(x)))"),
    _in_x("1/(1+exp(-x))"),
    _in_x("log(1/(1+exp(-x)))"),
    _in_x("log(1+exp(x))"),
    _in_x("log(1+exp(1e30*x))/1e30"),
    _in_x("x/(1+exp(-x))"),
    _tails("x*(1+erf(x/sqrt(2)))/2", "x*erfc(-x/sqrt(2))/2"),
    _tails("x*(1+tanh(sqrt(2/pi)*(x+(44715/1000000)*x**3)))/2", "x/(1+exp(-2*sqrt(2/pi)*(x+(44715/1000000)*x**3)))"),
    _in_x("where(x>0, x, exp(x)-1)"),
    _in_x("where(x>0, x, 1.6732632423543772848170429916717*(exp(x)-1))*1.0507009873554804934193349852946"),
    _in_x("where(x>=0, x, (1/1000)*(exp(1000*x)-1))"),
    _in_x("x/(1+abs(x))"),
    _in_x("tanh(x)"),
    _in_x("max(x,0)"),
    Expression("max(x,y)", {"x": PAIRS, "y": (0.3, -3.0, 1e30)}, ("x", "y")),
    _in_x("max(-1,min(1,x))"),
    _in_x("(x+sqrt(x**2+4))/2", "where(x>0, (x+sqrt(x**2+4))/2, 2/(sqrt(x**2+4)-x))"),
    _in_x("exp(-x**2)"),
    _in_x("(exp(x)-1)/x"),
    _in_x("sqrt(1+x)-1", values=(*POSITIVE, *INNER, -1.0, -0.5, -1e-8, -1e-30)),
    _in_x("where(x<=0, exp(x), 1+x)"),
    _in_x("where(x>0, sqrt(x), x)"),
    _in_x("sqrt(x**2)"),
    Expression("sqrt(x**2+y**2)", {"x": PAIRS, "y": (0.0, 1e-200, 0.3, -745.0, 1e200)}, ("x", "y")),
    Expression("x**k", {"x": (0.0, 1e-30, 1e-8, 1.0, 20.0, 1e4), "k": (0.0, 0.5, 1.0, 2.0, 3.0, -1.0)}),
    _in_x("x*log(x)", values=(*POSITIVE, *INNER)),
    Expression(
        "-y*log(1/(1+exp(-z)))-(1-y)*log(1-1/(1+exp(-z)))",
        {"z": LINE, "y": SHARES},
        ("z",),
        "y*log(1+exp(-z))+(1-y)*log(1+exp(z))",
    ),
    Expression("-y*log(p)-(1-y)*log(1-p)", {"p": PROBABILITIES, "y": SHARES}, ("p",)),
    Expression("-log(exp(z0)/(exp(z0)+exp(z1)))", {"z0": PAIRS, "z1": PAIRS}, ("z0", "z1"), "log(1+exp(z1-z0))"),
    Expression(
        "-((1/20)*log(exp(z0)/(exp(z0)+exp(z1)))+(19/20)*log(exp(z1)/(exp(z0)+exp(z1))))",
        {"z0": PAIRS, "z1": PAIRS[:6]},
        ("z0", "z1"),
        "log(1+exp(z1-z0))/20+19*log(1+exp(z0-z1))/20",
    ),
    Expression("t*(log(t)-log(p))", {"p": PROBABILITIES, "t": SHARES}, ("p",)),
    _in_x("log(cosh(r))", name="r"),
    _in_x("sqrt(1+r**2)-1", name="r"),
    _in_x("where(abs(r)<=1, r**2/2, abs(r)-(1/2))", name="r"),
    Expression("sqrt((x**2+y**2)/2)", {"x": PAIRS, "y": (0.0, 1e-200, 0.3, 1e200)}, ("x", "y")),
    Expression("exp(z)-t*z", {"z": LINE, "t": SHARES}, ("z",)),
    Expression("m-t*log(m)", {"m": (*POSITIVE, *INNER), "t": SHARES}, ("m",)),
    Expression(
        "(z+(m-t)**2*exp(-z))/2",
        {"m": (0.0, 1.0, -20.0, 1e30), "z": (0.0, 1.0, -88.0, 700.0, -745.0, 1e4), "t": SHARES},
        ("m", "z"),
    ),
    Expression(
        "-(1-1/(1+exp(-z)))**g*log(1/(1+exp(-z)))",
        {"z": LINE, "g": (0.5, 2.0, 0.0, 1.0)},
        ("z",),
        "(1/(1+exp(z)))**g*log(1+exp(-z))",
    ),
    Expression("log(1+exp(-t*z))", {"z": LINE, "t": SIGNS}, ("z",)),
    Expression("max(0,1-t*z)**2", {"z": LINE, "t": SIGNS}, ("z",)),
    Expression("abs((x-t)/t)", {"x": (*PAIRS, 1e200), "t": (1.0, 0.3, -20.0)}),
    Expression(
        "-(exp(z0)/(exp(z0)+exp(z1)))*log(exp(z0)/(exp(z0)+exp(z1)))"
        "-(exp(z1)/(exp(z0)+exp(z1)))*log(exp(z1)/(exp(z0)+exp(z1)))",
        {"z0": PAIRS, "z1": PAIRS[:6]},
        ("z0", "z1"),
        "log(1+exp(z1-z0))/(1+exp(z1-z0))+log(1+exp(z0-z1))/(1+exp(z0-z1))",
    ),
)
"""The expressions of hostile_cases.json."""

TARGETED = {"p": LINE, "y": (0.0, 0.3, 1e4)}

FURTHER = (
    _in_x("x*min(max(x+3,0),6)/6"),
    _in_x("min(max(0,x),6)"),
    _in_x("max(0,x)+min(0,2*(exp(x/2)-1))"),
    _in_x("where(x>0.5, x-0.5, where(x<-0.5, x+0.5, 0))"),
    _in_x("max(0,x)+0.01*min(0,x)"),
    _in_x("x-tanh(x)"),
    _in_x("1-tanh(x)**2"),
    _in_x("(exp(x)-exp(-x))/(exp(x)+exp(-x))"),
    _in_x("log(1+exp(5*x))/5"),
    _in_x("log1p(exp(x))"),
    _in_x("expm1(x)/x"),
    _in_x("log(1+x)", values=(*POSITIVE, *INNER, -0.5, -1e-8, -1e-30)),
    _in_x("log(1+x)/x", values=(*POSITIVE[1:], *INNER, -0.5, -1e-8, -1e-30)),
    _in_x("log(1-exp(-x))", values=(*POSITIVE[1:], *INNER), reference="log(1-exp(-x))"),
    _in_x("sqrt(x)", values=(*POSITIVE, *INNER)),
    _in_x("sqrt(x+1)-sqrt(x)", "1/(sqrt(x+1)+sqrt(x))", values=(*POSITIVE[1:], *INNER)),
    _in_x("1/(x+1)-1/x", "-1/(x*(x+1))", values=(*POSITIVE[1:], *INNER)),
    _in_x("x**2/(1+x**2)"),
    _in_x("1/(1+x**2)"),
    _in_x("log(1+x**2)"),
    _in_x("log(1+abs(x))"),
    _in_x("atan(x)"),
    _in_x("asinh(x)"),
    _in_x("log(x+sqrt(x**2+1))", "asinh(x)"),
    _in_x("sin(x)/x", values=tuple(each for each in LINE if abs(each) < 1e5)),
    _in_x("(1-cos(x))/x**2", values=tuple(each for each in LINE if abs(each) < 1e5)),
    _in_x("exp(-x)*x**3"),
    _in_x("x*exp(-x**2)"),
    _in_x("exp(-exp(-x))"),
    _in_x("1-exp(-x)"),
    _in_x("exp(x)/(1+exp(x))**2"),
    _in_x("1/(1+exp(-x))*(1-1/(1+exp(-x)))", "1/(2+exp(x)+exp(-x))"),
    _in_x("(sqrt(x**2+1)-1)/2+x"),
    _in_x("x/sqrt(1+x**2)"),
    _in_x("where(x<=-1, 0, where(x>=1, x, (x+1)**2/4))"),
    _in_x("where(x<=-1, 0, where(x>=1, 1, (x+1)/2))"),
    _in_x("sinh(x)/cosh(x)", "tanh(x)"),
    _in_x("tanh(x/2)"),
    _in_x("log(sigmoid(x))", "-log(1+exp(-x))"),
    _in_x("log(1-sigmoid(x))", "-log(1+exp(x))"),
    _in_x("softplus(x)-softplus(-x)", "x"),
    _in_x("x*sigmoid(1.702*x)", "x/(1+exp(-(1702/1000)*x))"),
    _in_x("cbrt(x)"),
    _in_x("atan(x)*2/pi"),
    Expression("erfc(x)", {"x": LINE}, ("x",), None, (5e-13, 2e-5)),
    Expression("(1+erf(x/sqrt(2)))/2", {"x": LINE}, ("x",), "erfc(-x/sqrt(2))/2", (5e-13, 2e-5)),
    Expression("log((1+erf(x/sqrt(2)))/2)", {"x": LINE}, ("x",), "log(erfc(-x/sqrt(2))/2)", (5e-13, 2e-5)),
    Expression("abs(p-y)", TARGETED, ("p",)),
    Expression("(p-y)**2", TARGETED, ("p",)),
    Expression("log(cosh(p-y))", {"p": LINE, "y": (0.0, 1.0)}, ("p",)),
    Expression(
        "where(abs(p-y)<0.001, (p-y)**2/(2*0.001), abs(p-y)-0.001/2)",
        {"p": LINE, "y": (0.0, 1.0)},
        ("p",),
    ),
    Expression(
        "where(abs(p-y)<=100, (p-y)**2/2, 100*(abs(p-y)-50))",
        {"p": (*LINE, 100.0, -100.0), "y": (0.0, 1.0)},
        ("p",),
    ),
    Expression("max(0.9*(y-p), (0.9-1)*(y-p))", {"p": LINE, "y": (0.0, 0.3)}, ("p",)),
    Expression("max(0,1-y*p)", {"p": LINE, "y": SIGNS}, ("p",)),
    Expression("log(exp(a)+exp(b))", {"a": PAIRS, "b": PAIRS[:7]}, ("a", "b")),
    Expression("logsumexp(a,b)", {"a": PAIRS, "b": PAIRS[:4]}, ("a",)),
    Expression("log(exp(a)+exp(b)+exp(c))", {"a": PAIRS, "b": PAIRS[:5], "c": (0.0, 700.0, -1e4)}, ("a", "b")),
    Expression("exp(a)/(exp(a)+exp(b))", {"a": PAIRS, "b": PAIRS[:5]}, ("a", "b"), "1/(1+exp(b-a))"),
    Expression(
        "exp(a)/(exp(a)+exp(b)+exp(c))",
        {"a": PAIRS, "b": PAIRS[:5], "c": (0.0, 700.0, -1e4)},
        ("a", "b"),
        "1/(1+exp(b-a)+exp(c-a))",
    ),
    Expression(
        "-log(exp(a)/(exp(a)+exp(b)+exp(c)))",
        {"a": PAIRS, "b": PAIRS[:5], "c": (0.0, 700.0, -1e4)},
        ("a", "b"),
        "log(1+exp(b-a)+exp(c-a))",
    ),
    Expression("t*(log(t)-log(1/(1+exp(-z))))", {"z": LINE, "t": SHARES}, ("z",), "t*log(t)+t*log(1+exp(-z))"),
    Expression(
        "t*(log(t)-log(1/(1+exp(-z))))+(1-t)*(log(1-t)-log(1-1/(1+exp(-z))))",
        {"z": LINE, "t": (0.0, 1.0, 0.3)},
        ("z",),
        "t*log(t)+t*log(1+exp(-z))+(1-t)*log(1-t)+(1-t)*log(1+exp(z))",
    ),
    Expression("-y*(1-p)**2*log(p)", {"p": PROBABILITIES, "y": (0.0, 1.0)}, ("p",)),
    Expression("-(1-p)**2*log(p)", {"p": PROBABILITIES}, ("p",)),
    Expression(
        "-t*exp((1-1.5)*z)/(1-1.5)+exp((2-1.5)*z)/(2-1.5)",
        {"z": (0.0, 1e-8, 1.0, -20.0, 700.0, -700.0, 1e4, -1e4), "t": (0.0, 1.0)},
        ("z",),
    ),
    Expression("exp(z)-t*z+t*log(t)-t", {"z": LINE, "t": (0.0, 1.0)}, ("z",)),
    Expression("(log(v)+(m-t)**2/v)/2", {"v": (*POSITIVE[1:], *INNER), "m": (0.0, 20.0), "t": (0.0, 1.0)}, ("v",)),
    Expression("(log(p+1)-log(y+1))**2", {"p": (*POSITIVE, *INNER), "y": (0.0, 1e-8, 1.0)}, ("p",)),
    Expression("log((1+p)/(1+y))**2", {"p": (*POSITIVE, *INNER), "y": (0.0, 1e-8, 1.0)}, ("p",)),
    Expression("abs(p-y)**1.5", {"p": LINE, "y": (0.0, 1.0)}, ("p",)),
    Expression("sqrt((p-y)**2+1)-1", {"p": LINE, "y": (0.0, 1.0)}, ("p",)),
    Expression("sqrt((p-y)**2)", {"p": LINE, "y": (0.0, 1.0)}, ("p",)),
    Expression("x/sqrt(x**2+y**2)", {"x": PAIRS, "y": (1e-30, 0.3, -745.0, 1e30)}, ("x",)),
    Expression("x*y/(x**2+y**2)", {"x": PAIRS, "y": (0.3, -745.0)}, ("x",)),
)
"""Other activations, losses and textbook cancellations of the same kinds."""

WIDE = tuple(
    sign * size
    for size in (0.0, 1e-300, 1e-8, 0.5, 6.0, 20.0, 88.0, 700.0, 745.0, 1e4, 1e8, 1e154, 1e200)
    for sign in (1.0, -1.0)
)
DIRECTIONS = (-1e200, -1.0, -1e-8, 1e-200, 0.3, 1e154, 1e200)


def _wide(text: str, reference: str | None = None) -> Expression:
    return _in_x(text, reference, values=WIDE)


WIDER = (
    _wide("log(2+exp(x))-log(2)"),
    _wide("softplus(2*x)-2*softplus(x)"),
    _wide("log(expm1(x)/x)"),
    _wide("log(sinh(x)/x)"),
    _wide("x/cbrt(1+x**3)"),
    _wide("x*exp(-abs(x))"),
    _wide("x**2*exp(-x**2)"),
    _wide("log(1+exp(-abs(x)))"),
    _wide("tanh(x)*log(1+exp(x))"),
    _wide("x*tanh(exp(x))"),
    _wide("x*atan(x)"),
    _wide("x*erf(x)"),
    _wide("x*sigmoid(x)**2"),
    _wide("sigmoid(x)**2*softplus(x)"),
    _wide("(1+tanh(x))/2*x", "x/(1+exp(-2*x))"),
    _wide("tanh(x)**3"),
    _wide("1/cosh(x)"),
    _wide("1/cosh(x)**2"),
    _wide("log(1+cosh(x))"),
    _wide("log(2*cosh(x))-abs(x)", "log(1+exp(-2*abs(x)))"),
    _wide("x/tanh(x)"),
    _wide("x/sinh(x)"),
    _wide("exp(x)/(1+exp(x)+exp(2*x))"),
    _wide("sqrt(1+exp(x))"),
    _wide("log(1+sqrt(1+x**2))"),
    _wide("x/sqrt(1+x**4)"),
    _wide("(1+x**2)**(1/4)-1"),
    _wide("atan(exp(x))"),
    _wide("asinh(exp(x))"),
    _wide("log(1+x**4)"),
    _wide("log(1+1/x**2)"),
    _wide("exp(-1/x**2)"),
    _wide("x**2/(exp(x)-1)"),
    _wide("(1+1/x)**2-1"),
    _wide("sin(x)**2/x"),
    _wide("erf(x)-x*exp(-x**2)"),
    _wide("x*erfc(x)"),
    _wide("1-exp(-softplus(x))", "exp(x)/(1+exp(x))"),
    _wide("max(0,x)**2/(1+max(0,x))"),
    _wide("where(x>0, x**2/(1+x), 0)"),
    _wide("min(max(x,-1),1)*exp(-x**2)"),
    _wide("cbrt(x**2)"),
    _wide("abs(x)**1.5/(1+abs(x))"),
    _wide("log(1+exp(10*x))/10"),
    Expression("exp(-x**2/2)/erfc(x/sqrt(2))", {"x": tuple(each for each in WIDE if abs(each) < 1e6)}),
    Expression("x/sqrt(x**2+y**2+z**2)", {"x": DIRECTIONS, "y": DIRECTIONS[1:], "z": (1.0, 1e200)}, ("x", "y")),
    Expression("x/(abs(x)+abs(y))", {"x": DIRECTIONS, "y": DIRECTIONS}, ("x", "y")),
    Expression("x*exp(-abs(y))", {"x": DIRECTIONS, "y": (0.0, 20.0, -745.0, 1e200)}, ("x", "y")),
    Expression("x*y*exp(-abs(x)-abs(y))", {"x": DIRECTIONS, "y": (0.5, 20.0, -700.0, 1e200)}, ("x", "y")),
    Expression("x*sigmoid(y)", {"x": DIRECTIONS, "y": (0.0, 20.0, -745.0, 1e200, -1e200)}, ("x", "y")),
    Expression("log(1+x**2+y**2)", {"x": DIRECTIONS, "y": DIRECTIONS}, ("x",)),
    Expression("(p-y)**2/(1+(p-y)**2)", {"p": (*DIRECTIONS, 0.0), "y": (0.0, 0.3)}, ("p",)),
    Expression("log(1+(p-y)**2)", {"p": (*DIRECTIONS, 0.0), "y": (0.0, 0.3)}, ("p",)),
    Expression("1-exp(-(p-y)**2)", {"p": (*DIRECTIONS, 0.0, 20.0), "y": (0.0, 0.3)}, ("p",)),
    Expression("(p-y)*tanh((p-y)/2)", {"p": (*DIRECTIONS, 0.0, 20.0), "y": (0.0, 0.3)}, ("p",)),
    Expression("abs(p-y)-log(1+abs(p-y))", {"p": (*DIRECTIONS, 0.0, 20.0), "y": (0.0, 0.3)}, ("p",)),
    Expression(
        "exp(p-y)-(p-y)-1", {"p": (-1e200, -745.0, -20.0, -1e-8, 0.0, 1e-8, 0.5, 20.0, 700.0), "y": (0.0, 0.5)}, ("p",)
    ),
    Expression("y*softplus(-p)+(1-y)*softplus(p)", {"p": WIDE, "y": (0.0, 0.3, 1.0)}, ("p",)),
    Expression("p-y*log(p)+y*log(y)-y", {"p": (1e-300, 1e-8, 0.5, 20.0, 1e200), "y": (0.5, 20.0)}, ("p",)),
    Expression("max(0,1-y*p)**2/2", {"p": DIRECTIONS, "y": SIGNS}, ("p",)),
)
"""More of these kinds, whose tests belong to the sweep."""
