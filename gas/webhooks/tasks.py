"""Tasks of webhooks. Sending has a queue of its own, so that slow receivers hold up nothing else."""

from uuid import UUID

from django.conf import settings

from gas import rounds
from gas.celery import app
from gas.tasknames import DELIVER_WEBHOOK, TEND_WEBHOOKS
from gas.webhooks import delivering
from gas.webhooks.sending import WHOLE_SECONDS


@app.task(name=DELIVER_WEBHOOK, soft_time_limit=WHOLE_SECONDS, time_limit=WHOLE_SECONDS + 30)
def deliver(endpoint_id: str) -> None:
    """Send the most overdue delivery of an endpoint."""
    delivering.deliver(UUID(endpoint_id))


@app.task(name=TEND_WEBHOOKS)
def tend() -> None:
    """Send what lost its message or was delayed for long, and remove old deliveries and secrets."""
    if not rounds.just_taken("webhooks", settings.SWEEP_SECONDS):
        delivering.tend()
