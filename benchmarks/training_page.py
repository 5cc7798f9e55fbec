"""The page of `training_step`: tables, goals reached and missed, where the time of a missed one is, a plot."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.contestants import CONTESTANTS, NETS
from benchmarks.step_parts import PARTS, STYLES, sentence, shares

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "benchmarks.md"
PLOT = ROOT / "docs" / "images" / "training_step.svg"
THREADS = os.environ.get("OMP_NUM_THREADS", str(os.cpu_count() or 1))

Steps = dict[str, dict[str, float]]
"""The seconds of a step: of every network, of every contestant."""

Parts = dict[str, dict[str, dict[str, float]]]
"""The seconds of a step's parts: of every network, of every style of symmlp."""


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


FRAMEWORKS = ("PyTorch eager", "PyTorch compiled", "scikit-learn", "autograd", "JAX jit")
FLOORS = {"mnist": 1.25, "gelu": 1.25, "wide": 1.1}
"""At most so many times the bare matrix products is what a step of the Numba target is to take."""


@dataclass(frozen=True)
class Goal:
    """A claim, what was found of it and what was promised: more than that, or at most that much if it `is_most`."""

    claim: str
    found: float
    promised: float
    net: str = ""
    is_most: bool = False

    @property
    def is_reached(self) -> bool:
        """Whether the number is what was promised."""
        return self.found <= self.promised if self.is_most else self.found > self.promised

    @property
    def text(self) -> str:
        """The goal as a line of the page."""
        bound = "at most" if self.is_most else "more than"
        return f"{self.claim}: {self.found:.2f} where {bound} {self.promised:g} was the goal."


def goals(steps: Steps, peaks: dict[str, float], cold: dict[str, float]) -> Iterator[Goal]:
    """Yield the goals of the buffered style."""
    ours = "symmlp buffered"
    for other in FRAMEWORKS:
        for net, found in steps.items():
            if {ours, other} <= found.keys() and (other != "JAX jit" or net in ("tiny", "small", "deep")):
                yield Goal(f"A step of {net} ahead of {other}", found[other] / found[ours], 1, net)
    for other in ("PyTorch eager", "JAX jit"):
        if {ours, other} <= cold.keys():
            yield Goal(f"Import to first step ahead of {other}", cold[other] / cold[ours], 5)
    if {ours, "PyTorch eager"} <= peaks.keys():
        yield Goal("Memory on wide, PyTorch's by ours", peaks["PyTorch eager"] / peaks[ours], 2)


def goals_of_numba(steps: Steps, fits: dict[str, float]) -> Iterator[Goal]:
    """Yield the goals of the Numba target."""
    ours = "symmlp numba"
    for other in FRAMEWORKS:
        for net, found in steps.items():
            if {ours, other} <= found.keys():
                promised = 5 if (other, net) == ("JAX jit", "tiny") else 1
                yield Goal(f"A step of {net} ahead of {other}", found[other] / found[ours], promised, net)
    if {ours, "JAX jit"} <= fits.keys():
        yield Goal("A batch of fit on tiny ahead of JAX jit", fits["JAX jit"] / fits[ours], 10)
    for net, most in FLOORS.items():
        if {ours, "bare matmuls"} <= steps.get(net, {}).keys():
            ratio = steps[net][ours] / steps[net]["bare matmuls"]
            yield Goal(f"A step of {net} by the bare products", ratio, most, net, is_most=True)


def verdicts(found: Iterable[Goal], parts: Mapping[str, dict[str, float]]) -> Iterator[str]:
    """Yield how many goals are reached, and each that is missed with what its step's time is spent on."""
    every = list(found)
    missed = [goal for goal in every if not goal.is_reached]
    yield f"Reached: {len(every) - len(missed)} of {len(every)}, by the numbers of this page. " + (
        "Missed, and where the time of the step is:" if missed else ""
    )
    yield ""
    for goal in missed:
        left = f" Of the step: {sentence(parts[goal.net])}." if goal.net in parts else ""
        yield f"- {goal.text}{left}"


def installed(name: str) -> str:
    """Return a package's version, or a dash."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "–"


def page(
    steps: Steps,
    parts: Parts,
    peaks: dict[str, float],
    fits: dict[str, float],
    forwards: dict[str, float],
    cold: dict[str, float],
    rounds: int,
    seconds: float,
) -> str:
    """Return the page of results."""
    packages = ("numpy", "scipy", "numba", "torch", "jax", "scikit-learn", "autograd")
    lines = [
        "# Training steps side by side",
        "",
        "A step is forward, backward and Adam on one batch, float32. Each contestant runs in a process of its own, turns are",
        f"interleaved, a figure is the median of {rounds} turns' medians, {seconds} s each. Only ratios within one table mean anything.",
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
    of_style = {ours: {net: found[ours] for net, found in parts.items()} for ours in STYLES}
    found = verdicts(goals(steps, peaks, cold), of_style["symmlp buffered"])
    lines += ["## Goals of the buffered style", "", *found, ""]
    found = verdicts(goals_of_numba(steps, fits), of_style["symmlp numba"])
    lines += ["## Goals of the Numba target", "", *found, ""]
    lines += ["## Where the time of a step is", ""]
    lines += [
        "Each part is timed by itself beside the whole step, in one process; loops and calls are what is left of it.",
        "",
    ]
    lines += table(
        ["", *PARTS],
        [[f"{net}, {ours}", *shares(found)] for ours in STYLES for net, found in of_style[ours].items()],
    )
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
