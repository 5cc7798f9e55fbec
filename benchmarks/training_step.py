"""Training steps side by side: symmlp's generated modules, PyTorch, JAX, scikit-learn, autograd and the bare matmuls.

Each contestant runs in a process of its own that waits between its turns; turns are interleaved, so that a change of the
machine's speed meets everyone. A figure is the median over rounds of the mean of many steps; claims are ratios of these.

    .venv/bin/python -m benchmarks.training_step [ROUNDS]             prints the tables and writes docs/benchmarks.md
    .venv/bin/python -m benchmarks.training_step ROUNDS tiny deep     measures these parts (networks, or `others`): the page
                                                                      is written once all of them have been measured

On a machine that does other work beside, OMP_NUM_THREADS=1 gives ratios that repeat: threads that wait for each other
while one of them is kept from its core take many times as long.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks.contestants import BATCHES, CONTESTANTS, FITS, FORWARDS, NETS

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "benchmarks.md"
PLOT = ROOT / "docs" / "images" / "training_step.svg"
THREADS = os.environ.get("OMP_NUM_THREADS", str(os.cpu_count() or 1))
ONE_THREAD_OF_XLA = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
SECONDS = 0.25
"""How long one turn lasts."""

Steps = dict[str, dict[str, float]]
"""The seconds of a step: of every network, of every contestant."""


def timed(step: object, seconds: float) -> float:
    """Return the mean seconds of a step over a turn."""
    assert callable(step)
    start, count = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        step()
        count += 1
    return (time.perf_counter() - start) / count


def serve(kind: str, contestant: str, net: str) -> None:
    """Make the step, warm it up, and answer every line on standard input with the seconds of a turn."""
    table = {"step": CONTESTANTS, "fit": FITS, "forward": FORWARDS}[kind]
    step = table[contestant](NETS[net])
    for _ in range(3):
        step()
    timed(step, SECONDS)
    print(json.dumps(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024), flush=True)
    for _ in sys.stdin:
        print(timed(step, SECONDS), flush=True)


class Worker:
    """A contestant's process; `peak` is its memory after warming up, in MB."""

    def __init__(self, kind: str, contestant: str, net: str) -> None:
        environment = {
            **os.environ,
            "OMP_NUM_THREADS": THREADS,
            "OPENBLAS_NUM_THREADS": THREADS,
            "MKL_NUM_THREADS": THREADS,
            **({"XLA_FLAGS": ONE_THREAD_OF_XLA} if THREADS == "1" else {}),
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.training_step", "--serve", kind, contestant, net],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=environment,
        )

    def answer(self) -> float | None:
        """Return the next number that the process prints; None if it has ended instead."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        return float(line) if line.strip() else None

    def turn(self) -> float | None:
        """Return the seconds of a step in one turn."""
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        return self.answer()

    def end(self) -> None:
        """Let the process go."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def measured(kind: str, contestants: Sequence[str], net: str, rounds: int) -> tuple[dict[str, float], dict[str, float]]:
    """Return each contestant's median seconds of a step and its peak memory in MB; those that fail are left out."""
    workers = {name: Worker(kind, name, net) for name in contestants}
    peaks = {name: worker.answer() for name, worker in workers.items()}
    running = {name: worker for name, worker in workers.items() if peaks[name] is not None}
    for name in workers.keys() - running.keys():
        _, trace = workers[name].process.communicate()
        print(f"  {name}: left out: {(trace.strip().splitlines() or ['no answer'])[-1][:160]}", flush=True)
    times: dict[str, list[float]] = {name: [] for name in running}
    for _ in range(rounds):
        for name, worker in running.items():
            found = worker.turn()
            if found is not None:
                times[name].append(found)
    for worker in running.values():
        worker.end()
    medians = {name: statistics.median(found) for name, found in times.items() if found}
    return medians, {name: peak for name, peak in peaks.items() if peak is not None}


COLD = {
    "symmlp plain": "import module; t = module.Trainer(module.init_params(0), batch_size=32); t.step(X, Y)",
    "symmlp buffered": "import module; t = module.Trainer(module.init_params(0), batch_size=32); t.step(X, Y)",
    "PyTorch eager": """
from benchmarks.contestants import NETS, torch_eager
torch_eager(NETS["tiny"])()""",
    "JAX jit": """
from benchmarks.contestants import NETS, jax_jit
jax_jit(NETS["tiny"])()""",
}


def cold_starts(rounds: int) -> dict[str, float]:
    """Return the median seconds of a whole process from its start to its first training step."""
    folder = PAGE.parent / "_cold"
    commands = {}
    for name, script in COLD.items():
        head = "import numpy as np\nX = np.ones((32, 4), np.float32); Y = np.zeros(32, int)\n"
        path = [str(ROOT)]
        if name.startswith("symmlp"):
            place = folder / name.split()[1]
            place.mkdir(parents=True, exist_ok=True)
            source = generated_source(name.split()[1])
            (place / "module.py").write_text(source, encoding="utf-8")
            path.insert(0, str(place))
        commands[name] = ([sys.executable, "-c", head + script], {**os.environ, "PYTHONPATH": os.pathsep.join(path)})
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, (command, environment) in commands.items():
            start = time.perf_counter()
            subprocess.run(command, env=environment, check=True, capture_output=True)
            times[name].append(time.perf_counter() - start)
    for each in sorted(folder.rglob("*"), reverse=True):
        each.unlink() if each.is_file() else each.rmdir()
    folder.rmdir()
    return {name: statistics.median(found) for name, found in times.items()}


def generated_source(style: str) -> str:
    """Return the text of the tiny network's module."""
    import symmlp

    return symmlp.generate(symmlp.Network.parse(NETS["tiny"].spec), style=style, dtype="float32")


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return a Markdown table."""
    return [
        "| " + " | ".join(head) + " |",
        "| " + " | ".join("---" for _ in head) + " |",
        *("| " + " | ".join(row) + " |" for row in rows),
        "",
    ]


def microseconds(seconds: float | None) -> str:
    """Return a time in µs, or a dash."""
    return "–" if seconds is None else f"{seconds * 1e6:,.0f}" if seconds > 1e-4 else f"{seconds * 1e6:,.1f}"


def ratios(steps: dict[str, dict[str, float]], ours: str) -> list[list[str]]:
    """Return rows with how many times a contestant's step takes that of `ours`."""
    others = [name for name in CONTESTANTS if name != ours and any(name in found for found in steps.values())]
    return [
        [
            name,
            *(f"{found[name] / found[ours]:.2f}" if {name, ours} <= found.keys() else "–" for found in steps.values()),
        ]
        for name in others
    ]


def verdict(claim: str, ratio: float, promised: float) -> str:
    """Return a line that says whether a ratio is what was promised."""
    found = "reached" if ratio > promised else "missed"
    return f"- {claim}: {found}, {ratio:.2f} times where more than {promised:g} was the goal."


FRAMEWORKS = ("PyTorch eager", "PyTorch compiled", "scikit-learn", "autograd", "JAX jit")
FLOORS = {"mnist": 1.25, "gelu": 1.25, "wide": 1.1}
"""At most so many times the bare matrix products is what a step of the Numba target is to take."""


def goals(steps: Steps, peaks: dict[str, float], cold: dict[str, float]) -> list[str]:
    """Return the goals of the buffered style, each reached or missed by these very numbers."""
    ours, lines = "symmlp buffered", []
    for other in FRAMEWORKS:
        for net, found in steps.items():
            if {ours, other} <= found.keys() and (other != "JAX jit" or net in ("tiny", "small", "deep")):
                lines.append(verdict(f"A step of {net} ahead of {other}", found[other] / found[ours], 1))
    for other in ("PyTorch eager", "JAX jit"):
        if {ours, other} <= cold.keys():
            lines.append(verdict(f"Import to first step ahead of {other}", cold[other] / cold[ours], 5))
    if {ours, "PyTorch eager"} <= peaks.keys():
        lines.append(verdict("Memory on wide, PyTorch's by ours", peaks["PyTorch eager"] / peaks[ours], 2))
    return lines


def goals_of_numba(steps: Steps, fits: dict[str, float]) -> list[str]:
    """Return the goals of the Numba target, each reached or missed by these very numbers."""
    ours, lines = "symmlp numba", []
    for other in FRAMEWORKS:
        for net, found in steps.items():
            if {ours, other} <= found.keys():
                goal = 5 if (other, net) == ("JAX jit", "tiny") else 1
                lines.append(verdict(f"A step of {net} ahead of {other}", found[other] / found[ours], goal))
    if {ours, "JAX jit"} <= fits.keys():
        lines.append(verdict("A batch of fit on tiny ahead of JAX jit", fits["JAX jit"] / fits[ours], 10))
    for net, most in FLOORS.items():
        if net in steps and {ours, "bare matmuls"} <= steps[net].keys():
            ratio = steps[net][ours] / steps[net]["bare matmuls"]
            reached = "reached" if ratio <= most else "missed"
            lines.append(
                f"- A step of {net} by the bare products: {reached}, {ratio:.2f} where at most {most:g} was the goal."
            )
    return lines


def installed(name: str) -> str:
    """Return a package's version, or a dash."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "–"


def page(
    steps: Steps,
    peaks: dict[str, float],
    fits: dict[str, float],
    forwards: dict[str, float],
    cold: dict[str, float],
    rounds: int,
) -> str:
    """Return the page of results."""
    packages = ("numpy", "scipy", "numba", "torch", "jax", "scikit-learn", "autograd")
    lines = [
        "# Training steps side by side",
        "",
        "A step is forward, backward and Adam on one batch, float32. Each contestant runs in a process of its own, turns are",
        f"interleaved, a figure is the median of {rounds} turns of {SECONDS} s. Only ratios within one table mean anything.",
        "",
        "Written by `python -m benchmarks.training_step`, not by hand. What derivation costs beside other tools stands in",
        "[derivation_times.md](derivation_times.md).",
        "",
        f"Machine: {platform.machine()}, {os.cpu_count()} cores, every contestant with {THREADS} of them (OMP_NUM_THREADS). Python {platform.python_version()}, "
        + ", ".join(f"{name} {installed(name)}" for name in packages)
        + ".",
        "",
        f"Load of the machine beside the measurement: {os.getloadavg()[1]:.1f} processes. Where that is above 1, figures wander by half and",
        "more; a step that comes out faster than the bare products that it contains shows how far.",
        "",
        "![ratios](images/training_step.svg)",
        "",
        "## Microseconds a step",
        "",
    ]
    nets = [_title(name) for name in steps]
    lines += table(
        ["", *nets], [[name, *(microseconds(found.get(name)) for found in steps.values())] for name in CONTESTANTS]
    )
    for ours in ("symmlp buffered", "symmlp numba"):
        lines += [f"## How many times as long as {ours}", "", "Above 1, the contestant is slower.", ""]
        lines += table(["", *steps], ratios(steps, ours))
    lines += ["## Goals of the buffered style", "", *goals(steps, peaks, cold), ""]
    lines += ["## Goals of the Numba target", "", *goals_of_numba(steps, fits), ""]
    lines += ["## A batch of `fit` on the tiny network", ""]
    lines += table(["", "µs a batch"], [[name, microseconds(found)] for name, found in fits.items()])
    lines += ["## Prediction for one sample, the mnist network", ""]
    lines += table(["", "µs"], [[name, microseconds(found)] for name, found in forwards.items()])
    lines += ["## From the start of the process to the first training step, the tiny network", ""]
    lines += table(["", "seconds"], [[name, f"{found:.2f}"] for name, found in cold.items()])
    lines += ["## Peak memory of the process, the wide network", ""]
    lines += table(["", "MB"], [[name, f"{found:,.0f}"] for name, found in peaks.items()])
    return "\n".join(lines)


def _title(name: str) -> str:
    net = NETS[name]
    widths = "-".join(map(str, net.widths)) if len(net.widths) < 6 else f"{net.widths[0]}×{len(net.widths) - 1}"
    return f"{name} {widths} {net.activation}, N = {net.batch}"


def draw(steps: dict[str, dict[str, float]]) -> None:
    """Draw the steps relative to the bare matmuls."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "symmlp"
    import matplotlib.pyplot as plt

    measured_names = {name for found in steps.values() for name in found}
    names = [name for name in CONTESTANTS if name != "bare matmuls" and name in measured_names]
    figure, axes = plt.subplots(figsize=(10, 4.5), layout="constrained")
    width = 0.8 / len(names)
    for at, name in enumerate(names):
        places = [number + at * width for number, found in enumerate(steps.values()) if name in found]
        heights = [found[name] / found["bare matmuls"] for found in steps.values() if name in found]
        axes.bar(places, heights, width, label=name)
    axes.set_yscale("log")
    axes.axhline(1, color="black", linewidth=0.8)
    axes.set_xticks([number + 0.4 for number in range(len(steps))], list(steps))
    axes.set_ylabel("time of a step / bare matrix products")
    axes.legend(ncols=4, fontsize="small")
    PLOT.parent.mkdir(exist_ok=True)
    figure.savefig(PLOT, metadata={"Date": None})


KEPT = Path(tempfile.gettempdir()) / "symmlp_training_step.json"
"""Where parts that were measured one after the other wait for the page."""


def steps_of(nets: Sequence[str], rounds: int) -> dict[str, Any]:
    """Return the steps of some networks, and the memory of the widest."""
    steps, peaks = {}, {}
    for net in nets:
        print(net, flush=True)
        steps[net], memory = measured("step", list(CONTESTANTS), net, rounds)
        if net == "wide":
            peaks = memory
        for name, found in steps[net].items():
            print(f"  {name:<18} {microseconds(found):>9} µs   {found / steps[net]['bare matmuls']:.2f}", flush=True)
    return {"steps": steps, **({"peaks": peaks} if peaks else {})}


def others(rounds: int) -> dict[str, Any]:
    """Return what is measured beside steps."""
    whole, _ = measured("fit", list(FITS), "tiny", rounds)
    forwards, _ = measured("forward", list(FORWARDS), "mnist", rounds)
    fits = {name: found / (20 * BATCHES) for name, found in whole.items()}
    result = {"fits": fits, "forwards": forwards, "cold": cold_starts(min(rounds, 7))}
    print(result, flush=True)
    return result


def main() -> None:
    """Measure what is asked for, print it as it comes and keep it; write the page once everything is there."""
    if sys.argv[1:2] == ["--serve"]:
        serve(*sys.argv[2:5])
        return
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    asked = sys.argv[2:]
    if unknown := [name for name in asked if name not in (*NETS, "others")]:
        sys.exit(f"unknown part {unknown[0]!r}; expected {', '.join(NETS)}, others")
    kept = json.loads(KEPT.read_text(encoding="utf-8")) if asked and KEPT.exists() else {"steps": {}}
    found = steps_of([net for net in asked or NETS if net in NETS], rounds)
    found |= others(rounds) if not asked or "others" in asked else {}
    kept |= {**found, "steps": {**kept["steps"], **found["steps"]}}
    KEPT.write_text(json.dumps(kept), encoding="utf-8")
    if set(NETS) <= kept["steps"].keys() and {"peaks", "fits", "forwards", "cold"} <= kept.keys():
        kept["steps"] = {net: kept["steps"][net] for net in NETS}
        PAGE.write_text(page(**kept, rounds=rounds), encoding="utf-8")
        draw(kept["steps"])


if __name__ == "__main__":
    main()
