"""The exact value and slope of an expression's text at a point, by nothing but 1300 digits and the text itself.

It shares no code with the package: Python's own parser reads the text, mpmath computes, and the slope is the limit of
difference quotients from either side, so that no rule of differentiation is relied on.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import mpmath

DIGITS = 1300
"""Enough for a step of 10^-450 beside a number of 10^200, with slopes down to the smallest float."""

CONTEXT = mpmath.MPContext()
CONTEXT.dps = DIGITS
NAN, INF = CONTEXT.nan, CONTEXT.inf
STEPS = (CONTEXT.mpf(10) ** -450, CONTEXT.mpf(10) ** -500)
NEAR = CONTEXT.mpf(10) ** -200
FAR = (CONTEXT.mpf(10) ** 230, CONTEXT.mpf(10) ** 350)
"""Where the limits at infinity are read off; what still grows there is infinite."""

SAME = CONTEXT.mpf(10) ** -28
NOTHING = CONTEXT.mpf(10) ** -400
Number = Any


def _real(function: Callable[..., Number]) -> Callable[..., Number]:
    """Return the function with NaN where it has no real value."""

    def call(*arguments: Number) -> Number:
        if any(CONTEXT.isnan(argument) for argument in arguments):
            return NAN
        try:
            value = function(*arguments)
        except (ValueError, ZeroDivisionError, OverflowError):
            return NAN
        return NAN if isinstance(value, CONTEXT.mpc) else value

    return call


def _product(a: Number, b: Number) -> Number:
    """Return a·b, and 0 for 0·∞: that is what 0·log(0) stands for."""
    return CONTEXT.mpf(0) if a == 0 or b == 0 else a * b


def _quotient(a: Number, b: Number) -> Number:
    if b == 0:
        return NAN if a == 0 or CONTEXT.isnan(a) else CONTEXT.sign(a) * INF
    return a / b


def _power(a: Number, b: Number) -> Number:
    if a == 0:
        return CONTEXT.mpf(b == 0) if b >= 0 else INF
    return a**b


def _cube_root(a: Number) -> Number:
    return CONTEXT.sign(a) * CONTEXT.cbrt(abs(a))


def _far_tail(a: Number) -> Number:
    """Return erf(a), which is ±1 to all digits long before mpmath would give up."""
    return CONTEXT.sign(a) if abs(a) > 10**4 else CONTEXT.erf(a)


def _exponential(a: Number) -> Number:
    """Return e^a, which is 0 or infinite to any float long before its exponent fills the memory."""
    if abs(a) > CONTEXT.mpf(10) ** 300:
        return INF if a > 0 else CONTEXT.mpf(0)
    return CONTEXT.exp(a)


FUNCTIONS: dict[str, Callable[..., Number]] = {
    **{
        name: _real(getattr(CONTEXT, name))
        for name in "expm1 log log1p sqrt sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh".split()
    },
    "exp": _real(_exponential),
    "cbrt": _real(_cube_root),
    "erf": _real(_far_tail),
    "erfc": _real(lambda a: CONTEXT.mpf(1 - CONTEXT.sign(a)) if a < -(10**4) or a > 10**150 else CONTEXT.erfc(a)),
    "abs": _real(abs),
    "sign": _real(CONTEXT.sign),
    "max": _real(max),
    "min": _real(min),
    "sigmoid": _real(lambda a: 1 / (1 + CONTEXT.exp(-a))),
    "softplus": _real(lambda a: CONTEXT.log(1 + CONTEXT.exp(a))),
    "logsumexp": _real(lambda *several: CONTEXT.log(sum(CONTEXT.exp(a) for a in several))),
}
OPERATIONS: dict[type[ast.operator], Callable[[Number, Number], Number]] = {
    ast.Add: _real(lambda a, b: a + b),
    ast.Sub: _real(lambda a, b: a - b),
    ast.Mult: _real(_product),
    ast.Div: _real(_quotient),
    ast.Pow: _real(_power),
}
RELATIONS: dict[type[ast.cmpop], Callable[[Number, Number], bool]] = {
    ast.Gt: lambda a, b: bool(a > b),
    ast.GtE: lambda a, b: bool(a >= b),
    ast.Lt: lambda a, b: bool(a < b),
    ast.LtE: lambda a, b: bool(a <= b),
}


@dataclass
class _Evaluation:
    """One evaluation; `taken` holds the side of each `where`, which the points beside the first one keep."""

    point: Mapping[str, Number]
    taken: dict[int, bool] = field(default_factory=dict)

    def of(self, node: ast.expr) -> Number:
        match node:
            case ast.Constant(str(digits)):
                return CONTEXT.mpf(digits)
            case ast.Name(name):
                return {"pi": +CONTEXT.pi, "e": +CONTEXT.e}.get(name) or self.point[name]
            case ast.UnaryOp(ast.USub(), operand):
                return -self.of(operand)
            case ast.BinOp(left, operator, right):
                return OPERATIONS[type(operator)](self.of(left), self.of(right))
            case ast.Call(ast.Name("where"), [condition, chosen, otherwise]):
                return self.of(chosen if self._holds(condition) else otherwise)
            case ast.Call(ast.Name(name), arguments):
                return FUNCTIONS[name](*(self.of(argument) for argument in arguments))
        raise AssertionError(ast.dump(node))

    def _holds(self, node: ast.expr) -> bool:
        assert isinstance(node, ast.Compare)
        if id(node) not in self.taken:
            relation = RELATIONS[type(node.ops[0])]
            self.taken[id(node)] = relation(self.of(node.left), self.of(node.comparators[0]))
        return self.taken[id(node)]


@cache
def _tree(text: str) -> ast.expr:
    """Return the text's tree, its numbers as they are written: a decimal means itself, not the nearest float."""
    tree = ast.parse(text, mode="eval").body
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant):
            node.value = ast.get_source_segment(text, node) or ""
    return tree


@dataclass(frozen=True)
class Expected:
    """Exact value and slope; None where the definition leaves it open."""

    value: Number | None
    slope: Number | None


def expected(text: str, wrt: str, point: Mapping[str, float]) -> Expected:
    """Return the value of `text` at `point` and its slope in `wrt`, as limits where the text says nothing."""
    infinite = [name for name, number in point.items() if CONTEXT.isinf(number)]
    if not infinite:
        return _finite(_tree(text), wrt, {name: CONTEXT.mpf(number) for name, number in point.items()})
    if len(infinite) > 1:
        return Expected(None, None)
    far = [_finite(_tree(text), wrt, {name: _moved(number, scale) for name, number in point.items()}) for scale in FAR]
    return Expected(_tends(far[0].value, far[1].value), _tends(far[0].slope, far[1].slope))


def _moved(number: float, scale: Number) -> Number:
    return CONTEXT.sign(number) * scale if CONTEXT.isinf(number) else CONTEXT.mpf(number)


def _tends(near: Number | None, far: Number | None) -> Number | None:
    """Return what a sequence tends to whose members these are, or None."""
    if near is None or far is None:
        return None
    if CONTEXT.isinf(far) or (abs(far) > 100 and abs(far) > 1.5 * abs(near)):
        return CONTEXT.sign(far) * INF
    if abs(far) < NOTHING or abs(far) < SAME * abs(near) or (abs(far) < SAME and 2 * abs(far) < abs(near)):
        return CONTEXT.mpf(0)
    return far if abs(far - near) <= SAME * abs(far) else None


def _finite(tree: ast.expr, wrt: str, point: Mapping[str, Number]) -> Expected:
    first = _Evaluation(point)
    value = first.of(tree)
    at = lambda number: _Evaluation({**point, wrt: number}, first.taken).of(tree)  # noqa: E731
    if not CONTEXT.isfinite(value):
        return _beside(at, point[wrt], value)
    return Expected(value, _slope(at, point[wrt], value))


def _beside(at: Callable[[Number], Number], x: Number, value: Number) -> Expected:
    """Return the limits at a point where the text itself gives no finite number."""
    unit = min(abs(x), CONTEXT.mpf(1)) or CONTEXT.mpf(1)
    sides = []
    for sign in (1, -1):
        beside = x + sign * NEAR**2 * unit
        found = at(beside)
        if CONTEXT.isfinite(found):
            sides.append((found, _slope(at, beside, found)))
    values = [each for each, _ in sides]
    slopes = [each for _, each in sides]
    if CONTEXT.isinf(value):
        return Expected(value, _joint(slopes, grows=True))
    return Expected(_joint(values, grows=False), _joint(slopes, grows=True))


def _joint(found: list[Number | None], *, grows: bool) -> Number | None:
    """Return what the sides agree on; beyond 10^350 it is infinite."""
    if not found or any(each is None for each in found):
        return None
    first, last = found[0], found[-1]
    if grows and all(abs(each) > CONTEXT.mpf(10) ** 150 for each in found if each is not None):
        return CONTEXT.sign(first) * INF if CONTEXT.sign(first) == CONTEXT.sign(last) else None
    if abs(first - last) <= SAME * max(abs(first), abs(last), CONTEXT.mpf(10) ** -60):  # type: ignore[arg-type, operator]
        return first
    return None


def _slope(at: Callable[[Number], Number], x: Number, value: Number) -> Number | None:
    """Return the slope of smallest magnitude between the slopes on either side, as far as they exist."""
    sides = [_one_sided(at, x, value, sign) for sign in (1, -1)]
    real = [side for side in sides if side is not None and not CONTEXT.isnan(side)]
    if not real:
        return None
    if len(real) == 1:
        return real[0]
    low, high = min(real), max(real)
    if CONTEXT.isinf(low) or CONTEXT.isinf(high):
        return low if low == high else None
    if abs(high - low) <= SAME * max(abs(high), abs(low)):
        return high
    return CONTEXT.mpf(0) if low <= 0 <= high else min(real, key=abs)


def _one_sided(at: Callable[[Number], Number], x: Number, value: Number, sign: int) -> Number | None:
    """Return the limit of the difference quotients on one side, infinite if they grow, None if there is none."""
    unit = min(abs(x), CONTEXT.mpf(1)) or CONTEXT.mpf(1)
    found = []
    for step in STEPS:
        beside = at(x + sign * step * unit)
        if not CONTEXT.isfinite(beside):
            return None
        found.append((beside - value) / (sign * step * unit))
    coarse, fine = found
    if abs(fine) < NOTHING and abs(coarse) < NOTHING:
        return CONTEXT.mpf(0)
    if abs(fine - coarse) <= SAME * abs(fine):
        return fine
    return CONTEXT.sign(fine) * INF if abs(fine) > 1.05 * abs(coarse) else None
