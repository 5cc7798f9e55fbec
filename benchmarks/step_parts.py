"""Where the time of a generated module's step goes: its parts, timed by themselves in one process, in turns.

The bare products are those of `contestants.matmuls`; what is neither they nor the optimizer nor the loss with the
taking in of targets is left for the loops over entries and the calls.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.contestants import LR, NETS, Net, generated_module, matmuls

ROOT = Path(__file__).parents[1]
STYLES = {"symmlp buffered": ("buffered", "numpy"), "symmlp numba": ("plain", "numba")}
SECONDS = 1.5

PARTS = PRODUCTS, OPTIMIZER, LOSS, REST = "bare products", "optimizer", "targets and loss", "loops and calls"


def parts(contestant: str, net: Net) -> dict[str, float]:
    """Return the seconds of each part of a step, and under "step" those of the whole; each is a median."""
    style, target = STYLES[contestant]
    module = generated_module(net, style, target)
    X, Y = net.batch_of()
    trainer = module["Trainer"](module["init_params"](0), batch_size=net.batch, optimizer="adam", lr=LR)
    trainer.step(X, Y)
    runs = {"step": lambda: trainer.step(X, Y), PRODUCTS: matmuls(net), **_own_parts(module, trainer, X, Y, target)}
    found = _medians(runs)
    known = (PRODUCTS, OPTIMIZER, LOSS)
    return {**found, REST: max(0.0, found["step"] - sum(found[name] for name in known))}


def _own_parts(module: dict[str, Any], trainer: Any, X: Any, Y: Any, target: str) -> dict[str, Callable[[], Any]]:
    if target == "numpy":
        (w,) = trainer._workspaces.values()

        def loss() -> None:
            w.read(X, module["as_step_targets"](Y, w))
            module["loss_of"](w)

        return {OPTIMIZER: trainer.optimizer.update, LOSS: loss}
    w, N = trainer._workspace, len(X)
    update = trainer.optimizer.update
    return {
        OPTIMIZER: lambda: update(trainer.theta, trainer.gradient),
        LOSS: lambda: module["as_step_targets"](Y, N, w),
    }


def _medians(runs: dict[str, Callable[[], Any]]) -> dict[str, float]:
    times: dict[str, list[float]] = {name: [] for name in runs}
    end = time.perf_counter() + SECONDS * len(runs)
    while time.perf_counter() < end or len(times["step"]) < 5:
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - start)
    return {name: statistics.median(found) for name, found in times.items()}


def measured_parts(contestant: str, net: str, environment: dict[str, str]) -> dict[str, float]:
    """Return the parts of a step, measured in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.step_parts", contestant, net]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def shares(found: dict[str, float]) -> list[str]:
    """Return the percentage of a step that each part takes."""
    return [f"{100 * found[name] / found['step']:.0f} %" for name in PARTS]


def sentence(found: dict[str, float]) -> str:
    """Return how a step's time is divided."""
    return ", ".join(f"{name} {share}" for name, share in zip(PARTS, shares(found), strict=True))


if __name__ == "__main__":
    print(json.dumps(parts(sys.argv[1], NETS[sys.argv[2]])))
