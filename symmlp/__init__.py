"""symmlp: see, generate and trust the gradients of a multi-layer perceptron."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from symmlp.version import __version__

if TYPE_CHECKING:
    from symmlp.audit import verify
    from symmlp.document import PrintableDerivation, derive
    from symmlp.entrywise import Elementwise, elementwise
    from symmlp.errors import SymmlpError
    from symmlp.files import write_text
    from symmlp.generation import generate
    from symmlp.listing import listed
    from symmlp.samples import Samples, read_samples
    from symmlp.spec import Dense, Network
    from symmlp.training import TrainResult, demo, train
    from symmlp.verification import Report

_HOMES = {
    "Dense": "symmlp.spec",
    "Elementwise": "symmlp.entrywise",
    "Network": "symmlp.spec",
    "PrintableDerivation": "symmlp.document",
    "Report": "symmlp.verification",
    "Samples": "symmlp.samples",
    "SymmlpError": "symmlp.errors",
    "TrainResult": "symmlp.training",
    "demo": "symmlp.training",
    "derive": "symmlp.document",
    "elementwise": "symmlp.entrywise",
    "generate": "symmlp.generation",
    "listed": "symmlp.listing",
    "read_samples": "symmlp.samples",
    "train": "symmlp.training",
    "verify": "symmlp.audit",
    "write_text": "symmlp.files",
}
"""Where each public name lives; its home is imported when the name is first asked for, because SymPy takes long."""

__all__ = [
    "Dense",
    "Elementwise",
    "Network",
    "PrintableDerivation",
    "Report",
    "Samples",
    "SymmlpError",
    "TrainResult",
    "__version__",
    "demo",
    "derive",
    "elementwise",
    "generate",
    "listed",
    "read_samples",
    "train",
    "verify",
    "write_text",
]


def __getattr__(name: str) -> Any:
    """Return a public name from its home."""
    if name not in _HOMES:
        raise AttributeError(f"module 'symmlp' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the public names beside what is there already."""
    return sorted({*globals(), *__all__})
