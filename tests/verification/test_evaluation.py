"""Forward definitions as functions of numbers: right in every precision, kinks noticed, nonsense refused."""

from __future__ import annotations

import math
from typing import Any

import mpmath
import pytest
import sympy as sp
from sympy.codegen.cfunctions import Cbrt, expm1, log1p

from symmlp.catalog.activations import TABLE, Activation, x
from symmlp.errors import UnsupportedError
from symmlp.expression import parse
from symmlp.notation import Z, batch, column, other
from symmlp.verification.evaluation import Evaluation, NotRealError, precise
from symmlp.verification.held import branched, held, hold_functions, slope_of
from symmlp.verification.rows import row_expressions, row_function

y = sp.Symbol("y", real=True)

TEXTS: dict[str, Any] = {
    "3*x**2 - x/7 + 0.1": lambda x: 3 * x**2 - x / 7 + 0.1,
    "x**(-3)": lambda x: x**-3,
    "abs(x)**2.5": lambda x: abs(x) ** 2.5,
    "sqrt(1 + x**2)": lambda x: math.sqrt(1 + x**2),
    "exp(x) + expm1(x)": lambda x: math.exp(x) + math.expm1(x),
    "log(2 + x) - log1p(abs(x))": lambda x: math.log(2 + x) - math.log1p(abs(x)),
    "erf(x) - erfc(x)": lambda x: math.erf(x) - math.erfc(x),
    "asinh(x) + atan(x) + atanh(x/9)": lambda x: math.asinh(x) + math.atan(x) + math.atanh(x / 9),
    "cbrt(x)": lambda x: math.copysign(abs(x) ** (1 / 3), x),
    "max(min(x, 1), -1/2)": lambda x: max(min(x, 1), -0.5),
    "sign(x)*pi + e": lambda x: math.copysign(math.pi, x) + math.e,
    "where(x >= 1, x**2, where(x < -1, -x, 1))": lambda x: x**2 if x >= 1 else -x if x < -1 else 1,
}

POINTS = (-1.75, -0.625, 0.375, 1.25)


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("point", POINTS)
def test_a_definition_has_the_value_of_plain_python(text: str, point: float) -> None:
    value = Evaluation(mpmath.fp).function(parse(text, ("x",)), [x])([point])
    assert value == pytest.approx(TEXTS[text](point), rel=1e-14)


@pytest.mark.parametrize("text", TEXTS)
def test_fifty_digits_agree_with_floats(text: str) -> None:
    expr = parse(text, ("x",))
    for point in POINTS:
        exact = Evaluation(precise(50)).function(expr, [x])([mpmath.mpf(point)])
        assert float(exact) == pytest.approx(Evaluation(mpmath.fp).function(expr, [x])([point]), rel=1e-14)


@pytest.mark.parametrize("text", TEXTS)
def test_branches_as_functions_have_the_same_value(text: str) -> None:
    expr = parse(text, ("x",))
    for point in POINTS:
        values = [Evaluation().function(each, [x])([point]) for each in (expr, branched(expr))]
        assert values[0] == values[1]


@pytest.mark.parametrize("text", TEXTS)
def test_held_functions_have_the_same_value(text: str) -> None:
    expr = parse(text, ("x",))
    for point in POINTS:
        values = [
            Evaluation().function(each, [x])([point]) for each in (expr, hold_functions(expr), held(expr, (x,))(x))
        ]
        assert values == pytest.approx([values[0]] * 3, rel=1e-15)


def test_equal_definitions_are_the_same_function() -> None:
    assert held(sp.exp(x), (x,)) is held(sp.exp(x), (x,))
    assert held(sp.exp(x), (x,)) is not held(sp.exp(x) + 1, (x,))


def test_a_held_function_is_differentiated_by_the_chain_rule() -> None:
    function = held(sp.exp(x) * y, (x, y))
    found = sp.diff(function(y**2, 3 * y), y)
    exact = 2 * 1.25 * math.exp(1.25**2) * 3 * 1.25 + 3 * math.exp(1.25**2)
    assert Evaluation().function(found, [y])([1.25]) == pytest.approx(exact, rel=1e-14)


def test_a_held_function_is_not_evaluated_by_sympy() -> None:
    assert held(sp.exp(x), (x,))(0) != 1


def test_fifty_digits_are_fifty_digits() -> None:
    context = precise(50)
    value = Evaluation(context).function(sp.exp(x), [x])([context.mpf(1)])
    assert abs(value - context.mpf("2.7182818284590452353602874713526624977572470937")) < context.mpf(10) ** -45


def test_the_precision_of_mpmath_itself_is_left_alone() -> None:
    before = mpmath.mp.dps
    precise(77)
    assert mpmath.mp.dps == before


def test_several_variables_are_taken_in_the_order_given() -> None:
    assert Evaluation().function(x - 2 * y, [y, x])([3.0, 10.0]) == 4.0


@pytest.mark.parametrize(
    ("expr", "point", "distance"),
    [
        (sp.Max(x, 1), 0.25, 0.75),
        (sp.Min(x, 1, -2), 0.25, 2.25),
        (sp.Abs(x - 2), 0.25, 1.75),
        (sp.sign(x), 0.25, 0.25),
        (Cbrt(x), -0.25, 0.25),
        (sp.Piecewise((x, x > 1), (0, True)), 0.25, 0.75),
        (sp.tanh(x), 0.25, math.inf),
        (expm1(x) + log1p(x), 0.25, math.inf),
    ],
)
def test_the_nearest_kink_is_noticed(expr: sp.Expr, point: float, distance: float) -> None:
    seen = [math.inf]
    Evaluation(mpmath.fp, seen.append).function(expr, [x])([point])
    assert min(seen) == distance


@pytest.mark.parametrize(
    ("expr", "match"),
    [
        (sp.gamma(x), "no arithmetic for gamma: 'gamma\\(x\\)'"),
        (x + y, "no value for y; expected one of 'x'"),
        (sp.Piecewise((x, sp.Eq(x, 0)), (1, True), evaluate=False), "no arithmetic for the condition"),
        (sp.EulerGamma * x, "no arithmetic for 'EulerGamma'"),
    ],
)
def test_what_has_no_arithmetic_is_refused(expr: sp.Expr, match: str) -> None:
    with pytest.raises(UnsupportedError, match=match):
        Evaluation().function(expr, [x])


def test_the_slope_of_a_jump_is_zero_beside_it_and_refused_at_it() -> None:
    function = Evaluation().function(sp.DiracDelta(x), [x])
    assert function([0.5]) == 0
    with pytest.raises(NotRealError):
        function([0.0])


@pytest.mark.parametrize("name", ["exp", "sinh"])
def test_towers_of_exponentials_are_given_up_at_once(name: str) -> None:
    tower = parse(f"{name}({name}({name}({name}(x))))", ("x",))
    with pytest.raises(NotRealError, match="beyond 10000 overflows every float"):
        Evaluation(precise(50)).function(tower, [x])([mpmath.mpf(3)])


def test_shared_parts_are_computed_once() -> None:
    calls: list[float] = []
    part = sp.Abs(x, evaluate=False)
    Evaluation(mpmath.fp, calls.append, shared=True).function(part + sp.exp(part) * part, [x])([2.0])
    assert len(calls) == 1


def test_shared_parts_are_computed_anew_for_other_values() -> None:
    function = Evaluation(shared=True).function(sp.exp(sp.sin(x)), [x])
    assert function([0.5]) != function([0.75])


def test_softmax_is_evaluated_as_it_is_defined() -> None:
    row = [0.5, -1.0, 2.0]
    total = sum(map(math.exp, row))
    found = row_function(TABLE["softmax"], Evaluation())(row)
    assert found == pytest.approx([math.exp(entry) / total for entry in row], rel=1e-15)


def test_a_sum_that_depends_on_the_own_entry_is_computed_for_each() -> None:
    total = sp.Sum((Z[batch, column] - Z[batch, other]) ** 2, (other, 1, sp.Symbol("n")))
    spread = Activation("spread", total, acts_on="row")
    assert row_function(spread, Evaluation())([1.0, 2.0, 4.0]) == [10.0, 5.0, 13.0]


def test_a_sum_over_something_else_is_refused() -> None:
    total = sp.Sum(Z[batch, other], (batch, 1, 2))
    with pytest.raises(UnsupportedError, match="expected one over the row's index j"):
        row_function(Activation("odd", total, acts_on="row"), Evaluation())


@pytest.mark.parametrize("name", TABLE)
def test_activations_written_out_have_the_values_of_activations_evaluated(name: str) -> None:
    row, further = [0.5, -1.25, 2.0], [[0.25 * place, -0.75, 1.5] for place in range(1, len(TABLE[name].variables))]
    symbols = [sp.symbols(f"z{place}_1:4", real=True) for place in range(len(further) + 1)]
    names, values = [name for each in symbols for name in each], [value for each in (row, *further) for value in each]
    written = [Evaluation().function(expr, names)(values) for expr in row_expressions(TABLE[name], *map(list, symbols))]
    function = row_function(TABLE[name], Evaluation())
    expected = list(map(function.head, zip(row, *further, strict=True))) if further else function(row)
    assert written == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize("text", ["abs(x)", "where(x > 1, x**2, 3*x)", "where(x <= 0, abs(x - 1), exp(x))"])
def test_the_derivative_of_branches_is_that_of_the_branch_that_holds(text: str) -> None:
    value = parse(text, ("x",))
    slope = slope_of(value, (x,))(x)
    for point in POINTS:
        h = 1e-6
        above, below = (Evaluation().function(value, [x])([point + side]) for side in (h, -h))
        assert Evaluation().function(slope, [x])([point]) == pytest.approx((above - below) / (2 * h), rel=1e-8)
