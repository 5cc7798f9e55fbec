"""Students' mistakes, made in the text of a right formula: a letter deleted, exchanged or put in.

Each way of breaking a text names the kinds of mistake that it may be told as. Nothing here knows how symmlp finds them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

SHAPES = frozenset({"shapes_clash"})
TRANSPOSED = frozenset({"transposed", "operand_transposed", "operands_swapped"})


@dataclass(frozen=True)
class Broken:
    """A text made wrong: what was done, and the kinds that name it; `parts` of a double mistake must all be named."""

    text: str
    done: str
    parts: tuple[frozenset[str], ...]


Way = Callable[[str], Iterator[Broken]]


def _each(pattern: str, put: str, done: str, *kinds: str) -> Way:
    """Return the way to break a text that replaces one occurrence of a pattern."""

    def way(text: str) -> Iterator[Broken]:
        for found in re.finditer(pattern, text):
            changed = text[: found.start()] + found.expand(put) + text[found.end() :]
            yield Broken(changed, done, (frozenset(kinds),))

    return way


def _whole(form: str, done: str, *kinds: str) -> Way:
    """Return the way to break a text that puts something around it."""
    return lambda text: iter([Broken(form.format(text), done, (frozenset(kinds),))])


_SLOPE = r"(tanh|relu|sigmoid|gelu|softplus)_slope\((Z)(\d)\)"
_OTHER = {"tanh": "sigmoid", "relu": "tanh", "sigmoid": "tanh", "gelu": "relu", "softplus": "relu"}


def _other_slope(text: str) -> Iterator[Broken]:
    for found in re.finditer(_SLOPE, text):
        changed = f"{_OTHER[found[1]]}_slope(Z{found[3]})"
        told = frozenset({"slope_of_other_activation"})
        yield Broken(text[: found.start()] + changed + text[found.end() :], "slope of another function", (told,))


def _other_weights(text: str) -> Iterator[Broken]:
    for found in re.finditer(r"\bW(\d)\b", text):
        for number in (int(found[1]) - 1, int(found[1]) + 1):
            changed = text[: found.start()] + f"W{number}" + text[found.end() :]
            yield Broken(changed, "weights of another layer", (frozenset({"weights_of_other_layer", "wrong_array"}),))


WAYS: tuple[Way, ...] = (
    _each(r"\.T", "", "transpose forgotten", *TRANSPOSED),
    _each(r"@ (W\d)\b(?!\.T)", r"@ \1.T", "transpose too many", *TRANSPOSED),
    _each(r"^(\w+)\.T @ (\w+)$", r"\2.T @ \1", "operands swapped", *TRANSPOSED),
    _each(r"^(\w+) @ (\w+)$", r"\2 @ \1", "operands swapped", *TRANSPOSED),
    _each(r" / N\b", "", "mean forgotten", "mean_missing"),
    _each(r" / \(N \* \d+\)", "", "mean forgotten", "mean_missing"),
    _each(r"/ \(N \* (\d+)\)", r"/ N", "mean over samples only", "outputs_missing", "two_extra"),
    _each(r"/ \(N \* (\d+)\)", r"/ \1", "mean over outputs only", "mean_missing"),
    _whole("({}) / N", "mean twice", "mean_extra"),
    _whole("({}) * N", "sum for mean", "mean_missing"),
    _whole("-({})", "sign", "sign"),
    _whole("2 * ({})", "factor 2", "two_extra", "outputs_missing"),
    _whole("({}) / 2", "half", "two_missing", "outputs_extra"),
    _whole("3.7 * ({})", "a number", "scale"),
    _each(r"\b2 \* \(", "(", "factor 2 forgotten", "two_missing", "outputs_extra"),
    _each(r"\(P - Y\)", "(Y - P)", "difference turned", "sign"),
    _each(r"\(P - Y\)", "(P + Y)", "sum for difference", "term_sign"),
    _each(r"\(P - Y\)", "P", "targets forgotten", "term_forgotten"),
    _each(rf" \* {_SLOPE}", "", "slope forgotten", "slope_forgotten"),
    _each(_SLOPE, r"\1_slope(A\3)", "slope at the activation", "slope_at_activation"),
    _each(_SLOPE, r"\1(Z\3)", "activation for its slope", "activation_for_slope"),
    _each(r"tanh_slope\(Z(\d)\)", r"(1 - Z\1**2)", "value's formula at Z", "slope_in_value_at_pre_activation"),
    _each(r"sigmoid_slope\(Z(\d)\)", r"(Z\1 * (1 - Z\1))", "value's formula at Z", "slope_in_value_at_pre_activation"),
    _each(rf"({_SLOPE})", r"\1 * \1", "slope twice", "slope_repeated"),
    _other_slope,
    _other_weights,
    _each(r" @ W\d\b", "", "factor forgotten", "factor_forgotten"),
    _each(r"\bW\d\.T @ ", "", "factor forgotten", "factor_forgotten"),
    _each(rf" \* ({_SLOPE})", r" @ \1", "@ for *", "matrix_product_for_entrywise"),
    _each(r" @ (W\d|X|A\d)", r" * \1", "* for @", "entrywise_for_matrix_product"),
    _each(r"\.sum\(axis=0\)", ".sum(axis=1)", "axis", "wrong_axis"),
    _each(r"\.sum\(axis=0\)", ".sum(axis=1, keepdims=True)", "axis", "wrong_axis"),
    _each(r"\.sum\(axis=0\)", "", "sum forgotten", "sum_forgotten"),
    _each(r"\.sum\(axis=0\)", ".mean(axis=0)", "mean for sum", "mean_for_sum", "mean_extra"),
    _each(r"@ X$", "@ A1", "output for input", "activation_of_other_layer", "wrong_array"),
    _each(r"@ A1$", "@ X", "input for output", "activation_of_other_layer", "wrong_array"),
    _each(r"@ A1$", "@ A2", "output for input", "activation_of_other_layer", "wrong_array"),
    _each(r"@ A(\d)$", r"@ Z\1", "before the activation", "pre_activation_for_activation", "activation_forgotten"),
    _each(r"\bdZ(\d)\b", r"dA\1", "cotangent of the activation", "slope_forgotten", "other_cotangent"),
    _each(r"\bdZ2\b", "dZ1", "cotangent of another layer", "other_cotangent", "wrong_array"),
    _each(r"\bdZ1\b", "dZ2", "cotangent of another layer", "other_cotangent", "wrong_array"),
    _each(r" \* A(\d)$", "", "softmax's outer factor forgotten", "factor_forgotten"),
    _each(r"\(dA1 \* A1\)\.sum\(axis=1, keepdims=True\)", "dA1 * A1", "diagonal", "diagonal_only", "sum_forgotten"),
)
"""Every way to break a text."""

SECOND: tuple[Way, ...] = (
    _whole("-({})", "sign", "sign"),
    _each(r" / (?:N\b|\(N \* \d+\))", "", "mean forgotten", "mean_missing"),
    _each(rf" \* {_SLOPE}", "", "slope forgotten", "slope_forgotten"),
    _each(r"\.sum\(axis=0\)", ".sum(axis=1)", "axis", "wrong_axis"),
    _whole("2 * ({})", "factor 2", "two_extra", "outputs_missing"),
    _each(_SLOPE, r"\1(Z\3)", "activation for its slope", "activation_for_slope"),
)
"""Ways that are combined with each other."""


def broken(text: str) -> Iterator[Broken]:
    """Yield the texts that one mistake makes of a right one."""
    for way in WAYS:
        yield from way(text)


def broken_twice(text: str) -> Iterator[Broken]:
    """Yield the texts that two different mistakes make of a right one."""
    for place, way in enumerate(SECOND):
        for other in SECOND[place + 1 :]:
            for first in other(text):
                for second in way(first.text):
                    yield Broken(second.text, f"{first.done}, {second.done}", first.parts + second.parts)
