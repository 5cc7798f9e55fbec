"""The computational graph of a network."""

from symmlp.graph.building import build_graph
from symmlp.graph.records import Graph, GraphNode, Layout, Mask, Statistic

__all__ = ["Graph", "GraphNode", "Layout", "Mask", "Statistic", "build_graph"]
