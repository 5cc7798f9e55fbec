"""From a derivation to the page that every format prints."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

import sympy as sp

from symmlp.calculus.functions import ElementFunction, RowFunction
from symmlp.calculus.index_notation import Partial
from symmlp.calculus.kinks import Kink
from symmlp.calculus.matrix_form import PRIME
from symmlp.calculus.vjp import drop_batch
from symmlp.derivation import Derivation, Equation, Formula
from symmlp.document.beyond import BEYOND_KINDS, is_by_rows, meanings, title
from symmlp.document.descent import Descent
from symmlp.document.matrix_steps import MatrixSteps
from symmlp.document.page import (
    EquationRow,
    FunctionAt,
    FunctionLine,
    FunctionRow,
    Name,
    Page,
    PathRow,
    Prose,
    Reference,
    Section,
    StepRow,
    SymbolRow,
)
from symmlp.document.rules import in_layout, rule_prose, rules_used
from symmlp.graph import Graph
from symmlp.matrix import Add, Divide, MatMul, Product, Reduce, Transpose, Var, shape_text, variables
from symmlp.second_order.hessian import BLOCK, parameters_of, second_gradient
from symmlp.spec import Network
from symmlp.spec_preset import PRESETS

LAYOUTS = {"batch": "one sample a row", "sample": "one sample, a column"}
CONVENTION = "dV stands for ∂L/∂V and has the shape of V"


def build_page(
    derivation: Derivation,
    backward: Sequence[Equation],
    model: str | None = None,
    second: Mapping[str, Sequence[Equation]] | None = None,
) -> Page:
    """Return the page of a derivation, with these of its backward equations, and of those of second order.

    With a name for the model, the negative gradient in all parameters is shown first, the model as one function.
    """
    rows = _Rows(derivation)
    # What leads through other equations of the loss is left to those.
    of_entries = derivation.network.loss_definition.is_of_entries
    descent = Descent(derivation, model) if model is not None and of_entries else None
    return Page(
        network=derivation.network.brief,
        spec=derivation.network.as_dict(),
        layout=derivation.layout,
        facts=(*_facts(derivation), *(descent.facts() if descent else ())),
        symbols=(*(SymbolRow(*row) for row in symbols(derivation)), *((descent.symbol(),) if descent else ())),
        signs=tuple(_signs(derivation)),
        indices=_indices(derivation),
        paths=tuple(rows.paths(backward)),
        sections=(
            rows.section("Forward", derivation.forward),
            rows.section("Loss", derivation.losses),
            *((descent.section(),) if descent else ()),
            rows.section("Backward", backward),
            *(rows.section(title(name, derivation), equations) for name, equations in (second or {}).items()),
        ),
        functions=tuple(_function(derivation, name) for name in derivation.functions),
        updates=tuple(rows.section(f"Update: {name}", each) for name, each in derivation.updates.items()),
    )


def symbols(derivation: Derivation) -> Iterator[tuple[str, tuple[int | str, ...], str]]:
    """Yield (name, shape, role) of every array, in the order in which they appear."""
    for name, shape in derivation.graph.shapes.items():
        yield name, shape, derivation.graph.roles[name]


def _facts(derivation: Derivation) -> Iterator[tuple[str, Prose]]:
    """Yield what holds for the whole page: the layout, the convention, what decides at kinks."""
    yield "Layout", (f"{derivation.layout} ({LAYOUTS[derivation.layout]})",)
    yield (
        "Convention",
        (Name("dV"), " stands for ", _gradient("V"), " and has the shape of ", Name("V"), " (denominator layout)"),
    )
    yield from _contrast(derivation.graph)
    yield from meanings(derivation)
    yield from _preset(derivation.network)
    if any(isinstance(each, ElementFunction) and each.jumps for each in derivation.functions.values()):
        meaning = "the slope that is taken where branches of max, min or abs meet"
        yield "Kinks", (f"{derivation.network.kinks}: {meaning}",)


def _preset(network: Network) -> Iterator[tuple[str, Prose]]:
    """Yield whose defaults hold, and what they are here."""
    if network.preset == "pytorch":
        return
    chosen = {
        "reduction": network.reduction,
        "initializer": network.initializer,
        "optimizer": network.optimizer + network.optimizer_parameters.text(),
        "penalty": network.penalty + network.penalty_parameters.text(),
    }
    peer = PRESETS[network.preset].peer
    yield "Preset", (f"what the spec leaves out is as {peer} has it; {', '.join(map(' '.join, chosen.items()))}",)


def _contrast(graph: Graph) -> Iterator[tuple[str, Prose]]:
    """Yield what the other layout would write, for the first weights."""
    matrices = (name for name in graph.parameters if len(graph.shapes[name]) == 2 and 1 not in graph.shapes[name][1:])
    for weights in islice(matrices, 1):
        shape = graph.shapes[weights]
        flipped = Formula(Transpose(Var(weights, shape)))
        words = f", shape {shape_text(shape[::-1])} instead of {shape_text(shape)}"
        yield "Contrast", ("numerator layout writes ", _gradient(weights), " like ", flipped, words)


def _gradient(name: str) -> Formula:
    """Return ∂L/∂V."""
    return Formula(Partial(sp.Symbol("L"), sp.Symbol(name)))


def _signs(derivation: Derivation) -> Iterator[tuple[Formula, str]]:
    a, b, v = Var("A", ("n", "n")), Var("B", ("n", "n")), Var("v", ("n",))
    yield Formula(MatMul(a, b)), "matrix product"
    yield Formula(Product((a, b))), "product entry by entry"
    yield Formula(Divide(a, b)), "quotient entry by entry"
    if derivation.layout == "batch":
        yield Formula(Add((a, v))), "a vector added to every row; 1 is a column of ones"
        yield Formula(Reduce("sum", a, 0)), "column sums"
        yield Formula(Reduce("sum", a, 1)), "row sums, a column"
    yield Formula(Reduce("sum", a, None)), "sum of all entries"


def _indices(derivation: Derivation) -> Prose:
    samples = "p sample, " if derivation.layout == "batch" else ""
    in_rows = derivation.layout == "sample" and any(map(is_by_rows, derivation.second))
    directions = ", d one of several directions" if in_rows else ""
    return (f"{samples}i and j units of a layer, k units of the layer before, a and c free{directions}",)


@dataclass(frozen=True)
class _Rows:
    """Makes the rows of a page."""

    derivation: Derivation
    full: MatrixSteps = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "full", MatrixSteps(self.derivation))

    def section(self, title: str, equations: Iterable[Equation]) -> Section:
        return Section(title, tuple(map(self.equation, equations)))

    def equation(self, equation: Equation) -> EquationRow:
        """Return an equation with its steps at each depth."""
        row, steps = bare_row(equation), tuple(self._index_steps(equation))
        layout, targets = self.derivation.layout, self.derivation.graph.targets
        return replace(
            row,
            assumptions=tuple(rule_prose(in_layout(each, layout), {"Y": targets}) for each in equation.assumptions),
            chain=self._chain(equation),
            # Beyond the gradient the steps in index notation are the only ones.
            matrix_steps=steps if equation.kind in BEYOND_KINDS else self.full.of(equation, row.head),
            index_steps=steps,
        )

    def _index_steps(self, equation: Equation) -> Iterator[StepRow]:
        rules = (
            rule_prose(self._in_layout(step.rule), source.names) for source in equation.sources for step in source.steps
        )
        for step, rule in zip(equation.steps, rules, strict=True):
            yield StepRow(step.id, rule, step.before, step.after)

    def _in_layout(self, rule: str) -> str:
        return in_layout(rule, self.derivation.layout)

    def _chain(self, equation: Equation) -> Prose:
        """Return what arrives, the equations that it passes, and the rules used."""
        used = ", ".join(rules_used(step.rule for source in equation.sources for step in source.steps))
        if equation.kind != "backward":
            return (used,) if used else ()
        outputs = [node.output for node in self.full.readers(equation.target.removeprefix("d"))]
        arrivals = [part for output in outputs for part in (", ", *self._arrival(output))][1:]
        return ("from ", *arrivals, f": {used}")

    def _arrival(self, output: str) -> Prose:
        through = Reference(self.full.ids[output])
        if output == "L":
            return (Name("L"), " (", through, ")")
        arriving = f"d{output}"
        return (Name(arriving), " (", Reference(self.full.ids[arriving]), ") through ", through)

    def paths(self, backward: Sequence[Equation]) -> Iterator[PathRow]:
        """Yield the way of each parameter whose gradient is among these equations, first layer first."""
        targets = {equation.target for equation in backward}
        for parameter in self.derivation.graph.parameters:
            if f"d{parameter}" in targets:
                yield self._path(parameter)

    def _path(self, parameter: str) -> PathRow:
        arrays = [parameter]
        while arrays[-1] != "L":
            arrays.append(self.full.readers(arrays[-1])[0].output)
        ids = self.full.ids
        back = tuple(ids[name] for name in self._arrived(f"d{parameter}"))
        branches = tuple(name for name in arrays[:-1] if len(self.full.readers(name)) > 1)
        return PathRow(parameter, tuple(arrays), tuple(ids[name] for name in arrays[1:]), back, branches)

    def _arrived(self, target: str) -> list[str]:
        """Return the cotangents that a gradient is computed from, itself last, in the order of the equations."""
        made = {equation.target: equation for equation in self.derivation.backward}
        needed, waiting = set(), [target]
        while waiting:
            name = waiting.pop()
            if name in made and name not in needed:
                needed.add(name)
                waiting.extend(sorted(variables(made[name].value)))
        return [name for name in made if name in needed]


def bare_row(equation: Equation) -> EquationRow:
    """Return an equation without its chain and its steps."""
    return EquationRow(
        id=equation.id,
        kind=equation.kind,
        target=equation.target,
        head=_head(equation),
        value=Formula(equation.value),
        shape=equation.shape,
        assumptions=tuple((each,) for each in equation.assumptions),
        chain=(),
        matrix_steps=(),
        index_steps=(),
    )


def _head(equation: Equation) -> Formula:
    if equation.target.startswith(BLOCK):
        return Formula(second_gradient(*parameters_of(equation.target)))
    name = equation.target.removeprefix("d")
    return _gradient(name) if equation.kind == "backward" else Formula(Var(equation.target, equation.shape))


def _function(derivation: Derivation, name: str) -> FunctionRow:
    function = derivation.functions[name]
    if isinstance(function, RowFunction):
        return FunctionRow(name, (row_line(name, function, in_batch=derivation.layout == "batch"),))
    return FunctionRow(name, tuple(element_lines(name, function)), tuple(kink_prose(kink) for kink in function.jumps))


def row_line(name: str, function: RowFunction, *, in_batch: bool = True) -> FunctionLine:
    """Return the definition of a function of rows, by its entries."""
    if in_batch:
        return FunctionLine(FunctionAt(name, ("Z",), ("p", "i")), Formula(function.value))
    return FunctionLine(FunctionAt(name, ("Z",), ("i",)), Formula(drop_batch(function.value)))


def element_lines(name: str, function: ElementFunction) -> Iterator[FunctionLine]:
    """Yield a function's definition, its slope, and their stable forms where they differ."""
    arguments = tuple(symbol.name for symbol in function.variables)
    pairs = [("", function.value, function.stable_value), (PRIME, function.derivative, function.stable_derivative)]
    if name.endswith(PRIME):  # A slope, which has been shown with the function that it is the slope of.
        pairs = pairs[1:]
    for suffix, naive, stable in pairs:
        label = FunctionAt(name + suffix, arguments)
        if str(naive) != f"{name}({', '.join(arguments)})":
            yield FunctionLine(label, Formula(naive))
        if naive != stable:
            yield FunctionLine(label, Formula(stable), is_stable=True)


def kink_prose(kink: Kink) -> Prose:
    """Return a kink as `where x = 0 the slope is any of [0, 1]; taken: 0`."""
    low, high = kink.below, kink.above
    if low.is_number and high.is_number and low > high:
        low, high = high, low
    met, chosen = Formula(sp.Eq(kink.switch, 0, evaluate=False)), Formula(kink.chosen)
    return ("where ", met, " the slope is any of [", Formula(low), ", ", Formula(high), "]; taken: ", chosen)
