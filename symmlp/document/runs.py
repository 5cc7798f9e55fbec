"""Long lists shortened for people: runs of ids, the middle of a way."""

from __future__ import annotations

import re
from collections.abc import Sequence

ENDS = 6
"""Arrays shown at each end of a way that is shortened."""

_NUMBERED = re.compile(r"([A-Z])(\d+)")


def runs(ids: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Return consecutive ids as (first, last), others alone.

    >>> runs(["F1", "F2", "F3", "L1", "B2", "B3"])
    (('F1', 'F3'), ('L1',), ('B2',), ('B3',))
    """
    found: list[list[str]] = []
    for id in ids:
        if found and _follows(found[-1][-1], id):
            found[-1].append(id)
        else:
            found.append([id])
    return tuple(part for run in found for part in _shown(run))


def _shown(run: list[str]) -> tuple[tuple[str, ...], ...]:
    return ((run[0], run[-1]),) if len(run) > 2 else tuple((id,) for id in run)


def _follows(before: str, id: str) -> bool:
    (kind, number), (own_kind, own_number) = (
        (found[1], int(found[2])) for found in (_NUMBERED.fullmatch(before), _NUMBERED.fullmatch(id)) if found
    )
    return kind == own_kind and own_number == number + 1


def ends_of(arrays: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Return a way whole, or its two ends if it is long.

    >>> [len(part) for part in ends_of(["A"] * 40)], len(ends_of(["A"] * 12))
    ([6, 6], 1)
    """
    return (tuple(arrays),) if len(arrays) <= 4 * ENDS else (tuple(arrays[:ENDS]), tuple(arrays[-ENDS:]))
