"""What derivation and generation cost: depth, width, and the whole command against importing SymPy.

Each contestant runs in a process of its own, in interleaved rounds; the figures are medians, the claims are ratios.
Wall time counts what other processes of the machine do, too; of whole processes the processor's time (user and system)
is reported beside it. A first round, which writes the bytecode that an installation has, is not counted.

    .venv/bin/python benchmarks/derivation_cost.py [ROUNDS]
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

DERIVE = """
import time
from symmlp.deriving import derive
from symmlp.spec import Dense, Network
net = Network(inputs={width}, layers=[*[Dense({width}, "tanh")] * {hidden}, Dense(3, "softmax")], loss="cross_entropy")
start, spent = time.perf_counter(), time.process_time()
derive(net)
print(time.perf_counter() - start, time.process_time() - spent)
"""
SPEC = "4 -> 16 tanh -> 8 relu -> 3 softmax | cross_entropy"


ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
PROMISED = 3.0
"""At most so many times what importing SymPy costs, in the processor's time, is what generating a module costs."""


@dataclass(frozen=True)
class Cost:
    """Seconds on the clock, and seconds of the processor."""

    wall: float
    cpu: float


def derivation(width: int, depth: int) -> Cost:
    """Return what `derive` takes in a new process, imports not counted."""
    script = DERIVE.format(width=width, hidden=depth - 1)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=ENVIRONMENT)
    return Cost(*map(float, done.stdout.split()))


def process(arguments: list[str]) -> Cost:
    """Return what a whole process takes."""
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], capture_output=True, check=True, env=ENVIRONMENT)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return Cost(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def measured(rounds: int) -> dict[str, list[Cost]]:
    """Return what each contestant took in interleaved rounds, the first one left out."""
    with tempfile.TemporaryDirectory() as folder:
        module = str(Path(folder) / "module.py")
        contestants = {
            "derive, 3 layers": lambda: derivation(8, 3),
            "derive, 200 layers": lambda: derivation(8, 200),
            "derive, 3 layers of 300,000 units": lambda: derivation(300_000, 3),
            "import sympy, whole process": lambda: process(["-c", "import sympy"]),
            "symmlp generate, whole process": lambda: process(
                ["-m", "symmlp", "generate", SPEC, "-o", module, "--force"]
            ),
        }
        costs: dict[str, list[Cost]] = {name: [] for name in contestants}
        for _ in range(rounds + 1):
            for name, contestant in contestants.items():
                costs[name].append(contestant())
    return {name: found[1:] for name, found in costs.items()}


def median(costs: list[Cost]) -> Cost:
    """Return the medians of both times."""
    return Cost(statistics.median(each.wall for each in costs), statistics.median(each.cpu for each in costs))


def ratio(above: list[Cost], below: list[Cost]) -> Cost:
    """Return the medians of the ratios within each round, so that a slow moment counts for both."""
    return median([Cost(one.wall / other.wall, one.cpu / other.cpu) for one, other in zip(above, below, strict=True)])


def main() -> None:
    """Print the medians and the ratios; fail if generating costs more than is promised."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    costs = measured(rounds)
    for name, found in costs.items():
        print(f"{name:<34} {median(found).wall:8.3f} s  {median(found).cpu:8.3f} s of the processor")
    for above, below in (
        ("derive, 200 layers", "derive, 3 layers"),
        ("derive, 3 layers of 300,000 units", "derive, 3 layers"),
        ("symmlp generate, whole process", "import sympy, whole process"),
    ):
        found_ratio = ratio(costs[above], costs[below])
        print(f"{above} / {below}: {found_ratio.wall:.2f}, of the processor {found_ratio.cpu:.2f}")
    if found_ratio.cpu > PROMISED:
        sys.exit(f"generating costs {found_ratio.cpu:.2f} times importing SymPy; promised is at most {PROMISED}")


if __name__ == "__main__":
    main()
