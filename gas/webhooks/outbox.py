"""Write down the events that endpoints are owed, in the transaction of what they report, and when they are due.

The rows are the truth: a message only wakes a worker, and the sweep sends another for each that was lost.
"""

from collections.abc import Sequence
from math import ceil
from typing import Any
from uuid import UUID

from django.db.models.signals import pre_delete
from django.dispatch import receiver

from gas import clock
from gas.aws.broker import MAX_DELAY_SECONDS
from gas.jobs.models import Job
from gas.jobs.storage.purge import is_of_person
from gas.tasknames import DELIVER_WEBHOOK, send_after_commit
from gas.webhooks.events import DELETED_STATE, Event, body, event_of
from gas.webhooks.models import Delivery, Endpoint


def record_move(jobs: Sequence[UUID], machine: str, seen: str, to: str) -> None:
    """Within the transaction of a move: owe its event to the owners' endpoints. Registered in `move_listeners`."""
    if event := event_of(machine, seen, to):
        _owe(event, jobs, state=to)


@receiver(pre_delete, sender=Job)
def record_deletion(instance: Job, origin: Any = None, **_: Any) -> None:
    """Within the transaction of a deletion: owe its event, once.

    `gas.jobs.storage.purge`, whose receiver runs first, has locked the rows. Nothing is owed for an upload that was
    never finished, or when the whole account goes.
    """
    if is_of_person(origin) or instance.is_unfinished_upload:
        return
    if Job.objects.filter(pk=instance.pk).exists():  # else another deletion was quicker, and has reported it
        _owe(Event.DELETED, [instance.pk], state=DELETED_STATE)


def wake(endpoint: UUID, *, delay: float = 0) -> None:
    """After the commit, send the message that has a worker look at an endpoint; one due later is left to the sweep.

    Args:
        endpoint: its id.
        delay: seconds until its next delivery is due.
    """
    if delay <= MAX_DELAY_SECONDS - 1:
        # One second more: SQS counts whole ones, and a worker that comes early finds nothing due.
        send_after_commit(DELIVER_WEBHOOK, endpoint, countdown=ceil(delay) + 1 if delay else 0)


def owe(endpoint: Endpoint, event: str) -> Delivery:
    """Within a transaction that holds the owner: owe an endpoint an event about no job, and wake a worker."""
    delivery = Delivery.objects.create(endpoint=endpoint, event=event, body=body(event, clock.now()))
    wake(endpoint.pk)
    return delivery


def _owe(event: Event, jobs: Sequence[UUID], *, state: str) -> None:
    rows = Endpoint.objects.filter(owner__jobs__in=jobs, owner__is_active=True, disabled_at=None)
    wanted = [(pk, job) for pk, job, events in rows.values_list("pk", "owner__jobs", "events") if event in events]
    if not wanted:
        return
    now = clock.now()
    Delivery.objects.bulk_create(
        Delivery(
            endpoint_id=pk,
            event=event,
            job=job,
            body=body(event, now, job=job, state=state),
            created_at=now,
            due_at=now,
        )
        for pk, job in wanted
    )
    for pk in {pk for pk, _ in wanted}:
        wake(pk)
