"""Completion notices: a faster way in addition to polls.

Glacier's topic, or the results bucket, sends a message to a queue when a retrieval is done. A notice is only a hint: it
triggers a poll of its batch, which asks Glacier itself. With notices enabled, polls are a safety net and can be rare
(POLL_STANDARD_SECONDS can be long).
"""

import logging

from django.conf import settings

from gas.aws import queues
from gas.aws.notices import parse
from gas.jobs.models import RestoreBatch
from gas.jobs.states import ResultState
from gas.tasknames import POLL_ONCE, send_after_commit

log = logging.getLogger(__name__)


def read_notices() -> int:
    """Read the queue, and send a poll for each batch that a notice is about. Returns the number of batches."""
    if not settings.GLACIER_NOTICES_QUEUE:
        return 0
    woken: set[int] = set()
    for message in queues.receive(settings.GLACIER_NOTICES_QUEUE):
        for notice in parse(message.body):
            woken |= set(
                RestoreBatch.objects.filter(
                    finished_at=None,
                    results__state=ResultState.RESTORING,
                    results__archive_route=notice.route,
                    results__archive_id=notice.archive_id,
                ).values_list("pk", flat=True)
            )
        message.delete()
    for batch in woken:
        send_after_commit(POLL_ONCE, batch)
    return len(woken)
