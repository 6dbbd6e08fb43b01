"""When a result is archived, and what its row records. The archive worker moves the bytes.

`archive_due_at` is when a result is due; while it is empty, the result stays in S3. A new result is due after the
`archive_after` of its owner's plan. Results of a person who leaves Premium are due after the plan's notice period. An
upgrade clears the column, in the transaction that changes the plan.

The owner's plan is read under a lock each time, always before the result: either an upgrade finds the result archived
and restores it, or the archival finds the upgrade and keeps the copy in S3.
"""

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.dispatch import receiver

from gas import clock
from gas.aws.archive_routes import archive as archive_of
from gas.aws.archives import StoredArchive
from gas.aws.broker import MAX_DELAY_SECONDS
from gas.aws.s3 import ObjectMissing, StoredDiffers
from gas.jobs.models import JobEvent, Notice, ResultFile
from gas.jobs.moves import LostRace, move_result
from gas.jobs.queue import faults
from gas.jobs.states import ResultState
from gas.jobs.storage import tables
from gas.jobs.storage.missing_files import PROBLEM
from gas.jobs.storage.removals import remove
from gas.staff.alerts import alert_after_commit
from gas.subscriptions.changes import left_premium_at, plan_changed, who_changed_plan
from gas.subscriptions.plans import Plan, plan_of
from gas.tasknames import ARCHIVE_RESULT, DELETE_HOT_COPY, SEND_NOTICE, send_after_commit
from gas.users.locks import lock_owner
from gas.users.models import User

PAGE = 1000
#: The first pause after a failed attempt, in seconds; see gas.jobs.queue.faults.
PAUSE_SECONDS = 60.0
NO_LEASE: dict[str, Any] = {"lease_token": None, "lease_expires_at": None}


@dataclass(frozen=True)
class ArchiveClaim:
    """One attempt to archive: the result as it was claimed, and the token that proves the claim."""

    result: ResultFile
    token: uuid.UUID

    @property
    def archive_key(self) -> str:
        """A name that no other attempt's archive has."""
        return f"{self.result.job.owner_id}/{self.result.job_id}/{self.token}"


def make_due(result: ResultFile, owner: User) -> None:
    """Set the due date, if the owner's plan archives. Call it in the transaction that makes the result available."""
    plan = plan_of(owner)
    if plan.archive_after is None:
        return
    result.archive_due_at = clock.now() + timedelta(seconds=plan.archive_after)
    left = left_premium_at(owner)
    if left and result.created_at < left:  # restored after its owner left Premium
        result.archive_due_at = max(result.archive_due_at, left + plan.kept_after_downgrade)
    ResultFile.objects.filter(pk=result.pk).update(archive_due_at=result.archive_due_at)
    send_when_due(result)


@receiver(plan_changed)
def keep_all(*, user: User, plan: Plan, **_: Any) -> None:
    """Clear the due date of all results, even of one being archived. Runs in the transaction of an upgrade."""
    if not plan.archives:
        in_s3 = ResultFile.objects.filter(job__owner=user, state__in=[ResultState.AVAILABLE, ResultState.ARCHIVING])
        in_s3.exclude(archive_due_at=None).update(archive_due_at=None)


def send_when_due(result: ResultFile) -> None:
    """Send a message for when the result is due. If that is further ahead than SQS can hold, the sweep sends it."""
    if result.archive_due_at is None:
        return
    wait = (result.archive_due_at - clock.now()).total_seconds()
    if wait <= MAX_DELAY_SECONDS:
        send_after_commit(ARCHIVE_RESULT, result.pk, countdown=max(0.0, wait) + 1)


def claim(result_id: int) -> ArchiveClaim | None:
    """Claim the result for archiving, if its owner's plan archives and it is due; None when there is nothing to do."""
    with transaction.atomic():
        result, owner = _locked(result_id)
        if result is None or owner is None:
            return None
        now = clock.now()
        if result.state == ResultState.ARCHIVING and result.lease_expires_at and result.lease_expires_at < now:
            interrupted(result)
        if result.state != ResultState.AVAILABLE or result.problem:
            return None
        if not plan_of(owner).archives:
            ResultFile.objects.filter(pk=result.pk).update(archive_due_at=None)
            return None
        if result.archive_due_at is None or result.archive_due_at > now:
            return None
        token = uuid.uuid4()
        move_result(
            result,
            ResultState.ARCHIVING,
            "Archiving the result.",
            lease_token=token,
            lease_expires_at=now + timedelta(seconds=settings.LEASE_SECONDS),
        )
    return ArchiveClaim(result, token)


def renew(claim: ArchiveClaim) -> bool:
    """Extend the lease. Returns False when the caller no longer has it."""
    expires = clock.now() + timedelta(seconds=settings.LEASE_SECONDS)
    mine = ResultFile.objects.filter(pk=claim.result.pk, lease_token=claim.token, state=ResultState.ARCHIVING)
    return bool(mine.update(lease_expires_at=expires))


def stored(claim: ArchiveClaim, archive: StoredArchive) -> bool:
    """Mark the result as archived, or keep the copy in S3 if the owner has become premium meanwhile.

    The archive is stored and verified. The copy that is not needed is removed: the archive, or the copy in S3 after the
    commit.

    Returns:
        True if the result is archived now.

    Raises:
        LostRace: the lease is lost. The archive is removed.
    """
    with transaction.atomic():
        result, owner = _locked(claim.result.pk)
        mine = result is not None and (result.state, result.lease_token) == (ResultState.ARCHIVING, claim.token)
        if not mine or result is None or owner is None:
            remove(archive.route, archive.archive_id)
        elif not plan_of(owner).archives or result.archive_due_at is None:
            move_result(result, ResultState.AVAILABLE, "Kept: the plan has changed.", archive_due_at=None, **NO_LEASE)
            remove(archive.route, archive.archive_id)
            return False
        else:
            move_result(
                result,
                ResultState.ARCHIVED,
                "Archived in Glacier, and verified.",
                guard=Q(lease_token=claim.token),
                archive_route=archive.route,
                archive_id=archive.archive_id,
                archive_tree_hash=archive.tree_hash,
                archived_at=clock.now(),
                archive_due_at=None,
                hot_deleted_at=None,
                faults=0,
                damages=0,
                **NO_LEASE,
            )
            tables.forget(result)
            send_after_commit(DELETE_HOT_COPY, result.pk)
            return True
    raise LostRace(f"the lease on result {claim.result.pk} is lost")


def interrupted(result: ResultFile) -> None:
    """Make the result available again: its archiving worker died, the copy in S3 is whole. Call it in a transaction."""
    forget_attempt(result)
    move_result(
        result,
        ResultState.AVAILABLE,
        "Archiving was interrupted, and begins again.",
        guard=Q(lease_token=result.lease_token, lease_expires_at__lt=clock.now()),
        **NO_LEASE,
    )


def give_back(claim: ArchiveClaim, error: Exception, archive: StoredArchive | None = None) -> None:
    """Make a result available again after a failed attempt, and due again after a pause that grows.

    Removes `archive`, or what the attempt may have stored before the error. Safe to repeat.

    A result is not tried again if it is missing from S3, or if its bytes or its archive were wrong MAX_ATTEMPTS times
    in a row. Its row then says what is wrong, and staff are told.
    """
    faults_now = claim.result.faults + 1
    damages = faults.damages_after(claim.result.damages, error)
    problem = ""
    if isinstance(error, ObjectMissing):
        problem = PROBLEM
    elif damages >= settings.MAX_ATTEMPTS and isinstance(error, StoredDiffers):
        problem = f"Stored {damages} times in a row, and the last archive was not what was sent: {error}"[:300]
    elif damages >= settings.MAX_ATTEMPTS:
        problem = f"Read {damages} times in a row, it was never what this row says: {error}"[:300]
    route = archive.route if archive else settings.ARCHIVE_ROUTE
    stored_as = archive.archive_id if archive else archive_of().attempt_id(claim.archive_key)
    with transaction.atomic():
        result, _ = _locked(claim.result.pk)
        if stored_as and (result is None or result.archive_id != stored_as):
            remove(route, stored_as)
        if result is None or (result.state, result.lease_token) != (ResultState.ARCHIVING, claim.token):
            return  # deleted, claimed again, or archived and only the answer to the commit was lost
        again_in = timedelta(seconds=faults.pause(faults_now, first=PAUSE_SECONDS))
        move_result(
            result,
            ResultState.AVAILABLE,
            "It could not be archived; staff have been told." if problem else "It could not be archived. Trying again.",
            archive_due_at=None if problem else result.archive_due_at and clock.now() + again_in,
            faults=faults_now,
            damages=damages,
            problem=problem,
            **NO_LEASE,
        )
        if problem:
            alert_after_commit(
                "Results cannot be archived: their files or archives are missing or damaged",
                f"Result {result.pk} of job {result.job_id}: {problem} Nothing was deleted. `manage.py "
                "reconcile_storage` compares all results with S3 and Glacier.",
            )
        else:
            faults.tell("Results are not archived", faults_now, f"Result {result.pk}: {error!r}")
        send_when_due(result)


def forget_attempt(result: ResultFile) -> None:
    """Have what an attempt to archive may have stored removed. Call it in a transaction that locks the row.

    The vault assigns an archive's id in its answer. The vault's inventory finds archives whose answer was lost.
    """
    if result.state == ResultState.ARCHIVING and result.lease_token:
        attempt = archive_of().attempt_id(ArchiveClaim(result, result.lease_token).archive_key)
        if attempt:
            remove(settings.ARCHIVE_ROUTE, attempt, maker_is_gone=True)


def make_all_due(owner_id: str) -> int:
    """Make the results in S3 of a person who left Premium due after the plan's notice period, and send them a mail.

    Returns:
        The number of results that became due.
    """
    with transaction.atomic():
        owner = lock_owner(pk=owner_id)
        if owner is None or not plan_of(owner).archives:
            return 0
        due = clock.now() + plan_of(owner).kept_after_downgrade
        kept = ResultFile.objects.filter(job__owner=owner, state=ResultState.AVAILABLE, archive_due_at=None, problem="")
        actor, count = who_changed_plan(owner), 0
        while page := dict(kept.order_by("pk").values_list("pk", "job_id")[:PAGE]):
            count += ResultFile.objects.filter(pk__in=page).update(archive_due_at=due)
            JobEvent.objects.bulk_create(
                JobEvent(job_id=job, actor=actor, message="To be archived: the plan has changed.")
                for job in page.values()
            )
        if count:
            facts = {"count": count, "due": due.isoformat()}
            notice = Notice.objects.create(owner=owner, kind=Notice.Kind.ARCHIVAL, facts=facts)
            send_after_commit(SEND_NOTICE, notice.pk)
    return count


def _locked(result_id: int) -> tuple[ResultFile | None, User | None]:
    """Return the result and its owner, both locked. The owner is locked first, as in set_plan."""
    owner = lock_owner(jobs__result=result_id)
    if owner is None:
        return None, None
    return ResultFile.objects.select_for_update(of=("self",)).select_related("job").filter(pk=result_id).first(), owner
