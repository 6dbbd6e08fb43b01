"""A person takes their data with them: prepared by a real worker, downloaded from S3."""

import zipfile

import pytest
from playwright.sync_api import Page, expect

from devstack.stack import Stack
from tests.support.visitors import LONG, sign_up

pytestmark = [pytest.mark.browser, pytest.mark.service("browser", seconds=170)]


def test_a_person_prepares_and_downloads_their_data(desktop: Page, stack: Stack) -> None:
    sign_up(desktop, stack, "leaving@lab.example")
    desktop.goto(f"{stack.web_url}/profile/")
    desktop.get_by_role("button", name="Prepare a download").click()
    link = desktop.locator("#export").get_by_role("link", name="Download")
    expect(link).to_be_visible(timeout=LONG)
    expect(desktop.locator("#export")).to_contain_text("Ready")
    with desktop.expect_download() as download:
        link.click()
    assert download.value.suggested_filename.startswith("gas-data-")
    with zipfile.ZipFile(download.value.path()) as found:
        assert {"account.json", "jobs.json", "plan.json"} <= set(found.namelist())
