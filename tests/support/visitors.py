"""People at the pages of a running service, in a real browser."""

import re
from pathlib import Path

from playwright.sync_api import Page, expect

from annotator.reference.sample_file import write_sample
from devstack.stack import Stack
from tests.support.waiting import wait_until

PASSWORD = "a long enough phrase"
LONG = 30_000  # milliseconds


def sign_up(page: Page, stack: Stack, email: str) -> None:
    page.goto(stack.web_url)
    page.get_by_role("link", name=re.compile("create|sign up|account", re.IGNORECASE)).first.click()
    page.get_by_label("Email").fill(email)
    page.locator("input[name=password1]").fill(PASSWORD)
    page.locator("input[name=password2]").fill(PASSWORD)
    page.locator("form:has(input[name=password2]) button[type=submit]").click()
    mail = wait_until(lambda: stack.mail(email))[0]
    link = re.search(r"http://\S+/confirm-email/\S+", mail["text"])
    assert link, mail["text"]
    page.goto(link[0])
    page.locator("main form button[type=submit]").click()
    page.wait_for_url("**/jobs/**")


def upload(page: Page, stack: Stack, *files: Path) -> None:
    page.goto(f"{stack.web_url}/jobs/new/")
    expect(page.get_by_text(re.compile(r"150(\.0)?\s*K")).first).to_be_visible()
    page.locator("#files").set_input_files([str(file) for file in files])
    page.get_by_role("button", name=re.compile("Upload")).click()


def upload_sample(page: Page, stack: Stack, vcf: Path, records: int) -> str:
    """Write a sample there and upload it; its job's page is shown. Returns the job's id."""
    write_sample(vcf, records=records, seed=records)
    upload(page, stack, vcf)
    page.wait_for_url(re.compile(r"/jobs/[0-9a-f-]{36}/$"), timeout=LONG)
    return page.url.rstrip("/").rpartition("/")[2]


def download(page: Page) -> bytes:
    with page.expect_download() as found:
        page.get_by_role("link", name=re.compile("Annotated VCF")).first.click()
    return Path(found.value.path()).read_bytes()


def sign_in(page: Page, stack: Stack) -> None:
    page.goto(f"{stack.web_url}/accounts/login/?next=/jobs/new/")
    page.get_by_label("Email").fill(stack.accounts.demo.email)
    page.locator("input[name=password]").fill(stack.accounts.demo.password)
    page.locator("form:has(input[name=password]) button[type=submit]").click()
    page.wait_for_url("**/jobs/new/")
