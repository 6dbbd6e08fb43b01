"""Promise: a program sees its jobs as the pages show them, in pages that lose and repeat nothing."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from gas.jobs.models import Job, ResultFile
from gas.users.models import User
from tests.support.api_program import Program, check
from tests.support.jobs import failed

pytestmark = pytest.mark.django_db


def make_jobs(owner: User, count: int, **fields: Any) -> None:
    made = Job.objects.bulk_create(
        Job(owner=owner, name=f"sample-{n}.vcf", reference="rCRS", **fields) for n in range(count)
    )
    now = timezone.now()
    for n, job in enumerate(made):
        Job.objects.filter(pk=job.pk).update(created_at=now - timedelta(seconds=n // 3))  # some at the same time


def test_a_failed_job_has_the_words_of_its_page(claimed: Callable[..., Any], program: Program) -> None:
    job = failed(claimed())
    got = program.get(f"jobs/{job.pk}").json()
    assert got["status"] == "FAILED"
    assert got["failure"] == {"code": "no-header", "message": "Line 1: no header.", "advice": "Add one."}
    assert got["can_retry"] is False
    assert got["result"] is None
    assert program.get("jobs").json()["items"] == [got]


def test_a_waiting_job_has_its_place(pending: Callable[..., Job], program: Program) -> None:
    job = pending()
    assert program.get(f"jobs/{job.pk}").json()["queue_position"] == 1
    assert program.get("jobs").json()["items"][0]["queue_position"] == 1


def test_pages_have_every_job_once_also_when_jobs_come_and_go(person: User, stranger: User, program: Program) -> None:
    make_jobs(person, 20)
    make_jobs(stranger, 3)
    wanted = list(Job.objects.filter(owner=person).order_by("-created_at", "-pk"))
    seen: list[str] = []
    cursor = ""
    while True:
        got = program.get(f"jobs?limit=7&cursor={cursor}").json()
        seen += [one["id"] for one in got["items"]]
        cursor = got["next_cursor"]
        if cursor is None:
            break
        Job.objects.filter(pk=seen[0]).delete()
        make_jobs(person, 1)
    assert seen == [str(job.pk) for job in wanted]


def test_filters_are_those_of_the_page(person: User, program: Program) -> None:
    make_jobs(person, 2)
    make_jobs(person, 1, status="CANCELLED")
    assert len(program.get("jobs?status=CANCELLED").json()["items"]) == 1
    assert len(program.get("jobs?q=SAMPLE-1").json()["items"]) == 1
    check(program.get("jobs?q=%00sample"), 422, "invalid")


def test_a_list_takes_as_many_queries_for_100_jobs_as_for_one(
    person: User, program: Program, django_assert_num_queries: Callable[..., Any]
) -> None:
    make_jobs(person, 1, status="PENDING", input_etag="x")
    program.get("jobs")  # the token's first use is written down
    with django_assert_num_queries(3):  # the token, the jobs, the places in the queue
        assert len(program.get("jobs?limit=200").json()["items"]) == 1
    make_jobs(person, 50, status="PENDING", input_etag="x")
    make_jobs(person, 25, status="FAILED", input_etag="x", input_size=1, failure_code="our-fault")
    make_jobs(person, 25, status="COMPLETED", input_etag="x")
    done = Job.objects.filter(status="COMPLETED")
    ResultFile.objects.bulk_create(
        ResultFile(job=job, key="k", index_key="i", size=1, sha256="0" * 64, archive_due_at=timezone.now())
        for job in done
    )
    with django_assert_num_queries(3):
        items = program.get("jobs?limit=200").json()["items"]
    assert len(items) == 101
    assert {one["can_retry"] for one in items} == {True, False}
    assert sum(one["result"] is not None for one in items) == 25
