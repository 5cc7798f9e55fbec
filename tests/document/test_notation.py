"""An author's letters: shown everywhere, refused where they would be no letters or name two things."""

from __future__ import annotations

import re

import pytest

from symmlp.document import Notation, PrintableDerivation, derive
from symmlp.errors import SymmlpError
from symmlp.graph import Layout
from symmlp.printing.naming import GREEK_LETTERS
from tests.document.derivations import NETWORKS, derivation_of

OWN = {
    **{"inputs": "u", "targets": "t", "prediction": "q", "loss": "E", "weights": "V", "bias": "β"},
    **{"pre_activation": "net", "activation": "h", "cotangent": "δ"},
}


def test_the_letters_stand_in_every_format_and_the_ids_stay() -> None:
    plain, own = derivation_of("classes"), derivation_of("classes", notation=OWN)
    assert "B7  ∂E/∂V1 = δnet1ᵀ u  (4, 3)" in own.text()
    assert r"\frac{\partial E}{\partial V_{1}} &= {\delta \mathrm{net}_{1}}^{\top} \, u \tag{B7}" in own.latex()
    assert r"\frac{\partial E}{\partial V_{1}} = {\delta \mathrm{net}_{1}}^{\top} \, u \tag{B7}" in own.markdown()
    assert "<mi>net</mi><mn>1</mn>" in own.html()
    assert own.graph == plain.graph
    assert [each.id for each in own.equations] == [each.id for each in plain.equations]


def test_none_of_the_graph_s_letters_is_left_in_the_text() -> None:
    text = derivation_of("classes", notation=OWN).text(steps="index")
    page = text[text.index("Forward") : text.index("Functions")]
    names = [re.escape(name) for name in derivation_of("classes").graph.shapes if name != "N"]
    assert re.findall(rf"\bd?(?:{'|'.join(names)})\b", page.replace("stable form", "")) == []


def test_the_data_keep_the_graph_s_names_beside_the_shown_ones() -> None:
    plain = derivation_of("classes", notation=OWN).as_dict()
    assert plain["notation"] == OWN
    assert {each["name"]: each["shown"] for each in plain["symbols"]}["Z1"] == "net1"
    assert "dW1" in [each["target"] for each in plain["equations"]]


def test_a_cotangent_called_delta_leaves_the_delta_of_two_indices_to_brackets() -> None:
    assert "δ[" not in derivation_of("classes", notation={"cotangent": "δ"}).text(steps="index")
    assert "[a=p]" in derivation_of("classes", notation={"cotangent": "δ"}).text(steps="index")
    assert "δ[a,p]" in derivation_of("classes").text(steps="index")


@pytest.mark.parametrize("letter", GREEK_LETTERS)
def test_every_greek_letter_has_its_macro_in_latex(letter: str) -> None:
    if letter in "πΣ":
        pytest.skip("means something else in the formulas")
    text = derivation_of("one layer", notation={"weights": letter}).latex()
    assert rf"\{GREEK_LETTERS[letter]}_{{1}}" in text
    assert text.isascii()


@pytest.mark.parametrize(
    "letters", ["", "1", "W1", "W_1", "abcd", "a b", "<b>", r"\a", "$", "Α", "ο", "é", "𝑥", "a\n", "\u202e", "'", "∂"]
)
def test_what_is_no_letters_is_refused_in_one_line(letters: str) -> None:
    with pytest.raises(SymmlpError, match="^notation: weights .* must be 1 to 3 letters, Latin or Greek$") as caught:
        Notation(weights=letters)
    assert str(caught.value).isascii()


@pytest.mark.parametrize(
    ("notation", "layout"),
    [
        ({"weights": "b"}, "batch"),
        ({"pre_activation": "W"}, "batch"),
        ({"pre_activation": "y"}, "sample"),
        ({"inputs": "P"}, "batch"),
        ({"weights": "dZ"}, "batch"),
        ({"cotangent": "x", "inputs": "X", "targets": "xX"}, "batch"),
        ({"inputs": "i"}, "batch"),
        ({"inputs": "p"}, "batch"),
        ({"loss": "N"}, "batch"),
        ({"targets": "θ"}, "batch"),
        ({"activation": "exp"}, "sample"),
        ({"bias": "sum"}, "batch"),
    ],
)
def test_letters_that_name_two_things_are_refused_in_one_line(notation: dict[str, str], layout: Layout) -> None:
    with pytest.raises(SymmlpError, match="^notation: .*(would name two things|is taken: it means something else)"):
        derive(NETWORKS["classes"], layout=layout, notation=notation)


@pytest.mark.parametrize("layout", ["batch", "sample"])
def test_the_layout_s_own_letters_are_taken_as_they_are(layout: Layout) -> None:
    assert derivation_of("layers", layout).text() == derivation_of("layers", layout, notation={}).text()


def test_a_text_gives_the_letters_by_role() -> None:
    assert Notation.parse("pre_activation=o, activation = y,cotangent=δ") == Notation(
        pre_activation="o", activation="y", cotangent="δ"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "^notation: expected role=letters, got ''$"),
        ("o", "^notation: expected role=letters, got 'o'$"),
        ("weight=V", "^notation: unknown role 'weight'; did you mean 'weights'\\?$"),
        ("weights=V,weights=W", "^notation: 'weights' is named twice$"),
        ("weights=", "^notation: weights '' must be 1 to 3 letters"),
    ],
)
def test_a_text_that_gives_none_is_refused_in_one_line(text: str, message: str) -> None:
    with pytest.raises(SymmlpError, match=message):
        Notation.parse(text)


def test_a_notation_can_be_given_as_a_record_too() -> None:
    derivation: PrintableDerivation = derive(NETWORKS["one layer"], notation=Notation(weights="V"))
    assert "V1" in derivation.text()
