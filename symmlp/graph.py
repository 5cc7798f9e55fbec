"""The computational graph of a network: nodes in topological order, each an op with operands and symbolic shapes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from symmlp.catalog.activations import Activation
from symmlp.catalog.layers import DENSE, DENSE_WITHOUT_BIAS, ELEMENTWISE, ENTRYWISE_LOSS, Op, rowwise
from symmlp.errors import ProgramError
from symmlp.matrix import Shape, Size
from symmlp.spec import Network

Layout = Literal["batch", "sample"]


@dataclass(frozen=True)
class GraphNode:
    """One application of an op: `operands` and `given` name the arrays it reads, `output` the one it makes."""

    op: Op
    operands: Mapping[str, str]
    output: str
    layer: int
    function: str | None = None
    given: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Graph:
    """Nodes in topological order, the shape of every array, and which arrays are parameters."""

    nodes: tuple[GraphNode, ...]
    shapes: Mapping[str, Shape]
    parameters: tuple[str, ...]
    functions: Mapping[str, Activation]

    def __post_init__(self) -> None:
        """Prove that every array is made before it is read, and once."""
        made = {name for name in self.shapes if name not in {node.output for node in self.nodes}}
        for node in self.nodes:
            for name in (*node.operands.values(), *node.given.values()):
                if name not in made:
                    raise ProgramError(f"{node.output} reads {name}, which is not made before it")
            if node.output in made:
                raise ProgramError(f"{node.output} is made twice")
            made.add(node.output)

    def needs_gradient(self) -> set[str]:
        """Return the arrays that depend on a parameter, parameters included."""
        needed = set(self.parameters)
        for node in self.nodes:
            if needed & set(node.operands.values()):
                needed.add(node.output)
        return needed


@dataclass(frozen=True)
class Names:
    """How arrays are called: X, Z1, A1, P in the batch layout; x, o1, y1, p in the one-sample layout."""

    inputs: str
    targets: str
    pre_activation: str
    activation: str
    prediction: str

    @classmethod
    def of(cls, layout: Layout) -> Names:
        """Return the names of a layout; the one-sample names are the founding document's."""
        return cls("X", "Y", "Z", "A", "P") if layout == "batch" else cls("x", "y", "o", "y", "p")


def build_graph(network: Network, layout: Layout = "batch") -> Graph:
    """Return the graph of `network`, from its inputs to its loss."""
    names, leading = Names.of(layout), ("N",) if layout == "batch" else ()
    shapes: dict[str, Shape] = {names.inputs: _vector(leading, network.inputs)}
    nodes: list[GraphNode] = []
    functions: dict[str, Activation] = {}
    current, previous, parameters = names.inputs, network.inputs, []
    for number, (layer, activation) in enumerate(zip(network.layers, network.activations, strict=True), start=1):
        weights, bias, units = f"W{number}", f"b{number}", layer.units
        pre = f"{names.pre_activation}{number}"
        after = names.prediction if number == len(network.layers) else f"{names.activation}{number}"
        shapes[weights] = (units, previous)
        operands = {"X": current, "W": weights}
        parameters.append(weights)
        if layer.bias:
            shapes[bias] = (units,) if layout == "batch" else (units, 1)
            operands["b"] = bias
            parameters.append(bias)
        shapes |= {pre: _vector(leading, units), after: _vector(leading, units)}
        nodes.append(GraphNode(DENSE if layer.bias else DENSE_WITHOUT_BIAS, operands, pre, number))
        name = _function_name(activation, functions)
        op = ELEMENTWISE if activation.acts_on == "entry" else rowwise(activation.name, activation.value)
        nodes.append(GraphNode(op, {"Z": pre}, after, number, name))
        current, previous = after, units
    shapes |= {names.targets: _vector(leading, previous), "L": ()}
    given = {"Y": names.targets}
    nodes.append(GraphNode(ENTRYWISE_LOSS, {"P": current}, "L", len(network.layers), network.loss, given))
    return Graph(tuple(nodes), shapes, tuple(parameters), functions)


def _vector(leading: tuple[Size, ...], units: int) -> Shape:
    return (*leading, units) if leading else (units, 1)


def _function_name(activation: Activation, functions: dict[str, Activation]) -> str:
    """Return the name of an activation in formulas: the catalogue's, or f1, f2, ... for expressions of the user's."""
    if not activation.from_user:
        functions[activation.name] = activation
        return activation.name
    for name, known in functions.items():
        if known.from_user and known.value == activation.value:
            return name
    name = f"f{1 + sum(known.from_user for known in functions.values())}"
    functions[name] = activation
    return name
