"""What `symmlp generate` need not import: each room of the package, and each library, costs a tenth of a second or so.

Deterministic, in contrast to a time: `benchmarks/derivation_cost.py` measures what is promised, at most three times
what importing SymPy costs.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SPEC = "4 -> 16 tanh -> 8 relu -> 3 softmax | cross_entropy"
NOT_NEEDED = frozenset(
    {
        "rich",
        "matplotlib",
        "numba",
        "scipy",
        "sklearn",
        "torch",
        "symmlp.audit",
        "symmlp.checking",
        "symmlp.datasets",
        "symmlp.document",
        "symmlp.entrywise",
        "symmlp.listing",
        "symmlp.pictures",
        "symmlp.reporting",
        "symmlp.samples",
        "symmlp.training",
        "symmlp.verification",
    }
)
SCRIPT = """
import sys
from symmlp.cli import main
try:
    main()
except SystemExit as leaving:
    print("modules", *sorted(sys.modules))
    sys.exit(leaving.code)
"""


def modules_of(*arguments: str) -> frozenset[str]:
    """Return the names of the modules that a command has imported when it ends."""
    done = subprocess.run([sys.executable, "-c", SCRIPT, *arguments], capture_output=True, text=True, check=True)
    _, *names = done.stdout.splitlines()[-1].split()
    return frozenset(names)


@pytest.mark.parametrize("options", [(), ("--style", "buffered"), ("--target", "numba")], ids=" ".join)
def test_generate_imports_no_room_and_no_library_that_it_does_not_need(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    found = modules_of("generate", SPEC, "-o", str(tmp_path / "module.py"), *options)
    assert "symmlp.generation" in found
    assert found & NOT_NEEDED == set()


def test_what_is_not_needed_is_seen_where_it_is_imported() -> None:
    assert modules_of("derive", SPEC) & NOT_NEEDED == {"symmlp.document"}


def test_plugins_of_pydantic_are_not_looked_for_by_the_command_line(tmp_path: Path) -> None:
    script = SCRIPT.replace("import sys", "import sys, importlib.metadata\nimportlib.metadata.entry_points = None", 1)
    command = [sys.executable, "-c", script, "generate", SPEC, "-o", str(tmp_path / "module.py")]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
