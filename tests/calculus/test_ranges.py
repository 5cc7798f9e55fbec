"""Intermediate results stay within the range of floats: each reordering where it is needed, none where it is not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from symmlp.calculus import ranges
from symmlp.calculus.constants import fold_constants
from symmlp.calculus.matrix_form import MatrixForm
from symmlp.calculus.numeric import evaluate
from symmlp.calculus.ranges import within_range
from symmlp.expression import names_in, parse
from symmlp.matrix import Node, Var, variables, walk

LARGE = (1e308, -1e308, 1e200, -1e200, 1e160)
NEEDED = {
    "exp(-2*abs(x))": "_exponents_cut",
    "exp(-3*abs(x-y))": "_exponents_cut",
    "where(2*x-1>0, 1, 0)": "_compared_at_once",
    "where(x-y>0, 1, 0)": "_compared_at_once",
    "where(x<0, x*exp(-abs(x)), x*(2-exp(-abs(x))))/2": "_taken_outside",
    "x*min(6,max(0,3+x))/6": "_numbers_inside",
    "max(x,0)+11*min(x,0)/48": "_numbers_inside",
    "x*y*exp(-abs(x))*exp(-abs(y))": "_bounded_first",
    "x**2*exp(-abs(x))": "_bounded_first",
    "1/(1+abs(x))**2": "_inverses_first",
    "(x+sqrt(x**2)+abs(x)*exp(-abs(x)))/2": "_halves_first",
    "where(abs(x-y)<=1, (x-y)**2/2, abs(x-y)-1/2)": "_branches_clipped",
}
AT_EASE = ("x", "exp(-abs(x))", "x/(1+abs(x))", "where(x>0, x, x/8)", "max(x,y)", "x**2", "exp(x)", "x*y")


def _node(text: str) -> Node:
    names = names_in(text)
    symbols = {symbol: Var(str(symbol), ()) for symbol in parse(text, names).free_symbols}
    return MatrixForm({}, {}, names=symbols).of(fold_constants(parse(text, names)), None, None)


def _warns(node: Node, **at: Any) -> bool:
    try:
        with np.errstate(all="raise", under="ignore"):
            evaluate(node, {name: np.array([number]) for name, number in at.items()})
    except FloatingPointError:
        return True
    return False


def _warnings(node: Node) -> int:
    names = sorted(variables(node))
    if len(names) == 1:
        return sum(_warns(node, x=x) for x in LARGE)
    return sum(_warns(node, x=x, y=y) for x in LARGE[:3] for y in LARGE[:3])


@pytest.mark.parametrize("text", NEEDED)
def test_what_overflows_on_the_way_does_so_less_often_in_another_order(text: str) -> None:
    node = _node(text)
    assert _warnings(within_range(node)) < _warnings(node)


@pytest.mark.parametrize(("text", "name"), NEEDED.items())
def test_each_rewriting_is_needed(text: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    node = _node(text)
    best = _warnings(within_range(node))
    rest = tuple(each for each in ranges._REWRITINGS if each.__name__ != name)
    monkeypatch.setattr(ranges, "_REWRITINGS", rest)
    assert _warnings(within_range(node)) > best


@pytest.mark.parametrize("text", NEEDED)
def test_another_order_computes_the_same(text: str) -> None:
    node, rng = _node(text), np.random.default_rng(5)
    arrays = {name: np.concatenate([rng.normal(size=60) * 3, [0.5, 1.0, 2.0]]) for name in ("x", "y")}
    with np.errstate(all="ignore"):
        plain, found = (np.asarray(evaluate(each, arrays), dtype=float) for each in (node, within_range(node)))
    np.testing.assert_allclose(found, plain, rtol=1e-15, equal_nan=False)


@pytest.mark.parametrize("text", AT_EASE)
def test_what_overflows_nowhere_or_must_stays_as_it_is(text: str) -> None:
    node = _node(text)
    assert within_range(node) == node


def test_only_what_is_needed_is_done() -> None:
    found = within_range(_node("x**2*exp(-abs(x))/2"))
    assert sum(1 for _ in walk(found)) <= sum(1 for _ in walk(_node("x*x*exp(-abs(x))/2")))
