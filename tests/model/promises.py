"""What must hold of the world at every instant, and once it has come to rest."""

from django.conf import settings

from gas.jobs.models import Job, Notice, Purge, Removal, RestoreBatch, ResultFile, TableBuild
from gas.jobs.outputs import PARQUET, STATS, SUMMARY, TSV
from gas.jobs.states import JobStatus, ResultState
from gas.users.models import PlanChoice
from tests.model.world import World

IN_S3 = {ResultState.AVAILABLE, ResultState.ARCHIVING}


def every_result_is_where_its_row_says(world: World) -> list[ResultFile]:
    """Promise 1: whole, and not only somewhere."""
    results = list(ResultFile.objects.all())
    for result in results:
        if result.state in IN_S3:
            assert world.hot(result.key) == result.sha256, f"{result} is not in S3"
        else:
            assert world.cold(result.archive_id) == result.sha256, f"{result} is not in Glacier"
    return results


def nothing_is_paid_for_twice(world: World) -> None:
    assert world.paid() <= world.worth_paying


def all_is_well(world: World) -> None:
    """At rest: promises 2, 3 and 5."""
    results = every_result_is_where_its_row_says(world)
    nothing_is_paid_for_twice(world)
    world.owner.refresh_from_db()
    for result in results:
        if world.owner.plan == PlanChoice.PREMIUM:
            assert result.state == ResultState.AVAILABLE or result.problem, f"a premium person's {result}"
            assert result.archive_due_at is None, f"a premium person's {result} is due"
        else:
            assert result.state == ResultState.ARCHIVED, f"a free person's {result}"
        assert result.lease_token is None
    for left in (Removal, Purge, TableBuild):
        assert not left._default_manager.exists(), f"left: {left._default_manager.values()}"
    assert not RestoreBatch.objects.filter(finished_at=None).exists(), "a batch is open"
    assert not Notice.objects.filter(sent_at=None).exists(), "a mail was not sent"
    every_job_has_ended()
    nothing_is_left_behind(world, results)
    one_mail_for_each_end(world)


def every_job_has_ended() -> None:
    """With a result; or, after as many attempts as there may be, with our apology."""
    for job in Job.objects.all():
        if job.status != JobStatus.COMPLETED:
            assert (job.status, job.failure_code) == (JobStatus.FAILED, "our-fault"), f"{job} has not ended"
            assert job.attempts == settings.MAX_ATTEMPTS
        assert job.lease_token is None


def nothing_is_left_behind(world: World, results: list[ResultFile]) -> None:
    """No copy that no row names, but for what the vault named to the dead alone: one for each accident."""
    named = {result.archive_id for result in results if result.state == ResultState.ARCHIVED}
    unknown = world.archives() - named
    accidents = world.accidents if settings.ARCHIVE_ROUTE == "vault" else 0
    assert len(unknown) <= accidents, "an archive that nobody knows"
    hot = {key for result in results for key in objects_of(result)}
    assert world.objects() <= hot, "an object in S3 that nobody knows"


def objects_of(result: ResultFile) -> set[str]:
    """The keys of what S3 may hold of a result at rest."""
    kept = {result.index_key, result.key_of(SUMMARY), result.key_of(STATS), result.job.log_key}
    if result.state != ResultState.AVAILABLE:
        return kept
    tables = {result.key_of(TSV), result.key_of(PARQUET)} if result.tsv_size is not None else set()
    return {result.key} | kept | tables


def one_mail_for_each_end(world: World) -> None:
    told = Notice.objects.filter(kind=Notice.Kind.RESTORED).count()
    assert told <= RestoreBatch.objects.count()
    if not world.deleted:
        assert told == RestoreBatch.objects.count()
    for status, kind in ((JobStatus.COMPLETED, Notice.Kind.COMPLETED), (JobStatus.FAILED, Notice.Kind.FAILED)):
        assert Notice.objects.filter(kind=kind).count() == Job.objects.filter(status=status).count()
