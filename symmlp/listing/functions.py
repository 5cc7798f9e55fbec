"""Activations and losses: formula, derived slopes, kinks, parameters, and what peers call them."""

from __future__ import annotations

from collections.abc import Iterator

import sympy as sp

from symmlp.calculus.functions import ElementFunction
from symmlp.calculus.rules import Rules
from symmlp.catalog import activations, losses, peers
from symmlp.catalog.activations import Activation
from symmlp.catalog.loss import Loss, Piece, p, y
from symmlp.graph.losses import ops_before, row_loss_ops
from symmlp.listing.kinks import is_met, kink_text
from symmlp.listing.layers import ops_lines
from symmlp.listing.rows import printed, row
from symmlp.notation import N


def activation_entries() -> Iterator[list[str]]:
    """Yield the rows of each activation."""
    for entry in activations.TABLE.values():
        yield [_title(entry), *_activation(entry), *_about(entry, "activation", activations.ALIASES)]


def loss_entries() -> Iterator[list[str]]:
    """Yield the rows of each loss."""
    for entry in losses.TABLE.values():
        yield [_title(entry), *_loss(entry), *_about(entry, "loss", losses.ALIASES)]


def _title(entry: Activation | Loss) -> str:
    parameters = ", ".join(f"{each.name}={each.default}" for each in entry.parameters)
    return entry.name + (f"({parameters})" if parameters else "")


def _activation(entry: Activation) -> Iterator[str]:
    if entry.acts_on == "row":
        yield from row("f(Z)[p,i]", printed(entry.value))
        for name, meaning in entry.where:
            yield from row(name, printed(meaning))
        yield from row("", "a function of a row; its gradient is derived where it is used")
        return
    yield from _function(entry, entry.variables)


def _loss(entry: Loss) -> Iterator[str]:
    yield from _row_loss(entry) if entry.totals else _function(entry, (p, y))
    if entry.target != y:
        yield from row("y is", f"{printed(entry.target)}, y being the targets and n the number of classes")
    over = (
        "all entries" if entry.average == "entries" else "samples" if entry.totals else "samples, each row being summed"
    )
    yield from row("mean", f"over {over}; targets: {_TARGETS[entry.targets]}")


_TARGETS = {
    "real": "any numbers",
    "unit interval": "from 0 to 1",
    "classes": "labels, or probabilities that sum to 1",
    "nonnegative": "from 0 on",
    "nonzero": "other than 0",
    "signs": "-1 or 1",
}


def _function(entry: Activation | Loss, variables: tuple[sp.Symbol, ...]) -> Iterator[str]:
    """Yield the rows of a function of numbers: as it is defined, its slopes, its kinks.

    Of a loss the slope is that in the prediction, of an activation those in all that it depends on.
    """
    definition = entry.value if entry.family is None else entry.family.definition
    letter, differentiated = ("f", variables) if isinstance(entry, Activation) else ("l", variables[:1])
    arguments = ",".join(variable.name for variable in variables)
    yield from row(f"{letter}({arguments})", printed(definition))
    for variable in differentiated:
        ordered = (variable, *(each for each in variables if each != variable))
        function = ElementFunction.derive(entry.name, entry.value, ordered)
        slope = printed(function.derivative) + (", at the defaults" if entry.family else "")
        first = f"{letter}\N{PRIME}({arguments})"
        yield from row(first if variable == variables[0] else f"∂{letter}/∂{variable}", slope)
        if variable == variables[0]:
            kinks = [kink_text(kink, variable) for kink in function.kinks if is_met(kink, function)]
    if kinks:
        yield from row("kinks", "; ".join(dict.fromkeys(kinks)))


def _about(entry: Activation | Loss, kind: peers.Kind, aliases: dict[str, str]) -> Iterator[str]:
    """Yield the rows about parameters, other names and peers."""
    limited = [f"{each.name} {each.interval}" for each in entry.parameters if each.interval]
    if limited:
        yield from row("where", "; ".join(limited))
    if entry.note:
        yield from row("note", entry.note)
    also = [alias for alias, name in aliases.items() if name == entry.name]
    if also:
        yield from row("also", ", ".join(also))
    offered = peers.offers(kind, entry.name)
    if offered:
        yield from row("peers", ", ".join(map(_offer, offered)))


def _offer(offer: peers.Offer) -> str:
    differs = []
    if offer.settings:
        differs.append(offer.settings.text()[1:-1])
    if offer.reduction != "mean":
        differs.append(f"reduction {offer.reduction}")
    if offer.factor != 1:
        differs.append(f"times {offer.factor}")
    return f"{offer.peer} {offer.name}" + (f" [{', '.join(differs)}]" if differs else "")


def _row_loss(entry: Loss) -> Iterator[str]:
    """Yield the totals of each sample and the loss, with what is derived from each, at the defaults."""
    own = losses.loss(entry.name)
    ops = list(row_loss_ops(own, "mean", N, sp.Integer(1)))
    held = [(op, None) for total in own.totals for op in ops_before(own, total)]
    yield from ops_lines([*held, *ops], Rules(columns=False))
    for piece in own.pieces:
        for variable in piece.variables:
            if variable != y:
                yield from _piece(piece, variable)


def _piece(piece: Piece, variable: sp.Symbol) -> Iterator[str]:
    ordered = (variable, *(each for each in piece.variables if each != variable))
    function = ElementFunction.derive(piece.name, piece.value, ordered)
    call = f"({','.join(each.name for each in piece.variables)})"
    if variable == piece.variables[0]:
        yield from row("function", f"{piece.name}{call} = {printed(function.value)}")
    yield from row("slope", f"∂{piece.name}/∂{variable.name} = {printed(function.derivative)}")
