"""The identities that stable forms are made of: one table, which the rewriting reads its right-hand sides from.

Each row says what people write, what is computed in its place, where the two are equal, and what goes wrong in the
first. The rewriting recognises the parts; how they are put together again stands here alone, and a test proves every
row with mpmath over the whole range of its letters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import sympy as sp
from sympy.codegen.cfunctions import expm1, hypot, log1p

from symmlp.calculus.primitives import complementary_error, erfcx
from symmlp.catalog.entries import Entries
from symmlp.catalog.extremes import larger, smaller

u, v, a, b, c, q, r, w = sp.symbols("u v a b c q r w", real=True)
k = sp.Symbol("k", integer=True)
even = sp.Symbol("k", even=True, positive=True)
t = sp.exp(-sp.Abs(u))
_HALF = sp.Rational(1, 2)
BEYOND = sp.Integer(2) ** 80
"""From here on 1 + w is w to more digits than any float has."""


@dataclass(frozen=True)
class Identity:
    """`plain` is equal to `form` where all of `holds` are true; `reason` is what goes wrong in `plain`.

    With `nearly`, they differ by less than any float shows.
    """

    name: str
    plain: sp.Expr
    form: sp.Expr
    reason: str
    holds: tuple[sp.Basic, ...] = ()
    nearly: bool = False

    def of(self, **parts: sp.Expr) -> sp.Expr:
        """Return the form with `parts` in the place of the letters of these names."""
        return _filled(self.form, {letter: parts[letter.name] for letter in self.letters if letter.name in parts})

    @property
    def letters(self) -> tuple[sp.Symbol, ...]:
        """What the identity is about."""
        return tuple(sorted(self.plain.free_symbols | self.form.free_symbols, key=sp.default_sort_key))


def _filled(form: sp.Basic, parts: Mapping[sp.Basic, sp.Expr]) -> sp.Basic:
    """Return `form` with its letters replaced; what is marked by `_apart` is not rearranged, nor are branches."""
    if form in parts:
        return parts[form]
    if not form.args:
        return form
    if isinstance(form, sp.Piecewise):
        return _branches(*((_filled(value, parts), _filled(condition, parts)) for value, condition in form.args))
    if isinstance(form, sp.UnevaluatedExpr):
        inner = form.args[0]
        return inner.func(*(_filled(argument, parts) for argument in inner.args), evaluate=False)
    return form.func(*(_filled(argument, parts) for argument in form.args))


def _branches(*pairs: tuple[sp.Basic, sp.Basic | bool]) -> sp.Piecewise:
    return sp.Piecewise(*pairs, evaluate=False)


def _apart(whole: sp.Expr) -> sp.Expr:
    """Return a sum or product that stays as it is: what is taken together first matters."""
    return sp.UnevaluatedExpr(whole)


def _sum(*terms: sp.Expr) -> sp.Expr:
    return _apart(sp.Add(*terms, evaluate=False))


def _product(*factors: sp.Expr) -> sp.Expr:
    return _apart(sp.Mul(*factors, evaluate=False))


def powers(coefficients: Sequence[sp.Expr], of: sp.Expr, *, reversed_: bool) -> sp.Expr:
    """Return Σ c_k t^k, lowest power first, or with the coefficients in reverse, Σ c_k t^(n - k)."""
    ordered = coefficients[::-1] if reversed_ else coefficients
    return sp.Add(*(number * of**place for place, number in enumerate(ordered)))


def shifted(terms: Sequence[tuple[sp.Expr, sp.Expr]], level: sp.Expr) -> sp.Expr:
    """Return Σ c e^(l - level) for terms (c, l)."""
    return sp.Add(*(number * sp.exp(exponent - level) for number, exponent in terms))


def _polynomial(name: str) -> Identity:
    """Return the identity of a polynomial in e^u of the degree that ends the name."""
    degree = int(name.split("_")[1])
    numbers = sp.symbols(f"c0:{degree + 1}", real=True)
    plain = powers(numbers, sp.exp(u), reversed_=False)
    above = sp.exp(degree * u) * powers(numbers, t, reversed_=True)
    below = powers(numbers, t, reversed_=False)
    return Identity(name, plain, _branches((above, u >= 0), (below, True)), "its powers of e^u overflow")


def _row(plain: sp.Expr, form: sp.Expr, reason: str, *holds: sp.Basic, nearly: bool = False) -> Identity:
    return Identity("", plain, form, reason, holds, nearly)


_MAKERS: dict[str, Callable[[], Identity]] = {
    # Exponentials, with t = e^(-|u|).
    "power_below": lambda: _row(sp.exp(k * u), t**k, "overflows for u > 0", u <= 0),
    "power_above": lambda: _row(sp.exp(k * u), t ** (-k), "overflows for large k u", u >= 0),
    "tanh": lambda: _row(sp.tanh(u), (sp.exp(2 * u) - 1) / (sp.exp(2 * u) + 1), "1 − tanh² cancels for large |u|"),
    "sinh": lambda: _row(sp.sinh(u), (sp.exp(u) - sp.exp(-u)) / 2, "overflows for large |u|"),
    "cosh": lambda: _row(sp.cosh(u), (sp.exp(u) + sp.exp(-u)) / 2, "overflows for large |u|"),
    "tanh_of_log": lambda: _row(
        sp.tanh(sp.log(w)), (w**2 - 1) / (w**2 + 1), "loses small w − 1, and 1 − tanh² for large w", w > 0
    ),
    "largest_taken_out": lambda: _row(
        a * sp.exp(u) + b * sp.exp(v),
        sp.exp(larger(u, v)) * shifted([(a, u), (b, v)], larger(u, v)),
        "overflows for large u or v",
    ),
    # Differences that have a name, or none but a better order.
    "expm1": lambda: _row(sp.exp(u) - 1, expm1(u), "cancels for small u"),
    "near_exponential": lambda: _row(
        c * sp.exp(u) + r, _sum(c * expm1(u), _sum(c, r)), "cancels for small u and r near −c"
    ),
    "near_limit": lambda: _row(r + (c + w), _sum(r + c, w), "loses w if it is small, though r + c is smaller still"),
    "one_minus_cosine": lambda: _row(1 - sp.cos(u), 2 * sp.sin(u / 2) ** 2, "cancels for small u"),
    "one_plus_cosine": lambda: _row(1 + sp.cos(u), 2 * sp.cos(u / 2) ** 2, "cancels for u near π"),
    "one_minus_erf": lambda: _row(1 - sp.erf(u), complementary_error(u), "cancels for large u"),
    "one_plus_erf": lambda: _row(1 + sp.erf(u), complementary_error(-u), "cancels for large −u"),
    "erfc_above": lambda: _row(
        complementary_error(u), sp.exp(-(u**2)) * erfcx(u), "vanishes, though what it is multiplied by may grow", u >= 0
    ),
    "half_line_above": lambda: _row(
        c * larger(u, 0) + q * u,
        _sum(_product(c + q, larger(u, 0)), _product(q, smaller(u, 0))),
        "cancels for q near −c",
    ),
    "half_line_below": lambda: _row(
        c * smaller(u, 0) + q * u,
        _sum(_product(q, larger(u, 0)), _product(c + q, smaller(u, 0))),
        "cancels for q near −c",
    ),
    # Logarithms.
    "log1p": lambda: _row(sp.log(1 + u), log1p(u), "loses small u", u > -1),
    "log_near_constant": lambda: _row(sp.log(c + u), sp.log(c) + log1p(u / c), "loses small u", c > 0, u > -c),
    "broken_line": lambda: _row(
        _branches((a * u, u >= 0), (b * u, True)), a * larger(u, 0) + b * smaller(u, 0), "has a branch"
    ),
    "log_of_one_minus": lambda: _row(
        sp.log(1 - sp.exp(-u)),
        _branches((log1p(-sp.exp(-larger(u, _HALF))), u > sp.Rational(2, 3)), (sp.log(-expm1(-smaller(u, 1))), True)),
        "cancels for small u, loses e^−u for large u",
        u > 0,
    ),
    "log_of_two": lambda: _row(
        sp.log(sp.exp(u) + sp.exp(v)),
        larger(u, v) + log1p(sp.exp(-sp.Abs(u - v))),
        "overflows for large u or v, loses the smaller one",
    ),
    "log_minus_level": lambda: _row(
        sp.log(a * sp.exp(u) + b * sp.exp(v)) - w,
        sp.log(shifted([(a, u), (b, v)], w)),
        "cancels where the logarithm is near w",
        a > 0,
        b > 0,
    ),
    "log_of_quotient": lambda: _row(sp.log((b + w) / b), log1p(w / b), "loses w if it is small", (b + w) / b > 0),
    "log1p_of_power": lambda: _row(
        log1p(c * w**even),
        _branches(
            (log1p(c * smaller(sp.Abs(w), b) ** even), sp.Abs(w) < b),
            (sp.log(c) + even * sp.log(larger(sp.Abs(w), b)), True),
        ),
        "w^k overflows",
        c > 0,
        b > 0,
        c * b**even >= sp.Pow(2, 80, evaluate=False),
        nearly=True,
    ),
    # Roots.
    "hypotenuse": lambda: _row(sp.sqrt(u**2 + v**2), hypot(u, v), "its squares overflow or vanish"),
    "log_of_hypotenuse": lambda: _row(
        sp.log(u**2 + v**2), 2 * sp.log(hypot(u, v)), "its squares overflow or vanish", sp.Abs(u) > 0
    ),
    "conjugate": lambda: _row(r + w, (w**2 - r**2) / (w - r), "cancels for r near −w", w > 0, r < 0),
    "quotient_first": lambda: _row(
        u**k / w**k,
        _apart(sp.Pow(_product(u, 1 / w), k, evaluate=False)),
        "its powers overflow or vanish",
        k > 0,
        w > 0,
    ),
}
TABLE: Entries[Identity] = Entries(
    {
        **{name: lambda own: replace(_MAKERS[own](), name=own) for name in _MAKERS},
        **{f"polynomial_{degree}": _polynomial for degree in (1, 2, 3, 4)},
    }
)


def identity(name: str) -> Identity:
    """Return a row of the table."""
    return TABLE[name]
