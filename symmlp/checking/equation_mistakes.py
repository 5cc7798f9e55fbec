"""Mistakes in products, sums, terms and arrays of an equation."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from symmlp.checking.building import summed
from symmlp.checking.form import Altered, Form, is_backward, is_slope, layer_text
from symmlp.checking.replacing import replaced_arrays
from symmlp.checking.rewriting import pairings, places, turned, with_term_negated, without
from symmlp.checking.subject import Subject, is_scalar, text_of
from symmlp.matrix import (
    Add,
    Call,
    Divide,
    MatMul,
    Node,
    Number,
    Power,
    Product,
    Reduce,
    SizeOf,
    Transpose,
    Var,
    shape_of,
)


def forgotten_factors(subject: Subject, form: Form) -> Iterator[Altered]:
    """A B  =>  A, and A ∘ B  =>  A."""
    for part, put in places(form.node):
        if isinstance(part, Product):
            for place, factor in enumerate(part.factors):
                if not is_scalar(factor) and not is_slope(factor):
                    yield "factor_forgotten", f"the factor {text_of(factor)} is missing", put(without(part, place))
        if isinstance(part, MatMul) and is_backward(form):
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
        sentence = f"the activation of {layer_text(form)} is missing: {form.equation.target} is {text_of(form.node)}"
        yield "activation_forgotten", sentence, form.node.arguments[0]


def wrong_terms(subject: Subject, form: Form) -> Iterator[Altered]:
    """A − B  =>  A, A + B."""
    for part, put in places(form.node):
        if isinstance(part, Add) and is_backward(form):
            for place, term in enumerate(part.terms):
                printed, whole = text_of(term), text_of(part)
                yield "term_forgotten", f"the term {printed} of {whole} is missing", put(without(part, place))
                sign = with_term_negated(part, place)
                yield "term_sign", f"the term {printed} of {whole} has the wrong sign", put(sign)


def wrong_sums(subject: Subject, form: Form) -> Iterator[Altered]:
    """Sum wrongly: dZᵀ 1  =>  dZ, the mean of dZ, the sum over the other axis."""
    for part, put in places(form.node):
        if isinstance(part, Reduce) and part.axis is not None and is_backward(form):
            whole = text_of(part)
            yield "sum_forgotten", f"the sum {whole} is missing: its entries stay apart", put(part.operand)
            yield from ((kind, sentence, put(node)) for kind, sentence, node in _other_sums(part, whole))


def _other_sums(part: Reduce, whole: str) -> Iterator[Altered]:
    if part.axis == 0:
        kept = summed("sum", part.operand, 0, keep=True)
        yield "kept_axis", f"keepdims leaves an axis too many on the sum {whole}, which is a vector", kept
    yield "wrong_axis", f"the sum runs over all axes: {whole} is axis={part.axis}", Reduce("sum", part.operand, None)
    rows, columns = shape_of(part.operand)
    yield "mean_for_sum", f"a mean stands for the sum {whole}", Divide(part, SizeOf(columns if part.axis else rows))
    for keep in (False, True):
        other = summed("sum", part.operand, 0 if part.axis else 1, keep=keep)
        yield "wrong_axis", f"the sum runs over the wrong axis: {whole} is axis={part.axis}", other


def wrong_operands(subject: Subject, form: Form) -> Iterator[Altered]:
    """Aᵀ B  =>  A B, B Aᵀ, A ∘ B; and A ∘ B  =>  A B."""
    if not is_backward(form):
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
    if not is_backward(form):
        return
    for part, put in places(form.node):
        if isinstance(part, Var):
            for kind, sentence, other in replaced_arrays(subject, part):
                yield kind, sentence, put(other)


def wrong_powers(subject: Subject, form: Form) -> Iterator[Altered]:
    """A^∘²  =>  A; and a difference  =>  its square."""
    if not is_backward(form):
        return
    for part, put in places(form.node):
        match part:
            case Power(base, Number(exponent)) if exponent > 1:
                yield "power_forgotten", f"the power of {text_of(part)} is missing", put(base)
                kept = Power(base, Number(exponent + 1))
                yield "power_kept", f"{text_of(kept)} stands for {text_of(part)}, as before differentiation", put(kept)
            case Add():
                yield "power_kept", f"{text_of(part)} is squared, as before differentiation", put(_squared(part))


def _squared(node: Node) -> Node:
    return Power(node, Number(Fraction(2)))


def wrong_operations(subject: Subject, form: Form) -> Iterator[Altered]:
    """A ∘ B  =>  A + B, A ⊘ B, B ⊘ A; and A ⊘ B  =>  A ∘ B."""
    if not is_backward(form):
        return
    for part, put in places(form.node):
        match part:
            case Product((left, right)) if not is_scalar(left) and not is_scalar(right):
                told = f"stands for the product {text_of(part)}"
                yield "sum_for_product", f"a sum {told}: the chain rule multiplies", put(Add((left, right)))
                for top, bottom in ((left, right), (right, left)):
                    yield "quotient_for_product", f"a quotient {told}", put(Divide(top, bottom))
            case Divide(top, bottom) if not is_scalar(bottom):
                yield (
                    "product_for_quotient",
                    f"a product stands for the quotient {text_of(part)}",
                    put(Product((top, bottom))),
                )
