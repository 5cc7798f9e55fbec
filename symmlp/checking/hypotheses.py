"""Mistakes that people make, each as a change of the right equations, alone or two together.

The tables hold small functions: each takes one equation's value and yields what it becomes by one mistake of its kind,
with the sentence that tells it. What the mistake does to the gradient is computed, never typed in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from symmlp.checking.arguments import known_shape
from symmlp.checking.equation_mistakes import (
    forgotten_activations,
    forgotten_biases,
    forgotten_factors,
    wrong_arrays,
    wrong_operands,
    wrong_operations,
    wrong_powers,
    wrong_sums,
    wrong_terms,
)
from symmlp.checking.form import Form, Rule
from symmlp.checking.loss_mistakes import losses_for_slopes, other_losses
from symmlp.checking.slope_mistakes import (
    diagonal_jacobians,
    forgotten_jacobians,
    forgotten_slopes,
    repeated_slopes,
    spoiled_slopes,
    wrong_slopes,
)
from symmlp.checking.subject import Subject
from symmlp.derivation import Equation
from symmlp.matrix import Node, variables


@dataclass(frozen=True)
class Hypothesis:
    """One mistake: its kind, the sentence that tells it, the equation it is made in, and what equations become."""

    kind: str
    sentence: str
    equation: Equation
    changes: Mapping[str, Node]


def hypotheses(subject: Subject) -> Iterator[Hypothesis]:
    """Yield every mistake of the table in every equation that the candidate had to write out."""
    for rule in RULES:
        for equation in subject.open:
            for node in subject.forms(equation):
                yield from _of_rule(subject, rule, Form(equation, node))


def further(subject: Subject, first: Hypothesis) -> Iterator[Hypothesis]:
    """Yield every second mistake that is made together with the first, in the same equation or in a later one."""
    place = subject.open.index(first.equation)
    for equation in subject.open[place:]:
        altered = first.changes.get(equation.target)
        for node in (altered,) if altered is not None else subject.forms(equation):
            if known_shape(node) is None:
                continue
            for rule in COMMON:
                for second in _of_rule(subject, rule, Form(equation, node)):
                    changes = {**second.changes, **first.changes, equation.target: second.changes[equation.target]}
                    yield Hypothesis(second.kind, second.sentence, equation, changes)


def _of_rule(subject: Subject, rule: Rule, form: Form) -> Iterator[Hypothesis]:
    equation = form.equation
    for kind, sentence, node in rule(subject, form):
        if node != form.node:
            yield Hypothesis(kind, sentence, equation, {**_through(subject, equation), equation.target: node})


def _through(subject: Subject, equation: Equation) -> dict[str, Node]:
    """Return the unlinked equations, through which a change before the last activation is felt."""
    return {name: node for name, node in subject.unlinked.items() if equation.target in variables(node)}


RULES: tuple[Rule, ...] = (
    forgotten_slopes,
    forgotten_jacobians,
    diagonal_jacobians,
    wrong_slopes,
    repeated_slopes,
    wrong_sums,
    wrong_terms,
    forgotten_factors,
    losses_for_slopes,
    wrong_arrays,
    wrong_operands,
    forgotten_biases,
    forgotten_activations,
    spoiled_slopes,
    wrong_powers,
    wrong_operations,
    other_losses,
)
"""Every kind of mistake; where two explain the same candidate, the one that stands first is told first."""

COMMON: tuple[Rule, ...] = (
    forgotten_slopes,
    diagonal_jacobians,
    wrong_slopes,
    wrong_sums,
    forgotten_factors,
    wrong_terms,
    wrong_arrays,
    wrong_operands,
)
"""Mistakes that are tried in pairs."""
