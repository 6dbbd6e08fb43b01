"""Promise: in any interleaving, no premium person's result is stranded in Glacier, and nothing is done or paid twice.

Real transactions against each other on PostgreSQL. A worker is held before each of its statements, its commits and
its calls of AWS in turn; meanwhile the other runs, to its end or until it waits for a lock.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from archive.tasks import archive_result, delete_hot_copy, remove_copy
from gas.aws import s3
from gas.jobs.lifecycle import leases
from gas.jobs.models import Job, Purge, Removal, RestoreBatch, ResultFile
from gas.jobs.states import ResultState
from gas.jobs.storage import restoration
from gas.jobs.storage.purge import empty_folders
from gas.subscriptions.changes import set_plan
from gas.subscriptions.models import PlanChange
from gas.users.models import PlanChoice, User
from restore.tasks import poll, request_page, restore_result
from tests.support import races
from tests.support.glacier_standin import StandIn
from tests.support.races import Work, deleting, every_interleaving, other_way_round
from tests.support.results import make_result, put_away

pytestmark = [
    pytest.mark.skipif("sqlite3" in settings.DATABASES["default"]["ENGINE"], reason="SQLite has one writer at a time"),
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("queued"),
]


@pytest.fixture(autouse=True)
def held_at_calls_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call of AWS is a point to be held at, like a statement."""
    send = StandIn.send
    held = races.Held.__call__

    def noted(self: Any) -> Any:
        connection.held_by = self  # type: ignore[attr-defined]
        try:
            return held(self)
        finally:
            del connection.held_by  # type: ignore[attr-defined]

    def step_and_send(self: StandIn, *args: Any, **options: Any) -> Any:
        if mine := getattr(connection, "held_by", None):
            mine._step()
        return send(self, *args, **options)

    monkeypatch.setattr(races.Held, "__call__", noted)
    monkeypatch.setattr(StandIn, "send", step_and_send)


@pytest.fixture
def due(claimed: Callable[..., leases.Claim], tmp_path: Any, person: User) -> Callable[[], ResultFile]:
    """Makes the one result there is: its owner is free, and it is due."""

    def make() -> ResultFile:
        Job.objects.all().delete()
        for model in (Purge, Removal, RestoreBatch, PlanChange):
            model._default_manager.all().delete()
        User.objects.filter(pk=person.pk).update(plan=PlanChoice.FREE)
        return make_result(claimed(), tmp_path)

    return make


@pytest.fixture
def archived(due: Callable[[], ResultFile]) -> Callable[[], ResultFile]:
    def make() -> ResultFile:
        return put_away(due())

    return make


@pytest.fixture
def retrieved(archived: Callable[[], ResultFile], aws: StandIn, person: User) -> Callable[[], ResultFile]:
    """Its owner is premium, and Glacier has it ready to be read."""

    def make() -> ResultFile:
        result = archived()
        set_plan(person, PlanChoice.PREMIUM)
        batch = restoration.restore_all(str(person.pk))
        assert batch is not None
        request_page(batch, list(restoration.to_request(batch).select_related("job")))
        aws.glacier(advance=60)
        poll(batch)
        result.refresh_from_db()
        assert result.retrieval_id
        return result

    return make


def upgrading(person: User) -> Work:
    """An upgrade, and the task that it sends."""

    def upgrade() -> None:
        set_plan(User.objects.get(pk=person.pk), PlanChoice.PREMIUM)
        restoration.restore_all(str(person.pk))

    return upgrade


def settle(aws: StandIn) -> None:
    """Deliver what is on its way until nothing is."""
    for _ in range(3):
        for batch in RestoreBatch.objects.filter(finished_at=None):
            request_page(batch, list(restoration.to_request(batch).select_related("job")))
            aws.glacier(advance=60)
            poll(batch)
        for result in ResultFile.objects.filter(state=ResultState.RESTORING):
            restore_result.apply(args=[str(result.pk)])
        for result in ResultFile.objects.filter(state=ResultState.ARCHIVED):
            delete_hot_copy.apply(args=[str(result.pk)])
        for removal in Removal.objects.all():
            remove_copy.apply(args=[str(removal.pk)])


def done(future: Future[Any]) -> None:
    """A task's own outcome, or the future's: neither may have raised."""
    outcome = future.result()
    if hasattr(outcome, "get"):
        outcome.get()


def whole(result: ResultFile) -> bool:
    return (
        b"".join(s3.stream(settings.S3_RESULTS_BUCKET, result.key)).endswith(b"/")
        and (s3.head(settings.S3_RESULTS_BUCKET, result.key) or s3.ObjectInfo(0, "")).size == result.size
    )


@pytest.mark.parametrize("held", ["archiving", "upgrading"])
def test_an_upgrade_at_any_point_of_the_archival_never_strands_the_result(
    aws: StandIn, due: Callable[[], ResultFile], person: User, held: str
) -> None:
    def prepare() -> tuple[Work, Work]:
        key = str(due().pk)
        return lambda: archive_result.apply(args=[key]), upgrading(person)

    for futures in every_interleaving(prepare if held == "archiving" else other_way_round(prepare)):
        for future in futures:
            done(future)
        settle(aws)
        result = ResultFile.objects.get()
        assert result.state == ResultState.AVAILABLE
        assert whole(result)
        assert result.archive_due_at is None
        assert not aws.archives()


def test_an_upgrade_at_any_point_of_the_hot_copys_deletion_brings_the_result_back(
    aws: StandIn, due: Callable[[], ResultFile], person: User
) -> None:
    def prepare() -> tuple[Work, Work]:
        result = due()
        archive_result.apply(args=[str(result.pk)])

        def upgrade() -> None:
            upgrading(person)()
            settle(aws)

        return lambda: delete_hot_copy.apply(args=[str(result.pk)]), upgrade

    for futures in every_interleaving(prepare):
        for future in futures:
            done(future)
        result = ResultFile.objects.get()
        assert result.state == ResultState.AVAILABLE
        assert whole(result)


def by_two_workers(task: Any, make: Callable[[], ResultFile]) -> Iterator[ResultFile]:
    """What has become of a result whose one message two workers have, at each moment of either's work."""

    def prepare() -> tuple[Work, Work]:
        key = str(make().pk)
        return lambda: task.apply(args=[key]), lambda: task.apply(args=[key])

    for futures in every_interleaving(prepare):
        for future in futures:
            done(future)
        yield ResultFile.objects.get()


def test_of_two_workers_with_one_archive_message_one_archives(aws: StandIn, due: Callable[[], ResultFile]) -> None:
    for result in by_two_workers(archive_result, due):
        assert result.state == ResultState.ARCHIVED
        assert result.job.events.filter(to_state=ResultState.ARCHIVED).count() == 1
        settle(aws)
        assert list(aws.archives()) == [result.archive_id]
        aws.archives()
        Job.objects.all().delete()
        settle(aws)


def test_a_worker_whose_lease_has_expired_and_its_successor_keep_one_archive(
    aws: StandIn, due: Callable[[], ResultFile]
) -> None:
    def prepare() -> tuple[Work, Work]:
        key = str(due().pk)

        def take_over() -> None:
            long_ago = timezone.now() - timedelta(hours=1)
            ResultFile.objects.filter(state=ResultState.ARCHIVING).update(lease_expires_at=long_ago)
            archive_result.apply(args=[key]).get()

        return lambda: archive_result.apply(args=[key]), take_over

    for futures in every_interleaving(prepare):
        for future in futures:
            done(future)
        settle(aws)
        result = ResultFile.objects.get()
        assert result.state == ResultState.ARCHIVED
        assert list(aws.archives()) == [result.archive_id]
        Job.objects.all().delete()
        settle(aws)


def delete_meanwhile(
    aws: StandIn,
    prepare: Callable[[], tuple[ResultFile, Work]],
    turned: bool,
    check: Callable[[], None] = lambda: None,
) -> None:
    """At each moment of the work the job is deleted, or, `turned`, the work is done at each of the deletion's."""

    def both() -> tuple[Work, Work]:
        result, work = prepare()
        return work, deleting(result.job)

    for futures in every_interleaving(other_way_round(both) if turned else both):
        for future in futures:
            done(future)
        assert not Job.objects.exists()
        settle(aws)
        assert not aws.archives()
        check()


@pytest.mark.parametrize("turned", [False, True])
def test_a_job_deleted_while_its_result_is_archived_leaves_no_archive(
    aws: StandIn, due: Callable[[], ResultFile], turned: bool
) -> None:
    def prepare() -> tuple[ResultFile, Work]:
        result = due()
        return result, lambda: archive_result.apply(args=[str(result.pk)])

    delete_meanwhile(aws, prepare, turned)


@pytest.mark.parametrize("turned", [False, True])
def test_a_job_deleted_while_its_result_is_restored_leaves_nothing(
    aws: StandIn, retrieved: Callable[[], ResultFile], turned: bool
) -> None:
    def prepare() -> tuple[ResultFile, Work]:
        result = retrieved()
        return result, lambda: restore_result.apply(args=[str(result.pk)])

    def nothing_in_s3() -> None:
        purge = Purge.objects.get()
        empty_folders(purge.pk)
        assert s3.delete_prefix(settings.S3_RESULTS_BUCKET, purge.result_prefix) == 0

    delete_meanwhile(aws, prepare, turned, nothing_in_s3)


def test_of_two_workers_with_one_restore_one_brings_it_back(aws: StandIn, retrieved: Callable[[], ResultFile]) -> None:
    for result in by_two_workers(restore_result, retrieved):
        assert result.state == ResultState.AVAILABLE
        assert whole(result)
        assert result.job.events.filter(from_state=ResultState.RESTORING).count() == 1


def test_two_chains_of_one_batch_ask_for_one_retrieval(
    aws: StandIn, archived: Callable[[], ResultFile], person: User
) -> None:
    paid = 0

    def prepare() -> tuple[Work, Work]:
        nonlocal paid
        archived()
        set_plan(person, PlanChoice.PREMIUM)
        batch = restoration.restore_all(str(person.pk))
        assert batch is not None
        paid = aws.paid()

        def ask() -> None:
            request_page(batch, list(restoration.to_request(batch).select_related("job")))

        return ask, ask

    for futures in every_interleaving(prepare):
        for future in futures:
            done(future)
        assert aws.paid() == paid + 1


@pytest.mark.parametrize("second", [PlanChoice.PREMIUM, PlanChoice.FREE])
def test_of_two_changes_of_plan_at_once_each_is_whole(
    archived: Callable[[], ResultFile], person: User, second: PlanChoice
) -> None:
    def prepare() -> tuple[Work, Work]:
        archived()
        mine, theirs = User.objects.get(pk=person.pk), User.objects.get(pk=person.pk)
        return lambda: set_plan(mine, PlanChoice.PREMIUM), lambda: set_plan(theirs, second)

    for one, two in every_interleaving(prepare):
        changes = list(PlanChange.objects.values_list("from_plan", "to_plan"))
        upgraded = (PlanChoice.FREE, PlanChoice.PREMIUM)
        back = [(PlanChoice.PREMIUM, PlanChoice.FREE)]
        if second == PlanChoice.PREMIUM:  # the one finds that the other has done it
            assert {one.result(), two.result()} == {True, False}
            assert changes == [upgraded]
        else:
            assert one.result()
            assert changes == [upgraded, *(back if two.result() else [])]
        person.refresh_from_db()
        assert person.plan == changes[-1][1]
