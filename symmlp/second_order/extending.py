"""`with_second_order`: a derivation with the equations that were asked for beyond the gradient."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from symmlp.calculus.curvature import Curvatures
from symmlp.calculus.ending import Derived, Ending, Entries, weight_of
from symmlp.calculus.tangent import DOT, HAT
from symmlp.calculus.vanishing import is_zero
from symmlp.derivation import Derivation, Equation, Source
from symmlp.deriving import called, care_of, ending_of, walker_of
from symmlp.errors import SymmlpError, UnsupportedError, did_you_mean, shown
from symmlp.graph import GraphNode
from symmlp.second_order.ending import Ends
from symmlp.second_order.hessian import BlockWalker, needed_for
from symmlp.second_order.jacobian import JacobianWalker
from symmlp.second_order.walking import DirectionWalker, numbered
from symmlp.walker import Walker

ORDERS = ("jvp", "hvp", "gauss_newton", "jacobian", "hessian")
"""What can be asked for: tangents along a direction, Hessian-vector and Gauss-Newton product, Jacobian, blocks."""


HESSIAN = "hessian of "
"""Begins the name of a group of blocks, before the array that their columns move first."""


def with_second_order(derivation: Derivation, asked: Sequence[str], *, almost_everywhere: bool = False) -> Derivation:
    """Return the derivation with the equations of what is asked for, each with its steps; see ORDERS.

    Raises:
        SymmlpError: something unknown is asked for.
        UnsupportedError: a slope jumps, so there is no second derivative, unless `almost_everywhere` leaves it out.
    """
    for name in asked:
        if name not in ORDERS:
            hint = did_you_mean(name, ORDERS)
            raise SymmlpError(f"second order: expected some of {', '.join(ORDERS)}, got {shown(name)}{hint}")
    if not asked:
        return derivation
    if derivation.graph.statistics:
        raise UnsupportedError(f"{asked[0]}: not known for a network with batch normalization")
    if derivation.graph.penalties and {*asked} & {"gauss_newton", "hessian"}:
        raise UnsupportedError(f"{asked[0]}: not known for a network with a penalty")
    definition = derivation.network.loss_definition
    if definition.totals or definition.inner:
        return _of_prediction(derivation, asked)
    writer = _writer(derivation, almost_everywhere)
    second = {}
    if {*asked} & {"jvp", "hvp", "gauss_newton"}:
        walker = writer.walker
        second["jvp"] = numbered(walker.tangents_of(walker.graph.network_nodes, walker.graph.parameters), "T")
    if "hvp" in asked:
        second["hvp"] = numbered(writer.hessian_product(), "R")
    if "gauss_newton" in asked:
        second["gauss_newton"] = numbered(writer.gauss_newton_product(), "G")
    if "jacobian" in asked:
        second["jacobian"] = numbered(_jacobian(writer.walker, derivation).equations(), "J")
    if "hessian" in asked:
        second |= _hessian(writer, derivation)
    equations = [each for group in second.values() for each in group]
    curvatures = writer.walker.curvatures
    known = {**curvatures.functions, **curvatures.derived}
    functions = {**derivation.functions, **called(known, equations)}
    return replace(derivation, second=second, functions=functions)


def _of_prediction(derivation: Derivation, asked: Sequence[str]) -> Derivation:
    """Return the derivation with the Jacobian, for a loss of a whole row, whose second derivative is not written."""
    for name in asked:
        if name != "jacobian":
            raise UnsupportedError(
                f"{name}: not known for a loss of a whole row, {derivation.network.loss_definition.name}"
            )
    walker = walker_of(derivation.network, derivation.graph, derivation.layout)
    rows = numbered(_jacobian(walker, derivation).equations(), "J")
    return replace(
        derivation, second={"jacobian": rows}, functions={**derivation.functions, **called(walker.functions, rows)}
    )


def _jacobian(walker: Walker, derivation: Derivation) -> JacobianWalker:
    if derivation.layout != "batch":
        raise UnsupportedError(f"jacobian: expected the layout batch, got {derivation.layout}")
    return JacobianWalker(walker.graph, walker.rules, walker.functions)


def _hessian(writer: _Writer, derivation: Derivation) -> dict[str, tuple[Equation, ...]]:
    """Return the equations of the blocks, a group for each op that reads parameters, numbered through."""
    if derivation.layout != "batch":
        raise UnsupportedError(f"hessian: expected the layout batch, got {derivation.layout}")
    groups: dict[str, tuple[Equation, ...]] = {}
    first = 1
    for pivot in writer.blocks.pivots:
        found = list(writer.hessian_blocks(pivot))
        groups[f"{HESSIAN}{pivot.output}"] = tuple(
            replace(each, id=f"H{number}", kind="hessian") for number, each in enumerate(found, start=first)
        )
        first += len(found)
    return groups


def _writer(derivation: Derivation, almost_everywhere: bool) -> _Writer:
    network, graph, layout = derivation.network, derivation.graph, derivation.layout
    walker = walker_of(network, graph, layout)
    end = ending_of(network, graph, walker)
    functions = {**walker.functions, **{each.name: each for each in end.functions}}
    from_user = any(definition.from_user for definition in graph.functions.values())
    care = care_of(from_user or network.loss_definition.from_user)
    curvatures = Curvatures(functions, care, network.kinks, almost_everywhere)
    weight = weight_of(network.loss_definition, network.loss_reduction, columns=layout == "sample")
    own = DirectionWalker(graph, walker.rules, walker.functions, curvatures)
    return _Writer(own, end, Ends(end, Entries(walker.rules, weight), curvatures))


class _Writer:
    """Writes the groups of equations."""

    def __init__(self, walker: DirectionWalker, end: Ending, ends: Ends) -> None:
        self.walker, self.end, self.ends = walker, end, ends
        self.activation, self.loss = walker.graph.network_nodes[-1], walker.graph.nodes[-1]
        self.blocks = BlockWalker(walker.graph, walker.rules, walker.functions, walker.curvatures)

    def hessian_product(self) -> Iterator[Equation]:
        """Yield how the cotangents change along the direction, from the last one to the first layer's gradients."""
        joined = self.ends.at_pre_activation
        at, derived = ("Z", joined) if joined is not None else ("P", self.ends.at_prediction)
        yield self._of_ending(derived, at, DOT, "second")
        before = self.walker.graph.network_nodes[: None if joined is None else -1]
        penalties = {node.output for node in self.walker.graph.penalties}
        self.walker.still.update(f"d{name}{DOT}" for name in penalties)
        yield from self.walker.changes((*before, *self.walker.graph.penalties), {before[-1].output, *penalties})

    def hessian_blocks(self, pivot: GraphNode) -> Iterator[Equation]:
        """Yield what the blocks with the columns of an op's parameters are computed from, and the blocks."""
        own = self.blocks.from_pivot(pivot)
        nodes = own.graph.network_nodes
        start = nodes.index(pivot)
        tangents = list(own.tangents_of(nodes[start + 1 :], {pivot.output}))
        joined = self.ends.at_pre_activation
        at, derived = ("Z", joined) if joined is not None else ("P", self.ends.at_prediction)
        changes = [_Writer(own, self.end, self.ends)._of_ending(derived, at, DOT, "second")]
        before = nodes[start : None if joined is None else -1]
        changes += own.gradients_apart(pivot, before, {before[-1].output})
        own_targets = {f"d{name}{DOT}" for name in own.graph.parameters}
        made = {each.target: each for each in changes if each.target in own_targets and not is_zero(each.value)}
        yield from needed_for(changes, set(made), tangents)
        yield from own.blocks(pivot, made)

    def gauss_newton_product(self) -> Iterator[Equation]:
        """Yield the loss's second derivative times the tangent, handed back by the backward rules."""
        joined = self.ends.at_pre_activation if self.ends.is_canonical else None
        at, derived = ("Z", joined) if joined is not None else ("P", self.ends.at_prediction)
        yield self._of_ending(derived, at, HAT, "gauss_newton")
        before = self.walker.graph.network_nodes[: None if joined is None else -1]
        marked = replace(self.walker, mark=HAT)
        for equation in marked.chain(before, {before[-1].output}):
            yield replace(equation, kind="gauss_newton", target=equation.target + HAT, subject="")

    def _of_ending(self, derived: Derived, at: str, mark: str, kind: str) -> Equation:
        names = self._names
        array = names[at]
        target, shape = f"d{array}{mark}", self.walker.graph.shapes[array]
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
