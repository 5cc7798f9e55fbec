"""`elementwise`: one expression as a NumPy function with its derived slope, right where its naive form fails."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import ModuleType
from typing import Any

import numpy as np
import sympy as sp

from symmlp.calculus.accuracy import WORST as NOTHING_RIGHT
from symmlp.calculus.accuracy import naive_failure, worst_error
from symmlp.calculus.effort import within_limit
from symmlp.calculus.functions import ElementFunction, Form
from symmlp.derivation import Formula
from symmlp.document import function_formulas, kink_text
from symmlp.errors import ExpressionError, did_you_mean, shown
from symmlp.expression import names_in, parse, require_real_branches
from symmlp.printing.formula import FormulaPrinter
from symmlp.printing.latex import LatexStyle
from symmlp.printing.numpy import width_of
from symmlp.printing.text import TextStyle
from symmlp.program import passes
from symmlp.program.lowering import lower_function
from symmlp.render import render_elementwise
from symmlp.verification.loading import load_text
from symmlp.version import __version__

NAME = "f"


@dataclass(frozen=True)
class Elementwise:
    """A function of arrays, entry by entry: call it for its value, call `grad` for its slope in `wrt`.

    `variables` are taken in this order by position, or by name; those in `defaults` may be left out.
    """

    expression: str
    variables: tuple[str, ...]
    wrt: str
    function: ElementFunction
    defaults: Mapping[str, float] = field(default_factory=dict)

    def __call__(self, *args: Any, **values: Any) -> Any:
        """Return the value, in the dtype of the arguments (float64 for integers).

        Raises:
            ExpressionError: an argument is missing, unknown or no real number.
        """
        return self._call(NAME, args, values)

    def grad(self, *args: Any, **values: Any) -> Any:
        """Return the derivative with respect to `wrt`, in the dtype of the arguments.

        Raises:
            ExpressionError: an argument is missing, unknown or no real number.
        """
        return self._call(f"{NAME}_slope", args, values)

    @cached_property
    def source(self) -> str:
        """The text of a module with the functions `f` and `f_slope`, which needs NumPy only."""
        with within_limit("expression"):
            functions = [passes.share_function(each) for each in lower_function(self.function)]
            width = width_of({each.call: each.name for each in functions})
            split = [passes.split_function(each, width, limit=72) for each in functions]
            return render_elementwise(split, self.function, __version__)

    def text(self) -> str:
        """Return what `symmlp function` prints: formulas, stable forms and why, kinks, measured errors, code."""
        return "\n".join(_description(self)) + "\n"

    def _repr_latex_(self) -> str:
        formulas = function_formulas(NAME, self.function, LatexStyle())
        lines = [f"{label} &= {formula}" for label, formula in formulas if not label.endswith(", stable")]
        rows = r" \\ ".join(lines)
        return rf"$$\begin{{aligned}}{rows}\end{{aligned}}$$"

    @cached_property
    def _module(self) -> ModuleType:
        return load_text(self.source)

    def _call(self, name: str, args: Sequence[Any], values: Mapping[str, Any]) -> Any:
        arrays = self._arrays(args, values)
        kind = np.result_type(*(array for array in arrays.values()))
        cast = {each.name: arrays[each.name].astype(kind) for each in self.function.variables}
        with np.errstate(all="ignore"):
            found = getattr(self._module, name)(*(cast[each.name] for each in self.function.variables))
        shape = np.broadcast_shapes(*(array.shape for array in arrays.values()))
        return np.broadcast_to(np.asarray(found, dtype=kind), shape).copy()[()]

    def _arrays(self, args: Sequence[Any], values: Mapping[str, Any]) -> dict[str, Any]:
        if len(args) > len(self.variables):
            raise ExpressionError(f"arguments: {len(args)} given, expected {', '.join(self.variables)}")
        given = {**self.defaults, **dict(zip(self.variables, args, strict=False)), **values}
        for name in given:
            if name not in self.variables:
                hint = did_you_mean(name, self.variables) or f"; expected {', '.join(self.variables)}"
                raise ExpressionError(f"arguments: unknown name {shown(name)}{hint}")
        for name in self.variables:
            if name not in given:
                raise ExpressionError(f"arguments: no value for {shown(name)}; expected {', '.join(self.variables)}")
        return {name: _real_array(name, given[name]) for name in self.variables}


def _real_array(name: str, value: Any) -> np.ndarray[Any, Any]:
    array = np.asarray(value)
    if array.dtype.kind in "iu":
        return array.astype(np.float64)
    if array.dtype.kind != "f":
        raise ExpressionError(f"{name}: expected real numbers, got {array.dtype}")
    return array


def elementwise(text: str, wrt: str | None = None, *, parameters: Mapping[str, float] | None = None) -> Elementwise:
    """Return the function that `text` defines, with its slope in `wrt` (x, or the only variable, if not given).

    `parameters` are further variables with default values.

    >>> fn = elementwise("x*tanh(log(1 + exp(x)))")
    >>> float(fn(1000.0)), float(fn.grad(1000.0))
    (1000.0, 1.0)

    Raises:
        ExpressionError: the text is outside the expression language, or `wrt` is no variable of it.
    """
    names = names_in(text)
    defaults = dict(parameters or {})
    for name in defaults:
        if name not in names:
            raise ExpressionError(f"parameters: {shown(name)} does not occur in the expression")
    variables = tuple(name for name in names if name not in defaults)
    value = parse(text, variables, parameters=tuple(defaults))
    require_real_branches(value, field="expression")
    chosen = _chosen(wrt, (*variables, *defaults))
    symbols = sorted((sp.Symbol(name, real=True) for name in names), key=lambda symbol: symbol.name != chosen)
    with within_limit("expression"):
        function = ElementFunction.derive(NAME, value, tuple(symbols), care="full")
    return Elementwise(text, (*variables, *defaults), chosen, function, defaults)


def _description(fn: Elementwise) -> Iterator[str]:
    """Yield the lines of a function's description."""
    printer = FormulaPrinter(TextStyle())
    arguments = ", ".join(symbol.name for symbol in fn.function.variables)
    for title, label, form in (
        ("value", f"{NAME}({arguments})", fn.function.value_form),
        ("derivative", f"∂{NAME}/∂{fn.wrt}", fn.function.slope_form),
    ):
        yield f"{title:<12}{label} = {printer.formula(Formula(form.formula))}"
        if form.rewritten != form.formula:
            yield f"  stable    {printer.formula(Formula(form.rewritten))}"
        yield from (f"  repaired  {repair}" for repair in form.repairs)
        yield f"  why       {_reason(form)}"
        yield from _measured(form)
    yield from (f"kink        {kink_text(kink)}" for kink in fn.function.jumps)
    yield "code"
    yield from (f"  {line}".rstrip() for line in _definitions(fn.source))


def _reason(form: Form) -> str:
    """Return why the stable form is needed, from what the naive one does on the hostile points."""
    if form.formula == form.stable:
        return "the formula is computed as it stands"
    single = sorted(form.formula.free_symbols, key=sp.default_sort_key)
    if len(single) != 1:
        return "the naive form overflows or cancels for some arguments"
    return naive_failure(form.formula, single[0]) or "one rounding less"


def _measured(form: Form) -> Iterator[str]:
    symbols = sorted(form.formula.free_symbols, key=sp.default_sort_key)
    if len(symbols) == 1:
        for dtype in (np.float64, np.float32):
            worst, at = worst_error(form.formula, form.stable, symbols[0], dtype, wide=True)
            yield f"  measured  {np.dtype(dtype).name}: largest error {_shown(worst)}, at {symbols[0].name} = {at:g}"
    elif form.ulps is not None:
        where = ", ".join(f"{name} = {value:g}" for name, value in form.worst_at)
        yield f"  measured  float64: largest error {_shown(form.ulps)}, at {where}"


def _shown(worst: float) -> str:
    return "no correct digit" if worst >= NOTHING_RIGHT else f"{worst:.2g} ulp"


def _definitions(source: str) -> list[str]:
    lines = source.splitlines()
    return lines[lines.index("import numpy as np") :]


def _chosen(wrt: str | None, names: Sequence[str]) -> str:
    if not names:
        raise ExpressionError("expression: has no variable; its derivative is zero everywhere")
    if wrt is None:
        if "x" in names or len(names) == 1:
            return "x" if "x" in names else names[0]
        raise ExpressionError(f"wrt: expected one of {', '.join(names)}")
    if wrt not in names:
        raise ExpressionError(f"wrt: unknown variable {shown(wrt)}; expected one of {', '.join(names)}")
    return wrt
