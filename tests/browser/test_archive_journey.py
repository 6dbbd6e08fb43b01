"""A result's whole life as its owner watches it in a browser: counted down, archived, restored, and the same bytes."""

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from devstack.stack import Stack
from tests.support.stacks import migrated_stack
from tests.support.visitors import LONG, download, sign_up, upload_sample

pytestmark = [pytest.mark.browser, pytest.mark.service("browser: archive journey", seconds=60)]

#: Where to put pictures of every state, for people to look at; none are taken without it.
PICTURES = os.environ.get("GAS_PICTURES", "")
WIDTHS = {"desktop": (1280, 900), "phone": (390, 844)}


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack that archives soon, and whose Glacier brings nothing back until it is told to."""
    env = {"SWEEP_SECONDS": "5", "ARCHIVE_AFTER_SECONDS": "25", "POLL_EXPEDITED_SECONDS": "2"}
    with migrated_stack(tmp_path_factory.mktemp("archive") / "data", env=env) as running:
        running.glacier(seconds={"Expedited": 240})  # until time is moved on
        yield running


def set_plan(stack: Stack, email: str, plan: str) -> None:
    code = (
        "from gas.subscriptions.changes import set_plan; from gas.users.models import PlanChoice, User; "
        f"set_plan(User.objects.get(email={email!r}), PlanChoice({plan!r}))"
    )
    stack.manage("shell", "-c", code)


def picture(page: Page, name: str) -> None:
    if not PICTURES:
        return
    for width, (across, down) in WIDTHS.items():
        page.set_viewport_size({"width": across, "height": down})
        assert page.evaluate("document.documentElement.scrollWidth") <= across
        for theme in ("light", "dark"):
            page.evaluate("theme => document.documentElement.dataset.bsTheme = theme", theme)
            page.screenshot(path=Path(PICTURES) / f"{name}-{width}-{theme}.png", animations="disabled")
    page.set_viewport_size({"width": 1280, "height": 900})


def test_a_result_is_archived_and_comes_back_before_ones_eyes(desktop: Page, quick: Stack, tmp_path: Path) -> None:
    page, email = desktop, "patient@lab.example"
    sign_up(page, quick, email)
    upload_sample(page, quick, tmp_path / "family trio.vcf", 1200)
    page.evaluate("window.neverReloaded = true")
    # The list, in a tab of its own, is watched at the same time.
    listed = page.context.new_page()
    listed.goto(f"{quick.web_url}/jobs/")
    listed.evaluate("window.neverReloaded = true")

    # Available, with the time that is left running down, second by second.
    due = page.locator('[data-storage="due"]')
    expect(due).to_contain_text(re.compile(r"will be archived in 0:\d\d"), timeout=LONG)
    first = due.locator("time").inner_text()
    expect(due.locator("time")).not_to_have_text(first)
    expect(listed.locator('[data-storage="due"]')).to_contain_text(re.compile(r"Archives in 0:\d\d"))
    before = download(page)
    picture(page, "due")
    picture(listed, "list-due")

    # Archived: the VCF cannot be had, the page says why, and the rest stays.
    archived = page.locator('[data-storage="archived"]')
    expect(archived).to_contain_text("This result is archived", timeout=2 * LONG)
    expect(page.get_by_role("link", name=re.compile("Annotated VCF|Tabix"))).to_have_count(0)
    expect(page.get_by_role("link", name=re.compile("Summary"))).to_be_visible()
    expect(page.get_by_role("link", name="Read the log")).to_be_visible()
    expect(page.get_by_text("m.3243A>G").first).to_be_visible()
    expect(listed.locator("[data-archived]")).to_contain_text("1 result archived", timeout=LONG)
    expect(listed.locator("[data-archived]")).to_contain_text("1–5 minutes")
    # Its variants cannot be explored meanwhile; that page says why, and what brings them back.
    explorer = page.context.new_page()
    explorer.goto(f"{page.url}variants/")
    expect(explorer.locator('[data-unavailable="archived"]')).to_contain_text("Premium restores it")
    picture(page, "archived")
    picture(listed, "list-archived")

    # An upgrade: restoring, with its tier and times; then available, and not a byte is another.
    set_plan(quick, email, "premium")
    restoring = page.locator('[data-storage="restoring"]')
    expect(restoring).to_contain_text(
        re.compile(r"Expedited, asked for at \d+:\d\d.*expected by \d+:\d\d"), timeout=LONG
    )
    expect(restoring.locator("progress")).to_be_visible()
    explorer.reload()
    expect(explorer.locator('[data-unavailable="restoring"]')).to_contain_text("as soon as they are ready")
    expect(listed.locator('tr [data-storage="restoring"]')).to_contain_text("(Expedited)", timeout=LONG)
    picture(page, "restoring")
    picture(listed, "list-restoring")
    quick.glacier(advance=250)
    expect(page.locator('[data-storage="back"]')).to_contain_text("Available again", timeout=LONG)
    expect(listed.locator('tr [data-storage="back"]')).to_contain_text("Available again", timeout=LONG)
    assert hashlib.sha256(download(page)).digest() == hashlib.sha256(before).digest()
    # And nobody has to ask for the variants again.
    expect(explorer.locator("[data-total]")).to_have_attribute("data-total", "1200", timeout=2 * LONG)
    picture(page, "back")
    picture(listed, "list-back")
    for tab in (page, listed):
        assert tab.evaluate("window.neverReloaded")


def test_a_countdown_reads_right_without_scripts(desktop: Page, quick: Stack, tmp_path: Path) -> None:
    """Without scripts the page shows minutes, and the time of day in UTC."""
    page = desktop
    sign_up(page, quick, "plain@lab.example")
    upload_sample(page, quick, tmp_path / "one.vcf", 100)
    expect(page.locator('[data-storage="due"]')).to_be_visible(timeout=LONG)
    state = page.context.storage_state()
    browser = page.context.browser
    assert browser is not None
    without = browser.new_context(java_script_enabled=False, storage_state=state)
    plain = without.new_page()
    plain.goto(page.url)
    said = plain.locator("[data-storage]").first.text_content() or ""
    assert re.search(
        r"will be archived in \d+ seconds|being archived|archived since \d\d:\d\d UTC|any moment",
        " ".join(said.split()),
    )
    without.close()
