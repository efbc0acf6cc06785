"""A real browser, headless."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import pytest

_QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--window-size=1200,1100",
)  # fmt: skip


@contextmanager
def chromium() -> Generator[Any]:
    """Starts headless Chromium; skips the test if it isn't installed."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    driver = shutil.which("chromedriver")
    if program is None or driver is None:
        pytest.skip(
            "no Chromium and chromedriver installed (Debian: apt-get install chromium chromium-driver)"
        )
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = webdriver.ChromeOptions()
        options.binary_location = program
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        for argument in (*_QUIET, f"--user-data-dir={profile}"):
            options.add_argument(argument)
        service = webdriver.ChromeService(driver, log_output=os.devnull)
        browser: Any = webdriver.Chrome(options=options, service=service)
        yield browser
        browser.quit()


def logged(browser: Any) -> list[str]:
    """The warnings and errors that pages have written to the console since the last call."""
    return [
        entry["message"] for entry in browser.get_log("browser") if entry["level"] in ("WARNING", "SEVERE")
    ]


def until(condition: Callable[[], Any], seconds: float = 40) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


def run(browser: Any, script: str, *arguments: Any) -> Any:
    return browser.execute_script(f"return ({script})", *arguments)


def text(browser: Any, place: str) -> str:
    found: str = run(browser, "document.querySelector(arguments[0])?.innerText ?? ''", place)
    return found
