"""The program's check: shapes, order, single assignment, a gradient for every parameter."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from symmlp.deriving import derive
from symmlp.errors import ProgramError
from symmlp.matrix import Add, MatMul, Number, Transpose, Var
from symmlp.program.ir import Function, Program, Statement, check_sequence
from symmlp.program.lowering import lower
from symmlp.spec import Network

X, W1, Y = Var("X", ("N", 4)), Var("W1", (3, 4)), Var("Y", ("N", 3))
Z1 = Statement(Var("Z1", ("N", 3)), MatMul(X, Transpose(W1)), id="F1", layer=1)


@pytest.fixture(scope="module")
def program() -> Program:
    return lower(derive(Network.parse("4 -> 5 tanh -> 3 softmax | cross_entropy")))


def _changed(program: Program, part: str, place: int, **changes: object) -> Program:
    """Return the program with one statement of a part changed."""
    statements = list(getattr(program, part))
    statements[place] = replace(statements[place], **changes)
    return replace(program, **{part: tuple(statements)})  # type: ignore[arg-type]


def test_a_sound_program_is_returned_as_it_is(program: Program) -> None:
    assert program.check() is program


def test_a_value_of_another_shape_is_refused_in_the_reader_s_words(program: Program) -> None:
    broken = _changed(program, "backward", -1, value=Var("dZ1", ("N", 5)))
    with pytest.raises(ProgramError, match=r"^db1 is \(5,\), its value is \(N, 5\): statement B\d+, layer 1$"):
        broken.check()


def test_operands_that_do_not_fit_are_refused_with_the_statement(program: Program) -> None:
    broken = _changed(program, "forward", 0, value=MatMul(X, Var("W1", (5, 4))))
    with pytest.raises(ProgramError, match=r"^matrix product of shapes \(N, 4\) and \(5, 4\): statement F1, layer 1$"):
        broken.check()


def test_an_array_that_is_read_too_early_is_refused(program: Program) -> None:
    first, *rest = program.forward
    with pytest.raises(ProgramError, match="^A1 reads Z1, which has no value yet: statement F2, layer 1$"):
        replace(program, forward=(*rest, first)).check()


def test_an_array_that_nobody_makes_is_refused(program: Program) -> None:
    broken = _changed(program, "forward", 0, value=Var("Q", ("N", 5)))
    with pytest.raises(ProgramError, match="^Z1 reads Q, which has no value yet: statement F1, layer 1$"):
        broken.check()


@pytest.mark.parametrize("name", ["X", "Y", "W2"])
def test_what_is_given_is_not_assigned(name: str, program: Program) -> None:
    broken = _changed(program, "forward", 0, target=Var(name, ("N", 5)))
    with pytest.raises(ProgramError, match=f"^{name} is assigned twice: statement F1, layer 1$"):
        broken.check()


def test_a_second_assignment_is_refused(program: Program) -> None:
    with pytest.raises(ProgramError, match="^Z1 is assigned twice: statement F1, layer 1$"):
        replace(program, forward=(*program.forward, program.forward[0])).check()


def test_a_parameter_without_gradient_is_refused(program: Program) -> None:
    kept = tuple(statement for statement in program.backward if statement.target.name != "dW1")
    with pytest.raises(ProgramError, match="^W1 has no gradient: nothing assigns dW1$"):
        replace(program, backward=kept).check()


def test_a_gradient_of_the_wrong_shape_is_refused(program: Program) -> None:
    place = [statement.target.name for statement in program.backward].index("dW1")
    value = program.backward[place].value
    broken = _changed(program, "backward", place, target=Var("dW1", (4, 5)), value=Transpose(value))
    with pytest.raises(ProgramError, match=r"^dW1 is \(4, 5\), but W1 is \(5, 4\)$"):
        broken.check()


def test_a_function_that_reads_what_it_is_not_given_is_refused(program: Program) -> None:
    x, t = Var("x", ()), Var("t", ())
    broken = Function("f", "f", (x,), (Statement(t, Add((x, Var("q", ())))),), t)
    with pytest.raises(ProgramError, match="^t reads q, which has no value yet: statement t, layer 0$"):
        replace(program, functions=(broken,)).check()


def test_a_function_whose_result_reads_what_is_not_there_is_refused(program: Program) -> None:
    broken = Function("f", "f", (Var("x", ()),), (), Add((Var("x", ()), Var("q", ()))))
    with pytest.raises(ProgramError, match="^the result of f reads q, which has no value yet$"):
        replace(program, functions=(broken,)).check()


def test_statements_of_a_sequence_know_what_stands_before_them() -> None:
    known = {"X": X.shape, "W1": W1.shape}
    twice = Statement(Var("A1", ("N", 3)), Add((Z1.target, Z1.target)))
    check_sequence([Z1, twice], known)
    assert known["A1"] == ("N", 3)


def test_a_statement_without_an_id_is_named_by_its_target() -> None:
    bare = Statement(Var("t", ()), Add((Var("t", ()), Number(Fraction(1)))))
    with pytest.raises(ProgramError, match="^t reads t, which has no value yet: statement t, layer 0$"):
        bare.check({})


def test_the_body_is_forward_loss_backward(program: Program) -> None:
    assert [statement.id[0] for statement in program.body] == sorted(
        [statement.id[0] for statement in program.body], key="FLB".index
    )
    assert program.body.index(program.loss) == len(program.forward)
