"""Storage in the admin site: what staff see, what they can do, and that it is written down who did it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core import mail
from django.test import Client
from django.utils import timezone

from gas.aws import clients
from gas.jobs.mails.notices import give_up_old
from gas.jobs.models import Job, Notice, Removal, RestoreBatch, ResultFile
from gas.jobs.staff import overview as rules
from gas.jobs.states import JobStatus, ResultState
from gas.subscriptions.changes import set_plan
from gas.subscriptions.models import PlanChange
from gas.users.models import PlanChoice, User
from tests.support.people import make_person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("aws")]

RESULTS = "/admin/jobs/resultfile/"
NOTICES = "/admin/jobs/notice/"


@pytest.fixture
def client(staff: User, browser_of: Callable[[User], Client]) -> Client:
    return browser_of(staff)


@pytest.fixture
def make(person: User) -> Callable[..., ResultFile]:
    def result(state: str = "AVAILABLE", *, name: str = "a.vcf", **fields: Any) -> ResultFile:
        job = Job.objects.create(owner=person, name=name, reference="rCRS", status=JobStatus.COMPLETED)
        values = {"key": "r/k", "index_key": "r/i", "size": 1024, "sha256": "0" * 64, **fields}
        return ResultFile.objects.create(job=job, state=state, **values)

    return result


def act(client: Client, address: str, action: str, *rows: Any) -> str:
    body = {"action": action, "_selected_action": [str(row.pk) for row in rows]}
    return client.post(address, body, follow=True).content.decode()


def ago(**span: float) -> Any:
    return timezone.now() - timedelta(**span)


# --- What is seen


def test_the_overview_counts_each_state_with_its_size(make: Callable[..., ResultFile]) -> None:
    make("ARCHIVED")
    make("ARCHIVED")
    make("AVAILABLE")
    found = {row["state"]: (row["count"], row["size"]) for row in rules.overview()["states"]}
    assert found == {"AVAILABLE": (1, 1024), "ARCHIVING": (0, 0), "ARCHIVED": (2, 2048), "RESTORING": (0, 0)}


def test_what_stands_still_is_found_with_its_reason_and_age(make: Callable[..., ResultFile], person: User) -> None:
    old = RestoreBatch.objects.create(owner=person)
    RestoreBatch.objects.update(created_at=ago(days=2))
    wanted = {
        make("ARCHIVING", lease_expires_at=ago(hours=1)).pk: "no other has taken it",
        make("AVAILABLE", archive_due_at=ago(hours=1)).pk: "Due to be archived",
        make("ARCHIVED", archived_at=ago(hours=1)).pk: "still there",
        make("RESTORING", batch=old).pk: "Not back",
        make("RESTORING", retrieval_asked_at=ago(hours=1)).pk: "without a batch",
        make(
            "ARCHIVED", archived_at=ago(days=3), hot_deleted_at=ago(days=3), problem="Given up.", batch=old
        ).pk: "Given",
    }
    for fine in (
        {"state": "ARCHIVING", "lease_expires_at": ago(seconds=-30)},
        {"state": "AVAILABLE", "archive_due_at": ago(seconds=-30)},
        {"state": "ARCHIVED", "archived_at": ago(days=3), "hot_deleted_at": ago(days=3)},
        {"state": "RESTORING", "batch": RestoreBatch.objects.create(owner=person)},
    ):
        make(**fine)  # type: ignore[arg-type]
    found = rules.overview()
    assert found["stuck_count"] == len(wanted)
    assert {one.result.pk for one in found["stuck"]} == set(wanted)
    for one in found["stuck"]:
        assert wanted[one.result.pk] in one.why
        assert one.since is not None
        assert one.since < ago(minutes=30)


def test_the_page_shows_states_prices_dead_letters_and_what_stands_still(
    client: Client, make: Callable[..., ResultFile]
) -> None:
    sqs = clients.sqs()
    url = sqs.create_queue(QueueName="gas-archive-dead")["QueueUrl"]
    for _ in range(3):
        sqs.send_message(QueueUrl=url, MessageBody="x")
    make("ARCHIVED", name="stuck.vcf", problem="Glacier says that there is no such archive.", size=10 * 1000**3)
    Removal.objects.create(route="vault", copy_id="x")
    Removal.objects.update(due_at=ago(hours=1))
    page = " ".join(client.get(RESULTS).content.decode().split())
    assert "gas-archive-dead</th><td>3<" in page
    assert "gas-restore-dead</th><td>SQS does not answer<" in page  # this one was not made
    assert "Standard about $0.10, ready in 3–5 hours" in page
    assert "no such archive" in page
    assert "1 unneeded archive is still in Glacier" in page


# --- What is done


@pytest.mark.usefixtures("queued")
def test_archive_now_makes_due_what_may_be_archived_and_names_who_asked(
    client: Client, staff: User, make: Callable[..., ResultFile]
) -> None:
    later = timezone.now() + timedelta(days=3)
    wanted, archived = make(archive_due_at=later), make("ARCHIVED")
    page = act(client, RESULTS, "archive_now", wanted, archived)
    wanted.refresh_from_db()
    assert wanted.archive_due_at is not None
    assert wanted.archive_due_at <= timezone.now()
    assert "1 of 2 results are on their way" in page
    (event,) = wanted.job.events.all()
    assert event.actor == staff
    assert not archived.job.events.exists()


@pytest.mark.usefixtures("queued")
def test_archive_now_leaves_a_premium_persons_results(
    client: Client, person: User, make: Callable[..., ResultFile]
) -> None:
    result = make()
    set_plan(person, PlanChoice.PREMIUM)
    assert "0 of 1 results" in act(client, RESULTS, "archive_now", result)
    result.refresh_from_db()
    assert result.archive_due_at is None


@pytest.mark.usefixtures("queued")
def test_restore_now_brings_back_a_free_persons_result_and_names_who_asked(
    client: Client, staff: User, make: Callable[..., ResultFile]
) -> None:
    archived, available = make("ARCHIVED"), make()
    # The list is filtered by the state that the action changes.
    page = act(client, f"{RESULTS}?state__exact=ARCHIVED", "restore_now", archived)
    archived.refresh_from_db()
    assert (archived.state, archived.batch is not None) == (ResultState.RESTORING, True)
    assert "1 of 1 results are on their way back" in page
    (event,) = archived.job.events.all()
    assert (event.actor, event.to_state) == (staff, "RESTORING")
    assert "0 of 1 results" in act(client, RESULTS, "restore_now", available)


@pytest.mark.usefixtures("queued")
def test_who_may_only_look_can_do_nothing(
    make: Callable[..., ResultFile], browser_of: Callable[[User], Client], person: User
) -> None:
    looker = make_person("looker@gas.example")
    User.objects.filter(pk=looker.pk).update(is_staff=True)
    for codename in ("view_resultfile", "view_notice", "view_user"):
        looker.user_permissions.add(Permission.objects.get(codename=codename))
    client = browser_of(looker)
    archived = make("ARCHIVED")
    notice = Notice.objects.create(owner=person, kind="restored", given_up_at=timezone.now())
    assert "a.vcf" in client.get(RESULTS).content.decode()
    act(client, RESULTS, "restore_now", archived)
    act(client, NOTICES, "send_again", notice)
    grant = {"action": "grant", "_selected_action": str(person.pk), "until": "2099-01-01", "reason": "a friend"}
    client.post("/admin/users/user/", grant)
    for row in (archived, notice, person):
        row.refresh_from_db()
    assert archived.state == ResultState.ARCHIVED
    assert notice.given_up_at is not None
    assert person.plan == PlanChoice.FREE


def test_a_state_cannot_be_typed_in_and_a_result_not_deleted_by_itself(
    client: Client, make: Callable[..., ResultFile]
) -> None:
    result = make("ARCHIVED")
    assert client.post(f"{RESULTS}{result.pk}/change/", {"state": "AVAILABLE"}).status_code == 403
    assert client.post(f"{RESULTS}{result.pk}/delete/", {"post": "yes"}).status_code == 403
    act(client, RESULTS, "delete_selected", result)
    assert ResultFile.objects.get().state == ResultState.ARCHIVED


def test_mails_that_were_given_up_can_be_sent_again(
    client: Client, staff: User, person: User, make: Callable[..., ResultFile], django_capture_on_commit_callbacks: Any
) -> None:
    job = make().job
    facts = {"count": 2, "missing": 0}
    old = {"created_at": ago(days=9), "tries": 40, "given_up_at": ago(days=6)}
    back = Notice.objects.create(owner=person, kind="restored", facts=facts)
    done = Notice.objects.create(owner=person, kind="completed", job=job, sent_at=timezone.now())
    Notice.objects.filter(pk=back.pk).update(**old)
    with django_capture_on_commit_callbacks(execute=True):
        page = act(client, NOTICES, "send_again", back, done)
    back.refresh_from_db()
    assert "1 of 2 mails" in page
    assert (back.given_up_at, back.tries) == (None, 1)
    assert back.sent_at is not None
    assert [message.subject for message in mail.outbox] == ["Your 2 results are back"]


@pytest.mark.usefixtures("queued")
def test_sending_the_mail_of_a_job_again_is_in_its_timeline(
    client: Client, staff: User, person: User, make: Callable[..., ResultFile]
) -> None:
    job = make().job
    notice = Notice.objects.create(owner=person, kind="completed", job=job, given_up_at=timezone.now())
    Notice.objects.update(created_at=ago(days=9))
    act(client, NOTICES, "send_again", notice)
    assert [event.actor for event in job.events.all()] == [staff]
    give_up_old(timezone.now())  # not at once, before it could be tried
    notice.refresh_from_db()
    assert notice.given_up_at is None


# --- Deleting


def everything(make: Callable[..., ResultFile], person: User, staff: User) -> ResultFile:
    batch = RestoreBatch.objects.create(owner=person)
    result = make("ARCHIVED", batch=batch, archive_route="vault", archive_id="the archive")
    result.job.events.create(message="x", actor=staff)
    Notice.objects.create(owner=person, kind="completed", job=result.job)
    Notice.objects.create(owner=person, kind="restored", facts={"count": 1})
    PlanChange.objects.create(user=person, from_plan="free", to_plan="premium", actor=staff)
    return result


@pytest.mark.usefixtures("queued")
@pytest.mark.parametrize("by", ["page", "list"])
@pytest.mark.parametrize("what", ["job", "person"])
def test_a_job_or_a_person_can_be_deleted_with_all_that_is_theirs(
    client: Client, staff: User, person: User, make: Callable[..., ResultFile], what: str, by: str
) -> None:
    job = everything(make, person, staff).job
    row, address = {"job": (job, "/admin/jobs/job/"), "person": (person, "/admin/users/user/")}[what]
    if by == "page":
        asked = client.get(f"{address}{row.pk}/delete/").content.decode()
        assert "Yes, I’m sure" in asked, asked  # and not "your account doesn't have permission"
        client.post(f"{address}{row.pk}/delete/", {"post": "yes"})
    else:
        body = {"action": "delete_selected", "_selected_action": [str(row.pk)], "post": "yes"}
        client.post(address, body)
    assert not Job.objects.exists()
    assert not ResultFile.objects.exists()
    assert User.objects.filter(pk=person.pk).exists() is (what == "job")
    assert PlanChange.objects.exists() is (what == "job")
    assert Removal.objects.get().copy_id == "the archive"


def test_every_page_of_the_admin_site_opens(
    client: Client, staff: User, person: User, make: Callable[..., ResultFile]
) -> None:
    result = everything(make, person, staff)
    notice, change = Notice.objects.first(), PlanChange.objects.get()
    assert notice is not None
    for address in (
        "/admin/",
        RESULTS,
        f"{RESULTS}{result.pk}/change/",
        NOTICES,
        f"{NOTICES}{notice.pk}/change/",
        f"/admin/jobs/job/{result.job.pk}/change/",
        "/admin/users/user/",
        f"/admin/users/user/{person.pk}/change/",
        "/admin/users/user/add/",
        "/admin/subscriptions/planchange/",
        f"/admin/subscriptions/planchange/{change.pk}/change/",
    ):
        assert client.get(address).status_code == 200, address
