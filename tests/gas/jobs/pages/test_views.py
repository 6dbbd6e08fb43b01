"""Pages of a job, for its owner."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import pytest
from django.conf import settings
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from gas.aws import s3 as s3_calls
from gas.aws.clients import s3
from gas.jobs.lifecycle import leases
from gas.jobs.models import Job, ResultFile
from gas.jobs.pages import context
from gas.jobs.states import JobStatus, ResultState
from gas.users.models import User
from tests.support.glacier_standin import StandIn
from tests.support.jobs import age, failed, finish

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(person: User, browser_of: Callable[[User], Client]) -> Client:
    return browser_of(person)


def test_a_waiting_job_says_its_place_in_the_queue(client: Client, pending: Callable[..., Job]) -> None:
    first, second = pending(), pending()
    age(first, submitted_at=20)
    age(second, submitted_at=10)
    assert context.queue_position(first) == 1
    assert client.get(f"/jobs/{second.pk}/status.json").json()["queue_position"] == 2
    assert "1 job is ahead of it." in client.get(f"/jobs/{second.pk}/").content.decode()
    assert context.queue_position(failed(leases.claim_next(str(first.pk)))) is None  # type: ignore[arg-type]
    assert client.get(f"/jobs/{second.pk}/status.json").json()["queue_position"] == 1


def test_a_running_job_tells_its_stage_and_records(client: Client, claimed: Callable[..., leases.Claim]) -> None:
    claim = claimed()
    leases.renew(claim, stage="annotate", records_done=1234)
    status = client.get(f"/jobs/{claim.job.pk}/status.json").json()
    assert (status["status"], status["stage"], status["records_done"]) == ("RUNNING", "annotate", 1234)
    page = client.get(claim.job.get_absolute_url()).content.decode()
    assert "1,234" in page


def test_a_failed_job_shows_the_reason_and_what_to_do(client: Client, claimed: Callable[..., leases.Claim]) -> None:
    job = failed(claimed())
    page = client.get(job.get_absolute_url()).content.decode()
    assert "Line 1: no header." in page
    assert "Add one." in page
    assert client.get(f"/jobs/{job.pk}/status.json").json()["failure"]["code"] == "no-header"


def test_a_completed_job_shows_its_summary_and_downloads(client: Client, claimed: Callable[..., leases.Claim]) -> None:
    job = finish(claimed())
    page = client.get(job.get_absolute_url()).content.decode()
    for text in ("MT-ND4", "POS 99999 is past the end of chrM.", "REF in lower case", "/download/vcf/"):
        assert text in page


def test_a_page_polls_while_something_can_happen_and_then_stops(
    client: Client, claimed: Callable[..., leases.Claim]
) -> None:
    claim = claimed()
    live = f"/jobs/{claim.job.pk}/live/"
    assert client.get(live).status_code == 200
    assert client.get("/jobs/", headers={"HX-Request": "true"}).status_code == 200
    finish(claim)
    assert client.get(live).status_code == 200  # it counts down to its archival
    ResultFile.objects.update(archive_due_at=None)
    assert client.get(live).status_code == 286
    assert client.get("/jobs/", headers={"HX-Request": "true"}).status_code == 286


def test_a_download_is_a_short_lived_address_with_a_sensible_name(
    client: Client, claimed: Callable[..., leases.Claim]
) -> None:
    claim = claimed(name='🧬 "my" run.vcf.gz')
    finish(claim)
    answer = client.get(f"/jobs/{claim.job.pk}/download/vcf/")
    assert answer.status_code == 302
    address = unquote(unquote(answer["Location"]))
    assert f"{settings.S3_RESULTS_BUCKET}" in address
    assert claim.prefix + "annot.vcf.gz" in address
    assert '🧬 "my" run.annot.vcf.gz' in address
    assert f"X-Amz-Expires={settings.DOWNLOAD_EXPIRES_SECONDS}" in address


def test_a_result_that_is_archived_while_somebody_asks_for_it_raises_no_alarm(
    client: Client, claimed: Callable[..., leases.Claim], monkeypatch: pytest.MonkeyPatch, mailoutbox: list[Any]
) -> None:
    job = finish(claimed())
    exists = s3_calls.exists

    def archived_just_before(bucket: str, key: str) -> bool:
        s3().delete_object(Bucket=bucket, Key=key)
        ResultFile.objects.update(state=ResultState.ARCHIVED)
        return exists(bucket, key)

    monkeypatch.setattr(s3_calls, "exists", archived_just_before)
    mailoutbox.clear()
    answer = client.get(f"/jobs/{job.pk}/download/vcf/", follow=True)
    assert "This result is not available at the moment" in answer.content.decode()
    assert "missing from our storage" not in answer.content.decode()
    assert ResultFile.objects.get().problem == ""
    assert not mailoutbox


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("queued")
def test_a_result_that_is_missing_from_s3_is_told_in_a_sentence_and_to_staff_once(
    client: Client, claimed: Callable[..., leases.Claim], settings: Any, mailoutbox: list[Any]
) -> None:
    """And not by S3's page of XML."""
    settings.ADMINS, settings.ALERT_PERIOD_SECONDS = [("Staff", "staff@gas.example")], 0  # each alert is a mail
    job = finish(claimed())
    s3().delete_object(Bucket=settings.S3_RESULTS_BUCKET, Key=job.result.key)
    for _ in range(3):
        answer = client.get(f"/jobs/{job.pk}/download/vcf/", follow=True)
        assert answer.redirect_chain == [(job.get_absolute_url(), 302)]
        assert "This file is missing from our storage" in answer.content.decode()
    assert len([mail for mail in mailoutbox if "missing from S3" in mail.subject]) == 1
    job.result.refresh_from_db()
    assert "not in S3" in job.result.problem
    assert job.result.archive_due_at is None


def test_while_s3_does_not_answer_the_browser_is_sent_there(
    aws: StandIn, client: Client, claimed: Callable[..., leases.Claim]
) -> None:
    job = finish(claimed())
    aws.faults({"service": "s3", "status": 503})
    aws.calls.clear()
    assert "X-Amz-Expires" in client.get(f"/jobs/{job.pk}/download/vcf/")["Location"]
    assert len(aws.calls) == 1  # nobody waits for seven tries
    assert ResultFile.objects.get().problem == ""


def test_the_uploaded_file_and_the_log_of_a_failed_job_can_be_had(
    client: Client, claimed: Callable[..., leases.Claim]
) -> None:
    job = failed(claimed())
    assert client.get(f"/jobs/{job.pk}/download/input/").status_code == 302
    assert client.get(f"/jobs/{job.pk}/download/vcf/").status_code == 404


def test_the_log_is_shown_as_text_and_cut_when_long(client: Client, claimed: Callable[..., leases.Claim]) -> None:
    job = finish(claimed(), log=b"<script>alert(1)</script>\n" + b"x" * 300_000)
    page = client.get(f"/jobs/{job.pk}/log/").content.decode()
    assert "&lt;script&gt;alert(1)" in page
    assert len(page) < 290_000
    assert "/download/log/" in page


def test_a_hostile_name_is_text_on_every_page(client: Client, claimed: Callable[..., leases.Claim]) -> None:
    job = finish(claimed(name='"><img src=x onerror=alert(1)>.vcf'))
    for address in ("/jobs/", job.get_absolute_url(), f"/jobs/{job.pk}/log/", f"/jobs/{job.pk}/delete/"):
        page = client.get(address).content.decode()
        assert "<img src=x" not in page
        assert "&lt;img src=x" in page


def test_cancel_and_retry(client: Client, queued: None, pending: Callable[..., Job]) -> None:
    job = pending()
    client.post(f"/jobs/{job.pk}/cancel/")
    job.refresh_from_db()
    assert job.status == JobStatus.CANCELLED
    client.post(f"/jobs/{job.pk}/retry/")
    job.refresh_from_db()
    assert (job.status, job.attempts, job.finished_at) == (JobStatus.PENDING, 0, None)
    assert [event.actor for event in job.events.filter(to_state="CANCELLED")] == [job.owner]


def test_cancelling_takes_the_job_from_its_worker(client: Client, claimed: Callable[..., leases.Claim]) -> None:
    claim = claimed()
    client.post(f"/jobs/{claim.job.pk}/cancel/")
    assert not leases.renew(claim, stage="annotate", records_done=1)


def test_what_has_ended_can_be_neither_cancelled_nor_retried(
    client: Client, claimed: Callable[..., leases.Claim]
) -> None:
    job = finish(claimed())
    for action in ("cancel", "retry"):
        answer = client.post(f"/jobs/{job.pk}/{action}/", follow=True)
        assert [message.level_tag for message in answer.context["messages"]] == ["error"]
    job.refresh_from_db()
    assert job.status == JobStatus.COMPLETED


def test_a_retry_without_the_uploaded_file_says_so(client: Client, claimed: Callable[..., leases.Claim]) -> None:
    claim = claimed()
    leases.fail(claim, code="our-fault", message="Sorry.", advice="")
    job = claim.job
    s3().delete_object(Bucket=settings.S3_INPUTS_BUCKET, Key=job.input_key)
    answer = client.post(f"/jobs/{job.pk}/retry/", follow=True)
    assert "Upload it again" in str(next(iter(answer.context["messages"])))


def test_delete_asks_first(client: Client, pending: Callable[..., Job]) -> None:
    job = pending()
    assert client.get(f"/jobs/{job.pk}/delete/").status_code == 200
    assert Job.objects.exists()
    assert client.post(f"/jobs/{job.pk}/delete/").status_code == 302
    assert not Job.objects.exists()


def test_the_list_is_paged_filtered_and_counted(client: Client, person: User) -> None:
    Job.objects.bulk_create(
        Job(owner=person, name=f"run-{i}.vcf", reference="rCRS", status=status)
        for i, status in enumerate([JobStatus.COMPLETED] * 30 + [JobStatus.FAILED] * 2)
    )
    first, second = client.get("/jobs/"), client.get("/jobs/?page=2")
    assert len(first.context["page_obj"]) == 25
    assert len(second.context["page_obj"]) == 7
    assert len(client.get("/jobs/?status=FAILED").context["page_obj"]) == 2
    assert [job.name for job in client.get("/jobs/?q=RUN-31").context["page_obj"]] == ["run-31.vcf"]
    assert first.context["counts"] == {**dict.fromkeys(JobStatus.values, 0), "COMPLETED": 30, "FAILED": 2}
    assert client.get("/jobs/?page=nonsense&status=nonsense").status_code == 200


def test_the_list_costs_the_same_for_one_job_and_for_a_page_of_them(
    client: Client, person: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    Job.objects.bulk_create(
        Job(owner=person, name="a.vcf", reference="rCRS", status=JobStatus.COMPLETED) for _ in range(25)
    )
    with django_assert_max_num_queries(10):
        client.get("/jobs/")


def test_the_limits_are_told_before_the_upload(client: Client) -> None:
    page = client.get("/jobs/new/").content.decode()
    assert re.search(r"150(\.0)?\s*K", page)
    assert "rCRS" in page


def test_pages_forbid_inline_scripts_and_styles(client: Client) -> None:
    policy = client.get("/jobs/new/").headers["Content-Security-Policy"]
    assert "unsafe-inline" not in policy
    assert "frame-ancestors 'none'" in policy


def test_a_search_for_what_no_name_can_hold_finds_nothing_and_breaks_nothing(client: Client) -> None:
    assert client.get("/jobs/?q=%00").status_code == 200


@pytest.mark.parametrize("code", ["input-replaced", "input-missing", "file-size", "too-long", "not-a-vcf", "new-code"])
def test_no_retry_is_offered_or_accepted_where_only_another_upload_helps(
    client: Client, claimed: Callable[..., leases.Claim], code: str
) -> None:
    claim = claimed()
    leases.fail(claim, code=code, message="Gone.", advice="Upload it again.")
    assert "Try again" not in client.get(claim.job.get_absolute_url()).content.decode()
    answer = client.post(f"/jobs/{claim.job.pk}/retry/", follow=True)
    assert "Another try would end the same way" in str(next(iter(answer.context["messages"])))
    assert Job.objects.get().status == JobStatus.FAILED


def test_a_retry_is_offered_where_the_fault_was_ours(
    client: Client, queued: None, claimed: Callable[..., leases.Claim]
) -> None:
    claim = claimed()
    leases.fail(claim, code="our-fault", message="Sorry.", advice="")
    assert "Try again" in client.get(claim.job.get_absolute_url()).content.decode()
    client.post(f"/jobs/{claim.job.pk}/retry/")
    assert Job.objects.get().status == JobStatus.PENDING
