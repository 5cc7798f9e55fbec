"""A headless browser that has no network, and where to find one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

selenium = None if find_spec("selenium") is None else import_module("selenium.webdriver")

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --hide-scrollbars --force-device-scale-factor=1"
).split()


def missing() -> str:
    """Return why there is no browser to test with, or an empty text."""
    if selenium is None:
        return "selenium is not installed: pip install 'symmlp[browser]'"
    if not any(map(shutil.which, NAMES)):
        return f"no browser: none of {', '.join(NAMES)} is installed"
    return "" if shutil.which("chromedriver") else "no chromedriver is installed"


@contextmanager
def browser(folder: Path) -> Iterator[Any]:
    """Yield a browser with a new profile in `folder`; it notes every request and every message of the console."""
    assert selenium is not None
    options = selenium.ChromeOptions()
    options.binary_location = next(found for found in map(shutil.which, NAMES) if found)
    for flag in (*FLAGS, f"--user-data-dir={folder}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = selenium.ChromeService(shutil.which("chromedriver"), log_output=os.devnull)
    driver = selenium.Chrome(options=options, service=service)
    try:
        driver.execute_cdp_cmd("Network.enable", {})
        offline = {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
        driver.execute_cdp_cmd("Network.emulateNetworkConditions", offline)
        yield driver
    finally:
        driver.quit()


def screen(driver: Any, width: int, height: int, scheme: str = "light", media: str = "") -> None:
    """Give the page a screen, a colour scheme and a medium."""
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": features})
