"""The command line: exit code 0 done, 1 a check failed, 2 bad input with one line on stderr and nothing written."""

from __future__ import annotations

import gc
import os
import sys
from itertools import pairwise
from typing import NoReturn

from typer.exceptions import Abort, TyperException

import symmlp
from symmlp.commands import Interrupted, app
from symmlp.errors import shown


def main() -> NoReturn:
    """Run the command line and leave with its exit code."""
    # SymPy makes half a million objects that live until the end; looking for garbage among them, during the work or
    # once more when the interpreter ends, is slow.
    gc.set_threshold(500_000, 50, 50)
    # Pydantic would read the metadata of every installed package to look for plugins, which a spec does without.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    code = run(sys.argv[1:])
    gc.freeze()
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Return the exit code of a command line; errors of the user's are told in one line on stderr."""
    try:
        code = app(arguments or ["--help"], prog_name="symmlp", standalone_mode=False)
    except TyperException as error:
        return _refused(f"{error.format_message()}{_found(error, arguments)}", 2)
    except (Abort, Interrupted, KeyboardInterrupt) as error:
        return _refused(str(error) or "interrupted", 130)
    except BrokenPipeError:
        return 0
    except ValueError as error:
        if not isinstance(error, symmlp.SymmlpError):
            raise
        return _refused(str(error), 2)
    except MemoryError as error:
        return _refused(f"out of memory: {error or 'the request is too large'}; expected a smaller network or batch", 2)
    return code if isinstance(code, int) else 0


def _found(error: TyperException, arguments: list[str]) -> str:
    """Return what an option was given, where the message of the command-line library leaves it out."""
    names = getattr(getattr(error, "param", None), "opts", ())
    given = [value for name, value in pairwise(arguments) if name in names]
    given += [each.partition("=")[2] for each in arguments if each.partition("=")[0] in names and "=" in each]
    return f", got {shown(given[-1])}" if given and repr(given[-1]) not in error.format_message() else ""


def _refused(message: str, code: int) -> int:
    told = " ".join(message.split()).replace(": Value error, ", ": ")
    print(f"symmlp: {told}", file=sys.stderr)
    return code
