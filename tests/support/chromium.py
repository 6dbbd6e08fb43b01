"""The browser for browser tests: the system's Chromium, else Playwright's own download."""

import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from playwright.sync_api import sync_playwright

#: For containers and closed networks: no sandbox for root, no GPU, and no calls of the browser's own.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@cache
def find() -> str | None:
    """The path of a Chromium; None where there is none and none can be had."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    if not Path(path).exists():
        download = [sys.executable, "-m", "playwright", "install", "chromium"]
        try:
            subprocess.run(download, check=True, timeout=300, capture_output=True)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            return None
    return path
