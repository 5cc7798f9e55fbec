"""The oracle of every fuzzer: a text is read, or refused in one printable line, in time, and nothing in it runs."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from symmlp.errors import SymmlpError
from symmlp.expression import names_in, parse
from symmlp.spec import Network
from symmlp.spec_text import parse_json, parse_short, parse_toml

LONGEST = 4.0
"""Seconds within which any text is answered."""

READERS: dict[str, Callable[[str], object]] = {
    "expression": lambda text: parse(text, ("x", "y"), parameters=("k",)),
    "names": names_in,
    "short string": parse_short,
    "network": Network.parse,
    "JSON": lambda text: Network.model_validate(parse_json(text, "a.json")),
    "TOML": lambda text: Network.model_validate(parse_toml(text, "a.toml")),
}

_FORBIDDEN = ("os.system", "os.exec", "os.posix_spawn", "os.fork", "subprocess.Popen", "socket.connect")
attacks: list[str] = []
"""What the interpreter was made to do since the list was last emptied."""
sys.addaudithook(lambda event, _: attacks.append(event) if event in _FORBIDDEN else None)


class Finding(AssertionError):
    """What a fuzzer looks for."""


def examine(reader: str, text: str) -> str | None:
    """Return the line in which `text` is refused, or None if it is read.

    Raises:
        Finding: another error than a refusal, a refusal of several lines, too long a time, or something executed.
    """
    attacks.clear()
    start, told = time.perf_counter(), None
    try:
        READERS[reader](text)
    except SymmlpError as error:
        told = str(error)
    except BaseException as error:
        raise Finding(f"{reader}: {text[:80]!a} raised {type(error).__name__}") from error
    if attacks:
        raise Finding(f"{reader}: {text[:80]!a} reached {attacks}")
    if (seconds := time.perf_counter() - start) > LONGEST:
        raise Finding(f"{reader}: {text[:80]!a} took {seconds:.1f} s")
    if told is not None and not (told.isascii() and told.isprintable() and len(told) < 2000):
        raise Finding(f"{reader}: {text[:80]!a} is answered by {told[:200]!a}")
    return told
