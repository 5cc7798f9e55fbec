"""Everything that the template of a training module uses, decided here: templates only lay out."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from symmlp.catalog.optimizer import AVERAGES, Optimizer
from symmlp.derivation import Derivation
from symmlp.graph import Mask
from symmlp.matrix import shape_text
from symmlp.printing.numpy import NumpyPrinter
from symmlp.program.cost import Cost, cost_lines
from symmlp.program.ir import Program
from symmlp.render.constraints import constraint_text
from symmlp.render.contexts import Context, Dtype, MaskText, ParameterText
from symmlp.render.functions import error_functions
from symmlp.render.initializers import initializer_text
from symmlp.render.layout import WIDTH, assignment, broken_call, literal, tuple_lines
from symmlp.render.optimizers import optimizer_text, takes_zero
from symmlp.render.routines import beyond_fields, second_order_rows
from symmlp.render.statements import Writer, gradient_result, masks_unpacking, reading, size_reading
from symmlp.render.statistics import statistic_text
from symmlp.spec_layers import Activate, Dense, Layer

COSTED = 32
"""The number of samples for which a module's cost stands there as a number: the batch size of `fit`."""


def shared(
    program: Program, derivation: Derivation, template: str, dtype: Dtype, version: str, cost: Cost
) -> dict[str, Any]:
    """Return the fields that every template of a training module uses."""
    network, loss = derivation.network, derivation.network.loss_definition
    is_compiled = template.startswith("numba/")
    is_binary = loss.targets == "signs" or loss.decides.startswith("above")
    return {
        "version": version,
        "template": template,
        "engine": "NumPy alone" if template.startswith("numpy/") else "NumPy and Numba",
        "checked": "compiled_loss_and_grad" if is_compiled and dtype == "float64" else "_loss_and_grad",
        "compares_compiled": is_compiled and dtype == "float32",
        "digest": network.digest(),
        "dtype": dtype,
        "description": _description(derivation),
        "notation": tuple(_notation(program, derivation)),
        "cost": tuple(cost_lines(cost, COSTED)),
        "spec": literal(network.as_dict()),
        "inputs": network.inputs,
        "outputs": network.outputs,
        "n_params": sum(math.prod(map(int, parameter.shape)) for parameter in program.parameters),
        "parameters": tuple(ParameterText(each.name, shape_text(each.shape)) for each in program.parameters),
        "starts": tuple((name, repr(value)) for name, value in derivation.graph.starts.items()),
        "initializer": initializer_text(network),
        "layers": tuple(_layers(derivation).items()),
        "masks": tuple(_mask(mask, derivation) for mask in derivation.graph.masks),
        "drawn": tuple(array.name for array in program.drawn),
        "keep_all": tuple(_keep_all(derivation.graph.masks)),
        "constants": tuple(line for name in derivation.graph.constants for line in _constant(name, derivation)),
        "statistics": tuple(statistic_text(each, derivation.graph) for each in derivation.graph.statistics),
        "prediction_kind": loss.decides,
        "target_kind": loss.targets,
        "ignored": "" if network.ignore_index is None else repr(network.ignore_index),
        "weighted": bool(derivation.graph.sample_weights),
        "one_class": loss.targets == "classes" or (is_binary and network.outputs == 1),
        "projects": any(each is not None and each.is_projection for each in network.activations),
        "default_optimizer": network.optimizer,
        "takes_zero": takes_zero(program.updates),
        "averages": _averages(network.optimizers),
        "constraint": constraint_text(network),
    }


def forward_fields(program: Program, derivation: Derivation) -> dict[str, Any]:
    """Return the fields of the functions and the forward pass of a module that has a line an equation."""
    writer = Writer(derivation, NumpyPrinter(program.names))
    made = [statement.target.name for statement in program.forward]
    return {
        "error_functions": error_functions(program.functions),
        "masks_unpacking": tuple(masks_unpacking(program, {array.name for array in program.drawn})),
        "functions": tuple(writer.function(function) for function in program.functions),
        "unpacking": tuple(assignment([each.name for each in program.parameters], "unpack(theta)")),
        "forward": (*size_reading(program.forward), *writer.statements(program.forward)),
        "forward_result": tuple(tuple_lines("return ", made)),
    }


def plain_fields(program: Program, derivation: Derivation) -> dict[str, Any]:
    """Return the fields of a module that has a line an equation, optimizers left out."""
    writer = Writer(derivation, NumpyPrinter(program.names))
    held = tuple(each.name for each in derivation.graph.statistics)
    return {
        **forward_fields(program, derivation),
        "loss_reading": tuple(reading(program, program.losses, given=("statistics",) if held else ())),
        "loss": tuple(writer.statements(program.losses)),
        "backward_reading": tuple(reading(program, [*program.losses, *program.backward], also=held)),
        "backward": tuple(writer.statements(program.backward)),
        "gradient_result": tuple(gradient_result(program)),
    }


def plain_context(program: Program, derivation: Derivation, dtype: Dtype, version: str, cost: Cost) -> Context:
    """Return what the plain template uses."""
    return Context(
        **shared(program, derivation, "numpy/plain", dtype, version, cost),
        **plain_fields(program, derivation),
        **beyond_fields(program, derivation),
        optimizers=tuple(optimizer_text(update) for update in program.updates),
    )


def _averages(optimizers: Sequence[Optimizer]) -> str:
    """Return the name of the state that is a mean of the parameters, if an optimizer keeps one."""
    kept = [name for name in AVERAGES for each in optimizers if name in {symbol.name for symbol in each.state}]
    return kept[0] if kept else ""


def _description(derivation: Derivation) -> str:
    """Return the network in one line: sizes and the names of functions, never a user's own text."""
    network = derivation.network
    functions = {node.layer: node.function for node in derivation.graph.network_nodes if node.function}
    layers = [_layer_text(layer, functions.get(number)) for number, layer in enumerate(network.layers, start=1)]
    loss = "an expression of its own" if network.loss_definition.from_user else network.loss
    text = " -> ".join([str(network.inputs), *layers]) + f", loss {loss} ({network.reduction})"
    return "\n".join(textwrap.wrap(text, WIDTH, break_long_words=False))


def _layer_text(layer: Layer, function: str | None) -> str:
    """Return `8 tanh`, or the type and the numbers of any other layer."""
    if isinstance(layer, Dense):
        return f"{layer.units} {function}"
    return str(function) if isinstance(layer, Activate) else layer.brief


def _layers(derivation: Derivation) -> dict[str, int]:
    """Return the layer of each parameter, unless every name is a letter and the layer's number."""
    graph = derivation.graph
    layers = {name: node.layer for node in graph.nodes for name in node.operands.values() if name in graph.parameters}
    return {} if all(name == f"{name[0]}{layer}" for name, layer in layers.items()) else layers


def _mask(mask: Mask, derivation: Derivation) -> MaskText:
    (_, width) = derivation.graph.shapes[mask.factor[0]]
    arrays = tuple((name, repr(kept), repr(dropped)) for name, dropped, kept in mask.arrays)
    return MaskText(repr(mask.rate), int(width), arrays, mask.law)


def _constant(name: str, derivation: Derivation) -> Iterator[str]:
    values = derivation.graph.constants[name]
    if len(set(values)) == 1:
        yield f"{name} = np.full({len(values)}, {values[0]!r}, DTYPE)"
        return
    numbers = f"[{', '.join(map(repr, values))}]"
    if len(numbers) + 8 + len("DTYPE") <= WIDTH:
        yield from broken_call(f"{name} = np.array({numbers}, DTYPE)", WIDTH)
    else:
        yield from (
            f"{name} = np.array(",
            "    [",
            *(f"        {each!r}," for each in values),
            "    ],",
            "    DTYPE,",
            ")",
        )


def _whole(mask: Mask) -> tuple[str, ...]:
    _, first, second = mask.factor
    of_one = {"uniform": (first + second) / 2, "normal": first}
    return (repr(of_one[mask.law]),) if mask.law in of_one else ("1.0", "0.0")[: len(mask.arrays)]


def _keep_all(masks: Sequence[Mask]) -> list[str]:
    """Return the lines that give the values of all masks in prediction: factors 1, shifts 0, slopes their mean."""
    values = [value for mask in masks for value in _whole(mask)]
    return tuple_lines("KEEP_ALL = ", values) if values else []


def _notation(program: Program, derivation: Derivation) -> Iterator[str]:
    rows = [("N", "", "samples in the batch"), ("X", shape_text(program.inputs[0].shape), "inputs")]
    rows.append(("Y", shape_text(program.inputs[1].shape), "targets"))
    arrays = (
        *program.inputs[2:],
        *program.parameters,
        *program.drawn,
        *program.constants,
        *(each.target for each in (*program.forward, *program.totals)),
    )
    rows += [(each.name, shape_text(each.shape), derivation.graph.roles[each.name]) for each in arrays]
    rows += [("L", "()", "loss"), ("dV", "as V", "∂L/∂V, for any V above"), *second_order_rows(program)]
    rows.insert(0, ("name", "shape", "meaning"))
    names, shapes = (max(len(row[at]) for row in rows) for at in (0, 1))
    for name, shape, meaning in rows:
        yield f"{name:<{names}}  {shape:<{shapes}}  {meaning}"
