"""From a network to code that computes its loss and all its gradients: symmlp beside other symbolic tools.

Each contestant runs in a process of its own, imports not counted; a figure is the median of interleaved rounds on the
processor's clock. Every contestant's loss and gradient are compared before it counts.

    .venv/bin/python -m benchmarks.derivation_peers [ROUNDS]     prints the table and writes docs/derivation_times.md
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.contestants import Net
from benchmarks.training_step import ROOT, table

PAGE = ROOT / "docs" / "derivation_times.md"
LIMIT = 30
"""Seconds after which a contestant is stopped."""

NETS = {
    net.name: net
    for net in (
        Net("2-3-2", (2, 3, 2), "tanh", 1),
        Net("4-8-3", (4, 8, 3), "tanh", 1),
        Net("8-16-4", (8, 16, 4), "tanh", 1),
        Net("64-100-10", (64, 100, 10), "tanh", 1),
    )
}

Value = Callable[[], tuple[float, np.ndarray[Any, Any]]]
"""Loss and gradient, in the order W1, b1, W2, b2, ..."""


def flat(net: Net) -> np.ndarray[Any, Any]:
    """Return the parameters at which all are compared."""
    return np.concatenate([part.ravel() for pair in net.weights() for part in pair]).astype(np.float64)


def sample(net: Net) -> tuple[np.ndarray[Any, Any], int]:
    """Return the one sample, and its class."""
    X, Y = net.batch_of()
    return X[0].astype(np.float64), int(Y[0])


def symmlp_text(net: Net) -> Value:
    """Derive the matrix equations and print a training module."""
    import symmlp

    source = symmlp.generate(symmlp.Network.parse(net.spec))

    def value() -> tuple[float, np.ndarray[Any, Any]]:
        names: dict[str, Any] = {"__name__": "module"}
        exec(source, names)  # noqa: S102 - our own text
        x, label = sample(net)
        loss, gradient = names["loss_and_grad"](flat(net), x[np.newaxis], np.array([label]))
        return loss, gradient

    return value


def scalar(net: Net, symbol: Callable[[str], Any], tools: Any) -> tuple[list[Any], Any]:
    """Return a symbol for each parameter, and the loss of one sample as an expression in them."""
    symbols, x = [], list(map(float, sample(net)[0]))
    for layer, (n, m) in enumerate(zip(net.widths[1:], net.widths, strict=False), start=1):
        W = [[symbol(f"W{layer}_{i}_{k}") for k in range(m)] for i in range(n)]
        b = [symbol(f"b{layer}_{i}") for i in range(n)]
        symbols += [each for row in W for each in row] + b
        z = [sum(w * entry for w, entry in zip(row, x, strict=True)) + shift for row, shift in zip(W, b, strict=True)]
        x = z if layer == len(net.widths) - 1 else [tools.tanh(entry) for entry in z]
    return symbols, tools.log(sum(tools.exp(entry) for entry in x)) - x[sample(net)[1]]


def sympy_scalar(net: Net) -> Value:
    """Differentiate the loss by every parameter, share terms, print Python."""
    import sympy as sp

    symbols, loss = scalar(net, sp.Symbol, sp)
    terms, results = sp.cse([loss, *(loss.diff(each) for each in symbols)])
    lines = [f"{name} = {sp.pycode(term)}" for name, term in terms]
    lines.append(f"found = [{', '.join(map(sp.pycode, results))}]")

    def value() -> tuple[float, np.ndarray[Any, Any]]:
        import math

        names: dict[str, Any] = {
            "math": math,
            **{each.name: number for each, number in zip(symbols, flat(net), strict=True)},
        }
        exec("\n".join(lines), names)  # noqa: S102 - our own text
        found: Any = names["found"]
        return found[0], np.array(found[1:])

    return value


def symforce_scalar(net: Net) -> Value:
    """Differentiate by SymForce's own symbols, which are SymEngine's, and print Python with its code generator."""
    import_module("symforce").set_epsilon_to_number(0.0)
    sf, codegen = import_module("symforce.symbolic"), import_module("symforce.codegen")
    Values = import_module("symforce.values").Values

    symbols, loss = scalar(net, sf.Symbol, sf)
    theta = sf.Matrix(symbols)
    gradient = sf.Matrix([loss.diff(each) for each in symbols])
    size = len(symbols)
    inputs, outputs = Values(theta=sf.Matrix(size, 1).symbolic("theta")), Values()
    known = dict(zip(theta.to_storage(), inputs["theta"].to_storage(), strict=True))
    outputs["loss"], outputs["gradient"] = loss.subs(known), gradient.subs(known)
    made = codegen.Codegen(inputs=inputs, outputs=outputs, config=codegen.PythonConfig(), name="gradient_of")
    folder = tempfile.mkdtemp()
    generated = made.generate_function(output_dir=folder, skip_directory_nesting=True)

    def value() -> tuple[float, np.ndarray[Any, Any]]:
        (path,) = [each for each in generated.generated_files if each.name == "gradient_of.py"]
        names: dict[str, Any] = {}
        exec(path.read_text(), names)  # noqa: S102 - the generator's text
        found, slopes = names["gradient_of"](flat(net))
        return float(found), np.ravel(slopes)

    return value


def casadi_matrix(net: Net) -> Value:
    """Differentiate CasADi's matrix graph in reverse, print C."""
    ca = import_module("casadi")

    theta, start = ca.MX.sym("theta", flat(net).size), 0
    x, label = sample(net)
    z = ca.DM(x)
    for layer, (n, m) in enumerate(zip(net.widths[1:], net.widths, strict=False), start=1):
        W, b = ca.reshape(theta[start : start + n * m], m, n).T, theta[start + n * m : start + n * m + n]
        start += n * m + n
        z = W @ z + b
        z = z if layer == len(net.widths) - 1 else ca.tanh(z)
    loss = ca.log(ca.sum1(ca.exp(z))) - z[label]
    made = ca.Function("gradient_of", [theta], [loss, ca.gradient(loss, theta)])
    here = Path.cwd()
    os.chdir(tempfile.mkdtemp())
    made.generate("gradient_of.c")
    os.chdir(here)

    def value() -> tuple[float, np.ndarray[Any, Any]]:
        found, gradient = made(flat(net))
        return float(found), np.array(gradient).ravel()

    return value


def pytensor_graph(net: Net) -> Value:
    """Differentiate PyTensor's graph, rewrite it, and make the function that runs it."""
    pytensor, pt = import_module("pytensor"), import_module("pytensor.tensor")
    mode = import_module("pytensor.compile.mode").Mode("py", "fast_run")

    theta, start = pt.dvector("theta"), 0
    x, label = sample(net)
    z = pt.constant(x)
    for layer, (n, m) in enumerate(zip(net.widths[1:], net.widths, strict=False), start=1):
        W, b = theta[start : start + n * m].reshape((n, m)), theta[start + n * m : start + n * m + n]
        start += n * m + n
        z = W @ z + b
        z = z if layer == len(net.widths) - 1 else pt.tanh(z)
    loss = pt.log(pt.exp(z).sum()) - z[label]
    made = pytensor.function([theta], [loss, pt.grad(loss, theta)], mode=mode)

    def value() -> tuple[float, np.ndarray[Any, Any]]:
        found, gradient = made(flat(net))
        return float(found), gradient

    return value


CONTESTANTS: dict[str, Callable[[Net], Value]] = {
    "symmlp: matrix equations, a NumPy module": symmlp_text,
    "SymPy: scalars, diff, cse, Python": sympy_scalar,
    "SymForce: scalars, diff, Python": symforce_scalar,
    "CasADi: matrix graph, reverse mode, C": casadi_matrix,
    "PyTensor: graph, grad, rewritten": pytensor_graph,
}
PACKAGES = dict(zip(CONTESTANTS, ("sympy", "sympy", "symforce", "casadi", "pytensor"), strict=True))


def serve(contestant: str, net: str) -> None:
    """Print the seconds of the processor that one contestant takes, its loss and its gradient."""
    make = CONTESTANTS[contestant]
    for each in (PACKAGES[contestant], "symmlp.generation"):
        import_module(each)

    start = time.process_time()
    value = make(NETS[net])
    seconds = time.process_time() - start
    loss, gradient = value()
    print(json.dumps({"seconds": seconds, "loss": loss, "gradient": np.asarray(gradient).tolist()}))


def answer(contestant: str, net: str) -> dict[str, Any] | str:
    """Return what a contestant's process prints, or why there is nothing."""
    command = [sys.executable, "-m", "benchmarks.derivation_peers", "--serve", contestant, net]
    try:
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=LIMIT, check=False)
    except subprocess.TimeoutExpired:
        return f"more than {LIMIT}"
    if done.returncode:
        print(done.stderr[-600:], flush=True)
        return "fails"
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def measured(rounds: int) -> dict[str, dict[str, float | str]]:
    """Return each contestant's median seconds for each network, or why there are none."""
    result: dict[str, dict[str, float | str]] = {name: {} for name in CONTESTANTS}
    for net in NETS:
        running, times, reference = list(CONTESTANTS), {name: list[float]() for name in CONTESTANTS}, None
        for _ in range(rounds):
            for name in list(running):
                found = answer(name, net)
                if isinstance(found, str):
                    result[name][net] = found
                    running.remove(name)
                    continue
                reference = reference or found
                np.testing.assert_allclose(found["loss"], reference["loss"], rtol=1e-9)
                np.testing.assert_allclose(found["gradient"], reference["gradient"], rtol=0, atol=1e-9)
                times[name].append(found["seconds"])
        result |= {name: {**result[name], net: statistics.median(times[name])} for name in running}
        print(net, {name: result[name][net] for name in CONTESTANTS}, flush=True)
    return result


def page(result: dict[str, dict[str, float | str]], rounds: int) -> str:
    """Return the page of results."""
    rows: list[Sequence[str]] = [
        [name, *(f"{each:.2f}" if isinstance(each, float) else each for each in (found[net] for net in NETS))]
        for name, found in result.items()
    ]
    lines = [
        "# From a network to code, side by side",
        "",
        "Seconds of the processor from a description of the network to code that computes the loss and all gradients, imports",
        f"not counted: the median of {rounds} rounds, each contestant in a process of its own, stopped after {LIMIT} s on the clock. Every",
        "contestant's loss and gradient were compared with symmlp's before it counted.",
        "",
        "Tanh layers, softmax with cross entropy. symmlp derives equations for batches of any size, prints the steps' ids and a",
        "module that trains; the scalar routes and CasADi are given one sample. SymPy and SymForce differentiate scalar by",
        "scalar, so their work grows with the number of parameters; PyTensor's function is run by Python, without a C compiler.",
        "",
        "Written by `python -m benchmarks.derivation_peers`, not by hand. "
        + ", ".join(f"{name} {version(name)}" for name in sorted(set(PACKAGES.values())))
        + ".",
        "",
        *table(["", *NETS], rows),
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure, print the table, and write the page."""
    if sys.argv[1:2] == ["--serve"]:
        serve(*sys.argv[2:4])
        return
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    text = page(measured(rounds), rounds)
    print(text)
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
