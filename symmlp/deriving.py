"""`derive`: walks the graph forward and backward and writes down every equation with its steps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import replace
from itertools import count

import sympy as sp

from symmlp.calculus.constants import fold_constants
from symmlp.calculus.effort import within_limit
from symmlp.calculus.ending import Ending, Entries, ending, entries_of
from symmlp.calculus.functions import Care, ElementFunction, RowFunction
from symmlp.calculus.kinks import Policy
from symmlp.calculus.matrix_form import PRIME, MatrixForm
from symmlp.calculus.rules import Rules
from symmlp.catalog.activations import Activation
from symmlp.catalog.losses import p, y
from symmlp.catalog.optimizer import Optimizer, Update
from symmlp.derivation import Derivation, Equation
from symmlp.graph import Graph, Layout, build_graph
from symmlp.matrix import Call, Shape, Var, walk
from symmlp.spec import Network
from symmlp.walker import Function, Walker


def derive(network: Network, *, layout: Layout = "batch") -> Derivation:
    """Return the derivation of `network`: what it computes, and the gradient of its loss for every parameter.

    `layout` is `batch` (one sample a row, Z = X Wᵀ + 1 bᵀ) or `sample` (one column, o = W x + b).

    Raises:
        SymmlpError: an activation or a loss has no matrix form.
    """
    graph = build_graph(network, layout)
    walker = walker_of(network, graph, layout)
    functions = walker.functions
    forward = tuple(walker.forward(node, f"F{number}") for number, node in enumerate(graph.network_nodes, start=1))
    if network.loss_definition.totals:
        *totals, loss = walker.row_loss()
        found = walker.chain(graph.nodes, {"L"})
    else:
        end = ending_of(network, graph, walker)
        *totals, loss = (*walker.before_loss(), walker.loss(end))
        found = walker.backward(end)
        functions = functions | {function.name: function for function in end.functions}
    backward = tuple(replace(each, id=f"B{number}") for number, each in enumerate(found, start=1))
    updates = dict(_updates(network.optimizers))
    used = called(functions, (*forward, *totals, loss, *backward))
    return Derivation(network, layout, graph, forward, loss, backward, updates, used, tuple(totals))


def walker_of(network: Network, graph: Graph, layout: Layout) -> Walker:
    """Return the walker over a network's graph."""
    functions = _functions(graph.functions, network.kinks) | _pieces(network)
    return Walker(graph, Rules(columns=layout == "sample"), functions)


def derive_graph(graph: Graph, *, layout: Layout = "batch", seed: str) -> tuple[Equation, ...]:
    """Return the backward equations of a graph that ends in the array `seed`, whose cotangent `d<seed>` is given."""
    walker = Walker(graph, Rules(columns=layout == "sample"), _functions(graph.functions))
    equations = walker.chain(graph.nodes, {seed})
    return tuple(replace(equation, id=f"B{number}") for number, equation in enumerate(equations, start=1))


def _functions(definitions: Mapping[str, Activation], kinks: Policy = "smallest") -> dict[str, Function]:
    return {
        function.name: function
        for name, definition in definitions.items()
        for function in _of_activation(name, definition, kinks)
    }


def _of_activation(name: str, definition: Activation, kinks: Policy) -> Iterator[Function]:
    """Yield the function, and the same with each further variable put first, whose slope in it is derived so."""
    if definition.acts_on == "row":
        yield RowFunction.derive(name, definition.value)
        return
    yield from _in_each(name, definition.value, definition.variables, care_of(definition.from_user), kinks)


def _pieces(network: Network) -> dict[str, Function]:
    """Return the functions that a loss of rows and a penalty consist of, each in every variable but the target."""
    return {
        function.name: function
        for piece in network.pieces
        for function in _in_each(piece.name, piece.value, piece.variables, "quick", network.kinks)
        if function.variables[0] != y
    }


def _in_each(
    name: str, value: sp.Expr, variables: tuple[sp.Symbol, ...], care: Care, kinks: Policy
) -> Iterator[ElementFunction]:
    for place, variable in enumerate(variables):
        ordered = (variable, *variables[:place], *variables[place + 1 :])
        own = f"{name}_of_{variable}" if place else name
        with within_limit("activation") if care == "finite" else nullcontext():
            function = ElementFunction.derive(own, value, ordered, care=care, kinks=kinks)
        yield function


def care_of(from_user: bool) -> Care:
    """Return how carefully to measure: tests prove the catalogue's functions, a user's have only this moment."""
    return "finite" if from_user else "quick"


def ending_of(network: Network, graph: Graph, walker: Walker) -> Ending:
    """Return the end of a network whose loss is one of entries.

    Raises:
        UnsupportedError: the loss has no matrix form.
    """
    (node, loss_node), definition = graph.ends, network.loss_definition
    assert node.function is not None
    name = "loss" if definition.from_user else definition.name
    care = care_of(definition.from_user)
    with within_limit("loss") if definition.from_user else nullcontext():
        function = ElementFunction.derive(name, definition.value, (p, y), care=care, kinks=network.kinks)
        entries = averaged(network, walker)
        return ending(function, definition, entries, walker.functions[node.function], node.op, loss_node.op)


def averaged(network: Network, walker: Walker) -> Entries:
    """Return how the entries of the network's loss are averaged."""
    weights = "none" if network.weighs_targets else network.sample_weights
    return entries_of(network.loss_definition, network.loss_reduction, weights, walker.rules)


def called(functions: Mapping[str, Function], equations: Iterable[Equation]) -> dict[str, Function]:
    """Return the functions that some equation calls, or whose slope it calls."""
    called = {
        part.function.removesuffix(PRIME)
        for equation in equations
        for form in ((equation.value,) if equation.stable is equation.value else (equation.value, equation.stable))
        for part in walk(form)
        if isinstance(part, Call)
    }
    return {name: function for name, function in functions.items() if name in called}


def _updates(optimizers: Iterable[Optimizer]) -> Iterator[tuple[str, tuple[Equation, ...]]]:
    """Yield the update equations of each optimizer, numbered through all of them: an id names one equation."""
    numbers = count(1)
    for optimizer in optimizers:
        yield optimizer.name, tuple(_update(optimizer, update, next(numbers)) for update in optimizer.updates)


def _update(optimizer: Optimizer, update: Update, number: int) -> Equation:
    vectors = {symbol: Var(symbol.name, ("P",)) for symbol in optimizer.vectors}
    scalars = {symbol: Var(symbol.name, ()) for symbol in update.value.free_symbols if symbol not in vectors}
    form = MatrixForm({}, {}, names={**vectors, **scalars})
    value, folded = (form.of(each, None, None) for each in (update.value, fold_constants(update.value)))
    shape: Shape = () if update.target in optimizer.numbers else ("P",)
    return Equation(f"U{number}", "update", update.target.name, value, folded, shape, 0, optimizer.title)
