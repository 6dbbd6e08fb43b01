"""A scientist's whole way, in a real browser: sign up, verify, upload two files, watch, read, download, delete."""

import gzip
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from standardwebhooks import Webhook

from annotator.reference.sample_file import write_sample
from devstack.stack import Stack
from tests.support.receiver import Answering, Receiver, listening
from tests.support.visitors import LONG, sign_up, upload, upload_sample
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.service("browser", seconds=170)]


def add_webhook(page: Page, stack: Stack, url: str) -> str:
    """Add an endpoint for every event. Returns its secret."""
    page.goto(f"{stack.web_url}/profile/webhooks/")
    page.get_by_label("Address").fill(url)
    page.get_by_role("button", name="Add").click()
    return page.locator("#secret").inner_text()


def events(program: Receiver, secret: str) -> list[tuple[str, str]]:
    """The types and jobs of the events that a program received; each signature is checked."""
    verified = [Webhook(secret).verify(body, headers) for headers, body in program.requests]
    return sorted((event["type"], event["data"]["job"]) for event in verified)


@pytest.fixture
def program() -> Iterator[Receiver]:
    with listening() as made:
        yield made


def test_from_sign_up_to_deletion(desktop: Page, stack: Stack, tmp_path: Path, program: Receiver) -> None:
    page, email = desktop, "journey@lab.example"
    sign_up(page, stack, email)
    program.answers = [Answering(500)]  # the first event is sent again, after some seconds
    secret = add_webhook(page, stack, program.url)

    good, bad = tmp_path / "family trio.vcf", tmp_path / "broken.vcf"
    write_sample(good, records=1200, seed=5)
    bad.write_text("##fileformat=VCFv4.2\nthis is not a header\n")
    upload(page, stack, good, bad)

    # On to the list by itself, which nobody reloads.
    page.wait_for_url(re.compile(r"/jobs/$"), timeout=LONG)
    page.evaluate("window.neverReloaded = true")
    for name, status in ((good.name, "Completed"), (bad.name, "Failed")):
        row = page.get_by_role("row").filter(has_text=name)
        expect(row.get_by_text(status, exact=True)).to_be_visible(timeout=LONG)
    assert page.evaluate("window.neverReloaded")

    # The result.
    page.get_by_role("link", name="family trio.vcf").first.click()
    known = page.get_by_role("region", name=re.compile(r"\d+ findings"))
    expect(known.get_by_text("m.3243A>G")).to_be_visible()
    known.get_by_text(re.compile(r"\d+ more")).click()
    expect(known.get_by_text("p.Arg340His")).to_be_visible()
    expect(page.get_by_text("1,200").first).to_be_visible()

    # The log, in the browser.
    job = page.url
    page.get_by_role("link", name="Read the log").click()
    expect(page.locator("pre")).to_contain_text("bcftools")
    page.goto(job)

    # The download, under a name that says what it is.
    with page.expect_download() as download:
        page.get_by_role("link", name=re.compile("Annotated VCF")).first.click()
    assert download.value.suggested_filename == "family trio.annot.vcf.gz"
    text = gzip.decompress(Path(download.value.path()).read_bytes()).decode()
    assert sum(not line.startswith("#") for line in text.splitlines()) == 1200
    assert "MT-ND4" in text

    # One mail for each job.
    subjects = wait_until(lambda: [m["subject"] for m in stack.mail(email) if ".vcf" in m["subject"]])
    wait_until(lambda: len([m for m in stack.mail(email) if ".vcf" in m["subject"]]) == 2, what=str(subjects))

    # The failed one says why, and what to do.
    page.goto(f"{stack.web_url}/jobs/?status=FAILED")
    page.get_by_role("link", name="broken.vcf").first.click()
    expect(page.get_by_text(re.compile(r"[Ll]ine 2")).first).to_be_visible()

    # Delete.
    page.goto(job)
    page.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete permanently").click()
    page.wait_for_url(re.compile(r"/jobs/$"))
    expect(page.get_by_role("link", name="family trio.vcf")).to_have_count(0)
    key = job.rstrip("/").rpartition("/")[2]
    wait_until(lambda: not stack.objects(key), what="objects of the deleted job")

    # The person's program received every event, the first one twice.
    wait_until(lambda: len(program.requests) == 4, what="four requests")
    received = events(program, secret)
    assert len({headers["webhook-id"] for headers, _ in program.requests}) == 3
    assert [event for event, _ in dict.fromkeys(received)] == ["job.completed", "job.deleted", "job.failed"]
    assert ("job.completed", key) in received
    assert ("job.deleted", key) in received


def test_a_running_job_is_watched_without_reloading(desktop: Page, stack: Stack, tmp_path: Path) -> None:
    """The worker is dead at first, so that the page shows the queue; then it comes back, and the page follows."""
    page = desktop
    sign_up(page, stack, "watcher@lab.example")
    stack.faults([{"service": "sqs", "action": "ReceiveMessage", "rate": 1.0}])
    try:
        upload_sample(page, stack, tmp_path / "one.vcf", 1000)
        page.evaluate("window.neverReloaded = true")
        expect(page.get_by_text(re.compile("Waiting|queue", re.IGNORECASE)).first).to_be_visible()
    finally:
        stack.faults([])
    expect(page.get_by_text("m.3243A>G").first).to_be_visible(timeout=LONG)
    assert page.evaluate("window.neverReloaded")


def test_what_is_too_large_is_refused_before_a_byte_is_sent(desktop: Page, stack: Stack, tmp_path: Path) -> None:
    page = desktop
    sign_up(page, stack, "large@lab.example")
    large = tmp_path / "large.vcf"
    large.write_bytes(b"#" * 160_000)
    page.goto(f"{stack.web_url}/jobs/new/")
    page.locator("#files").set_input_files(str(large))
    expect(page.get_by_text(re.compile("larger|limit|at most", re.IGNORECASE)).last).to_be_visible()
    page.goto(f"{stack.web_url}/jobs/")
    expect(page.get_by_text("large.vcf")).to_have_count(0)


def test_the_keyboard_is_enough(desktop: Page, stack: Stack) -> None:
    """Tab reaches the skip link first, and the fields in their order; Enter signs in."""
    page = desktop
    page.goto(f"{stack.web_url}/accounts/login/")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_attribute("href", "#main")
    page.get_by_label("Email").fill(stack.accounts.demo.email)
    page.keyboard.press("Tab")
    page.locator("input[name=password]").fill(stack.accounts.demo.password)
    page.keyboard.press("Enter")
    page.wait_for_url("**/jobs/**")


@pytest.mark.parametrize("path", ["/", "/accounts/login/", "/accounts/signup/", "/jobs/", "/jobs/new/"])
def test_nothing_is_wider_than_a_phone(phone: Page, stack: Stack, path: str) -> None:
    page = phone
    page.goto(f"{stack.web_url}/accounts/login/?next=/jobs/")
    if path.startswith("/jobs"):
        page.get_by_label("Email").fill(stack.accounts.demo.email)
        page.locator("input[name=password]").fill(stack.accounts.demo.password)
        page.locator("form:has(input[name=password]) button[type=submit]").click()
        page.wait_for_url("**/jobs/**")
    page.goto(stack.web_url + path)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
