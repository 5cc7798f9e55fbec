"""The MathML style: well-formed, and worth what its tree is worth."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp

from symmlp.derivation import Formula
from symmlp.matrix import Add, Call, Constant, MatMul, Node, Power, Product, Real, Transpose, Var
from symmlp.notation import W, X, batch, column, inner, m
from symmlp.printing.formula import FormulaPrinter
from symmlp.printing.mathml import MathmlStyle
from symmlp.printing.naming import Naming
from tests.printing.evaluation import SIZES, evaluate, number
from tests.printing.reading import read
from tests.printing.test_text import EXPRESSIONS
from tests.printing.trees import TRAPS, a, b, values

MATHML = FormulaPrinter(MathmlStyle())
NAMED = {**values(), **{str(name): float(size) for name, size in SIZES.items()}}

_SIGNS = {"\u2062": " ", "\u2061": "", "[": "(", "]": ")"}
_LEAVES = ("mi", "mn", "mo", "mtext")
_ROWS = ("math", "mrow", "mtd")


def plain(markup: str) -> str:
    """Return a MathML formula in the Unicode notation, for the reader of that notation."""
    return _plain(ET.fromstring(f"<math>{markup}</math>"))  # noqa: S314 - symmlp's own output


def _plain(element: ET.Element) -> str:
    children = list(element)
    if element.tag in _LEAVES:
        text = element.text or ""
        return _SIGNS.get(text, text)
    if element.tag in _ROWS:
        if _are_cases(children):
            return _cases(children[1])
        return _joined(children[1]) if _are_joined(children) else "".join(map(_plain, children))
    match element.tag, [_plain(child) for child in children]:
        case "mfrac", [top, bottom]:
            return f"(({top}) / ({bottom}))"
        case "msub", [name, index] if ":" in index:
            return f"{name}[{index[1:-1]}]"
        case "msub", ["J", index]:
            return f"J_{index}"
        case "mover", [name, accent]:
            return name + {"˙": "\u0307", "^": "\u0302"}[accent]
        case "msub", [name, index]:
            return name + index.replace(",", "_")
        case "msup", [base, "⊤"]:
            return f"({base})ᵀ"
        case "msup", [name, "′" | "″" as prime]:
            return f"{name}{prime}"
        case "msup", [base, exponent] if exponent.startswith("∘"):
            return f"({base})^∘({exponent[1:]})"
        case "msup", [base, exponent]:
            return f"({base})^({exponent})"
        case "msqrt", parts:
            return f"√({''.join(parts)})"
        case tag, _:
            raise AssertionError(f"no reading for {tag}")


def _are_joined(children: Sequence[ET.Element]) -> bool:
    return len(children) == 3 and children[0].text == "[" and children[1].tag == "mtable"


def _joined(table: ET.Element) -> str:
    return f"[{'; '.join(', '.join(map(_plain, row)) for row in table)}]"


def _are_cases(children: Sequence[ET.Element]) -> bool:
    return len(children) == 2 and children[0].text == "{" and children[1].tag == "mtable"


def _cases(table: ET.Element) -> str:
    *rows, (otherwise, last) = (tuple(map(_plain, row)) for row in table)
    assert last == "otherwise"
    parts = [f"{value} if {condition.removeprefix('if' + chr(160))}" for value, condition in rows]
    return "{" + "; ".join(parts) + f"; else {otherwise}}}"


@pytest.mark.parametrize("name", TRAPS)
def test_a_formula_reads_back_to_what_its_tree_is_worth(name: str) -> None:
    text = plain(MATHML.node(TRAPS[name]))
    with np.errstate(all="ignore"):
        expected = evaluate(TRAPS[name], NAMED)
        found = np.broadcast_to(read(text, NAMED), np.shape(expected))
    np.testing.assert_allclose(found, expected, rtol=1e-12, err_msg=text)


@pytest.mark.parametrize("expr", EXPRESSIONS, ids=str)
def test_a_function_of_numbers_reads_back_to_its_value(expr: sp.Expr) -> None:
    text = plain(MATHML.formula(Formula(expr)))
    x, y = sp.symbols("x y", real=True)
    for at in ((1.25, 2.5), (0.3, 0.7), (2.0, 1.5)):
        expected = float(expr.xreplace(dict(zip((x, y), map(sp.Float, at), strict=True))).evalf())
        found = read(text, {"x": at[0], "y": at[1], "π": np.pi})
        np.testing.assert_allclose(found, expected, rtol=1e-12, err_msg=text)


class Bare(MathmlStyle):
    """A style that forgets brackets."""

    def parens(self, text: str) -> str:
        """Return the text as it is."""
        return text


class Swapped(MathmlStyle):
    """A style that writes fractions upside down."""

    def quotient(self, top: str, bottom: str, *, arrays: bool) -> tuple[str, int]:
        """Return the quotient of bottom and top."""
        return super().quotient(bottom, top, arrays=arrays)


@pytest.mark.parametrize(
    ("style", "name"), [(Bare(), "(a * b) @ W"), (Bare(), "a * (b + c)"), (Swapped(), "a @ (W / 2)")]
)
def test_the_reading_sees_a_broken_style(style: MathmlStyle, name: str) -> None:
    text = plain(FormulaPrinter(style).node(TRAPS[name]))
    assert not np.allclose(read(text, NAMED), evaluate(TRAPS[name], NAMED))


@pytest.mark.parametrize(
    ("node", "text"),
    [
        (Transpose(Var("W1", (3, 4))), "<msup><mrow><msub><mi>W</mi><mn>1</mn></msub></mrow><mo>⊤</mo></msup>"),
        (Var("dX", ("N", 4)), '<mrow><mi mathvariant="normal">d</mi><mi>X</mi></mrow>'),
        (number("1/3"), "<mfrac><mn>1</mn><mn>3</mn></mfrac>"),
        (number("-3/4"), "<mo>−</mo><mn>0.75</mn>"),
        (Power(a, number(2)), "<msup><mrow><mi>a</mi></mrow><mrow><mo>∘</mo><mn>2</mn></mrow></msup>"),
        (Add((a, b)), "<mi>a</mi> <mo>+</mo> <mi>b</mi>"),
        (Product((a, b)), "<mi>a</mi><mo>∘</mo><mi>b</mi>"),
        (Constant("pi"), "<mi>π</mi>"),
        (
            Real(-1e-08),
            "<mo>−</mo><msup><mn>10</mn><mrow><mo>−</mo><mn>8</mn></mrow></msup>",
        ),
        (
            Call("abs", (a,)),
            '<mrow><mo stretchy="false">|</mo><mi>a</mi><mo stretchy="false">|</mo></mrow>',
        ),
        (
            MatMul(Var("W", (3, 3)), Var("U", (3, 3))),
            '<mi>W</mi><mo lspace="0" rspace="0.17em">&#x2062;</mo><mi>U</mi>',
        ),
    ],
)
def test_a_formula_is_written_with_the_elements_that_mean_it(node: Node, text: str) -> None:
    assert MATHML.node(node) == text


def test_a_sum_stands_over_its_indices() -> None:
    markup = MATHML.formula(Formula(sp.Sum(X[batch, inner] * W[column, inner], (inner, 1, m))))
    assert markup.startswith("<munder><mo>∑</mo><mrow><mi>k</mi></mrow></munder>")
    index = '<mo stretchy="false">[</mo><mi>i</mi><mo>,</mo><mi>k</mi><mo stretchy="false">]</mo>'
    assert f"<msub><mrow><mi>W</mi></mrow><mrow>{index}</mrow></msub>" in markup


def test_brackets_grow_only_around_what_is_tall() -> None:
    style = MathmlStyle()
    assert 'stretchy="false"' in style.parens(style.name("a"))
    assert "stretchy" not in style.parens(style.number(Fraction(1, 3)))


@pytest.mark.parametrize("name", ["<script>", "a&b", '"x"'])
def test_a_name_is_escaped(name: str) -> None:
    assert plain(MathmlStyle().name(name)) == name


def test_a_name_has_its_numbers_below() -> None:
    style = MathmlStyle()
    assert style.name("W1_2") == "<msub><mi>W</mi><mrow><mn>1</mn><mo>,</mo><mn>2</mn></mrow></msub>"
    assert style.name("dalpha3") == '<mrow><mi mathvariant="normal">d</mi><msub><mi>α</mi><mn>3</mn></msub></mrow>'
    assert style.name("lower_gain3") == "<msub><mi>lower_gain</mi><mn>3</mn></msub>"


def test_names_are_shown_in_an_author_s_letters() -> None:
    style = MathmlStyle(Naming(layered={"Z": "o"}, cotangent="δ"))
    assert plain(style.name("dZ2")) == "δo2"
    assert plain(style.name("Z")) == "Z"
    assert plain(style.delta("a", "i")) == "(a=i)"
    assert plain(MathmlStyle().delta("a", "i")) == "δai"
