"""No text is executed, opened or given to SymPy, and none keeps the parser busy."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sympy as sp

from symmlp.errors import ExpressionError
from symmlp.expression import parse
from tests.expression.accepted import ACCEPTED, EXACT, FORMS, x
from tests.expression.refused import REFUSED

DEEP = {
    "exp": "exp(" * 38 + "x" + ")" * 38,
    "abs": "abs(" * 19 + "x" + "-1)" * 19,
    "sigmoid": "sigmoid(" * 38 + "x" + ")" * 38,
    "max": "max(sin(x)," * 19 + "x" + ")" * 19,
    "maximum of many": "max(" + ",".join(f"{n}*x+{n}" for n in range(90)) + ")",
    "where": "where(x>0,x," * 30 + "x" + ")" * 30,
    "cancelling roots": "abs(sqrt(2)+sqrt(3)-sqrt(5+2*sqrt(6)))*x",
    "powers of logarithms": "exp(500*log(3)+x)*exp(500*log(5)-x)",
}


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP)
def test_a_deep_expression_is_answered_quickly(text: str) -> None:
    start = time.perf_counter()
    with contextlib.suppress(ExpressionError):
        parse(text, ("x",))
    assert time.perf_counter() - start < 3


def harmful(sentinel: Path) -> tuple[str, ...]:
    """Return texts that create the file `sentinel` when they are evaluated."""
    return (
        f"open('{sentinel}', 'w').close()",
        f"__import__('pathlib').Path('{sentinel}').touch()",
        f"__import__('os').system('touch {sentinel}')",
        f"[c for c in ().__class__.__base__.__subclasses__()] and open('{sentinel}', 'w').close()",
        f"(lambda: open('{sentinel}', 'w').close())()",
        f"max(1, open('{sentinel}', 'w').close() or 2)",
        f"f\"{{open('{sentinel}', 'w').close()}}\"",
    )


def test_a_harmful_text_is_not_executed(tmp_path: Path) -> None:
    sentinel = tmp_path / "sentinel"
    for text in harmful(sentinel):
        with pytest.raises(ExpressionError):
            parse(text, ("x",))
        with pytest.raises(ExpressionError):
            parse("x + " + text, ("x",))
    assert not sentinel.exists()


def test_the_harmful_texts_are_harmful_where_text_is_evaluated(tmp_path: Path) -> None:
    for number, text in enumerate(harmful(tmp_path / "sentinel")):
        sentinel = tmp_path / f"sentinel{number}"
        exec(text.replace(str(tmp_path / "sentinel"), str(sentinel)))
        assert sentinel.exists()


_watched: list[str] | None = None


def _watch(event: str, _arguments: tuple[Any, ...]) -> None:
    if _watched is not None and threading.current_thread() is threading.main_thread():
        _watched.append(event)


sys.addaudithook(_watch)


@pytest.fixture
def events() -> Iterator[list[str]]:
    """The audit events of the interpreter during the test."""
    global _watched
    found: list[str] = []
    _watched = found
    yield found
    _watched = None


def parse_all(texts: Iterable[object]) -> None:
    for text in texts:
        with contextlib.suppress(ExpressionError):
            parse(text, ("x", "y", "k"))


def test_parsing_opens_imports_and_runs_nothing(tmp_path: Path, events: list[str]) -> None:
    texts = [*harmful(tmp_path / "sentinel"), *(text for text, _ in REFUSED), *(text for text, _ in ACCEPTED)]
    parse_all(texts)  # SymPy imports modules of its own on first use
    events.clear()
    parse_all(texts)
    assert set(events) <= {"compile"}  # of ast.parse, which makes a tree and no code


def test_the_watch_sees_an_open_file(tmp_path: Path, events: list[str]) -> None:
    (tmp_path / "file").write_text("")
    assert "open" in events


@pytest.fixture
def no_reading_by_sympy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make SymPy's reader of text, which `sympify` ends in, raise."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("SymPy was given a text to read")

    monkeypatch.setattr("sympy.parsing.sympy_parser.parse_expr", refuse)
    monkeypatch.setattr("sympy.parsing.sympy_parser.eval_expr", refuse)


@pytest.mark.usefixtures("no_reading_by_sympy")
def test_sympy_is_never_given_a_text() -> None:
    parse_all(row[0] for table in (ACCEPTED, EXACT, FORMS, REFUSED) for row in table)


@pytest.mark.usefixtures("no_reading_by_sympy")
def test_the_guard_sees_a_text_that_sympy_is_given() -> None:
    with pytest.raises(AssertionError, match="a text to read"):
        sp.sympify("x + 1")
    with pytest.raises(AssertionError, match="a text to read"):
        x.subs(x, "y + 1")
