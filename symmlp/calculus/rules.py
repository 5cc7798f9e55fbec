"""The rules derived so far: one for each kind of op, whatever the depth of the network."""

from __future__ import annotations

import sympy as sp

from symmlp.calculus.vjp import BackwardRule, backward_rule, matrix_form, one_sample, places
from symmlp.catalog.layers import Op
from symmlp.matrix import Node
from symmlp.notation import array


class Rules:
    """Derives the matrix form and the backward rules of an op when they are first asked for."""

    def __init__(self, *, columns: bool) -> None:
        """Start with no rule; `columns` takes the one-sample layout."""
        self.columns = columns
        self._ops: dict[str, Op] = {}
        self._forward: dict[str, Node] = {}
        self._backward: dict[tuple[str, str], BackwardRule] = {}

    def op(self, op: Op) -> Op:
        """Return the op in this layout."""
        if op.name not in self._ops:
            self._ops[op.name] = one_sample(op) if self.columns else op
        return self._ops[op.name]

    def forward(self, op: Op, *, as_call: bool = False) -> Node:
        """Return the matrix form of the defining equation, or the call `name(operand)` that stands for it."""
        if op.name not in self._forward:
            own = self.op(op)
            value = _call(own) if as_call else own.value
            form = matrix_form(own, own.axes, own.axes, columns=self.columns)
            self._forward[op.name] = form.of(value, *places(own.axes, own.axes, self.columns))
        return self._forward[op.name]

    def backward(self, op: Op, operand: str) -> BackwardRule:
        """Return the derived backward rule for one operand of the op."""
        key = (op.name, operand)
        if key not in self._backward:
            self._backward[key] = backward_rule(self.op(op), operand, columns=self.columns)
        return self._backward[key]


def _call(op: Op) -> sp.Expr:
    ((operand, axes),) = op.operands.items()
    return sp.Function(op.name)(array(operand)[axes])
