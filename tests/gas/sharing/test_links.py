"""Promise: a person with a link sees the result and nothing else of its owner, until the link ends."""

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from gas.explorer.keys import VariantKey
from gas.explorer.models import ColumnChoice, MarkedVariant, SavedFilter
from gas.jobs.models import Job, ResultFile
from gas.jobs.states import JobStatus, ResultState
from gas.sharing import links
from gas.sharing.models import Share
from gas.users.deletion import delete_account
from gas.users.export import everything, stream_zip
from gas.users.models import User
from tests.support.job_addresses import OF_A_JOB, concrete
from tests.support.jobs import SUMMARY

pytestmark = pytest.mark.django_db
Signed = Callable[[User], Client]

#: What a visitor may ask for.
READ = {
    "jobs/<uuid:job_id>/",
    "jobs/<uuid:job_id>/live/",
    "jobs/<uuid:job_id>/variants/",
    "jobs/<uuid:job_id>/variants/search/",
    "jobs/<uuid:job_id>/variants/charts/",
    "jobs/<uuid:job_id>/variants/at/<path:variant>/",
}
#: The same, where a name or number in the address decides.
READ_SOME = {"jobs/<uuid:job_id>/variants/samples/<int:number>/"}
#: What a visitor may ask for if the share has downloads, by the last part of the address.
FILES = {
    "jobs/<uuid:job_id>/download/<str:kind>/": {"vcf", "index", "tsv", "parquet", "stats", "summary"},
    "jobs/<uuid:job_id>/genome/<str:name>/": {"vcf"},
}


@pytest.fixture(autouse=True)
def _summary(job_with_table: Job) -> None:
    Job.objects.filter(pk=job_with_table.pk).update(summary=SUMMARY)


def opened(address: str, client: Client | None = None) -> Client:
    """Return the browser of somebody who has opened a link."""
    visitor = client or Client()
    assert visitor.get(urlsplit(address).path).status_code == 302
    return visitor


def shared(job: Job, *, downloads: bool = False) -> tuple[Share, str]:
    share, secret = links.create(job, label="Grace", days=30, downloads=downloads)
    return share, links.address(secret)


def variant_of(job: Job, client: Client) -> str:
    return str(VariantKey.of_row(client.get(f"/jobs/{job.pk}/variants/").context["page"].rows[0]))


def revoke(share: Share, owner: Client) -> None:
    owner.post(f"/jobs/{share.job_id}/shares/{share.pk}/revoke/")


def expire(share: Share, owner: Client) -> None:
    Share.objects.filter(pk=share.pk).update(expires_at=timezone.now() - timedelta(seconds=1))


def delete_job(share: Share, owner: Client) -> None:
    owner.post(f"/jobs/{share.job_id}/delete/")


def block_owner(share: Share, owner: Client) -> None:
    User.objects.filter(jobs=share.job_id).update(is_active=False)


def delete_owner(share: Share, owner: Client) -> None:
    delete_account(share.job.owner)


@pytest.mark.parametrize("downloads", [False, True])
def test_a_visitor_gets_each_face_of_the_result_and_no_other_address_of_the_job(
    job_with_table: Job, person: User, browser_of: Signed, downloads: bool
) -> None:
    job = job_with_table
    Job.objects.filter(pk=job.pk).update(log_key="results/log.txt", input_etag="e")
    before = Job.objects.values().get()
    _, address = shared(job, downloads=downloads)
    visitor = opened(address)
    variant = variant_of(job, visitor)
    for path, method in OF_A_JOB.items():
        for one in concrete(path, job.pk, variant):
            answer = visitor.generic(method, one)
            last = one.rstrip("/").rpartition("/")[2]
            if path in READ:
                assert answer.status_code in {200, 286} or path.endswith("search/"), one
                assert person.email not in answer.content.decode(), one
                assert answer["Referrer-Policy"] == "same-origin"
                assert "noindex" in answer["X-Robots-Tag"]
                assert "no-store" in answer["Cache-Control"]
            elif path in READ_SOME:
                assert answer.status_code == 404, one  # the file has few samples
            elif path in FILES and downloads and last in FILES[path]:
                assert answer.status_code == 302, one
                assert "X-Amz-Signature" in answer["Location"] or answer["Location"] == f"/jobs/{job.pk}/", one
            elif path in FILES:
                assert answer.status_code == 404, one
            else:
                assert answer["Location"].startswith("/accounts/login/"), one
            if path in READ:
                assert visitor.post(one).status_code in {403, 405}, one
    assert Job.objects.values().get() == before


@pytest.mark.parametrize("end", [revoke, expire, delete_job, block_owner, delete_owner])
def test_when_a_share_has_ended_the_link_and_every_page_are_404_at_the_next_request(
    job_with_table: Job, person: User, browser_of: Signed, end: Callable[[Share, Client], None]
) -> None:
    share, address = shared(job_with_table, downloads=True)
    visitor = opened(address)
    variant = variant_of(job_with_table, visitor)
    with transaction.atomic():
        end(share, browser_of(person))
    assert visitor.get(urlsplit(address).path).status_code == 404
    for path in READ | set(FILES):
        for one in concrete(path, job_with_table.pk, variant):
            assert visitor.get(one).status_code == 404, one


def test_a_link_opens_its_own_job_only(job_with_table: Job, pending: Callable[..., Job], stranger: User) -> None:
    other = pending(owner=stranger)
    Job.objects.filter(pk=other.pk).update(status=JobStatus.COMPLETED)
    _, address = shared(job_with_table, downloads=True)
    visitor = opened(address)
    for path, method in OF_A_JOB.items():
        for one in concrete(path, other.pk):
            assert visitor.generic(method, one)["Location"].startswith("/accounts/login/"), one
    assert visitor.get("/jobs/")["Location"].startswith("/accounts/login/")


def test_a_visitor_who_is_signed_in_is_a_visitor_all_the_same(
    job_with_table: Job, stranger: User, browser_of: Signed
) -> None:
    SavedFilter.objects.create(owner=stranger, name="of the visitor", query="impact=HIGH")
    _, address = shared(job_with_table)
    visitor = browser_of(stranger)
    assert visitor.get(f"/jobs/{job_with_table.pk}/").status_code == 404
    opened(address, visitor)
    page = visitor.get(f"/jobs/{job_with_table.pk}/variants/").content.decode()
    assert "of the visitor" not in page
    for path, method in OF_A_JOB.items():
        if path not in READ | READ_SOME:
            assert {visitor.generic(method, one).status_code for one in concrete(path, job_with_table.pk)} == {404}
    Share.objects.update(revoked_at=timezone.now())
    assert visitor.get(f"/jobs/{job_with_table.pk}/").status_code == 404


def test_a_visitor_sees_none_of_the_owners_stars_notes_filters_columns_and_timeline(
    job_with_table: Job, person: User, browser_of: Signed
) -> None:
    job, owner = job_with_table, browser_of(person)
    Job.objects.filter(pk=job.pk).update(log_key="results/log.txt")
    job.events.create(machine="job", message="An event for its owner")
    variant = variant_of(job, owner)
    owner.post(f"/jobs/{job.pk}/variants/at/{variant}/star/", {"note": "a private note"})
    owner.post(f"/jobs/{job.pk}/variants/saved/", {"name": "private filter", "query": "impact=HIGH"})
    owner.post(f"/jobs/{job.pk}/variants/columns/", {"column": ["id"]})
    assert MarkedVariant.objects.count() == SavedFilter.objects.count() == ColumnChoice.objects.count() == 1
    addresses = [f"/jobs/{job.pk}/", f"/jobs/{job.pk}/variants/", f"/jobs/{job.pk}/variants/at/{variant}/"]
    own = [owner.get(one).content.decode() for one in addresses]
    _, address = shared(job)
    visitor = opened(address)
    seen = [visitor.get(one).content.decode() for one in addresses]
    for text in ("a private note", "private filter", "An event for its owner", f"/jobs/{job.pk}/log/", "/shares/"):
        assert any(text in page for page in own), text
        assert not any(text in page for page in seen), text
    assert not any('<form method="post" action="/jobs/' in page for page in seen)
    assert owner.get(addresses[1]).context["asked"].columns != visitor.get(addresses[1]).context["asked"].columns


@pytest.mark.parametrize("state", [ResultState.ARCHIVED, ResultState.RESTORING])
def test_a_share_of_an_archived_result_stays_and_says_so(job_with_table: Job, state: ResultState) -> None:
    _, address = shared(job_with_table, downloads=True)
    ResultFile.objects.update(state=state)
    visitor = opened(address)
    page = visitor.get(f"/jobs/{job_with_table.pk}/").content.decode()
    assert "archive" in page
    assert "Premium" not in page
    assert "/plan/" not in visitor.get(f"/jobs/{job_with_table.pk}/variants/").content.decode()
    assert visitor.get(f"/jobs/{job_with_table.pk}/download/vcf/")["Location"] == f"/jobs/{job_with_table.pk}/"


def test_the_secret_has_256_bits_is_shown_once_and_is_stored_as_a_hash(
    job_with_table: Job, person: User, browser_of: Signed
) -> None:
    owner = browser_of(person)
    page = owner.post(f"/jobs/{job_with_table.pk}/shares/", {"label": "Grace", "days": "7", "downloads": "on"})
    address = page.context["address"]
    secret = address.rstrip("/").rpartition("/")[2]
    assert len(secret) == 43
    assert address in page.content.decode()
    share = Share.objects.get()
    assert share.secret_sha256 == hashlib.sha256(secret.encode()).hexdigest()
    assert share.downloads
    assert abs(share.expires_at - timezone.now() - timedelta(days=7)) < timedelta(minutes=1)
    opened(address)
    answer = opened(address).get(urlsplit(address).path)
    assert answer["Referrer-Policy"] == "no-referrer"
    assert secret not in str(answer.cookies)
    shown = owner.get(f"/jobs/{job_with_table.pk}/shares/").content.decode()
    assert "opened 3 times" in shown
    with zipfile.ZipFile(io.BytesIO(b"".join(stream_zip(everything(person))))) as found:
        exported = found.read("shares.json").decode()
    assert json.loads(exported)[0]["opens"] == 3
    for text in (shown, exported):
        assert secret not in text
        assert share.secret_sha256 not in text


def test_the_owners_own_look_is_not_counted(job_with_table: Job, person: User, browser_of: Signed) -> None:
    share, address = shared(job_with_table)
    owner = opened(address, browser_of(person))
    assert "read-only" not in owner.get(f"/jobs/{job_with_table.pk}/").content.decode()
    assert links.COOKIE not in owner.cookies
    share.refresh_from_db()
    assert share.opens == 0


def test_who_guesses_links_is_not_answered_and_others_are(job_with_table: Job) -> None:
    _, address = shared(job_with_table)
    path, guesser = urlsplit(address).path, Client(REMOTE_ADDR="192.0.2.7")
    for number in range(links.GUESSES):
        assert guesser.get(f"/s/{number}/").status_code == 404
    assert guesser.get(path).status_code == 404
    assert Client(REMOTE_ADDR="192.0.2.8").get(path).status_code == 302


def test_a_cookie_that_was_changed_or_is_of_another_job_opens_nothing(
    job_with_table: Job, pending: Callable[..., Job]
) -> None:
    share, address = shared(job_with_table)
    visitor = opened(address)
    cookie = visitor.cookies[links.COOKIE]
    signed = cookie.value
    assert cookie["path"] == f"/jobs/{job_with_table.pk}/"
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    visitor.cookies[links.COOKIE] = signed.replace(signed[-3], "_" if signed[-3] != "_" else "-")
    assert visitor.get(f"/jobs/{job_with_table.pk}/").status_code == 302
    visitor.cookies[links.COOKIE] = signed
    assert visitor.get(f"/jobs/{job_with_table.pk}/").status_code == 200
    Share.objects.filter(pk=share.pk).update(job=pending())
    assert visitor.get(f"/jobs/{job_with_table.pk}/").status_code == 404


@pytest.mark.parametrize("days", ["0", "366", "x", ""])
def test_a_share_lasts_no_longer_than_the_service_allows(
    job_with_table: Job, person: User, browser_of: Signed, days: str
) -> None:
    page = browser_of(person).post(f"/jobs/{job_with_table.pk}/shares/", {"days": days})
    assert page.context["form"].errors["days"]
    assert not Share.objects.exists()


def test_only_a_completed_job_can_be_shared_and_not_without_end(
    pending: Callable[..., Job], job_with_table: Job
) -> None:
    with pytest.raises(links.ShareRefused, match="completed"):
        links.create(pending(), days=1, downloads=False)
    with pytest.raises(links.ShareRefused, match="days"):
        links.create(job_with_table, days=366, downloads=False)
    for _ in range(links.MOST):
        links.create(job_with_table, days=1, downloads=False)
    with pytest.raises(links.ShareRefused, match="maximum"):
        links.create(job_with_table, days=1, downloads=False)


def test_a_stranger_cannot_share_or_revoke(job_with_table: Job, stranger: User, browser_of: Signed) -> None:
    share, _ = shared(job_with_table)
    client = browser_of(stranger)
    assert client.post(f"/jobs/{job_with_table.pk}/shares/", {"days": "1"}).status_code == 404
    revoke(share, client)
    share.refresh_from_db()
    assert (share.revoked_at, Share.objects.count()) == (None, 1)


def test_staff_see_shares_without_secrets(job_with_table: Job, staff: User, browser_of: Signed) -> None:
    share, _ = shared(job_with_table)
    client: Any = browser_of(staff)
    pages = [client.get("/admin/sharing/share/"), client.get(f"/admin/sharing/share/{share.pk}/change/")]
    assert all(page.status_code == 200 for page in pages)
    assert not any(share.secret_sha256 in page.content.decode() for page in pages)
