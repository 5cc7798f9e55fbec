"""The expression language: a user's text becomes a SymPy expression without being evaluated.

The text is read by Python's `ast`, every node is looked up in a whitelist, and the expression is built by explicit
constructors, because SymPy's own readers of text execute it. Cancellations that SymPy makes on its own (`x/x`,
`exp(log(x))`) hold wherever the text itself is defined.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import sympy as sp
from sympy.functions.elementary.piecewise import ExprCondPair

from symmlp.errors import ExpressionError, SymmlpError, did_you_mean, shown
from symmlp.expression.functions import FUNCTIONS
from symmlp.expression.real import (
    LARGEST_FLOAT,
    REAL_TYPES,
    SMALLEST_FLOAT,
    NotReal,
    Singular,
    is_finite,
    is_known,
    rounded,
    value_at,
)
from symmlp.expression.syntax import USE_WHERE, syntax_tree

MAX_EXPONENT, MAX_COMBINED_EXPONENT = 16, 256
MAX_BITS = 8192
MAX_LOGARITHM = 10_000

CONSTANTS: dict[str, sp.Expr] = {"pi": sp.pi, "e": sp.E}


def parse(
    text: object,
    variables: Sequence[str],
    *,
    field: str = "expression",
    parameters: Sequence[str] = (),
    values: Mapping[str, int | float] | None = None,
) -> sp.Expr:
    """Return the expression that `text` spells in `variables` and `parameters`, all of them real symbols.

    Literals become exact rationals of their own digits, so `0.1` is 1/10 and a constant of 30 digits keeps them. Names
    in `values` stand for such numbers.

    Raises:
        ExpressionError: the text is outside the expression language, or a constant in it is not a finite real number.
    """
    symbols = {name: _symbol(name, field) for name in (*variables, *parameters)}
    numbers = {name: sp.Rational(repr(value)) for name, value in (values or {}).items()}
    line, tree = syntax_tree(text, field)
    return _Reader(field, line, {**symbols, **numbers}).expression(tree)


def names_in(text: object, *, field: str = "expression") -> tuple[str, ...]:
    """Return the names of `text` that are neither functions nor constants, in the order in which they appear.

    Raises:
        ExpressionError: the text cannot be parsed.
    """
    _, tree = syntax_tree(text, field)
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in called]
    found = dict.fromkeys(node.id for node in sorted(names, key=lambda node: node.col_offset))
    return tuple(name for name in found if name not in CONSTANTS and name not in FUNCTIONS)


def _symbol(name: str, field: str) -> sp.Symbol:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,63}", name):
        raise ExpressionError(
            f"{field}: variable {shown(name)} must match [A-Za-z][A-Za-z0-9_]*, at most 64 characters"
        )
    return sp.Symbol(name, real=True)


_OPERATORS: dict[type[ast.operator], Callable[[Any, Any], sp.Expr]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_RELATIONS: dict[type[ast.cmpop], tuple[type[sp.Rel], Callable[[Any, Any], bool]]] = {
    ast.Lt: (sp.Lt, operator.lt),
    ast.LtE: (sp.Le, operator.le),
    ast.Gt: (sp.Gt, operator.gt),
    ast.GtE: (sp.Ge, operator.ge),
}
_PARTS = (*REAL_TYPES, ExprCondPair, sp.Lt, sp.Le, sp.Gt, sp.Ge, type(sp.true))

_ALLOWED = "allowed are numbers, names, + - * / ** and functions"
_HINTS: dict[type[ast.AST], str] = {
    ast.BitXor: "use ** for powers",
    ast.FloorDiv: "use / for division",
    ast.IfExp: USE_WHERE,
    ast.BoolOp: USE_WHERE,
    ast.Not: USE_WHERE,
    ast.Compare: USE_WHERE,
}
_NODES: dict[type[ast.AST], str] = {
    ast.Subscript: "an index",
    ast.Compare: "a comparison outside where",
    ast.Starred: "unpacking",
    ast.JoinedStr: "an f-string",
    ast.NamedExpr: "an assignment",
    ast.IfExp: "'x if condition else y'",
    ast.BoolOp: "'and' or 'or'",
    ast.Await: "'await'",
    ast.ListComp: "a comprehension",
    ast.SetComp: "a comprehension",
    ast.DictComp: "a comprehension",
    ast.GeneratorExp: "a comprehension",
}
_OTHER_NAMES = {"ln": "log(u)", "relu": "max(0, u)", "pow": "u**k", "clip": "min(max(u, low), high)", "square": "u**2"}


@dataclass(frozen=True)
class _Reader:
    """Builds expressions from a syntax tree; `line` is the text that the tree's columns refer to."""

    field: str
    line: str
    symbols: Mapping[str, sp.Expr]

    def expression(self, node: ast.expr) -> sp.Expr:
        """Return the expression of `node`: checked, so that what is built from it starts from finite real parts."""
        try:
            return self.checked(self.built(node), node)
        except SymmlpError:
            raise
        except Exception as error:
            # SymPy estimates constants to simplify them, and raises what it likes at extreme ones.
            problem = "is beyond float64" if isinstance(error, OverflowError) else "is not a finite real number"
            raise self.error(f"{shown(self.segment(node))} {_at(node)} {problem}") from error

    def built(self, node: ast.expr) -> sp.Expr:
        """Return the expression of `node`, as SymPy makes it."""
        match node:
            case ast.Constant():
                return self.number(node)
            case ast.Name():
                return self.name(node)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -self.expression(operand)
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.expression(operand)
            case ast.BinOp(op=ast.Pow(), left=base, right=exponent):
                return self.power(self.expression(base), exponent)
            case ast.BinOp(op=op, left=left, right=right) if type(op) in _OPERATORS:
                return _OPERATORS[type(op)](self.expression(left), self.expression(right))
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                return self.call(node, name, arguments)
        raise self.refusal(node)

    def number(self, node: ast.Constant) -> sp.Rational:
        """Return a literal as the exact rational that its digits spell."""
        if type(node.value) not in (int, float):
            raise self.error(f"{shown(node.value)} {_at(node)} is not a number")
        digits = self.segment(node).replace("_", "")
        if not re.search("[1-9]", re.split("[eE]", digits)[0]):
            return sp.Integer(0)
        # The float first: the exact value of 1e999999999 would fill the memory.
        if float(digits) in (0.0, float("inf")):
            change = "over" if float(digits) else "under"
            raise self.error(f"number {shown(digits)} {_at(node)} {change}flows float64")
        exact = Fraction(digits)
        return sp.Rational(exact.numerator, exact.denominator)

    def name(self, node: ast.Name) -> sp.Expr:
        """Return the symbol or the constant that `node` names."""
        name = node.id
        if name in self.symbols:
            return self.symbols[name]
        if name in CONSTANTS:
            return CONSTANTS[name]
        if name in FUNCTIONS:
            raise self.error(f"{name} {_at(node)} is a function; write {name}(...)")
        allowed = ", ".join((*self.symbols, *CONSTANTS))
        hint = did_you_mean(name, self.symbols)
        raise self.error(f"unknown name {shown(name)} {_at(node)}; allowed: {allowed}{hint}")

    def power(self, base: sp.Expr, exponent: ast.expr) -> sp.Expr:
        """Return base**exponent, for a small constant, or for a name or its negative that the base does not contain."""
        power = self.expression(exponent)
        if not power.is_number:
            return self.symbolic_power(base, power, exponent)
        if abs(rounded(value_at(power, {}))) > MAX_EXPONENT:
            raise self.exponent_error(exponent)
        return sp.Pow(base, power)

    def symbolic_power(self, base: sp.Expr, power: sp.Expr, exponent: ast.expr) -> sp.Expr:
        """Return base**power for a power that is k or -k."""
        if not (power.is_Symbol or (-power).is_Symbol) or base.has(*power.free_symbols):
            raise self.exponent_error(exponent)
        if base.is_number:
            example = "exp(x)" if base == sp.E else "exp(x*log(2))"
            raise self.error(f"a constant with a variable exponent {_at(exponent)} is not allowed; write {example}")
        return sp.Pow(base, power)

    def exponent_error(self, exponent: ast.expr) -> ExpressionError:
        """Return the error for an exponent that is neither small and constant nor a name."""
        found = f"exponent {shown(self.segment(exponent))} {_at(exponent)}"
        return self.error(
            f"{found} must be a constant, at most {MAX_EXPONENT} in size, or a name that the base does not contain"
        )

    def call(self, node: ast.expr, name: str, arguments: list[ast.expr]) -> sp.Expr:
        """Return the function `name` of its arguments."""
        if name not in FUNCTIONS:
            raise self.unknown_function(node, name)
        function, given = FUNCTIONS[name], len(arguments)
        wanted = function.arguments
        if given < wanted or (given > wanted and not function.more):
            count = f"{wanted} {'or more ' if function.more else ''}argument{'s' if wanted > 1 else ''}"
            raise self.error(f"{name} {_at(node)} takes {count}, got {given}")
        first = self.condition if name == "where" else self.expression
        return function.build(first(arguments[0]), *map(self.expression, arguments[1:]))

    def condition(self, node: ast.expr) -> sp.Rel | bool:
        """Return the comparison in a `where`, or its truth if it compares numbers."""
        if not isinstance(node, ast.Compare) or len(node.ops) != 1 or type(node.ops[0]) not in _RELATIONS:
            raise self.error(f"the condition of where {_at(node)} must be one comparison with < <= > or >=")
        left, right = self.expression(node.left), self.expression(node.comparators[0])
        if left.has(sp.Piecewise) or right.has(sp.Piecewise):
            # SymPy would multiply the branches out, into a condition of exponential size.
            raise self.error(f"the condition of where {_at(node)} must not contain another where")
        relation, holds = _RELATIONS[type(node.ops[0])]
        difference = self.checked(left - right, node)
        if difference.is_number:
            return bool(holds(value_at(difference, {}), 0))
        # Unevaluated: SymPy's own decision by assumptions can take seconds.
        comparison = relation(left, right, evaluate=False)
        return comparison.reversed if left.is_number else comparison

    def checked(self, built: sp.Expr, node: ast.expr) -> sp.Expr:
        """Return `built` if it consists of real parts only and every constant in it fits float64."""
        problem = next(filter(None, map(_problem, sp.preorder_traversal(built))), "")
        if not problem and built.is_number:
            problem = _constant_problem(built)
        if problem:
            raise self.error(f"{shown(self.segment(node))} {_at(node)} {problem}")
        return built

    def unknown_function(self, node: ast.expr, name: str) -> ExpressionError:
        """Return the error for a call of something that is not a function of the language."""
        if name in self.symbols or name in CONSTANTS:
            return self.error(f"{name} {_at(node)} is not a function; write {name}*(...) for a product")
        hint = f"; write {_OTHER_NAMES[name]}" if name in _OTHER_NAMES else did_you_mean(name, FUNCTIONS)
        return self.error(f"unknown function {shown(name)} {_at(node)}; allowed: {', '.join(sorted(FUNCTIONS))}{hint}")

    def refusal(self, node: ast.expr) -> ExpressionError:
        """Return the error for a node that the language does not have."""
        match node:
            case ast.Attribute(value=value) | ast.Call(func=ast.Attribute(value=value)):
                if not isinstance(value, ast.Name):
                    self.expression(value)  # what stands before the dot is the first mistake, if it is one
                return self.error(
                    f"attribute access {_at(self.after(value))} is not allowed; write exp(x), not np.exp(x)"
                )
            case ast.Call(func=func, keywords=[]):
                self.expression(func)
                return self.error(f"an operator is missing {_at(self.after(func))}; write * between factors")
            case ast.Call(keywords=[first, *_]):
                return self.error(f"keyword arguments, {_at(first.value)}, are not allowed; write exp(x)")
            case ast.BinOp(op=op, left=left, right=right):
                column = self.after(left)
                symbol = self.line[column : right.col_offset].strip(" (")
                return self.error(f"operator '{symbol}' {_at(column)} is not allowed; {_HINTS.get(type(op), _ALLOWED)}")
            case ast.UnaryOp(op=op, operand=operand):
                symbol = self.line[node.col_offset : operand.col_offset].strip(" (")
                return self.error(f"operator '{symbol}' {_at(node)} is not allowed; {_HINTS.get(type(op), _ALLOWED)}")
        name = _NODES.get(type(node), f"a {type(node).__name__.lower()}")
        return self.error(f"{name} {_at(node)} is not allowed; {_HINTS.get(type(node), _ALLOWED)}")

    def error(self, message: str) -> ExpressionError:
        """Return the error about this reader's field."""
        return ExpressionError(f"{self.field}: {message}")

    def segment(self, node: ast.expr) -> str:
        """Return the text of `node`."""
        return self.line[node.col_offset : node.end_col_offset]

    def after(self, node: ast.expr) -> int:
        """Return the column of what follows `node` and its closing brackets."""
        column = node.end_col_offset or 0
        while self.line[column] in " )" and column < len(self.line) - 1:
            column += 1
        return column


def _at(where: ast.expr | int) -> str:
    """Return the words for a column; the added bracket stands in column 0, and what begins with it in column 1."""
    return f"at column {where if isinstance(where, int) else max(where.col_offset, 1)}"


def _problem(part: sp.Basic) -> str:
    """Return what is wrong with one node of an expression, or an empty text."""
    match part:
        case sp.Rational():
            return _rational_problem(part)
        case sp.Pow(base=sp.Rational(is_negative=True), exp=sp.Rational(is_Integer=False)):
            return "is not a finite real number"
        case sp.Pow(exp=sp.Rational() as exponent) if abs(exponent) > MAX_COMBINED_EXPONENT:
            return f"has the combined exponent {shown(int(exponent))}; expected at most {MAX_COMBINED_EXPONENT}"
        case sp.Mul(args=factors) if _is_large_power(factors):
            return f"has a multiple of a logarithm beyond {MAX_LOGARITHM}; expected a number in its place"
    return "" if isinstance(part, _PARTS) else "is not a finite real number"


def _is_large_power(factors: Sequence[sp.Expr]) -> bool:
    """Return whether a product has the form k*log(c) with a large k: inside exp, SymPy computes c**k exactly."""
    constants = [u for u in factors if u.is_Rational or (isinstance(u, sp.log) and u.is_number)]
    if all(u.is_Rational for u in constants):
        return False
    return bool(abs(rounded(value_at(sp.Mul(*constants), {}))) > MAX_LOGARITHM)


def _rational_problem(number: sp.Rational) -> str:
    numerator, denominator = abs(int(number.p)), int(number.q)
    if max(numerator, denominator).bit_length() > MAX_BITS:
        return f"has a constant of more than {MAX_BITS} bits"
    if numerator > LARGEST_FLOAT * denominator:
        return "has a constant that overflows float64"
    if 0 < numerator < SMALLEST_FLOAT * denominator:
        return "has a constant that underflows float64"
    return ""


def _constant_problem(constant: sp.Expr) -> str:
    """Return why a constant cannot be used, or an empty text: 50 digits of it must be real and fit float64."""
    try:
        value = value_at(constant, {})
    except (NotReal, Singular):
        return "is not a finite real number"
    if not is_known(value):
        return "is not known to 50 digits; expected the number that it stands for"
    if value == 0 and isinstance(value, Fraction):
        return ""
    if abs(rounded(value)) < rounded(SMALLEST_FLOAT):
        return "underflows float64"
    return "" if is_finite(value) else "overflows float64"
