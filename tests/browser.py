"""A real browser for pages that garasu writes: headless Chromium, without a network."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@contextmanager
def opened(path: Path, *, width: int = 1100, height: int = 900, scheme: str = "light") -> Iterator[Any]:
    """The page of a file, as Playwright's Page; errors and warnings that it reports fail the test at the end.

    Skips the test on a machine without Chromium or Playwright.
    """
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="Playwright is not installed: pip install playwright"
    )
    chromium = next(filter(None, map(which, NAMES)), None)
    if chromium is None:
        pytest.skip(f"no Chromium on this machine: none of {', '.join(NAMES)}")
    said: list[str] = []
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
        page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: said.append(f"error: {error}"))
        page.on(
            "request", lambda request: None if request.url.startswith(("file:", "data:")) else said.append(request.url)
        )
        page.goto(path.resolve().as_uri())
        yield page
        browser.close()
    assert said == []
