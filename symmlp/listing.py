"""`symmlp list`: what the catalogue holds, each entry with its formula, its derived slope, kinks and parameters."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import sympy as sp

from symmlp.calculus.exact import exact
from symmlp.calculus.functions import ElementFunction
from symmlp.calculus.kinks import Kink
from symmlp.calculus.matrix_form import PRIME
from symmlp.calculus.rules import Rules
from symmlp.catalog import activations, initializers, losses, peers
from symmlp.catalog.activations import Activation
from symmlp.catalog.loss import Loss, Piece, p, y
from symmlp.catalog.optimizers import OPTIMIZERS, Optimizer
from symmlp.catalog.schedules import SCHEDULES
from symmlp.derivation import Formula
from symmlp.errors import SpecError, did_you_mean, shown
from symmlp.graph import build_graph
from symmlp.graph.losses import LossOp, row_loss_ops
from symmlp.matrix import Node, substitute
from symmlp.printing.formula import FormulaPrinter
from symmlp.printing.text import TextStyle
from symmlp.spec import Network
from symmlp.spec_layers import LAYERS, Layer

WIDTH = 100
INDENT = 10


def listed(kind: str) -> str:
    """Return the entries of a kind, `activations` for instance, as text of at most 100 columns.

    Raises:
        SpecError: there is no such kind.
    """
    if kind not in KINDS:
        hint = did_you_mean(kind, KINDS) or f"; expected one of {', '.join(KINDS)}"
        raise SpecError(f"kind: nothing to list for {shown(kind)}{hint}")
    return "\n\n".join("\n".join(entry) for entry in KINDS[kind]()) + "\n"


def _activations() -> Iterator[list[str]]:
    for entry in activations.TABLE.values():
        yield [_title(entry), *_activation(entry), *_about(entry, "activation", activations.ALIASES)]


def _losses() -> Iterator[list[str]]:
    for entry in losses.TABLE.values():
        yield [_title(entry), *_loss(entry), *_about(entry, "loss", losses.ALIASES)]


def _layers() -> Iterator[list[str]]:
    for name, layer in LAYERS.items():
        described = " ".join((layer.__doc__ or "").split())
        yield [name, *_row("", described), *_fields(layer), *_equations(_EXAMPLES[name])]


_EXAMPLES = {
    "dense": "4 -> 3 tanh -> 2 | mse",
    "activation": "4 -> tanh -> 3 | mse",
    "dropout": "4 -> dropout -> 3 | mse",
    "alpha_dropout": "4 -> alpha_dropout -> 3 | mse",
    "randomized_relu": "4 -> randomized_relu -> 3 | mse",
    "standardize": "4 -> standardize -> 3 | mse",
    "batch_norm": "4 -> batch_norm -> 3 | mse",
    "layer_norm": "4 -> layer_norm -> 3 | mse",
    "rms_norm": "4 -> rms_norm -> 3 | mse",
    "add": "4 -> add(layer=0) -> 3 | mse",
    "concat": "4 -> concat(layer=0) -> 3 | mse",
}
"""A network whose first layer is of the type: what it computes is read from its graph."""


def _fields(layer: type[Layer]) -> Iterator[str]:
    for name, field in layer.model_fields.items():
        if name != "type":
            default = "" if field.is_required() else f", by default {field.get_default(call_default_factory=True)!r}"
            yield from _row(name, f"{field.description}{default}")


def _equations(example: str) -> Iterator[str]:
    """Yield what the ops of the first layer compute and what is derived from that, in the ops' own names."""
    graph = build_graph(Network.parse(example))
    ops: list[LossOp] = [(node.op, None) for node in graph.network_nodes if node.layer == 1]
    yield from _of_ops(ops, Rules(columns=False))


def _row_loss(entry: Loss) -> Iterator[str]:
    """Yield the totals of each sample and the loss, with what is derived from each, at the defaults."""
    own = losses.loss(entry.name)
    yield from _of_ops(list(row_loss_ops(own, "mean", columns=False)), Rules(columns=False))
    for piece in own.pieces:
        for variable in piece.variables:
            if variable != y:
                yield from _piece(piece, variable)


def _piece(piece: Piece, variable: sp.Symbol) -> Iterator[str]:
    ordered = (variable, *(each for each in piece.variables if each != variable))
    function = ElementFunction.derive(piece.name, piece.value, ordered)
    call = f"({','.join(each.name for each in piece.variables)})"
    if variable == piece.variables[0]:
        yield from _row("function", f"{piece.name}{call} = {_printed(function.value)}")
    yield from _row("slope", f"∂{piece.name}/∂{variable.name} = {_printed(function.derivative)}")


def _of_ops(ops: Sequence[LossOp], rules: Rules) -> Iterator[str]:
    """Yield what ops compute and what is derived from that, in the ops' own names; an op's f is its piece."""
    printer = FormulaPrinter(TextStyle())

    def written(form: Node, piece: Piece | None) -> str:
        further = enumerate(piece.variables[1:], start=1) if piece else ()
        names = {
            "f": piece.name if piece else "f",
            **{f"f_{at}": f"{piece and piece.name}_of_{x}" for at, x in further},
        }
        primed = {f"{own}{PRIME}": f"{name}{PRIME}" for own, name in names.items()}
        return printer.node(substitute(form, {}, {}, names | primed))

    for op, piece in ops:
        yield from _row("forward", f"{op.output} = {written(rules.forward(op), piece)}")
    for op, piece in reversed(ops):
        arriving = f", G being ∂L/∂{op.output}" if op.output != "L" else ""
        for operand in op.operands:
            form = written(rules.backward(op, operand).matrix_form, piece)
            yield from _row("backward", f"∂L/∂{operand} = {form}{arriving}")


def _optimizers() -> Iterator[list[str]]:
    for optimizer in OPTIMIZERS.values():
        defaults = ", ".join(f"{each.name}={each.default}" for each in optimizer.parameters)
        yield [
            f"{optimizer.name}({defaults})",
            *_row("", optimizer.title),
            *_updates(optimizer),
            *_row("peers", optimizer.peers),
        ]


def _initializers() -> Iterator[list[str]]:
    for name, entry in initializers.TABLE.items():
        law = "U(-s, s)" if entry.distribution == "uniform" else "the normal distribution of standard deviation s"
        also = [alias for alias, of in initializers.ALIASES.items() if of == name]
        yield [
            name + (", the default" if name == initializers.DEFAULT else ""),
            *_row("weights", f"from {law}, s = {_printed(entry.scale)}, m inputs and n outputs of the layer"),
            *(
                _row("", f"s = {_printed(entry.with_sigmoid)} if a hidden activation is sigmoid")
                if entry.with_sigmoid
                else []
            ),
            *_row("biases", "drawn like the weights" if entry.biases == "drawn" else "zeros"),
            *(_row("also", ", ".join(also)) if also else []),
            *_row("peers", entry.peers),
        ]


def _schedules() -> Iterator[list[str]]:
    for entry in SCHEDULES.values():
        parameters = ", ".join(f"{each.name}={each.default}" for each in entry.parameters)
        yield [
            entry.name + (f"({parameters})" if parameters else ""),
            *_row("rate", f"η of update t = {_printed(entry.value)}"),
            *(_row("note", entry.note) if entry.note else []),
            *(_row("peers", entry.peers) if entry.peers else []),
        ]


KINDS: dict[str, Callable[[], Iterator[list[str]]]] = {
    "activations": _activations,
    "losses": _losses,
    "layers": _layers,
    "optimizers": _optimizers,
    "schedules": _schedules,
    "initializers": _initializers,
}


def _title(entry: Activation | Loss) -> str:
    parameters = ", ".join(f"{each.name}={each.default}" for each in entry.parameters)
    return entry.name + (f"({parameters})" if parameters else "")


def _activation(entry: Activation) -> Iterator[str]:
    if entry.acts_on == "row":
        yield from _row("f(Z)[p,i]", _printed(entry.value))
        yield from _row("", "a function of a row; its gradient is derived where it is used")
        return
    yield from _function(entry, entry.variables)


def _loss(entry: Loss) -> Iterator[str]:
    yield from _row_loss(entry) if entry.totals else _function(entry, (p, y))
    if entry.target != y:
        yield from _row("y is", f"{_printed(entry.target)}, y being the targets and n the number of classes")
    over = (
        "all entries" if entry.average == "entries" else "samples" if entry.totals else "samples, each row being summed"
    )
    yield from _row("mean", f"over {over}; targets: {_TARGETS[entry.targets]}")


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
    yield from _row(f"{letter}({arguments})", _printed(definition))
    for variable in differentiated:
        ordered = (variable, *(each for each in variables if each != variable))
        function = ElementFunction.derive(entry.name, entry.value, ordered)
        slope = _printed(function.derivative) + (", at the defaults" if entry.parameters else "")
        first = f"{letter}\N{PRIME}({arguments})"
        yield from _row(first if variable == variables[0] else f"∂{letter}/∂{variable}", slope)
        if variable == variables[0]:
            kinks = [_kink(kink, variable) for kink in function.kinks if _is_met(kink, function)]
    if kinks:
        yield from _row("kinks", "; ".join(dict.fromkeys(kinks)))


_SOME = 0.75
"""A target to look at kinks with."""


def _is_met(kink: Kink, function: ElementFunction) -> bool:
    """Return whether the slope changes where the switch is zero: a switch inside another's branch may not be met."""
    variable = function.variables[0].name
    point = {each.name: _SOME for each in function.variables}

    def at(expr: sp.Expr, value: float) -> float:
        return float(exact(expr, {**point, variable: value}))

    def jump(root: float) -> float:
        return abs(at(function.derivative, root + 1e-6) - at(function.derivative, root - 1e-6))

    return any(jump(root) > 1e-4 for root in _roots(lambda value: at(kink.switch, value)))


def _roots(of: Callable[[float], float]) -> Iterator[float]:
    """Yield where a function changes its sign between -10 and 10."""
    ends = [(place + 0.3) / 8 for place in range(-80, 80)]
    for low, high in pairwise(ends):
        below = of(low)
        if below * of(high) < 0:
            for _ in range(40):
                middle = (low + high) / 2
                low, high = (middle, high) if below * of(middle) > 0 else (low, middle)
            yield low


def _kink(kink: Kink, variable: sp.Symbol) -> str:
    ends = f"{_printed(kink.below)} to {_printed(kink.above)}, {_printed(kink.chosen)} is taken"
    coefficient = sp.diff(kink.switch, variable)
    if coefficient.is_number and coefficient != 0:
        root = sp.expand(variable - kink.switch / coefficient)
        return f"{variable} = {_printed(root)}: {ends}"
    return f"{_printed(kink.switch)} = 0: {ends}"


def _about(entry: Activation | Loss, kind: peers.Kind, aliases: dict[str, str]) -> Iterator[str]:
    """Yield the rows about parameters, other names and peers."""
    limited = [f"{each.name} {each.interval}" for each in entry.parameters if each.interval]
    if limited:
        yield from _row("where", "; ".join(limited))
    if entry.note:
        yield from _row("note", entry.note)
    also = [alias for alias, name in aliases.items() if name == entry.name]
    if also:
        yield from _row("also", ", ".join(also))
    offered = peers.offers(kind, entry.name)
    if offered:
        yield from _row("peers", ", ".join(map(_offer, offered)))


def _offer(offer: peers.Offer) -> str:
    differs = []
    if offer.settings:
        differs.append(offer.settings.text()[1:-1])
    if offer.reduction != "mean":
        differs.append(f"reduction {offer.reduction}")
    if offer.factor != 1:
        differs.append(f"times {offer.factor}")
    return f"{offer.peer} {offer.name}" + (f" [{', '.join(differs)}]" if differs else "")


def _updates(optimizer: Optimizer) -> Iterator[str]:
    style = TextStyle()
    for place, update in enumerate(optimizer.updates):
        line = f"{style.name(update.target.name)} \N{LEFTWARDS ARROW} {_printed(update.value)}"
        yield from _row("update" if place == 0 else "", line)


def _printed(expr: sp.Expr) -> str:
    return FormulaPrinter(TextStyle()).formula(Formula(expr))


def _row(label: str, text: str) -> list[str]:
    head = f"  {label:<{INDENT - 2}} "
    return textwrap.wrap(text, WIDTH, initial_indent=head, subsequent_indent=" " * (INDENT + 3), break_long_words=False)
