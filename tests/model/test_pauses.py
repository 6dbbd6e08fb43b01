"""A worker that pauses beyond its lease, at any of its moments, and then goes on, does no harm.

Meanwhile its lease is taken: by a successor that does all the work, or by one that dies with the work half done; or
the owner's plan changes. Every moment of every task is tried in turn.
"""

from collections.abc import Callable, Iterator
from itertools import count, product
from typing import Any

import pytest

from gas.subscriptions.changes import set_plan
from gas.tasknames import (
    ANNOTATE,
    ARCHIVE_RESULT,
    BUILD_TABLES,
    POLL_RETRIEVAL,
    REQUEST_RETRIEVAL,
    RESTORE_RESULT,
)
from gas.users.models import PlanChoice
from tests.model import promises
from tests.model.world import Accident, World, until
from tests.support.effort import THOROUGH

#: How many messages reach others during the pause, and what befalls the last of them. A successor that dies has taken
#: the lease, and its own has not expired yet when the first goes on.
SUCCEEDED, CLAIMED, HALF_DONE, PLAN = (
    "its successor ends",
    "its successor claims",
    "its successor dies",
    "the plan changes",
)
MEANWHILE: dict[str, dict[str, Any]] = {
    SUCCEEDED: {"deliveries": 8},
    CLAIMED: {"deliveries": 1, "then": Accident(1, "crash", "before")},
    HALF_DONE: {"deliveries": 1, "then": Accident(3, "crash", "after")},
    PLAN: {"deliveries": 3, "plan_changes": True},
}


def annotate(world: World) -> None:
    world.upload()
    until(world, ANNOTATE)


def archive(world: World) -> None:
    annotate(world)
    until(world, ARCHIVE_RESULT)


def come_back(world: World) -> None:
    annotate(world)
    world.settle()
    set_plan(world.owner, PlanChoice.PREMIUM)


def ask(world: World) -> None:
    come_back(world)
    until(world, REQUEST_RETRIEVAL)


def poll(world: World) -> None:
    come_back(world)
    until(world, POLL_RETRIEVAL)


def restore(world: World) -> None:
    come_back(world)
    until(world, RESTORE_RESULT)


def build_tables(world: World) -> None:
    come_back(world)
    until(world, BUILD_TABLES)


TASKS: dict[str, Callable[[World], None]] = {
    ANNOTATE: annotate,
    ARCHIVE_RESULT: archive,
    REQUEST_RETRIEVAL: ask,
    POLL_RETRIEVAL: poll,
    RESTORE_RESULT: restore,
    BUILD_TABLES: build_tables,
}


#: Those that a guard depends on; all there are with THOROUGH=1.
CASES = (
    list(product(TASKS, MEANWHILE, ["vault", "class"]))
    if THOROUGH
    else [
        (ANNOTATE, SUCCEEDED, "vault"),
        (ANNOTATE, CLAIMED, "vault"),
        (ARCHIVE_RESULT, SUCCEEDED, "vault"),
        (ARCHIVE_RESULT, CLAIMED, "class"),
        (ARCHIVE_RESULT, PLAN, "class"),
        (REQUEST_RETRIEVAL, SUCCEEDED, "vault"),
        (POLL_RETRIEVAL, CLAIMED, "class"),
        (RESTORE_RESULT, CLAIMED, "vault"),
        (RESTORE_RESULT, CLAIMED, "class"),
        (RESTORE_RESULT, PLAN, "class"),
        (BUILD_TABLES, PLAN, "vault"),
    ]
)


def pauses(world: World, name: str, meanwhile: str) -> Iterator[int]:
    """The world after its worker has paused at each moment of the task in turn, and gone on."""
    for moment in count():
        world.reset()
        TASKS[name](world)
        message = next(one for one in world.messages if one.name == name)
        world.deliver(message, Accident(moment, "pause", **MEANWHILE[meanwhile]))
        if world.moments <= moment:
            assert moment > 1, "it never paused"
            return
        yield moment


@pytest.mark.parametrize(("name", "meanwhile", "route"), CASES)
def test_a_worker_that_goes_on_after_its_lease_was_taken_does_no_harm(
    world: World, settings: Any, name: str, meanwhile: str, route: str
) -> None:
    settings.ARCHIVE_ROUTE = route
    for _ in pauses(world, name, meanwhile):
        promises.every_result_is_where_its_row_says(world)
        world.settle()
        promises.all_is_well(world)
