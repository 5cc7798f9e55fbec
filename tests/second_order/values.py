"""Jacobians and blocks of the Hessian, computed from the equations of a derivation in either layout, and what they are.

In the layout of one sample it is the first of the sample's rows, as a column.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

import symmlp
from symmlp.calculus.functions import ElementFunction, RowFunction
from symmlp.derivation import Derivation, Equation
from symmlp.matrix import Filled, Node, Number, SizeOf, rebuild
from symmlp.program.lowering import code_name
from symmlp.second_order import HESSIAN
from symmlp.second_order.hessian import BLOCK, block_name
from symmlp.verification.complex_step import STEP
from symmlp.verification.sample import Sample, draw_sample
from symmlp.verification.subject import Subject, quiet
from tests.printing.evaluation import FUNCTIONS, evaluate
from tests.second_order.functions import of_numbers

Array = np.ndarray[Any, np.dtype[Any]]
Functions = Mapping[str, Callable[..., Any]]
Computing = Callable[[Equation, Mapping[str, Any], Functions], Any]


def computed(equation: Equation, arrays: Mapping[str, Any], functions: Functions) -> Any:
    """Return what the printed value of an equation stands for."""
    return evaluate(with_sizes(equation.value, arrays["N"], arrays["rows"]), arrays, functions)


def with_sizes(node: Node, samples: int, rows: int) -> Node:
    """Return a value with numbers for N: as a number it counts each sample once, as a height all rows."""
    match node:
        case SizeOf("N"):
            return Number(Fraction(samples))
        case Filled(value, shape):
            inner = with_sizes(value, samples, rows)
            return Filled(inner, tuple(rows if size == "N" else size for size in shape))
        case _:
            return rebuild(node, lambda part: with_sizes(part, samples, rows))


@dataclass(frozen=True)
class Values:
    """The numbers of a derivation with a Jacobian and blocks, at a sample; `computing` evaluates an equation."""

    derivation: Derivation
    subject: Subject
    sample: Sample
    computing: Computing = computed

    @classmethod
    def of(cls, derivation: Derivation, *, with_: Sequence[str] = ("hvp", "jacobian"), **options: Any) -> Values:
        """Return the numbers at a sample that is drawn for the network; `options` are those of `generate`."""
        network = derivation.network
        source = symmlp.generate(network, with_=with_, **options)
        subject, sample = Subject.of(source, network), draw_sample(network, 0)
        if derivation.layout == "sample":
            first = {layer: tuple(array[:1] for array in own) for layer, own in sample.masks.items()}
            sample = replace(sample, inputs=sample.inputs[:1], targets=sample.targets[:1], masks=first)
        return cls(derivation, subject, sample)

    @property
    def is_column(self) -> bool:
        """Whether the layout is that of one sample."""
        return self.derivation.layout == "sample"

    @cached_property
    def functions(self) -> Functions:
        """The functions that equations call; those of rows are the module's."""
        found = of_numbers(each for each in self.derivation.functions.values() if isinstance(each, ElementFunction))
        for name, function in self.derivation.functions.items():
            if isinstance(function, RowFunction):
                found[name] = self._of_rows(getattr(self.subject.module, code_name(name)))
        return {"simplex_support": self._of_rows(FUNCTIONS["simplex_support"]), **found}

    def _of_rows(self, function: Callable[[Array], Array]) -> Callable[[Array], Array]:
        return (lambda column: function(column.T).T) if self.is_column else function

    @cached_property
    def arrays(self) -> dict[str, Any]:
        """Every array up to the gradient, by name."""
        graph, samples = self.derivation.graph, len(self.sample.inputs)
        found: dict[str, Any] = {"N": samples, "rows": samples}
        drawn = (array for mask in self.sample.masks.values() for array in mask)
        names = (name for mask in graph.masks for name, *_ in mask.arrays)
        targets = self.sample.dense_targets(self.derivation.network.outputs)
        of_samples = {graph.inputs: self.sample.inputs, graph.targets: targets, **dict(zip(names, drawn, strict=True))}
        of_units = {**self.subject.layout.views(self.sample.theta)}
        of_units |= {name: np.array(values) for name, values in graph.constants.items()}
        for name, array in of_samples.items():
            found[name] = array.T if self.is_column else array
        for name, array in of_units.items():
            found[name] = array[:, np.newaxis] if self.is_column and array.ndim == 1 else array
        for equation in self.derivation.computed:
            found[equation.target] = computed(equation, found, self.functions)
        return found

    def along_rows(self, name: str) -> dict[str, Any]:
        """Return the arrays where the one called `name` moves along each of its units by itself."""
        units = self.arrays[name].shape[0 if self.is_column else 1]
        if self.is_column:
            return {**self.arrays, "rows": units, f"{name}_dot": np.eye(units), f"J_{name}": np.eye(units)}
        samples = len(self.sample.inputs)
        identity = np.tile(np.eye(units), (samples, 1))
        repeated = {
            each: np.repeat(array, units, axis=0) if self._is_of_samples(each) else array
            for each, array in self.arrays.items()
        }
        return {**repeated, "rows": samples * units, f"{name}_dot": identity, f"J_{name}": identity}

    def _is_of_samples(self, name: str) -> bool:
        shapes = self.derivation.graph.shapes
        return shapes.get(name, shapes.get(name.removeprefix("d"), ()))[:1] == ("N",)

    def group(self, name: str, arrays: dict[str, Any]) -> dict[str, Any]:
        """Return the arrays with those of a group's equations."""
        for equation in self.derivation.second[name]:
            arrays[equation.target] = self.computing(equation, arrays, self.functions)
        return arrays

    def products(self, direction: Array) -> dict[str, Any]:
        """Return all arrays along one direction of the parameters: tangents, and what the products are made of."""
        arrays = dict(self.arrays)
        for name, moved in self.subject.layout.views(direction).items():
            arrays[f"{name}_dot"] = moved[:, np.newaxis] if self.is_column and moved.ndim == 1 else moved
        for group in ("jvp", "hvp", "gauss_newton"):
            if group in self.derivation.second:
                self.group(group, arrays)
        return arrays

    def flat(self, arrays: Mapping[str, Any], mark: str) -> Array:
        """Return what the products' parts make together, in the order of theta."""
        parts = [np.ravel(arrays[f"d{name}{mark}"]) for name in self.derivation.graph.parameters]
        return np.concatenate(parts)

    @cached_property
    def jacobians(self) -> dict[str, Array]:
        """What the equations make of the Jacobians, by array."""
        graph = self.derivation.graph
        arrays = self.group("jacobian", self.along_rows(graph.prediction))
        return {name: arrays[f"J_{name}"] for name in (graph.inputs, *graph.parameters)}

    @cached_property
    def blocks(self) -> dict[str, Array]:
        """What the equations make of the Hessian's blocks, by name."""
        found: dict[str, Array] = {}
        for name in self.derivation.second:
            if name.startswith(HESSIAN):
                arrays = self.group(name, self.along_rows(name.removeprefix(HESSIAN)))
                found |= {each: array for each, array in arrays.items() if each.startswith(BLOCK)}
        return found

    @cached_property
    def hessian(self) -> Array:
        """The Hessian by the complex step through the module's gradient."""
        own, columns = self.subject.holomorphic(), []
        for unit in np.eye(self.subject.layout.count):
            _, gradient = own.at("loss_and_grad", self.sample, self.sample.theta + 1j * STEP * unit)
            columns.append(np.imag(gradient) / STEP)
        return np.stack(columns, axis=1)

    def errors_of_blocks(self) -> dict[str, float]:
        """Return the largest error of each block, relative to the largest entry of the Hessian."""
        with quiet():
            exact, blocks = self.hessian, self.blocks
        places = self.subject.layout.views(np.arange(self.subject.layout.count))
        size, found = float(np.abs(exact).max()), {}
        for row in places:
            for column in places:
                expected = exact[np.ix_(np.ravel(places[row]), np.ravel(places[column]))]
                name = block_name(row, column)
                if name in blocks:
                    found[name] = _error(blocks[name], expected) / size
                elif block_name(column, row) not in blocks:
                    found[name] = float(np.abs(expected).max()) / size
        return found

    def errors_of_jacobians(self) -> dict[str, float]:
        """Return the largest error of each Jacobian, relative to its largest entry; the network must draw nothing."""
        graph, found = self.derivation.graph, {}
        assert not self.sample.masks
        with quiet():
            of_inputs, of_parameters = (
                self.subject.call("jacobian", self.sample.theta, self.sample.inputs, wrt=wrt)
                for wrt in ("inputs", "parameters")
            )
            jacobians = self.jacobians
        places = self.subject.layout.views(np.arange(self.subject.layout.count))
        expected = {name: of_parameters[:, :, np.ravel(own)] for name, own in places.items()}
        expected[graph.inputs] = of_inputs
        for name, exact in expected.items():
            rows = exact.reshape(-1, exact.shape[2])
            found[name] = _error(jacobians[name], rows) / float(np.abs(of_parameters).max())
        return found


def _error(found: Array, expected: Array) -> float:
    """Return the largest difference of two arrays of one shape; NaN if one is none."""
    assert np.shape(found) == expected.shape
    return float(np.abs(found - expected).max())


def is_right(errors: Mapping[str, float], promise: float = 1e-13) -> bool:
    """Tell whether there is something to compare, and all of it is right."""
    return bool(errors) and all(error <= promise for error in errors.values())
