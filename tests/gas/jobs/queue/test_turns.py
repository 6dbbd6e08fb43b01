"""Fairness: many jobs of one person hold up nobody else's first, and nobody runs more at once than the plan allows."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from gas.aws import queues
from gas.jobs.lifecycle import actions, leases
from gas.jobs.lifecycle.sweep import resend_pending
from gas.jobs.models import Job
from gas.jobs.queue import turns
from gas.jobs.states import JobStatus
from gas.jobs.storage import restoration
from gas.subscriptions.changes import set_plan
from gas.subscriptions.plans import PLANS
from gas.users.models import PlanChoice, User
from tests.support.people import make_person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("aws", "queued")]
ROOM = PLANS[PlanChoice.PREMIUM].concurrent_jobs


def wait(owner: User, count: int = 1, *, since: float = 0) -> list[Job]:
    """Jobs that wait, a second apart, the first of them for `since` seconds."""
    began = timezone.now() - timedelta(seconds=since)
    times = [began + timedelta(seconds=number) for number in range(count)]
    rows = [
        Job(owner=owner, name=f"{number}.vcf", reference="rCRS", status=JobStatus.PENDING, submitted_at=at, sent_at=at)
        for number, at in enumerate(times)
    ]
    return Job.objects.bulk_create(rows)


def take(job: Job | None = None) -> Job | None:
    """What a worker takes that gets the job's message."""
    claim = leases.claim_next(str(job.pk if job else Job.objects.values_list("pk", flat=True).first()))
    return claim.job if claim else None


def end(job: Job) -> None:
    leases.fail(leases.Claim(job, job.lease_token), code="x", message="x", advice="x")  # type: ignore[arg-type]


def test_fifty_jobs_of_one_do_not_hold_up_anothers_first(person: User, stranger: User) -> None:
    many = wait(person, 50, since=500)
    (mine,) = wait(stranger)
    first = take(many[0])
    assert first == many[0]
    assert take(many[1]) == mine, "whichever message comes next"
    assert take(many[2]) is None, "a free person has one job running at once"


def test_people_take_turns(person: User, stranger: User) -> None:
    wait(person, 3, since=500)
    wait(stranger, 2, since=100)
    taken = []
    while job := take():
        taken.append((job.owner == person, job.name))
        end(job)
    assert taken == [(True, "0.vcf"), (False, "0.vcf"), (True, "1.vcf"), (False, "1.vcf"), (True, "2.vcf")]


def test_one_worker_alone_serves_a_newcomer_next(person: User, stranger: User) -> None:
    """Whose jobs are many, and short, has none running when the worker looks again."""
    wait(person, 50, since=500)
    for _ in range(3):
        job = take()
        assert job is not None
        end(job)
    (mine,) = wait(stranger)
    assert turns.positions([mine]) == {mine.pk: 1}
    assert take() == mine


def test_premium_runs_several_at_once_and_no_more(person: User, stranger: User) -> None:
    User.objects.filter(pk=person.pk).update(plan=PlanChoice.PREMIUM)
    many = wait(person, 50, since=500)
    (mine,) = wait(stranger)
    taken = [take() for _ in range(ROOM + 2)]
    assert taken == [many[0], mine, *many[1:ROOM], None]


def test_positions_tell_the_order_in_which_jobs_are_taken(person: User, stranger: User) -> None:
    other = make_person("cy@lab.example")
    User.objects.filter(pk=other.pk).update(plan=PlanChoice.PREMIUM)
    jobs = [*wait(person, 5, since=500), *wait(stranger, 3, since=400), *wait(other, 6, since=300)]
    told = turns.positions(jobs)
    assert sorted(told.values()) == list(range(1, 15))
    firsts = {told[job.pk] for job in (jobs[0], jobs[5], jobs[8])}
    assert firsts == {1, 2, 3}, "everybody's first comes before anybody's second"
    taken = take()
    assert taken is not None
    assert told[taken.pk] == 1


def test_a_jobs_position_says_how_many_come_before_it_though_they_came_later(person: User, stranger: User) -> None:
    many = wait(person, 10, since=500)
    (mine,) = wait(stranger)
    assert turns.positions([mine]) == {mine.pk: 2}
    assert turns.positions([many[9]]) == {many[9].pk: 11}


def test_when_a_job_ends_the_next_of_its_owner_is_woken(
    person: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    many = wait(person, 3, since=500)
    job = take(many[0])
    assert job is not None
    assert take(many[1]) is None, "its message is spent"
    before = queues.waiting("gas-annotate")
    with django_capture_on_commit_callbacks(execute=True):
        end(job)
    assert queues.waiting("gas-annotate") == before + 1
    assert take(many[1]) == many[1]


@pytest.mark.parametrize("how", ["cancel", "delete"])
def test_so_it_is_when_it_is_cancelled_or_deleted(
    person: User,
    how: str,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    many = wait(person, 2, since=500)
    job = take(many[0])
    assert job is not None
    with django_capture_on_commit_callbacks(execute=True) as sent:
        actions.cancel(job, actor=person) if how == "cancel" else job.delete()
    assert sent
    assert queues.waiting("gas-annotate") == 1
    assert take(many[1]) == many[1]


def test_a_job_whose_pause_is_not_over_is_left_alone(person: User) -> None:
    (job,) = wait(person)
    Job.objects.update(sent_at=timezone.now() + timedelta(seconds=30))
    assert take(job) is None


def test_the_sweep_sends_for_jobs_that_may_run_and_not_for_those_that_wait_for_their_owners_other(
    person: User,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    many = wait(person, 5, since=5000)
    with django_capture_on_commit_callbacks(execute=True):
        assert resend_pending(timezone.now()) == 5
    Job.objects.update(sent_at=timezone.now() - timedelta(hours=1))
    assert take(many[0]) == many[0]
    with django_capture_on_commit_callbacks(execute=True):
        assert resend_pending(timezone.now()) == 0


def test_an_upgrade_wakes_as_many_as_the_new_plan_runs(
    person: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    many = wait(person, 10, since=500)
    assert take(many[0]) == many[0]
    assert take(many[1]) is None, "their messages are spent"
    set_plan(person, PlanChoice.PREMIUM)
    with django_capture_on_commit_callbacks(execute=True):
        restoration.restore_all(str(person.pk))
    assert queues.waiting("gas-annotate") == ROOM - 1
    assert [take(many[1]) for _ in range(ROOM)] == [*many[1:ROOM], None]
