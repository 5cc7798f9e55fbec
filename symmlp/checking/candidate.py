"""A candidate, as text or as a function: its values at the points, and which arrays it reads."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from symmlp.checking.evaluating import Array, Evaluator, Function
from symmlp.checking.functions import Functions
from symmlp.checking.points import Point
from symmlp.errors import SymmlpError, shown
from symmlp.matrix import Node, SizeOf, Var

PositionalKinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


@dataclass(frozen=True)
class Candidate:
    """What a candidate says at each point; `node` is its expression if it was a text."""

    shown: str
    values: tuple[Array, ...]
    given: frozenset[str]
    node: Node | None = None


class Namespace:
    """The arrays, sizes and functions of one point as attributes; it keeps the names that are read."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values, self._reads = values, set[str]()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._values:
            raise AttributeError(f"no array {name!r}; there are {', '.join(self._values)}")
        self._reads.add(name)
        return self._values[name]


def called_candidate(
    function: Callable[..., Any], names: Mapping[str, Node], functions: Functions, points: tuple[Point, ...]
) -> Candidate:
    """Return the candidate that a function is: called with named arrays, or with one namespace of all.

    Raises:
        SymmlpError: it takes what there is not, fails, or returns no array of numbers.
    """
    values, reads = [], set[str]()
    for point in points:
        known = dict(_known(names, functions, point))
        value, read = _called(function, known)
        reads |= read
        values.append(_as_array(value))
    given = frozenset(node.name for name in reads if isinstance(node := names.get(name), Var))
    name = getattr(function, "__name__", "<lambda>")
    return Candidate("the function" if name == "<lambda>" else name, tuple(values), given)


def _known(names: Mapping[str, Node], functions: Functions, point: Point) -> Iterator[tuple[str, Any]]:
    evaluator = Evaluator(point.arrays, point.samples)
    for name, node in names.items():
        value = evaluator.value(node)
        if isinstance(node, SizeOf):
            yield name, int(value)
        else:
            yield name, value.copy()
    for name in functions.names:
        callee = functions.callee(name)
        if callee is not None and name not in names:
            meaning: Function = functions.get(callee.call)
            yield name, meaning


def _called(function: Callable[..., Any], known: dict[str, Any]) -> tuple[Any, set[str]]:
    parameters = _parameters(function)
    takes_all = any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters)
    required = [each.name for each in parameters if each.kind in PositionalKinds or each.kind is each.KEYWORD_ONLY]
    if len(required) == 1 and required[0] not in known and not takes_all:
        namespace = Namespace(known)
        return _guarded(lambda: function(namespace)), namespace._reads
    chosen = known if takes_all else {name: known[name] for name in required if name in known}
    unknown = [
        each.name
        for each in parameters
        if each.name in required and each.name not in known and each.default is each.empty
    ]
    if unknown:
        raise SymmlpError(f"formula: no array {shown(unknown[0])}; allowed: {', '.join(known)}")
    return _guarded(lambda: function(**chosen)), set() if takes_all else set(chosen)


def _parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    try:
        return list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        raise SymmlpError("formula: the function does not say what it takes; wrap it in a lambda") from None


def _guarded(call: Callable[[], Any]) -> Any:
    try:
        with np.errstate(all="ignore"):
            return call()
    except Exception as error:
        told = " ".join(str(error).split())
        raise SymmlpError(f"formula: the function raised {type(error).__name__}: {told}") from error


def _as_array(value: Any) -> Array:
    try:
        array = np.asarray(value)
    except ValueError:
        array = np.asarray(None)
    if array.dtype.kind not in "fiub":
        raise SymmlpError(f"formula: expected an array of real numbers, got {shown(value)}")
    return array.astype(float)
