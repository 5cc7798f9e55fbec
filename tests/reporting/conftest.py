"""One browser for all tests of this folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.reporting.browser import browser, missing, screen
from tests.reporting.pages import page

Opened = Callable[..., Any]


@pytest.fixture(scope="session")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A browser without a network."""
    if missing():
        pytest.skip(missing())
    with browser(tmp_path_factory.mktemp("profile")) as found:
        yield found


@pytest.fixture
def opened(window: Any, tmp_path_factory: pytest.TempPathFactory) -> Opened:
    """A function that opens a report on a screen and returns the browser."""

    def shown(name: str, *, width: int = 1440, height: int = 900, scheme: str = "light", change: str = "") -> Any:
        """Open a report; `change` is an end of the page's address."""
        path = tmp_path_factory.mktemp("page") / "report.html"
        path.write_text(page(name), encoding="utf-8")
        screen(window, width, height, scheme)
        window.get_log("browser")
        window.get_log("performance")
        window.get(path.as_uri() + change)
        return window

    return shown
