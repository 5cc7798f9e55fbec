"""Passes: each rewrites a program by one rule."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from symmlp.matrix import (
    Call,
    Compare,
    Constant,
    Node,
    Number,
    Product,
    Real,
    SizeOf,
    Transpose,
    Var,
    rebuild,
    shape_of,
    values_of,
    variables,
    walk,
)
from symmlp.program.ir import Function, Program, Routine, Statement

NAMES = ("t", "s", "r", "q", "w", "v", "u", "h", "g", "k")
"""Names for shared terms, in the order in which they are given."""


def drop_unused(program: Program) -> Program:
    """Remove statements whose target nothing reads, and functions that nothing calls.

    Z = X @ W;  U = X.T;  return Z   =>   Z = X @ W;  return Z
    """
    wanted = {*program.gradients, program.prediction, program.loss.target.name}
    kept: list[Statement] = []
    for statement in reversed(program.body):
        if statement.target.name in wanted:
            kept.append(statement)
            wanted |= variables(statement.value)
    ids = {statement.id for statement in kept}
    routines = tuple(_without_unused(routine) for routine in program.routines)
    lines = [statement.value for each in (kept, *(routine.statements for routine in routines)) for statement in each]
    called = {part.function for line in lines for part in walk(line) if isinstance(part, Call)}
    return replace(
        program,
        forward=tuple(statement for statement in program.forward if statement.id in ids),
        totals=tuple(statement for statement in program.totals if statement.id in ids),
        backward=tuple(statement for statement in program.backward if statement.id in ids),
        functions=tuple(function for function in program.functions if function.call in called),
        routines=routines,
    )


def _without_unused(routine: Routine) -> Routine:
    wanted, kept = set(routine.results), list[Statement]()
    for statement in reversed(routine.statements):
        if statement.target.name in wanted:
            kept.append(statement)
            wanted |= variables(statement.value)
    return replace(routine, statements=tuple(reversed(kept)))


def share_terms(program: Program) -> Program:
    """Name the terms that a function computes more than once.

    return exp(-|x|) / (1 + exp(-|x|))   =>   t = exp(-|x|);  return t / (1 + t)
    """
    return replace(program, functions=tuple(share_function(function) for function in program.functions))


def share_function(function: Function) -> Function:
    """Name the terms that one function computes more than once."""
    return _in_order(_shared(function))


def _in_order(function: Function) -> Function:
    """Return the function with the names of its shared terms given in the order of its lines."""
    taken = {parameter.name for parameter in function.parameters}
    shared = [each.target for each in function.statements if each.target.name.rstrip("0123456789") in NAMES]
    fresh = (name for name in candidate_names() if name not in taken)
    names = {old.name: Var(new, old.shape) for old, new in zip(shared, fresh, strict=False)}

    def renamed(node: Node) -> Node:
        return names.get(node.name, node) if isinstance(node, Var) else rebuild(node, renamed)

    statements = tuple(
        replace(each, target=names.get(each.target.name, each.target), value=renamed(each.value))
        for each in function.statements
    )
    return replace(function, statements=statements, result=renamed(function.result))


def _shared(function: Function) -> Function:
    while True:
        repeated = _first_repeated(function.lines)
        if repeated is None:
            return function
        function = with_named_term(function, repeated)


@dataclass(eq=False)
class _Term:
    """A term of some lines: of equal nodes there is one, so that it is compared with others by identity."""

    node: Node
    first: int
    size: int
    reads: bool
    count: int = 0


def _first_repeated(roots: Iterable[Node]) -> Node | None:
    """Return the largest term that occurs more than once; of equals the first."""
    terms: dict[tuple[object, ...], _Term] = {}
    entered = itertools.count()

    def met(node: Node) -> _Term:
        first, parts = next(entered), list[_Term]()

        def named(value: object) -> object:
            if isinstance(value, Node):
                parts.append(met(value))
                return parts[-1]
            return tuple(map(named, value)) if isinstance(value, tuple) else value

        key = (type(node), *map(named, values_of(node)))
        if key not in terms:
            reads = isinstance(node, Var) or any(part.reads for part in parts)
            terms[key] = _Term(node, first, 1 + sum(part.size for part in parts), reads)
        terms[key].count += 1
        return terms[key]

    for root in roots:
        met(root)
    repeated = [term for term in terms.values() if term.count > 1 and term.reads and _is_compound(term.node)]
    return max(repeated, key=lambda term: (term.size, -term.first)).node if repeated else None


def _is_work(node: Node) -> bool:
    """Return whether naming the node saves work: it reads an array, and is no name, number, transpose or condition."""
    return _is_compound(node) and bool(variables(node))


def _is_compound(node: Node) -> bool:
    if isinstance(node, Var | Number | Real | Constant | SizeOf | Transpose | Compare):
        return False
    return not _is_scaled_name(node)


def _is_scaled_name(node: Node) -> bool:
    """Return whether the node is -x or 2x: cheaper to write again than to name."""
    return (
        isinstance(node, Product)
        and len(node.factors) == 2
        and all(isinstance(each, Var | Number) for each in node.factors)
    )


def with_named_term(function: Function, term: Node) -> Function:
    """Return the function with `term` computed once, just before it is first needed."""
    name = Var(_fresh_name(function), shape_of(term))
    statements = [replace(each, value=replaced(each.value, term, name)) for each in function.statements]
    result = replaced(function.result, term, name)
    needs = variables(term)
    made = [each.target.name for each in function.statements]
    place = max((made.index(need) + 1 for need in needs if need in made), default=0)
    statements.insert(place, Statement(name, term))
    return replace(function, statements=tuple(statements), result=result)


def _fresh_name(function: Function) -> str:
    used = {array.name for array in function.parameters} | {each.target.name for each in function.statements}
    return next(name for name in candidate_names() if name not in used)


def candidate_names() -> Iterator[str]:
    """Yield names for shared terms without end: t, s, ..., t1, s1, ..."""
    yield from NAMES
    number = 1
    while True:
        yield from (f"{name}{number}" for name in NAMES)
        number += 1


def replaced(node: Node, term: Node, name: Var) -> Node:
    """Return `node` with every occurrence of `term` written as `name`."""
    return name if node == term else rebuild(node, lambda operand: replaced(operand, term, name))


def split_long(program: Program, width: Callable[[Node], int], limit: int) -> Program:
    """Name the largest term of a line that would be printed longer than `limit`, until no such line is left.

    return (a long term) * x + y   =>   t = (a long term);  return t * x + y
    """
    return replace(program, functions=tuple(split_function(function, width, limit) for function in program.functions))


def split_function(function: Function, width: Callable[[Node], int], limit: int) -> Function:
    """Name the largest term of a long line of one function, until no such line is left."""
    while True:
        long = next((line for line in function.lines if width(line) > limit), None)
        if long is None:
            return function
        parts = [part for part in walk(long) if part is not long and _is_work(part) and width(part) <= limit]
        if not parts:
            return function
        function = with_named_term(function, max(parts, key=width))
