"""What a module does with the weights after each update."""

from __future__ import annotations

from symmlp.calculus.matrix_form import MatrixForm
from symmlp.catalog.constraints import r, w
from symmlp.matrix import Var
from symmlp.printing.formula import FormulaPrinter
from symmlp.printing.numpy import NumpyPrinter
from symmlp.printing.text import TextStyle
from symmlp.render.contexts import ConstraintText
from symmlp.spec import Network


def constraint_text(network: Network) -> ConstraintText | None:
    """Return the constraint of a network's weights as formula and as code in W and r, if it has one."""
    found = network.constraint_definition
    if found is None:
        return None
    names = {w: Var("W", ("n", "m")), r: Var("r", ("n", 1))}
    value = MatrixForm({}, {}, names=names).of(found.value, None, None)
    formula = FormulaPrinter(TextStyle(), entrywise=True).node(value)
    return ConstraintText(formula, NumpyPrinter().text(value), found.value.has(r))
