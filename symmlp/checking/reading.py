"""A candidate's text to a matrix expression: a whitelist over Python's `ast`, never evaluated as Python.

Every node of the syntax tree is looked up; what is built are the nodes that formulas and code are made of.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from symmlp.checking.arguments import COLUMN_OF_ONES, MINUS_ONE, Builder, Given, WrongArguments, count_of, known_shape
from symmlp.checking.building import JOINED, METHODS, NUMPY_FUNCTIONS, as_column
from symmlp.checking.einsum import EINSUM
from symmlp.checking.functions import Callee
from symmlp.checking.spelling import ONES, Spelled, spelled
from symmlp.errors import ExpressionError, did_you_mean, shown
from symmlp.expression.syntax import MAX_DEPTH, MAX_LENGTH, MAX_NODES
from symmlp.matrix import Add, Call, Compare, Divide, MatMul, Node, Number, Power, Product, Real, SizeOf, Transpose, Var

FIELD = "formula"

CALLED: dict[str, Builder] = NUMPY_FUNCTIONS | EINSUM | JOINED
"""What a candidate may call besides the network's own functions."""


@dataclass(frozen=True)
class Words:
    """What a candidate may read and call: arrays, numbers and sizes by name, functions by the names of their calls.

    `function` returns what a name in the text calls, or None; `forbidden` says why a name may not be used,
    `printed` holds the names that formulas spell in other letters, `author` the names of an author by code's.
    """

    arrays: Mapping[str, Node]
    function: Callable[[str], Callee | None]
    functions: tuple[str, ...]
    forbidden: Mapping[str, str]
    printed: Mapping[str, str]
    author: Mapping[str, str] = field(default_factory=dict)

    @property
    def known(self) -> tuple[str, ...]:
        """The names of the arrays and numbers, as whoever asks calls them."""
        return tuple(self.author.get(name, name) for name in self.arrays)


def read(text: object, words: Words) -> Node:
    """Return the matrix expression that `text` spells.

    Raises:
        ExpressionError: the text is outside the language; the message names the column.
    """
    if not isinstance(text, str):
        raise ExpressionError(f"{FIELD}: must be a text or a function, got {shown(text)}")
    if not text.strip():
        raise ExpressionError(f"{FIELD}: is empty; expected a formula such as dZ2.T @ A1")
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"{FIELD}: {len(text)} characters are too long; expected at most {MAX_LENGTH}")
    spelling = spelled(text, words.arrays.__contains__, words.printed, FIELD)
    tree = _parsed(spelling)
    _check_size(tree)
    return _Reader(spelling, words).node(tree)


def _parsed(spelling: Spelled) -> ast.expr:
    try:
        return ast.parse(f"({spelling.text})", mode="eval").body
    except SyntaxError as error:
        if "nested" in (error.msg or ""):
            raise ExpressionError(f"{FIELD}: too deeply nested; expected at most {MAX_DEPTH} levels") from None
        column = spelling.column((error.offset or 1) - 2)
        raise ExpressionError(f"{FIELD}: cannot parse at column {column}") from None
    except (ValueError, MemoryError, RecursionError):
        raise ExpressionError(f"{FIELD}: too deeply nested; expected at most {MAX_DEPTH} levels") from None


def _check_size(tree: ast.expr) -> None:
    nodes = 0
    pending: list[tuple[ast.AST, int]] = [(tree, 1)]
    while pending:
        node, depth = pending.pop()
        nodes += isinstance(node, ast.expr)
        if depth > MAX_DEPTH:
            raise ExpressionError(f"{FIELD}: too deeply nested; expected at most {MAX_DEPTH} levels")
        if nodes > MAX_NODES:
            raise ExpressionError(f"{FIELD}: more than {MAX_NODES} names, numbers and operations; expected fewer")
        pending += [(child, depth + 1) for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]
        pending += [(child.value, depth + 1) for child in ast.iter_child_nodes(node) if isinstance(child, ast.keyword)]


def _is_whole(tree: ast.expr) -> bool:
    return isinstance(tree, ast.Slice) and tree.lower is tree.upper is tree.step is None


def _is_new(tree: ast.expr) -> bool:
    match tree:
        case ast.Constant(value=None) | ast.Attribute(value=ast.Name(id="np"), attr="newaxis"):
            return True
    return False


_RELATIONS: dict[type[ast.cmpop], str] = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "=="}


@dataclass(frozen=True)
class _Reader:
    """Builds nodes from a syntax tree; `spelling` is the text that the tree's columns refer to."""

    spelling: Spelled
    words: Words

    def node(self, tree: ast.expr) -> Node:
        """Return the matrix expression of a syntax tree."""
        match tree:
            case ast.Constant():
                return self.number(tree)
            case ast.Name():
                return self.name(tree)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return Product((MINUS_ONE, self.node(operand)))
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.node(operand)
            case ast.BinOp():
                return self.operation(tree)
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _RELATIONS:
                return Compare(_RELATIONS[type(op)], self.node(left), self.node(right))
            case ast.Attribute(value=value, attr="T"):
                return Transpose(self.node(value))
            case ast.Subscript(
                value=ast.Attribute(value=ast.Name() as name, attr="shape"), slice=ast.Constant() as axis
            ):
                return self.length(name, axis)
            case ast.Attribute(value=value, attr="size"):
                return count_of(self.node(value))
            case ast.Subscript(value=value, slice=ast.Tuple(elts=[first, second])):
                return self.lengthened(tree, value, first, second)
            case ast.Call():
                return self.call(tree)
            case _:
                raise self.refusal(tree, "is not allowed; expected names, numbers, + - * / ** @ .T and functions")

    def number(self, tree: ast.Constant) -> Node:
        """Return a literal: an exact integer, or a float."""
        if type(tree.value) not in (int, float) or not isinstance(tree.value, int | float):
            raise self.refusal(tree, "is not a number")
        if isinstance(tree.value, int) and tree.value.bit_length() <= 256:
            return Number(Fraction(tree.value))
        if isinstance(tree.value, int) or not math.isfinite(tree.value):
            raise self.refusal(tree, "is too large")
        return Real(tree.value)

    def name(self, tree: ast.Name) -> Node:
        """Return the array, size or constant that is called so."""
        if tree.id == ONES:
            return COLUMN_OF_ONES
        found = self.words.arrays.get(tree.id)
        if found is not None:
            return found
        if tree.id in self.words.forbidden:
            raise self.refusal(tree, self.words.forbidden[tree.id])
        if self.words.function(tree.id) or tree.id in CALLED:
            raise self.refusal(tree, f"is a function; write {tree.id}(...)")
        raise self.unknown(tree, tree.id)

    def operation(self, tree: ast.BinOp) -> Node:
        """Return a sum, a product or a power."""
        left, right = self.node(tree.left), self.node(tree.right)
        match tree.op:
            case ast.Add():
                return Add((left, right))
            case ast.Sub():
                return Add((left, Product((MINUS_ONE, right))))
            case ast.Mult():
                return Product((left, right))
            case ast.Div():
                return Divide(left, right)
            case ast.MatMult():
                return MatMul(left, right)
            case ast.Pow():
                return Power(left, right)
            case _:
                raise self.refusal(tree, "is not allowed; expected + - * / ** or @")

    def lengthened(self, tree: ast.Subscript, value: ast.expr, first: ast.expr, second: ast.expr) -> Node:
        """Return `v[:, None]`, a column, and `v[None, :]`, which broadcasts as v does."""
        vector = self.node(value)
        shape = known_shape(vector)
        if (shape is None or len(shape) == 1) and _is_whole(first) and _is_new(second):
            return as_column(vector)
        if shape is not None and len(shape) == 1 and _is_new(first) and _is_whole(second):
            return Product((vector, COLUMN_OF_ONES))
        raise self.refusal(tree, "is not allowed; expected v[:, None] or v[None, :] of a vector v")

    def length(self, name: ast.Name, axis: ast.Constant) -> Node:
        """Return `A1.shape[0]` as a size."""
        found = self.node(name)
        if not isinstance(found, Var) or axis.value not in range(len(found.shape)):
            raise self.refusal(name, "has no such axis")
        assert isinstance(axis.value, int)
        return SizeOf(found.shape[axis.value])

    def call(self, tree: ast.Call) -> Node:
        """Return a function's or a method's value."""
        match tree.func:
            case ast.Name(id="len"):
                return self.samples(tree)
            case ast.Name(id=name) if (own := self.words.function(name)) is not None:
                return self.own(tree, own)
            case ast.Name(id=name) | ast.Attribute(value=ast.Name(id="np" | "numpy"), attr=name):
                builder = CALLED.get(name)
                if builder is None:
                    raise self.unknown_function(tree, name)
                return self.built(tree, builder, tuple(tree.args))
            case ast.Attribute(value=value, attr=name) if name in METHODS:
                return self.built(tree, METHODS[name], (value, *tree.args))
            case ast.Attribute():
                raise self.refusal(tree, f"calls an unknown method; expected one of {', '.join(sorted(METHODS))}")
        raise self.refusal(tree, "is not allowed")

    def samples(self, tree: ast.Call) -> Node:
        """Return `len(X)` as a size."""
        match tree.args:
            case [ast.Name() as name]:
                return self.length(name, ast.Constant(0))
        raise self.refusal(tree, "is not allowed; expected the name of an array")

    def own(self, tree: ast.Call, function: Callee) -> Node:
        """Return the call of one of the network's functions, of Z1 or of P and Y."""
        if tree.keywords or len(tree.args) != function.count:
            raise self.refusal(tree, f"takes {function.count} array{'s' if function.count > 1 else ''}")
        return Call(function.call, tuple(map(self.node, tree.args)))

    def built(self, tree: ast.Call, builder: Builder, arguments: tuple[ast.expr, ...]) -> Node:
        """Return what a builder makes of the arguments."""
        options = {keyword.arg or "**": keyword.value for keyword in tree.keywords}
        try:
            return builder(Given(arguments, options, self.node))
        except WrongArguments as error:
            raise self.refusal(tree, str(error)) from None

    def unknown(self, tree: ast.expr, name: str) -> ExpressionError:
        """Return the error for a name that nothing has."""
        known = self.words.known
        return self.refusal(tree, f"is unknown{did_you_mean(name, known)}; allowed: {', '.join(known)}")

    def unknown_function(self, tree: ast.expr, name: str) -> ExpressionError:
        """Return the error for a call of what is no function."""
        if name in self.words.forbidden:
            return self.refusal(tree, self.words.forbidden[name])
        if name in self.words.arrays:
            return self.refusal(tree, "is an array, no function")
        known = tuple(dict.fromkeys((*self.words.functions, *NUMPY_FUNCTIONS)))
        return self.refusal(tree, f"is an unknown function{did_you_mean(name, known)}; allowed: {', '.join(known)}")

    def refusal(self, tree: ast.expr, problem: str) -> ExpressionError:
        """Return the error for a part of the text: what it is, at which column, and what is wrong with it."""
        start, end = tree.col_offset - 1, (tree.end_col_offset or tree.col_offset) - 1
        part = shown(self.spelling.text[start:end], 40)
        return ExpressionError(f"{FIELD}: {part} at column {self.spelling.column(start)} {problem}")
