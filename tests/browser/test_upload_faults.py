"""Promise: whatever fails on the way of an upload, it ends in a job, or with a choice that works; no dead job stays.

Each request of the journey fails in each way; with THOROUGH=1 also in those that differ little. What fails is the
network between the browser and the service, by Playwright's routes, or something real: the session, the token, the
job. Then the cause is gone, and the person does what the page offers. One browser session for all.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Dialog, Page, Route, expect

from devstack.stack import Stack
from tests.support.clock import clock_limit
from tests.support.effort import THOROUGH
from tests.support.jobs import SMALL_VCF
from tests.support.visitors import PASSWORD, sign_up
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.service("browser", seconds=170)]

EMAIL = "unlucky@lab.example"
JOB_PAGE = re.compile(r"/jobs/[0-9a-f-]{36}/$")
PATIENCE = 61_000  # milliseconds, after which no request is waited for

#: The requests of an upload, in their order, by their address.
BUILD = re.compile(r"/jobs/builds/$")
OPEN = re.compile(r"/jobs/uploads/$")
SEND = re.compile(r"/gas-inputs")
CONFIRM = re.compile(r"/confirm/$")


@dataclass
class Journey:
    """One upload in a page of its own, whose failing requests end with `heal`."""

    page: Page
    context: BrowserContext
    stack: Stack
    file: Path

    def fail(self, request: re.Pattern[str], fault: Callable[["Journey", Route], None]) -> None:
        # What is not the network's fault happens once: the request then meets what it has done.
        times = 1 if fault in ONCE else None
        self.page.route(request, lambda route: fault(self, route), times=times)

    def heal(self) -> None:
        self.page.unroute_all()

    def upload(self) -> None:
        self.page.goto(f"{self.stack.web_url}/jobs/new/")
        self.page.locator("#files").set_input_files(str(self.file))
        self.page.get_by_role("button", name="Upload and annotate").click()

    def expect_job(self) -> None:
        self.page.wait_for_url(JOB_PAGE)

    def dead_uploads(self) -> int:
        page = self.context.request.get(f"{self.stack.web_url}/jobs/?status=UPLOADING").text()
        return page.count('data-status="UPLOADING"')


@pytest.fixture(scope="module")
def session(browser: Browser, stack: Stack) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    sign_up(context.new_page(), stack, EMAIL)
    yield context
    context.close()


@pytest.fixture
def journey(session: BrowserContext, stack: Stack, tmp_path: Path) -> Iterator[Journey]:
    file = tmp_path / "unlucky.vcf"
    file.write_bytes(SMALL_VCF)
    page = session.new_page()
    with clock_limit(page):
        page.clock.install()  # as many seconds pass as the test says
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield Journey(page, session, stack, file)
    page.unroute_all(behavior="ignoreErrors")
    page.close()
    assert not errors


# --- What goes wrong


def offline(journey: Journey, route: Route) -> None:
    route.abort("internetdisconnected")


def lost_answer(journey: Journey, route: Route) -> None:
    """The request arrives, and its answer does not."""
    route.fetch()
    route.abort("connectionreset")


def never(journey: Journey, route: Route) -> None:
    """No answer comes, for longer than anybody waits."""
    with clock_limit(journey.page):
        journey.page.clock.fast_forward(PATIENCE)


def answers(status: int, body: str, journey: Journey, route: Route) -> None:
    route.fulfill(status=status, body=body, headers={"Access-Control-Allow-Origin": "*"})


def signed_out(journey: Journey, route: Route) -> None:
    """The session ends just before the request."""
    journey.context.clear_cookies(name="gas_session")
    route.continue_()


def stale_token(journey: Journey, route: Route) -> None:
    """The page's token and the cookie's are of different sessions."""
    route.continue_(headers={**route.request.all_headers(), "x-csrftoken": "0" * 64})


def swallowed(journey: Journey, route: Route) -> None:
    """S3's answer is good, and the file never got there: the confirmation is refused with 409."""
    answers(204, "", journey, route)


def job_is(action: str, journey: Journey, route: Route) -> None:
    """In another tab the job is removed or cancelled just before the request."""
    job = route.request.url.rsplit("/", 3)[1]
    url = f"{journey.stack.web_url}/jobs/{job}/{action}/"
    headers = {"X-CSRFToken": route.request.headers["x-csrftoken"], "Referer": journey.stack.web_url}
    assert journey.context.request.post(url, headers=headers).ok
    route.continue_()


server = {f"answers {status}": partial(answers, status, "") for status in (500, 503)}
network = {"offline": offline, "lost answer": lost_answer, "no answer": never}
session_ = {"signed out": signed_out, "stale token": stale_token}
refusals = {"refused": partial(answers, 400, '{"error": "Not now.", "resume": "open"}')}
storage = {
    "form expired": partial(answers, 403, "<Error><Code>AccessDenied</Code></Error>"),
    "other refusal": partial(answers, 400, "<Error><Code>MalformedPOSTRequest</Code></Error>"),
    "swallowed": swallowed,
}
meanwhile = {"removed": partial(job_is, "discard"), "cancelled": partial(job_is, "cancel")}

ONCE = (signed_out, stale_token, *meanwhile.values())
#: Tried with THOROUGH=1 only: the page treats them as it does others that are always tried.
RARE = {
    *("build: answers 503", "build: lost answer", "build: no answer", "build: stale token"),
    *("open: answers 503", "send: answers 500", "send: other refusal", "confirm: answers 500"),
}
CASES = [
    pytest.param(request, fault, id=f"{name}: {kind}")
    for name, request, faults in (
        ("build", BUILD, {**server, **network, **session_}),
        ("open", OPEN, {**server, **network, **session_, **refusals}),
        ("send", SEND, {**server, **network, **storage}),
        ("confirm", CONFIRM, {**server, **network, **session_, **meanwhile}),
    )
    for kind, fault in faults.items()
    if THOROUGH or f"{name}: {kind}" not in RARE
]


@pytest.mark.parametrize(("request_", "fault"), CASES)
def test_an_upload_goes_on_where_it_failed(
    journey: Journey, request_: re.Pattern[str], fault: Callable[[Journey, Route], None]
) -> None:
    page, dead = journey.page, journey.dead_uploads()
    (session,) = (cookie for cookie in journey.context.cookies() if cookie["name"] == "gas_session")
    journey.fail(request_, fault)
    journey.upload()
    again = page.get_by_role("button", name=f"Try {journey.file.name} again")

    def ended() -> bool:
        with clock_limit(page):
            page.clock.run_for(1000)  # pauses between tries
        return bool(JOB_PAGE.search(page.url)) or again.is_visible()

    wait_until(ended)
    if not JOB_PAGE.search(page.url):
        expect(page.locator(".upload-note")).to_have_text(re.compile(r"^\w.*\.$"))
        journey.heal()
        journey.context.add_cookies([{**session}])  # type: ignore[typeddict-item]  # Cookie and SetCookieParam differ
        again.click()
        journey.expect_job()
    assert journey.dead_uploads() == dead


def test_who_was_signed_out_signs_in_elsewhere_and_all_files_go_on(journey: Journey) -> None:
    page = journey.page
    files = [journey.file.with_name(f"{number}.vcf") for number in range(3)]
    for file in files:
        file.write_bytes(SMALL_VCF)
    journey.fail(OPEN, signed_out)
    page.goto(f"{journey.stack.web_url}/jobs/new/")
    page.locator("#files").set_input_files([str(file) for file in files])
    page.get_by_role("button", name="Upload and annotate 3 files").click()
    everything = page.get_by_role("button", name="Try 3 files again")
    expect(everything).to_be_enabled()
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Sign in in a new tab").first.click()
    other = opened.value
    other.get_by_label("Email").fill(EMAIL)
    other.locator("input[name=password]").fill(PASSWORD)
    other.locator("form:has(input[name=password]) button[type=submit]").click()
    other.wait_for_url("**/jobs/")
    other.close()
    everything.click()
    page.wait_for_url(re.compile(r"/jobs/$"))
    assert journey.dead_uploads() == 0


def leave(page: Page, url: str) -> None:
    def accept(dialog: Dialog) -> None:
        dialog.accept()

    page.on("dialog", accept)
    page.goto(url)


def test_a_page_that_is_closed_while_it_sends_leaves_nothing(journey: Journey) -> None:
    journey.fail(SEND, lambda *_: None)
    with journey.page.expect_request(SEND):
        journey.upload()
    leave(journey.page, f"{journey.stack.web_url}/profile/")
    wait_until(lambda: journey.dead_uploads() == 0)


def test_a_page_that_is_closed_before_the_confirmation_is_finished_on_the_jobs_page(journey: Journey) -> None:
    page = journey.page
    journey.fail(CONFIRM, offline)
    with page.expect_request(CONFIRM):
        journey.upload()
    leave(page, f"{journey.stack.web_url}/jobs/?status=UPLOADING")
    page.get_by_role("link", name=journey.file.name, exact=True).click()
    page.get_by_role("button", name="Check whether it has arrived").click()
    expect(page.get_by_text("The file has arrived, and the job is in the queue.")).to_be_visible()
    assert journey.dead_uploads() == 0


def test_a_file_removed_from_the_page_leaves_no_job_and_any_dead_upload_is_removed_with_one_click(
    journey: Journey,
) -> None:
    page = journey.page
    journey.fail(SEND, offline)
    journey.upload()
    page.get_by_role("button", name=f"Try {journey.file.name} again").wait_for()
    assert journey.dead_uploads() == 1
    page.get_by_role("button", name=f"Remove {journey.file.name} from the list").click()
    wait_until(lambda: journey.dead_uploads() == 0)

    journey.upload()
    page.get_by_role("button", name=f"Try {journey.file.name} again").wait_for()
    page.goto(f"{journey.stack.web_url}/jobs/?status=UPLOADING")
    page.get_by_role("button", name=f"Remove {journey.file.name}").click()
    expect(page.get_by_text("is removed.")).to_be_visible()
    assert journey.dead_uploads() == 0
