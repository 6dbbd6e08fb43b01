"""Promise: a large upload goes on after a lost connection and a closed tab, and what arrives is the file."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, Route

from devstack.stack import Stack
from tests.support.jobs import SMALL_VCF
from tests.support.visitors import sign_up

pytestmark = [pytest.mark.browser, pytest.mark.service("browser", seconds=170)]

EMAIL = "parts@lab.example"
PART = re.compile(r"/gas-inputs/.*partNumber=(\d+)")
LINE = b"##filler=" + b"x" * 1000 + b"\n"


def number_of(route: Route) -> int:
    found = PART.search(route.request.url)
    assert found
    return int(found[1])


def choose(page: Page, stack: Stack, file: Path) -> None:
    page.goto(f"{stack.web_url}/jobs/new/")
    page.locator("#files").set_input_files(str(file))
    page.get_by_role("button", name="Upload and annotate").click()


def test_an_upload_goes_on_where_a_closed_tab_and_a_lost_connection_left_it(
    desktop: Page, stack: Stack, tmp_path: Path
) -> None:
    first_line, rest = SMALL_VCF.split(b"\n", 1)
    file = tmp_path / "large.vcf"
    file.write_bytes(first_line + b"\n" + LINE * 11_500 + rest)  # three parts, the last of them short
    sign_up(desktop, stack, EMAIL)
    stack.manage("devstack_set_plan", EMAIL, "premium")
    context: BrowserContext = desktop.context

    tab = context.new_page()

    def only_the_first(route: Route) -> None:
        if number_of(route) == 1:
            route.continue_()
        else:
            route.abort("connectionreset")

    tab.route(PART, only_the_first)
    choose(tab, stack, file)
    tab.get_by_text(re.compile(r"Uploading, 4\d %")).wait_for()
    tab.close(run_before_unload=False)

    tab = context.new_page()
    sent: list[int] = []

    def breaks_off_once(route: Route) -> None:
        sent.append(number_of(route))
        if sent.count(2) == 1 and sent[-1] == 2:
            route.abort("connectionreset")
        else:
            route.continue_()

    tab.route(PART, breaks_off_once)
    choose(tab, stack, file)
    tab.wait_for_url(re.compile(r"/jobs/[0-9a-f-]{36}/$"))
    assert sorted(sent) == [2, 2, 3]
    job = tab.url.rstrip("/").rpartition("/")[2]
    [key] = [key for key in stack.objects(job) if key.endswith("/input")]
    stored = stack.aws("s3").get_object(Bucket="gas-inputs", Key=key.partition("/")[2])["Body"].read()
    assert stored == file.read_bytes()
    owner = key.split("/")[2]
    assert [one for one in stack.objects(owner) if one.endswith("/input")] == [key]  # no second job
