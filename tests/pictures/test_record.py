"""A picture shows every equation of its derivation by its id, and invents none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from symmlp.errors import ProgramError
from symmlp.pictures.record import Kind, Picture
from symmlp.pictures.shortening import LAYERS_IN_FULL, LAYERS_KEPT, shorten
from tests.pictures.checkers import expected_ids, wrong_ids
from tests.pictures.examples import SPECS, derivation, drawn, picture_of, whole

KINDS: tuple[Kind, ...] = ("tree", "network")


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", SPECS)
def test_all_ids_of_the_derivation_appear_and_none_is_invented(name: str, kind: Kind, backward: bool) -> None:
    expected = expected_ids(derivation(name), backward=backward)
    assert wrong_ids(picture_of(name, kind, backward=backward), expected) == []


@pytest.mark.parametrize("kind", KINDS)
def test_all_ids_of_drawn_networks_appear(kind: Kind) -> None:
    for each in drawn():
        assert wrong_ids(whole(each, kind, backward=True), expected_ids(each, backward=True)) == []


@pytest.mark.parametrize("kind", KINDS)
def test_the_check_of_ids_finds_one_that_is_missing_and_one_that_is_invented(kind: Kind) -> None:
    found = picture_of("shallow", kind, backward=True)
    edges = [edge for edge in found.edges if edge.equations != ("B5",)]
    edges[0] = replace(edges[0], equations=(*edges[0].equations, "B99"))
    expected = expected_ids(derivation("shallow"), backward=True)
    assert wrong_ids(replace(found, edges=tuple(edges)), expected) == ["missing B5", "made up B99"]


def test_the_leaves_of_the_tree_are_variables_and_its_root_is_the_loss() -> None:
    found = picture_of("shallow", "tree", backward=False)
    sources, targets = ({getattr(edge, end) for edge in found.edges} for end in ("source", "target"))
    ids = [node.id for node in found.nodes]
    assert [id for id in ids if id not in targets] == ["X", "W1", "b1", "W2", "b2", "Y"]
    assert [id for id in ids if id not in sources] == ["L"]
    assert [node.role for node in found.nodes if node.id in ("X", "W1", "Y", "Z1", "L")] == [
        "inputs",
        "parameter",
        "op",
        "targets",
        "loss",
    ]


@pytest.mark.parametrize("name", SPECS)
def test_every_cotangent_runs_back_along_an_edge(name: str) -> None:
    found = picture_of(name, "tree", backward=True)
    forward = {(edge.source, edge.target) for edge in found.edges if edge.direction == "forward"}
    backward = {(edge.target, edge.source) for edge in found.edges if edge.direction == "backward"}
    assert backward <= forward
    assert len(backward) > 0


def test_an_array_that_several_ops_read_has_its_cotangent_on_each_way_and_its_formula_once() -> None:
    found = picture_of("every op", "tree", backward=True)
    ways = [edge for edge in found.edges if edge.direction == "backward" and edge.target == "A1"]
    assert len({edge.equations for edge in ways}) == 1
    assert len(ways) == 3
    assert sum(edge.label.value is not None for edge in ways) == 1


def test_a_network_of_twelve_layers_is_drawn_completely_and_one_of_thirteen_is_not() -> None:
    full, cut = (whole(derivation(name), "tree", backward=True) for name in ("twelve layers", "thirteen layers"))
    assert LAYERS_IN_FULL == 12
    assert shorten(full) is full
    kept = shorten(cut)
    assert {node.layer for node in kept.nodes if node.role != "more"} == {1, 2, 3, 11, 12, 13}
    assert [node.label.words for node in kept.nodes if node.role == "more"] == [f"… {13 - 2 * LAYERS_KEPT} more layers"]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_left_out_is_connected_on_both_sides(kind: Kind) -> None:
    edges = picture_of("thirteen layers", kind, backward=True).edges
    ends = {(edge.direction, edge.source == "more") for edge in edges if "more" in (edge.source, edge.target)}
    assert ends == {("forward", True), ("forward", False), ("backward", True), ("backward", False)}


def broken(picture: Picture, *, twice: bool) -> Picture:
    """Return a picture with a node twice, or with an edge to nowhere."""
    if twice:
        return replace(picture, nodes=(*picture.nodes, picture.nodes[0]))
    return replace(picture, edges=(replace(picture.edges[0], target="nowhere"), *picture.edges[1:]))


@pytest.mark.parametrize(("twice", "message"), [(True, "X is drawn 2 times"), (False, "ends at nowhere")])
def test_a_picture_refuses_what_is_drawn_twice_and_edges_to_nowhere(twice: bool, message: str) -> None:
    found = picture_of("shallow", "tree", backward=False)
    with pytest.raises(ProgramError, match=message):
        broken(found, twice=twice)
