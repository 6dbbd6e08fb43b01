"""One machine for the model: the real tasks, their messages in a list, a clock moved by hand, and accidents on order.

A step of the service is anything that outlives a dead process: a call of AWS, a commit, a message. An accident
happens at the n-th step of a delivery, before it or just after it. A process can also pause, before a step or a
transaction: its lease expires, others do what they find to do, and then it goes on as if nothing had happened.
"""

import hashlib
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ClientError
from celery import Celery
from celery.app.trace import build_tracer
from django.conf import settings
from django.core import mail
from django.db import DatabaseError, connection, connections, transaction
from django.db.models import Min
from django.utils import timezone
from moto.s3.models import s3_backends

import annotator.tasks
import restore.tables
from annotator.run.annotate import INDEX, LOG, RESULT, SUMMARY
from annotator.run.options import Report
from annotator.tables import PARQUET, STATS, TSV, Tables
from devstack.aws.credentials import ACCOUNT
from gas import clock
from gas.aws import glacier_class, glacier_vault, queues
from gas.celery import app
from gas.jobs.lifecycle import leases
from gas.jobs.lifecycle.sweep import sweep
from gas.jobs.lifecycle.uploads import confirm_upload
from gas.jobs.models import Job, JobEvent, Notice, Purge, Removal, RestoreBatch, ResultFile, TableBuild
from gas.jobs.states import JobStatus, ResultState
from gas.jobs.storage import restoration
from gas.subscriptions.changes import set_plan
from gas.subscriptions.models import PlanChange
from gas.tasknames import ROUTES
from gas.users.models import PlanChoice, User
from tests.support.glacier_standin import StandIn, _Raw

MAX_RECEIVES = 5
#: As AWS counts it, a retrieval of this age may have to be asked for, and paid, again.
OLD = timedelta(hours=4).total_seconds()


class Crash(BaseException):
    """The process is gone: no `except Exception` of the service sees it."""


@dataclass(frozen=True)
class Accident:
    """What happens to a process.

    step: at which of its steps; for a pause, at which of its moments, see `World.moments`.
    kind: `crash`: the process dies. `error`: the call fails, as it does once botocore has tried in vain. `pause`: the
        process is suspended until its lease has expired and others have gone on.
    when: before or after the step; a pause is always before.
    deliveries: how many messages come to others during the pause.
    then: what befalls the process that gets the last of these messages.
    plan_changes: the owner's plan changes during the pause.
    """

    step: int
    kind: Literal["crash", "error", "pause"]
    when: Literal["before", "after"] = "before"
    deliveries: int = 0
    then: "Accident | None" = None
    plan_changes: bool = False


@dataclass(frozen=True)
class Message:
    name: str
    args: tuple[str, ...]
    due: float
    id: str
    retries: int = 0
    chain: Any = None
    receives: int = 0


class World:
    def __init__(self, aws: StandIn, owner: User, patch: pytest.MonkeyPatch) -> None:
        self.aws, self.owner = aws, owner
        self._page = aws.app.app  # type: ignore[attr-defined]
        self._tracers: dict[str, Any] = {}
        self._accident: Accident | None = None
        self._dead = False
        self._ahead = 0.0
        self.steps = 0
        #: Steps and beginnings of transactions of the process so far. It holds nothing then, so that it can pause.
        self.moments = 0
        self._patch_clock(patch)
        self._patch_steps(patch)
        self._patch_engine(patch)
        self.reset()

    def reset(self) -> None:
        for model in (JobEvent, Notice, TableBuild, ResultFile, RestoreBatch, Job, Purge, Removal, PlanChange):
            rows = model._default_manager.all()
            rows._raw_delete(rows.db)
        User.objects.filter(pk=self.owner.pk).update(plan=PlanChoice.FREE)
        self.owner.plan = PlanChoice.FREE
        for bucket in (settings.S3_INPUTS_BUCKET, settings.S3_RESULTS_BUCKET):
            keys = self.keys(bucket)
            for key in list(keys):
                keys.pop(key)
        vault = self.vault()
        vault.archives.clear()
        vault.jobs.clear()
        vault.paid = self._page.cold.paid = 0
        self._page.cold._restores.clear()
        self._page.vaults.rules.change({"refuse_expedited": 0, "fail_jobs": 0})
        mail.outbox.clear()
        self.messages: list[Message] = []
        self.seen: list[Message] = []
        #: What an accident may leave behind, where nothing can be done about it.
        self.accidents = 0
        self.deleted = False
        #: How many retrievals there was reason to pay for.
        self.worth_paying = 0
        self._accident, self._dead = None, False
        self.errors: list[Exception] = []

    # --- What there is

    def keys(self, bucket: str = settings.S3_RESULTS_BUCKET) -> Any:
        return s3_backends[ACCOUNT]["aws"].buckets[bucket].keys

    def vault(self) -> Any:
        return self._page.vaults.vaults[settings.GLACIER_VAULT]

    def hot(self, key: str) -> str | None:
        """The SHA-256 of what S3 has under the key, if it can be read there."""
        found = self.keys().get(key)
        if found is None or found.storage_class in {"GLACIER", "DEEP_ARCHIVE"}:
            return None
        return hashlib.sha256(found.value).hexdigest()

    def cold(self, archive_id: str) -> str | None:
        """The SHA-256 of an archive, by either route."""
        found = self.vault().archives.get(archive_id)
        if found is not None:
            return str(found.content.sha256())
        key = self.keys().get(archive_id)
        return hashlib.sha256(key.value).hexdigest() if key is not None else None

    def archives(self) -> set[str]:
        return {*self.vault().archives, *(key for key in self.keys() if key.startswith(glacier_class.PREFIX))}

    def objects(self) -> set[str]:
        """Keys of the results bucket, without archives."""
        return {key for key in self.keys() if not key.startswith(glacier_class.PREFIX)}

    def results_in_s3(self) -> set[str]:
        return {key for key in self.objects() if key.endswith("/annot.vcf.gz")}

    def paid(self) -> int:
        return int(self.vault().paid + self._page.cold.paid)

    def rules(self, **wanted: Any) -> None:
        self._page.vaults.rules.change(wanted)

    # --- What happens

    def complete(self) -> ResultFile:
        """A worker has annotated a file."""
        now, token = timezone.now(), uuid.uuid4()
        job = Job.objects.create(
            owner=self.owner,
            name="sample.vcf",
            reference="rCRS",
            status=JobStatus.RUNNING,
            lease_token=token,
            lease_expires_at=now + timedelta(minutes=1),
        )
        claim = leases.Claim(job, token)
        body = f"annotated {job.pk}".encode()
        key = f"{claim.prefix}annot.vcf.gz"
        s3_backends[ACCOUNT]["aws"].put_object(settings.S3_RESULTS_BUCKET, key, body)
        digest = hashlib.sha256(body).hexdigest()
        result = ResultFile(key=key, index_key=f"{claim.prefix}i", size=len(body), sha256=digest)
        leases.complete(claim, result, log_key="", summary={}, preview=[])
        return result

    def upload(self) -> Job:
        """A file has arrived, and waits for a worker."""
        job = Job.objects.create(owner=self.owner, name="sample.vcf", reference="rCRS")
        s3_backends[ACCOUNT]["aws"].put_object(settings.S3_INPUTS_BUCKET, job.input_key, b"a file")
        return confirm_upload(job)

    def tick(self, seconds: float) -> None:
        self._ahead += seconds
        self._page.vaults.clock.advance(seconds)
        if seconds >= OLD:
            self.worth_paying += ResultFile.objects.exclude(retrieval_asked_at=None).count()

    def now(self) -> float:
        return timezone.now().timestamp()

    @contextmanager
    def befallen(self, accident: Accident | None) -> Iterator[None]:
        """A process in which the accident happens; it ends with it."""
        self._accident, self.steps, self.moments = accident, 0, 0
        try:
            yield
        except (Crash, DatabaseError, ClientError, RuntimeError):
            if accident is None:
                raise
        finally:
            self._accident, self._dead = None, False
        assert not connection.in_atomic_block

    def deliver(self, message: Message, accident: Accident | None = None) -> None:
        """To a worker, which acknowledges it when its work is done; what it does not comes again, five times."""
        if message in self.messages:
            self.messages.remove(message)
        self.seen.append(message)
        done = False
        with self.befallen(accident):
            done = self._work(message)
        if not done and message.receives + 1 < MAX_RECEIVES:
            later = self.now() + settings.SQS_WAIT_SECONDS
            self.messages.append(replace(message, receives=message.receives + 1, due=later))

    def _work(self, message: Message) -> bool:
        """As Celery's worker does. Whether the message is done with."""
        if message.name not in self._tracers:
            self._tracers[message.name] = build_tracer(message.name, app.tasks[message.name], app=app)
        request = {
            "id": message.id,
            "root_id": message.id,
            "retries": message.retries,
            "chain": message.chain,
            "delivery_info": {},
            "is_eager": False,
        }
        outcome = self._tracers[message.name](message.id, message.args, {}, request).info
        if outcome is None or outcome.state == "RETRY":
            return True
        if outcome.state == "REJECTED":
            return not outcome.retval.requeue
        self.errors.append(outcome.retval)
        return False

    def sweep(self, accident: Accident | None = None) -> int:
        moved: dict[str, int] = {}
        with self.befallen(accident):
            moved = sweep()
        return sum(moved.values())

    def settle(self) -> None:
        """No more accidents, and time enough for everything: until nothing is on its way and a sweep finds nothing."""
        quiet = swept = 0
        last_sweep = self.now()
        while quiet < 2:
            swept += 1
            assert swept < 1000, f"it never comes to rest: {self.messages}"
            first = min(self.messages, key=lambda one: one.due, default=None)
            if first is not None and first.due <= last_sweep + settings.SWEEP_SECONDS:
                self.tick(max(0.0, first.due - self.now()))
                self.deliver(first)
                quiet = 0
                continue
            # Without a message only the sweep's own delays, and results that are due later, are waited for.
            self.tick(max(0.0, last_sweep + settings.SWEEP_SECONDS - self.now()) if first else self._until_due(4000))
            last_sweep = self.now()
            moved = self.sweep()
            quiet = 0 if moved or self.messages else quiet + 1

    def _until_due(self, at_least: float) -> float:
        """Seconds until the sweep sees the next result that is due, and no less than `at_least`."""
        due = ResultFile.objects.filter(state=ResultState.AVAILABLE).aggregate(next=Min("archive_due_at"))["next"]
        return max(at_least, due.timestamp() + 2 * settings.SWEEP_SECONDS - self.now()) if due else at_least

    # --- Patches

    def _patch_clock(self, patch: pytest.MonkeyPatch) -> None:
        real = timezone.now

        def now() -> datetime:
            return real() + timedelta(seconds=self._ahead)

        class Moved(datetime):
            @classmethod
            def now(cls, *_: Any) -> datetime:  # type: ignore[override]
                return now()

        patch.setattr(timezone, "now", now)
        patch.setattr(clock, "now", now)
        patch.setattr(glacier_vault, "datetime", Moved)
        patch.setattr(glacier_class, "datetime", Moved)
        for model, name in ((Notice, "due_at"), (Purge, "sent_at"), (Removal, "due_at")):
            patch.setattr(model._meta.get_field(name), "_get_default", now)

    def _patch_steps(self, patch: pytest.MonkeyPatch) -> None:
        send, wrapper = StandIn.send, connections["default"]
        commit = wrapper.commit

        def call(standin: StandIn, request: AWSPreparedRequest, event_name: str, **options: Any) -> Any:
            self._moment()
            refuse = _refusal(str(request.url), event_name)
            return self._step(lambda: send(standin, request, event_name, **options), refuse)

        def committed() -> None:
            # Dead before the commit, the process takes its transaction with it; dead after it, what was to be sent.
            self._step(commit, _database_is_gone, died=wrapper.rollback)

        def statement(execute: Callable[..., Any], sql: str, *args: Any) -> Any:
            if wrapper.in_atomic_block or sql.startswith(("SELECT", "BEGIN")):
                return execute(sql, *args)
            self._moment()
            return self._step(lambda: execute(sql, *args), _database_is_gone)

        def send_task(_: Celery, name: str, args: Any, kwargs: Any = None, **options: Any) -> None:
            assert not kwargs
            self._moment()
            due = self.now() + options.get("delay_seconds", 0)
            message = Message(
                name, tuple(args), due, str(uuid.uuid4()), options.get("retries", 0), options.get("chain")
            )
            self._step(lambda: self.messages.append(message), _broker_is_gone)

        def entered(atomic: transaction.Atomic) -> None:
            self._moment()
            enter(atomic)

        enter = transaction.Atomic.__enter__
        patch.setattr(transaction.Atomic, "__enter__", entered)
        patch.setattr(StandIn, "send", call)
        patch.setattr(wrapper, "commit", committed)
        patch.setattr(Celery, "send_task", send_task)
        patch.setattr(queues, "waiting", self._waiting)
        patch.setattr(restoration, "move_results", self._counted(restoration.move_results))
        patch.setattr(restoration, "request_again", self._counted(restoration.request_again))
        patch.setattr(wrapper, "execute_wrappers", [*wrapper.execute_wrappers, statement])

    def _patch_engine(self, patch: pytest.MonkeyPatch) -> None:
        """Annotation and tables without their time: a few bytes that name the job."""

        def annotated(_: Path, out: Path, *, provenance: Mapping[str, str], **options: Any) -> Report:
            self._moment()
            for name in (RESULT, INDEX, LOG, SUMMARY, TSV, PARQUET, STATS):
                (out / name).write_text(f"{name} of {provenance['job']}")
            return Report(1, 1, 0, [], {}, [])

        def written(_: Path, folder: Path, **options: Any) -> Tables:
            self._moment()
            (folder / TSV).write_text("a table")
            (folder / PARQUET).write_text("another")
            return Tables(folder / TSV, folder / PARQUET, 0, 0)

        patch.setattr(annotator.tasks, "annotate", annotated)
        patch.setattr(annotator.tasks.child, "prepare", lambda: None)
        patch.setattr(restore.tables, "write_tables", written)

    def _moment(self) -> None:
        """The process may pause here."""
        accident = self._accident
        if accident is None or accident.kind != "pause" or connection.in_atomic_block:
            return
        if threading.current_thread() is not threading.main_thread():
            return
        number, self.moments = self.moments, self.moments + 1
        if number == accident.step:
            self._pause(accident)

    def _pause(self, accident: Accident) -> None:
        kept = self.steps, self.moments
        began = self.now()
        asking = ResultFile.objects.filter(retrieval_id="").exclude(retrieval_asked_at=None).count()
        if accident.plan_changes:
            set_plan(self.owner, PlanChoice.FREE if self.owner.plan == PlanChoice.PREMIUM else PlanChoice.PREMIUM)
        self.tick(2 * settings.LEASE_SECONDS)
        self._accident = None
        self.sweep()
        for left in reversed(range(accident.deliveries)):
            first = min(self.messages, key=lambda one: one.due, default=None)
            if first is None:
                break
            self.tick(max(0.0, first.due - self.now()))
            self.deliver(first, None if left else accident.then)
        if self.now() - began > restoration._asking().total_seconds():
            self.worth_paying += asking  # others may have asked meanwhile, and the process asks all the same
        self._accident, self.steps, self.moments = accident, *kept

    def _step(self, act: Callable[[], Any], fail: Callable[[], Any], died: Callable[[], None] = lambda: None) -> Any:
        """Do `act`, unless this is where the accident happens, or the process is dead."""
        if self._dead:
            died()
            raise Crash
        number, self.steps = self.steps, self.steps + 1
        accident = self._accident
        if accident is None or accident.kind == "pause" or accident.step != number:
            return act()
        self.accidents += 1
        if accident.when == "after":
            act()
        if accident.kind == "error":
            return fail()
        died()
        self._dead = True
        if threading.current_thread() is not threading.main_thread():
            raise ConnectionError  # boto3 would wait for ever for a thread that is gone; the next step is Crash
        raise Crash

    def _counted(self, act: Callable[..., int]) -> Callable[..., int]:
        """Count the useful retrievals that `act` reports."""

        def counted(*args: Any, **options: Any) -> int:
            self.worth_paying += (count := act(*args, **options))
            return count

        return counted

    def _waiting(self, queue: str, *, delayed: bool = True) -> int:
        return sum(_queue_of(message.name) == queue for message in self.messages)


def _queue_of(name: str) -> str:
    return next((route["queue"] for glob, route in ROUTES.items() if name.startswith(glob[:-1])), "gas-default")


def _refusal(url: str, event: str) -> Callable[[], AWSResponse]:
    """What a service answers when botocore has tried in vain."""
    body = b"<Error><Code>Unlucky</Code><Message>Try later.</Message></Error>"
    if event.startswith("before-send.glacier"):
        body = b'{"code": "Unlucky", "message": "Try later."}'
    return lambda: AWSResponse(url, 400, {}, _Raw(body))


def _database_is_gone() -> None:
    raise DatabaseError("the connection is gone")


def _broker_is_gone() -> None:
    raise RuntimeError("SQS does not answer")


def until(world: World, name: str) -> None:
    """Deliver what comes before the first message of this name."""
    for _ in range(50):
        first = min(world.messages, key=lambda one: one.due)
        world.tick(max(0.0, first.due - world.now()))
        if first.name == name:
            return
        world.deliver(first)
    raise AssertionError(f"there is no {name} in {world.messages}")
