"""`verify`: a network's generated module, or a generated file, before every oracle."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from symmlp.deriving import derive
from symmlp.errors import SpecError, shown
from symmlp.generation import generate
from symmlp.second_order import ORDERS, with_second_order
from symmlp.spec import Network
from symmlp.verification import Report, check_module

MAX_MODULE_BYTES = 64 * 2**20


def verify(
    subject: Network | str | Path, *, seed: int = 0, with_: Sequence[str] = (), almost_everywhere: bool = False
) -> Report:
    """Return the report of every oracle on a network's generated module, or on a generated file.

    `subject` is a network, anything that `Network.load` takes, or the path of a generated .py file, whose own text is
    checked against the network in its SPEC.

    `with_` adds what lies beyond the gradient to the module of a network, see `generate`; a file is checked with all
    that is in it.

    Raises:
        SymmlpError: there is no such file, or it is no generated module.
    """
    if isinstance(subject, Network):
        return _verify_network(subject, seed, with_, almost_everywhere)
    if str(subject).endswith(".py"):
        source = _module_text(subject)
        network = Network.model_validate(_spec_of(source, subject))
        return _checked(source, network, seed, [name for name in ORDERS if f"\ndef {name}(" in source])
    return _verify_network(Network.load(subject), seed, with_, almost_everywhere)


def _verify_network(network: Network, seed: int, with_: Sequence[str], almost_everywhere: bool) -> Report:
    source = generate(network, with_=with_, almost_everywhere=almost_everywhere)
    return _checked(source, network, seed, with_, almost_everywhere=almost_everywhere)


def _checked(
    source: str, network: Network, seed: int, orders: Sequence[str], *, almost_everywhere: bool = True
) -> Report:
    """Return the report on a module, whose equations beyond the gradient are those of `orders`.

    A file does not say whether it leaves out points where a slope jumps; elsewhere its equations are the same.
    """
    derivation = derive(network)
    # Beside statistics of a batch there are no blocks by matrix formulas: a module's Hessian is made of products.
    wished = [name for name in orders if name != "hessian" or not derivation.graph.statistics]
    derivation = with_second_order(derivation, wished, almost_everywhere=almost_everywhere)
    return check_module(source, network, equations=derivation.computed, beyond=derivation.second, seed=seed)


def _module_text(path: str | Path) -> str:
    try:
        content = Path(path).read_bytes()
        if len(content) > MAX_MODULE_BYTES:
            raise SpecError(f"file: {shown(str(path))} is larger than {MAX_MODULE_BYTES} bytes")
        return content.decode("utf-8")
    except OSError as error:
        raise SpecError(f"file: cannot read {shown(str(path))}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise SpecError(f"file: {shown(str(path))} is not UTF-8 text") from None
    except ValueError as error:
        if isinstance(error, SpecError):
            raise
        raise SpecError(f"file: cannot read {shown(str(path))}: it is no path") from None


def _spec_of(source: str, path: str | Path) -> Any:
    """Return the value of SPEC, read from the text without running it."""
    try:
        for statement in ast.parse(source).body:
            match statement:
                case ast.Assign(targets=[ast.Name(id="SPEC")], value=value):
                    return ast.literal_eval(value)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        pass
    raise SpecError(f"file: {shown(str(path))} has no SPEC; expected a module that symmlp generated")
