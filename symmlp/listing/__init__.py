"""`symmlp list`: what the catalogue holds, each entry with its formula, its derived slope, kinks and parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from symmlp.errors import SpecError, did_you_mean, shown
from symmlp.listing.functions import activation_entries, loss_entries
from symmlp.listing.layers import layer_entries
from symmlp.listing.training import (
    constraint_entries,
    initializer_entries,
    optimizer_entries,
    penalty_entries,
    schedule_entries,
)
from symmlp.showing import CodeText


def listed(kind: str) -> str:
    """Return the entries of a kind, `activations` for instance, as text of at most 100 columns.

    Raises:
        SpecError: there is no such kind.
    """
    if kind not in KINDS:
        hint = did_you_mean(kind, KINDS) or f"; expected one of {', '.join(KINDS)}"
        raise SpecError(f"kind: nothing to list for {shown(kind)}{hint}")
    return CodeText("\n\n".join("\n".join(entry) for entry in KINDS[kind]()) + "\n")


KINDS: dict[str, Callable[[], Iterator[list[str]]]] = {
    "activations": activation_entries,
    "losses": loss_entries,
    "layers": layer_entries,
    "optimizers": optimizer_entries,
    "schedules": schedule_entries,
    "initializers": initializer_entries,
    "penalties": penalty_entries,
    "constraints": constraint_entries,
}


__all__ = ["KINDS", "listed"]
