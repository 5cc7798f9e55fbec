"""The words of a picture; none of them is a text that a user wrote, except the network's checked name."""

from __future__ import annotations

from symmlp.derivation import Derivation
from symmlp.graph import GraphNode


def op_words(derivation: Derivation, node: GraphNode) -> str:
    """Return what an op is called: `dense`, `tanh`, `cross_entropy`, or `f1` for a user's expression."""
    if node is derivation.graph.nodes[-1]:
        definition = derivation.network.loss_definition
        return node.op.name if definition.from_user else definition.name
    function = node.function or ""
    return function if function in derivation.graph.functions else node.op.name.partition("(")[0].replace("_", " ")


def described(derivation: Derivation, what: str, *, backward: bool) -> tuple[str, str]:
    """Return the title and the description of a picture, for people who do not see it."""
    network = derivation.network
    depth = derivation.graph.nodes[-1].layer
    layers = "1 layer" if depth == 1 else f"{depth} layers"
    ids = f"Forward equations F1 to {derivation.forward[-1].id}, loss {derivation.loss.id}"
    back = f", backward equations B1 to {derivation.backward[-1].id}" if backward else ""
    title = f"{what} of {network.name}" if network.name != "network" else f"{what} of a network"
    return title, f"{layers}, {network.inputs} inputs, {network.outputs} outputs. {ids}{back}."
