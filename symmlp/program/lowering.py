"""Lower a derivation to a program: one statement an equation, one definition for each function that is called."""

from __future__ import annotations

from fractions import Fraction

import sympy as sp

from symmlp.calculus.computed import computed
from symmlp.calculus.constants import fold_constants
from symmlp.calculus.functions import OTHERS, TIES, ElementFunction, RowFunction
from symmlp.calculus.matrix_form import PRIME, MatrixForm
from symmlp.calculus.tangent import DOT, HAT
from symmlp.catalog.layers import SIZES
from symmlp.catalog.optimizer import Optimizer
from symmlp.catalog.projection import SUPPORT
from symmlp.derivation import Derivation, Equation
from symmlp.errors import ProgramError
from symmlp.matrix import Add, Call, Compare, Number, Product, Reduce, Var, Where, variables, walk
from symmlp.notation import batch, column
from symmlp.program.ir import Function, Program, Routine, Statement, Update

PRIMITIVES = frozenset(
    "exp log sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh erf erfc".split()
    + "abs sign max min expm1 log1p hypot cbrt sqrt leading erfcx".split()
    + [SUPPORT]
)
"""Functions that a target language provides by itself or through a short library of its own."""


def lower(derivation: Derivation) -> Program:
    """Return the program of a derivation in the batch layout.

    Raises:
        ProgramError: the derivation is in the one-sample layout.
    """
    if derivation.layout != "batch":
        raise ProgramError(f"layout is '{derivation.layout}'; expected 'batch' to generate code from")
    shapes = derivation.graph.shapes
    statements = [_statement(equation) for equation in derivation.computed]
    start, end = len(derivation.forward), len(derivation.forward) + len(derivation.totals)
    routines = _routines(derivation)
    further = [statement for routine in routines for statement in routine.statements]
    return Program(
        inputs=tuple(Var(name, shapes[name]) for name in ("X", "Y", derivation.graph.sample_weights) if name),
        drawn=tuple(Var(name, shapes[name]) for mask in derivation.graph.masks for name, *_ in mask.arrays),
        parameters=tuple(Var(name, shapes[name]) for name in derivation.graph.parameters),
        forward=tuple(statements[:start]),
        totals=tuple(statements[start:end]),
        loss=statements[end],
        backward=tuple(statements[end + 1 :]),
        functions=tuple(_functions(derivation, [*statements, *further])),
        updates=tuple(_update(each, derivation.updates[each.name]) for each in derivation.network.optimizers),
        gradients=tuple(f"d{name}" for name in derivation.graph.parameters),
        prediction="P",
        routines=routines,
        constants=tuple(Var(name, shapes[name]) for name in derivation.graph.constants),
    )


def _routines(derivation: Derivation) -> tuple[Routine, ...]:
    """Return a routine for each group of equations beyond the gradient; what it does not need is dropped later."""
    graph, parameters = derivation.graph, derivation.graph.parameters
    prediction = Var(f"J_{graph.prediction}", graph.shapes[graph.prediction])
    rows = tuple(map(_statement, derivation.second.get("jacobian", ())))
    inputs = graph.inputs
    jacobians = (
        Routine("jacobian_of_inputs", (prediction,), rows, (f"J_{inputs}",)),
        Routine("jacobian_of_parameters", (prediction,), rows, tuple(f"J_{name}" for name in parameters)),
    )
    along = tuple(Var(f"{name}{DOT}", graph.shapes[name]) for name in parameters)
    tangents = derivation.second.get("jvp", ())
    products = tuple(
        Routine(name, along, tuple(map(_statement, before + equations)), results)
        for name, before, equations, results in (
            ("jvp", (), tangents, (f"P{DOT}",)),
            *(
                (
                    name,
                    (*derivation.totals, *tangents, *derivation.backward),
                    derivation.second[name],
                    _marked(parameters, mark),
                )
                for name, mark in (("hvp", DOT), ("gauss_newton", HAT))
                if name in derivation.second
            ),
        )
        if name in derivation.second
    )
    return products + (jacobians if rows else ())


def _marked(parameters: tuple[str, ...], mark: str) -> tuple[str, ...]:
    return tuple(f"d{name}{mark}" for name in parameters)


def _statement(equation: Equation) -> Statement:
    target = Var(equation.target, equation.shape)
    return Statement(
        target, equation.stable, equation.id, equation.subject or equation.target, equation.value, equation.layer
    )


def _update(optimizer: Optimizer, equations: tuple[Equation, ...]) -> Update:
    return Update(optimizer, tuple(_statement(equation) for equation in equations))


def lower_function(function: ElementFunction) -> tuple[Function, Function]:
    """Return the definitions of the function's value and of its slope."""
    return _definition(function.name, function), _definition(function.name + PRIME, function)


def _functions(derivation: Derivation, statements: list[Statement]) -> list[Function]:
    called = dict.fromkeys(
        part.function for statement in statements for part in walk(statement.value) if isinstance(part, Call)
    )
    return [
        _definition(call, derivation.functions[call.removesuffix(PRIME)])
        for call in called
        if not _is_primitive(call, derivation)
    ]


def _is_primitive(call: str, derivation: Derivation) -> bool:
    """Return whether the call is a primitive of the same name, such as the activation tanh."""
    function = derivation.functions.get(call)
    if not isinstance(function, ElementFunction):
        return call in PRIMITIVES
    value = function.stable_value
    return call in PRIMITIVES and isinstance(value, sp.Function) and value.args == function.variables


def _definition(call: str, function: ElementFunction | RowFunction) -> Function:
    if isinstance(function, RowFunction):
        return _row_function(call, function)
    stable = function.stable_derivative if call.endswith(PRIME) else function.stable_value
    names = {symbol: Var(symbol.name, ()) for symbol in function.variables}
    result = computed(MatrixForm({}, {}, names=names).of(fold_constants(stable), None, None))
    return Function(call, code_name(call), tuple(names.values()), (), result)


def _row_function(call: str, function: RowFunction) -> Function:
    """Return the function with its row maximum taken off first: D = Z - rowmax(Z), or the same of -Z."""
    rows, shifted = Var("Z", ("N", "n")), Var("D", ("N", "n"))
    others, ties = (Var(str(array.label), ("N", 1)) for array in (OTHERS, TIES))
    form = MatrixForm({array.name: array.shape for array in (rows, shifted, others, ties)}, SIZES)
    minus = Number(Fraction(-1))
    signed = Product((minus, rows)) if function.falling else rows
    shift = Add((signed, Product((minus, Reduce("max", signed, 1)))))
    result = form.of(function.stable_value, batch, column)
    counted = _counted(shifted, others, ties) if others.name in variables(result) else ()
    return Function(call, code_name(call), (rows,), (Statement(shifted, shift), *counted), result)


def _counted(shifted: Var, others: Var, ties: Var) -> tuple[Statement, Statement]:
    """Return the sum of e^D below the maximum of each row, and the number of entries at the maximum."""
    zero, one = Number(Fraction(0)), Number(Fraction(1))
    below = Where(Compare("<", shifted, zero), Call("exp", (shifted,)), zero)
    at_maximum = Where(Compare("==", shifted, zero), one, zero)
    return Statement(others, Reduce("sum", below, 1)), Statement(ties, Reduce("sum", at_maximum, 1))


def code_name(call: str) -> str:
    """Return the name in code of a function or of a function's slopes; `loss` is the module's own."""
    plain = call.rstrip(PRIME)
    return ("entry_loss" if plain == "loss" else plain) + ("", "_slope", "_curvature")[len(call) - len(plain)]
