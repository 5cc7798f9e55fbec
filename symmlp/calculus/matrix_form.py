"""Recognise the matrix form of an indexed expression: products with transposes, Hadamard products, sums, broadcasts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import sympy as sp
from sympy.codegen.cfunctions import Cbrt, expm1, hypot, log1p

from symmlp.calculus.index_notation import Index, curvature_of, range_of, slope_arguments, slope_of
from symmlp.calculus.primitives import complementary_error, erfcx, outside
from symmlp.catalog.extremes import largest_of
from symmlp.catalog.optimizer import squares_of
from symmlp.errors import UnsupportedError
from symmlp.matrix import (
    SCALAR,
    Add,
    Call,
    Compare,
    Constant,
    Divide,
    Join,
    MatMul,
    Node,
    Number,
    Part,
    Power,
    Product,
    Real,
    Reduce,
    Shape,
    SizeOf,
    Transpose,
    Var,
    Where,
    shape_of,
)

PRIME = "\N{PRIME}"
"""Ends the name of a function's slope: f\N{PRIME}."""

CALLS: dict[type[sp.Basic], str] = {
    sp.exp: "exp",
    sp.log: "log",
    sp.sin: "sin",
    sp.cos: "cos",
    sp.tan: "tan",
    sp.asin: "asin",
    sp.acos: "acos",
    sp.atan: "atan",
    sp.sinh: "sinh",
    sp.cosh: "cosh",
    sp.tanh: "tanh",
    sp.asinh: "asinh",
    sp.acosh: "acosh",
    sp.atanh: "atanh",
    sp.erf: "erf",
    sp.erfc: "erfc",
    complementary_error: "erfc",
    erfcx: "erfcx",
    sp.Abs: "abs",
    sp.sign: "sign",
    sp.Max: "max",
    sp.Min: "min",
    expm1: "expm1",
    log1p: "log1p",
    hypot: "hypot",
    Cbrt: "cbrt",
    sp.floor: "floor",
}

RELATIONS: dict[type[sp.Basic], str] = {
    sp.StrictGreaterThan: ">",
    sp.GreaterThan: ">=",
    sp.StrictLessThan: "<",
    sp.LessThan: "<=",
    sp.Equality: "==",
}


@dataclass(frozen=True)
class MatrixForm:
    """Turns expressions with at most two free indices into nodes.

    `shapes` gives the arrays' shapes, `size` the range of each index. With `columns`, arrays with one index are columns
    (n, 1), as in the one-sample layout; otherwise they lie along a row.
    """

    shapes: Mapping[str, Shape]
    size: Mapping[Index, sp.Expr]
    columns: bool = False
    names: Mapping[sp.Symbol, Node] = field(default_factory=dict)

    def of(self, expr: sp.Expr, row: Index | None, column: Index | None) -> Node:
        """Return the node whose entry (row, column) is `expr`.

        Raises:
            UnsupportedError: no matrix form is known for a part of `expr`.
        """
        match expr:
            case sp.Indexed():
                return self._array(expr, row, column)
            case sp.Add():
                return self._addition(expr, row, column)
            case sp.Sum():
                return self._sum(expr, row, column)
            case sp.Mul() if not expr.is_number or not expr.is_Rational:
                return self._product(expr, row, column)
            case sp.Pow():
                return self._power(expr, row, column)
            case sp.Piecewise():
                return self._piecewise(expr, row, column)
            case sp.Symbol():
                return self.names.get(expr) or SizeOf(expr.name)
            case _:
                return self._leaf_or_call(expr, row, column)

    def _addition(self, expr: sp.Add, row: Index | None, column: Index | None) -> Node:
        """Return the sum, a number common to all terms taken out: 2 (P - Y); in update equations vectors come first."""
        joined = self._joined(expr, row, column)
        if joined is not None:
            return joined
        content, primitive = expr.primitive()
        if content != 1 and (content.is_Integer or all(abs(term.as_coeff_Mul()[0]) == 1 for term in primitive.args)):
            return self._product(sp.Mul(content, primitive, evaluate=False), row, column)
        terms = ordered_terms(expr)
        nodes = [self.of(term, row, column) for term in terms]
        if any(shape_of(node) != SCALAR for node in self.names.values()):
            order = sorted(
                range(len(nodes)), key=lambda at: (terms[at].could_extract_minus_sign(), -len(shape_of(nodes[at])))
            )
            nodes = [nodes[at] for at in order]
        return Add(tuple(nodes))

    def _leaf_or_call(self, expr: sp.Expr, row: Index | None, column: Index | None) -> Node:
        if expr.is_Rational:
            return Number(Fraction(int(expr.p), int(expr.q)))
        if isinstance(expr, sp.Float):
            nearest = float(expr)
            return Real(nearest, float(expr - sp.Float(nearest, 30)))
        if expr in (sp.pi, sp.E):
            return Constant("pi" if expr == sp.pi else "e")
        if expr in (sp.oo, -sp.oo):
            return Real(float(expr))
        if isinstance(expr, slope_of | curvature_of):
            function, arguments = slope_arguments(expr)
            return _applied(function + PRIME, [self.of(argument, row, column) for argument in arguments])
        if isinstance(expr, outside):
            x, radius = (self.of(argument, row, column) for argument in expr.args)
            return Where(Compare("<", Call("abs", (x,)), radius), radius, x)
        if isinstance(expr, sp.Max | sp.Min):
            return self._nested_pairs(expr, row, column)
        if isinstance(expr, squares_of):
            return Reduce("sum", Power(self.of(expr.args[0], row, column), Number(Fraction(2))), None)
        if isinstance(expr, largest_of):
            body, index = expr.args
            axis = None if self.columns else 1
            return Reduce("max", self.of(body, *((index, None) if self.columns else (row, index))), axis)
        name = CALLS.get(expr.func) or (str(expr.func) if isinstance(expr, sp.core.function.AppliedUndef) else None)
        if name is None:
            raise UnsupportedError(f"no matrix form for {type(expr).__name__}: {expr}")
        return _applied(name, [self.of(argument, row, column) for argument in expr.args])

    def _nested_pairs(self, expr: sp.Expr, row: Index | None, column: Index | None) -> Node:
        first, *rest = (self.of(argument, row, column) for argument in sorted(expr.args, key=sp.default_sort_key))
        for argument in rest:
            first = Call(CALLS[expr.func], (first, argument))
        return first

    def _array(self, expr: sp.Indexed, row: Index | None, column: Index | None) -> Node:
        name = str(expr.base.label)
        array = Var(name, self.shapes[name])
        shifts = [_shift(index) for index in expr.indices]
        whole = self._placed(array, expr, tuple(index for index, _ in shifts), row, column)
        for axis, (index, shift) in enumerate(shifts):
            size = _size(range_of(index, self.size))
            if len(array.shape) > axis and array.shape[axis] != size and array.shape[axis] != 1:
                return self._placed(Part(array, axis, _size(shift), size), expr, (shifts[0][0], index), row, column)
        return whole

    def _placed(
        self, array: Node, expr: sp.Indexed, indices: tuple[Index, ...], row: Index | None, column: Index | None
    ) -> Node:
        """Return the array, or its transpose, such that its axes are `row` and `column`."""
        match indices[: len(expr.indices)]:
            case (first, second) if (first, second) == (row, column):
                return array
            case (first, second) if (first, second) == (column, row):
                return Transpose(array)
            case (single,) if single == (row if self.columns else column):
                return array
            case (single,) if self.columns and single == column:
                return Transpose(array)
            case (single,) if single == row and shape_of(array)[1:] == (1,):
                return array
        raise UnsupportedError(f"{expr} has no place in a matrix with axes {row}, {column}")

    def _joined(self, expr: sp.Add, row: Index | None, column: Index | None) -> Node | None:
        """Return arrays side by side, if each term puts one array's entries in places of their own by a delta."""
        below, parts = False, []
        for term in expr.args:
            deltas = term.atoms(sp.KroneckerDelta)
            if not isinstance(term, sp.Sum) or len(deltas) != 1:
                return None
            (delta,), index = deltas, term.limits[0][0]
            below = row in delta.args
            (place,) = (argument for argument in delta.args if argument not in (row, column))
            entry = term.function.xreplace({delta: sp.Integer(1)})
            parts.append((place != index, self.of(entry, *((index, column) if below else (row, index)))))
        return Join(tuple(part for _, part in sorted(parts, key=lambda part: part[0])), 0 if below else 1)

    def _power(self, expr: sp.Pow, row: Index | None, column: Index | None) -> Node:
        base, exponent = expr.as_base_exp()
        if exponent.is_Rational and exponent < 0:
            return Divide(Number(Fraction(1)), self.of(base**-exponent, row, column))
        if exponent == sp.Rational(1, 2):
            return Call("sqrt", (self.of(base, row, column),))
        return Power(self.of(base, row, column), self.of(exponent, row, column))

    def _product(self, expr: sp.Expr, row: Index | None, column: Index | None) -> Node:
        above, below = [], []
        for factor in ordered_factors(expr):
            base, exponent = factor.as_base_exp()
            if exponent.is_Rational and exponent < 0 and not factor.is_Rational:
                below.append(base**-exponent)
            elif factor.is_Rational and factor.q != 1:
                above.append(sp.Integer(factor.p))
                below.insert(0, sp.Integer(factor.q))
            else:
                above.append(factor)
        above = [factor for factor in above if factor != 1]
        top = self._hadamard(above, row, column)
        return Divide(top, self._hadamard(below, row, column)) if below else top

    def _hadamard(self, factors: list[sp.Expr], row: Index | None, column: Index | None) -> Node:
        outer = self._outer(factors, row, column)
        if outer is not None:
            return outer
        if not factors:
            return Number(Fraction(1))
        nodes = [self.of(factor, row, column) for factor in factors]
        scalars_first = tuple(sorted(nodes, key=lambda node: shape_of(node) != SCALAR))
        return nodes[0] if len(nodes) == 1 else Product(scalars_first)

    def _outer(self, factors: list[sp.Expr], row: Index | None, column: Index | None) -> Node | None:
        """Return u vᵀ when one of two columns depends on the row axis alone, the other on the column axis alone."""
        if not self.columns or row is None or column is None:
            return None
        left = [factor for factor in factors if factor.has(row)]
        right = [factor for factor in factors if factor.has(column)]
        rest = [factor for factor in factors if factor not in left and factor not in right]
        if not left or not right or set(left) & set(right):
            return None
        product = MatMul(self._hadamard(left, row, None), Transpose(self._hadamard(right, column, None)))
        return Product((*(self.of(factor, None, None) for factor in rest), product)) if rest else product

    def _sum(self, expr: sp.Sum, row: Index | None, column: Index | None) -> Node:
        indices = [limit[0] for limit in expr.limits]
        freed = self._freed(expr)
        if freed != expr:
            return self.of(freed, row, column)
        if row is None and column is None and len(indices) == 2:
            return Reduce("sum", self.of(expr.function, *indices), None)
        if len(indices) != 1:
            raise UnsupportedError(f"no matrix form for a sum over {', '.join(map(str, indices))}: {expr}")
        summed = indices[0]
        factors = list(ordered_factors(expr.function))
        on_row = [factor for factor in factors if row is not None and factor.has(row)]
        on_column = [factor for factor in factors if column is not None and factor.has(column)]
        if on_row and on_column:
            return self._matrix_product(expr, on_row, on_column, summed, row, column)
        if on_row:
            return self._row_sum(factors, on_row, summed, row)
        if on_column:
            return Reduce("sum", self.of(expr.function, summed, column), 0)
        return Reduce("sum", self.of(expr.function, *((summed, None) if self.columns else (None, summed))), None)

    def _freed(self, expr: sp.Sum) -> sp.Expr:
        """Return the sum freed of factors that none of its indices occur in, and of indices that occur in no factor."""
        indices = {limit[0] for limit in expr.limits}
        factors = sp.Mul.make_args(expr.function)
        outside = [factor for factor in factors if factor.free_symbols and not factor.free_symbols & indices]
        kept = [limit for limit in expr.limits if limit[0] in expr.function.free_symbols]
        if not outside and len(kept) == len(expr.limits):
            return expr
        ranges = [range_of(limit[0], self.size) for limit in expr.limits if limit not in kept]
        inside = sp.Mul(*(factor for factor in factors if factor not in outside))
        return sp.Mul(*outside, *ranges, sp.Sum(inside, *kept) if kept else inside)

    def _row_sum(self, factors: list[sp.Expr], on_row: list[sp.Expr], summed: Index, row: Index | None) -> Node:
        rest = [factor for factor in factors if factor not in on_row]
        if self.columns and rest:
            return MatMul(self._hadamard(on_row, row, summed), self._hadamard(rest, summed, None))
        return Reduce("sum", self._hadamard(factors, row, summed), 1)

    def _matrix_product(
        self,
        expr: sp.Sum,
        on_row: list[sp.Expr],
        on_column: list[sp.Expr],
        summed: Index,
        row: Index | None,
        column: Index | None,
    ) -> Node:
        if set(on_row) & set(on_column):
            raise UnsupportedError(f"no matrix form for {expr}: a factor carries both axes and the summed one")
        rest = [factor for factor in ordered_factors(expr.function) if factor not in on_row and factor not in on_column]
        return MatMul(self._hadamard(on_row + rest, row, summed), self._hadamard(on_column, summed, column))

    def _piecewise(self, expr: sp.Piecewise, row: Index | None, column: Index | None) -> Node:
        (chosen, condition), *others = expr.args
        if condition == sp.true:
            return self.of(chosen, row, column)
        if not others:
            raise UnsupportedError(f"no matrix form for a value without an otherwise branch: {expr}")
        rest = sp.Piecewise(*others, evaluate=False) if others[0][1] != sp.true else others[0][0]
        return Where(self._condition(condition, row, column), self.of(chosen, row, column), self.of(rest, row, column))

    def _condition(self, condition: sp.Basic, row: Index | None, column: Index | None) -> Node:
        relation = RELATIONS.get(condition.func)
        if relation is None:
            raise UnsupportedError(f"no matrix form for the condition {condition}")
        left, right = (self.of(side, row, column) for side in condition.args)
        return Compare(relation, left, right)

    def shape(self, *indices: Index) -> Shape:
        """Return the shape of an array with these indices."""
        return tuple(_size(range_of(index, self.size)) for index in indices)


def _applied(function: str, arguments: Sequence[Node]) -> Node:
    """Return a function of arrays, entry by entry; of transposes it is the transpose of that of the arrays."""
    if arguments and all(isinstance(each, Transpose) for each in arguments):
        return Transpose(Call(function, tuple(each.operand for each in arguments if isinstance(each, Transpose))))
    return Call(function, tuple(arguments))


def _shift(index: sp.Expr) -> tuple[Index, sp.Expr]:
    """Return (c, m) for the index c + m, and (c, 0) for c."""
    if isinstance(index, sp.Add):
        (moved,) = (term for term in index.args if term.name in "ac")
        return moved, index - moved
    return index, sp.Integer(0)


def _size(size: sp.Expr) -> int | str:
    return int(size) if size.is_Integer else str(size)


def ordered_terms(expr: sp.Expr) -> list[sp.Expr]:
    """Return the terms of a sum in a fixed order: positive ones first, so that `P - Y` reads as one expects."""
    terms = sp.Add.make_args(expr)
    return sorted(
        terms, key=lambda term: (term.could_extract_minus_sign(), not term.has(sp.Sum), _factor_order(term)[2:])
    )


def ordered_factors(expr: sp.Expr) -> list[sp.Expr]:
    """Return the factors of a product in a fixed order: numbers, scalars, the cotangent, then other arrays."""
    return sorted(sp.Mul.make_args(expr), key=_factor_order)


def _factor_order(factor: sp.Expr) -> tuple[bool, bool, bool, bool, object]:
    cotangent = any(str(part.base.label).startswith("G") for part in factor.atoms(sp.Indexed))
    plain = isinstance(factor, sp.Indexed)
    return (not factor.is_number, factor.has(sp.Indexed), not cotangent, not plain, sp.default_sort_key(factor))


__all__ = ["MatrixForm", "ordered_factors", "ordered_terms"]
