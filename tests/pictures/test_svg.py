"""The SVG is well-formed, complete in itself and tied to the derivation by its ids."""

from __future__ import annotations

import itertools
import re
from xml.etree import ElementTree as ET

import pytest

from symmlp.pictures import picture
from symmlp.pictures.record import Kind
from symmlp.pictures.svg import DARK, LIGHT
from tests.pictures.checkers import SVG, expected_ids, svg_faults
from tests.pictures.examples import SPECS, derivation

KINDS: tuple[Kind, ...] = ("tree", "network")


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", SPECS)
def test_the_document_is_sound(name: str, kind: Kind, backward: bool) -> None:
    text = picture(derivation(name), kind=kind, backward=backward)
    assert svg_faults(text, expected_ids(derivation(name), backward=backward)) == []


@pytest.mark.parametrize(
    ("right", "wrong", "fault"),
    [
        ('data-id="B5"', 'data-id="B99"', "data-id B5"),
        ('id="tree-X"', 'id="tree-W1"', "id tree-W1 is used 2 times"),
        ('<desc id="tree-desc">', "<desc>", "tree-desc names nothing"),
        ("<title id", "<text id", "no <title>"),
        ("prefers-color-scheme: dark", "prefers-color-scheme: light", "has one colour scheme"),
        ("<rect ", '<rect href="http://elsewhere" ', "refers to href"),
    ],
)
def test_the_check_finds_a_fault_in_a_broken_copy(right: str, wrong: str, fault: str) -> None:
    text = picture(derivation("shallow"), backward=True)
    broken = text.replace(right, wrong, 1)
    if right == "<title id":
        broken = broken.replace("</title>", "</text>", 1)
    assert fault in svg_faults(broken, expected_ids(derivation("shallow"), backward=True))


def test_text_that_is_not_xml_is_refused() -> None:
    text = picture(derivation("shallow"))
    with pytest.raises(ET.ParseError):
        svg_faults(text.replace("</g>", "", 1), set())


def test_every_edge_of_an_array_carries_the_id_of_what_it_is_part_of() -> None:
    root = ET.fromstring(picture(derivation("shallow"), backward=True))  # noqa: S314 - the text is our own
    found = {each.get("id"): each.get("data-id") for each in root.iter(f"{SVG}g")}
    assert found["tree-Z2"] == "F3"
    assert found["tree-A1-Z2"] == "F3"
    assert found["tree-dW2-Z2"] == "B3"
    assert found["tree-W2"] is None


def test_cotangents_differ_from_arrays_in_more_than_colour() -> None:
    text = picture(derivation("shallow"), backward=True)
    assert re.search(r"\.backward \.path \{[^}]*stroke-dasharray", text)
    assert "∂L/∂W2" in text


def luminance(colour: str) -> float:
    """Return the relative luminance of an sRGB colour (WCAG 2.2)."""
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, two: str) -> float:
    """Return the contrast of two colours, from 1 to 21 (WCAG 2.2)."""
    low, high = sorted((luminance(one), luminance(two)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_text_and_lines_stand_out_from_what_is_behind_them(colours: dict[str, str]) -> None:
    behind = [colour for name, colour in colours.items() if name == "surface" or name.endswith("-fill")]
    for name, back in itertools.product(("ink", "muted"), behind):
        assert contrast(colours[name], back) >= 4.5, name
    for name in ("backward", "line", "op", "loss", "parameter"):
        assert contrast(colours[name], colours["surface"]) >= 4.5, name


def test_the_measure_of_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.478, abs=1e-3)
