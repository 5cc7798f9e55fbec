"""A generated module's text made into a module: inspected, executed, never written to disk or left in `sys.modules`."""

from __future__ import annotations

import ast
import hashlib
import linecache
import sys
from collections.abc import Iterator
from functools import lru_cache
from types import CodeType, ModuleType
from typing import Any

from symmlp.errors import SymmlpError, shown

REQUIRED = ("SPEC", "N_PARAMS", "SHAPES", "DTYPE", "loss", "loss_and_grad")
"""The names that the oracles need; the contract check looks at the others."""

LIBRARIES = ("numpy", "numba")
"""What the targets' modules import besides the standard library."""


class ModuleTextError(SymmlpError):
    """A text that is no generated module: it does not parse, imports too much, fails when run, or lacks a name."""


def load_module(source: str, *, numpy: object | None = None) -> ModuleType:
    """Return the module that `source` defines, with `numpy` in place of its `np` if given.

    The text is executed. The inspection of its imports keeps a generated module honest; it does not make the text of a
    stranger safe to run. The text is registered with `linecache`, so tracebacks and debuggers show its lines.

    Raises:
        ModuleTextError: the text is no generated module.
    """
    module = load_text(source)
    missing = [name for name in REQUIRED if not hasattr(module, name)]
    if missing:
        raise ModuleTextError(f"module: no {shown(missing[0])}; expected the names {', '.join(REQUIRED)}")
    if numpy is not None:
        vars(module)["np"] = numpy
    return module


def load_text(source: str) -> ModuleType:
    """Return the module that `source` defines, whatever names it has; see `load_module`.

    Raises:
        ModuleTextError: the text does not parse, imports too much, or fails when run.
    """
    digest = hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    module = ModuleType(f"symmlp_generated_{digest}")
    code = _compiled(source, f"<symmlp module {digest}>")
    linecache.cache[code.co_filename] = (len(source), None, source.splitlines(keepends=True), code.co_filename)
    _execute(code, module)
    return module


@lru_cache(maxsize=32)
def _compiled(source: str, filename: str) -> CodeType:
    """Return the code of a text, which the oracles load again and again; every module is executed for itself."""
    tree = _parsed(source)
    refuse_foreign_imports(tree)
    try:
        return compile(tree, filename, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ModuleTextError(f"module: compiling it raised {type(error).__name__}: {_one_line(error)}") from error


def _parsed(source: str) -> ast.Module:
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError) as error:
        place = f"line {error.lineno}: " if isinstance(error, SyntaxError) and error.lineno else ""
        raise ModuleTextError(f"module: {place}{_one_line(error)}; expected Python text") from None
    except (MemoryError, RecursionError):
        raise ModuleTextError("module: nested too deeply; expected the text of a generated module") from None


def refuse_foreign_imports(tree: ast.Module) -> None:
    """Check that a module imports nothing but NumPy, Numba and the standard library.

    Raises:
        ModuleTextError: it imports something else, or relatively.
    """
    for line, name in _imports(tree):
        if name not in LIBRARIES and name not in sys.stdlib_module_names:
            expected = f"{', '.join(LIBRARIES)} or the standard library"
            raise ModuleTextError(f"module: line {line} imports {shown(name)}; expected {expected}")


def _imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield (line, first part of the imported name) of every import; a relative one yields its dots."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name.split(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, "." * node.level or (node.module or "").split(".")[0]


def _execute(code: CodeType, module: ModuleType) -> None:
    # While the text runs the module is registered, because dataclasses look their module up by name.
    sys.modules[module.__name__] = module
    try:
        exec(code, vars(module))  # noqa: S102 - running the text is what is asked for
    except (Exception, SystemExit) as error:
        raise ModuleTextError(f"module: running it raised {type(error).__name__}: {_one_line(error)}") from error
    finally:
        del sys.modules[module.__name__]


def _one_line(error: BaseException) -> str:
    text: Any = error.msg if isinstance(error, SyntaxError) else error
    return shown(str(text), limit=120)
