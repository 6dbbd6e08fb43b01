"""Promise: no person sees, changes or can even name another's job, file or log.

Every address of the URLconf is in one table here; a new one fails the first test until it is put in.
"""

from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from django.conf import settings
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from gas.aws.clients import s3
from gas.jobs.lifecycle import leases
from gas.jobs.models import Job, ResultFile
from gas.users.models import User
from tests.support.job_addresses import OF_A_JOB, concrete

pytestmark = pytest.mark.django_db

#: Addresses that name nothing of anybody's.
OF_NOBODY = {
    "",
    "s/<str:secret>/",  # by its secret, see tests/gas/sharing/test_links.py
    "jobs/",
    "jobs/new/",
    "jobs/uploads/",
    "jobs/uploads/clear/",
    "jobs/builds/",
    "profile/",
    "profile/export/",
    "profile/export/file/",
    "profile/delete/",
    "exports/",
    "exports/<uuid:pk>/file/",  # the person's own, as the next: see tests/gas/explorer/test_large_exports.py
    "exports/<uuid:pk>/remove/",
    "profile/webhooks/",
    "profile/webhooks/<uuid:endpoint_id>/",  # the person's own, as those below: see tests/gas/webhooks/test_pages.py
    "profile/webhooks/<uuid:endpoint_id>/secret/",
    "profile/webhooks/<uuid:endpoint_id>/test/",
    "profile/webhooks/<uuid:endpoint_id>/on/",
    "profile/webhooks/<uuid:endpoint_id>/off/",
    "profile/webhooks/<uuid:endpoint_id>/delete/",
    "profile/webhooks/deliveries/<uuid:delivery_id>/replay/",
    "profile/tokens/",
    "profile/tokens/make/",
    "profile/tokens/<uuid:token_id>/revoke/",  # the person's own, see tests/gas/api/test_tokens.py
    "profile/tokens/programs/sign-out/",
    "identity/o/device",  # by a code, see tests/gas/api/test_sign_in.py
    "identity/o/api/device/code",
    "identity/o/api/token",
    "identity/o/api/revoke",
    "accounts/oidc/<slug:provider_id>/login/",
    "plan/",
    "plan/checkout/",
    "plan/portal/",
    "plan/back/",
    "plan/back/live/",
    "help/variants/",
    "starred/",
    "starred/file/",
    "starred/<int:pk>/remove/",  # the person's own, see tests/gas/explorer/test_keeping.py
    "stripe/webhook/<uuid:uuid>/",  # by its signature, see tests/gas/subscriptions/test_webhooks.py
}


def addresses(patterns: list[URLPattern | URLResolver], prefix: str = "") -> Iterator[str]:
    for item in patterns:
        path = prefix + str(item.pattern)
        if isinstance(item, URLResolver):
            # Staff's, allauth's; tests/gas/api and tests/gas/ga4gh have tables of their own.
            if not path.startswith(("admin/", "accounts/", "api/", "ga4gh/")):
                yield from addresses(item.url_patterns, path)
        else:
            yield path


@pytest.fixture
def job(claimed: Callable[..., leases.Claim]) -> Job:
    """Completed, with everything that can be asked for."""
    claim = claimed()
    result = ResultFile(key=claim.prefix + "a", index_key=claim.prefix + "b", size=1, sha256="0" * 64)
    result.tsv_size = result.parquet_size = result.stats_size = 6
    for name in ("a", "b", "log.txt", "summary.json", "annot.tsv.gz", "annot.parquet", "annot.stats.txt"):
        s3().put_object(Bucket=settings.S3_RESULTS_BUCKET, Key=claim.prefix + name, Body=b"secret")
    leases.complete(claim, result, log_key=claim.prefix + "log.txt", summary={}, preview=[])
    return Job.objects.get()


def test_every_address_is_in_the_table() -> None:
    assert set(addresses(get_resolver().url_patterns)) == set(OF_A_JOB) | OF_NOBODY


@pytest.mark.parametrize(("path", "method"), OF_A_JOB.items())
def test_a_stranger_finds_nothing_there(
    job: Job, stranger: User, browser_of: Callable[[User], Client], path: str, method: str
) -> None:
    before = (Job.objects.values().get(), job.events.count())
    for address in concrete(path, job.pk):
        for verb in (method, "GET", "POST"):
            answer = browser_of(stranger).generic(verb, address)
            assert answer.status_code in ({404} if verb == method else {404, 405})
            assert b"sample.vcf" not in answer.content
    assert (Job.objects.values().get(), job.events.count()) == before


@pytest.mark.parametrize(("path", "method"), OF_A_JOB.items())
def test_a_strangers_answer_is_the_same_as_for_a_job_that_never_was(
    job: Job, stranger: User, browser_of: Callable[[User], Client], path: str, method: str
) -> None:
    client = browser_of(stranger)
    for theirs, nobodys in zip(concrete(path, job.pk), concrete(path, uuid4()), strict=True):
        assert client.generic(method, theirs).status_code == client.generic(method, nobodys).status_code == 404


@pytest.mark.parametrize(
    ("path", "method"), [*OF_A_JOB.items(), ("jobs/", "GET"), ("jobs/uploads/", "POST"), ("jobs/builds/", "POST")]
)
def test_who_is_not_signed_in_is_asked_to(job: Job, path: str, method: str) -> None:
    for address in concrete(path, job.pk):
        answer = Client().generic(method, address)
        assert answer.status_code == 302
        assert answer["Location"].startswith("/accounts/login/")


def test_staff_have_no_way_around_it_on_the_pages(job: Job, browser_of: Callable[[User], Client]) -> None:
    staff = User.objects.create_superuser("staff@gas.example", "correct horse battery")
    assert browser_of(staff).get(job.get_absolute_url()).status_code == 404


def test_the_list_shows_ones_own_only(job: Job, stranger: User, browser_of: Callable[[User], Client]) -> None:
    assert b"sample.vcf" in browser_of(job.owner).get("/jobs/").content
    assert b"sample.vcf" not in browser_of(stranger).get("/jobs/").content
    assert b"sample.vcf" not in browser_of(stranger).get("/jobs/?q=sample").content


@pytest.mark.parametrize("path", [path for path, method in OF_A_JOB.items() if method == "POST"])
def test_what_changes_something_needs_a_post_with_a_token(job: Job, path: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(job.owner)
    before = Job.objects.values().get()
    for address in concrete(path, job.pk):
        assert client.get(address).status_code in {200, 405, 409}
        assert client.post(address).status_code == 403
    assert Job.objects.values().get() == before
