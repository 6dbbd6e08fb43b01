"""Each check that keeps a worker from touching what is no longer its own, one by one and without AWS.

What a worker may do depends on its token, the state and the times of the row. Here one of these is wrong at a time.
"""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction

from gas import clock
from gas.aws.archives import StoredArchive
from gas.jobs.lifecycle import leases
from gas.jobs.models import Job, JobEvent, Notice, Removal, RestoreBatch, ResultFile, TableBuild
from gas.jobs.moves import IllegalTransition, LostRace, move_results
from gas.jobs.outputs import PARQUET, TSV, StoredOutput
from gas.jobs.staff import overview as staff_actions
from gas.jobs.states import JobStatus, ResultState
from gas.jobs.storage import archival, restoration, tables
from gas.subscriptions.models import PlanChange
from gas.tasknames import DELETE_HOT_COPY, RESTORE_RESULT, SEND_NOTICE, START_BATCH
from gas.users.locks import lock_owner
from gas.users.models import PlanChoice, User

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("queued")]

MINE, OTHER = uuid.UUID(int=1), uuid.UUID(int=2)
ARCHIVE = StoredArchive("new-archive", size=1, sha256="0" * 64, tree_hash="hash", route="vault")


def at(seconds: float) -> Any:
    """Return the time some seconds from now."""
    return clock.now() + timedelta(seconds=seconds)


@pytest.fixture
def job(person: User) -> Callable[..., Any]:
    """Makes a job that the worker with MINE has, unless told otherwise."""

    def make(**fields: Any) -> Job:
        values = {"status": JobStatus.RUNNING, "lease_token": MINE, "lease_expires_at": at(30), "attempts": 1, **fields}
        return Job.objects.create(owner=person, name="sample.vcf", reference="rCRS", **values)

    return make


@pytest.fixture
def result(job: Callable[..., Any]) -> Callable[..., Any]:
    """Makes a result in a state, which the worker with MINE has."""

    def make(state: ResultState, **fields: Any) -> Any:
        owner = job(status=JobStatus.COMPLETED, lease_token=None, lease_expires_at=None)
        values = {"lease_token": MINE, "lease_expires_at": at(30), "size": 1, "sha256": "0" * 64, **fields}
        return ResultFile.objects.create(job=owner, state=state, key=f"{owner.result_prefix}k/annot.vcf.gz", **values)

    return make


@pytest.fixture
def archiving(result: Callable[..., Any]) -> Callable[..., Any]:
    return lambda **fields: result(ResultState.ARCHIVING, **{"archive_due_at": at(-1), **fields})


@pytest.fixture
def restoring(result: Callable[..., Any], person: User) -> Callable[..., Any]:
    """Makes a result on its way back, whose retrieval is done."""

    def make(**fields: Any) -> Any:
        batch = RestoreBatch.objects.create(owner=person, tiers=["Standard"])
        asked = {"retrieval_id": "r", "retrieval_tier": "Standard", "retrieval_asked_at": at(-60)}
        archive = {"archive_route": "vault", "archive_id": "old-archive", "archived_at": at(-600)}
        return result(ResultState.RESTORING, **{**archive, **asked, "batch": batch, **fields})

    return make


def fresh(row: Any) -> Any:
    return type(row)._default_manager.get(pk=row.pk)


def batch_of(result: ResultFile) -> RestoreBatch:
    return RestoreBatch.objects.get(results=result)


def removals() -> set[str]:
    return set(Removal.objects.values_list("copy_id", flat=True))


# --- The lease on a job


@pytest.mark.parametrize(
    ("row", "held"),
    [({}, True), ({"lease_token": OTHER}, False), ({"status": JobStatus.CANCELLED}, False)],
)
def test_only_the_holder_of_a_running_job_renews_its_lease(job: Callable[..., Any], row: Any, held: bool) -> None:
    mine = job(**row)
    before = mine.lease_expires_at
    assert leases.renew(leases.Claim(mine, MINE), stage="annotate", records_done=7) is held
    mine.refresh_from_db()
    assert (mine.lease_expires_at > before, mine.stage, mine.records_done) == (held, "annotate" * held, 7 * held)
    if held:
        assert (mine.lease_expires_at - clock.now()).total_seconds() == pytest.approx(settings.LEASE_SECONDS, abs=5)


def test_an_attempt_is_kept_if_its_result_or_its_log_is_named(
    job: Callable[..., Any], result: Callable[..., Any]
) -> None:
    failed = job(status=JobStatus.FAILED)
    claim = leases.Claim(failed, MINE)
    assert not leases.is_kept(claim)
    Job.objects.filter(pk=failed.pk).update(log_key=f"{claim.prefix}log.txt")
    assert leases.is_kept(claim)
    assert not leases.is_kept(leases.Claim(failed, OTHER))
    completed = result(ResultState.AVAILABLE)
    theirs = leases.Claim(completed.job, MINE)
    assert not leases.is_kept(theirs)
    ResultFile.objects.filter(pk=completed.pk).update(key=f"{theirs.prefix}annot.vcf.gz")
    assert leases.is_kept(theirs)


@pytest.mark.parametrize(("expires", "taken"), [(-1, True), (5, False)])
def test_a_job_is_taken_back_only_when_its_lease_has_expired(
    job: Callable[..., Any], expires: float, taken: bool
) -> None:
    row = job(lease_expires_at=at(expires))
    if taken:
        leases.take_back(row)
    else:
        with pytest.raises(LostRace):
            leases.take_back(row)
    assert (fresh(row).status == JobStatus.PENDING) is taken


def test_a_job_that_is_claimed_twice_is_had_once(job: Callable[..., Any]) -> None:
    row = job(status=JobStatus.PENDING, lease_token=None, lease_expires_at=None, sent_at=at(-1), submitted_at=at(-1))
    one, two = leases.claim(row.pk), leases.claim(row.pk)
    assert one is not None
    assert two is None
    assert fresh(row).lease_token == one.token


# --- The lease on a result that is being archived


@pytest.mark.parametrize(
    ("row", "held"), [({}, True), ({"lease_token": OTHER}, False), ({"state": ResultState.AVAILABLE}, False)]
)
def test_only_the_holder_renews_an_archival(archiving: Callable[..., Any], row: Any, held: bool) -> None:
    mine, another = archiving(), archiving()  # a renewal names its row, not a token alone
    ResultFile.objects.filter(pk=mine.pk).update(**row)
    before = mine.lease_expires_at
    assert archival.renew(archival.ArchiveClaim(mine, MINE)) is held
    assert (fresh(mine).lease_expires_at > before) is held
    assert fresh(another).lease_expires_at == another.lease_expires_at


@pytest.mark.parametrize("row", [{"lease_token": OTHER}, {"state": ResultState.AVAILABLE}])
def test_an_archive_whose_lease_was_lost_is_removed_and_the_row_stays(archiving: Callable[..., Any], row: Any) -> None:
    mine = archiving()
    ResultFile.objects.filter(pk=mine.pk).update(**row)
    before = ResultFile.objects.filter(pk=mine.pk).values().get()
    with pytest.raises(LostRace):
        archival.stored(archival.ArchiveClaim(mine, MINE), ARCHIVE)
    assert ResultFile.objects.filter(pk=mine.pk).values().get() == before
    assert removals() == {"new-archive"}


def test_an_archive_of_a_deleted_result_is_removed(archiving: Callable[..., Any]) -> None:
    mine = archiving()
    claim = archival.ArchiveClaim(mine, MINE)
    ResultFile.objects.filter(pk=mine.pk).delete()
    with pytest.raises(LostRace):
        archival.stored(claim, ARCHIVE)
    assert removals() == {"new-archive"}


@pytest.mark.parametrize(("premium", "due"), [(True, -1), (False, None), (True, None)])
def test_an_archive_is_not_kept_when_the_plan_has_changed(
    archiving: Callable[..., Any], person: User, premium: bool, due: float | None
) -> None:
    mine = archiving(archive_due_at=None if due is None else at(due))
    User.objects.filter(pk=person.pk).update(plan=PlanChoice.PREMIUM if premium else PlanChoice.FREE)
    assert archival.stored(archival.ArchiveClaim(mine, MINE), ARCHIVE) is False
    row = fresh(mine)
    assert (row.state, row.archive_id, row.lease_token, row.lease_expires_at) == (ResultState.AVAILABLE, "", None, None)
    assert row.archive_due_at is None
    assert removals() == {"new-archive"}


def test_an_archive_that_is_kept_is_written_down_whole(archiving: Callable[..., Any], sends: Any) -> None:
    mine = archiving(hot_deleted_at=at(-9), faults=2)
    TableBuild.objects.create(result=mine)
    with sends() as sent:
        assert archival.stored(archival.ArchiveClaim(mine, MINE), ARCHIVE) is True
    assert (DELETE_HOT_COPY, (str(mine.pk),), 0) in sent
    row = fresh(mine)
    assert (row.state, row.archive_route, row.archive_id) == (ResultState.ARCHIVED, "vault", "new-archive")
    assert (row.archive_tree_hash, row.archive_due_at, row.hot_deleted_at) == ("hash", None, None)
    assert (row.lease_token, row.lease_expires_at) == (None, None)
    assert row.archived_at is not None
    assert row.faults == 0
    assert not TableBuild.objects.exists()
    assert removals() == {mine.key_of(TSV), mine.key_of(PARQUET)}  # a worker may still be writing them


@pytest.mark.parametrize("renewed", [{"lease_expires_at": 30}, {"lease_token": OTHER}])
def test_an_archival_that_goes_on_is_not_interrupted(archiving: Callable[..., Any], renewed: Any) -> None:
    """The lease was seen expired, and was renewed or taken before the row was changed."""
    seen = archiving(lease_expires_at=at(-1))
    change = {name: at(value) if name == "lease_expires_at" else value for name, value in renewed.items()}
    ResultFile.objects.filter(pk=seen.pk).update(**change)
    with pytest.raises(LostRace), transaction.atomic():
        archival.interrupted(seen)
    assert fresh(seen).state == ResultState.ARCHIVING


@pytest.mark.parametrize(
    ("route", "state", "token", "removed"),
    [
        ("class", ResultState.ARCHIVING, MINE, True),
        ("class", ResultState.ARCHIVING, None, False),
        ("class", ResultState.AVAILABLE, MINE, False),
        ("vault", ResultState.ARCHIVING, MINE, False),  # the vault alone knows the archive's id
    ],
)
def test_what_an_interrupted_archival_may_have_stored_is_removed_where_its_name_is_known(
    result: Callable[..., Any], settings: Any, route: str, state: ResultState, token: Any, removed: bool
) -> None:
    settings.ARCHIVE_ROUTE = route
    mine = result(state, lease_token=token)
    archival.forget_attempt(mine)
    found = list(Removal.objects.values_list("route", "copy_id"))
    assert found == ([("class", f"archive/{mine.job.owner_id}/{mine.job_id}/{MINE}")] if removed else [])
    assert all(one.due_at > clock.now() for one in Removal.objects.all())  # its call may still be on its way


@pytest.mark.parametrize(
    ("state", "row", "claimed"),
    [
        (ResultState.AVAILABLE, {}, True),
        (ResultState.AVAILABLE, {"archive_due_at": 5}, False),
        (ResultState.AVAILABLE, {"archive_due_at": None}, False),
        (ResultState.ARCHIVING, {"lease_expires_at": 5}, False),
        (ResultState.ARCHIVING, {"lease_expires_at": -1}, True),
        (ResultState.ARCHIVED, {}, False),
        (ResultState.RESTORING, {}, False),
    ],
)
def test_a_result_is_claimed_for_archiving_when_it_is_due_and_free(
    result: Callable[..., Any], state: ResultState, row: Any, claimed: bool
) -> None:
    times = {"archive_due_at": -1, "lease_expires_at": -1, **row}
    mine = result(state, **{name: None if value is None else at(value) for name, value in times.items()})
    claim = archival.claim(mine.pk)
    assert (claim is not None) is claimed
    after = fresh(mine)
    if claim is None:
        assert (after.state, after.lease_token) == (state, MINE)
    else:
        assert (after.state, after.lease_token) == (ResultState.ARCHIVING, claim.token)
        assert claim.token not in {MINE, OTHER}
        assert (after.lease_expires_at - clock.now()).total_seconds() == pytest.approx(settings.LEASE_SECONDS, abs=5)


def test_a_premium_persons_result_is_not_claimed_and_not_due_any_more(result: Callable[..., Any], person: User) -> None:
    mine = result(ResultState.AVAILABLE, archive_due_at=at(-1))
    User.objects.filter(pk=person.pk).update(plan=PlanChoice.PREMIUM)
    assert archival.claim(mine.pk) is None
    assert fresh(mine).archive_due_at is None


# --- The lease on a result that is being restored


@pytest.mark.parametrize(
    ("row", "held"), [({}, True), ({"lease_token": OTHER}, False), ({"state": ResultState.ARCHIVED}, False)]
)
def test_only_the_holder_renews_a_restore(restoring: Callable[..., Any], row: Any, held: bool) -> None:
    mine, another = restoring(), restoring()
    ResultFile.objects.filter(pk=mine.pk).update(**row)
    before = mine.lease_expires_at
    assert restoration.renew(restoration.RestoreClaim(mine, MINE)) is held
    assert (fresh(mine).lease_expires_at > before) is held
    assert fresh(another).lease_expires_at == another.lease_expires_at


def test_a_restore_whose_lease_was_taken_changes_nothing(restoring: Callable[..., Any]) -> None:
    """Its successor has the lease, and the copy of the first is about to be removed: it must not become the result."""
    mine = restoring()
    ResultFile.objects.filter(pk=mine.pk).update(lease_token=OTHER)
    before = ResultFile.objects.filter(pk=mine.pk).values().get()
    with pytest.raises(LostRace):
        restoration.restored(restoration.RestoreClaim(mine, MINE))
    assert ResultFile.objects.filter(pk=mine.pk).values().get() == before
    assert not removals()
    assert batch_of(mine).restored == 0


def test_a_restore_of_a_deleted_result_ends(restoring: Callable[..., Any]) -> None:
    mine = restoring()
    claim = restoration.RestoreClaim(mine, MINE)
    ResultFile.objects.filter(pk=mine.pk).delete()
    with pytest.raises(LostRace):
        restoration.restored(claim)
    assert not removals()


@pytest.mark.parametrize("keeps", [True, False])
@pytest.mark.parametrize("had_tables", [True, False])
def test_a_restored_result_is_written_down_whole(
    restoring: Callable[..., Any], settings: Any, keeps: bool, had_tables: bool
) -> None:
    settings.ARCHIVE_KEEP_RESTORED = keeps
    mine = restoring(hot_deleted_at=at(-9), retrieval_tries=1, restore_sent_at=at(-9), tsv_size=5, parquet_size=6)
    ResultFile.objects.filter(pk=mine.pk).update(stats_size=4 if had_tables else None)
    claim = restoration.RestoreClaim(mine, MINE)
    restoration.restored(claim)
    row = fresh(mine)
    assert (row.state, row.key) == (ResultState.AVAILABLE, claim.new_key)
    assert (row.archive_route, row.archive_id, row.archive_tree_hash, row.archived_at) == ("", "", "", None)
    assert (row.retrieval_id, row.retrieval_tier, row.retrieval_asked_at, row.retrieval_tries) == ("", "", None, 0)
    assert (row.lease_token, row.lease_expires_at, row.restore_sent_at, row.hot_deleted_at) == (None, None, None, None)
    assert (row.tsv_size, row.parquet_size) == (None, None)
    assert row.archive_due_at is not None  # its owner is free
    assert batch_of(mine).restored == 1
    assert removals() == (set() if keeps else {"old-archive"})
    assert TableBuild.objects.filter(pk=mine.pk).exists() is had_tables


@pytest.mark.parametrize(
    ("row", "claimed"),
    [
        ({"lease_token": None, "lease_expires_at": None}, True),
        ({"lease_expires_at": -1}, True),
        ({"lease_expires_at": 5}, False),
        ({"lease_token": None, "lease_expires_at": None, "retrieval_id": ""}, False),
        ({"lease_token": None, "lease_expires_at": None, "state": ResultState.AVAILABLE}, False),
    ],
)
def test_a_restore_is_claimed_when_its_retrieval_is_done_and_nobody_has_it(
    restoring: Callable[..., Any], row: Any, claimed: bool
) -> None:
    mine = restoring()
    change = {name: at(value) if isinstance(value, int) else value for name, value in row.items()}
    ResultFile.objects.filter(pk=mine.pk).update(**change)
    claim = restoration.claim(mine.pk)
    assert (claim is not None) is claimed
    if claim is None:
        return
    after = fresh(mine)
    assert after.lease_token == claim.token not in {MINE, OTHER}
    assert (after.lease_expires_at - clock.now()).total_seconds() == pytest.approx(settings.LEASE_SECONDS, abs=5)
    dead = {restoration.RestoreClaim(mine, MINE).new_key} if "lease_token" not in row else set()
    assert removals() == dead
    assert all(one.due_at > clock.now() for one in Removal.objects.all())  # its call may still be on its way


@pytest.mark.parametrize(
    ("row", "taken"),
    [
        ({"lease_expires_at": -1}, True),
        ({"lease_expires_at": 5}, False),
        ({"lease_token": None, "lease_expires_at": None}, False),
        ({"lease_expires_at": -1, "state": ResultState.AVAILABLE}, False),
    ],
)
def test_a_restore_is_taken_back_only_from_a_worker_that_is_gone(
    restoring: Callable[..., Any], row: Any, taken: bool
) -> None:
    mine = restoring(restore_sent_at=at(-9))
    change = {name: at(value) if isinstance(value, int) else value for name, value in row.items()}
    ResultFile.objects.filter(pk=mine.pk).update(**change)
    assert restoration.take_back(mine.pk) is taken
    after = fresh(mine)
    if taken:
        assert (after.lease_token, after.lease_expires_at, after.restore_sent_at) == (None, None, None)
    else:
        assert after.restore_sent_at is not None
    assert removals() == ({restoration.RestoreClaim(mine, MINE).new_key} if taken else set())


@pytest.mark.parametrize("row", [{}, {"lease_token": OTHER}, {"state": ResultState.ARCHIVED}])
def test_who_lets_go_of_a_restore_gives_back_its_own_lease_only(restoring: Callable[..., Any], row: Any) -> None:
    mine = restoring(restore_sent_at=at(-9))
    ResultFile.objects.filter(pk=mine.pk).update(**row)
    claim = restoration.RestoreClaim(mine, MINE)
    restoration.let_go(claim)
    after = fresh(mine)
    given_back = after.lease_token is None and after.restore_sent_at is None and after.lease_expires_at is None
    assert given_back is (row == {})
    assert removals() == {claim.new_key}


def test_who_lets_go_of_a_restore_that_was_committed_removes_nothing(restoring: Callable[..., Any]) -> None:
    """Only the answer to the commit was lost."""
    mine = restoring()
    claim = restoration.RestoreClaim(mine, MINE)
    restoration.restored(claim)
    Removal.objects.all().delete()
    restoration.let_go(claim)
    assert not removals()
    assert fresh(mine).state == ResultState.AVAILABLE


@pytest.mark.parametrize("by_staff", [True, False])
def test_what_is_archived_goes_on_its_way_back_with_an_event_each(
    result: Callable[..., Any], person: User, staff: User, sends: Any, by_staff: bool
) -> None:
    free = {"lease_token": None, "lease_expires_at": None}
    archived = [
        result(ResultState.ARCHIVED, retrieval_tries=2, problem="a problem", faults=1, retrieval_id="old", **free)
        for _ in range(2)
    ]
    others = [result(ResultState.AVAILABLE, **free), result(ResultState.RESTORING, **free)]
    actor = staff if by_staff else None
    with sends() as sent, transaction.atomic():
        batch = restoration.start(person, ResultFile.objects.filter(state="ARCHIVED"), ["Standard"], actor=actor)
    assert batch is not None
    assert sent == [(START_BATCH, (str(batch.pk),), 0)]
    assert (batch.owner, batch.tiers) == (person, ["Standard"])
    assert set(batch.results.all()) == set(archived)
    for one in archived:
        row, event = fresh(one), one.job.events.get()
        assert (row.state, row.retrieval_tries, row.problem, row.faults) == (ResultState.RESTORING, 0, "", 0)
        assert row.retrieval_id == ""
        assert (event.machine, event.from_state, event.to_state) == ("result", "ARCHIVED", "RESTORING")
        assert (event.message, event.actor) == ("On its way back from Glacier.", actor)
    assert not any(one.job.events.exists() for one in others)
    assert [fresh(one).state for one in others] == [ResultState.AVAILABLE, ResultState.RESTORING]


@pytest.mark.parametrize(
    ("earlier", "days_ago", "whose", "tiers"),
    [
        (["Expedited", "Standard"], 1, "mine", ["Standard"]),
        (["Expedited", "Standard"], 31, "mine", ["Expedited", "Standard"]),
        (["Expedited", "Standard"], 0.01, "mine", ["Expedited", "Standard"]),  # since the last upgrade, not before it
        (["Standard"], 1, "mine", ["Expedited", "Standard"]),
        (["Expedited", "Standard"], 1, "another's", ["Expedited", "Standard"]),
    ],
)
@pytest.mark.parametrize("upgraded", [True, False])
def test_expedited_retrieval_is_asked_for_at_one_upgrade_a_month(
    person: User, stranger: User, earlier: list[str], days_ago: float, whose: str, tiers: list[str], upgraded: bool
) -> None:
    person.plan = PlanChoice.PREMIUM
    batch = RestoreBatch.objects.create(owner=person if whose == "mine" else stranger, tiers=earlier)
    RestoreBatch.objects.filter(pk=batch.pk).update(created_at=at(-86_400 * days_ago))
    if upgraded:
        for days in (2, 0.5):  # the last one counts
            PlanChange.objects.create(user=person, from_plan=PlanChoice.FREE, to_plan=PlanChoice.PREMIUM)
            PlanChange.objects.filter(pk=PlanChange.objects.latest("pk").pk).update(at=at(-86_400 * days))
    elif days_ago < 0.1:
        tiers = ["Standard"]  # no upgrade is known, so every earlier batch counts
    assert restoration.tiers_after_upgrade(person) == tiers


def test_a_batch_waits_for_its_own_results_and_asks_for_those_that_nobody_asks_for(
    restoring: Callable[..., Any],
) -> None:
    unasked, asked = restoring(retrieval_id="", retrieval_asked_at=None), restoring()
    asking = restoring(retrieval_id="", retrieval_asked_at=at(-5))
    back = restoring(retrieval_id="", retrieval_asked_at=None)
    restoring(retrieval_id="", retrieval_asked_at=None)  # of another batch
    batch = batch_of(asked)
    ResultFile.objects.filter(pk__in=[unasked.pk, asking.pk, back.pk]).update(batch=batch)
    ResultFile.objects.filter(pk=back.pk).update(state=ResultState.AVAILABLE)
    assert set(restoration.waiting(batch)) == {unasked, asked, asking}
    assert list(restoration.to_request(batch)) == [unasked]


def test_staff_restore_those_results_that_are_archived_in_a_batch_for_each_owner(
    result: Callable[..., Any], stranger: User, staff: User
) -> None:
    mine, theirs, unasked = (result(ResultState.ARCHIVED, lease_token=None) for _ in range(3))
    there = result(ResultState.AVAILABLE, lease_token=None)
    Job.objects.filter(pk=theirs.job_id).update(owner=stranger)
    User.objects.filter(pk=stranger.pk).update(plan=PlanChoice.PREMIUM)
    asked = ResultFile.objects.filter(pk__in=[mine.pk, theirs.pk, there.pk])
    assert restoration.restore_some(asked, actor=staff) == 2
    assert batch_of(mine).owner == mine.job.owner
    assert batch_of(theirs).owner == stranger
    assert (batch_of(mine).tiers, batch_of(theirs).tiers) == (["Standard"], ["Expedited", "Standard"])
    assert [fresh(one).state for one in (unasked, there)] == [ResultState.ARCHIVED, ResultState.AVAILABLE]
    assert mine.job.events.get().actor == theirs.job.events.get().actor == staff
    assert restoration.restore_some(asked, actor=staff) == 0


def test_a_batch_of_nothing_is_not_begun(person: User) -> None:
    assert restoration.start(person, ResultFile.objects.all(), ["Standard"], actor=None) is None
    assert not RestoreBatch.objects.exists()


def test_many_results_move_only_from_the_state_that_was_seen(result: Callable[..., Any]) -> None:
    one, other = result(ResultState.ARCHIVED), result(ResultState.AVAILABLE)
    rows = ResultFile.objects.all()
    assert move_results(rows, ResultState.ARCHIVED, ResultState.RESTORING, "Back.") == 1
    assert (fresh(one).state, fresh(other).state) == (ResultState.RESTORING, ResultState.AVAILABLE)
    assert JobEvent.objects.get().actor is None
    with pytest.raises(IllegalTransition, match="result AVAILABLE → RESTORING"):
        move_results(rows, ResultState.AVAILABLE, ResultState.RESTORING, "Back.")


# --- Retrievals


@pytest.mark.parametrize(
    ("row", "mine"),
    [
        ({"retrieval_id": "", "retrieval_asked_at": None}, {"asked_before": False}),
        ({"retrieval_id": "", "retrieval_asked_at": -10_000}, {"asked_before": True}),
        ({"retrieval_id": "", "retrieval_asked_at": -5}, None),
        ({"retrieval_id": "r", "retrieval_asked_at": -10_000}, None),
        ({"retrieval_id": "", "retrieval_asked_at": None, "state": ResultState.ARCHIVED}, None),
    ],
)
def test_glacier_is_asked_by_whoever_wrote_it_down_first(restoring: Callable[..., Any], row: Any, mine: Any) -> None:
    one = restoring()
    change = {name: at(value) if isinstance(value, int) else value for name, value in row.items()}
    ResultFile.objects.filter(pk=one.pk).update(**change)
    before = fresh(one).retrieval_asked_at
    found = restoration.intend([one])
    assert found == ({} if mine is None else {one.pk: mine["asked_before"]})
    asked = fresh(one).retrieval_asked_at
    if mine is None:
        assert asked == before
    else:
        assert (clock.now() - asked).total_seconds() < 5
        assert restoration.intend([one]) == {}  # of two at once one asks


def test_a_question_without_an_answer_may_be_looked_at_again_at_once(restoring: Callable[..., Any]) -> None:
    one, answered = restoring(retrieval_id="", retrieval_asked_at=at(0)), restoring(retrieval_asked_at=at(0))
    restoration.unanswered([one, answered])
    assert restoration.intend([one, answered]) == {one.pk: True}
    assert (clock.now() - fresh(answered).retrieval_asked_at).total_seconds() < 5


def test_giving_up_a_question_leaves_other_questions_and_other_states_alone(restoring: Callable[..., Any]) -> None:
    mine, another, over = (restoring(retrieval_id="", retrieval_asked_at=at(0)) for _ in range(3))
    ResultFile.objects.filter(pk=over.pk).update(state=ResultState.ARCHIVED)
    restoration.unanswered([mine, over])
    assert fresh(mine).retrieval_asked_at < mine.retrieval_asked_at
    assert fresh(another).retrieval_asked_at == another.retrieval_asked_at
    assert fresh(over).retrieval_asked_at == over.retrieval_asked_at


@pytest.mark.parametrize("state", [ResultState.RESTORING, ResultState.ARCHIVED])
def test_a_retrieval_is_written_down_for_what_still_waits(restoring: Callable[..., Any], state: Any) -> None:
    one = restoring(retrieval_id="", retrieval_tier="")
    ResultFile.objects.filter(pk=one.pk).update(state=state)
    one.retrieval_id, one.retrieval_tier = "new", "Expedited"
    restoration.requested([one], {one.pk: "Expedited retrieval asked for."})
    written = state == ResultState.RESTORING
    after = fresh(one)
    assert (after.retrieval_id, after.retrieval_tier) == (("new", "Expedited") if written else ("", ""))
    assert JobEvent.objects.filter(job=one.job, message="Expedited retrieval asked for.").exists() is written


@pytest.mark.parametrize(
    ("row", "again"),
    [
        ({"lease_expires_at": -1}, True),
        ({"lease_token": None, "lease_expires_at": None}, True),
        ({"lease_expires_at": 5}, False),
        ({"lease_expires_at": -1, "retrieval_id": "newer"}, False),
        ({"lease_expires_at": -1, "state": ResultState.AVAILABLE}, False),
    ],
)
def test_a_failed_retrieval_is_asked_for_again_unless_it_is_read_or_was_already(
    restoring: Callable[..., Any], row: Any, again: bool
) -> None:
    seen = restoring()
    change = {name: at(value) if isinstance(value, int) else value for name, value in row.items()}
    ResultFile.objects.filter(pk=seen.pk).update(**change)
    assert restoration.request_again(seen) is again
    after = fresh(seen)
    assert (after.retrieval_tries == 1) is again
    assert (after.retrieval_id == "" and after.retrieval_asked_at is None and after.lease_token is None) is again
    expected = again and "lease_token" not in row
    assert removals() == ({restoration.RestoreClaim(seen, MINE).new_key} if expected else set())


def test_a_retrieval_that_failed_too_often_is_given_up(restoring: Callable[..., Any]) -> None:
    seen = restoring(lease_expires_at=at(-1), retrieval_tries=settings.MAX_RETRIEVALS - 1)
    assert restoration.request_again(seen) is False
    after = fresh(seen)
    assert (after.state, after.archive_id, after.lease_token) == (ResultState.ARCHIVED, "old-archive", None)
    assert f"{settings.MAX_RETRIEVALS} retrievals" in after.problem
    assert batch_of(seen).given_up == 1
    assert removals() == {restoration.RestoreClaim(seen, MINE).new_key}


def test_what_a_worker_reads_is_not_given_up(restoring: Callable[..., Any]) -> None:
    seen = restoring()
    with pytest.raises(LostRace):
        restoration.give_up(seen, "a problem")
    assert (fresh(seen).state, fresh(seen).problem) == (ResultState.RESTORING, "")
    assert batch_of(seen).given_up == 0
    assert not removals()


@pytest.mark.parametrize(
    ("row", "sent"),
    [
        ({"restore_sent_at": None}, 1),
        ({"restore_sent_at": -5}, 0),
        ({"restore_sent_at": -60}, 1),
        ({"restore_sent_at": None, "state": ResultState.AVAILABLE}, 0),
    ],
)
def test_a_restore_is_sent_for_once_in_a_while(restoring: Callable[..., Any], sends: Any, row: Any, sent: int) -> None:
    one, other = restoring(), restoring(restore_sent_at=None)
    change = {name: at(value) if isinstance(value, int) else value for name, value in row.items()}
    ResultFile.objects.filter(pk=one.pk).update(**change)
    with sends() as messages:
        assert restoration.send_restores([one.pk], again_after=30) == sent
        assert messages == []  # not before the commit
    assert messages == [(RESTORE_RESULT, (str(one.pk),), 0)] * sent
    assert (fresh(one).restore_sent_at is not None and fresh(one).restore_sent_at > at(-3)) is bool(sent)
    assert fresh(other).restore_sent_at is None


def test_a_batch_is_closed_and_told_of_once(restoring: Callable[..., Any], sends: Any) -> None:
    another, batch = batch_of(restoring()), batch_of(restoring())  # its id is not the mail's
    RestoreBatch.objects.update(restored=2, next_poll_at=at(5))
    with sends() as sent:
        restoration.finish(batch)
        restoration.finish(fresh(batch))
        assert sent == []  # not before the commit
    assert sent == [(SEND_NOTICE, (str(Notice.objects.get().pk),), 0)]
    assert fresh(another).finished_at is None
    assert fresh(another).next_poll_at is not None
    after = fresh(batch)
    assert after.finished_at is not None
    assert after.next_poll_at is None
    assert [notice.facts for notice in Notice.objects.all()] == [{"count": 2, "missing": 0}]


def test_a_batch_of_nothing_is_told_to_nobody(restoring: Callable[..., Any]) -> None:
    restoration.finish(batch_of(restoring()))
    assert not Notice.objects.exists()


# --- Staff


@pytest.mark.parametrize("premium", [True, False])
def test_staff_make_nothing_due_whose_owner_became_premium_just_before(
    result: Callable[..., Any], person: User, staff: User, monkeypatch: pytest.MonkeyPatch, premium: bool
) -> None:
    mine = result(ResultState.AVAILABLE)

    def upgraded_before(**which: Any) -> User | None:
        if premium:
            User.objects.filter(pk=person.pk).update(plan=PlanChoice.PREMIUM)
        return lock_owner(**which)

    monkeypatch.setattr("gas.jobs.staff.overview.lock_owner", upgraded_before)
    assert staff_actions.archive_now([mine.pk], actor=staff) == (0 if premium else 1)
    assert (fresh(mine).archive_due_at is None) is premium


# --- Tables


@pytest.mark.parametrize(
    ("state", "due", "tries", "claimed"),
    [
        (ResultState.AVAILABLE, -1, 0, True),
        (ResultState.AVAILABLE, 5, 0, False),
        (ResultState.ARCHIVED, -1, 0, False),
        (ResultState.AVAILABLE, -1, tables.MAX_TRIES, False),
    ],
)
def test_tables_are_made_by_whoever_comes_first(
    result: Callable[..., Any], state: ResultState, due: float, tries: int, claimed: bool
) -> None:
    mine = result(state)
    TableBuild.objects.create(result=mine, due_at=at(due), tries=tries)
    assert (tables.claim(mine.pk) is not None) is claimed
    if claimed:
        build = TableBuild.objects.get()
        assert build.tries == 1
        assert build.due_at > clock.now()
        assert tables.claim(mine.pk) is None
    assert TableBuild.objects.exists() is (tries < tables.MAX_TRIES)


@pytest.mark.parametrize("row", [{}, {"key": "another"}, {"state": ResultState.ARCHIVED}, {"state": "gone"}])
def test_tables_are_offered_only_of_the_result_that_they_were_made_of(result: Callable[..., Any], row: Any) -> None:
    mine = result(ResultState.AVAILABLE)
    other = result(ResultState.AVAILABLE)
    TableBuild.objects.create(result=mine)
    if row == {"state": "gone"}:
        TableBuild.objects.all().delete()
    else:
        ResultFile.objects.filter(pk=mine.pk).update(**row)
    assert tables.wanted(mine) is (row == {})
    tables.made(mine, {TSV: StoredOutput(5, "6" * 64), PARQUET: StoredOutput(6, "7" * 64)})
    after = fresh(mine)
    assert ((after.tsv_size, after.parquet_size) == (5, 6)) is (row == {})
    assert tables.offered(mine) is (row == {})
    assert TableBuild.objects.exists() is (row not in ({}, {"state": "gone"}))
    assert fresh(other).tsv_size is None
