"""The steps to an array's cotangent, or to its change along a direction, where several ops read the array.

    ∂L/∂V = Σ_p dA[p] ∂A[p]/∂V + Σ_p dB[p] ∂B[p]/∂V

The chain rule and the derivatives are written for all uses together, so that each side is what it is said to be; then
each term is followed by itself to its matrix form, and the last step adds them up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sympy as sp
from sympy.core.function import AppliedUndef

from symmlp.calculus.vjp import RuleStep
from symmlp.derivation import Source
from symmlp.matrix import Node, Size

TOGETHER = 2
"""How many steps are written for all uses together: what is differentiated, and its derivative."""


def gathered(array: str, outputs: Sequence[str], sources: Sequence[Source], value: Node) -> tuple[Source, ...]:
    """Return the steps of a sum over uses; `outputs` are what the array is read by, one for each use."""
    if len(sources) == 1:
        return tuple(sources)
    names = {name: name for source in sources for name in source.names.values()} | {array: array}
    start, written, derived = (_sum(sources, place) for place in range(TOGETHER + 1))
    rule = next((each for each in _rules(sources, 0) if each == "chain rule"), _rules(sources, 0)[0])
    read = _listed([f"{{{output}}}" for output in dict.fromkeys(outputs)])
    used = ", ".join(dict.fromkeys(name for each in _rules(sources, 1) for name in each.split(", ")))
    together = (
        RuleStep(f"{rule}: {{{array}}} is read by {read}", start, written),
        RuleStep(f"{used}: differentiate {read}", written, derived),
    )
    terms = (Source(source.steps[TOGETHER:], source.names, source.sizes) for source in sources)
    last = RuleStep(f"sum rule: {{{array}}} is used {len(sources)} times", start, value)
    return Source(together, names), *terms, Source((last,), names)


def _rules(sources: Sequence[Source], place: int) -> list[str]:
    return [source.steps[place].rule.partition(":")[0] for source in sources]


def _sum(sources: Sequence[Source], place: int) -> sp.Expr:
    """Return what stands at a place of all sources: before their first step, after it, after the second, added up.

    What is the same for two uses, as A + A is read twice by one op, is written once before it is differentiated.
    """
    found = [_here(source, place) for source in sources]
    return sp.Add(*(found if place == TOGETHER else dict.fromkeys(found)))


def _here(source: Source, place: int) -> sp.Expr:
    content = source.steps[place - 1].after if place else source.steps[0].before
    assert not isinstance(content, Node)
    return placed(content, source.names, source.sizes)


def placed(expr: sp.Expr, names: Mapping[str, str], sizes: Mapping[Size, Size]) -> sp.Expr:
    """Return a formula in an op's own names with the names, sizes and functions of a network."""

    def walked(part: sp.Basic) -> sp.Basic:
        match part:
            case sp.Indexed():
                label = str(part.base.label)
                return sp.IndexedBase(names.get(label, label), real=True)[part.indices]
            case sp.Symbol() if part.name in sizes:
                size = sizes[part.name]
                return sp.Integer(size) if isinstance(size, int) else part
            case sp.Symbol() if part.name in names:
                return sp.Symbol(names[part.name], **part.assumptions0)
            case sp.Sum():
                limits = [(index, low, walked(high)) for index, low, high in part.limits]
                return sp.Sum(walked(part.function), *limits)
            case AppliedUndef():
                own = str(part.func)
                return sp.Function(names.get(own, own))(*map(walked, part.args))
            case _:
                return part.func(*map(walked, part.args)) if part.args else part

    return walked(expr)


def _listed(parts: Sequence[str]) -> str:
    return " and ".join((", ".join(parts[:-1]), parts[-1])) if len(parts) > 1 else parts[0]
