"""Promise: one export for each person at a time, made by a worker, sent by S3, for its owner alone, and for a day."""

import io
import json
import os
import zipfile
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connections
from django.test import Client
from django.utils import timezone

from gas.aws import stream_upload as objects
from gas.aws.clients import s3
from gas.celery import app
from gas.tasknames import BUILD_EXPORT
from gas.users import export_files
from gas.users.deletion import delete_account
from gas.users.models import Export, User
from tests.support.people import signed_in

pytestmark = pytest.mark.django_db


def stored() -> list[str]:
    pages = s3().list_objects_v2(Bucket=settings.S3_RESULTS_BUCKET, Prefix="exports/")
    return [item["Key"] for item in pages.get("Contents", [])]


def asked(user: User) -> Export:
    assert export_files.ask(user)
    return Export.objects.get(owner=user)


def made(user: User) -> Export:
    export_files.build(asked(user).pk)
    return Export.objects.get(owner=user)


def end(export: Export) -> None:
    Export.objects.filter(pk=export.pk).update(expires_at=timezone.now() - timedelta(seconds=1))


def test_the_page_says_how_far_it_is(aws: Any, person: User) -> None:
    client = signed_in(person)
    state = {"headers": {"HX-Request": "true"}}
    assert "Prepare a download" in client.get("/profile/").content.decode()
    assert client.post("/profile/export/")["Location"] == "/profile/#export"
    being_made = client.get("/profile/export/", **state).content.decode()
    assert "being prepared" in being_made
    assert "every 2s" in being_made
    assert "<form" not in being_made
    assert client.get("/profile/export/file/")["Location"] == "/profile/#export"

    export_files.build(Export.objects.get().pk)
    ready = client.get("/profile/export/", **state).content.decode()
    assert "Ready, " in ready
    assert "It is removed" in ready
    assert "every 2s" not in ready
    assert "X-Amz-Signature" in client.get("/profile/export/file/")["Location"]


def test_a_request_while_one_is_being_made_makes_no_other(aws: Any, person: User) -> None:
    client = signed_in(person)
    for _ in range(3):
        page = client.post("/profile/export/", follow=True).content.decode()
    assert "being prepared already" in page
    assert Export.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_nor_do_requests_at_once(aws: Any, person: User, queued: None) -> None:
    def ask(_: int) -> bool:
        try:
            return export_files.ask(person)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(ask, range(6))) == 1


def test_ten_an_hour(aws: Any, person: User) -> None:
    client = signed_in(person)
    answers = []
    for _ in range(11):
        answers.append(client.post("/profile/export/").status_code)
        Export.objects.update(ready_at=timezone.now(), size=1)
    assert answers == [302] * 10 + [429]


def test_a_new_one_takes_the_olds_place(
    aws: Any, person: User, queued: None, django_capture_on_commit_callbacks: Any
) -> None:
    old = made(person)
    new = made(person)
    assert {old.key, new.key} == set(stored())
    export_files.remove(old.pk)
    assert stored() == [new.key]
    assert Export.objects.get() == new


def test_nobody_elses_is_sent(aws: Any, person: User, stranger: User) -> None:
    made(person)
    assert signed_in(stranger).get("/profile/export/file/")["Location"] == "/profile/#export"
    assert Client().get("/profile/export/file/")["Location"].startswith("/accounts/login/")
    assert Client().post("/profile/export/")["Location"].startswith("/accounts/login/")


def test_it_ends_after_a_day(aws: Any, person: User) -> None:
    export = made(person)
    assert export.ready_at is not None
    assert export.expires_at - export.ready_at == export_files.KEPT
    export_files.remove(export.pk)  # too early
    assert stored() == [export.key]
    end(export)
    assert export_files.address(person) is None
    export_files.remove(export.pk)
    assert (stored(), Export.objects.count()) == ([], 0)


def test_it_goes_with_the_account(aws: Any, person: User) -> None:
    export = made(person)
    delete_account(person)
    assert Export.objects.get().owner is None
    export_files.remove(export.pk)
    assert (stored(), Export.objects.count()) == ([], 0)


def test_what_is_written_after_the_account_is_deleted_does_not_stay(
    aws: Any, person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = asked(person)
    upload = objects.upload_stream

    def upload_late(*args: Any) -> int:
        size = upload(*args)
        delete_account(person)
        export_files.remove(export.pk)
        upload([b"again"].__iter__(), *args[1:])  # as if the removal had come first
        return size

    monkeypatch.setattr(objects, "upload_stream", upload_late)
    export_files.build(export.pk)
    assert stored() == []
    assert Export.objects.exists()  # until no worker can be at it any more
    Export.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    export_files.remove(export.pk)
    assert not Export.objects.exists()


def test_two_messages_make_one_file(aws: Any, person: User, monkeypatch: pytest.MonkeyPatch) -> None:
    export = asked(person)
    uploads = []
    upload = objects.upload_stream

    def count(*args: Any) -> int:
        uploads.append(args)
        export_files.build(export.pk)  # the second message, meanwhile
        return upload(*args)

    monkeypatch.setattr(objects, "upload_stream", count)
    export_files.build(export.pk)
    export_files.build(export.pk)
    assert len(uploads) == 1


def test_a_failure_is_told_and_can_be_tried_again(aws: Any, person: User, monkeypatch: pytest.MonkeyPatch) -> None:
    export = asked(person)
    with monkeypatch.context() as broken:
        broken.setattr(objects, "upload_stream", lambda *_: 1 / 0)
        export_files.build(export.pk)
    assert "could not be prepared" in signed_in(person).get("/profile/").content.decode()
    made(person)
    assert "could not be prepared" not in signed_in(person).get("/profile/").content.decode()


def test_one_whose_worker_is_lost_is_made_by_another_three_times(
    aws: Any, person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Any] = []
    monkeypatch.setattr(export_files, "send_after_commit", lambda *message: sent.append(message[0]))
    export = asked(person)
    sent.clear()
    for tries in range(1, 4):
        assert export_files.tend() == 0
        Export.objects.update(due_at=timezone.now() - timedelta(days=1), tries=tries)
        assert export_files.tend() == (1 if tries < export_files.MAX_TRIES else 0)
        Export.objects.update(due_at=timezone.now())
    assert sent == [BUILD_EXPORT] * 2
    export.refresh_from_db()
    assert export.failed_at is not None


def test_a_large_one_is_sent_in_parts(aws: Any) -> None:
    """Pieces of odd sizes make whole parts: S3 refuses short ones."""
    content = os.urandom(21 * 1024 * 1024 + 7)
    pieces = (content[at : at + 999_983] for at in range(0, len(content), 999_983))
    size = objects.upload_stream(pieces, settings.S3_RESULTS_BUCKET, "exports/a/b.zip")
    answer = s3().get_object(Bucket=settings.S3_RESULTS_BUCKET, Key="exports/a/b.zip")
    assert size == len(content)
    assert answer["ETag"].endswith('-2"')
    assert answer["Body"].read() == content


def test_an_upload_that_breaks_leaves_no_parts(aws: Any) -> None:
    def pieces() -> Any:
        yield os.urandom(17 * 1024 * 1024)
        raise ConnectionError("the database is gone")

    with pytest.raises(ConnectionError):
        objects.upload_stream(pieces(), settings.S3_RESULTS_BUCKET, "exports/a/b.zip")
    assert "Uploads" not in s3().list_multipart_uploads(Bucket=settings.S3_RESULTS_BUCKET)
    assert stored() == []


def test_long_exports_do_not_hold_up_mails() -> None:
    assert app.amqp.router.route({}, BUILD_EXPORT)["queue"].name == "gas-archive"


def test_the_file_has_the_account(aws: Any, person: User) -> None:
    body = s3().get_object(Bucket=settings.S3_RESULTS_BUCKET, Key=made(person).key)["Body"].read()
    assert json.loads(zipfile.ZipFile(io.BytesIO(body)).read("account.json"))["email"] == person.email
