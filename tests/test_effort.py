"""Legal expressions whose derivation has no end in sight are refused in one line, in time, and leave no trace."""

from __future__ import annotations

import signal
import threading
import time

import pytest

import symmlp
from symmlp.calculus import effort
from symmlp.calculus.effort import within_limit
from symmlp.errors import ExpressionError


def nested(pattern: str, depth: int) -> str:
    text = "x"
    for _ in range(depth):
        text = pattern.format(text)
    return text


HOSTILE = (
    nested("x*tanh({})", 25),
    nested("({0})*tanh(log(1+exp({0})))", 3),
    nested("abs({}-1)", 15),
    nested("exp({})", 12),
    nested("1/(1+exp(-{}))", 12),
    "+".join(f"exp({power}*x)" for power in range(1, 25)),
    "*".join(f"(1+exp({power}*x))" for power in range(1, 12)),
)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_but_legal_expression_is_derived_or_refused_in_time(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(within_limit.__wrapped__, "__defaults__", (2.0,))  # type: ignore[attr-defined]
    start = time.process_time()
    try:
        assert symmlp.elementwise(text).source
    except ExpressionError as error:
        assert "\n" not in str(error)
    assert time.process_time() - start < 10


def test_what_takes_too_long_is_refused_with_the_field_and_the_limit() -> None:
    with pytest.raises(ExpressionError, match="^loss: takes more than 0.1 seconds"):
        _spin()


def _spin() -> None:
    with within_limit("loss", 0.1):
        while True:
            pass


def test_the_limit_ends_with_the_block() -> None:
    before = signal.getsignal(signal.SIGVTALRM)
    with within_limit("loss", 0.2):
        pass
    start = time.process_time()
    while time.process_time() - start < 0.4:
        pass
    assert signal.getsignal(signal.SIGVTALRM) is before


def test_other_threads_derive_without_a_limit() -> None:
    found: list[float] = []

    def work() -> None:
        found.append(float(symmlp.elementwise("x**2 + 1")(3.0)))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [10.0]


def test_the_limit_is_a_number_of_seconds_that_ordinary_expressions_stay_far_below() -> None:
    start = time.process_time()
    symmlp.elementwise("x*tanh(log(1 + exp(x))) + 0.25*x")
    assert time.process_time() - start < effort.LIMIT / 2
