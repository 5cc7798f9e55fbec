"""Mistakes with slopes: forgotten, repeated, of another function, taken elsewhere, or wrongly remembered."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache

import sympy as sp

from symmlp.calculus.functions import ElementFunction
from symmlp.calculus.matrix_form import PRIME, MatrixForm
from symmlp.catalog.activations import x
from symmlp.checking.form import Altered, Form, is_slope, layer_text
from symmlp.checking.rewriting import Put, places, without
from symmlp.checking.spoiling import mixed, spoiled
from symmlp.checking.subject import Subject, text_of
from symmlp.errors import UnsupportedError
from symmlp.matrix import Call, Node, Product, Reduce, Var, shape_of, substitute

Y = sp.Symbol("y", real=True)
"""The value of a function, in formulas of its slope in its value."""


def forgotten_slopes(subject: Subject, form: Form) -> Iterator[Altered]:
    """Drop a slope: dA ∘ f′(Z)  =>  dA."""
    for part, put in places(form.node):
        if isinstance(part, Product):
            for place, factor in enumerate(part.factors):
                if is_slope(factor):
                    sentence = f"the slope {text_of(factor)} of {layer_text(form)} is missing"
                    yield "slope_forgotten", sentence, put(without(part, place))


def forgotten_jacobians(subject: Subject, form: Form) -> Iterator[Altered]:
    """(dA − rowsum(dA ∘ A)) ∘ A  =>  dA."""
    activation = subject.layer_of(form.equation.target)
    if activation is not None and subject.is_row(activation):
        sentence = f"the derivative of {activation.function} in {layer_text(form)} is missing"
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
    """f′(Z)  =>  f′(A), f′(dA), f(Z), Z, f′ in its value at Z, or the slope of another function."""
    for slope, put in _slopes(form):
        for kind, sentence, node in (*_at_others(subject, slope), *_of_others(subject, slope)):
            yield kind, f"{sentence} in {layer_text(form)}", put(node)


def spoiled_slopes(subject: Subject, form: Form) -> Iterator[Altered]:
    """f′(Z) = 1 − A²  =>  1 − A, 1 + A², A², (1 − A)²: a slope that is wrongly remembered."""
    for slope, put in _slopes(form):
        function = subject.functions.function(slope.function.removesuffix(PRIME))
        for right, others, made in _formulas(subject, function, slope):
            for wrong in (*spoiled(right), *others):
                node, sound = made(wrong), made(right)
                if node is not None and sound is not None:
                    sentence = f"{text_of(node)} stands for {text_of(slope)} = {text_of(sound)}"
                    yield "slope_formula", f"{sentence} in {layer_text(form)}", put(node)


def _slopes(form: Form) -> Iterator[tuple[Call, Put]]:
    for part, put in places(form.node):
        if isinstance(part, Call) and is_slope(part):
            yield part, put


Made = Callable[[sp.Expr], Node | None]


def _formulas(subject: Subject, function: object, slope: Call) -> Iterator[tuple[sp.Expr, tuple[sp.Expr, ...], Made]]:
    """Yield the slope as a formula in the function's value, in its arguments, and in the sigmoid of its argument.

    Each comes with wrong formulas besides those that a small mistake makes of it, and with how to put arrays in.
    """
    if not isinstance(function, ElementFunction) or len(function.variables) != len(slope.arguments):
        return
    arguments = dict(zip(function.variables, slope.arguments, strict=True))
    if function.variables == (x,):
        output, in_value = _output_of(subject, slope.arguments[0]), _derivative_in_value(function)
        if output is not None and in_value is not None:
            yield in_value, (), lambda expr: _node(expr, {Y: output})
    mistaken = (*mixed(function.derivative, function.value), *_constant_part(function))
    yield function.derivative, mistaken, lambda expr: _node(expr, arguments)
    in_sigmoid = _derivative_in_sigmoid(function)
    if in_sigmoid is not None:
        yield in_sigmoid, (), lambda expr: _node(expr.xreplace({Y: 1 / (1 + sp.exp(-x))}), arguments)


def _constant_part(function: ElementFunction) -> Iterator[sp.Expr]:
    """Yield x for the slope x σ′(g) in g: what is differentiated is forgotten, what it is multiplied by is not."""
    factor, _ = function.derivative.as_independent(function.variables[0], as_Add=False)
    if factor.free_symbols:
        yield factor


@cache
def _derivative_in_sigmoid(function: ElementFunction) -> sp.Expr | None:
    """Return the slope in x and y = sigmoid(x), if it is a rational function of e^−x: y (1 + x (1 − y)) of silu."""
    if function.variables != (x,) or not function.derivative.has(sp.exp(-x)):
        return None
    found = function.derivative.xreplace({sp.exp(-x): 1 / Y - 1, sp.exp(x): Y / (1 - Y)})
    return None if found.has(sp.exp) or not found.is_rational_function(Y) else sp.factor(found)


def _node(expr: sp.Expr, names: Mapping[sp.Symbol, Node]) -> Node | None:
    """Return `expr` with arrays in the places of its symbols, or None where no array form is known."""
    try:
        return MatrixForm({}, {}, names=dict(names)).of(expr, None, None)
    except UnsupportedError:
        return None


def _at_others(subject: Subject, slope: Call) -> Iterator[Altered]:
    """Yield what is taken for a slope in arrays of its own layer."""
    name, (argument, *rest), right = slope.function.removesuffix(PRIME), slope.arguments, text_of(slope)
    output = _output_of(subject, argument)
    if output is not None:
        at_output = Call(slope.function, (output, *rest))
        sentence = f"the slope is taken at {output.name}: {text_of(at_output)} for {right}"
        yield "slope_at_activation", sentence, at_output
    value = Call(name, slope.arguments)
    yield "activation_for_slope", f"the activation {text_of(value)} stands for its slope {right}", value
    at_input = _in_value(subject.functions.function(name), argument)
    if at_input is not None:
        sentence = f"{text_of(at_input)} stands for {right}: a formula in the activation's value, fed with its argument"
        yield "slope_in_value_at_pre_activation", sentence, at_input
    yield "pre_activation_for_slope", f"the pre-activation {text_of(argument)} stands for the slope {right}", argument
    if output is not None:
        at_cotangent = Call(slope.function, (Var(f"d{output.name}", output.shape), *rest))
        sentence = f"the slope is taken at the cotangent: {text_of(at_cotangent)} for {right}"
        yield "slope_at_cotangent", sentence, at_cotangent


def _of_others(subject: Subject, slope: Call) -> Iterator[Altered]:
    """Yield slopes of other functions, at the argument, and as formulas in the value with either array in it."""
    name, argument, right = slope.function.removesuffix(PRIME), slope.arguments[0], text_of(slope)
    output = _output_of(subject, argument)
    for other in dict.fromkeys((*_names_of_activations(subject), "sigmoid", "tanh", "relu")):
        function = subject.functions.function(other)
        if other == name or not isinstance(function, ElementFunction) or function.variables != (x,):
            continue
        wrong = Call(other + PRIME, (argument,))
        yield "slope_of_other_activation", f"the slope of another function, {text_of(wrong)} for {right}", wrong
        for array in (output, argument):
            node = None if array is None else _in_value(subject.functions.function(other), array)
            if node is not None:
                sentence = f"{text_of(node)}, the slope of {other}, stands for {right}"
                yield "slope_of_other_activation", sentence, node


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
    found = _derivative_in_value(function)
    return None if found is None else _node(found, {Y: argument})


@cache
def _derivative_in_value(function: ElementFunction) -> sp.Expr | None:
    return function.derivative_in_value(Y)
