"""Parameters of catalogued functions, such as the slope of leaky_relu: exact numbers in the place of symbols."""

from __future__ import annotations

import ast
import math
import numbers
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, TypeVar

import sympy as sp

from symmlp.errors import SpecError, did_you_mean, shown

Number = int | float
Entry = TypeVar("Entry")


class Settings(Mapping[str, Number]):
    """Values of parameters by name, in the order in which they were given; frozen and hashable.

    >>> Settings({"low": -2, "high": 0.5})
    Settings({'low': -2, 'high': 0.5})
    """

    def __init__(self, values: Mapping[str, Number] | None = None) -> None:
        """Keep the `values`, none by default."""
        self._values = dict(values or {})

    def __getitem__(self, name: str) -> Number:
        """Return the value of a parameter."""
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        """Return the names in order."""
        return iter(self._values)

    def __len__(self) -> int:
        """Return how many values there are."""
        return len(self._values)

    def __hash__(self) -> int:
        """Return a hash that does not depend on the order, as equality does not."""
        return hash(frozenset(self._values.items()))

    def __repr__(self) -> str:
        """Return what makes these settings."""
        return f"Settings({self._values!r})"

    def text(self) -> str:
        """Return `(low=-2, high=0.5)` as a short string has it, or an empty text."""
        inner = ", ".join(f"{name}={value!r}" for name, value in self.items())
        return f"({inner})" if inner else ""


NONE = Settings()


@dataclass(frozen=True)
class Parameter:
    """A parameter: its name in texts and as a symbol, its default, the open or closed interval it may come from."""

    name: str
    default: Number | Fraction
    above: Number | None = None
    at_least: Number | None = None
    below: Number | None = None

    @property
    def symbol(self) -> sp.Symbol:
        """The symbol that stands for the parameter in a definition."""
        return sp.Symbol(self.name, real=True)

    @property
    def interval(self) -> str:
        """The numbers that are accepted, as `> 0 and < 1`; empty if all are."""
        bounds = ((">", self.above), (">=", self.at_least), ("<", self.below))
        return " and ".join(f"{sign} {bound}" for sign, bound in bounds if bound is not None)

    def accepts(self, value: Number) -> bool:
        """Return whether the value lies in the parameter's interval."""
        return (
            (self.above is None or value > self.above)
            and (self.at_least is None or value >= self.at_least)
            and (self.below is None or value < self.below)
        )


@dataclass(frozen=True)
class Family:
    """A definition with parameters; `ascending` are parameters each of which must be larger than the one before."""

    definition: sp.Expr
    parameters: tuple[Parameter, ...] = ()
    ascending: tuple[str, ...] = field(default=())

    def member(self, name: str, given: Mapping[str, Number], where: str) -> sp.Expr:
        """Return the definition with the given and the default values in the place of the symbols.

        Raises:
            SpecError: naming the field `where` if a parameter is unknown or out of its interval.
        """
        require_known(self.parameters, given, name, where)
        values = {parameter.name: given.get(parameter.name, parameter.default) for parameter in self.parameters}
        for low, high in zip(self.ascending, self.ascending[1:], strict=False):
            if not values[low] < values[high]:
                raise SpecError(f"{where}.{high}: expected a number above {low} = {values[low]}, got {values[high]}")
        return _inserted(self.definition, {each.symbol: exact(values[each.name]) for each in self.parameters})


def require_known(
    parameters: Iterable[Parameter], given: Mapping[str, Number], owner: str, where: str, kind: str = "parameter"
) -> None:
    """Check that every value that is given belongs to one of the `parameters` of `owner`, and lies in its interval.

    Raises:
        SpecError: naming the field `where`, the value found and what was expected.
    """
    known = {parameter.name: parameter for parameter in parameters}
    for key, value in given.items():
        if key not in known:
            raise SpecError(f"{where}: unknown {kind} {shown(key)} of {owner}{_expected(key, known)}")
        if not known[key].accepts(value):
            raise SpecError(f"{where}.{key}: expected a number {known[key].interval}, got {shown(value)}")


ABSENT = "none"
"""What a network has that has no penalty, or no constraint."""


def optional_entry(
    table: Mapping[str, Entry], name: str, given: Mapping[str, Number], field: str, others: Iterable[str] = ()
) -> Entry | None:
    """Return the entry of a table that a field of the spec names; None for none. `others` are aliases.

    Raises:
        SpecError: naming the `field`: there is no such entry, or there are parameters and no entry.
    """
    if name == ABSENT:
        if given:
            where = f"{field}_parameters.{next(iter(given))}"
            raise SpecError(f"{where}: there is no {field}; expected one of {', '.join(table)}")
        return None
    if name not in table:
        known = [ABSENT, *table, *others]
        hint = did_you_mean(name, known) or f"; expected one of {', '.join(known)}"
        raise SpecError(f"{field}: unknown {field} {shown(name)}{hint}")
    return table[name]


def _expected(key: str, known: Mapping[str, Parameter]) -> str:
    return did_you_mean(key, known) or f"; expected {' or '.join(known) if known else 'none'}"


def exact(value: Number | Fraction) -> sp.Rational:
    """Return the number that the decimal digits of `value` spell: 0.2 is 1/5."""
    found = value if isinstance(value, Fraction) else Fraction(repr(value))
    return sp.Rational(found.numerator, found.denominator)


def _inserted(expr: sp.Basic, values: Mapping[sp.Symbol, sp.Expr]) -> sp.Basic:
    """Return `expr` with symbols replaced; branches keep the form in which they were written."""
    if not expr.free_symbols & set(values):
        return expr
    if isinstance(expr, sp.Piecewise):
        pairs = ((_inserted(branch, values), _inserted(condition, values)) for branch, condition in expr.args)
        return sp.Piecewise(*pairs, evaluate=False)
    if expr.has(sp.Piecewise):
        return expr.func(*(_inserted(argument, values) for argument in expr.args))
    return expr.xreplace(values)


def settings(values: Any, where: str) -> Settings:
    """Return a mapping of names to finite numbers as settings.

    Raises:
        SpecError: it is anything else.
    """
    if isinstance(values, Settings):
        return values
    if not isinstance(values, Mapping):
        raise SpecError(f"{where}: expected a mapping of names to numbers, got {shown(values)}")
    return Settings({_name(key, where): _finite(value, f"{where}.{key}") for key, value in values.items()})


def _name(key: Any, where: str) -> str:
    if not isinstance(key, str) or not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,63}", key):
        raise SpecError(f"{where}: parameter name {shown(key)} must match [A-Za-z][A-Za-z0-9_]*, at most 64 characters")
    return key


def _finite(value: Any, where: str) -> Number:
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise SpecError(f"{where}: expected a finite number, got {shown(value)}")
    try:
        number = int(value) if isinstance(value, numbers.Integral) else float(value)
        is_finite = math.isfinite(float(number))
    except OverflowError:
        is_finite = False
    if not is_finite:
        raise SpecError(f"{where}: expected a finite number, got {shown(value)}")
    return number


_CALL = re.compile(r"\s*(?P<name>[A-Za-z]\w*)\s*(?P<arguments>\(\s*[A-Za-z]\w*\s*=(?!=).*\))\s*", re.DOTALL | re.ASCII)
MAX_LENGTH = 2000


def named_call(text: str, where: str, parameters: str) -> tuple[str, Settings]:
    """Return ("leaky_relu", alpha = 0.2) for `leaky_relu(alpha=0.2)`; any other text comes back as it is.

    Raises:
        SpecError: what is in the brackets are not numbers with names; `parameters` is the field for them.
    """
    match = _CALL.fullmatch(text) if len(text) <= MAX_LENGTH else None
    if match is None:
        return text, NONE
    return match["name"], arguments(match["arguments"], where, parameters)


def arguments(text: str, where: str, parameters: str) -> Settings:
    """Return the settings that `(alpha=0.2, beta=-1)` spells.

    Raises:
        SpecError: it is anything else.
    """
    return settings(_named(text, where, parameters, _literal, MAX_LENGTH), parameters)


MAX_FIELDS_LENGTH = 200_000


def fields(text: str, where: str, owner: str) -> dict[str, Any]:
    """Return the values that `(rate=0.2, unbiased=False, mean=[1, 2])` spells: numbers, lists of them, True and False.

    Raises:
        SpecError: it is anything else.
    """
    return _named(text, where, owner, _value, MAX_FIELDS_LENGTH)


def _named(text: str, where: str, owner: str, read: Callable[[ast.expr, str], Any], longest: int) -> dict[str, Any]:
    call = _call(text) if len(text) <= longest else None
    if call is None or call.args:
        raise SpecError(f"{where}: cannot read {shown(text)}; expected parameters such as (alpha=0.2)")
    values: dict[str, Any] = {}
    for keyword in call.keywords:
        if keyword.arg is None or keyword.arg in values:
            raise SpecError(f"{where}: cannot read {shown(text)}; expected each parameter once")
        values[keyword.arg] = read(keyword.value, f"{owner}.{keyword.arg}")
    return values


def _value(node: ast.expr, where: str) -> Any:
    """Return what the literal of a layer's field is."""
    match node:
        case ast.Constant(value=bool() as value):
            return value
        case ast.List(elts=entries):
            return [_literal(entry, f"{where}[{place}]") for place, entry in enumerate(entries, start=1)]
        case _:
            return _literal(node, where)


def _call(text: str) -> ast.Call | None:
    try:
        tree = ast.parse("f" + text.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None
    return tree if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and tree.func.id == "f" else None


def _literal(node: ast.expr, where: str) -> Any:
    """Return the number that a literal with an optional sign is."""
    match node:
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)) if _is_number(value):
            return -value
        case ast.Constant(value=value) | ast.UnaryOp(op=ast.UAdd(), operand=ast.Constant(value=value)) if _is_number(
            value
        ):
            return value
    raise SpecError(f"{where}: expected a finite number, got {shown(ast.unparse(node))}")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
