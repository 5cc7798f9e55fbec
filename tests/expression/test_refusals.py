"""What the expression language refuses, and how it says so."""

from __future__ import annotations

import time

import pytest

from symmlp.errors import ExpressionError, SymmlpError
from symmlp.expression import parse
from symmlp.expression.syntax import MAX_DEPTH, MAX_LENGTH, MAX_NODES
from tests.expression.refused import REFUSED


@pytest.mark.parametrize(("text", "expected"), REFUSED, ids=[ascii(text)[:40] for text, _ in REFUSED])
def test_a_text_outside_the_language_is_refused_with_its_reason(text: object, expected: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text, ("x",), field="layers[2].activation")
    assert expected in str(caught.value)


@pytest.mark.parametrize("text", [text for text, _ in REFUSED], ids=[ascii(text)[:40] for text, _ in REFUSED])
def test_a_refusal_is_one_ascii_line_that_names_the_field(text: object) -> None:
    with pytest.raises(SymmlpError) as caught:
        parse(text, ("x",), field="layers[2].activation")
    message = str(caught.value)
    assert message.startswith("layers[2].activation: ")
    assert message.isascii()
    assert message.isprintable()
    assert len(message) < 400


def test_all_refusals_together_take_less_than_a_second() -> None:
    start = time.process_time()
    for text, _ in REFUSED:
        with pytest.raises(ExpressionError):
            parse(text, ("x",))
    assert time.process_time() - start < 1


@pytest.mark.parametrize(
    ("text", "hint"),
    [("sofplus(x)", "did you mean 'softplus'?"), ("sigmod(x)", "did you mean 'sigmoid'?")],
)
def test_a_misspelt_function_gets_a_suggestion(text: str, hint: str) -> None:
    with pytest.raises(ExpressionError, match=hint):
        parse(text, ("x",))


def test_a_misspelt_name_gets_a_suggestion() -> None:
    with pytest.raises(ExpressionError, match="did you mean 'target'?"):
        parse("(p - tagret)**2", ("p", "target"))


def test_a_column_counts_from_the_start_of_the_text_with_its_spaces_and_lines() -> None:
    with pytest.raises(ExpressionError, match="'q' at column 8"):
        parse("  x\n + q", ("x",))


@pytest.mark.parametrize("name", ["", "2x", "x y", "__class__", "a.b", "x" * 65, "\uff45", "x\n"])
def test_a_variable_with_an_unsafe_name_is_refused(name: str) -> None:
    with pytest.raises(ExpressionError, match="must match"):
        parse("1", (name,))


@pytest.mark.parametrize(
    ("fits", "exceeds"),
    [
        ("x" + " " * (MAX_LENGTH - 3) + "+x", "x" + " " * (MAX_LENGTH - 2) + "+x"),
        ("(" * MAX_DEPTH + "x" + ")" * MAX_DEPTH, "(" * (MAX_DEPTH + 1) + "x" + ")" * (MAX_DEPTH + 1)),
        ("-" * (MAX_DEPTH - 1) + "x", "-" * MAX_DEPTH + "x"),
        ("max(" + "x," * (MAX_NODES - 3) + "x)", "max(" + "x," * (MAX_NODES - 2) + "x)"),
        ("x**16", "x**17"),
        ("1.7976931348623157e308", "1.7976931348623159e308"),
    ],
)
def test_a_limit_is_reached_but_not_exceeded(fits: str, exceeds: str) -> None:
    parse(fits, ("x",))
    with pytest.raises(ExpressionError):
        parse(exceeds, ("x",))


@pytest.mark.parametrize("error", [ValueError, MemoryError, RecursionError])
def test_a_parser_that_gives_up_is_a_refusal(error: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    def give_up(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("symmlp.expression.syntax.ast.parse", give_up)
    with pytest.raises(ExpressionError, match="too deeply nested"):
        parse("x", ("x",))
