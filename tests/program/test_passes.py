"""Passes: each keeps every value that is asked for, and does the one thing that it is for."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from symmlp.deriving import derive
from symmlp.matrix import (
    Add,
    Call,
    Compare,
    Divide,
    Node,
    Number,
    Power,
    Product,
    Transpose,
    Var,
    Where,
    shape_of,
    walk,
)
from symmlp.printing.numpy import width_of
from symmlp.program.ir import Function, Program, Statement
from symmlp.program.lowering import lower
from symmlp.program.passes import NAMES, candidate_names, drop_unused, replaced, share_terms, split_long
from symmlp.spec import Network
from tests.printing.evaluation import Value, evaluate

x, y = Var("x", ()), Var("y", ())
ONE, TWO = Number(Fraction(1)), Number(Fraction(2))
EXP = Call("exp", (Product((Number(Fraction(-1)), Call("abs", (x,)))),))
SIGMOID = Divide(EXP, Add((ONE, EXP)))
NESTED = Add((Power(SIGMOID, TWO), Product((x, SIGMOID)), Call("log", (Add((ONE, EXP)),))))


@pytest.fixture(scope="module")
def program() -> Program:
    return lower(derive(Network.parse("4 -> 5 silu -> 3 softmax | cross_entropy")))


def _with(program: Program, *functions: Function) -> Program:
    return replace(program, functions=functions)


def _function(result: Node, *parameters: Var) -> Function:
    return Function("f", "f", parameters or (x,), (), result)


def value(function: Function, **arguments: Value) -> Value:
    """Return what a function computes, line by line."""
    known = dict(arguments)
    for statement in function.statements:
        known[statement.target.name] = evaluate(statement.value, known)
    return evaluate(function.result, known)


# drop_unused


def test_a_statement_that_nobody_reads_is_dropped(program: Program) -> None:
    spare = Statement(Var("U", (5, "N")), Transpose(Var("Z1", ("N", 5))), id="F9")
    found = drop_unused(replace(program, forward=(*program.forward, spare)))
    assert "U" not in [statement.target.name for statement in found.body]
    assert found == drop_unused(program)


def test_a_chain_of_statements_that_ends_nowhere_is_dropped_as_a_whole(program: Program) -> None:
    first = Statement(Var("U", (5, "N")), Transpose(Var("Z1", ("N", 5))), id="F9")
    second = Statement(Var("V", ("N", 5)), Transpose(first.target), id="F10")
    assert drop_unused(replace(program, forward=(*program.forward, first, second))) == drop_unused(program)


def test_what_is_asked_for_is_kept(program: Program) -> None:
    kept = {statement.target.name for statement in drop_unused(program).body}
    assert kept >= {*program.gradients, program.prediction, "L"}


def test_a_function_that_nobody_calls_is_dropped(program: Program) -> None:
    found = drop_unused(_with(program, *program.functions, _function(SIGMOID)))
    assert found == drop_unused(program)


def test_a_program_without_spare_statements_stays_as_it_is(program: Program) -> None:
    once = drop_unused(program)
    assert drop_unused(once) == once
    once.check()


# share_terms


def test_a_repeated_term_is_computed_once(program: Program) -> None:
    (found,) = share_terms(_with(program, _function(SIGMOID))).functions
    assert found.statements == (Statement(Var("t", ()), EXP),)
    assert found.result == Divide(Var("t", ()), Add((ONE, Var("t", ()))))


@pytest.mark.parametrize("result", [SIGMOID, NESTED, Where(Compare(">=", x, ONE), SIGMOID, NESTED)])
def test_sharing_changes_no_value(result: Node, program: Program) -> None:
    before = _function(result)
    (after,) = share_terms(_with(program, before)).functions
    at = np.linspace(-3, 4, 15)
    np.testing.assert_array_equal(value(after, x=at), value(before, x=at))
    after.check()


def test_after_sharing_no_term_is_computed_twice(program: Program) -> None:
    (found,) = share_terms(_with(program, _function(NESTED))).functions
    work = [part for line in found.lines for part in walk(line) if isinstance(part, Call | Divide | Power)]
    assert len(work) == len(set(work))


def test_names_and_numbers_are_not_worth_a_name(program: Program) -> None:
    function = _function(Add((Product((TWO, x)), Power(x, TWO), Product((TWO, x, x)))))
    (found,) = share_terms(_with(program, function)).functions
    assert found == function


def test_shared_terms_are_named_in_the_order_of_their_lines(program: Program) -> None:
    (found,) = share_terms(_with(program, _function(NESTED))).functions
    assert [statement.target.name for statement in found.statements] == list(NAMES[: len(found.statements)])


def test_a_shared_term_takes_no_name_of_a_parameter(program: Program) -> None:
    t = Var("t", ())
    function = _function(Add((Call("exp", (t,)), Power(Call("exp", (t,)), TWO))), t)
    (found,) = share_terms(_with(program, function)).functions
    names = [array.name for array in found.parameters] + [each.target.name for each in found.statements]
    assert len(names) == len(set(names))
    np.testing.assert_array_equal(value(found, t=0.5), np.exp(0.5) + np.exp(0.5) ** 2)


def test_candidate_names_never_end_and_never_repeat() -> None:
    names = candidate_names()
    first = [next(names) for _ in range(200)]
    assert len(set(first)) == 200
    assert all(name.isidentifier() for name in first)


def test_replacing_meets_every_occurrence() -> None:
    assert replaced(NESTED, EXP, x) == Add(
        (
            Power(Divide(x, Add((ONE, x))), TWO),
            Product((x, Divide(x, Add((ONE, x))))),
            Call("log", (Add((ONE, x)),)),
        )
    )


# split_long


LONG = Add(tuple(Product((Number(Fraction(n)), Call("exp", (Divide(x, Number(Fraction(n))),)))) for n in range(2, 12)))


def test_a_long_line_is_split_until_each_part_fits(program: Program) -> None:
    width = width_of({})
    (found,) = split_long(_with(program, _function(Call("log", (LONG,)))), width, limit=60).functions
    splittable = [line for line in found.lines if width(line) > 60]
    assert splittable == []


def test_splitting_changes_no_value(program: Program) -> None:
    before = _function(Divide(LONG, Add((ONE, Power(LONG, TWO)))))
    (after,) = split_long(_with(program, before), width_of({}), limit=50).functions
    at = np.linspace(-2, 2, 9)
    np.testing.assert_array_equal(value(after, x=at), value(before, x=at))
    after.check()


def test_short_lines_stay_as_they_are(program: Program) -> None:
    function = _function(SIGMOID)
    assert split_long(_with(program, function), width_of({}), limit=88).functions == (function,)


def test_splitting_ends_where_nothing_shorter_can_be_named(program: Program) -> None:
    names = tuple(Var(f"name_{n}_that_is_long", ()) for n in range(6))
    function = _function(Add(names), *names)
    assert split_long(_with(program, function), width_of({}), limit=40).functions == (function,)


@pytest.mark.parametrize("loss", ["cross_entropy", "{(p - y)**2}"])
def test_all_passes_leave_a_sound_program(loss: str) -> None:
    output = "softmax" if loss == "cross_entropy" else ""
    program = lower(derive(Network.parse(f"4 -> 5 {{x*tanh(log(1 + exp(x)))}} -> 3 {output} | {loss}")))
    found = share_terms(drop_unused(program))
    split_long(found, width_of(found.names), limit=72).check()
    assert {shape_of(line) for function in found.functions for line in function.lines} <= {(), ("N", "n"), ("N", 1)}
