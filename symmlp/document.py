"""A derivation as something to read: text, LaTeX and JSON of the same equations, steps and ids."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

import sympy as sp

from symmlp.calculus.functions import ElementFunction, RowFunction
from symmlp.calculus.kinks import Kink
from symmlp.calculus.matrix_form import PRIME
from symmlp.derivation import Derivation, Equation, Formula, Step
from symmlp.deriving import derive as derive_equations
from symmlp.errors import SymmlpError, shown
from symmlp.graph import Layout
from symmlp.matrix import shape_text, variables
from symmlp.printing.formula import FormulaPrinter, Style
from symmlp.printing.latex import LatexStyle
from symmlp.printing.text import TextStyle
from symmlp.spec import Network

CONVENTION = "dV stands for ∂L/∂V and has the shape of V"


@dataclass(frozen=True)
class PrintableDerivation(Derivation):
    """A derivation that prints itself."""

    def wanted(self, wrt: Sequence[str] | None) -> tuple[Equation, ...]:
        """Return the backward equations on the way to the gradients of `wrt`, or all of them.

        Raises:
            SymmlpError: a name in `wrt` that is no array with a gradient.
        """
        if wrt is None:
            return self.backward
        made = {equation.target: equation for equation in self.backward}
        names = {self.backward[0].target}
        for array in wrt:
            if f"d{array}" not in made:
                known = [target.removeprefix("d") for target in made]
                raise SymmlpError(f"wrt: no gradient for {shown(array)}; expected some of {', '.join(known)}")
            _collect(f"d{array}", made, names)
        return tuple(equation for equation in self.backward if equation.target in names)

    def text(self, *, wrt: Sequence[str] | None = None, steps: bool = True) -> str:
        """Return the derivation as Unicode text, with the steps of each equation unless `steps` is False."""
        return "\n".join(_TextPage(self, wrt, steps).lines()) + "\n"

    def latex(self, *, wrt: Sequence[str] | None = None, steps: bool = True) -> str:
        """Return the derivation in LaTeX (amsmath): the equations tagged with their ids, then the steps."""
        return "\n".join(_LatexPage(self, wrt, steps).lines()) + "\n"

    def as_dict(self, *, wrt: Sequence[str] | None = None) -> dict[str, Any]:
        """Return plain data: the spec, the symbols, and each equation with id, kind, target, texts, shape and steps."""
        wanted = {id(equation) for equation in (*self.forward, self.loss, *self.wanted(wrt))}
        chosen = [each for each in self.equations if each.kind == "update" or id(each) in wanted]
        return {
            "spec": self.network.as_dict(),
            "layout": self.layout,
            "convention": CONVENTION,
            "symbols": [{"name": name, "shape": list(shape), "role": role} for name, shape, role in symbols(self)],
            "functions": [_function_dict(name, each) for name, each in self.functions.items()],
            "equations": [_equation_dict(equation) for equation in chosen],
        }

    def _repr_latex_(self) -> str:
        return self.latex(steps=False)


def derive(network: Network, *, layout: Layout = "batch") -> PrintableDerivation:
    """Return the printable derivation of `network`; see `symmlp.deriving.derive`."""
    found = derive_equations(network, layout=layout)
    return PrintableDerivation(**{field.name: getattr(found, field.name) for field in fields(found)})


def _collect(target: str, made: dict[str, Equation], names: set[str]) -> None:
    """Add to `names` every cotangent that the one called `target` is computed from, itself included."""
    pending = [target]
    while pending:
        name = pending.pop()
        if name in made and name not in names:
            names.add(name)
            pending.extend(sorted(variables(made[name].value)))


def symbols(derivation: Derivation) -> Iterator[tuple[str, tuple[int | str, ...], str]]:
    """Yield (name, shape, role) of every array, in the order in which they appear."""
    graph = derivation.graph
    made = {equation.target: equation for equation in derivation.forward}
    inputs, targets = graph.nodes[0].operands["X"], graph.nodes[-1].given["Y"]
    for name, shape in graph.shapes.items():
        if name == inputs:
            yield name, shape, "inputs"
        elif name == targets:
            yield name, shape, "targets"
        elif name in graph.parameters:
            yield name, shape, f"{'weights' if name[0] == 'W' else 'bias'} of layer {name[1:]}"
        elif name in made:
            role = (
                "pre-activation"
                if any(node.op.output == "Z" and node.output == name for node in graph.nodes)
                else "activation"
            )
            last = name == graph.nodes[-1].operands["P"]
            yield name, shape, "prediction" if last else f"{role} of layer {made[name].layer}"
    yield "L", (), "loss"


# Text


@dataclass(frozen=True)
class _TextPage:
    derivation: PrintableDerivation
    wrt: Sequence[str] | None
    steps: bool

    def lines(self) -> Iterator[str]:
        derivation = self.derivation
        yield f"Network  {derivation.network.short()}"
        rows = "one sample a row" if derivation.layout == "batch" else "one sample, a column"
        yield f"Layout   {derivation.layout} ({rows}); {CONVENTION}"
        if any(isinstance(each, ElementFunction) and each.kinks for each in derivation.functions.values()):
            yield f"Kinks    {derivation.network.kinks}: the slope that is taken where branches of max, min or abs meet"
        yield from self._symbols()
        yield from self._section("Forward", derivation.forward)
        yield from self._section("Loss", [derivation.loss])
        yield from self._section("Backward", derivation.wanted(self.wrt))
        yield from self._functions()
        for name, equations in derivation.updates.items():
            yield from self._section(f"Update: {name}", equations)

    def _symbols(self) -> Iterator[str]:
        yield ""
        yield "Symbols"
        rows = [(name, shape_text(shape), role) for name, shape, role in symbols(self.derivation)]
        names, shapes = (max(len(row[at]) for row in rows) for at in (0, 1))
        for name, shape, role in rows:
            yield f"  {name:<{names}}  {shape:<{shapes}}  {role}"
        if self.steps:
            yield "  Indices: p sample, i and j units of a layer, k units of the layer before, a and c free"
        yield "  Products: A B of matrices, ∘ entry by entry, ⊘ quotient entry by entry, 1 a column of ones"

    def _section(self, title: str, equations: Iterable[Equation]) -> Iterator[str]:
        yield ""
        yield title
        for equation in equations:
            yield "  " + equation_text(equation)
            if self.steps:
                yield from (f"      {line}" for line in _step_lines(equation))

    def _functions(self) -> Iterator[str]:
        if not self.derivation.functions:
            return
        yield ""
        yield "Functions"
        for name, function in self.derivation.functions.items():
            for label, formula in function_formulas(name, function, TextStyle()):
                yield f"  {label} = {formula}"
            if isinstance(function, ElementFunction):
                yield from (f"    kink: {kink_text(kink)}" for kink in function.kinks)


def equation_text(equation: Equation) -> str:
    """Return an equation on one line, as `B3  ∂L/∂W2 = dZ2ᵀ A1  (3, 16)`."""
    printer = FormulaPrinter(TextStyle(), entrywise=equation.kind == "update")
    target = TextStyle().name(equation.target)
    if equation.kind == "update":
        return f"{equation.id}  {target} ← {printer.node(equation.value)}"
    head = (
        f"{equation.subject} = {printer.node(equation.value)}"
        if equation.subject
        else f"{target} = {printer.node(equation.value)}"
    )
    assumed = f"  assuming that {', '.join(equation.assumptions)}" if equation.assumptions else ""
    return f"{equation.id}  {head}  {shape_text(equation.shape)}{assumed}"


def _step_lines(equation: Equation) -> Iterator[str]:
    printer = FormulaPrinter(TextStyle())
    last = None
    for step in equation.steps:
        before, after = printer.formula(step.before), printer.formula(step.after)
        if before != last:
            yield before
        yield f"{step.id}  = {after}    [{step.rule}]"
        last = after


def kink_text(kink: Kink) -> str:
    """Return a kink as `where x = 0 the slope is any of [0, 1]; taken: 0`."""
    printer = FormulaPrinter(TextStyle())
    switch, below, above, chosen = (
        printer.formula(Formula(each)) for each in (kink.switch, kink.below, kink.above, kink.chosen)
    )
    ends = (below, above)
    if kink.below.is_number and kink.above.is_number and kink.below > kink.above:
        ends = (above, below)
    return f"where {switch} = 0 the slope is any of [{', '.join(ends)}]; taken: {chosen}"


def function_formulas(name: str, function: ElementFunction | RowFunction, style: Style) -> Iterator[tuple[str, str]]:
    """Yield (name, formula) of a function's definition, its slope, and their stable forms where they differ."""
    printer = FormulaPrinter(style)

    def shown_as(expr: sp.Expr) -> str:
        return printer.formula(Formula(expr))

    if isinstance(function, RowFunction):
        yield style.entry(style.call(name, ["Z"]), ["p", "i"]), shown_as(function.value)
        return
    arguments = [symbol.name for symbol in function.variables]
    pairs = [("", function.value, function.stable_value), (PRIME, function.derivative, function.stable_derivative)]
    for suffix, naive, stable in pairs:
        label = style.call(name + suffix, arguments)
        if shown_as(naive) != label:
            yield label, shown_as(naive)
        if naive != stable:
            yield f"{label}, stable", shown_as(stable)


# LaTeX


@dataclass(frozen=True)
class _LatexPage:
    derivation: PrintableDerivation
    wrt: Sequence[str] | None
    steps: bool

    def lines(self) -> Iterator[str]:
        derivation = self.derivation
        yield "% needs amsmath and amssymb"
        chosen = (*derivation.forward, derivation.loss, *derivation.wanted(self.wrt))
        yield from _aligned([_latex_row(equation) for equation in chosen])
        if self.steps:
            for equation in chosen:
                if equation.steps:
                    yield from _aligned(list(_latex_steps(equation.steps)))
        for equations in derivation.updates.values():
            yield from _aligned([_latex_row(equation) for equation in equations])


def _aligned(rows: Sequence[str]) -> Iterator[str]:
    yield r"\begin{align}"
    for place, row in enumerate(rows, start=1):
        yield "  " + row + (r" \\" if place < len(rows) else "")
    yield r"\end{align}"


def _latex_row(equation: Equation) -> str:
    return rf"{latex_equation(equation)} \tag{{{equation.id}}}"


def latex_equation(equation: Equation) -> str:
    """Return an equation in LaTeX with an alignment mark before its sign."""
    style = LatexStyle()
    printer = FormulaPrinter(style, entrywise=equation.kind == "update")
    target = style.name(equation.target)
    if equation.kind == "update":
        return rf"{target} &\leftarrow {printer.node(equation.value)}"
    if equation.subject:
        target = style.partial("L", style.name(equation.target.removeprefix("d")))
    return f"{target} &= {printer.node(equation.value)}"


def _latex_steps(steps: Sequence[Step]) -> Iterator[str]:
    printer = FormulaPrinter(LatexStyle())
    last = None
    for step in steps:
        before, after = printer.formula(step.before), printer.formula(step.after)
        yield rf"{before if before != last else ''} &= {after} && \text{{{_latex_text(step.rule)}}} \tag{{{step.id}}}"
        last = after


def _latex_text(text: str) -> str:
    return text.replace("_", r"\_").replace(":=", r"$:=$").replace("′", "$'$")


# JSON


def _equation_dict(equation: Equation) -> dict[str, Any]:
    text, latex = FormulaPrinter(TextStyle()), FormulaPrinter(LatexStyle())
    return {
        "id": equation.id,
        "kind": equation.kind,
        "target": equation.target,
        "text": equation_text(equation).removeprefix(f"{equation.id}  "),
        "latex": latex_equation(equation).replace("&", ""),
        "shape": list(equation.shape),
        "assumptions": list(equation.assumptions),
        "steps": [
            {
                "id": step.id,
                "rule": step.rule,
                "before": text.formula(step.before),
                "after": text.formula(step.after),
                "before_latex": latex.formula(step.before),
                "after_latex": latex.formula(step.after),
            }
            for step in equation.steps
        ],
    }


def _function_dict(name: str, function: ElementFunction | RowFunction) -> dict[str, Any]:
    return {"name": name, "formulas": dict(function_formulas(name, function, TextStyle()))}
