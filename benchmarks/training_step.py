"""Training steps side by side: symmlp's generated modules, PyTorch, JAX, scikit-learn, autograd and the bare matmuls.

Each contestant runs in a process of its own that waits between its turns; turns are interleaved, so that a change of
the machine's speed meets everyone. A figure is the median over rounds of a turn's median; claims are ratios of these.

    .venv/bin/python -m benchmarks.training_step [ROUNDS]             prints the tables and writes docs/benchmarks.md
    .venv/bin/python -m benchmarks.training_step ROUNDS tiny deep     measures these parts (networks, or `others`): the
                                                                      page is written once all have been measured

On a machine that does other work beside, OMP_NUM_THREADS=1 gives ratios that repeat: threads that wait for each other
while one of them is kept from its core take many times as long.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.contestants import BATCHES, CONTESTANTS, FITS, FORWARDS, NETS
from benchmarks.step_parts import STYLES, measured_parts, sentence
from benchmarks.training_page import PAGE, ROOT, THREADS, draw, microseconds, page

ONE_THREAD_OF_XLA = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
ENVIRONMENT = {
    **os.environ,
    "OMP_NUM_THREADS": THREADS,
    "OPENBLAS_NUM_THREADS": THREADS,
    "MKL_NUM_THREADS": THREADS,
    **({"XLA_FLAGS": ONE_THREAD_OF_XLA} if THREADS == "1" else {}),
}
SECONDS = 0.25
"""How long one turn lasts."""

LEAST_RUN = 1e-3
"""Seconds of steps that are timed together."""


def timed(step: object, seconds: float) -> float:
    """Return the median seconds of a step over a turn, of runs that take a millisecond at least.

    Where another process takes a core for a moment, a mean would be that moment's.
    """
    assert callable(step)
    count, runs, end = 1, list[float](), time.perf_counter() + seconds
    while time.perf_counter() < end or not runs:
        start = time.perf_counter()
        for _ in range(count):
            step()
        taken = time.perf_counter() - start
        if taken < LEAST_RUN and not runs:
            count *= 2
        else:
            runs.append(taken / count)
    return statistics.median(runs)


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
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.training_step", "--serve", kind, contestant, net],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=ENVIRONMENT,
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


KEPT = Path(tempfile.gettempdir()) / "symmlp_training_step.json"
"""Where parts that were measured one after the other wait for the page."""


def steps_of(nets: Sequence[str], rounds: int) -> dict[str, Any]:
    """Return the steps of some networks, and the memory of the widest."""
    steps, peaks, parts = {}, {}, dict[str, dict[str, dict[str, float]]]()
    for net in nets:
        print(net, flush=True)
        steps[net], memory = measured("step", list(CONTESTANTS), net, rounds)
        if net == "wide":
            peaks = memory
        for name, found in steps[net].items():
            print(f"  {name:<18} {microseconds(found):>9} µs   {found / steps[net]['bare matmuls']:.2f}", flush=True)
        for name in STYLES:
            parts.setdefault(net, {})[name] = found_parts = measured_parts(name, net, ENVIRONMENT)
            print(f"  {name}: {sentence(found_parts)}", flush=True)
    return {"steps": steps, "parts": parts, **({"peaks": peaks} if peaks else {})}


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
    kept = json.loads(KEPT.read_text(encoding="utf-8")) if asked and KEPT.exists() else {"steps": {}, "parts": {}}
    found = steps_of([net for net in asked or NETS if net in NETS], rounds)
    found |= others(rounds) if not asked or "others" in asked else {}
    merged = {name: {**kept.get(name, {}), **found[name]} for name in ("steps", "parts")}
    kept |= {**found, **merged}
    KEPT.write_text(json.dumps(kept), encoding="utf-8")
    if set(NETS) <= kept["parts"].keys() and {"peaks", "fits", "forwards", "cold"} <= kept.keys():
        for name in ("steps", "parts"):
            kept[name] = {net: kept[name][net] for net in NETS}
        PAGE.write_text(page(**kept, rounds=rounds, seconds=SECONDS), encoding="utf-8")
        draw(kept["steps"])


if __name__ == "__main__":
    main()
