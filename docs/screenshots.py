"""Writes the screenshots of the report that the documentation shows: `.venv/bin/python -m docs.screenshots`.

Needs what `make browser` needs. The letters are those of this machine's fonts, so the files differ between machines.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from symmlp import Network, report
from tests.reporting.browser import browser, screen

FOLDER = Path(__file__).parent / "images"
SHORT = "4 -> 16 tanh -> 3 softmax | cross_entropy"
SCREENS = {"light": (1440, 800), "dark": (1440, 800), "phone": (360, 640)}


def main() -> None:
    """Take a screenshot of each screen, a line of code clicked."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "report.html"
        page.write_text(report(Network.parse(SHORT)), encoding="utf-8")
        with browser(Path(folder) / "profile") as driver:
            for name, (width, height) in SCREENS.items():
                screen(driver, width, height, "dark" if name == "dark" else "light")
                driver.get(f"{page.as_uri()}#B6")
                driver.save_screenshot(str(FOLDER / f"report_{name}.png"))
                driver.get("about:blank")


if __name__ == "__main__":
    main()
