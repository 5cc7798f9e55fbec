"""docs/founding_example.md holds what its commands print, and its formulas are worth what generated code computes."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import sympy as sp
from sympy.core.function import AppliedUndef

from symmlp import Network, derive
from symmlp.calculus.index_notation import Nabla
from symmlp.cli import run
from tests.conftest import Golden
from tests.generated_modules import Array, module_of

PAGE = Path(__file__).parent.parent / "docs" / "founding_example.md"
BLOCK = re.compile(r"^```console\n(\$ [^\n]*\n)(.*?)^```$", re.MULTILINE | re.DOTALL)
SED = re.compile(r"/(.+)/,/(.+)/p")


def printed(command: str, capsys: pytest.CaptureFixture[str]) -> str:
    """Return what a shown command prints: symmlp, and a range of lines that sed picks."""
    words = shlex.split(command.removeprefix("$ "))
    at = words.index("|") if "|" in words else len(words)
    assert words[0] == "symmlp"
    assert run(words[1:at]) == 0
    text = capsys.readouterr().out
    if at == len(words):
        return text
    found = SED.fullmatch(words[-1])
    assert words[at + 1 : at + 3] == ["sed", "-n"]
    assert found is not None
    return _range(text.splitlines(keepends=True), *found.groups())


def _range(lines: list[str], first: str, last: str) -> str:
    start = next(place for place, line in enumerate(lines) if re.search(first, line))
    stop = next((place for place in range(start + 1, len(lines)) if re.search(last, lines[place].rstrip("\n"))), None)
    return "".join(lines[start : None if stop is None else stop + 1])


def test_every_command_of_the_page_prints_what_is_shown(capsys: pytest.CaptureFixture[str], golden: Golden) -> None:
    text = PAGE.read_text(encoding="utf-8")
    made = BLOCK.sub(lambda found: f"```console\n{found[1]}{printed(found[1], capsys)}```", text)
    if golden.update and made != text:
        PAGE.write_text(made, encoding="utf-8")
        return
    assert made == text
    assert len(BLOCK.findall(text)) >= 10


def test_the_gradient_of_the_squared_error_is_derived_in_the_lines_of_the_founding_text() -> None:
    net = Network.parse("4 -> 3 tanh -> 1 | mse")
    text = derive(net, layout="sample", notation={"prediction": "M"}).text(wrt=["theta"])
    found = re.findall(r"^      D1\.\w  = (.*?)    \[", text, re.MULTILINE)
    assert "D1  −∇θ L = " in text
    assert found == ["−∇θ (M(x, θ) − y)²", "−2 (M(x, θ) − y) ∇θ (M(x, θ) − y)", "−2 (M(x, θ) − y) ∇θ M(x, θ)"]


def test_the_absolute_error_is_no_square() -> None:
    text = derive(Network.parse("4 -> 3 | mae"), layout="sample").text(steps=False)
    assert "L1  L = sum(|p − y|) / 3" in text


def test_the_bias_has_as_many_entries_as_the_output() -> None:
    shapes = derive(Network.parse("4 -> 3 tanh | mse"), layout="sample").graph.shapes
    assert (shapes["W1"], shapes["b1"], shapes["o1"]) == ((3, 4), (3, 1), (3, 1))


SPECS = (
    "4 -> 3 tanh -> 1 | mse",
    "4 -> 3 tanh -> 2 | mse",
    "4 -> 3 tanh -> 2 | mae",
    "4 -> 3 tanh -> 2 sigmoid | bce",
    "4 -> 3 tanh -> 5 softmax | cross_entropy",
    "4 -> 3 tanh -> 2 | huber",
    "4 -> 3 tanh -> 2 | {exp(p) - y*p}",
)


def _factors(net: Network, m: Array, y: Array) -> Array:
    """Return what stands in front of the gradient of each output, in each of the last lines that has it."""
    row = derive(net, layout="sample").page(wrt=["theta"])
    (descent,) = [equation for equation in row.equations if equation.id == "D1"]
    expr = descent.value.content
    assert isinstance(expr, sp.Expr)
    sums = expr.atoms(sp.Sum)
    body = next(iter(sums)).function if sums else expr
    weight = float(expr.xreplace({each: sp.Integer(1) for each in sums})) if sums else 1.0
    body = body.replace(lambda part: isinstance(part, Nabla), lambda _: sp.Integer(1))
    return np.asarray([weight * float(_at(body, *map(float, pair))) for pair in zip(m, y, strict=True)])


def _at(body: sp.Expr, m: float, y: float) -> sp.Expr:
    """Return the number that a summand is for one output."""
    model = body.atoms(AppliedUndef) | {part for part in body.atoms(sp.Indexed) if str(part.base) == "p"}
    targets = {part for part in body.atoms(sp.Indexed) if str(part.base) == "y"} | {sp.Symbol("y", real=True)}
    put = dict.fromkeys(model, sp.Float(m)) | dict.fromkeys(targets, sp.Float(y))
    return body.xreplace(put).doit()


@pytest.mark.parametrize("spec", SPECS)
def test_the_last_line_is_the_negative_gradient_that_the_module_computes(spec: str) -> None:
    """The Jacobian of the model is taken by differences of its forward pass, whose error falls with h²."""
    net = Network.parse(spec)
    module = module_of(net)
    rng = np.random.default_rng(3)
    theta = rng.normal(size=module.N_PARAMS)
    X, Y = rng.normal(size=(1, 4)), rng.uniform(0.1, 0.9, size=(1, net.outputs))
    Y = Y / Y.sum() if net.loss == "cross_entropy" else Y
    _, gradient = module.loss_and_grad(theta, X, Y)
    factors = _factors(net, module.forward(theta, X)[0], Y[0])
    errors = []
    for h in (1e-2, 1e-3):
        steps = h * np.eye(module.N_PARAMS)
        rows = [(module.forward(theta + e, X)[0] - module.forward(theta - e, X)[0]) / (2 * h) for e in steps]
        errors.append(np.max(np.abs(np.asarray(rows) @ factors + gradient)))
    assert errors[0] < 1e-2 * np.max(np.abs(gradient))
    assert errors[1] < errors[0] / 50
