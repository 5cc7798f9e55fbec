"""The computational graph of a network."""

from symmlp.graph.building import build_graph
from symmlp.graph.records import Graph, GraphNode, Layout, Mask

__all__ = ["Graph", "GraphNode", "Layout", "Mask", "build_graph"]
