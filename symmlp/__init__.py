"""symmlp: see, generate and trust the gradients of a multi-layer perceptron."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from symmlp.showing import show_with
from symmlp.version import __version__

if TYPE_CHECKING:
    from symmlp.audit import verify
    from symmlp.checking import FormulaCheck, check_formula
    from symmlp.costing import cost, cost_json, cost_text
    from symmlp.document import Notation, PrintableDerivation, derive
    from symmlp.entrywise import Elementwise, elementwise
    from symmlp.errors import SymmlpError
    from symmlp.files import write_all, write_text
    from symmlp.generation import generate
    from symmlp.listing import listed
    from symmlp.pictures import Drawing, format_of, picture
    from symmlp.reporting import report
    from symmlp.samples import Samples, read_samples
    from symmlp.spec import Dense, Network
    from symmlp.training import TrainResult, demo, train
    from symmlp.verification import Report

_HOMES = {
    "Dense": "symmlp.spec",
    "Drawing": "symmlp.pictures",
    "Elementwise": "symmlp.entrywise",
    "FormulaCheck": "symmlp.checking",
    "Network": "symmlp.spec",
    "Notation": "symmlp.document",
    "PrintableDerivation": "symmlp.document",
    "Report": "symmlp.verification",
    "Samples": "symmlp.samples",
    "SymmlpError": "symmlp.errors",
    "TrainResult": "symmlp.training",
    "check_formula": "symmlp.checking",
    "cost": "symmlp.costing",
    "cost_json": "symmlp.costing",
    "cost_text": "symmlp.costing",
    "demo": "symmlp.training",
    "derive": "symmlp.document",
    "elementwise": "symmlp.entrywise",
    "format_of": "symmlp.pictures",
    "generate": "symmlp.generation",
    "listed": "symmlp.listing",
    "picture": "symmlp.pictures",
    "read_samples": "symmlp.samples",
    "report": "symmlp.reporting",
    "train": "symmlp.training",
    "verify": "symmlp.audit",
    "write_all": "symmlp.files",
    "write_text": "symmlp.files",
}
"""Where each public name lives; its home is imported when the name is first asked for, because SymPy takes long."""

__all__ = [
    "Dense",
    "Drawing",
    "Elementwise",
    "FormulaCheck",
    "Network",
    "Notation",
    "PrintableDerivation",
    "Report",
    "Samples",
    "SymmlpError",
    "TrainResult",
    "__version__",
    "check_formula",
    "cost",
    "cost_json",
    "cost_text",
    "demo",
    "derive",
    "elementwise",
    "format_of",
    "generate",
    "listed",
    "picture",
    "read_samples",
    "report",
    "train",
    "verify",
    "write_all",
    "write_text",
]


def __getattr__(name: str) -> Any:
    """Return a public name from its home."""
    if name not in _HOMES:
        raise AttributeError(f"module 'symmlp' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def _shown(home: str, function: str) -> Callable[[Any], str | None]:
    """Return a function of another room that is looked up when something is to be shown."""
    return lambda subject: getattr(importlib.import_module(home), function)(subject)


show_with(
    {
        "picture of a network": _shown("symmlp.pictures", "shown_picture"),
        "picture of a derivation": _shown("symmlp.pictures", "shown_picture"),
        "LaTeX of an equation": _shown("symmlp.document", "equation_latex"),
    }
)


def __dir__() -> list[str]:
    """Return the public names beside what is there already."""
    return sorted({*globals(), *__all__})
