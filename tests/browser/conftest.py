"""A whole service on loopback for the browser, and the browser itself."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from devstack.stack import Stack
from tests.support import chromium
from tests.support.frontend import staleness
from tests.support.stacks import migrated_stack

# As long as Playwright waits for all else: five seconds are too few where other tests have the processors.
expect.set_options(timeout=30_000)


@pytest.fixture(scope="session", autouse=True)
def _built() -> None:
    """The pages load what is built, not the sources: an old build fails in ways that nobody can read."""
    if told := staleness():
        pytest.fail(told)


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder: Path = tmp_path_factory.mktemp("browser") / "data"
    with migrated_stack(
        folder, env={"SWEEP_SECONDS": "5", "EXPLORER_ROWS_AT_ONCE": "350", "UPLOAD_PART_BYTES": "5242880"}
    ) as running:
        yield running


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    return {"executable_path": chromium.find(), "args": chromium.ARGUMENTS}


@pytest.fixture
def desktop(browser: Browser) -> Iterator[Page]:
    yield from _page(browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True))


@pytest.fixture
def phone(browser: Browser) -> Iterator[Page]:
    yield from _page(browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True))


def _page(context: BrowserContext) -> Iterator[Page]:
    """A page that fails its test when a script fails, something is missing, or the policy blocks something."""
    page = context.new_page()
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(f"script: {error}"))
    page.on(
        "console",
        # With 402 Stripe's page says that a card was declined; the site itself never answers 402.
        lambda message: (
            troubles.append(f"console: {message.text}")
            if message.type == "error" and "status of 402" not in message.text
            else None
        ),
    )
    yield page
    context.close()
    assert not troubles, troubles
