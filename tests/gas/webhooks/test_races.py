"""Promise: workers, jobs that end and people who change their mind never send an event twice, lose one, or deadlock.

Real transactions against each other on PostgreSQL: one is held before each of its statements, and before its commit.
"""

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction

from gas.aws import queues
from gas.jobs.models import Job
from gas.jobs.moves import move_job
from gas.jobs.states import JobStatus
from gas.users.deletion import delete_account
from gas.users.locks import lock_owner
from gas.users.models import User
from gas.webhooks import delivering, endpoints
from gas.webhooks.models import Delivery, Endpoint
from tests.support.people import make_person
from tests.support.races import Work, every_interleaving, other_way_round
from tests.support.receiver import Receiver

pytestmark = [
    pytest.mark.skipif("sqlite3" in settings.DATABASES["default"]["ENGINE"], reason="SQLite has one writer at a time"),
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("queued", "aws"),
]


def due(endpoint: Endpoint) -> Delivery:
    return Delivery.objects.create(endpoint=endpoint, event="webhook.test", body="{}")


def ending(job: Job) -> None:
    """What a worker does at the end of a job, without its result."""
    with transaction.atomic():
        lock_owner(pk=job.owner_id)
        move_job(job, JobStatus.FAILED, "Ended.")


def test_of_two_workers_one_sends(receiver: Receiver, endpoint: Endpoint) -> None:
    def prepare() -> tuple[Work, Work]:
        Delivery.objects.all().delete()
        receiver.requests.clear()
        due(endpoint)
        return lambda: delivering.deliver(endpoint.pk), lambda: delivering.deliver(endpoint.pk)

    for futures in every_interleaving(prepare):
        for future in futures:
            future.result()
        assert len(receiver.requests) == 1
        assert Delivery.objects.get().state == "delivered"


@pytest.mark.parametrize("turned", [False, True])
def test_an_event_that_comes_while_another_is_sent_is_not_forgotten(
    receiver: Receiver, endpoint: Endpoint, running: Callable[..., Job], turned: bool
) -> None:
    """Its own message may find the endpoint claimed: then the worker that has it sends another."""
    sent_before = 0

    def prepare() -> tuple[Work, Work]:
        nonlocal sent_before
        Delivery.objects.all().delete()
        due(endpoint)
        job = running()

        def end_and_take() -> None:
            nonlocal sent_before
            ending(job)
            sent_before = queues.waiting("gas-webhooks")
            delivering.deliver(endpoint.pk)

        return lambda: delivering.deliver(endpoint.pk), end_and_take

    for futures in every_interleaving(other_way_round(prepare) if turned else prepare):
        for future in futures:
            future.result()
        waiting = Delivery.objects.exclude(due_at=None).exists()
        assert not waiting or queues.waiting("gas-webhooks") > sent_before, "it waits, and there is no message for it"


@pytest.mark.parametrize(
    ("change", "turned"),
    [
        *((change, turned) for change in ("delete", "switch off", "replay") for turned in (False, True)),
        ("end of account", False),
    ],
)
def test_neither_a_job_nor_a_delivery_fails_because_the_owner_acts(
    receiver: Receiver, running: Callable[..., Job], change: str, turned: bool
) -> None:
    emails = (f"p{number}@lab.example" for number in count())
    work: list[Any] = []

    def prepare() -> tuple[Work, Work]:
        owner = make_person(next(emails))
        endpoint, _ = endpoints.create(owner, receiver.url, ["job.failed"])
        delivery = due(endpoint)
        job = running(owner)
        work[:] = [job.pk, owner.pk]

        def work_on() -> None:
            ending(job)
            delivering.deliver(endpoint.pk)

        acts: dict[str, Work] = {
            "delete": lambda: endpoints.delete(endpoint),
            "switch off": lambda: endpoints.switch_off(endpoint, "Off."),
            "replay": lambda: endpoints.replay(delivery),
            "end of account": lambda: delete_account(User.objects.get(pk=owner.pk)),
        }
        return work_on, acts[change]

    for one, two in every_interleaving(other_way_round(prepare) if turned else prepare):
        worker, person = (two, one) if turned else (one, two)
        person.result()
        if change == "end of account":
            assert not Endpoint.objects.filter(owner=work[1]).exists()
        else:
            worker.result()
            assert Job.objects.get(pk=work[0]).status == JobStatus.FAILED
