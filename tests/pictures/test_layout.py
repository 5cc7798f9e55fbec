"""In a layout nothing stands on anything else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from symmlp.pictures.geometry import Sheet
from symmlp.pictures.lanes import lanes
from symmlp.pictures.network_layout import network_layout, slots
from symmlp.pictures.record import Kind, Picture
from symmlp.pictures.shortening import shorten
from symmlp.pictures.tree_layout import tree_layout
from tests.pictures.checkers import crossings, lines_through, moved, overlaps
from tests.pictures.examples import SPECS, drawn, picture_of, whole

KINDS: tuple[Kind, ...] = ("tree", "network")
CHAINS = [name for name in SPECS if name != "every op"]


def laid_out(picture: Picture) -> Sheet:
    """Return the layout of a picture of either kind."""
    return tree_layout(picture) if picture.kind == "tree" else network_layout(picture)


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", SPECS)
def test_no_box_and_no_text_overlaps_another(name: str, kind: Kind, backward: bool) -> None:
    assert overlaps(laid_out(picture_of(name, kind, backward=backward))) == []


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", SPECS)
def test_no_line_runs_through_a_box_or_a_text(name: str, kind: Kind, backward: bool) -> None:
    assert lines_through(laid_out(picture_of(name, kind, backward=backward))) == []


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_overlaps_in_the_pictures_of_drawn_networks(kind: Kind) -> None:
    for each in drawn():
        sheet = laid_out(shorten(whole(each, kind, backward=True)))
        assert overlaps(sheet) == []
        assert lines_through(sheet) == []


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("name", CHAINS)
def test_no_two_edges_of_a_chain_cross(name: str, backward: bool) -> None:
    assert crossings(tree_layout(picture_of(name, "tree", backward=backward))) == []


@pytest.mark.parametrize("kind", KINDS)
def test_the_check_of_overlaps_finds_a_box_that_stands_on_another(kind: Kind) -> None:
    sheet = laid_out(picture_of("shallow", kind, backward=True))
    first, second, *rest = sheet.boxes
    above = moved(second, first.left - second.left, first.top - second.top)
    assert any(
        f"{first.node.id} and {second.node.id}" in fault
        for fault in overlaps(replace(sheet, boxes=(first, above, *rest)))
    )


@pytest.mark.parametrize("kind", KINDS)
def test_the_check_of_overlaps_finds_a_text_that_is_clipped(kind: Kind) -> None:
    sheet = laid_out(picture_of("shallow", kind, backward=True))
    assert any("off the sheet" in fault for fault in overlaps(replace(sheet, width=sheet.width - 60)))


def test_the_check_of_lines_finds_a_box_in_the_way() -> None:
    sheet = tree_layout(picture_of("shallow", "tree", backward=True))
    boxes = {box.node.id: box for box in sheet.boxes}
    target, leaf = boxes["Z1"], boxes["b2"]
    (x, y) = next(route for route in sheet.routes if route.edge.id == "Z1-A1").paths[0][0]
    there = moved(leaf, x - leaf.left - 3, y - leaf.top + 3)
    assert target.bottom == y
    found = lines_through(replace(sheet, boxes=(*(box for box in sheet.boxes if box is not leaf), there)))
    assert "Z1-A1 through b2" in found


def test_the_check_of_crossings_finds_two_edges_that_cross() -> None:
    sheet = tree_layout(picture_of("shallow", "tree", backward=False))
    first, second, *rest = sheet.routes
    cross = replace(second, paths=(((0.0, 100.0), (900.0, 110.0)),))
    assert f"{first.edge.id} and {second.edge.id}" in crossings(replace(sheet, routes=(first, cross, *rest)))


def test_a_wide_layer_shows_its_first_and_last_units_and_tells_its_size() -> None:
    assert slots(8) == [1, 2, 3, 4, 5, 6, 7, 8]
    assert slots(9) == [1, 2, 3, 4, 5, None, 8, 9]
    sheet = network_layout(picture_of("shallow", "network", backward=False))
    hidden = next(box for box in sheet.boxes if box.node.id == "A1")
    assert len(hidden.units) == 7
    assert hidden.gap is not None
    assert "16 units" in [piece.text for text in hidden.texts for piece in text.line]


def test_a_dense_layer_joins_every_unit_to_every_unit_and_another_each_to_its_own() -> None:
    sheet = network_layout(picture_of("every op", "network", backward=False))
    strands = {route.edge.id: len(route.paths) for route in sheet.routes if not route.has_head}
    assert strands["X-Z1"] == 8 * 6
    assert strands["A3-A4"] == 6


def test_spans_that_share_a_row_have_different_lanes() -> None:
    spans = [(0, 4), (1, 3), (2, 6), (4, 6), (0, 9), (3, 5)]
    chosen = lanes(spans)
    for (one, lane), (two, other) in (
        (a, b) for a in zip(spans, chosen, strict=True) for b in zip(spans, chosen, strict=True)
    ):
        if one != two and lane == other:
            assert one[1] <= two[0] or two[1] <= one[0]
