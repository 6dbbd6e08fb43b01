"""What broke the promises once, found by the model or while it was written, each with the shortest way there."""

from typing import Any

import pytest
from django.conf import settings

from gas.jobs.models import ResultFile
from gas.jobs.staff import overview
from gas.jobs.states import ResultState
from gas.jobs.storage import restoration
from gas.subscriptions.changes import set_plan
from gas.tasknames import ARCHIVE_RESULT, DELETE_HOT_COPY, FINISH_BATCH, RESTORE_RESULT
from gas.users.models import PlanChoice
from tests.model import promises
from tests.model.world import Accident, Message, World, until


def on_its_way_back(world: World) -> Message:
    """An archived result whose owner has become premium, up to the message that Glacier has it ready."""
    world.complete()
    world.settle()
    set_plan(world.owner, PlanChoice.PREMIUM)
    until(world, RESTORE_RESULT)
    return next(one for one in world.messages if one.name == RESTORE_RESULT)


@pytest.mark.parametrize("plan", [PlanChoice.PREMIUM, PlanChoice.FREE])
def test_a_change_of_plan_whose_message_is_lost_takes_effect_all_the_same(world: World, plan: PlanChoice) -> None:
    if plan == PlanChoice.FREE:
        set_plan(world.owner, PlanChoice.PREMIUM)
    world.complete()
    world.settle()
    set_plan(world.owner, plan)
    world.messages.clear()
    world.settle()
    promises.all_is_well(world)


def test_output_that_expires_after_its_reader_died_is_asked_for_again(world: World) -> None:
    message = on_its_way_back(world)
    world.deliver(message, Accident(1, "crash", "before"))
    assert ResultFile.objects.get().lease_token
    world.tick(72 * 3600)
    world.settle()
    promises.all_is_well(world)


def test_a_hot_copy_whose_deletion_was_lost_goes_when_the_result_is_restored(world: World) -> None:
    world.complete()
    until(world, DELETE_HOT_COPY)
    world.messages[:] = [one for one in world.messages if one.name != DELETE_HOT_COPY]
    set_plan(world.owner, PlanChoice.PREMIUM)
    until(world, RESTORE_RESULT)
    world.settle()
    promises.all_is_well(world)


def test_an_archive_whose_commit_fails_is_removed(world: World) -> None:
    for step in range(12):
        world.reset()
        world.complete()
        until(world, ARCHIVE_RESULT)
        world.deliver(world.messages[-1], Accident(step, "error", "before"))
        world.settle()
        assert ResultFile.objects.get().state == ResultState.ARCHIVED
        assert world.archives() == {ResultFile.objects.get().archive_id}


def test_a_batch_is_told_of_though_its_result_is_archived_anew_before_it_closes(world: World) -> None:
    """A free person's, which staff restored and at once archived."""
    world.complete()
    world.settle()
    restoration.restore_some(ResultFile.objects.all(), actor=world.owner)
    until(world, RESTORE_RESULT)
    world.deliver(next(one for one in world.messages if one.name == RESTORE_RESULT))
    overview.archive_now(ResultFile.objects.all(), actor=world.owner)
    until(world, FINISH_BATCH)
    assert ResultFile.objects.get().state == ResultState.ARCHIVED
    world.settle()
    promises.all_is_well(world)


def test_a_mail_whose_message_was_lost_while_nothing_ran_for_days_is_sent(world: World) -> None:
    world.complete()
    world.messages.clear()
    world.tick(72 * 3600)
    world.settle()
    promises.all_is_well(world)


def test_what_a_killed_worker_put_into_s3_goes_though_its_message_comes_again_first(world: World) -> None:
    message = on_its_way_back(world)
    for step in range(12):
        world.deliver(message, Accident(step, "crash", "after"))
        world.tick(2 * settings.LEASE_SECONDS)
        if world.results_in_s3():
            break
    assert len(world.results_in_s3()) == 1, "it was to die just after it had put the copy there"
    world.deliver(message)
    assert len(world.results_in_s3()) == 2
    world.settle()
    promises.all_is_well(world)


@pytest.mark.parametrize("step", range(8))
def test_an_archive_that_was_stored_and_could_not_be_verified_is_removed(
    world: World, step: int, settings: Any
) -> None:
    settings.ARCHIVE_ROUTE = "class"
    world.complete()
    until(world, ARCHIVE_RESULT)
    message = next(one for one in world.messages if one.name == ARCHIVE_RESULT)
    world.deliver(message, Accident(step, "error", "after"))
    world.settle()
    promises.all_is_well(world)
