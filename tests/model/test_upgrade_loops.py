"""A person who upgrades and cancels repeatedly causes few paid retrievals (docs/costs.md)."""

from django.conf import settings as django_settings

from gas.jobs.models import RestoreBatch, ResultFile
from gas.jobs.states import ResultState
from gas.jobs.storage import restoration
from gas.subscriptions.changes import set_plan
from gas.tasknames import RESTORE_RESULT
from gas.users.models import PlanChoice
from tests.model import promises
from tests.model.world import World, until

FREE, PREMIUM = PlanChoice.FREE, PlanChoice.PREMIUM
RESULTS = 3
DAY = 24 * 3600


def archived(world: World) -> None:
    for _ in range(RESULTS):
        world.complete()
    world.settle()
    assert {result.state for result in ResultFile.objects.all()} == {ResultState.ARCHIVED}


def upgrade(world: World) -> set[str]:
    """Become premium, and have everything back. Returns the tiers that Glacier was asked for first."""
    before = set(RestoreBatch.objects.values_list("pk", flat=True))
    set_plan(world.owner, PREMIUM)
    world.settle()
    assert {result.state for result in ResultFile.objects.all()} == {ResultState.AVAILABLE}
    return {batch.tiers[0] for batch in RestoreBatch.objects.exclude(pk__in=before)}


def test_what_is_still_in_s3_is_not_retrieved_again(world: World) -> None:
    archived(world)
    for _ in range(5):
        upgrade(world)
        assert world.paid() == RESULTS
        set_plan(world.owner, FREE)
        world.tick(django_settings.DOWNGRADE_NOTICE_SECONDS - DAY)
        world.sweep()


def test_cancelling_while_results_are_on_their_way_asks_for_nothing_more(world: World) -> None:
    archived(world)
    set_plan(world.owner, PREMIUM)
    until(world, RESTORE_RESULT)
    for _ in range(5):
        set_plan(world.owner, FREE)
        set_plan(world.owner, PREMIUM)
    world.settle()
    promises.all_is_well(world)
    assert world.paid() == RESULTS


def test_each_further_loop_costs_a_notice_period_and_standard_retrievals(world: World) -> None:
    archived(world)
    asked, began = [], world.now()
    for _ in range(6):
        loop = world.now()
        asked += upgrade(world)
        set_plan(world.owner, FREE)
        world.settle()
        assert {result.state for result in ResultFile.objects.all()} == {ResultState.ARCHIVED}
        assert world.now() - loop >= django_settings.DOWNGRADE_NOTICE_SECONDS
    assert world.paid() == 6 * RESULTS
    expedited_every = django_settings.EXPEDITED_EVERY_DAYS * DAY
    assert asked.count("Expedited") <= 1 + (world.now() - began) // expedited_every
    assert asked == ["Expedited", "Standard", "Standard", "Standard", "Standard", "Expedited"]


def test_a_second_batch_of_one_upgrade_is_as_quick_as_the_first(world: World) -> None:
    """The sweep starts one for what the first has missed."""
    archived(world)
    upgrade(world)
    assert restoration.tiers_after_upgrade(world.owner) == ["Expedited", "Standard"]
