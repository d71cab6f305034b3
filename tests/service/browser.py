"""A browser for tests of the page: Debian's Chromium, installed where it is missing and that is allowed."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
AXE = Path(__file__).parent / "axe" / "axe-4.14.1.min.js"


@cache
def chromium() -> str:
    """The path of a Chromium; root on a Debian without one installs the package."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["update"], ["install", "--yes", "--no-install-recommends", "chromium"]):
            subprocess.run(["apt-get", "--quiet", *command], check=True, capture_output=True, env=environment)
        found = shutil.which("chromium")
    assert found is not None, "no browser: apt-get install chromium"
    return found


@contextmanager
def browser() -> "Iterator[Browser]":
    """A headless browser that ends afterwards."""
    from playwright.sync_api import sync_playwright

    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=chromium(), args=options)
        try:
            yield opened
        finally:
            opened.close()
