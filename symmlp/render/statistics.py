"""Running statistics of a module: what they start with, and what they become after a batch."""

from __future__ import annotations

from symmlp.calculus.matrix_form import MatrixForm
from symmlp.catalog.layers import of_batch, running
from symmlp.graph import Graph, Statistic
from symmlp.matrix import SizeOf, Var
from symmlp.notation import N
from symmlp.printing.formula import FormulaPrinter
from symmlp.printing.numpy import NumpyPrinter
from symmlp.printing.text import TextStyle
from symmlp.render.contexts import StatisticText


def statistic_text(statistic: Statistic, graph: Graph) -> StatisticText:
    """Return a running statistic of the module; `r` is its own value in the formula and in the code."""
    shape = graph.shapes[statistic.name]
    names = {running: Var("r", shape), of_batch: Var(statistic.name, shape), N: SizeOf("N")}
    value = MatrixForm({}, {}, names=names).of(statistic.update, None, None)
    formula = FormulaPrinter(TextStyle(), entrywise=True).node(value)
    return StatisticText(
        statistic.name,
        int(shape[0]),
        repr(statistic.start),
        f"r \N{LEFTWARDS ARROW} {formula}",
        NumpyPrinter().text(value),
    )
