"""What a candidate may call: NumPy's functions and methods by name, each with the matrix node that it stands for."""

from __future__ import annotations

import ast
from collections.abc import Callable
from fractions import Fraction

from symmlp.calculus.numeric import CALLS
from symmlp.checking.arguments import (
    COLUMN_OF_ONES,
    MINUS_ONE,
    ONE,
    ROW_OF_ONES,
    Builder,
    Given,
    WrongArguments,
    axis_of,
    count_of,
    is_true,
    known_shape,
    sized,
)
from symmlp.checking.spelling import BESIDE
from symmlp.matrix import (
    SCALAR,
    Add,
    Call,
    Compare,
    Divide,
    Filled,
    MatMul,
    Node,
    Number,
    Power,
    Product,
    Reduce,
    Transpose,
    Where,
)


def _calling(name: str, count: int = 1) -> Builder:
    def build(given: Given) -> Node:
        given.allow(count, count)
        return Call(name, given.nodes())

    return build


def _joining(kind: Callable[[Node, Node], Node]) -> Builder:
    def build(given: Given) -> Node:
        given.allow(2, 2)
        left, right = given.nodes()
        return kind(left, right)

    return build


def _beside(left: Node, right: Node) -> Node:
    """Return a product written side by side: of matrices, with ones, or with a number."""
    if left == COLUMN_OF_ONES:
        return COLUMN_OF_ONES if right == ROW_OF_ONES else _untransposed(right)
    if right in (COLUMN_OF_ONES, ROW_OF_ONES):
        return _before_ones(left, is_column=right == COLUMN_OF_ONES)
    if SCALAR in (known_shape(left), known_shape(right)):
        return Product((left, right))
    return MatMul(left, right)


def _before_ones(left: Node, *, is_column: bool) -> Node:
    """Return A 1, the sums of the rows of A, or c 1ᵀ, a column repeated, which broadcasting does."""
    if known_shape(left) == SCALAR:
        return Product((left, COLUMN_OF_ONES))
    if not is_column or known_shape(left) == (1, 1):
        return left
    return Reduce("sum", left.operand if isinstance(left, Transpose) else Transpose(left), 0)


def _untransposed(node: Node) -> Node:
    """Return b for the bᵀ of `1 bᵀ`: a vector lies along a row already."""
    if isinstance(node, Transpose) and len(known_shape(node.operand) or ()) == 1:
        return node.operand
    return node


def as_column(vector: Node) -> Node:
    """Return a vector (n,) as a column (n, 1), which is `vector[:, None]`."""
    return Transpose(Product((vector, COLUMN_OF_ONES)))


def _transposed(given: Given) -> Node:
    given.allow(1, 1)
    return Transpose(given.node(given.arguments[0]))


def _unchanged(given: Given) -> Node:
    """Return the array of `x.astype(...)` or `x.copy()` itself."""
    given.allow(1, 2, "dtype")
    return given.node(given.arguments[0])


def _reducing(kind: str, *, mean: bool = False, axis: int | None = None) -> Builder:
    def build(given: Given) -> Node:
        given.allow(1, 2, "axis", "keepdims")
        operand = given.node(given.arguments[0])
        axes = axis if axis is not None else axis_of(given.option("axis", 1))
        reduced = summed(kind, operand, axes, keep=is_true(given.options.get("keepdims")) or axis is not None)
        return Divide(reduced, count_of(operand, axes)) if mean else reduced

    return build


def summed(kind: str, operand: Node, axis: int | None, *, keep: bool) -> Node:
    """Return a reduction as NumPy shapes it; `Reduce` itself has axis 0 without and axis 1 with kept dimensions."""
    if axis is None and keep:
        raise WrongArguments("keeps dimensions without an axis; expected axis=0 or axis=1")
    if axis is None or keep == (axis == 1):
        return Reduce(kind, operand, axis)
    turned = Transpose(operand)
    return Transpose(Reduce(kind, turned, 1)) if keep else Reduce(kind, turned, 0)


def _filling(value: Node | None) -> Builder:
    def build(given: Given) -> Node:
        given.allow(1, 3, "dtype", "fill_value")
        filling = value or given.node(given.option("fill_value", 1) or ast.Constant(0))
        return Filled(filling, sized(given, given.arguments[0]))

    return build


def _filling_like(value: Node) -> Builder:
    def build(given: Given) -> Node:
        given.allow(1, 1, "dtype")
        return Add((Product((given.node(given.arguments[0]), Number(Fraction(0)))), value))

    return build


def _choosing(given: Given) -> Node:
    given.allow(3, 3)
    return Where(*given.nodes())


def _heaviside(given: Given) -> Node:
    """Return 1 where x > 0, 0 where x < 0, and the second argument where x is 0."""
    given.allow(2, 2)
    argument, at_zero = given.nodes()
    zero = Number(Fraction(0))
    return Where(Compare(">", argument, zero), ONE, Where(Compare("<", argument, zero), zero, at_zero))


def _extreme(kind: str) -> Builder:
    """Return the builder of max(0, x), and of max(x, axis=1)."""

    def build(given: Given) -> Node:
        if len(given.arguments) == 2 and not given.options:
            return Call(kind, given.nodes())
        return _reducing(kind)(given)

    return build


_ALIASES = {"asin": "arcsin", "acos": "arccos", "atan": "arctan", "asinh": "arcsinh", "acosh": "arccosh"}

METHODS: dict[str, Builder] = {
    "sum": _reducing("sum"),
    "mean": _reducing("sum", mean=True),
    "max": _reducing("max"),
    "dot": _joining(MatMul),
    "transpose": _transposed,
    "astype": _unchanged,
    "copy": _unchanged,
}

NUMPY_FUNCTIONS: dict[str, Builder] = {
    **{name: _calling(name) for name in CALLS if name not in ("max", "min", "hypot")},
    **{_ALIASES[name]: _calling(name) for name in _ALIASES},
    "arctanh": _calling("atanh"),
    "absolute": _calling("abs"),
    "maximum": _calling("max", 2),
    "minimum": _calling("min", 2),
    "max": _extreme("max"),
    "min": _calling("min", 2),
    "sum": _reducing("sum"),
    "mean": _reducing("sum", mean=True),
    "rowsum": _reducing("sum", axis=1),
    "rowmax": _reducing("max", axis=1),
    "where": _choosing,
    "heaviside": _heaviside,
    "dot": _joining(MatMul),
    "matmul": _joining(MatMul),
    "outer": _calling("outer", 2),
    "multiply": _joining(lambda left, right: Product((left, right))),
    "add": _joining(lambda left, right: Add((left, right))),
    "subtract": _joining(lambda left, right: Add((left, Product((MINUS_ONE, right))))),
    "divide": _joining(Divide),
    "power": _joining(Power),
    "square": lambda given: Power(_unchanged(given), Number(Fraction(2))),
    "negative": lambda given: Product((MINUS_ONE, _unchanged(given))),
    "transpose": _transposed,
    "diag": _calling("diag"),
    "ones": _filling(ONE),
    "zeros": _filling(Number(Fraction(0))),
    "full": _filling(None),
    "ones_like": _filling_like(ONE),
    "zeros_like": _filling_like(Number(Fraction(0))),
}

JOINED: dict[str, Builder] = {BESIDE: _joining(_beside)}
"""What the spelling of mathematics calls."""
