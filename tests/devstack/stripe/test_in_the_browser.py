"""The hosted pages in Chromium, on a phone and by their labels alone."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support import chromium

pytestmark = pytest.mark.browser


@pytest.fixture(scope="session")
def browser_type_launch_args():
    return {"executable_path": chromium.find(), "args": chromium.ARGUMENTS}


@pytest.fixture
def phone(browser: Browser):
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = context.new_page()
    troubles: list[str] = []
    page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
    yield page
    context.close()
    # The browser itself logs an answer of 402, which is the right one for a declined card.
    assert [text for text in troubles if "402" not in text] == []


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def fill(page: Page, number: str) -> None:
    page.get_by_label("Card number").fill(number)
    page.get_by_label("Expiration (MM / YY)").fill("12 / 34")
    page.get_by_label("Security code (CVC)").fill("123")
    page.get_by_label("Name on card").fill("Ada Lovelace")
    page.get_by_role("button", name=re.compile("Subscribe|Save card")).click()


def test_a_life_on_a_phone(fake, customer, phone):
    here = f"{fake.url}/_devstack/stripe"
    session = fake.session(customer, success_url=f"{here}?session={{CHECKOUT_SESSION_ID}}", cancel_url=here)
    phone.goto(session.url)
    expect(phone.get_by_role("heading", name="Subscribe to GAS Premium")).to_be_visible()
    expect(phone.get_by_text("Test mode — nothing is charged")).to_be_visible()
    assert fits(phone)
    fill(phone, "4000000000000002")
    expect(phone.get_by_role("alert")).to_have_text("Your card was declined.")
    expect(phone.get_by_label("Card number")).to_be_focused()
    assert fits(phone)
    fill(phone, "4000 0025 0000 3155")
    phone.get_by_role("button", name="Fail").click()
    expect(phone.get_by_role("alert")).to_contain_text("unable to authenticate")
    fill(phone, "4000 0025 0000 3155")
    assert fits(phone)
    phone.get_by_role("button", name="Complete").click()
    phone.wait_for_url(f"{here}?session={session.id}")

    portal = fake.api.billing_portal.sessions.create({"customer": customer, "return_url": here})
    phone.goto(portal.url)
    expect(phone.get_by_text("Renews on")).to_be_visible()
    assert fits(phone)
    phone.get_by_text("Change the card").click()
    fill(phone, "5555 5555 5555 4444")
    expect(phone.get_by_text("Mastercard ending in 4444")).to_be_visible()
    phone.get_by_role("link", name="Cancel plan").click()
    assert fits(phone)
    phone.get_by_role("button", name="Cancel plan").click()
    expect(phone.get_by_text("Cancels on")).to_be_visible()
    phone.get_by_role("button", name="Don't cancel").click()
    expect(phone.get_by_text("The plan is no longer cancelled.")).to_be_visible()
    phone.get_by_role("link", name="Return to the site").click()
    phone.wait_for_url(here)
    phone.get_by_role("button", name="End the period").click()
    expect(phone.get_by_role("heading", name="Stripe, emulated")).to_be_visible()
    assert fits(phone)
