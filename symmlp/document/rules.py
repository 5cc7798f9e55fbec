"""What a step's rule says, as words with names among them, and which rules an equation used."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from symmlp.document.page import Name, Prose
from symmlp.graph import Layout

_PLACE = re.compile(r"\{(\w+)\}|\b(Y)\b")
"""A name: in an op's own letters as `{Z}`, or as the targets of an assumption."""


def rule_prose(rule: str, names: Mapping[str, str]) -> Prose:
    """Return a rule with the op's own letters as names of this network.

    >>> rule_prose("simplification: insert {P}", {"P": "A2"})
    ('simplification: insert ', Name(array='A2'))
    """
    parts: list[str | Name] = []
    at = 0
    for found in _PLACE.finditer(rule):
        own = found[1] or found[2]
        parts += [rule[at : found.start()], Name(names.get(own, own))]
        at = found.end()
    return tuple(part for part in (*parts, rule[at:]) if part)


def in_layout(words: str, layout: Layout) -> str:
    """Return words about rows of targets in a layout: where a sample is a column, they are its entries."""
    return words.replace("rows of Y", "the entries of Y") if layout == "sample" else words


def rules_used(rules: Iterable[str]) -> tuple[str, ...]:
    """Return the names of the rules in the order of their first use.

    >>> rules_used(["chain rule", "sum rule, product rule: differentiate {Z}", "delta contraction p := a"])
    ('chain rule', 'sum rule', 'product rule')
    """
    heads = (rule.partition(":")[0].split(", ") for rule in rules if not rule.startswith("delta contraction"))
    return tuple(dict.fromkeys(head.strip() for names in heads for head in names))
