"""An author's letters: shown everywhere, refused where they would be no letters or name two things."""

from __future__ import annotations

import re

import pytest

from symmlp.document import Notation, PrintableDerivation, derive
from symmlp.errors import SymmlpError
from symmlp.graph import Layout
from symmlp.printing.lettering import GREEK_LETTERS
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
    "letters",
    [
        "",
        "1",
        "W1",
        "W_2",
        "W^2",
        "W^(2)",
        "W^",
        "^l",
        "abcd",
        "a b",
        "<b>",
        r"\a",
        "$",
        "\u202e",
        "'",
        "∂",
        "W^(l]",
        "W_l^l",
    ],
)
def test_what_is_no_letters_is_refused_in_one_line(letters: str) -> None:
    with pytest.raises(SymmlpError, match="^notation: weights .* must be 1 to 3 letters, Latin or Greek, ") as caught:
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


AS_IN_BOOKS = {
    **{"inputs": "x_0", "targets": "y", "prediction": "ŷ", "loss": "ℒ", "weights": "W^(l)", "bias": "b^{(l)}"},
    **{"pre_activation": "z^[l]", "activation": "ā^l", "cotangent": "∇"},
}


def test_accents_and_raised_numbers_stand_in_every_format() -> None:
    own = derivation_of("classes", notation=AS_IN_BOOKS)
    assert "B3  ∂ℒ/∂W⁽²⁾ = ∇z^[2]ᵀ ā¹  (2, 4)" in own.text()
    assert "F1  z^[1] = x_0 W⁽¹⁾ᵀ + 1 b⁽¹⁾ᵀ" in own.text()
    gradient = r"\frac{\partial \mathcal{L} }{\partial W^{(2)}} &= {\nabla z^{[2]}}^{\top} \, \bar{a}^{1} \tag{B3}"
    assert gradient in own.latex()
    assert r"z^{[1]} &= x_{0} \, {W^{(1)}}^{\top} + \mathbf{1} \, {b^{(1)}}^{\top}" in own.latex()
    assert own.latex().isascii()
    raised = '<msup><mi>W</mi><mrow><mo stretchy="false">(</mo><mn>2</mn><mo stretchy="false">)</mo></mrow></msup>'
    assert raised in own.html()
    assert '<mover accent="true"><mi>y</mi><mo stretchy="false">^</mo></mover>' in own.html()


def test_an_accented_letter_keeps_its_own_script_apart_from_a_second_one() -> None:
    own = derivation_of("classes", notation={"activation": "ā^(l)"})
    assert r"{{}\bar{a}^{(1)}}^{\circ 2}" in own.latex()


@pytest.mark.parametrize(
    ("given", "shown"), [("W⁽¹⁾", "W⁽¹⁾"), ("W^{l}", "W¹"), ("W_{l}", "W1"), ("W", "W1"), ("W^[1]", "W^[1]")]
)
def test_a_layer_s_number_stands_where_the_author_says(given: str, shown: str) -> None:
    assert Notation(weights=given).naming(derivation_of("classes")).shown("W1") == shown


def test_an_accent_may_be_typed_as_one_character_or_as_two() -> None:
    one, two = (derivation_of("classes", notation={"prediction": letters}).text() for letters in ("ŷ", "y\u0302"))
    assert one == two


@pytest.mark.parametrize("letters", ["Α", "ο", "ç", "𝑥", "a\n", "∇", "\u0302", "y\u0302\u0302\u0302"])
def test_a_letter_that_looks_like_another_or_has_other_marks_is_refused(letters: str) -> None:
    with pytest.raises(SymmlpError, match="^notation: weights .* must be 1 to 3 letters, Latin or Greek, "):
        Notation(weights=letters)


def test_a_letter_with_an_accent_may_be_taken_too() -> None:
    with pytest.raises(SymmlpError, match="is taken: it means something else"):
        derive(NETWORKS["classes"], notation={"prediction": "m\u0302"})
