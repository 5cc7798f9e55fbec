"""Formulas to text: one walk over matrix nodes, one over indexed SymPy expressions; a style says how parts look."""

from __future__ import annotations

from dataclasses import dataclass

from symmlp.derivation import Formula
from symmlp.matrix import Node
from symmlp.printing.index_formula import IndexWalk
from symmlp.printing.node_formula import NodeWalk
from symmlp.printing.style import Style


@dataclass(frozen=True)
class FormulaPrinter:
    """Prints formulas in one style; with `entrywise` every product is meant entry by entry, as in update equations."""

    style: Style
    entrywise: bool = False

    def formula(self, formula: Formula) -> str:
        """Return a step's formula, in the names that its arrays have in this network."""
        if isinstance(formula.content, Node):
            renamed = {old: new for old, new in formula.names.items() if old != new}
            return NodeWalk(self.style, self.entrywise, renamed, formula.sizes).text(formula.content)
        return IndexWalk(self.style, formula.names, formula.sizes).text(formula.content)

    def node(self, node: Node) -> str:
        """Return a matrix-level formula."""
        return NodeWalk(self.style, self.entrywise).text(node)
