"""The LaTeX style: balanced, and worth what its tree is worth."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest
import sympy as sp

from symmlp.derivation import Formula
from symmlp.deriving import derive
from symmlp.document import derive as printable
from symmlp.matrix import Add, Call, Constant, Divide, MatMul, Node, Power, Product, Real, Reduce, Transpose, Var
from symmlp.notation import N, W, X, Z, batch, column, inner, m, n, other
from symmlp.printing.formula import FormulaPrinter
from symmlp.printing.latex import LatexStyle
from symmlp.spec import Network
from tests.printing.evaluation import SIZES, evaluate, number
from tests.printing.reading import read
from tests.printing.test_text import EXPRESSIONS
from tests.printing.trees import TRAPS, a, b, values

LATEX = FormulaPrinter(LatexStyle())
NAMED = {**values(), **{str(name): float(size) for name, size in SIZES.items()}}

SYMBOLS = {
    r"\left(": "(",
    r"\right)": ")",
    r"\left|": "|",
    r"\right|": "|",
    r"\circ": "∘",
    r"\oslash": "⊘",
    r"\cdot": "·",
    r"\,": " ",
    r"\mathbf{1}": "1",
    r"\bullet": "•",
    r"\otimes": "⊗",
    r"\ge": "≥",
    r"\le": "≤",
    r"\pi": "π",
    "-": "−",
}

ACCENTS = {"dot": "\u0307", "hat": "\u0302"}

MACROS: dict[str, Callable[..., str]] = {
    r"\frac": "(({}) / ({}))".format,
    r"\sqrt": "√({})".format,
    r"\operatorname": "{}".format,
    r"\mathrm": "{}".format,
}


def plain(latex: str) -> str:
    """Return a LaTeX formula in the Unicode notation, every group in brackets, for the reader of that notation."""
    latex = re.sub(r"\\begin\{cases\} (.*?) \\end\{cases\}", lambda match: _cases(match[1]), latex)
    latex = re.sub(r"\\begin\{bmatrix\} (.*?) \\end\{bmatrix\}", lambda match: _joined(match[1]), latex)
    latex = re.sub(r"_\{\[([\d:, ]*)\]\}", r"[\1]", latex)
    for macro, written in MACROS.items():
        while macro + "{" in latex:
            start = latex.rindex(macro + "{")
            arguments, at = [], start + len(macro)
            for _ in range(2 if macro == r"\frac" else 1):
                end = _closing(latex, at)
                arguments.append(latex[at + 1 : end])
                at = end + 1
            latex = latex[:start] + written(*arguments) + latex[at:]
    latex = re.sub(r"\\(dot|hat)\{(.)\}", lambda match: match[2] + ACCENTS[match[1]], latex)
    latex = re.sub(r"J_\{(\w)_\{(\d+)\}\}|J_\{(\w)\}", lambda match: f"J_{match[1] or match[3]}{match[2] or ''}", latex)
    latex = latex.replace(r"^{\top}", "ᵀ").replace("''", "″")
    latex = re.sub(r"\^\{\\circ ", "^∘{", latex)
    latex = re.sub(r"_\{(\d+)\}", r"\1", latex)
    latex = re.sub(r"_\{(\d+),(\d+)\}", r"\1_\2", latex)
    for symbol, written in sorted(SYMBOLS.items(), key=lambda pair: -len(pair[0])):  # type: ignore[assignment]
        latex = latex.replace(symbol, written)  # type: ignore[arg-type]
    latex = re.sub(r"\\(?=[a-z_])", "", latex)
    return latex.replace("{", "(").replace("}", ")").replace("⟨", "{").replace("⟩", "}").replace("'", "′")


def _closing(text: str, start: int) -> int:
    depth = 0
    for at in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if depth == 0:
            return at
    raise AssertionError(f"unbalanced: {text}")


def _joined(body: str) -> str:
    return "[" + body.replace(" & ", ", ").replace(r" \\ ", "; ") + "]"


def _cases(body: str) -> str:
    level = body.replace(r"\displaystyle ", "").replace(r"\\[1.5ex]", r"\\")
    rows = [row.replace(r"\text{if }", "").split(" & ") for row in level.split(r" \\ ")]
    parts = [f"{value} if {condition}" for value, condition in rows[:-1]]
    assert rows[-1][1] == r"\text{otherwise}"
    return "⟨" + "; ".join(parts) + f"; else {rows[-1][0]}⟩"


@pytest.mark.parametrize("name", TRAPS)
def test_a_formula_reads_back_to_what_its_tree_is_worth(name: str) -> None:
    text = LATEX.node(TRAPS[name])
    with np.errstate(all="ignore"):
        expected = evaluate(TRAPS[name], NAMED)
        found = np.broadcast_to(read(plain(text), NAMED), np.shape(expected))
    np.testing.assert_allclose(found, expected, rtol=1e-12, err_msg=f"{text}  {plain(text)}")


@pytest.mark.parametrize("expr", EXPRESSIONS, ids=str)
def test_a_function_of_numbers_reads_back_to_its_value(expr: sp.Expr) -> None:
    text = LATEX.formula(Formula(expr))
    x, y = sp.symbols("x y", real=True)
    for at in ((1.25, 2.5), (0.3, 0.7), (2.0, 1.5)):
        expected = float(expr.xreplace(dict(zip((x, y), map(sp.Float, at), strict=True))).evalf())
        found = read(plain(text), {"x": at[0], "y": at[1], "π": np.pi})
        np.testing.assert_allclose(found, expected, rtol=1e-12, err_msg=f"{text}  {plain(text)}")


@pytest.mark.parametrize(
    ("node", "text"),
    [
        (
            Add((MatMul(Var("X", ("N", 4)), Transpose(Var("W1", (3, 4)))), Var("b1", (3,)))),
            r"X \, {W_{1}}^{\top} + \mathbf{1} \, {b_{1}}^{\top}",
        ),
        (
            Product((Var("dA12", ("N", 3)), Call("tanh′", (Var("Z12", ("N", 3)),)))),
            r"\mathrm{d}A_{12} \circ \tanh'\left(Z_{12}\right)",
        ),
        (Reduce("sum", Var("dZ1", ("N", 3)), 0), r"{\mathrm{d}Z_{1}}^{\top} \, \mathbf{1}"),
        (Divide(a, number(2)), r"\frac{a}{2}"),
        (Divide(a, b), r"a \oslash b"),
        (Power(a, number(2)), r"{a}^{\circ 2}"),
        (number("1/3"), r"\frac{1}{3}"),
        (number("-1/3"), r"-\frac{1}{3}"),
        (Real(1e-08), "10^{-8}"),
        (Constant("e"), r"\mathrm{e}"),
        (Call("leaky_relu", (a,)), r"\operatorname{leaky\_relu}\left(a\right)"),
        (Call("abs", (a,)), r"\left|a\right|"),
        (
            TRAPS["nested where"],
            r"\begin{cases} -a & \text{if } a \le 0 \\ b & \text{if } b > 1 \\ a & \text{otherwise} \end{cases}",
        ),
    ],
)
def test_a_formula_is_written_in_the_field_s_notation(node: Node, text: str) -> None:
    assert LATEX.node(node) == text


@pytest.mark.parametrize(
    ("expr", "text"),
    [
        (
            sp.Sum(X[batch, inner] * W[column, inner], (inner, 1, m)),
            r"\sum_{k} {W}_{[i, k]} \, {X}_{[p, k]}",
        ),
        (sp.Sum(Z[batch, other], (other, 1, n)) / N, r"\frac{\sum_{j} {Z}_{[p, j]}}{N}"),
        (sp.KroneckerDelta(batch, other), r"\delta_{j p}"),
    ],
)
def test_an_indexed_expression_is_written_with_its_indices(expr: sp.Expr, text: str) -> None:
    assert LATEX.formula(Formula(expr)) == text


@pytest.mark.parametrize(
    "short", ["3 -> 4 elu -> 2 softmax | cross_entropy", "3 -> 4 leaky_relu -> 2 {x*sigmoid(x)} | {abs(p - y)}"]
)
def test_every_bracket_of_a_derivation_in_latex_is_closed(short: str) -> None:
    text = printable(Network.parse(short)).latex()
    assert text.count("{") == text.count("}")
    assert len(re.findall(r"\\left(?!arrow)", text)) == len(re.findall(r"\\right(?!arrow)", text)) > 0
    assert re.findall(r"\\begin\{(\w+\*?)\}", text) != []
    assert sorted(re.findall(r"\\begin\{(\w+\*?)\}", text)) == sorted(re.findall(r"\\end\{(\w+\*?)\}", text))
    assert text.isascii()


def test_every_equation_reads_back_to_its_value() -> None:
    derivation = derive(Network.parse("3 -> 4 tanh -> 2 | mse"))
    rng = np.random.default_rng(5)
    known = {"X": rng.normal(size=(5, 3)), "Y": rng.uniform(size=(5, 2)), "N": np.float64(5)}
    known |= {name: rng.normal(size=derivation.graph.shapes[name]) for name in derivation.graph.parameters}  # type: ignore[arg-type]
    functions = {"tanh′": lambda x: 1 - np.tanh(x) ** 2}
    for equation in (*derivation.forward, derivation.loss, *derivation.backward):
        text = LATEX.node(equation.value)
        expected = evaluate(equation.stable, known, functions)
        found = np.broadcast_to(read(plain(text), known, functions), np.shape(expected))
        np.testing.assert_allclose(found, expected, rtol=1e-12, err_msg=f"{equation.id}: {text}")
        known[equation.target] = np.asarray(expected)
