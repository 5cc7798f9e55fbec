"""Layers, and what the ops that they consist of compute and are derived to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from symmlp.calculus.matrix_form import PRIME
from symmlp.calculus.rules import Rules
from symmlp.catalog.loss import Piece
from symmlp.graph import build_graph
from symmlp.graph.losses import LossOp
from symmlp.listing.rows import row
from symmlp.matrix import Node, substitute
from symmlp.printing.formula import FormulaPrinter
from symmlp.printing.text import TextStyle
from symmlp.spec import Network
from symmlp.spec_layers import LAYERS, Layer


def layer_entries() -> Iterator[list[str]]:
    """Yield the rows of each layer."""
    for name, layer in LAYERS.items():
        described = " ".join((layer.__doc__ or "").split())
        yield [name, *row("", described), *_fields(layer), *_equations(_EXAMPLES[name])]


_EXAMPLES = {
    "dense": "4 -> 3 tanh -> 2 | mse",
    "activation": "4 -> tanh -> 3 | mse",
    "dropout": "4 -> dropout -> 3 | mse",
    "alpha_dropout": "4 -> alpha_dropout -> 3 | mse",
    "gaussian_dropout": "4 -> gaussian_dropout -> 3 | mse",
    "gaussian_noise": "4 -> gaussian_noise -> 3 | mse",
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
            yield from row(name, f"{field.description}{default}")


def _equations(example: str) -> Iterator[str]:
    """Yield what the ops of the first layer compute and what is derived from that, in the ops' own names."""
    graph = build_graph(Network.parse(example))
    ops: list[LossOp] = [(node.op, None) for node in graph.network_nodes if node.layer == 1]
    yield from ops_lines(ops, Rules(columns=False))


def ops_lines(ops: Sequence[LossOp], rules: Rules) -> Iterator[str]:
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
        yield from row("forward", f"{op.output} = {written(rules.forward(op), piece)}")
    for op, piece in reversed(ops):
        arriving = f", G being ∂L/∂{op.output}" if op.output != "L" else ""
        for operand in op.operands:
            form = written(rules.backward(op, operand).matrix_form, piece)
            yield from row("backward", f"∂L/∂{operand} = {form}{arriving}")
