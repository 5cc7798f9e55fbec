"""How the cotangents at the end of a network change along a direction: the loss's second derivative."""

from __future__ import annotations

from dataclasses import dataclass, replace

import sympy as sp

from symmlp.calculus.curvature import Curvatures
from symmlp.calculus.directions import in_each_direction, knowing_directions, places_of_all, shape_of_all
from symmlp.calculus.ending import Derived, Ending, Entries, z
from symmlp.calculus.functions import ElementFunction
from symmlp.calculus.index_notation import rebuilt, slope_of, terms
from symmlp.calculus.matrix_form import PRIME, MatrixForm
from symmlp.calculus.tangent import DOT, along_rule, epsilon
from symmlp.calculus.vjp import RuleStep, entry
from symmlp.catalog.layers import SIZES
from symmlp.catalog.losses import p, y
from symmlp.matrix import Node, Shape, filled, variables
from symmlp.notation import array, column_of_wrt, row_of_wrt
from symmlp.second_order.walking import second_slope_steps

__all__ = ["Ends", "epsilon"]


@dataclass(frozen=True)
class Ends:
    """The loss's second derivative, applied to the tangent of the prediction, in generic names.

    In the layout of one sample, `in_rows` takes several directions at once, a row for each.
    """

    end: Ending
    entries: Entries
    curvatures: Curvatures
    in_rows: bool = False

    @property
    def is_canonical(self) -> bool:
        """Whether the cotangent at the pre-activation is linear in the prediction, as P - Y is."""
        link = self.at_pre_activation
        return link is not None and not variables(link.value) & {"P", "Z", "Y"}

    @property
    def at_prediction(self) -> Derived:
        """How ∂L/∂P changes: by the second slope of the loss.

        Raises:
            UnsupportedError: the loss's slope jumps somewhere.
        """
        loss = self.end.functions[0]
        assert isinstance(loss, ElementFunction)
        curvature = self.curvatures.of(loss.name + PRIME * 2)
        call = sp.Function(loss.name + PRIME * 2)(p, y)
        slope = curvature.derivative
        opaque = slope if not slope.has(sp.Piecewise) else call
        value, stable = (self._times(each, "P") for each in (opaque, call if slope.free_symbols else slope))
        short = curvature.stable_derivative == slope and not slope.has(sp.Piecewise) and sp.count_ops(slope) <= 12
        index_form = self.entries.indexed(slope_of(sp.Function(loss.name)(p, y)))
        node, steps = self._along("P", index_form)
        written = RuleStep("simplification: insert the slope of the slope", node, value)
        more = () if node == value else (written,)
        return Derived(value, value if short else stable, (*steps, *second_slope_steps(curvature), *more))

    @property
    def at_pre_activation(self) -> Derived | None:
        """How ∂L/∂Z changes where loss and activation have joined, None where they have not."""
        link = self.end.at_pre_activation
        if link is None:
            return None
        index_form = next(step.before for step in link.steps if step.rule == "matrix form")
        assert not isinstance(index_form, Node)
        value, steps = self._along("Z", index_form)
        joined = self.end.joined
        if joined is None or not variables(value) & {"P", "Y"}:
            return Derived(value, value, steps, link.assumptions)
        curvature = self.curvatures.of(joined.name + PRIME * 2)
        stable = self._times(sp.Function(joined.name + PRIME * 2)(z, y), "Z")
        return Derived(value, stable, (*steps, *second_slope_steps(curvature)), link.assumptions)

    def _along(self, of: str, index_form: sp.Expr) -> tuple[Node, tuple[RuleStep, ...]]:
        """Return how ∂L/∂P or ∂L/∂Z, an index form, changes as the prediction moves."""
        wanted = entry(of, tuple(index for index in self._place if index is not None))
        axes = (row_of_wrt,) if self.in_rows else None
        node, steps = along_rule(wanted, index_form, ("P",), self._form, self._place, dict(self._form.size), axes)
        return filled(node, self._shape), steps

    def _times(self, slope: sp.Expr, moving: str) -> Node:
        """Return the weighted slope at every entry, times the tangent of P or Z."""
        indices = (row_of_wrt,) if self.entries.rules.columns else (row_of_wrt, column_of_wrt)
        indexed = rebuilt(terms(self.entries.indexed(slope) * array(moving + DOT)[indices]), SIZES)
        if not self.in_rows:
            return filled(self._form.of(indexed, *self._place), self._shape)
        rows, form = in_each_direction(indexed, (moving + DOT,)), knowing_directions(self._form, (moving + DOT,))
        return filled(form.of(rows, *places_of_all(indices)), self._shape)

    @property
    def _shape(self) -> Shape:
        shape = self._form.shapes["P"]
        return shape_of_all(shape) if self.in_rows else shape

    @property
    def _place(self) -> tuple[sp.Symbol, sp.Symbol | None]:
        return row_of_wrt, None if self.entries.rules.columns else column_of_wrt

    @property
    def _form(self) -> MatrixForm:
        form = self.entries.form
        return replace(form, shapes={**form.shapes, **{name + DOT: shape for name, shape in form.shapes.items()}})
