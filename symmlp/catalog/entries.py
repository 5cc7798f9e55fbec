"""Tables whose entries are built when they are first asked for: who uses one function does not pay for all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

Entry = TypeVar("Entry")
Maker = Callable[[str], Entry]
"""Returns the entry of a name."""


class Entries(Mapping[str, Entry]):
    """Entries by name, in the order of the table; names cost nothing, an entry is built once.

    >>> table = Entries({"one": lambda name: [name, 1], "two": lambda name: [name, 2]})
    >>> "one" in table, list(table), table["two"]
    (True, ['one', 'two'], ['two', 2])
    >>> table["two"] is table["two"]
    True
    """

    def __init__(self, makers: Mapping[str, Maker[Entry]]) -> None:
        """Keep what makes each entry."""
        self._makers = dict(makers)
        self._built: dict[str, Entry] = {}

    def __getitem__(self, name: str) -> Entry:
        """Return the entry, built if this is the first time."""
        if name not in self._built:
            self._built[name] = self._makers[name](name)
        return self._built[name]

    def __contains__(self, name: object) -> bool:
        """Return whether there is such an entry, without building it."""
        return name in self._makers

    def __iter__(self) -> Iterator[str]:
        """Return the names in order."""
        return iter(self._makers)

    def __len__(self) -> int:
        """Return how many entries there are."""
        return len(self._makers)

    @property
    def built(self) -> frozenset[str]:
        """The names of the entries that were built so far."""
        return frozenset(self._built)
