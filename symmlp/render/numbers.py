"""Numbers of a buffered module as arrays without axes: a NumPy call takes one in half the time of Python's numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from symmlp.matrix import Node
from symmlp.printing.numpy_out import plain_number

DIGITS = 6
"""Digits of a number that its name shows."""


@dataclass
class Numbers:
    """The numbers met so far: `names` gives the name of each text, which begins with `prefix`."""

    prefix: str = "c"
    names: dict[str, str] = field(default_factory=dict)

    def name(self, node: Node) -> str:
        """Return the name of a number: c2, cm0_5 of -0.5, c1_over_3, cN of the batch size."""
        text = plain_number(node)
        if text not in self.names:
            self.names[text] = self._fresh(self.prefix + _name(text.strip("()")))
        return self.names[text]

    def _fresh(self, name: str) -> str:
        while name in self.names.values():
            name += "_"
        return name

    def lines(self) -> Iterator[str]:
        """Yield the lines that make them, of the dtype `real`."""
        for text, name in self.names.items():
            yield f"self.{name} = np.array({text}, real)"


def _name(text: str) -> str:
    shown = re.sub(r"\d+\.\d+(e[-+]?\d+)?", lambda found: f"{float(found[0]):.{DIGITS}g}", text)
    words = shown.replace(" / ", "_over_").replace(" * ", "_times_").replace("np.", "").replace("-", "m")
    return re.sub(r"\W", "_", words.replace("+", ""))
