"""Writes the groups of equations beyond the gradient: how the loss's own cotangents change, and what follows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from symmlp.calculus.curvature import Curvatures
from symmlp.calculus.ending import Derived, Ending
from symmlp.calculus.tangent import DOT, HAT
from symmlp.calculus.vanishing import ZERO, is_zero
from symmlp.calculus.vjp import RuleStep
from symmlp.derivation import Derivation, Equation, Source
from symmlp.deriving import averaged, care_of, ending_of, walker_of
from symmlp.graph import Graph, GraphNode
from symmlp.matrix import Add, Node, Var, filled, rebuild
from symmlp.second_order.ending import Ends
from symmlp.second_order.hessian import BlockWalker, needed_for
from symmlp.second_order.walking import DirectionWalker


def writer_of(derivation: Derivation, almost_everywhere: bool) -> Writer:
    """Return what writes the equations for a derivation's network and loss."""
    network, graph, layout = derivation.network, derivation.graph, derivation.layout
    definition = network.loss_definition
    walker = walker_of(network, graph, layout)
    end = None if definition.totals else ending_of(network, graph, walker)
    functions = {**walker.functions, **{each.name: each for each in (end.functions if end else ())}}
    from_user = any(each.from_user for each in graph.functions.values())
    care = care_of(from_user or definition.from_user)
    curvatures = Curvatures(functions, care, network.kinks, almost_everywhere)
    own = DirectionWalker(graph, walker.rules, walker.functions, curvatures)
    if end is None:
        return Writer(own)
    return EndingWriter(own, end, Ends(end, averaged(network, walker), curvatures))


class Writer:
    """Writes the groups for a loss that ops lead to, as one of a whole row: they are nodes of the graph as all others.

    The Gauss-Newton product splits the network from the loss at the prediction.
    """

    def __init__(self, walker: DirectionWalker) -> None:
        """Take the walker of the network."""
        self.walker = walker
        self.blocks = BlockWalker(walker.graph, walker.rules, walker.functions, walker.curvatures)
        # A penalty is added to the loss as it is, so its cotangent, which is 1, rests.
        self.penalties = walker.graph.penalties
        walker.still.update(f"d{node.output}{DOT}" for node in self.penalties)

    @property
    def graph(self) -> Graph:
        """The graph of the network."""
        return self.walker.graph

    def tangents(self, *, of_loss: bool) -> Iterator[Equation]:
        """Yield the tangents of the network's arrays, and of what the loss makes of the prediction first."""
        loss = (node for node in self.graph.loss_nodes[:-1] if of_loss and not node.is_penalty)
        yield from self.walker.tangents_of((*self.graph.network_nodes, *loss), self.graph.parameters)

    def hessian_product(self) -> Iterator[Equation]:
        """Yield how the cotangents change along the direction, from the last one to the first layer's gradients."""
        yield from self.walker.changes(self.graph.nodes, {"L"})

    def gauss_newton_product(self) -> Iterator[Equation]:
        """Yield the loss's second derivative times the tangent, handed back by the backward rules."""
        at_loss = [_linearized(equation) for equation in self.at_loss()]
        target = f"d{self.graph.prediction}{HAT}"
        if target not in {equation.target for equation in at_loss}:
            at_loss.append(self._zeros(target))
        yield from at_loss
        yield from self.handed_back(self.graph.network_nodes)

    def _zeros(self, target: str) -> Equation:
        """Return the product at the prediction for a loss that is linear there, of which no equation is left."""
        shape = self.walker.change_shape(self.graph.prediction)
        value = filled(ZERO, shape)
        layer = self.graph.network_nodes[-1].layer
        steps = (RuleStep("terms with a tangent or a slope that is zero vanish", Var(target, shape), value),)
        return Equation("", "gauss_newton", target, value, value, shape, layer, "", (), (Source(steps),))

    def at_loss(self) -> Iterator[Equation]:
        """Yield how the cotangents of the loss's own arrays change, the prediction's last."""
        yield from self.walker.changes(self._without_penalties(self.graph.loss_nodes), {"L"})

    def handed_back(self, nodes: tuple[GraphNode, ...]) -> Iterator[Equation]:
        """Yield what the backward rules of the nodes make of the product at the last one's output."""
        marked = replace(self.walker, mark=HAT)
        for equation in marked.chain(nodes, {nodes[-1].output}):
            found = replace(equation, kind="gauss_newton", target=equation.target + HAT, subject="")
            yield self._with_penalties(found, equation.target.removeprefix("d"))

    def _with_penalties(self, product: Equation, array: str) -> Equation:
        """Return the product of a parameter with how its penalties' own gradients change added, which are not split."""
        for node in self.penalties:
            for operand in (each for each, name in node.operands.items() if name == array):
                change, source = self.walker.change_of(node, operand)
                if not is_zero(change):
                    value = Add((product.value, change))
                    words = "sum rule: the gradient of the penalty changes by itself, whatever the network is"
                    added = Source((RuleStep(words, product.value, value),))
                    product = replace(product, value=value, stable=value, sources=(*product.sources, source, added))
        return product

    def hessian_blocks(self, pivot: GraphNode) -> Iterator[Equation]:
        """Yield what the blocks with the columns of an op's parameters are computed from, and the blocks."""
        own = self.blocks.from_pivot(pivot)
        tangents = list(own.tangents_of(self._after(pivot), {pivot.output}))
        changes = list(self._changes_from(own, pivot))
        own_targets = {f"d{name}{DOT}" for name in own.graph.parameters}
        made = {each.target: each for each in changes if each.target in own_targets and not is_zero(each.value)}
        yield from needed_for(changes, set(made), tangents)
        yield from own.blocks(pivot, made)

    def _after(self, pivot: GraphNode) -> tuple[GraphNode, ...]:
        """Return the nodes whose outputs may move with the output of an op."""
        nodes = self._without_penalties(self.graph.nodes)
        return nodes[nodes.index(pivot) + 1 : -1]

    def _changes_from(self, own: BlockWalker, pivot: GraphNode) -> Iterator[Equation]:
        """Yield how the cotangents change from the loss down to the op and its parameters."""
        nodes = self._without_penalties(self.graph.nodes)
        yield from own.changes(nodes[nodes.index(pivot) :], {"L"})

    def _without_penalties(self, nodes: tuple[GraphNode, ...]) -> tuple[GraphNode, ...]:
        return tuple(node for node in nodes if not node.is_penalty)


class EndingWriter(Writer):
    """Writes the groups for a loss of entries, whose second derivative joins with that of the last activation."""

    def __init__(self, walker: DirectionWalker, end: Ending, ends: Ends) -> None:
        """Take the walker, and the end of the network with its second derivatives."""
        super().__init__(walker)
        self.end, self.ends = end, ends
        self.activation, self.loss = walker.graph.ends

    def hessian_product(self) -> Iterator[Equation]:
        """Yield how the cotangents change along the direction, from the last one to the first layer's gradients."""
        yield self._change_at_end()
        before = self._before_end(self.graph.nodes)
        known = {before[-1].output, *(node.output for node in self.penalties)}
        yield from self.walker.changes((*before, *self.penalties), known)

    def _after(self, pivot: GraphNode) -> tuple[GraphNode, ...]:
        nodes = self.graph.nodes
        return nodes[nodes.index(pivot) + 1 : nodes.index(self.activation) + 1]

    def _changes_from(self, own: BlockWalker, pivot: GraphNode) -> Iterator[Equation]:
        ends = replace(self.ends, in_rows=own.rows is not None)
        yield EndingWriter(own, self.end, ends)._change_at_end()
        nodes = self.graph.nodes[: self.graph.nodes.index(self.activation) + 1]
        before = self._before_end(nodes)[nodes.index(pivot) :]
        yield from own.changes(before, {before[-1].output})

    def gauss_newton_product(self) -> Iterator[Equation]:
        """Yield the loss's second derivative times the tangent, handed back by the backward rules.

        The loss begins at the last pre-activation where its cotangent there is linear in the prediction.
        """
        if self.activation not in self.graph.network_nodes:
            yield from super().gauss_newton_product()
            return
        joined = self.ends.at_pre_activation if self.ends.is_canonical else None
        at, derived = ("Z", joined) if joined is not None else ("P", self.ends.at_prediction)
        yield self._of_ending(derived, at, HAT, "gauss_newton")
        yield from self.handed_back(self.graph.network_nodes[: None if joined is None else -1])

    def at_loss(self) -> Iterator[Equation]:
        """Yield how the cotangents of what the loss makes of the prediction change, the prediction's last."""
        yield self._change_at_end()
        before = self._before_end(self.graph.nodes)
        own = self._without_penalties(before[len(self.graph.network_nodes) :])
        if own:
            yield from self.walker.changes(own, {own[-1].output})

    def _before_end(self, nodes: tuple[GraphNode, ...]) -> tuple[GraphNode, ...]:
        """Return the nodes that lead to where the cotangent's change is known: without the activation if it joins."""
        return nodes[: nodes.index(self.activation) + (0 if self.ends.at_pre_activation is not None else 1)]

    def _change_at_end(self) -> Equation:
        joined = self.ends.at_pre_activation
        at, derived = ("Z", joined) if joined is not None else ("P", self.ends.at_prediction)
        return self._of_ending(derived, at, DOT, "second")

    def _of_ending(self, derived: Derived, at: str, mark: str, kind: str) -> Equation:
        names = self._names
        array = names[at]
        target, shape = f"d{array}{mark}", self.walker.change_shape(array)
        sizes = self.walker.sizes(self.activation)
        value, stable = (
            self.walker.without_still(self.walker.renamed(form, names, sizes), shape)
            for form in (derived.value, derived.stable)
        )
        sources = (Source(derived.steps, names, sizes),)
        layer = self.loss.layer
        return Equation("", kind, target, value, stable, shape, layer, "", derived.assumptions, sources)

    @property
    def _names(self) -> Mapping[str, str]:
        own = {"P": self.activation.output, "A": self.activation.output, "Z": self.activation.operands["Z"]}
        own |= self.loss.given
        return {**own, **{name + DOT: array + DOT for name, array in own.items()}}


def _linearized(equation: Equation) -> Equation:
    """Return how a cotangent of the loss changes as a Gauss-Newton product: up to the prediction the two are one."""

    def marked(name: str) -> str:
        return f"{name.removesuffix(DOT)}{HAT}" if name.startswith("d") and name.endswith(DOT) else name

    def written(node: Node) -> Node:
        return Var(marked(node.name), node.shape) if isinstance(node, Var) else rebuild(node, written)

    sources = tuple(
        replace(source, names={own: marked(name) for own, name in source.names.items()}) for source in equation.sources
    )
    value, stable = written(equation.value), written(equation.stable)
    return replace(
        equation, kind="gauss_newton", target=marked(equation.target), value=value, stable=stable, sources=sources
    )
