"""What must hold of the world at every instant, and once it has come to rest."""

from django.conf import settings

from gas.jobs.models import Job, Notice, Purge, Removal, RestoreBatch, ResultFile
from gas.jobs.states import ResultState
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
    for left in (Removal, Purge):
        assert not left._default_manager.exists(), f"left: {left._default_manager.values()}"
    assert not RestoreBatch.objects.filter(finished_at=None).exists(), "a batch is open"
    assert not Notice.objects.filter(sent_at=None).exists(), "a mail was not sent"
    nothing_is_left_behind(world, results)
    one_mail_for_each_batch(world)


def nothing_is_left_behind(world: World, results: list[ResultFile]) -> None:
    """No copy that no row names, but for what the vault named to the dead alone: one for each accident."""
    named = {result.archive_id for result in results if result.state == ResultState.ARCHIVED}
    unknown = world.archives() - named
    accidents = world.accidents if settings.ARCHIVE_ROUTE == "vault" else 0
    assert len(unknown) <= accidents, "an archive that nobody knows"
    hot = {result.key for result in results if result.state == ResultState.AVAILABLE}
    assert world.results_in_s3() <= hot, "a copy in S3 that nobody knows"


def one_mail_for_each_batch(world: World) -> None:
    told = Notice.objects.filter(kind=Notice.Kind.RESTORED).count()
    assert told <= RestoreBatch.objects.count()
    if not world.deleted:
        assert told == RestoreBatch.objects.count()
    jobs = Job.objects.count()
    assert Notice.objects.filter(kind=Notice.Kind.COMPLETED).count() == jobs
