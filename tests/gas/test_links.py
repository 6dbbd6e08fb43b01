"""Promise: every link that a page shows leads somewhere, for who sees it."""

import re
from collections.abc import Callable
from html import unescape

import pytest
from django.conf import settings
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from gas.jobs.lifecycle import actions, leases
from gas.jobs.lifecycle.uploads import open_upload
from gas.jobs.models import Job
from gas.users.models import User
from tests.support.jobs import failed, finish

pytestmark = pytest.mark.django_db

#: One row of each list is enough, and one page of each way to filter and sort it.
MOST = 12


def crawl(client: Client, *start: str) -> dict[str, int]:
    """{address: status} of all that the pages link to, within the site; a form's address is not called."""
    seen: dict[str, int] = {}
    shapes: dict[str, int] = {}
    waiting = list(start)
    while waiting:
        address = waiting.pop()
        shape = re.sub(r"[0-9a-f-]{36}|\d+", "*", address.partition("?")[0])
        if address in seen or shapes.get(shape, 0) >= MOST:
            continue
        shapes[shape] = shapes.get(shape, 0) + 1
        answer = client.get(address, follow=True)
        seen[address] = 200 if answer.redirect_chain and "testserver" not in _last_host(answer) else answer.status_code
        if answer.status_code == 200 and answer.get("Content-Type", "").startswith("text/html"):
            found = map(unescape, re.findall(r'href="(/[^"#]*)', answer.content.decode()))
            waiting += [one for one in found if not one.startswith(settings.STATIC_URL) and "/export/" not in one]
    return seen


def _last_host(answer: object) -> str:
    target: str = answer.redirect_chain[-1][0]  # type: ignore[attr-defined]
    return target if target.startswith("http") else "testserver"


def typed_in(page: str) -> list[str]:
    """The fields of inlines that a page of the admin site lets staff fill in."""
    fields = re.findall(r'<(?:input|select|textarea)[^>]*name="[a-z_]+-\d+-[^>]*>', page)
    return [field for field in fields if 'type="hidden"' not in field]


@pytest.fixture
def jobs(claimed: Callable[..., leases.Claim], pending: Callable[..., Job], person: User) -> None:
    """A job in each status."""
    finish(claimed())
    failed(claimed())
    claimed()
    pending()
    open_upload(person, name="a.vcf", size=1, reference="rCRS")
    actions.cancel(open_upload(person, name="b.vcf", size=1, reference="rCRS").job, actor=person)


def test_a_person_finds_no_dead_link(jobs: None, person: User, browser_of: Callable[[User], Client]) -> None:
    found = crawl(browser_of(person), "/jobs/", "/profile/", "/plan/", "/jobs/new/")
    assert len(found) > 25
    assert not {address: status for address, status in found.items() if status != 200}


def test_staff_find_no_dead_link(jobs: None, staff: User, browser_of: Callable[[User], Client]) -> None:
    found = crawl(browser_of(staff), "/admin/")
    assert any("/jobs/job/" in address and "/change/" in address for address in found)
    assert not {address: status for address, status in found.items() if status != 200}


def test_the_admin_offers_no_page_on_site_that_staff_may_not_see() -> None:
    """Pages of rows are their owners' alone."""
    own = [model for model in admin.site._registry if hasattr(model, "get_absolute_url")]
    assert Job in own
    assert not [model for model in own if admin.site._registry[model].view_on_site is not False]


def test_a_job_without_a_result_shows_no_empty_result(
    jobs: None, staff: User, browser_of: Callable[[User], Client]
) -> None:
    client = browser_of(staff)
    for job in Job.objects.all():
        page = client.get(reverse("admin:jobs_job_change", args=[job.pk])).content.decode()
        assert ('id="result-group"' in page) == hasattr(job, "result")
        assert not typed_in(page)


def test_no_page_of_the_admin_shows_an_empty_row_to_fill_in(
    person: User, staff: User, browser_of: Callable[[User], Client]
) -> None:
    pages = [
        browser_of(staff).get(reverse(f"admin:{model._meta.label_lower.replace('.', '_')}_change", args=[row.pk]))
        for model, model_admin in admin.site._registry.items()
        if model_admin.inlines
        for row in model._default_manager.all()[:1]
    ]
    assert pages
    for page in pages:
        assert not typed_in(page.content.decode())
