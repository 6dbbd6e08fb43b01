"""Joining and leaving premium in a browser: Checkout, the webhook, results come back, the Portal, and free again."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from devstack.stack import Stack
from devstack.stripe.client import AUTHENTICATES, DECLINED, SUCCEEDS
from devstack.waiting import wait_for
from tests.support.stacks import migrated_stack
from tests.support.visitors import LONG, download, sign_up, upload_sample

pytestmark = [pytest.mark.browser, pytest.mark.service("browser: plan journey", seconds=70)]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    env = {
        "SWEEP_SECONDS": "5",
        "ARCHIVE_AFTER_SECONDS": "12",
        "DOWNGRADE_NOTICE_SECONDS": "25",
        "POLL_EXPEDITED_SECONDS": "2",
    }
    with migrated_stack(tmp_path_factory.mktemp("shop") / "data", env=env) as running:
        running.glacier(seconds={"Expedited": 4})
        yield running


def archived_job(page: Page, shop: Stack, folder: Path, email: str) -> str:
    """A new person's job whose result is archived; its page is shown. Returns the result's SHA-256."""
    sign_up(page, shop, email)
    upload_sample(page, shop, folder / "family.vcf", 300)
    expect(page.locator('[data-storage="due"]')).to_be_visible(timeout=LONG)
    digest = hashlib.sha256(download(page)).hexdigest()
    expect(page.locator('[data-storage="archived"]')).to_be_visible(timeout=2 * LONG)
    return digest


def to_checkout(page: Page, shop: Stack) -> None:
    page.goto(f"{shop.web_url}/plan/")
    expect(page.locator("[data-upgrade-brings]")).to_contain_text("brings back 1 archived result")
    page.get_by_role("button", name="Upgrade to Premium").click()
    expect(page.get_by_role("heading", name=re.compile("Subscribe to GAS Premium"))).to_be_visible()


def pay(page: Page, card: str) -> None:
    page.get_by_label("Card number").fill(card)
    page.get_by_label(re.compile("Expir")).fill("12 / 34")
    page.get_by_label(re.compile("CVC")).fill("123")
    page.get_by_label(re.compile("Name")).fill("Ada Lovelace")
    page.get_by_role("button", name="Subscribe").click()


def mails(shop: Stack, email: str) -> list[str]:
    return [mail["subject"] for mail in shop.mail(email)]


def test_a_person_joins_gets_everything_back_leaves_and_is_free_again(
    desktop: Page, shop: Stack, tmp_path: Path
) -> None:
    page, email = desktop, "joins@lab.example"
    before = archived_job(page, shop, tmp_path, email)
    watched = page.context.new_page()  # the job, in a tab of its own
    watched.goto(page.url)
    watched.evaluate("window.neverReloaded = true")

    # The payment alone changes nothing: premium comes with the webhook.
    with shop.stripe() as stripe:
        stripe.webhooks("hold")
        to_checkout(page, shop)
        pay(page, SUCCEEDS)
        expect(page.locator("[data-plan]")).to_have_attribute("data-plan", "waiting")
        expect(page.get_by_text("Payment received")).to_be_visible()
        page.evaluate("window.neverReloaded = true")
        expect(watched.locator('[data-storage="archived"]')).to_be_visible()
        stripe.webhooks("send")
        expect(page.locator("[data-plan]")).to_have_attribute("data-plan", "premium", timeout=LONG)
        assert page.evaluate("window.neverReloaded")

        # The result comes back before one's eyes, the same to the byte.
        expect(watched.locator('[data-storage="back"]')).to_contain_text("Available again", timeout=2 * LONG)
        assert hashlib.sha256(download(watched)).hexdigest() == before
        assert watched.evaluate("window.neverReloaded")
        wait_for(lambda: "Your result is back" in mails(shop, email), 30, "the mail of the return")

        # Cancelled at the Portal: premium until the period's end, and then free.
        page.goto(f"{shop.web_url}/plan/")
        expect(page.get_by_role("main")).to_contain_text("renews on")
        expect(page.locator("[data-before-cancelling]")).to_contain_text("stay here for 25 seconds more")
        page.get_by_role("button", name="Card, invoices, cancellation").click()
        page.get_by_role("link", name="Cancel plan").click()
        page.get_by_role("button", name="Cancel plan").click()
        expect(page.get_by_role("status")).to_contain_text("cancelled for the end of its period")
        page.get_by_role("link", name=re.compile("Return to the site")).click()
        ends = page.locator("[data-ends]")
        wait_for(lambda: page.reload() and ends.is_visible(), 30, "the page to say that it ends")
        expect(ends).to_contain_text("Premium until")
        assert "Premium" in page.locator("header").inner_text()
        (subscription,) = [one["id"] for one in stripe.state()["subscriptions"] if one["status"] == "active"]
        page.goto(f"{shop.web_url}/jobs/")
        stripe.end_period(subscription)
        # The jobs page counts down to the archival. It had come to rest, since nothing was under way.
        wait_for(lambda: page.reload() and page.locator("[data-leaving]").is_visible(), 20, "the notice period")
        expect(page.locator("[data-leaving] time")).to_have_text(re.compile(r"in 0:\d\d"))
    told = wait_for(lambda: [one for one in mails(shop, email) if "archived" in one], 30, "the notice of archival")
    assert len(told) == 1
    watched.reload()  # a page that has come to rest asks no more
    expect(watched.locator('[data-storage="archived"]')).to_be_visible(timeout=2 * LONG)
    page.goto(f"{shop.web_url}/profile/")
    expect(page.locator("[data-profile-plan]")).to_have_attribute("data-profile-plan", "free")


def test_a_declined_card_and_an_abandoned_authentication_change_nothing(
    desktop: Page, shop: Stack, tmp_path: Path
) -> None:
    page, email = desktop, "declined@lab.example"
    archived_job(page, shop, tmp_path, email)
    job = page.url
    to_checkout(page, shop)
    pay(page, DECLINED)
    expect(page.get_by_role("alert")).to_contain_text("Your card was declined.")
    pay(page, AUTHENTICATES)
    expect(page.get_by_role("button", name="Complete")).to_be_visible()
    page.get_by_role("button", name="Fail").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_role("link", name=re.compile("Back")).click()
    expect(page.locator("[data-left]")).to_contain_text("nothing was charged")
    expect(page.get_by_role("button", name="Upgrade to Premium")).to_be_visible()
    page.goto(job)
    expect(page.locator('[data-storage="archived"]')).to_be_visible()
    with shop.stripe() as stripe:
        stripe.settled()
    assert not [subject for subject in mails(shop, email) if "back" in subject]
    assert len(shop.archives(job.rstrip("/").rpartition("/")[2])) == 1
