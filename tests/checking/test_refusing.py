"""Bad input is refused in one line that names the place; no text is executed, and none makes the check break."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from symmlp.checking import check_formula
from symmlp.cli import run
from symmlp.errors import SymmlpError
from tests.checking.networks import network

NET = "4 -> 6 tanh -> 3 softmax | cross_entropy"


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("", "is empty"),
        ("   ", "is empty"),
        ("dQ2 + A1", "'dQ2' at column 1 is unknown"),
        ("dZ2.T @ A7", "'A7' at column 9 is unknown; allowed: X, W1"),
        ("dW1", "is what is asked for"),
        ("dW1.T", "is what is asked for"),
        ("dZ1.T @@ X", "cannot parse at column 8"),
        ("dZ1.T @", "cannot parse"),
        ("(dZ1.T @ X", "bracket '(' is never closed, opened at column 1"),
        ("dZ1.T @ X)", "unexpected ')' at column 10"),
        ("tanh_slop(Z1)", "unknown function; did you mean 'tanh_slope'"),
        ("tanh_slope", "is a function; write tanh_slope(...)"),
        ("tanh_slope(Z1, Z1)", "takes 1 array"),
        ("np.tanh(Z1, X)", "has 2 arguments; expected 1"),
        ("softmax_slope(Z2)", "softmax acts on a whole row"),
        ("dZ1.sum(axis=2)", "axis other than"),
        ("dZ1.sum(axis=0, out=X)", "unknown option out"),
        ("dZ1.sum(**X)", "unknown option **"),
        ("dZ1.tofile(X)", "unknown method"),
        ("np.load(X)", "unknown function"),
        ("X.__class__", "is not allowed"),
        ("X.T.__class__", "is not allowed"),
        ("__import__('os')", "character"),
        ("(lambda: 1)()", "not allowed"),
        ("[x for x in X]", "not allowed"),
        ("A1 if 1 else 2", "use where(condition, a, b)"),
        ("X[0]", "is not allowed"),
        ("X.shape[7]", "no such axis"),
        ("'text'", "character"),
        ('"text"', "character"),
        ("X; Y", "cannot parse"),
        ("X = Y", "cannot parse"),
        ("X # Y", "character '#'"),
        ("χ + 1", "unknown name"),
        ("х*2", "character '\\u0445' at column 1"),
        ("X\\", "character"),
        ("X\x00", "character"),
        ("1e999", "too large"),
        ("9" * 400, "too large"),
        ("X" * 2001, "too long"),
        ("(" * 60 + "X" + ")" * 60, "more than 40 open brackets"),
        ("-" * 1900 + "X", "too deeply nested"),
        ("+".join(["X"] * 600), "too deeply nested"),
        ("*".join(["(" + "+".join(["X"] * 18) + ")"] * 18), "more than 500"),
        ("2**" * 600 + "2", "too deeply nested"),
        ("1 " * 900, "too deeply nested"),
        ("ones((100000, 100000))", "too large"),
        ("ones((N, -1))", "neither a whole number"),
        ("np.full((4, 4), W1)", ""),
        ("∂L/∂W2 = dZ2ᵀ A1", "is for 'W2', asked for is W1"),
        ("{X if Y}", "expected ';'"),
    ],
)
def test_a_text_outside_the_language_is_refused_in_one_line(formula: str, message: str) -> None:
    if not message:
        assert not check_formula(network(NET), "W1", formula).ok
        return
    with pytest.raises(SymmlpError) as caught:
        check_formula(network(NET), "W1", formula)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("candidate", [None, 3, ["dZ2"], b"dZ2"])
def test_what_is_no_formula_is_refused(candidate: Any) -> None:
    with pytest.raises(SymmlpError, match="must be a text or a function"):
        check_formula(network(NET), "W1", candidate)


@pytest.mark.parametrize("wrt", ["W9", "X", "Y", "", "L", "N", "dX"])
def test_an_array_without_gradient_is_refused(wrt: str) -> None:
    with pytest.raises(SymmlpError, match="^wrt: no gradient for"):
        check_formula(network(NET), wrt, "X")


def _fails(**arrays: Any) -> Any:
    return arrays["nothing"]


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda dZ9, A1: A1, "no array 'dZ9'"),
        (_fails, "raised KeyError"),
        (lambda dZ2, A1: dZ2 @ A1, "raised ValueError"),
        (lambda dZ2, A1: "text", "expected an array of real numbers"),
        (lambda dZ2, A1: 1j * A1, "expected an array of real numbers"),
        (lambda dZ2, A1: [[1, 2], [3]], "expected an array of real numbers"),
        (lambda a: a.nothing, "raised AttributeError"),
    ],
)
def test_a_function_that_fails_is_told_of(function: Any, message: str) -> None:
    with pytest.raises(SymmlpError, match=message):
        check_formula(network(NET), "W2", function)


SINGLE = "dZ2 dZ1 A1 X W1 b1 P Y N K 1 2 0.5 .T ᵀ ² @ * / + - − ∘ ⊘ ** ^ ( ) | √ , . = == > np. tanh exp sum( .sum("
PIECES = (
    *SINGLE.split(),
    *("axis=0", "axis=1", "keepdims=True", " ", "tanh′(", "where(", "{", "}", " if ", "; else ", "'"),
    *("ones(", "outer(", "diag(", "full((N, 3), "),
)
"""What formulas are made of, and brackets that nothing closes."""


def test_whatever_is_typed_there_is_a_verdict_or_one_line() -> None:
    rng = random.Random(7)
    for _ in range(600):
        text = "".join(rng.choice(PIECES) for _ in range(rng.randint(1, 9)))
        try:
            check_formula(network(NET), rng.choice(["W1", "Z1", "b2"]), text)
        except SymmlpError as error:
            assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["W2", "dZ2.T @ A1"], 0),
        (["P", "-Y / P / N"], 0),
        (["W2", "dZ2.T @ A1 / N"], 1),
        (["W2", "dZ2 @ A1"], 1),
        (["W2", "dZ2.T @"], 2),
        (["W9", "dZ2.T"], 2),
    ],
)
def test_the_command_says_by_its_exit_code_what_the_verdict_is(
    arguments: list[str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    wrt, formula = arguments
    assert run(["check", NET, "--wrt", wrt, formula]) == code
    told = capsys.readouterr()
    assert (told.out == "", told.err.count("\n")) == ((True, 1) if code == 2 else (False, 0))
    assert told.out.startswith({0: "right: ", 1: "wrong: ", 2: ""}[code])


def test_nothing_typed_is_executed(tmp_path: Path) -> None:
    target = tmp_path / "made"
    for text in (
        f"open('{target}', 'w')",
        f"np.savetxt('{target}', X)",
        "X.dump(Y)",
        f"__import__('os').mknod('{target}')",
    ):
        with pytest.raises(SymmlpError):
            check_formula(network(NET), "W1", text)
    assert not target.exists()
