"""Small changes of the candidate's own text: one that makes it right names the mistake where it was written."""

from __future__ import annotations

from collections.abc import Iterator

from symmlp.checking.arguments import known_shape
from symmlp.checking.replacing import standing_for
from symmlp.checking.rewriting import Put, pairings, places, without
from symmlp.checking.subject import Subject
from symmlp.matrix import Add, Call, Divide, MatMul, Node, Number, Power, Product, Transpose, Var, walk
from symmlp.printing.numpy import PRIMITIVES, NumpyPrinter
from symmlp.program.lowering import code_name

Repair = tuple[str, str, Node]
"""The kind of the mistake, the sentence, and the candidate without it."""


def repairs(subject: Subject, candidate: Node) -> Iterator[Repair]:
    """Yield the candidate with one product, transpose, reduction or array changed."""
    for part, put in places(candidate):
        match part:
            case MatMul(left, right):
                yield from _products(part, left, right, put)
            case Product((left, right)) if () not in (known_shape(left), known_shape(right)):
                yield from _entrywise(part, left, right, put)
            case Add(terms) if len(terms) > 1:
                for place, term in enumerate(terms):
                    yield "term_extra", f"the term {code(term)} is too many", put(without(part, place))
            case Transpose(operand):
                yield "operand_transposed", f"{code(part)} should be {code(operand)}", put(operand)
            case Var():
                for kind, sentence, other in standing_for(subject, part):
                    yield kind, sentence, put(other)
            case Power(base, Number(exponent)) if exponent > 1:
                yield "power_kept", f"{code(part)} should be {code(base)}", put(base)
    for part, put in places(candidate):
        yield from _weighted(subject, part, put)
    yield from _factors(candidate)


def _factors(candidate: Node) -> Iterator[Repair]:
    """Yield the candidate without one array that it multiplies or divides by entry by entry."""
    for part, put in places(candidate):
        match part:
            case Product(factors):
                for place, factor in enumerate(factors):
                    if known_shape(factor) != ():
                        yield "factor_extra", f"the factor {code(factor)} is too many", put(without(part, place))
            case Divide(top, bottom) if known_shape(bottom) != ():
                yield "factor_extra", f"the denominator {code(bottom)} is too many", put(top)


def _weighted(subject: Subject, part: Node, put: Put) -> Iterator[Repair]:
    """Yield the candidate with the weights of a layer put in behind a part that they fit."""
    shapes, found = subject.derivation.graph.shapes, known_shape(part)
    for name in subject.derivation.graph.parameters:
        rows = shapes[name][0] if len(shapes[name]) == 2 else None
        if found is not None and len(found) == 2 and rows == found[1 if subject.is_batch else 0]:
            weights = Var(name, shapes[name])
            made = MatMul(part, weights) if subject.is_batch else MatMul(Transpose(weights), part)
            yield "factor_forgotten", f"the factor {name} is missing: {code(part)} should be {code(made)}", put(made)


def _products(part: Node, left: Node, right: Node, put: Put) -> Iterator[Repair]:
    for kind, first, second in pairings(left, right):
        made = MatMul(first, second)
        yield kind, f"{code(part)} should be {code(made)}", put(made)
    made_entrywise = Product((left, right))
    yield "matrix_product_for_entrywise", f"{code(part)} should be {code(made_entrywise)}", put(made_entrywise)


def _entrywise(part: Node, left: Node, right: Node, put: Put) -> Iterator[Repair]:
    yield (
        "entrywise_for_matrix_product",
        f"{code(part)} should be {code(MatMul(left, right))}",
        put(MatMul(left, right)),
    )
    for _, first, second in pairings(left, right):
        made = MatMul(first, second)
        yield "entrywise_for_matrix_product", f"{code(part)} should be {code(made)}", put(made)


def code(node: Node) -> str:
    """Return a part of a candidate as NumPy writes it."""
    calls = {part.function for part in walk(node) if isinstance(part, Call)}
    try:
        return NumpyPrinter({call: code_name(call) for call in calls if call not in PRIMITIVES}).text(node)
    except ValueError:
        # A choice between numbers by a condition without arrays has no form in generated code.
        return "a part of it"
