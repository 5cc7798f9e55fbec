"""What an expression is worth in the real numbers: at one point, and whether it is real wherever it must be.

SymPy evaluates in the complex plane, where `log(-1)` is fine; a network computes in the reals, where it is NaN. So the
tree is evaluated here, with mpmath for the functions. A value is a Fraction as long as it is known exactly, and an mpf
of 50 digits after that: an exact zero is a zero, a rounded one may be what a cancellation or an underflow has left.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import mpmath
import sympy as sp
from sympy.codegen.cfunctions import Cbrt, expm1, log1p

from symmlp.errors import ExpressionError, UnsupportedError, shown

Value = Any
"""A Fraction (exact) or an mpf (rounded); infinite where the magnitude is absurd, NaN where nothing is known."""

Point = Mapping[sp.Symbol, Fraction]

LARGEST_FLOAT, SMALLEST_FLOAT = 2**1024 - 2**970, Fraction(1, 2**1074)

_mp = mpmath.MPContext()
_mp.prec = 176
_NOISE = _mp.ldexp(1, -150)
_HUGE_BITS = 200
_EXACT_BITS = 4096


class NotReal(Exception):
    """The expression has no real value at a point, as log(-1) has none."""


class Singular(Exception):
    """The expression is infinite or undefined at a point, as 1/0 and log(0) are, though it may be fine beside it."""


def value_at(expression: sp.Basic, at: Point) -> Value:
    """Return the real value of `expression` at the point `at`.

    Raises:
        NotReal: there is none.
        Singular: the expression divides by zero there, or takes the logarithm of zero.
        UnsupportedError: the expression has a part for which there is no rule.
    """
    match expression:
        case sp.Symbol():
            return at[expression]
        case sp.Rational():
            return Fraction(expression.p, expression.q)
        case sp.Piecewise():
            return _branch(expression, at)
    rule = _RULES.get(type(expression))
    if rule is None:
        raise UnsupportedError(f"no real value for {type(expression).__name__}: {shown(str(expression))}")
    values = [value_at(part, at) for part in expression.args]
    return rule(*values) if all(map(is_known, values)) else _mp.nan


def rounded(value: Value) -> Any:
    """Return `value` as an mpf."""
    return _mp.mpf(value.numerator) / value.denominator if isinstance(value, Fraction) else value


def is_known(value: Value) -> bool:
    """Return whether `value` is more than the rest that a cancellation or an overflow has left."""
    return isinstance(value, Fraction) or not _mp.isnan(value)


def is_finite(value: Value) -> bool:
    """Return whether `value` is known and fits float64."""
    return is_known(value) and bool(abs(rounded(value)) <= LARGEST_FLOAT)


def _all_exact(values: Sequence[Value]) -> bool:
    return all(isinstance(value, Fraction) for value in values)


def _sum(*values: Value) -> Value:
    """Return the sum, unknown where rounded terms cancel so far that only noise is left."""
    if _all_exact(values):
        return sum(values, Fraction(0))
    terms = [rounded(value) for value in values]
    total, largest = _mp.fsum(terms), max(map(abs, terms))
    return _mp.nan if 0 < largest < _mp.inf and abs(total) <= largest * _NOISE else total


def _product(*values: Value) -> Value:
    """Return the product, exactly zero if a factor is and the others are finite."""
    exact = Fraction(1)
    for value in values:
        exact *= value if isinstance(value, Fraction) else 1
    if _all_exact(values):
        return exact
    product = _mp.fprod(rounded(value) for value in values)
    return exact if exact == 0 and not _mp.isnan(product) else product


def _power(base: Value, exponent: Value) -> Value:
    """Return base**exponent in the reals: a negative base has integer powers only, and 0**0 is 1 as in NumPy."""
    whole = isinstance(exponent, Fraction) and exponent.denominator == 1
    if base == 0:
        if exponent < 0 and isinstance(base, Fraction):
            raise Singular
        return _mp.nan if exponent < 0 else Fraction(int(exponent == 0))
    if not whole and base < 0:
        raise NotReal
    if whole and isinstance(base, Fraction) and abs(exponent) * _bits(base) <= _EXACT_BITS:
        return base**exponent
    size = _exp(_product(exponent, _log(abs(base))))
    return -size if base < 0 and exponent % 2 else size


def _bits(value: Fraction) -> int:
    return value.numerator.bit_length() + value.denominator.bit_length()


def _branch(choice: sp.Piecewise, at: Point) -> Value:
    """Return the value of the branch that is taken, and of no other."""
    for value, condition in choice.args:
        if condition is sp.true:
            return value_at(value, at)
        if not isinstance(condition, sp.Rel) or condition.rel_op not in _COMPARE:
            raise UnsupportedError(f"no truth value for the condition {shown(str(condition))}")
        difference = _sum(value_at(condition.lhs, at), -value_at(condition.rhs, at))
        if not is_known(difference):
            return _mp.nan
        if _COMPARE[condition.rel_op](difference, 0):
            return value_at(value, at)
    raise NotReal


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True)
class _Function:
    """A real function: mpmath's name, one exact value (argument, result), and the interval where it is real.

    A `pole` is an end of the interval where it is infinite. `levels_off` says that a huge argument may be taken as
    infinite; the logarithms need it as it is.
    """

    name: str
    exact: tuple[int, int] = (0, 0)
    low: int | None = None
    high: int | None = None
    pole: bool = False
    levels_off: bool = True

    def __call__(self, u: Value) -> Value:
        """Return the value at u."""
        if isinstance(u, Fraction) and u == self.exact[0]:
            return Fraction(self.exact[1])
        for end, inside in ((self.low, 1), (self.high, -1)):
            if end is not None and self._is_unclear(end, (u - end) * inside, isinstance(u, Fraction)):
                return _mp.nan
        u = rounded(u)
        if self.levels_off and u and _mp.mag(u) > _HUGE_BITS:
            u = _mp.inf * _mp.sign(u)
        return getattr(_mp, self.name)(u)

    def _is_unclear(self, end: int, distance: Value, exact: bool) -> bool:
        """Return whether rounding hides on which side of an end the argument is; an argument outside raises."""
        if not exact and abs(distance) <= abs(end) * _NOISE:
            return self.pole or end != 0
        if distance < 0:
            raise NotReal
        if distance == 0 and self.pole:
            raise Singular
        return False


_exp = _Function("exp", exact=(0, 1))
_log = _Function("log", exact=(1, 0), low=0, pole=True, levels_off=False)


def _cube_root(u: Value) -> Value:
    size = _power(abs(u), Fraction(1, 3))
    return -size if u < 0 else size


def _constant(value: Any) -> Callable[[], Value]:
    return lambda: +value


_RULES: dict[type[sp.Basic], Callable[..., Value]] = {
    type(sp.pi): _constant(_mp.pi),
    type(sp.E): _constant(_mp.e),
    sp.Add: _sum,
    sp.Mul: _product,
    sp.Pow: _power,
    sp.Abs: abs,
    sp.sign: lambda u: Fraction((u > 0) - (u < 0)) if u or isinstance(u, Fraction) else _mp.nan,
    sp.Max: lambda *us: max(us, key=rounded),
    sp.Min: lambda *us: min(us, key=rounded),
    Cbrt: _cube_root,
    sp.exp: _exp,
    sp.log: _log,
    expm1: _Function("expm1"),
    log1p: _Function("log1p", low=-1, pole=True, levels_off=False),
    sp.sin: _Function("sin"),
    sp.cos: _Function("cos", exact=(0, 1)),
    sp.tan: _Function("tan"),
    sp.asin: _Function("asin", low=-1, high=1),
    sp.acos: _Function("acos", exact=(1, 0), low=-1, high=1),
    sp.atan: _Function("atan"),
    sp.sinh: _Function("sinh"),
    sp.cosh: _Function("cosh", exact=(0, 1)),
    sp.tanh: _Function("tanh"),
    sp.asinh: _Function("asinh", levels_off=False),
    sp.acosh: _Function("acosh", exact=(1, 0), low=1, levels_off=False),
    sp.atanh: _Function("atanh", low=-1, high=1, pole=True),
    sp.erf: _Function("erf"),
    sp.erfc: _Function("erfc", exact=(0, 1)),
}

REAL_TYPES: tuple[type[sp.Basic], ...] = (*_RULES, sp.Symbol, sp.Rational, sp.Piecewise)
"""What an expression of real numbers may be made of; a Piecewise also has its pairs and conditions."""


_SIZES = (
    *(Fraction(k, 20) for k in range(1, 21)),
    *(Fraction(k, 4) for k in (5, 6, 7, 10)),
    *(Fraction(k) for k in (2, 3, 4, 5, 7, 10, 15, 20, 37, 50)),
    *(Fraction(k, 10**8) for k in (1, 10**4, 10**5, 10**6, 99 * 10**6)),
)
_SAMPLES = tuple(
    sorted({sign * size for size in _SIZES for sign in (-1, 0, 1)}, key=lambda u: (u == 0, u.denominator, abs(u), u))
)
"""79 samples, a prime number; the simple ones first, so that an error names one of them."""
_FEW_SAMPLES = tuple(Fraction(k, 1000) for k in (500, 250, 2000, -500, 0, 1000, -2000, 10_000, 1, 50_000, -20_000))
"""11 samples, a prime number."""


def require_real(value: sp.Expr, domain: Mapping[str, str], *, field: str) -> None:
    """Check on a fixed grid that `value` is real: for all values of a "real" variable, somewhere for a "somewhere" one.

    A single point where the expression is undefined, as (exp(x) - 1)/x is at 0, is no fault if the points next to it
    are fine; neither is a value beyond float64, unless there is no other.

    Raises:
        ExpressionError: the expression is not real where it must be, or does not depend on any of the variables.
    """
    symbols = {symbol.name: symbol for symbol in value.free_symbols}
    needed = [name for name in domain if domain[name] == "real"] or list(domain)
    if not symbols.keys() & set(needed):
        raise ExpressionError(f"{field}: derivative is zero everywhere; expected an expression in {', '.join(needed)}")
    if missing := sorted(set(symbols) - set(domain)):
        raise ExpressionError(f"{field}: nothing is known about {shown(missing[0])}; expected {', '.join(domain)} only")
    everywhere = [symbols[name] for name in domain if domain[name] == "real" and name in symbols]
    somewhere = [symbols[name] for name in domain if domain[name] != "real" and name in symbols]
    first_problem = None
    for fixed in _combinations(somewhere, most=len(_FEW_SAMPLES) if everywhere else len(_FEW_SAMPLES) ** 2):
        points = list(_lattice(everywhere)) if everywhere else [{}]
        problem = _problem(value, [{**fixed, **point} for point in points], everywhere)
        if problem is None:
            return
        first_problem = first_problem or problem
    raise ExpressionError(f"{field}: {first_problem}{' or anywhere else on the grid' if not everywhere else ''}")


def _combinations(symbols: Sequence[sp.Symbol], most: int) -> Iterator[dict[sp.Symbol, Fraction]]:
    """Yield samples of `symbols` together, shifted against each other until any two have met in every pair."""
    count = len(_FEW_SAMPLES)
    for step in range(most if symbols else 1):
        shift = 1 + step // count
        yield {symbol: _FEW_SAMPLES[(step + k * shift) % count] for k, symbol in enumerate(symbols)}


def _lattice(symbols: Sequence[sp.Symbol]) -> Iterator[dict[sp.Symbol, Fraction]]:
    """Yield as many points as there are samples: the k-th coordinate walks through them with a stride of its own."""
    count = len(_SAMPLES)
    for step in range(count):
        yield {symbol: _SAMPLES[(step * (1 + 17 * k) + 5 * k) % count] for k, symbol in enumerate(symbols)}


def _problem(value: sp.Expr, points: Sequence[Point], everywhere: Sequence[sp.Symbol]) -> str | None:
    """Return what is wrong with `value` at the first bad one of `points`, or None."""
    states = []
    for point in points:
        state = _state(value, point)
        if state == "singular" and everywhere and _is_isolated(value, point, everywhere):
            state = "unknown"
        if state in ("not real", "singular"):
            return f"value is not {'real' if state == 'not real' else 'finite'} at {_shown_point(point)}"
        states.append(state)
    return None if "finite" in states else f"value is beyond float64, as at {_shown_point(points[0])}"


def _shown_point(point: Point) -> str:
    return ", ".join(f"{symbol.name} = {float(number):.6g}" for symbol, number in point.items())


def _state(value: sp.Expr, point: Point) -> str:
    """Return "finite", "not real", "singular", or "unknown" where it overflows or cancels."""
    try:
        return "finite" if is_finite(value_at(value, point)) else "unknown"
    except NotReal:
        return "not real"
    except Singular:
        return "singular"
    except ArithmeticError:  # mpmath's own, at magnitudes that nothing computes with
        return "unknown"


def _is_isolated(value: sp.Expr, point: Point, moved: Sequence[sp.Symbol]) -> bool:
    """Return whether `value` is fine beside `point`: real on both sides, and finite on one of them."""
    shifts = {symbol: Fraction(k, 10**9) * (1 + abs(point[symbol])) for k, symbol in enumerate(moved, start=1)}
    sides = [{**point, **{s: point[s] + side * shifts[s] for s in moved}} for side in (-1, 1)]
    states = [_state(value, side) for side in sides]
    return "not real" not in states and "finite" in states
