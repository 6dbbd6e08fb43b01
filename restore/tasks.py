"""Tasks: chain(request_retrieval → poll_retrieval → finish_batch) per batch, and restore_result per result."""

import logging
from collections import defaultdict
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from celery import chain
from django.conf import settings

from gas import clock, rounds
from gas.aws import queues, s3
from gas.aws.archive_routes import archive
from gas.aws.archives import (
    EXPEDITED_MAX_BYTES,
    ArchiveMissing,
    ExpeditedUnavailable,
    NotReady,
    RetrievalExpired,
    RetrievalState,
)
from gas.aws.clients import AWSError
from gas.celery import app
from gas.jobs.lifecycle.heartbeat import Heartbeat
from gas.jobs.models import RestoreBatch, ResultFile
from gas.jobs.moves import LostRace
from gas.jobs.storage import restoration
from gas.tasknames import (
    BUILD_TABLES,
    FINISH_BATCH,
    POLL_ONCE,
    POLL_RETRIEVAL,
    READ_NOTICES,
    REQUEST_RETRIEVAL,
    RESTORE_RESULT,
    RESTORE_USER_RESULTS,
    ROUTES,
    START_BATCH,
)
from restore import notices, tables

if TYPE_CHECKING:
    from gas.aws.archives import Tier

log = logging.getLogger(__name__)

#: Retrievals that one message requests: about a minute's work.
REQUESTS_A_MESSAGE = 500
#: Seconds to wait after an error of Glacier or SQS before the remaining retrievals are requested.
PAUSE_SECONDS = 15
#: Six times the duration that AWS states for an Expedited retrieval.
QUICK_FOR = 1800
#: A queue with fewer messages does not delay a message.
SHORT_QUEUE = 50


@app.task(name=RESTORE_USER_RESULTS)
def restore_user_results(user_id: str) -> None:
    """Move the archived results of a premium person to RESTORING, in one batch, and start it."""
    restoration.restore_all(user_id)


@app.task(name=START_BATCH)
def start_batch(batch_id: str) -> None:
    """Send the chain of a batch that is not finished."""
    chain(
        request_retrieval.si(batch_id),
        poll_retrieval.si(batch_id),
        finish_batch.si(batch_id),
    ).apply_async()


@app.task(name=REQUEST_RETRIEVAL, bind=True, max_retries=None)
def request_retrieval(self: Any, batch_id: str) -> None:
    """Request the retrieval of each waiting result of a batch from Glacier, once."""
    batch = _open(batch_id)
    if batch is None:
        return
    _touch(batch, 0)
    page = list(restoration.to_request(batch).select_related("job")[:REQUESTS_A_MESSAGE])
    failed = request_page(batch, page)
    if restoration.to_request(batch).exists():
        pause = PAUSE_SECONDS if failed else 1
        _touch(batch, pause)
        raise self.retry(countdown=pause)


def request_page(batch: RestoreBatch, page: list[ResultFile]) -> int:
    """Request the retrievals of a page. For results that may have been requested before, look first, all in one call.

    A result for which Glacier does not answer does not delay the others. Returns the number of such results.
    """
    failed = 0
    for route, results in _by_route(page).items():
        intended = restoration.intend(results)
        mine = [result for result in results if result.pk in intended]
        messages: dict[int, str] = {}
        try:
            asked_before = [result.archive_id for result in mine if intended[result.pk]]
            known = archive(route).find_retrievals(asked_before) if asked_before else {}
            for result in mine:
                if result.archive_id in known:
                    result.retrieval_id = known[result.archive_id]
                    continue
                try:
                    messages[result.pk] = request_one(batch, result)
                except AWSError:
                    log.warning("result %s: asking for its archive", result.pk, exc_info=True)
                    failed += 1
        finally:  # store what has been paid for, whatever happened to the rest
            restoration.requested([result for result in mine if result.retrieval_id], messages)
            restoration.unanswered([result for result in mine if not result.retrieval_id])
    return failed


def request_one(batch: RestoreBatch, result: ResultFile) -> str:
    """Request by the first available tier, and set `retrieval_id` and `retrieval_tier`. Returns the event's text."""
    message = ""
    for tier in tiers(batch, result):
        try:
            result.retrieval_id = archive(result.archive_route).begin_retrieval(
                result.archive_id, tier=tier, size=result.size, look_first=False
            )
        except ExpeditedUnavailable:
            message = "Glacier has no room for an Expedited retrieval now. "
            continue
        except ArchiveMissing:
            log.error("result %s: its archive %s is missing", result.pk, result.archive_id)
            restoration.give_up(result, "Glacier says that there is no such archive.")
            return ""
        result.retrieval_tier = tier
        return f"{message}{tier} retrieval asked for."
    raise AssertionError("Standard is always among the tiers, and never unavailable")


def tiers(batch: RestoreBatch, result: ResultFile) -> "list[Tier]":
    """Return the batch's tiers, without Expedited if the result is too large for it; Standard is always included."""
    wanted = [tier for tier in batch.tiers if tier != "Expedited" or result.size < EXPEDITED_MAX_BYTES]
    return wanted if wanted and wanted != ["Expedited"] else [*wanted, "Standard"]


@app.task(name=POLL_RETRIEVAL, bind=True, max_retries=None)
def poll_retrieval(self: Any, batch_id: str) -> None:
    """Poll a batch whose retrievals were requested, until every result is restored or given up.

    Until then it sends tasks for finished retrievals, requests failed ones again, and runs again: seconds later for
    Expedited, minutes and then longer for Standard. One round costs one call per 1,000 archives.
    """
    batch = _open(batch_id)
    if batch is None:
        return
    try:
        poll(batch)
    except AWSError:
        log.warning("batch %s: polling", batch.pk, exc_info=True)
    if restoration.waiting(batch).exists():
        pause = poll_pause(batch)
        _touch(batch, pause)
        raise self.retry(countdown=pause)


@app.task(name=POLL_ONCE)
def poll_once(batch_id: str) -> None:
    """Poll a batch once when Glacier sends a notice about it, without waiting for the next poll of its chain."""
    batch = _open(batch_id)
    if batch is not None:
        poll(batch)


@app.task(name=READ_NOTICES)
def read_notices() -> None:
    """Poll the batches that Glacier's notices are about."""
    if not rounds.just_taken("notices", settings.NOTICES_SECONDS):
        notices.read_notices()


def poll(batch: RestoreBatch) -> None:
    """Check the retrievals of a batch once."""
    take_back(batch)
    request_page(batch, list(restoration.to_request(batch).select_related("job")[:REQUESTS_A_MESSAGE]))
    asked = restoration.waiting(batch).exclude(retrieval_id="").order_by("pk")
    pairs: dict[str, dict[str, tuple[str, int]]] = defaultdict(dict)
    for pk, route, archive_id, retrieval_id in asked.values_list(
        "pk", "archive_route", "archive_id", "retrieval_id"
    ).iterator(restoration.PAGE):
        pairs[route][retrieval_id] = (archive_id, pk)
    for route, rows in pairs.items():
        # All in one call: Glacier's list is the same for each page of results.
        found = archive(route).retrieval_status([(archive_id, name) for name, (archive_id, _) in rows.items()])
        done = [rows[name][1] for name, one in found.items() if one.state == RetrievalState.DONE]
        restoration.send_restores(done, again_after=resend_after())
        gone = [rows[n][1] for n, one in found.items() if one.state in {RetrievalState.FAILED, RetrievalState.MISSING}]
        for result in ResultFile.objects.filter(pk__in=gone[:REQUESTS_A_MESSAGE]).select_related("job"):
            restoration.request_again(result)


def take_back(batch: RestoreBatch) -> None:
    """Send the tasks again for results whose worker is gone, that is, whose lease has expired."""
    for result in restoration.waiting(batch).filter(lease_expires_at__lt=clock.now()):
        restoration.take_back(result.pk)


def resend_after() -> float:
    """Return after how many seconds a restore message counts as lost: longer while the queue is long."""
    try:
        short = queues.waiting(ROUTES["restore.*"]["queue"]) < SHORT_QUEUE
    except AWSError:
        short = False
    return settings.RESEND_AFTER_SECONDS * (1 if short else 10)


def poll_pause(batch: RestoreBatch) -> float:
    """Return the seconds until the next poll: short during an Expedited retrieval, else growing up to 15 minutes.

    An Expedited retrieval that takes longer than QUICK_FOR seconds is late, and is polled like the others.
    """
    out = restoration.waiting(batch)
    age = (clock.now() - batch.created_at).total_seconds()
    if age < QUICK_FOR and out.filter(retrieval_tier="Expedited").exists():
        return settings.POLL_EXPEDITED_SECONDS
    return max(settings.POLL_STANDARD_SECONDS, min(age / 10, 900))


@app.task(name=RESTORE_RESULT)
def restore_result(result_id: str) -> None:
    """Copy a retrieved result back to S3.

    Before: RESTORING, its retrieval done. After: AVAILABLE with verified bytes in S3, or still RESTORING, for the next
    poll, if the output has expired or S3 fails.
    """
    claim = restoration.claim(int(result_id))
    if claim is None:
        return
    result = claim.result
    try:
        with Heartbeat(f"result {result_id}", partial(restoration.renew, claim)):
            archive(result.archive_route).restore_to(
                result.archive_id, result.retrieval_id, claim.new_key, size=result.size, sha256=result.sha256
            )
        if result.hot_deleted_at is None:  # the old copy from before the archival, under its old key
            s3.delete_all(settings.S3_RESULTS_BUCKET, result.hot_keys)
        restoration.restored(claim)
    except (LostRace, RetrievalExpired, NotReady) as error:
        log.info("result %s: %r", result_id, error)
        restoration.let_go(claim)
    except Exception as error:
        log.exception("result %s: restoring", result_id)
        restoration.let_go(claim, error)


@app.task(name=BUILD_TABLES)
def build_tables(result_id: str) -> None:
    """Build the tables of a restored or long result.

    Before: AVAILABLE, with a TableBuild row. After: the result has its tables; or it is archived again, without tables;
    or the row still exists, for another try after an error.
    """
    tables.build(int(result_id))


@app.task(name=FINISH_BATCH)
def finish_batch(batch_id: str) -> None:
    """Close a batch that has no result being restored, and send its owner one mail."""
    batch = _open(batch_id)
    if batch is None:
        return
    restoration.finish(batch)


def _open(batch_id: str) -> RestoreBatch | None:
    return RestoreBatch.objects.select_related("owner").filter(pk=int(batch_id), finished_at=None).first()


def _touch(batch: RestoreBatch, pause: float) -> None:
    """Note that the batch has a message, due in this many seconds."""
    RestoreBatch.objects.filter(pk=batch.pk).update(next_poll_at=clock.now() + timedelta(seconds=pause))


def _by_route(results: list[ResultFile]) -> dict[str, list[ResultFile]]:
    routes = defaultdict(list)
    for result in results:
        routes[result.archive_route].append(result)
    return routes
