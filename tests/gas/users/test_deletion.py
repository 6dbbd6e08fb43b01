"""Promise: of a deleted account no row, object, archive, session or address is left, and what is under way ends."""

import hashlib
import json
import re
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import TOTP
from allauth.socialaccount.models import SocialAccount
from django.apps import apps
from django.conf import settings
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.core import mail
from django.test import Client
from django.utils import timezone

from annotator.tasks import annotate_job
from archive.tasks import archive_result
from gas.aws.clients import s3
from gas.celery import app
from gas.jobs.lifecycle import leases
from gas.jobs.lifecycle.sweep import sweep
from gas.jobs.models import Job, Purge, Removal, RestoreBatch, ResultFile
from gas.jobs.states import ResultState
from gas.jobs.storage import purge, restoration
from gas.subscriptions.changes import set_plan
from gas.users import deletion
from gas.users.deletion import delete_account
from gas.users.models import PlanChoice, User
from restore.tasks import poll_once, restore_result, start_batch
from tests.support.glacier_standin import StandIn
from tests.support.people import PASSWORD, make_person, signed_in

# Real commits: what follows one is part of the promise. Jobs are queued, and run by the test.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("queued")]

EMAIL = "ada@lab.example"


def objects() -> list[str]:
    """Every key, and every version of one, in both buckets."""
    found = []
    for bucket in (settings.S3_INPUTS_BUCKET, settings.S3_RESULTS_BUCKET):
        found += [item["Key"] for item in s3().list_objects_v2(Bucket=bucket).get("Contents", [])]
        found += [item["Key"] for item in s3().list_object_versions(Bucket=bucket).get("Versions", [])]
    return found


def traces(*names: str) -> Iterator[str]:
    """Every column of every row of every table in which one of `names` stands, and every session that knows it."""
    for model in apps.get_models(include_auto_created=True):
        if not model._meta.managed or model._meta.proxy:
            continue
        for row in model._default_manager.all():
            for field in model._meta.concrete_fields:
                value = str(field.value_from_object(row))
                if isinstance(row, Session) and field.name == "session_data":
                    value = json.dumps(row.get_decoded())
                if any(name in value for name in names):
                    yield f"{model.__name__}.{field.name}: {value}"


def names_of(user: User) -> tuple[str, str, str]:
    return str(user.pk), user.pk.hex, user.email


@pytest.fixture
def delivered() -> Iterator[Callable[[], None]]:
    """From its call on, what is sent is done at once: the workers are back."""

    def deliver() -> None:
        app.conf.task_always_eager = True

    yield deliver
    app.conf.task_always_eager = False


def complete(claim: leases.Claim, *, archived: bool = False) -> ResultFile:
    """A result with its files in S3, or in the vault."""
    body = b"the annotated records" * 100 + claim.prefix.encode()
    files = {"annot.vcf.gz": body, "annot.vcf.gz.tbi": b"i", "log.txt": b"l", "summary.json": b"{}"}
    for name, content in files.items():
        s3().put_object(Bucket=settings.S3_RESULTS_BUCKET, Key=claim.prefix + name, Body=content)
    result = ResultFile(key=claim.prefix + "annot.vcf.gz", index_key=claim.prefix + "annot.vcf.gz.tbi", size=len(body))
    result.sha256 = hashlib.sha256(body).hexdigest()
    leases.complete(claim, result, log_key=claim.prefix + "log.txt", summary={}, preview=[])
    if archived:
        ResultFile.objects.filter(pk=result.pk).update(archive_due_at=timezone.now() - timedelta(seconds=1))
        archive_result.apply(args=[str(result.pk)])
        result.refresh_from_db()
        assert result.state == ResultState.ARCHIVED
    return result


def settle() -> None:
    """Time passes until nothing can be written any more, and the sweep comes by."""
    past = timezone.now() - timedelta(days=1)
    Purge.objects.update(settled_at=past, sent_at=past)
    Removal.objects.update(created_at=past, due_at=past)
    sweep()


def test_nothing_is_left_of_a_full_account_and_everything_of_its_neighbours(
    aws: StandIn,
    person: User,
    stranger: User,
    uploaded: Callable[..., Job],
    pending: Callable[..., Job],
    claimed: Callable[..., leases.Claim],
    delivered: Callable[[], None],
) -> None:
    for archived in (False, True):
        complete(claimed(), archived=archived)
        complete(claimed(owner=stranger), archived=archived)
    claimed()
    pending()
    uploaded()
    theirs, vault = [key for key in objects() if str(stranger.pk) in key], set(aws.archives())
    others_archive = ResultFile.objects.exclude(archive_id="").get(job__owner=stranger).archive_id
    assert len(vault) == 2

    set_plan(person, PlanChoice.PREMIUM, actor=stranger, reason="a trial")
    TOTP.activate(person, "JBSWY3DPEHPK3PXP")
    SocialAccount.objects.create(user=person, provider="globus", uid="sub", extra_data={"email": EMAIL})
    half_done = Client()
    half_done.post("/accounts/login/", {"login": EMAIL, "password": PASSWORD})  # stopped at the second factor
    elsewhere = Client()
    elsewhere.force_login(person, backend="allauth.account.auth_backends.AuthenticationBackend")
    elsewhere.get("/jobs/")
    LogEntry.objects.create(
        user=stranger,
        content_type=ContentType.objects.get_for_model(User),
        object_id=str(person.pk),
        object_repr=EMAIL,
        action_flag=CHANGE,
        change_message=f"Changed the address to {EMAIL}",
    )
    LogEntry.objects.create(
        user=stranger,
        content_type=ContentType.objects.get_for_model(Job),
        object_id=str(Job.objects.filter(owner=person).first().pk),  # type: ignore[union-attr]
        object_repr="patient-jones.vcf (FAILED)",
        action_flag=CHANGE,
    )
    assert len(list(traces(*names_of(person)))) > 20

    delivered()
    delete_account(person)
    assert list(aws.archives()) == [others_archive]
    settle()

    assert list(traces(*names_of(person), "patient-jones")) == []
    assert objects()
    assert sorted(objects()) == sorted(theirs)
    assert User.objects.get() == stranger
    assert elsewhere.get("/jobs/").status_code == 302
    # What staff did stays, and no longer says to whom.
    assert [entry.object_repr for entry in LogEntry.objects.all()] == ["a deleted account"] * 2
    farewell = [sent for sent in mail.outbox if sent.subject == "Your account is deleted"]
    assert [sent.to for sent in farewell] == [[EMAIL]]


def test_an_archive_that_could_not_be_removed_at_once_is_removed_by_the_sweep(
    aws: StandIn, person: User, claimed: Callable[..., leases.Claim], delivered: Callable[[], None]
) -> None:
    complete(claimed(), archived=True)
    delete_account(person)  # nobody hears the messages
    assert len(aws.archives()) == 1
    assert objects()
    delivered()
    settle()
    assert not aws.archives()
    assert not objects()
    assert list(traces(*names_of(person))) == []


def test_a_worker_that_has_a_job_of_the_account_ends_and_leaves_nothing(
    aws: StandIn,
    person: User,
    pending: Callable[..., Job],
    delivered: Callable[[], None],
    settings: Any,
    tmp_path: Any,
    monkeypatch: Any,
) -> None:
    """The account goes when the worker has its results ready, and is about to say so."""
    settings.WORK_DIR = tmp_path
    job = pending()
    real = leases.complete
    seen: list[bool] = []

    def late(claim: leases.Claim, *args: Any, **kwargs: Any) -> None:
        assert any(claim.prefix in key for key in objects())
        delete_account(person)
        seen.append(True)
        real(claim, *args, **kwargs)

    monkeypatch.setattr(leases, "complete", late)
    delivered()
    annotate_job.delay(str(job.pk))
    assert seen
    settle()
    assert not objects()
    assert list(traces(*names_of(person))) == []
    assert list(tmp_path.iterdir()) == []


def test_a_restore_of_the_account_ends_and_leaves_nothing(
    aws: StandIn,
    person: User,
    claimed: Callable[..., leases.Claim],
    delivered: Callable[[], None],
    monkeypatch: Any,
) -> None:
    """The account goes when the bytes are back in S3, and the worker is about to say so."""
    result = complete(claimed(), archived=True)
    set_plan(person, PlanChoice.PREMIUM)
    batch = restoration.restore_all(str(person.pk))
    assert batch
    start_batch.apply(args=[str(batch.pk)])
    poll_once.apply(args=[str(batch.pk)])
    aws.glacier(advance=60)
    ResultFile.objects.exclude(retrieval_id="").get()
    real = restoration.restored

    def late(claim: restoration.RestoreClaim) -> None:
        delete_account(person)
        real(claim)

    monkeypatch.setattr(restoration, "restored", late)
    delivered()
    restore_result.apply(args=[str(result.pk)])
    poll_once.apply(args=[str(batch.pk)])
    settle()
    assert not aws.archives()
    assert not objects()
    assert not RestoreBatch.objects.exists()
    assert list(traces(*names_of(person))) == []


def test_a_message_about_what_was_theirs_does_nothing(
    aws: StandIn, person: User, pending: Callable[..., Job], claimed: Callable[..., leases.Claim], delivered: Any
) -> None:
    job, result = pending(), complete(claimed(), archived=True)
    delete_account(person)
    delivered()
    annotate_job.delay(str(job.pk))
    archive_result.delay(str(result.pk))
    restore_result.delay(str(result.pk))
    purge.empty_folders(0)
    settle()
    assert not objects()
    assert not aws.archives()


NEIGHBOURS = ["ann@lab.example", "x.nn@lab.example", "x-nn@lab.example", "nn@lab.example.org", "nn@lab.example-2.org"]


@pytest.mark.parametrize("neighbour", NEIGHBOURS)
def test_whose_address_merely_contains_theirs_stays_signed_in_and_in_the_log(
    stranger: User, browser_of: Callable[[User], Client], neighbour: str
) -> None:
    gone, ann = make_person("nn@lab.example"), make_person(neighbour)
    client, half_done = browser_of(ann), Client()
    half_done.post("/accounts/login/code/", {"email": neighbour})
    before = [logged(stranger, repr=neighbour), logged(stranger, message=f"Told {neighbour}, again.")]
    delete_account(gone)
    assert client.get("/profile/").status_code == 200
    assert half_done.get("/accounts/login/code/confirm/").status_code == 200
    assert list(LogEntry.objects.order_by("pk").values_list("object_repr", "change_message")) == before


def logged(staff: User, *, repr: str = "", message: str = "") -> tuple[str, str]:  # noqa: A002  (the log's name)
    LogEntry.objects.create(user=staff, object_repr=repr, change_message=message, action_flag=CHANGE)
    return repr, message


def test_their_other_addresses_are_forgotten_too_but_not_those_that_are_anothers(
    person: User, stranger: User, browser_of: Callable[[User], Client]
) -> None:
    """Anybody can add an address that is not theirs, and never confirm it."""
    person.emailaddress_set.create(email="ada@home.example", verified=True)
    person.emailaddress_set.create(email=stranger.email, verified=False)
    logged(stranger, repr="Ada@Home.example")
    logged(stranger, message="Wrote to <ada@home.example>.")
    kept = logged(stranger, message=f"Wrote to {stranger.email}.")
    half_done = Client()
    half_done.post("/accounts/login/code/", {"email": "ada@home.example"})
    others = browser_of(stranger)
    delete_account(person)
    assert not list(traces("ada@home.example", "Ada@Home.example"))
    assert others.get("/profile/").status_code == 200
    assert list(LogEntry.objects.order_by("pk").values_list("object_repr", "change_message")) == [
        ("a deleted account", ""),
        ("a deleted account", ""),
        kept,
    ]


# --- The page


@pytest.fixture
def sure(aws: StandIn, client: Client) -> Client:
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    return client


def test_the_password_is_asked_for_before_the_page_is_shown(client: Client) -> None:
    for send in (client.get, client.post):
        answer = send("/profile/delete/", {"email": EMAIL})
        assert answer.status_code == 302
        assert answer["Location"].startswith("/accounts/reauthenticate/")
    assert User.objects.exists()


def test_looking_at_the_page_deletes_nothing(sure: Client) -> None:
    assert b"Delete everything" in sure.get("/profile/delete/", {"email": EMAIL}).content
    assert User.objects.exists()


@pytest.mark.parametrize("typed", ["", "ada", "eve@lab.example"])
def test_the_address_must_be_typed(sure: Client, typed: str) -> None:
    sure.post("/profile/delete/", {"email": typed})
    assert User.objects.exists()


def test_who_types_it_is_gone_signed_out_and_told(sure: Client) -> None:
    answer = sure.post("/profile/delete/", {"email": EMAIL.upper()}, follow=True)
    assert answer.redirect_chain == [("/", 302)]
    assert b"is deleted" in answer.content
    assert not User.objects.exists()
    assert sure.get("/profile/").status_code == 302
    assert not list(traces(EMAIL))


def test_a_hook_that_cannot_do_its_part_keeps_the_account_whole(sure: Client, monkeypatch: Any) -> None:
    def stuck(user: User) -> None:
        raise RuntimeError("the payment service does not answer")

    monkeypatch.setattr(deletion, "before_deletion", [*deletion.before_deletion, stuck])
    sure.raise_request_exception = False
    assert sure.post("/profile/delete/", {"email": EMAIL}).status_code == 500
    assert User.objects.exists()
    assert sure.get("/profile/").status_code == 200


def test_staff_do_not_delete_themselves_with_their_log(sure: Client, person: User) -> None:
    User.objects.update(is_staff=True)
    sure.post("/profile/delete/", {"email": EMAIL})
    assert User.objects.exists()


def test_nor_do_those_who_were_staff_once(sure: Client, person: User, stranger: User) -> None:
    """Django deletes the log's entries with who made them."""
    logged(person, repr=stranger.email)
    assert b"the log of it" in sure.get("/profile/delete/", follow=True).content
    sure.post("/profile/delete/", {"email": EMAIL})
    assert User.objects.filter(pk=person.pk).exists()
    assert LogEntry.objects.exists()
    LogEntry.objects.all().delete()
    sure.post("/profile/delete/", {"email": EMAIL})
    assert not User.objects.filter(pk=person.pk).exists()


@pytest.mark.parametrize("by", ["page", "list"])
def test_nor_does_the_log_go_when_staff_delete_who_were_staff_once(person: User, stranger: User, by: str) -> None:
    User.objects.filter(pk=stranger.pk).update(is_staff=True, is_superuser=True)
    logged(person, repr="what they did")
    staff = signed_in(stranger)
    if by == "page":
        staff.post(f"/admin/users/user/{person.pk}/delete/", {"post": "yes"})
    else:
        body = {"action": "delete_selected", "_selected_action": [str(person.pk)], "post": "yes"}
        staff.post("/admin/users/user/", body)
    assert User.objects.filter(pk=person.pk).exists()
    assert LogEntry.objects.filter(user=person).exists()


def test_who_has_nothing_to_be_asked_for_must_have_signed_in_lately(aws: StandIn, monkeypatch: Any) -> None:
    user = make_person("globus@lab.example")
    user.set_unusable_password()
    user.save()
    client = Client()
    client.post("/accounts/login/code/", {"email": user.email})
    code = re.search(r"^ +(\S+)$", str(mail.outbox[-1].body), re.MULTILINE)
    assert code
    client.post("/accounts/login/code/confirm/", {"code": code[1]})
    later = time.time() + 301
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda: later)
        assert b"sign in again" in client.get("/profile/delete/").content
        client.post("/profile/delete/", {"email": user.email})
        assert User.objects.exists()
    client.post("/profile/delete/", {"email": user.email})
    assert not User.objects.exists()


def test_staff_delete_an_account_as_thoroughly(
    aws: StandIn, person: User, stranger: User, claimed: Callable[..., leases.Claim], delivered: Callable[[], None]
) -> None:
    User.objects.filter(pk=stranger.pk).update(is_staff=True, is_superuser=True)
    complete(claimed(), archived=True)
    staff = signed_in(stranger)
    delivered()
    staff.post(f"/admin/users/user/{person.pk}/delete/", {"post": "yes"})
    settle()
    assert not User.objects.filter(pk=person.pk).exists()
    assert not objects()
    assert not aws.archives()
    assert mail.outbox[-1].to == [EMAIL]
    Session.objects.all().delete()  # the page tells staff again whom they deleted
    assert list(traces(*names_of(person))) == []
