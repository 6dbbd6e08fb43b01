"""A page whose clock does not answer ends its own test, and no other."""

import pytest
from playwright.sync_api import Browser

from tests.support.clock import clock_limit

pytestmark = [pytest.mark.browser, pytest.mark.service("browser", seconds=170)]


def test_a_clock_that_does_not_answer_ends_with_a_sentence(browser: Browser) -> None:
    page = browser.new_page()
    page.clock.install()
    page.goto("about:blank")
    page.evaluate("() => { setTimeout(() => { while (true) {} }, 50) }")
    told = r"The clock of about:blank did not answer within 0.5 s"
    with pytest.raises(TimeoutError, match=told), clock_limit(page, seconds=0.5):
        page.clock.run_for(1000)
    page.close()
    other = browser.new_page()
    other.clock.install()
    with clock_limit(other):
        other.clock.run_for(1000)
    other.close()
