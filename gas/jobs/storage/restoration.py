"""Restore archived results: batches, retrievals, and what the rows record of them.

A batch is all results of one person that are restored together, with one series of polls and one mail. The cost of N
results: N retrieval requests and N restores, for which Glacier charges; one poll request per 1,000 archives (a page of
Glacier's own list); and database queries in pages of PAGE rows.

One module because a batch, its retrievals and its restores move the same rows under the same locks.
"""

import logging
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Max, Q, QuerySet

from gas import clock
from gas.aws.s3 import StoredDiffers
from gas.jobs import outputs
from gas.jobs.models import JobEvent, Notice, RestoreBatch, ResultFile
from gas.jobs.moves import LostRace, move_result, move_results
from gas.jobs.queue import faults
from gas.jobs.queue.turns import wake
from gas.jobs.states import ResultState
from gas.jobs.storage import tables
from gas.jobs.storage.archival import NO_LEASE, make_due
from gas.jobs.storage.removals import HOT, remove
from gas.staff.alerts import alert_after_commit
from gas.subscriptions.changes import who_changed_plan
from gas.subscriptions.plans import plan_of
from gas.tasknames import RESTORE_RESULT, SEND_NOTICE, START_BATCH, send_after_commit
from gas.users.locks import lock_owner
from gas.users.models import User

log = logging.getLogger(__name__)

PAGE = 1000
#: Column values of a result before its retrieval is requested.
NO_RETRIEVAL: dict[str, Any] = {
    "retrieval_id": "",
    "retrieval_tier": "",
    "retrieval_asked_at": None,
    "restore_sent_at": None,
}
#: Column values of a result that is in S3 and not in an archive.
NOT_ARCHIVED: dict[str, Any] = {
    "archive_route": "",
    "archive_id": "",
    "archive_tree_hash": "",
    "archived_at": None,
    "hot_deleted_at": None,
    "retrieval_tries": 0,
    **NO_RETRIEVAL,
}


@dataclass(frozen=True)
class RestoreClaim:
    """One attempt to restore a result, with the token that proves the claim."""

    result: ResultFile
    token: uuid.UUID

    @property
    def new_key(self) -> str:
        """Return a key of this attempt, so that a late deletion of the archived copy does no harm."""
        return f"{self.result.job.result_prefix}{self.token}/{outputs.VCF.file_name}"


def restore_all(owner_id: str) -> RestoreBatch | None:
    """Start to restore every archived result of a premium person; None if there is nothing to do."""
    with transaction.atomic():
        owner = lock_owner(pk=owner_id)
        if owner is None or plan_of(owner).archives:
            return None
        wake(owner)  # more of the person's waiting jobs may run at once now
        archived = ResultFile.objects.filter(job__owner=owner, state=ResultState.ARCHIVED)
        return start(owner, archived, tiers_after_upgrade(owner), actor=who_changed_plan(owner))


class NothingToRestore(Exception):
    """No result is restored. The text says why."""


def restore_own(owner: User, jobs: Sequence[uuid.UUID] | None) -> RestoreBatch:
    """Start to restore archived results of a premium person who asks for them.

    Args:
        owner: the person.
        jobs: the jobs whose results to restore; None for all. Results that staff must look at stay archived.

    Raises:
        NothingToRestore: the plan does not restore, or none of these is archived.
    """
    with transaction.atomic():
        locked = lock_owner(pk=owner.pk)
        if locked is None or plan_of(locked).archives:
            raise NothingToRestore("Archived results come back when you upgrade to Premium.")
        archived = ResultFile.objects.filter(job__owner=locked, state=ResultState.ARCHIVED, problem="")
        if jobs is not None:
            archived = archived.filter(job__in=jobs)
        batch = start(locked, archived, tiers_after_upgrade(locked), actor=locked)
        if batch is None:
            raise NothingToRestore("None of these results is in the archive.")
    return batch


def tiers_after_upgrade(owner: User) -> list[str]:
    """Return the plan's tiers, without Expedited if another upgrade within EXPEDITED_EVERY_DAYS used it.

    Otherwise a person who repeatedly subscribes and cancels would have everything retrieved at the highest price each
    time.
    """
    tiers = list(plan_of(owner).tiers)
    upgraded = owner.plan_changes.aggregate(at=Max("at"))["at"] or clock.now()
    since = clock.now() - timedelta(days=settings.EXPEDITED_EVERY_DAYS)
    earlier = RestoreBatch.objects.filter(owner=owner, created_at__gt=since, created_at__lt=upgraded)
    if any("Expedited" in used for used in earlier.values_list("tiers", flat=True)):
        tiers.remove("Expedited")
    return tiers


def restore_some(results: QuerySet[ResultFile], *, actor: User) -> int:
    """Restore results of any owners for staff, a batch per owner. Returns how many are being restored."""
    count = 0
    owners = User.objects.filter(pk__in=results.values("job__owner")).order_by("pk")
    for owner in owners:
        with transaction.atomic():
            locked = lock_owner(pk=owner.pk)
            if locked is None:
                continue
            theirs = ResultFile.objects.filter(
                pk__in=results.values("pk"), job__owner=locked, state=ResultState.ARCHIVED
            )
            batch = start(locked, theirs, plan_of(locked).tiers, actor=actor)
            count += batch.results.count() if batch else 0
    return count


def start(
    owner: User, archived: QuerySet[ResultFile], tiers: Iterable[str], *, actor: User | None
) -> RestoreBatch | None:
    """Mark the results RESTORING, page by page, and start the batch. Call it in a transaction that locks the owner."""
    batch = RestoreBatch.objects.create(owner=owner, tiers=list(tiers), next_poll_at=clock.now())
    moved = 0
    while page := list(archived.order_by("pk").values_list("pk", flat=True)[:PAGE]):
        moved += move_results(
            ResultFile.objects.filter(pk__in=page),
            ResultState.ARCHIVED,
            ResultState.RESTORING,
            "On its way back from Glacier.",
            actor=actor,
            batch=batch,
            retrieval_tries=0,
            faults=0,
            damages=0,
            problem="",
            **NO_RETRIEVAL,
        )
    if not moved:
        batch.delete()
        return None
    send_after_commit(START_BATCH, batch.pk)
    return batch


def waiting(batch: RestoreBatch) -> QuerySet[ResultFile]:
    """Return the results of the batch that are not restored yet."""
    return batch.results.filter(state=ResultState.RESTORING)


def to_request(batch: RestoreBatch) -> QuerySet[ResultFile]:
    """Return the results of the batch without a known retrieval that no worker is requesting at this moment."""
    return waiting(batch).filter(_unasked()).order_by("pk")


def _unasked() -> Q:
    return Q(retrieval_id="") & (Q(retrieval_asked_at=None) | Q(retrieval_asked_at__lt=clock.now() - _asking()))


def _asking() -> timedelta:
    """How long a worker that recorded its intent is assumed to be requesting: longer than a page of requests takes."""
    return timedelta(seconds=3 * settings.LEASE_SECONDS)


def intend(results: Iterable[ResultFile]) -> dict[int, bool]:
    """Record that the caller requests these retrievals, before Glacier is asked: of concurrent callers only one does.

    Returns:
        {pk: whether another worker may have requested it before, so that the caller must look first}, for the results
        that the caller has to request.
    """
    pks = [result.pk for result in results]
    with transaction.atomic():
        rows = ResultFile.objects.filter(_unasked(), pk__in=pks, state=ResultState.RESTORING).select_for_update()
        mine = dict(rows.order_by("pk").values_list("pk", "retrieval_asked_at"))
        ResultFile.objects.filter(pk__in=mine).update(retrieval_asked_at=clock.now())
    return {pk: asked is not None for pk, asked in mine.items()}


def unanswered(results: Iterable[ResultFile]) -> None:
    """Let any worker look again: the caller stopped requesting these, and does not know whether Glacier got them."""
    rows = ResultFile.objects.filter(pk__in=[result.pk for result in results], state=ResultState.RESTORING)
    rows.filter(retrieval_id="").update(retrieval_asked_at=clock.now() - 2 * _asking())


def requested(results: Sequence[ResultFile], messages: Mapping[int, str]) -> None:
    """Save the retrievals of a page in `retrieval_id` and `retrieval_tier`, and the event of each."""
    still = dict(
        ResultFile.objects.filter(pk__in=[result.pk for result in results], state=ResultState.RESTORING).values_list(
            "pk", "job_id"
        )
    )
    with transaction.atomic():
        ResultFile.objects.bulk_update(
            [result for result in results if result.pk in still], ["retrieval_id", "retrieval_tier"], batch_size=500
        )
        JobEvent.objects.bulk_create(
            JobEvent(job_id=still[pk], message=message) for pk, message in messages.items() if message and pk in still
        )


def request_again(result: ResultFile) -> bool:
    """Request a retrieval again after it failed or its output expired, unless a worker is still reading it.

    Returns False if it is not requested again; after MAX_RETRIEVALS the result is given up.
    """
    tries = result.retrieval_tries + 1
    if tries >= settings.MAX_RETRIEVALS:
        give_up(result, f"Glacier did not bring it back in {tries} retrievals.")
        return False
    with transaction.atomic():
        same = _unheld(result.pk, retrieval_id=result.retrieval_id)
        if same is None:
            return False
        forget_attempt(same)
        ResultFile.objects.filter(pk=same.pk).update(retrieval_tries=tries, **NO_RETRIEVAL, **NO_LEASE)
    return True


def give_up(result: ResultFile, problem: str) -> None:
    """Move the result back to ARCHIVED, its archive untouched. Staff see the problem in the log, a mail and the row."""
    with transaction.atomic():
        same = _unheld(result.pk)
        if same is not None:
            forget_attempt(same)
        move_result(
            result,
            ResultState.ARCHIVED,
            "It could not be brought back; staff have been told.",
            guard=unheld(clock.now()),
            problem=problem,
            **NO_LEASE,
        )
        RestoreBatch.objects.filter(results=result).update(given_up=F("given_up") + 1)
    log.error("result %s, of %s: restoring is given up: %s", result.pk, result.archive_id, problem)


def send_restores(results: Sequence[int], *, again_after: float) -> int:
    """Send messages for results that can be read now, one each per `again_after` seconds. Returns how many."""
    now = clock.now()
    unsent = Q(restore_sent_at=None) | Q(restore_sent_at__lt=now - timedelta(seconds=again_after))
    sent = 0
    for begin in range(0, len(results), PAGE):
        page = results[begin : begin + PAGE]
        rows = ResultFile.objects.filter(unsent, pk__in=page, state=ResultState.RESTORING)
        with transaction.atomic():
            pks = list(rows.select_for_update().values_list("pk", flat=True))
            ResultFile.objects.filter(pk__in=pks).update(restore_sent_at=now)
            for pk in pks:
                send_after_commit(RESTORE_RESULT, pk)
        sent += len(pks)
    return sent


def unheld(now: datetime) -> Q:
    """Select results without a live worker."""
    return Q(lease_token=None) | Q(lease_expires_at__lt=now)


def claim(result_id: int) -> RestoreClaim | None:
    """Claim a result whose retrieval is done, unless another worker has it."""
    with transaction.atomic():
        result = _unheld(result_id)
        if result is None or not result.retrieval_id:
            return None
        forget_attempt(result)
        result.lease_token = token = uuid.uuid4()
        result.lease_expires_at = clock.now() + timedelta(seconds=settings.LEASE_SECONDS)
        result.save(update_fields=["lease_token", "lease_expires_at"])
    return RestoreClaim(result, token)


def take_back(result_id: int) -> bool:
    """Release a result whose worker no longer renews its lease, for the next worker."""
    with transaction.atomic():
        result = _unheld(result_id)
        if result is None or result.lease_token is None:
            return False
        forget_attempt(result)
        ResultFile.objects.filter(pk=result_id).update(**NO_LEASE, restore_sent_at=None)
    return True


def forget_attempt(result: ResultFile) -> None:
    """Have the objects of a worker that lost its lease removed. Call it in a transaction that locks the row."""
    if result.lease_token:
        remove(HOT, RestoreClaim(result, result.lease_token).new_key, maker_is_gone=True)


def _unheld(result_id: int, **state: Any) -> ResultFile | None:
    """Return a result that is being restored and has no live worker, locked. Call it in a transaction."""
    rows = ResultFile.objects.filter(unheld(clock.now()), pk=result_id, state=ResultState.RESTORING, **state)
    return rows.select_for_update(of=("self",)).select_related("job").first()


def renew(claim: RestoreClaim) -> bool:
    """Extend the lease. Returns False when the caller no longer has it."""
    expires = clock.now() + timedelta(seconds=settings.LEASE_SECONDS)
    mine = ResultFile.objects.filter(pk=claim.result.pk, lease_token=claim.token, state=ResultState.RESTORING)
    return bool(mine.update(lease_expires_at=expires))


def let_go(claim: RestoreClaim, error: Exception | None = None) -> None:
    """Release a result after a failed attempt, and remove what was put into S3. The next poll of its batch continues.

    Does nothing if the result is restored and only the answer to that commit was lost.

    Args:
        claim: the attempt.
        error: what went wrong; None if the output was not readable yet, or no longer. If the restored bytes differ
            from the archived ones MAX_ATTEMPTS times in a row, the result is given up. After any other error it is
            tried again without limit.
    """
    faults_now = claim.result.faults + (error is not None)
    damages = claim.result.damages if error is None else faults.damages_after(claim.result.damages, error)
    with transaction.atomic():
        mine = ResultFile.objects.filter(pk=claim.result.pk, lease_token=claim.token, state=ResultState.RESTORING)
        held = mine.update(**NO_LEASE, restore_sent_at=None, faults=faults_now, damages=damages)
        if held and error is not None:
            if damages >= settings.MAX_ATTEMPTS:
                result = ResultFile.objects.select_related("job").get(pk=claim.result.pk)
                if isinstance(error, StoredDiffers):
                    what = "What was stored in S3 is not what Glacier gave back"
                else:
                    what = "What Glacier gave back is not what was archived"
                give_up(result, f"{what}; {damages} such faults in a row: {error}"[:300])
            else:
                faults.tell("Results are not brought back", faults_now, f"Result {claim.result.pk}: {error!r}")
        if not ResultFile.objects.filter(pk=claim.result.pk, key=claim.new_key).exists():
            remove(HOT, claim.new_key)


def restored(claim: RestoreClaim) -> None:
    """Mark the result as restored: it is in S3 and verified. Its archive is removed after the commit. Raises LostRace.

    If its owner has left Premium meanwhile, the result becomes due again (see `archival.make_due`).
    """
    with transaction.atomic():
        owner = lock_owner(pk=claim.result.job.owner_id)
        result = ResultFile.objects.select_related("job").filter(pk=claim.result.pk).first()
        if owner is None or result is None:
            raise LostRace(f"result {claim.result.pk} is deleted")
        route, archive_id = result.archive_route, result.archive_id
        move_result(
            result,
            ResultState.AVAILABLE,
            "Back from Glacier, and verified.",
            guard=Q(lease_token=claim.token),
            key=claim.new_key,
            faults=0,
            damages=0,
            **tables.without_tables(result),
            **NOT_ARCHIVED,
            **NO_LEASE,
        )
        RestoreBatch.objects.filter(results=result).update(restored=F("restored") + 1)
        if not settings.ARCHIVE_KEEP_RESTORED:
            remove(route, archive_id)
        if tables.can_have_tables(result):
            tables.owe(result)
        make_due(result, owner)


def finish(batch: RestoreBatch) -> None:
    """Close a batch without results that are being restored, and owe its owner one mail, once.

    Results were counted when they were restored: a result on the free plan may be archived again by now.
    """
    with transaction.atomic():
        lock_owner(pk=batch.owner_id)
        now = clock.now()
        if not RestoreBatch.objects.filter(pk=batch.pk, finished_at=None).update(finished_at=now, next_poll_at=None):
            return
        batch.refresh_from_db()
        if batch.given_up:
            alert_after_commit(
                f"{batch.given_up} archived results could not be brought back",
                f"Batch {batch.pk} of {batch.owner.email}. The archives are untouched; each result says what is wrong, "
                "among the results in the admin. After a restore of the database run `manage.py reconcile_storage`.",
            )
        if batch.restored or batch.given_up:
            facts = {"count": batch.restored, "missing": batch.given_up}
            notice = Notice.objects.create(owner=batch.owner, kind=Notice.Kind.RESTORED, facts=facts)
            send_after_commit(SEND_NOTICE, notice.pk)
