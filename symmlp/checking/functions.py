"""Functions that a candidate may call, by the names that text, formulas and generated code have for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np

from symmlp.calculus.functions import ElementFunction, RowFunction
from symmlp.calculus.matrix_form import PRIME, MatrixForm
from symmlp.calculus.numeric import evaluate
from symmlp.catalog.activations import TABLE, canonical, x
from symmlp.catalog.layers import SIZES
from symmlp.catalog.projection import SUPPORT
from symmlp.checking.evaluating import Evaluator, Function
from symmlp.checking.tokens import SLOPE
from symmlp.derivation import Derivation
from symmlp.matrix import Node
from symmlp.notation import batch, column
from symmlp.program.lowering import code_name, lower_function

_SLOPES = (SLOPE, "_prime", PRIME)


@dataclass(frozen=True)
class Callee:
    """A function of the network: its name in formulas, and how many arrays it takes."""

    call: str
    count: int


@dataclass(frozen=True)
class Functions(Mapping[str, Function]):
    """The network's functions and their slopes by their names in formulas, each with its meaning in numbers.

    Elementwise activations of the catalogue are there too, and are derived when they are asked for.
    """

    derivation: Derivation

    def __getitem__(self, call: str) -> Function:
        return self._meanings[call]

    def __iter__(self) -> Any:
        return iter(self.derivation.functions)

    def __len__(self) -> int:
        return len(self.derivation.functions)

    def get(self, call: str, default: Any = None) -> Any:
        """Return the meaning of a function or of its slope, or `default` for a name of no function."""
        if call not in self._meanings:
            function = self.function(call.removesuffix(PRIME))
            if function is None:
                return default
            self._meanings[call] = self._meaning(function, is_slope=call.endswith(PRIME))
        return self._meanings[call]

    @cached_property
    def _meanings(self) -> dict[str, Function]:
        return {SUPPORT: partial(_support, columns=self.derivation.layout == "sample")}

    @cached_property
    def _derived(self) -> dict[str, ElementFunction]:
        return {}

    def function(self, name: str) -> ElementFunction | RowFunction | None:
        """Return the network's function of this name, or else the catalogue's."""
        own = self.derivation.functions.get(name)
        if own is not None or name not in TABLE or TABLE[name].acts_on == "row":
            return own
        if name not in self._derived:
            kinks = self.derivation.network.kinks
            self._derived[name] = ElementFunction.derive(name, TABLE[name].value, (x,), kinks=kinks)
        return self._derived[name]

    def callee(self, name: str) -> Callee | None:
        """Return what a name in a candidate's text calls: tanh, tanh_slope, tanh_prime, entry_loss_slope."""
        if name == SUPPORT:
            return Callee(SUPPORT, 1)
        suffix = next((ending for ending in _SLOPES if name.endswith(ending)), "")
        plain = self._in_formulas(name.removesuffix(suffix) if suffix else name)
        function = self.function(plain)
        if isinstance(function, ElementFunction):
            return Callee(plain + (PRIME if suffix else ""), len(function.variables))
        return Callee(plain, 1) if function is not None and not suffix else None

    def _in_formulas(self, name: str) -> str:
        """Return the name in formulas of a function that code or another library calls `name`."""
        in_code = {code_name(own): own for own in self.derivation.functions}
        return in_code.get(name) or (name if name in TABLE else canonical(name))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the network's functions as code has them, slopes included."""
        found = []
        for name, function in self.derivation.functions.items():
            found.append(code_name(name))
            found += [code_name(name + PRIME)] if isinstance(function, ElementFunction) else []
        return tuple(found)

    def without_slope(self) -> dict[str, str]:
        """Return why the slopes of functions of a row cannot be called."""
        reason = "acts on a whole row and has a Jacobian matrix, no slope entry by entry"
        rows = [name for name, function in self.derivation.functions.items() if isinstance(function, RowFunction)]
        return {name + ending: f"is no function: {name} {reason}" for name in rows for ending in _SLOPES}

    def _meaning(self, function: ElementFunction | RowFunction, *, is_slope: bool) -> Function:
        if isinstance(function, RowFunction):
            return _of_rows(function, columns=self.derivation.layout == "sample")
        definition = lower_function(function)[is_slope]
        return _of_entries([array.name for array in definition.parameters], definition.result)


def _of_entries(names: list[str], result: Node) -> Function:
    def meaning(*arguments: Any) -> Any:
        arrays = np.broadcast_arrays(*(np.asarray(argument, dtype=float) for argument in arguments))
        return np.broadcast_to(evaluate(result, dict(zip(names, arrays, strict=True))), arrays[0].shape)

    return meaning


def _support(argument: Any, *, columns: bool) -> Any:
    """Return 1 where the entries of a row above an entry exceed it by less than 1 in total, else 0."""
    rows = np.transpose(argument) if columns else np.atleast_2d(argument)
    excess = np.maximum(rows[:, np.newaxis, :] - rows[:, :, np.newaxis], 0).sum(axis=2)
    inside = (excess < 1).astype(float)
    return np.transpose(inside) if columns else inside


def _of_rows(function: RowFunction, *, columns: bool) -> Callable[[Any], Any]:
    node = MatrixForm({"Z": ("N", "n")}, SIZES).of(function.value, batch, column)

    def meaning(argument: Any) -> Any:
        rows = np.transpose(argument) if columns else np.atleast_2d(argument)
        value = Evaluator({"Z": rows}, len(rows)).value(node)
        return np.transpose(value) if columns else value

    return meaning
