"""Every row of the identities' table is true over the whole range of its letters, and is what the rewriting uses."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import count
from random import Random

import pytest
import sympy as sp
from mpmath import mp, mpf

from docs.identities import FILE, page
from symmlp.calculus import identities
from symmlp.calculus.exponentials import HYPERBOLIC, E
from symmlp.calculus.identities import TABLE, Identity
from symmlp.calculus.stability import stable
from symmlp.expression import names_in, parse
from tests.calculus.precise import value

DIGITS = 1000
"""Enough for numbers that are 10^600 apart, and for exponentials of 1500 beside 1."""

POINTS = 20
SAME = {False: mpf(10) ** -50, True: mpf(2) ** -80}
"""Relative differences that are allowed: none that a calculation with 2000 digits makes, or none that a float shows."""

ENTIRE = (sp.exp, sp.tanh, sp.sinh, sp.cosh, sp.cos, sp.erf)
"""Functions of which arguments of some size show all that a float holds; one of 10^300 would take 10^300 digits."""


def _largest(letter: sp.Symbol, row: Identity) -> float:
    """Return up to where a letter is drawn: e^1500 is beyond any float and its inverse, and so is erfc(40)."""
    inside = {part.func for side in (row.plain, row.form) for part in side.atoms(*ENTIRE) if part.has(letter)}
    return 40.0 if sp.erf in inside else 1500.0 if inside else 1e300


def _drawn(letter: sp.Symbol, largest: float, random: Random) -> object:
    if letter.is_integer:
        return 2 * random.randint(1, 5) if letter.is_even else random.randint(-6, 6)
    near = random.choice((mpf(0), mpf(1), mp.pi)) if random.random() < 0.2 else mpf(0)
    if largest < 1e300 and random.random() < 0.5:
        return near + random.uniform(-largest, largest)
    return near + random.choice((-1, 1)) * 10.0 ** random.uniform(-300, math.log10(largest))


def points_of(row: Identity, most: int = POINTS) -> Iterator[dict[str, object]]:
    """Yield points at which the row is said to hold, spread over all magnitudes of floats."""
    random, found = Random(row.name), 0
    largest = {letter: _largest(letter, row) for letter in row.letters}
    for tried in count():
        assert tried < 400 * most, f"{row.name}: hardly any point fulfils {row.holds}"
        point = {letter.name: _drawn(letter, largest[letter], random) for letter in row.letters}
        if all(value(condition, point) for condition in row.holds):
            yield point
            found += 1
            if found == most:
                return


def is_true(row: Identity, most: int = POINTS) -> bool:
    """Return whether both sides agree to many more digits than a float has, wherever the row is said to hold."""
    with mp.workdps(DIGITS):
        for point in points_of(row, most):
            plain, form = value(row.plain, point), value(row.of(), point)
            if not abs(plain - form) <= SAME[row.nearly] * abs(plain):
                return False
    return True


@pytest.mark.parametrize("name", TABLE)
def test_an_identity_is_true_over_the_whole_range(name: str) -> None:
    assert is_true(TABLE[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", TABLE)
def test_an_identity_is_true_at_many_points(name: str) -> None:
    assert is_true(TABLE[name], 3000)


def _mutants(row: Identity) -> Iterator[Identity]:
    """Yield copies of the row that are wrong in one place."""
    yield replace(row, form=row.form * (1 + sp.Rational(1, 2**75)))
    for part in row.form.atoms(sp.exp):
        yield replace(row, form=row.form.xreplace({part: sp.exp(-part.args[0])}))
    for part in row.form.atoms(sp.Max, sp.Min) if row.name != "largest_taken_out" else ():  # Any level is right there.
        other = sp.Min if isinstance(part, sp.Max) else sp.Max
        yield replace(row, form=row.form.xreplace({part: other(*part.args)}))
    for part in row.form.atoms(sp.Add):
        yield replace(row, form=row.form.xreplace({part: sp.Add(-part.args[0], *part.args[1:])}))
    if isinstance(row.form, sp.Piecewise):
        (first, condition), (second, _) = row.form.args
        yield replace(row, form=sp.Piecewise((second, condition), (first, True), evaluate=False))


@pytest.mark.parametrize("name", TABLE)
def test_a_broken_copy_of_an_identity_is_seen_to_be_false(name: str) -> None:
    mutants = list(_mutants(TABLE[name]))
    survivors = [str(mutant.form) for mutant in mutants if is_true(mutant, 16)]
    assert mutants
    assert not survivors


USES = {
    "power_below": "1/(1+exp(-x))",
    "power_above": "exp(x)/(1+exp(x))**2",
    "tanh_of_log": "tanh(log(1+exp(x)))",
    "expm1": "exp(x)-1",
    "near_exponential": "exp(z)-y",
    "near_limit": "1/(1+exp(-z))-y",
    "one_minus_cosine": "1-cos(x)",
    "one_plus_cosine": "1+cos(x)",
    "one_minus_erf": "1-erf(x)",
    "one_plus_erf": "1+erf(x)",
    "erfc_above": "x*(1+erf(x/sqrt(2)))",
    "half_line_above": "max(z,0)-z*y",
    "half_line_below": "min(z,0)+z*y",
    "log1p": "log(1+x)",
    "log_near_constant": "log(2+exp(x))",
    "broken_line": "log(exp(x)+exp(-x))",
    "log_of_one_minus": "log(1-exp(-x))",
    "log_of_two": "log(exp(a)+exp(b)+exp(c))",
    "log_of_quotient": "log((1+p)/(1+y))",
    "log1p_of_power": "log(1+x**2)",
    "hypotenuse": "sqrt(x**2+y**2)",
    "log_of_hypotenuse": "log(x**2+y**2)",
    "conjugate": "sqrt(x+1)-sqrt(x)",
    "quotient_first": "x**2/(x**2+y**2)**(3/2)",
}
"""An expression whose stable form is made of the row."""

READ_OTHERWISE = {"largest_taken_out", "log_minus_level", *(f"polynomial_{degree}" for degree in (1, 2, 3, 4))}
"""Rows of which the rewriting uses the helpers that the rows are made of, `powers` and `shifted`."""

AT_IMPORT = {"tanh", "sinh", "cosh"}


@cache
def _parsed(text: str) -> sp.Expr:
    return parse(text, names_in(text))


@pytest.mark.parametrize("name", USES)
def test_the_rewriting_uses_the_identity(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    expr = _parsed(USES[name])
    before = stable(expr)
    other = {letter: (place + 2) * letter for place, letter in enumerate(TABLE[name].letters)}
    broken = replace(TABLE[name], form=TABLE[name].form.xreplace(other))
    monkeypatch.setitem(identities.TABLE._built, name, broken)
    assert stable(expr) != before


def test_every_identity_has_an_expression_that_uses_it() -> None:
    assert set(TABLE) == {*USES} | READ_OTHERWISE | AT_IMPORT


@pytest.mark.parametrize("kind", [sp.tanh, sp.sinh, sp.cosh])
def test_hyperbolic_functions_are_read_from_the_table(kind: type[sp.Function]) -> None:
    assert HYPERBOLIC[kind] == TABLE[kind.__name__].of(u=sp.log(E))


def test_the_documentation_shows_the_table_as_it_is() -> None:
    assert FILE.read_text(encoding="utf-8") == page()
