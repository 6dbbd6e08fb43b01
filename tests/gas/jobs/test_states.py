"""Promise: a row moves only along its machine's arrows, once, and the timeline says so."""

import ast
from pathlib import Path

import pytest
from django.db import transaction
from django.db.models import Q
from django.db.transaction import TransactionManagementError

from gas.jobs.models import Job
from gas.jobs.moves import IllegalTransition, LostRace, move_job
from gas.jobs.states import JOB_TRANSITIONS, RESULT_TRANSITIONS, JobStatus, ResultState
from gas.users.models import User

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def job(person: User) -> Job:
    return Job.objects.create(owner=person, name="a.vcf", reference="rCRS")


def test_every_state_has_its_row_in_the_table() -> None:
    assert set(JOB_TRANSITIONS) == set(JobStatus)
    assert set(RESULT_TRANSITIONS) == set(ResultState)


def test_every_state_can_be_reached() -> None:
    assert {to for arrows in JOB_TRANSITIONS.values() for to in arrows} == set(JobStatus) - {JobStatus.UPLOADING}
    assert {to for arrows in RESULT_TRANSITIONS.values() for to in arrows} == set(ResultState)


@pytest.mark.parametrize("seen", JobStatus)
@pytest.mark.parametrize("to", JobStatus)
def test_a_job_moves_along_the_arrows_and_nowhere_else(job: Job, seen: JobStatus, to: JobStatus) -> None:
    Job.objects.filter(pk=job.pk).update(status=seen)
    job.refresh_from_db()
    if to in JOB_TRANSITIONS[seen]:
        with transaction.atomic():
            move_job(job, to, "moved")
    else:
        with pytest.raises(IllegalTransition), transaction.atomic():
            move_job(job, to, "moved")
    job.refresh_from_db()
    assert job.status == (to if to in JOB_TRANSITIONS[seen] else seen)


def test_a_move_writes_its_event_with_who_did_it(job: Job, person: User) -> None:
    with transaction.atomic():
        move_job(job, JobStatus.CANCELLED, "Cancelled.", actor=person, detail={"why": "typo"})
    event = job.events.get()
    assert (event.machine, event.from_state, event.to_state) == ("job", "UPLOADING", "CANCELLED")
    assert (event.message, event.actor, event.detail) == ("Cancelled.", person, {"why": "typo"})


def test_the_second_of_two_who_saw_the_same_state_is_outrun(job: Job) -> None:
    other = Job.objects.get(pk=job.pk)
    with transaction.atomic():
        move_job(job, JobStatus.PENDING, "first")
    with pytest.raises(LostRace), transaction.atomic():
        move_job(other, JobStatus.CANCELLED, "second")
    assert [event.message for event in job.events.all()] == ["first"]
    assert Job.objects.get(pk=job.pk).status == JobStatus.PENDING


def test_a_guard_that_no_longer_holds_stops_the_move(job: Job) -> None:
    with pytest.raises(LostRace), transaction.atomic():
        move_job(job, JobStatus.PENDING, "moved", guard=Q(attempts=7))
    assert not job.events.exists()


@pytest.mark.django_db(transaction=True)
def test_a_move_outside_a_transaction_is_a_mistake(job: Job) -> None:
    with pytest.raises(TransactionManagementError):
        move_job(job, JobStatus.PENDING, "moved")
    assert Job.objects.get(pk=job.pk).status == JobStatus.UPLOADING


FIELDS = {"status", "state"}
EXPORTS = {"large_exports.py", "export_worker.py"}
WRITERS = {"update", "create", "get_or_create", "update_or_create", "bulk_update", "setattr", "Job", "ResultFile"}


def test_nothing_but_the_machines_assigns_a_state() -> None:
    """Reads the code: whatever writes to a field of that name, outside moves.py.

    Rooms with rows of their own are left out: gas.subscriptions (`status` is Stripe's word), gas.api (of HTTP),
    and the exports of gas.explorer.
    """
    offenders: list[str] = []
    for package in ("gas", "annotator", "archive", "restore"):
        for path in (ROOT / package).rglob("*.py"):
            if path.name in {"moves.py", *EXPORTS} or {"migrations", "subscriptions", "api"} & set(path.parts):
                continue
            nodes = ast.walk(ast.parse(path.read_text()))
            offenders += [f"{path.relative_to(ROOT)}: {ast.unparse(node)}" for node in nodes if _assigns_state(node)]
    assert not offenders


@pytest.mark.parametrize(
    "code",
    [
        "anything.status = RUNNING",
        "claim.job.status = RUNNING",
        "jobs[0].state += x",
        "job.status: str = RUNNING",
        "job.status, other = RUNNING, 1",
        "for job.status in states: pass",
        "setattr(job, 'status', RUNNING)",
        "jobs.filter(pk=1).update(status=RUNNING)",
        "jobs.update(**{'status': RUNNING})",
        "jobs.create(name='a', state=ARCHIVED)",
        "jobs.get_or_create(pk=1, defaults={'status': RUNNING})",
        "Job(status=RUNNING).save()",
        "models.ResultFile(state=ARCHIVED)",
        "Job.objects.bulk_update(jobs, ['name', 'status'])",
        "Job.objects.bulk_update(jobs, fields=('state',))",
    ],
)
def test_every_way_to_assign_a_state_is_seen(code: str) -> None:
    assert any(_assigns_state(node) for node in ast.walk(ast.parse(code)))


@pytest.mark.parametrize(
    "code",
    [
        "job.status == RUNNING",
        "status = job.status",
        "jobs.filter(status=RUNNING).update(name='status quo')",
        "jobs.create(from_state=a, to_state=b)",
        "JsonResponse({'status': job.status}, status=201)",
    ],
)
def test_reading_a_state_is_not_taken_for_writing_it(code: str) -> None:
    assert not any(_assigns_state(node) for node in ast.walk(ast.parse(code)))


def _assigns_state(node: ast.AST) -> bool:
    if isinstance(node, ast.Attribute):
        return node.attr in FIELDS and isinstance(node.ctx, ast.Store)
    if not isinstance(node, ast.Call):
        return False
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if name not in WRITERS:
        return False
    # By keyword, or by its name as a string: in a dict of values, a list of fields, or setattr's second argument.
    values = [*node.args, *(word.value for word in node.keywords)]
    named = {part.value for value in values for part in ast.walk(value) if isinstance(part, ast.Constant)}
    return bool(FIELDS & (named | {word.arg for word in node.keywords}))
