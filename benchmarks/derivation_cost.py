"""What derivation and generation cost: depth, width, and the whole command against importing SymPy.

Each contestant runs in a process of its own, in interleaved rounds; the figures are medians, the claims are ratios.

    .venv/bin/python benchmarks/derivation_cost.py [ROUNDS]
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

DERIVE = """
import time
from symmlp.deriving import derive
from symmlp.spec import Dense, Network
net = Network(inputs={width}, layers=[*[Dense({width}, "tanh")] * {hidden}, Dense(3, "softmax")], loss="cross_entropy")
start = time.perf_counter()
derive(net)
print(time.perf_counter() - start)
"""
SPEC = "4 -> 16 tanh -> 8 relu -> 3 softmax | cross_entropy"


def derivation_seconds(width: int, depth: int) -> float:
    """Return the seconds that `derive` takes in a new process, imports not counted."""
    script = DERIVE.format(width=width, hidden=depth - 1)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return float(done.stdout)


def process_seconds(arguments: list[str]) -> float:
    """Return the seconds that a whole process takes."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], capture_output=True, check=True)
    return time.perf_counter() - start


def measured(rounds: int) -> dict[str, float]:
    """Return the median seconds of each contestant over interleaved rounds."""
    with tempfile.TemporaryDirectory() as folder:
        module = str(Path(folder) / "module.py")
        contestants = {
            "derive, 3 layers": lambda: derivation_seconds(8, 3),
            "derive, 200 layers": lambda: derivation_seconds(8, 200),
            "derive, 3 layers of 10^6 units": lambda: derivation_seconds(10**6, 3),
            "import sympy, whole process": lambda: process_seconds(["-c", "import sympy"]),
            "symmlp generate, whole process": lambda: process_seconds(
                ["-m", "symmlp", "generate", SPEC, "-o", module, "--force"]
            ),
        }
        times: dict[str, list[float]] = {name: [] for name in contestants}
        for _ in range(rounds):
            for name, contestant in contestants.items():
                times[name].append(contestant())
    return {name: statistics.median(found) for name, found in times.items()}


def main() -> None:
    """Print the medians and the ratios."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    seconds = measured(rounds)
    for name, median in seconds.items():
        print(f"{name:<32} {median:8.3f} s")
    for above, below in (
        ("derive, 200 layers", "derive, 3 layers"),
        ("derive, 3 layers of 10^6 units", "derive, 3 layers"),
        ("symmlp generate, whole process", "import sympy, whole process"),
    ):
        print(f"{above} / {below}: {seconds[above] / seconds[below]:.2f}")


if __name__ == "__main__":
    main()
