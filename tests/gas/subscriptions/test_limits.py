"""What a plan allows is told before the upload, and enforced by S3, at the confirmation and in the worker."""

import json
from base64 import b64decode
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from annotator.tasks import limits, run
from gas.aws.clients import s3
from gas.jobs.lifecycle import leases
from gas.jobs.lifecycle.actions import retry_refusal
from gas.jobs.lifecycle.uploads import Ticket, UploadRefused, confirm_upload, open_upload
from gas.jobs.models import Job
from gas.jobs.states import JobStatus
from gas.subscriptions.plans import PLANS
from gas.users.models import PlanChoice, User

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("queued")]

FREE, PREMIUM = PLANS[PlanChoice.FREE], PLANS[PlanChoice.PREMIUM]
BETWEEN = FREE.max_upload_bytes + 1


def give(person: User, plan: PlanChoice) -> User:
    User.objects.filter(pk=person.pk).update(plan=plan)
    person.refresh_from_db()
    return person


def ticket(person: User, size: int) -> Ticket:
    return open_upload(person, name="a.vcf", size=size, reference="rCRS")


def policy(found: Ticket) -> list[Any]:
    """The largest size that S3 will take with this form."""
    conditions = json.loads(b64decode(found.form["fields"]["policy"]))["conditions"]
    return [one[2] for one in conditions if isinstance(one, list) and one[0] == "content-length-range"]


@pytest.mark.parametrize("plan", PLANS.values(), ids=lambda plan: plan.id)
def test_the_form_that_s3_checks_allows_what_the_plan_does(aws: None, person: User, plan: Any) -> None:
    give(person, plan.id)
    assert policy(ticket(person, 10)) == [plan.max_upload_bytes]
    largest = ticket(person, plan.max_upload_bytes)
    if plan.max_upload_bytes > settings.UPLOAD_PART_BYTES:
        assert largest.parted
        assert largest.parted.size == plan.max_upload_bytes
    else:
        assert policy(largest) == [plan.max_upload_bytes]
    with pytest.raises(UploadRefused, match="the limit is"):
        ticket(person, plan.max_upload_bytes + 1)


def test_who_meets_the_free_limit_is_told_what_premium_takes(aws: None, person: User) -> None:
    with pytest.raises(UploadRefused, match="Premium takes files up to 5 GB"):
        ticket(person, BETWEEN)
    with pytest.raises(UploadRefused) as refused:
        ticket(person, PREMIUM.max_upload_bytes + 1)
    assert "Premium takes" not in str(refused.value)  # it would not help


def uploaded_as_premium(person: User) -> Job:
    job = ticket(give(person, PlanChoice.PREMIUM), BETWEEN).job
    s3().put_object(Bucket=settings.S3_INPUTS_BUCKET, Key=job.input_key, Body=b"x" * BETWEEN)
    return Job.objects.get(pk=job.pk)


def test_the_confirmation_goes_by_the_plan_of_that_moment(aws: None, person: User) -> None:
    assert confirm_upload(uploaded_as_premium(person)).status == JobStatus.PENDING
    late = uploaded_as_premium(person)
    give(person, PlanChoice.FREE)
    with pytest.raises(UploadRefused, match="the limit is"):
        confirm_upload(Job.objects.get(pk=late.pk))
    late.refresh_from_db()
    assert (late.status, late.failure_code) == (JobStatus.FAILED, "file-size")


def test_the_worker_goes_by_the_plan_of_that_moment(
    aws: None, person: User, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = confirm_upload(uploaded_as_premium(person))
    give(person, PlanChoice.FREE)
    claim = leases.claim(str(job.pk))
    assert claim
    monkeypatch.setattr("gas.aws.s3.download", lambda *_, **__: pytest.fail("fetched a file that is too large"))
    run(claim, tmp_path, None)  # type: ignore[arg-type]
    job.refresh_from_db()
    assert (job.status, job.failure_code) == (JobStatus.FAILED, "plan-limit")
    assert "the limit is" in job.failure_message
    assert "the limit is" in retry_refusal(job)
    give(person, PlanChoice.PREMIUM)
    assert retry_refusal(Job.objects.get()) == ""


@pytest.mark.parametrize("plan", PLANS.values(), ids=lambda plan: plan.id)
def test_what_a_file_may_have_once_decompressed_is_the_plans(plan: Any) -> None:
    assert limits(plan, 1).expanded_bytes == plan.expanded_bytes


def test_the_limits_are_shown_before_the_upload(person: User, browser_of: Callable[[User], Client]) -> None:
    client = browser_of(person)
    page = client.get("/jobs/new/").content.decode()
    assert f'data-max-bytes="{FREE.max_upload_bytes}"' in page
    assert "150 KB a file" in page
    assert "Premium</a> takes 5 GB" in page
    give(person, PlanChoice.PREMIUM)
    page = client.get("/jobs/new/").content.decode()
    assert f'data-max-bytes="{PREMIUM.max_upload_bytes}"' in page
    assert "5 GB a file" in page
    assert "150 KB" not in page
    assert "5 GB with Premium" in Client().get("/").content.decode()
