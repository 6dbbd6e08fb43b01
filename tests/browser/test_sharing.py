"""A result shared by a link, opened in another browser without an account, and revoked while it is open."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from devstack.stack import Stack
from tests.support.visitors import LONG, sign_up, upload_sample

pytestmark = [pytest.mark.browser, pytest.mark.service("browser", seconds=170)]


def test_a_link_is_shared_opened_without_an_account_and_revoked_while_open(
    desktop: Page, browser: Browser, stack: Stack, tmp_path: Path
) -> None:
    page = desktop
    sign_up(page, stack, "sharer@lab.example")
    upload_sample(page, stack, tmp_path / "shared.vcf", 60)
    page.get_by_role("link", name="Share").click(timeout=2 * LONG)
    page.get_by_label("Whom it is for").fill("Grace")
    page.get_by_label("Files can be downloaded").check()
    page.get_by_role("button", name="Make a link").click()
    address = page.locator("#link").inner_text()
    page.get_by_role("link", name="Continue").click()

    context = browser.new_context()
    visitor = context.new_page()
    visitor.goto(address)
    expect(visitor.get_by_text("Shared with you, read-only")).to_be_visible()
    assert address not in visitor.url
    assert "sharer@lab.example" not in visitor.content()
    expect(visitor.get_by_role("link", name="Delete")).to_have_count(0)
    with visitor.expect_download() as download:
        visitor.get_by_role("link", name="Annotated VCF").click()
    assert download.value.path().stat().st_size
    visitor.get_by_role("link", name="Explore the variants").click()
    expect(visitor.locator("[data-total]")).to_have_attribute("data-total", "60", timeout=LONG)
    visitor.locator("table[data-rows] tbody th a").first.click()
    visitor.get_by_role("button", name="Show the genome around it").click()
    expect(visitor.locator("#genome[data-drawn]")).to_have_count(1, timeout=LONG)

    page.reload()
    expect(page.locator("[data-share=active]")).to_contain_text("opened 1 time,")
    page.get_by_role("button", name="Revoke Grace").click()
    expect(page.locator("[data-share=revoked]")).to_be_visible()
    answer = visitor.reload()
    assert answer
    assert answer.status == 404
    again = visitor.goto(address)
    assert again
    assert again.status == 404
    context.close()
