"""Chromium for the tests of the UI: starting it, and pictures of every station.

Here: the browser and where its pictures go. Not here: what is clicked.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

ARTIFACTS = Path(__file__).parents[2] / "artifacts"
NAMES = ("chromium", "chromium-browser", "google-chrome")
SIZE = (1800, 1000)
# Neither a sandbox (CI runs as root) nor a word to anybody but the server under test.
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
    "--window-size=1800,1000",
)  # fmt: skip
# Milliseconds for a click or a text to become possible: generous, the UI of a busy machine is slow.
PATIENCE = 300_000


def chromium() -> str:
    """The program; without it the test skips, or fails where REQUIRE_BROWSER is set."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        assert "REQUIRE_BROWSER" not in os.environ, "no Chromium where one is required"
        pytest.skip(
            f"no Chromium found (looked for {', '.join(NAMES)}); install it to test the UI (Debian, Ubuntu: "
            "apt-get install chromium fonts-dejavu-core)"
        )
    return found


class Visit:
    """A page with an album: `look` takes the next picture."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self._taken = 0

    def look(self, name: str) -> None:
        """Save a picture of the page as it is, once nothing loads any more."""
        self.page.wait_for_load_state("networkidle")
        # The graph fades in and a toast slides; neither has an event.
        self.page.wait_for_timeout(1000)
        self._taken += 1
        self.page.screenshot(path=ARTIFACTS / f"{self._taken:02}-{name}.png")


@contextmanager
def visit(url: str) -> Iterator[Visit]:
    """A fresh browser, at `url`."""
    program = chromium()
    shutil.rmtree(ARTIFACTS, ignore_errors=True)
    ARTIFACTS.mkdir()
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, headless=True, args=list(FLAGS))
        page = browser.new_page(viewport={"width": SIZE[0], "height": SIZE[1]})
        page.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        visiting = Visit(page)
        try:
            page.goto(url)
            yield visiting
        except BaseException:
            # What was there when it went wrong says more than the message.
            page.screenshot(path=ARTIFACTS / "99-failed.png")
            raise
        finally:
            browser.close()
