"""What a candidate may call: NumPy's functions and methods by name, each with the matrix node that it stands for."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from symmlp.calculus.numeric import CALLS
from symmlp.checking.spelling import BESIDE
from symmlp.errors import ProgramError
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
    Shape,
    Size,
    SizeOf,
    Transpose,
    Where,
    shape_of,
)

ONE, MINUS_ONE = Number(Fraction(1)), Number(Fraction(-1))
COLUMN_OF_ONES = Filled(ONE, (1, 1))
"""The `1` of `1 b1ᵀ`, as long as its neighbour needs; alone it fills whatever it is compared with."""

ROW_OF_ONES = Transpose(COLUMN_OF_ONES)


class WrongArguments(Exception):
    """A call whose arguments do not fit; the message follows the call's text."""


@dataclass(frozen=True)
class Given:
    """The arguments of a call, a method's own array first, and how to build the node of one."""

    arguments: tuple[ast.expr, ...]
    options: Mapping[str, ast.expr]
    node: Callable[[ast.expr], Node]

    def allow(self, least: int, most: int, *options: str) -> None:
        """Refuse other numbers of arguments and other options than these."""
        if not least <= len(self.arguments) <= most:
            expected = str(least) if least == most else f"{least} to {most}"
            raise WrongArguments(f"has {len(self.arguments)} arguments; expected {expected}")
        for name in self.options:
            if name not in options:
                raise WrongArguments(f"has an unknown option {name}; expected {' or '.join(options) or 'none'}")

    def nodes(self) -> tuple[Node, ...]:
        """Return the nodes of all arguments."""
        return tuple(map(self.node, self.arguments))

    def option(self, name: str, place: int) -> ast.expr | None:
        """Return an option, by its name or by its place among the arguments."""
        return self.arguments[place] if len(self.arguments) > place else self.options.get(name)


Builder = Callable[[Given], Node]


def known_shape(node: Node) -> Shape | None:
    """Return the shape of `node`, or None where shapes do not fit."""
    try:
        return shape_of(node)
    except ProgramError:
        return None


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


def count_of(node: Node) -> Node:
    """Return the number of entries of an array, which is `array.size`."""
    return _count(node, None)


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
        axes = axis if axis is not None else _axis(given.option("axis", 1))
        reduced = summed(kind, operand, axes, keep=_is_true(given.options.get("keepdims")) or axis is not None)
        return Divide(reduced, _count(operand, axes)) if mean else reduced

    return build


def _axis(option: ast.expr | None) -> int | None:
    match option:
        case None | ast.Constant(value=None):
            return None
        case ast.Constant(value=0 | 1 as axis):
            return 1 if axis else 0
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=1 | 2 as back)):
            return 1 if back == 1 else 0
    raise WrongArguments("has an axis other than 0, 1, -1, -2 and None")


def _is_true(option: ast.expr | None) -> bool:
    match option:
        case None | ast.Constant(value=False):
            return False
        case ast.Constant(value=True):
            return True
    raise WrongArguments("has keepdims other than True and False")


def summed(kind: str, operand: Node, axis: int | None, *, keep: bool) -> Node:
    """Return a reduction as NumPy shapes it; `Reduce` itself has axis 0 without and axis 1 with kept dimensions."""
    if axis is None and keep:
        raise WrongArguments("keeps dimensions without an axis; expected axis=0 or axis=1")
    if axis is None or keep == (axis == 1):
        return Reduce(kind, operand, axis)
    turned = Transpose(operand)
    return Transpose(Reduce(kind, turned, 1)) if keep else Reduce(kind, turned, 0)


def _count(operand: Node, axis: int | None) -> Node:
    shape = known_shape(operand) or ()
    sizes = shape if axis is None else shape[axis : axis + 1]
    return Product(tuple(map(SizeOf, sizes))) if len(sizes) > 1 else SizeOf(sizes[0]) if sizes else ONE


def _filling(value: Node | None) -> Builder:
    def build(given: Given) -> Node:
        given.allow(1, 3, "dtype", "fill_value")
        filling = value or given.node(given.option("fill_value", 1) or ast.Constant(0))
        return Filled(filling, _shape(given, given.arguments[0]))

    return build


def _shape(given: Given, tree: ast.expr) -> Shape:
    match tree:
        case ast.Tuple(elts=sizes) | ast.List(elts=sizes) if 1 <= len(sizes) <= 2:
            return tuple(_size(given.node(size)) for size in sizes)
        case ast.Attribute(value=array, attr="shape"):
            found = known_shape(given.node(array))
            if found:
                return found
    return (_size(given.node(tree)),)


def _size(node: Node) -> Size:
    match node:
        case SizeOf(size):
            return size
        case Number(value) if value.denominator == 1 and value > 0:
            return int(value)
    raise WrongArguments("has a size that is neither a whole number nor a size such as N")


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
