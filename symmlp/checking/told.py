"""Mistakes of scale in words: the sign, the mean over samples and outputs, a factor 2, any other number."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from symmlp.checking.scale import ALIKE, Factors, Scale, factors_of
from symmlp.checking.subject import Subject, equation_text, text_of
from symmlp.checking.verdict import Mistake
from symmlp.derivation import Equation
from symmlp.matrix import Add, Node, Number, Product, SizeOf, sizes_used, walk


def scale_mistakes(subject: Subject, scale: Scale) -> list[tuple[Mistake, ...]]:
    """Return the ways to tell a scale, the shortest first: none if it is 1, else one or more mistakes together."""
    if scale.is_one:
        return [()]
    ways = [tuple(_of_factors(subject, way)) for way in _ways(subject, scale)]
    number = _missing_number(subject, scale)
    if number is not None and all(len(way) > 1 for way in ways):
        return [(number,), *ways]
    return ways or [(_any_scale(subject, scale),)]


def is_simple(subject: Subject, scale: Scale) -> bool:
    """Return whether a scale is made of the sign, N, K and 2."""
    return bool(_ways(subject, scale))


def _ways(subject: Subject, scale: Scale) -> list[Factors]:
    outputs = subject.derivation.network.outputs
    return factors_of(scale, outputs, averaged=outputs in sizes_used(subject.derivation.loss.value))


def at(equation: Equation, kind: str, message: str) -> Mistake:
    """Return a mistake made in an equation."""
    return Mistake(kind, message, equation.id, equation_text(equation))


def _missing_number(subject: Subject, scale: Scale) -> Mistake | None:
    """Return the mistake of leaving out a number that a right formula begins with, as the 4 of 4 (p − y)³."""
    if scale.samples or scale.sign < 0:
        return None
    for equation in subject.written:
        for part in walk(equation.value):
            match part:
                case Product((Number(value), *_)) if math.isclose(float(value) * scale.constant, 1, rel_tol=ALIKE):
                    return at(equation, "factor_forgotten", f"the factor {text_of(Number(value))} is missing")
    return None


def _of_factors(subject: Subject, factors: Factors) -> Iterator[Mistake]:
    if factors.sign < 0:
        yield at(_source(subject, _has_difference), "sign", "the sign is wrong: it is the negative of the gradient")
    yield from _mean(subject, factors)
    if factors.twos > 0:
        yield at(_source(subject, _has_number), "two_extra", "it is 2 times the gradient: a factor 2 too many")
    if factors.twos < 0:
        yield at(_source(subject, _has_number), "two_missing", "it is half the gradient: a factor 2 is missing")


def _mean(subject: Subject, factors: Factors) -> Iterator[Mistake]:
    samples, outputs, units = factors.samples, factors.outputs, subject.derivation.network.outputs
    equation = _source(subject, lambda node: "N" in sizes_used(node))
    if samples and samples == outputs:
        yield _of_mean(subject, equation, samples, f"N·{units}", "over all entries")
    elif samples:
        yield _of_mean(subject, equation, samples, "N", "over the samples")
    if outputs and samples != outputs:
        equation = _source(subject, lambda node: units in sizes_used(node))
        kind = "outputs_missing" if outputs > 0 else "outputs_extra"
        amount = "is missing" if outputs > 0 else "too many"
        yield at(equation, kind, f"a factor 1/{units}, the number of outputs, {amount}")


def _of_mean(subject: Subject, equation: Equation, power: int, size: str, over: str) -> Mistake:
    if power > 0:
        message = f"a factor {_over(size)} is missing: this is the gradient of the sum, the loss is the mean {over}"
        return at(equation, "mean_missing", message)
    held = next((name for name in sorted(subject.given) if name in subject.made and name.startswith("d")), None)
    if subject.derivation.network.reduction == "sum":
        reason = "; the loss is a sum, so there is no mean"
    elif held is not None:
        made = subject.made[held]
        reason = f"; {held} is {made.subject}, which contains it already"
    else:
        reason = ""
    return at(equation, "mean_extra", f"a factor {_over(size)} too many{reason}")


def _over(size: str) -> str:
    return f"1/({size})" if "·" in size else f"1/{size}"


def _any_scale(subject: Subject, scale: Scale) -> Mistake:
    sign = "−" if scale.sign < 0 else ""
    power = {0: "", 1: "·N", -1: "/N"}.get(scale.samples, f"·N^{scale.samples}")
    return at(subject.equation, "scale", f"it is {sign}{scale.constant:.6g}{power} times the gradient")


def _source(subject: Subject, holds: Callable[[Node], bool]) -> Equation:
    """Return the first equation that the candidate had to write out of which a property holds, or the last one."""
    return next((each for each in subject.written if holds(each.value)), subject.equation)


def _has_difference(node: Node) -> bool:
    return any(isinstance(part, Add) for part in walk(node))


def _has_number(node: Node) -> bool:
    return any(isinstance(part, Product) and not isinstance(part.factors[0], SizeOf) for part in walk(node))
