"""Functions of the module: signature, docstring with what was derived and measured, body."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence

from symmlp.calculus.compensation import LEADING
from symmlp.calculus.error_functions import SCALED_DEGREE, far_coefficients, near_coefficients, scaled_tail_coefficients
from symmlp.calculus.functions import ElementFunction, Form, RowFunction
from symmlp.calculus.matrix_form import PRIME
from symmlp.derivation import Formula
from symmlp.matrix import Call, walk
from symmlp.printing.formula import FormulaPrinter
from symmlp.printing.numpy import NumpyPrinter
from symmlp.printing.text import TextStyle
from symmlp.program.ir import Function
from symmlp.render.contexts import ErrorFunctions, FunctionText
from symmlp.render.layout import WIDTH

FEW_ULPS = 40.0
"""Errors up to this many units in the last place are not worth a word in generated code."""


def function_text(function: Function, source: ElementFunction | RowFunction, printer: NumpyPrinter) -> FunctionText:
    """Return a function of the module; `source` is where its formulas come from."""
    names = ", ".join(parameter.name for parameter in function.parameters)
    lines = [f"{each.target.name} = {printer.text(each.value)}" for each in function.statements]
    lines.append(f"return {printer.text(function.result)}")
    return FunctionText(f"{function.name}({names})", tuple(docstring_lines(function, source)), tuple(lines))


def docstring_lines(function: Function, source: ElementFunction | RowFunction) -> Iterator[str]:
    """Yield the lines of a function's docstring: its definition or slope, its stable form, what was measured."""
    names = ", ".join(parameter.name for parameter in function.parameters)
    first, *rest = _formulas(source, slope=function.call.endswith(PRIME))
    paragraphs = [f"{TextStyle().call(function.call, [names])} = {first}", *rest]
    # Formatters take off an indentation that all lines after the first share.
    indent = "    " if len(paragraphs) > 1 else ""
    lines = [line for text in paragraphs for line in textwrap.wrap(text, WIDTH - 12, subsequent_indent=indent)]
    if len(lines) == 1:
        yield f'"""{lines[0]}."""'
        return
    yield f'"""{lines[0]}'
    yield from lines[1:]
    yield '"""'


def _formulas(source: ElementFunction | RowFunction, *, slope: bool) -> list[str]:
    text = FormulaPrinter(TextStyle())
    if isinstance(source, RowFunction):
        counted = ", m entries at the maximum and o the sum of exp(D) over the others"
        note = counted if source.counts else ""
        shift = "−Z − rowmax(−Z)" if source.falling else "Z − rowmax(Z)"
        return [text.formula(Formula(source.value)), f"stable form: in D = {shift}{note}"]
    form = source.slope_form if slope else source.value_form
    shown = [text.formula(Formula(form.formula))]
    if form.formula != form.rewritten:
        shown.append(f"stable form: {text.formula(Formula(form.rewritten))}")
    if form.repairs:
        shown.append(f"with {', '.join(form.repairs)}")
    lost = lost_digits(form)
    if lost is not None:
        shown.append(lost)
    return shown


def lost_digits(form: Form) -> str | None:
    """Return where a form is known to lose digits, or None; told coarsely, so that every machine tells the same."""
    if form.ulps is None or form.ulps <= FEW_ULPS:
        return None
    near = ", ".join(f"{name} = {value:.0e}" for name, value in form.worst_at)
    lost = "no correct digit" if form.ulps >= 2.0**52 else f"about {math.log10(form.ulps):.0f} of 16 digits lost"
    return f"not accurate for all arguments: {lost} near {near}"


def error_functions(functions: Sequence[Function]) -> ErrorFunctions | None:
    """Return what the module's own library needs if some function calls it."""
    lines = [line for function in functions for line in function.lines]
    called = {part.function for line in lines for part in walk(line) if isinstance(part, Call)}
    if not called & {"erf", "erfc", "erfcx", LEADING}:
        return None
    scaled = scaled_tail_coefficients(SCALED_DEGREE) if "erfcx" in called else ()
    near, far = (near_coefficients(), far_coefficients()) if called & {"erf", "erfc"} else ((), ())
    return ErrorFunctions(tuple(map(repr, near)), tuple(map(repr, far)), tuple(map(repr, scaled)), LEADING in called)
