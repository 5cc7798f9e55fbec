"""A generated module as lines to show: which of them belong to which equation, and which parts stay folded."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from pygments.lexers.python import PythonLexer
from pygments.token import Comment, Keyword, Literal, Name, _TokenType

from symmlp.calculus.matrix_form import PRIME

TIED = re.compile(r"\s*# ([FLBU]\d+)  ")
"""The comment above the code of an equation; `equation_comments` proves that it is no text inside a string."""

KINDS: tuple[tuple[_TokenType, str], ...] = (
    (Comment, "comment"),
    (Literal.String, "string"),
    (Literal.Number, "number"),
    (Keyword, "keyword"),
    (Name.Function, "definition"),
    (Name.Class, "definition"),
)

NAMES_SHOWN = 6
"""How many names tell what a folded part holds."""

Piece = tuple[str, str]
"""Text and its kind, or an empty kind."""


@dataclass(frozen=True)
class CodeLine:
    """A line of the module with its number."""

    number: int
    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class Block:
    """Consecutive lines that belong to one equation or function, or to none: then `key` is empty."""

    key: str
    lines: tuple[CodeLine, ...]


@dataclass(frozen=True)
class Chunk:
    """Blocks that are shown, or folded under a title."""

    title: str
    is_folded: bool
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Listing:
    """Reads the text of a generated module; `targets` are the names that the equations assign, by id."""

    text: str
    targets: Mapping[str, str]
    functions: Sequence[str]

    def chunks(self) -> Iterator[Chunk]:
        """Yield the module from its first line to its last, in parts that are shown or folded."""
        for is_folded, parts in groupby(self._parts(), lambda part: not self._is_shown(part)):
            lines = [number for part in parts for number in part]
            blocks = groupby(lines, lambda number: self.keys.get(number, ""))
            shown = tuple(Block(key, tuple(self.lines[number] for number in numbers)) for key, numbers in blocks)
            yield Chunk(self._title(lines) if is_folded else "", is_folded, shown)

    def _title(self, lines: Sequence[int]) -> str:
        names = [name for statement in self.tree.body if statement.lineno in lines for name in _names(statement)]
        more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
        return f"lines {lines[0]} to {lines[-1]}: {', '.join(names[:NAMES_SHOWN])}{more}"

    @cached_property
    def tree(self) -> ast.Module:
        """The module's syntax."""
        return ast.parse(self.text)

    @cached_property
    def lines(self) -> dict[int, CodeLine]:
        """The lines by number, from 1."""
        rows: list[list[Piece]] = [[]]
        for token, text in PythonLexer(stripnl=False, ensurenl=False).get_tokens(self.text):
            for at, part in enumerate(text.split("\n")):
                if at:
                    rows.append([])
                if part:
                    _add(rows[-1], part, _kind(token))
        rows = rows if rows[-1] else rows[:-1]
        return {number: CodeLine(number, tuple(row)) for number, row in enumerate(rows, start=1)}

    @cached_property
    def keys(self) -> dict[int, str]:
        """The equation or function of every line that has one."""
        comments = sorted(self.equation_comments())
        found = {line: f"fn-{name}" for name, lines in self._function_lines() for line in lines}
        for (start, key), following in zip(comments, [*comments[1:], (len(self.lines) + 1, "")], strict=True):
            end = self._end(start, key, following[0])
            found |= dict.fromkeys(range(start, end + 1), key)
        return found

    def equation_comments(self) -> Iterator[tuple[int, str]]:
        """Yield the line and the id of every comment that names an equation."""
        for number, line in self.lines.items():
            words = [(text, kind) for text, kind in line.pieces if not text.isspace()]
            found = TIED.match("".join(text for text, _ in line.pieces))
            if found and words[0][1] == "comment":
                yield number, found[1]

    def _end(self, start: int, key: str, following: int) -> int:
        """Return the last line of the statements under a comment: the one that assigns the target is the last."""
        below = [each for each in self._statements if start < each.lineno < following]
        for statement in below:
            if self.targets.get(key) in _assigned(statement):
                return _last(statement)
        return _last(below[0]) if below else start

    @cached_property
    def _statements(self) -> list[ast.Assign]:
        return sorted((each for each in ast.walk(self.tree) if isinstance(each, ast.Assign)), key=lambda s: s.lineno)

    def _function_lines(self) -> Iterator[tuple[str, range]]:
        """Yield the lines of every function whose docstring says that it computes one of `functions` or its slope."""
        for statement in self.tree.body:
            said = ast.get_docstring(statement) if isinstance(statement, ast.FunctionDef) else None
            call = (said or "").partition("(")[0].removesuffix(PRIME)
            if call in self.functions:
                yield call, range(statement.lineno, _last(statement) + 1)

    def _parts(self) -> Iterator[range]:
        """Yield the lines of every statement at the top, with the comments and empty lines above it."""
        start = 1
        for statement in self.tree.body:
            yield range(start, _last(statement) + 1)
            start = _last(statement) + 1
        if start <= len(self.lines):
            yield range(start, len(self.lines) + 1)

    def _is_shown(self, part: range) -> bool:
        return any(number in self.keys for number in part)


def _last(statement: ast.stmt) -> int:
    assert statement.end_lineno is not None
    return statement.end_lineno


def _assigned(statement: ast.Assign) -> set[str]:
    """Return the names that a statement assigns, or whose entries it assigns."""
    targets = [each.value if isinstance(each, ast.Subscript) else each for each in statement.targets]
    return {each.id for each in targets if isinstance(each, ast.Name)}


def _names(statement: ast.stmt) -> Iterator[str]:
    match statement:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Assign():
            yield from sorted(_assigned(statement))
        case ast.Expr():
            yield "what the module is"
        case _:
            return


def _kind(token: _TokenType) -> str:
    return next((kind for group, kind in KINDS if token[: len(group)] == group), "")


def _add(row: list[Piece], text: str, kind: str) -> None:
    if row and row[-1][1] == kind:
        row[-1] = (row[-1][0] + text, kind)
    else:
        row.append((text, kind))
