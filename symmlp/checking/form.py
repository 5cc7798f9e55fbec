"""One way to write an equation, and what a mistake in it is: the language of the tables of mistakes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from symmlp.calculus.matrix_form import PRIME
from symmlp.checking.subject import Subject
from symmlp.derivation import Equation
from symmlp.matrix import Call, Node


@dataclass(frozen=True)
class Form:
    """An equation, and one way to write its value."""

    equation: Equation
    node: Node


Altered = tuple[str, str, Node]
"""The kind of a mistake, the sentence, and what the equation's value becomes."""

Rule = Callable[[Subject, Form], Iterator[Altered]]


def is_slope(node: Node) -> bool:
    """Return whether a node is the slope of a function."""
    return isinstance(node, Call) and node.function.endswith(PRIME)


def is_backward(form: Form) -> bool:
    """Return whether an equation belongs to the way back."""
    return form.equation.kind == "backward"


def layer_text(form: Form) -> str:
    """Return the layer of an equation in words."""
    return f"layer {form.equation.layer}"
