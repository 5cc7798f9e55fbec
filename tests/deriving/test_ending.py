"""Where the loss meets the output: canonical links, assumptions about targets, reductions."""

from __future__ import annotations

from fractions import Fraction

import pytest

from symmlp.deriving import derive
from symmlp.document import equation_text
from symmlp.graph import Layout
from symmlp.matrix import Add, Divide, Node, Number, Product, Reduce, SizeOf, Var, walk
from symmlp.printing.formula import FormulaPrinter
from symmlp.printing.text import TextStyle
from symmlp.spec import Network
from tests.deriving.by_hand import LAYOUTS, network


def subtracted(pre: str, post: str, *divisors: Node) -> Node:
    """Return (pre − post) divided by the product of `divisors`."""
    difference = Add((Var(pre, ("N", 3)), Product((Number(Fraction(-1)), Var(post, ("N", 3))))))
    return Divide(difference, divisors[0] if len(divisors) == 1 else Product(divisors)) if divisors else difference


SAMPLES, THREE = SizeOf("N"), SizeOf(3)
LINKED: dict[tuple[str, str], tuple[Node, str, str]] = {
    ("softmax | cross_entropy", "mean"): (subtracted("P", "Y", SAMPLES), "(P − Y) / N", "p − y"),
    ("softmax | cross_entropy", "batch_mean"): (subtracted("P", "Y", SAMPLES), "(P − Y) / N", "p − y"),
    ("softmax | cross_entropy", "sum"): (subtracted("P", "Y"), "P − Y", "p − y"),
    ("sigmoid | bce", "mean"): (subtracted("P", "Y", SAMPLES, THREE), "(P − Y) / (N·3)", "(p − y) / 3"),
    ("sigmoid | bce", "batch_mean"): (subtracted("P", "Y", SAMPLES), "(P − Y) / N", "p − y"),
    ("sigmoid | bce", "sum"): (subtracted("P", "Y"), "P − Y", "p − y"),
    ("{1/(1+exp(-x))} | {-y*log(p)-(1-y)*log(1-p)}", "mean"): (
        subtracted("P", "Y", SAMPLES, THREE),
        "(P − Y) / (N·3)",
        "(p − y) / 3",
    ),
    ("{exp(x)} | {p - y*log(p)}", "batch_mean"): (subtracted("P", "Y", SAMPLES), "(P − Y) / N", "p − y"),
}


@pytest.mark.parametrize(("ending", "reduction"), LINKED)
def test_a_canonical_link_gives_prediction_minus_target(ending: str, reduction: str) -> None:
    own = network(f"4 -> 3 {ending}", reduction)
    node, batch, sample = LINKED[ending, reduction]
    (equation,) = (each for each in derive(own).backward if each.target == "dZ1")
    printer = FormulaPrinter(TextStyle())
    assert equation.value == node
    assert printer.node(equation.value) == batch
    (column,) = (each for each in derive(own, layout="sample").backward if each.target == "do1")
    assert printer.node(column.value) == sample


def test_the_logits_of_binary_cross_entropy_get_their_sigmoid_minus_the_target() -> None:
    printer = FormulaPrinter(TextStyle())
    backward = derive(Network.parse("4 -> 3 | bce_with_logits")).backward
    assert [printer.node(each.value) for each in backward[:2]] == ["(1 ⊘ (1 + exp(−P)) − Y) / (N·3)", "dP"]


ENDINGS = (
    "softmax | cross_entropy",
    *("softmax | kl_div", "softmax | {-y*log(p)}", "softmax | mse", "sigmoid | bce", "sigmoid | focal"),
    *("identity | bce_with_logits", "identity | mse", "relu | mae", "exponential | poisson"),
)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("ending", ENDINGS)
def test_only_cross_entropy_assumes_that_targets_sum_to_one(ending: str, layout: Layout) -> None:
    derivation = derive(Network.parse(f"4 -> 5 tanh -> 3 {ending}"), layout=layout)
    assuming = [each.target for each in derivation.equations if each.assumptions]
    stepping = [step.id for step in derivation.steps if step.rule.startswith("assumption: ")]
    expected = [("dZ2" if layout == "batch" else "do2")] if ending.endswith("cross_entropy") else []
    assert assuming == expected
    assert [id.split(".")[0] for id in stepping] == [each.id for each in derivation.equations if each.assumptions]


def test_the_assumption_is_that_rows_of_the_targets_sum_to_one() -> None:
    (equation,) = (
        each for each in derive(Network.parse("4 -> 3 softmax | cross_entropy")).backward if each.assumptions
    )
    (step,) = (step for step in equation.steps if step.rule.startswith("assumption"))
    printer = FormulaPrinter(TextStyle())
    assert equation.assumptions == ("rows of Y sum to 1",)
    assert step.rule == "assumption: rows of Y sum to 1"
    assert printer.formula(step.before) == "(P[a,c] Σ_i Y[a,i] − Y[a,c]) / N"
    assert printer.formula(step.after) == "(P[a,c] − Y[a,c]) / N"


def test_without_the_assumption_the_sum_of_the_targets_stays() -> None:
    (equation,) = (
        each for each in derive(Network.parse("4 -> 3 softmax | {-y*log(p)}")).backward if each.target == "dZ1"
    )
    assert Reduce("sum", Var("Y", ("N", 3)), 1) in walk(equation.value)
    assert equation.assumptions == ()


REDUCTIONS = {
    ("mse", "mean"): ("L = sum((P − Y)^∘²) / (N·3)", "∂L/∂P = 2 (P − Y) / (N·3)"),
    ("mse", "sum"): ("L = sum((P − Y)^∘²)", "∂L/∂P = 2 (P − Y)"),
    ("mse", "batch_mean"): ("L = sum((P − Y)^∘²) / N", "∂L/∂P = 2 (P − Y) / N"),
    ("mae", "mean"): ("L = sum(|P − Y|) / (N·3)", "∂L/∂P = sign(P − Y) / (N·3)"),
    ("mae", "sum"): ("L = sum(|P − Y|)", "∂L/∂P = sign(P − Y)"),
    ("mae", "batch_mean"): ("L = sum(|P − Y|) / N", "∂L/∂P = sign(P − Y) / N"),
}


@pytest.mark.parametrize(("name", "reduction"), REDUCTIONS)
def test_a_reduction_divides_the_loss_and_its_cotangent_by_the_same_number(name: str, reduction: str) -> None:
    derivation = derive(network(f"4 -> 3 | {name}", reduction))
    texts = tuple(equation_text(each).split("  ")[1] for each in (derivation.loss, derivation.backward[0]))
    assert texts == REDUCTIONS[name, reduction]
