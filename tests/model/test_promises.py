"""The promises as a model: whatever happens, in whatever order, no result is lost, and each ends where it belongs.

Hypothesis lets people upload, upgrade, downgrade and delete, messages come twice, late or never, processes die or pause
between any two of their steps, and AWS and the database fail, while the real tasks run. Then the accidents end, time
goes on, and the promises are looked at. What it has found is in test_counterexamples.py; test_pauses.py tries every
pause of a worker in order.
"""

from typing import Any

import pytest
from django.conf import settings as django_settings
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from gas.jobs.models import Job, ResultFile
from gas.jobs.staff import overview
from gas.jobs.states import ResultState
from gas.jobs.storage import restoration
from gas.subscriptions.changes import left_premium_at, set_plan
from gas.subscriptions.plans import PLANS
from gas.users.models import PlanChoice, User
from tests.model import promises
from tests.model.world import Accident, World
from tests.support.effort import examples

pytestmark = pytest.mark.long(seconds=20)

SQLITE = "sqlite3" in django_settings.DATABASES["default"]["ENGINE"]
#: For each of the two routes. PostgreSQL, the slower, sees that nothing depends on the database.
EXAMPLES = examples(15 if SQLITE else 5)
RESULTS_MAX = 3
NOTICE = PLANS[PlanChoice.FREE].kept_after_downgrade

numbers = st.integers(0, 50)
faults = st.builds(
    Accident, st.integers(0, 12), st.sampled_from(["crash", "error"]), st.sampled_from(["before", "after"])
)
pauses = st.builds(
    Accident,
    st.integers(0, 25),
    st.just("pause"),
    deliveries=st.integers(0, 6),
    then=st.none() | faults,
    plan_changes=st.booleans(),
)
accidents = st.none() | faults | pauses


class Promises(RuleBasedStateMachine):
    world: World

    def __init__(self) -> None:
        super().__init__()
        self.world.reset()
        self._archived: set[int] = set()
        self._plan = PlanChoice.FREE
        self._staff_archived = False

    @property
    def plan(self) -> PlanChoice:
        return PlanChoice(User.objects.values_list("plan", flat=True).get(pk=self.world.owner.pk))

    # --- What people do

    @precondition(lambda _: Job.objects.count() < RESULTS_MAX)
    @rule()
    def a_job_completes(self) -> None:
        self.world.complete()

    @precondition(lambda _: Job.objects.count() < RESULTS_MAX)
    @rule()
    def a_file_is_uploaded(self) -> None:
        self.world.upload()

    @rule(accident=accidents)
    def the_plan_changes(self, accident: Accident | None) -> None:
        plan = PlanChoice.FREE if self.plan == PlanChoice.PREMIUM else PlanChoice.PREMIUM
        with self.world.befallen(accident):
            set_plan(self.world.owner, plan)

    @rule(accident=accidents)
    def staff_restore(self, accident: Accident | None) -> None:
        with self.world.befallen(accident):
            restoration.restore_some(ResultFile.objects.all(), actor=self.world.owner)

    @rule(accident=accidents)
    def staff_archive(self, accident: Accident | None) -> None:
        with self.world.befallen(accident):
            overview.archive_now(ResultFile.objects.all(), actor=self.world.owner)
        self._staff_archived = True

    @precondition(lambda _: Job.objects.exists())
    @rule(which=numbers, accident=accidents)
    def a_job_is_deleted(self, which: int, accident: Accident | None) -> None:
        jobs = list(Job.objects.order_by("created_at"))
        with self.world.befallen(accident):
            self.world.deleted = True
            jobs[which % len(jobs)].delete()

    # --- What becomes of messages

    @precondition(lambda self: self.world.messages)
    @rule(which=numbers, accident=accidents)
    def a_message_comes(self, which: int, accident: Accident | None) -> None:
        message = self.world.messages[which % len(self.world.messages)]
        self.world.tick(max(0.0, message.due - self.world.now()))
        self.world.deliver(message, accident)

    @precondition(lambda self: self.world.messages)
    @rule(count=st.integers(1, 6))
    def the_next_messages_come(self, count: int) -> None:
        for _ in range(count):
            first = min(self.world.messages, key=lambda one: one.due, default=None)
            if first is not None:
                self.world.tick(max(0.0, first.due - self.world.now()))
                self.world.deliver(first)

    @precondition(lambda self: self.world.seen)
    @rule(which=numbers, accident=accidents)
    def a_message_comes_again(self, which: int, accident: Accident | None) -> None:
        self.world.deliver(self.world.seen[-1 - which % len(self.world.seen)], accident)

    @precondition(lambda self: self.world.messages)
    @rule(which=numbers)
    def a_message_is_lost(self, which: int) -> None:
        del self.world.messages[which % len(self.world.messages)]

    # --- What else happens

    @rule(seconds=st.sampled_from([5, 70, 130, 400, 3600, 22 * 3600, 72 * 3600, 8 * 24 * 3600]))
    def time_passes(self, seconds: float) -> None:
        self.world.tick(seconds)

    @rule(accident=accidents)
    def the_sweep_runs(self, accident: Accident | None) -> None:
        self.world.sweep(accident)

    @rule(refused=st.booleans(), failing=st.booleans())
    def glacier_is_busy(self, refused: bool, failing: bool) -> None:
        self.world.rules(refuse_expedited=int(refused), fail_jobs=int(failing))

    # --- The promises

    @invariant()
    def promises_hold(self) -> None:
        results = promises.every_result_is_where_its_row_says(self.world)
        promises.nothing_is_paid_for_twice(self.world)
        plan = self.plan
        cold = {one.pk for one in results if one.state in {ResultState.ARCHIVED, ResultState.RESTORING}}
        if plan == self._plan == PlanChoice.PREMIUM:
            assert cold <= self._archived, "a premium person's result was archived"
        if plan == PlanChoice.PREMIUM:
            assert not any(one.archive_due_at for one in results), "a premium person's result is due"
            self._staff_archived = False
        else:
            self.nobody_who_left_loses_the_notice_period(results)
        self._plan, self._archived = plan, cold

    def nobody_who_left_loses_the_notice_period(self, results: list[ResultFile]) -> None:
        """Unless staff archived it, what was in S3 when its owner left stays in S3 for as long as was promised."""
        left = left_premium_at(self.world.owner)
        if left is None or self._staff_archived or self.world.now() >= (left + NOTICE).timestamp():
            return
        for one in results:
            if one.created_at < left and one.state == ResultState.AVAILABLE and one.archive_due_at:
                assert one.archive_due_at >= left + NOTICE, f"{one} is due too early"

    def teardown(self) -> None:
        self.world.rules(refuse_expedited=0, fail_jobs=0)
        self.world.settle()
        promises.all_is_well(self.world)


@pytest.mark.parametrize("route", ["vault", "class"])
def test_whatever_happens_every_result_is_safe_and_ends_where_it_belongs(
    world: World, route: str, settings: Any
) -> None:
    settings.ARCHIVE_ROUTE = route
    machine = type("PromisesOf" + route.title(), (Promises,), {"world": world})
    run_state_machine_as_test(machine, settings=effort())


def effort() -> settings:
    return settings(
        max_examples=EXAMPLES,
        stateful_step_count=15,
        deadline=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )
