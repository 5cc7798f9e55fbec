"""Program and template to module text: templates lay out, this module decides."""

from __future__ import annotations

import ast
import math
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

from symmlp.calculus.error_functions import far_coefficients, near_coefficients
from symmlp.calculus.functions import ElementFunction, Form, RowFunction
from symmlp.calculus.matrix_form import PRIME
from symmlp.derivation import Derivation, Formula
from symmlp.errors import UnsupportedError, shown
from symmlp.graph import Mask
from symmlp.matrix import Call, Var, shape_of, shape_text, sizes_used, variables, walk
from symmlp.printing.formula import FormulaPrinter
from symmlp.printing.numpy import NumpyPrinter
from symmlp.printing.text import TextStyle
from symmlp.program.ir import Function, Program, Statement, Update
from symmlp.program.passes import replaced
from symmlp.spec_layers import Dense, Layer
from symmlp.templating import filled

FEW_ULPS = 40.0
"""Errors up to this many units in the last place are not worth a word in generated code."""

WIDTH = 88
"""Longest line of code in a generated module, as formatters have it by default."""

MODULES = ("numpy/plain",)
"""Templates of training modules, as target/style; the folder also holds parts, and the text of a single function."""

Dtype = Literal["float64", "float32"]


@dataclass(frozen=True)
class FunctionText:
    """A function of the module: its signature, its docstring and the lines of its body."""

    signature: str
    docstring: tuple[str, ...]
    body: tuple[str, ...]


@dataclass(frozen=True)
class OptimizerText:
    """An optimizer class of the module."""

    name: str
    class_name: str
    title: str
    defaults: str
    hyperparameters: tuple[str, ...]
    state: tuple[str, ...]
    reading: tuple[str, ...]
    lines: tuple[str, ...]


@dataclass(frozen=True)
class ParameterText:
    """A parameter's name and its shape as Python writes it."""

    name: str
    shape: str


@dataclass(frozen=True)
class MaskText:
    """Arrays that are drawn together: the probability that an entry is dropped, the shape, and (name, value) pairs.

    `arrays` gives the name of each, what it holds where an entry is kept, and where it is dropped.
    """

    rate: str
    width: int
    arrays: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class ErrorFunctions:
    """Coefficients of the module's erf and erfc, as Python writes them."""

    near: tuple[str, ...]
    far: tuple[str, ...]


@dataclass(frozen=True)
class Context:
    """Everything that a template may use; each field is used, and nothing else is there."""

    version: str
    digest: str
    dtype: str
    description: str
    notation: tuple[str, ...]
    spec: str
    inputs: int
    outputs: int
    n_params: int
    parameters: tuple[ParameterText, ...]
    starts: tuple[tuple[str, str], ...]
    layers: tuple[tuple[str, int], ...]
    masks: tuple[MaskText, ...]
    drawn: tuple[str, ...]
    keep_all: tuple[str, ...]
    masks_unpacking: tuple[str, ...]
    error_functions: ErrorFunctions | None
    functions: tuple[FunctionText, ...]
    unpacking: tuple[str, ...]
    forward: tuple[str, ...]
    forward_result: tuple[str, ...]
    loss_reading: tuple[str, ...]
    loss: tuple[str, ...]
    backward_reading: tuple[str, ...]
    backward: tuple[str, ...]
    gradient_result: tuple[str, ...]
    optimizers: tuple[OptimizerText, ...]
    prediction_kind: str
    target_kind: str


@dataclass(frozen=True)
class ElementwiseContext:
    """Everything that the template of a single function may use."""

    version: str
    error_functions: ErrorFunctions | None
    functions: tuple[FunctionText, ...]


def render_elementwise(functions: Sequence[Function], source: ElementFunction, version: str) -> str:
    """Return the text of a module that holds `functions`, the value and slope of `source`."""
    printer = NumpyPrinter({function.call: function.name for function in functions})
    texts = tuple(_function_text(function, source, printer) for function in functions)
    context = ElementwiseContext(version, _error_functions(functions), texts)
    return _filled("numpy/elementwise.py.j2", context)


def _filled(name: str, context: Context | ElementwiseContext) -> str:
    """Return the template's text, proven to be Python."""
    values = {field.name: getattr(context, field.name) for field in fields(context)}
    text = filled(name, values)
    ast.parse(text)
    return text


def render(program: Program, derivation: Derivation, *, target: str, style: str, dtype: Dtype, version: str) -> str:
    """Return the text of the module that computes `program`.

    Raises:
        UnsupportedError: there is no template for this target and style.
    """
    if f"{target}/{style}" not in MODULES:
        asked, known = shown(f"{target}/{style}"), ", ".join(MODULES)
        raise UnsupportedError(f"target and style: no template for {asked}; expected one of {known}")
    return _filled(f"{target}/{style}.py.j2", _context(program, derivation, dtype, version))


def _context(program: Program, derivation: Derivation, dtype: Dtype, version: str) -> Context:
    network, loss = derivation.network, derivation.network.loss_definition
    writer = _Writer(derivation, NumpyPrinter(program.names))
    made = [statement.target.name for statement in program.forward]
    return Context(
        version=version,
        digest=network.digest(),
        dtype=dtype,
        description=_description(derivation),
        notation=tuple(_notation(program, derivation)),
        spec=_literal(network.as_dict()),
        inputs=network.inputs,
        outputs=network.outputs,
        n_params=sum(math.prod(map(int, parameter.shape)) for parameter in program.parameters),
        parameters=tuple(ParameterText(each.name, shape_text(each.shape)) for each in program.parameters),
        starts=tuple((name, repr(value)) for name, value in derivation.graph.starts.items()),
        layers=tuple(_layers(derivation).items()),
        masks=tuple(_mask(mask, derivation) for mask in derivation.graph.masks),
        drawn=tuple(array.name for array in program.drawn),
        keep_all=tuple(_keep_all(derivation.graph.masks)),
        masks_unpacking=tuple(_masks_unpacking(program, {array.name for array in program.drawn})),
        error_functions=_error_functions(program.functions),
        functions=tuple(writer.function(function) for function in program.functions),
        unpacking=tuple(_assignment([each.name for each in program.parameters], "unpack(theta)")),
        forward=tuple(writer.statements(program.forward)),
        forward_result=tuple(_tuple_lines("return ", made)),
        loss_reading=tuple(_reading(program, [program.loss])),
        loss=tuple(writer.statements([program.loss])),
        backward_reading=tuple(_reading(program, [program.loss, *program.backward])),
        backward=tuple(writer.statements(program.backward)),
        gradient_result=tuple(_gradient_result(program)),
        optimizers=tuple(_optimizer(update) for update in program.updates),
        prediction_kind=loss.decides,
        target_kind=loss.targets,
    )


def _description(derivation: Derivation) -> str:
    """Return the network in one line: sizes and the names of functions, never a user's own text."""
    network = derivation.network
    functions = {node.layer: node.function for node in derivation.graph.nodes[:-1] if node.function}
    layers = [_layer_text(layer, functions.get(number)) for number, layer in enumerate(network.layers, start=1)]
    loss = "an expression of its own" if network.loss_definition.from_user else network.loss
    text = " -> ".join([str(network.inputs), *layers]) + f", loss {loss} ({network.reduction})"
    return "\n".join(textwrap.wrap(text, WIDTH, break_long_words=False))


def _layer_text(layer: Layer, function: str | None) -> str:
    """Return `8 tanh`, or the type and the numbers of any other layer."""
    if isinstance(layer, Dense):
        return f"{layer.units} {function}"
    return str(function) if layer.definition else layer.short


def _layers(derivation: Derivation) -> dict[str, int]:
    """Return the layer of each parameter, unless every name is a letter and the layer's number."""
    graph = derivation.graph
    layers = {name: node.layer for node in graph.nodes for name in node.operands.values() if name in graph.parameters}
    return {} if all(name == f"{name[0]}{layer}" for name, layer in layers.items()) else layers


def _mask(mask: Mask, derivation: Derivation) -> MaskText:
    (_, width) = derivation.graph.shapes[mask.factor[0]]
    arrays = tuple((name, repr(kept), repr(dropped)) for name, dropped, kept in mask.arrays)
    return MaskText(repr(mask.rate), int(width), arrays)


def _keep_all(masks: Sequence[Mask]) -> list[str]:
    """Return the lines that give the values of all masks when nothing is dropped: factors 1, shifts 0."""
    values = [value for mask in masks for value in ("1.0", "0.0")[: len(mask.arrays)]]
    return _tuple_lines("KEEP_ALL = ", values) if values else []


def _masks_unpacking(program: Program, read: set[str]) -> list[str]:
    """Return the line that names the masks; those that are not `read` after it are marked so."""
    names = [array.name if array.name in read else f"_{array.name}" for array in program.drawn]
    return _assignment(names, "KEEP_ALL if masks is None else masks") if names else []


def _notation(program: Program, derivation: Derivation) -> Iterator[str]:
    rows = [("N", "", "samples in the batch"), ("X", shape_text(program.inputs[0].shape), "inputs")]
    rows.append(("Y", shape_text(program.inputs[1].shape), "targets"))
    arrays = (*program.parameters, *program.drawn, *(each.target for each in program.forward))
    rows += [(each.name, shape_text(each.shape), derivation.graph.roles[each.name]) for each in arrays]
    rows += [("L", "()", "loss"), ("dV", "as V", "∂L/∂V, for any V above")]
    rows.insert(0, ("name", "shape", "meaning"))
    names, shapes = (max(len(row[at]) for row in rows) for at in (0, 1))
    for name, shape, meaning in rows:
        yield f"{name:<{names}}  {shape:<{shapes}}  {meaning}"


@dataclass(frozen=True)
class _Writer:
    """Writes statements: the equation as a comment, the line, its shape."""

    derivation: Derivation
    printer: NumpyPrinter

    def statements(self, statements: Iterable[Statement]) -> Iterator[str]:
        for statement in statements:
            formula = FormulaPrinter(TextStyle()).node(statement.formula) if statement.formula is not None else ""
            yield from _comment(f"{statement.id}  {statement.subject} = {formula}")
            yield from self._assigned(statement)

    def _assigned(self, statement: Statement) -> Iterator[str]:
        """Yield the assignment with its shape behind it, or above where the line would be too long.

        A call that makes it too long by itself is named `slope` first, its arguments on a line of their own.
        """
        name, shape = statement.target.name, shape_text(statement.target.shape)
        line = f"{name} = {self.printer.text(statement.value)}"
        if len(line) + len(shape) + 8 <= WIDTH:
            yield f"{line}  # {shape}"
            return
        calls = [part for part in walk(statement.value) if isinstance(part, Call) and len(part.arguments) > 1]
        if len(line) + 4 > WIDTH and calls:
            call = max(calls, key=lambda each: len(self.printer.text(each)))
            yield from _call_lines("slope = ", self.printer.text(call))
            line = f"{name} = {self.printer.text(replaced(statement.value, call, Var('slope', shape_of(call))))}"
            yield f"{line}  # {shape}"
            return
        yield f"# shape {shape}"
        yield line

    def function(self, function: Function) -> FunctionText:
        """Return a function of the module."""
        return _function_text(function, self.derivation.functions[function.call.removesuffix(PRIME)], self.printer)


def _function_text(function: Function, source: ElementFunction | RowFunction, printer: NumpyPrinter) -> FunctionText:
    names = ", ".join(parameter.name for parameter in function.parameters)
    lines = [f"{each.target.name} = {printer.text(each.value)}" for each in function.statements]
    lines.append(f"return {printer.text(function.result)}")
    return FunctionText(f"{function.name}({names})", tuple(_docstring(function, source)), tuple(lines))


def _comment(text: str) -> list[str]:
    return textwrap.wrap(
        text, WIDTH - 4, initial_indent="# ", subsequent_indent="#     ", break_long_words=False, break_on_hyphens=False
    )


def _docstring(function: Function, source: ElementFunction | RowFunction) -> Iterator[str]:
    """Yield the lines of a function's docstring: its definition or slope, its stable form, what was measured."""
    names = ", ".join(parameter.name for parameter in function.parameters)
    first, *rest = _formulas(source, slope=function.call.endswith(PRIME))
    paragraphs = [f"{function.call}({names}) = {first}", *rest]
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
    if form.repairs:
        shown.append(f"computed in a stable form with {', '.join(form.repairs)}")
    elif form.formula != form.stable:
        shown.append(f"stable form: {text.formula(Formula(form.stable))}")
    lost = lost_digits(form)
    if lost is not None:
        shown.append(lost)
    return shown


def lost_digits(form: Form) -> str | None:
    """Return where a form is known to lose digits, or None; told coarsely, so that every machine tells the same."""
    if form.ulps is None or form.ulps <= FEW_ULPS:
        return None
    if form.ulps >= 2.0**52:
        return f"not accurate for all arguments: no correct digit near x = {form.worst_at:.0e}"
    lost = f"about {math.log10(form.ulps):.0f} of 16 digits lost"
    return f"not accurate for all arguments: {lost} near x = {form.worst_at:.0e}"


def _call_lines(head: str, call: str) -> list[str]:
    """Return a call on one line, or its arguments on a line between, as formatters lay it out."""
    if len(head) + len(call) + 4 <= WIDTH:
        return [head + call]
    name, _, arguments = call.removesuffix(")").partition("(")
    return [f"{head}{name}(", f"    {arguments}", ")"]


def _tuple_lines(head: str, names: Sequence[str]) -> list[str]:
    """Return a tuple on one line, or one name a line where it would be too long, as formatters lay it out."""
    one = head + (", ".join(names) if len(names) > 1 else f"({names[0]},)")
    if len(one) + 4 <= WIDTH:
        return [one]
    return [f"{head}(", *(f"    {name}," for name in names), ")"]


def _assignment(names: Sequence[str], value: str) -> list[str]:
    one = ", ".join(names) if len(names) > 1 else f"({names[0]},)"
    if len(one) + len(value) + 7 <= WIDTH:
        return [f"{one} = {value}"]
    return ["(", *(f"    {name}," for name in names), f") = {value}"]


def _reading(program: Program, statements: Iterable[Statement]) -> Iterator[str]:
    """Yield the lines that fetch what `statements` read: N, parameters by name, then what the forward pass made."""
    statements = tuple(statements)
    if any("N" in sizes_used(statement.value) for statement in statements):
        yield "N = X.shape[0]"
    read = {name for statement in statements for name in variables(statement.value)}
    weights = [each.name for each in program.parameters if each.name in read]
    if program.drawn and read & {array.name for array in program.drawn}:
        yield from _masks_unpacking(program, read)
    if weights:
        yield "parameters = unpack(theta)"
        yield from (f"{name} = parameters.{name}" for name in weights)
    made = [each.target.name for each in program.forward]
    first = next(at for at, name in enumerate(made) if name in read)
    names = [name if name in read else f"_{name}" for name in made[first:]]
    yield from _assignment(
        ["*_", *names] if first else names, f"propagate(theta, X{', masks' if program.drawn else ''})"
    )


def _gradient_result(program: Program) -> list[str]:
    one = f"return L, pack([{', '.join(program.gradients)}], out)"
    if len(one) + 4 <= WIDTH:
        return [one]
    return ["gradients = [", *(f"    {name}," for name in program.gradients), "]", "return L, pack(gradients, out)"]


def _literal(value: Any, indent: int = 0) -> str:
    """Return plain data as a Python literal in ASCII, laid out as formatters do."""
    one = ascii(value).replace("'", '"') if _plain_quotes(value) else ascii(value)
    if not isinstance(value, dict | list) or not value:
        return one
    pad = " " * (indent + 4)
    if isinstance(value, dict):
        items = [f"{pad}{_quoted(key)}: {_literal(item, indent + 4)}," for key, item in value.items()]
        return "{\n" + "\n".join(items) + "\n" + " " * indent + "}"
    return "[\n" + "\n".join(f"{pad}{_literal(item, indent + 4)}," for item in value) + "\n" + " " * indent + "]"


def _quoted(text: str) -> str:
    quoted = ascii(text)
    return f'"{quoted[1:-1]}"' if '"' not in quoted and "\\" not in quoted else quoted


def _plain_quotes(value: Any) -> bool:
    return isinstance(value, str) and '"' not in ascii(value)[1:-1] and "\\" not in ascii(value) and "'" not in value


def _optimizer(update: Update) -> OptimizerText:
    symbols = [name for name, _ in update.defaults]
    read = {name for statement in update.statements for name in variables(statement.value)}
    reading = [f"{name} = self.{name}" for name in (*symbols, *update.state, "t") if name in read]
    return OptimizerText(
        name=update.name,
        class_name=update.class_name,
        title=update.title,
        defaults=", ".join(f"{name}={value!r}" for name, value in update.defaults),
        hyperparameters=tuple(f'self.{name} = {_check_of(name)}("{name}", {name})' for name in symbols),
        state=update.state,
        reading=tuple(reading),
        lines=tuple(_update_lines(update)),
    )


def _check_of(hyperparameter: str) -> str:
    return "_fraction" if hyperparameter.startswith("beta") else "_positive"


def _update_lines(update: Update) -> Iterator[str]:
    text, code = FormulaPrinter(TextStyle(), entrywise=True), NumpyPrinter()
    for statement in update.statements:
        assert statement.formula is not None
        yield f"# {statement.id}  {TextStyle().name(statement.target.name)} ← {text.node(statement.formula)}"
        kept = "[:]" if statement.target.name in (*update.state, "theta") else ""
        yield f"{statement.target.name}{kept} = {code.text(statement.value)}"


def _error_functions(functions: Sequence[Function]) -> ErrorFunctions | None:
    """Return the coefficients if some function needs erf or erfc."""
    lines = [line for function in functions for line in function.lines]
    called = {part.function for line in lines for part in walk(line) if isinstance(part, Call)}
    if not called & {"erf", "erfc"}:
        return None
    return ErrorFunctions(tuple(map(repr, near_coefficients())), tuple(map(repr, far_coefficients())))
