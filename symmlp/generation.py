"""The pipeline: network to module text, one line a stage."""

from __future__ import annotations

from typing import Literal

from symmlp.deriving import derive
from symmlp.errors import UnsupportedError, shown
from symmlp.printing.numpy import width_of
from symmlp.program import passes
from symmlp.program.lowering import lower
from symmlp.render import Dtype, render
from symmlp.spec import Network
from symmlp.version import __version__


def generate(
    network: Network, *, target: str = "numpy", style: Literal["plain"] | str = "plain", dtype: Dtype = "float64"
) -> str:
    """Return the source of a training module for `network`; the same network gives the same bytes everywhere.

    Raises:
        SymmlpError: the network cannot be derived, or target, style or dtype is unknown.
    """
    if dtype not in ("float64", "float32"):
        raise UnsupportedError(f"dtype: expected float64 or float32, got {shown(dtype)}")
    derivation = derive(network)
    program = lower(derivation)
    program = passes.drop_unused(program)
    program = passes.share_terms(program)
    program = passes.split_long(program, width_of(program.names), limit=72)
    program.check()
    return render(program, derivation, target=target, style=style, dtype=dtype, version=__version__)
