"""The losses by name, those of single entries and those of whole rows, and what a text asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

import sympy as sp

from symmlp.catalog.activations import own_expression
from symmlp.catalog.entries import Entries
from symmlp.catalog.entry_losses import ENTRY_LOSSES
from symmlp.catalog.loss import Loss, Targets, p, y
from symmlp.catalog.parameters import NONE, Family, Settings, named_call, settings
from symmlp.catalog.row_losses import ROW_LOSSES
from symmlp.errors import SpecError, did_you_mean, shown
from symmlp.expression import require_real

TABLE: Entries[Loss] = Entries({**ENTRY_LOSSES, **ROW_LOSSES})

ALIASES: dict[str, str] = {
    "l2": "mse",
    "l1": "mae",
    "squared_error": "half_mse",
    "absolute_error": "mae",
    "logcosh": "log_cosh",
    "quantile": "pinball",
    "cosine": "cosine_similarity",
    "kld": "kl_div",
    "kl_divergence": "kl_div",
    "binary_cross_entropy": "bce",
    "binary_crossentropy": "bce",
    "binary_cross_entropy_with_logits": "bce_with_logits",
    "sigmoid_focal": "focal_with_logits",
    "multilabel_soft_margin": "bce_with_logits",
    "log_loss": "cross_entropy",
    "categorical_crossentropy": "cross_entropy",
    "sparse_categorical_crossentropy": "cross_entropy",
}
"""Other names of entries, as peers have them."""


def canonical(text: str) -> str:
    """Return the entry's own name for an alias, any other text as it is."""
    return ALIASES.get(text, text)


def read_loss(text: str, field: str = "loss", parameters: str = "loss_parameters") -> tuple[str, Settings]:
    """Return a text's entry or expression, and the settings in its brackets: ("huber", delta = 2)."""
    name, given = named_call(text, field, parameters)
    return canonical(name), given


def loss(
    text: str, field: str = "loss", given: Mapping[str, float] = NONE, *, parameters: str = "loss_parameters"
) -> Loss:
    """Return the catalogued loss called `text`, or the one that `text` defines as an expression in p and y.

    `given` are values of its parameters; `field` and `parameters` are how error messages call the two.

    Raises:
        SpecError: `text` is a word that the catalogue does not know, or does not depend on p; or a parameter is unknown
            or out of its interval.
        ExpressionError: `text` is an expression outside the language, or not real anywhere.
    """
    name, own = read_loss(text, field, parameters)
    values = Settings({**own, **settings(given, parameters)})
    if name in TABLE:
        return _entry(name, values, parameters, repr(values))
    if name.isidentifier() and name not in ("p", "y"):
        known = f"; expected one of {', '.join(sorted(TABLE))}, or an expression in p and y"
        raise SpecError(f"{field}: unknown loss {shown(name)}{did_you_mean(name, [*TABLE, *ALIASES]) or known}")
    value = _own_function(name, values, field, parameters, repr(values))
    return Loss("expression", value, from_user=True, settings=values)


@lru_cache(maxsize=256)
def _entry(name: str, values: Settings, where: str, spelled: str) -> Loss:
    """Return a catalogued loss with its parameters' values; networks ask for it often. For `spelled` see below."""
    return _member(TABLE[name], values, where)


@lru_cache(maxsize=256)
def _own_function(text: str, values: Settings, field: str, where: str, spelled: str) -> sp.Expr:
    """Return a user's expression in p and y, found to be real somewhere; a network asks for it often.

    `spelled` tells 1 from 1.0, which are equal as values of a parameter and not as parts of a formula.
    """
    value = own_expression(text, ("p", "y"), values, field, where)
    if p not in value.free_symbols:
        raise SpecError(
            f"{field}: {shown(text)} does not depend on the prediction p; expected an expression in p and y"
        )
    require_real(value, {"p": "somewhere", "y": "somewhere"}, field=field)
    return value


def _member(entry: Loss, values: Settings, where: str) -> Loss:
    family = entry.family or Family(entry.value)
    value = family.member(entry.name, values, where)

    def inserted(definition: sp.Expr) -> sp.Expr:
        return replace(family, definition=definition).member(entry.name, values, where)

    # Of totals and targets the table has the definitions; the loss that is asked for has numbers.
    totals = tuple(replace(each, term=inserted(each.term)) for each in entry.totals)
    return replace(entry, value=value, settings=values, totals=totals, target=inserted(entry.target))


__all__ = ["ALIASES", "TABLE", "Loss", "Targets", "canonical", "loss", "p", "read_loss", "y"]
