"""Mistakes where the loss is differentiated: its value taken for its slope, or the slope of another loss."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import sympy as sp

from symmlp.calculus.functions import ElementFunction
from symmlp.calculus.matrix_form import MatrixForm
from symmlp.catalog.losses import TABLE, p, y
from symmlp.checking.form import Altered, Form
from symmlp.checking.rewriting import places
from symmlp.checking.subject import Subject
from symmlp.errors import UnsupportedError
from symmlp.matrix import Divide, Node, Product, Reduce, SizeOf, Var

USUAL = ("mse", "half_mse", "mae", "bce", "cross_entropy")
"""Losses that others are mixed up with."""


def losses_for_slopes(subject: Subject, form: Form) -> Iterator[Altered]:
    """L = sum(l(P)) / N  =>  ∂L/∂P = l(P) / N, as if nothing had been differentiated."""
    if form.equation.target != _of_prediction(subject):
        return
    loss = subject.derivation.loss
    for part, put in places(loss.value):
        if isinstance(part, Reduce) and part.axis is None:
            sentence = f"the entries of the loss itself stand for its derivative {form.equation.subject}"
            yield "loss_for_slope", sentence, put(part.operand)


def other_losses(subject: Subject, form: Form) -> Iterator[Altered]:
    """Differentiate another loss than the network's."""
    if form.equation.target != _of_prediction(subject):
        return
    graph, own = subject.derivation.graph, subject.derivation.network.loss_definition.name
    arrays = {p: graph.prediction, y: graph.targets}
    names = {symbol: Var(name, graph.shapes[name]) for symbol, name in arrays.items()}
    for other in (name for name in USUAL if name != own):
        try:
            node = MatrixForm({}, {}, names=names).of(_slope_of(other), None, None)
        except UnsupportedError:
            continue
        sentence = f"this is the derivative of the loss {other}; the network's is {own}"
        yield "slope_of_other_loss", sentence, _averaged(subject, other, node)


@cache
def _slope_of(loss: str) -> sp.Expr:
    return ElementFunction.derive(loss, TABLE[loss].value, (p, y)).derivative


def _averaged(subject: Subject, loss: str, node: Node) -> Node:
    """Return the slope over what the loss's mean runs over."""
    reduction, network = subject.derivation.network.reduction, subject.derivation.network
    sizes: list[int | str] = ["N"] if subject.is_batch and reduction != "sum" else []
    if reduction == "mean" and TABLE[loss].average == "entries":
        sizes.append(network.outputs)
    return Divide(node, Product(tuple(map(SizeOf, sizes)))) if sizes else node


def _of_prediction(subject: Subject) -> str:
    return f"d{subject.derivation.graph.prediction}"
