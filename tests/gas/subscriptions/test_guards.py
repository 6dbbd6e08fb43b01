"""Each check that keeps a plan with what Stripe and staff said last, one by one and without Stripe."""

import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction

from gas import clock
from gas.subscriptions import following, grants, settling, stripe
from gas.subscriptions.changes import left_premium_at, set_plan, who_changed_plan
from gas.subscriptions.entitlement import Subscription
from gas.subscriptions.models import Billing, Grant, PlanChange
from gas.tasknames import FOLLOW
from gas.users.models import PlanChoice, User

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("queued")]

FREE, PREMIUM = PlanChoice.FREE, PlanChoice.PREMIUM
CREATED = datetime(2026, 1, 1, tzinfo=UTC)
END = datetime(2026, 12, 1, tzinfo=UTC)
OTHER = uuid.UUID(int=2)


def at(seconds: float) -> datetime:
    return clock.now() + timedelta(seconds=seconds)


def subscription(status: str, name: str = "sub_1", ends_at: datetime | None = None) -> Subscription:
    return Subscription(name, "cus_1", status, CREATED, END, ends_at)


@pytest.fixture
def billing(person: User) -> Billing:
    """A customer whom somebody wants read."""
    return Billing.objects.create(user=person, customer_id="cus_1", wanted=1)


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Sets what Stripe says, one answer for each reading. Returns the customers that were asked for."""

    def tell(*answers: Any) -> list[str]:
        asked, left = [], list(answers)

        def subscriptions_of(customer_id: str) -> Sequence[Subscription]:
            asked.append(customer_id)
            answer = left.pop(0)
            found: list[Subscription] = answer() if callable(answer) else answer
            return found

        monkeypatch.setattr(stripe, "subscriptions_of", subscriptions_of)
        return asked

    return tell


def lasts(billing: Billing) -> bool:
    """Whether its lease is a new one."""
    assert billing.lease_expires_at is not None
    return abs(billing.lease_expires_at - clock.now() - following.LEASE) < timedelta(seconds=5)


def plan(person: User) -> str:
    return str(User.objects.values_list("plan", flat=True).get(pk=person.pk))


# --- Readings


def test_a_reading_is_written_down_whole_and_the_plan_follows(person: User, billing: Billing, says: Any) -> None:
    asked = says([subscription("active", ends_at=END)])
    assert following.follow(billing.pk) is True
    billing.refresh_from_db()
    assert asked == ["cus_1"]
    assert (billing.subscription_id, billing.status) == ("sub_1", "active")
    assert (billing.period_end, billing.ends_at, billing.past_due_since) == (END, END, None)
    assert (billing.wanted, billing.done) == (1, 1)
    assert (billing.lease_token, billing.lease_expires_at) == (None, None)
    assert billing.read_at is not None
    assert plan(person) == PREMIUM
    says([])
    Billing.objects.update(wanted=2)
    assert following.follow(billing.pk) is True
    billing.refresh_from_db()
    assert (billing.subscription_id, billing.status, billing.period_end, billing.ends_at) == ("", "", None, None)
    assert plan(person) == FREE


@pytest.mark.parametrize(
    ("row", "reads"),
    [
        ({}, True),
        ({"done": 1}, False),
        ({"customer_id": None}, False),
        ({"lease_token": OTHER, "lease_expires_at": 5}, False),
        ({"lease_token": OTHER, "lease_expires_at": -1}, True),
    ],
)
def test_stripe_is_read_by_one_at_a_time_when_it_is_wanted(billing: Billing, says: Any, row: Any, reads: bool) -> None:
    change = {name: at(value) if name == "lease_expires_at" else value for name, value in row.items()}
    Billing.objects.update(**change)
    asked = says([])
    assert following.follow(billing.pk) is reads
    assert asked == (["cus_1"] if reads else [])


def test_whoever_is_gone_is_not_read(billing: Billing, says: Any) -> None:
    assert following.follow(billing.pk + 1) is False


def test_a_reading_holds_its_lease_for_as_long_as_it_says(billing: Billing, says: Any) -> None:
    held = []

    def look() -> list[Subscription]:
        held.append(Billing.objects.get())
        return []

    says(look)
    following.follow(billing.pk)
    assert lasts(held[0])
    assert held[0].lease_token is not None


def test_a_stale_reading_whose_lease_was_taken_applies_nothing(person: User, billing: Billing, says: Any) -> None:
    """It waited for Stripe for too long: somebody else has read since."""

    def overtaken() -> list[Subscription]:
        Billing.objects.update(lease_token=OTHER, status="canceled", done=1)
        return [subscription("active")]

    says(overtaken)
    following.follow(billing.pk)
    billing.refresh_from_db()
    assert (billing.status, billing.lease_token) == ("canceled", OTHER)
    assert plan(person) == FREE


def test_a_reading_of_somebody_who_left_meanwhile_applies_nothing(person: User, billing: Billing, says: Any) -> None:
    says(lambda: person.delete() and [subscription("active")])
    following.follow(billing.pk)
    assert not Billing.objects.exists()


def test_what_is_wanted_during_a_reading_is_read_again_before_the_lease_goes(
    person: User, billing: Billing, says: Any
) -> None:
    def canceled_meanwhile() -> list[Subscription]:
        Billing.objects.update(wanted=2)
        return [subscription("active")]

    tokens = []

    def second() -> list[Subscription]:
        now = Billing.objects.get()
        tokens.append(now.lease_token)
        assert now.done == 1
        assert lasts(now)
        return [subscription("canceled")]

    asked = says(canceled_meanwhile, second)
    following.follow(billing.pk)
    billing.refresh_from_db()
    assert asked == ["cus_1", "cus_1"]
    assert tokens != [None]
    assert (billing.status, billing.done, billing.wanted, billing.lease_token) == ("canceled", 2, 2, None)
    assert plan(person) == FREE


def test_a_reading_takes_the_lease_of_its_customer_alone(stranger: User, billing: Billing, says: Any) -> None:
    other = Billing.objects.create(user=stranger, customer_id="cus_2", wanted=1)
    says([])
    following.follow(billing.pk)
    other.refresh_from_db()
    assert (other.lease_token, other.done) == (None, 0)


def test_a_reading_writes_down_since_when_it_is_past_due(person: User, billing: Billing, says: Any) -> None:
    says([subscription("past_due")])
    following.follow(billing.pk)
    billing.refresh_from_db()
    assert billing.past_due_since is not None
    assert abs(billing.past_due_since - clock.now()) < timedelta(seconds=5)
    assert plan(person) == PREMIUM


@pytest.mark.parametrize("taken", [False, True])
def test_a_reading_that_fails_gives_back_its_own_lease_and_keeps_the_wish(
    billing: Billing, says: Any, taken: bool
) -> None:
    def fail() -> list[Subscription]:
        if taken:
            Billing.objects.update(lease_token=OTHER)
        raise stripe.BillingUnavailable("down")

    says(fail)
    with pytest.raises(stripe.BillingUnavailable):
        following.follow(billing.pk)
    billing.refresh_from_db()
    assert (billing.wanted, billing.done) == (1, 0)
    assert billing.lease_token == (OTHER if taken else None)
    assert (billing.lease_expires_at is None) is not taken


def test_what_happened_is_wanted_of_its_customer_alone(
    person: User, stranger: User, billing: Billing, sends: Any
) -> None:
    other = Billing.objects.create(user=stranger, customer_id="cus_2")
    with sends() as sent:
        assert following.want("cus_1") is True
    assert sent == [(FOLLOW, (str(billing.pk),), 0)]
    billing.refresh_from_db()
    other.refresh_from_db()
    assert (billing.wanted, other.wanted) == (2, 0)
    assert billing.wanted_at is not None
    assert following.want("cus_3") is False


@pytest.mark.parametrize(
    ("before", "now", "since"),
    [
        (None, "past_due", "now"),
        (None, "active", None),
        (None, "unpaid", None),
        ("sub_1", "past_due", "then"),
        ("sub_1", "unpaid", "then"),
        ("sub_1", "active", None),
        ("sub_1", "trialing", None),
        ("sub_0", "past_due", "now"),
        ("sub_0", "unpaid", None),
        ("sub_1", None, None),
    ],
)
def test_a_grace_is_counted_once_from_when_the_same_subscription_was_first_past_due(
    billing: Billing, before: str | None, now: str | None, since: str | None
) -> None:
    then, moment = at(-1000), at(0)
    if before:
        billing.subscription_id, billing.past_due_since = before, then
    found = following._past_due_since(billing, subscription(now) if now else None, moment)
    assert found == {"then": then, "now": moment, None: None}[since]


# --- Settling, grants and the plan


@pytest.mark.parametrize(
    ("status", "past_due", "grant", "expected", "reason"),
    [
        ("active", None, False, PREMIUM, "the subscription is active"),
        ("past_due", -60, False, PREMIUM, "the subscription is past due"),
        ("past_due", -400 * 86_400, False, FREE, "the subscription is past due"),
        ("past_due", -400 * 86_400, True, PREMIUM, "granted: for a friend"),
        ("canceled", None, False, FREE, "the subscription is canceled"),
        ("", None, False, FREE, "no subscription"),
        ("", None, True, PREMIUM, "granted: for a friend"),
        (None, None, False, FREE, "no subscription"),
        (None, None, True, PREMIUM, "granted: for a friend"),
    ],
)
def test_a_plan_is_what_stripe_or_else_a_grant_entitles_to(
    person: User, staff: User, status: Any, past_due: Any, grant: bool, expected: str, reason: str
) -> None:
    User.objects.filter(pk=person.pk).update(plan=FREE if expected == PREMIUM else PREMIUM)
    billing = None
    if status is not None:
        since = at(past_due) if past_due else None
        billing = Billing.objects.create(user=person, customer_id="cus_1", status=status, past_due_since=since)
    if grant:
        Grant.objects.create(user=person, reason="for a friend", actor=staff)
    with transaction.atomic():
        assert settling.settle(person, billing, actor=staff) is True
        assert settling.settle(person, billing) is False
    change = PlanChange.objects.get()
    assert (plan(person), change.to_plan, change.reason, change.actor) == (expected, expected, reason, staff)


@pytest.mark.parametrize(("status", "to"), [("active", PREMIUM), ("canceled", FREE)])
@pytest.mark.parametrize("grant", [True, False])
def test_a_reason_that_is_given_is_written_down_instead(person: User, status: str, to: str, grant: bool) -> None:
    to = PREMIUM if grant else to
    User.objects.filter(pk=person.pk).update(plan=FREE if to == PREMIUM else PREMIUM)
    billing = Billing.objects.create(user=person, customer_id="cus_1", status=status)
    if grant:
        Grant.objects.create(user=person, reason="for a friend")
    with transaction.atomic():
        settling.settle(person, billing, why="asked for it")
    assert PlanChange.objects.get().reason == "asked for it"


def test_the_grace_ends_so_many_days_after_it_was_read(billing: Billing) -> None:
    assert settling.grace_ends(billing) is None
    billing.past_due_since = CREATED
    assert settling.grace_ends(billing) == CREATED + timedelta(days=settings.PAST_DUE_GRACE_DAYS)


@pytest.mark.parametrize("paying", [True, False])
def test_a_grant_that_is_revoked_ends_and_what_is_paid_for_stays(person: User, staff: User, paying: bool) -> None:
    Billing.objects.create(user=person, customer_id="cus_1", status="active" if paying else "canceled")
    until = at(86_400)
    grant = grants.grant_premium(person, until=until, reason="r" * 200, actor=staff)
    assert (grant.user, grant.until, grant.reason, grant.actor) == (person, until, "r" * 200, staff)
    assert plan(person) == PREMIUM
    change = PlanChange.objects.get()
    assert (change.actor, len(change.reason)) == (staff, 200)
    assert change.reason.startswith("granted: r")
    assert grants.revoke_grants(person, actor=staff) == 1
    grant.refresh_from_db()
    assert grant.revoked_by == staff
    assert grant.ended_at is not None
    assert plan(person) == (PREMIUM if paying else FREE)
    assert grants.revoke_grants(person, actor=staff) == 0
    if not paying:
        last = PlanChange.objects.latest("pk")
        assert (last.reason, last.actor) == ("the grant was revoked", staff)


def test_a_grant_ends_when_its_time_is_over_and_not_before(person: User, staff: User) -> None:
    grant = grants.grant_premium(person, until=at(60), reason="a trial", actor=staff)
    assert grants.end_expired(person.pk) is False
    assert plan(person) == PREMIUM
    Grant.objects.update(until=at(-1))
    assert grants.end_expired(person.pk) is True
    grant.refresh_from_db()
    assert grant.ended_at is not None
    assert plan(person) == FREE
    assert PlanChange.objects.latest("pk").reason == "the grant has ended"
    assert grants.end_expired(person.pk) is False
    assert grants.end_expired(uuid.uuid4()) is False


def test_what_is_paid_for_stays_when_a_grant_ends(person: User, staff: User) -> None:
    Billing.objects.create(user=person, customer_id="cus_1", status="active")
    grants.grant_premium(person, until=at(60), reason="a trial", actor=staff)
    Grant.objects.update(until=at(-1))
    assert grants.end_expired(person.pk) is True
    assert plan(person) == PREMIUM


def test_another_persons_grant_and_one_without_end_do_not_end(person: User, stranger: User, staff: User) -> None:
    grants.grant_premium(person, until=None, reason="for good", actor=staff)
    grants.grant_premium(stranger, until=at(60), reason="a trial", actor=staff)
    Grant.objects.filter(user=stranger).update(until=at(-1))
    assert grants.end_expired(person.pk) is False
    assert grants.revoke_grants(person, actor=staff) == 1
    assert Grant.objects.get(user=stranger).ended_at is None


def test_who_changed_a_plan_and_when_premium_was_left_is_told_of_the_last_change(person: User, staff: User) -> None:
    assert who_changed_plan(person) is None
    assert left_premium_at(person) is None
    set_plan(person, PREMIUM)
    assert who_changed_plan(person) is None
    assert left_premium_at(person) is None
    set_plan(person, FREE, actor=staff)
    assert who_changed_plan(person) == staff
    assert left_premium_at(person) == PlanChange.objects.latest("pk").at
    set_plan(person, PREMIUM)
    assert who_changed_plan(person) is None
    assert left_premium_at(person) is None
