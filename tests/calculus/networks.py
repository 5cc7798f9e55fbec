"""A derivation evaluated with mpmath numbers: forward, loss and backward equations in the order of the mathematics."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, partial
from itertools import accumulate
from typing import Any, Literal

import numpy as np
import sympy as sp
from mpmath import mp, mpf
from sympy.core.function import AppliedUndef

from symmlp.calculus.functions import ElementFunction, RowFunction
from symmlp.calculus.index_notation import Partial
from symmlp.calculus.slope import slope
from symmlp.calculus.vjp import drop_batch
from symmlp.catalog.activations import x
from symmlp.catalog.losses import p, y
from symmlp.derivation import Derivation, Equation, Formula
from symmlp.matrix import Node, substitute
from symmlp.notation import batch, column, column_of_wrt, row_of_wrt
from tests.calculus.entries import PRIME, Entries, World, entrywise, symbols
from tests.calculus.precise import value
from tests.strategies import Case

Form = Literal["value", "stable"]

ELEMENTARY: Mapping[str, Callable[..., Any]] = {
    name: entrywise(function)
    for name, function in {
        **{name: getattr(mp, name) for name in "exp expm1 log log1p sqrt sin cos tan asin acos atan".split()},
        **{name: getattr(mp, name) for name in "sinh cosh tanh asinh acosh atanh erf erfc hypot sign".split()},
        "abs": abs,
        "max": max,
        "min": min,
    }.items()
}


def number(exact: Fraction) -> Any:
    """Return a rational number in the current precision."""
    return mpf(exact.numerator) / exact.denominator


def precise_entries(array: Entries) -> Entries:
    """Return an array with mpmath numbers for entries."""
    entries: Entries = np.frompyfunc(lambda entry: mpf(float(entry)), 1, 1)(array)
    return entries


def _of_numbers(expr: sp.Expr, variables: tuple[sp.Symbol, ...]) -> Callable[..., Any]:
    def called(*arguments: Any) -> Any:
        return value(expr, {symbol.name: each for symbol, each in zip(variables, arguments, strict=True)})

    return entrywise(called)


def _of_rows(function: RowFunction, *, columns: bool, array: Entries) -> Entries:
    """Return a function that acts on rows, its sums written out; in the one-sample layout the column is the row."""
    rows = array.T if columns else array
    names = symbols("Z", rows.shape)
    world = World({"Z": names}, {"N": rows.shape[0], "n": rows.shape[1]})
    at = {str(name): entry for name, entry in zip(names.flat, rows.flat, strict=True)}
    written: Entries = world.written_out(function.value, (batch, column), rows.shape)
    found = np.frompyfunc(lambda expr: value(expr, at), 1, 1)(written)
    return np.asarray(found.T if columns else found, dtype=object)


def forms_of(derivation: Derivation, form: Form = "value") -> dict[str, tuple[sp.Expr, tuple[sp.Symbol, ...]]]:
    """Return the elementwise functions of a network and their slopes, each with its variables.

    A loss or an activation that is so short that the equations contain it is not listed by the derivation.
    """
    loss = derivation.network.loss_definition
    found: dict[str, tuple[sp.Expr, tuple[sp.Symbol, ...]]] = {}
    short = {"loss" if loss.from_user else loss.name: (loss.value, (p, y))}
    short |= {name: (each.value, (x,)) for name, each in derivation.graph.functions.items() if each.acts_on == "entry"}  # type: ignore[misc]
    for name, (expr, variables) in short.items():
        found |= {name: (expr, variables), name + PRIME: (_derivative(expr, variables[0]), variables)}
    for name, function in derivation.functions.items():
        if isinstance(function, ElementFunction):
            stable = form == "stable"
            expr = function.stable_value if stable else function.value
            derivative = function.stable_derivative if stable else function.derivative
            found |= {name: (expr, function.variables), name + PRIME: (derivative, function.variables)}
    return found


@cache
def _derivative(expr: sp.Expr, variable: sp.Symbol) -> sp.Expr:
    return slope(expr, variable).derivative


def functions_of(derivation: Derivation, form: Form = "value") -> dict[str, Callable[..., Any]]:
    """Return what the function names of a derivation stand for: as defined and derived, or as computed."""
    elementwise = {name: _of_numbers(*each) for name, each in forms_of(derivation, form).items()}
    of_rows = {
        name: partial(_row_function, function, derivation.layout == "sample")
        for name, function in derivation.functions.items()
        if isinstance(function, RowFunction)
    }
    support = partial(_support, columns=derivation.layout == "sample")
    return {**ELEMENTARY, "simplex_support": support, **elementwise, **of_rows}


def _row_function(function: RowFunction, columns: bool, array: Entries) -> Entries:
    return _of_rows(function, columns=columns, array=array)


def _support(array: Entries, *, columns: bool) -> Entries:
    """Return 1 where an entry is in the support of its row's projection on the simplex, found from the largest on."""
    rows = array.T if columns else array
    inside = np.array([[number(Fraction(int(entry > _threshold(row)))) for entry in row] for row in rows], dtype=object)
    return inside.T if columns else inside


def _threshold(row: Entries) -> Any:
    """Return u, for which the positive parts of the entries less u sum to 1."""
    falling = sorted(row, reverse=True)
    sums = accumulate(falling)
    return max((total - 1) / count for count, total in enumerate(sums, start=1))


@dataclass(frozen=True)
class Values:
    """The arrays of a derivation, those that are given and those that its equations make."""

    derivation: Derivation
    arrays: dict[str, Any]
    form: Form = "value"

    @classmethod
    def of(cls, derivation: Derivation, case: Case, form: Form = "value") -> Values:
        """Return parameters, inputs and targets of a case; the one-sample layout takes the first sample."""
        one = derivation.layout == "sample"
        shapes, given, place = derivation.graph.shapes, {}, 0
        theta = case.theta()
        for name in derivation.graph.parameters:
            shape = tuple(int(size) for size in shapes[name])
            count = int(np.prod(shape))
            given[name] = theta[place : place + count].reshape(shape)
            place += count
        inputs, targets = case.inputs(), case.targets()
        if targets.ndim == 1:
            targets = np.eye(case.network.outputs)[targets]
        first = derivation.graph.nodes[0]
        given[first.operands["X"]] = inputs[:1].T if one else inputs
        given[derivation.graph.targets] = targets[:1].T if one else targets
        return cls(derivation, {name: precise_entries(array) for name, array in given.items()}, form)

    def world(self) -> World:
        """Return the world in which the derivation's nodes are evaluated."""
        rows = next(iter(self.arrays[self.derivation.graph.nodes[0].operands["X"]].shape[:1]))
        return World(self.arrays, {"N": rows}, functions_of(self.derivation, self.form), number)

    def made(self, equations: Iterable[Equation]) -> Values:
        """Return the values with the targets of the equations added, one after the other."""
        values = Values(self.derivation, dict(self.arrays), self.form)
        world = values.world()
        for equation in equations:
            node = equation.value if self.form == "value" else equation.stable
            values.arrays[equation.target] = world.node(node)
        return values

    def everything(self) -> Values:
        """Return the values of all arrays."""
        derivation = self.derivation
        return self.made((*derivation.forward, *derivation.losses, *derivation.backward))

    def loss(self) -> Any:
        """Return the loss, computed forward."""
        return self.made((*self.derivation.forward, *self.derivation.losses)).arrays["L"]

    def moved(self, name: str, place: tuple[int, ...], step: Any) -> Values:
        """Return the values with one entry of a given array moved."""
        array = self.arrays[name].copy()
        array[place] += step
        return Values(self.derivation, {**self.arrays, name: array}, self.form)

    def numerical_slope(self, name: str, place: tuple[int, ...]) -> Any:
        """Return ∂L/∂name[place] as a central difference, good to about twenty digits where precision is forty."""
        step = mpf(10) ** -12
        above, below = (self.moved(name, place, sign * step).loss() for sign in (1, -1))
        return (above - below) / (2 * step)


@dataclass(frozen=True)
class Steps:
    """The two sides of every step of an equation, evaluated at the last place of its target."""

    values: Values
    equation: Equation
    definitions: Mapping[str, Callable[..., Any]]

    @property
    def place(self) -> tuple[int, ...]:
        """The last place of the target, one index for each axis but a column's second."""
        shape = self.shape[:1] if self.values.derivation.layout == "sample" and self.shape[1:] == (1,) else self.shape
        return tuple(size - 1 for size in shape)

    @property
    def wanted(self) -> dict[sp.Symbol, int]:
        """The indices of the target at that place."""
        indices: tuple[sp.Symbol, ...] = (row_of_wrt, column_of_wrt)
        return dict(zip(indices, self.place, strict=False))

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the target here."""
        sizes = self.values.world().sizes
        return tuple(int(sizes.get(str(size), size)) for size in self.equation.shape)

    def entry(self, array: Any) -> Any:
        """Return the entry of an array of the target's shape at that place; a number is its own entry."""
        entries = np.broadcast_to(np.asarray(array, dtype=object), self.shape)
        return entries[self.place if len(self.place) == entries.ndim else (*self.place, 0)]

    def side(self, formula: Formula) -> Any:
        """Return the number that a side stands for, or None if a derivative is not carried out in it."""
        if isinstance(formula.content, Node):
            return self._of_node(formula)
        return None if formula.content.has(Partial) else self._of_entry(formula)

    def _of_node(self, formula: Formula) -> Any:
        values = self.values
        world = values.world()
        arrays, functions = dict(world.arrays), dict(world.functions)
        for own, name in formula.names.items():
            arrays |= {own: world.arrays[name]} if name in world.arrays else {}
            functions |= {own + end: functions[name + end] for end in ("", PRIME) if name + end in functions}
        content = substitute(formula.content, {}, formula.sizes, {})
        found = World(arrays, world.sizes, functions, number).node(content)
        return self.entry(found)

    def _of_entry(self, formula: Formula) -> Any:
        names = {own: name for own, name in formula.names.items() if name in self.values.arrays}
        numbers = {own: self.values.arrays[name] for own, name in names.items()}
        arrays = {own: symbols(own, np.shape(array)) for own, array in numbers.items()}
        at = {
            str(name): entry
            for own in arrays
            for name, entry in zip(arrays[own].flat, np.ravel(numbers[own]), strict=True)
        }
        at |= {own: np.ravel(array)[0] for own, array in numbers.items() if not np.shape(array)}
        sizes = {**self.values.world().sizes, **formula.sizes}  # type: ignore[misc]
        places: dict[sp.Symbol, int] = {batch: 0, column: 1, **self.wanted}
        written = World(arrays, sizes, self._called(formula)).at(self._inlined(formula), places)
        return value(written, {**ARGUMENTS, **at})

    def _called(self, formula: Formula) -> dict[str, Callable[..., Any]]:
        """Return what the names of functions in a formula stand for, in the op's own names too."""
        known = self.definitions
        named = {
            own + end: known[name + end] for own, name in formula.names.items() for end in ("", PRIME) if name in known
        }
        return {**known, **named}

    def _inlined(self, formula: Formula) -> sp.Expr:
        """Return the formula with functions that act on rows written out."""
        known = self.values.derivation.functions
        columns = self.values.derivation.layout == "sample"

        def is_of_row(part: sp.Basic) -> bool:
            return isinstance(part, AppliedUndef) and isinstance(known.get(str(part.func)), RowFunction)

        def written(part: sp.Expr) -> sp.Expr:
            row = known[str(part.func)].value
            axes = [column] if columns else [batch, column]
            placed = dict(zip(axes, part.args[0].indices, strict=True))
            return (drop_batch(row) if columns else row).xreplace(placed)

        assert not isinstance(formula.content, Node)
        return formula.content.replace(is_of_row, written)


def definitions_of(derivation: Derivation) -> dict[str, Callable[..., Any]]:
    """Return the elementwise functions of a network and their slopes, as functions of expressions."""
    return {name: partial(_inserted, *each) for name, each in forms_of(derivation).items()}


TOTALS = {"t": 35, "q": 52, "r": 47, "u": 29, "v": 58, "s": 61, "w": 44}
ARGUMENTS = {name: mpf(number) / 64 for name, number in {"x": 27, "z": -19, "p": 41, "y": 23, **TOTALS}.items()}
"""Numbers for the variables of elementwise functions, p and y being probabilities."""


def _inserted(expr: sp.Expr, variables: tuple[sp.Symbol, ...], *arguments: sp.Expr) -> sp.Expr:
    return expr.xreplace(dict(zip(variables, arguments, strict=True)))
