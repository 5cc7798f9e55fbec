"""The activations by name, and what a text asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

import sympy as sp

from symmlp.catalog.activation import Activation, Learned, Outputs, x
from symmlp.catalog.activation_table import TABLE
from symmlp.catalog.parameters import NONE, Family, Settings, named_call, require_known, settings
from symmlp.errors import SpecError, did_you_mean, shown
from symmlp.expression import names_in, parse, require_real

ALIASES: dict[str, str] = {
    "linear": "identity",
    "logistic": "sigmoid",
    "swish": "silu",
    "hard_silu": "hard_swish",
    "hardswish": "hard_swish",
    "hardsigmoid": "hard_sigmoid",
    "hardtanh": "hard_tanh",
    "soft_sign": "softsign",
    "soft_shrink": "softshrink",
    "hard_shrink": "hardshrink",
    "tanh_shrink": "tanhshrink",
    "logsigmoid": "log_sigmoid",
    "exp": "exponential",
    "sin": "sine",
    "siren": "sine",
}
"""Other names of entries, as peers have them."""


def canonical(text: str) -> str:
    """Return the entry's own name for an alias, any other text as it is."""
    return ALIASES.get(text, text)


def read_activation(text: str, field: str = "activation", parameters: str = "parameters") -> tuple[str, Settings]:
    """Return a text's entry or expression, and the settings in its brackets: ("leaky_relu", alpha = 0.2)."""
    name, given = named_call(text, field, parameters)
    return canonical(name), given


def activation(
    text: str, field: str = "activation", given: Mapping[str, float] = NONE, *, parameters: str = "parameters"
) -> Activation:
    """Return the catalogued activation called `text`, or the one that `text` defines as an expression in x.

    `given` are values of its parameters; `field` and `parameters` are how error messages call the two.

    Raises:
        SpecError: `text` is a word that the catalogue does not know, or a parameter is unknown or out of its interval.
        ExpressionError: `text` is an expression outside the language, or one that is not real for every real x.
    """
    name, own = read_activation(text, field, parameters)
    values = Settings({**own, **settings(given, parameters)})
    if name in TABLE:
        return _entry(name, values, parameters, repr(values))
    if name.isidentifier() and name != "x":
        known = [*TABLE, *ALIASES]
        raise SpecError(f"{field}: unknown activation {shown(name)}{did_you_mean(name, known) or _choices()}")
    value = _own_function(name, values, field, parameters, repr(values))
    return Activation("expression", value, outputs="unknown", from_user=True, settings=values)


@lru_cache(maxsize=256)
def _entry(name: str, values: Settings, where: str, spelled: str) -> Activation:
    """Return a catalogued activation with its parameters' values; layers ask for it often. For `spelled` see below."""
    return _member(TABLE[name], values, where)


@lru_cache(maxsize=256)
def _own_function(text: str, values: Settings, field: str, where: str, spelled: str) -> sp.Expr:
    """Return a user's expression in x, found to be real; a layer asks for it often, the search is long.

    `spelled` tells 1 from 1.0, which are equal as values of a parameter and not as parts of a formula.
    """
    value = own_expression(text, ("x",), values, field, where)
    require_real(value, {"x": "real"}, field=field)
    return value


def _member(entry: Activation, values: Settings, where: str) -> Activation:
    family = entry.family or Family(entry.value)
    require_known(entry.parameters, values, entry.name, where)
    starts = {each.setting.name for each in entry.learned}
    value = family.member(entry.name, {key: each for key, each in values.items() if key not in starts}, where)
    learned = tuple(replace(each, start=float(values.get(each.setting.name, each.start))) for each in entry.learned)
    return replace(entry, value=value, settings=values, learned=learned)


def own_expression(text: str, variables: tuple[str, ...], values: Settings, field: str, where: str) -> sp.Expr:
    """Return a user's expression with `values` for its parameters.

    Raises:
        SpecError: a parameter does not occur in it, or is called like a variable.
        ExpressionError: the text is outside the language.
    """
    used = names_in(text, field=field)
    for name in values:
        if name in variables:
            raise SpecError(f"{where}.{name}: is a variable of the expression; expected another name")
        if name not in used:
            raise SpecError(f"{where}.{name}: does not occur in the expression {shown(text)}")
    return parse(text, variables, field=field, values=values)


def _choices() -> str:
    return f"; expected one of {', '.join(sorted(TABLE))}, or an expression in x"


__all__ = [
    "ALIASES",
    "TABLE",
    "Activation",
    "Learned",
    "Outputs",
    "activation",
    "canonical",
    "own_expression",
    "read_activation",
    "x",
]
