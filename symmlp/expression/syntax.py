"""An expression's text to Python's syntax tree, within limits that are checked before and after parsing.

Nothing is evaluated, and no text can make the parser run long, deep or out of memory.
"""

from __future__ import annotations

import ast
import re

from symmlp.errors import ExpressionError, shown

MAX_LENGTH, MAX_DEPTH, MAX_NODES = 2000, 40, 500

USE_WHERE = "use where(condition, a, b)"

_EXAMPLE = "expected a formula such as x*tanh(x)"
_CHARACTERS = "expected letters, digits and + - * / ( ) , . < > ="
_DIGITS = r"\d[\d_]*+"
_NUMBER = rf"(?:{_DIGITS}(?:\.[\d_]*+)?+|\.{_DIGITS})(?:[eE][+-]?{_DIGITS})?+"
_NUMBER_THEN_NAME = re.compile(rf"(?<![\w.]){_NUMBER}([A-Za-z_])")
_WORD_OF_PYTHON = re.compile(r"\b(if|else|and|or|not)\b")
_MISSING_OPERATOR = re.compile(r"[\w.)]\s+([\w.(])")


def syntax_tree(text: object, field: str) -> tuple[str, ast.expr]:
    """Return the text on one line in brackets, and its syntax tree, whose columns are then those of the text from 1.

    Raises:
        ExpressionError: not a text, empty, beyond a limit, or not an expression of Python.
    """
    if not isinstance(text, str):
        raise ExpressionError(f"{field}: must be a text, got {shown(text)}")
    if not text.strip():
        raise ExpressionError(f"{field}: expression is empty; {_EXAMPLE}")
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"{field}: {len(text)} characters are too long; expected at most {MAX_LENGTH}")
    _check_characters(text, field)
    line = re.sub(r"[\t\r\n]", " ", text).rstrip()
    _check_brackets(line, field)
    _check_products(line, field)
    tree = _parsed(line, field)
    _check_size(tree, field)
    return f"({line})", tree


def _check_characters(text: str, field: str) -> None:
    """Refuse what could hide something: other alphabets, control characters, comments and escapes."""
    for column, character in enumerate(text, start=1):
        if not character.isascii():
            kind = f"non-ASCII character U+{ord(character):04X}"
        elif character in "#\\" or (not character.isprintable() and character not in "\t\r\n"):
            kind = f"character {character!a}"
        else:
            continue
        raise ExpressionError(f"{field}: {kind} at column {column} is not allowed; {_CHARACTERS}")


def _check_brackets(line: str, field: str) -> None:
    opened: list[int] = []
    for column, character in enumerate(line, start=1):
        if character in "([{":
            opened.append(column)
        elif character in ")]}":
            if not opened:
                raise ExpressionError(f"{field}: bracket '{character}' at column {column} was never opened")
            opened.pop()
        if len(opened) > MAX_DEPTH:
            raise ExpressionError(
                f"{field}: too deeply nested at column {column}; expected at most {MAX_DEPTH} open brackets"
            )
    if opened:
        raise ExpressionError(f"{field}: bracket '{line[opened[-1] - 1]}' at column {opened[-1]} is never closed")


def _check_products(line: str, field: str) -> None:
    """Refuse `2x` before Python sees it: of `1if x` and `0or x` it would only warn."""
    if found := _NUMBER_THEN_NAME.search(line):
        raise ExpressionError(
            f"{field}: cannot parse a number followed by '{found[1]}' at column {found.start(1) + 1}; "
            "write 2*x for a product, and numbers in decimal"
        )


def _parsed(line: str, field: str) -> ast.expr:
    """Return the tree of `line`; the brackets let it start with spaces, and shift ast's columns from 0 to 1."""
    try:
        return ast.parse(f"({line})", mode="eval").body
    except SyntaxError as error:
        raise _syntax_error(line, error.offset or 1, field) from None
    except (ValueError, MemoryError, RecursionError):
        raise ExpressionError(f"{field}: too deeply nested; expected at most {MAX_DEPTH} levels") from None


def _syntax_error(line: str, offset: int, field: str) -> ExpressionError:
    """Return what is probably wrong with a line that Python cannot parse."""
    if found := _WORD_OF_PYTHON.search(line):
        return ExpressionError(f"{field}: '{found[1]}' at column {found.start(1) + 1} is not allowed; {USE_WHERE}")
    if found := _MISSING_OPERATOR.search(line):
        return ExpressionError(
            f"{field}: cannot parse at column {found.start(1) + 1}, where an operator is missing; "
            "write 2*x for a product, exp(x) for a function"
        )
    column = min(max(offset - 1, 1), len(line))
    return ExpressionError(f"{field}: cannot parse at column {column}; {_EXAMPLE}")


def _check_size(tree: ast.expr, field: str) -> None:
    nodes = 0
    pending: list[tuple[ast.AST, int]] = [(tree, 1)]
    while pending:
        node, depth = pending.pop()
        nodes += isinstance(node, ast.expr)
        if depth > MAX_DEPTH:
            raise ExpressionError(f"{field}: too deeply nested; expected at most {MAX_DEPTH} levels")
        if nodes > MAX_NODES:
            raise ExpressionError(f"{field}: more than {MAX_NODES} names, numbers and operations; expected fewer")
        pending += [(child, depth + 1) for child in ast.iter_child_nodes(node) if not isinstance(child, _LEAVES)]


_LEAVES = (ast.expr_context, ast.operator, ast.unaryop, ast.cmpop, ast.boolop)
