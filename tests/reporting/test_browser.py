"""The report in a browser: what lights up, what opens, keys, screens, paper, no network, no script."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.reporting.browser import screen
from tests.reporting.pages import page

pytestmark = pytest.mark.browser

Opened = Callable[..., Any]

LIT = """return [...document.querySelectorAll(arguments[0])].map(
    (each) => [each.closest(".pane").id, each.dataset.id])"""
PLACE = "const b = arguments[0].getBoundingClientRect(); return [b.top, b.right, b.bottom, b.left]"


def part(driver: Any, css: str) -> Any:
    """Return the first element that a selector finds."""
    return driver.find_element("css selector", css)


def is_seen(driver: Any, css: str) -> bool:
    """Return whether an element is within the part of its column that shows."""
    element = part(driver, css)
    place, pane = (driver.execute_script(PLACE, each) for each in (element, part(driver, css.split(" ")[0])))
    return bool(place[0] >= pane[0] and place[1] <= pane[1] and place[2] <= pane[2] and place[3] >= pane[3])


def lit(driver: Any, kind: str = "lit") -> set[tuple[str, str]]:
    """Return the columns that are lit up, each with the ids of what is lit in it."""
    return {(pane, id) for pane, ids in driver.execute_script(LIT, f".{kind}") for id in ids.split()}


def point(driver: Any, css: str) -> None:
    """Move the mouse over an element, as a hand does."""
    element = part(driver, css)
    driver.execute_script("arguments[0].scrollIntoView({block: 'center', inline: 'center'})", element)
    place = driver.execute_script(
        "const b = arguments[0].getClientRects()[0]; return [b.left + b.width / 2, b.top + b.height / 2]", element
    )
    event = {"type": "mouseMoved", "x": place[0], "y": place[1]}
    driver.execute_cdp_cmd("Input.dispatchMouseEvent", event)


def press(driver: Any, *keys: str) -> None:
    """Press keys, as `ArrowDown`, wherever the focus is."""
    codes = {"Enter": 13, "Escape": 27, "Home": 36, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}
    for key in keys:
        text = {"text": "\r"} if key == "Enter" else {}
        event = {"key": key, "code": key, "windowsVirtualKeyCode": codes.get(key, 9)}
        driver.execute_cdp_cmd("Input.dispatchKeyEvent", {"type": "keyDown", **event, **text})
        driver.execute_cdp_cmd("Input.dispatchKeyEvent", {"type": "keyUp", **event})


def focused(driver: Any) -> tuple[str, str]:
    """Return the column and the id that have the focus."""
    pane, id = driver.execute_script(
        "const at = document.activeElement; return [at.closest('.pane')?.id ?? '', at.dataset.id ?? at.id]"
    )
    return str(pane), str(id)


ALL = {(pane, "B6") for pane in ("formulas", "code", "tree")}


@pytest.mark.parametrize(
    "css",
    ["#formulas summary[data-id=B6]", "#code a[data-id=B6] .line", "#tree a[data-id=B6] .head", '[id="B6.b"] .rule'],
    ids=["formula", "line of code", "edge of the tree", "step"],
)
def test_pointing_at_a_part_lights_up_its_formula_its_code_and_its_node(css: str, opened: Opened) -> None:
    driver = opened("shallow", change="#B6")
    press(driver, "Escape")
    assert lit(driver) == set()
    point(driver, css)
    assert lit(driver) == ALL
    point(driver, "h1")
    assert lit(driver) == set()


def test_what_is_lit_looks_different(opened: Opened) -> None:
    driver = opened("shallow")
    colour = "return getComputedStyle(document.querySelector(arguments[0]))[arguments[1]]"
    looks = (("#code a[data-id=B3]", "backgroundColor"), ("#tree a[data-id=B3] .path", "stroke"))
    before = [driver.execute_script(colour, *look) for look in looks]
    point(driver, "#formulas summary[data-id=B3]")
    after = [driver.execute_script(colour, *look) for look in looks]
    assert all(one != other for one, other in zip(before, after, strict=True))


@pytest.mark.parametrize("name", ["shallow", "layers", "twenty layers"])
def test_a_click_on_a_line_of_code_opens_the_steps_and_brings_all_parts_into_view(name: str, opened: Opened) -> None:
    driver = opened(name)
    assert not part(driver, "#B6 details").get_property("open")
    driver.execute_script("document.querySelector('#code a[data-id=B6]').scrollIntoView({block: 'center'})")
    part(driver, "#code a[data-id=B6]").click()
    assert part(driver, "#B6 details").get_property("open")
    assert lit(driver, "pinned") == ALL
    assert is_seen(driver, "#formulas summary[data-id=B6]")
    assert is_seen(driver, "#tree a[data-id=B6] text")
    told = part(driver, "#told").text
    assert told.startswith("B6: ")
    assert "1 place in the code" in told


def test_a_click_on_a_node_shows_its_line_of_code(opened: Opened) -> None:
    driver = opened("twenty layers")
    part(driver, "#tree a[data-id=F1] .frame").click()
    assert lit(driver, "pinned") == {(pane, "F1") for pane in ("formulas", "code", "tree")}
    assert is_seen(driver, "#code a[data-id=F1] .line .comment")


def test_a_click_on_a_reference_goes_to_that_equation(opened: Opened) -> None:
    driver = opened("shallow", change="#B6")
    part(driver, "#B6 li a[href='#B5']").click()
    assert ("formulas", "B5") in lit(driver, "pinned")
    assert not lit(driver, "pinned") & ALL


def test_a_formula_folds_its_steps_with_a_second_click(opened: Opened) -> None:
    driver = opened("shallow")
    states = []
    for _ in range(2):
        part(driver, "#B3 summary .id").click()
        states.append(part(driver, "#B3 details").get_property("open"))
    assert states == [True, False]


def test_keys_move_open_and_let_go(opened: Opened) -> None:
    driver = opened("shallow")
    driver.execute_script("document.querySelector('#formulas .item').focus()")
    assert focused(driver) == ("formulas", "F1")
    press(driver, "ArrowDown", "ArrowDown", "ArrowUp")
    assert focused(driver) == ("formulas", "F2")
    press(driver, "ArrowRight")
    assert focused(driver) == ("code", "F2")
    press(driver, "ArrowRight")
    assert focused(driver) == ("tree", "F2")
    assert {pane for pane, id in lit(driver) if id == "F2"} == {"formulas", "code", "tree"}
    press(driver, "End", "ArrowLeft")
    assert focused(driver) == ("code", "B8")
    press(driver, "Enter")
    assert lit(driver, "pinned") == {(pane, "B8") for pane in ("formulas", "code", "tree")}
    assert part(driver, "#B8 details").get_property("open")
    press(driver, "ArrowLeft", "Enter")
    assert focused(driver) == ("formulas", "B8")
    assert not part(driver, "#B8 details").get_property("open")
    press(driver, "Escape")
    assert lit(driver, "pinned") == set()


def test_the_focus_is_seen_and_each_column_is_one_stop_of_the_tab_key(opened: Opened) -> None:
    driver = opened("shallow")
    stops = []
    for _ in range(30):
        press(driver, "Tab")
        stops.append(focused(driver))
        if stops[-1][0] == "tree":
            break
        assert driver.execute_script("return getComputedStyle(document.activeElement).outlineWidth") == "3px"
    columns = [pane for pane, id in stops if id and pane]
    assert {pane: columns.count(pane) for pane in ("formulas", "code", "tree")} == {"formulas": 1, "code": 1, "tree": 1}
    frame = "return getComputedStyle(document.activeElement.querySelector('.frame')).strokeWidth"
    assert driver.execute_script(frame) == "4px"


@pytest.mark.parametrize("name", ["shallow", "layers", "twenty layers"])
@pytest.mark.parametrize("width", [360, 768])
def test_a_narrow_screen_has_one_column_and_no_sideways_scroll(name: str, width: int, opened: Opened) -> None:
    driver = opened(name, width=width, height=740)
    part(driver, "#all-steps").click()
    assert driver.execute_script("return document.documentElement.scrollWidth") <= width
    lefts = driver.execute_script("return [...document.querySelectorAll('.pane')].map((p) => p.offsetLeft)")
    assert lefts == [0, 0, 0]


def test_on_a_phone_buttons_lead_from_a_formula_to_its_code_and_its_node(opened: Opened) -> None:
    driver = opened("shallow", width=360, height=740)
    driver.execute_script("document.querySelector('#B6').scrollIntoView()")
    part(driver, "#B6 summary").click()
    for name, css in (
        ("code", "#code a[data-id=B6]"),
        ("tree", "#tree a[data-id=B6] text"),
        ("formulas", "#B6 summary"),
    ):
        part(driver, f".jump button[data-pane={name}]").click()
        place = driver.execute_script(
            "const b = arguments[0].getBoundingClientRect(); return [b.top, b.bottom]", part(driver, css)
        )
        assert 0 <= place[0] <= place[1] <= 740


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_follows_the_reader_s_colours_and_a_button_changes_them(scheme: str, opened: Opened) -> None:
    driver = opened("shallow", scheme=scheme)
    colours = """return [document.body, document.querySelector('.symmlp-picture .surface')].map((each) => {
        const style = getComputedStyle(each); return each === document.body ? style.backgroundColor : style.fill})"""
    expected = {"light": ["rgb(255, 255, 255)"] * 2, "dark": ["rgb(20, 23, 27)", "rgb(15, 20, 27)"]}
    assert driver.execute_script(colours) == expected[scheme]
    part(driver, "#theme").click()
    assert driver.execute_script(colours) == expected["dark" if scheme == "light" else "light"]


def luminance(colour: str) -> float:
    """Return the relative luminance of `rgb(…)` (WCAG 2.2)."""
    parts = [int(part) / 255 for part in colour[4:-1].split(",")]
    linear = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


COLOURS = """const paint = (at) => getComputedStyle(at).backgroundColor;
    const behind = (at) => at && paint(at) === 'rgba(0, 0, 0, 0)' ? behind(at.parentElement) : paint(at);
    const texts = document.evaluate("//body//text()[normalize-space()]", document, null, 7), found = [];
    for (let k = 0; k < texts.snapshotLength; k++) {
      const at = texts.snapshotItem(k).parentElement;
      if (at.closest('svg, script, style') || !at.getClientRects().length) continue;
      found.push([getComputedStyle(at).color, behind(at), at.className || at.tagName]);
    }
    return found"""


@pytest.mark.parametrize("kind", ["", "lit", "pinned"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_what_is_behind_it(scheme: str, kind: str, opened: Opened) -> None:
    driver = opened("shallow", scheme=scheme)
    part(driver, "#all-steps").click()
    if kind:
        script = f"for (const each of document.querySelectorAll('[data-id]')) each.classList.add('{kind}')"
        driver.execute_script(script)
    pairs = {tuple(found) for found in driver.execute_script(COLOURS)}
    assert len(pairs) > 5
    for ink, paper, name in pairs:
        low, high = sorted((luminance(ink), luminance(paper)))
        assert (high + 0.05) / (low + 0.05) >= 4.5, name


def test_nothing_is_fetched_and_the_console_is_silent(opened: Opened) -> None:
    driver = opened("layers")
    part(driver, "#all-steps").click()
    messages = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    sent = [each["params"]["request"]["url"] for each in messages if each["method"] == "Network.requestWillBeSent"]
    assert {url.partition(":")[0] for url in sent} == {"file"}
    assert len(sent) == 1
    assert driver.get_log("browser") == []


def test_the_policy_stops_any_other_script(window: Any, tmp_path: Path) -> None:
    path = tmp_path / "attacked.html"
    attack = "<script>document.title = 'taken'</script><img alt='' src='x' onerror=\"document.title = 'taken'\"><h1>"
    path.write_text(page("one layer").replace("<h1>", attack, 1), encoding="utf-8")
    window.get(path.as_uri())
    assert window.title == "Formulas, code and tree of 3 -> 2 | mse"
    assert any("Content Security Policy" in entry["message"] for entry in window.get_log("browser"))


def test_without_a_script_the_page_is_a_document_with_all_steps_and_links(opened: Opened, window: Any) -> None:
    window.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        driver = opened("shallow")
        assert part(driver, '[id="B3.a"] .formula').is_displayed()
        assert not part(driver, ".tools").is_displayed()
        part(driver, "#code a[data-id=B3]").click()
        assert driver.current_url.endswith("#B3")
    finally:
        window.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_on_paper_every_step_is_printed_on_a_few_pages(opened: Opened) -> None:
    driver = opened("shallow", scheme="dark")
    found = driver.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})
    pages = base64.b64decode(found["data"]).count(b"/Type /Page\n")
    assert 4 <= pages <= 12
    screen(driver, 800, 1100, "dark", media="print")
    driver.execute_script("dispatchEvent(new Event('beforeprint'))")
    assert all(each.get_property("open") for each in driver.find_elements("css selector", ".steps-of"))
    assert driver.execute_script("return getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not part(driver, ".tools").is_displayed()
    driver.execute_script("dispatchEvent(new Event('afterprint'))")
    assert not part(driver, "#B3 details").get_property("open")
    screen(driver, 1440, 900)


def test_a_page_that_ties_the_wrong_parts_is_noticed(window: Any, tmp_path: Path) -> None:
    path = tmp_path / "broken.html"
    broken = page("shallow").replace('href="#B6" data-id="B6"', 'href="#B5" data-id="B5"', 1)
    path.write_text(broken, encoding="utf-8")
    screen(window, 1440, 900)
    window.get(path.as_uri())
    point(window, "#formulas summary[data-id=B6]")
    assert lit(window) != ALL
