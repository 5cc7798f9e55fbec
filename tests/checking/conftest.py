"""Derivations are kept between the tests of this folder: deriving takes longer than checking."""

from __future__ import annotations

from functools import cache

import pytest

from symmlp.checking import asking
from symmlp.deriving import derive
from symmlp.graph import Layout
from symmlp.spec import Network

_kept = cache(lambda digest, layout, network: derive(network.value, layout=layout))


class _Kept:
    """A network that is equal to every other: the digest beside it tells them apart."""

    def __init__(self, value: Network) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Kept)

    def __hash__(self) -> int:
        return 0


@pytest.fixture(autouse=True)
def _kept_derivations(monkeypatch: pytest.MonkeyPatch) -> None:
    def kept(network: Network, *, layout: Layout = "batch") -> object:
        return _kept(network.digest(), layout, _Kept(network))

    monkeypatch.setattr(asking, "derive", kept)
