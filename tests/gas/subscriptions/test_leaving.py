"""Leaving Premium as a customer meets it: told before, by mail, and on the jobs page; and nothing goes at once."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import transaction
from django.utils import timezone

from gas.jobs.models import Job, ResultFile
from gas.jobs.states import JobStatus
from gas.jobs.storage.archival import make_due
from gas.subscriptions.grants import grant_premium
from gas.subscriptions.models import Billing
from gas.subscriptions.templatetags.plans import day
from gas.users.models import User
from tests.support.subscribers import Subscriber, until, words

pytestmark = pytest.mark.django_db(transaction=True)

WEEK = timedelta(days=7)


@pytest.fixture
def result(person: User) -> Callable[[], ResultFile]:
    """Makes a completed job's result, due as its owner's plan says."""

    def complete() -> ResultFile:
        job = Job.objects.create(owner=person, name="a.vcf", reference="rCRS", status=JobStatus.COMPLETED)
        made = ResultFile.objects.create(job=job, key="r/k", index_key="r/i", size=2048, sha256="0" * 64)
        with transaction.atomic():
            make_due(made, User.objects.get(pk=person.pk))
        return made

    return complete


def due(result: ResultFile) -> datetime | None:
    result.refresh_from_db()
    return result.archive_due_at


def test_cancelling_is_told_before_after_and_at_its_end_and_takes_nothing_for_a_week(
    subscriber: Subscriber, result: Callable[[], ResultFile]
) -> None:
    subscriber.subscribe()
    made = result()
    assert due(made) is None
    ends = subscriber.billing.period_end
    assert ends is not None

    before = words(subscriber.client)
    assert f"If you cancel now, Premium lasts until {day(ends)}." in before
    assert f"stay here for 7 days more, until {day(ends + WEEK)}, and are archived after that" in before

    subscriber.cancel()
    subscriber.wait(lambda billing: billing.ends_at is not None)
    cancelled = words(subscriber.client)
    assert f"Your results stay here for 7 days more, until {day(ends + WEEK)}" in cancelled
    assert "Before you cancel" not in cancelled
    assert due(made) is None  # Premium goes on
    assert "from Premium" not in words(subscriber.client, "/jobs/")

    mail.outbox.clear()
    subscriber.stripe.end_period(subscriber.subscription)
    until(subscriber.user, "free", "canceled")
    subscriber.settled()
    left = due(made)
    assert left == pytest.approx(timezone.now() + WEEK, abs=timedelta(minutes=2))
    assert [one.subject for one in mail.outbox] == ["1 result will be archived"]
    for page in ("/jobs/", "/plan/"):
        said = words(subscriber.client, page)
        assert "1 result from Premium, 2 KB, will be archived in 7 days , on " + day(left) in said, page

    subscriber.subscribe()
    assert due(made) is None
    assert "from Premium" not in words(subscriber.client, "/jobs/")


def test_the_plan_page_says_what_follows_a_grant(person: User, staff: User, browser_of: Callable[[User], Any]) -> None:
    ends = timezone.now() + timedelta(days=30)
    grant_premium(person, until=ends, reason="a course", actor=staff)
    said = words(browser_of(person))
    assert f"Your Premium lasts until {day(ends)}. Your results then stay here for 7 days more" in said


def test_a_grant_that_goes_on_after_a_subscription_is_what_counts(person: User, staff: User, browser_of: Any) -> None:
    paid, granted = timezone.now() + timedelta(days=10), timezone.now() + timedelta(days=40)
    billing = Billing.objects.create(user=person, customer_id="cus_1", status="active", period_end=paid)
    grant = grant_premium(person, until=granted, reason="a course", actor=staff)
    client = browser_of(person)
    assert f"If you cancel now, Premium lasts until {day(granted)}." in words(client)
    billing.ends_at = paid
    billing.save()
    said = words(client)
    assert "You have cancelled" not in said
    assert f"Your Premium lasts until {day(granted)}." in said
    grant.until = None
    grant.save()
    assert "stay here for 7 days more, until" not in words(client)


def test_a_free_person_is_told_of_the_week_but_not_of_a_cancellation(person: User, browser_of: Any) -> None:
    said = words(browser_of(person))
    assert "Results then stay here for 7 days more before they are archived" in said
    assert "Before you cancel" not in said
    assert "from Premium" not in said


def test_results_made_on_the_free_plan_are_not_counted_as_from_premium(
    subscriber: Subscriber, result: Callable[[], ResultFile]
) -> None:
    subscriber.subscribe()
    result()
    subscriber.end_now()
    until(subscriber.user, "free", "canceled")
    subscriber.settled()
    result()
    assert "1 result from Premium" in words(subscriber.client, "/jobs/")
