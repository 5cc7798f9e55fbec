"""Values in the real numbers, and the check that an expression is real where it must be."""

from __future__ import annotations

import contextlib
import time
from fractions import Fraction

import mpmath
import pytest
import sympy as sp

from symmlp.errors import ExpressionError, UnsupportedError
from symmlp.expression import parse, require_real
from symmlp.expression.real import NotReal, Singular, is_finite, is_known, rounded, value_at

x, y = sp.symbols("x y", real=True)


def at(text: str, **point: Fraction | int) -> object:
    """Return the value of `text` at a point."""
    symbols = {sp.Symbol(name, real=True): Fraction(number) for name, number in point.items()}
    return value_at(parse(text, tuple(point)), symbols)


FUNCTIONS = "exp expm1 log log1p sqrt cbrt sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh erf erfc".split()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_has_the_value_that_mpmath_gives_it(function: str) -> None:
    argument = Fraction(13, 8) if function == "acosh" else Fraction(3, 8)
    with mpmath.workprec(220):
        expected = getattr(mpmath, function)(mpmath.mpf(argument.numerator) / argument.denominator)
        found = mpmath.mpf(rounded(at(f"{function}(x)", x=argument)))
        assert abs(found - expected) < mpmath.mpf(10) ** -50


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("x**2 - 2*x/3", Fraction(1, 4) - Fraction(1, 3)),
        ("abs(x - 1)", Fraction(1, 2)),
        ("sign(x - 1)", Fraction(-1)),
        ("max(x, 3*x, -x)", Fraction(3, 2)),
        ("min(x, 3*x, -x)", Fraction(-1, 2)),
        ("where(x > 1, 7, x)", Fraction(1, 2)),
        ("exp(x - 1/2) + cos(2*x - 1)", Fraction(2)),
        ("x**0*tanh(x - 1/2)", Fraction(0)),
    ],
)
def test_a_value_stays_exact_as_long_as_it_is_rational(text: str, value: Fraction) -> None:
    assert at(text, x=Fraction(1, 2)) == value


@pytest.mark.parametrize(
    ("text", "point"),
    [
        ("log(x)", -1),
        ("sqrt(x)", Fraction(-1, 10**12)),
        ("x**(1/3)", -8),
        ("x**1.5", -1),
        ("asin(x)", Fraction(1000001, 10**6)),
        ("acos(x)", -2),
        ("acosh(x)", Fraction(1, 2)),
        ("atanh(x)", 3),
        ("log1p(x)", -2),
        ("log(-exp(x))", 2),
        ("sqrt(x)**2 + log(x)", -1),
        ("where(x > 0, log(-x), x)", 1),
    ],
)
def test_a_value_outside_the_reals_is_not_real(text: str, point: Fraction | int) -> None:
    with pytest.raises(NotReal):
        at(text, x=point)


@pytest.mark.parametrize(
    ("text", "point"),
    [
        ("1/x", 0),
        ("log(x - 2)", 2),
        ("x**-0.5", 0),
        ("atanh(x)", 1),
        ("log1p(x)", -1),
        ("(exp(x) - 1)/x", 0),
        ("log(x*sinh(x + 1))", 0),
    ],
)
def test_an_infinite_value_is_singular(text: str, point: int) -> None:
    with pytest.raises(Singular):
        at(text, x=point)


@pytest.mark.parametrize(
    "text",
    [
        "1 - tanh(x)",
        "sign(1 - tanh(x))",
        "max(1 - tanh(x), -1)",
        "where(1 - tanh(x) > 0, 1, 2)",
        "log(1 - tanh(x))",
        "log(1 - 1/(1 + exp(-1e30*x)))",
        "1/(exp(-1e30*x))**2",
        "log1p(-tanh(x))",
        "acosh(erf(x))",
        "exp(exp(exp(x))) - exp(exp(exp(x + 1)))",
    ],
)
def test_what_a_cancellation_or_an_overflow_leaves_is_not_known(text: str) -> None:
    assert not is_finite(at(text, x=300))


def test_a_small_difference_within_fifty_digits_is_known() -> None:
    found = rounded(at("1 - tanh(x)", x=50))
    assert is_known(found)
    assert abs(found * mpmath.exp(100) - 2) < 1e-8


def test_an_exponential_beyond_any_float_keeps_its_logarithm() -> None:
    assert abs(rounded(at("log(1 + exp(1e30*x))/1e30", x=7)) - 7) < 1e-20


def test_a_part_without_a_rule_is_unsupported() -> None:
    with pytest.raises(UnsupportedError, match="no real value for gamma"):
        value_at(sp.gamma(x), {x: Fraction(1, 2)})


def test_a_condition_without_a_rule_is_unsupported() -> None:
    with pytest.raises(UnsupportedError, match="no truth value"):
        value_at(sp.Piecewise((x, sp.Eq(x, y)), (y, True)), {x: Fraction(1, 2), y: Fraction(3)})


REAL_EVERYWHERE = (
    "x",
    "x*tanh(log(1 + exp(x)))",
    "1/(1 + exp(-x))",
    "log(1/(1 + exp(-x)))",
    "log(1 - 1/(1 + exp(-x)))",
    "log(1 - 1/(1 + exp(-1e30*x)))",
    "log(1 + exp(1e30*x))/1e30",
    "log(1 - tanh(100*x))",
    "log(cosh(1000*x))",
    "x*(1 + erf(x/sqrt(2)))/2",
    "x*erfc(-x/sqrt(2))/2",
    "(exp(x) - 1)/x",
    "x*log(abs(x))",
    "sin(x)/x",
    "x**2/(x - 0.5)",
    "abs(x)**0.5",
    "cbrt(x)",
    "where(x > 0, sqrt(x), x)",
    "where(x > 0, log(1 + x), exp(x) - 1)",
    "max(-1, min(1, x))",
    "sqrt(1 - tanh(x)**2)",
    "asin(tanh(50*x))",
    "x/(1 + abs(x))",
    "x**3 - 1/(1 + x**2)",
    "exp(exp(exp(exp(x))))",
)


@pytest.mark.parametrize("text", REAL_EVERYWHERE)
def test_an_activation_that_is_real_everywhere_is_accepted(text: str) -> None:
    require_real(parse(text, ("x",)), {"x": "real"}, field="activation")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("sqrt(x)", "value is not real at x = -1"),
        ("log(x)", "value is not real at x = -1"),
        ("x*log(x)", "value is not real at x = -1"),
        ("x**(1/3)", "value is not real at x = -1"),
        ("log(x)**2", "value is not real at x = -1"),
        ("sqrt(x + 30)", "value is not real at x = -37"),
        ("asin(x)", "value is not real at x = -2"),
        ("acosh(x)", "value is not real at x = -1"),
        ("atanh(2*tanh(x))", "value is not real at x = -1"),
        ("where(x > 0, log(-x), x)", "value is not real at x = 1"),
        ("log(-exp(x))", "value is not real at x = -1"),
        ("1/max(x, 0)", "value is not finite at x = -1"),
        ("x/(abs(x) - x)", "value is not finite at x = 1"),
        ("log(max(x, 0))", "value is not finite at x = -1"),
        ("where(x < 0.49999999, x, log(x - 0.5))", "value is not finite at x = 0.5"),
        ("exp(" * 6 + "x" + ")" * 6, "value is beyond float64, as at x = -1"),
        ("3", "derivative is zero everywhere; expected an expression in x"),
        ("x - x", "derivative is zero everywhere; expected an expression in x"),
    ],
)
def test_an_activation_that_is_not_real_everywhere_is_refused_with_a_point(text: str, problem: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        require_real(parse(text, ("x",)), {"x": "real"}, field="activation")
    assert str(caught.value) == f"activation: {problem}"


def test_an_overflow_inside_mpmath_is_no_verdict_on_the_expression(monkeypatch: pytest.MonkeyPatch) -> None:
    def overflow(*_: object) -> None:
        raise OverflowError

    monkeypatch.setattr("symmlp.expression.real.value_at", overflow)
    with pytest.raises(ExpressionError, match="value is beyond float64"):
        require_real(x, {"x": "real"}, field="activation")


LOSS = {"p": "somewhere", "y": "somewhere"}


@pytest.mark.parametrize(
    "text",
    [
        "(p - y)**2",
        "-y*log(p) - (1 - y)*log(1 - p)",
        "log(p - 40) + y",
        "sqrt(-p)*sqrt(-y)",
        "1/(p - y)",
        "abs((p - y)/y)",
        "acosh(p*y - 500)",
        "p",
    ],
)
def test_a_loss_that_is_real_somewhere_is_accepted(text: str) -> None:
    require_real(parse(text, ("p", "y")), LOSS, field="loss")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("log(-1 - p**2)*y", "value is not real at p = 0.5, y = 0.25"),
        ("log(-exp(p - y))", "value is not real at p = 0.5, y = 0.25"),
        ("asin(2 + p**2 + y**2)", "value is not real at p = 0.5, y = 0.25"),
        ("log(p - 1e9) + y", "value is not real at p = 0.5, y = 0.25"),
        ("1/(abs(p) - max(p, -p)) + y", "value is not finite at p = 0.5, y = 0.25"),
        ("exp(exp(9 + p**2)) + y", "value is beyond float64, as at p = 0.5, y = 0.25"),
    ],
)
def test_a_loss_that_is_real_nowhere_is_refused_with_a_point(text: str, problem: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        require_real(parse(text, ("p", "y")), LOSS, field="loss")
    assert str(caught.value) == f"loss: {problem} or anywhere else on the grid"


def test_a_parameter_needs_one_value_for_which_the_activation_is_real_everywhere() -> None:
    value = parse("abs(x)**k", ("x",), parameters=("k",))
    require_real(value, {"x": "real", "k": "somewhere"}, field="activation")


def test_a_parameter_for_which_no_value_will_do_is_refused() -> None:
    value = parse("log(x) + k", ("x",), parameters=("k",))
    with pytest.raises(ExpressionError, match="value is not real at k = 0.5, x = -1"):
        require_real(value, {"x": "real", "k": "somewhere"}, field="activation")


def test_a_parameter_alone_is_no_activation() -> None:
    with pytest.raises(ExpressionError, match="derivative is zero everywhere; expected an expression in x"):
        require_real(parse("k", ("k",)), {"x": "real", "k": "somewhere"}, field="activation")


@pytest.mark.parametrize("text", ["sqrt(x - y)", "log(x*y)", "sqrt(x + y + 60)", "asin(x*y/100)"])
def test_two_variables_are_varied_together(text: str) -> None:
    with pytest.raises(ExpressionError, match="value is not real at x = "):
        require_real(parse(text, ("x", "y")), {"x": "real", "y": "real"}, field="activation")


def test_a_line_of_singular_points_in_two_variables_is_no_fault() -> None:
    require_real(parse("1/(x - y)", ("x", "y")), {"x": "real", "y": "real"}, field="activation")


def test_a_variable_without_a_domain_is_refused() -> None:
    with pytest.raises(ExpressionError, match="nothing is known about 'q'; expected x only"):
        require_real(parse("x*q", ("x", "q")), {"x": "real"}, field="activation")


@pytest.mark.parametrize("text", [*REAL_EVERYWHERE, "exp(" * 38 + "x" + ")" * 38, "sin(" * 38 + "1/x" + ")" * 38])
def test_the_check_is_answered_quickly(text: str) -> None:
    value = parse(text, ("x",))
    start = time.perf_counter()
    with contextlib.suppress(ExpressionError):
        require_real(value, {"x": "real"}, field="activation")
    assert time.perf_counter() - start < 1
