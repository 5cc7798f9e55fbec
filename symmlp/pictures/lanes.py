"""Lanes: edges that pass by other nodes run beside them, no two in one place."""

from __future__ import annotations

from collections.abc import Sequence

Span = tuple[int, int]


def lanes(spans: Sequence[Span]) -> list[int]:
    """Return a lane for each span of rows: spans that share a row get different lanes, short ones the inner lanes.

    >>> lanes([(0, 2), (0, 5), (2, 4)])
    [0, 1, 0]
    """
    taken: list[list[Span]] = []
    chosen = [0] * len(spans)
    for place in sorted(range(len(spans)), key=lambda place: (spans[place][1] - spans[place][0], spans[place])):
        span = spans[place]
        free = (number for number, others in enumerate(taken) if all(_apart(span, other) for other in others))
        chosen[place] = next(free, len(taken))
        if chosen[place] == len(taken):
            taken.append([])
        taken[chosen[place]].append(span)
    return chosen


def _apart(first: Span, second: Span) -> bool:
    return first[1] <= second[0] or second[1] <= first[0]
