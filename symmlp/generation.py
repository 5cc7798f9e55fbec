"""The pipeline: network to module text, one line a stage."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace

from symmlp.calculus.effort import within_limit
from symmlp.derivation import Derivation
from symmlp.deriving import derive
from symmlp.errors import UnsupportedError, shown
from symmlp.printing.numpy import width_of
from symmlp.program import passes
from symmlp.program.cost import cost_of
from symmlp.program.error_functions import error_functions
from symmlp.program.instructions import drop_dead, sequence
from symmlp.program.ir import Program
from symmlp.program.lean_choices import lean_choices
from symmlp.program.lean_rows import lean_rows
from symmlp.program.lowering import lower
from symmlp.program.workspace import Plan, plan
from symmlp.render import Dtype, render, render_buffered, render_compiled
from symmlp.second_order import with_second_order
from symmlp.showing import CodeText
from symmlp.spec import Network
from symmlp.version import __version__


def generate(
    network: Network,
    *,
    target: str = "numpy",
    style: str = "plain",
    dtype: Dtype = "float64",
    with_: Sequence[str] = (),
    almost_everywhere: bool = False,
) -> CodeText:
    """Return the source of a training module for `network`; the same network gives the same bytes everywhere.

    `with_` adds what lies beyond the gradient: `jvp`, `hvp` (and the Hessian), `gauss_newton`, `jacobian`. Where a
    slope jumps there is no second derivative; `almost_everywhere` leaves such points out.

    Raises:
        SymmlpError: the network cannot be derived, or target, style or dtype is unknown.
    """
    if dtype not in ("float64", "float32"):
        raise UnsupportedError(f"dtype: expected float64 or float32, got {shown(dtype)}")
    if f"{target}/{style}" not in WRITERS:
        asked, known = shown(f"{target}/{style}"), ", ".join(WRITERS)
        raise UnsupportedError(f"target and style: no template for {asked}; expected one of {known}")
    # The Hessian of a module is made of products with unit vectors.
    wished = tuple(dict.fromkeys("hvp" if name == "hessian" else name for name in with_))
    derivation = with_second_order(derive(network), wished, almost_everywhere=almost_everywhere)
    program = lower(derivation)
    program = passes.drop_unused(program)
    with within_limit("expressions") if _has_expressions(network) else nullcontext():
        return CodeText(WRITERS[f"{target}/{style}"](program, derivation, dtype))


def _has_expressions(network: Network) -> bool:
    """Return whether a function of the network is an expression of the user's own."""
    definitions = (network.loss_definition, *(getattr(layer, "definition", None) for layer in network.layers))
    return any(definition is not None and definition.from_user for definition in definitions)


def planned(network: Network, dtype: Dtype | None) -> Plan:
    """Return the plan of a network's step; erf and erfc are written out for a dtype, or calls without one."""
    return _planned(passes.drop_unused(lower(derive(network))), dtype)


def _plain(program: Program, derivation: Derivation, dtype: Dtype) -> str:
    """Return the module that reads like a textbook: a line an equation."""
    optimizer = derivation.network.optimizer
    cost = cost_of(_planned(program, None), blocked=False, dtype=dtype, optimizer=optimizer)
    return render(_with_terms(program), derivation, cost=cost, dtype=dtype, version=__version__)


def _buffered(program: Program, derivation: Derivation, dtype: Dtype) -> str:
    """Return the module that allocates nothing per step: an operation a line, memory planned."""
    return render_buffered(_with_terms(program), _planned(program, dtype), derivation, dtype=dtype, version=__version__)


def _compiled(program: Program, derivation: Derivation, dtype: Dtype) -> str:
    """Return the module whose loops Numba compiles, with the plain equations as their reference."""
    return render_compiled(_with_terms(program), _planned(program, dtype), derivation, dtype=dtype, version=__version__)


def _with_terms(program: Program) -> Program:
    """Return the program with repeated and long terms of its functions named."""
    program = passes.share_terms(program)
    program = passes.split_long(program, width_of(program.names), limit=72)
    return program.check()


def _planned(program: Program, dtype: Dtype | None) -> Plan:
    """Return the program with one operation a line and a place in memory for every array.

    What lies beyond the gradient is left out: no training step computes it.
    """
    program = passes.drop_unused(replace(program, routines=()))
    written = lean_choices(lean_rows(program)) if dtype else program
    sequenced = sequence(written.check(), error_functions(dtype) if dtype else ())
    sequenced = drop_dead(sequenced).check()
    return plan(sequenced)


WRITERS = {"numpy/plain": _plain, "numpy/buffered": _buffered, "numba/plain": _compiled}
"""How a program becomes text, by target and style."""
