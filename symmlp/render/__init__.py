"""Program and template to module text: templates lay out, this room decides."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import fields

from symmlp.calculus.functions import ElementFunction
from symmlp.derivation import Derivation
from symmlp.printing.numpy import NumpyPrinter
from symmlp.program.cost import Cost
from symmlp.program.ir import Function, Program
from symmlp.program.workspace import Plan
from symmlp.render.buffered import buffered_context
from symmlp.render.compiled import compiled_context
from symmlp.render.contexts import BufferedContext, CompiledContext, Context, Dtype, ElementwiseContext, ModuleContext
from symmlp.render.functions import error_functions, function_text
from symmlp.render.module import plain_context
from symmlp.templating import filled

__all__ = [
    "BufferedContext",
    "CompiledContext",
    "Context",
    "Dtype",
    "ElementwiseContext",
    "render",
    "render_buffered",
    "render_compiled",
    "render_elementwise",
]


def render(program: Program, derivation: Derivation, *, cost: Cost, dtype: Dtype, version: str) -> str:
    """Return the text of the plain module that computes `program`, a line an equation."""
    return _filled("numpy/plain.py.j2", plain_context(program, derivation, dtype, version, cost))


def render_buffered(program: Program, plan: Plan, derivation: Derivation, *, dtype: Dtype, version: str) -> str:
    """Return the text of the module that computes a program in the memory that `plan` gives it.

    What lies beyond the gradient is that of `program`, a line an equation.
    """
    return _filled("numpy/buffered.py.j2", buffered_context(program, plan, derivation, dtype, version))


def render_compiled(program: Program, plan: Plan, derivation: Derivation, *, dtype: Dtype, version: str) -> str:
    """Return the text of the module whose loops Numba compiles; `program` is its reference, a line an equation."""
    return _filled("numba/plain.py.j2", compiled_context(program, plan, derivation, dtype, version))


def render_elementwise(functions: Sequence[Function], source: ElementFunction, version: str) -> str:
    """Return the text of a module that holds `functions`, the value and slope of `source`."""
    printer = NumpyPrinter({function.call: function.name for function in functions})
    texts = tuple(function_text(function, source, printer) for function in functions)
    context = ElementwiseContext(version, error_functions(functions), texts)
    return _filled("numpy/elementwise.py.j2", context)


def _filled(name: str, context: ModuleContext | ElementwiseContext) -> str:
    """Return the template's text, proven to be Python."""
    values = {field.name: getattr(context, field.name) for field in fields(context)}
    text = filled(name, values)
    ast.parse(text)
    return text
