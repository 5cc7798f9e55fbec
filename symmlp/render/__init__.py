"""Program and template to module text: templates lay out, this room decides."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import fields

from symmlp.calculus.functions import ElementFunction
from symmlp.derivation import Derivation
from symmlp.errors import UnsupportedError, shown
from symmlp.printing.numpy import NumpyPrinter
from symmlp.program.ir import Function, Program
from symmlp.render.contexts import Context, Dtype, ElementwiseContext
from symmlp.render.functions import error_functions, function_text
from symmlp.render.module import plain_context
from symmlp.templating import filled

__all__ = ["MODULES", "Context", "Dtype", "ElementwiseContext", "render", "render_elementwise"]

MODULES = ("numpy/plain",)
"""Templates of training modules, as target/style; the folder also holds parts, and the text of a single function."""


def render(program: Program, derivation: Derivation, *, target: str, style: str, dtype: Dtype, version: str) -> str:
    """Return the text of the module that computes `program`.

    Raises:
        UnsupportedError: there is no template for this target and style.
    """
    if f"{target}/{style}" not in MODULES:
        asked, known = shown(f"{target}/{style}"), ", ".join(MODULES)
        raise UnsupportedError(f"target and style: no template for {asked}; expected one of {known}")
    return _filled(f"{target}/{style}.py.j2", plain_context(program, derivation, dtype, version))


def render_elementwise(functions: Sequence[Function], source: ElementFunction, version: str) -> str:
    """Return the text of a module that holds `functions`, the value and slope of `source`."""
    printer = NumpyPrinter({function.call: function.name for function in functions})
    texts = tuple(function_text(function, source, printer) for function in functions)
    context = ElementwiseContext(version, error_functions(functions), texts)
    return _filled("numpy/elementwise.py.j2", context)


def _filled(name: str, context: Context | ElementwiseContext) -> str:
    """Return the template's text, proven to be Python."""
    values = {field.name: getattr(context, field.name) for field in fields(context)}
    text = filled(name, values)
    ast.parse(text)
    return text
