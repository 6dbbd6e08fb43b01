"""Promise: of requests with one key at the same time, one creates and all get its answer; a crash leaves nothing."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from gas.api import idempotency
from gas.api.models import IdempotentAnswer
from gas.api.tasks import tend
from gas.jobs.lifecycle import uploads
from gas.jobs.models import Job
from gas.users.models import User
from tests.support.api_program import ASKED, Program, check, make_token

pytestmark = pytest.mark.usefixtures("aws", "queued")


@pytest.mark.django_db(transaction=True)
def test_requests_at_once_create_one(person: User) -> None:
    token = make_token(person)

    def send(_: int) -> Any:
        try:
            return Program(token).post("uploads", ASKED, **{"Idempotency-Key": "5f0c"})
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, range(16)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["job"] for answer in answers}) == 1
    assert sum("Idempotency-Replayed" not in answer for answer in answers) == 1
    assert Job.objects.count() == 1


@pytest.mark.skipif("sqlite3" in settings.DATABASES["default"]["ENGINE"], reason="SQLite has one writer at a time")
@pytest.mark.django_db(transaction=True)
def test_a_repeat_does_not_wait_for_ever(person: User, monkeypatch: pytest.MonkeyPatch) -> None:
    program, key = Program(make_token(person)), {"Idempotency-Key": "5f0c"}
    monkeypatch.setattr(idempotency, "LOCK_SECONDS", 1)
    opened, timeouts = uploads.open_upload, []

    def repeat() -> Any:
        try:
            return program.post("uploads", ASKED, **key)
        finally:
            connection.close()

    def slowly(*args: Any, **kwargs: Any) -> Any:
        monkeypatch.setattr(uploads, "open_upload", opened)
        answer = pool.submit(repeat).result(timeout=20)
        assert answer["Retry-After"] == "1"
        check(answer, 409, "in-progress")
        with connection.cursor() as cursor:
            timeouts.append(cursor.execute("SHOW lock_timeout").fetchone())
        return opened(*args, **kwargs)

    monkeypatch.setattr(uploads, "open_upload", slowly)
    with ThreadPoolExecutor(1) as pool:
        assert program.post("uploads", ASKED, **key).status_code == 201
    assert timeouts == [("0",)]  # other waits have no such limit
    assert program.post("uploads", ASKED, **key)["Idempotency-Replayed"] == "true"
    assert Job.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_crash_after_creating_leaves_neither_the_job_nor_the_key(
    person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, opened = Program(make_token(person)), uploads.open_upload

    def crash(*args: Any, **kwargs: Any) -> None:
        opened(*args, **kwargs)
        raise RuntimeError("the process dies")

    key = {"Idempotency-Key": "5f0c"}
    monkeypatch.setattr(uploads, "open_upload", crash)
    assert program.post("uploads", ASKED, **key).status_code == 500
    assert not Job.objects.exists()
    monkeypatch.setattr(uploads, "open_upload", opened)
    assert program.post("uploads", ASKED, **key).status_code == 201


@pytest.mark.django_db
def test_answers_are_forgotten_after_a_day(person: User) -> None:
    now = timezone.now()
    for key, age in (("old", idempotency.KEPT + timedelta(minutes=1)), ("new", timedelta(hours=23))):
        IdempotentAnswer.objects.create(owner=person, key=key, fingerprint="x", status=201, created_at=now - age)
    tend()
    assert list(IdempotentAnswer.objects.values_list("key", flat=True)) == ["new"]
