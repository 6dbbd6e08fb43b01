"""Where results are, and restores: what comes back from the archive."""

from typing import Any
from uuid import UUID

from django.db.models import Count, Sum
from ninja import Query, Router
from ninja.responses import Status

from gas.api.auth import ApiRequest, needs
from gas.api.idempotency import idempotent
from gas.api.paging import Page, PageQuery, page_of
from gas.api.problems import Problem, ProblemOut
from gas.api.routes.jobs import job_of
from gas.api.schemas.storage import (
    EstimateOut,
    JobStorageOut,
    RestoreIn,
    RestoreOut,
    RetrievalOut,
    StateOut,
    StorageOut,
)
from gas.api.scopes import JOBS_READ, JOBS_WRITE
from gas.jobs.models import RestoreBatch, ResultFile
from gas.jobs.states import ResultState
from gas.jobs.storage import restoration, result_status
from gas.subscriptions.plans import plan_of

router = Router(tags=["Storage"])


def _estimate(results: Any) -> EstimateOut | None:
    found = result_status.estimate(results)
    return EstimateOut(**found) if found["count"] else None


@router.get("/storage", response=StorageOut, auth=needs(JOBS_READ), summary="Get the storage")
def get_storage(request: ApiRequest) -> StorageOut:
    """How many results are in each state, and what bringing the archived ones back would take."""
    mine = ResultFile.objects.filter(job__owner=request.auth.user)
    counted = mine.order_by().values("state").annotate(count=Count("pk"), bytes=Sum("size")).order_by("state")
    return StorageOut(
        results=[StateOut(state=ResultState(row["state"]), count=row["count"], size=row["bytes"]) for row in counted],
        archived=_estimate(mine.filter(state=ResultState.ARCHIVED)),
        can_restore=not plan_of(request.auth.user).archives,
    )


@router.get("/jobs/{uuid:job_id}/storage", response=JobStorageOut, auth=needs(JOBS_READ), summary="Get a job's storage")
def get_job_storage(request: ApiRequest, job_id: UUID) -> JobStorageOut:
    """Where the result of a job is, and how its restore proceeds. Poll it with If-None-Match."""
    job = job_of(request.auth.user, job_id)
    result: ResultFile | None = getattr(job, "result", None)
    if result is None:
        raise Problem("not-found", "This job has no result.")
    progress = result_status.progress(result)
    return JobStorageOut(
        state=ResultState(result.state),
        size=result.size,
        archive_due_at=result.archive_due_at,
        archived_at=result.archived_at,
        retrieval=RetrievalOut(**progress) if progress else None,
        restore=_estimate(ResultFile.objects.filter(pk=result.pk, state=ResultState.ARCHIVED)),
    )


@router.post(
    "/restores", response={201: RestoreOut, 409: ProblemOut}, auth=needs(JOBS_WRITE), summary="Restore results"
)
@idempotent
def restore(request: ApiRequest, asked: RestoreIn) -> Status[RestoreOut]:
    """Bring archived results back. Premium only: on the free plan results stay in the archive until an upgrade."""
    try:
        batch = restoration.restore_own(request.auth.user, asked.jobs)
    except restoration.NothingToRestore as refusal:
        raise Problem("refused", str(refusal)) from refusal
    return Status(201, RestoreOut.of(batch))


@router.get("/restores", response=Page[RestoreOut], auth=needs(JOBS_READ), summary="List restores")
def list_restores(request: ApiRequest, asked: Query[PageQuery]) -> Page[RestoreOut]:
    """What came back, or comes back, from the archive; the latest first."""
    return page_of(RestoreBatch.objects.filter(owner=request.auth.user), asked, RestoreOut.of)


@router.get("/restores/{int:restore_id}", response=RestoreOut, auth=needs(JOBS_READ), summary="Get a restore")
def get_restore(request: ApiRequest, restore_id: int) -> RestoreOut:
    """One restore. Poll it with If-None-Match until it has finished_at."""
    batch = RestoreBatch.objects.filter(pk=restore_id, owner=request.auth.user).first()
    if batch is None:
        raise Problem("not-found")
    return RestoreOut.of(batch)
