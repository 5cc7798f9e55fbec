"""A limit on the time that an expression may take: legal, but so nested that its derivative has no end in sight."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from symmlp.errors import ExpressionError

LIMIT = 20.0
"""Seconds of processor time; the longest of the hostile table's expressions takes 3."""


class _OutOfTime(BaseException):
    """The time is over. No `except Exception` on the way may take it for something else."""


@contextmanager
def within_limit(field: str, seconds: float = LIMIT) -> Iterator[None]:
    """Refuse what is inside if it takes longer than `seconds` of processor time.

    The time decides about a refusal alone: what is finished in time is the same on every machine. The clock's signal
    reaches the main thread only; in other threads, and where there is no such clock, there is no limit.

    Raises:
        ExpressionError: the time is over.
    """
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return
    before = signal.signal(signal.SIGVTALRM, _stop)
    left, _ = signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    except _OutOfTime:
        message = (
            f"{field}: takes more than {seconds:g} seconds to derive and to measure; expected a simpler expression"
        )
        raise ExpressionError(message) from None
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, left)
        signal.signal(signal.SIGVTALRM, before)


def _stop(number: int, frame: FrameType | None) -> None:
    raise _OutOfTime
