"""Every public object shows itself in a notebook, and what users write stays text."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest

import symmlp
from symmlp.samples import Samples
from symmlp.training.run import TrainResult
from symmlp.verification.report import Check, Report

NETWORK = symmlp.Network.parse("3 -> 4 tanh -> 2 | {where(p < y, p - y, 2*(p - y))}")
SAMPLES = Samples(np.eye(7, 3), np.arange(7.0), ("<b>", "b", "c"), ("y",))
RESULT = TrainResult(Path("a<b.py"), Path("a.npz"), Path("a.json"), None, (1.0, 0.5), 0.25, "rmse", 0.5)
FAILED = Report(ok=False, checks=(Check("differences", "W1", (0, 1), 1, 2.0, 1e-6, ok=False, note="x < y"),))
OBJECTS: dict[str, object] = {
    "Network": NETWORK,
    "Dense": NETWORK.layers[0],
    "Notation": symmlp.Notation(pre_activation="o", cotangent="δ"),
    "Report": FAILED,
    "FormulaCheck": symmlp.check_formula(symmlp.Network.parse("3 -> 4 tanh -> 2 | mse"), "W1", "dZ1.T @ X"),
    "Samples": SAMPLES,
    "TrainResult": RESULT,
    "module": symmlp.generate(NETWORK),
    "report": symmlp.report(NETWORK, steps="none"),
    "PrintableDerivation": symmlp.derive(NETWORK),
    "Cost": symmlp.cost(NETWORK),
    "cost_text": symmlp.cost_text(NETWORK, 8),
    "listed": symmlp.listed("initializers"),
    "text": symmlp.derive(NETWORK).text(steps="none"),
}


@pytest.mark.parametrize("name", OBJECTS)
def test_an_object_shows_itself_as_html(name: str) -> None:
    text = OBJECTS[name]._repr_html_()  # type: ignore[attr-defined]
    if name != "PrintableDerivation":  # It has markup of its own, which tests/document looks at.
        ET.fromstring(text)  # noqa: S314 - symmlp's own output
    assert "<script" not in text


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Network", "where(p &lt; y"),
        ("Dense", "<td>tanh</td>"),
        ("Notation", "<td>δ</td>"),
        ("Notation", "the layout"),
        ("Report", "NOT verified"),
        ("Report", "x &lt; y"),
        ("Samples", "&lt;b&gt;"),
        ("Samples", "7 samples, the first 5"),
        ("TrainResult", "a&lt;b.py"),
        ("module", "&quot;&quot;&quot;A multi-layer perceptron"),
        ("report", "sandbox="),
        ("Network", "<svg "),
        ("Cost", "<td>matrix products</td>"),
        ("cost_text", "formula in N"),
        ("text", "F1  Z1 = X W1ᵀ + 1 b1ᵀ"),
    ],
)
def test_what_it_shows_is_escaped_and_complete(name: str, words: str) -> None:
    assert words in OBJECTS[name]._repr_html_()  # type: ignore[attr-defined]


def test_an_expression_shows_its_value_and_its_slope_as_mathematics() -> None:
    shown = symmlp.elementwise("x**2 + sin(x)")._repr_latex_()
    assert shown.startswith(r"$$\begin{aligned}\operatorname{f}\left(x\right) &= ")
    assert r" \\ \operatorname{f}'\left(x\right) &= 2 \, x + \cos\left(x\right)" in shown
    assert "stable" not in symmlp.elementwise("log(1 + exp(x))")._repr_latex_()


def test_an_equation_shows_itself_on_a_line_and_as_mathematics() -> None:
    equation = symmlp.derive(symmlp.Network.parse("3 -> 4 tanh -> 2 | mse")).backward[2]
    assert repr(equation) == "<B3 ∂L/∂W2 (2, 4)>"
    assert repr(equation.steps[0]) == "<B3.1 chain rule>"
    assert equation._repr_latex_() == r"$$\frac{\partial L}{\partial W_{2}} = {\mathrm{d}Z_{2}}^{\top} \, A_{1}$$"


def test_a_derivation_is_one_line_in_a_terminal() -> None:
    shown = repr(symmlp.derive(symmlp.Network.parse("3 -> 4 tanh -> 2 | mse")))
    assert shown == "<derivation of 3 -> 4 tanh -> 2 | mse, 19 equations>"
