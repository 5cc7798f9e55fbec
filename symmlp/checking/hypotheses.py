"""Mistakes that people make, each as a change of the right equations: drop a factor, take another array, transpose.

A table of small functions: each takes one equation's value and yields what it becomes by one mistake of its kind, with
the sentence that tells it. What the mistake does to the gradient is computed, never typed in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import sympy as sp

from symmlp.calculus.functions import ElementFunction
from symmlp.calculus.matrix_form import PRIME, MatrixForm
from symmlp.catalog.activations import x
from symmlp.checking.building import known_shape, summed
from symmlp.checking.replacing import replaced_arrays
from symmlp.checking.rewriting import pairings, places, turned, with_term_negated, without
from symmlp.checking.subject import Subject, is_scalar, text_of
from symmlp.derivation import Equation
from symmlp.matrix import (
    Add,
    Call,
    Divide,
    MatMul,
    Node,
    Product,
    Reduce,
    SizeOf,
    Transpose,
    Var,
    shape_of,
    substitute,
    variables,
)


@dataclass(frozen=True)
class Form:
    """An equation, and one way to write its value."""

    equation: Equation
    node: Node


@dataclass(frozen=True)
class Hypothesis:
    """One mistake: its kind, the sentence that tells it, the equation it is made in, and what equations become."""

    kind: str
    sentence: str
    equation: Equation
    changes: Mapping[str, Node]


Altered = tuple[str, str, Node]
"""The kind of a mistake, the sentence, and what the equation's value becomes."""

Rule = Callable[[Subject, Form], Iterator[Altered]]


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


def _is_slope(node: Node) -> bool:
    return isinstance(node, Call) and node.function.endswith(PRIME)


def _is_backward(form: Form) -> bool:
    return form.equation.kind == "backward"


def _layer(form: Form) -> str:
    return f"layer {form.equation.layer}"


def forgotten_slopes(subject: Subject, form: Form) -> Iterator[Altered]:
    """Drop a slope: dA ∘ f′(Z)  =>  dA."""
    for part, put in places(form.node):
        if isinstance(part, Product):
            for place, factor in enumerate(part.factors):
                if _is_slope(factor):
                    sentence = f"the slope {text_of(factor)} of {_layer(form)} is missing"
                    yield "slope_forgotten", sentence, put(without(part, place))


def forgotten_jacobians(subject: Subject, form: Form) -> Iterator[Altered]:
    """(dA − rowsum(dA ∘ A)) ∘ A  =>  dA."""
    activation = subject.layer_of(form.equation.target)
    if activation is not None and subject.is_row(activation):
        sentence = f"the derivative of {activation.function} in {_layer(form)} is missing"
        output = f"d{activation.output}"
        yield "slope_forgotten", sentence, Var(output, subject.derivation.graph.shapes[activation.output])


def diagonal_jacobians(subject: Subject, form: Form) -> Iterator[Altered]:
    """(dA − rowsum(dA ∘ A)) ∘ A  =>  (dA − dA ∘ A) ∘ A."""
    activation = subject.layer_of(form.equation.target)
    if activation is None or not subject.is_row(activation):
        return
    name = activation.function
    sentence = (
        f"{name} is differentiated entry by entry, as {activation.output} ∘ (1 − {activation.output}); "
        f"every output of {name} depends on the whole {'row' if subject.is_batch else 'column'}"
    )
    for part, put in places(form.node):
        if isinstance(part, Reduce):
            yield "diagonal_only", sentence, put(part.operand)


def repeated_slopes(subject: Subject, form: Form) -> Iterator[Altered]:
    """Multiply by a slope twice: dZ  =>  dZ ∘ f′(Z)."""
    own = subject.layer_of(form.equation.target)
    if own is not None:
        for kind, node in _sloped(subject, form.equation.target, form.node):
            yield kind, _repeated(form.equation.target, own.function, subject), node
    for part, put in places(form.node):
        name = part.name if isinstance(part, Var) else ""
        activation = subject.layer_of(name)
        if activation is not None and name in subject.given:
            for kind, node in _sloped(subject, name, part):
                yield kind, _repeated(name, activation.function, subject), put(node)


def _repeated(cotangent: str, function: str | None, subject: Subject) -> str:
    equation = subject.made[cotangent]
    return f"the derivative of {function} is there twice; {cotangent} = {text_of(equation.value)} contains it"


def _sloped(subject: Subject, cotangent: str, node: Node) -> Iterator[tuple[str, Node]]:
    """Yield dZ times the slope of its activation; of softmax, the whole derivative and its diagonal alone."""
    activation = subject.layer_of(cotangent)
    assert activation is not None
    pre = activation.operands["Z"]
    argument = Var(pre, subject.derivation.graph.shapes[pre])
    if subject.elementwise(activation) is not None:
        yield "slope_repeated", Product((node, Call(f"{activation.function}{PRIME}", (argument,))))
    rule = subject.unlinked.get(cotangent) or subject.made[cotangent].value
    if subject.is_row(activation):
        again = substitute(rule, {f"d{activation.output}": node}, {}, {})
        yield "slope_repeated", again
        for part, put in places(again):
            if isinstance(part, Reduce) and part.axis == (1 if subject.is_batch else 0):
                yield "slope_repeated", put(part.operand)


def wrong_slopes(subject: Subject, form: Form) -> Iterator[Altered]:
    """f′(Z)  =>  f′(A), f(Z), f′ in its value at Z, or the slope of another function."""
    for part, put in places(form.node):
        if isinstance(part, Call) and _is_slope(part) and len(part.arguments) == 1:
            for kind, sentence, node in _other_slopes(subject, part):
                yield kind, f"{sentence} in {_layer(form)}", put(node)


def _other_slopes(subject: Subject, slope: Call) -> Iterator[Altered]:
    name, (argument,), right = slope.function.removesuffix(PRIME), slope.arguments, text_of(slope)
    output = _output_of(subject, argument)
    if output is not None:
        at_output = Call(slope.function, (output,))
        sentence = f"the slope is taken at {output.name}: {text_of(at_output)} for {right}"
        yield "slope_at_activation", sentence, at_output
    value = Call(name, (argument,))
    yield "activation_for_slope", f"the activation {text_of(value)} stands for its slope {right}", value
    at_input = _in_value(subject.functions.function(name), argument)
    if at_input is not None:
        sentence = f"{text_of(at_input)} stands for {right}: a formula in the activation's value, fed with its argument"
        yield "slope_in_value_at_pre_activation", sentence, at_input
    for other in dict.fromkeys((*_names_of_activations(subject), "sigmoid", "tanh", "relu")):
        if other != name:
            wrong = Call(other + PRIME, (argument,))
            yield "slope_of_other_activation", f"the slope of another function, {text_of(wrong)} for {right}", wrong


def _output_of(subject: Subject, argument: Node) -> Var | None:
    """Return the activation's array for the pre-activation's."""
    names = (
        node.output for node in subject.activations if isinstance(argument, Var) and node.operands["Z"] == argument.name
    )
    return next((Var(name, shape_of(argument)) for name in names), None)


def _names_of_activations(subject: Subject) -> Iterator[str]:
    return (node.function or "" for node in subject.activations if subject.elementwise(node) is not None)


def _in_value(function: object, argument: Node) -> Node | None:
    """Return the slope as a formula in the function's value, with the argument in the value's place."""
    if not isinstance(function, ElementFunction) or function.variables != (x,):
        return None
    y = sp.Symbol("y", real=True)
    found = function.derivative_in_value(y)
    return None if found is None else MatrixForm({}, {}, names={y: argument}).of(found, None, None)


def forgotten_factors(subject: Subject, form: Form) -> Iterator[Altered]:
    """A B  =>  A, and A ∘ B  =>  A."""
    for part, put in places(form.node):
        if isinstance(part, Product):
            for place, factor in enumerate(part.factors):
                if not is_scalar(factor) and not _is_slope(factor):
                    yield "factor_forgotten", f"the factor {text_of(factor)} is missing", put(without(part, place))
        if isinstance(part, MatMul) and _is_backward(form):
            yield "factor_forgotten", f"the factor {text_of(part.right)} is missing", put(part.left)
            yield "factor_forgotten", f"the factor {text_of(part.left)} is missing", put(part.right)
        if isinstance(part, Divide) and not is_scalar(part.denominator):
            yield "factor_forgotten", f"the denominator {text_of(part.denominator)} is missing", put(part.numerator)


def forgotten_biases(subject: Subject, form: Form) -> Iterator[Altered]:
    """Z = X Wᵀ + 1 bᵀ  =>  Z = X Wᵀ."""
    if form.equation.kind == "forward" and isinstance(form.node, Add):
        for place, term in enumerate(form.node.terms):
            if isinstance(term, Var):
                sentence = f"{form.equation.target} is computed without the bias {term.name}"
                yield "bias_forgotten", sentence, without(form.node, place)


def forgotten_activations(subject: Subject, form: Form) -> Iterator[Altered]:
    """A = f(Z)  =>  A = Z."""
    if form.equation.kind == "forward" and isinstance(form.node, Call):
        sentence = f"the activation of {_layer(form)} is missing: {form.equation.target} is {text_of(form.node)}"
        yield "activation_forgotten", sentence, form.node.arguments[0]


def wrong_terms(subject: Subject, form: Form) -> Iterator[Altered]:
    """A − B  =>  A, A + B."""
    for part, put in places(form.node):
        if isinstance(part, Add) and _is_backward(form):
            for place, term in enumerate(part.terms):
                printed, whole = text_of(term), text_of(part)
                yield "term_forgotten", f"the term {printed} of {whole} is missing", put(without(part, place))
                sign = with_term_negated(part, place)
                yield "term_sign", f"the term {printed} of {whole} has the wrong sign", put(sign)


def wrong_sums(subject: Subject, form: Form) -> Iterator[Altered]:
    """Sum wrongly: dZᵀ 1  =>  dZ, the mean of dZ, the sum over the other axis."""
    for part, put in places(form.node):
        if isinstance(part, Reduce) and part.axis is not None and _is_backward(form):
            whole = text_of(part)
            yield "sum_forgotten", f"the sum {whole} is missing: its entries stay apart", put(part.operand)
            yield from ((kind, sentence, put(node)) for kind, sentence, node in _other_sums(part, whole))


def _other_sums(part: Reduce, whole: str) -> Iterator[Altered]:
    rows, columns = shape_of(part.operand)
    yield "mean_for_sum", f"a mean stands for the sum {whole}", Divide(part, SizeOf(columns if part.axis else rows))
    for keep in (False, True):
        other = summed("sum", part.operand, 0 if part.axis else 1, keep=keep)
        yield "wrong_axis", f"the sum runs over the wrong axis: {whole} is axis={part.axis}", other


def wrong_operands(subject: Subject, form: Form) -> Iterator[Altered]:
    """Aᵀ B  =>  A B, B Aᵀ, A ∘ B; and A ∘ B  =>  A B."""
    if not _is_backward(form):
        return
    for part, put in places(form.node):
        match part:
            case MatMul(left, right):
                for kind, first, second in pairings(left, right):
                    made = MatMul(first, second)
                    yield kind, f"{text_of(made)} stands for {text_of(part)}", put(made)
                for first, second in ((left, right), (turned(left), right), (left, turned(right))):
                    entrywise = Product((first, second))
                    yield (
                        "entrywise_for_matrix_product",
                        f"{text_of(part)} is a product of matrices, not entry by entry",
                        put(entrywise),
                    )
            case Product((left, right)) if not is_scalar(left) and not is_scalar(right):
                for first, second in (
                    (left, right),
                    (turned(left), right),
                    (left, turned(right)),
                    (right, turned(left)),
                    (turned(right), left),
                ):
                    yield (
                        "matrix_product_for_entrywise",
                        f"{text_of(part)} is a product entry by entry, not of matrices",
                        put(MatMul(first, second)),
                    )
            case Var() if isinstance(form.node, Product) and len(shape_of(part)) == 2:
                yield "operand_transposed", f"{part.name} is transposed", put(Transpose(part))


def wrong_arrays(subject: Subject, form: Form) -> Iterator[Altered]:
    """dZ2ᵀ A1  =>  dZ2ᵀ X, and other arrays in the place of one."""
    if not _is_backward(form):
        return
    for part, put in places(form.node):
        if isinstance(part, Var):
            for kind, sentence, other in replaced_arrays(subject, part):
                yield kind, sentence, put(other)


RULES: tuple[Rule, ...] = (
    forgotten_slopes,
    forgotten_jacobians,
    diagonal_jacobians,
    wrong_slopes,
    repeated_slopes,
    wrong_sums,
    wrong_terms,
    forgotten_factors,
    wrong_arrays,
    wrong_operands,
    forgotten_biases,
    forgotten_activations,
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
