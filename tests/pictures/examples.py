"""Networks whose pictures are looked at: shallow, deep, of every op, and drawn ones."""

from __future__ import annotations

from functools import cache

from symmlp.derivation import Derivation
from symmlp.deriving import derive
from symmlp.pictures.network import network
from symmlp.pictures.record import Kind, Picture
from symmlp.pictures.shortening import shorten
from symmlp.pictures.tree import tree
from symmlp.spec import Network
from tests.strategies import drawn_networks

SHALLOW = "4 -> 16 tanh -> 3 softmax | cross_entropy"
HIDDEN = " -> ".join(f"{units} tanh" for units in range(3, 14))
SPECS = {
    "shallow": SHALLOW,
    "expressions": "4 -> 6 {where(x < 0, x*sigmoid(x), x)} -> 2 | {where(abs(p - y) < 1, (p - y)**2, abs(p - y))}",
    "softmax inside": "5 -> 7 softmax -> 3 | huber",
    "twelve layers": f"7 -> {HIDDEN} -> 2 | mse",
    "thirteen layers": f"7 -> {HIDDEN} -> 14 tanh -> 2 | mse",
    "every op": "8 -> 6 tanh -> layer_norm -> 6 tanh -> dropout(rate=0.5) -> add(layer=1) -> rms_norm -> "
    "concat(layer=0) -> 3 softmax | cross_entropy",
}


@cache
def derivation(name: str) -> Derivation:
    """Return the derivation of a spec in SPECS."""
    return derive(Network.parse(SPECS[name]))


@cache
def drawn() -> tuple[Derivation, ...]:
    """Return derivations of drawn networks."""
    return tuple(derive(network) for network in drawn_networks(12))


def whole(derivation: Derivation, kind: Kind, *, backward: bool) -> Picture:
    """Return a picture with nothing left out."""
    return tree(derivation, backward=backward) if kind == "tree" else network(derivation, backward=backward)


def picture_of(name: str, kind: Kind, *, backward: bool) -> Picture:
    """Return the picture of a spec in SPECS, shortened."""
    return shorten(whole(derivation(name), kind, backward=backward))
