"""How a module draws the parameters that it begins with."""

from __future__ import annotations

import math

from symmlp.calculus.matrix_form import MatrixForm
from symmlp.catalog.initializers import TABLE
from symmlp.derivation import Formula
from symmlp.matrix import SizeOf
from symmlp.notation import m, n
from symmlp.printing.formula import FormulaPrinter
from symmlp.printing.numpy import NumpyPrinter
from symmlp.printing.text import TextStyle
from symmlp.render.contexts import InitializerText
from symmlp.spec import Network


def initializer_text(network: Network) -> InitializerText:
    """Return how the weights of `network` are drawn."""
    entry = TABLE[network.initializer]
    hidden = tuple(each.name for each in network.activations[:-1] if each is not None)
    scale = entry.scale_for(hidden)
    node = MatrixForm({}, {}, names={m: SizeOf("m"), n: SizeOf("n")}).of(scale, None, None)
    code = NumpyPrinter().text(node).replace("np.", "math.")
    sizes = "n, m = SHAPES" if n in scale.free_symbols else "_, m = SHAPES" if m in scale.free_symbols else ""
    is_scaled = entry.distribution in ("uniform", "normal", "truncated")
    text = FormulaPrinter(TextStyle()).formula(Formula(scale))
    return InitializerText(
        entry.name, entry.distribution, text, code if is_scaled else "", sizes, entry.biases, repr(_kept())
    )


def _kept() -> float:
    """Return the standard deviation of a normal distribution of deviation 1 that is cut off at -2 and 2."""
    density = math.exp(-2) / math.sqrt(2 * math.pi)
    return math.sqrt(1 - 4 * density / math.erf(math.sqrt(2)))
